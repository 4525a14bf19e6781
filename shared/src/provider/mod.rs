//! The providers of match data: their requests, answers and errors.
//!
//! The rest of the pipeline uses the names exported here. Each provider is a module; [`SeasonRef`] says which one is asked for a
//! season, and [`Session`] asks it. What leaves them are domain types.

mod football_data;
mod listed;
mod reading;
mod reply;
mod season;
mod session;
mod sofascore;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::browser::BrowserError;
use crate::gate::GateError;
use crate::work::ErrorKind;

pub use football::domain::ProviderName;
pub use football_data::{FootballData, decode as football_data_decode};
pub use listed::Listed;
pub use reading::{Alias, Half, Image, Reading, Refusal, Rounds, Tables};
pub use season::{SeasonRef, round_address, season_page};
pub use session::Session;
pub use sofascore::{SeasonRef as SofaScoreSeason, SofaScore, decode, has_round_url, is_page};

/// Delay before a retry of what the provider could not answer, or S3 did not store.
pub const TRY_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Why a request to the provider returned no data.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// 404. For a knockout round: not drawn yet.
    #[error("{path}: not found")]
    NotFound {
        /// The requested path.
        path: String,
    },
    /// The provider refuses: 403, a challenge, or a web page instead of data.
    #[error("{path}: the provider refuses to answer ({reason})")]
    Blocked {
        /// The requested path.
        path: String,
        /// The provider's response.
        reason: String,
    },
    /// The key is wrong, or does not cover this: a person must act, and a retry is in vain.
    #[error("{path}: not allowed ({reason})")]
    NotAllowed {
        /// The requested path.
        path: String,
        /// The provider's answer, and what to do.
        reason: String,
    },
    /// 429.
    #[error("{path}: too many requests")]
    RateLimited {
        /// The requested path.
        path: String,
        /// Its `Retry-After`, if there was one.
        retry_after: Option<Duration>,
    },
    /// 5xx, a network failure, or a timeout.
    #[error("{path}: the provider is not available ({reason})")]
    Unavailable {
        /// The requested path.
        path: String,
        /// What happened.
        reason: String,
    },
    /// An answer that is not what this endpoint returns.
    #[error("{path}: the answer can't be read: {reason}")]
    Malformed {
        /// The requested path.
        path: String,
        /// The field and what is wrong with it.
        reason: String,
    },
    /// The provider refused an earlier run: no requests are made for a while.
    #[error("the provider refuses to answer and is left alone until {} ({reason})", .until.format("%Y-%m-%d %H:%M UTC"))]
    CircuitOpen {
        /// Until when.
        until: DateTime<Utc>,
        /// The provider's response when it refused.
        reason: String,
    },
    /// The function's deadline is too near for another request.
    #[error("{path}: not asked for any more, the function's time is nearly up")]
    OutOfTime {
        /// The path that would have been requested.
        path: String,
    },
    /// Another run was using the provider for longer than is waited for a turn.
    #[error("{path}: another run is using the provider")]
    Busy {
        /// The path that would have been requested.
        path: String,
    },
    /// The browser failed twice.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The database could not grant or record the turn for the request.
    #[error("whether the provider may be asked now is not known: {0}")]
    Gate(#[source] GateError),
}

impl ProviderError {
    /// The error for `path` if the gate does not admit the request.
    pub(crate) fn not_admitted(path: &str, error: GateError) -> Self {
        match error {
            GateError::CircuitOpen { until, reason } => Self::CircuitOpen { until, reason },
            GateError::HeldOff(wait) => Self::RateLimited { path: path.to_owned(), retry_after: Some(wait) },
            GateError::OutOfTime => Self::OutOfTime { path: path.to_owned() },
            GateError::Busy => Self::Busy { path: path.to_owned() },
            error @ GateError::Store(_) => Self::Gate(error),
        }
    }

    /// Whether other requests of this run may still succeed, so that the run continues.
    pub fn is_isolated(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Unavailable { .. })
    }

    /// Whether the work itself is not at fault: the run then schedules it again instead of failing.
    pub fn is_deferral(&self) -> bool {
        matches!(self, Self::CircuitOpen { .. } | Self::OutOfTime { .. } | Self::Busy { .. })
    }

    /// Whether the work is given back, as if it had not begun: there was no turn or, for a check of a wake-up, no time.
    pub fn gives_work_back(&self, of_wake_up: bool) -> bool {
        matches!(self, Self::Busy { .. }) || (of_wake_up && matches!(self, Self::OutOfTime { .. }))
    }

    /// Whether a retry of the same request may succeed.
    pub fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::NotFound { .. } | Self::NotAllowed { .. } | Self::Malformed { .. } | Self::Gate(_)
        )
    }

    /// When to retry what this error prevented.
    pub fn try_again_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let soon = now + TRY_AGAIN_AFTER;
        match self {
            Self::CircuitOpen { until, .. } => *until + TimeDelta::minutes(1),
            Self::OutOfTime { .. } | Self::Busy { .. } => now + TimeDelta::minutes(1),
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
            Self::NotAllowed { .. } => ErrorKind::NotAllowed,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Malformed { .. } => ErrorKind::Malformed,
            Self::CircuitOpen { .. } => ErrorKind::CircuitOpen,
            Self::OutOfTime { .. } | Self::Busy { .. } => ErrorKind::OutOfTime,
            Self::Browser(_) => ErrorKind::Browser,
            Self::Gate(_) => ErrorKind::Database,
        }
    }
}
