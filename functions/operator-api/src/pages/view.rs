//! Formats values for the pages.

use crate::read::checks::Made;
use crate::read::executions::Execution;
use crate::read::matches::MatchView;
use crate::read::today::{CheckState, DayCheck, DayKickoff, DayMatch};
use crate::read::tournaments::TieView;
use chrono::{DateTime, Utc};
use football::domain::knockout::DecidedBy;
use football::domain::{MatchStatus, TournamentStatus};
use football::plan::checks::CheckKind;
use shared::journal::ScheduleCounts;
use shared::outcomes::counts;
use shared::style::Tone;
use shared::summary::Summary;
pub(super) use shared::words::duration;
use shared::work::{ExecutionStatus, Operation};

/// An id; nothing for none.
pub(super) fn id(id: Option<uuid::Uuid>) -> String {
    id.map_or_else(String::new, |id| id.to_string())
}

/// The display name of an operation.
pub(super) fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::TournamentCreate => "Create tournament",
        Operation::TournamentUpdate => "Update tournament",
        Operation::RoundsCreate => "Create rounds",
        Operation::RoundsUpdate => "Update rounds",
        Operation::TeamsCreate => "Create teams",
        Operation::TeamsUpdate => "Update teams",
        Operation::MatchesCreate => "Create matches",
        Operation::MatchesUpdate => "Update scores",
        Operation::StandingsCreate => "Create table",
        Operation::StandingsUpdate => "Update table",
        Operation::KnockoutsUpdate => "Update knockouts",
        Operation::DailySchedule => "Daily routine",
        Operation::CrossCheck => "Comparison of providers",
        Operation::ProviderReset => "Reset provider",
        Operation::MatchCorrect => "Correct match",
        Operation::MatchUnlock => "Unlock match",
        Operation::Pause => "Pause",
        Operation::Resume => "Resume",
        Operation::Acknowledge => "Acknowledge",
    }
}

/// The same for a stored word; an unknown word stays as it is.
pub(super) fn operation_name(word: &str) -> &str {
    match word.parse() {
        Ok(known) => operation(known),
        Err(_) => word,
    }
}

/// The statuses that a tournament may have.
pub(super) const STATUSES: [&str; 4] = ["active", "upcoming", "completed", "cancelled"];

/// The checks of a kickoff, in order.
pub(super) fn checks(kickoff: &DayKickoff) -> [&DayCheck; 2] {
    [&kickoff.interim, &kickoff.closing]
}

/// The display name of an execution's status; an unknown word stays as it is.
pub(super) fn status(word: &str) -> &str {
    match word.parse() {
        Ok(ExecutionStatus::InProgress) => "in progress",
        Ok(ExecutionStatus::PartialFailure) => "failed in part",
        Ok(ExecutionStatus::Completed | ExecutionStatus::Failed) | Err(_) => word,
    }
}

/// The display name of a check's state.
pub(super) fn check(state: CheckState) -> &'static str {
    match state {
        CheckState::Done => "done",
        CheckState::Partial => "in part",
        CheckState::Failed => "failed",
        CheckState::Running => "running",
        CheckState::Due => "due",
        CheckState::Late => "late",
        CheckState::Unneeded => "not needed",
    }
}

/// An execution as lists show it.
pub(super) struct Line {
    pub(super) execution: Execution,
}

impl Line {
    pub(super) fn of(execution: Execution) -> Self {
        Self { execution }
    }

    pub(super) fn operation(&self) -> &str {
        operation_name(&self.execution.operation)
    }

    pub(super) fn status(&self) -> &str {
        if self.waits() { "waiting to start" } else { status(&self.execution.status) }
    }

    pub(super) fn waits(&self) -> bool {
        let execution = &self.execution;
        execution.status() == Some(ExecutionStatus::InProgress) && execution.lease_expires_at.is_none()
    }

    pub(super) fn tone(&self) -> Tone {
        self.execution.status().map_or(Tone::Calm, Tone::from)
    }

    pub(super) fn label(&self) -> &str {
        self.execution.tournament_label.as_deref().unwrap_or("all tournaments")
    }

