//! A run: one attempt at one execution, as its steps see it.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::app::Services;
use crate::clock::Clock;
use crate::config::Config;
use crate::event::InvalidInput;
use crate::journal::{EntryStatus, Journal, Step, What};
use crate::objects::ObjectError;
use crate::provider::Session;
use crate::provider::{ProviderError, TRY_AGAIN_AFTER};
use crate::store::executions::Held;
use crate::store::{Connection, StoreError, patience};

/// The context of a step of an execution.
pub struct Run<'a> {
    /// The function's configuration.
    pub config: &'a Config,
    /// Clients of the external services.
    pub services: &'a Services,
    /// The session with the provider. It has no browser until the first request.
    pub provider: &'a mut Session,
    /// The journal for the report.
    pub journal: Journal,
    /// What is to be retried.
    pub retry: Retry,
    /// The planning time: the occurrence's scheduled time, else the time at which the run began.
    pub planning: DateTime<Utc>,
    /// The occurrence's scheduled time, if it has one.
    pub planned_for: Option<DateTime<Utc>>,
    /// The record.
    pub record: Held,
    /// The number of this attempt, from 1: a later one may find rows that an earlier one wrote.
    pub attempt: i32,
    /// When the first attempt began.
    pub first_begun: DateTime<Utc>,
    /// Whether other checks of the same wake-up need the session with the provider after this one.
    pub shares_provider: bool,
    pub(super) clock: Clock,
}

/// What a run could not read or store and is to be retried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// When to retry what is missing.
    pub missed_at: Option<DateTime<Utc>>,
    /// An answer was malformed. It is retried only once, since it may stay malformed.
    pub malformed: bool,
    /// When to retry a comparison with the provider that is missing.
    pub unchecked_at: Option<DateTime<Utc>>,
    /// The answer for a comparison was malformed.
    pub malformed_check: bool,
    /// The provider refused, or got no request because it had refused before.
    pub refused: bool,
}

impl Run<'_> {
    /// The time as this run sees it.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Closes the browser, unless others need it: no request to the provider follows, and the report needs none.
    pub async fn no_more_requests(&mut self) {
        if !self.shares_provider {
            self.provider.close().await;
        }
    }

    /// A connection to the database.
    pub async fn client(&self) -> Result<Connection, StoreError> {
        self.services.store.client().await
    }

    /// Records the result of reading the event: the first operation of every execution.
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

    /// Records that the provider could not answer something, and marks it for a retry if one may help.
    pub fn missed(&mut self, operation: impl Into<What>, error: &ProviderError) {
        self.journal.failed(Step::Fetch, operation, error);
        self.retry.refused |= error.kind().is_refusal();
        self.retry.malformed |= matches!(error, ProviderError::Malformed { .. });
        if error.may_pass() {
            self.retry.missed_at = self.retry.missed_at.max(Some(error.try_again_at(self.now())));
        }
    }

    /// Records the provider's answer for the check of `what`. If the provider fails, only the check is skipped, and
    /// marked for a retry if one may help.
    pub fn check<T>(&mut self, what: &'static str, answer: Result<Vec<T>, ProviderError>) -> Option<Vec<T>> {
        match answer {
            Ok(read) => {
                let operation = What::of("the provider's", what);
                self.journal.completed(Step::Fetch, operation, json!({ "read": read.len() }));
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

    /// Records that something could not be stored, and marks it for a retry.
    pub fn not_stored(&mut self, operation: impl Into<What>, error: &ObjectError) {
        self.journal.failed(Step::Apply, operation, error);
        self.retry.missed_at = self.retry.missed_at.max(Some(self.now() + TRY_AGAIN_AFTER));
    }

    /// Runs a step whose writes are one transaction. Retries it for some seconds after a transient error (a conflict of
    /// transactions, a lost connection). Journal entries of a failed try are discarded, except alarms.
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
            tracing::warn!(%error, "retrying the run's transaction…");
            let alarms = std::mem::take(&mut self.journal.alarms);
            (self.journal, self.retry) = before;
            // The commit may have succeeded: rows that exist already may be this run's own.
            self.attempt += 1;
            alarms.into_iter().for_each(|alarm| self.journal.alarm(alarm));
            tokio::time::sleep(wait).await;
        }
    }
}
