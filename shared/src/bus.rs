//! The EventBridge bus that results are sent to.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::result_event::ResultEvent;

/// The `source` of every event.
pub(crate) const SOURCE: &str = "best-shot.data-pipeline";
/// Events in one call, by EventBridge's quota.
pub(crate) const AT_ONCE: usize = 10;
/// The time for one call with its retries.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The bus did not take an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("EventBridge did not take it: {0}")]
pub struct BusError(String);

/// The bus.
#[derive(Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// The bus of this name or ARN.
    pub fn new(aws: &aws_config::SdkConfig, name: &str) -> Self {
        Self { client: Client::new(aws), name: name.to_owned() }
    }

    /// Sends at most [`AT_ONCE`] events; returns for each whether the bus has it.
    pub async fn put(&self, events: &[ResultEvent]) -> Vec<Result<(), BusError>> {
        let entry = |event: &ResultEvent| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(event.kind.to_string())
                .time(DateTime::from_secs(event.at.timestamp()))
                .detail(event.to_json().to_string())
                .build()
        };
        let call = self.client.put_events().set_entries(Some(events.iter().map(entry).collect())).send();
        let all_failed = |reason: String| vec![Err(BusError(reason)); events.len()];
        let answer = match tokio::time::timeout(TIMEOUT, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return all_failed(DisplayErrorContext(error).to_string()),
            Err(_) => return all_failed(format!("no answer within {} s", TIMEOUT.as_secs())),
        };
        let entries = answer.entries();
        let taken = |index: usize| match entries.get(index) {
            Some(entry) if entry.event_id().is_some() => Ok(()),
            Some(entry) => {
                let text = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
                Err(BusError(format!("{}: {}", text(entry.error_code()), text(entry.error_message()))))
            }
            None => Err(BusError("the answer does not name it".to_owned())),
        };
        (0..events.len()).map(taken).collect()
    }
}
