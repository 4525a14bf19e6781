//! Runs every function as deployed under the Runtime Interface Emulator, with each of its sample events.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::aws_record;
use crate::emulator::Emulator;
use crate::postgres::{self, Cluster};
use crate::replay::{ReplayClock, ReplayProvider, Season};
use crate::samples::{ENVIRONMENT, Sample, TOURNAMENT, samples};
use crate::stack::{Ingredients, Stack, TOKEN};
use crate::tools::Tools;

const SEASON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seasons/2022-world-cup.json");

/// The operator's API.
const DESK: &str = "operator-api";
/// Number of cold starts that are timed.
const COLD_STARTS: usize = 5;

/// The options.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds `NAME/bootstrap` for each function.
    pub functions: PathBuf,
    /// The browser.
    pub chromium: PathBuf,
    /// Where the figures go (JSON).
    pub summary: PathBuf,
    /// Where the calls to AWS go (JSON).
    pub calls: PathBuf,
}

/// Starts the local stack with the deployed functions, sends every sample and writes the results; returns their counts.
pub async fn run(options: &Options) -> anyhow::Result<String> {
    let samples = samples()?;
    let tools =
        Tools { chromium: options.chromium.clone(), ..Tools::with_functions(options.functions.clone())? };
    let emulator = Emulator::start(&tools).await?;
    let cluster = Cluster::start(&tools).await?;
    let database_url = postgres::create_database(&cluster.url("postgres"), "best_shot").await?;
    let season = Season::load(Path::new(SEASON))?;
    let clock = ReplayClock::new("2022-11-19T12:00:00Z".parse()?);
    let provider = ReplayProvider::start(vec![season.clone()], clock.clone()).await?;
    let logs = tempfile::tempdir()?;
    let stack = Stack::start(Ingredients {
        tools: &tools,
        aws_endpoint: &emulator.endpoint,
        environment: ENVIRONMENT,
        database_url: &database_url,
        functions_database_url: None,
        provider_origin: &provider.origin(),
        migrated: false,
        variables: &[],
        logs: logs.path().to_owned(),
    })
    .await?;
    let mut check = Check { stack: &stack, clock: &clock, answered: BTreeMap::new() };
    let mut tournament = Value::Null;
    for sample in &samples {
        // The samples name the tournament of `local up`.
        let text = sample.event.to_string().replace(TOURNAMENT, tournament.as_str().unwrap_or(TOURNAMENT));
        let event: Value = serde_json::from_str(&text)?;
        let answer = match sample.refused {
            Some(field) => check.refused(sample, event, field).await?,
            None => check.send(sample.function.into(), &sample.name, event).await?,
        };
        if let Some(id) = answer.get("tournamentId") {
            tournament = id.clone();
        }
    }
    let id = tournament.as_str().context("no tournament was created")?;
    check.desk(id).await?;
    check.schedules_that_change(&database_url).await?;
    let cold_start_ms = cold_start(&stack).await?;

    let mut functions = BTreeMap::new();
    for (name, peak) in stack.functions.peak_rss_mb() {
        let log = std::fs::read(logs.path().join(format!("{name}.log")))?;
        let log = String::from_utf8_lossy(&log);
        let figures = json!({
            "init_ms": init_ms(&log),
            "peak_memory_mb": peak,
            "cold_start_ms": (name == DESK).then_some(cold_start_ms),
            "events": check.answered.get(&name),
        });
        functions.insert(name, figures);
    }
    std::fs::write(&options.summary, serde_json::to_string_pretty(&json!({ "functions": functions }))?)?;
    let calls = stack.recording.calls();
    aws_record::write(&calls, &options.calls)?;
    Ok(format!("{} events answered, {} kinds of calls recorded", samples.len() + 2, calls.len()))
}

/// Median time of a cold health request to the operator's API, in ms: the process's start, the secret, the first
/// connection to the database and the answer.
async fn cold_start(stack: &Stack) -> anyhow::Result<f64> {
    let samples = samples()?;
    let health =
        samples.iter().find(|sample| sample.name == "operator-api-health").context("no sample of health")?;
    let event = health.event.to_string();
    let mut took = Vec::new();
    for _ in 0..COLD_STARTS {
        stack.functions.stop(DESK).await;
        stack.functions.prepare(DESK).await?;
        let began = Instant::now();
        stack.functions.invoke_raw(DESK, event.clone()).await?;
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    Ok((took[took.len() / 2] * 10.0).round() / 10.0)
}

struct Check<'a> {
    stack: &'a Stack,
    clock: &'a ReplayClock,
    answered: BTreeMap<String, Vec<String>>,
}

