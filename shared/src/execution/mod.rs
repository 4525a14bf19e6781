//! An execution, from the claim of its record to the message in Slack. See [`run()`].
//!
//! Guarantees: every scheduled occurrence is attempted at least once; its effects on the database are applied once (the
//! steps write state, not deltas, and only what differs); its message is sent at least once, normally once; a run that
//! dies is visible and can be taken over.

mod conclude;
mod failure;
mod heartbeat;
mod pending;
mod run;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use serde_json::Value;
use tracing::Instrument as _;

pub use failure::Failure;
pub(crate) use pending::{deliver_messages, deliver_pending};
pub use run::{Retry, Run};

use crate::crash;
use crate::invocation::{Invocation, TIME_TO_FINISH};
use crate::journal::Journal;
use crate::provider::{ProviderError, Session};
use crate::store::executions::{self, Claimed, Held, NewExecution};
use crate::summary::Summary;
use crate::work::{ErrorKind, Work};
use heartbeat::Heartbeat;

/// A lease is valid for this long unless it is renewed.
const LEASE: TimeDelta = TimeDelta::seconds(45);
/// A record whose lease ran out longer ago than this belongs to a dead run that nobody took over.
const RESCUE_AFTER: TimeDelta = TimeDelta::minutes(15);
/// Dead runs that are named individually.
const RESCUED_NAMED: usize = 3;
/// Maximum length of an event's JSON that is kept in the record, in bytes.
const EVENT_CHARS: usize = 8_000;

/// Runs `step` as one execution: claims its record, renews the lease, and whatever the result (including an error, a
/// panic or the deadline) ends the record, stores a report and sends a message. Returns the recorded summary.
///
/// For work that is already recorded as done, only the recorded summary is returned.
pub async fn run(
    invocation: &Invocation<'_>,
    provider: &mut Session,
    work: Work,
    step: impl AsyncFnOnce(&mut Run<'_>) -> anyhow::Result<()>,
) -> Result<Summary, Failure> {
    let claim = match claim(invocation, &work).await? {
        Claim::Ours(claim) => claim,
        Claim::DoneBefore(summary) => return Ok(*summary),
    };
    crash::point("claimed");
    let began = Instant::now();
    let span = span_of(&work, claim.record);
    let mut run = begin(invocation, provider, &work, &claim);
    let store = &invocation.services.store;
    let heartbeat = Heartbeat::start(store.clone(), invocation.clock, run.record, run.journal.progress());
    let housekeeping = !work.dry_run && invocation.does_housekeeping();
    if housekeeping {
        rescue_dead(&mut run).await;
    }
    let step = within_deadline(invocation.deadline, Box::pin(step(&mut run))).instrument(span);
    let outcome = tokio::select! {
        outcome = step => outcome,
        // What it would write is refused, but it must not make requests beside the run that took over.
        () = heartbeat.lost() => return Err(Failure::TakenOver { key: work.key() }),
    };
    crash::point("worked");
    let Run { journal, retry, record, .. } = run;
    if is_given_back(&outcome, invocation.batch.is_some()) && !journal.rows.wrote() {
        // Waiting is paid: the work is given back, as if it had not begun.
        store
            .persist(async || executions::release(&*store.client().await?, record).await)
            .await
            .map_err(Failure::Record)?;
        return Err(Failure::NotBegun { key: work.key() });
    }
    // A run that was frozen and taken over meanwhile must not overwrite the other run's report.
    if !store
        .persist(async || heartbeat::renew(store, invocation.clock, record).await)
        .await
        .map_err(Failure::Record)?
    {
        return Err(Failure::TakenOver { key: work.key() });
    }
    let ended = conclude::Ended::of(invocation, &work, claim, (journal, &retry), outcome.err(), began).await;
    ended.conclude(invocation, heartbeat, housekeeping).await
}

/// Whether a step ended because there was no turn, or no time, to ask the provider.
fn is_given_back(outcome: &anyhow::Result<()>, of_wake_up: bool) -> bool {
    let error = outcome.as_ref().err().and_then(|error| error.downcast_ref::<ProviderError>());
    error.is_some_and(|error| error.gives_work_back(of_wake_up))
}

/// A record claimed by this run.
#[derive(Debug, Clone)]
struct Ours {
    record: Held,
    started_at: DateTime<Utc>,
    first_begun: DateTime<Utc>,
    /// Alarms that an earlier attempt recorded with its writes and could not send.
    alarms: Vec<String>,
}

enum Claim {
    Ours(Ours),
    DoneBefore(Box<Summary>),
}

async fn claim(invocation: &Invocation<'_>, work: &Work) -> Result<Claim, Failure> {
    let Invocation { clock, services, .. } = *invocation;
    let store = &services.store;
    let key = work.key();
    let new = NewExecution {
        key: &key,
        function: work.function,
        operation: work.operation,
        request_id: invocation.request_id,
        tournament_id: work.tournament_id,
        planned_for: work.planned_for,
        trace_id: invocation.trace_id,
        event: Some(invocation.event).filter(|event| may_be_kept(event)),
    };
    let now = clock.now();
    let claimed = store
        .persist(async || executions::claim(&*store.client().await?, &new, now, clock.now() + LEASE).await)
        .await
        .map_err(Failure::Record)?;
    match claimed {
        Claimed::Ours { id, attempt, started_at, created_at, alarms } => Ok(Claim::Ours(Ours {
            record: Held { id, attempt },
            started_at,
            first_begun: created_at,
            alarms,
        })),
        Claimed::Running { lease_expires_at } => {
            Err(Failure::AlreadyRunning { key, until: lease_expires_at })
        }
        Claimed::Done(finished) => {
            if finished.message_pending {
                pending::deliver_one(invocation, finished.id).await;
            }
            Ok(Claim::DoneBefore(Box::new(finished.summary)))
        }
        Claimed::Refused { message } => Err(Failure::Work { key, kind: ErrorKind::InvalidInput, message }),
    }
}

fn span_of(work: &Work, record: Held) -> tracing::Span {
    let span = tracing::info_span!(
        "execution",
        execution_id = %record.id,
        operation = %work.operation,
        tournament = work.subject.tournament().map(tracing::field::display),
        round = work.subject.round(),
    );
    tracing::info!(parent: &span, key = work.key(), attempt = record.attempt, "an execution begins…");
    span
}

fn begin<'a>(invocation: &Invocation<'a>, provider: &'a mut Session, work: &Work, claim: &Ours) -> Run<'a> {
    let mut journal = Journal::new(invocation.clock, work.dry_run, work.tournament_id);
    claim.alarms.iter().for_each(|alarm| journal.alarm(alarm.clone()));
    journal.facts.requested_by = requested_by(invocation.event).map(ToOwned::to_owned);
    provider.record_in(journal.requests.clone());
    Run {
        config: invocation.config,
        services: invocation.services,
        provider,
        journal,
        retry: Retry::default(),
        planning: work.planned_for.unwrap_or_else(|| invocation.clock.now()),
        planned_for: work.planned_for,
        record: claim.record,
        attempt: claim.record.attempt,
        first_begun: claim.first_begun,
        shares_provider: invocation.batch.is_some(),
        clock: invocation.clock,
    }
}

/// Whether an event can be stored in the record: it is short, and Postgres accepts all its characters.
fn may_be_kept(event: &Value) -> bool {
    let text = event.to_string();
    event.is_object() && text.len() <= EVENT_CHARS && !text.contains("\\u0000")
}

/// Who requested the work, if the event names them.
pub(crate) fn requested_by(event: &Value) -> Option<&str> {
    let by = event.get("requestedBy")?.as_str()?;
    (!by.is_empty() && by.len() <= 200 && !by.chars().any(char::is_control)).then_some(by)
}

/// Awaits the step; turns a panic into an error, and stops it while there is still time to report that.
async fn within_deadline<T>(
    deadline: Option<Instant>,
    step: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let caught = AssertUnwindSafe(step).catch_unwind();
    let outcome = match deadline.and_then(|deadline| deadline.checked_sub(TIME_TO_FINISH)) {
        None => caught.await,
        Some(stop) => match tokio::time::timeout_at(stop.into(), caught).await {
            Ok(outcome) => outcome,
            Err(_) => {
                anyhow::bail!("stopped {} s before the function's time was up", TIME_TO_FINISH.as_secs())
            }
        },
    };
    outcome.unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Err(anyhow::anyhow!("the function panicked: {message}"))
    })
}

