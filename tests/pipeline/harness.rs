//! Shared test helpers: each test has its own stack, on the services that `make test` has started.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use football::plan::checks::Check;
use local::aws_gate::AwsGate;
use local::driver::{Parts, create_event};
use local::emulator::stamp;
use local::postgres;
use local::replay::{ReplayClock, ReplayProvider, Season};
use local::stack::{Ingredients, Stack};
use local::tools::Tools;
use local::wire::Wire;
use serde_json::{Value, json};

use crate::records::Records;

/// A variable that `local services` sets for the command it runs.
pub(crate) fn service(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests by `make test` or `make test-fast`"))
}

/// A unique name. All have the same length, since the rest of a schedule's name is truncated to what is left.
pub(crate) fn unique_name() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("t{}", &random[..12])
}

/// The address of an empty database.
pub(crate) async fn empty_database() -> String {
    postgres::create_database(&service("TEST_DATABASE_URL"), &unique_name()).await.unwrap()
}

/// The address of a database with all tables and no rows.
pub(crate) async fn migrated_database() -> String {
    postgres::copy_of_template(&service("TEST_DATABASE_URL"), &unique_name()).await.unwrap()
}

/// The address of a copy of another database. Connections to the original are closed.
pub(crate) async fn copy_of(url: &str) -> String {
    let cluster = service("TEST_DATABASE_URL");
    let (_, original) = url.rsplit_once('/').unwrap();
    let others =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{original}'");
    postgres::connect(&cluster).await.unwrap().batch_execute(&others).await.unwrap();
    postgres::copy_database(&cluster, original, &unique_name()).await.unwrap()
}

/// The services that all tests share, for a replay.
pub(crate) async fn parts() -> Parts {
    Parts {
        database_url: migrated_database().await,
        aws_endpoint: service("TEST_AWS_ENDPOINT"),
        environment: unique_name(),
    }
}

/// Builds a test's stack. What is not set is as in production.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    environment: Option<String>,
    database: Option<String>,
    migrated: bool,
    through: Option<String>,
    wired: bool,
    functions: Option<PathBuf>,
    variables: &'a [(&'a str, &'a str)],
}

impl<'a> Setup<'a> {
    /// Uses an existing database. The stack migrates it by its function.
    pub(crate) fn on(database_url: &str) -> Self {
        Self { database: Some(database_url.to_owned()), ..Self::default() }
    }

    /// Uses an existing database as it is: the stack does not migrate it.
    pub(crate) fn as_it_is(database_url: &str) -> Self {
        Self { migrated: true, ..Self::on(database_url) }
    }

    /// Adds a proxy between the functions and their database that can cut, freeze or refuse connections.
    pub(crate) fn wired() -> Self {
        Self { wired: true, ..Self::default() }
    }

    /// Gives the functions another address of the database.
    pub(crate) fn through(mut self, functions_database_url: &str) -> Self {
        self.through = Some(functions_database_url.to_owned());
        self
    }

    /// Names the environment, so that a test can make what belongs to it before.
    pub(crate) fn environment(mut self, name: &str) -> Self {
        self.environment = Some(name.to_owned());
        self
    }

    /// Takes the functions from this directory.
    pub(crate) fn functions(mut self, directory: &Path) -> Self {
        self.functions = Some(directory.to_owned());
        self
    }

    /// Sets further variables for the functions.
    pub(crate) fn variables(mut self, variables: &'a [(&'a str, &'a str)]) -> Self {
        self.variables = variables;
        self
    }

    /// A stack whose functions read the provider at `origin`.
    pub(crate) async fn stack(self, origin: &str) -> TestStack {
        let tools = match self.functions {
            Some(directory) => Tools::with_functions(directory),
            None => Tools::find(),
        };
        let tools = tools.unwrap();
        let logs = tempfile::tempdir().unwrap();
        let migrated = self.migrated || self.database.is_none();
        let database_url = match self.database {
            Some(url) => url,
            None => migrated_database().await,
        };
        let (wire, through) = match self.wired {
            true => {
                let (wire, through) = wire_before(&database_url);
                (Some(Arc::new(wire)), Some(through))
            }
            false => (None, self.through),
        };
        let stack = Stack::start(Ingredients {
            tools: &tools,
            aws_endpoint: &service("TEST_AWS_ENDPOINT"),
            environment: &self.environment.unwrap_or_else(unique_name),
            database_url: &database_url,
            functions_database_url: through.as_deref(),
            provider_origin: origin,
            migrated,
            variables: self.variables,
            logs: logs.path().to_owned(),
        })
        .await
        .unwrap();
        let records = Records::of(&database_url).await;
        TestStack { stack, records, wire, logs }
    }

    /// The same with a replayed season at the time `now`; nothing is created yet.
    pub(crate) async fn world(self, now: &str, season: &str) -> World {
        self.world_of(now, Season::parse("test", season).unwrap()).await
    }

    /// The same with a season that was read already.
    pub(crate) async fn world_of(self, now: &str, season: Season) -> World {
        let clock = ReplayClock::new(moment(now));
        let provider = ReplayProvider::start(vec![season.clone()], clock.clone()).await.unwrap();
        let inner = self.stack(&provider.origin()).await;
        World { inner, provider, clock, season }
    }
}

/// A proxy to the database at `url`, and the address through it.
pub(crate) fn wire_before(url: &str) -> (Wire, String) {
    let mut url: url::Url = url.parse().unwrap();
    let wire = Wire::start(([127, 0, 0, 1], url.port().unwrap()).into()).unwrap();
    url.set_port(Some(wire.port())).unwrap();
    (wire, url.into())
}

