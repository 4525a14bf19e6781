//! Delivery of messages and reports: this run's own, and pending ones that earlier runs could not deliver.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::batch::Kept;
use crate::config::SlackNotify;
use crate::crash;
use crate::invocation::Invocation;
use crate::message::{Message, circuit_payload, payload_of_all};
use crate::report::Rendered;
use crate::store::executions::{self, Pending};
use crate::store::{Store, StoreError, circuit};
use crate::work::ExecutionStatus;
use football::domain::ProviderName;

/// Timeout of storing a report, so that there is time to write the record.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of sending a message, including its retries.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pending deliveries of earlier runs that one run tries.
const PENDING_TRIED: usize = 5;

/// Stores a rendered report within `UPLOAD_TIMEOUT`; returns its key, or what went wrong.
pub(super) async fn store_report(invocation: &Invocation<'_>, rendered: &Rendered) -> Result<String, String> {
    match tokio::time::timeout(UPLOAD_TIMEOUT, rendered.store(&invocation.services.objects)).await {
        Ok(stored) => stored.map_err(|error| error.to_string()),
        Err(_) => Err(format!("S3 did not answer within {} s", UPLOAD_TIMEOUT.as_secs())),
    }
}

/// Sends the run's own message and records that it was sent; returns whether it was. One that can't be sent stays
/// pending: a later run sends it. `covered`: another message replaces it.
pub(super) async fn send_own(invocation: &Invocation<'_>, message: Message, covered: bool) -> bool {
    let execution = message.execution;
    let unwanted = covered || !wanted(invocation, &message);
    if let Some(batch) = invocation.batch {
        batch.keep(Kept { message, unwanted });
        return true;
    }
    if !unwanted && !send(invocation, &message.payload()).await {
        return false;
    }
    crash::point("notified");
    let noted = async {
        let client = invocation.services.store.client().await?;
        executions::message_sent(&*client, execution, invocation.clock.now()).await
    };
    match noted.await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, execution_id = %execution, "the execution's message was sent, but that could not be recorded");
            false
        }
    }
}

/// Messages of one wake-up up to which each is sent alone.
const ALONE: usize = 3;

/// Sends the messages that the executions of a wake-up have kept: one for all if there are many. What can't be sent stays
/// pending: a later run sends it.
pub(crate) async fn deliver_messages(invocation: &Invocation<'_>, mut kept: Vec<Kept>) {
    if kept.is_empty() {
        return;
    }
    let store = &invocation.services.store;
    let ids: Vec<Uuid> = kept.iter().map(|kept| kept.message.execution).collect();
    let sent = async {
        // In a long wake-up another run may have sent some.
        let unsent = executions::unsent(&*store.client().await?, &ids).await?;
        kept.retain(|kept| unsent.contains(&kept.message.execution));
        let (silent, wanted): (Vec<Kept>, Vec<Kept>) = kept.into_iter().partition(|kept| kept.unwanted);
        let wanted: Vec<&Message> = wanted.iter().map(|kept| &kept.message).collect();
        let mut sent: Vec<Uuid> = silent.iter().map(|kept| kept.message.execution).collect();
        if wanted.len() > ALONE {
            if send(invocation, &payload_of_all(&wanted)).await {
                sent.extend(wanted.iter().map(|message| message.execution));
            }
        } else {
            for message in wanted {
                if !send(invocation, &message.payload()).await {
                    break;
                }
                sent.push(message.execution);
            }
        }
        crash::point("notified");
        executions::messages_sent(&*store.client().await?, &sent, invocation.clock.now()).await
    };
    if let Err(error) = sent.await {
        tracing::error!(%error, "the wake-up's messages could not be read or recorded as sent");
    }
}

fn wanted(invocation: &Invocation<'_>, message: &Message) -> bool {
    if message.operation.is_decision() || !message.summary.alarms.is_empty() {
        return true;
    }
    let completed = message.status == ExecutionStatus::Completed;
    match invocation.config.slack_notify {
        SlackNotify::All => true,
        SlackNotify::Changes => !completed || message.changed_something(),
        SlackNotify::Failures => !completed,
    }
}

/// Sends a payload to Slack, if there is a webhook; returns whether nothing is left to be sent.
async fn send(invocation: &Invocation<'_>, payload: &Value) -> bool {
    let Some(slack) = &invocation.services.slack else { return true };
    let problem = match tokio::time::timeout(MESSAGE_TIMEOUT, slack.send(payload)).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("Slack did not take it within {} s", MESSAGE_TIMEOUT.as_secs()),
    };
    tracing::error!(error = problem, "a message to Slack could not be sent; it stays pending");
    false
}

/// Delivers what earlier runs and the operator's desk have left: for a delivery that has no work of its own.
pub(crate) async fn deliver_pending(invocation: &Invocation<'_>) {
    deliver(invocation, true).await;
}