/// Marks other runs that died as failed, so that they are visible and can be taken over.
async fn rescue_dead(run: &mut Run<'_>) {
    let now = run.now();
    let rescued =
        async { executions::rescue(&*run.client().await?, run.record.id, now - RESCUE_AFTER, now).await };
    match rescued.await {
        Ok(rescued) => {
            // An old database may have many: their warnings must not displace the others.
            for dead in rescued.iter().take(RESCUED_NAMED) {
                let what = dead.key.clone().unwrap_or_else(|| dead.id.to_string());
                run.journal.warn(format!("a run had died and is now marked as failed: {what}"));
            }
            if rescued.len() > RESCUED_NAMED {
                let more = rescued.len() - RESCUED_NAMED;
                run.journal.warn(format!("further dead runs that are now marked as failed: {more}"));
            }
        }
        // Not part of this run's work: the next run tries again.
        Err(error) => tracing::warn!(%error, "the search for dead runs failed"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_step_is_stopped_while_there_is_time_to_report_it_and_its_panic_is_an_error() {
        let stopped = |error: anyhow::Error| error.to_string();
        let deadline = Instant::now() + TIME_TO_FINISH + Duration::from_millis(20);
        let late = within_deadline(Some(deadline), std::future::pending::<anyhow::Result<()>>()).await;
        assert_eq!(late.map_err(stopped), Err("stopped 30 s before the function's time was up".to_owned()));
        assert!(Instant::now() < deadline);

        let panics = async { if true { panic!("no such luck") } else { Ok(()) } };
        let caught = within_deadline(None, panics).await;
        assert_eq!(caught.map_err(stopped), Err("the function panicked: no such luck".to_owned()));
        assert_eq!(within_deadline(None, async { Ok(1) }).await.ok(), Some(1));
    }
}
