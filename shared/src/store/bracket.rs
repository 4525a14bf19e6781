//! Statements on `tournament_bracket`, and on the cup trees it is computed from.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::tournaments::from_json;
use super::{StoreError, stamp};
use crate::outcomes::Outcomes;
use football::domain::knockout::{Entrant, Side, Tie, Tree};

/// The provider's cup trees as last stored.
pub async fn trees(client: &impl GenericClient, tournament: Uuid) -> Result<Vec<Tree>, StoreError> {
    let rows = client
        .query_typed("SELECT cup_trees FROM tournament WHERE id = $1", &[(&tournament, Type::UUID)])
        .await?;
    let value: Value = rows.first().map(|row| row.get(0)).unwrap_or_else(|| json!([]));
    from_json(tournament, value, "cup_trees")
}

/// Stores the cup trees.
pub async fn set_trees(
    client: &impl GenericClient,
    tournament: Uuid,
    trees: &[Tree],
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE tournament SET cup_trees = $2 WHERE id = $1 AND cup_trees <> $2 RETURNING id",
            &[(&tournament, Type::UUID), (&json!(trees), Type::JSONB)],
        )
        .await?;
    Ok(())
}

/// The statement of [`replace`].
const REPLACE: &str =
    "WITH input AS (
       SELECT * FROM UNNEST($3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                            $10::int[], $11::int[], $12::text[], $13::text[], $14::text[], $15::int[],
                            $16::text[])
         AS t (round_slug, tie_number, home, home_slot, away, away_slot, matches, home_aggregate,
               away_aggregate, winner, decided_by, next_round_slug, next_tie_number, next_side)),
     resolved AS (
       SELECT i.round_slug, i.tie_number, h.id AS home_team_id, a.id AS away_team_id, w.id AS winner_team_id,
              -- A team that is not stored yet keeps its place by its id.
              COALESCE(i.home_slot, CASE WHEN h.id IS NULL THEN i.home END) AS home_slot,
              COALESCE(i.away_slot, CASE WHEN a.id IS NULL THEN i.away END) AS away_slot,
              i.home_aggregate, i.away_aggregate, i.decided_by, i.next_round_slug, i.next_tie_number,
              i.next_side,
              COALESCE(string_to_array(NULLIF(i.matches, ''), ','), '{}') AS match_external_ids
         FROM input i
         LEFT JOIN team h ON h.provider = $1 AND h.external_id = i.home
         LEFT JOIN team a ON a.provider = $1 AND a.external_id = i.away
         LEFT JOIN team w ON w.provider = $1 AND w.external_id = i.winner),
     written AS (
       INSERT INTO tournament_bracket AS b (tournament_id, round_slug, tie_number, home_team_id, home_slot,
              away_team_id, away_slot, match_external_ids, home_aggregate, away_aggregate, winner_team_id,
              decided_by, next_round_slug, next_tie_number, next_side, created_at, updated_at)
       SELECT $2, round_slug, tie_number, home_team_id, home_slot, away_team_id, away_slot, match_external_ids,
              home_aggregate, away_aggregate, winner_team_id, decided_by, next_round_slug, next_tie_number,
              next_side, $17, $17
         FROM resolved ORDER BY round_slug, tie_number
       ON CONFLICT (tournament_id, round_slug, tie_number) DO UPDATE
          SET home_team_id = excluded.home_team_id, home_slot = excluded.home_slot,
              away_team_id = excluded.away_team_id, away_slot = excluded.away_slot,
              match_external_ids = excluded.match_external_ids, home_aggregate = excluded.home_aggregate,
              away_aggregate = excluded.away_aggregate, winner_team_id = excluded.winner_team_id,
              decided_by = excluded.decided_by, next_round_slug = excluded.next_round_slug,
              next_tie_number = excluded.next_tie_number, next_side = excluded.next_side,
              updated_at = excluded.updated_at
        WHERE (b.home_team_id, b.home_slot, b.away_team_id, b.away_slot, b.match_external_ids,
               b.home_aggregate, b.away_aggregate, b.winner_team_id, b.decided_by, b.next_round_slug,
               b.next_tie_number, b.next_side)
              IS DISTINCT FROM
              (excluded.home_team_id, excluded.home_slot, excluded.away_team_id, excluded.away_slot,
               excluded.match_external_ids, excluded.home_aggregate, excluded.away_aggregate,
               excluded.winner_team_id, excluded.decided_by, excluded.next_round_slug,
               excluded.next_tie_number, excluded.next_side)
       RETURNING round_slug, tie_number, (xmax = 0) AS inserted),
     gone AS (
       DELETE FROM tournament_bracket b
        WHERE b.tournament_id = $2 AND NOT EXISTS (
              SELECT 1 FROM input i WHERE i.round_slug = b.round_slug AND i.tie_number = b.tie_number)
       RETURNING 1)
     SELECT CASE WHEN w.inserted THEN 'inserted' WHEN NOT w.inserted THEN 'updated'
                 WHEN i.round_slug IS NOT NULL THEN 'unchanged' END, g.gone
       FROM (SELECT count(*) AS gone FROM gone) g LEFT JOIN input i ON true
       LEFT JOIN written w USING (round_slug, tie_number)";

