//! Watches from outside what the functions cost: connections and statements of the database, invocations, latency.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::Client;

use crate::postgres;
use crate::replay::{Season, ended_at, football_data_id};

/// Memory of each function that works for the provider, in GB, as the template has it.
const MEMORY_GB: f64 = 2.0;
/// AWS's list prices in dollars for x86: a GB second, an invocation, a schedule that fires, an object written to S3.
const GB_SECOND: f64 = 0.000_016_666_7;
const INVOCATION: f64 = 0.000_000_2;
const ALARM: f64 = 0.000_001;
const OBJECT: f64 = 0.000_005;
/// Interval between two looks at the connections.
const EVERY: Duration = Duration::from_millis(50);

/// The settings of a cluster whose statements can be counted.
pub const SETTINGS: [&str; 3] = [
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.max=10000",
    "pg_stat_statements.save=off",
];

/// Invocations, and how long they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Billed {
    /// How many there were.
    pub invocations: usize,
    /// How long they took, in seconds, cold starts included.
    pub seconds: f64,
    /// How many alarms have woken a function.
    pub alarms: usize,
    /// How many objects were written to S3.
    pub objects: usize,
}

impl Billed {
    /// Counts an invocation.
    pub fn add(&mut self, took: Duration) {
        self.invocations += 1;
        self.seconds += took.as_secs_f64();
    }

    /// The seconds times the functions' memory.
    pub fn gb_seconds(&self) -> f64 {
        self.seconds * MEMORY_GB
    }

    /// By list price: computing, invocations, schedules and objects.
    #[expect(clippy::cast_precision_loss, reason = "counts of invocations are small")]
    pub fn dollars(&self) -> f64 {
        self.gb_seconds() * GB_SECOND
            + self.invocations as f64 * INVOCATION
            + self.alarms as f64 * ALARM
            + self.objects as f64 * OBJECT
    }
}

/// A database that is watched.
pub struct Watch {
    client: Client,
    connections: Arc<AtomicI64>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    /// Watches the database at `url`. Statements are counted if its cluster has [`SETTINGS`].
    pub async fn start(url: &str) -> anyhow::Result<Self> {
        let client = postgres::connect(url).await?;
        let libraries: String = client.query_one("SHOW shared_preload_libraries", &[]).await?.get(0);
        if libraries.contains("pg_stat_statements") {
            let extension = "CREATE SCHEMA IF NOT EXISTS watch;
                CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA watch";
            client.batch_execute(extension).await?;
        }
        let connections = Arc::new(AtomicI64::new(0));
        let (seen, watcher) = (Arc::clone(&connections), postgres::connect(url).await?);
        let task = tokio::spawn(async move {
            let sql = "SELECT count(*) FROM pg_stat_activity /* watch */
                        WHERE application_name = 'best-shot' AND datname = current_database()";
            while let Ok(row) = watcher.query_one(sql, &[]).await {
                seen.fetch_max(row.get(0), Ordering::Relaxed);
                tokio::time::sleep(EVERY).await;
            }
        });
        Ok(Self { client, connections, task })
    }

    /// The functions' connections, at most at once, since the last call.
    pub fn connections(&self) -> i64 {
        self.connections.swap(0, Ordering::Relaxed)
    }

    /// The statements that the functions have sent so far; none if they can't be counted.
    pub async fn statements(&self) -> Option<i64> {
        let sql = "SELECT COALESCE(sum(calls), 0)::bigint FROM watch.pg_stat_statements /* watch */
                    WHERE query NOT LIKE '%/* watch */%'
                      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        self.client.query_one(sql, &[]).await.ok().map(|row| row.get(0))
    }

    /// How many matches have ended.
    pub async fn ended(&self) -> anyhow::Result<i64> {
        let sql = "SELECT count(*) FROM match /* watch */ WHERE status = 'ended'";
        Ok(self.client.query_one(sql, &[]).await?.get(0))
    }

    /// The provider's ids of the matches that have ended, without these.
    pub async fn newly_ended(&self, seen: &BTreeSet<String>) -> anyhow::Result<Vec<String>> {
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        let sql =
            "SELECT external_id FROM match /* watch */ WHERE status = 'ended' AND external_id <> ALL($1)";
        Ok(self.client.query(sql, &[&seen]).await?.iter().map(|row| row.get(0)).collect())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// From the whistle, at which the provider knows a result, to the database.
#[derive(Default)]
pub struct Latencies {
    whistles: BTreeMap<String, DateTime<Utc>>,
    seen: BTreeSet<String>,
    seconds: Vec<(i64, String)>,
}

/// The latencies of a replay, in minutes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// Results of which it is known.
    pub results: usize,
    /// Half of them were stored within this time.
    pub median_minutes: f64,
    /// The longest.
    pub worst_minutes: f64,
    /// The provider's id of that match.
    pub worst_match: Option<String>,
}

impl Latencies {
    /// Of the matches of these seasons.
    pub fn of(seasons: &[Season]) -> Self {
        let fixtures = seasons.iter().flat_map(|season| &season.fixtures);
        let ended = fixtures.filter_map(|fixture| {
            let ended = ended_at(fixture)?;
            Some([fixture.id, football_data_id(fixture)].map(|id| (id.to_string(), ended)))
        });
        Self { whistles: ended.flatten().collect(), ..Self::default() }
    }

    /// Notes the matches that are stored as ended at the time `now`.
    pub async fn note(&mut self, watch: &Watch, now: DateTime<Utc>) -> anyhow::Result<()> {
        for id in watch.newly_ended(&self.seen).await? {
            if let Some(whistle) = self.whistles.get(&id) {
                self.seconds.push(((now - *whistle).num_seconds(), id.clone()));
            }
            self.seen.insert(id);
        }
        Ok(())
    }

    /// Starts anew: what was noted so far does not count.
    pub fn forget(&mut self) {
        self.seconds.clear();
    }

    /// Sums them up.
    pub fn summary(&self) -> Latency {
        let mut sorted: Vec<&(i64, String)> = self.seconds.iter().collect();
        sorted.sort();
        let minutes = |at: usize| sorted.get(at).map_or(0.0, |(seconds, _)| in_minutes(*seconds));
        Latency {
            results: sorted.len(),
            median_minutes: minutes(sorted.len() / 2),
            worst_minutes: sorted.last().map_or(0.0, |(seconds, _)| in_minutes(*seconds)),
            worst_match: sorted.last().map(|(_, id)| id.clone()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a season are far below 2^52")]
fn in_minutes(seconds: i64) -> f64 {
    (seconds as f64 / 6.0).round() / 10.0
}
