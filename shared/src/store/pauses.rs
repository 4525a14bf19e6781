//! Statements on `pause`: what an operator has paused. Checks of it stay open and are not worked on.

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{StoreError, stamp, utc};

/// SQL condition: the tournament with the id in `column` is paused, alone or with everything.
pub fn is_paused_sql(column: &str) -> String {
    format!("EXISTS (SELECT 1 FROM pause p WHERE p.tournament_id IS NULL OR p.tournament_id = {column})")
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The tournament; none: everything.
    pub tournament_id: Option<Uuid>,
    /// Its label.
    pub label: Option<String>,
    /// Since when.
    pub paused_at: DateTime<Utc>,
    /// Who paused it.
    pub paused_by: String,
    /// Why; may be empty.
    pub note: String,
}

/// All pauses, that of everything first.
pub async fn list(client: &impl GenericClient) -> Result<Vec<Pause>, StoreError> {
    of(client, None).await
}

/// The pauses that a tournament is in: that of everything, and its own.
pub async fn of_tournament(client: &impl GenericClient, id: Uuid) -> Result<Vec<Pause>, StoreError> {
    of(client, Some(id)).await
}

async fn of(client: &impl GenericClient, tournament: Option<Uuid>) -> Result<Vec<Pause>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT p.tournament_id, t.label, p.paused_at, p.paused_by, p.note
               FROM pause p LEFT JOIN tournament t ON t.id = p.tournament_id
              WHERE $1::uuid IS NULL OR p.tournament_id IS NULL OR p.tournament_id = $1
              ORDER BY p.tournament_id IS NOT NULL, p.paused_at",
            &[(&tournament, Type::UUID)],
        )
        .await?;
    let pause = |row: &Row| Pause {
        tournament_id: row.get(0),
        label: row.get(1),
        paused_at: utc(row.get(2)),
        paused_by: row.get(3),
        note: row.get(4),
    };
    Ok(rows.iter().map(pause).collect())
}

/// Whether a tournament is paused, alone or with everything.
pub async fn is_paused(client: &impl GenericClient, tournament: Option<Uuid>) -> Result<bool, StoreError> {
    let sql = format!("SELECT {}", is_paused_sql("$1"));
    Ok(client.query_typed(&sql, &[(&tournament, Type::UUID)]).await?[0].get(0))
}

/// Pauses a tournament, or everything. False: it is paused already.
pub async fn pause(
    client: &impl GenericClient,
    tournament: Option<Uuid>,
    (by, note): (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO pause (tournament_id, paused_at, paused_by, note) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING RETURNING 1";
    let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 4] =
        [(&tournament, Type::UUID), (&stamp(now), Type::TIMESTAMP), (&by, Type::TEXT), (&note, Type::TEXT)];
    Ok(!client.query_typed(sql, &values).await?.is_empty())
}

/// Ends the pause of a tournament, or of everything. False: there was none.
pub async fn resume(client: &impl GenericClient, tournament: Option<Uuid>) -> Result<bool, StoreError> {
    let sql = "DELETE FROM pause WHERE tournament_id IS NOT DISTINCT FROM $1 RETURNING 1";
    Ok(!client.query_typed(sql, &[(&tournament, Type::UUID)]).await?.is_empty())
}
