//! Statements on `tournament_round`.

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{Readable, StoreError, stamp};
use crate::outcomes::Outcomes;
use football::domain::{Round, RoundAddress, RoundKind};

/// A round as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRound {
    /// The round.
    pub round: Round,
    /// Fixtures whose teams were not both known at the last reading; none: not read yet, or not drawn.
    pub open_slots: Option<i32>,
    /// Its matches between known teams.
    pub matches: i64,
}

/// The rounds of a tournament, in order. `address` parses a round's stored URL in its provider's form.
pub async fn list(
    client: &impl GenericClient,
    tournament: Uuid,
    address: fn(&str) -> Option<RoundAddress>,
) -> Result<Readable<StoredRound>, StoreError> {
    let rows = client
        .query_typed(
            r#"SELECT r."order", r.label, r.slug, r.provider_url, r.type, r.open_slots, m.matches
                 FROM tournament_round r
                CROSS JOIN LATERAL (
                      SELECT count(*) AS matches
                        FROM match WHERE tournament_id = r.tournament_id AND round_slug = r.slug) m
                WHERE r.tournament_id = $1 ORDER BY r."order", r.slug"#,
            &[(&tournament, Type::UUID)],
        )
        .await?;
    let mut rounds: Readable<StoredRound> = rows.iter().map(|row| stored(row, tournament, address)).collect();
    rounds.malformed.extend(rows.iter().filter_map(|row| unknown_kind(row, tournament)));
    Ok(rounds)
}

/// The error for an unknown type (from an older version). Nothing is lost: the round's URL gives the type too.
fn unknown_kind(row: &Row, tournament: Uuid) -> Option<StoreError> {
    let kind: &str = row.get("type");
    let remedy = "the round's address tells it; refresh the tournament, which writes its rounds anew";
    let error =
        || StoreError::malformed("tournament_round", "type", &name(row, tournament), kind, remedy.to_owned());
    kind.parse::<RoundKind>().is_err().then(error)
}

fn name(row: &Row, tournament: Uuid) -> String {
    format!("round {} of {tournament}", row.get::<_, &str>("slug"))
}

fn stored(
    row: &Row,
    tournament: Uuid,
    address: fn(&str) -> Option<RoundAddress>,
) -> Result<StoredRound, StoreError> {
    let url: &str = row.get("provider_url");
    let kind: &str = row.get("type");
    let address = address(url).ok_or_else(|| {
        let remedy = "it is left out: refresh the tournament, which writes its rounds anew".to_owned();
        StoreError::malformed("tournament_round", "provider_url", &name(row, tournament), url, remedy)
    })?;
    Ok(StoredRound {
        round: Round {
            slug: row.get("slug"),
            label: row.get("label"),
            order: row.get("order"),
            kind: kind.parse().unwrap_or_else(|_| address.kind()),
            address,
        },
        open_slots: row.get("open_slots"),
        matches: row.get("matches"),
    })
}

