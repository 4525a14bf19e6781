//! A replay with faults chosen by seed around the deliveries: its database must end the same as without faults.

mod compare;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use compare::{Content, content, content_under_one_clock, content_whoever_was_asked, differences};
pub use page::{page, table};

use crate::driver::{Options, Parts, Replay};
use crate::injection::Kind;
use crate::postgres;

/// The outcome of one seed's replay.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Faults that were chosen, by event.
    pub drawn: BTreeMap<String, String>,
    /// Faults that took effect, by kind.
    pub faults: BTreeMap<String, usize>,
    /// Schedules that fired.
    pub fired: usize,
    /// Executions by how they ended.
    pub executions: BTreeMap<String, i64>,
    /// Executions that took more than one attempt.
    pub retried: i64,
    /// Executions that a later run failed, because their run had died and was not delivered again.
    pub rescued: i64,
    /// Deliveries that failed; Lambda delivers these again.
    pub failed_deliveries: usize,
    /// Messages in Slack.
    pub notices: usize,
    /// Reports and messages of finished executions that are still pending.
    pub pending: Vec<String>,
    /// Finished executions without a report, except those whose run had died: they have nothing to report.
    pub unreported: i64,
    /// Checks that were due and are still open.
    pub open_checks: Vec<String>,
    /// Results that were stored.
    pub results: usize,
    /// Results that did not reach the event bus, or that another event has as well.
    pub lost_results: Vec<String>,
    /// Rows that differ from those of the run without faults.
    pub differences: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// Matches the record of a run that died and was not delivered again.
const DIED: &str = "COALESCE(summary->>'errors', '') LIKE '%the run died%'";

impl Outcome {
    /// What is wrong with the outcome.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.differences.iter().map(|line| format!("seed {}: differs: {line}", self.seed)).collect();
        if let Some(left) = self.executions.get("in_progress") {
            problems.push(format!("seed {}: {left} executions are left in progress", self.seed));
        }
        problems.extend(self.pending.iter().map(|line| format!("seed {}: still pending: {line}", self.seed)));
        problems
            .extend(self.open_checks.iter().map(|line| format!("seed {}: still open: {line}", self.seed)));
        problems.extend(self.lost_results.iter().map(|line| format!("seed {}: lost: {line}", self.seed)));
        if self.unreported > 0 {
            problems.push(format!("seed {}: {} executions have no report", self.seed, self.unreported));
        }
        problems
    }
}

/// Replays seasons without faults, with the log in `output`; returns the content of the database at the end.
pub async fn undisturbed(
    seasons: &[PathBuf],
    output: &Path,
    parts: Option<Parts>,
) -> anyhow::Result<Content> {
    let output = output.join("undisturbed");
    let options = Options { seasons: seasons.to_vec(), output, parts, ..Options::default() };
    let mut replay = Replay::start(&options).await?;
    replay.run(None, false).await?;
    replay.last_routines().await?;
    content(&postgres::connect(&replay.stack.database_url).await?).await
}

/// Replays them with the faults of `seed`, and compares.
pub async fn disturbed(
    seasons: &[PathBuf],
    output: &Path,
    seed: u64,
    only: Option<Kind>,
    expected: &Content,
    parts: Option<Parts>,
) -> anyhow::Result<Outcome> {
    let output = output.join(format!("seed-{seed}"));
    let faults_by_seed = Some((seed, only));
    let options = Options { seasons: seasons.to_vec(), output, faults_by_seed, parts, ..Options::default() };
    let mut replay = Replay::start(&options).await?;
    replay.run(None, false).await?;
    replay.last_routines().await?;
    let db = postgres::connect(&replay.stack.database_url).await?;
    let count = async |sql: &str| db.query_one(sql, &[]).await.map(|row| row.get::<_, i64>(0));
    let by_status =
        db.query("SELECT status, count(*) FROM data_provider_executions GROUP BY 1 ORDER BY 1", &[]).await?;
    let (results, lost_results) = results(&replay, &db).await?;
    let (drawn, met) = replay.injector.as_ref().map(|injector| (&injector.drawn, &injector.met)).unzip();
    let drawn = drawn.into_iter().flatten().map(|(event, kind)| (event.clone(), kind.to_string()));
    let met = met.into_iter().flatten().map(|(kind, count)| (kind.to_string(), *count));
    Ok(Outcome {
        seed,
        drawn: drawn.collect(),
        faults: met.collect(),
        fired: replay.fired,
        executions: by_status.iter().map(|row| (row.get(0), row.get(1))).collect(),
        retried: count("SELECT count(*) FROM data_provider_executions WHERE attempt > 1").await?,
        rescued: count(&format!("SELECT count(*) FROM data_provider_executions WHERE {DIED}")).await?,
        failed_deliveries: replay.errors.len(),
        notices: replay.stack.slack.messages().len(),
        pending: db
            .query(
                "SELECT concat_ws(' ', CASE WHEN notified_at IS NULL THEN 'message' END,
                                  CASE WHEN kept_report IS NOT NULL THEN 'report' END, 'of', idempotency_key, status,
                                  'attempt', attempt, 'completed', completed_at, 'updated', updated_at)
                   FROM data_provider_executions
                  WHERE status <> 'in_progress' AND (notified_at IS NULL OR kept_report IS NOT NULL)",
                &[],
            )
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect(),
        unreported: count(&format!(
            "SELECT count(*) FROM data_provider_executions
              WHERE status <> 'in_progress' AND report_file_key IS NULL AND kept_report IS NULL AND NOT {DIED}"
        ))
        .await?,
        open_checks: db
            .query(
                "SELECT concat_ws(' ', key, 'alarm', alarm_set) FROM scheduled_check
                  WHERE done_at IS NULL AND due_at < $1 ORDER BY due_at",
                &[&replay.clock.now().naive_utc()],
            )
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect(),
        results,
        lost_results,
        differences: differences(expected, &content(&db).await?),
        seconds: replay.began.elapsed().as_secs_f64(),
    })
}

/// How many results were stored, and those that did not reach the bus as they were stored: each under one key, any number
/// of times.
async fn results(replay: &Replay, db: &tokio_postgres::Client) -> anyhow::Result<(usize, Vec<String>)> {
    let stored = db
        .query(
            "SELECT id, concat_ws(' ', event, part) FROM change_history WHERE event IS NOT NULL ORDER BY id",
            &[],
        )
        .await?;
    let received = match &replay.consumer {
        Some(consumer) => consumer.received().await?,
        None => return Ok((stored.len(), Vec::new())),
    };
    let keys: BTreeMap<i64, BTreeSet<String>> = received.iter().fold(BTreeMap::new(), |mut keys, event| {
        let (number, key) = (event["sequence"].as_i64(), event["key"].to_string());
        keys.entry(number.unwrap_or_default()).or_default().insert(key);
        keys
    });
    let mut lost: Vec<String> = stored
        .iter()
        .filter(|row| keys.get(&row.get::<_, i64>(0)).is_none_or(|keys| keys.len() != 1))
        .map(|row| row.get(1))
        .collect();
    let unknown = keys.keys().filter(|number| !stored.iter().any(|row| row.get::<_, i64>(0) == **number));
    lost.extend(unknown.map(|number| format!("event {number} has no row")));
    Ok((stored.len(), lost))
}