    pub(super) fn took(&self) -> String {
        self.execution.duration_ms.map_or_else(String::new, |ms| duration(i64::from(ms)))
    }

    pub(super) fn dry(&self) -> bool {
        self.execution.summary.dry_run
    }

    /// What it changed, or its first error.
    pub(super) fn outcome(&self) -> String {
        outcome(&self.execution.summary, self.execution.status())
    }
}

/// Whether a person asked for any of them.
pub(super) fn by_persons(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.execution.requested_by.is_some())
}

/// What an execution changed, or its first error.
pub(super) fn outcome(summary: &Summary, status: Option<ExecutionStatus>) -> String {
    if status == Some(ExecutionStatus::InProgress) {
        // The rest of the summary is of an earlier attempt.
        let Some(progress) = &summary.progress else { return String::new() };
        let so_far = format!("{} operations so far, the last: {}", progress.operations, progress.last);
        return cut(&so_far, 160);
    }
    if !summary.facts.decided.is_empty() {
        let note = summary.facts.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        return cut(&(summary.facts.decided.join(", ") + &note), 160);
    }
    let error = summary.errors.first().or(summary.error.as_ref());
    if let Some(error) = error.filter(|_| status != Some(ExecutionStatus::Completed)) {
        return cut(error, 160);
    }
    if !summary.facts.results.is_empty() {
        return cut(&summary.facts.result_lines().join("; "), 160);
    }
    let planned = summary.schedules.filter(ScheduleCounts::changed);
    match (summary.rows, planned) {
        (Some(rows), _) if rows.wrote() || rows.unresolved > 0 => format!("rows: {}", counts(&rows)),
        (_, Some(schedules)) => format!("alarms: {}", counts(&schedules)),
        (Some(_), None) => "nothing new".to_owned(),
        (None, None) => String::new(),
    }
}

/// `2 → 3`, or `2` where nothing changes.
pub(super) fn becomes(from: &i32, to: &i32) -> String {
    if from == to { to.to_string() } else { format!("{from} → {to}") }
}

/// What a change is of.
pub(super) fn subject(word: &str) -> &str {
    match word {
        "standings" => "Table:",
        "bracket" => "Bracket:",
        "tournament" => "Tournament:",
        other => other,
    }
}

/// Why a reading was rejected.
pub(super) fn rejected(reason: &str) -> &str {
    match reason {
        "would-reopen" => "the match had ended",
        "score-fell" => "the score fell, and was seen for the first time",
        "malformed" => "it could not be read",
        "locked" => "a person has locked it",
        other => other,
    }
}

/// A text, cut after `chars` characters.
pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a kind of check is called.
pub(super) fn check_kind(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Interim => "interim check",
        CheckKind::Closing => "closing check",
        CheckKind::FollowUp => "follow-up check",
        CheckKind::SecondLook => "second look",
        CheckKind::NextDay => "next day's check",
        CheckKind::Sweep => "check of old open matches",
        CheckKind::FullPass => "full pass",
        CheckKind::Table => "comparison of the table",
        CheckKind::StandingsFollowUp => "repeated comparison of the table",
        CheckKind::Knockouts => "check for knockout rounds",
        CheckKind::Draw => "check for the draw",
        CheckKind::KnockoutsFollowUp => "repeated check for knockout rounds",
        CheckKind::RoutineFollowUp => "repeated daily routine",
        CheckKind::Refresh => "repeated refresh",
        CheckKind::CrossCheck => "comparison of providers",
    }
}

/// The same for a stored word; an unknown word stays as it is.
pub(super) fn check_name(word: &str) -> &str {
    match word.parse() {
        Ok(kind) => check_kind(kind),
        Err(_) => word,
    }
}

/// The label or slug of a round in a sentence: one that is a number needs the word before it.
pub(super) fn round(label: &str) -> String {
    match label.chars().all(|c| c.is_ascii_digit()) {
        true => format!("round {label}"),
        false => label.replace('-', " "),
    }
}