impl Check<'_> {
    /// Sends an event that is refused: the error names the field.
    async fn refused(&mut self, sample: &Sample, event: Value, field: &str) -> anyhow::Result<Value> {
        let function: &str = sample.function.into();
        let answer = self.stack.functions.invoke(function, &event).await;
        let error = match answer {
            Ok(answer) => anyhow::bail!("events/{}.json is not refused: {answer}", sample.name),
            Err(error) => error.to_string(),
        };
        anyhow::ensure!(error.contains(field), "events/{}.json: {error} does not name {field}", sample.name);
        self.answered.entry(function.to_owned()).or_default().push(sample.name.clone());
        Ok(Value::Null)
    }

    async fn send(&mut self, function: &str, sample: &str, mut event: Value) -> anyhow::Result<Value> {
        if let Some(at) = event["scheduledTime"].as_str() {
            let at: DateTime<Utc> = at.parse()?;
            self.clock.set(at.max(self.clock.now()));
        } else {
            event["deliveredAt"] = json!(crate::emulator::stamp(self.clock.now()));
        }
        let answer = self
            .stack
            .functions
            .invoke(function, &event)
            .await
            .with_context(|| format!("events/{sample}.json"))?;
        let status = answer.get("statusCode").and_then(Value::as_u64);
        anyhow::ensure!(
            status.is_none_or(|status| status == 200),
            "events/{sample}.json: {function} answered {answer}"
        );
        for (name, part) in answer.as_object().into_iter().flatten() {
            let errors = part["errors"].as_array().is_some_and(|errors| !errors.is_empty());
            anyhow::ensure!(!errors, "events/{sample}.json: {name} of {function}: {}", part["errors"]);
        }
        self.answered.entry(function.to_owned()).or_default().push(sample.to_owned());
        Ok(answer)
    }

    /// The AWS calls of the operator's desk: listing schedules, a report by its permanent link, requested work.
    async fn desk(&mut self, tournament: &str) -> anyhow::Result<()> {
        // The desk uses the real time. A kickoff that is found moved is checked from today on.
        let db = postgres::connect(&self.stack.database_url).await?;
        db.execute("UPDATE match SET date = date + interval '1 hour' WHERE status = 'open'", &[]).await?;
        let refresh = json!({
            "operation": "refresh", "targetEnv": ENVIRONMENT, "tournamentId": tournament, "idempotencyKey": "refresh-now",
        });
        self.stack.functions.invoke("tournaments", &refresh).await?;
        let desk = Desk::new(&self.stack.desk_url)?;
        desk.get("/schedules").await?;
        let executions = desk.get("/executions").await?;
        let id = executions["items"][0]["id"].as_str().context("no execution is listed")?;
        desk.get(&format!("/executions/{id}/report")).await?;
        for path in ["knockouts", "rounds/1/scores", "refresh"] {
            let started = desk.post(&format!("/tournaments/{tournament}/{path}")).await?;
            anyhow::ensure!(started["executionId"].is_string(), "{path}: nothing was started: {started}");
        }
        desk.post("/daily-routine").await?;
        self.answered
            .entry(DESK.to_owned())
            .or_default()
            .push("schedules, a report, requested work".to_owned());
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        Ok(())
    }

    /// Changes the offsets, then deletes the tournament, so that schedules are moved and deleted too.
    async fn schedules_that_change(&mut self, database_url: &str) -> anyhow::Result<()> {
        let routine = |at: &str| json!({ "targetEnv": ENVIRONMENT, "scheduledTime": at });
        self.stack.functions.set("KNOCKOUTS_CHECK_MINUTES", "155");
        self.stack.functions.stop("daily-routine").await;
        self.send("daily-routine", "daily-routine", routine("2022-11-20T00:02:00Z")).await?;
        let db = postgres::connect(database_url).await?;
        db.execute("UPDATE tournament SET deleted_at = '2022-11-20'", &[]).await?;
        self.send("daily-routine", "daily-routine", routine("2022-11-20T00:03:00Z")).await?;
        Ok(())
    }
}

/// A client of the operator's API; it follows redirects, such as to a report.
struct Desk {
    client: reqwest::Client,
    url: String,
}

impl Desk {
    fn new(url: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client, url: format!("{url}/api/v2/data-provider") })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Self::read(self.client.get(format!("{}{path}", self.url)), path).await
    }

    async fn post(&self, path: &str) -> anyhow::Result<Value> {
        Self::read(self.client.post(format!("{}{path}", self.url)).json(&json!({ "dryRun": true })), path)
            .await
    }

    /// The answer as JSON, or null if it is not JSON.
    async fn read(request: reqwest::RequestBuilder, path: &str) -> anyhow::Result<Value> {
        let answer = request.header("X-Internal-Token", TOKEN).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "{path}: HTTP {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

/// The emulator's measurement from the start of the process to its first request for an event.
fn init_ms(log: &str) -> Option<f64> {
    log.lines().find_map(|line| {
        let (_, duration) = line.split_once("INIT REPORT(durationMs: ")?;
        duration.split_once(')')?.0.parse().ok()
    })
}
