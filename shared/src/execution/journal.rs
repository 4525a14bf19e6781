//! What a run notes while it works: the body of its report and the source of every count.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Clock;
use crate::event::InvalidInput;
use crate::objects::ObjectError;
use crate::provider::{ProviderError, Request, TRY_AGAIN_AFTER};
use crate::store::Outcomes;
use crate::store::executions::Held;

/// The notes of one execution.
#[derive(Debug, Clone, Serialize)]
pub struct Journal {
    /// Nothing is to be written.
    pub dry_run: bool,
    /// The record.
    #[serde(skip)]
    pub held: Held,
    /// Which attempt at the work this is, from 1: a later one may find what an earlier one left.
    #[serde(skip)]
    pub attempt: i32,
    /// When the first attempt began.
    #[serde(skip)]
    pub first_begun: DateTime<Utc>,
    /// Of which tournament, as soon as it is known.
    pub tournament_id: Option<Uuid>,
    /// Its label.
    pub tournament_label: Option<String>,
    /// What was done, in order.
    pub operations: Vec<Operation>,
    /// What was decided, by name.
    pub plans: Map<String, Value>,
    /// What the provider was asked.
    pub requests: Vec<Request>,
    /// What became of rows, counted by the database.
    pub rows: Outcomes,
    /// What became of schedules.
    pub schedules: ScheduleCounts,
    /// Other figures for the summary, by name.
    pub facts: Map<String, Value>,
    /// Parts that failed while the rest went in: they make the execution a partial failure.
    pub failures: Vec<String>,
    /// What somebody should know though nothing failed.
    pub warnings: Vec<String>,
    /// Those of the warnings that somebody must be told even if the run dies.
    #[serde(skip)]
    pub alarms: Vec<String>,
    /// When what the provider could not tell is to be asked for again.
    #[serde(skip)]
    pub try_again_at: Option<DateTime<Utc>>,
    /// Something came as what can't be read: a cut or muddled answer, or one that stays so. Worth one more try.
    #[serde(skip)]
    pub unreadable: bool,
    /// When what is only a check is to be asked for again.
    #[serde(skip)]
    pub check_again_at: Option<DateTime<Utc>>,
    /// A check came as what can't be read.
    #[serde(skip)]
    pub unreadable_check: bool,
    /// The provider is left alone, and the work waits for it: told once for all runs.
    #[serde(skip)]
    pub circuit_open: bool,
    #[serde(skip)]
    clock: Clock,
    #[serde(skip)]
    progress: Progress,
}

/// How far a run has come, for whoever watches it: how many operations, and which was the last.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<Mutex<(usize, String)>>);

impl Progress {
    fn note(&self, operations: usize, last: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (operations, last);
    }

    /// As it stands in the record's summary while the run goes on; none before the first operation.
    pub(super) fn summary(&self) -> Option<Value> {
        let (operations, last) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (operations > 0).then(|| serde_json::json!({ "operations": operations, "last": last }))
    }
}

/// One thing done.
#[derive(Debug, Clone, Serialize)]
pub struct Operation {
    /// Where it belongs: `validation`, `fetch`, `plan`, `apply`, `schedule`, ….
    pub step: String,
    /// What was done.
    pub operation: String,
    /// How it went.
    pub status: OperationStatus,
    /// Details: counts, ids, reasons.
    pub data: Value,
    /// When.
    pub timestamp: DateTime<Utc>,
}

/// How an operation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum OperationStatus {
    /// Well.
    Completed,
    /// Badly.
    Failed,
    /// Left out, for the reason in its data.
    Skipped,
}

/// What became of schedules, counted from Scheduler's answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ScheduleCounts {
    /// New.
    pub created: u64,
    /// Moved.
    pub updated: u64,
    /// Taken away.
    pub deleted: u64,
    /// Right as they were.
    pub kept: u64,
}

impl Journal {
    pub(super) fn new(
        clock: Clock,
        held: Held,
        first_begun: DateTime<Utc>,
        dry_run: bool,
        tournament_id: Option<Uuid>,
    ) -> Self {
        Self {
            dry_run,
            held,
            attempt: held.attempt,
            first_begun,
            tournament_id,
            tournament_label: None,
            operations: Vec::new(),
            plans: Map::new(),
            requests: Vec::new(),
            rows: Outcomes::default(),
            schedules: ScheduleCounts::default(),
            facts: Map::new(),
            failures: Vec::new(),
            warnings: Vec::new(),
            alarms: Vec::new(),
            try_again_at: None,
            unreadable: false,
            check_again_at: None,
            unreadable_check: false,
            circuit_open: false,
            clock,
            progress: Progress::default(),
        }
    }

