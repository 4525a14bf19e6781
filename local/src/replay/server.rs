//! The replay provider over HTTP, with a record of its requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::NaiveDate;
use serde_json::{Value, json};
use shared::provider::ProviderName;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::block::Block;
use super::bracket::Bracket;
use super::clock::ReplayClock;
use super::football_data::KEY as FOOTBALL_DATA_KEY;
use super::image::png_for;
use super::model::Season;
use super::payload::View;
use super::trouble::{Ongoing, Trouble};

/// A running replay provider; it stops when dropped.
pub struct ReplayProvider {
    address: SocketAddr,
    world: Arc<World>,
    // Dropping the sender is the signal to stop.
    _stop: oneshot::Sender<()>,
}

struct World {
    shows: Vec<Show>,
    clock: ReplayClock,
    log: Mutex<Vec<Asked>>,
    troubles: Mutex<Vec<Ongoing>>,
    troubled: AtomicUsize,
    restricted: AtomicBool,
    blocks: Mutex<Vec<Block>>,
    other_names: Mutex<BTreeMap<String, String>>,
}

/// A season that is replayed.
struct Show {
    season: Season,
    bracket: Bracket,
}

struct Asked {
    at: Instant,
    /// The day at the replayed time.
    day: NaiveDate,
    kind: &'static str,
    path: String,
}

impl World {
    /// The fault for this request, if any.
    fn trouble(&self) -> Option<Trouble> {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let first = troubles.first_mut()?;
        let trouble = first.trouble;
        if let Some(times) = &mut first.times {
            *times -= 1;
            if *times == 0 {
                troubles.remove(0);
            }
        }
        self.troubled.fetch_add(1, Ordering::Relaxed);
        Some(trouble)
    }

    /// Whether a provider refuses now.
    fn refuses(&self, provider: ProviderName) -> bool {
        let now = self.clock.now();
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.iter().any(|block| block.is_on(provider, now))
    }

    fn log(&self) -> MutexGuard<'_, Vec<Asked>> {
        // The list is consistent even if a thread panicked while holding the lock.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplayProvider {
    /// Binds a free port on the loopback interface and serves these seasons, whose ids differ, at the time of `clock`.
    pub async fn start(seasons: Vec<Season>, clock: ReplayClock) -> anyhow::Result<Self> {
        Self::start_at(0, seasons, clock).await
    }

    /// The same on this port (0: a free one).
    pub async fn start_at(port: u16, seasons: Vec<Season>, clock: ReplayClock) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(("127.0.0.1", port)).await.context("no free port for the replay provider")?;
        let address = listener.local_addr().context("the replay provider's port is unknown")?;
        let world = Arc::new(World {
            shows: seasons.into_iter().map(|season| Show { bracket: Bracket::of(&season), season }).collect(),
            clock,
            log: Mutex::default(),
            troubles: Mutex::default(),
            troubled: AtomicUsize::new(0),
            restricted: AtomicBool::new(false),
            blocks: Mutex::default(),
            other_names: Mutex::default(),
        });
        let router = Router::new().route("/", get(home)).fallback(get(answer)).with_state(Arc::clone(&world));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopped.await;
        });
        tokio::spawn(server.into_future());
        Ok(Self { address, world, _stop: stop })
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Applies a fault to this many requests for data (`None`: to all, until [`Self::restore`]).
    pub fn trouble(&self, trouble: Trouble, times: Option<usize>) {
        let mut troubles = self.world.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if times != Some(0) {
            troubles.push(Ongoing { trouble, times });
        }
    }

    /// Ends all faults.
    pub fn restore(&self) {
        self.world.troubles.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether football-data.org answers that the plan does not cover what is asked for.
    pub fn restrict(&self, restricted: bool) {
        self.world.restricted.store(restricted, Ordering::Relaxed);
    }

    /// Sets when providers refuse everybody.
    pub fn block(&self, blocks: &[Block]) {
        *self.world.blocks.lock().unwrap_or_else(PoisonError::into_inner) = blocks.to_vec();
    }

    /// Gives a team another name at football-data.org.
    pub fn rename(&self, team: &str, name: &str) {
        let mut names = self.world.other_names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(team.to_owned(), name.to_owned());
    }

    /// How many requests were affected by a fault.
    pub fn troubled(&self) -> usize {
        self.world.troubled.load(Ordering::Relaxed)
    }

    /// How many requests for data or images came in; the warm-up page does not count.
    pub fn requests(&self) -> u64 {
        self.world.log().len() as u64
    }

    /// The same, by endpoint.
    pub fn requests_by_kind(&self) -> BTreeMap<String, u64> {
        let mut kinds = BTreeMap::new();
        for asked in self.world.log().iter() {
            *kinds.entry(asked.kind.to_owned()).or_default() += 1;
        }
        kinds
    }

    /// How many requests came in on each replayed day, without those for tables.
    pub fn requests_by_day(&self) -> BTreeMap<NaiveDate, u64> {
        let mut days = BTreeMap::new();
        for asked in self.world.log().iter().filter(|asked| !asked.kind.ends_with("standings")) {
            *days.entry(asked.day).or_default() += 1;
        }
        days
    }

    /// Every request in order, with its time of arrival, to check the pauses between requests.
    pub fn request_log(&self) -> Vec<(Instant, String)> {
        self.world.log().iter().map(|asked| (asked.at, asked.path.clone())).collect()
    }
}

