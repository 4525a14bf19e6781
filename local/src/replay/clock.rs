//! The replay clock: the only time that the replay provider uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// A clock that changes only when it is set. Clones share one time.
#[derive(Clone, Debug)]
pub struct ReplayClock(Arc<AtomicI64>);

impl ReplayClock {
    /// A clock set to `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(start.timestamp_millis())))
    }

    /// The current time of the clock.
    pub fn now(&self) -> DateTime<Utc> {
        // Only instants that came in as a DateTime are stored, so the conversion back cannot fail.
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, to: DateTime<Utc>) {
        self.0.store(to.timestamp_millis(), Ordering::SeqCst);
    }
}
