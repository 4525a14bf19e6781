//! Which matches of a reading are new, changed or unchanged, and which must not be stored.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{CalledOff, Match, MatchStatus, Score, Stage, StoredMatch, TieFacts};

/// What a reading of the provider means for the stored matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MatchPlan {
    /// Matches to pass to the database: new, changed and unchanged. It writes and returns only those that differ.
    #[serde(skip)]
    pub write: Vec<Match>,
    /// The provider's ids of matches not stored yet.
    pub new: Vec<String>,
    /// The stored matches that change.
    pub changes: Vec<Change>,
    /// Matches whose payload is not stored.
    pub held: Vec<Held>,
    /// Locked matches for which the provider has something new: what they would be without their lock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside_locks: Vec<Match>,
    /// Running scores lower than the stored ones, seen for the first time: id and `home-away`.
    pub doubts: Vec<(String, String)>,
    /// Entries that another entry of the same fixture replaces: old id, new id.
    pub superseded: Vec<(String, String)>,
    /// Fixtures that the provider lists twice, where one of the entries is new: the ids. They count once.
    pub doubles: Vec<(String, String)>,
    /// Ids under which the reading has matches of different teams; the one changed last is used.
    pub conflicts: Vec<String>,
}

/// A stored match that differs from the provider's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The provider's event id.
    pub external_id: String,
    /// The fields that differ.
    #[serde(rename = "fields")]
    pub differences: Vec<Difference>,
    /// Whether an ended match changes its score, or loses its result: annulled, removed, to be played again.
    pub corrects_result: bool,
    /// The same, for a match that the application has already scored: its members' points are now wrong.
    pub corrects_scored_result: bool,
}

/// One field of a match whose value differs from the stored one. Shown and serialised as `field: old → new`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a field of a match: what is stored, and what was read")]
pub enum Difference {
    Score { old: Option<Score>, new: Option<Score> },
    Status { old: MatchStatus, new: MatchStatus },
    Kickoff { old: Option<DateTime<Utc>>, new: Option<DateTime<Utc>> },
    Round { old: String, new: String },
    Group { old: String, new: String },
    Home { old: String, new: String },
    Away { old: String, new: String },
    Tie { old: TieFacts, new: TieFacts },
    CalledOff { old: Option<CalledOff>, new: Option<CalledOff> },
    Stage { old: Stage, new: Stage },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = self.values();
        write!(f, "{}: {old} → {new}", self.field())
    }
}

impl Serialize for Difference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Difference {
    /// The name of the field.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Score { .. } => "score",
            Self::Status { .. } => "status",
            Self::Kickoff { .. } => "kickoff",
            Self::Round { .. } => "round",
            Self::Group { .. } => "group",
            Self::Home { .. } => "home",
            Self::Away { .. } => "away",
            Self::Tie { .. } => "tie",
            Self::CalledOff { .. } => "called off",
            Self::Stage { .. } => "stage",
        }
    }

    /// The stored value and the one that was read, as texts.
    pub fn values(&self) -> (String, String) {
        fn maybe<T: fmt::Display>(old: &Option<T>, new: &Option<T>) -> (String, String) {
            let text =
                |value: &Option<T>| value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            (text(old), text(new))
        }
        fn both(old: &impl fmt::Display, new: &impl fmt::Display) -> (String, String) {
            (old.to_string(), new.to_string())
        }
        match self {
            Self::Score { old, new } => maybe(old, new),
            Self::Status { old, new } => both(old, new),
            Self::Kickoff { old, new } => maybe(old, new),
            Self::Round { old, new }
            | Self::Group { old, new }
            | Self::Home { old, new }
            | Self::Away { old, new } => both(old, new),
            Self::Tie { old, new } => both(old, new),
            Self::CalledOff { old, new } => maybe(old, new),
            Self::Stage { old, new } => {
                let id = |stage: &Stage| stage.id().unwrap_or("none").to_owned();
                (id(old), id(new))
            }
        }
    }

    /// Whether it says something to a person; the others are the provider's bookkeeping.
    pub fn is_for_people(&self) -> bool {
        !matches!(self, Self::Tie { .. } | Self::Stage { .. })
    }

    /// Whether it can change a table or a bracket.
    fn changes_result(&self) -> bool {
        match self {
            Self::Score { .. }
            | Self::Status { .. }
            | Self::Group { .. }
            | Self::Tie { .. }
            | Self::CalledOff { .. }
            | Self::Stage { .. } => true,
            Self::Kickoff { .. } | Self::Round { .. } | Self::Home { .. } | Self::Away { .. } => false,
        }
    }

    /// Whether an ended match loses its result by it.
    fn ends_result(&self) -> bool {
        matches!(self, Self::Status { old: MatchStatus::Ended, .. })
    }
}

