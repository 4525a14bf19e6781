//! Reports and notices on their way out, and what earlier runs could not deliver.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::Invocation;
use crate::config::SlackNotify;
use crate::crash;
use crate::notify::{Notice, circuit_message};
use crate::provider::sofascore::PROVIDER;
use crate::report::{Rendered, Report};
use crate::store::{Store, StoreError, circuit, executions};

/// What storing a report may take: the record must be written while there is time.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(10);
/// What a notice may take, its retries included.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(10);
/// So many debts of earlier runs are paid by one.
const SETTLED: usize = 5;

/// Stores the report: its key; or, where S3 does not take it, the report itself, to be kept in the record until a later
/// run can store it.
pub(super) async fn store_report(invocation: &Invocation<'_>, report: &mut Report) -> Result<String, Value> {
    let problem = match Rendered::of(report) {
        Ok(rendered) => match store(invocation, &rendered).await {
            Ok(key) => return Ok(key),
            Err(problem) => problem,
        },
        Err(error) => format!("{error:#}"),
    };
    tracing::error!(error = problem, "the report could not be stored; it is kept in the record");
    report.journal.warn(format!("the report could not be stored: {problem}"));
    Err(Rendered::of(report).ok().and_then(|kept| serde_json::to_value(kept).ok()).unwrap_or_default())
}

async fn store(invocation: &Invocation<'_>, rendered: &Rendered) -> Result<String, String> {
    match tokio::time::timeout(UPLOAD_TIMEOUT, rendered.store(&invocation.services.objects)).await {
        Ok(stored) => stored.map_err(|error| error.to_string()),
        Err(_) => Err(format!("S3 did not answer within {} s", UPLOAD_TIMEOUT.as_secs())),
    }
}

/// Sends the notice and notes it; whether that went well. One that can't be sent stays owed: a later run sends it.
/// `told_once`: another message tells it.
pub(super) async fn notify(
    invocation: &Invocation<'_>,
    execution: Uuid,
    notice: &Notice<'_>,
    told_once: bool,
) -> bool {
    if !told_once && wanted(invocation, notice) && !send(invocation, &notice.message()).await {
        return false;
    }
    crash::point("notified");
    let noted = async {
        let client = invocation.services.store.client().await?;
        executions::notified(&*client, execution, invocation.clock.now()).await
    };
    match noted.await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, execution_id = %execution, "that the notice was sent could not be noted");
            false
        }
    }
}

fn wanted(invocation: &Invocation<'_>, notice: &Notice<'_>) -> bool {
    if notice.summary["alarms"].as_array().is_some_and(|alarms| !alarms.is_empty()) {
        return true;
    }
    match invocation.config.slack_notify {
        SlackNotify::All => true,
        SlackNotify::Changes => notice.status != "completed" || notice.changed_something(),
        SlackNotify::Failures => notice.status != "completed",
    }
}

/// Sends a message, if there is anywhere to send it; whether nothing is owed any more.
async fn send(invocation: &Invocation<'_>, message: &Value) -> bool {
    let Some(slack) = &invocation.services.slack else { return true };
    let problem = match tokio::time::timeout(NOTICE_TIMEOUT, slack.send(message)).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("Slack did not take it within {} s", NOTICE_TIMEOUT.as_secs()),
    };
    tracing::error!(error = problem, "a message could not be sent; it stays owed");
    false
}

/// Sends what is to be told of the provider's circuit, and, where this run's own report and notice went out (`well`),
/// what earlier runs still owe.
pub(super) async fn settle(invocation: &Invocation<'_>, well: bool) {
    if let Err(error) = tell_of_circuit(invocation).await {
        tracing::warn!(%error, "what is to be told of the provider could not be looked for");
    }
    // One moment for all: each debt has one try.
    let now = invocation.clock.now();
    let mut left = if well { SETTLED } else { 0 };
    let in_time = || {
        let worst = UPLOAD_TIMEOUT + NOTICE_TIMEOUT;
        invocation.deadline.is_none_or(|deadline| Instant::now() + worst < deadline)
    };
    while left > 0 && in_time() {
        match settle_next(invocation, None, now).await {
            // Also one that could not be paid: what only it is refused must not keep the others waiting.
            Ok(true) => left -= 1,
            Ok(false) => break,
            // Not this run's own work: the next run tries again.
            Err(error) => {
                tracing::warn!(%error, "what earlier runs owe could not be settled");
                break;
            }
        }
    }
}

/// Sends what the finished record of `id` still owes.
pub(super) async fn settle_one(invocation: &Invocation<'_>, id: Uuid) {
    if let Err(error) = settle_next(invocation, Some(id), invocation.clock.now()).await {
        tracing::warn!(%error, execution_id = %id, "what it owes could not be settled");
    }
}

/// Tries to pay one debt; whether there was one. The record is locked meanwhile: two runs do not pay it twice.
async fn settle_next(
    invocation: &Invocation<'_>,
    id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let services = invocation.services;
    let mut client = services.store.client().await?;
    let transaction = client.transaction().await?;
    let Some(mut owed) = executions::lock_arrears(&transaction, id, now).await? else { return Ok(false) };
    let mut paid = true;
    match owed.kept_report.take().map(serde_json::from_value::<Rendered>) {
        None => {}
        Some(Ok(kept)) => match store(invocation, &kept).await {
            Ok(key) => {
                let url = services.objects.report_url(&key, owed.id);
                executions::report_stored(&transaction, owed.id, &key, url.as_deref()).await?;
                tracing::info!(execution_id = %owed.id, key, "stored a report that an earlier run could not");
                (owed.report_key, owed.report_url) = (Some(key), url);
            }
            Err(problem) => {
                tracing::warn!(execution_id = %owed.id, problem, "a kept report could not be stored yet");
                paid = false;
            }
        },
        Some(Err(error)) => {
            tracing::error!(execution_id = %owed.id, %error, "a kept report can't be read and is given up");
            executions::report_lost(&transaction, owed.id).await?;
        }
    }
    if paid && owed.notice_owed {
        let notice = Notice {
            operation: &owed.operation,
            status: &owed.status,
            summary: &owed.summary,
            request_id: owed.request_id,
            report_url: owed.report_url.as_deref(),
            report_key: owed.report_key.as_deref(),
            completed_at: owed.completed_at,
            duration_ms: owed.duration_ms,
        };
        paid = !wanted(invocation, &notice) || send(invocation, &notice.message()).await;
        if paid {
            executions::notified(&transaction, owed.id, now).await?;
        }
    }
    if !paid {
        executions::not_paid(&transaction, owed.id, now).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Whether the circuit is known to be open, so that its own message tells of it.
pub(super) async fn circuit_is_open(store: &Store) -> bool {
    let asked = async { circuit::is_open(&*store.client().await?, PROVIDER).await };
    match asked.await {
        Ok(open) => open,
        Err(error) => {
            tracing::warn!(%error, "whether the circuit is open could not be asked");
            false
        }
    }
}

async fn tell_of_circuit(invocation: &Invocation<'_>) -> Result<(), StoreError> {
    let store = &invocation.services.store;
    let Some(owed) = circuit::claim_notice(&*store.client().await?, invocation.clock.now()).await? else {
        return Ok(());
    };
    if send(invocation, &circuit_message(&owed)).await {
        circuit::notice_sent(&*store.client().await?, &owed).await?;
    }
    Ok(())
}
