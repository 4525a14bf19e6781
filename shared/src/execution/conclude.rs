//! The end of an execution: report, record, metrics, message, in this order.

use std::time::Instant;

use serde_json::Value;

use super::failure::kind_of;
use super::heartbeat::Heartbeat;
use super::{Failure, Ours, Retry, pending};
use crate::crash;
use crate::invocation::Invocation;
use crate::journal::{Entry, Journal, RowKind};
use crate::message::Message;
use crate::report::{Rendered, Report};
use crate::sentry::{self, Failed};
use crate::store::executions::{self, Ending};
use crate::summary::Summary;
use crate::telemetry::Metrics;
use crate::work::{ErrorKind, ExecutionStatus, Operation, Work};

/// The complete result of a run.
pub(super) struct Ended {
    report: Report,
    /// The provider refused, now or before.
    refused: bool,
    /// The message about the provider's circuit replaces this run's own.
    covered_by_circuit: bool,
}

impl Ended {
    pub(super) async fn of(
        invocation: &Invocation<'_>,
        work: &Work,
        claim: Ours,
        (journal, retry): (Journal, &Retry),
        error: Option<anyhow::Error>,
        began: Instant,
    ) -> Self {
        let services = invocation.services;
        let kind = error.as_ref().map(kind_of);
        let refused = retry.refused || kind.is_some_and(ErrorKind::is_refusal);
        // While the circuit is open its message replaces this run's, unless the run wrote rows or has warnings.
        let nothing_else = work.operation != Operation::DailySchedule
            && !journal.rows.wrote()
            && journal.warnings.is_empty();
        let covered_by_circuit =
            refused && nothing_else && pending::circuit_is_open(&services.store, journal.provider).await;
        let message = error.map(|error| services.vault.current().mask(&format!("{error:#}")));
        let status = match (&message, journal.failures.is_empty()) {
            (Some(_), _) => ExecutionStatus::Failed,
            (None, false) => ExecutionStatus::PartialFailure,
            (None, true) => ExecutionStatus::Completed,
        };
        let report = Report {
            execution_id: claim.record.id,
            request_id: invocation.request_id,
            function: work.function,
            operation: work.operation,
            key: work.key(),
            attempt: claim.record.attempt,
            status,
            planned_for: work.planned_for,
            started_at: claim.started_at,
            completed_at: invocation.clock.now(),
            duration_ms: i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX),
            error: message,
            error_kind: kind,
            journal,
        };
        Self { report, refused, covered_by_circuit }
    }

    /// Stores the report, ends the record, emits the metrics and sends the message. Returns the recorded summary, or
    /// the failure for Lambda.
    pub(super) async fn conclude(
        mut self,
        invocation: &Invocation<'_>,
        heartbeat: Heartbeat,
        housekeeping: bool,
    ) -> Result<Summary, Failure> {
        let stored = store_report(invocation, &mut self.report).await;
        crash::point("reported");
        let report = &self.report;
        let id = report.execution_id;
        let url = stored.as_ref().ok().and_then(|key| invocation.services.objects.report_url(key, id));
        let summary = report.summary();
        self.end_record(invocation, claim_of(report), &summary, &stored, url.as_deref()).await?;
        drop(heartbeat);
        let Report { operation, status, duration_ms, .. } = *report;
        tracing::info!(execution_id = %id, %operation, %status, duration_ms, error = report.error, "an execution has ended");
        crash::point("recorded");
        self.emit_metrics(invocation);
        self.send_to_sentry(invocation).await;

        let message = Message {
            execution: id,
            operation,
            status,
            summary: summary.clone(),
            request_id: invocation.request_id,
            desk_url: invocation.services.objects.desk_url().map(ToOwned::to_owned),
            report_url: url,
            report_key: stored.as_ref().ok().cloned(),
            completed_at: report.completed_at,
            duration_ms,
        };
        let sent = pending::send_own(invocation, message, self.covered_by_circuit).await;
        if housekeeping {
            // If this report and message were delivered, pending ones of earlier runs probably can be too.
            pending::deliver(invocation, sent && stored.is_ok()).await;
        }
        match &report.error {
            None => Ok(summary),
            Some(message) => Err(Failure::Work {
                key: report.key.clone(),
                kind: report.error_kind.unwrap_or(ErrorKind::Internal),
                message: message.clone(),
            }),
        }
    }

    async fn end_record(
        &self,
        invocation: &Invocation<'_>,
        record: executions::Held,
        summary: &Summary,
        stored: &Result<String, Value>,
        url: Option<&str>,
    ) -> Result<(), Failure> {
        let report = &self.report;
        let ending = Ending {
            status: report.status,
            tournament_id: report.journal.tournament_id,
            completed_at: report.completed_at,
            duration_ms: report.duration_ms,
            summary,
            report: stored.as_ref().ok().map(|key| (key.as_str(), url)),
            kept_report: stored.as_ref().err(),
        };
        let store = &invocation.services.store;
        let ours = store
            .persist(async || executions::finish(&*store.client().await?, record, &ending).await)
            .await
            .map_err(Failure::Record)?;
        if ours { Ok(()) } else { Err(Failure::TakenOver { key: report.key.clone() }) }
    }

    /// A dry run emits none: alarms count them, and must not take a plan for work.
    fn emit_metrics(&self, invocation: &Invocation<'_>) {
        let report = &self.report;
        if report.journal.dry_run {
            return;
        }
        let metrics = metrics_of(report, self.refused);
        metrics.emit(&invocation.config.environment, report.operation, invocation.clock.now());
    }

    async fn send_to_sentry(&self, invocation: &Invocation<'_>) {
        let report = &self.report;
        let secrets = invocation.services.vault.current();
        let (Some(dsn), Some(message)) = (&secrets.sentry_dsn, &report.error) else { return };
        let failed = Failed {
            function: report.function,
            environment: &invocation.config.environment,
            operation: report.operation.into(),
            kind: report.error_kind.unwrap_or(ErrorKind::Internal),
            message,
            request: report.request_id,
            execution: Some(report.execution_id),
        };
        sentry::send(dsn, &failed).await;
    }
}

