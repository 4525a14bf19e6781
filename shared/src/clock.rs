//! The one clock. All code reads the time here, so that a replay can run at another time.

use chrono::{DateTime, TimeDelta, Utc};

/// The time as the pipeline sees it. Usually wall-clock time; a replay shifts it to the time of the event it replays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clock {
    shift: TimeDelta,
}

impl Clock {
    /// A clock that reads `instant` now and runs on from there.
    pub fn starting_at(instant: DateTime<Utc>) -> Self {
        Self { shift: instant - wall_now() }
    }

    /// The current time, truncated to microseconds, the precision of Postgres.
    pub fn now(&self) -> DateTime<Utc> {
        let now = wall_now() + self.shift;
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn wall_now() -> DateTime<Utc> {
    Utc::now()
}

/// How long it is until `deadline`; none if that is past.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
pub fn until(deadline: std::time::SystemTime) -> Option<std::time::Duration> {
    deadline.duration_since(std::time::SystemTime::now()).ok()
}
