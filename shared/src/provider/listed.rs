//! Events of a list over several rounds, of either provider.

use super::football_data::ListedGame;
use super::reading::{ListedRound, Reading};
use super::season::SeasonRef;
use super::sofascore::ListedEvent;

/// An event of a list over several rounds, with its competition, season and round.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The provider's event id.
    pub external_id: String,
    /// Its round.
    pub round: ListedRound,
    of: Source,
}

/// SofaScore's long lists are read only where they are wanted.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    SofaScore(ListedEvent),
    FootballData(ListedGame),
}

impl From<ListedEvent> for Listed {
    fn from(event: ListedEvent) -> Self {
        let (external_id, round) = (event.external_id.clone(), event.round.clone());
        Self { external_id, round, of: Source::SofaScore(event) }
    }
}

impl From<ListedGame> for Listed {
    fn from(game: ListedGame) -> Self {
        let (external_id, round) = (game.external_id.clone(), game.round.clone());
        Self { external_id, round, of: Source::FootballData(game) }
    }
}

impl Listed {
    /// Whether it is of this season, or may be: if the list leaves the season out, only a known event id decides.
    pub fn may_be_of(&self, season: &SeasonRef) -> bool {
        match (&self.of, season) {
            (Source::SofaScore(event), SeasonRef::SofaScore(season)) => event.may_be_of(season),
            (Source::FootballData(game), SeasonRef::FootballData(season)) => game.seasons.contains(season),
            _ => false,
        }
    }

    /// Its competition, as [`SeasonRef::competition`] may name it.
    pub fn competitions(&self) -> Vec<String> {
        match &self.of {
            Source::SofaScore(event) => vec![event.tournament.to_string()],
            Source::FootballData(game) => {
                game.seasons.iter().map(|season| season.competition.clone()).collect()
            }
        }
    }

    /// Whether the list says of which season it is.
    pub fn names_season(&self) -> bool {
        match &self.of {
            Source::SofaScore(event) => event.season.is_some(),
            Source::FootballData(_) => true,
        }
    }

    /// Reads the event as a match of the stored round `round_slug`.
    pub fn read(&self, round_slug: &str) -> Reading {
        match &self.of {
            Source::SofaScore(event) => event.read(round_slug),
            Source::FootballData(game) => {
                let mut reading = game.reading.clone();
                reading.matches.iter_mut().for_each(|m| round_slug.clone_into(&mut m.round_slug));
                reading
            }
        }
    }
}
