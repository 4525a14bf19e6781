//! Statements on `tournament`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::matches::{OPEN, awaited};
use super::pauses::is_paused_sql;
use super::{Readable, StoreError, parsed, stamp, utc};
use football::domain::standings::{Carried, ProviderRow, ProviderTable};
use football::domain::{Mode, ProviderName, Sources, StandingsMode, Tournament, TournamentStatus};
use football::plan::standings::StandingsTerms;
use strum::VariantNames as _;

/// An operator's description of a tournament to create, with the provider's ids already parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTournament {
    /// The provider's unique-tournament id.
    pub external_id: String,
    /// The provider's API URL of the season.
    pub base_url: String,
    /// The provider's public web page.
    pub public_url: Option<String>,
    /// Part of the application's URLs.
    pub slug: String,
    /// The provider's name.
    pub provider: ProviderName,
    /// The season, as `2024/25`.
    pub season: String,
    /// How it is played.
    pub mode: Mode,
    /// One table or several.
    pub standings_mode: StandingsMode,
    /// The displayed name.
    pub label: String,
    /// URL of the logo.
    pub logo: String,
}

const COLUMNS: &str = "id, provider, base_url, label, slug, mode, standings_mode, logo, status, created_at,
    asked_provider, stand_in_provider,
    (SELECT jsonb_object_agg(a.provider, a.base_url) FROM tournament_alias a WHERE a.tournament_id = id) AS addresses";

fn tournament(row: &Row) -> Result<Tournament, StoreError> {
    let slug: &str = row.get("slug");
    Ok(Tournament {
        id: row.get("id"),
        provider: parsed(row.get("provider"), "tournament", "provider", slug)?,
        base_url: row.get("base_url"),
        sources: sources(row, slug)?,
        label: row.get("label"),
        slug: slug.to_owned(),
        mode: parsed(row.get("mode"), "tournament", "mode", slug)?,
        standings_mode: parsed(row.get("standings_mode"), "tournament", "standings_mode", slug)?,
        logo: row.get("logo"),
        status: parsed(row.get("status"), "tournament", "status", slug)?,
        created_at: utc(row.get("created_at")),
    })
}

fn sources(row: &Row, slug: &str) -> Result<Sources, StoreError> {
    let one = |column: &'static str| {
        let name: Option<&str> = row.get(column);
        name.map(|name| parsed(name, "tournament", column, slug)).transpose()
    };
    let mut addresses = BTreeMap::new();
    let stored: Option<Json<BTreeMap<String, String>>> = row.get("addresses");
    for (provider, base_url) in stored.map(|Json(addresses)| addresses).unwrap_or_default() {
        addresses.insert(parsed(&provider, "tournament_alias", "provider", slug)?, base_url);
    }
    Ok(Sources { asked: one("asked_provider")?, stand_in: one("stand_in_provider")?, addresses })
}

/// The tournament, unless it is deleted.
pub async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<Tournament>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tournament WHERE id = $1 AND deleted_at IS NULL");
    let rows = client.query_typed(&sql, &[(&id, Type::UUID)]).await?;
    rows.first().map(tournament).transpose()
}

/// These tournaments, unless they are deleted.
pub async fn of_ids(client: &impl GenericClient, ids: &[Uuid]) -> Result<Readable<Tournament>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tournament WHERE id = ANY($1) AND deleted_at IS NULL");
    let rows = client.query_typed(&sql, &[(&ids, Type::UUID_ARRAY)]).await?;
    Ok(rows.iter().map(tournament).collect())
}

/// The tournament that was created for this competition under this slug, if there is one, with its season.
pub async fn find_by_identity(
    client: &impl GenericClient,
    external_id: &str,
    slug: &str,
) -> Result<Option<Tournament>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tournament WHERE external_id = $1 AND slug = $2");
    let rows = client.query_typed(&sql, &[(&external_id, Type::TEXT), (&slug, Type::TEXT)]).await?;
    rows.first().map(tournament).transpose()
}

/// The tournament that has the season at this address, as its own or at another provider, if there is one, deleted or not: its
/// matches are its own.
pub async fn find_by_season(
    client: &impl GenericClient,
    base_url: &str,
) -> Result<Option<Tournament>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tournament
          WHERE base_url = $1 OR id IN (SELECT tournament_id FROM tournament_alias WHERE base_url = $1)
          ORDER BY deleted_at NULLS FIRST LIMIT 1"
    );
    let rows = client.query_typed(&sql, &[(&base_url, Type::TEXT)]).await?;
    rows.first().map(tournament).transpose()
}