/// A stack, what its functions have recorded, and their logs.
pub(crate) struct TestStack {
    pub stack: Stack,
    pub records: Records,
    pub logs: tempfile::TempDir,
    wire: Option<Arc<Wire>>,
}

impl TestStack {
    /// The proxies between the functions and their database ([`Setup::wired`]) and AWS.
    pub(crate) fn gates(&self) -> (Arc<Wire>, AwsGate) {
        (self.wire.clone().unwrap(), self.stack.gate.clone())
    }

    /// Delivers an event as Lambda does: again after one and after three minutes, until it succeeds. Returns the answer
    /// and the number of deliveries.
    pub(crate) async fn delivered(&self, function: &str, event: &Value, at: &str) -> (Value, usize) {
        let mut event = event.clone();
        event["scheduledTime"] = json!(stamp(moment(at)));
        let mut errors = Vec::new();
        for minutes in [0, 1, 3] {
            event["deliveredAt"] = json!(stamp(moment(at) + TimeDelta::minutes(minutes)));
            match self.stack.invoke(function, event.clone()).await {
                Ok(answer) => return (answer, errors.len() + 1),
                Err(error) => errors.push(error.to_string()),
            }
        }
        panic!("{function} failed three times: {errors:#?}")
    }

    /// How many HTML reports are stored.
    pub(crate) async fn reports(&self) -> usize {
        let keys = self.stack.aws.objects("data-provider-operation-reports/").await.unwrap();
        keys.iter().filter(|key| key.ends_with(".html")).count()
    }

    /// The texts of all Slack messages, one each.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.stack.slack.messages().iter().map(ToString::to_string).collect()
    }

    /// Names of the schedules that exist.
    pub(crate) async fn schedule_names(&self) -> Vec<String> {
        self.stack.aws.schedules().await.unwrap().into_iter().map(|schedule| schedule.name).collect()
    }

    /// What a function has logged.
    pub(crate) fn log(&self, function: &str) -> String {
        std::fs::read_to_string(self.logs.path().join(format!("{function}.log"))).unwrap()
    }
}

impl Deref for TestStack {
    type Target = Records;

    fn deref(&self) -> &Records {
        &self.records
    }
}

/// A stack with a replayed season as its provider.
pub(crate) struct World {
    inner: TestStack,
    pub provider: ReplayProvider,
    pub clock: ReplayClock,
    pub season: Season,
}

impl Deref for World {
    type Target = TestStack;

    fn deref(&self) -> &TestStack {
        &self.inner
    }
}

impl World {
    /// A world at the time `now`; nothing is created yet.
    pub(crate) async fn at(now: &str, season: &str) -> Self {
        Setup::default().world(now, season).await
    }

    /// Creates the season's tournament; returns its id.
    pub(crate) async fn create(&self) -> String {
        let event = create_event(&self.season, self.clock.now());
        let answer = self.stack.invoke("tournaments", event).await.unwrap();
        answer["tournamentId"].as_str().unwrap().to_owned()
    }

    /// Makes a schedule of the version before the table of checks; returns its name.
    pub(crate) async fn schedule_as_before(
        &self,
        id: &str,
        kind: &str,
        kickoff: &str,
        at: &str,
        event: &Value,
    ) -> String {
        let check = Check {
            kind: kind.parse().unwrap(),
            tournament_id: Some(id.parse().unwrap()),
            round_slug: Some("1".to_owned()),
            kickoff: Some(moment(kickoff)),
            retrying_since: None,
            at: moment(at),
        };
        let environment = &self.stack.aws.environment;
        let name = shared::alarms::earlier::name(environment, &check, &self.season.slug());
        let name = name.unwrap_or_else(|| format!("{environment}-{kind}-x-20240301T1500-0123456789"));
        self.stack
            .aws
            .make_schedule(&name, moment(at), "scores-and-standings", &event.to_string())
            .await
            .unwrap();
        name
    }

    /// Sets the time and wakes a function at it, as an alarm does.
    pub(crate) async fn wake(&self, now: &str, function: &str) -> anyhow::Result<Value> {
        self.invoke_at(now, function, json!({ "wake": true })).await
    }

    /// Sets the time and invokes a function at it.
    pub(crate) async fn invoke_at(
        &self,
        now: &str,
        function: &str,
        mut event: Value,
    ) -> anyhow::Result<Value> {
        self.clock.set(moment(now));
        event["scheduledTime"] = json!(stamp(moment(now)));
        self.stack.invoke(function, event).await
    }
}

pub(crate) fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A league of four teams: six rounds, two matches each; rounds 5 and 6 have a match with the same kickoff.
pub(crate) const LEAGUE: &str = r#"{"name": "Little League 2023/24", "matches": [
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
pub(crate) const CUP: &str = r#"{"name": "Little Cup 2024", "matches": [
  {"round": "Group stage", "group": "Group A", "date": "2024-06-01", "time": "15:00", "team1": "Oak", "team2": "Pine", "score": {"ft": [1, 0]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-03", "time": "15:00", "team1": "Pine", "team2": "Yew", "score": {"ft": [2, 0]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-05", "time": "15:00", "team1": "Yew", "team2": "Oak", "score": {"ft": [0, 1]}},
  {"round": "Final", "date": "2024-06-09", "time": "18:00", "team1": "Oak", "team2": "Pine", "score": {"ft": [1, 1], "et": [2, 2], "p": [3, 4]}}
]}"#;
