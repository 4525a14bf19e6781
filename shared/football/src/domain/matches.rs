//! A match, as the provider gives it and as it is stored.

use std::collections::{HashMap, HashSet};
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

use super::{Lock, Score};

/// The application's vocabulary for a match's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MatchStatus {
    /// Not over: not started, running, interrupted.
    Open,
    /// Over, with a result that counts.
    Ended,
    /// No result, and none expected for now: postponed, cancelled, abandoned, removed.
    NotDefined,
}

/// Why a match that is [`MatchStatus::NotDefined`] has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CalledOff {
    /// It is to be played at another time.
    Postponed,
    /// It was stopped; the competition has not decided yet.
    Abandoned,
    /// It will not be played, or its result was annulled.
    Cancelled,
    /// The provider has removed the entry.
    Removed,
    /// The provider does not list it any more, under its round or its id. It is taken back when it is listed again.
    Gone,
}

impl CalledOff {
    /// Whether the match may still be played.
    pub fn may_be_played(self) -> bool {
        matches!(self, Self::Postponed | Self::Abandoned)
    }
}

/// The stage of a competition that a match or a table belongs to. Its id tells groups and phases of one name apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Stored by a version that did not know stages, and not read since.
    #[default]
    Unread,
    /// The provider gives none.
    Unknown,
    /// The provider's id.
    Id(String),
}

impl Stage {
    /// The stage that the provider names by this id, if it names one.
    pub fn given(id: Option<String>) -> Self {
        id.map_or(Self::Unknown, Self::Id)
    }

    /// The id, if it is known.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Unread | Self::Unknown => None,
        }
    }

    /// Whether both may be the same stage: one that was not read may be any.
    pub fn may_be(&self, other: &Self) -> bool {
        self == other || *self == Self::Unread || *other == Self::Unread
    }
}

impl Serialize for Stage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.id().serialize(serializer)
    }
}

/// A match between two known teams, as the provider last gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The provider's event id.
    pub external_id: String,
    /// The round it belongs to.
    pub round_slug: String,
    /// The stage it belongs to.
    pub stage: Stage,
    /// The label of its group; empty outside groups.
    pub group_name: String,
    /// The provider's id of the home team.
    pub home: String,
    /// The provider's id of the away team.
    pub away: String,
    /// Kickoff, UTC.
    pub kickoff: Option<DateTime<Utc>>,
    /// Its state.
    pub status: MatchStatus,
    /// Why it has no result; none unless it is not defined, and in rows of versions that did not store it.
    pub called_off: Option<CalledOff>,
    /// Goals so far or at the end.
    pub score: Option<Score>,
    /// When the provider last changed the event.
    pub changed_at: Option<DateTime<Utc>>,
    /// The provider's facts about its tie, in a knockout round.
    pub tie: TieFacts,
}

impl Match {
    /// Whether its result was stored without its stage, and not read since.
    pub fn is_result_without_stage(&self) -> bool {
        self.stage == Stage::Unread && self.status == MatchStatus::Ended
    }

    /// Whether both are entries of one fixture: same stage, round, sides and day, and neither is called off.
    pub fn is_double_of(&self, other: &Self) -> bool {
        let day = |m: &Self| m.kickoff.map(|kickoff| kickoff.date_naive());
        let counts = |m: &Self| m.status != MatchStatus::NotDefined;
        self.external_id != other.external_id
            && (&self.round_slug, &self.home, &self.away) == (&other.round_slug, &other.home, &other.away)
            && self.stage.may_be(&other.stage)
            && day(self).is_some()
            && day(self) == day(other)
            && counts(self)
            && counts(other)
    }

    /// Whether this entry of a fixture is used rather than another: a result before a match to come, then the entry
    /// changed last, then the older one.
    fn outranks(&self, other: &Self) -> bool {
        let rank = |m: &Self| (m.status == MatchStatus::Ended, m.changed_at);
        let age = |m: &Self| (m.external_id.len(), m.external_id.clone());
        (rank(self), age(other)) > (rank(other), age(self))
    }
}

/// The matches without the further entries of fixtures that the provider lists twice.
pub fn without_doubles(matches: Vec<Match>) -> Vec<Match> {
    let mut entries: HashMap<(&str, &str, &str), Vec<&Match>> = HashMap::new();
    for m in &matches {
        entries.entry((&m.round_slug, &m.home, &m.away)).or_default().push(m);
    }
    let is_further = |m: &Match| {
        let entries = entries.get(&(m.round_slug.as_str(), m.home.as_str(), m.away.as_str()));
        entries.into_iter().flatten().any(|other| m.is_double_of(other) && other.outranks(m))
    };
    let further: HashSet<String> =
        matches.iter().filter(|m| is_further(m)).map(|m| m.external_id.clone()).collect();
    matches.into_iter().filter(|m| !further.contains(&m.external_id)).collect()
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
    /// What a person has locked against the provider.
    pub lock: Option<Lock>,
}

impl StoredMatch {
    /// The match as it would be without its lock.
    pub fn without_lock(&self) -> &Match {
        self.lock.as_ref().map_or(&self.known, |lock| &lock.without)
    }
}
