//! The report of an execution, as its page shows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use shared::journal::EntryStatus;
use shared::requests::Request;

/// What is read of a stored report. What another version did not write is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StoredReport {
    /// When the execution began.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub(crate) completed_at: Option<DateTime<Utc>>,
    /// The operations, in order.
    pub(crate) operations: Vec<StoredOperation>,
    /// The requests, in order.
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
    /// When it ended.
    pub(crate) timestamp: DateTime<Utc>,
}