fn claim_of(report: &Report) -> executions::Held {
    executions::Held { id: report.execution_id, attempt: report.attempt }
}

/// Stores the report and returns its key; if S3 fails, the report itself, to be kept in the record until a later run
/// can store it.
async fn store_report(invocation: &Invocation<'_>, report: &mut Report) -> Result<String, Value> {
    let problem = match Rendered::of(report) {
        Ok(rendered) => match pending::store_report(invocation, &rendered).await {
            Ok(key) => return Ok(key),
            Err(problem) => problem,
        },
        Err(error) => format!("{error:#}"),
    };
    tracing::error!(error = problem, "the execution's report could not be stored; it is kept in the record");
    report.journal.warn(format!("the report could not be stored: {problem}"));
    Err(Rendered::of(report).ok().and_then(|kept| serde_json::to_value(kept).ok()).unwrap_or_default())
}

fn metrics_of(report: &Report, blocked: bool) -> Metrics {
    let journal = &report.journal;
    let matches_changed = |entry: &Entry| match entry.wrote {
        Some((RowKind::Matches, outcomes)) => outcomes.inserted + outcomes.updated,
        _ => 0,
    };
    let requests = journal.requests.all();
    let browser_start_ms = requests.iter().find_map(|request| request.browser_start_ms);
    Metrics {
        status: report.status,
        blocked,
        requests: requests.len(),
        matches_changed: journal.operations.iter().map(matches_changed).sum(),
        schedules_created: journal.schedules.created,
        duration_ms: report.duration_ms,
        browser_start_ms: browser_start_ms.and_then(|took| u64::try_from(took).ok()),
        result_latency_s: journal.facts.result_latency_s,
    }
}
