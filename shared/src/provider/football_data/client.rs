//! The client of football-data.org: plain HTTPS with a key, within the plan's budget of requests, which the answers' own
//! headers give. A season's matches come in one reply, which is kept for as long as the session lasts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use football::domain::Team;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::SeasonRef;
use super::game::{Games, ListedGame, badge, emblem};
use super::payload::{MatchesPayload, StandingsPayload};
use super::standings;
use crate::config::FootballDataConfig;
use crate::gate::Gate;
use crate::provider::ProviderError;
use crate::provider::reading::{Image, Reading, Refusal, Rounds, Tables};
use crate::provider::reply::{blocked, drop_nul, malformed, shape, unavailable};
use crate::requests::{RequestError, RequestLog};
use crate::secrets::Vault;

/// The wait after a 429 whose headers and text name none.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// A session with the provider, for one delivery.
pub struct FootballData {
    config: FootballDataConfig,
    gate: Gate,
    vault: Arc<Vault>,
    /// Whether the secret was read again in this session.
    renewed: bool,
    client: Option<reqwest::Client>,
    seasons: HashMap<SeasonRef, Season>,
    /// Seasons that could not be read, and why: all rounds are in one reply, which is not asked for again.
    failed: HashMap<SeasonRef, Failed>,
    requests: RequestLog,
}

/// Why a season could not be read.
enum Failed {
    /// The key is wrong, or does not cover it.
    NotAllowed(String),
    /// The reply can't be read, or did not come.
    Other(String),
}

/// A season's matches as they were read, with the badges that they name.
struct Season {
    games: Games,
    emblem: Option<String>,
}

/// An error's body: `{message, errorCode}`, in the documents also `{error}`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorPayload {
    message: Option<String>,
    error: Option<String>,
}

impl FootballData {
    /// A session that has made no request yet. Without a key in the secret it makes none.
    pub fn new(config: FootballDataConfig, gate: Gate, vault: Arc<Vault>) -> Self {
        let (seasons, failed, requests) = (HashMap::new(), HashMap::new(), RequestLog::default());
        Self { config, gate, vault, renewed: false, client: None, seasons, failed, requests }
    }

    /// The season's rounds.
    pub async fn rounds(&mut self, season: &SeasonRef) -> Result<Rounds, ProviderError> {
        Ok(self.season(season).await?.games.rounds())
    }

    /// The matches of one round, by its slug; none if the season has no match of it.
    pub async fn round(&mut self, season: &SeasonRef, slug: &str) -> Result<Option<Reading>, ProviderError> {
        let reading = self.season(season).await?.games.round(slug);
        Ok(Some(reading).filter(|reading| *reading != Reading::default()))
    }

    /// The teams of the season's matches.
    pub async fn teams(&mut self, season: &SeasonRef) -> Result<Vec<Team>, ProviderError> {
        Ok(self.season(season).await?.games.all().teams)
    }

    /// The season's tables; empty where the competition has none.
    pub async fn standings(&mut self, season: &SeasonRef) -> Result<Tables, ProviderError> {
        let path = format!("{}/standings?season={}", season.path(), season.season);
        match self.json(&path).await {
            Ok(value) => standings::tables(shape::<StandingsPayload>(&path, value)?)
                .map_err(|reason| malformed(&path, reason)),
            Err(ProviderError::NotFound { .. }) => Ok(Tables::default()),
            Err(error) => Err(error),
        }
    }

    /// The matches of all competitions that the key may read, on a day and the days before and after it.
    pub(in crate::provider) async fn scheduled(
        &mut self,
        day: NaiveDate,
    ) -> Result<Vec<ListedGame>, ProviderError> {
        // The last day of the query is left out.
        let (from, to) = (day - Days::new(1), day + Days::new(2));
        let path = format!("/matches?dateFrom={from}&dateTo={to}");
        let value = self.json(&path).await?;
        Ok(Games::of(shape::<MatchesPayload>(&path, value)?.matches).listed())
    }

