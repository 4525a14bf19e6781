//! A session with the providers, for one delivery: each is asked for its own seasons. No browser is launched for
//! football-data.org.

use chrono::NaiveDate;
use football::domain::knockout::Tree;
use football::domain::standings::ProviderRow;
use football::domain::{Round, RoundAddress, Team};

use super::football_data::FootballData;
use super::listed::Listed;
use super::reading::{Half, Image, Reading, Rounds, Tables};
use super::reply::malformed;
use super::season::SeasonRef;
use super::sofascore::SofaScore;
use super::{ProviderError, ProviderName};
use crate::requests::RequestLog;

/// A session that has made no request yet.
pub struct Session {
    sofascore: SofaScore,
    football_data: FootballData,
    requests: RequestLog,
}

impl Session {
    /// A session with both.
    pub fn new(sofascore: SofaScore, football_data: FootballData) -> Self {
        let mut session = Self { sofascore, football_data, requests: RequestLog::default() };
        session.record_in(RequestLog::default());
        session
    }

    /// The season's rounds.
    pub async fn rounds(&mut self, season: &SeasonRef) -> Result<Rounds, ProviderError> {
        match season {
            SeasonRef::SofaScore(season) => self.sofascore.rounds(season).await,
            SeasonRef::FootballData(season) => self.football_data.rounds(season).await,
        }
    }

    /// The matches of one round.
    pub async fn round(
        &mut self,
        season: &SeasonRef,
        slug: &str,
        address: &RoundAddress,
    ) -> Result<Reading, ProviderError> {
        match season {
            SeasonRef::SofaScore(season) => self.sofascore.round(season, slug, address).await,
            SeasonRef::FootballData(season) => {
                let reading = self.football_data.round(season, slug).await?;
                reading.ok_or_else(|| ProviderError::NotFound { path: format!("round {slug}") })
            }
        }
    }

    /// The matches of a round; none if it is not drawn yet.
    pub async fn round_if_drawn(
        &mut self,
        season: &SeasonRef,
        round: &Round,
    ) -> Result<Option<Reading>, ProviderError> {
        match season {
            SeasonRef::SofaScore(season) => self.sofascore.round_if_drawn(season, round).await,
            SeasonRef::FootballData(season) => self.football_data.round(season, &round.slug).await,
        }
    }

    /// The season's tables; empty where the competition has none.
    pub async fn standings(&mut self, season: &SeasonRef) -> Result<Tables, ProviderError> {
        match season {
            SeasonRef::SofaScore(season) => self.sofascore.standings(season).await,
            SeasonRef::FootballData(season) => self.football_data.standings(season).await,
        }
    }

    /// The season's cup trees, empty where nothing is drawn; none at football-data.org, which has no such thing.
    pub async fn cup_trees(&mut self, season: &SeasonRef) -> Result<Option<Vec<Tree>>, ProviderError> {
        match season {
            SeasonRef::SofaScore(season) => self.sofascore.cup_trees(season).await.map(Some),
            SeasonRef::FootballData(_) => Ok(None),
        }
    }

    /// The season's teams, as far as one request tells them: football-data.org's from its matches, SofaScore's from its tables.
    pub async fn teams(&mut self, season: &SeasonRef) -> Result<Vec<Team>, ProviderError> {
        match season {
            SeasonRef::SofaScore(season) => {
                let tables = self.sofascore.standings(season).await?.tables;
                let rows = tables.into_iter().flat_map(|table| table.rows);
                let team =
                    |row: ProviderRow| Team { external_id: row.team, name: row.name, short_name: None };
                Ok(rows.map(team).collect())
            }
            SeasonRef::FootballData(season) => self.football_data.teams(season).await,
        }
    }

    /// The events of many competitions on a day and the days before and after it. SofaScore splits where a day is full;
    /// football-data.org has no other half.
    pub async fn scheduled(
        &mut self,
        provider: ProviderName,
        day: NaiveDate,
        half: Half,
    ) -> Result<Vec<Listed>, ProviderError> {
        match (provider, half) {
            (ProviderName::SofaScore, half) => {
                Ok(self.sofascore.scheduled(day, half).await?.into_iter().map(Listed::from).collect())
            }
            (ProviderName::FootballData, Half::First) => {
                Ok(self.football_data.scheduled(day).await?.into_iter().map(Listed::from).collect())
            }
            (ProviderName::FootballData, Half::Other) => Ok(Vec::new()),
        }
    }

    /// One event by the provider's id; none if it does not exist.
    pub async fn event(
        &mut self,
        season: &SeasonRef,
        external_id: &str,
    ) -> Result<Option<Listed>, ProviderError> {
        match season {
            SeasonRef::SofaScore(_) => {
                let found = self.sofascore.event(external_id).await?.map(Listed::from);
                // An id of another provider may be that of any match.
                if found.as_ref().is_some_and(|found| !found.may_be_of(season)) {
                    return Err(malformed(
                        &format!("/event/{external_id}"),
                        "is of another season".to_owned(),
                    ));
                }
                Ok(found)
            }
            SeasonRef::FootballData(season) => {
                Ok(self.football_data.event(season, external_id).await?.map(Listed::from))
            }
        }
    }

    /// A team's badge; none: the provider has none that may be fetched.
    pub async fn team_image(
        &mut self,
        season: &SeasonRef,
        team: &str,
    ) -> Result<Option<Image>, ProviderError> {
        match season {
            SeasonRef::SofaScore(_) => self.sofascore.team_image(team).await.map(Some),
            SeasonRef::FootballData(season) => self.football_data.team_image(season, team).await,
        }
    }

    /// A competition's logo; none as with a badge.
    pub async fn tournament_image(&mut self, season: &SeasonRef) -> Result<Option<Image>, ProviderError> {
        match season {
            SeasonRef::SofaScore(season) => self.sofascore.tournament_image(season).await.map(Some),
            SeasonRef::FootballData(season) => self.football_data.tournament_image(season).await,
        }
    }

    /// Records further requests in another log: that of the execution that begins.
    pub fn record_in(&mut self, log: RequestLog) {
        self.sofascore.record_in(log.clone());
        self.football_data.record_in(log.clone());
        self.requests = log;
    }

    /// The log in which requests are recorded now.
    pub fn requests(&self) -> &RequestLog {
        &self.requests
    }

    /// Closes the browser, if one is running. A later request launches another.
    pub async fn close(&mut self) {
        self.sofascore.close().await;
    }
}
