//! The history as an outbox: results that are still to be sent to the bus.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{GenericClient, Row, Transaction};
use uuid::Uuid;

use super::rounds::KIND;
use super::{StoreError, matches, stamp, utc};
use crate::result_event::{
    Goals, MatchResult, Outcome, ResultEvent, TeamRef, TieResult, TournamentRef, VERSION,
};

/// SQL condition: the change `h` is a result that was not sent yet.
pub const UNSENT: &str = "h.unsent";

/// Whether any result is still to be sent.
pub async fn is_any_unsent(client: &impl GenericClient) -> Result<bool, StoreError> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM change_history h WHERE {UNSENT})");
    Ok(client.query_typed(&sql, &[]).await?[0].get(0))
}

/// Locks the next results that are to be sent, the oldest first and of each subject only the oldest. What another run is
/// sending is left to it, and so are later results of the same subject. Those in `but` are left out. A row that can't be read comes with
/// its error.
pub async fn lock_unsent(
    transaction: &Transaction<'_>,
    environment: &str,
    but: &[i64],
    limit: usize,
) -> Result<Vec<(i64, Result<ResultEvent, String>)>, StoreError> {
    let sql = format!(
        "SELECT h.*, t.slug, t.label, t.season, e.function = 'operator-api' AND e.operation_type <> 'match_unlock' AS by_hand,
                h.state ->> 'home_team_id' AS home_id, home.name AS home,
                h.state ->> 'away_team_id' AS away_id, away.name AS away, winner.name AS winner
           FROM change_history h JOIN tournament t ON t.id = h.tournament_id
           LEFT JOIN data_provider_executions e ON e.id = h.execution_id
           LEFT JOIN team home ON home.id = (h.state ->> 'home_team_id')::uuid
           LEFT JOIN team away ON away.id = (h.state ->> 'away_team_id')::uuid
           LEFT JOIN team winner ON winner.id = (h.state ->> 'winner_team_id')::uuid
          WHERE {UNSENT} AND h.id <> ALL($1)
            AND NOT EXISTS (SELECT 1 FROM change_history o
                             WHERE o.unsent AND o.id < h.id
                               AND (o.tournament_id, o.subject, o.part) = (h.tournament_id, h.subject, h.part))
          ORDER BY h.id LIMIT $2 FOR NO KEY UPDATE OF h SKIP LOCKED"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = transaction.query_typed(&sql, &[(&but, Type::INT8_ARRAY), (&limit, Type::INT8)]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), event(row, environment))).collect())
}

/// Records that the bus has these.
pub async fn sent(client: &impl GenericClient, ids: &[i64], now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "UPDATE change_history SET unsent = false, sent_at = $2 WHERE id = ANY($1) RETURNING 1";
    client.query_typed(sql, &[(&ids, Type::INT8_ARRAY), (&stamp(now), Type::TIMESTAMP)]).await?;
    Ok(())
}

/// Takes what was not sent out of the outbox, since there is no bus; returns how many results. So a bus that is configured
/// later gets no results of long ago.
pub async fn discard(client: &impl GenericClient) -> Result<usize, StoreError> {
    let sql = "UPDATE change_history SET unsent = false WHERE unsent RETURNING 1";
    Ok(client.query_typed(sql, &[]).await?.len())
}

/// Records, as a change of the tournament, that all matches of its table are over, or that one is to be played after all;
/// nothing if that is known already. A season that ended long ago is imported, and no news.
pub async fn note_table_final(
    client: &impl GenericClient,
    tournament: Uuid,
    execution: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = format!(
        "WITH played AS (
           SELECT count(*) > 0 AND max(m.date) > $3 - interval '30 days' AS lately,
                  bool_and(NOT {OPEN} AND NOT (m.status = 'not-defined'
                           AND COALESCE(m.called_off, 'postponed') IN ('postponed', 'abandoned'))) AS over
             FROM match m JOIN tournament_round r ON r.tournament_id = m.tournament_id AND r.slug = m.round_slug
            WHERE m.tournament_id = $1 AND {KIND} = 'season'),
         listed AS (
           SELECT bool_and(COALESCE(r.open_slots, 0) = 0
                           AND EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = $1 AND m.round_slug = r.slug)) AS whole
             FROM tournament_round r
            WHERE r.tournament_id = $1 AND {KIND} = 'season'),
         before AS (
           SELECT (state ->> 'final')::boolean AS final FROM change_history
            WHERE tournament_id = $1 AND subject = 'tournament' AND part = 'table' ORDER BY id DESC LIMIT 1),
         now AS (
           SELECT COALESCE(played.over AND listed.whole, false) AS final, played.lately,
                  COALESCE((SELECT final FROM before), false) AS was
             FROM played, listed)
         INSERT INTO change_history (changed_at, tournament_id, subject, part, changes, execution_id, event, state,
                                     unsent)
         SELECT $3, $1, 'tournament', 'table', jsonb_build_object('final', jsonb_build_array(was, final)), $2,
                CASE WHEN final THEN 'table-final' ELSE 'table-reopened' END, jsonb_build_object('final', final), true
           FROM now WHERE final <> was AND (lately OR was)
         RETURNING id",
        OPEN = matches::OPEN
    );
    client
        .query_typed(
            &sql,
            &[(&tournament, Type::UUID), (&execution, Type::UUID), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(())
}

/// The columns of a match or a tie, as `state` has them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    external_id: String,
    round_slug: String,
    group_name: String,
    date: Option<NaiveDateTime>,
    status: Option<String>,
    home_score: Option<i32>,
    away_score: Option<i32>,
    home_penalties_score: Option<i32>,
    away_penalties_score: Option<i32>,
    tie_number: i32,
    winner_team_id: Option<Uuid>,
    decided_by: Option<String>,
    next_round_slug: Option<String>,
}

