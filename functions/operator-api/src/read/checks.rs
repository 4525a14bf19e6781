//! The checks that are open.

use chrono::{DateTime, NaiveDateTime, Utc};
use football::plan::checks::Check;
use shared::store::{StoreError, checks, stamp, utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

/// An open check.
pub(crate) struct OpenCheck {
    /// Its row.
    pub id: Uuid,
    /// What it is.
    pub check: Check,
    /// The slug of its tournament.
    pub tournament_slug: Option<String>,
    /// When its alarm was set.
    pub alarm_set: Option<DateTime<Utc>>,
}

/// The open checks that are due before `until`, soonest first and at most `limit`, and how many are open in all.
pub(crate) async fn open_until(
    client: &impl GenericClient,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<(Vec<OpenCheck>, i64), StoreError> {
    let columns = checks::COLUMNS;
    let sql = format!(
        "SELECT {columns}, t.slug AS tournament_slug, c.alarm_set, count(*) OVER () AS total
           FROM scheduled_check c LEFT JOIN tournament t ON t.id = c.tournament_id
          WHERE c.done_at IS NULL ORDER BY c.due_at >= $1, c.due_at, c.key LIMIT $2"
    );
    let rows = client.query_typed(&sql, &[(&stamp(until), Type::TIMESTAMP), (&limit, Type::INT8)]).await?;
    let total = rows.first().map_or(0, |row| row.get("total"));
    let open = rows.iter().filter_map(|row| {
        let (id, check) = checks::check(row)?;
        let alarm_set = row.get::<_, Option<NaiveDateTime>>("alarm_set").map(utc);
        Some(OpenCheck { id, check, tournament_slug: row.get("tournament_slug"), alarm_set })
    });
    Ok((open.filter(|open| open.check.at < until).collect(), total))
}
