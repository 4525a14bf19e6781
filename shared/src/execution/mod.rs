//! The life of an execution, written once: claim, work, report, record, notice. See [`run`].
//!
//! What is promised: every scheduled occurrence is attempted at least once; its effects on the database are applied
//! once (the steps write state, not deltas, and only what differs); its notice is sent at least once, normally once; a
//! run that dies is visible and rescued.

mod delivery;
mod journal;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use lambda_runtime::Diagnostic;
use serde_json::Value;
use strum::Display;
use tracing::Instrument as _;
use uuid::Uuid;

use journal::Progress;
pub use journal::{Journal, Operation, OperationStatus};

use crate::app::{AppError, Services};
use crate::clock::Clock;
use crate::config::Config;
use crate::crash;
use crate::event::{Envelope, InvalidInput};
use crate::notify::Notice;
use crate::provider::ProviderError;
use crate::report::Report;
use crate::schedule::ScheduleError;
use crate::sentry::{self, Failed};
use crate::store::executions::{self, Claimed, Ending, Held, NewExecution};
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;

/// A lease holds this long unless it is renewed.
const LEASE: TimeDelta = TimeDelta::seconds(45);
/// It is renewed this often.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How far a run has come is noted this often, while it comes further.
const PROGRESS: Duration = Duration::from_secs(5);
/// A record whose lease ran out longer ago than this belongs to a dead run that nobody took over.
const RESCUE_AFTER: TimeDelta = TimeDelta::minutes(15);
/// Dead runs that are named one by one.
const RESCUED_NAMED: usize = 3;
/// Left for the report, the record and the notice before the function's time is up.
const TIME_TO_FINISH: Duration = Duration::from_secs(30);

/// Before that, what was read is written.
const TIME_TO_WRITE: Duration = Duration::from_secs(15);

/// What an execution does, as `data_provider_executions.operation_type` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each says what it is")]
pub enum OperationType {
    TournamentCreate,
    TournamentUpdate,
    RoundsCreate,
    RoundsUpdate,
    TeamsCreate,
    TeamsUpdate,
    MatchesCreate,
    MatchesUpdate,
    StandingsCreate,
    StandingsUpdate,
    KnockoutsUpdate,
    DailySchedule,
}

/// One delivery to one function.
pub struct Invocation<'a> {
    /// The function's name.
    pub function: &'static str,
    /// The delivery's id; Lambda's own retries share it.
    pub request_id: Uuid,
    /// The delivery's X-Ray trace, if there is one.
    pub trace_id: Option<&'a str>,
    /// The time as this run sees it.
    pub clock: Clock,
    /// When Lambda stops the function, if it does.
    pub deadline: Option<Instant>,
    /// What it brings, kept on record so that it can be sent again.
    pub event: &'a Value,
    /// What the function was told.
    pub config: &'a Config,
    /// The outside world.
    pub services: &'a Services,
}

impl Invocation<'_> {
    /// When a step stops asking and writes what it has; none: there is no deadline.
    pub fn time_to_write(&self) -> Option<Instant> {
        self.deadline?.checked_sub(TIME_TO_FINISH + TIME_TO_WRITE)
    }
}

/// The work of one execution.
#[derive(Debug, Clone)]
pub struct Work {
    /// What it does.
    pub operation: OperationType,
    /// What it is about, between the operation and the time in the idempotency key: `{tournament}:{round}`.
    pub subject: String,
    /// The occurrence's own name in the key: its scheduled time, a manual trigger's key, or the delivery's id.
    pub occurrence: String,
    /// The occurrence's scheduled time, if it has one.
    pub planned_for: Option<DateTime<Utc>>,
    /// Of which tournament, once it exists.
    pub tournament_id: Option<Uuid>,
    /// Plan and report, write nothing.
    pub dry_run: bool,
}

impl Work {
    /// The work that an event asks for. Its occurrence is the trigger's own key, else the scheduled time, else (older
    /// callers, and events that can't be read: `envelope` is none) the delivery, which its retries share.
    pub fn of(
        invocation: &Invocation<'_>,
        operation: OperationType,
        subject: String,
        tournament_id: Option<Uuid>,
        envelope: Option<&Envelope>,
    ) -> Self {
        let planned_for = envelope.and_then(|envelope| envelope.scheduled_time);
        let occurrence = envelope
            .and_then(|envelope| envelope.idempotency_key.clone())
            .or_else(|| planned_for.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string()))
            .unwrap_or_else(|| invocation.request_id.to_string());
        let dry_run = envelope.is_some_and(|envelope| envelope.dry_run);
        Self { operation, subject, occurrence, planned_for, tournament_id, dry_run }
    }
}

