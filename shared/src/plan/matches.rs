//! Which matches of a reading are new, changed or as they were, and which must not be taken.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::{Match, MatchStatus, StoredMatch};

/// What a reading of the provider means for the stored matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MatchPlan {
    /// Matches to hand to the database: new, changed and unchanged alike (it writes only what differs, and says what did).
    #[serde(skip)]
    pub write: Vec<Match>,
    /// The provider's ids of matches not stored yet.
    pub new: Vec<String>,
    /// What changes, match by match.
    pub changes: Vec<Change>,
    /// What the provider says and we do not take.
    pub held: Vec<Held>,
}

/// One stored match that the provider tells differently now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The provider's event id.
    pub external_id: String,
    /// What changed, as `field: old → new`.
    pub fields: Vec<String>,
    /// The final result of a match the application had already scored: its members' points are now wrong.
    pub corrects_scored_result: bool,
}

impl Change {
    /// Whether other teams play than before.
    pub fn moves_teams(&self) -> bool {
        self.fields.iter().any(|field| field.starts_with("home: ") || field.starts_with("away: "))
    }
}

/// A match whose payload was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The provider's event id.
    pub external_id: String,
    /// Why.
    pub reason: HeldReason,
}

/// Why a payload was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HeldReason {
    /// The stored row comes from a newer payload.
    Stale,
    /// It would reopen or blank an ended match.
    WouldReopen,
}

/// Compares a reading with what is stored. Of several payloads for one match the one changed last wins.
pub fn plan(reading: &[Match], stored: &[StoredMatch]) -> MatchPlan {
    let stored: HashMap<&str, &StoredMatch> =
        stored.iter().map(|row| (row.known.external_id.as_str(), row)).collect();
    let mut plan = MatchPlan::default();
    for read in newest_of_each(reading) {
        let Some(row) = stored.get(read.external_id.as_str()) else {
            plan.new.push(read.external_id.clone());
            plan.write.push(read.clone());
            continue;
        };
        if let Some(reason) = why_not(read, &row.known) {
            plan.held.push(Held { external_id: read.external_id.clone(), reason });
            continue;
        }
        let fields = differences(&row.known, read);
        if !fields.is_empty() {
            plan.changes.push(Change {
                external_id: read.external_id.clone(),
                corrects_scored_result: row.scored && row.known.score != read.score,
                fields,
            });
        }
        plan.write.push(read.clone());
    }
    plan
}

fn newest_of_each(reading: &[Match]) -> Vec<&Match> {
    let mut newest: HashMap<&str, &Match> = HashMap::new();
    for read in reading {
        let kept = newest.entry(&read.external_id).or_insert(read);
        if read.changed_at > kept.changed_at {
            *kept = read;
        }
    }
    let mut matches: Vec<_> = newest.into_values().collect();
    matches.sort_by(|a, b| (a.kickoff, &a.external_id).cmp(&(b.kickoff, &b.external_id)));
    matches
}

fn why_not(read: &Match, stored: &Match) -> Option<HeldReason> {
    if read.changed_at.is_some() && read.changed_at < stored.changed_at {
        return Some(HeldReason::Stale);
    }
    let reopens = read.status != MatchStatus::Ended || read.score.is_none();
    (stored.status == MatchStatus::Ended && reopens).then_some(HeldReason::WouldReopen)
}

fn differences(old: &Match, new: &Match) -> Vec<String> {
    fn text<T: std::fmt::Display>(value: Option<T>) -> String {
        value.map_or_else(|| "none".to_owned(), |value| value.to_string())
    }
    let mut fields = Vec::new();
    let mut note = |field: &str, old: String, new: String| {
        if old != new {
            fields.push(format!("{field}: {old} → {new}"));
        }
    };
    note("score", text(old.score), text(new.score));
    note("status", old.status.to_string(), new.status.to_string());
    note("kickoff", text(old.kickoff), text(new.kickoff));
    note("round", old.round_slug.clone(), new.round_slug.clone());
    note("group", old.group_name.clone(), new.group_name.clone());
    note("home", old.home.clone(), new.home.clone());
    note("away", old.away.clone(), new.away.clone());
    fields
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::Score;

    fn read(id: &str, status: MatchStatus, score: Option<(i32, i32)>, changed: i64) -> Match {
        Match {
            external_id: id.into(),
            round_slug: "1".into(),
            group_name: String::new(),
            home: "10".into(),
            away: "20".into(),
            kickoff: DateTime::from_timestamp(1_000_000, 0),
            status,
            score: score.map(|(home, away)| Score::new(home, away)),
            changed_at: DateTime::from_timestamp(changed, 0),
        }
    }

    fn stored(known: Match) -> StoredMatch {
        StoredMatch { known, scored: false }
    }

    #[test]
    fn an_unchanged_reading_plans_nothing_but_is_offered_to_the_database() {
        let known = read("1", MatchStatus::Ended, Some((2, 1)), 5);
        let plan = plan(std::slice::from_ref(&known), &[stored(known.clone())]);
        assert_eq!((plan.new.len(), plan.changes.len(), plan.held.len(), plan.write.len()), (0, 0, 0, 1));
    }

    #[test]
    fn a_new_match_and_a_goal_are_planned() {
        let before = read("1", MatchStatus::Open, Some((0, 0)), 5);
        let plan = plan(
            &[read("1", MatchStatus::Open, Some((1, 0)), 6), read("2", MatchStatus::Open, None, 0)],
            &[stored(before)],
        );
        assert_eq!(plan.new, ["2"]);
        assert_eq!(plan.changes[0].fields, ["score: 0-0 → 1-0"]);
    }

    #[test]
    fn an_ended_match_is_neither_reopened_nor_blanked() {
        let ended = stored(read("1", MatchStatus::Ended, Some((2, 1)), 5));
        for poorer in [
            read("1", MatchStatus::Open, Some((0, 0)), 9),
            read("1", MatchStatus::NotDefined, None, 9),
            read("1", MatchStatus::Ended, None, 9),
        ] {
            let plan = plan(&[poorer], std::slice::from_ref(&ended));
            assert_eq!(plan.held[0].reason, HeldReason::WouldReopen);
            assert!(plan.write.is_empty());
        }
    }

    #[test]
    fn an_older_payload_is_stale_and_the_newest_of_two_wins() {
        let row = stored(read("1", MatchStatus::Open, Some((1, 0)), 9));
        let older = plan(&[read("1", MatchStatus::Open, Some((0, 0)), 8)], std::slice::from_ref(&row));
        assert_eq!(older.held[0].reason, HeldReason::Stale);
        let both =
            [read("1", MatchStatus::Ended, Some((3, 0)), 12), read("1", MatchStatus::Open, Some((2, 0)), 11)];
        assert_eq!(plan(&both, &[row]).write[0].score, Some(Score::new(3, 0)));
    }

    #[test]
    fn a_correction_after_the_application_scored_it_is_taken_and_said() {
        let row = StoredMatch { known: read("1", MatchStatus::Ended, Some((2, 1)), 5), scored: true };
        let plan = plan(&[read("1", MatchStatus::Ended, Some((2, 2)), 7)], &[row]);
        assert!(plan.changes[0].corrects_scored_result);
        assert_eq!(plan.write.len(), 1);
    }
}
