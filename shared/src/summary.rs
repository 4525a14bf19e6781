//! The summary of an execution in its record: small, read by Slack, the desk, the application and the next step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::journal::{Facts, Progress, ScheduleCounts};
use crate::outcomes::Outcomes;
use crate::requests::{Request, RequestError, RequestLog};
use crate::work::ErrorKind;

/// The summary of an execution, as `data_provider_executions.summary` has it. The application's admin screens read the
/// first seven. Fields that a run in progress or an older version has not written are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// The tournament.
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
    /// How many of them succeeded or were skipped.
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
    /// The first few errors.
    pub errors: Vec<String>,
    /// The first few warnings.
    pub warnings: Vec<String>,
    /// The kind of the error that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<ErrorKind>,
    /// The warnings that must be sent even if the run dies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// The browser's start, if one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<BrowserFigures>,
    /// The progress of a run that is not finished.
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

/// The outcome of starting a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowserFigures {
    /// Duration in ms; none if it did not start.
    pub start_ms: Option<u64>,
    /// Whether it failed after the retry too.
    pub failed: bool,
}

impl Summary {
    /// Reads a record's summary. A field of another shape, as another version may have written it, is kept unchanged in
    /// `facts.others`.
    pub fn read(stored: &Value) -> Self {
        if let Ok(summary) = Self::deserialize(stored) {
            return summary;
        }
        let fields = stored.as_object().cloned().unwrap_or_default();
        let alone = |(name, value): &(String, Value)| {
            Self::deserialize(Value::from(Map::from_iter([(name.clone(), value.clone())]))).is_ok()
        };
        let (known, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(alone);
        let mut summary = Self::deserialize(Value::from(Map::from_iter(known))).unwrap_or_default();
        summary.facts.others.extend(others);
        summary
    }

    /// The JSON that is stored.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|_| Map::new().into())
    }
}

impl BrowserFigures {
    /// From these requests: the duration of the browser's last start, and whether it failed after the retry too. None
    /// if no browser was needed.
    pub(crate) fn of(requests: &RequestLog) -> Option<Self> {
        let requests = requests.all();
        let start_ms = requests.iter().rev().find_map(|request| request.browser_start_ms);
        let browser_failed =
            |request: &Request| request.error == Some(RequestError::Kind(ErrorKind::Browser));
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
        let read = Summary::read(&progress);
        assert_eq!(read.progress.as_ref().unwrap().operations, 3);
        assert_eq!(Summary::read(&read.to_json()), read);
        for foreign in [json!(null), json!([1])] {
            assert_eq!(Summary::read(&foreign), Summary::default());
        }
        // A field of another shape hides none of the others.
        let older = Summary::read(&json!({ "rows": "many", "errors": ["lost"] }));
        assert_eq!((&older.facts.others["rows"], older.errors), (&json!("many"), vec!["lost".to_owned()]));
        // Figures of another version are kept unchanged.
        let newer = json!({ "errors": [], "latency": 3 });
        assert_eq!(Summary::read(&newer).to_json()["latency"], 3);
    }
}
