//! Many competitions whose matches have all ended, due at one moment: what one wake-up costs, measured from outside.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::driver::create_event;
use crate::emulator::Emulator;
use crate::postgres::{self, Cluster};
use crate::replay::{ReplayClock, ReplayProvider, Season};
use crate::stack::{Ingredients, Stack};
use crate::tools::Tools;
use crate::watch::{self, Billed, Watch};

/// The kickoff of all matches, the day's routine, and when their closing checks are due.
const DAY: &str = "2024-08-17";
const ROUTINE: &str = "2024-08-17T00:01:00Z";
const DUE: &str = "2024-08-17T17:00:00Z";
/// Matches of a round.
const MATCHES: usize = 4;
/// Objects on S3 that are the report of one execution.
const FILES_OF_A_REPORT: usize = 3;
/// The function that is woken.
const FUNCTION: &str = "scores-and-standings";

/// What a crowd cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Crowd {
    /// Competitions whose round was due.
    pub due: usize,
    /// Invocations of the function.
    pub invocations: usize,
    /// How long they took, in seconds, the cold start included.
    pub billed_seconds: f64,
    /// The same, times the function's memory.
    pub gb_seconds: f64,
    /// Requests to the provider, without those for tables.
    pub requests: u64,
    /// Requests for the provider's tables.
    pub table_requests: u64,
    /// The functions' connections to the database, at most at once.
    pub connections: i64,
    /// Statements that the functions sent to the database.
    pub statements: i64,
    /// From the delivery to the moment at which the last result was stored.
    pub last_stored_seconds: f64,
    /// By list price.
    pub dollars: f64,
}

/// A prepared crowd: the competitions exist, and their checks are planned.
struct Prepared {
    stack: Stack,
    provider: ReplayProvider,
    clock: ReplayClock,
    _services: (Cluster, Emulator),
}

/// Makes `count` competitions and measures the wake-up at the moment at which all are due, with `pause` between requests.
/// Its reports go to the S3 server at `s3`, or to the emulator.
pub async fn run(count: usize, pause: Duration, s3: Option<&str>) -> anyhow::Result<Crowd> {
    anyhow::ensure!(count > 0, "a crowd has at least one competition");
    let prepared = prepare(count).await?;
    let Prepared { stack, provider, clock, .. } = &prepared;
    stack.functions.set("REQUEST_PAUSE_MS", &pause.as_millis().to_string());
    if let Some(endpoint) = s3 {
        stack.functions.set("AWS_ENDPOINT_URL_S3", endpoint);
    }
    // Connections of functions that are idle would be counted too.
    for function in ["tournaments", "daily-routine", "migrate", FUNCTION] {
        stack.functions.stop(function).await;
    }
    stack.functions.prepare(FUNCTION).await?;
    let due: DateTime<Utc> = DUE.parse()?;
    clock.set(due);
    let alarms = stack.aws.schedules().await?;
    let alarm = alarms.iter().find(|alarm| alarm.at == due && alarm.function == FUNCTION);
    let alarm = alarm.with_context(|| format!("no alarm wakes {FUNCTION} at {DUE}"))?;
    let event = alarm.event()?;

    let watch = Watch::start(&stack.database_url).await?;
    let requests_before = provider.requests_by_kind();
    let statements_before = watch.statements().await.context("statements can't be counted")?;
    let expected = i64::try_from(count * MATCHES)?;
    watch.connections();
    let began = Instant::now();
    let invoked = stack.functions.invoke(FUNCTION, &event);
    tokio::pin!(invoked);
    let mut last_stored = None;
    let answer = loop {
        if watch.ended().await? == expected {
            last_stored.get_or_insert(began.elapsed());
        }
        tokio::select! {
            answer = &mut invoked => break answer,
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    };
    let took = began.elapsed();
    answer.context("the wake-up")?;
    let connections = watch.connections();
    let statements = watch.statements().await.context("statements can't be counted")? - statements_before;
    let stored = watch.ended().await?;
    anyhow::ensure!(stored == expected, "{stored} of {expected} results were stored");
    let db = postgres::connect(&stack.database_url).await?;
    let open: Vec<String> = db
        .query(
            "SELECT format('%s of %s at %s, %s failures', kind, function, due_at, failures) FROM scheduled_check
              WHERE function = $2 AND due_at <= $1 AND done_at IS NULL",
            &[&due.naive_utc(), &FUNCTION],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    anyhow::ensure!(open.is_empty(), "checks that were due are still open: {}", open.join("; "));
    let ended = "SELECT count(*) FROM data_provider_executions
                  WHERE function = $1 AND status <> 'in_progress' AND kept_report IS NULL";
    let ended: i64 = db.query_one(ended, &[&FUNCTION]).await?.get(0);
    let objects = usize::try_from(ended)? * FILES_OF_A_REPORT;
    let mut billed = Billed { alarms: 1, objects, ..Billed::default() };
    billed.add(took);

    let mut requests = provider.requests_by_kind();
    for (kind, before) in requests_before {
        *requests.entry(kind).or_default() -= before;
    }
    let table_requests = requests.remove("standings").unwrap_or_default();
    Ok(Crowd {
        due: count,
        invocations: billed.invocations,
        billed_seconds: rounded(took),
        gb_seconds: billed.gb_seconds(),
        requests: requests.values().sum(),
        table_requests,
        connections,
        statements,
        last_stored_seconds: rounded(last_stored.unwrap_or(took)),
        dollars: billed.dollars(),
    })
}

async fn prepare(count: usize) -> anyhow::Result<Prepared> {
    let tools = Tools::find()?;
    let emulator = Emulator::start(&tools).await?;
    let cluster = Cluster::start_with(&tools, &watch::SETTINGS, &[]).await?;
    let database_url = postgres::create_database(&cluster.url("postgres"), "best_shot").await?;
    let seasons: Vec<Season> = (0..count)
        .map(|index| Ok(Season::parse("crowd", &season(index).to_string())?.numbered(index)))
        .collect::<anyhow::Result<_>>()?;
    let clock = ReplayClock::new(ROUTINE.parse()?);
    let provider = ReplayProvider::start(seasons.clone(), clock.clone()).await?;
    let logs = std::path::Path::new("target/crowd/logs").to_owned();
    let stack = Stack::start(Ingredients {
        tools: &tools,
        aws_endpoint: &emulator.endpoint,
        environment: "local",
        database_url: &database_url,
        functions_database_url: None,
        provider_origin: &provider.origin(),
        migrated: false,
        variables: &[],
        logs,
    })
    .await?;
    let bar = ProgressBar::new(count as u64);
    bar.set_style(ProgressStyle::with_template("creating {bar:40} {pos}/{len} competitions  {elapsed}")?);
    for season in &seasons {
        stack.invoke("tournaments", create_event(season, clock.now())).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    stack.invoke("daily-routine", json!({ "scheduledTime": ROUTINE })).await?;
    Ok(Prepared { stack, provider, clock, _services: (cluster, emulator) })
}

/// A competition of eight teams and one round, in the openfootball format.
fn season(index: usize) -> serde_json::Value {
    let matches: Vec<_> = (0..MATCHES)
        .map(|game| {
            json!({
                "round": "Matchday 1", "date": DAY, "time": "15:00",
                "team1": format!("Home {game} of {index}"), "team2": format!("Away {game} of {index}"),
                "score": {"ft": [game, 1]},
            })
        })
        .collect();
    json!({ "name": format!("Crowd League {index:04} 2024/25"), "matches": matches })
}

fn rounded(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}