/// What came of an execution.
#[derive(Debug, Clone, PartialEq)]
pub enum Done<T> {
    /// It was done now.
    Now {
        /// What the work gave.
        value: T,
        /// What is on record.
        summary: Value,
    },
    /// It had been done before: this is what is on record.
    Before {
        /// What is on record.
        summary: Value,
    },
}

impl<T> Done<T> {
    /// What is on record.
    pub fn summary(&self) -> &Value {
        match self {
            Self::Now { summary, .. } | Self::Before { summary } => summary,
        }
    }

    /// Of which tournament it was, if that is known.
    pub fn tournament_id(&self) -> Option<Uuid> {
        self.summary()["tournamentId"].as_str()?.parse().ok()
    }

    /// What the work gave, if it was done now.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Now { value, .. } => Some(value),
            Self::Before { .. } => None,
        }
    }
}

/// Why an execution did not end well. Returned to Lambda, so that its retries and dead letters see it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Another run is at this work and alive: deliver again later.
    #[error("{key} is being worked on by another run, whose lease holds until {until:?}")]
    AlreadyRunning {
        /// Which work.
        key: String,
        /// Until when.
        until: Option<DateTime<Utc>>,
    },
    /// The outside world could not be prepared: nothing is on record.
    #[error(transparent)]
    App(#[from] AppError),
    /// The tables could not be brought up to date.
    #[error(transparent)]
    Migration(StoreError),
    /// The record could not be written.
    #[error("the execution's record could not be written: {0}")]
    Record(#[source] StoreError),
    /// The run lost its record to another that took it over.
    #[error("{key} was taken over by another run")]
    TakenOver {
        /// Which work.
        key: String,
    },
    /// The work failed; it is on record, reported and told.
    #[error("{key}: {message}")]
    Work {
        /// Which work.
        key: String,
        /// The kind of error.
        kind: &'static str,
        /// What went wrong.
        message: String,
    },
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        let error_type = match &failure {
            Failure::AlreadyRunning { .. } => "AlreadyRunning",
            Failure::App(_) => "Configuration",
            Failure::Record(_) | Failure::Migration(_) => "Database",
            Failure::TakenOver { .. } => "TakenOver",
            Failure::Work { kind, .. } => kind,
        };
        Self { error_type: error_type.to_owned(), error_message: failure.to_string() }
    }
}

/// The kind of what is wrong with an event.
const INVALID_INPUT: &str = "InvalidInput";

/// The kind of an error, for alarms and people.
fn kind_of(error: &anyhow::Error) -> &'static str {
    if let Some(error) = error.downcast_ref::<ProviderError>() {
        error.kind()
    } else if error.is::<InvalidInput>() {
        INVALID_INPUT
    } else if error.is::<StoreError>() {
        "Database"
    } else if error.is::<ScheduleError>() {
        "Scheduler"
    } else {
        "Internal"
    }
}

/// What the work is, as `data_provider_executions.idempotency_key` has it.
pub fn key(function: &str, operation: &str, subject: &str, occurrence: &str, dry_run: bool) -> String {
    let dry = if dry_run { ":dry" } else { "" };
    format!("{function}:{operation}:{subject}:{occurrence}{dry}")
}

/// The longest event that is kept on record.
const EVENT_CHARS: usize = 8_000;

/// Whether an event can stand in the record: it is short, and Postgres takes its every character.
fn may_be_kept(event: &Value) -> bool {
    let text = event.to_string();
    event.is_object() && text.len() <= EVENT_CHARS && !text.contains("\\u0000")
}

/// Who asked for the work, where an event says it.
fn requested_by(event: &Value) -> Option<&str> {
    let by = event.get("requestedBy")?.as_str()?;
    (!by.is_empty() && by.len() <= 200 && !by.chars().any(char::is_control)).then_some(by)
}

