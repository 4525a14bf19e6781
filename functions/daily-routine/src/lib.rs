//! The daily routine: reads what is on today and some rounds that were not read for long, keeps the tournaments' lives,
//! and reconciles the one-time schedules of the next two days with the matches.

use serde_json::{Value, json};
use shared::event::{Envelope, Fields, InvalidInput};
use shared::execution::{self, Failure, Invocation, OperationType, Work};
use shared::sync::{self, refresh, schedules};

/// Handles `{"targetEnv", "scheduledTime"?, "dryRun"?}`; unknown fields (an older caller's `endpoint`) are ignored.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let input = read(&event, invocation);
    let work =
        Work::of(invocation, OperationType::DailySchedule, "-:-".to_owned(), None, input.as_ref().ok());
    let done = execution::run(invocation, work, async |journal| {
        let envelope = journal.validated(input)?;
        let planning = envelope.scheduled_time.unwrap_or_else(|| invocation.clock.now());
        let mut provider = sync::provider(invocation);
        let refreshed = async {
            refresh::today(invocation, journal, &mut provider, planning).await?;
            refresh::full_pass(invocation, journal, &mut provider, planning).await
        };
        let refreshed = refreshed.await;
        journal.requests.extend(provider.take_requests());
        provider.close().await;
        // What is stored still wants its schedules: the provider's trouble must not cost a day of checks.
        if let Err(error) = refreshed {
            journal.failed("fetch", "the daily refresh", &format!("{error:#}"));
        }
        refresh::keep_lives(invocation, journal, planning).await?;
        schedules::reconcile(invocation, journal, planning).await
    })
    .await?;
    Ok(json!({ "daily_schedule": done.summary() }))
}

fn read(event: &Value, invocation: &Invocation<'_>) -> Result<Envelope, InvalidInput> {
    let mut fields = Fields::of(event);
    let envelope = fields.envelope(&invocation.config.environment, invocation.clock.now());
    fields.finish(envelope)
}
