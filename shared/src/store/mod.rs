//! Postgres: the pool, migrations, and one function per statement.
//!
//! Statements are sent by `query_typed`: nothing is prepared under a name and nothing is kept in the session, so that
//! a transaction-pooling proxy may be in between. Timestamps are bound as UTC; `utc` and `stamp` convert.

pub mod aliases;
pub mod bracket;
pub mod checks;
pub mod circuit;
pub mod executions;
pub mod history;
pub mod locks;
pub mod matches;
mod migrate;
pub mod outbox;
pub mod pace;
pub mod pauses;
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

/// A database error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be opened.
    #[error("the database can't be reached: {reason}")]
    Connect {
        /// What happened; never an address or a password.
        reason: String,
        /// The database's error code, if it answered.
        code: Option<SqlState>,
    },
    /// A statement failed.
    #[error("the database refused: {}", describe(.0))]
    Statement(#[from] tokio_postgres::Error),
    /// The migrations could not be applied.
    #[error("migrating the database failed: {0}")]
    Migration(#[from] refinery::Error),
    /// A stored value is not one of those allowed for its column.
    #[error("{table}.{column} of {row} holds {value:?}, which is not known: {remedy}")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row, by a readable name.
        row: String,
        /// The value, or the beginning of it.
        value: String,
        /// What to do about it.
        remedy: String,
    },
}

/// The length to which a malformed value is cut.
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

    /// Whether the database rejected the user or password.
    pub fn is_authentication(&self) -> bool {
        self.code().is_some_and(|code| {
            [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code)
        })
    }

    /// Whether a retry is likely to succeed: transactions were in conflict, or the connection was lost or could not be
    /// opened.
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
            // PgBouncer's code when its server is gone.
            SqlState::PROTOCOL_VIOLATION,
        ];
        match self {
            Self::Connect { code: None, .. } => true,
            // The connection was lost; this is not an error from the database.
            Self::Statement(error) if error.as_db_error().is_none() => {
                error.is_closed()
                    || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
            }
            _ => self.code().is_some_and(|code| passing.contains(code)),
        }
    }

    fn malformed(table: &'static str, column: &'static str, row: &str, value: &str, remedy: String) -> Self {
        Self::Value {
            table,
            column,
            row: row.to_owned(),
            value: value.chars().take(QUOTED_CHARS).collect(),
            remedy,
        }
    }

    /// The name of the unique constraint that a statement violated, if that is the error.
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

/// The error's text; tokio-postgres itself displays only "db error".
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error.to_string(),
    }
}

/// A time for a `timestamp` column.
pub fn stamp(moment: DateTime<Utc>) -> NaiveDateTime {
    moment.naive_utc()
}

/// A time from a `timestamp` column.
pub fn utc(stamp: NaiveDateTime) -> DateTime<Utc> {
    stamp.and_utc()
}

/// Parses a stored value of an enum; the error lists the known values.
fn parsed<T: FromStr + VariantNames>(
    value: &str,
    table: &'static str,
    column: &'static str,
    row: &str,
) -> Result<T, StoreError> {
    let remedy = || format!("it is left out until it is set to one of {}", T::VARIANTS.join(", "));
    value.parse().map_err(|_| StoreError::malformed(table, column, row, value, remedy()))
}

/// Rows of a list. A row that can't be read (an older database has values that are no longer known) is reported
/// separately, so that the others can be used.
#[derive(Debug)]
pub struct Readable<T> {
    /// The rows that could be read.
    pub rows: Vec<T>,
    /// The malformed values, each with a remedy.
    pub malformed: Vec<StoreError>,
}

impl<T> FromIterator<Result<T, StoreError>> for Readable<T> {
    fn from_iter<I: IntoIterator<Item = Result<T, StoreError>>>(read: I) -> Self {
        let mut readable = Self { rows: Vec::new(), malformed: Vec::new() };
        for row in read {
            match row {
                Ok(row) => readable.rows.push(row),
                Err(error) => readable.malformed.push(error),
            }
        }
        readable
    }
}