    /// One match of a season by the provider's id; none if it does not exist. A season's reply may be an old one: a match that it
    /// does not have is asked for by itself.
    pub(in crate::provider) async fn event(
        &mut self,
        season: &SeasonRef,
        id: &str,
    ) -> Result<Option<ListedGame>, ProviderError> {
        let games = &self.season(season).await?.games;
        let path = format!("/matches/{id}");
        let refused = |games: &Games| match games.refusal(id) {
            Some(Refusal { field, reason, .. }) => Err(malformed(&path, format!("{field}: {reason}"))),
            None => Ok(()),
        };
        refused(games)?;
        if let Some(found) = games.listed().into_iter().find(|event| event.external_id == id) {
            return Ok(Some(found));
        }
        let value = match self.json(&path).await {
            Ok(value) => value,
            Err(ProviderError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let games = Games::of(vec![value]);
        refused(&games)?;
        let of_season = |event: &ListedGame| event.seasons.contains(season);
        games
            .listed()
            .into_iter()
            .find(of_season)
            .map(Some)
            .ok_or_else(|| malformed(&path, "is of another season".to_owned()))
    }

    /// A team's badge, as the season's matches name it; none: there is none at the provider's own host.
    pub async fn team_image(
        &mut self,
        season: &SeasonRef,
        team: &str,
    ) -> Result<Option<Image>, ProviderError> {
        let address = self.season(season).await?.games.team(team).and_then(badge);
        self.image(address).await
    }

    /// A competition's logo; none as with a badge.
    pub async fn tournament_image(&mut self, season: &SeasonRef) -> Result<Option<Image>, ProviderError> {
        let address = self.season(season).await?.emblem.clone();
        self.image(address).await
    }

    /// Records further requests in another log: that of the execution that begins.
    pub fn record_in(&mut self, log: RequestLog) {
        self.requests = log;
    }

    /// The season's matches, requested once in a session.
    async fn season(&mut self, season: &SeasonRef) -> Result<&Season, ProviderError> {
        let path = format!("{}/matches?season={}", season.path(), season.season);
        match self.failed.get(season) {
            Some(Failed::NotAllowed(reason)) => {
                return Err(ProviderError::NotAllowed { path, reason: reason.clone() });
            }
            Some(Failed::Other(reason)) => {
                return Err(unavailable(&path, format!("not asked for again: {reason}")));
            }
            None => {}
        }
        if !self.seasons.contains_key(season) {
            match self.read_season(&path).await {
                Ok(read) => {
                    self.seasons.insert(season.clone(), read);
                }
                Err(error) => {
                    let failed = match &error {
                        ProviderError::NotAllowed { reason, .. } => Some(Failed::NotAllowed(reason.clone())),
                        error if error.is_isolated() => Some(Failed::Other(error.to_string())),
                        _ => None,
                    };
                    self.failed.extend(failed.map(|failed| (season.clone(), failed)));
                    return Err(error);
                }
            }
        }
        self.seasons.get(season).ok_or_else(|| malformed(&path, "is not kept".to_owned()))
    }

    async fn read_season(&mut self, path: &str) -> Result<Season, ProviderError> {
        let payload: MatchesPayload = shape(path, self.json(path).await?)?;
        let emblem = payload.competition.as_ref().and_then(emblem);
        Ok(Season { emblem, games: Games::of(payload.matches) })
    }

    async fn json(&mut self, path: &str) -> Result<Value, ProviderError> {
        let mut answer = self.ask(path).await;
        // The key may have been put into the secret since it was read.
        if matches!(answer, Err(ProviderError::NotAllowed { .. })) && !self.renewed {
            self.renewed = true;
            let before = self.key();
            if self.vault.renew().await.is_ok() && self.key() != before {
                answer = self.ask(path).await;
            }
        }
        match &answer {
            Err(ProviderError::Blocked { path, reason }) => self.gate.refused(path, reason).await,
            Ok(_) | Err(ProviderError::NotFound { .. }) => self.gate.answered().await,
            Err(_) => {}
        }
        answer
    }

    fn key(&self) -> Option<String> {
        self.vault.current().football_data_key.as_ref().map(|key| key.expose_secret().to_owned())
    }

    /// One request. What it says of the budget holds for all functions.
    async fn ask(&mut self, path: &str) -> Result<Value, ProviderError> {
        let not_admitted = |error| ProviderError::not_admitted(path, error);
        let Some(key) = self.key() else {
            return Err(ProviderError::NotAllowed {
                path: path.to_owned(),
                reason:
                    "the secret has no FOOTBALL_DATA_KEY: add the key of your account at football-data.org"
                        .to_owned(),
            });
        };
        self.gate.admit(self.config.request_timeout).await.map_err(not_admitted)?;
        self.gate.turn(self.config.request_timeout).await.map_err(not_admitted)?;
        let url = format!("{}/v4{path}", self.config.origin);
        let request = self.client(path)?.get(url).header("X-Auth-Token", key);
        let answer = self.exchange(path, request).await;
        self.gate.done().await;
        let (status, headers, body) = answer?;
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let left = number("x-requests-available-minute");
        let reset = number("x-requestcounter-reset").map(Duration::from_secs);
        if status.is_success() {
            if left == Some(0) {
                self.gate.hold_off(reset.unwrap_or(DEFAULT_WAIT)).await.map_err(ProviderError::Gate)?;
            }
            let mut value: Value = serde_json::from_slice(&body)
                .map_err(|error| malformed(path, format!("not JSON: {error}")))?;
            drop_nul(&mut value);
            return Ok(value);
        }
        let said: ErrorPayload = serde_json::from_slice(&body).unwrap_or_default();
        let said = said.message.or(said.error).unwrap_or_else(|| "no reason given".to_owned());
        let error = refusal(path, status, &said, reset);
        self.requests.failed(error.kind());
        if let ProviderError::RateLimited { retry_after, .. } = &error {
            self.gate.hold_off(retry_after.unwrap_or(DEFAULT_WAIT)).await.map_err(ProviderError::Gate)?;
        }
        Err(error)
    }

    /// Sends a request and records it: status, headers and body of the answer.
    async fn exchange(
        &self,
        path: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), ProviderError> {
        self.requests.begin(path, None);
        let asked = Instant::now();
        let answer = async {
            let answer = request.send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?.to_vec()))
        };
        match answer.await {
            Ok((status, headers, body)) => {
                self.requests.end(Some(status.as_u16()), None, body.len(), asked.elapsed());
                Ok((status, headers, body))
            }
            Err(error) => {
                let reason = error.without_url().to_string();
                self.requests.end(None, Some(RequestError::Network(reason.clone())), 0, asked.elapsed());
                Err(unavailable(path, reason))
            }
        }
    }

