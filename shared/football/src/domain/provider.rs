//! Who provides match data.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// A provider, by its name in the database and on the command line.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ProviderName {
    /// SofaScore, read through a browser.
    #[default]
    #[serde(rename = "sofascore")]
    #[strum(serialize = "sofascore")]
    SofaScore,
    /// football-data.org, read by its API.
    FootballData,
}

impl ProviderName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SofaScore, Self::FootballData];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SofaScore => "sofascore",
            Self::FootballData => "football-data",
        }
    }
}
