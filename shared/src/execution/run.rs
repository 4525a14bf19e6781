//! A run: one attempt at one execution, as its steps see it.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::app::Services;
use crate::clock::Clock;
use crate::config::Config;
use crate::event::InvalidInput;
use crate::journal::{EntryStatus, Journal, Step};
use crate::objects::ObjectError;
use crate::provider::sofascore::SofaScore;
use crate::provider::{ProviderError, TRY_AGAIN_AFTER};
use crate::store::executions::Held;
use crate::store::{Connection, StoreError, patience};

/// What a step of an execution works with.
pub struct Run<'a> {
    /// The function's configuration.
    pub config: &'a Config,
    /// The outside world.
    pub services: &'a Services,
    /// The session with the provider. It has no browser until something is asked.
    pub provider: &'a mut SofaScore,
    /// What is noted for the report.
    pub journal: Journal,
    /// What is to be asked for again.
    pub retry: Retry,
    /// Schedules that could not be made, moved or deleted, each with what Scheduler said.
    pub failed_schedules: Vec<String>,
    /// The time for which is planned: the occurrence's scheduled time, else the time at which the run began.
    pub planning: DateTime<Utc>,
    /// The occurrence's scheduled time, if it has one.
    pub planned_for: Option<DateTime<Utc>>,
    /// The record.
    pub record: Held,
    /// Which attempt at the work this is, from 1: a later one may find what an earlier one left.
    pub attempt: i32,
    /// When the first attempt began.
    pub first_begun: DateTime<Utc>,
    pub(super) clock: Clock,
}

/// What a run could not have and is to be asked for again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// When the provider may answer what is missing.
    pub missed_at: Option<DateTime<Utc>>,
    /// An answer was malformed. It is asked for once more, since it may stay so.
    pub malformed: bool,
    /// When what is only a check of what is there may be answered.
    pub unchecked_at: Option<DateTime<Utc>>,
    /// A check's answer was malformed.
    pub malformed_check: bool,
    /// The provider's circuit is open, so that nothing was asked.
    pub circuit_open: bool,
}

impl Run<'_> {
    /// The time as this run sees it.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A connection to the database.
    pub async fn client(&self) -> Result<Connection, StoreError> {
        self.services.store.client().await
    }

    /// Notes what reading the event came to: the first operation of every execution.
    pub fn validated<T>(&mut self, input: Result<T, InvalidInput>) -> Result<T, InvalidInput> {
        match &input {
            Ok(_) => self.journal.completed(Step::Validation, "event", json!(null)),
            Err(invalid) => {
                let problems = json!({ "problems": invalid.problems });
                self.journal.note(Step::Validation, "event", EntryStatus::Failed, problems);
            }
        }
        input
    }

    /// Notes that the provider could not answer something; where another time may help, it is asked for again.
    pub fn missed(&mut self, operation: &str, error: &ProviderError) {
        self.journal.failed(Step::Fetch, operation, error);
        self.retry.circuit_open |= matches!(error, ProviderError::CircuitOpen { .. });
        self.retry.malformed |= matches!(error, ProviderError::Malformed { .. });
        if error.may_pass() {
            self.retry.missed_at = self.retry.missed_at.max(Some(error.try_again_at(self.now())));
        }
    }

    /// Notes what the provider answered for the check of `what`. Its trouble costs the check and nothing else; where
    /// another time may help, it is asked for again.
    pub fn check<T>(&mut self, what: &str, answer: Result<Vec<T>, ProviderError>) -> Option<Vec<T>> {
        match answer {
            Ok(read) => {
                let operation = format!("the provider's {what}");
                self.journal.completed(Step::Fetch, &operation, json!({ "read": read.len() }));
                Some(read)
            }
            Err(error) => {
                self.journal.warn(format!("the {what} could not be checked against the provider's: {error}"));
                if error.may_pass() {
                    let at = Some(error.try_again_at(self.now()));
                    self.retry.unchecked_at = self.retry.unchecked_at.max(at);
                }
                self.retry.malformed_check |= matches!(error, ProviderError::Malformed { .. });
                None
            }
        }
    }

    /// Notes that something could not be stored, and that another time may help.
    pub fn not_stored(&mut self, operation: &str, error: &ObjectError) {
        self.journal.failed(Step::Apply, operation, error);
        self.retry.missed_at = self.retry.missed_at.max(Some(self.now() + TRY_AGAIN_AFTER));
    }

    /// Runs a step whose writes are one transaction: again for some seconds, where another try may well succeed (two
    /// transactions were in each other's way, the connection was lost). What a failed try noted is forgotten.
    pub async fn transact<T>(
        &mut self,
        step: impl AsyncFn(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut waits = patience();
        loop {
            let before = (self.journal.clone(), self.retry.clone());
            let error = match step(self).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let transient = error.downcast_ref::<StoreError>().is_some_and(StoreError::is_transient);
            let Some(wait) = waits.next().filter(|_| transient) else { return Err(error) };
            tracing::warn!(%error, "the transaction is tried once more…");
            let alarms = std::mem::take(&mut self.journal.alarms);
            (self.journal, self.retry) = before;
            // Its commit may have got through: what is there already may be this run's own.
            self.attempt += 1;
            alarms.into_iter().for_each(|alarm| self.journal.alarm(alarm));
            tokio::time::sleep(wait).await;
        }
    }
}
