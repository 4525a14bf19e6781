//! Statements on `team`.

use chrono::{DateTime, Utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use super::{StoreError, stamp};
use crate::outcomes::Outcomes;
use football::domain::Team;

/// A team and, where one was fetched, the URL of its badge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    /// The team.
    pub team: Team,
    /// URL of its badge; none leaves the stored one unchanged.
    pub badge: Option<String>,
}

/// Which of these teams (provider's ids) are not stored, or have no badge yet.
pub async fn without_badge(
    client: &impl GenericClient,
    provider: &str,
    teams: &[Team],
) -> Result<Vec<String>, StoreError> {
    let ids: Vec<&str> = teams.iter().map(|team| team.external_id.as_str()).collect();
    let rows = client
        .query_typed(
            "SELECT id FROM UNNEST($2::text[]) AS t (id)
              WHERE NOT EXISTS (SELECT 1 FROM team WHERE provider = $1 AND external_id = t.id AND badge <> '')",
            &[(&provider, Type::TEXT), (&ids, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Writes teams that are new or differ.
pub async fn upsert(
    client: &impl GenericClient,
    provider: &str,
    teams: &[TeamRow],
    now: DateTime<Utc>,
) -> Result<Outcomes, StoreError> {
    let ids: Vec<&str> = teams.iter().map(|row| row.team.external_id.as_str()).collect();
    let names: Vec<&str> = teams.iter().map(|row| row.team.name.as_str()).collect();
    let short_names: Vec<Option<&str>> = teams.iter().map(|row| row.team.short_name.as_deref()).collect();
    let badges: Vec<Option<&str>> = teams.iter().map(|row| row.badge.as_deref()).collect();
    let rows = client
        .query_typed(
            "WITH input AS (
               SELECT DISTINCT ON (external_id) * FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[])
                   AS t (external_id, name, short_name, badge) ORDER BY external_id),
             written AS (
               INSERT INTO team AS t (provider, external_id, name, short_name, badge, created_at, updated_at)
               SELECT $1, external_id, name, short_name, COALESCE(badge, ''), $6, $6 FROM input ORDER BY external_id
               ON CONFLICT (provider, external_id) DO UPDATE
                  SET name = excluded.name, short_name = COALESCE(excluded.short_name, t.short_name),
                      badge = COALESCE(NULLIF(excluded.badge, ''), t.badge), updated_at = excluded.updated_at
                WHERE (t.name, t.short_name, t.badge) IS DISTINCT FROM
                      (excluded.name, COALESCE(excluded.short_name, t.short_name),
                       COALESCE(NULLIF(excluded.badge, ''), t.badge))
               RETURNING external_id, (xmax = 0) AS inserted)
             SELECT CASE WHEN w.inserted THEN 'inserted' WHEN NOT w.inserted THEN 'updated' ELSE 'unchanged' END
               FROM input LEFT JOIN written w USING (external_id)",
            &[
                (&provider, Type::TEXT),
                (&ids, Type::TEXT_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&short_names, Type::TEXT_ARRAY),
                (&badges, Type::TEXT_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    let mut outcomes = Outcomes::default();
    rows.iter().for_each(|row| outcomes.count(row.get(0)));
    Ok(outcomes)
}
