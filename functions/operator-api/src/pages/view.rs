//! How things are written for people.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::store::desk::executions::Execution;
use shared::store::desk::today::{CheckState, DayCheck, DayKickoff};
pub(super) use shared::style::tone;

/// `2 Mar 2024, 15:00`.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M").to_string()
}

/// The same, or a dash.
pub(super) fn maybe(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "–".to_owned(), moment)
}

/// `matches_update` as people say it.
pub(super) fn operation(name: &str) -> &str {
    match name {
        "tournament_create" => "Create tournament",
        "tournament_update" => "Update tournament",
        "rounds_create" => "Create rounds",
        "rounds_update" => "Update rounds",
        "teams_create" => "Create teams",
        "teams_update" => "Update teams",
        "matches_create" => "Create matches",
        "matches_update" => "Update scores",
        "standings_create" => "Create table",
        "standings_update" => "Update table",
        "knockouts_update" => "Update knockouts",
        "daily_schedule" => "Daily routine",
        "provider_reset" => "Reset provider",
        other => other,
    }
}

/// Where a tournament may stand.
pub(super) const STATUSES: [&str; 4] = ["active", "upcoming", "completed", "cancelled"];

/// The checks of a kickoff, in order.
pub(super) fn checks(kickoff: &DayKickoff) -> [&DayCheck; 2] {
    [&kickoff.interim, &kickoff.closing]
}

/// A status as people say it.
pub(super) fn status(status: &str) -> &str {
    match status {
        "in_progress" => "in progress",
        "partial_failure" => "failed in part",
        other => other,
    }
}

/// What a check's state is called.
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

/// `812 ms`, `12.3 s`, `4 min 10 s`.
pub(super) fn duration(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
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
        operation(&self.execution.operation)
    }

    pub(super) fn status(&self) -> &str {
        if self.waits() { "waiting to start" } else { status(&self.execution.status) }
    }

    pub(super) fn waits(&self) -> bool {
        let execution = &self.execution;
        execution.status == "in_progress" && execution.lease_expires_at.is_none()
    }

    pub(super) fn tone(&self) -> &'static str {
        tone(&self.execution.status)
    }

    pub(super) fn label(&self) -> &str {
        self.execution.tournament_label.as_deref().unwrap_or("all tournaments")
    }

    pub(super) fn started(&self) -> String {
        self.execution.started_at.format("%-d %b %Y, %H:%M:%S").to_string()
    }

    pub(super) fn took(&self) -> String {
        self.execution.duration_ms.map_or_else(String::new, |ms| duration(i64::from(ms)))
    }

    pub(super) fn dry(&self) -> bool {
        self.execution.summary["dryRun"] == true
    }

    /// What it changed, or its first error.
    pub(super) fn outcome(&self) -> String {
        let summary = &self.execution.summary;
        let progress = &summary["progress"];
        if self.execution.status == "in_progress" {
            // What else stands there is of an earlier attempt.
            let Some(last) = progress["last"].as_str() else { return String::new() };
            return cut(&format!("{} operations so far, the last: {last}", progress["operations"]), 160);
        }
        let error = summary["errors"][0].as_str().or_else(|| summary["error"].as_str());
        if let Some(error) = error.filter(|_| self.execution.status != "completed") {
            return cut(error, 160);
        }
        match &summary["rows"] {
            Value::Object(_) => format!("rows: {}", shared::report::counts(&summary["rows"])),
            _ => String::new(),
        }
    }
}

/// A text, cut where it gets too long for its place.
pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `16:30 done`.
pub(super) fn check_text(check: &DayCheck) -> String {
    format!("{} {}", check.at.format("%H:%M"), self::check(check.state))
}

/// The colour of a check.
pub(super) fn check_tone(check: &DayCheck) -> &'static str {
    tone(&check.state.to_string())
}

/// How many matches, and how many of them are over.
pub(super) fn played(kickoff: &DayKickoff) -> String {
    match (kickoff.matches, kickoff.ended) {
        (matches, ended) if matches == ended => format!("{matches} over"),
        (matches, 0) => format!("{matches}"),
        (matches, ended) => format!("{ended} of {matches} over"),
    }
}

/// `2`, or `2 (4)` after a shootout.
pub(super) fn goals(score: Option<i32>, penalties: Option<i32>) -> String {
    match (score, penalties) {
        (Some(score), Some(penalties)) => format!("{score} ({penalties})"),
        (Some(score), None) => score.to_string(),
        (None, _) => String::new(),
    }
}

/// A result of the form, as a word.
pub(super) fn form_word(letter: &str) -> &'static str {
    match letter {
        "W" => "won",
        "D" => "drawn",
        _ => "lost",
    }
}

/// What decided a tie.
pub(super) fn decided(by: &str) -> String {
    by.replace('-', " ")
}