impl MatchPlan {
    /// Whether nothing is to be written or reported.
    pub fn is_quiet(&self) -> bool {
        self.new.is_empty()
            && self.changes.is_empty()
            && self.held.is_empty()
            && self.beside_locks.is_empty()
            && self.doubts.is_empty()
            && self.superseded.is_empty()
            && self.doubles.is_empty()
            && self.conflicts.is_empty()
    }

    /// Whether an ended match is new, or an ended match's score, status, group or tie changes, or a match is called off.
    pub fn changes_results(&self) -> bool {
        let changed = |m: &Match| {
            let change = self.changes.iter().find(|change| change.external_id == m.external_id);
            change.is_some_and(|change| {
                let counts = m.status != MatchStatus::Open || change.ends_result();
                counts && change.differences.iter().any(Difference::changes_result)
            })
        };
        let is_new = |m: &Match| m.status == MatchStatus::Ended && self.new.contains(&m.external_id);
        self.write.iter().any(|m| is_new(m) || changed(m))
    }
}

impl fmt::Display for Change {
    /// All differences, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, difference) in self.differences.iter().enumerate() {
            let between = if at == 0 { "" } else { ", " };
            write!(f, "{between}{difference}")?;
        }
        Ok(())
    }
}

impl Change {
    /// Whether a team of the match changes.
    pub fn moves_teams(&self) -> bool {
        self.differences.iter().any(|d| matches!(d, Difference::Home { .. } | Difference::Away { .. }))
    }

    /// Whether the match has ended by it.
    pub fn ends(&self) -> bool {
        self.differences.iter().any(|d| matches!(d, Difference::Status { new: MatchStatus::Ended, .. }))
    }

    /// Whether an ended match loses its result.
    pub fn ends_result(&self) -> bool {
        self.differences.iter().any(Difference::ends_result)
    }

    /// Whether its kickoff or status changes: it is played at another time, or is played after all.
    pub fn is_on_anew(&self) -> bool {
        self.differences.iter().any(|d| matches!(d, Difference::Kickoff { .. } | Difference::Status { .. }))
    }
}

/// A match whose payload is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The provider's event id.
    pub external_id: String,
    /// The reason.
    pub reason: HeldReason,
    /// What it would have changed.
    #[serde(rename = "fields")]
    pub differences: Vec<Difference>,
}

/// Why a payload is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HeldReason {
    /// The stored row comes from a newer payload.
    Stale,
    /// It would reopen an ended match, or remove its score or its shootout, and is no newer decision.
    WouldReopen,
    /// A running score is lower or missing: a goal was annulled, or the payload is wrong. Stored when it is read again.
    ScoreFell,
    /// A person has locked the match. The payload is kept beside the lock.
    Locked,
}

