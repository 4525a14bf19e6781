//! Postgres: the pool, migrations, and one function a statement.
//!
//! Statements are sent by `query_typed`: nothing is prepared under a name and nothing is kept in the session, so that
//! a transaction-pooling proxy may stand in between. Timestamps are bound as UTC; `utc` and `stamp` convert.

pub mod bracket;
pub mod desk;
pub mod executions;
pub mod matches;
pub mod pace;
mod pool;
pub mod rounds;
pub mod standings;
pub mod teams;
pub mod tournaments;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;

pub use pool::{Connection, Store};

/// What went wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had.
    #[error("the database can't be reached: {0}")]
    Connect(String),
    /// A statement failed.
    #[error("the database refused: {}", describe(.0))]
    Statement(#[from] tokio_postgres::Error),
    /// The migrations could not be applied.
    #[error("migrating the database failed: {0}")]
    Migration(#[from] refinery::Error),
    /// A stored value is outside what the columns may hold.
    #[error("{table}.{column} holds {value:?}, which is not known")]
    Value {
        /// Of which table.
        table: &'static str,
        /// In which column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
}

impl StoreError {
    /// The name of the unique constraint that a statement broke, if that is what happened.
    pub fn broken_constraint(&self) -> Option<&str> {
        match self {
            Self::Statement(error) => {
                let error = error.as_db_error()?;
                (*error.code() == tokio_postgres::error::SqlState::UNIQUE_VIOLATION)
                    .then(|| error.constraint())?
            }
            _ => None,
        }
    }
}

/// tokio-postgres says no more than "db error" by itself.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error.to_string(),
    }
}

/// What became of the rows handed to a statement, counted by the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// New rows.
    pub inserted: u64,
    /// Rows that differed and were written.
    pub updated: u64,
    /// Rows that were as they should be: not written.
    pub unchanged: u64,
    /// Rows that name something that does not exist: not written, reported.
    pub unresolved: u64,
}

impl Outcomes {
    /// Whether any row was written.
    pub fn wrote(&self) -> bool {
        self.inserted + self.updated > 0
    }

    /// Counts one row by the word the statements return.
    fn count(&mut self, outcome: &str) {
        match outcome {
            "inserted" => self.inserted += 1,
            "updated" => self.updated += 1,
            "unchanged" => self.unchanged += 1,
            _ => self.unresolved += 1,
        }
    }
}

impl std::ops::AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.unresolved += other.unresolved;
    }
}

/// A moment as the `timestamp` columns hold it.
fn stamp(moment: DateTime<Utc>) -> NaiveDateTime {
    moment.naive_utc()
}

/// A moment out of a `timestamp` column.
fn utc(stamp: NaiveDateTime) -> DateTime<Utc> {
    stamp.and_utc()
}

fn parsed<T: std::str::FromStr>(
    value: &str,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    value.parse().map_err(|_| StoreError::Value { table, column, value: value.to_owned() })
}
