//! What the operator's desk reads: rows made for looking at, not for working on.

pub mod executions;
pub mod provider;
pub mod today;
pub mod tournaments;

use chrono::{DateTime, NaiveDateTime, Utc};
use tokio_postgres::Row;

use super::utc;

/// Marks an end of a page of rows: the last row's place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether more follow.
    pub more: bool,
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
