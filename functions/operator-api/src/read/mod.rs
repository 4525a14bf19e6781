//! What the operator's desk reads: rows made for looking at, not for working on.

pub(crate) mod executions;
pub(crate) mod listing;
pub(crate) mod provider;
pub(crate) mod today;
pub(crate) mod tournaments;

use chrono::{DateTime, NaiveDateTime, Utc};
use tokio_postgres::Row;

use shared::store::utc;

/// Marks an end of a page of rows: the last row's place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) rows: Vec<T>,
    /// Whether more follow.
    pub(crate) more: bool,
}

impl<T> Page<T> {
    /// Of rows asked for by `limit` and one more.
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
