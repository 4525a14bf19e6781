//! Results, sent to the bus after every delivery: at least once, and of each match in order.

use std::time::{Duration, Instant};

use crate::bus::AT_ONCE;
use crate::crash;
use crate::invocation::Invocation;
use crate::store::{StoreError, outbox};

/// Time that must be left before the function's deadline for another call.
const TIME_FOR_A_CALL: Duration = Duration::from_secs(15);

/// Sends the results that are still to be sent, whoever stored them. What the bus does not take stays, and the next delivery
/// of any function sends it.
pub async fn send(invocation: &Invocation<'_>) {
    match send_all(invocation).await {
        Ok(0) => {}
        Ok(sent) => tracing::info!(sent, "results were sent to the event bus"),
        Err(error) => {
            tracing::error!(%error, "results could not be read or recorded as sent; they stay pending")
        }
    }
}

async fn send_all(invocation: &Invocation<'_>) -> Result<usize, StoreError> {
    let Some(bus) = &invocation.services.bus else { return Ok(0) };
    let environment = &invocation.config.environment;
    let mut client = invocation.services.store.client().await?;
    if !outbox::is_any_unsent(&*client).await? {
        return Ok(0);
    }
    let is_time = || invocation.deadline.is_none_or(|deadline| Instant::now() + TIME_FOR_A_CALL < deadline);
    let (mut sent, mut left_out) = (0, Vec::new());
    while is_time() {
        let transaction = client.transaction().await?;
        let next = outbox::lock_unsent(&transaction, environment, &left_out, AT_ONCE).await?;
        if next.is_empty() {
            break;
        }
        let (mut ids, mut events) = (Vec::new(), Vec::new());
        for (id, event) in next {
            match event {
                Ok(event) => {
                    ids.push(id);
                    events.push(event);
                }
                Err(error) => {
                    tracing::error!(change = id, error, "a result can't be sent: its row is malformed");
                    left_out.push(id);
                }
            }
        }
        if events.is_empty() {
            continue;
        }
        let answers = bus.put(&events).await;
        crash::point("event-sent");
        let (mut taken, mut refused) = (Vec::new(), None);
        for (id, answer) in ids.into_iter().zip(answers) {
            match answer {
                Ok(()) => taken.push(id),
                Err(error) => {
                    left_out.push(id);
                    refused = Some(error);
                }
            }
        }
        outbox::sent(&transaction, &taken, invocation.clock.now()).await?;
        transaction.commit().await?;
        sent += taken.len();
        if let Some(error) = refused {
            tracing::error!(%error, "results could not be sent to the event bus; they stay pending");
            // Nothing was taken: the bus is away, or throttles.
            if taken.is_empty() {
                break;
            }
        }
    }
    Ok(sent)
}
