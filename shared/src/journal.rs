//! What a run records while it works: the body of its report and the source of every count.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{Display, IntoStaticStr};
use uuid::Uuid;

use football::domain::ProviderName;

use crate::clock::Clock;
use crate::outcomes::Outcomes;
use crate::requests::RequestLog;

/// The journal of one execution.
#[derive(Debug, Clone, Serialize)]
pub struct Journal {
    /// Nothing is to be written.
    pub dry_run: bool,
    /// The tournament, as soon as it is known.
    pub tournament_id: Option<Uuid>,
    /// Its label.
    pub tournament_label: Option<String>,
    /// Who is asked for it.
    #[serde(skip)]
    pub provider: ProviderName,
    /// The operations, in order.
    pub operations: Vec<Entry>,
    /// The plans, by name.
    pub plans: Map<String, Value>,
    /// The requests to the provider.
    pub requests: RequestLog,
    /// What became of rows, counted by the database.
    pub rows: Outcomes,
    /// What became of schedules.
    pub schedules: ScheduleCounts,
    /// Further figures for the summary.
    pub facts: Facts,
    /// Parts that failed while the rest was written: they make the execution a partial failure.
    pub failures: Vec<String>,
    /// Problems that need attention although nothing failed.
    pub warnings: Vec<String>,
    /// The warnings that must be sent even if the run dies.
    #[serde(skip)]
    pub alarms: Vec<String>,
    #[serde(skip)]
    clock: Clock,
    /// When the run began.
    #[serde(skip)]
    began: DateTime<Utc>,
    /// How many requests the operations so far have made.
    #[serde(skip)]
    requests_before: usize,
    #[serde(skip)]
    progress: Arc<Mutex<Progress>>,
}

/// The progress of a run, for display while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many operations there were.
    pub operations: usize,
    /// The last of them.
    pub last: String,
}

/// The step that an operation is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Step {
    /// Reading the event, and what it is about.
    Validation,
    /// Reading from the provider, the database or Scheduler.
    Fetch,
    /// Deciding.
    Plan,
    /// Writing.
    Apply,
    /// Creating, moving and deleting schedules.
    Schedule,
}

/// What an operation does: a name that is the same in every run, and what it is about in this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct What {
    name: &'static str,
    subject: Option<String>,
}

impl What {
    /// An operation on something.
    pub fn of(name: &'static str, subject: impl fmt::Display) -> Self {
        Self { name, subject: Some(subject.to_string()) }
    }
}

impl From<&'static str> for What {
    fn from(name: &'static str) -> Self {
        Self { name, subject: None }
    }
}

impl From<&What> for What {
    fn from(what: &What) -> Self {
        what.clone()
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.subject.iter().try_for_each(|subject| write!(f, " {subject}"))
    }
}

/// One operation.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its step.
    pub step: Step,
    /// What was done: name and subject.
    pub operation: String,
    /// Its name, the same in every run.
    pub name: &'static str,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it went.
    pub status: EntryStatus,
    /// Details: counts, ids, reasons.
    pub data: Value,
    /// When it began: with its first request, or when the one before it ended.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub timestamp: DateTime<Utc>,
    /// The rows it wrote, where it wrote any.
    #[serde(skip)]
    pub wrote: Option<(RowKind, Outcomes)>,
}

/// How an operation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EntryStatus {
    /// It succeeded.
    Completed,
    /// It failed.
    Failed,
    /// It was skipped, for the reason in its data.
    Skipped,
}

/// A kind of row that runs write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "each is a table")]
pub enum RowKind {
    Rounds,
    Teams,
    Matches,
    Standings,
    Bracket,
}

/// What became of schedules, counted from Scheduler's answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleCounts {
    /// New.
    pub created: u64,
    /// Moved.
    pub updated: u64,
    /// Deleted.
    pub deleted: u64,
    /// Already correct.
    pub kept: u64,
}

impl ScheduleCounts {
    /// Whether any schedule was touched.
    pub fn changed(&self) -> bool {
        self.created > 0 || self.updated > 0 || self.deleted > 0
    }
}

/// The matches of a round by state, as read from the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoundCounts {
    /// Ended.
    pub ended: usize,
    /// Not started, or running.
    pub open: usize,
    /// Without a result, and none is expected.
    pub not_defined: usize,
    /// Fixtures whose teams are not both known yet.
    pub open_slots: usize,
    /// Events that could not be read.
    pub refused: usize,
}

/// A result that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewResult {
    /// The home team's name.
    pub home: String,
    /// The away team's name.
    pub away: String,
    /// The match, once it is stored.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub match_id: Option<Uuid>,
    /// The goals, as `2-1` or `1-1 (4-3 pens)`; none where the match has lost its result.
    pub score: Option<String>,
}

impl fmt::Display for NewResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.home, self.score.as_deref().unwrap_or("(no result)"), self.away)
    }
}

/// A team that has another place in its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMove {
    /// The team's name.
    pub team: String,
    /// Its group; empty where there is one table.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub group: String,
    /// The place it had.
    pub from: i32,
    /// The place it has.
    pub to: i32,
}

impl fmt::Display for TableMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { team, group, from, to } = self;
        let arrow = if to < from { "▲" } else { "▼" };
        let group = if group.is_empty() { String::new() } else { format!(" ({group})") };
        write!(f, "{arrow} {team}{group}: {from} → {to}")
    }
}

