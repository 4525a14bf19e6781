//! The provider of match data: what it can answer, and how it is asked politely.
//!
//! [`sofascore`] is the only one. Its functions return domain types.

mod circuit;
mod pace;
pub mod sofascore;

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::browser::BrowserError;
use crate::clock::Clock;
use crate::store::{Store, StoreError};
use crate::work::ErrorKind;

/// On which terms a run may ask a provider.
#[derive(Clone)]
pub struct Terms {
    /// Where turns and the circuit are kept.
    pub store: Store,
    /// The time as the run sees it.
    pub clock: Clock,
    /// No request is begun after this: what was read is to be written while there is time.
    pub until: Option<Instant>,
}

/// What the provider could not tell, or S3 did not take, is asked for again after this.
pub const TRY_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Why there is no data.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// 404. For a knockout round: not drawn yet.
    #[error("{path}: not found")]
    NotFound {
        /// What was asked for.
        path: String,
    },
    /// The provider refuses: 403, a challenge, a page where data should be.
    #[error("{path}: the provider refuses to answer ({reason})")]
    Blocked {
        /// What was asked for.
        path: String,
        /// How it said so.
        reason: String,
    },
    /// 429.
    #[error("{path}: too many requests")]
    RateLimited {
        /// What was asked for.
        path: String,
        /// When to come back, if it said so.
        retry_after: Option<Duration>,
    },
    /// 5xx, no network, no answer in time.
    #[error("{path}: the provider is not available ({reason})")]
    Unavailable {
        /// What was asked for.
        path: String,
        /// What happened.
        reason: String,
    },
    /// An answer that is not what this endpoint gives.
    #[error("{path}: the answer can't be read: {reason}")]
    Malformed {
        /// What was asked for.
        path: String,
        /// The field and what is wrong with it.
        reason: String,
    },
    /// The provider refused some run before: nobody asks for a while.
    #[error("the provider refuses to answer and is left alone until {} ({reason})", .until.format("%Y-%m-%d %H:%M UTC"))]
    CircuitOpen {
        /// How long.
        until: DateTime<Utc>,
        /// What it said.
        reason: String,
    },
    /// The function's own time is nearly up.
    #[error("{path}: not asked for any more, the function's time is nearly up")]
    OutOfTime {
        /// What would have been asked for.
        path: String,
    },
    /// The browser failed twice.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The turn for the request could not be had.
    #[error("whether the provider may be asked now is not known: {0}")]
    Pace(#[source] StoreError),
}

impl ProviderError {
    /// Whether other requests of this run may still succeed, so that the run continues.
    pub fn is_isolated(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Unavailable { .. })
    }

    /// Whether nothing is wrong with the work itself: it waits, and whoever runs it schedules it anew instead of
    /// failing.
    pub fn is_deferral(&self) -> bool {
        matches!(self, Self::CircuitOpen { .. } | Self::OutOfTime { .. })
    }

    /// Whether the same may be answered another time.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::NotFound { .. } | Self::Malformed { .. } | Self::Pace(_))
    }

    /// When to try again what this error prevented.
    pub fn try_again_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let soon = now + TRY_AGAIN_AFTER;
        match self {
            Self::CircuitOpen { until, .. } => *until + TimeDelta::minutes(1),
            Self::OutOfTime { .. } => now + TimeDelta::minutes(1),
            Self::RateLimited { retry_after: Some(wait), .. } => {
                TimeDelta::from_std(*wait).map_or(soon, |wait| soon.max(now + wait))
            }
            _ => soon,
        }
    }

    /// The kind, for reports and for Lambda's error type.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Blocked { .. } => ErrorKind::Blocked,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Malformed { .. } => ErrorKind::Malformed,
            Self::CircuitOpen { .. } => ErrorKind::CircuitOpen,
            Self::OutOfTime { .. } => ErrorKind::OutOfTime,
            Self::Browser(_) => ErrorKind::Browser,
            Self::Pace(_) => ErrorKind::Database,
        }
    }
}
