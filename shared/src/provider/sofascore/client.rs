//! The SofaScore client: one request at a time, through a browser that is launched for the first request.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use chrono::NaiveDate;
use serde_json::Value;

use super::SeasonRef;
use super::classify::{self, malformed};
use super::cuptree::CupTreesPayload;
use super::event::ListedEvent;
use super::payload::{EventsPayload, OneEventPayload, RoundsPayload};
use super::season::round_path;
use super::standings;
use crate::browser::{Body, Browser, BrowserError, Fetched, Want};
use crate::config::ProviderConfig;
use crate::gate::{Gate, LONGEST_WAIT};
use crate::provider::ProviderError;
use crate::provider::reading::{Half, Image, Reading, Rounds, Tables};
use crate::requests::{RequestError, RequestLog};
use football::domain::knockout::Tree;
use football::domain::round::is_same_round;
use football::domain::{Round, RoundAddress};

/// The wait after a 429 without a `Retry-After`.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(15);
/// Retries after a 5xx or a network failure. Failures that last longer are left to the follow-ups.
const RETRIES: usize = 1;
/// The wait before that, plus up to as much jitter; the pause between requests if that is longer.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Added to the timeouts of the front page and a request, for the transfer of their answers.
const GRACE: Duration = Duration::from_secs(6);

/// A session with the provider, for one run.
pub struct SofaScore {
    config: ProviderConfig,
    gate: Gate,
    browser: Option<Browser>,
    relaunched: bool,
    requests: RequestLog,
    /// The rounds of a season, where their addresses had to be looked up.
    listed: Option<(SeasonRef, Vec<Round>)>,
}

impl SofaScore {
    /// A session that has made no request yet and has no browser.
    pub fn new(config: ProviderConfig, gate: Gate) -> Self {
        Self { gate, config, browser: None, relaunched: false, requests: RequestLog::default(), listed: None }
    }

    /// The season's rounds.
    pub async fn rounds(&mut self, season: &SeasonRef) -> Result<Rounds, ProviderError> {
        let path = format!("{}/rounds", season.path());
        let payload: RoundsPayload = classify::shape(&path, self.json(&path).await?)?;
        Ok(payload.into())
    }

    /// The matches of one round.
    pub async fn round(
        &mut self,
        season: &SeasonRef,
        slug: &str,
        address: &RoundAddress,
    ) -> Result<Reading, ProviderError> {
        let listed = match &address.slug {
            // A round that was found at another provider: its number here is not known.
            Some(name) if address.number == 0 => self.listed_round(season, name).await?,
            _ => None,
        };
        let path = format!("{}{}", season.path(), round_path(listed.as_ref().unwrap_or(address)));
        let payload: EventsPayload = classify::shape(&path, self.json(&path).await?)?;
        Ok(Reading::of(slug, payload.events))
    }

    /// The address of a round by its slug; the list is requested once in a session.
    async fn listed_round(
        &mut self,
        season: &SeasonRef,
        slug: &str,
    ) -> Result<Option<RoundAddress>, ProviderError> {
        if self.listed.as_ref().is_none_or(|(known, _)| known != season) {
            let rounds = self.rounds(season).await?.rounds;
            self.listed = Some((season.clone(), rounds));
        }
        let rounds = self.listed.iter().flat_map(|(_, rounds)| rounds);
        let mut found = rounds
            .map(|round| &round.address)
            .filter(|address| address.slug.as_deref().is_some_and(|listed| is_same_round(listed, slug)));
        Ok(found.next().cloned())
    }