/// Figures that only some operations have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Who requested the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// What an operator changed, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<String>,
    /// What the operator noted about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who was asked in place of the provider that refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<ProviderName>,
    /// Whether the tournament has a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_standings: Option<bool>,
    /// Matches read, by round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<BTreeMap<String, RoundCounts>>,
    /// Results that came in: matches that ended, and ended ones whose result changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<NewResult>,
    /// Teams that have another place in their table, the highest place first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<TableMove>,
    /// Whether the table is to be computed now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standings_due: Option<bool>,
    /// Differences between our table and the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Vec<String>>,
    /// Where the order of a table does not follow from the matches alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// From the provider's last change of a match to its result in the database, in seconds: the longest of those seen
    /// first now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_latency_s: Option<i64>,
    /// Matches read, by round, of several tournaments (`matches of {slug}`); and unknown keys that another version
    /// wrote.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Facts {
    /// The results that came in, a line each.
    pub fn result_lines(&self) -> Vec<String> {
        self.results.iter().map(ToString::to_string).collect()
    }

    /// The teams that moved, a line each.
    pub fn move_lines(&self) -> Vec<String> {
        self.moves.iter().map(ToString::to_string).collect()
    }
}

impl Journal {
    pub(crate) fn new(clock: Clock, dry_run: bool, tournament_id: Option<Uuid>) -> Self {
        Self {
            dry_run,
            tournament_id,
            tournament_label: None,
            provider: ProviderName::default(),
            operations: Vec::new(),
            plans: Map::new(),
            requests: RequestLog::default(),
            rows: Outcomes::default(),
            schedules: ScheduleCounts::default(),
            facts: Facts::default(),
            failures: Vec::new(),
            warnings: Vec::new(),
            alarms: Vec::new(),
            clock,
            began: clock.now(),
            requests_before: 0,
            progress: Arc::default(),
        }
    }

    /// The run's progress, shared and updated while it runs.
    pub(crate) fn progress(&self) -> Arc<Mutex<Progress>> {
        Arc::clone(&self.progress)
    }

    /// Sets the tournament that the execution is about.
    pub fn about(&mut self, id: Uuid, label: &str) {
        self.tournament_id = Some(id);
        self.tournament_label = Some(label.to_owned());
    }

    /// Records an operation.
    pub fn note(&mut self, step: Step, operation: impl Into<What>, status: EntryStatus, data: Value) {
        self.push(step, operation.into(), status, data, None);
    }

    /// Records an operation that succeeded.
    pub fn completed(&mut self, step: Step, operation: impl Into<What>, data: Value) {
        self.push(step, operation.into(), EntryStatus::Completed, data, None);
    }

    /// Records an operation that was skipped.
    pub fn skipped(&mut self, step: Step, operation: impl Into<What>, reason: &str) {
        self.push(step, operation.into(), EntryStatus::Skipped, json!({ "reason": reason }), None);
    }

    /// Records an operation that failed while the run continues.
    pub fn failed(&mut self, step: Step, operation: impl Into<What>, error: &dyn fmt::Display) {
        let operation = operation.into();
        self.failures.push(format!("{operation}: {error}"));
        self.push(step, operation, EntryStatus::Failed, json!({ "error": error.to_string() }), None);
    }

    /// Records rows that were written, counted by the database.
    pub fn wrote(&mut self, kind: RowKind, outcomes: Outcomes) {
        self.rows += outcomes;
        let data = json!({ "rows": outcomes });
        let name: &'static str = kind.into();
        self.push(Step::Apply, name.into(), EntryStatus::Completed, data, Some((kind, outcomes)));
    }

    /// Records a problem that needs attention although nothing failed.
    pub fn warn(&mut self, warning: String) {
        tracing::warn!(warning, "the run recorded a warning");
        self.warnings.push(warning);
    }

    /// Records a warning once, before all others: a summary and a message hold only the first few.
    pub fn alarm(&mut self, alarm: String) {
        if self.alarms.contains(&alarm) {
            return;
        }
        tracing::warn!(alarm, "the run recorded an alarm");
        self.warnings.insert(0, alarm.clone());
        self.alarms.push(alarm);
    }

    /// Records a plan under a name.
    pub fn planned(&mut self, name: &str, plan: &impl Serialize) {
        let plan = serde_json::to_value(plan).unwrap_or_else(|error| Value::String(error.to_string()));
        self.plans.insert(name.to_owned(), plan);
    }

    fn push(
        &mut self,
        step: Step,
        what: What,
        status: EntryStatus,
        data: Value,
        wrote: Option<(RowKind, Outcomes)>,
    ) {
        let operation = what.to_string();
        tracing::debug!(%step, operation, %status, %data, "the run recorded an operation");
        let timestamp = self.clock.now();
        let before = self.operations.last().map_or(self.began, |entry| entry.timestamp);
        let first_request = self.requests.began_after(self.requests_before).filter(|_| step == Step::Fetch);
        let since = first_request.and_then(|began| TimeDelta::from_std(began.elapsed()).ok());
        let started_at = since.map_or(before, |since| (timestamp - since).max(before));
        self.requests_before = self.requests.len();
        let last = format!("{step} {operation}");
        let What { name, subject } = what;
        self.operations.push(Entry {
            step,
            operation,
            name,
            subject,
            status,
            data,
            started_at,
            timestamp,
            wrote,
        });
        let come = Progress { operations: self.operations.len(), last };
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = come;
    }
}
