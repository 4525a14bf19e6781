//! Statements on `scheduled_check`: what is due, and what became of it.

use chrono::{DateTime, NaiveDateTime, Utc};
use football::plan::checks::{Check, CheckKind, Stored};
use strum::{Display, EnumString, IntoStaticStr};
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::pauses::is_paused_sql;
use super::{StoreError, stamp, utc};
use crate::event::key_of;
use crate::work::Function;

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CheckOutcome {
    /// Its executions ended.
    Done,
    /// Another check of the same subject was worked on at the same time.
    Covered,
    /// The matches need it no longer.
    Cancelled,
    /// It failed three times.
    GivenUp,
}

/// An open check that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its row.
    pub id: Uuid,
    /// What it is.
    pub check: Check,
    /// How often it was tried: its executions failed, or the process of the first one died.
    pub attempts: i32,
    /// Whether its first execution is done: what is left is a further one, and no other check gains by that.
    pub begun: bool,
    /// Whether a run works on it now.
    pub running: bool,
}

/// The columns that [`check`] reads, of the table `c`.
pub const COLUMNS: &str =
    "c.id, c.kind, c.tournament_id, c.round_slug, c.kickoff, c.retrying_since, c.due_at";

/// A row, as [`COLUMNS`] give it: its id and the check; none if its kind is one of another version.
pub fn check(row: &Row) -> Option<(Uuid, Check)> {
    let kind: CheckKind = row.get::<_, &str>("kind").parse().ok()?;
    let moment = |name: &str| row.get::<_, Option<NaiveDateTime>>(name).map(utc);
    let check = Check {
        kind,
        tournament_id: row.get("tournament_id"),
        round_slug: row.get("round_slug"),
        kickoff: moment("kickoff"),
        retrying_since: moment("retrying_since"),
        at: utc(row.get("due_at")),
    };
    Some((row.get("id"), check))
}

/// Inserts checks; one that exists already stays as it is, unless it was cancelled. Returns how many are new.
pub async fn insert(
    client: &impl GenericClient,
    checks: &[Check],
    created_by: Uuid,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    fn column<'a, T>(checks: &'a [Check], get: impl Fn(&'a Check) -> T) -> Vec<T> {
        checks.iter().map(get).collect()
    }
    if checks.is_empty() {
        return Ok(0);
    }
    let rows = client
        .query_typed(
            "INSERT INTO scheduled_check AS c (key, function, kind, tournament_id, round_slug, kickoff, retrying_since,
                                               due_at, created_by, created_at)
             SELECT DISTINCT ON (key) key, function, kind, tournament_id, round_slug, kickoff, retrying_since, due_at, $9, $10
               FROM UNNEST($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::timestamp[], $7::timestamp[],
                           $8::timestamp[])
                 AS t (key, function, kind, tournament_id, round_slug, kickoff, retrying_since, due_at)
              ORDER BY key
             ON CONFLICT (key) DO UPDATE SET done_at = NULL, outcome = NULL, alarm_set = NULL
              WHERE c.outcome = 'cancelled'
             RETURNING 1",
            &[
                (&column(checks, key_of), Type::TEXT_ARRAY),
                (&column(checks, |check| Function::from(check.kind).to_string()), Type::TEXT_ARRAY),
                (&column(checks, |check| check.kind.to_string()), Type::TEXT_ARRAY),
                (&column(checks, |check| check.tournament_id), Type::UUID_ARRAY),
                (&column(checks, |check| check.round_slug.as_deref()), Type::TEXT_ARRAY),
                (&column(checks, |check| check.kickoff.map(stamp)), Type::TIMESTAMP_ARRAY),
                (&column(checks, |check| check.retrying_since.map(stamp)), Type::TIMESTAMP_ARRAY),
                (&column(checks, |check| stamp(check.at)), Type::TIMESTAMP_ARRAY),
                (&created_by, Type::UUID),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows.len() as u64)
}

