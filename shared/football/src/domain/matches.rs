//! A match, as the provider gives it and as it is stored.

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
    /// No result, and none expected for now: postponed, cancelled, abandoned, removed.
    NotDefined,
}

/// A match between two known teams, as the provider last gave it.
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
    /// The provider's facts about its tie, in a knockout round.
    pub tie: TieFacts,
}

/// Who won a match or a tie, as the provider names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "i32")]
pub enum Winner {
    /// The home side.
    Home,
    /// The away side.
    Away,
    /// Neither: a draw.
    Neither,
}

impl Winner {
    /// The code in the column `winner_code` and in reports: 1, 2, 3.
    pub fn code(self) -> i32 {
        match self {
            Self::Home => 1,
            Self::Away => 2,
            Self::Neither => 3,
        }
    }

    /// Reads the column `winner_code`.
    pub fn from_code(code: i32) -> Option<Self> {
        [Self::Home, Self::Away, Self::Neither].into_iter().find(|winner| winner.code() == code)
    }
}

impl From<Winner> for i32 {
    fn from(winner: Winner) -> Self {
        winner.code()
    }
}

/// The provider's facts about the tie that a match belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TieFacts {
    /// Whether extra time was played.
    pub extra_time: bool,
    /// Whether the result was awarded, or one side did not play.
    pub awarded: bool,
    /// The provider's winner of the match.
    #[serde(rename = "winner_code")]
    pub winner: Option<Winner>,
    /// The provider's winner of the tie, as a side of this match.
    #[serde(rename = "tie_winner_code")]
    pub tie_winner: Option<Winner>,
    /// The provider's id of the leg before this one.
    pub previous_leg: Option<String>,
    /// The tie's number of legs, if the provider gives it.
    pub legs: Option<i32>,
}

impl fmt::Display for TieFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn code(code: Option<i32>) -> String {
            code.map_or_else(|| "-".to_owned(), |code| code.to_string())
        }
        let Self { extra_time, awarded, winner, tie_winner, previous_leg, legs } = self;
        write!(
            f,
            "winner {} tie {} legs {} after {}{}{}",
            code(winner.map(Winner::code)),
            code(tie_winner.map(Winner::code)),
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
    /// The stored match.
    pub known: Match,
    /// Whether the application has already scored its members' guesses by this result.
    pub scored: bool,
    /// A lower running score that was read once, as `home-away`.
    pub doubted: Option<String>,
    /// The stored status, where it is not one of [`MatchStatus`]: `known.status` is used in its place.
    pub unknown_status: Option<String>,
}