/// Compares a reading with the stored matches. Of several payloads for one match the one changed last is used.
pub fn plan(reading: &[Match], stored: &[StoredMatch]) -> MatchPlan {
    let stored: HashMap<&str, &StoredMatch> =
        stored.iter().map(|row| (row.known.external_id.as_str(), row)).collect();
    let newest = newest_of_each(reading);
    let mut plan = MatchPlan {
        superseded: superseded(&newest),
        conflicts: conflicts(reading, &stored),
        ..MatchPlan::default()
    };
    for read in newest {
        let mut read = read.clone();
        let Some(row) = stored.get(read.external_id.as_str()) else {
            plan.new.push(read.external_id.clone());
            plan.write.push(read);
            continue;
        };
        let stored = row;
        let row = &without_lock(stored);
        // An ended match keeps its stored kickoff where the reading has none.
        if read.status == MatchStatus::Ended && read.kickoff.is_none() {
            read.kickoff = row.known.kickoff;
        }
        // An interrupted match is listed without the score it had.
        let goes_on = |m: &Match| m.status == MatchStatus::Open && m.kickoff == read.kickoff;
        if read.score.is_none() && goes_on(&read) && goes_on(&row.known) {
            read.score = row.known.score;
        }
        if let Some(reason) = why_not(&read, row) {
            if reason == HeldReason::ScoreFell {
                plan.doubts.push((read.external_id.clone(), doubt(&read)));
            }
            let differences = differences(&row.known, &read);
            plan.held.push(Held { external_id: read.external_id.clone(), reason, differences });
            continue;
        }
        // A reading that agrees with the row ends a doubt: the next one begins anew.
        if row.doubted.is_some() && row.known.status == MatchStatus::Ended && read.score == row.known.score {
            let agreed = doubt(&read);
            plan.doubts.extend(
                (row.doubted.as_deref() != Some(&agreed)).then(|| (read.external_id.clone(), agreed)),
            );
        }
        if let Some(lock) = &stored.lock {
            let news = differences(&lock.without, &read);
            let locked = lock.applied(&read, &stored.known);
            let contradicts = differences(&locked, &read).iter().any(Difference::is_for_people);
            // A match that is to be played again needs its new kickoff, which is locked.
            let needs_kickoff = stored.known.status == MatchStatus::Ended
                && locked.status == MatchStatus::Open
                && locked.kickoff == stored.known.kickoff;
            let is_news = !news.is_empty();
            if (is_news && contradicts) || needs_kickoff {
                let external_id = read.external_id.clone();
                plan.held.push(Held { external_id, reason: HeldReason::Locked, differences: news });
            }
            if is_news {
                plan.beside_locks.push(read);
            }
            if needs_kickoff {
                continue;
            }
            read = locked;
        }
        let row = stored;
        let differences = differences(&row.known, &read);
        if !differences.is_empty() {
            plan.changes.push(Change {
                external_id: read.external_id.clone(),
                corrects_result: row.known.status == MatchStatus::Ended
                    && (read.status != MatchStatus::Ended || row.known.score != read.score),
                corrects_scored_result: row.scored
                    && (result(&row.known) != result(&read) || row.known.status != read.status),
                differences,
            });
        }
        plan.write.push(read);
    }
    plan.doubles = doubles(&plan, stored.values().copied());
    plan
}

/// A match as it would be stored without its lock. A running score of it may fall: nobody sees it.
fn without_lock(row: &StoredMatch) -> Cow<'_, StoredMatch> {
    match &row.lock {
        None => Cow::Borrowed(row),
        Some(lock) => Cow::Owned(StoredMatch { known: lock.without.clone(), ..row.clone() }),
    }
}

/// The score of an ended match.
fn result(m: &Match) -> Option<Score> {
    m.score.filter(|_| m.status == MatchStatus::Ended)
}

/// Fixtures with two entries, of which one is new or was another fixture's.
fn doubles<'a>(plan: &MatchPlan, stored: impl Iterator<Item = &'a StoredMatch>) -> Vec<(String, String)> {
    let written = |id: &str| plan.write.iter().any(|m| m.external_id == id);
    let unread: Vec<&Match> =
        stored.map(|row| &row.known).filter(|known| !written(&known.external_id)).collect();
    let is_news = |m: &Match| {
        let change = plan.changes.iter().find(|change| change.external_id == m.external_id);
        let becomes_double = |difference: &Difference| match difference {
            Difference::Kickoff { .. }
            | Difference::Round { .. }
            | Difference::Home { .. }
            | Difference::Away { .. }
            | Difference::Status { old: MatchStatus::NotDefined, .. } => true,
            Difference::Score { .. }
            | Difference::Status { .. }
            | Difference::Group { .. }
            | Difference::Tie { .. }
            | Difference::CalledOff { .. }
            | Difference::Stage { .. } => false,
        };
        plan.new.contains(&m.external_id)
            || change.is_some_and(|change| change.differences.iter().any(becomes_double))
    };
    let mut doubles = Vec::new();
    for (at, one) in plan.write.iter().enumerate() {
        let others = plan.write[at + 1..].iter().chain(unread.iter().copied());
        for other in others.filter(|other| one.is_double_of(other) && (is_news(one) || is_news(other))) {
            doubles.push((one.external_id.clone(), other.external_id.clone()));
        }
    }
    doubles
}

