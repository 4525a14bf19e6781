//! What the operator's desk reads: rows for display only.

pub(crate) mod attention;
pub(crate) mod checks;
pub(crate) mod effects;
pub(crate) mod executions;
pub(crate) mod history;
pub(crate) mod listing;
pub(crate) mod logs;
pub(crate) mod matches;
pub(crate) mod provider;
pub(crate) mod report;
pub(crate) mod search;
pub(crate) mod sources;
pub(crate) mod today;
pub(crate) mod tournaments;
pub(crate) mod trends;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize as _;
use serde_json::Value;
use tokio_postgres::Row;

use shared::store::{StoreError, utc};

/// A page of a list of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) rows: Vec<T>,
    /// Whether more follow.
    pub(crate) more: bool,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), more: false }
    }
}

impl<T> Page<T> {
    /// Makes a page of rows that were queried with a limit of `limit + 1`.
    fn of(mut rows: Vec<T>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, more }
    }
}

/// The words of a searched text, in lower case: each must be found.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}

fn moment(row: &Row, column: &str) -> Option<DateTime<Utc>> {
    row.get::<_, Option<NaiveDateTime>>(column).map(utc)
}

/// Reads a moment from a `timestamp` in JSON.
fn utc_of_json<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    NaiveDateTime::deserialize(deserializer).map(|at| at.and_utc())
}

fn utc_of_json_if_any<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(Option::<NaiveDateTime>::deserialize(deserializer)?.map(|at| at.and_utc()))
}

fn of_json<T: serde::de::DeserializeOwned>(value: Value, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::Value {
        table: "desk",
        column: what,
        row: String::new(),
        value: error.to_string(),
        remedy: "an error of the page's own statement".to_owned(),
    })
}
