//! A match: what the provider says of it and what is stored of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use super::Score;

/// The application's vocabulary for a match's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum MatchStatus {
    /// Not over: not started, running, interrupted.
    Open,
    /// Over, with a result that counts.
    Ended,
    /// No result and none to wait for now: postponed, cancelled, abandoned, removed.
    NotDefined,
}

/// A match between two known teams, as the provider last told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The provider's event id.
    pub external_id: String,
    /// The round it belongs to.
    pub round_slug: String,
    /// The group it counts for; empty outside groups.
    pub group_name: String,
    /// The provider's id of the home team.
    pub home: String,
    /// The provider's id of the away team.
    pub away: String,
    /// Kickoff, UTC.
    pub kickoff: Option<DateTime<Utc>>,
    /// Its state.
    pub status: MatchStatus,
    /// Goals so far or at the end.
    pub score: Option<Score>,
    /// When the provider last changed the event.
    pub changed_at: Option<DateTime<Utc>>,
}

/// A match as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredMatch {
    /// What we know of it.
    pub known: Match,
    /// Whether the application has already scored its members' guesses by this result.
    pub scored: bool,
    /// A lower running score that was seen once, as `home-away`.
    pub doubted: Option<String>,
}
