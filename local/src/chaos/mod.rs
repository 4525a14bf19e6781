//! A replay in bad weather: faults drawn by seed around the deliveries, and at the end the same database as in calm.

mod compare;
mod kind;
mod weather;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use strum::IntoEnumIterator as _;

pub use compare::{Content, content, differences};
pub use kind::Kind;
pub use weather::Weather;

use crate::driver::{Options, Replay};
use crate::postgres;

/// What one seed's replay came to.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Faults that were met, by kind.
    pub faults: BTreeMap<String, usize>,
    /// Schedules that fired.
    pub fired: usize,
    /// Executions by how they ended.
    pub executions: BTreeMap<String, i64>,
    /// Executions that took more than one attempt.
    pub retried: i64,
    /// Executions that were rescued: their run had died and was not delivered again.
    pub rescued: i64,
    /// Deliveries that failed; Lambda delivers these again.
    pub failed_deliveries: usize,
    /// Messages in Slack.
    pub notices: usize,
    /// Finished executions that still owe their notice or report.
    pub owed: i64,
    /// Rows that differ from the undisturbed run's.
    pub differences: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Outcome {
    /// What must not be.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.differences.iter().map(|line| format!("seed {}: differs: {line}", self.seed)).collect();
        if let Some(left) = self.executions.get("in_progress") {
            problems.push(format!("seed {}: {left} executions are left in progress", self.seed));
        }
        problems
    }
}

/// Replays a season undisturbed: what its database holds at the end.
pub async fn calm(season: &Path, output: &Path) -> anyhow::Result<Content> {
    let mut replay = Replay::start(&options(season, output.join("calm"), None, None)).await?;
    replay.run(None, false).await?;
    content(&postgres::connect(&replay.stack.database_url).await?).await
}

/// Replays it with the faults of `seed`, and compares.
pub async fn stormy(
    season: &Path,
    output: &Path,
    seed: u64,
    only: Option<Kind>,
    undisturbed: &Content,
) -> anyhow::Result<Outcome> {
    let mut replay =
        Replay::start(&options(season, output.join(format!("seed-{seed}")), Some(seed), only)).await?;
    replay.run(None, false).await?;
    let db = postgres::connect(&replay.stack.database_url).await?;
    let count = async |sql: &str| db.query_one(sql, &[]).await.map(|row| row.get::<_, i64>(0));
    let by_status =
        db.query("SELECT status, count(*) FROM data_provider_executions GROUP BY 1 ORDER BY 1", &[]).await?;
    let faults = replay.weather.as_ref().map(|weather| weather.met.clone()).unwrap_or_default();
    Ok(Outcome {
        seed,
        faults: faults.into_iter().map(|(kind, count)| (kind.to_string(), count)).collect(),
        fired: replay.fired,
        executions: by_status.iter().map(|row| (row.get(0), row.get(1))).collect(),
        retried: count("SELECT count(*) FROM data_provider_executions WHERE attempt > 1").await?,
        rescued: count(
            "SELECT count(*) FROM data_provider_executions WHERE summary->>'errors' LIKE '%the run died%'",
        )
        .await?,
        failed_deliveries: replay.errors.len(),
        notices: replay.stack.slack.messages().len(),
        owed: count(
            "SELECT count(*) FROM data_provider_executions
              WHERE status <> 'in_progress' AND (notified_at IS NULL OR kept_report IS NOT NULL)",
        )
        .await?,
        differences: differences(undisturbed, &content(&db).await?),
        seconds: replay.began.elapsed().as_secs_f64(),
    })
}

fn options(season: &Path, output: PathBuf, seed: Option<u64>, only: Option<Kind>) -> Options {
    Options {
        season: season.to_owned(),
        output,
        weather: seed.map(|seed| (seed, only)),
        ..Options::default()
    }
}

/// Faults against outcomes, in Markdown.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from("| fault | what happens | met |\n|---|---|---:|\n");
    for kind in Kind::iter() {
        let met: usize = outcomes.iter().filter_map(|outcome| outcome.faults.get(&kind.to_string())).sum();
        // Writing to a string can't fail.
        let _ = writeln!(text, "| `{kind}` | {} | {met} |", kind.what());
    }
    text += "\n| seed | faults | schedules fired | completed | in part | failed | tried again | rescued | deliveries failed | messages | owed | left in progress | rows that differ | s |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
    for outcome in outcomes {
        let of = |status: &str| outcome.executions.get(status).copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.0} |",
            outcome.seed,
            outcome.faults.values().sum::<usize>(),
            outcome.fired,
            of("completed"),
            of("partial_failure"),
            of("failed"),
            outcome.retried,
            outcome.rescued,
            outcome.failed_deliveries,
            outcome.notices,
            outcome.owed,
            of("in_progress"),
            outcome.differences.len(),
            outcome.seconds,
        );
    }
    text
}
