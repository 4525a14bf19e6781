//! A match: what the provider says of it and what is stored of it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

use super::Score;

/// The application's vocabulary for a match's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
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
    /// What it says of its tie, in a knockout round.
    pub tie: TieFacts,
}

/// What a match says of its tie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TieFacts {
    /// Whether extra time was played.
    pub extra_time: bool,
    /// Whether the result was awarded, or one side did not play.
    pub awarded: bool,
    /// The provider's winner of the match: 1 home, 2 away, 3 neither.
    pub winner_code: Option<i32>,
    /// The provider's winner of the tie, as a side of this match.
    pub tie_winner_code: Option<i32>,
    /// The provider's id of the leg before this one.
    pub previous_leg: Option<String>,
    /// How many legs the provider says the tie has.
    pub legs: Option<i32>,
}

impl fmt::Display for TieFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn code(code: Option<i32>) -> String {
            code.map_or_else(|| "-".to_owned(), |code| code.to_string())
        }
        let Self { extra_time, awarded, winner_code, tie_winner_code, previous_leg, legs } = self;
        write!(
            f,
            "winner {} tie {} legs {} after {}{}{}",
            code(*winner_code),
            code(*tie_winner_code),
            code(*legs),
            previous_leg.as_deref().unwrap_or("-"),
            if *extra_time { " extra time" } else { "" },
            if *awarded { " awarded" } else { "" },
        )
    }
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
    /// The stored status, where it is none of the vocabulary: `known.status` is what it is taken for.
    pub odd_status: Option<String>,
}
