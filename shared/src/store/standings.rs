//! Statements on `tournament_standings`.

use chrono::{DateTime, Utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{StoreError, stamp};
use crate::journal::TableMove;
use crate::outcomes::Outcomes;
use football::domain::standings::Row;

/// Names of a tournament's teams by the provider's id: the last criterion for teams level on everything else.
pub async fn team_names(
    client: &impl GenericClient,
    provider: &str,
    teams: &[&str],
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT external_id, name FROM team WHERE provider = $1 AND external_id = ANY($2)",
            &[(&provider, Type::TEXT), (&teams, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The statement of [`replace`].
const REPLACE: &str = r#"WITH input AS (
       SELECT * FROM UNNEST($3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[],
                            $10::int[], $11::int[], $12::int[], $13::text[])
         AS t (team, group_name, "order", points, games, wins, draws, losses, goals_for, goals_against, form)),
     resolved AS (
       SELECT i.*, t.id AS team_id, COALESCE(t.short_name, t.name) AS short_name, t.name AS long_name
         FROM input i JOIN team t ON t.provider = $1 AND t.external_id = i.team),
     written AS (
       INSERT INTO tournament_standings AS s (team_id, team_external_id, tournament_id, "order", group_name,
              short_name, long_name, points, games, wins, draws, losses, goals_for, goals_against,
              goal_difference, form, provider, created_at, updated_at)
       SELECT team_id, team, $2, "order", group_name, short_name, long_name, points, games, wins, draws,
              losses, goals_for, goals_against, goals_for - goals_against,
              COALESCE(string_to_array(NULLIF(form, ''), ','), '{}'), $1, $14, $14
         FROM resolved ORDER BY group_name, team_id
       ON CONFLICT (tournament_id, group_name, team_id) DO UPDATE
          SET "order" = excluded."order", short_name = excluded.short_name, long_name = excluded.long_name,
              points = excluded.points, games = excluded.games, wins = excluded.wins,
              draws = excluded.draws, losses = excluded.losses, goals_for = excluded.goals_for,
              goals_against = excluded.goals_against, goal_difference = excluded.goal_difference,
              form = excluded.form, updated_at = excluded.updated_at
        WHERE (s."order", s.short_name, s.long_name, s.points, s.games, s.wins, s.draws, s.losses,
               s.goals_for, s.goals_against, s.form)
              IS DISTINCT FROM
              (excluded."order", excluded.short_name, excluded.long_name, excluded.points, excluded.games,
               excluded.wins, excluded.draws, excluded.losses, excluded.goals_for, excluded.goals_against,
               excluded.form)
       RETURNING team_external_id, group_name, (xmax = 0) AS inserted),
     gone AS (
       DELETE FROM tournament_standings s
        WHERE s.tournament_id = $2
          AND NOT EXISTS (SELECT 1 FROM input i WHERE i.team = s.team_external_id
                             AND i.group_name = s.group_name)
       RETURNING 1)
     SELECT CASE WHEN i.team IS NULL THEN NULL WHEN w.inserted THEN 'inserted'
                 WHEN NOT w.inserted THEN 'updated' WHEN r.team IS NULL THEN 'unresolved'
                 ELSE 'unchanged' END AS outcome, g.gone,
            -- The row as it was before this statement.
            i.team, i.group_name, r.long_name, o."order" AS was, i."order"
       FROM (SELECT count(*) AS gone FROM gone) g LEFT JOIN input i ON true
       LEFT JOIN resolved r USING (team, group_name)
       LEFT JOIN tournament_standings o ON o.tournament_id = $2 AND o.team_external_id = i.team
             AND o.group_name = i.group_name
       LEFT JOIN written w ON w.team_external_id = i.team AND w.group_name = i.group_name"#;

/// What became of a table's rows.
#[derive(Debug, Default)]
pub struct Replaced {
    /// The rows that were written.
    pub outcomes: Outcomes,
    /// How many were deleted.
    pub gone: u64,
    /// The teams that have another place, the highest place first.
    pub moves: Vec<TableMove>,
}

/// Writes the rows that are new or differ and deletes those of teams that are no longer in their group.
pub async fn replace(
    client: &impl GenericClient,
    provider: &str,
    tournament: Uuid,
    rows: &[Row],
    now: DateTime<Utc>,
) -> Result<Replaced, StoreError> {
    fn column<'a, T>(rows: &'a [Row], get: impl Fn(&'a Row) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    let written = client
        .query_typed(
            REPLACE,
            &[
                (&provider, Type::TEXT),
                (&tournament, Type::UUID),
                (&column(rows, |row| row.team.as_str()), Type::TEXT_ARRAY),
                (&column(rows, |row| row.group.as_str()), Type::TEXT_ARRAY),
                (&column(rows, |row| row.order), Type::INT4_ARRAY),
                (&column(rows, |row| row.points), Type::INT4_ARRAY),
                (&column(rows, |row| row.games), Type::INT4_ARRAY),
                (&column(rows, |row| row.wins), Type::INT4_ARRAY),
                (&column(rows, |row| row.draws), Type::INT4_ARRAY),
                (&column(rows, |row| row.losses), Type::INT4_ARRAY),
                (&column(rows, |row| row.goals_for), Type::INT4_ARRAY),
                (&column(rows, |row| row.goals_against), Type::INT4_ARRAY),
                (
                    // An array of arrays must be rectangular in Postgres, but forms differ in length.
                    &column(rows, |row| {
                        row.form.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
                    }),
                    Type::TEXT_ARRAY,
                ),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    let mut outcomes = Outcomes::default();
    let written_rows = written.iter().filter_map(|row| row.get::<_, Option<&str>>("outcome"));
    written_rows.for_each(|outcome| outcomes.count(outcome));
    let gone = written.first().map_or(0, |row| row.get::<_, i64>("gone"));
    let moved = |row: &tokio_postgres::Row| {
        let (from, to) = (row.get::<_, Option<i32>>("was")?, row.get::<_, Option<i32>>("order")?);
        let name: Option<String> = row.get("long_name");
        (from != to).then(|| TableMove {
            team: name.unwrap_or_else(|| row.get("team")),
            group: row.get("group_name"),
            from,
            to,
        })
    };
    let mut moves: Vec<TableMove> = written.iter().filter_map(moved).collect();
    moves.sort_by(|a, b| (a.to, &a.group).cmp(&(b.to, &b.group)));
    Ok(Replaced { outcomes, gone: u64::try_from(gone).unwrap_or_default(), moves })
}