/// The open checks, and those of `day` that are made once a day.
pub async fn stored(client: &impl GenericClient, day: DateTime<Utc>) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, c.done_at IS NOT NULL AS done FROM scheduled_check c
          WHERE c.done_at IS NULL OR (c.due_at >= $1 AND c.kickoff = $1)"
    );
    let rows = client.query_typed(&sql, &[(&stamp(day), Type::TIMESTAMP)]).await?;
    let stored = |row: &Row| check(row).map(|(id, check)| Stored { id, check, done: row.get("done") });
    Ok(rows.iter().filter_map(stored).collect())
}

/// Whether a check of this kind of the round is open and due after `now`, at `until` at the latest.
pub async fn is_pending(
    client: &impl GenericClient,
    tournament: Uuid,
    round: &str,
    kind: CheckKind,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "SELECT 1 FROM scheduled_check
              WHERE tournament_id = $1 AND round_slug = $2 AND kind = $3 AND done_at IS NULL AND due_at > $4
                AND due_at <= $5 LIMIT 1",
            &[
                (&tournament, Type::UUID),
                (&round, Type::TEXT),
                (&kind.to_string(), Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
                (&stamp(until), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// The open checks of a function that are due at `now` and not paused: those never tried first, then the oldest.
pub async fn due(
    client: &impl GenericClient,
    function: Function,
    now: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<Due>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, e.begun, e.running,
                GREATEST(c.failures, CASE WHEN e.begun THEN 0 ELSE e.attempt END) AS attempts
           FROM scheduled_check c
          CROSS JOIN LATERAL (
                SELECT COALESCE(max(e.attempt), 0) AS attempt,
                       COALESCE(bool_or(e.status IN ('completed', 'partial_failure')), false) AS begun,
                       COALESCE(bool_or(e.status = 'in_progress' AND e.lease_expires_at > $2), false) AS running
                  FROM data_provider_executions e WHERE e.idempotency_key = c.key) e
          WHERE c.done_at IS NULL AND c.function = $1 AND c.due_at <= $2 AND NOT {paused}
          ORDER BY GREATEST(c.failures, CASE WHEN e.begun THEN 0 ELSE e.attempt END) > 0, c.due_at, c.key LIMIT $3",
        paused = is_paused_sql("c.tournament_id")
    );
    let rows = client
        .query_typed(
            &sql,
            &[
                (&function.to_string(), Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
                (&i64::try_from(limit).unwrap_or(i64::MAX), Type::INT8),
            ],
        )
        .await?;
    let due = |row: &Row| {
        check(row).map(|(id, check)| Due {
            id,
            check,
            attempts: row.get("attempts"),
            begun: row.get("begun"),
            running: row.get("running"),
        })
    };
    Ok(rows.iter().filter_map(due).collect())
}

/// Closes open checks.
pub async fn close(
    client: &impl GenericClient,
    closed: &[(Uuid, CheckOutcome)],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    if closed.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Uuid> = closed.iter().map(|(id, _)| *id).collect();
    let outcomes: Vec<&str> = closed.iter().map(|(_, outcome)| (*outcome).into()).collect();
    let rows = client
        .query_typed(
            "UPDATE scheduled_check c SET done_at = $3, outcome = t.outcome
               FROM UNNEST($1::uuid[], $2::text[]) AS t (id, outcome)
              WHERE c.id = t.id AND c.done_at IS NULL RETURNING 1",
            &[(&ids, Type::UUID_ARRAY), (&outcomes, Type::TEXT_ARRAY), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(rows.len() as u64)
}

/// Counts a failure of a check.
pub async fn failed(client: &impl GenericClient, id: Uuid) -> Result<(), StoreError> {
    let sql = "UPDATE scheduled_check SET failures = failures + 1 WHERE id = $1 RETURNING 1";
    client.query_typed(sql, &[(&id, Type::UUID)]).await?;
    Ok(())
}

/// Closes the check with this key, if there is one: its work was done by an event for it alone.
pub async fn close_by_key(
    client: &impl GenericClient,
    key: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE scheduled_check SET done_at = $2, outcome = 'done' WHERE key = $1 AND done_at IS NULL RETURNING 1",
            &[(&key, Type::TEXT), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(())
}

/// Cancels the open checks of these kickoffs of a tournament that have no open match any more.
pub async fn cancel_unneeded(
    client: &impl GenericClient,
    tournament: Uuid,
    kickoffs: &[(&str, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let rounds: Vec<&str> = kickoffs.iter().map(|(round, _)| *round).collect();
    let moments: Vec<NaiveDateTime> = kickoffs.iter().map(|(_, at)| stamp(*at)).collect();
    let rows = client
        .query_typed(
            "UPDATE scheduled_check c SET done_at = $4, outcome = 'cancelled'
               FROM UNNEST($2::text[], $3::timestamp[]) AS t (round, kickoff)
              WHERE c.tournament_id = $1 AND c.round_slug = t.round AND c.kickoff = t.kickoff AND c.done_at IS NULL
                AND c.kind IN ('interim', 'closing') AND c.due_at > $4
                AND NOT EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = $1 AND m.round_slug = t.round
                                   AND m.date = t.kickoff AND m.status <> 'not-defined')
             RETURNING 1",
            &[
                (&tournament, Type::UUID),
                (&rounds, Type::TEXT_ARRAY),
                (&moments, Type::TIMESTAMP_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows.len() as u64)
}

/// The moments before `until` at which functions must be woken, and whether the alarm for it is still to be set.
pub async fn moments(
    client: &impl GenericClient,
    until: DateTime<Utc>,
) -> Result<Vec<(String, DateTime<Utc>, bool)>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT function, due_at, bool_or(alarm_set IS NULL) FROM scheduled_check
              WHERE done_at IS NULL AND due_at < $1 GROUP BY function, due_at",
            &[(&stamp(until), Type::TIMESTAMP)],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), utc(row.get(1)), row.get(2))).collect())
}

/// Records that the alarms of these moments are set.
pub async fn alarms_set(
    client: &impl GenericClient,
    moments: &[(Function, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let functions: Vec<&str> = moments.iter().map(|(function, _)| (*function).into()).collect();
    let due: Vec<NaiveDateTime> = moments.iter().map(|(_, at)| stamp(*at)).collect();
    client
        .query_typed(
            "UPDATE scheduled_check c SET alarm_set = $3
               FROM UNNEST($1::text[], $2::timestamp[]) AS t (function, due_at)
              WHERE c.function = t.function AND c.due_at = t.due_at AND c.done_at IS NULL AND c.alarm_set IS NULL
             RETURNING 1",
            &[(&functions, Type::TEXT_ARRAY), (&due, Type::TIMESTAMP_ARRAY), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(())
}

/// Makes open checks need an alarm again: they were due and could not be begun.
pub async fn without_alarm(client: &impl GenericClient, ids: &[Uuid]) -> Result<(), StoreError> {
    if !ids.is_empty() {
        let sql =
            "UPDATE scheduled_check SET alarm_set = NULL WHERE id = ANY($1) AND done_at IS NULL RETURNING 1";
        client.query_typed(sql, &[(&ids, Type::UUID_ARRAY)]).await?;
    }
    Ok(())
}

/// Makes the checks of a function that are due at `now`, but not these, need an alarm again: a wake-up did not take them.
pub async fn others_without_alarm(
    client: &impl GenericClient,
    function: Function,
    now: DateTime<Utc>,
    taken: &[Uuid],
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE scheduled_check SET alarm_set = NULL
              WHERE done_at IS NULL AND function = $1 AND due_at <= $2 AND id <> ALL($3) RETURNING 1",
            &[
                (&function.to_string(), Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
                (&taken, Type::UUID_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// The rounds of a tournament that have a check of this kind for a day.
pub async fn rounds_of_day(
    client: &impl GenericClient,
    tournament: Uuid,
    kind: CheckKind,
    day: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT round_slug FROM scheduled_check
              WHERE tournament_id = $1 AND kind = $2 AND kickoff = $3 AND round_slug IS NOT NULL",
            &[(&tournament, Type::UUID), (&kind.to_string(), Type::TEXT), (&stamp(day), Type::TIMESTAMP)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