    /// The matches of a round; none if it is not drawn yet.
    pub async fn round_if_drawn(
        &mut self,
        season: &SeasonRef,
        round: &Round,
    ) -> Result<Option<Reading>, ProviderError> {
        match self.round(season, &round.slug, &round.address).await {
            Ok(reading) if reading == Reading::default() => Ok(None),
            Ok(reading) => Ok(Some(reading)),
            Err(ProviderError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The season's tables; empty where the competition has none.
    pub async fn standings(&mut self, season: &SeasonRef) -> Result<Tables, ProviderError> {
        let path = format!("{}/standings/total", season.path());
        match self.json(&path).await {
            Ok(value) => {
                standings::tables(classify::shape(&path, value)?).map_err(|reason| malformed(&path, reason))
            }
            Err(ProviderError::NotFound { .. }) => Ok(Tables::default()),
            Err(error) => Err(error),
        }
    }

    /// The season's cup trees; empty where nothing is drawn.
    pub async fn cup_trees(&mut self, season: &SeasonRef) -> Result<Vec<Tree>, ProviderError> {
        let path = format!("{}/cuptrees", season.path());
        match self.json(&path).await {
            Ok(value) => Ok(classify::shape::<CupTreesPayload>(&path, value)?.trees()),
            Err(ProviderError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The events of many competitions on a day and the days before and after it: one half of the provider's list, which
    /// it splits where a day is full.
    pub(in crate::provider) async fn scheduled(
        &mut self,
        day: NaiveDate,
        half: Half,
    ) -> Result<Vec<ListedEvent>, ProviderError> {
        let path = match half {
            Half::First => format!("/sport/football/scheduled-events/{day}"),
            Half::Other => format!("/sport/football/scheduled-events/{day}/inverse"),
        };
        let payload: EventsPayload = classify::shape(&path, self.json(&path).await?)?;
        Ok(ListedEvent::of(payload.events))
    }

    /// One event by the provider's id; none if it does not exist.
    pub(in crate::provider) async fn event(
        &mut self,
        external_id: &str,
    ) -> Result<Option<ListedEvent>, ProviderError> {
        let path = format!("/event/{external_id}");
        let payload: OneEventPayload = match self.json(&path).await {
            Ok(value) => classify::shape(&path, value)?,
            Err(ProviderError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = ListedEvent::of(vec![payload.event]).pop();
        found.map(Some).ok_or_else(|| malformed(&path, "event: names no tournament".to_owned()))
    }

    /// A team's badge.
    pub async fn team_image(&mut self, team: &str) -> Result<Image, ProviderError> {
        self.image(format!("/team/{team}/image")).await
    }

    /// A competition's logo.
    pub async fn tournament_image(&mut self, season: &SeasonRef) -> Result<Image, ProviderError> {
        self.image(format!("/unique-tournament/{}/image", season.tournament)).await
    }

    /// Records further requests in another log: that of the execution that begins.
    pub fn record_in(&mut self, log: RequestLog) {
        self.requests = log;
    }

    /// The log in which requests are recorded now.
    pub fn requests(&self) -> &RequestLog {
        &self.requests
    }

    /// Closes the browser, if one is running. A later request launches another.
    pub async fn close(&mut self) {
        self.drop_browser().await;
    }

    async fn image(&mut self, path: String) -> Result<Image, ProviderError> {
        let image = self.ask_for_image(path).await;
        if let Err(ProviderError::RateLimited { retry_after, .. }) = &image {
            let wait = retry_after.unwrap_or(DEFAULT_RETRY_AFTER);
            self.gate.hold_off(wait).await.map_err(ProviderError::Gate)?;
        }
        self.learn(&image).await;
        image
    }

    async fn ask_for_image(&mut self, path: String) -> Result<Image, ProviderError> {
        let bytes = match self.request(&path, Want::Bytes).await? {
            Fetched::Answer { status: 200..=299, body: Body::Bytes(bytes), .. } => bytes,
            // An answer that is not an image may be a refusal.
            Fetched::Answer { status, retry_after, body: Body::Bytes(bytes), content_type } => {
                let body = Body::Text(String::from_utf8_lossy(&bytes).into_owned());
                let answer = Fetched::Answer { status, retry_after, body, content_type };
                classify::json(&path, answer)?;
                return Err(malformed(&path, format!("HTTP {status} where an image should be")));
            }
            Fetched::Answer { body: Body::Text(_), .. } => {
                return Err(malformed(&path, "text, not bytes".to_owned()));
            }
            Fetched::Failed(reason) => return Err(classify::unavailable(&path, reason)),
        };
        if bytes.len() > Image::LIMIT_BYTES {
            return Err(Image::too_large(&path));
        }
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        if let Some(image) = Image::of(bytes.clone()) {
            return Ok(image);
        }
        // An answer that is not an image may be a refusal even with HTTP 200.
        let body = Body::Text(text());
        let answer = Fetched::Answer { status: 200, retry_after: None, body, content_type: String::new() };
        Err(match classify::json(&path, answer) {
            Err(error @ ProviderError::Blocked { .. }) => error,
            _ => Image::unknown(&path),
        })
    }

    /// The JSON at `path`.
    async fn json(&mut self, path: &str) -> Result<Value, ProviderError> {
        let answer = self.ask_for_json(path).await;
        self.learn(&answer).await;
        answer
    }

    /// Reports the result of a request to the gate.
    async fn learn<T>(&mut self, answer: &Result<T, ProviderError>) {
        match answer {
            Err(ProviderError::Blocked { path, reason }) => self.gate.refused(path, reason).await,
            Ok(_) | Err(ProviderError::NotFound { .. }) => self.gate.answered().await,
            Err(_) => {}
        }
    }

    /// Retries once: a refusal after a new warm-up, a 429 after its `Retry-After`, a 5xx or a network failure after a
    /// wait.
    async fn ask_for_json(&mut self, path: &str) -> Result<Value, ProviderError> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.config.pause.max(FIRST_WAIT))
            .with_max_times(RETRIES)
            .with_jitter()
            .build();
        let mut before: Option<ProviderError> = None;
        loop {
            let error = match (self.attempt_json(path).await, &before) {
                (Ok(value), _) => return Ok(value),
                // After a refusal even the front page is not available: the refusal is the error.
                (Err(ProviderError::Unavailable { .. }), Some(ProviderError::Blocked { .. })) => {
                    return Err(before.take().unwrap_or_else(|| classify::blocked(path, String::new())));
                }
                (Err(error), _) => error,
            };
            let come_back = match &error {
                ProviderError::RateLimited { retry_after, .. } => retry_after.unwrap_or(DEFAULT_RETRY_AFTER),
                _ => Duration::ZERO,
            };
            if !come_back.is_zero() {
                self.gate.hold_off(come_back).await.map_err(ProviderError::Gate)?;
            }
            match (&error, &before) {
                (ProviderError::Blocked { .. }, None) => {
                    if let Some(browser) = &mut self.browser {
                        browser.cool_down();
                    }
                }
                (ProviderError::RateLimited { .. }, None) if come_back <= LONGEST_WAIT => {
                    tokio::time::sleep(come_back).await;
                }
                (ProviderError::Unavailable { .. }, None | Some(ProviderError::Unavailable { .. })) => {
                    let Some(wait) = waits.next() else { return Err(error) };
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(error),
            }
            tracing::warn!(%error, "retrying the request to the provider…");
            before = Some(error);
        }
    }

    async fn attempt_json(&mut self, path: &str) -> Result<Value, ProviderError> {
        let fetched = self.request(path, Want::Text).await?;
        let answer = classify::json(path, fetched);
        if let Err(error) = &answer {
            self.requests.failed(error.kind());
        }
        answer
    }

    /// One request. A browser that dies or hangs is replaced once per run.
    async fn request(&mut self, path: &str, want: Want) -> Result<Fetched, ProviderError> {
        loop {
            // Boxed: the nested futures are large, and would be part of every caller's future.
            let error = match Box::pin(self.request_once(path, want)).await {
                Err(ProviderError::Browser(error)) => error,
                answer => return answer,
            };
            self.drop_browser().await;
            let unreachable = matches!(error, BrowserError::Navigation(_));
            if self.relaunched || unreachable {
                let error = match unreachable {
                    true => classify::unavailable(path, error.to_string()),
                    false => ProviderError::Browser(error),
                };
                self.requests.begin(path, None);
                self.requests.failed(error.kind());
                return Err(error);
            }
            tracing::warn!(%error, "relaunching the browser after an error…");
            self.relaunched = true;
        }
    }

    async fn request_once(&mut self, path: &str, want: Want) -> Result<Fetched, ProviderError> {
        let not_admitted = |error| ProviderError::not_admitted(path, error);
        // The time for the worst case: the request uses up its whole timeout.
        self.gate.admit(self.config.request_timeout).await.map_err(not_admitted)?;
        let config = &self.config;
        let mut browser_start_ms = None;
        let browser = match &mut self.browser {
            Some(browser) => browser,
            none => {
                let began = Instant::now();
                let ProviderConfig { chromium, origin, request_timeout, single_process, .. } = config;
                let launched = Browser::launch(chromium, origin, *request_timeout, *single_process).await?;
                browser_start_ms = Some(began.elapsed().as_millis());
                none.insert(launched)
            }
        };
        // The front page, which a new browser opens first, is part of the turn.
        self.gate.turn(config.request_timeout * 3 + GRACE).await.map_err(not_admitted)?;
        self.requests.begin(path, browser_start_ms);
        let asked = Instant::now();
        let fetched = browser.fetch(&format!("/api/v1{path}"), want).await;
        self.gate.done().await;
        let fetched = fetched.inspect_err(|_| self.requests.withdraw())?;
        let (status, error, bytes) = match &fetched {
            Fetched::Answer { status, body: Body::Text(text), .. } => (Some(*status), None, text.len()),
            Fetched::Answer { status, body: Body::Bytes(bytes), .. } => (Some(*status), None, bytes.len()),
            Fetched::Failed(reason) => (None, Some(RequestError::Network(reason.clone())), 0),
        };
        self.requests.end(status, error, bytes, asked.elapsed());
        Ok(fetched)
    }

    async fn drop_browser(&mut self) {
        if let Some(browser) = self.browser.take() {
            browser.close().await;
        }
    }
}
