//! Statements on `change_history`: readings that were rejected, and pruning. Triggers record what was changed.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{StoreError, stamp};

/// Rows deleted by one run at most.
const PRUNED: i64 = 50_000;

/// A reading of a match that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The provider's id of the match.
    pub external_id: String,
    /// The reason, as one word.
    pub reason: String,
    /// By field: what is stored, and what was read.
    pub changes: Value,
}

/// Records readings that were rejected. One that was recorded since the match last changed is not recorded again.
pub async fn record_rejected(
    client: &impl GenericClient,
    tournament: Uuid,
    execution: Uuid,
    rejected: &[Rejected],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ids: Vec<&str> = rejected.iter().map(|one| one.external_id.as_str()).collect();
    let reasons: Vec<&str> = rejected.iter().map(|one| one.reason.as_str()).collect();
    let changes: Vec<&Value> = rejected.iter().map(|one| &one.changes).collect();
    client
        .query_typed(
            "INSERT INTO change_history (changed_at, tournament_id, subject, match_id, part, changes, rejected, execution_id)
             SELECT $6, $1, 'match', m.id, m.external_id, t.changes, t.reason, $2
               FROM UNNEST($3::text[], $4::text[], $5::jsonb[]) AS t (external_id, reason, changes)
               JOIN match m ON m.tournament_id = $1 AND m.external_id = t.external_id
              WHERE NOT EXISTS (
                    SELECT 1 FROM change_history h
                     WHERE h.match_id = m.id AND h.rejected = t.reason AND h.changes = t.changes
                       AND h.id > COALESCE((SELECT max(c.id) FROM change_history c
                                             WHERE c.match_id = m.id AND c.rejected IS NULL), 0))
             RETURNING id",
            &[
                (&tournament, Type::UUID),
                (&execution, Type::UUID),
                (&ids, Type::TEXT_ARRAY),
                (&reasons, Type::TEXT_ARRAY),
                (&changes, Type::JSONB_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(())
}

/// Deletes what is older than `before`, the oldest first; returns how many rows.
pub async fn prune(client: &impl GenericClient, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let rows = client
        .query_typed(
            "DELETE FROM change_history WHERE id IN (
                -- Whether a table is final is known by its last such change.
                SELECT id FROM change_history WHERE changed_at < $1 AND subject <> 'tournament' ORDER BY changed_at LIMIT $2)
             RETURNING 1",
            &[(&stamp(before), Type::TIMESTAMP), (&PRUNED, Type::INT8)],
        )
        .await?;
    Ok(rows.len())
}
