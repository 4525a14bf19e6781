//! The daily routine: reads what is on today and some rounds that were not read for long, keeps the tournaments' lives,
//! and reconciles the one-time schedules of the next two days with the matches.

use chrono::{DateTime, Utc};
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use shared::event::{Envelope, Fields, InvalidInput};
use shared::execution::{self, Failure, Invocation, OperationType, Work};
use shared::provider::ProviderError;
use shared::sync::schedules::Again;
use shared::sync::{self, refresh, schedules};
use uuid::Uuid;

/// Handles `{"targetEnv", "scheduledTime"?, "dryRun"?}`; unknown fields (an older caller's `endpoint`) are ignored.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let input = read(&event, invocation);
    let envelope = input.as_ref().ok().map(|(envelope, _)| envelope);
    let work = Work::of(invocation, OperationType::DailySchedule, "-:-".to_owned(), None, envelope);
    let done = execution::run(invocation, work, async |journal| {
        let (envelope, since) = journal.validated(input)?;
        let planning = envelope.scheduled_time.unwrap_or_else(|| invocation.clock.now());
        let mut provider = sync::provider(invocation);
        let refreshed = async {
            refresh::today(invocation, journal, &mut provider, planning).await?;
            refresh::new_rounds(invocation, journal, &mut provider, planning).await?;
            refresh::full_pass(invocation, journal, &mut provider, planning).await?;
            refresh::unchecked_tables(invocation, journal, &mut provider, planning).await
        };
        let refreshed = refreshed.await;
        journal.requests.extend(provider.take_requests());
        provider.close().await;
        // What is stored still wants its schedules: trouble with the refresh must not cost a day of checks.
        let (missed, broken) = match refreshed.map_err(anyhow::Error::downcast::<ProviderError>) {
            Ok(()) => (None, None),
            Err(Ok(error)) => (Some(error), None),
            Err(Err(error)) => (None, Some(error)),
        };
        if let Some(error) = missed {
            journal.missed("the daily refresh", &error);
        }
        refresh::keep_lives(invocation, journal, planning).await?;
        schedules::reconcile(invocation, journal, planning).await?;
        let kind = CheckKind::RoutineFollowUp;
        let again = Again { missed: kind, unchecked: kind, since };
        schedules::again(invocation, journal, (Uuid::nil(), "all"), again, Some(planning)).await?;
        broken.map_or(Ok(()), Err)
    })
    .await?;
    Ok(json!({ "daily_schedule": done.summary() }))
}

/// The envelope, and since when the provider could not tell what this routine asks for once more.
fn read(
    event: &Value,
    invocation: &Invocation<'_>,
) -> Result<(Envelope, Option<DateTime<Utc>>), InvalidInput> {
    let mut fields = Fields::of(event);
    let envelope = fields.envelope(&invocation.config.environment, invocation.clock.now());
    let since = fields.follow_up_since(CheckKind::RoutineFollowUp);
    fields.finish((envelope, since))
}