/// Ids that stand for matches of different teams, unless one of these is the stored match: then it was reported.
fn conflicts(reading: &[Match], stored: &HashMap<&str, &StoredMatch>) -> Vec<String> {
    let mut first: HashMap<&str, &Match> = HashMap::new();
    let mut conflicts: Vec<String> = Vec::new();
    for read in reading {
        let before = first.entry(&read.external_id).or_insert(read);
        let sides = |m: &Match| (m.home.clone(), m.away.clone());
        let was_reported = stored
            .get(read.external_id.as_str())
            .is_some_and(|row| [sides(before), sides(read)].contains(&sides(&row.known)));
        if sides(before) != sides(read) && !was_reported && !conflicts.contains(&read.external_id) {
            conflicts.push(read.external_id.clone());
        }
    }
    conflicts
}

/// The text by which a lower running score is remembered until it is read again.
fn doubt(read: &Match) -> String {
    read.score.map_or_else(|| "none".to_owned(), |score| score.to_string())
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

/// Postponed or cancelled entries whose fixture has another entry in the round.
fn superseded(matches: &[&Match]) -> Vec<(String, String)> {
    let same = |a: &Match, b: &Match| {
        (&a.round_slug, &a.group_name, &a.home, &a.away) == (&b.round_slug, &b.group_name, &b.home, &b.away)
            && a.stage.may_be(&b.stage)
    };
    let is_old = |m: &Match| m.status == MatchStatus::NotDefined;
    matches
        .iter()
        .filter(|old| is_old(old))
        .filter_map(|old| {
            let new = matches.iter().find(|new| !is_old(new) && same(old, new))?;
            Some((old.external_id.clone(), new.external_id.clone()))
        })
        .collect()
}

/// Whether the provider's newer word takes away the result of an ended match: it was annulled or removed, or is to be
/// played again at a later time. A match that only runs again after its end is none.
fn is_decision(read: &Match, stored: &Match) -> bool {
    // What is gone has no time of its own.
    let is_newer = read.called_off == Some(CalledOff::Gone)
        || (read.changed_at.is_some() && read.changed_at > stored.changed_at);
    let is_set_anew =
        || read.score.is_none() && read.kickoff > stored.kickoff && read.kickoff > read.changed_at;
    is_newer
        && match read.status {
            MatchStatus::NotDefined => true,
            MatchStatus::Open => is_set_anew(),
            // An awarded result may have no score.
            MatchStatus::Ended => read.tie.awarded,
        }
}

fn why_not(read: &Match, row: &StoredMatch) -> Option<HeldReason> {
    let stored = &row.known;
    if read.changed_at.is_some() && read.changed_at < stored.changed_at {
        return Some(HeldReason::Stale);
    }
    if stored.status == MatchStatus::Ended && read.status != MatchStatus::Ended {
        return (!is_decision(read, stored)).then_some(HeldReason::WouldReopen);
    }
    let old = stored.score?;
    // The same goals without the shootout that decided the match are less complete.
    let poorer = read.score.is_none_or(|new| {
        (new.home, new.away) == (old.home, old.away) && new.shootout.is_none() && old.shootout.is_some()
    });
    if stored.status == MatchStatus::Ended && poorer {
        return (!is_decision(read, stored)).then_some(HeldReason::WouldReopen);
    }
    let running = stored.status == MatchStatus::Open && read.status == MatchStatus::Open;
    let fell = running && read.score.is_none_or(|new| new.home < old.home || new.away < old.away);
    // Without times of change an older reply can't be told from a correction: another result counts once it is seen twice.
    let undated = read.changed_at.is_none() && read.score.is_some();
    let corrects = stored.status == MatchStatus::Ended && undated && read.score != stored.score;
    let fell = fell || corrects;
    let seen_before = row.doubted.as_deref() == Some(doubt(read).as_str());
    (fell && !seen_before && row.lock.is_none()).then_some(HeldReason::ScoreFell)
}

/// The fields of a match that differ. What a list leaves out is no difference.
pub fn differences(old: &Match, new: &Match) -> Vec<Difference> {
    fn differ<T: PartialEq + Clone>(
        old: &T,
        new: &T,
        difference: impl FnOnce(T, T) -> Difference,
    ) -> Option<Difference> {
        (old != new).then(|| difference(old.clone(), new.clone()))
    }
    // Some lists leave out the group and the facts of the tie: then the stored ones stay.
    let group = if new.group_name.is_empty() { &old.group_name } else { &new.group_name };
    let tie = TieFacts {
        previous_leg: new.tie.previous_leg.clone().or_else(|| old.tie.previous_leg.clone()),
        legs: new.tie.legs.or(old.tie.legs),
        ..new.tie.clone()
    };
    // What is read for the first time, or left out, is no change to report.
    let known_reason = old.called_off.is_some() || old.status != MatchStatus::NotDefined;
    let known_stage = old.stage.id().is_some() && new.stage.id().is_some();
    [
        differ(&old.stage, if known_stage { &new.stage } else { &old.stage }, |old, new| Difference::Stage {
            old,
            new,
        }),
        differ(&old.called_off, if known_reason { &new.called_off } else { &old.called_off }, |old, new| {
            Difference::CalledOff { old, new }
        }),
        differ(&old.score, &new.score, |old, new| Difference::Score { old, new }),
        differ(&old.status, &new.status, |old, new| Difference::Status { old, new }),
        differ(&old.kickoff, &new.kickoff, |old, new| Difference::Kickoff { old, new }),
        differ(&old.round_slug, &new.round_slug, |old, new| Difference::Round { old, new }),
        differ(&old.group_name, group, |old, new| Difference::Group { old, new }),
        differ(&old.home, &new.home, |old, new| Difference::Home { old, new }),
        differ(&old.away, &new.away, |old, new| Difference::Away { old, new }),
        differ(&old.tie, &tie, |old, new| Difference::Tie { old, new }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Lock;

    fn read(id: &str, status: MatchStatus, score: Option<(i32, i32)>, changed: i64) -> Match {
        Match {
            external_id: id.into(),
            round_slug: "1".into(),
            stage: Stage::Unknown,
            group_name: String::new(),
            home: "10".into(),
            away: "20".into(),
            kickoff: DateTime::from_timestamp(1_000_000, 0),
            called_off: (status == MatchStatus::NotDefined).then_some(CalledOff::Cancelled),
            status,
            score: score.map(|(home, away)| Score::new(home, away)),
            changed_at: DateTime::from_timestamp(changed, 0),
            tie: TieFacts::default(),
        }
    }

    fn stored(known: Match) -> StoredMatch {
        StoredMatch { known, scored: false, doubted: None, unknown_status: None, lock: None }
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
        assert_eq!(plan.changes[0].differences[0].to_string(), "score: 0-0 → 1-0");
    }

    #[test]
    fn an_ended_match_is_neither_reopened_nor_blanked() {
        let ended = stored(read("1", MatchStatus::Ended, Some((2, 1)), 5));
        for poorer in [
            read("1", MatchStatus::Open, Some((0, 0)), 9),
            read("1", MatchStatus::Ended, None, 9),
            // No newer word: from a list that is as old, or has no time of its own.
            read("1", MatchStatus::NotDefined, None, 5),
            Match { changed_at: None, ..read("1", MatchStatus::NotDefined, None, 5) },
            // The kickoff it had, not one to come.
            read("1", MatchStatus::Open, None, 9),
        ] {
            let plan = plan(&[poorer], std::slice::from_ref(&ended));
            assert_eq!(plan.held[0].reason, HeldReason::WouldReopen);
            assert!(plan.write.is_empty());
        }
    }

    #[test]
    fn a_newer_decision_takes_an_ended_match_away() {
        let ended = StoredMatch { scored: true, ..stored(read("1", MatchStatus::Ended, Some((2, 1)), 5)) };
        let annulled = plan(&[read("1", MatchStatus::NotDefined, None, 9)], std::slice::from_ref(&ended));
        let change = &annulled.changes[0];
        assert!(change.corrects_scored_result && change.ends_result() && annulled.changes_results());
        assert_eq!(
            change.to_string(),
            "called off: none → cancelled, score: 2-1 → none, status: ended → not-defined"
        );
        let anew = Match {
            kickoff: DateTime::from_timestamp(2_000_000, 0),
            ..read("1", MatchStatus::Open, None, 1_500_000)
        };
        let played_again = plan(&[anew], std::slice::from_ref(&ended));
        assert!(played_again.changes[0].ends_result() && played_again.changes_results());
        let awarded = plan(&[read("1", MatchStatus::Ended, Some((0, 3)), 9)], &[ended]);
        assert!(awarded.changes[0].corrects_scored_result && !awarded.changes[0].ends_result());
    }

    #[test]
    fn an_interrupted_match_keeps_its_score() {
        let running = stored(read("1", MatchStatus::Open, Some((1, 0)), 5));
        let plan = plan(&[read("1", MatchStatus::Open, None, 6)], &[running]);
        assert_eq!((plan.write[0].score, plan.changes.len()), (Some(Score::new(1, 0)), 0));
    }

    #[test]
    fn a_fixture_listed_twice_and_two_matches_of_one_id_are_reported() {
        let one = read("1", MatchStatus::Ended, Some((1, 0)), 5);
        let two = read("2", MatchStatus::Ended, Some((1, 0)), 5);
        let double = [("1".to_owned(), "2".to_owned())];
        assert_eq!(plan(&[one.clone(), two.clone()], &[]).doubles, double);
        // Once, when the second appears.
        assert_eq!(
            plan(std::slice::from_ref(&two), &[stored(one.clone())]).doubles,
            [("2".to_owned(), "1".to_owned())]
        );
        assert_eq!(plan(&[one.clone(), two.clone()], &[stored(one.clone()), stored(two)]).doubles, []);
        let other_day = Match { kickoff: DateTime::from_timestamp(2_000_000, 0), ..one.clone() };
        let other = Match { external_id: "3".into(), ..other_day };
        assert_eq!(plan(&[one.clone(), other], &[]).doubles, []);
        let conflict = Match { home: "30".into(), ..one.clone() };
        assert_eq!(plan(&[one, conflict], &[]).conflicts, ["1"]);
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
        let row = StoredMatch { scored: true, ..stored(read("1", MatchStatus::Ended, Some((2, 1)), 5)) };
        let plan = plan(&[read("1", MatchStatus::Ended, Some((2, 2)), 7)], &[row]);
        assert!(plan.changes[0].corrects_scored_result);
        assert_eq!(plan.write.len(), 1);
    }

    #[test]
    fn a_falling_score_is_taken_on_its_second_sighting_and_a_final_one_at_once() {
        let row = stored(read("1", MatchStatus::Open, Some((2, 1)), 5));
        let lower = [read("1", MatchStatus::Open, Some((1, 1)), 6)];
        let first = plan(&lower, std::slice::from_ref(&row));
        assert_eq!(first.held[0].reason, HeldReason::ScoreFell);
        assert_eq!(first.doubts, [("1".to_owned(), "1-1".to_owned())]);
        let doubted = StoredMatch { doubted: Some("1-1".into()), ..row.clone() };
        assert_eq!(plan(&lower, &[doubted]).changes[0].differences[0].to_string(), "score: 2-1 → 1-1");
        let over = [read("1", MatchStatus::Ended, Some((1, 1)), 6)];
        assert_eq!(plan(&over, &[row]).changes.len(), 1);
    }

    #[test]
    fn another_result_without_a_time_of_change_is_taken_on_its_second_sighting() {
        let undated = |score| Match { changed_at: None, ..read("1", MatchStatus::Ended, Some(score), 0) };
        let row = stored(undated((2, 1)));
        let other = [undated((2, 2))];
        let first = plan(&other, std::slice::from_ref(&row));
        assert_eq!((first.held[0].reason, first.write.len()), (HeldReason::ScoreFell, 0));
        let doubted = StoredMatch { doubted: Some(first.doubts[0].1.clone()), ..row.clone() };
        assert!(plan(&other, &[doubted]).changes[0].corrects_result);
        // With a time of change it is a correction at once.
        let dated = [read("1", MatchStatus::Ended, Some((2, 2)), 7)];
        assert!(plan(&dated, &[row]).changes[0].corrects_result);
    }

    #[test]
    fn a_poorer_answer_takes_nothing_away() {
        let on = |score: Option<Score>, status| Match { score, ..read("1", status, None, 5) };
        let shootout = Score { shootout: Some((4, 2)), ..Score::new(3, 3) };
        let ended = stored(on(Some(shootout), MatchStatus::Ended));
        let without = on(Some(Score::new(3, 3)), MatchStatus::Ended);
        assert_eq!(plan(&[without], std::slice::from_ref(&ended)).held[0].reason, HeldReason::WouldReopen);
        // Another score is a correction, with or without a shootout.
        let other = on(Some(Score::new(4, 3)), MatchStatus::Ended);
        assert!(plan(&[other], std::slice::from_ref(&ended)).changes[0].corrects_result);
        let undated = Match { kickoff: None, ..on(Some(shootout), MatchStatus::Ended) };
        assert_eq!(plan(&[undated], &[ended]).write[0].kickoff, DateTime::from_timestamp(1_000_000, 0));
        // A list from before the kickoff, as it was set then.
        let running = stored(on(Some(Score::new(1, 0)), MatchStatus::Open));
        let before = Match {
            changed_at: None,
            kickoff: DateTime::from_timestamp(2_000_000, 0),
            ..on(None, MatchStatus::Open)
        };
        let first = plan(std::slice::from_ref(&before), std::slice::from_ref(&running));
        assert_eq!((first.held[0].reason, first.doubts[0].1.as_str()), (HeldReason::ScoreFell, "none"));
        let doubted = StoredMatch { doubted: Some("none".into()), ..running };
        assert_eq!(plan(&[before], &[doubted]).changes[0].differences[0].to_string(), "score: 1-0 → none");
    }

    /// A match that a person has set to 3-1 where the provider had 2-1.
    fn locked(result: bool, kickoff: bool) -> StoredMatch {
        let without = read("1", MatchStatus::Ended, Some((2, 1)), 5);
        let set = read("1", MatchStatus::Ended, Some((3, 1)), 5);
        StoredMatch { lock: Some(Lock { result, kickoff, without }), ..stored(set) }
    }

    #[test]
    fn a_locked_match_stays_and_the_providers_word_is_kept_beside_it() {
        let row = locked(true, false);
        // As before: nothing.
        let same = plan(&[read("1", MatchStatus::Ended, Some((2, 1)), 5)], std::slice::from_ref(&row));
        assert!(same.is_quiet() && same.write[0].score == Some(Score::new(3, 1)), "{same:?}");
        // Another word: held, kept, and not written.
        let other = plan(&[read("1", MatchStatus::Ended, Some((2, 2)), 9)], std::slice::from_ref(&row));
        assert_eq!((other.held[0].reason, other.changes.len()), (HeldReason::Locked, 0));
        assert_eq!(other.held[0].differences[0].to_string(), "score: 2-1 → 2-2");
        assert_eq!(other.beside_locks[0].score, Some(Score::new(2, 2)));
        assert_eq!(other.write[0].score, Some(Score::new(3, 1)));
        assert!(!other.is_quiet() && !other.changes_results());
        // It agrees at last: kept, and no contradiction.
        let agrees = plan(&[read("1", MatchStatus::Ended, Some((3, 1)), 9)], std::slice::from_ref(&row));
        assert_eq!((agrees.held.len(), agrees.beside_locks.len()), (0, 1));
        assert!(!agrees.is_quiet());
        // What is wrong without a lock is wrong beside one.
        let older = plan(&[read("1", MatchStatus::Open, Some((0, 0)), 3)], std::slice::from_ref(&row));
        assert_eq!((older.held[0].reason, older.beside_locks.len()), (HeldReason::Stale, 0));
    }

    #[test]
    fn a_locked_kickoff_leaves_the_result_to_the_provider_but_no_replay() {
        let row = locked(false, true);
        let moved = Match {
            kickoff: DateTime::from_timestamp(2_000_000, 0),
            ..read("1", MatchStatus::Ended, Some((2, 2)), 9)
        };
        let result = plan(&[moved], std::slice::from_ref(&row));
        let written = &result.write[0];
        assert_eq!((written.score, written.kickoff), (Some(Score::new(2, 2)), row.known.kickoff));
        let anew = Match {
            kickoff: DateTime::from_timestamp(2_000_000, 0),
            ..read("1", MatchStatus::Open, None, 1_500_000)
        };
        let held = plan(&[anew], &[row]);
        assert_eq!((held.held[0].reason, held.write.len()), (HeldReason::Locked, 0));
    }

    #[test]
    fn a_postponed_entry_whose_fixture_has_a_new_one_is_superseded() {
        let old = read("1", MatchStatus::NotDefined, None, 5);
        let new = read("2", MatchStatus::Open, None, 6);
        let other = Match { home: "30".into(), ..read("3", MatchStatus::Open, None, 6) };
        assert_eq!(plan(&[old, new, other], &[]).superseded, [("1".to_owned(), "2".to_owned())]);
    }
}
