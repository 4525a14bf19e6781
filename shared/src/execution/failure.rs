//! Why an execution did not end well.

use chrono::{DateTime, Utc};

use crate::alarms::AlarmError;
use crate::app::AppError;
use crate::event::InvalidInput;
use crate::provider::ProviderError;
use crate::store::StoreError;
use crate::work::ErrorKind;

/// Why an execution did not end well. Returned to Lambda, so that its retries and dead letters see it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Another live run is working on this: deliver again later.
    #[error("{key} is being worked on by another run, whose lease holds until {until:?}")]
    AlreadyRunning {
        /// Which work.
        key: String,
        /// Until when.
        until: Option<DateTime<Utc>>,
    },
    /// Alarms could not be set. The checks are stored: the next delivery sets them.
    #[error("{failed} alarms could not be set: {first}")]
    Alarms {
        /// How many.
        failed: usize,
        /// The first error.
        first: String,
    },
    /// Checks of a wake-up failed; each has its own record.
    #[error("{failed} checks failed, the first one: {first}")]
    Checks {
        /// How many.
        failed: usize,
        /// The kind of the first error.
        kind: ErrorKind,
        /// The first error.
        first: String,
    },
    /// Another run was using the provider for longer than is waited for a turn: the work is given back.
    #[error("{key} was not begun: another run is using the provider")]
    NotBegun {
        /// Which work.
        key: String,
    },
    /// The external services could not be prepared: there is no record.
    #[error(transparent)]
    App(#[from] AppError),
    /// The database could not be migrated.
    #[error(transparent)]
    Migration(StoreError),
    /// The record could not be written.
    #[error("the execution's record could not be written: {0}")]
    Record(#[source] StoreError),
    /// The run lost its record to another that took it over.
    #[error("{key} was taken over by another run")]
    TakenOver {
        /// Which work.
        key: String,
    },
    /// The work failed; that is recorded, reported and sent to Slack.
    #[error("{key}: {message}")]
    Work {
        /// Which work.
        key: String,
        /// The kind of error.
        kind: ErrorKind,
        /// What went wrong.
        message: String,
    },
}

impl Failure {
    /// The kind of error, which is Lambda's `errorType`.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::AlreadyRunning { .. } | Self::NotBegun { .. } => ErrorKind::AlreadyRunning,
            Self::Alarms { .. } => ErrorKind::Scheduler,
            Self::App(_) => ErrorKind::Configuration,
            Self::Record(_) | Self::Migration(_) => ErrorKind::Database,
            Self::TakenOver { .. } => ErrorKind::TakenOver,
            Self::Work { kind, .. } | Self::Checks { kind, .. } => *kind,
        }
    }
}

/// The kind of a step's error.
pub(super) fn kind_of(error: &anyhow::Error) -> ErrorKind {
    if let Some(error) = error.downcast_ref::<ProviderError>() {
        error.kind()
    } else if error.is::<InvalidInput>() {
        ErrorKind::InvalidInput
    } else if error.is::<StoreError>() {
        ErrorKind::Database
    } else if error.is::<AlarmError>() {
        ErrorKind::Scheduler
    } else {
        ErrorKind::Internal
    }
}
