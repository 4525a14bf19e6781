//! What a record keeps of an execution: small, read by Slack, the desk, the application and the step that follows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::journal::{Facts, Progress, ScheduleCounts};
use crate::outcomes::Outcomes;
use crate::requests::{Request, RequestLog};
use crate::work::ErrorKind;

/// The summary of an execution, as `data_provider_executions.summary` has it. The application's admin screens read the
/// first seven. What the record of a run that still goes on, or an older version, does not hold is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// Of which tournament.
    pub tournament_id: Option<Uuid>,
    /// Its label.
    pub tournament_label: Option<String>,
    /// The provider's name.
    pub provider: Option<String>,
    /// How many operations there were; the same as `totalOperations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations_count: Option<usize>,
    /// How many operations there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_operations: Option<usize>,
    /// How many of them went well or were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_operations: Option<usize>,
    /// How many failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_operations: Option<usize>,
    /// Nothing was written.
    pub dry_run: bool,
    /// What became of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Outcomes>,
    /// What became of schedules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedules: Option<ScheduleCounts>,
    /// How many requests were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<usize>,
    /// What failed, the first few.
    pub errors: Vec<String>,
    /// What somebody should know, the first few.
    pub warnings: Vec<String>,
    /// The kind of the error that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<ErrorKind>,
    /// Those of the warnings that somebody must see even if the run dies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// How the browser fared, where one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<BrowserFigures>,
    /// How far a run has come that still goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What an operator changed, by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<BTreeMap<String, Value>>,
    /// Why a function could not be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Figures of the operation.
    #[serde(flatten)]
    pub facts: Facts,
}

/// What a browser's start took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowserFigures {
    /// In ms; none if it did not start.
    pub start_ms: Option<u64>,
    /// Whether it failed for good.
    pub failed: bool,
}

impl Summary {
    /// Reads a record's summary. What is none of ours is kept as it is, and says nothing.
    pub fn read(stored: Option<Value>) -> Self {
        let Some(stored) = stored else { return Self::default() };
        serde_json::from_value(stored.clone()).unwrap_or_else(|_| Self {
            facts: Facts { others: stored.as_object().cloned().unwrap_or_default(), ..Facts::default() },
            ..Self::default()
        })
    }

    /// As it is stored.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|_| Map::new().into())
    }
}

impl BrowserFigures {
    /// How the browser fared by these requests: what its last start took, and whether it failed for good. Nothing where
    /// none was needed.
    pub(crate) fn of(requests: &RequestLog) -> Option<Self> {
        let requests = requests.all();
        let start_ms = requests.iter().rev().find_map(|request| request.browser_start_ms);
        let browser_failed = |request: &Request| {
            request.error.as_deref().is_some_and(|error| error.parse() == Ok(ErrorKind::Browser))
        };
        let failed = requests.iter().any(browser_failed);
        let start_ms = start_ms.and_then(|took| u64::try_from(took).ok());
        (start_ms.is_some() || failed).then_some(Self { start_ms, failed })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_is_read_back_and_what_is_none_of_ours_says_nothing() {
        let progress =
            json!({ "progress": { "operations": 3, "last": "fetch round 1" }, "alarms": ["CORRECTION"] });
        let read = Summary::read(Some(progress));
        assert_eq!(read.progress.as_ref().unwrap().operations, 3);
        assert_eq!(Summary::read(Some(read.to_json())), read);
        for foreign in [json!(null), json!([1])] {
            assert_eq!(Summary::read(Some(foreign)), Summary::default());
        }
        assert_eq!(Summary::read(Some(json!({ "rows": "many" }))).facts.others["rows"], "many");
        // Figures of another version go through unchanged.
        let newer = json!({ "errors": [], "latency": 3 });
        assert_eq!(Summary::read(Some(newer)).to_json()["latency"], 3);
    }
}
