//! The driver of a replay: creates the tournament through its function, then only fires schedules.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use shared::provider::ProviderName;

use crate::bus::Consumer;
use crate::emulator::{Emulator, Scheduled, stamp};
use crate::functions::REDELIVERY_MINUTES;
use crate::injection::{FaultInjector, Kind};
use crate::postgres::{self, Cluster};
use crate::replay::{Block, Fault, ReplayClock, ReplayProvider, Rules, Season};
use crate::stack::{Ingredients, Stack};
use crate::tools::Tools;
use crate::watch::{self, Billed, Latencies, Watch};

/// The options of a replay.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The season files.
    pub seasons: Vec<PathBuf>,
    /// The competition's rules, where the file of the only season does not contain them.
    pub rules: Option<PathBuf>,
    /// Disruptions of matches of the only season.
    pub faults: Vec<Fault>,
    /// Start at the beginning of this day, instead of half a day before the first match.
    pub from: Option<NaiveDate>,
    /// Stop at the beginning of this day.
    pub until: Option<NaiveDate>,
    /// Start when the season is over.
    pub bulk: bool,
    /// Who is asked.
    pub provider: ProviderName,
    /// Who is asked while that one refuses.
    pub stand_in: Option<ProviderName>,
    /// When providers refuse.
    pub blocks: Vec<Block>,
    /// An existing database, instead of a throwaway one.
    pub database_url: Option<String>,
    /// Running services, which the replay shares with others, instead of its own.
    pub parts: Option<Parts>,
    /// Where logs and results go.
    pub output: PathBuf,
    /// The seed of random faults, and the only kind to cause, if one is given.
    pub faults_by_seed: Option<(u64, Option<Kind>)>,
}

/// Running services.
#[derive(Debug, Clone)]
pub struct Parts {
    /// A migrated database for this replay alone.
    pub database_url: String,
    /// The AWS emulator's address.
    pub aws_endpoint: String,
    /// The environment's name; unique among replays that share an emulator.
    pub environment: String,
}

/// A replay and its stack, which runs until it is dropped.
pub struct Replay {
    /// The functions and the services they use.
    pub stack: Stack,
    /// The replay provider.
    pub provider: ReplayProvider,
    /// What is being replayed, at least one.
    pub seasons: Vec<Season>,
    /// The current time in the replay.
    pub clock: ReplayClock,
    /// The tournaments that were created, in the seasons' order.
    pub tournament_ids: Vec<uuid::Uuid>,
    /// Number of schedules that have fired.
    pub fired: usize,
    /// Errors, in order.
    pub errors: Vec<String>,
    /// When the replay began.
    pub began: Instant,
    /// The invocations so far.
    pub billed: Billed,
    /// The database from outside.
    pub watch: Watch,
    /// From the whistle to the database.
    pub latencies: Latencies,
    /// Who gets the results as events, if faults are caused.
    pub consumer: Option<Consumer>,
    /// Faults, if any are to be caused.
    pub injector: Option<FaultInjector>,
    /// Events that Scheduler has sent and that have not arrived.
    late: Vec<Late>,
    /// Number of events that have arrived.
    arrived: usize,
    _own_parts: (Option<Cluster>, Option<Emulator>),
}

/// A delayed event.
struct Late {
    due: DateTime<Utc>,
    function: String,
    event: Value,
    /// How many had arrived when it was sent.
    arrived_before: usize,
}

/// The time of the daily cron, as the template has it.
const DAILY: NaiveTime = match NaiveTime::from_hms_opt(0, 1, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};
/// Days without events after the last match until the tournament is completed and the replay is over.
const QUIET_DAYS: TimeDelta = TimeDelta::days(8);
/// The same if there are matches without a date, which may still get one.
const CURTAILED_QUIET_DAYS: TimeDelta = TimeDelta::days(31);
const ENVIRONMENT: &str = "local";
/// The delay of a late event: long enough for others to overtake it, since a match's checks are half an hour apart.
const LATE: TimeDelta = TimeDelta::minutes(40);

