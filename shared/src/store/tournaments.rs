//! Statements on `tournament`.

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{StoreError, parsed, stamp};
use crate::domain::{Mode, StandingsMode, Tournament};

/// What an operator says of a tournament to create, with the provider's ids already read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTournament {
    /// The provider's unique-tournament id.
    pub external_id: String,
    /// The provider's address of the season.
    pub base_url: String,
    /// The provider's page for people.
    pub public_url: Option<String>,
    /// Part of the application's URLs.
    pub slug: String,
    /// The provider's name.
    pub provider: String,
    /// `2024/25` and the like.
    pub season: String,
    /// How it is played.
    pub mode: Mode,
    /// One table or several.
    pub standings_mode: StandingsMode,
    /// Shown to people.
    pub label: String,
    /// URL of the logo.
    pub logo: String,
}

const COLUMNS: &str = "id, base_url, label, slug, mode, standings_mode, logo, status";

fn tournament(row: &Row) -> Result<Tournament, StoreError> {
    Ok(Tournament {
        id: row.get("id"),
        base_url: row.get("base_url"),
        label: row.get("label"),
        slug: row.get("slug"),
        mode: parsed(row.get("mode"), "tournament", "mode")?,
        standings_mode: parsed(row.get("standings_mode"), "tournament", "standings_mode")?,
        logo: row.get("logo"),
        status: parsed(row.get("status"), "tournament", "status")?,
    })
}

/// The tournament, unless it is deleted.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<Tournament>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tournament WHERE id = $1 AND deleted_at IS NULL");
    let rows = client.query_typed(&sql, &[(&id, Type::UUID)]).await?;
    rows.first().map(tournament).transpose()
}

/// The tournament that was created for this season under this slug, if there is one, with the season it is of.
pub async fn find_by_identity(
    client: &impl GenericClient,
    external_id: &str,
    slug: &str,
) -> Result<Option<Tournament>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tournament WHERE external_id = $1 AND slug = $2");
    let rows = client.query_typed(&sql, &[(&external_id, Type::TEXT), (&slug, Type::TEXT)]).await?;
    rows.first().map(tournament).transpose()
}

/// Tournaments being worked on.
pub async fn active(client: &impl GenericClient) -> Result<Vec<Tournament>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tournament WHERE status = 'active' AND deleted_at IS NULL ORDER BY id"
    );
    client.query_typed(&sql, &[]).await?.iter().map(tournament).collect()
}

/// Creates the tournament; its id. A second one of the same competition and slug breaks a unique constraint.
pub async fn insert(
    client: &impl GenericClient,
    new: &NewTournament,
    now: DateTime<Utc>,
) -> Result<Uuid, StoreError> {
    let rows = client
        .query_typed(
            "INSERT INTO tournament (external_id, base_url, public_url, slug, provider, season, mode, standings_mode,
                                     label, logo, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) RETURNING id",
            &[
                (&new.external_id, Type::TEXT),
                (&new.base_url, Type::TEXT),
                (&new.public_url, Type::TEXT),
                (&new.slug, Type::TEXT),
                (&new.provider, Type::TEXT),
                (&new.season, Type::TEXT),
                (&new.mode.to_string(), Type::TEXT),
                (&new.standings_mode.to_string(), Type::TEXT),
                (&new.label, Type::TEXT),
                (&new.logo, Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows[0].get(0))
}

/// Sets the logo and the provider's current round (where they are known and differ); whether a row was written.
pub async fn update(
    client: &impl GenericClient,
    id: Uuid,
    logo: Option<&str>,
    current_round: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE tournament
                SET logo = COALESCE($2, logo), current_round = COALESCE($3, current_round), updated_at = $4
              WHERE id = $1 AND (logo, current_round) IS DISTINCT FROM (COALESCE($2, logo), COALESCE($3, current_round))
             RETURNING id",
            &[(&id, Type::UUID), (&logo, Type::TEXT), (&current_round, Type::TEXT), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Active tournaments all of whose drawn matches have been played while a knockout round is still to be drawn or read.
pub async fn with_pending_draw(client: &impl GenericClient) -> Result<Vec<Uuid>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT t.id FROM tournament t
              WHERE t.status = 'active' AND t.deleted_at IS NULL AND t.mode <> 'regular-season-only'
                AND EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id)
                AND NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND m.status = 'open')
                AND (EXISTS (SELECT 1 FROM tournament_round r WHERE r.tournament_id = t.id AND r.type = 'knockout'
                                AND COALESCE(r.open_slots, 1) > 0)
                  OR NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND m.round_slug = 'final'))",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
