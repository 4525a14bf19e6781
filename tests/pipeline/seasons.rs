//! Real seasons and real replies, from the folder that `REAL_DATA` names; skipped with a notice where it is unset.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use football::domain::StandingsMode;
use football::plan::standings::{self, StandingsTerms};
use local::replay::{Bracket, Season, View};
use local::summary::Summary;
use serde_json::Value;
use shared::provider::decode::{self, Kind, decode};

use crate::played::Play;

pub(crate) fn real_data() -> Option<PathBuf> {
    let data = std::env::var_os("REAL_DATA").filter(|path| !path.is_empty()).map(PathBuf::from);
    if data.is_none() {
        println!("left out: REAL_DATA names no folder of real seasons and replies");
    }
    data
}

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// `team points goals` of the table that a file calls official.
fn official_table(file: &Value) -> Vec<String> {
    let rows = file["final_table"].as_array().unwrap().iter();
    rows.map(|row| {
        let team = row["team"].as_str().unwrap();
        format!("{team} {} {}:{}", row["pts"], row["gf"], row["ga"])
    })
    .collect()
}

/// The table of a league that its functions compute equals the file's official one, row by row.
async fn comes_out_as_its_official_table(league: &str, play: impl FnOnce(Play) -> Play) {
    let Some(data) = real_data() else { return };
    let file = data.join(format!("seasons/leagues/{league}.json"));
    let summary = play(Play::file(&file)).run().await.summary;
    assert_eq!(summary.problems(), Vec::<String>::new(), "{league}");
    let rows = summary.standings.iter().flat_map(|group| &group.rows);
    let ours: Vec<String> = rows
        .map(|row| format!("{} {} {}:{}", row.team, row.points, row.goals_for, row.goals_against))
        .collect();
    assert_eq!(ours, official_table(&read(&file)), "{league}");
}

// Every kind of rule is tested in process below; these run the functions, two by schedules, two after the season's end.

#[tokio::test]
async fn a_league_that_goes_by_head_to_head_by_schedules_alone() {
    comes_out_as_its_official_table("primeira-liga_2023-24", |play| play).await;
}

#[tokio::test]
async fn a_league_with_a_deduction_by_schedules_alone() {
    comes_out_as_its_official_table("efl-league-two_2013-14", |play| play).await;
}

#[tokio::test]
async fn a_league_that_goes_by_goal_difference_begun_when_it_is_over() {
    comes_out_as_its_official_table("eredivisie_2024-25", Play::bulk).await;
}

#[tokio::test]
async fn a_league_that_goes_by_wins_begun_when_it_is_over() {
    comes_out_as_its_official_table("brasileirao-serie-a_2025_as-of-2025-11-09", Play::bulk).await;
}

/// The replay provider's answers for a finished league, decoded and computed as the functions do.
#[test]
fn every_real_league_comes_out_as_its_official_table() {
    let Some(data) = real_data() else { return };
    let mut leagues = 0;
    for file in files(&data.join("seasons/leagues")) {
        let season = Season::load(&file).unwrap();
        let bracket = Bracket::of(&season);
        let view = View { season: &season, bracket: &bracket, now: season.last_end() + TimeDelta::days(1) };
        let mut matches = Vec::new();
        let mut names = BTreeMap::new();
        for listed in view.rounds()["rounds"].as_array().unwrap() {
            let number = u32::try_from(listed["round"].as_u64().unwrap()).unwrap();
            let events = view.round_events(number, listed["slug"].as_str(), listed["prefix"].as_str());
            let reading = decode::round(&number.to_string(), &events.unwrap().to_string()).unwrap();
            assert_eq!(reading.refused, [], "{}", file.display());
            names.extend(reading.teams.into_iter().map(|team| (team.external_id, team.name)));
            matches.extend(reading.matches);
        }
        let tables = decode::tables(&view.standings().unwrap().to_string()).unwrap();
        let (name, mode) = (|team: &str| names[team].clone(), StandingsMode::UniqueGroup);
        let plan = standings::plan(matches, name, mode, StandingsTerms::default(), Some((&tables, view.now)));
        let ours: Vec<String> = plan
            .table
            .rows
            .iter()
            .map(|row| format!("{} {} {}:{}", names[&row.team], row.points, row.goals_for, row.goals_against))
            .collect();
        assert_eq!(ours, official_table(&read(&file)), "{}", file.display());
        let found = plan.check.unwrap();
        assert_eq!((found.drift, found.lag, found.order), (vec![], vec![], vec![]), "{}", file.display());
        leagues += 1;
    }
    assert!(leagues > 30, "the folder is not empty");
}