impl Replay {
    /// Starts the stack and creates the tournament.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let began = Instant::now();
        let seasons = load(options)?;
        let tools = Tools::find()?;
        let (own_parts, parts) = match &options.parts {
            Some(parts) => ((None, None), parts.clone()),
            None => own_parts(&tools, options.database_url.as_deref()).await?,
        };
        let Parts { database_url, aws_endpoint, environment } = parts;
        let start = if options.bulk {
            last_end(&seasons) + TimeDelta::days(1)
        } else if let Some(day) = options.from {
            day.and_time(NaiveTime::MIN).and_utc()
        } else {
            let first = seasons.iter().map(Season::first_kickoff).min().unwrap_or_default();
            first.date_naive().and_time(NaiveTime::MIN).and_utc() - TimeDelta::hours(12)
        };
        let clock = ReplayClock::new(start);
        let provider = ReplayProvider::start(seasons.clone(), clock.clone()).await?;
        let injector = match options.faults_by_seed {
            None => None,
            Some((seed, only)) => Some(FaultInjector::new(seed, only, &database_url, &aws_endpoint, &tools)?),
        };
        let in_between =
            injector.as_ref().map(|injector| InBetween::of(injector, &database_url)).transpose()?;
        let mut variables = in_between.as_ref().map(InBetween::variables).unwrap_or_default();
        // Results are followed only where something may happen to them.
        let bus = format!("best-shot-{environment}");
        let consumer = match in_between {
            Some(_) => Some(Consumer::start(&aws_endpoint, &bus).await?),
            None => None,
        };
        variables.extend(consumer.is_some().then_some(("EVENT_BUS", bus.as_str())));
        let stack = Stack::start(Ingredients {
            tools: &tools,
            aws_endpoint: &aws_endpoint,
            environment: &environment,
            database_url: &database_url,
            functions_database_url: in_between.as_ref().map(|between| between.database_url.as_str()),
            provider_origin: &provider.origin(),
            migrated: options.parts.is_some(),
            variables: &variables,
            logs: options.output.join("logs"),
        })
        .await?;
        let mut replay = Self {
            consumer,
            watch: Watch::start(&database_url).await?,
            latencies: Latencies::of(&seasons),
            billed: Billed::default(),
            stack,
            provider,
            seasons,
            clock,
            tournament_ids: Vec::new(),
            fired: 0,
            errors: Vec::new(),
            began,
            injector,
            late: Vec::new(),
            arrived: 0,
            _own_parts: own_parts,
        };
        for season in replay.seasons.clone() {
            let event = create_event_at(options.provider, &season, replay.clock.now());
            let mut answer = replay.deliver("tournaments", &event, start).await?;
            if let Some(late) = replay.late.pop() {
                answer = replay.deliver_late(late).await?;
            }
            let answer = answer
                .with_context(|| format!("creating {}: {}", season.label(), replay.errors.join("; ")))?;
            let id = answer["tournamentId"].as_str().context("the creation answered with no tournamentId")?;
            replay.tournament_ids.push(id.parse().context("the creation's tournamentId")?);
        }
        if let Some(stand_in) = options.stand_in {
            for (id, season) in replay.tournament_ids.clone().into_iter().zip(replay.seasons.clone()) {
                let choice = json!({ "standIn": stand_in, "season": address_at(stand_in, &season) });
                replay.choose_sources(id, &choice).await?;
            }
        }
        replay.provider.block(&options.blocks);
        // What had ended before the first check says nothing of the checks.
        let now = replay.clock.now();
        replay.latencies.note(&replay.watch, now).await?;
        replay.latencies.forget();
        Ok(replay)
    }

    /// The first season, which is the only one in most replays.
    pub fn season(&self) -> &Season {
        &self.seasons[0]
    }

    /// The operator's event that creates the tournament of the first season.
    pub fn create_event(&self) -> Value {
        create_event(self.season(), self.clock.now())
    }

    /// Chooses at the operator's desk who is asked for a tournament, and waits until the teams are identified.
    pub async fn choose_sources(&self, tournament: uuid::Uuid, choice: &Value) -> anyhow::Result<()> {
        let desk = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}/api/v2/data-provider/tournaments/{tournament}/sources", self.stack.desk_url);
        let request = desk.put(url).header("x-internal-token", crate::stack::TOKEN).json(choice);
        let answer = request.send().await?;
        anyhow::ensure!(answer.status().is_success(), "choosing the sources: {}", answer.text().await?);
        let db = postgres::connect(&self.stack.database_url).await?;
        let running = "SELECT 1 FROM data_provider_executions WHERE status = 'in_progress'";
        while !db.query(running, &[]).await?.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Fires the daily cron and whatever the functions have scheduled, in order of time, until nothing is left.
    pub async fn run(&mut self, until: Option<NaiveDate>, progress: bool) -> anyhow::Result<()> {
        let begin = self.clock.now();
        let end = last_end(&self.seasons);
        let quiet =
            if self.seasons.iter().any(Season::is_curtailed) { CURTAILED_QUIET_DAYS } else { QUIET_DAYS };
        let stop = until.map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let days = u64::try_from((stop.unwrap_or(end).min(end) - begin).num_days()).unwrap_or_default();
        let bar = if progress { ProgressBar::new(days) } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::with_template("{msg:16} {bar:40} {pos}/{len} days  {elapsed}")?);

        let mut daily = next_daily(begin);
        loop {
            let mut alarms = self.stack.aws.schedules().await?;
            let soonest = alarms.first().cloned();
            let next = soonest.as_ref().map_or(daily, |schedule| schedule.at.min(daily));
            if stop.is_some_and(|stop| next >= stop) {
                break;
            }
            if let Some(late) = self.next_late(next) {
                self.deliver_late(late).await?;
                continue;
            }
            match soonest {
                Some(schedule) if schedule.at <= daily => {
                    alarms.retain(|alarm| alarm.at == schedule.at);
                    self.fire_all(alarms, schedule.at).await?;
                }
                // What is left (waiting for a draw that is never made) would not end.
                _ if daily > end + quiet => break,
                _ => {
                    self.advance(daily);
                    let event = json!({ "scheduledTime": stamp(daily) });
                    self.deliver("daily-routine", &event, daily).await?;
                    daily = next_daily(daily);
                }
            }
            self.latencies.note(&self.watch, self.clock.now()).await?;
            bar.set_message(self.clock.now().format("%Y-%m-%d %H:%M").to_string());
            bar.set_position(u64::try_from((self.clock.now() - begin).num_days()).unwrap_or_default());
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Fires the alarms of one moment: without faults those of all functions at once, as Lambda runs them.
    async fn fire_all(&mut self, due: Vec<Scheduled>, at: DateTime<Utc>) -> anyhow::Result<()> {
        self.advance(at);
        let mut events = Vec::new();
        for schedule in &due {
            events.push((schedule.function.clone(), schedule.event()?));
            // It would never be removed.
            anyhow::ensure!(schedule.deletes_itself, "{} does not delete itself", schedule.name);
        }
        let mut names: Vec<&String> = events.iter().map(|(function, _)| function).collect();
        names.sort();
        names.dedup();
        // Each function has one environment here.
        if self.injector.is_some() || names.len() < events.len() || events.len() == 1 {
            for (function, event) in events {
                self.deliver(&function, &event, at).await?;
            }
        } else {
            let first = events.iter().map(|(function, event)| self.invoke_timed(function, event, at));
            let outcomes = futures_util::future::join_all(first).await;
            for ((function, event), (outcome, took)) in events.into_iter().zip(outcomes) {
                self.billed.add(took);
                if let Err(error) = outcome {
                    self.errors.push(format!("{} {function}: {error:#}", stamp(at)));
                    let again = at + TimeDelta::minutes(REDELIVERY_MINUTES[0]);
                    self.deliver_through(None, &function, &event, again).await?;
                }
            }
        }
        self.fired += due.len();
        self.billed.alarms += due.len();
        for schedule in &due {
            self.stack.aws.delete_schedule(&schedule.name).await?;
        }
        Ok(())
    }

    async fn invoke_timed(
        &self,
        function: &str,
        event: &Value,
        at: DateTime<Utc>,
    ) -> (anyhow::Result<Value>, std::time::Duration) {
        let mut event = event.clone();
        event["deliveredAt"] = json!(stamp(self.clock.now().max(at)));
        let began = Instant::now();
        (self.stack.invoke(function, event).await, began.elapsed())
    }

    /// Two more daily routines, without faults: the first finds the last run that died, the second delivers what is
    /// still pending.
    pub async fn last_routines(&mut self) -> anyhow::Result<()> {
        let injector = self.injector.take();
        for _ in 0..2 {
            let daily = next_daily(self.clock.now());
            let event = json!({ "scheduledTime": stamp(daily) });
            let delivered = self.deliver("daily-routine", &event, daily).await?;
            delivered.with_context(|| format!("a last daily routine: {}", self.errors.join("; ")))?;
        }
        self.injector = injector;
        Ok(())
    }

    /// Delivers an event as Lambda does, again after an error; returns the function's answer, if there is one.
    async fn deliver(
        &mut self,
        function: &str,
        event: &Value,
        at: DateTime<Utc>,
    ) -> anyhow::Result<Option<Value>> {
        let name = name_of(function, event, at);
        let fault = self.injector.as_mut().and_then(|injector| injector.draw(function, &name));
        if fault == Some(Kind::AlarmNeverFires) {
            if let Some(injector) = &mut self.injector {
                injector.note(Kind::AlarmNeverFires);
            }
            return Ok(None);
        }
        if fault == Some(Kind::DeliveredLate) {
            let (function, event) = (function.to_owned(), event.clone());
            self.late.push(Late { due: at + LATE, function, event, arrived_before: self.arrived });
            return Ok(None);
        }
        self.deliver_through(fault, function, event, at).await
    }

    /// The delayed event that arrives first, if it arrives before `next`.
    fn next_late(&mut self, next: DateTime<Utc>) -> Option<Late> {
        let first = (0..self.late.len()).min_by_key(|index| self.late[*index].due)?;
        (self.late[first].due < next).then(|| self.late.remove(first))
    }

    async fn deliver_late(&mut self, late: Late) -> anyhow::Result<Option<Value>> {
        if self.arrived > late.arrived_before
            && let Some(injector) = &mut self.injector
        {
            injector.note(Kind::DeliveredLate);
        }
        self.deliver_through(None, &late.function, &late.event, late.due).await
    }

    /// Delivers an event from `now` on, with the fault.
    async fn deliver_through(
        &mut self,
        fault: Option<Kind>,
        function: &str,
        event: &Value,
        mut now: DateTime<Utc>,
    ) -> anyhow::Result<Option<Value>> {
        self.arrived += 1;
        let mut event = event.clone();
        if fault == Some(Kind::GarbageBefore) {
            let garbage = json!({ "scheduledTime": ["<!channel>"], "tournamentId": 7 });
            anyhow::ensure!(self.stack.invoke(function, garbage).await.is_err(), "{function} accepted it");
        }
        let mut waits = REDELIVERY_MINUTES.iter();
        let mut first = true;
        loop {
            self.advance(now);
            event["deliveredAt"] = json!(stamp(self.clock.now().max(now)));
            let first = std::mem::take(&mut first);
            let began = Instant::now();
            let outcome = match fault.filter(|fault| first || !fault.passes()) {
                Some(fault) => self.invoke_with_fault(fault, function, &event).await?,
                None => self.stack.invoke(function, event.clone()).await,
            };
            self.billed.add(began.elapsed());
            match outcome {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => {
                    self.errors.push(format!("{} {function}: {error:#}", stamp(now)));
                    let Some(minutes) = waits.next() else { return Ok(None) };
                    now += TimeDelta::minutes(*minutes);
                }
            }
        }
    }

    /// One delivery with a fault.
    async fn invoke_with_fault(
        &mut self,
        fault: Kind,
        function: &str,
        event: &Value,
    ) -> anyhow::Result<anyhow::Result<Value>> {
        let Self { injector, stack, provider, errors, .. } = self;
        let Some(injector) = injector else { return Ok(stack.invoke(function, event.clone()).await) };
        injector.inject(fault, stack, provider, function).await?;
        let outcome = if matches!(fault, Kind::DeliveredTwiceAtOnce | Kind::TwoWakeUpsAtOnce) {
            let twin = stack.functions.twin()?;
            let mut same = event.clone();
            if fault == Kind::TwoWakeUpsAtOnce {
                // That of an alarm which came late.
                let at = event["scheduledTime"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok());
                same["scheduledTime"] = json!(at.map(|at| stamp(at - TimeDelta::minutes(7))));
            }
            same["targetEnv"] = stack.aws.environment.as_str().into();
            let (one, other) =
                tokio::join!(stack.invoke(function, event.clone()), twin.invoke(function, &same));
            // The delivery that was refused is repeated later; both must have got the same answer by then.
            match (one, other) {
                (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => Ok(answer),
                (one, _) => one,
            }
        } else {
            let invoked = stack.invoke(function, event.clone());
            tokio::pin!(invoked);
            let early = tokio::select! {
                outcome = &mut invoked => Some(outcome),
                () = injector.meanwhile(fault, stack, provider, function) => None,
            };
            match early {
                Some(outcome) => outcome,
                None => invoked.await,
            }
        };
        if fault == Kind::DeliveredTwice
            && outcome.is_ok()
            && let Err(error) = stack.invoke(function, event.clone()).await
        {
            errors.push(format!("{function}, delivered twice: {error:#}"));
        }
        injector.lift(fault, stack, provider, function).await;
        Ok(outcome)
    }

    /// Advances the provider's clock; it never goes back.
    fn advance(&self, to: DateTime<Utc>) {
        if to > self.clock.now() {
            self.clock.set(to);
        }
    }
}

/// Reads the seasons, each with ids of its own.
fn load(options: &Options) -> anyhow::Result<Vec<Season>> {
    anyhow::ensure!(!options.seasons.is_empty(), "no season is given");
    let alone = options.seasons.len() == 1;
    anyhow::ensure!(
        alone || (options.rules.is_none() && options.faults.is_empty()),
        "rules and faults are for one season"
    );
    let load = |(index, file): (usize, &PathBuf)| {
        let mut season = Season::load(file)?;
        if let Some(rules) = &options.rules {
            season = season.with_rules(Rules::load(rules)?)?;
        }
        anyhow::Ok(season.with_faults(options.faults.clone())?.numbered(index))
    };
    options.seasons.iter().enumerate().map(load).collect()
}

/// When the last match of all seasons is over.
fn last_end(seasons: &[Season]) -> DateTime<Utc> {
    seasons.iter().map(Season::last_end).max().unwrap_or_default()
}

/// Starts the services of a replay that shares none with others, with an existing database if one is named.
async fn own_parts(
    tools: &Tools,
    database_url: Option<&str>,
) -> anyhow::Result<((Option<Cluster>, Option<Emulator>), Parts)> {
    let emulator = Emulator::start(tools).await?;
    let (cluster, database_url) = match database_url {
        Some(url) => (None, url.to_owned()),
        None => {
            let cluster = Cluster::start_with(tools, &watch::SETTINGS, &[]).await?;
            let url = postgres::create_database(&cluster.url("postgres"), "best_shot").await?;
            (Some(cluster), url)
        }
    };
    let parts =
        Parts { database_url, aws_endpoint: emulator.endpoint.clone(), environment: ENVIRONMENT.to_owned() };
    Ok(((cluster, Some(emulator)), parts))
}

/// The functions' variables in a replay with faults: addresses of the fault-injecting proxies.
struct InBetween {
    database_url: String,
    aws_endpoint: String,
    chromium: String,
    crash_once: String,
}

impl InBetween {
    fn of(injector: &FaultInjector, database_url: &str) -> anyhow::Result<Self> {
        let mut url = url::Url::parse(database_url)?;
        url.set_port(Some(injector.wire.port()))
            .map_err(|()| anyhow::anyhow!("no port in {database_url}"))?;
        Ok(Self {
            database_url: url.into(),
            aws_endpoint: injector.gate.endpoint(),
            chromium: injector.chromium().display().to_string(),
            crash_once: injector.crash_once().display().to_string(),
        })
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("AWS_ENDPOINT_URL", &self.aws_endpoint),
            ("CHROMIUM_PATH", &self.chromium),
            ("CRASH_ONCE", &self.crash_once),
            // A short timeout for requests that the provider does not answer.
            ("REQUEST_TIMEOUT_MS", "2000"),
        ]
    }
}