/// Writes rounds that are new or differ. `url` gives a round's URL to store.
pub async fn upsert(
    client: &impl GenericClient,
    tournament: Uuid,
    rounds: &[Round],
    url: impl Fn(&RoundAddress) -> String,
    now: DateTime<Utc>,
) -> Result<Outcomes, StoreError> {
    let orders: Vec<i32> = rounds.iter().map(|round| round.order).collect();
    let labels: Vec<&str> = rounds.iter().map(|round| round.label.as_str()).collect();
    let slugs: Vec<&str> = rounds.iter().map(|round| round.slug.as_str()).collect();
    let prefixes: Vec<&str> =
        rounds.iter().map(|round| round.address.prefix.as_deref().unwrap_or_default()).collect();
    let urls: Vec<String> = rounds.iter().map(|round| url(&round.address)).collect();
    let numbers: Vec<String> = rounds.iter().map(|round| round.address.number.to_string()).collect();
    let kinds: Vec<String> = rounds.iter().map(|round| round.kind.to_string()).collect();
    let rows = client
        .query_typed(
            r#"WITH input AS (
                 SELECT DISTINCT ON (slug) * FROM UNNEST($2::int[], $3::text[], $4::text[], $5::text[], $6::text[],
                                         $7::text[], $8::text[])
                   AS t ("order", label, slug, prefix, provider_url, provider_id, type) ORDER BY slug, "order"),
               written AS (
                 INSERT INTO tournament_round AS r (tournament_id, "order", label, slug, knockout_id, prefix,
                                                    provider_url, provider_id, type, created_at, updated_at)
                 SELECT $1, "order", label, slug, prefix, prefix, provider_url, provider_id, type, $9, $9
                   FROM input ORDER BY slug
                 ON CONFLICT (tournament_id, slug) DO UPDATE
                    SET "order" = excluded."order", label = excluded.label, knockout_id = excluded.knockout_id,
                        prefix = excluded.prefix, provider_url = excluded.provider_url,
                        provider_id = excluded.provider_id, type = excluded.type, updated_at = excluded.updated_at
                  WHERE (r."order", r.label, r.knockout_id, r.prefix, r.provider_url, r.provider_id, r.type)
                        IS DISTINCT FROM (excluded."order", excluded.label, excluded.knockout_id, excluded.prefix,
                                          excluded.provider_url, excluded.provider_id, excluded.type)
                 RETURNING slug, (xmax = 0) AS inserted)
               SELECT CASE WHEN w.inserted THEN 'inserted' WHEN NOT w.inserted THEN 'updated' ELSE 'unchanged' END
                 FROM input LEFT JOIN written w USING (slug)"#,
            &[
                (&tournament, Type::UUID),
                (&orders, Type::INT4_ARRAY),
                (&labels, Type::TEXT_ARRAY),
                (&slugs, Type::TEXT_ARRAY),
                (&prefixes, Type::TEXT_ARRAY),
                (&urls, Type::TEXT_ARRAY),
                (&numbers, Type::TEXT_ARRAY),
                (&kinds, Type::TEXT_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    let mut outcomes = Outcomes::default();
    rows.iter().for_each(|row| outcomes.count(row.get(0)));
    Ok(outcomes)
}

/// Records that whole rounds (by slug) were read, and how many of their fixtures lack a known team. A round read again
/// within a day with the same answer is not updated.
pub async fn note_reading(
    client: &impl GenericClient,
    tournament: Uuid,
    open_slots: &[(String, i32)],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let slugs: Vec<&str> = open_slots.iter().map(|(slug, _)| slug.as_str()).collect();
    let slots: Vec<i32> = open_slots.iter().map(|(_, slots)| *slots).collect();
    let rows = client
        .query_typed(
            "UPDATE tournament_round r SET open_slots = t.open_slots, last_read_at = $4,
                    updated_at = CASE WHEN r.open_slots IS DISTINCT FROM t.open_slots THEN $4 ELSE r.updated_at END
               FROM UNNEST($2::text[], $3::int[]) AS t (slug, open_slots)
              WHERE r.tournament_id = $1 AND r.slug = t.slug
                AND (r.open_slots IS DISTINCT FROM t.open_slots
                     OR (COALESCE(r.last_read_at < $4 - interval '1 day', true)
                         AND (EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = $1 AND m.round_slug = r.slug
                                         AND m.status <> 'ended')
                              OR NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = $1
                                                AND m.round_slug = r.slug))))
             RETURNING r.id",
            &[
                (&tournament, Type::UUID),
                (&slugs, Type::TEXT_ARRAY),
                (&slots, Type::INT4_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows.len() as u64)
}

/// SQL expression: the kind of the round `r`. For a type of an older vocabulary its slug tells: that of a round of a season
/// is its number.
pub(super) const KIND: &str = "CASE WHEN r.type IN ('season', 'knockout') THEN r.type
    WHEN r.slug ~ '^[0-9]+$' THEN 'season' ELSE 'knockout' END";

/// Records a reading of a round, also if it failed.
pub async fn note_attempt(
    client: &impl GenericClient,
    tournament: Uuid,
    slug: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE tournament_round SET last_read_at = $3 WHERE tournament_id = $1 AND slug = $2 RETURNING id",
            &[(&tournament, Type::UUID), (&slug, Type::TEXT), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(())
}

/// The slugs of a tournament's rounds of one kind.
pub async fn slugs_of_kind(
    client: &impl GenericClient,
    tournament: Uuid,
    kind: RoundKind,
) -> Result<Vec<String>, StoreError> {
    let sql = format!("SELECT r.slug FROM tournament_round r WHERE r.tournament_id = $1 AND {KIND} = $2");
    let rows =
        client.query_typed(&sql, &[(&tournament, Type::UUID), (&kind.to_string(), Type::TEXT)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// These rounds of a tournament, the one read longest ago first.
pub async fn by_last_reading(
    client: &impl GenericClient,
    tournament: Uuid,
    slugs: &[&str],
) -> Result<Vec<String>, StoreError> {
    let rows = client
        .query_typed(
            r#"SELECT slug FROM tournament_round WHERE tournament_id = $1 AND slug = ANY($2)
              ORDER BY last_read_at NULLS FIRST, "order", slug"#,
            &[(&tournament, Type::UUID), (&slugs, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Rounds of these tournaments whose last full reading is too old and that still have a match to come or without a
/// date, or results stored without their stage, oldest reading first: tournament and slug. A reading is too old after half the time from now to the round's
/// next kickoff, but after a week at the earliest.
pub async fn stale(
    client: &impl GenericClient,
    tournaments: &[Uuid],
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Uuid, String)>, StoreError> {
    let rows = client
        .query_typed(
            r#"SELECT r.tournament_id, r.slug
               FROM tournament_round r JOIN tournament t ON t.id = r.tournament_id
              CROSS JOIN LATERAL (
                    SELECT count(*) AS alive, min(m.date) FILTER (WHERE m.date > $1) AS next
                      FROM match m WHERE m.tournament_id = r.tournament_id AND m.round_slug = r.slug
                       AND (m.status NOT IN ('ended', 'not-defined') OR (m.status = 'not-defined' AND NOT EXISTS (
                             SELECT 1 FROM match n WHERE n.tournament_id = m.tournament_id
                                AND n.round_slug = m.round_slug AND n.home_team_id = m.home_team_id
                                AND n.away_team_id = m.away_team_id AND n.status <> 'not-defined')))) m
              WHERE r.tournament_id = ANY($3)
                AND (m.alive > 0
                     -- In a competition of several tables the stage tells which one a result counts in.
                     OR (t.standings_mode = 'multi-group' AND r.type = 'season' AND EXISTS (
                         SELECT 1 FROM match x WHERE x.tournament_id = r.tournament_id AND x.round_slug = r.slug
                            AND x.status = 'ended' AND x.provider_stage_id IS NULL))
                     OR (r.type = 'season' AND NOT EXISTS (
                     SELECT 1 FROM match x WHERE x.tournament_id = r.tournament_id AND x.round_slug = r.slug)
                     -- Of an upcoming season only the first round is read, to see when its fixtures are published.
                     AND (t.status <> 'upcoming' OR r."order" = (
                          SELECT min(f."order") FROM tournament_round f WHERE f.tournament_id = r.tournament_id))))
                AND COALESCE(r.last_read_at < $1 - GREATEST(interval '7 days', (m.next - $1) / 2), true)
              ORDER BY r.last_read_at NULLS FIRST, r.tournament_id, r.slug LIMIT $2"#,
            &[(&stamp(now), Type::TIMESTAMP), (&limit, Type::INT8), (&tournaments, Type::UUID_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
