//! The daily routine: plans the next two days and reconciles the one-time schedules with the matches.

use serde_json::{Value, json};
use shared::event::{Envelope, Fields, InvalidInput};
use shared::execution::{self, Failure, Invocation, OperationType, Work};
use shared::sync::schedules;

/// Handles `{"targetEnv", "scheduledTime"?, "dryRun"?}`; unknown fields (an older caller's `endpoint`) are ignored.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let input = read(&event, &invocation.config.environment);
    let work =
        Work::of(invocation, OperationType::DailySchedule, "-:-".to_owned(), None, input.as_ref().ok());
    let done = execution::run(invocation, work, async |journal| {
        let envelope = journal.validated(input)?;
        let planning = envelope.scheduled_time.unwrap_or_else(|| invocation.clock.now());
        schedules::reconcile(invocation, journal, planning).await
    })
    .await?;
    Ok(json!({ "daily_schedule": done.summary() }))
}

fn read(event: &Value, environment: &str) -> Result<Envelope, InvalidInput> {
    let mut fields = Fields::of(event);
    let envelope = fields.envelope(environment);
    fields.finish(envelope)
}