/// The address of a season at a provider, as an operator gives it.
pub fn address_at(provider: ProviderName, season: &Season) -> String {
    match provider {
        ProviderName::FootballData => season.football_data_url(),
        ProviderName::SofaScore => sofascore_url(season),
    }
}

fn sofascore_url(season: &Season) -> String {
    let (id, season_id) = (season.unique_tournament_id, season.season_id);
    format!("https://www.sofascore.com/api/v1/unique-tournament/{id}/season/{season_id}")
}

/// The operator's event that creates the tournament of a season at a provider.
pub fn create_event_at(provider: ProviderName, season: &Season, now: DateTime<Utc>) -> Value {
    let mut event = create_event(season, now);
    if provider == ProviderName::FootballData {
        event["tournament"]["baseUrl"] = json!(season.football_data_url());
        event["tournament"]["publicUrl"] = Value::Null;
    }
    event
}

/// The operator's event that creates the tournament of a season at SofaScore.
pub fn create_event(season: &Season, now: DateTime<Utc>) -> Value {
    let (id, season_id, slug) = (season.unique_tournament_id, season.season_id, season.slug());
    json!({
        "operation": "create",
        "idempotencyKey": format!("create-{slug}"),
        "scheduledTime": stamp(now),
        "tournament": {
            "label": season.label(),
            "slug": slug,
            "season": season.season_year(),
            "mode": season.mode(),
            "standingsMode": season.standings_mode(),
            "baseUrl": sofascore_url(season),
            "publicUrl": format!("https://www.sofascore.com/tournament/football/world/{slug}/{id}#id:{season_id}"),
        },
    })
}

