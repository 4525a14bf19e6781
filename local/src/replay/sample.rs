//! Tiny seasons for the tests.

use chrono::{DateTime, Utc};

use super::model::{Fixture, Season};

const GROUPS: &str = r#"
    {"round": "Matchday 1", "group": "Group A", "date": "2030-06-01", "team1": "A1", "team2": "A2", "score": {"ft": [2, 0]}},
    {"round": "Matchday 2", "group": "Group B", "date": "2030-06-02", "team1": "B1", "team2": "B2", "score": {"ft": [1, 0]}},
    {"round": "Matchday 3", "group": "Group A", "date": "2030-06-03", "team1": "A2", "team2": "A3", "score": {"ft": [1, 0]}},
    {"round": "Matchday 4", "group": "Group B", "date": "2030-06-04", "team1": "B2", "team2": "B3", "score": {"ft": [1, 0]}},
    {"round": "Matchday 5", "group": "Group A", "date": "2030-06-05", "team1": "A3", "team2": "A1", "score": {"ft": [0, 1]}},
    {"round": "Matchday 6", "group": "Group B", "date": "2030-06-06", "team1": "B3", "team2": "B1", "score": {"ft": [0, 1]}}"#;

/// The instant written as RFC 3339.
pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Two groups of three, two semifinals (the first goes to a shootout), a match for third place, a final.
pub(super) fn cup() -> Season {
    cup_with(
        r#"{"round": "Semi-finals", "date": "2030-06-10", "team1": "A1", "team2": "B2", "score": {"ft": [1, 1], "p": [3, 4]}},
        {"round": "Semi-finals", "date": "2030-06-11", "team1": "B1", "team2": "A2", "score": {"ft": [1, 0]}},
        {"round": "Third place", "date": "2030-06-13", "team1": "A1", "team2": "A2", "score": {"ft": [0, 1]}},
        {"round": "Final", "date": "2030-06-14", "team1": "B2", "team2": "B1", "score": {"ft": [0, 2]}}"#,
    )
}

/// The two groups, then these matches.
pub(super) fn cup_with(knockouts: &str) -> Season {
    Season::parse("cup", &format!(r#"{{"name": "Small Cup 2030", "matches": [{GROUPS}, {knockouts}]}}"#))
        .unwrap()
}

/// A league of one match under this name.
pub(super) fn named(name: &str) -> Season {
    let only = r#"{"round": "Matchday 1", "date": "2030-06-01", "team1": "Home", "team2": {"name": "Away", "code": "AWA"}}"#;
    Season::parse(
        "",
        &format!(r#"{{"name": "{name}", "rounds": [{{"name": "Matchday 1", "matches": [{only}]}}]}}"#),
    )
    .unwrap()
}

/// One match on 1 June 2030 with these further fields.
pub(super) fn one(fields: &str) -> Fixture {
    let text = format!(
        r#"{{"name": "X 2030", "matches": [{{"round": "Matchday 1", "date": "2030-06-01", "team1": "H", "team2": "A", {fields}}}]}}"#
    );
    Season::parse("x", &text).unwrap().fixtures.remove(0)
}