async fn home(State(world): State<Arc<World>>) -> Html<String> {
    let labels: Vec<String> = world.shows.iter().map(|show| slug::slugify(show.season.label())).collect();
    let labels = labels.join(", ");
    Html(format!(
        "<!doctype html><html><head><title>Replay of {labels}</title></head><body><p>Replay</p></body></html>"
    ))
}

/// The result of a request.
enum Found {
    Json(Value),
    Image(u64),
    Nothing,
}

async fn answer(State(world): State<Arc<World>>, uri: Uri, headers: HeaderMap) -> Response {
    if !uri.path().starts_with("/api/v1/") {
        return football_data(&world, &uri, &headers);
    }
    let Some(path) = uri.path().strip_prefix("/api/v1/") else { return not_found() };
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let (kind, found) = find(&world, &segments);
    world.log().push(Asked {
        at: Instant::now(),
        day: world.clock.now().date_naive(),
        kind,
        path: uri.path().to_owned(),
    });
    let refusal = world.refuses(ProviderName::SofaScore).then_some(Trouble::Refusal);
    if let Some(trouble) = refusal.or_else(|| world.trouble())
        && let Some(instead) = trouble.answer().await
    {
        return instead;
    }
    match found {
        Found::Json(value) => Json(value).into_response(),
        Found::Image(id) => match png_for(id) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Found::Nothing => not_found(),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": {"code": 404, "message": "Not Found"}}))).into_response()
}

fn find(world: &World, segments: &[&str]) -> (&'static str, Found) {
    let now = world.clock.now();
    let views = || world.shows.iter().map(move |Show { season, bracket }| View { season, bracket, now });
    let competition = |id: &str| {
        let id = id.parse::<u64>().ok()?;
        views().find(|view| view.season.unique_tournament_id == id)
    };
    let some = |value: Option<Value>| value.map_or(Found::Nothing, Found::Json);
    match segments {
        ["unique-tournament", id] => {
            ("unique-tournament", some(competition(id).map(|view| view.unique_tournament())))
        }
        ["unique-tournament", id, "seasons"] => ("seasons", some(competition(id).map(|view| view.seasons()))),
        ["unique-tournament", id, "image"] => {
            let id = competition(id).map(|view| view.season.unique_tournament_id);
            ("unique-tournament-image", id.map_or(Found::Nothing, Found::Image))
        }
        ["unique-tournament", id, "season", season, rest @ ..] => {
            match competition(id).filter(|view| season.parse() == Ok(view.season.season_id)) {
                Some(view) => find_in_season(&view, rest),
                None => (kind_in_season(rest), Found::Nothing),
            }
        }
        ["sport", "football", "scheduled-events", day] => {
            let lists = |day| View::scheduled_events(views(), day);
            ("scheduled-events", some(day.parse::<NaiveDate>().ok().map(lists)))
        }
        ["sport", "football", "scheduled-events", day, "inverse"] => {
            let lists = |day| View::inverse_events(views(), day);
            ("scheduled-events-inverse", some(day.parse::<NaiveDate>().ok().map(lists)))
        }
        ["event", id] => {
            let event = |id| views().find_map(|view| view.event(id));
            ("event", some(id.parse().ok().and_then(event)))
        }
        ["team", id, "image"] => {
            let id = id.parse().ok().filter(|id| views().any(|view| view.has_team(*id)));
            ("team-image", id.map_or(Found::Nothing, Found::Image))
        }
        _ => ("other", Found::Nothing),
    }
}

/// The answer of football-data.org: its API below `/v4`, and its images beside it.
fn football_data(world: &World, uri: &Uri, headers: &HeaderMap) -> Response {
    let note = |kind| {
        let path = uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let day = world.clock.now().date_naive();
        world.log().push(Asked { at: Instant::now(), day, kind, path });
    };
    let refuse = |status: StatusCode, message: &str| {
        (status, Json(json!({"message": message, "errorCode": status.as_u16()}))).into_response()
    };
    if let Some(image) = uri.path().strip_suffix(".png") {
        note("football-data-image");
        let id = image.trim_start_matches(['/', 'c']).parse().ok();
        let bytes = id.map(png_for).and_then(Result::ok);
        return bytes
            .map_or_else(not_found, |bytes| ([(header::CONTENT_TYPE, "image/png")], bytes).into_response());
    }
    let Some(path) = uri.path().strip_prefix("/v4/") else { return not_found() };
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let now = world.clock.now();
    let views = || world.shows.iter().map(move |Show { season, bracket }| View { season, bracket, now });
    let segments: Vec<&str> = path.split('/').collect();
    let competition = |id: &str| {
        let of = |view: &View<'_>| view.season.unique_tournament_id.to_string() == id;
        let year = |view: &View<'_>| {
            query.get("season").is_none_or(|year| *year == view.season.football_data_year().to_string())
        };
        views().find(|view| of(view) && year(view))
    };
    let date = |name: &str| query.get(name)?.parse::<NaiveDate>().ok();
    let (kind, found) = match segments.as_slice() {
        ["competitions", id, "matches"] => {
            ("football-data-matches", competition(id).map(|view| view.football_data_matches()))
        }
        ["competitions", id, "standings"] => {
            ("football-data-standings", competition(id).map(|view| view.football_data_standings()))
        }
        ["matches"] => {
            let matches = date("dateFrom").zip(date("dateTo")).map(|(from, to)| {
                let matches = views().flat_map(|view| view.football_data_between(from, to));
                json!({"matches": matches.collect::<Vec<_>>()})
            });
            ("football-data-day", matches)
        }
        _ => ("football-data-other", None),
    };
    note(kind);
    if world.refuses(ProviderName::FootballData) {
        return refuse(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "Not available.");
    }
    if headers.get("x-auth-token").is_none_or(|key| key != FOOTBALL_DATA_KEY) {
        return refuse(StatusCode::BAD_REQUEST, "Your API token is invalid.");
    }
    if world.restricted.load(Ordering::Relaxed) {
        let message =
            "The resource you are looking for is restricted and apparently not within your permissions.";
        return refuse(StatusCode::FORBIDDEN, message);
    }
    match found {
        Some(mut value) => {
            rename(&mut value, &world.other_names.lock().unwrap_or_else(PoisonError::into_inner));
            let budget = [("x-requests-available-minute", "9"), ("x-requestcounter-reset", "60")];
            (budget, Json(value)).into_response()
        }
        None => refuse(StatusCode::NOT_FOUND, "The resource you are looking for does not exist."),
    }
}

