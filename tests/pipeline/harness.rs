//! What the tests share: a stack of its own for each, and a look into its database.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use local::aws_gate::AwsGate;
use local::driver::{create_event, stamp};
use local::postgres;
use local::replay::{ReplayClock, ReplayProvider, Season};
use local::stack::{Ingredients, Stack};
use local::tools::Tools;
use local::wire::Wire;
use serde_json::{Value, json};

/// What `local services` sets for the command it runs.
fn shared_part(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run the tests by `make test`, or `target/debug/local services -- cargo test`"
        )
    })
}

/// A name that no other test of this run has. All are of one length: in a schedule's name the rest is cut to what is left.
pub fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t{:07}-{:04}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The address of an empty database.
pub async fn empty_database() -> String {
    postgres::create_database(&shared_part("TEST_DATABASE_URL"), &unique_name()).await.unwrap()
}

/// A stack with a replayed season behind it.
pub struct World {
    pub stack: Stack,
    pub provider: ReplayProvider,
    pub clock: ReplayClock,
    pub season: Season,
    pub db: tokio_postgres::Client,
    pub logs: tempfile::TempDir,
}

impl World {
    /// A world in which it is `now`; nothing is created yet.
    pub async fn at(now: &str, season: &str) -> Self {
        Self::with(now, season, &[]).await
    }

    /// The same, with further variables for the functions.
    pub async fn with(now: &str, season: &str, variables: &[(&str, &str)]) -> Self {
        let clock = ReplayClock::new(moment(now));
        let season = Season::parse("test", season).unwrap();
        let provider = ReplayProvider::start(season.clone(), clock.clone()).await.unwrap();
        let origin = provider.origin();
        let (stack, db, logs) = stack(&origin, variables).await;
        Self { stack, provider, clock, season, db, logs }
    }

    /// The same, with what can fail between the functions and their database and AWS.
    pub async fn with_gates(now: &str, season: &str, variables: &[(&str, &str)]) -> (Self, Wire, AwsGate) {
        let database = empty_database().await;
        let (wire, through) = wire_before(&database);
        let clock = ReplayClock::new(moment(now));
        let season = Season::parse("test", season).unwrap();
        let provider = ReplayProvider::start(season.clone(), clock.clone()).await.unwrap();
        let (stack, db, logs) = stack_between(&database, Some(&through), &provider.origin(), variables).await;
        let gate = stack.gate.clone();
        (Self { stack, provider, clock, season, db, logs }, wire, gate)
    }

    /// Creates the season's tournament; its id.
    pub async fn create(&self) -> String {
        let event = create_event(&self.season, self.clock.now());
        let answer = self.stack.invoke("tournaments", event).await.unwrap();
        answer["tournamentId"].as_str().unwrap().to_owned()
    }

    /// Sets the time and invokes a function for it.
    pub async fn invoke_at(&self, now: &str, function: &str, mut event: Value) -> anyhow::Result<Value> {
        self.clock.set(moment(now));
        event["scheduledTime"] = json!(stamp(moment(now)));
        self.stack.invoke(function, event).await
    }

    /// How many reports for people are stored.
    pub async fn reports(&self) -> usize {
        let keys = self.stack.aws.objects("data-provider-operation-reports/").await.unwrap();
        keys.iter().filter(|key| key.ends_with(".html")).count()
    }

    /// The texts of all Slack messages, one each.
    pub fn messages(&self) -> Vec<String> {
        self.stack.slack.messages().iter().map(ToString::to_string).collect()
    }

    /// Everything in the tables of the domain, as text: equal before and after means that nothing was written.
    pub async fn domain_rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut rows = BTreeMap::new();
        for table in ["tournament", "tournament_round", "team", "match", "tournament_standings"] {
            rows.insert(
                table.to_owned(),
                self.texts(&format!("SELECT t::text FROM {table} t ORDER BY id")).await,
            );
        }
        rows
    }

    /// The first column of a query, as texts.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.db, sql).await
    }

    /// One line an execution: operation, status, attempt.
    pub async fn executions(&self) -> Vec<String> {
        self.texts(
            "SELECT operation_type || ' ' || status || ' ' || attempt FROM data_provider_executions
              ORDER BY created_at, operation_type",
        )
        .await
    }

    /// Names of the schedules that exist.
    pub async fn schedule_names(&self) -> Vec<String> {
        self.stack.aws.schedules().await.unwrap().into_iter().map(|schedule| schedule.name).collect()
    }
}

/// A stack whose functions read the provider at `origin`.
pub async fn stack(
    origin: &str,
    variables: &[(&str, &str)],
) -> (Stack, tokio_postgres::Client, tempfile::TempDir) {
    stack_on(&empty_database().await, origin, variables).await
}

/// The same, on a database that is there.
pub async fn stack_on(
    database_url: &str,
    origin: &str,
    variables: &[(&str, &str)],
) -> (Stack, tokio_postgres::Client, tempfile::TempDir) {
    stack_between(database_url, None, origin, variables).await
}

/// The same, with the functions told another address of the database.
pub async fn stack_through(
    database_url: &str,
    functions_database_url: &str,
    origin: &str,
    variables: &[(&str, &str)],
) -> (Stack, tokio_postgres::Client, tempfile::TempDir) {
    stack_between(database_url, Some(functions_database_url), origin, variables).await
}