    /// An image of the provider's own host, which is no part of the budget; none where the address is another's.
    async fn image(&mut self, address: Option<String>) -> Result<Option<Image>, ProviderError> {
        let Some(path) = address.as_deref().and_then(own_path) else { return Ok(None) };
        let path = path.as_str();
        let not_admitted = |error| ProviderError::not_admitted(path, error);
        self.gate.admit(self.config.request_timeout).await.map_err(not_admitted)?;
        let url = format!("{}{path}", self.config.crests_origin);
        let request = self.client(path)?.get(url);
        let (status, _, bytes) = self.exchange(path, request).await?;
        match status {
            StatusCode::OK if bytes.len() > Image::LIMIT_BYTES => Err(Image::too_large(path)),
            StatusCode::OK => Image::of(bytes).map(Some).ok_or_else(|| Image::unknown(path)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(unavailable(path, format!("HTTP {status}"))),
        }
    }

    fn client(&mut self, path: &str) -> Result<&reqwest::Client, ProviderError> {
        if self.client.is_none() {
            let client = reqwest::Client::builder()
                .timeout(self.config.request_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .map_err(|error| unavailable(path, error.without_url().to_string()))?;
            self.client = Some(client);
        }
        self.client.as_ref().ok_or_else(|| unavailable(path, "no client".to_owned()))
    }
}

/// The path of an image at the provider's own host; none if it is elsewhere: no other host is asked.
fn own_path(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let is_own = url.scheme() == "https" && url.host_str() == Some(CRESTS) && url.port().is_none();
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_own && is_bare).then(|| url.path().to_owned())
}

/// The host of all badges that are fetched.
const CRESTS: &str = "crests.football-data.org";

/// The error of an answer that is not data: a wrong key and a plan that does not cover the competition are for a person, and
/// are not retried.
fn refusal(path: &str, status: StatusCode, said: &str, reset: Option<Duration>) -> ProviderError {
    let said: String = said.chars().filter(|c| !c.is_control()).take(120).collect();
    let not_allowed = |remedy: &str| ProviderError::NotAllowed {
        path: path.to_owned(),
        reason: format!("HTTP {}, {said}: {remedy}", status.as_u16()),
    };
    match status.as_u16() {
        // A wrong key is a 400.
        400 if said.to_lowercase().contains("token") => {
            not_allowed("put the key of your account into FOOTBALL_DATA_KEY of the secret")
        }
        401 => not_allowed("put the key of your account into FOOTBALL_DATA_KEY of the secret"),
        403 => not_allowed(
            "your plan at football-data.org does not cover it: choose another provider, or another plan",
        ),
        404 => ProviderError::NotFound { path: path.to_owned() },
        429 => ProviderError::RateLimited {
            path: path.to_owned(),
            retry_after: reset.or_else(|| seconds_in(&said)),
        },
        500.. => unavailable(path, format!("HTTP {}", status.as_u16())),
        status @ (301..=399 | 451) => blocked(path, format!("HTTP {status}, {said}")),
        status => malformed(path, format!("HTTP {status}, {said}")),
    }
}

/// The wait that a text names, as `Wait 48 seconds.`.
fn seconds_in(text: &str) -> Option<Duration> {
    let mut words = text.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("wait")).skip(1);
    words.next()?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::ErrorKind;

    #[test]
    fn images_come_from_the_providers_own_host() {
        assert_eq!(own_path("https://crests.football-data.org/57.png").as_deref(), Some("/57.png"));
        for address in [
            "https://crests.football-data.org@evil.example/57.png",
            "https://crests.football-data.org.evil.example/57.png",
            "https://crests.football-data.org:8443/57.png",
            "http://crests.football-data.org/57.png",
            "https://upload.wikimedia.org/x.png",
        ] {
            assert_eq!(own_path(address), None, "{address}");
        }
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        let kind = |status: u16, said: &str| refusal("/x", StatusCode::from_u16(status).unwrap(), said, None);
        assert_eq!(kind(400, "Your API token is invalid.").kind(), ErrorKind::NotAllowed);
        assert_eq!(
            kind(403, "The resource you are looking for is restricted.").kind(),
            ErrorKind::NotAllowed
        );
        assert_eq!(kind(400, "Specified period must not exceed 10 days.").kind(), ErrorKind::Malformed);
        assert_eq!(kind(404, "").kind(), ErrorKind::NotFound);
        assert_eq!(kind(502, "").kind(), ErrorKind::Unavailable);
        let limit = kind(429, "You reached your request limit. Wait 48 seconds.");
        let wait = Some(Duration::from_secs(48));
        assert!(matches!(limit, ProviderError::RateLimited { retry_after, .. } if retry_after == wait));
    }
}
