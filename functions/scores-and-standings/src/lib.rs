//! Scores and standings: reads one round of one tournament and writes its scores and statuses. Unless the check is an
//! interim one, it also recomputes the table and inserts a follow-up for matches that are still running. The provider's
//! table is read by a check of its own.

mod round;
mod table;

use serde_json::{Value, json};
use shared::delivery::{self, Task, Worker};
use shared::event::{Event, Request, work_of};
use shared::execution::{self, Failure};
use shared::invocation::Invocation;
use shared::provider::Session;
use shared::sync::read_ahead::{self, ReadAhead};
use shared::work::Operation;

use football::plan::checks::Check;
use table::Provided;

/// Handles wake-ups, `{"targetEnv", "tournamentId", "roundSlug", "check"?, "kickoff"?, "scheduledTime"?, "dryRun"?}`, and
/// `{"operation": "standings", "tournamentId"}` for the table alone.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    delivery::handle(invocation, &event, &ScoresAndStandings).await
}

struct ScoresAndStandings;

impl Worker for ScoresAndStandings {
    async fn work(&self, task: Task<'_>) -> Result<Value, Failure> {
        match task.event {
            Ok(Event { request: Request::Standings { .. }, .. }) => table_alone(task).await,
            _ => scores_then_table(task).await,
        }
    }

    async fn read_ahead(
        &self,
        invocation: &Invocation<'_>,
        provider: &mut Session,
        due: &[&Check],
    ) -> Result<ReadAhead, Failure> {
        read_ahead::read(invocation, provider, due).await
    }
}

/// The table alone.
async fn table_alone(task: Task<'_>) -> Result<Value, Failure> {
    let Task { invocation, provider, event, .. } = task;
    let work = work_of(invocation.function, invocation.request_id, &event);
    let done = execution::run(invocation, provider, work, async |run| match run.validated(event)?.request {
        Request::Standings { retry_since, .. } => {
            let provided = if run.planned_for.is_some() { Provided::Due } else { Provided::OnceADay };
            table::update(run, provided, retry_since).await
        }
        _ => anyhow::bail!("the event is another function's"),
    })
    .await?;
    Ok(json!({ "standings_update": done }))
}

/// The scores, then the table where it is due.
async fn scores_then_table(task: Task<'_>) -> Result<Value, Failure> {
    let Task { invocation, provider, event, ahead } = task;
    let work = work_of(invocation.function, invocation.request_id, &event);
    let scores =
        execution::run(invocation, provider, work.clone(), async |run| match run.validated(event)?.request {
            Request::Scores { tournament_id, round, check } => {
                round::scores(run, tournament_id, &round, check, ahead).await
            }
            _ => anyhow::bail!("the event is another function's"),
        })
        .await?;
    if scores.facts.standings_due != Some(true) {
        return Ok(json!({ "matches_update": scores }));
    }
    let work = work.then(Operation::StandingsUpdate, scores.tournament_id);
    let standings = execution::run(invocation, provider, work, async |run| {
        table::update(run, Provided::NotRead, None).await
    })
    .await?;
    Ok(json!({ "matches_update": scores, "standings_update": standings }))
}