impl State {
    fn outcome(&self) -> Outcome {
        let goals = |home: Option<i32>, away: Option<i32>| Some(Goals { home: home?, away: away? });
        Outcome {
            status: self.status.clone().unwrap_or_else(|| "deleted".to_owned()),
            score: goals(self.home_score, self.away_score),
            penalties: goals(self.home_penalties_score, self.away_penalties_score),
        }
    }
}

fn event(row: &Row, environment: &str) -> Result<ResultEvent, String> {
    let Json(state): Json<Value> = row.get("state");
    let Json(changes): Json<BTreeMap<String, [Value; 2]>> = row.get("changes");
    // The row as it was, and as it became: a new one has no value before it, and a deleted one none after it.
    let with = |side: usize| -> Result<State, String> {
        let mut columns = state.as_object().cloned().unwrap_or_default();
        for (column, values) in &changes {
            match &values[side] {
                Value::Null => drop(columns.remove(column)),
                value => drop(columns.insert(column.clone(), value.clone())),
            }
        }
        serde_json::from_value(columns.into()).map_err(|error| error.to_string())
    };
    let read: State = serde_json::from_value(state.clone()).map_err(|error| error.to_string())?;
    let (before, after) = (with(0)?, with(1)?);
    let team =
        |id: Option<Uuid>, name: &str| Some(TeamRef { id: id?, name: row.get::<_, Option<String>>(name)? });
    let id = |column: &str| row.get::<_, Option<&str>>(column).and_then(|id| id.parse().ok());
    let (home, away) = (team(id("home_id"), "home"), team(id("away_id"), "away"));
    let sequence: i64 = row.get("id");
    let subject: &str = row.get("subject");
    let kind: &str = row.get("event");
    let game = row.get::<_, Option<Uuid>>("match_id").map(|id| MatchResult {
        id,
        external_id: read.external_id.clone(),
        round: read.round_slug.clone(),
        group: read.group_name.clone(),
        kickoff: after.date.map(utc),
        home: home.clone(),
        away: away.clone(),
        now: after.outcome(),
        before: before.status.is_some().then(|| before.outcome()),
    });
    let tie = (subject == "bracket").then(|| TieResult {
        round: read.round_slug.clone(),
        number: read.tie_number,
        home,
        away,
        winner: team(after.winner_team_id, "winner"),
        decided_by: after.decided_by.clone(),
        next_round: read.next_round_slug.clone(),
    });
    Ok(ResultEvent {
        version: VERSION,
        key: format!("{environment}/{sequence}"),
        sequence,
        kind: kind.parse().map_err(|_| format!("event {kind:?} is not known"))?,
        at: utc(row.get("changed_at")),
        tournament: TournamentRef {
            id: row.get("tournament_id"),
            slug: row.get("slug"),
            label: row.get("label"),
            season: row.get("season"),
        },
        game,
        tie,
        execution_id: row.get("execution_id"),
        by_hand: row.get::<_, Option<bool>>("by_hand").unwrap_or_default(),
    })
}