/// A real season without a table in its source, given the rule and the order and points that became official.
async fn ends_officially(mut file: Value, rules: &str, official: &[(&str, i64)]) {
    let teams: Vec<String> =
        file["teams"].as_array().unwrap().iter().map(|team| team.as_str().unwrap().to_owned()).collect();
    let mut counted: BTreeMap<&str, i64> = BTreeMap::new();
    for row in file["matches"].as_array().unwrap().iter().filter(|row| is_of_table(row)) {
        for (team, points) in points(row) {
            *counted.entry(&teams[team]).or_default() += points;
        }
    }
    let rows = official.iter().map(|(team, points)| {
        serde_json::json!({ "team": team, "pts": points, "pts_adjustment": points - counted[team] })
    });
    let rows: Vec<Value> = rows.collect();
    file["final_table"] = rows.into();
    file["tie_break_rules"] = rules.into();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("season.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let summary = Play::file(&path).bulk().run().await.summary;
    assert_eq!(summary.problems(), Vec::<String>::new());
    let ours: Vec<(&str, i64)> =
        summary.standings[0].rows.iter().map(|row| (row.team.as_str(), i64::from(row.points))).collect();
    assert_eq!(ours, official);
}

/// Whether a row of a compact file is a played match of the league itself.
fn is_of_table(row: &Value) -> bool {
    !row[4].is_null() && row[1].as_str().is_none_or(|round| round.contains(','))
}

/// The points of a match of a compact file for both sides (indices into the file's teams).
fn points(row: &Value) -> [(usize, i64); 2] {
    let number = |at: usize| row[at].as_u64().unwrap();
    let worth = |made: u64, conceded: u64| match made.cmp(&conceded) {
        std::cmp::Ordering::Greater => 3,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Less => 0,
    };
    let [home, away] = [2, 3].map(|at| usize::try_from(number(at)).unwrap());
    [(home, worth(number(4), number(5))), (away, worth(number(5), number(4)))]
}

/// The Dutch and the Belgian league of 2019-20, ended early by their associations.
#[tokio::test]
async fn curtailed_seasons_end_as_they_stood() {
    let Some(data) = real_data() else { return };
    let file = |name: &str| read(&data.join(format!("seasons/results_only/{name}.json")));
    let dutch = [
        ("AFC Ajax", 56),
        ("AZ Alkmaar", 56),
        ("Feyenoord", 50),
        ("PSV Eindhoven", 49),
        ("Willem II", 44),
        ("FC Utrecht", 41),
        ("Vitesse", 41),
        ("Heracles Almelo", 36),
        ("FC Groningen", 35),
        ("sc Heerenveen", 33),
        ("Sparta Rotterdam", 33),
        ("FC Emmen", 32),
        ("VVV-Venlo", 28),
        ("FC Twente", 27),
        ("PEC Zwolle", 26),
        ("Fortuna Sittard", 26),
        ("ADO Den Haag", 19),
        ("RKC Waalwijk", 15),
    ];
    ends_officially(file("eredivisie-ned_2019-20"), "points, goal difference, goals scored", &dutch).await;
    // Wins decide first: Zulte Waregem is above Mouscron, who have the better goal difference.
    let belgian = [
        ("Club Brugge KV", 70),
        ("KAA Gent", 55),
        ("Sporting Charleroi", 54),
        ("Royal Antwerp FC", 53),
        ("Standard Liège", 49),
        ("KV Mechelen", 44),
        ("KRC Genk", 44),
        ("RSC Anderlecht", 43),
        ("SV Zulte Waregem", 36),
        ("Royal Excel Mouscron", 36),
        ("KV Kortrijk", 33),
        ("Sint-Truidense VV", 33),
        ("KAS Eupen", 30),
        ("Cercle Brugge", 23),
        ("KV Oostende", 22),
        ("Waasland-Beveren", 20),
    ];
    let rules = "points, wins, goal difference, goals scored";
    ends_officially(file("pro-league-bel_2019-20"), rules, &belgian).await;
}

/// The Austrian league of 2020-21: after 22 rounds points were halved, and the upper six and the lower six played on among
/// themselves. The seventh has more points than the fourth.
#[tokio::test]
async fn a_season_that_splits_and_halves_its_points_ends_by_sections() {
    let Some(data) = real_data() else { return };
    let mut file = read(&data.join("seasons/results_only/bundesliga-aut_2020-21.json"));
    let official = [
        ("RB Salzburg", 51),
        ("Rapid Wien", 36),
        ("Sturm Graz", 36),
        ("LASK", 30),
        ("Wolfsberger AC", 27),
        ("WSG Tirol", 23),
        ("TSV Hartberg", 32),
        ("Austria Wien", 29),
        ("SV Ried", 25),
        ("SCR Altach", 23),
        ("FC Admira Wacker", 19),
        ("SKN St. Pölten", 13),
    ];
    let teams = file["teams"].clone();
    for row in file["matches"].as_array_mut().unwrap() {
        let home = &teams[usize::try_from(row[2].as_u64().unwrap()).unwrap()];
        let upper = official.iter().position(|(team, _)| home == team).unwrap() < 6;
        if let Some(round) = row[1].as_u64().filter(|round| *round > 22) {
            let section = if upper { "Championship" } else { "Relegation" };
            row[1] = format!("{section}, {}", round - 22).into();
        }
    }
    ends_officially(file, "points, goal difference, goals scored", &official).await;
}

/// Winners of ties as the file has them, by the pair of teams in order of name.
fn real_winners(file: &Value) -> BTreeMap<BTreeSet<String>, String> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let ties = file["ties"].as_array().map(|ties| {
        ties.iter().map(|tie| {
            (tie["legs"][0]["home"].clone(), tie["legs"][0]["away"].clone(), tie["winner"].clone())
        })
    });
    let singles = file["knockout"]
        .as_array()
        .map(|matches| matches.iter().map(|m| (m["home"].clone(), m["away"].clone(), m["winner"].clone())));
    ties.into_iter()
        .flatten()
        .chain(singles.into_iter().flatten())
        .filter_map(|(home, away, winner)| {
            Some((BTreeSet::from([text(&home)?, text(&away)?]), text(&winner)?))
        })
        .collect()
}

