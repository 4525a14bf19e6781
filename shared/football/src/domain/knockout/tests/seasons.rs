//! Real knockout seasons, each with the winners that another source gives.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

fn knockouts(file: &str) -> Option<Value> {
    let Some(data) = std::env::var_os("REAL_DATA").filter(|path| !path.is_empty()) else {
        println!("left out: REAL_DATA names no folder of real seasons");
        return None;
    };
    let path = std::path::Path::new(&data).join("seasons/knockouts").join(file);
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn pair(value: &Value) -> Option<(i32, i32)> {
    let goal = |at: usize| value.get(at)?.as_i64()?.try_into().ok();
    Some((goal(0)?, goal(1)?))
}

/// `4-2`.
fn dashed(value: &Value) -> Option<(i32, i32)> {
    let (home, away) = value.as_str()?.split_once('-')?;
    Some((home.parse().ok()?, away.parse().ok()?))
}

fn game(id: usize, value: &Value, score: Option<Score>, extra_time: bool) -> KnockoutMatch {
    let date = format!("{}T20:00:00Z", text(value, "date"));
    let mut game = open(id as u32, (text(value, "home"), text(value, "away")), 0);
    game.kickoff = Some(date.parse().unwrap());
    (game.status, game.score, game.extra_time) = (MatchStatus::Ended, score, extra_time);
    game
}

/// A match of the openfootball files: `ft`, `et`, `p`.
fn open_football(id: usize, value: &Value) -> KnockoutMatch {
    let goals = pair(&value["et"]).or_else(|| pair(&value["ft"]));
    let score = goals.map(|(home, away)| Score { home, away, shootout: pair(&value["p"]) });
    game(id, value, score, pair(&value["et"]).is_some())
}

fn slugged(name: &str) -> String {
    name.to_lowercase()
        .replace("semi-finals", "semifinals")
        .replace("quarter-finals", "quarterfinals")
        .replace(' ', "-")
}

/// Home and away of the first leg, and who went through.
type Expected = Vec<(String, String, String)>;

/// The rounds of a season: matches, ties, and the first home side of those that goals scored away decided.
type Season = BTreeMap<String, (Vec<KnockoutMatch>, Expected, Vec<String>)>;

fn european_cup() -> Option<BTreeMap<i64, Season>> {
    let data = knockouts("european-cup-ties.json")?;
    let mut seasons: BTreeMap<i64, Season> = BTreeMap::new();
    let mut id = 0;
    for tie in data["ties"].as_array().unwrap() {
        let season = tie["season"].as_i64().unwrap();
        let round = seasons.entry(season).or_default().entry(text(tie, "round").to_lowercase()).or_default();
        let first = &tie["legs"][0];
        let names = (text(first, "home"), text(first, "away"), text(tie, "winner"));
        for leg in tie["legs"].as_array().unwrap() {
            id += 1;
            let goals = dashed(&leg["after_extra_time"]).or_else(|| dashed(&leg["score90"]));
            let shootout = dashed(&leg["decided_by"]);
            let score = goals.map(|(home, away)| Score { home, away, shootout });
            let mut game = game(id, leg, score, dashed(&leg["after_extra_time"]).is_some());
            game.awarded = leg["decided_by"] == "walkover";
            if leg["decided_by"] == "away goals" {
                round.2.push(names.0.to_owned());
            }
            round.0.push(game);
        }
        round.1.push((names.0.to_owned(), names.1.to_owned(), names.2.to_owned()));
    }
    Some(seasons)
}

#[test]
fn the_european_cup_over_sixty_years() {
    let Some(seasons) = european_cup() else { return };
    let (mut right, mut unclear): (BTreeMap<DecidedBy, usize>, BTreeMap<String, usize>) = Default::default();
    let (mut heard, mut away, mut champions, mut unnamed) = (0, 0, 0, 0);
    for (season, rounds) in seasons {
        // The rule came with the season 1967/68.
        let rule = if season >= 1967 { AwayGoals::Yes } else { AwayGoals::No };
        for (slug, (mut matches, expected, by_away_goals)) in rounds {
            let ties = super::ties(&slug, &matches, rule);
            assert_eq!(ties.len(), expected.len(), "{season} {slug}");
            for tie in &ties {
                let (home, _, winner) =
                    expected.iter().find(|(home, ..)| tie.home.team() == Some(home)).unwrap();
                match tie.decided_by {
                    // The source has no winner for one tie, which goals scored away decided.
                    Some(by) if winner.is_empty() => {
                        assert_eq!((by, tie.winner), (DecidedBy::AwayGoals, Some(Side::Away)));
                        unnamed += 1;
                    }
                    Some(by) => {
                        assert_eq!(tie.winning_team(), Some(winner.as_str()), "{season} {tie:#?}");
                        assert_eq!(
                            by == DecidedBy::AwayGoals,
                            by_away_goals.contains(home),
                            "{season} {tie:#?}"
                        );
                        *right.entry(by).or_default() += 1;
                    }
                    None => *unclear.entry(format!("{:?}", tie.unclear.unwrap())).or_default() += 1,
                }
            }
            // The provider's winner decides the rest, and shows which ties goals scored away decided.
            for game in &mut matches {
                let (_, _, winner) = expected
                    .iter()
                    .find(|(home, away, _)| [home, away].iter().any(|team| game.home.team() == Some(team)))
                    .unwrap();
                let side = if game.home.team() == Some(winner) { Side::Home } else { Side::Away };
                game.tie_winner = Some(side).filter(|_| !winner.is_empty());
            }
            let ties = super::ties(&slug, &matches, AwayGoals::Inferred);
            for tie in &ties {
                let (home, _, winner) =
                    expected.iter().find(|(home, ..)| tie.home.team() == Some(home)).unwrap();
                if winner.is_empty() {
                    assert_eq!(tie.unclear, Some(Unclear::Level { away_goals: Some(Side::Away) }));
                    continue;
                }
                assert_eq!(tie.winning_team(), Some(winner.as_str()));
                assert_eq!(tie.notes, Vec::<String>::new());
                heard += 1;
                let inferred = tie.decided_by == Some(DecidedBy::AwayGoals);
                assert_eq!(inferred, by_away_goals.contains(home), "{season} {tie:#?}");
                away += usize::from(inferred);
            }
            if slug == "final" {
                let bracket = bracket(&[(slug, 1, ties)], &[]);
                champions += usize::from(bracket.champion.as_deref() == Some(&expected[0].2));
            }
        }
    }
    println!(
        "european cup: {right:?}; unclear {unclear:?}; with the provider's word {heard}, away goals {away}, \
         champions {champions}, without a winner in the source {unnamed}"
    );
    assert_eq!(unclear, BTreeMap::from([("Level { away_goals: None }".to_owned(), 3)]), "tosses of a coin");
    assert_eq!(right.values().sum::<usize>(), 1058);
    assert_eq!((heard, away, champions, unnamed), (1061, 65, 31, 1));
}

#[test]
fn international_shootouts() {
    let Some(data) = knockouts("international-shootouts.json") else { return };
    let matches = data.as_array().unwrap();
    let (mut right, mut level, mut missing) = (0, 0, 0);
    for (id, value) in matches.iter().enumerate() {
        let goals = |key: &str| value[key].as_i64().and_then(|goals| i32::try_from(goals).ok());
        let won = text(value, "shootout_winner") == text(value, "home");
        // The source has the winner of the shootout, not its score.
        let shootout = Some(if won { (1, 0) } else { (0, 1) });
        let score = goals("home_score").zip(goals("away_score"));
        let score = score.map(|(home, away)| Score { home, away, shootout });
        let ties = super::ties("round", &[game(id, value, score, false)], AwayGoals::No);
        let Some(score) = score else {
            assert_eq!((ties[0].winner, ties[0].unclear), (None, Some(Unclear::MissingScore)));
            missing += 1;
            continue;
        };
        assert_eq!(ties[0].winning_team(), Some(text(value, "shootout_winner")));
        assert_eq!(ties[0].decided_by, Some(DecidedBy::Shootout));
        right += 1;
        level += usize::from(score.home == score.away);
    }
    println!(
        "shootouts: {right} right, {} of them after an unlevel score; {missing} without a score",
        right - level
    );
    assert_eq!((right, level, missing), (341, 320, 1));
}

#[test]
fn champions_leagues() {
    for (file, by_matches, by_word, champion) in [
        ("champions-league_2012-13.json", 13, 2, Some("Bayern München (GER)")),
        ("champions-league_2014-15.json", 13, 2, Some("FC Barcelona (ESP)")),
        ("champions-league_2016-17.json", 14, 1, Some("Real Madrid (ESP)")),
        ("champions-league_2018-19.json", 12, 3, Some("Liverpool FC (ENG)")),
        ("champions-league_2024-25.json", 20, 2, None),
    ] {
        let Some(data) = knockouts(file) else { return };
        let mut rounds: Vec<(String, Vec<KnockoutMatch>)> = Vec::new();
        let mut id = 0;
        for tie in data["ties"].as_array().unwrap() {
            let slug = slugged(text(tie, "round"));
            if rounds.last().is_none_or(|(last, _)| *last != slug) {
                rounds.push((slug, Vec::new()));
            }
            for leg in tie["legs"].as_array().unwrap() {
                id += 1;
                rounds.last_mut().unwrap().1.push(open_football(id, leg));
            }
        }
        let parts: Vec<_> =
            rounds.iter().zip(1..).map(|((slug, matches), order)| round(slug, order, matches)).collect();
        let alone = parts.iter().flat_map(|(_, _, ties)| ties).filter(|tie| tie.winner.is_some()).count();
        let bracket = bracket(&parts, &[]);
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for tie in bracket.rounds.iter().flat_map(|round| &round.ties) {
            let same = |known: &&Value| {
                slugged(text(known, "round")) == tie.round_slug
                    && tie.side_of(text(&known["legs"][0], "home")).is_some()
            };
            let known = data["ties"].as_array().unwrap().iter().find(same).unwrap();
            assert_eq!(tie.winning_team(), known["winner"].as_str(), "{file} {tie:#?}");
            assert_eq!(tie.decided_by == Some(DecidedBy::AwayGoals), known["decided_by"] == "away goals?");
            if let Some(unclear) = tie.unclear {
                *reasons.entry(unclear.to_string()).or_default() += 1;
            }
            assert_eq!(tie.next.is_none(), tie.round_slug == "final", "{tie:#?}");
        }
        assert_eq!(bracket.champion.as_deref(), champion);
        assert_eq!(champion, data["champion"].as_str());
        assert_eq!(bracket.notes, []);
        println!("{file}: {alone} by matches, {by_word} with the next round, unclear {reasons:?}");
        assert_eq!(alone, by_matches);
        let total = bracket.rounds.iter().flat_map(|round| &round.ties).filter(|tie| tie.winner.is_some());
        assert_eq!(total.count(), by_matches + by_word);
        // Two shootouts that the source has as 4-4, and a final without a score.
        let expected: &[(&str, usize)] =
            if champion.is_none() { &[("level-shootout", 2), ("missing-score", 1)] } else { &[] };
        assert_eq!(
            reasons.iter().map(|(reason, count)| (reason.as_str(), *count)).collect::<Vec<_>>(),
            expected
        );
    }
}

#[test]
fn world_cups_and_a_euro() {
    for (file, count, champion) in [
        ("world-cup_1978.json", 2, "Argentina"),
        ("world-cup_1986.json", 16, "Argentina"),
        ("world-cup_1994.json", 16, "Brazil"),
        ("world-cup_2002.json", 16, "Brazil"),
        ("world-cup_2010.json", 16, "Spain"),
        ("world-cup_2014.json", 16, "Germany"),
        ("world-cup_2022.json", 16, "Argentina"),
        ("euro_2020.json", 15, "Italy"),
    ] {
        let Some(data) = knockouts(file) else { return };
        let known = data["knockout"].as_array().unwrap();
        let mut rounds: Vec<(String, Vec<KnockoutMatch>)> = Vec::new();
        for (id, value) in known.iter().enumerate() {
            // The euro's file names no rounds: its matches are in order.
            let unnamed = ["round-of-16", "quarterfinals", "semifinals", "final"]
                [[8, 12, 14, 15].iter().position(|end| id < *end).unwrap_or(3)];
            let slug = value["round"].as_str().map_or(unnamed.to_owned(), slugged);
            match rounds.iter_mut().find(|(known, _)| *known == slug) {
                Some((_, matches)) => matches.push(open_football(id, value)),
                None => rounds.push((slug, vec![open_football(id, value)])),
            }
        }
        let part = |known: usize| -> Vec<_> {
            let rounds = rounds.iter().enumerate().zip(1..);
            rounds
                .map(|((at, (slug, games)), order)| round(slug, order, if at < known { games } else { &[] }))
                .collect()
        };
        let full = bracket(&part(rounds.len()), &[]);
        assert_eq!(full.notes, []);
        assert_eq!(full.champion.as_deref(), Some(champion));
        assert_eq!(data["champion"], champion);
        let mut right = 0;
        for tie in full.rounds.iter().flat_map(|round| &round.ties) {
            let id: usize = tie.legs[0].external_id.parse().unwrap();
            assert_eq!(tie.winning_team(), known[id]["winner"].as_str(), "{file} {tie:#?}");
            assert_ne!(tie.decided_by, Some(DecidedBy::ProviderOnly));
            right += 1;
        }
        assert_eq!(right, count);
        println!("{file}: {right} right, champion {champion}");
        // With all but the last matches, the final and the match for third place have their teams already.
        let Some(semifinals) = rounds.iter().position(|(slug, _)| slug == "semifinals") else { continue };
        let early = bracket(&part(semifinals + 1), &[]);
        for (early, full) in early.rounds.iter().zip(&full.rounds) {
            let teams = |round: &BracketRound| {
                let mut teams: Vec<_> =
                    round.ties.iter().flat_map(|tie| [tie.home.clone(), tie.away.clone()]).collect();
                teams.sort_by_key(|entrant| entrant.team().map(str::to_owned));
                teams
            };
            assert_eq!(teams(early), teams(full), "{file} {}", early.slug);
        }
    }
}