    /// How far the run has come, as it goes on.
    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    #[cfg(test)]
    pub(crate) fn for_tests(clock: Clock) -> Self {
        Self::new(clock, Held { id: Uuid::nil(), attempt: 1 }, clock.now(), false, None)
    }

    /// Notes what reading the event came to: the first operation of every execution.
    pub fn validated<T>(&mut self, input: Result<T, InvalidInput>) -> Result<T, InvalidInput> {
        match &input {
            Ok(_) => self.completed("validation", "event", Value::Null),
            Err(invalid) => {
                let problems = serde_json::json!({ "problems": invalid.problems });
                self.note("validation", "event", OperationStatus::Failed, problems);
            }
        }
        input
    }

    /// Says which tournament this is about.
    pub fn about(&mut self, id: Uuid, label: &str) {
        self.tournament_id = Some(id);
        self.tournament_label = Some(label.to_owned());
    }

    /// Notes an operation.
    pub fn note(&mut self, step: &str, operation: &str, status: OperationStatus, data: Value) {
        tracing::debug!(step, operation, %status, %data, "operation");
        self.operations.push(Operation {
            step: step.to_owned(),
            operation: operation.to_owned(),
            status,
            data,
            timestamp: self.clock.now(),
        });
        self.progress.note(self.operations.len(), format!("{step} {operation}"));
    }

    /// Notes an operation that went well.
    pub fn completed(&mut self, step: &str, operation: &str, data: Value) {
        self.note(step, operation, OperationStatus::Completed, data);
    }

    /// Notes an operation that was left out.
    pub fn skipped(&mut self, step: &str, operation: &str, reason: &str) {
        self.note(step, operation, OperationStatus::Skipped, serde_json::json!({ "reason": reason }));
    }

    /// Notes an operation that failed while the rest goes on.
    pub fn failed(&mut self, step: &str, operation: &str, error: &dyn std::fmt::Display) {
        self.note(
            step,
            operation,
            OperationStatus::Failed,
            serde_json::json!({ "error": error.to_string() }),
        );
        self.failures.push(format!("{operation}: {error}"));
    }

    /// Notes that the provider could not tell something; where another time may help, when.
    pub fn missed(&mut self, operation: &str, error: &ProviderError) {
        self.failed("fetch", operation, error);
        self.circuit_open |= matches!(error, ProviderError::CircuitOpen { .. });
        self.unreadable |= matches!(error, ProviderError::Malformed { .. });
        if error.may_pass() {
            self.try_again_at = self.try_again_at.max(Some(error.try_again_at(self.clock.now())));
        }
    }

    /// Notes what the provider answered for the check of `what`. Its trouble costs the check and nothing else; where
    /// another time may help, when.
    pub fn check<T>(&mut self, what: &str, answer: Result<Vec<T>, ProviderError>) -> Option<Vec<T>> {
        match answer {
            Ok(read) => {
                self.completed(
                    "fetch",
                    &format!("the provider's {what}"),
                    serde_json::json!({ "read": read.len() }),
                );
                Some(read)
            }
            Err(error) => {
                self.warn(format!("the {what} could not be checked against the provider's: {error}"));
                if error.may_pass() {
                    self.check_again_at = self.check_again_at.max(Some(error.try_again_at(self.clock.now())));
                }
                self.unreadable_check |= matches!(error, ProviderError::Malformed { .. });
                None
            }
        }
    }

    /// Notes that something could not be stored, and that another time may help.
    pub fn not_stored(&mut self, operation: &str, error: &ObjectError) {
        self.failed("apply", operation, error);
        self.try_again_at = self.try_again_at.max(Some(self.clock.now() + TRY_AGAIN_AFTER));
    }

    /// Notes something that somebody should know though nothing failed.
    pub fn warn(&mut self, warning: String) {
        tracing::warn!(warning, "noted");
        self.warnings.push(warning);
    }

    /// Notes what somebody must know before any other warning (a summary and a notice hold only the first few), once.
    pub fn alarm(&mut self, alarm: String) {
        if self.alarms.contains(&alarm) {
            return;
        }
        tracing::warn!(alarm, "noted");
        self.warnings.insert(0, alarm.clone());
        self.alarms.push(alarm);
    }

    /// Notes rows written by an operation, counted by the database.
    pub fn wrote(&mut self, operation: &str, outcomes: Outcomes) {
        self.rows += outcomes;
        self.completed("apply", operation, serde_json::json!({ "rows": outcomes }));
    }

    /// Notes what was decided.
    pub fn planned(&mut self, name: &str, plan: &impl Serialize) {
        let plan = serde_json::to_value(plan).unwrap_or_else(|error| Value::String(error.to_string()));
        self.plans.insert(name.to_owned(), plan);
    }
}