async fn cup_comes_out(season: &str, knockouts: &str, rules: Option<&str>) -> Option<Summary> {
    let data = real_data()?;
    let mut play = Play::file(&data.join("openfootball").join(season));
    if let Some(text) = rules {
        play = play.rules(&serde_json::json!({ "tie_breaking_rule": text }).to_string());
    }
    let summary = play.run().await.summary;
    assert_eq!(summary.problems(), Vec::<String>::new());
    let file = read(&data.join("seasons/knockouts").join(knockouts));
    let expected = real_winners(&file);
    let ours: BTreeMap<BTreeSet<String>, String> = summary
        .bracket
        .iter()
        .flat_map(|round| &round.ties)
        .filter_map(|tie| Some((BTreeSet::from([tie.home.clone()?, tie.away.clone()?]), tie.winner.clone()?)))
        .collect();
    assert!(expected.len() >= 14, "the file has its ties");
    for (pair, winner) in &expected {
        assert_eq!(ours.get(pair), Some(winner), "{pair:?}");
    }
    assert_eq!(summary.champion.as_deref(), file["champion"].as_str());
    Some(summary)
}

#[tokio::test]
async fn a_champions_league_with_two_legs_and_away_goals_by_schedules_alone() {
    let Some(summary) = cup_comes_out("2018-19_uefa.cl.json", "champions-league_2018-19.json", None).await
    else {
        return;
    };
    let decided: Vec<_> = summary
        .bracket
        .iter()
        .flat_map(|round| &round.ties)
        .filter_map(|tie| tie.decided_by.as_deref())
        .collect();
    assert_eq!(decided.iter().filter(|by| **by == "away-goals").count(), 3);
    assert_eq!(summary.matches.open, 0);
}

