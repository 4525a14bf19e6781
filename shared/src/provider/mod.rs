//! The provider of match data: what it can answer, and how it is asked politely.
//!
//! [`sofascore`] is the only one. Its functions return domain types, so that another provider would be another
//! module beside it and nothing else.

mod pace;
pub mod sofascore;

use std::time::Duration;

use crate::browser::BrowserError;
use crate::store::StoreError;

pub use pace::Pace;

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
    /// The browser failed twice.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The moment for the request could not be had.
    #[error("the pause between requests could not be kept: {0}")]
    Pace(#[source] StoreError),
}

impl ProviderError {
    /// Whether the trouble is this request's alone: the next one may well be answered, so the run goes on without it.
    pub fn is_of_one_request(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Unavailable { .. })
    }

    /// The kind, for reports and for Lambda's error type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "NotFound",
            Self::Blocked { .. } => "Blocked",
            Self::RateLimited { .. } => "RateLimited",
            Self::Unavailable { .. } => "Unavailable",
            Self::Malformed { .. } => "Malformed",
            Self::Browser(_) => "Browser",
            Self::Pace(_) => "Database",
        }
    }
}

/// One request to the provider, for the report.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Request {
    /// Path below the provider's API.
    pub path: String,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// What went wrong, as a kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Size of the body.
    pub bytes: usize,
    /// From the question to the answer, the pause before it not counted.
    pub duration_ms: u128,
}
