//! A tournament: one season of one competition, as the application knows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};
use uuid::Uuid;

use super::ProviderName;

/// How a season is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Mode {
    /// A league or groups, then a knockout stage.
    RegularSeasonAndKnockout,
    /// A league only.
    RegularSeasonOnly,
    /// A cup only: it has no standings.
    KnockoutOnly,
}

impl Mode {
    /// Whether there is a table to keep.
    pub fn has_standings(self) -> bool {
        self != Self::KnockoutOnly
    }

    /// Whether there are knockout rounds to discover.
    pub fn has_knockouts(self) -> bool {
        self != Self::RegularSeasonOnly
    }
}

/// Whether the table is one or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StandingsMode {
    /// One table.
    UniqueGroup,
    /// One table a group.
    MultiGroup,
}

/// Where a tournament stands in its life. Only [`TournamentStatus::Active`] ones are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TournamentStatus {
    /// Being played.
    Active,
    /// Over.
    Completed,
    /// Not begun.
    Upcoming,
    /// Will not be played.
    Cancelled,
}

/// Who is asked for a tournament, where that is not only the provider it was created under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sources {
    /// Who is asked first; none: the one it was created under.
    pub asked: Option<ProviderName>,
    /// Who is asked while that one refuses.
    pub stand_in: Option<ProviderName>,
    /// The season's addresses at the others.
    pub addresses: BTreeMap<ProviderName, String>,
}

/// A tournament as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tournament {
    /// Our id.
    pub id: Uuid,
    /// The provider that it was created under: its rows have that provider's ids.
    pub provider: ProviderName,
    /// That provider's address of the season; see `provider::SeasonRef`.
    pub base_url: String,
    /// Who else may be asked.
    pub sources: Sources,
    /// Shown to people.
    pub label: String,
    /// Part of the application's URLs.
    pub slug: String,
    /// How it is played.
    pub mode: Mode,
    /// One table or several.
    pub standings_mode: StandingsMode,
    /// URL of the logo; empty while there is none.
    pub logo: String,
    /// Its status.
    pub status: TournamentStatus,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}