#[tokio::test]
async fn a_champions_league_with_a_league_phase_up_to_its_final() {
    let Some(data) = real_data() else { return };
    let season = data.join("openfootball/2024-25_uefa.cl.json");
    // The source has no score of the final.
    let summary = Play::file(&season).until("2025-05-31").run().await.summary;
    assert_eq!(summary.standings.len(), 1);
    let table = &summary.standings[0].rows;
    assert_eq!((table.len(), table[0].team.as_str(), table[0].points), (36, "Liverpool FC (ENG)", 21));
    let ours: Vec<(&str, usize, usize)> = summary
        .bracket
        .iter()
        .map(|round| {
            (
                round.round.as_str(),
                round.ties.len(),
                round.ties.iter().filter(|tie| tie.winner.is_some()).count(),
            )
        })
        .collect();
    let wanted = [
        ("playoff-round", 8, 8),
        ("round-of-16", 8, 8),
        ("quarterfinals", 4, 4),
        ("semifinals", 2, 2),
        ("final", 1, 0),
    ];
    assert_eq!(ours, wanted);
    let the_final = &summary.bracket[4].ties[0];
    let finalists: BTreeSet<_> =
        [&the_final.home, &the_final.away].into_iter().flatten().map(String::as_str).collect();
    assert_eq!(finalists, BTreeSet::from(["FC Internazionale Milano (ITA)", "Paris Saint-Germain FC (FRA)"]));
}

#[tokio::test]
async fn a_european_championship_with_head_to_head_and_best_thirds_by_schedules_alone() {
    let rule = "1. Head-to-head games between the teams concerned 1a. Points total 1b. Goal difference \
                1c. Goals scored 2. Goal difference 3. Goals scored";
    let Some(summary) = cup_comes_out("2020_euro.json", "euro_2020.json", Some(rule)).await else { return };
    let group_f: Vec<_> =
        summary.standings[5].rows.iter().map(|row| (row.team.as_str(), row.points)).collect();
    // Germany beat Portugal, who have the better goal difference.
    assert_eq!(group_f, [("France", 5), ("Germany", 4), ("Portugal", 4), ("Hungary", 2)]);
}

#[tokio::test]
async fn a_world_cup_with_its_group_tables_by_schedules_alone() {
    let Some(summary) = cup_comes_out("2014_worldcup.json", "world-cup_2014.json", None).await else {
        return;
    };
    let Some(data) = real_data() else { return };
    let file = read(&data.join("seasons/knockouts/world-cup_2014.json"));
    // The two sources spell some names differently: places are compared by their numbers.
    for (ours, official) in summary.standings.iter().zip(file["group_tables"].as_array().unwrap()) {
        let ours: Vec<String> = ours
            .rows
            .iter()
            .map(|row| {
                format!(
                    "{} {}-{}-{} {}:{}",
                    row.points, row.wins, row.draws, row.losses, row.goals_for, row.goals_against
                )
            })
            .collect();
        let official: Vec<String> = official["standings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let number = |name: &str| row[name].to_string();
                let record = format!("{}-{}-{}", number("won"), number("drawn"), number("lost"));
                format!("{} {record} {}:{}", number("pts"), number("goals_for"), number("goals_against"))
            })
            .collect();
        assert_eq!(ours, official);
    }
}

#[test]
fn every_real_reply_decodes_or_is_refused_with_its_field() {
    let Some(data) = real_data() else { return };
    let mut decoded = 0;
    let mut refused = Vec::new();
    for (folder, kind) in [
        ("rounds", Kind::Rounds),
        ("events-round", Kind::Round),
        ("events-round/premier-league-15-16", Kind::Round),
        ("season-events-assembled", Kind::Round),
        ("standings", Kind::Standings),
        ("cuptrees", Kind::Cuptrees),
        ("event", Kind::Event),
        ("scheduled-events", Kind::ScheduledEvents),
        ("live-events", Kind::ScheduledEvents),
        ("errors", Kind::Round),
    ] {
        for file in files(&data.join("sofascore").join(folder)).iter().filter(|file| file.is_file()) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            match decode(kind, &std::fs::read_to_string(file).unwrap()) {
                Ok(_) => decoded += 1,
                Err(error) => refused.push((folder, name, error.to_string())),
            }
        }
    }
    assert!(decoded > 60, "{decoded}");
    for (folder, name, error) in &refused {
        let why = match (*folder, name.contains("suspect"), name.as_str()) {
            ("errors", ..) => error.contains("refuses to answer"),
            (_, true, _) => error.contains("contradicts itself"),
            // Not a reply but a list of scores from many replies.
            (_, _, "score-fragments_2025-2026.json") => error.contains("missing field `event`"),
            _ => false,
        };
        assert!(why, "{folder}/{name}: {error}");
    }
}