/// Puts other names in place of those of teams.
fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                let other = field.as_str().and_then(|name| names.get(name));
                match other.filter(|_| ["name", "shortName"].contains(&key.as_str())) {
                    Some(other) => *field = json!(other),
                    None => rename(field, names),
                }
            }
        }
        _ => {}
    }
}

/// The kind of a request about a season.
fn kind_in_season(rest: &[&str]) -> &'static str {
    match rest {
        ["rounds"] => "rounds",
        ["events", "round", ..] => "events",
        ["standings", "total"] => "standings",
        ["cuptrees"] => "cuptrees",
        _ => "other",
    }
}

fn find_in_season(view: &View<'_>, rest: &[&str]) -> (&'static str, Found) {
    let some = |value: Option<Value>| value.map_or(Found::Nothing, Found::Json);
    let events = |number: &str, slug, prefix| {
        some(number.parse().ok().and_then(|n| view.round_events(n, slug, prefix)))
    };
    let found = match rest {
        ["rounds"] => Found::Json(view.rounds()),
        ["events", "round", number] => events(number, None, None),
        ["events", "round", number, "slug", slug] => events(number, Some(slug), None),
        ["events", "round", number, "slug", slug, "prefix", prefix] => {
            events(number, Some(slug), Some(prefix))
        }
        ["standings", "total"] => some(view.standings()),
        ["cuptrees"] => some(view.cup_trees()),
        _ => Found::Nothing,
    };
    (kind_in_season(rest), found)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::super::sample;
    use super::*;

    async fn fetch(provider: &ReplayProvider, path: &str) -> (u16, String) {
        let (address, path) = (provider.address, path.to_owned());
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: replay\r\nConnection: close\r\n\r\n").unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let answer = answer.await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn every_endpoint_answers_and_is_counted() {
        let season = sample::cup();
        let (id, sid) = (season.unique_tournament_id, season.season_id);
        let clock = ReplayClock::new(sample::at("2030-06-01T00:00:00Z"));
        let provider = ReplayProvider::start(vec![season], clock.clone()).await.unwrap();
        let base = format!("/api/v1/unique-tournament/{id}");
        let status = async |path: &str| fetch(&provider, path).await.0;
        assert_eq!(fetch(&provider, "/").await.0, 200);
        assert_eq!(provider.requests(), 0, "the warm-up page does not count");
        for good in [
            base.clone(),
            format!("{base}/seasons"),
            format!("{base}/image"),
            format!("{base}/season/{sid}/rounds"),
            format!("{base}/season/{sid}/events/round/1"),
            format!("{base}/season/{sid}/standings/total"),
            "/api/v1/sport/football/scheduled-events/2030-06-01".to_owned(),
            "/api/v1/event/9000001".to_owned(),
            "/api/v1/team/1000/image".to_owned(),
        ] {
            assert_eq!(status(&good).await, 200, "{good}");
        }
        let semifinals = format!("{base}/season/{sid}/events/round/28/slug/semifinals");
        for bad in [
            semifinals.clone(),
            format!("{base}/season/{sid}/events/round/28"),
            format!("{base}/season/{sid}/events/round/1/slug/semifinals"),
            format!("{base}/season/1/rounds"),
            format!("{base}/season/{sid}/cuptrees"),
            "/api/v1/team/50000/image".to_owned(),
        ] {
            let (code, body) = fetch(&provider, &bad).await;
            assert_eq!((code, body.contains("Not Found")), (404, true), "{bad}");
        }
        clock.set(sample::at("2030-06-05T23:00:00Z"));
        assert_eq!(status(&semifinals).await, 200, "one slot is known, so the round is there");
        assert_eq!(status(&format!("{base}/season/{sid}/cuptrees")).await, 200, "and so is the tree");
        assert_eq!(provider.requests(), 17);
        assert_eq!(provider.requests_by_kind()["events"], 5);
        assert_eq!(provider.request_log()[15].1, semifinals);
        let address = provider.address;
        drop(provider);
        let gone = tokio::task::spawn_blocking(move || {
            (0..200).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                std::net::TcpStream::connect(address).is_err()
            })
        });
        assert!(gone.await.unwrap(), "dropping the provider stops it");
    }
}