/// Identifies a delivery in the same way in every replay of the season: ids differ from run to run, and so do the seconds
/// of alarms for the next minute.
fn name_of(function: &str, event: &Value, at: DateTime<Utc>) -> String {
    const MINUTES: i64 = 5;
    let about = at - TimeDelta::seconds(at.timestamp().rem_euclid(60 * MINUTES));
    let what = if event["wake"] == true { "wake-up" } else { "event" };
    format!("{function} {what} {}", about.format("%Y-%m-%d %H:%M"))
}

fn next_daily(after: DateTime<Utc>) -> DateTime<Utc> {
    let today = after.date_naive().and_time(DAILY).and_utc();
    if today > after { today } else { today + TimeDelta::days(1) }
}

/// Where a replay's logs and results go: next to `summary.json`, in a folder `.replay` beside a summary of another name
/// (so that several replays may run at once), else below `target` by the season file's name.
pub fn output_dir(summary: Option<&Path>, season: &Path) -> PathBuf {
    match summary {
        Some(file) if file.file_stem().is_some_and(|stem| stem != "summary") => file.with_extension("replay"),
        Some(file) => file.parent().map(Path::to_owned).unwrap_or_default(),
        None => Path::new("target/replay").join(season.file_stem().unwrap_or_default()),
    }
}
