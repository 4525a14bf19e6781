//! The migrations, beside a busy application: none waits for a lock for longer than a moment.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, Runner};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::{Store, StoreError};

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// Set in the transaction of each migration. While one waits for an exclusive lock, every statement of the application
/// on that table waits behind it. The advisory lock keeps two migrations at once apart.
const LIMITS: &str = "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '120s';
    SELECT pg_advisory_xact_lock(hashtext('best-shot: migrations'))";
/// The wait after the first failed try, so that the application's statements that queued behind it are served.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
const RETRIES: usize = 7;

impl Store {
    /// Applies the pending migrations; returns their names. Where a table is in use, it gives way and tries again for
    /// about a minute and a half. Migrations that the database has and this version does not (after a rollback) stay, and
    /// are named in the log; one whose text differs is an error.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(RETRIES)
            .build();
        let mut applied = Vec::new();
        loop {
            let mut client = self.client().await?;
            let runner = embedded::migrations::runner().set_abort_missing(false);
            warn_of_newer(&runner, &mut client).await?;
            match runner.run_async(&mut Polite(&mut client)).await {
                Ok(report) => {
                    applied.extend(report.applied_migrations().iter().map(ToString::to_string));
                    return Ok(applied);
                }
                Err(error) => {
                    let before =
                        error.report().into_iter().flat_map(refinery_core::Report::applied_migrations);
                    applied.extend(before.map(ToString::to_string));
                    let wait = waits.next().filter(|_| may_pass(&error));
                    let Some(wait) = wait else { return Err(error.into()) };
                    tracing::warn!(%error, ?wait, "the migration gave way to the application; trying again…");
                    drop(client);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

/// Names the applied migrations that this version does not have.
async fn warn_of_newer(runner: &Runner, client: &mut Client) -> Result<(), StoreError> {
    let exists = client.query_typed("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await?;
    if !exists.first().is_some_and(|row| row.get(0)) {
        return Ok(());
    }
    let known = runner.get_migrations();
    let applied = runner.get_applied_migrations_async(client).await?;
    let newer: Vec<String> = applied
        .iter()
        .filter(|applied| !known.iter().any(|known| known.version() == applied.version()))
        .map(ToString::to_string)
        .collect();
    if !newer.is_empty() {
        tracing::warn!(
            migrations = newer.join(", "),
            "the database has migrations of a newer version; they stay"
        );
    }
    Ok(())
}

/// Whether it failed only because somebody else had a lock, or migrated at the same time.
fn may_pass(error: &refinery::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<tokio_postgres::Error>() {
            let passing =
                [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::UNIQUE_VIOLATION];
            return error.code().is_some_and(|code| passing.contains(code));
        }
        source = cause.source();
    }
    false
}

/// A connection whose transactions have [`LIMITS`].
struct Polite<'c>(&'c mut Client);

impl AsyncTransaction for Polite<'_> {
    type Error = tokio_postgres::Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Self::Error> {
        self.0.execute(std::iter::once(LIMITS).chain(queries)).await
    }
}

impl AsyncQuery<Vec<Migration>> for Polite<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, Self::Error> {
        AsyncQuery::query(self.0, query).await
    }
}

impl AsyncMigrate for Polite<'_> {}