/// Active tournaments.
pub async fn active(client: &impl GenericClient) -> Result<Readable<Tournament>, StoreError> {
    of_status(client, &[TournamentStatus::Active]).await
}

/// Active and upcoming tournaments.
pub async fn followed(client: &impl GenericClient) -> Result<Readable<Tournament>, StoreError> {
    of_status(client, &[TournamentStatus::Active, TournamentStatus::Upcoming]).await
}

async fn of_status(
    client: &impl GenericClient,
    statuses: &[TournamentStatus],
) -> Result<Readable<Tournament>, StoreError> {
    let statuses: Vec<String> = statuses.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM tournament
          WHERE status = ANY($2) AND deleted_at IS NULL AND provider = ANY($1) ORDER BY id"
    );
    let rows = client
        .query_typed(&sql, &[(&ProviderName::VARIANTS, Type::TEXT_ARRAY), (&statuses, Type::TEXT_ARRAY)])
        .await?;
    Ok(rows.iter().map(tournament).collect())
}

/// Creates the tournament; returns its id. A second one of the same competition and slug violates a unique constraint.
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
                (&new.provider.as_str(), Type::TEXT),
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

/// Sets the logo and the provider's current round (if they are known and differ); returns whether a row was written.
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

/// Active tournaments whose drawn matches have all been played while a knockout round is still to be drawn or read.
pub async fn with_pending_draw(
    client: &impl GenericClient,
    planning: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let open = awaited("$1");
    let sql = format!(
        "SELECT t.id FROM tournament t
          WHERE t.status = 'active' AND t.deleted_at IS NULL AND t.mode <> 'regular-season-only'
            AND EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id)
            AND NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND {open})
            AND (EXISTS (SELECT 1 FROM tournament_round r WHERE r.tournament_id = t.id AND r.type = 'knockout'
                            AND COALESCE(r.open_slots, 1) > 0)
              OR NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND m.round_slug = 'final'))"
    );
    let rows = client.query_typed(&sql, &[(&stamp(planning), Type::TIMESTAMP)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Active tournaments whose table must be compared with the provider's on `day`: it was not compared since an ended
/// match that kicked off before that day (that day's check was missed), or not for a week while no match is open.
/// Without open matches a table can still change by decisions (a curtailed season, deducted points, a play-off between
/// level teams), which only the provider's table shows.
pub async fn with_unchecked_table(
    client: &impl GenericClient,
    day: DateTime<Utc>,
) -> Result<Readable<Tournament>, StoreError> {
    let open = awaited("$2");
    let sql = format!(
        "SELECT {COLUMNS} FROM tournament t
          WHERE status = 'active' AND deleted_at IS NULL AND provider = ANY($1) AND mode <> 'knockout-only'
            AND EXISTS (SELECT 1 FROM match m JOIN tournament_round r
                            ON r.tournament_id = m.tournament_id AND r.slug = m.round_slug AND r.type = 'season'
                         WHERE m.tournament_id = t.id AND m.status = 'ended' AND m.date < $2
                           AND (m.date > COALESCE(t.standings_checked_at, '-infinity')
                                OR (t.standings_checked_at < $2 - interval '7 days'
                                    AND NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND {open}))))
          ORDER BY id"
    );
    let rows = client
        .query_typed(&sql, &[(&ProviderName::VARIANTS, Type::TEXT_ARRAY), (&stamp(day), Type::TIMESTAMP)])
        .await?;
    Ok(rows.iter().map(tournament).collect())
}

/// Tournaments whose table differed from the provider's when they were last compared, before `day`, and has for no
/// longer than a week.
pub async fn with_differences(
    client: &impl GenericClient,
    day: DateTime<Utc>,
) -> Result<Readable<Tournament>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tournament t
          WHERE deleted_at IS NULL AND provider = ANY($1) AND status IN ('active', 'completed') AND standings_checked_at < $2
            AND EXISTS (SELECT 1 FROM jsonb_array_elements(table_differences) AS difference
                         WHERE (difference->>'since')::timestamptz AT TIME ZONE 'UTC' > $2 - interval '7 days')
          ORDER BY id"
    );
    let rows = client
        .query_typed(&sql, &[(&ProviderName::VARIANTS, Type::TEXT_ARRAY), (&stamp(day), Type::TIMESTAMP)])
        .await?;
    Ok(rows.iter().map(tournament).collect())
}

