//! Real replies of football-data.org, from the folder that `REAL_DATA` names: each decodes to the result that really was, or
//! is held as running by a rule that has a name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use shared::provider::football_data_decode::{Kind, decode};

use crate::seasons::{files, read, real_data};

fn folder(name: &str) -> Option<PathBuf> {
    Some(real_data()?.join("football-data").join(name))
}

fn decoded(kind: Kind, reply: &Value) -> Value {
    decode(kind, &reply.to_string()).unwrap()
}

/// `3-3 (4-2 pens)`.
fn score(m: &Value) -> String {
    let goals = |score: &Value| format!("{}-{}", score["home"], score["away"]);
    match &m["score"] {
        Value::Null => String::new(),
        score => match &score["shootout"] {
            Value::Null => goals(score),
            shootout => format!("{} ({}-{} pens)", goals(score), shootout[0], shootout[1]),
        },
    }
}

#[test]
fn a_list_is_read_as_a_whole_or_says_what_it_holds_back() {
    let Some(folder) = folder("matches") else { return };
    let mut read_as = BTreeMap::new();
    for file in files(&folder) {
        let list = decoded(Kind::Matches, &read(&file));
        let reading = &list["reading"];
        let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
        for m in reading["matches"].as_array().unwrap() {
            *statuses.entry(m["status"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let refused = reading["refused"].as_array().unwrap().iter().map(|refusal| refusal["field"].clone());
        let remarks = reading["remarks"].as_array().unwrap().iter().map(|remark| remark["text"].clone());
        let said: Vec<Value> = refused.chain(remarks).collect();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        read_as.insert(name, (statuses, reading["open_slots"].clone(), list["current"].clone(), said));
    }
    insta::assert_debug_snapshot!(read_as);
}

#[test]
fn no_poll_of_a_match_ever_shows_a_result_that_was_not() {
    let Some(folder) = folder("timeline") else { return };
    let official = BTreeMap::from([
        ("correction_portugal-croatia", "2-1"),
        ("extra-time_argentina-switzerland", "3-1"),
        ("extra-time_belgium-senegal", "3-2"),
        ("extra-time_norway-england", "1-2"),
        ("final_spain-argentina", "1-0"),
        ("kickoff-moved_mexico-england", "2-3"),
        ("odd-status_south-africa-canada", "0-1"),
        ("shootout_australia-egypt", "1-1 (2-4 pens)"),
        ("shootout_germany-paraguay", "1-1 (3-4 pens)"),
        ("shootout_netherlands-morocco", "1-1 (2-3 pens)"),
        ("shootout_switzerland-colombia", "0-0 (4-3 pens)"),
        ("stale_czechia-mexico", "0-3"),
    ]);
    for file in files(&folder) {
        let name = file.file_stem().unwrap().to_string_lossy().replace("wc-2026_", "");
        let mut results = Vec::new();
        for poll in read(&file).as_array().unwrap() {
            // A status that is a date is an error that names the field.
            let Ok(reading) = decode(Kind::Match, &poll["match"].to_string()) else {
                assert!(poll["match"]["status"].as_str().unwrap().starts_with("2026-"), "{name}: {poll}");
                continue;
            };
            let ended = reading["matches"].as_array().unwrap().iter().filter(|m| m["status"] == "ended");
            results.extend(ended.map(score));
        }
        results.dedup();
        let expected: Vec<&str> = official.get(name.as_str()).copied().into_iter().collect();
        assert_eq!(results, expected, "{name}");
    }
}

#[test]
fn the_world_cup_of_2022_has_the_results_of_our_own_season_file() {
    let Some(folder) = folder("matches") else { return };
    let ours = read(std::path::Path::new("../local/seasons/2022-world-cup.json"));
    let mut expected: Vec<String> = Vec::new();
    for fixture in ours["matches"].as_array().unwrap() {
        let score = &fixture["score"];
        let goals = |goals: &Value| format!("{}-{}", goals[0], goals[1]);
        let result = goals(if score["et"].is_null() { &score["ft"] } else { &score["et"] });
        let shootout =
            if score["p"].is_null() { String::new() } else { format!(" ({} pens)", goals(&score["p"])) };
        let team = |side: &str| fixture[side].as_str().unwrap().replace("USA", "United States");
        expected.push(format!("{} {result}{shootout} {}", team("team1"), team("team2")));
    }
    for name in ["wc-2022_complete", "wc-2022_complete-unfolded"] {
        let list = decoded(Kind::Matches, &read(&folder.join(format!("{name}.json"))));
        let reading = &list["reading"];
        let team = |id: &Value| {
            let mut teams = reading["teams"].as_array().unwrap().iter();
            teams.find(|team| team["external_id"] == *id).unwrap()["name"].as_str().unwrap().to_owned()
        };
        let mut results: Vec<String> = (reading["matches"].as_array().unwrap().iter())
            .map(|m| format!("{} {} {}", team(&m["home"]), score(m), team(&m["away"])))
            .collect();
        results.sort();
        expected.sort();
        assert_eq!(results, expected, "{name}");
    }
}

#[test]
fn every_other_reply_is_read() {
    for (name, kind) in
        [("match", Kind::Match), ("standings", Kind::Standings), ("teams", Kind::Teams), ("day", Kind::Day)]
    {
        let Some(folder) = folder(name) else { return };
        for file in files(&folder) {
            let read = decoded(kind, &read(&file));
            assert_eq!(
                read.get("unread").unwrap_or(&serde_json::json!([])),
                &serde_json::json!([]),
                "{file:?}"
            );
            let refused = read.pointer("/reading/refused").or(read.get("refused"));
            assert!(refused.is_none_or(|refused| refused.as_array().unwrap().is_empty()), "{file:?}");
        }
    }
}
