//! A season at its provider: where the pipeline chooses between the providers.

use football::domain::{Mode, RoundAddress, StandingsMode};
use serde::Serialize;

use super::sofascore::NotASeason;
use super::{ProviderName, football_data, sofascore};

/// One season of one competition, at its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SeasonRef {
    /// At SofaScore.
    SofaScore(sofascore::SeasonRef),
    /// At football-data.org.
    FootballData(football_data::SeasonRef),
}

impl SeasonRef {
    /// Reads the address of a season at any provider, as it is stored.
    pub fn parse(base_url: &str) -> Option<Self> {
        let sofascore = sofascore::SeasonRef::parse(base_url).map(Self::SofaScore);
        sofascore.or_else(|| football_data::SeasonRef::parse(base_url).map(Self::FootballData))
    }

    /// A season at SofaScore, by its ids of competition and season.
    pub fn sofascore(tournament: u32, season: u32) -> Self {
        Self::SofaScore(sofascore::SeasonRef { tournament, season })
    }

    /// Who is asked for it.
    pub fn provider(&self) -> ProviderName {
        match self {
            Self::SofaScore(_) => ProviderName::SofaScore,
            Self::FootballData(_) => ProviderName::FootballData,
        }
    }

    /// The season's URL as the application stores it.
    pub fn base_url(&self) -> String {
        match self {
            Self::SofaScore(season) => season.base_url(),
            Self::FootballData(season) => season.base_url(),
        }
    }

    /// A round's URL as the application stores it.
    pub fn round_url(&self, address: &RoundAddress) -> String {
        match self {
            Self::SofaScore(season) => season.round_url(address),
            Self::FootballData(season) => season.round_url(address),
        }
    }

    /// The provider's id of the competition.
    pub fn external_id(&self) -> String {
        match self {
            Self::SofaScore(season) => season.tournament.to_string(),
            Self::FootballData(season) => season.external_id(),
        }
    }

    /// The competition, as lists over all competitions name it.
    pub fn competition(&self) -> String {
        match self {
            Self::SofaScore(season) => season.tournament.to_string(),
            Self::FootballData(season) => season.competition.clone(),
        }
    }
}

/// Reads a round's address back from a stored URL; none if it is no provider's address of a round.
pub fn round_address(url: &str) -> Option<RoundAddress> {
    sofascore::round_address(url).or_else(|| football_data::round_address(url))
}

/// A season, as the address of its page gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeasonPage {
    /// Competition and season.
    pub season: SeasonRef,
    /// The competition's name in the address.
    pub name: Option<String>,
    /// The address of the page; none where the API's address was given.
    pub public_url: Option<String>,
    /// The season as people call it, where the address says so.
    pub label: Option<String>,
    /// How the competition is played, where it is known.
    pub modes: Option<(Mode, StandingsMode)>,
}

/// Reads a season as a person gives it: the address of its page at SofaScore, or football-data.org's code and year, as
/// `PL 2025`; of both also the API's address.
pub fn season_page(text: &str) -> Result<SeasonPage, NotASeason> {
    if let Some(season) = football_data::season_of_text(text) {
        let (name, label, modes) =
            (season.name().map(ToOwned::to_owned), Some(season.label()), season.modes());
        let season = SeasonRef::FootballData(season);
        return Ok(SeasonPage { season, name, public_url: None, label, modes });
    }
    let page = sofascore::season_page(text)?;
    Ok(SeasonPage {
        season: SeasonRef::SofaScore(page.season),
        name: page.name,
        public_url: page.public_url,
        label: None,
        modes: None,
    })
}
