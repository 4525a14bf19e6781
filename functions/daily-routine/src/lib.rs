//! The daily routine: reads today's matches, updates the tournaments' statuses, and brings the checks of the next two days
//! and their alarms in line with the matches.

use chrono::{DateTime, Utc};
use football::plan::checks::CheckKind;
use serde_json::{Value, json};
use shared::delivery::{self, Task, Worker};
use shared::event::{Request, work_of};
use shared::execution::{self, Failure, Run};
use shared::invocation::Invocation;
use shared::journal::Step;
use shared::store::{history, outbox};
use shared::sync::retry::{RetryChecks, enqueue_retry};
use shared::sync::{self, checks, cross_check, refresh};
use uuid::Uuid;

/// Handles wake-ups and `{"targetEnv", "operation"?: "cross-check", "tournamentId"?, "scheduledTime"?, "dryRun"?}`; unknown fields (an older caller's `endpoint`) are
/// ignored.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    delivery::handle(invocation, &event, &DailyRoutine).await
}

struct DailyRoutine;

impl Worker for DailyRoutine {
    async fn work(&self, task: Task<'_>) -> Result<Value, Failure> {
        let Task { invocation, provider, event, .. } = task;
        let work = work_of(invocation.function, invocation.request_id, &event);
        let name = work.operation.to_string();
        let done =
            execution::run(invocation, provider, work, async |run| match run.validated(event)?.request {
                Request::DailyRoutine { tournament_id: Some(id), retry_since } => {
                    of_one(run, id, retry_since).await
                }
                Request::DailyRoutine { tournament_id: None, retry_since } => routine(run, retry_since).await,
                Request::CrossCheck { tournament_id } => {
                    if let Some(id) = tournament_id {
                        sync::tournament(run, id).await?;
                    }
                    cross_check::compare(run, tournament_id).await
                }
                _ => anyhow::bail!("the event is another function's"),
            })
            .await?;
        Ok(json!({ name: done }))
    }
}

async fn routine(run: &mut Run<'_>, retry_since: Option<DateTime<Utc>>) -> anyhow::Result<()> {
    // The stored matches need their checks anyway: a failed refresh must not cost a day of them.
    let read = refreshed(run, None).await;
    refresh::update_statuses(run).await?;
    checks::plan_days(run).await?;
    cross_check::plan(run).await?;
    prune_history(run).await;
    discard_results(run).await;
    let kind = CheckKind::RoutineFollowUp;
    enqueue_retry(run, None, RetryChecks { missed: kind, unchecked: kind, since: retry_since }).await?;
    read
}

/// The same for one tournament: no other's rows, checks and alarms are touched.
async fn of_one(run: &mut Run<'_>, id: Uuid, retry_since: Option<DateTime<Utc>>) -> anyhow::Result<()> {
    if sync::active_tournament(run, id).await?.is_none() {
        return Ok(());
    }
    let read = refreshed(run, Some(id)).await;
    checks::plan_days_of(run, id).await?;
    let kind = CheckKind::RoutineFollowUp;
    enqueue_retry(run, Some(id), RetryChecks { missed: kind, unchecked: kind, since: retry_since }).await?;
    read
}

/// Reads the day's list and new rounds, of all tournaments or of one; what a provider can't give is recorded in the run.
async fn refreshed(run: &mut Run<'_>, only: Option<Uuid>) -> anyhow::Result<()> {
    let refreshed = async {
        refresh::today(run, only).await?;
        refresh::new_rounds(run, only).await
    }
    .await;
    // No request to the provider follows.
    run.no_more_requests().await;
    refreshed
}

/// Deletes the part of the history that is older than `HISTORY_DAYS`. If that fails it is left to the next day: nothing
/// depends on it.
async fn prune_history(run: &mut Run<'_>) {
    if run.journal.dry_run {
        return;
    }
    let before = run.planning - run.config.history;
    let pruned = async || history::prune(&*run.client().await?, before).await;
    match pruned().await {
        Ok(0) => {}
        Ok(rows) => run.journal.completed(Step::Apply, "history", json!({ "deleted": rows })),
        Err(error) => run.journal.warn(format!("old changes could not be deleted: {error}")),
    }
}

/// Without a bus nobody waits for results as events. If this fails it is left to the next day: nothing depends on it.
async fn discard_results(run: &mut Run<'_>) {
    if run.journal.dry_run || run.services.bus.is_some() {
        return;
    }
    let discarded = async || outbox::discard(&*run.client().await?).await;
    if let Err(error) = discarded().await {
        run.journal.warn(format!("results could not be taken out of the outbox: {error}"));
    }
}