/// Runs `step` as one execution: claims its record first, keeps the lease, and whatever comes of it (an error, a
/// panic, time running out) ends the record, stores a report and sends a notice.
///
/// Work that is on record as done is answered from there, and nothing else happens.
pub async fn run<T>(
    invocation: &Invocation<'_>,
    work: Work,
    step: impl AsyncFnOnce(&mut Journal) -> anyhow::Result<T>,
) -> Result<Done<T>, Failure> {
    let Invocation { function, clock, services, .. } = *invocation;
    let store = &services.store;
    let operation = work.operation.to_string();
    let key = key(function, &operation, &work.subject, &work.occurrence, work.dry_run);

    let new = NewExecution {
        key: &key,
        function,
        operation: &operation,
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
    let (held, started_at, created_at, alarms) = match claimed {
        Claimed::Ours { id, attempt, started_at, created_at, alarms } => {
            (Held { id, attempt }, started_at, created_at, alarms)
        }
        Claimed::Running { lease_expires_at } => {
            return Err(Failure::AlreadyRunning { key, until: lease_expires_at });
        }
        Claimed::Done(finished) => {
            if finished.notice_owed {
                delivery::settle_one(invocation, finished.id).await;
            }
            return Ok(Done::Before { summary: finished.summary });
        }
        Claimed::Refused { message } => return Err(Failure::Work { key, kind: INVALID_INPUT, message }),
    };
    let request_id = invocation.request_id;
    let mut about = work.subject.split(':');
    let span = tracing::info_span!(
        "execution",
        %request_id,
        execution_id = %held.id,
        operation,
        tournament = about.next(),
        round = about.next(),
    );
    tracing::info!(parent: &span, key, attempt = held.attempt, "working…");

    crash::point("claimed");
    let began = Instant::now();
    let mut journal = Journal::new(clock, held, created_at, work.dry_run, work.tournament_id);
    alarms.into_iter().for_each(|alarm| journal.alarm(alarm));
    if let Some(by) = requested_by(invocation.event) {
        journal.facts.insert("requestedBy".to_owned(), by.into());
    }
    let heartbeat = Heartbeat::start(store.clone(), clock, held, journal.progress());
    if !work.dry_run {
        rescue_dead(store, clock, held.id, &mut journal).await;
    }
    let outcome = within_deadline(invocation.deadline, Box::pin(step(&mut journal))).instrument(span).await;
    crash::point("worked");
    // One that was frozen and taken over meanwhile must not store its report over the other's.
    let ours = store
        .persist(async || executions::renew(&*store.client().await?, held, clock.now() + LEASE).await)
        .await
        .map_err(Failure::Record)?;
    if !ours {
        return Err(Failure::TakenOver { key });
    }

    let (value, error) = match outcome {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(error)),
    };
    let kind = error.as_ref().map(kind_of);
    // The circuit's own notice tells it once for all runs; not what else there is to say.
    let refused = journal.circuit_open || matches!(kind, Some("Blocked" | "CircuitOpen"));
    let nothing_else = work.operation != OperationType::DailySchedule
        && !journal.rows.wrote()
        && journal.warnings.is_empty();
    let told_once = refused && nothing_else && delivery::circuit_is_open(store).await;
    let message = error.as_ref().map(|error| services.vault.current().mask(&format!("{error:#}")));
    let status = match (&message, journal.failures.is_empty()) {
        (Some(_), _) => "failed",
        (None, false) => "partial_failure",
        (None, true) => "completed",
    };
    let completed_at = clock.now();
    let duration_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
    let mut report = Report {
        execution_id: held.id,
        request_id: invocation.request_id,
        function: function.to_owned(),
        operation: operation.clone(),
        key: key.clone(),
        attempt: held.attempt,
        status: status.to_owned(),
        planned_for: work.planned_for,
        started_at,
        completed_at,
        duration_ms,
        error: message.clone(),
        error_kind: kind,
        journal,
    };

    let stored = delivery::store_report(invocation, &mut report).await;
    crash::point("reported");
    let url = stored.as_ref().ok().and_then(|key| services.objects.report_url(key, held.id));
    let summary = report.summary();
    let ending = Ending {
        status,
        tournament_id: report.journal.tournament_id,
        completed_at,
        duration_ms,
        summary: &summary,
        report: stored.as_ref().ok().map(|key| (key.as_str(), url.as_deref())),
        kept_report: stored.as_ref().err(),
    };
    let ours = store
        .persist(async || executions::finish(&*store.client().await?, held, &ending).await)
        .await
        .map_err(Failure::Record)?;
    drop(heartbeat);
    if !ours {
        return Err(Failure::TakenOver { key });
    }
    tracing::info!(execution_id = %held.id, operation, status, duration_ms, error = message, "done");
    crash::point("recorded");
    let metrics = metrics_of(&report, refused);
    metrics.emit(&invocation.config.environment, &operation, clock.now());
    if let (Some(dsn), Some(message)) = (&services.vault.current().sentry_dsn, &message) {
        let failed = Failed {
            function,
            environment: &invocation.config.environment,
            operation: &operation,
            kind: kind.unwrap_or("Internal"),
            message,
            request: invocation.request_id,
            execution: Some(held.id),
        };
        sentry::tell(dsn, &failed).await;
    }

    let notice = Notice {
        operation: &operation,
        status,
        summary: &summary,
        request_id: invocation.request_id,
        report_url: url.as_deref(),
        report_key: stored.as_ref().ok().map(String::as_str),
        completed_at,
        duration_ms,
    };
    let sent = delivery::notify(invocation, held.id, &notice, told_once).await;
    if !work.dry_run {
        // What works now is used to pay what earlier runs had to owe.
        delivery::settle(invocation, sent && stored.is_ok()).await;
    }

    match (value, message) {
        (Some(value), None) => Ok(Done::Now { value, summary }),
        (_, message) => Err(Failure::Work {
            key,
            kind: kind.unwrap_or("Internal"),
            message: message.unwrap_or_else(|| "no value and no error".to_owned()),
        }),
    }
}

