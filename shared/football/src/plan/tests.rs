//! Random seasons with random decisions of the competition, through plan and table, against a plain calculator.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::standings::{StandingsTerms, plan as standings};
use crate::domain::standings::{Carried, ProviderRow, ProviderTable};
use crate::domain::{CalledOff, Match, MatchStatus, Score, Stage, StandingsMode, StoredMatch, TieFacts};

const TEAMS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A decision about the match at a place (modulo their number).
#[derive(Debug, Clone)]
enum Decision {
    Annul(usize),
    Award(usize),
    Replay(usize, i32),
    Withdraw(usize),
    Duplicate(usize),
    RemoveDuplicate(usize),
}

fn decision() -> impl Strategy<Value = Decision> {
    let at = 0..40_usize;
    prop_oneof![
        at.clone().prop_map(Decision::Annul),
        at.clone().prop_map(Decision::Award),
        (at.clone(), 0..4).prop_map(|(at, goals)| Decision::Replay(at, goals)),
        at.clone().prop_map(Decision::Withdraw),
        at.clone().prop_map(Decision::Duplicate),
        at.prop_map(Decision::RemoveDuplicate),
    ]
}

fn day(day: usize) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::days(i64::try_from(day).unwrap())
}

/// A season of everybody against everybody, twice, of which these results are known.
fn season(results: &[Option<(i32, i32)>]) -> Vec<Match> {
    let pairs = TEAMS.iter().flat_map(|home| TEAMS.iter().map(move |away| (*home, *away)));
    let pairs = pairs.filter(|(home, away)| home != away);
    pairs
        .zip(results)
        .enumerate()
        .map(|(at, ((home, away), result))| Match {
            external_id: (100 + at).to_string(),
            round_slug: (at / 2 + 1).to_string(),
            stage: Stage::Id("1".into()),
            group_name: String::new(),
            home: home.into(),
            away: away.into(),
            kickoff: Some(day(at)),
            status: if result.is_some() { MatchStatus::Ended } else { MatchStatus::Open },
            called_off: None,
            score: result.map(|(home, away)| Score::new(home, away)),
            changed_at: Some(day(at)),
            tie: TieFacts::default(),
        })
        .collect()
}

/// What the provider has after a decision.
fn decide(matches: &mut Vec<Match>, decision: &Decision, at: DateTime<Utc>) {
    let annul = |m: &mut Match, reason| {
        (m.status, m.called_off, m.score, m.changed_at) =
            (MatchStatus::NotDefined, Some(reason), None, Some(at));
    };
    let place = |place: usize, matches: &[Match]| place % matches.len();
    match *decision {
        Decision::Annul(of) => {
            let of = place(of, matches);
            annul(&mut matches[of], CalledOff::Cancelled);
        }
        Decision::Award(of) => {
            let of = place(of, matches);
            let m = &mut matches[of];
            (m.status, m.called_off, m.score, m.changed_at) =
                (MatchStatus::Ended, None, Some(Score::new(0, 3)), Some(at));
        }
        Decision::Replay(of, goals) => {
            let of = place(of, matches);
            annul(&mut matches[of], CalledOff::Cancelled);
            let again = Match {
                external_id: (1000 + matches.len()).to_string(),
                kickoff: Some(at),
                status: MatchStatus::Ended,
                called_off: None,
                score: Some(Score::new(goals, 1)),
                ..matches[of].clone()
            };
            matches.push(again);
        }
        Decision::Withdraw(team) => {
            let team = TEAMS[team % TEAMS.len()];
            for m in matches.iter_mut().filter(|m| m.home == team || m.away == team) {
                annul(m, CalledOff::Cancelled);
            }
        }
        Decision::Duplicate(of) => {
            let of = place(of, matches);
            let double = Match {
                external_id: (1000 + matches.len()).to_string(),
                changed_at: Some(at),
                ..matches[of].clone()
            };
            matches.push(double);
        }
        Decision::RemoveDuplicate(of) => {
            let doubles: Vec<usize> = (0..matches.len())
                .filter(|one| matches.iter().any(|other| matches[*one].is_double_of(other)))
                .collect();
            if let Some(double) = doubles.get(of % doubles.len().max(1)) {
                annul(&mut matches[*double], CalledOff::Removed);
            }
        }
    }
}

/// Games, points and goals of each team, counting each fixture of a day once: by the entry changed last.
fn calculate(matches: &[Match]) -> BTreeMap<String, (i32, i32, i32, i32)> {
    let mut fixtures: BTreeMap<(&str, &str, DateTime<Utc>), &Match> = BTreeMap::new();
    for m in matches.iter().filter(|m| m.status == MatchStatus::Ended) {
        let kept = fixtures.entry((&m.home, &m.away, m.kickoff.unwrap())).or_insert(m);
        if m.changed_at > kept.changed_at {
            *kept = m;
        }
    }
    let mut table: BTreeMap<String, (i32, i32, i32, i32)> = matches
        .iter()
        .flat_map(|m| [m.home.clone(), m.away.clone()])
        .map(|team| (team, (0, 0, 0, 0)))
        .collect();
    for m in fixtures.into_values() {
        let score = m.score.unwrap();
        for (team, scored, conceded) in [(&m.home, score.home, score.away), (&m.away, score.away, score.home)]
        {
            let points = match scored.cmp(&conceded) {
                std::cmp::Ordering::Greater => 3,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 0,
            };
            let row = table.get_mut(team).unwrap();
            *row = (row.0 + 1, row.1 + points, row.2 + scored, row.3 + conceded);
        }
    }
    table
}

