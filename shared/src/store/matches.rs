//! Statements on `match`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::rounds::KIND;
use super::{StoreError, locks, stamp, utc};
use crate::outcomes::Outcomes;
use football::domain::{
    Match, MatchStatus, ProviderName, RoundKind, Score, Stage, StoredMatch, TieFacts, Winner,
};
use football::plan::checks::Kickoff;

const COLUMNS: &str = "external_id, round_slug, group_name, external_home_team_id, external_away_team_id,
    home_score, away_score, home_penalties_score, away_penalties_score, date, status, provider_changed_at,
    scoreboard_applied_at IS NOT NULL AS scored, doubted_score,
    went_to_extra_time, awarded, winner_code, tie_winner_code, previous_leg_external_id, tie_legs,
    provider_stage_id, called_off, (SELECT to_jsonb(l) FROM match_lock l WHERE l.match_id = id) AS lock";

/// SQL condition: the match `m` is open. A match with an unknown status (from an older version) counts as ended if the
/// application has scored it, else as open: so it is requested again, and the provider's answer corrects the row.
pub const OPEN: &str = "(m.status = 'open'
    OR (m.status NOT IN ('ended', 'not-defined') AND m.scoreboard_applied_at IS NULL))";

/// SQL condition: the match `m` is open and still expected at the time in the parameter `moment`. A match that was not
/// played on its date stays open, but must not block its season for longer than 30 days.
pub(super) fn awaited(moment: &str) -> String {
    format!("({OPEN} AND (m.date IS NULL OR m.date > {moment} - interval '30 days'))")
}

fn winner(code: Option<i32>) -> Option<Winner> {
    Winner::from_code(code?)
}

/// Reads the column `provider_stage_id`: null in rows of versions without it, empty where the provider gives none.
fn stage(id: Option<String>) -> Stage {
    match id {
        None => Stage::Unread,
        Some(id) if id.is_empty() => Stage::Unknown,
        Some(id) => Stage::Id(id),
    }
}

/// Reads a row; an unknown status is mapped as in [`OPEN`].
fn stored(row: &Row) -> StoredMatch {
    let status: &str = row.get("status");
    let known: Option<MatchStatus> = status.parse().ok();
    let scored: bool = row.get("scored");
    let both = |home: Option<i32>, away: Option<i32>| Some((home?, away?));
    let shootout = both(row.get("home_penalties_score"), row.get("away_penalties_score"));
    let stored = Match {
        external_id: row.get("external_id"),
        round_slug: row.get("round_slug"),
        stage: stage(row.get("provider_stage_id")),
        group_name: row.get("group_name"),
        home: row.get("external_home_team_id"),
        away: row.get("external_away_team_id"),
        kickoff: row.get::<_, Option<NaiveDateTime>>("date").map(utc),
        status: known.unwrap_or(if scored { MatchStatus::Ended } else { MatchStatus::Open }),
        called_off: row.get::<_, Option<&str>>("called_off").and_then(|reason| reason.parse().ok()),
        score: both(row.get("home_score"), row.get("away_score")).map(|(home, away)| Score {
            home,
            away,
            shootout,
        }),
        changed_at: row.get::<_, Option<NaiveDateTime>>("provider_changed_at").map(utc),
        tie: TieFacts {
            extra_time: row.get("went_to_extra_time"),
            awarded: row.get("awarded"),
            winner: winner(row.get("winner_code")),
            tie_winner: winner(row.get("tie_winner_code")),
            previous_leg: row.get("previous_leg_external_id"),
            legs: row.get("tie_legs"),
        },
    };
    let lock: Option<Json<locks::Row>> = row.get("lock");
    StoredMatch {
        lock: lock.map(|Json(lock)| lock.read(&stored)),
        known: stored,
        scored,
        doubted: row.get("doubted_score"),
        unknown_status: known.is_none().then(|| status.to_owned()),
    }
}

/// One match; locked until the transaction ends, against runs and the application.
pub async fn lock_one(
    transaction: &tokio_postgres::Transaction<'_>,
    id: Uuid,
) -> Result<Option<StoredMatch>, StoreError> {
    // Read once it is locked: a statement that waits for the row would read its lock by a person as it was before.
    let lock = "SELECT 1 FROM match WHERE id = $1 FOR NO KEY UPDATE";
    transaction.query_typed(lock, &[(&id, Type::UUID)]).await?;
    let sql = format!("SELECT {COLUMNS} FROM match WHERE id = $1");
    Ok(transaction.query_typed(&sql, &[(&id, Type::UUID)]).await?.first().map(stored))
}