/// Active leagues without knockout rounds whose matches have all been played and that are not paused.
pub async fn played_out_leagues(
    client: &impl GenericClient,
    planning: DateTime<Utc>,
) -> Result<Readable<Tournament>, StoreError> {
    let open = awaited("$2");
    let sql = format!(
        "SELECT {COLUMNS} FROM tournament t
          WHERE status = 'active' AND deleted_at IS NULL AND provider = ANY($1) AND mode = 'regular-season-only' AND NOT {paused}
            AND EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id)
            AND NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND {open})
          ORDER BY id",
        paused = is_paused_sql("t.id")
    );
    let rows = client
        .query_typed(
            &sql,
            &[(&ProviderName::VARIANTS, Type::TEXT_ARRAY), (&stamp(planning), Type::TIMESTAMP)],
        )
        .await?;
    Ok(rows.iter().map(tournament).collect())
}

/// Active tournaments with a match still to be played, or without a date, or played since `since`: its result may be
/// corrected.
pub async fn waiting_for_a_match(
    client: &impl GenericClient,
    since: DateTime<Utc>,
) -> Result<Readable<Tournament>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tournament t WHERE status = 'active' AND deleted_at IS NULL
            AND provider = ANY($1) AND NOT {paused}
            AND EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND (m.status <> 'ended' OR m.date >= $2))
          ORDER BY id",
        paused = is_paused_sql("t.id")
    );
    let rows = client
        .query_typed(&sql, &[(&ProviderName::VARIANTS, Type::TEXT_ARRAY), (&stamp(since), Type::TIMESTAMP)])
        .await?;
    Ok(rows.iter().map(tournament).collect())
}

/// Makes `upcoming` tournaments with a match before `until` active; returns their slugs.
pub async fn activate(
    client: &impl GenericClient,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "UPDATE tournament t SET status = 'active', updated_at = $2
          WHERE status = 'upcoming' AND deleted_at IS NULL
            AND EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = t.id AND {OPEN} AND m.date < $1)
         RETURNING slug"
    );
    slugs(client.query_typed(&sql, &[(&stamp(until), Type::TIMESTAMP), (&stamp(now), Type::TIMESTAMP)]).await)
}

/// Completes active tournaments whose last match was played a week ago, the time in which results are corrected, or a
/// month ago if a match has lost its date and may still be played. A cup needs an ended final. Returns their slugs.
pub async fn complete(
    client: &impl GenericClient,
    planning: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let open = awaited("$1");
    let sql = format!(
        "UPDATE tournament t SET status = 'completed', updated_at = $2
          FROM (SELECT tournament_id, max(date) AS last, bool_or({open}) AS open,
                       bool_or(status = 'not-defined') AS undated,
                       bool_or(round_slug = 'final' AND status = 'ended') AS final
                  FROM match m GROUP BY tournament_id) m
         WHERE m.tournament_id = t.id AND t.status = 'active' AND t.deleted_at IS NULL AND NOT m.open
           AND m.last < $1 - CASE WHEN m.undated THEN interval '30 days' ELSE interval '7 days' END
           -- Rounds still to be drawn or published are waited for, but for at most 120 days.
           AND (m.last < $1 - interval '120 days'
                OR ((m.final OR t.mode = 'regular-season-only')
                    AND NOT EXISTS (SELECT 1 FROM tournament_round r
                                     WHERE r.tournament_id = t.id AND r.type = 'season'
                                       AND NOT EXISTS (SELECT 1 FROM match x WHERE x.tournament_id = t.id
                                                          AND x.round_slug = r.slug))))
         RETURNING slug"
    );
    slugs(
        client
            .query_typed(&sql, &[(&stamp(planning), Type::TIMESTAMP), (&stamp(now), Type::TIMESTAMP)])
            .await,
    )
}

/// Sets the current round of active tournaments to that of their next match; returns the slugs of changed tournaments.
pub async fn set_current_round(
    client: &impl GenericClient,
    planning: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "UPDATE tournament t SET current_round = m.round_slug, updated_at = $2
           FROM (SELECT DISTINCT ON (tournament_id) tournament_id, round_slug FROM match m
                  WHERE {OPEN} AND date >= $1 ORDER BY tournament_id, date, round_slug) m
          WHERE m.tournament_id = t.id AND t.status = 'active' AND t.deleted_at IS NULL
            AND t.current_round IS DISTINCT FROM m.round_slug
         RETURNING slug"
    );
    slugs(
        client
            .query_typed(&sql, &[(&stamp(planning), Type::TIMESTAMP), (&stamp(now), Type::TIMESTAMP)])
            .await,
    )
}

fn slugs(rows: Result<Vec<Row>, tokio_postgres::Error>) -> Result<Vec<String>, StoreError> {
    Ok(rows?.iter().map(|row| row.get(0)).collect())
}

