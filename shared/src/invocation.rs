//! One delivery to one function, with the function's configuration and services.

use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use crate::app::Services;
use crate::batch::Batch;
use crate::clock::Clock;
use crate::config::Config;
use crate::work::Function;

/// Time reserved for the report, the record and the message before the function's deadline.
pub(crate) const TIME_TO_FINISH: Duration = Duration::from_secs(30);
/// Time reserved before that for writing what was read.
const TIME_TO_WRITE: Duration = Duration::from_secs(15);

/// One delivery to one function.
#[derive(Clone, Copy)]
pub struct Invocation<'a> {
    /// The function.
    pub function: Function,
    /// The delivery's id; Lambda's own retries share it.
    pub request_id: Uuid,
    /// The delivery's X-Ray trace, if there is one.
    pub trace_id: Option<&'a str>,
    /// The time as this run sees it.
    pub clock: Clock,
    /// When Lambda stops the function, if it does.
    pub deadline: Option<Instant>,
    /// The payload, kept in the record so that it can be sent again.
    pub event: &'a Value,
    /// The function's configuration.
    pub config: &'a Config,
    /// Clients of the external services.
    pub services: &'a Services,
    /// What the executions of a wake-up share; none for an event of its own.
    pub batch: Option<&'a Batch>,
}

impl Invocation<'_> {
    /// Whether this execution looks after what earlier runs left: dead runs and pending messages.
    pub(crate) fn does_housekeeping(&self) -> bool {
        self.batch.is_none_or(Batch::does_housekeeping)
    }

    /// When a step stops making requests and writes what it has; none: there is no deadline.
    pub fn time_to_write(&self) -> Option<Instant> {
        self.deadline?.checked_sub(TIME_TO_FINISH + TIME_TO_WRITE)
    }
}