/// A wire before the database at `url`, and the address through it.
pub fn wire_before(url: &str) -> (Wire, String) {
    let mut url: url::Url = url.parse().unwrap();
    let wire = Wire::start(([127, 0, 0, 1], url.port().unwrap()).into()).unwrap();
    url.set_port(Some(wire.port())).unwrap();
    (wire, url.into())
}

async fn stack_between(
    database_url: &str,
    functions_database_url: Option<&str>,
    origin: &str,
    variables: &[(&str, &str)],
) -> (Stack, tokio_postgres::Client, tempfile::TempDir) {
    let tools = Tools::find().unwrap();
    let logs = tempfile::tempdir().unwrap();
    let stack = Stack::start(Ingredients {
        tools: &tools,
        aws_endpoint: &shared_part("TEST_AWS_ENDPOINT"),
        environment: &unique_name(),
        database_url,
        functions_database_url,
        provider_origin: origin,
        variables,
        logs: logs.path().to_owned(),
    })
    .await
    .unwrap();
    let db = postgres::connect(database_url).await.unwrap();
    (stack, db, logs)
}

/// Delivers an event as Lambda does: again after one and after three minutes, until it is done. The answer, and how many
/// deliveries that took.
pub async fn delivered(stack: &Stack, function: &str, event: &Value, at: &str) -> (Value, usize) {
    let mut event = event.clone();
    event["scheduledTime"] = json!(stamp(moment(at)));
    let mut errors = Vec::new();
    for minutes in [0, 1, 3] {
        event["deliveredAt"] = json!(stamp(moment(at) + TimeDelta::minutes(minutes)));
        match stack.invoke(function, event.clone()).await {
            Ok(answer) => return (answer, errors.len() + 1),
            Err(error) => errors.push(error.to_string()),
        }
    }
    panic!("{function} failed three times: {errors:#?}")
}

pub async fn texts(db: &tokio_postgres::Client, sql: &str) -> Vec<String> {
    let rows = db.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".to_owned())).collect()
}

pub fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A league of four teams: six rounds, two matches each; rounds 5 and 6 have a match at one minute.
pub const LEAGUE: &str = r#"{"name": "Little League 2023/24", "matches": [
  {"round": "Matchday 1", "date": "2024-03-02", "time": "15:00", "team1": "Ash", "team2": "Birch", "score": {"ht": [1, 0], "ft": [2, 1]}},
  {"round": "Matchday 1", "date": "2024-03-02", "time": "17:30", "team1": "Cedar", "team2": "Elm", "score": {"ft": [0, 0]}},
  {"round": "Matchday 2", "date": "2024-03-09", "time": "15:00", "team1": "Birch", "team2": "Cedar", "score": {"ft": [3, 0]}},
  {"round": "Matchday 2", "date": "2024-03-09", "time": "15:00", "team1": "Elm", "team2": "Ash", "score": {"ft": [1, 4]}},
  {"round": "Matchday 3", "date": "2024-03-16", "time": "15:00", "team1": "Ash", "team2": "Cedar", "score": {"ft": [1, 1]}},
  {"round": "Matchday 3", "date": "2024-03-16", "time": "15:00", "team1": "Birch", "team2": "Elm", "score": {"ft": [2, 2]}},
  {"round": "Matchday 4", "date": "2024-03-23", "time": "15:00", "team1": "Birch", "team2": "Ash", "score": {"ft": [0, 1]}},
  {"round": "Matchday 4", "date": "2024-03-23", "time": "15:00", "team1": "Elm", "team2": "Cedar", "score": {"ft": [2, 0]}},
  {"round": "Matchday 5", "date": "2024-03-30", "time": "15:00", "team1": "Cedar", "team2": "Birch", "score": {"ft": [1, 2]}},
  {"round": "Matchday 5", "date": "2024-03-30", "time": "15:00", "team1": "Ash", "team2": "Elm", "score": {"ft": [5, 0]}},
  {"round": "Matchday 6", "date": "2024-03-30", "time": "15:00", "team1": "Cedar", "team2": "Ash", "score": {"ft": [0, 2]}},
  {"round": "Matchday 6", "date": "2024-04-06", "time": "15:00", "team1": "Elm", "team2": "Birch", "score": {"ft": [1, 1]}}
]}"#;

/// A cup: one group of three, and a final that goes to a shootout.
pub const CUP: &str = r#"{"name": "Little Cup 2024", "matches": [
  {"round": "Group stage", "group": "Group A", "date": "2024-06-01", "time": "15:00", "team1": "Oak", "team2": "Pine", "score": {"ft": [1, 0]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-03", "time": "15:00", "team1": "Pine", "team2": "Yew", "score": {"ft": [2, 0]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-05", "time": "15:00", "team1": "Yew", "team2": "Oak", "score": {"ft": [0, 1]}},
  {"round": "Final", "date": "2024-06-09", "time": "18:00", "team1": "Oak", "team2": "Pine", "score": {"ft": [1, 1], "et": [2, 2], "p": [3, 4]}}
]}"#;
