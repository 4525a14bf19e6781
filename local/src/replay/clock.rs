//! The replay clock: the only time that the replay provider uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use shared::clock::Clock;

/// A clock that changes only when it is set, or the wall's. Clones share one time.
#[derive(Clone, Debug)]
pub struct ReplayClock(Time);

#[derive(Clone, Debug)]
enum Time {
    Set(Arc<AtomicI64>),
    Wall,
}

impl ReplayClock {
    /// A clock set to `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self(Time::Set(Arc::new(AtomicI64::new(start.timestamp_millis()))))
    }

    /// The wall's clock, which can't be set.
    pub fn wall() -> Self {
        Self(Time::Wall)
    }

    /// The current time of the clock.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            // Only instants that came in as a DateTime are stored, so the conversion back cannot fail.
            Time::Set(millis) => {
                DateTime::from_timestamp_millis(millis.load(Ordering::SeqCst)).unwrap_or(DateTime::UNIX_EPOCH)
            }
            Time::Wall => Clock::default().now(),
        }
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Time::Set(millis) = &self.0 {
            millis.store(to.timestamp_millis(), Ordering::SeqCst);
        }
    }
}