/// The stored matches of a tournament: of some rounds, and any with these provider's ids (a match may move between
/// rounds).
pub async fn of_rounds(
    client: &impl GenericClient,
    tournament: Uuid,
    rounds: &[&str],
    external_ids: &[&str],
) -> Result<Vec<StoredMatch>, StoreError> {
    let sql = format!("SELECT {COLUMNS} {IN_ROUNDS}");
    let rows = client
        .query_typed(
            &sql,
            &[(&tournament, Type::UUID), (&rounds, Type::TEXT_ARRAY), (&external_ids, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(stored).collect())
}

/// The same, and locks them until the transaction ends, against other runs and the application, which may be scoring
/// one at the same time.
pub async fn lock_of_rounds(
    transaction: &tokio_postgres::Transaction<'_>,
    tournament: Uuid,
    rounds: &[&str],
    external_ids: &[&str],
) -> Result<Vec<StoredMatch>, StoreError> {
    // Read once they are locked, like one.
    let sql = format!("SELECT 1 {IN_ROUNDS} FOR NO KEY UPDATE");
    transaction
        .query_typed(
            &sql,
            &[(&tournament, Type::UUID), (&rounds, Type::TEXT_ARRAY), (&external_ids, Type::TEXT_ARRAY)],
        )
        .await?;
    of_rounds(transaction, tournament, rounds, external_ids).await
}

const IN_ROUNDS: &str =
    "FROM match WHERE tournament_id = $1 AND (round_slug = ANY($2) OR external_id = ANY($3))
    ORDER BY date, external_id";

/// The matches of a tournament's rounds of one kind: season rounds for the table, knockout rounds for the bracket.
pub async fn of_kind(
    client: &impl GenericClient,
    tournament: Uuid,
    kind: RoundKind,
) -> Result<Vec<StoredMatch>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM match m WHERE tournament_id = $1 AND EXISTS (
            SELECT 1 FROM tournament_round r
             WHERE r.tournament_id = m.tournament_id AND r.slug = m.round_slug AND {KIND} = $2)
          ORDER BY date, external_id"
    );
    let kind = kind.to_string();
    let rows = client.query_typed(&sql, &[(&tournament, Type::UUID), (&kind, Type::TEXT)]).await?;
    Ok(rows.iter().map(stored).collect())
}

/// The stored matches of some tournaments with these provider's ids, by tournament.
pub async fn of_events(
    client: &impl GenericClient,
    tournaments: &[Uuid],
    external_ids: &[&str],
) -> Result<BTreeMap<Uuid, Vec<StoredMatch>>, StoreError> {
    let sql = format!(
        "SELECT m.tournament_id, {COLUMNS} FROM match m WHERE external_id = ANY($2) AND tournament_id = ANY($1)"
    );
    let rows = client
        .query_typed(&sql, &[(&tournaments, Type::UUID_ARRAY), (&external_ids, Type::TEXT_ARRAY)])
        .await?;
    let mut found: BTreeMap<Uuid, Vec<StoredMatch>> = BTreeMap::new();
    for row in &rows {
        found.entry(row.get("tournament_id")).or_default().push(stored(row));
    }
    Ok(found)
}

