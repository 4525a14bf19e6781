//! The report of an execution, as its page shows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use shared::journal::EntryStatus;
use shared::requests::Request;

/// What is read of a stored report. What another version did not write is empty, and what it wrote in another way is left
/// out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StoredReport {
    /// When the execution began.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub(crate) completed_at: Option<DateTime<Utc>>,
    /// The operations, in order.
    #[serde(deserialize_with = "readable")]
    pub(crate) operations: Vec<StoredOperation>,
    /// The requests, in order.
    #[serde(deserialize_with = "readable")]
    pub(crate) requests: Vec<Request>,
    /// The plans, by name.
    pub(crate) plans: BTreeMap<String, Value>,
}

/// An operation of a stored report.
#[derive(Debug, Deserialize)]
pub(crate) struct StoredOperation {
    /// The step that it is part of.
    pub(crate) step: String,
    /// Its name.
    pub(crate) operation: String,
    /// How it went.
    pub(crate) status: EntryStatus,
    /// Details.
    #[serde(default)]
    pub(crate) data: Value,
    /// When it began; none: another version did not record it.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub(crate) timestamp: DateTime<Utc>,
}

/// The elements of a list that can be read.
fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(list: D) -> Result<Vec<T>, D::Error> {
    let elements = Vec::<Value>::deserialize(list)?;
    Ok(elements.into_iter().filter_map(|element| serde_json::from_value(element).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::StoredReport;

    #[test]
    fn what_another_version_wrote_is_read_as_far_as_it_can_be() {
        let at = "2024-03-02T12:00:00Z";
        let report = serde_json::json!({
            "operations": [
                {"step": "plan", "operation": "matches", "status": "completed", "data": {}, "timestamp": at},
                {"step": "plan", "operation": "matches", "status": "postponed", "timestamp": at},
            ],
            "requests": [{"path": "/x", "status": 200, "bytes": 1, "duration_ms": 2}, {"path": "/y"}],
            "more": 1,
        });
        let read: StoredReport = serde_json::from_value(report).unwrap();
        assert_eq!((read.operations.len(), read.requests.len(), read.plans.len()), (1, 1, 0));
    }
}
