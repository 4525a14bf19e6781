//! One delivery to one function, and what the function's environment brings to it.

use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use crate::app::Services;
use crate::clock::Clock;
use crate::config::Config;
use crate::work::Function;

/// Left for the report, the record and the message before the function's time is up.
pub(crate) const TIME_TO_FINISH: Duration = Duration::from_secs(30);
/// Before that, what was read is written.
const TIME_TO_WRITE: Duration = Duration::from_secs(15);

/// One delivery to one function.
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
    /// What it brings, kept on record so that it can be sent again.
    pub event: &'a Value,
    /// The function's configuration.
    pub config: &'a Config,
    /// The outside world.
    pub services: &'a Services,
}

impl Invocation<'_> {
    /// When a step stops asking and writes what it has; none: there is no deadline.
    pub fn time_to_write(&self) -> Option<Instant> {
        self.deadline?.checked_sub(TIME_TO_FINISH + TIME_TO_WRITE)
    }
}
