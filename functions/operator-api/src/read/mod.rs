//! What the operator's desk reads: rows for display only.

pub(crate) mod checks;
pub(crate) mod executions;
pub(crate) mod history;
pub(crate) mod listing;
pub(crate) mod matches;
pub(crate) mod provider;
pub(crate) mod report;
pub(crate) mod today;
pub(crate) mod tournaments;

use chrono::{DateTime, NaiveDateTime, Utc};
use tokio_postgres::Row;

use shared::store::utc;

/// A page of a list of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) rows: Vec<T>,
    /// Whether more follow.
    pub(crate) more: bool,
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

fn moment(row: &Row, column: &str) -> Option<DateTime<Utc>> {
    row.get::<_, Option<NaiveDateTime>>(column).map(utc)
}