/// Sends the pending message about the provider's circuit and, if this run's own report and message were delivered
/// (`own_delivered`), what earlier runs could not deliver.
pub(super) async fn deliver(invocation: &Invocation<'_>, own_delivered: bool) {
    if let Err(error) = send_circuit_message(invocation).await {
        tracing::warn!(%error, "the pending message about the provider's circuit could not be read or updated");
    }
    // One timestamp for all, so that each pending delivery is tried once.
    let now = invocation.clock.now();
    let mut left = if own_delivered { PENDING_TRIED } else { 0 };
    let in_time = || {
        let worst = UPLOAD_TIMEOUT + MESSAGE_TIMEOUT;
        invocation.deadline.is_none_or(|deadline| Instant::now() + worst < deadline)
    };
    while left > 0 && in_time() {
        match deliver_next(invocation, None, now).await {
            // A failed delivery counts too, so that one bad record can't block the rest.
            Ok(true) => left -= 1,
            Ok(false) => break,
            // Not part of this run's work: the next run tries again.
            Err(error) => {
                tracing::warn!(%error, "pending deliveries of earlier runs could not be read or updated");
                break;
            }
        }
    }
}

/// Delivers the pending report and message of the finished record `id`.
pub(super) async fn deliver_one(invocation: &Invocation<'_>, id: Uuid) {
    if let Err(error) = deliver_next(invocation, Some(id), invocation.clock.now()).await {
        tracing::warn!(%error, execution_id = %id, "the execution's pending delivery could not be read or updated");
    }
}

/// Tries one pending delivery; returns whether there was one. The record is locked meanwhile, so that two runs do not
/// both deliver it.
async fn deliver_next(
    invocation: &Invocation<'_>,
    id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let services = invocation.services;
    let mut client = services.store.client().await?;
    let transaction = client.transaction().await?;
    let Some(mut pending) = executions::lock_pending(&transaction, id, now).await? else { return Ok(false) };
    let record = pending.id;
    let mut delivered = true;
    match pending.kept_report.take().map(serde_json::from_value::<Rendered>) {
        None => {}
        Some(Ok(kept)) => match store_report(invocation, &kept).await {
            Ok(key) => {
                let url = services.objects.report_url(&key, pending.id);
                executions::report_stored(&transaction, pending.id, &key, url.as_deref()).await?;
                tracing::info!(execution_id = %pending.id, key, "stored the pending report of an earlier run");
                (pending.report_key, pending.report_url) = (Some(key), url);
            }
            Err(problem) => {
                tracing::warn!(execution_id = %pending.id, problem, "the pending report of an earlier run could not be stored");
                delivered = false;
            }
        },
        Some(Err(error)) => {
            tracing::error!(execution_id = %pending.id, %error, "the pending report of an earlier run is malformed and is dropped");
            executions::report_lost(&transaction, pending.id).await?;
        }
    }
    if delivered && pending.message_pending {
        delivered = send_pending(invocation, pending).await;
        if delivered {
            executions::message_sent(&transaction, record, now).await?;
        }
    }
    if !delivered {
        executions::delivery_failed(&transaction, record, now).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Sends the message of an earlier run, if it is wanted; returns whether nothing is left to send. A record with unknown
/// operation or status gets no message.
async fn send_pending(invocation: &Invocation<'_>, pending: Pending) -> bool {
    let (Ok(operation), Ok(status)) = (pending.operation.parse(), pending.status.parse()) else {
        tracing::warn!(execution_id = %pending.id, "the message of an execution of another version is dropped");
        return true;
    };
    let message = Message {
        execution: pending.id,
        operation,
        status,
        summary: pending.summary,
        request_id: pending.request_id,
        desk_url: invocation.services.objects.desk_url().map(ToOwned::to_owned),
        report_url: pending.report_url,
        report_key: pending.report_key,
        completed_at: pending.completed_at,
        duration_ms: pending.duration_ms,
    };
    !wanted(invocation, &message) || send(invocation, &message.payload()).await
}

/// Whether the circuit is known to be open, so that its own message reports it.
pub(super) async fn circuit_is_open(store: &Store, provider: ProviderName) -> bool {
    let asked = async { circuit::is_open(&*store.client().await?, provider.as_str()).await };
    match asked.await {
        Ok(open) => open,
        Err(error) => {
            tracing::warn!(%error, "the state of the provider's circuit could not be read; it is taken as closed");
            false
        }
    }
}

async fn send_circuit_message(invocation: &Invocation<'_>) -> Result<(), StoreError> {
    let store = &invocation.services.store;
    let Some(pending) = circuit::claim_message(&*store.client().await?, invocation.clock.now()).await? else {
        return Ok(());
    };
    if send(invocation, &circuit_payload(&pending)).await {
        circuit::message_sent(&*store.client().await?, &pending).await?;
    }
    Ok(())
}
