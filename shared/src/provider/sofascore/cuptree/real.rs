//! Tests on real replies: a cup tree, and the knockout events of whole seasons.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::Value;

use super::*;
use crate::provider::sofascore::event::winner;
use football::domain::knockout::{AwayGoals, Bracket, DecidedBy, KnockoutMatch, Side, Tie, bracket, ties};
use football::domain::{MatchStatus, Score};

fn read(file: &str) -> Option<Value> {
    let Some(data) = std::env::var_os("REAL_DATA").filter(|path| !path.is_empty()) else {
        println!("left out: REAL_DATA names no folder of real replies");
        return None;
    };
    let path = std::path::Path::new(&data).join("sofascore").join(file);
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

/// The provider's slug of a named round, with its prefix; captures by day lack both in `roundInfo`.
fn slug(event: &Value) -> Option<String> {
    let name = event["roundInfo"]["name"].as_str()?.to_lowercase().replace(' ', "-");
    let tournament = event["tournament"]["name"].as_str().unwrap_or_default();
    let early = ["Qualification", "Playoff Round"].iter().any(|stage| tournament.contains(stage));
    Some(if early && !name.starts_with("qualification") { format!("qualification-{name}") } else { name })
}

fn side(code: &Value) -> Option<Side> {
    Side::of(winner(code.as_i64().and_then(|code| i32::try_from(code).ok())?)?)
}

fn knockout_match(event: &Value) -> KnockoutMatch {
    let int = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
    let (home, away) = (&event["homeScore"], &event["awayScore"]);
    let ended = event["status"]["type"] == "finished";
    let score = int(&home["display"]).zip(int(&away["display"])).filter(|_| ended).map(|(h, a)| Score {
        home: h,
        away: a,
        shootout: int(&home["penalties"]).zip(int(&away["penalties"])),
    });
    let team = |side: &str| entrant(serde_json::from_value(event[side].clone()).unwrap(), false);
    KnockoutMatch {
        external_id: event["id"].to_string(),
        round_slug: slug(event).unwrap_or_default(),
        home: team("homeTeam"),
        away: team("awayTeam"),
        kickoff: event["startTimestamp"].as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        status: match event["status"]["type"].as_str() {
            Some("finished") => MatchStatus::Ended,
            Some("postponed" | "canceled") => MatchStatus::NotDefined,
            _ => MatchStatus::Open,
        },
        score,
        extra_time: home.get("overtime").is_some(),
        awarded: event["isAwarded"] == true,
        winner: side(&event["winnerCode"]),
        tie_winner: side(&event["aggregatedWinnerCode"]),
        previous_leg: event["previousLegEventId"].as_i64().map(|id| id.to_string()),
        legs: event["cupMatchesInRound"].as_u64().and_then(|legs| u32::try_from(legs).ok()),
    }
}

type Rounds = Vec<(String, i32, Vec<KnockoutMatch>)>;

/// The knockout rounds, ordered among all rounds by their first kickoff.
fn rounds(file: &str) -> Option<Rounds> {
    let data = read(&format!("season-events-assembled/{file}"))?;
    let mut rounds: BTreeMap<(bool, String), Vec<KnockoutMatch>> = BTreeMap::new();
    for event in data["events"].as_array().unwrap() {
        let key = match slug(event) {
            Some(slug) => (true, slug),
            None => (false, event["roundInfo"]["round"].to_string()),
        };
        rounds.entry(key).or_default().push(knockout_match(event));
    }
    let mut rounds: Vec<_> = rounds.into_iter().collect();
    rounds.sort_by_key(|(_, matches)| matches.iter().filter_map(|game| game.kickoff).min());
    let placed = rounds
        .into_iter()
        .zip(1..)
        .map(|(((knockout, slug), matches), order)| (knockout, (slug, order, matches)));
    Some(placed.filter(|(knockout, _)| *knockout).map(|(_, round)| round).collect())
}

fn joined(rounds: &Rounds, trees: &[Tree]) -> Bracket {
    let part = |(slug, order, matches): &(String, i32, Vec<KnockoutMatch>)| {
        (slug.clone(), *order, ties(slug, matches, AwayGoals::No))
    };
    bracket(&rounds.iter().map(part).collect::<Vec<_>>(), trees)
}

/// The winner of a tie according to the events, computed independently of the code under test.
fn said(tie: &Tie, matches: &[KnockoutMatch]) -> Option<String> {
    let last = matches.iter().find(|game| game.external_id == tie.legs.last().unwrap().external_id)?;
    let side = if last.previous_leg.is_some() { last.tie_winner } else { last.winner };
    let entrant = if side? == Side::Home { &last.home } else { &last.away };
    entrant.team().map(str::to_owned)
}

#[test]
fn ties_of_real_seasons_agree_with_the_provider_and_with_the_next_round() {
    // Ties; decided by the matches alone; by the provider only (the first legs are not in the file); open; winners
    // that appear in the next round's matches; the champion's id.
    for (file, expected, champion) in [
        ("africa-cup-of-nations-2025.json", [16, 16, 0, 0, 14], Some("4739")),
        ("copa-do-brasil-2025.json", [31, 15, 16, 0, 30], Some("1957")),
        ("copa-libertadores-2025.json", [15, 15, 0, 0, 14], Some("5981")),
        ("dfb-pokal-25-26.json", [62, 61, 0, 1, 60], None),
        ("efl-cup-25-26.json", [89, 89, 0, 0, 88], Some("17")),
        ("fifa-club-world-cup-2025.json", [16, 16, 0, 0, 14], Some("38")),
        ("leagues-cup-2025.json", [8, 8, 0, 0, 6], Some("22009")),
        ("uefa-champions-league-25-26.json", [66, 66, 0, 0, 55], None),
    ] {
        let Some(rounds) = rounds(file) else { return };
        let Some(aggregates) = aggregates(file) else { return };
        let mut mute = rounds.clone();
        for game in mute.iter_mut().flat_map(|(_, _, matches)| matches) {
            (game.winner, game.tie_winner) = (None, None);
        }
        let (mut all, mut alone, mut by_word, mut open, mut on) = (0, 0, 0, 0, 0);
        for ((slug, _, matches), (_, _, silent)) in rounds.iter().zip(&mute) {
            let named = ties(slug, matches, AwayGoals::No);
            for (tie, own) in named.iter().zip(ties(slug, silent, AwayGoals::No)) {
                all += 1;
                assert_eq!(tie.notes, Vec::<String>::new());
                assert_eq!(
                    own.aggregate,
                    aggregates
                        .get(&tie.legs.last().unwrap().external_id)
                        .copied()
                        .filter(|_| own.winner.is_some())
                );
                let said = said(tie, matches);
                match (own.winning_team(), tie.decided_by) {
                    (Some(team), _) => {
                        alone += 1;
                        // One match decided by a shootout has the winner code of a draw.
                        assert_eq!(said.as_deref().unwrap_or(team), team, "{file} {tie:#?}");
                    }
                    (None, Some(by)) => {
                        by_word += 1;
                        assert_eq!((by, tie.winning_team()), (DecidedBy::ProviderOnly, said.as_deref()));
                    }
                    (None, None) => open += 1,
                }
            }
        }
        let bracket = joined(&rounds, &[]);
        assert_eq!(bracket.notes, [], "{file}");
        for tie in bracket.rounds.iter().flat_map(|round| &round.ties) {
            let Some((next, team)) = tie.next.as_ref().zip(tie.winning_team()) else { continue };
            let (_, _, matches) = rounds.iter().find(|(slug, ..)| *slug == next.round_slug).unwrap();
            assert!(
                matches
                    .iter()
                    .any(|game| [&game.home, &game.away].iter().any(|side| side.team() == Some(team)))
            );
            on += 1;
        }
        println!(
            "{file}: {all} ties, {alone} by matches, {by_word} by the provider only, {open} open, {on} winners \
             appear in the next round, champion {:?}",
            bracket.champion
        );
        assert_eq!(
            ([all, alone, by_word, open, on], bracket.champion.as_deref()),
            (expected, champion),
            "{file}"
        );
    }
}

/// The provider's aggregates by the event id of the second leg, as the first leg's home and away.
fn aggregates(file: &str) -> Option<BTreeMap<String, (i32, i32)>> {
    let data = read(&format!("season-events-assembled/{file}"))?;
    let goals = |event: &Value, side: &str| {
        event[side]["aggregated"].as_i64().and_then(|goals| i32::try_from(goals).ok())
    };
    let of = |event: &Value| {
        Some((event["id"].to_string(), (goals(event, "awayScore")?, goals(event, "homeScore")?)))
    };
    Some(data["events"].as_array().unwrap().iter().filter_map(of).collect())
}

#[test]
fn a_semifinals_winner_is_in_the_final_before_the_final_is_published() {
    let Some(mut rounds) = rounds("dfb-pokal-25-26.json") else { return };
    rounds.push(("final".to_owned(), 6, Vec::new()));
    let bracket = joined(&rounds, &[]);
    let last = &bracket.rounds[5].ties[0];
    let through: Vec<_> = bracket.rounds[4].ties.iter().filter_map(Tie::winning_team).collect();
    assert_eq!(through.len(), 1);
    assert_eq!([&last.home, &last.away].into_iter().filter_map(Entrant::team).collect::<Vec<_>>(), through);
}

#[test]
fn the_real_cup_tree() {
    let Some(data) = read("cuptrees/africa-cup-of-nations-2025.json") else { return };
    let payload: CupTreesPayload = serde_path_to_error::deserialize(data).unwrap();
    let trees = payload.trees();
    let [tree] = trees.as_slice() else { panic!("{trees:#?}") };
    let columns: Vec<_> = tree.rounds.iter().map(|round| (round.order, round.blocks.len())).collect();
    assert_eq!(columns, [(1, 8), (2, 4), (3, 2), (5, 1)]);
    let Some(rounds) = rounds("africa-cup-of-nations-2025.json") else { return };

    let full = joined(&rounds, &trees);
    assert_eq!((full.notes.as_slice(), full.champion.as_deref()), (&[][..], Some("4739")));
    let mut same = 0;
    for block in tree.rounds.iter().flat_map(|round| &round.blocks) {
        let its = |tie: &&Tie| tie.legs.iter().any(|leg| block.events.contains(&leg.external_id));
        let tie = full.rounds.iter().flat_map(|round| &round.ties).find(its).unwrap();
        assert_eq!(tie.winning_team(), block.winner.as_deref());
        assert_eq!(tie.number, block.order);
        same += 1;
    }
    assert_eq!(same, 15);

    // Rounds not drawn yet are filled from the tree's lines: the pairs must be those that were played.
    for known in 1..rounds.len() {
        let mut early = rounds.clone();
        let last = early[known - 1].2.iter().filter_map(|game| game.kickoff).max();
        early.iter_mut().skip(known).for_each(|(_, _, matches)| matches.clear());
        // The tree as of that evening: of later rounds it has only the lines.
        let mut drawn = trees.clone();
        for block in drawn[0].rounds.iter_mut().flat_map(|round| &mut round.blocks) {
            let played = early
                .iter()
                .flat_map(|(_, _, matches)| matches)
                .any(|game| block.events.contains(&game.external_id));
            if !played {
                (block.finished, block.winner) = (false, None);
                block.events.clear();
                block.participants.iter_mut().for_each(|participant| participant.entrant = None);
            }
        }
        let early = joined(&early, &drawn);
        assert_eq!(early.notes, [], "{known} {last:?}");
        let pairs = |bracket: &Bracket, at: usize| -> Vec<Vec<String>> {
            let pair = |tie: &Tie| {
                let mut teams: Vec<_> =
                    [&tie.home, &tie.away].iter().filter_map(|side| side.team()).map(str::to_owned).collect();
                teams.sort();
                teams
            };
            bracket.rounds[at].ties.iter().map(pair).collect()
        };
        assert_eq!(pairs(&early, known), pairs(&full, known), "after {known} rounds");
    }
}

#[test]
fn no_winner_is_ever_taken_back() {
    for file in ["copa-libertadores-2025.json", "efl-cup-25-26.json", "uefa-champions-league-25-26.json"] {
        let Some(rounds) = rounds(file) else { return };
        let winners = |rounds: &Rounds| -> BTreeMap<String, String> {
            let bracket = joined(rounds, &[]);
            let ties = bracket.rounds.iter().flat_map(|round| &round.ties);
            let decided = ties.filter_map(|tie| {
                Some((tie.legs.first()?.external_id.clone(), tie.winning_team()?.to_owned()))
            });
            decided.collect()
        };
        let last = winners(&rounds);
        let mut evenings: Vec<_> =
            rounds.iter().flat_map(|(_, _, matches)| matches).filter_map(|game| game.kickoff).collect();
        evenings.sort();
        evenings.dedup();
        let mut known = 0;
        for evening in evenings {
            // Later matches are published, but not played.
            let mut early = rounds.clone();
            let first = |matches: &[KnockoutMatch]| matches.iter().filter_map(|game| game.kickoff).min();
            early
                .iter_mut()
                .filter(|(_, _, matches)| first(matches) > Some(evening))
                .for_each(|(_, _, matches)| matches.clear());
            for game in early.iter_mut().flat_map(|(_, _, matches)| matches) {
                if game.kickoff > Some(evening) {
                    (game.winner, game.tie_winner, game.score) = (None, None, None);
                    if game.status == MatchStatus::Ended {
                        game.status = MatchStatus::Open;
                    }
                }
            }
            let now = winners(&early);
            assert!(now.len() >= known, "{file} {evening}");
            assert!(now.iter().all(|(tie, team)| last.get(tie) == Some(team)), "{file} {evening}");
            known = now.len();
        }
        assert_eq!(known, last.len());
    }
}