/// The colour of a check.
pub(super) fn check_tone(state: CheckState) -> Tone {
    match state {
        CheckState::Done => Tone::Good,
        CheckState::Partial | CheckState::Late => Tone::Half,
        CheckState::Failed => Tone::Bad,
        CheckState::Running => Tone::Busy,
        CheckState::Due | CheckState::Unneeded => Tone::Calm,
    }
}

/// The colour of a tournament's status; none for one of an older vocabulary.
pub(super) fn tournament_tone(status: &str) -> Tone {
    match status.parse() {
        Ok(TournamentStatus::Active) => Tone::Good,
        Ok(TournamentStatus::Cancelled) => Tone::Bad,
        Ok(TournamentStatus::Upcoming | TournamentStatus::Completed) | Err(_) => Tone::Calm,
    }
}

/// How many matches, and how many of them are over.
pub(super) fn played(kickoff: &DayKickoff) -> String {
    match (kickoff.matches, kickoff.ended) {
        (matches, ended) if matches == ended => format!("{matches} over"),
        (matches, 0) => format!("{matches}"),
        (matches, ended) => format!("{ended} of {matches} over"),
    }
}

/// `3–3 (4–2 pens)`; nothing without a score.
pub(super) fn result(score: [Option<i32>; 2], penalties: [Option<i32>; 2]) -> String {
    match (score, penalties) {
        ([Some(home), Some(away)], [Some(first), Some(second)]) => {
            format!("{home}–{away} ({first}–{second} pens)")
        }
        ([Some(home), Some(away)], _) => format!("{home}–{away}"),
        _ => String::new(),
    }
}

/// The result of a match, as [`result`] writes it.
pub(super) fn result_of(game: &MatchView) -> String {
    result([game.home.score, game.away.score], [game.home.penalties, game.away.penalties])
}

/// The result of a match of a day, as [`result`] writes it.
pub(super) fn result_on(game: &DayMatch) -> String {
    result([game.home_score, game.away_score], [game.home_penalties, game.away_penalties])
}

/// `2`, or `2 (4)` after a shootout.
pub(super) fn goals(score: Option<i32>, penalties: Option<i32>) -> String {
    match (score, penalties) {
        (Some(score), Some(penalties)) => format!("{score} ({penalties})"),
        (Some(score), None) => score.to_string(),
        (None, _) => String::new(),
    }
}

/// What a match's status is called.
pub(super) fn match_status<'a>(game: &'a MatchView, now: &DateTime<Utc>) -> &'a str {
    match (&game.called_off, game.status.parse()) {
        (Some(reason), _) => reason,
        (None, Ok(MatchStatus::Open)) if game.home.score.is_some() => "running",
        (None, Ok(MatchStatus::Open)) if game.kickoff.is_some_and(|kickoff| kickoff < *now) => {
            "no result yet"
        }
        (None, Ok(MatchStatus::Open)) => "to come",
        (None, Ok(MatchStatus::Ended)) if game.scored_at.is_some() => "over, scored",
        (None, Ok(MatchStatus::Ended)) => "over",
        (None, _) => &game.status,
    }
}

/// The colour of a match's status.
pub(super) fn match_tone(game: &MatchView) -> Tone {
    match (&game.called_off, game.status.parse()) {
        (Some(_), _) => Tone::Half,
        (None, Ok(MatchStatus::Open)) if game.home.score.is_some() => Tone::Busy,
        (None, Ok(MatchStatus::Ended)) => Tone::Good,
        (None, _) => Tone::Calm,
    }
}

/// What the execution of a check changed, or its first error.
pub(super) fn made(made: &Made) -> String {
    outcome(&made.summary, made.status)
}

/// A result of the form, as a word.
pub(super) fn form_word(letter: &str) -> &'static str {
    match letter {
        "W" => "won",
        "D" => "drawn",
        _ => "lost",
    }
}

/// What decided a tie, where that is not plain from its goals.
pub(super) fn decided(tie: &TieView) -> Option<String> {
    let by = tie.decided_by.as_deref()?;
    (by.parse() != Ok(DecidedBy::SingleMatch)).then(|| by.replace('-', " "))
}
