//! The daily routine: reads today's matches and some rounds that were last read long ago, updates the tournaments'
//! statuses, and reconciles the one-time schedules of the next two days with the matches.

use chrono::{DateTime, Utc};
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use shared::event::{Event, Request, work_of};
use shared::execution::{self, Failure, Run};
use shared::invocation::Invocation;
use shared::provider::ProviderError;
use shared::sync::retry::{RetryChecks, enqueue_retry};
use shared::sync::{self, refresh, schedules};
use uuid::Uuid;

/// Handles `{"targetEnv", "scheduledTime"?, "dryRun"?}`; unknown fields (an older caller's `endpoint`) are ignored.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let (environment, now) = (&invocation.config.environment, invocation.clock.now());
    let event = Event::read(invocation.function, &event, environment, now);
    let work = work_of(invocation.function, invocation.request_id, &event);
    let mut provider = sync::provider(invocation);
    let done = execution::run(invocation, &mut provider, work, async |run| {
        let Request::DailyRoutine { retry_since } = run.validated(event)?.request else {
            anyhow::bail!("the event is another function's")
        };
        routine(run, retry_since).await
    })
    .await;
    provider.close().await;
    Ok(json!({ "daily_schedule": done? }))
}

async fn routine(run: &mut Run<'_>, retry_since: Option<DateTime<Utc>>) -> anyhow::Result<()> {
    // The stored matches need their schedules anyway: a failed refresh must not cost a day of checks.
    let refreshed = refresh_all(run).await;
    // No request to the provider follows.
    run.provider.close().await;
    let broken = match refreshed.map_err(anyhow::Error::downcast::<ProviderError>) {
        Ok(()) => None,
        Err(Ok(error)) => {
            run.missed("the daily refresh", &error);
            None
        }
        Err(Err(error)) => Some(error),
    };
    refresh::update_statuses(run).await?;
    schedules::reconcile(run).await?;
    let kind = CheckKind::RoutineFollowUp;
    let checks = RetryChecks { missed: kind, unchecked: kind, since: retry_since };
    enqueue_retry(run, (Uuid::nil(), "all"), checks).await?;
    broken.map_or(Ok(()), Err)
}

async fn refresh_all(run: &mut Run<'_>) -> anyhow::Result<()> {
    refresh::today(run).await?;
    refresh::new_rounds(run).await?;
    refresh::full_pass(run).await?;
    refresh::unchecked_tables(run).await?;
    refresh::differing_tables(run).await
}