fn metrics_of(report: &Report, blocked: bool) -> Metrics {
    let Report { journal, .. } = report;
    let changed = |operation: &Operation| {
        let count = |what: &str| operation.data["rows"][what].as_u64().unwrap_or_default();
        count("inserted") + count("updated")
    };
    let of_matches =
        journal.operations.iter().filter(|done| done.step == "apply" && done.operation == "matches");
    Metrics {
        completed: report.status == "completed",
        failed: report.status == "failed",
        partial: report.status == "partial_failure",
        blocked,
        requests: journal.requests.len(),
        matches_changed: of_matches.map(changed).sum(),
        schedules_created: journal.schedules.created,
        duration_ms: report.duration_ms,
        browser_start_ms: journal
            .requests
            .iter()
            .find_map(|request| request.browser_start_ms)
            .and_then(|took| u64::try_from(took).ok()),
    }
}

/// Awaits the step; turns a panic into an error, and stops it while there is still time to say so.
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
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Err(anyhow::anyhow!("the function panicked: {said}"))
    })
}

/// Other runs that died are failed, so that they are seen and can be taken over.
async fn rescue_dead(store: &Store, clock: Clock, own: Uuid, journal: &mut Journal) {
    let now = clock.now();
    let rescued = async {
        let client = store.client().await?;
        executions::rescue(&*client, own, now - RESCUE_AFTER, now).await
    };
    match rescued.await {
        Ok(rescued) => {
            // An old database may be full of them: they must not crowd out what else there is to say.
            for dead in rescued.iter().take(RESCUED_NAMED) {
                let what = dead.key.clone().unwrap_or_else(|| dead.id.to_string());
                journal.warn(format!("a run had died and is now marked as failed: {what}"));
            }
            if rescued.len() > RESCUED_NAMED {
                let more = rescued.len() - RESCUED_NAMED;
                journal.warn(format!("further dead runs that are now marked as failed: {more}"));
            }
        }
        // Not this run's own work: the next run tries again.
        Err(error) => tracing::warn!(%error, "dead runs could not be looked for"),
    }
}

/// Renews the lease until dropped.
struct Heartbeat(tokio::task::JoinHandle<()>);

impl Heartbeat {
    fn start(store: Store, clock: Clock, held: Held, progress: Progress) -> Self {
        Self(tokio::spawn(async move {
            let mut renewed_at = Instant::now();
            let mut noted = None;
            loop {
                tokio::time::sleep(PROGRESS).await;
                let come = progress.summary().filter(|come| noted.as_ref() != Some(come));
                if let Some(come) = come {
                    let written = async {
                        let client = store.client().await?;
                        executions::note_progress(&*client, held, &come).await
                    };
                    match written.await {
                        Ok(()) => noted = Some(come),
                        Err(error) => tracing::warn!(%error, "how far it has come could not be noted"),
                    }
                }
                if renewed_at.elapsed() < HEARTBEAT {
                    continue;
                }
                renewed_at = Instant::now();
                let renewed = async {
                    let client = store.client().await?;
                    executions::renew(&*client, held, clock.now() + LEASE).await
                };
                match renewed.await {
                    Ok(true) => {}
                    Ok(false) => return tracing::warn!(execution_id = %held.id, "the lease is lost"),
                    Err(error) => tracing::warn!(%error, "the lease could not be renewed; trying again…"),
                }
            }
        }))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_is_stopped_while_there_is_time_to_say_so_and_its_panic_is_an_error() {
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