/// Writes the ties that are new or differ and deletes those that are gone; returns the counts, and how many were
/// deleted.
pub async fn replace(
    client: &impl GenericClient,
    provider: &str,
    tournament: Uuid,
    ties: &[&Tie],
    now: DateTime<Utc>,
) -> Result<(Outcomes, u64), StoreError> {
    fn column<'a, T>(ties: &'a [&Tie], get: impl Fn(&'a Tie) -> T) -> Vec<T> {
        ties.iter().map(|tie| get(tie)).collect()
    }
    fn slot(entrant: &Entrant) -> Option<&str> {
        match entrant {
            Entrant::Team(_) => None,
            Entrant::Placeholder(place) => Some(place),
        }
    }
    let rows = client
        .query_typed(
            REPLACE,
            &[
                (&provider, Type::TEXT),
                (&tournament, Type::UUID),
                (&column(ties, |tie| tie.round_slug.as_str()), Type::TEXT_ARRAY),
                (&column(ties, |tie| tie.number), Type::INT4_ARRAY),
                (&column(ties, |tie| tie.entrant(Side::Home).team()), Type::TEXT_ARRAY),
                (&column(ties, |tie| slot(tie.entrant(Side::Home))), Type::TEXT_ARRAY),
                (&column(ties, |tie| tie.entrant(Side::Away).team()), Type::TEXT_ARRAY),
                (&column(ties, |tie| slot(tie.entrant(Side::Away))), Type::TEXT_ARRAY),
                (
                    &column(ties, |tie| {
                        tie.legs.iter().map(|leg| leg.external_id.as_str()).collect::<Vec<_>>().join(",")
                    }),
                    Type::TEXT_ARRAY,
                ),
                (&column(ties, |tie| tie.aggregate.map(|(home, _)| home)), Type::INT4_ARRAY),
                (&column(ties, |tie| tie.aggregate.map(|(_, away)| away)), Type::INT4_ARRAY),
                (&column(ties, Tie::winning_team), Type::TEXT_ARRAY),
                (&column(ties, |tie| tie.decided_by.map(|by| by.to_string())), Type::TEXT_ARRAY),
                (
                    &column(ties, |tie| tie.next.as_ref().map(|next| next.round_slug.as_str())),
                    Type::TEXT_ARRAY,
                ),
                (&column(ties, |tie| tie.next.as_ref().map(|next| next.number)), Type::INT4_ARRAY),
                (&column(ties, |tie| tie.next.as_ref().map(|next| next.side.to_string())), Type::TEXT_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    let mut outcomes = Outcomes::default();
    rows.iter().filter_map(|row| row.get::<_, Option<&str>>(0)).for_each(|outcome| outcomes.count(outcome));
    let gone = rows.first().map_or(0, |row| row.get::<_, i64>(1));
    Ok((outcomes, u64::try_from(gone).unwrap_or_default()))
}

/// The contradictions of a tournament's bracket that were reported.
pub async fn notes(client: &impl GenericClient, tournament: Uuid) -> Result<Vec<String>, StoreError> {
    let rows = client
        .query_typed("SELECT bracket_notes FROM tournament WHERE id = $1", &[(&tournament, Type::UUID)])
        .await?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    from_json(tournament, row.get(0), "bracket_notes")
}

/// Stores the contradictions that are reported now.
pub async fn set_notes(
    client: &impl GenericClient,
    tournament: Uuid,
    notes: &[String],
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE tournament SET bracket_notes = $2 WHERE id = $1 RETURNING id",
            &[(&tournament, Type::UUID), (&json!(notes), Type::JSONB)],
        )
        .await?;
    Ok(())
}