/// The stored terms of a tournament's table.
pub async fn standings_terms(client: &impl GenericClient, id: Uuid) -> Result<StandingsTerms, StoreError> {
    let rows = client
        .query_typed(
            "SELECT tie_breaking_rule, points_adjustments, provider_tables, provider_standings, standings_checked_at,
                    table_differences, shootout_points
               FROM tournament WHERE id = $1",
            &[(&id, Type::UUID)],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(StandingsTerms::default()) };
    let provider = match row.get::<_, Option<Value>>(2) {
        Some(tables) => from_json(id, tables, "provider_tables")?,
        None => tables_of_rows(from_json(id, row.get(3), "provider_standings")?),
    };
    Ok(StandingsTerms {
        tie_breaking_rule: row.get(0),
        adjustments: from_json(id, row.get(1), "points_adjustments")?,
        shootout_points: row.get(6),
        provider,
        checked_at: row.get::<_, Option<NaiveDateTime>>(4).map(utc),
        differences: from_json(id, row.get(5), "table_differences")?,
    })
}

/// The tables of rows that an earlier version stored without the tables' ids.
fn tables_of_rows(rows: Vec<ProviderRow>) -> Vec<ProviderTable> {
    let mut tables: Vec<ProviderTable> = Vec::new();
    for row in rows {
        match tables.iter_mut().find(|table| table.group == row.group) {
            Some(table) => table.rows.push(row),
            None => tables.push(ProviderTable {
                id: None,
                stage: None,
                group: row.group.clone(),
                carried: Carried::default(),
                tie_breaking_rule: None,
                rows: vec![row],
            }),
        }
    }
    tables
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    id: Uuid,
    value: Value,
    column: &'static str,
) -> Result<T, StoreError> {
    let text = value.to_string();
    serde_json::from_value(value).map_err(|_| {
        StoreError::malformed("tournament", column, &id.to_string(), &text, "set it to '[]'".to_owned())
    })
}

/// Stores the findings of a check against the provider's tables. An existing rule is kept: the operator may have set
/// it.
pub async fn set_standings_terms(
    client: &impl GenericClient,
    id: Uuid,
    terms: &StandingsTerms,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE tournament SET tie_breaking_rule = COALESCE(tie_breaking_rule, $2), points_adjustments = $3,
                    provider_tables = $4, standings_checked_at = $5, table_differences = $7, shootout_points = $8,
                    updated_at = CASE WHEN tie_breaking_rule IS NULL AND $2 IS NOT NULL THEN $6
                                      WHEN points_adjustments <> $3 THEN $6 ELSE updated_at END
              WHERE id = $1 AND (points_adjustments, standings_checked_at, table_differences, shootout_points)
                                IS DISTINCT FROM ($3, $5, $7, $8)
             RETURNING id",
            &[
                (&id, Type::UUID),
                (&terms.tie_breaking_rule, Type::TEXT),
                (&json!(terms.adjustments), Type::JSONB),
                (&json!(terms.provider), Type::JSONB),
                (&terms.checked_at.map(stamp), Type::TIMESTAMP),
                (&stamp(now), Type::TIMESTAMP),
                (&json!(terms.differences), Type::JSONB),
                (&terms.shootout_points, Type::BOOL),
            ],
        )
        .await?;
    Ok(())
}

/// Those of these tournaments that have a match between `since` and `until` that is not called off.
pub async fn with_match_between(
    client: &impl GenericClient,
    ids: &[Uuid],
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT DISTINCT tournament_id FROM match
              WHERE tournament_id = ANY($1) AND date >= $2 AND date < $3 AND status <> 'not-defined'",
            &[(&ids, Type::UUID_ARRAY), (&stamp(since), Type::TIMESTAMP), (&stamp(until), Type::TIMESTAMP)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Whether the tournament has an open match with a kickoff between `since` and `until`.
pub async fn has_open_match(
    client: &impl GenericClient,
    id: Uuid,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT 1 FROM match m WHERE m.tournament_id = $1 AND {OPEN} AND m.date >= $2 AND m.date < $3 LIMIT 1"
    );
    let rows = client
        .query_typed(
            &sql,
            &[(&id, Type::UUID), (&stamp(since), Type::TIMESTAMP), (&stamp(until), Type::TIMESTAMP)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Locks the tournament until the transaction ends: one run at a time writes what is computed from its matches, so that
/// an older table or bracket never overwrites a newer one.
pub async fn lock(client: &impl GenericClient, id: Uuid) -> Result<(), StoreError> {
    client
        .query_typed("SELECT 1 FROM tournament WHERE id = $1 FOR NO KEY UPDATE", &[(&id, Type::UUID)])
        .await?;
    Ok(())
}