/// The provider's table of these matches, in the order of a table of ours.
fn provider(matches: &[Match]) -> ProviderTable {
    let ours = standings(
        matches.to_vec(),
        str::to_owned,
        StandingsMode::UniqueGroup,
        StandingsTerms::default(),
        None,
    );
    let row = |row: &crate::domain::standings::Row| ProviderRow {
        team: row.team.clone(),
        position: row.order,
        matches: row.games,
        wins: row.wins,
        draws: row.draws,
        losses: row.losses,
        scores_for: row.goals_for,
        scores_against: row.goals_against,
        points: row.points,
        ..ProviderRow::default()
    };
    ProviderTable {
        id: Some("9".into()),
        stage: Some("1".into()),
        group: String::new(),
        carried: Carried::default(),
        tie_breaking_rule: None,
        rows: ours.table.rows.iter().map(row).collect(),
    }
}

/// Reads all rounds but those left out, and stores what the plan writes.
fn read(stored: &mut Vec<StoredMatch>, truth: &[Match], left_out: Option<&str>) {
    let reading: Vec<Match> =
        truth.iter().filter(|m| Some(m.round_slug.as_str()) != left_out).cloned().collect();
    for written in super::matches::plan(&reading, stored).write {
        stored.retain(|row| row.known.external_id != written.external_id);
        stored.push(StoredMatch {
            known: written,
            scored: false,
            doubted: None,
            unknown_status: None,
            lock: None,
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn decisions_are_followed_and_no_difference_is_silent(
        results in prop::collection::vec(prop::option::weighted(0.8, (0..5, 0..5)), 20),
        decisions in prop::collection::vec((decision(), any::<bool>()), 0..8),
    ) {
        let mut truth = season(&results);
        let mut stored = Vec::new();
        read(&mut stored, &truth, None);
        let mut terms = StandingsTerms::default();
        for (at, (decision, is_read)) in (100..).zip(&decisions) {
            decide(&mut truth, decision, day(at));
            // A round that is not read in time leaves ours behind the provider's.
            read(&mut stored, &truth, (!is_read).then_some("1"));
            let known: Vec<Match> = stored.iter().map(|row| row.known.clone()).collect();
            let tables = [provider(&truth)];
            let ours = standings(
                known, str::to_owned, StandingsMode::UniqueGroup, terms.clone(), Some((&tables, day(at + 1))),
            );
            let theirs = calculate(&truth);
            let mut differing: Vec<String> = Vec::new();
            for row in &ours.table.rows {
                let own = (row.games, row.points, row.goals_for, row.goals_against);
                let provider = theirs[&row.team];
                // Points beside the results are an adjustment, which is reported as such.
                if (own.0, own.2, own.3) != (provider.0, provider.2, provider.3) {
                    differing.push(row.team.clone());
                }
            }
            let kinds = |team: &String| ours.terms.differences.iter().any(|noted| noted.subject.teams.contains(team));
            for team in &differing {
                prop_assert!(kinds(team), "{team} differs in silence after {decision:?}");
            }
            if differing.is_empty() && !ours.adjusted && ours.terms.adjustments.is_empty() {
                prop_assert_eq!(&ours.terms.differences, &vec![]);
            }
            // What appears is reported once: what was known and is unchanged is no news.
            for text in &ours.news.appeared {
                prop_assert!(!terms.differences.iter().any(|noted| noted.text == *text && !noted.explained));
            }
            terms = ours.terms;
        }
        // Everything read, both tables are the same, and the calculator's.
        read(&mut stored, &truth, None);
        let known: Vec<Match> = stored.iter().map(|row| row.known.clone()).collect();
        let tables = [provider(&truth)];
        let ours = standings(
            known, str::to_owned, StandingsMode::UniqueGroup, terms, Some((&tables, day(200))),
        );
        prop_assert_eq!(&ours.terms.differences, &vec![]);
        prop_assert_eq!(&ours.terms.adjustments, &vec![]);
        for row in &ours.table.rows {
            let own = (row.games, row.points, row.goals_for, row.goals_against);
            prop_assert_eq!(own, theirs_of(&truth, &row.team), "{}", row.team);
        }
    }
}

fn theirs_of(truth: &[Match], team: &str) -> (i32, i32, i32, i32) {
    calculate(truth)[team]
}