/// The matches of these rounds with a kickoff between `since` and `until`, and older ones that are open, by round.
pub async fn between(
    client: &impl GenericClient,
    rounds: &BTreeSet<(Uuid, String)>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<BTreeMap<(Uuid, String), Vec<StoredMatch>>, StoreError> {
    let ids: Vec<Uuid> = rounds.iter().map(|(id, _)| *id).collect();
    let slugs: Vec<&str> = rounds.iter().map(|(_, slug)| slug.as_str()).collect();
    let sql = format!(
        "SELECT m.tournament_id, {COLUMNS} FROM match m
          WHERE (m.date >= $3 OR {OPEN}) AND m.date <= $4
            AND (m.tournament_id, m.round_slug) IN (SELECT * FROM UNNEST($1::uuid[], $2::text[]))"
    );
    let rows = client
        .query_typed(
            &sql,
            &[
                (&ids, Type::UUID_ARRAY),
                (&slugs, Type::TEXT_ARRAY),
                (&stamp(since), Type::TIMESTAMP),
                (&stamp(until), Type::TIMESTAMP),
            ],
        )
        .await?;
    let mut found: BTreeMap<(Uuid, String), Vec<StoredMatch>> = BTreeMap::new();
    for row in &rows {
        let row_match = stored(row);
        found
            .entry((row.get("tournament_id"), row_match.known.round_slug.clone()))
            .or_default()
            .push(row_match);
    }
    Ok(found)
}

/// Whether a row of the tournament was created under another provider.
pub async fn has_other_provider(
    client: &impl GenericClient,
    tournament: Uuid,
    provider: ProviderName,
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "SELECT 1 FROM match WHERE tournament_id = $1 AND provider <> $2 LIMIT 1",
            &[(&tournament, Type::UUID), (&provider.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Kickoffs of active tournaments before `until`: those with an open match, however old, and all since `since`.
pub async fn kickoffs(
    client: &impl GenericClient,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Kickoff>, StoreError> {
    let sql = format!(
        "SELECT m.tournament_id, m.round_slug, m.date, bool_or({OPEN}),
                t.mode <> 'knockout-only' AND bool_or({KIND} = 'season')
           FROM match m JOIN tournament t ON t.id = m.tournament_id
           LEFT JOIN tournament_round r ON r.tournament_id = m.tournament_id AND r.slug = m.round_slug
          WHERE m.date < $2 AND ({OPEN} OR (m.status = 'ended' AND m.date >= $1))
            AND t.status = 'active' AND t.deleted_at IS NULL
          GROUP BY m.tournament_id, t.mode, m.round_slug, m.date ORDER BY m.date, m.tournament_id, m.round_slug"
    );
    let rows = client
        .query_typed(&sql, &[(&stamp(since), Type::TIMESTAMP), (&stamp(until), Type::TIMESTAMP)])
        .await?;
    Ok(rows
        .iter()
        .map(|row| Kickoff {
            tournament_id: row.get(0),
            round_slug: row.get(1),
            at: utc(row.get(2)),
            open: row.get(3),
            in_table: row.get(4),
        })
        .collect())
}

/// Records scores that were read and not taken, seen for the first time (provider's id and `home-away`).
pub async fn doubt(
    client: &impl GenericClient,
    tournament: Uuid,
    doubts: &[(String, String)],
) -> Result<u64, StoreError> {
    let ids: Vec<&str> = doubts.iter().map(|(id, _)| id.as_str()).collect();
    let scores: Vec<&str> = doubts.iter().map(|(_, score)| score.as_str()).collect();
    let rows = client
        .query_typed(
            "UPDATE match m SET doubted_score = t.score FROM UNNEST($2::text[], $3::text[]) AS t (id, score)
              WHERE m.tournament_id = $1 AND m.external_id = t.id AND m.doubted_score IS DISTINCT FROM t.score
             RETURNING m.id",
            &[(&tournament, Type::UUID), (&ids, Type::TEXT_ARRAY), (&scores, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.len() as u64)
}

/// The column `provider_stage_id`.
fn stage_id(m: &Match) -> Option<&str> {
    match &m.stage {
        Stage::Unread => None,
        Stage::Unknown => Some(""),
        Stage::Id(id) => Some(id),
    }
}

/// The statement of [`upsert`].
const UPSERT: &str =
    "WITH input AS (
       SELECT * FROM UNNEST($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::int[],
                            $10::int[], $11::int[], $12::timestamp[], $13::text[], $14::timestamp[],
                            $16::bool[], $17::bool[], $18::int[], $19::int[], $20::text[], $21::int[],
                            $22::text[], $23::text[], $24::text[])
         AS t (external_id, round_slug, group_name, home, away, home_score, away_score, home_penalties,
               away_penalties, date, status, changed_at, extra_time, awarded, winner_code, tie_winner_code,
               previous_leg, tie_legs, stage, called_off, read_from)),
     resolved AS (
       -- A row stays what it was created as.
       SELECT i.*, h.id AS home_team_id, a.id AS away_team_id,
              COALESCE((SELECT m.provider FROM match m WHERE m.external_id = i.external_id AND m.tournament_id = $2 LIMIT 1),
                       i.read_from) AS provider
         FROM input i
         JOIN team h ON h.provider = $1 AND h.external_id = i.home
         JOIN team a ON a.provider = $1 AND a.external_id = i.away),
     written AS (
       INSERT INTO match AS m (external_id, provider, tournament_id, round_slug, group_name, home_team_id,
              external_home_team_id, away_team_id, external_away_team_id, home_score, away_score,
              home_penalties_score, away_penalties_score, date, status, provider_changed_at,
              went_to_extra_time, awarded, winner_code, tie_winner_code, previous_leg_external_id, tie_legs,
              provider_stage_id, called_off, last_checked_at, created_at, updated_at)
       SELECT external_id, provider, $2, round_slug, group_name, home_team_id, home, away_team_id, away, home_score,
              away_score, home_penalties, away_penalties, date, status, changed_at, extra_time, awarded,
              winner_code, tie_winner_code, previous_leg, tie_legs, stage, called_off, $15, $15, $15
         FROM resolved ORDER BY external_id
       ON CONFLICT (external_id, provider) DO UPDATE
          SET round_slug = excluded.round_slug, group_name = COALESCE(NULLIF(excluded.group_name, ''), m.group_name),
              home_team_id = excluded.home_team_id, external_home_team_id = excluded.external_home_team_id,
              away_team_id = excluded.away_team_id, external_away_team_id = excluded.external_away_team_id,
              home_score = excluded.home_score, away_score = excluded.away_score,
              home_penalties_score = excluded.home_penalties_score,
              away_penalties_score = excluded.away_penalties_score, date = excluded.date,
              status = excluded.status,
              provider_changed_at = COALESCE(excluded.provider_changed_at, m.provider_changed_at),
              doubted_score = NULL, went_to_extra_time = excluded.went_to_extra_time,
              awarded = excluded.awarded, winner_code = excluded.winner_code,
              tie_winner_code = excluded.tie_winner_code,
              -- Some lists leave these out.
              previous_leg_external_id =
                COALESCE(excluded.previous_leg_external_id, m.previous_leg_external_id),
              tie_legs = COALESCE(excluded.tie_legs, m.tie_legs),
              provider_stage_id = COALESCE(NULLIF(excluded.provider_stage_id, ''), m.provider_stage_id,
                                           excluded.provider_stage_id),
              called_off = excluded.called_off, last_checked_at = excluded.last_checked_at, updated_at = excluded.updated_at
        WHERE m.tournament_id = excluded.tournament_id
          AND (m.round_slug, m.group_name, m.home_team_id, m.away_team_id, m.home_score, m.away_score,
               m.home_penalties_score, m.away_penalties_score, m.date, m.status, m.went_to_extra_time,
               m.awarded, m.winner_code, m.tie_winner_code, m.previous_leg_external_id, m.tie_legs,
               m.provider_stage_id, m.called_off)
              IS DISTINCT FROM
              (excluded.round_slug, COALESCE(NULLIF(excluded.group_name, ''), m.group_name), excluded.home_team_id, excluded.away_team_id,
               excluded.home_score, excluded.away_score, excluded.home_penalties_score,
               excluded.away_penalties_score, excluded.date, excluded.status, excluded.went_to_extra_time,
               excluded.awarded, excluded.winner_code, excluded.tie_winner_code,
               COALESCE(excluded.previous_leg_external_id, m.previous_leg_external_id),
               COALESCE(excluded.tie_legs, m.tie_legs),
               COALESCE(NULLIF(excluded.provider_stage_id, ''), m.provider_stage_id, excluded.provider_stage_id),
               excluded.called_off)
          AND (m.status <> 'ended'
               OR (excluded.status = 'ended' AND (excluded.home_score IS NOT NULL OR m.home_score IS NULL))
               -- A newer decision of the competition: `football::plan::matches` says which these are.
               OR (excluded.provider_changed_at > COALESCE(m.provider_changed_at, '-infinity')
                   AND (excluded.status = 'not-defined'
                        OR (excluded.status = 'ended' AND excluded.awarded)
                        OR (excluded.status = 'open' AND excluded.home_score IS NULL
                            AND excluded.date > COALESCE(m.date, '-infinity')
                            AND excluded.date > excluded.provider_changed_at)))
               OR (excluded.status = 'not-defined' AND excluded.called_off = 'gone'))
          AND COALESCE(excluded.provider_changed_at >= m.provider_changed_at, true)
       RETURNING id, external_id, (xmax = 0) AS inserted)
     SELECT i.external_id, w.id,
            CASE WHEN w.inserted THEN 'inserted' WHEN NOT w.inserted THEN 'updated'
                 WHEN r.external_id IS NULL THEN 'unresolved'
                 WHEN EXISTS (SELECT 1 FROM match m WHERE m.external_id = i.external_id AND m.provider = r.provider
                                 AND m.tournament_id <> $2) THEN 'unresolved'
                 ELSE 'unchanged' END AS outcome
       FROM input i LEFT JOIN resolved r USING (external_id) LEFT JOIN written w USING (external_id)";

/// What became of matches.
#[derive(Debug, Default)]
pub struct Upserted {
    /// How many were written.
    pub outcomes: Outcomes,
    /// The provider's ids of those that could not be.
    pub unresolved: Vec<String>,
    /// Our ids of those that were, by the provider's.
    pub written: BTreeMap<String, Uuid>,
}

/// Writes matches that are new or differ, in one statement. Since another run may have written meanwhile, the statement
/// itself prevents that an ended match is reopened or a row is overwritten from an older payload.
///
/// `provider` is the one whose ids the teams have. A match that is new is created under `read_from` of it.
pub async fn upsert(
    client: &impl GenericClient,
    provider: ProviderName,
    tournament: Uuid,
    matches: &[Match],
    read_from: impl Fn(&Match) -> ProviderName,
    now: DateTime<Utc>,
) -> Result<Upserted, StoreError> {
    fn column<'a, T>(matches: &'a [Match], get: impl Fn(&'a Match) -> T) -> Vec<T> {
        matches.iter().map(get).collect()
    }
    let rows = client
        .query_typed(
            UPSERT,
            &[
                (&provider.as_str(), Type::TEXT),
                (&tournament, Type::UUID),
                (&column(matches, |m| m.external_id.as_str()), Type::TEXT_ARRAY),
                (&column(matches, |m| m.round_slug.as_str()), Type::TEXT_ARRAY),
                (&column(matches, |m| m.group_name.as_str()), Type::TEXT_ARRAY),
                (&column(matches, |m| m.home.as_str()), Type::TEXT_ARRAY),
                (&column(matches, |m| m.away.as_str()), Type::TEXT_ARRAY),
                (&column(matches, |m| m.score.map(|s| s.home)), Type::INT4_ARRAY),
                (&column(matches, |m| m.score.map(|s| s.away)), Type::INT4_ARRAY),
                (
                    &column(matches, |m| m.score.and_then(|s| s.shootout).map(|(home, _)| home)),
                    Type::INT4_ARRAY,
                ),
                (
                    &column(matches, |m| m.score.and_then(|s| s.shootout).map(|(_, away)| away)),
                    Type::INT4_ARRAY,
                ),
                (&column(matches, |m| m.kickoff.map(stamp)), Type::TIMESTAMP_ARRAY),
                (&column(matches, |m| m.status.to_string()), Type::TEXT_ARRAY),
                (&column(matches, |m| m.changed_at.map(stamp)), Type::TIMESTAMP_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
                (&column(matches, |m| m.tie.extra_time), Type::BOOL_ARRAY),
                (&column(matches, |m| m.tie.awarded), Type::BOOL_ARRAY),
                (&column(matches, |m| m.tie.winner.map(Winner::code)), Type::INT4_ARRAY),
                (&column(matches, |m| m.tie.tie_winner.map(Winner::code)), Type::INT4_ARRAY),
                (&column(matches, |m| m.tie.previous_leg.as_deref()), Type::TEXT_ARRAY),
                (&column(matches, |m| m.tie.legs), Type::INT4_ARRAY),
                (&column(matches, stage_id), Type::TEXT_ARRAY),
                (&column(matches, |m| m.called_off.map(|reason| reason.to_string())), Type::TEXT_ARRAY),
                (&column(matches, |m| read_from(m).as_str()), Type::TEXT_ARRAY),
            ],
        )
        .await?;
    let mut upserted = Upserted::default();
    for row in &rows {
        let outcome: &str = row.get("outcome");
        upserted.outcomes.count(outcome);
        if outcome == "unresolved" {
            upserted.unresolved.push(row.get("external_id"));
        }
        if let Some(id) = row.get("id") {
            upserted.written.insert(row.get("external_id"), id);
        }
    }
    Ok(upserted)
}
