//! Postgres: the pool, migrations, and one function a statement.
//!
//! Statements are sent by `query_typed`: nothing is prepared under a name and nothing is kept in the session, so that
//! a transaction-pooling proxy may stand in between. Timestamps are bound as UTC; `utc` and `stamp` convert.

pub mod bracket;
pub mod circuit;
pub mod executions;
pub mod matches;
pub mod pace;
mod pool;
pub mod rounds;
pub mod standings;
pub mod teams;
pub mod tournaments;

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use strum::VariantNames;
use tokio_postgres::error::SqlState;

pub use pool::{Connection, Store, patience};

/// What went wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had.
    #[error("the database can't be reached: {reason}")]
    Connect {
        /// What happened; never an address or a password.
        reason: String,
        /// The database's own code, if it said something.
        code: Option<SqlState>,
    },
    /// A statement failed.
    #[error("the database refused: {}", describe(.0))]
    Statement(#[from] tokio_postgres::Error),
    /// The migrations could not be applied.
    #[error("migrating the database failed: {0}")]
    Migration(#[from] refinery::Error),
    /// A stored value is outside what the columns may hold.
    #[error("{table}.{column} of {row} holds {value:?}, which is not known: {remedy}")]
    Value {
        /// Of which table.
        table: &'static str,
        /// In which column.
        column: &'static str,
        /// In which row, by a name that people know it by.
        row: String,
        /// What it holds, or the beginning of it.
        value: String,
        /// What to do about it.
        remedy: String,
    },
}

/// So much of an odd value is quoted.
const QUOTED_CHARS: usize = 60;

impl StoreError {
    fn connect<T: Into<String>>(reason: T) -> Self {
        Self::Connect { reason: reason.into(), code: None }
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Connect { code, .. } => code.as_ref(),
            Self::Statement(error) => error.code(),
            Self::Migration(_) | Self::Value { .. } => None,
        }
    }

    /// Whether the database did not accept who we say we are.
    pub fn is_authentication(&self) -> bool {
        self.code().is_some_and(|code| {
            [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code)
        })
    }

    /// Whether the same may well succeed in a moment: two transactions were in each other's way, or the connection was
    /// lost or could not be had.
    pub fn is_transient(&self) -> bool {
        let passing = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::CONNECTION_FAILURE,
            SqlState::CONNECTION_EXCEPTION,
            // What PgBouncer says when its server is gone.
            SqlState::PROTOCOL_VIOLATION,
        ];
        match self {
            Self::Connect { code: None, .. } => true,
            // The connection's end, not the database's word.
            Self::Statement(error) if error.as_db_error().is_none() => {
                error.is_closed()
                    || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
            }
            _ => self.code().is_some_and(|code| passing.contains(code)),
        }
    }

    fn odd(table: &'static str, column: &'static str, row: &str, value: &str, remedy: String) -> Self {
        Self::Value {
            table,
            column,
            row: row.to_owned(),
            value: value.chars().take(QUOTED_CHARS).collect(),
            remedy,
        }
    }

    /// The name of the unique constraint that a statement broke, if that is what happened.
    pub fn broken_constraint(&self) -> Option<&str> {
        match self {
            Self::Statement(error) => {
                let error = error.as_db_error()?;
                (*error.code() == SqlState::UNIQUE_VIOLATION).then(|| error.constraint())?
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

/// A moment as the `timestamp` columns hold it.
pub fn stamp(moment: DateTime<Utc>) -> NaiveDateTime {
    moment.naive_utc()
}

/// A moment out of a `timestamp` column.
pub fn utc(stamp: NaiveDateTime) -> DateTime<Utc> {
    stamp.and_utc()
}

/// A word of one of our vocabularies.
fn parsed<T: FromStr + VariantNames>(
    value: &str,
    table: &'static str,
    column: &'static str,
    row: &str,
) -> Result<T, StoreError> {
    let remedy = || format!("it is left out until it is set to one of {}", T::VARIANTS.join(", "));
    value.parse().map_err(|_| StoreError::odd(table, column, row, value, remedy()))
}

/// Rows of a list. One that can't be read (an older database holds words of older vocabularies) is told beside the
/// others and does not keep them away.
#[derive(Debug)]
pub struct Readable<T> {
    /// The rows that can be worked with.
    pub rows: Vec<T>,
    /// What is odd, and what is made of it.
    pub odd: Vec<StoreError>,
}

impl<T> FromIterator<Result<T, StoreError>> for Readable<T> {
    fn from_iter<I: IntoIterator<Item = Result<T, StoreError>>>(read: I) -> Self {
        let mut readable = Self { rows: Vec::new(), odd: Vec::new() };
        for row in read {
            match row {
                Ok(row) => readable.rows.push(row),
                Err(error) => readable.odd.push(error),
            }
        }
        readable
    }
}
