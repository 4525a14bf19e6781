//! A day at a glance, in two statements: its kickoffs with the state of their checks, and what needs a person.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use football::plan::checks::Offsets;
use shared::store::matches::OPEN;
use shared::store::{StoreError, stamp};

/// Kickoffs shown one by one; on a fuller day those with problems, then those nearest to now.
const KICKOFFS: i32 = 100;
/// Items shown of each kind that needs a person; `total` counts all of them.
const ITEMS: i32 = 10;
/// A check this long after its time is late.
const GRACE: TimeDelta = TimeDelta::minutes(10);
/// A kickoff whose match is open this long after it needs a person: follow-ups have ended.
const OPEN_FOR: TimeDelta = TimeDelta::hours(6);

/// Where a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[derive(utoipa::ToSchema)]
pub(crate) enum CheckState {
    /// Made, and all went in.
    Done,
    /// Made, and a part failed.
    Partial,
    /// Made, and failed.
    Failed,
    /// Being made.
    Running,
    /// Still to come.
    Due,
    /// Its time is past and it was not made.
    Late,
    /// Not made, and not needed: the matches are over, or a later check has made up for it.
    Unneeded,
}

/// A check of a kickoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DayCheck {
    /// Where it stands.
    pub(crate) state: CheckState,
    /// The execution that made it.
    pub(crate) execution: Option<Uuid>,
    /// When it is to be made, UTC.
    #[serde(deserialize_with = "utc")]
    pub(crate) at: DateTime<Utc>,
}

/// Matches of a round that start at one moment, and what became of their checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DayKickoff {
    /// When, UTC.
    #[serde(deserialize_with = "utc")]
    pub(crate) at: DateTime<Utc>,
    /// Of which tournament.
    pub(crate) tournament_id: Uuid,
    /// Its label.
    pub(crate) label: String,
    /// Of which round.
    pub(crate) round_slug: String,
    /// How many.
    pub(crate) matches: i64,
    /// How many of them are over.
    pub(crate) ended: i64,
    /// How many of them are open.
    pub(crate) open: i64,
    /// The check while they run.
    pub(crate) interim: DayCheck,
    /// The check after them.
    pub(crate) closing: DayCheck,
}

/// An hour of the day, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DayHour {
    /// From 0.
    pub(crate) hour: i32,
    /// Kickoffs in it.
    pub(crate) kickoffs: i64,
    /// Matches in it.
    pub(crate) matches: i64,
    /// Those that are over.
    pub(crate) ended: i64,
    /// Closing checks by where they stand.
    pub(crate) checks: BTreeMap<String, i64>,
}

/// The day's kickoffs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct Timeline {
    /// Hour by hour; hours without a kickoff are left out.
    pub(crate) hours: Vec<DayHour>,
    /// The kickoffs, by time: all of them, or of a full day those that matter most now.
    pub(crate) kickoffs: Vec<DayKickoff>,
    /// How many there are.
    pub(crate) total: i64,
}

/// The statement of [`timeline`]; `{OPEN}` is [`OPEN`].
const TIMELINE: &str = r#"WITH kickoff AS (
       SELECT m.tournament_id, m.round_slug, m.date AS at, m.date + $4 * interval '1 minute' AS closing_at,
              count(*) AS matches, count(*) FILTER (WHERE m.status <> 'not-defined' AND NOT {OPEN}) AS ended,
              count(*) FILTER (WHERE {OPEN}) AS open
         FROM match m
        WHERE m.date >= $1 AND m.date < $2 AND ($8::uuid IS NULL OR m.tournament_id = $8)
          AND m.tournament_id IN (SELECT id FROM tournament
                                   WHERE deleted_at IS NULL AND status IN ('active', 'completed'))
        GROUP BY m.tournament_id, m.date, m.round_slug),
     -- A row says where its check stands; the execution under its key, how that went.
     made AS MATERIALIZED (
       SELECT c.tournament_id, c.round_slug, c.kickoff, c.kind, e.id,
              CASE WHEN c.outcome = 'cancelled' THEN 'unneeded'
                   WHEN c.outcome = 'given_up' OR e.status = 'failed' THEN 'failed'
                   WHEN e.status = 'partial_failure' THEN 'partial'
                   WHEN e.status = 'in_progress' THEN 'running'
                   WHEN c.done_at IS NOT NULL OR e.status = 'completed' THEN 'done'
                   WHEN c.due_at > $6 THEN 'due' ELSE 'late' END AS state
         FROM scheduled_check c LEFT JOIN data_provider_executions e ON e.idempotency_key = c.key
        WHERE c.due_at >= $1 AND c.due_at < $2 + interval '1 day' AND c.kind IN ('interim', 'closing')
          AND ($8::uuid IS NULL OR c.tournament_id = $8)),
     checked AS MATERIALIZED (
       SELECT k.*, c.id AS closing_id,
              -- Without a row: not planned yet, or of a time before this version.
              COALESCE(c.state, CASE WHEN closing_at > $6 AND open > 0 OR closing_at > $5 THEN 'due'
                                     WHEN open = 0 THEN 'unneeded' ELSE 'late' END) AS closing_state
         FROM kickoff k
         LEFT JOIN made c ON c.tournament_id = k.tournament_id AND c.round_slug = k.round_slug AND c.kickoff = k.at
               AND c.kind = 'closing'),
     states AS (
       SELECT date_part('hour', at)::int AS hour, closing_state, count(*) AS n, sum(matches) AS matches,
              sum(ended) AS ended FROM checked GROUP BY 1, 2),
     chosen AS (
       SELECT *, at + $3 * interval '1 minute' AS interim_at FROM checked
        ORDER BY CASE WHEN closing_state IN ('late', 'failed', 'partial') AND open > 0 THEN 0 ELSE 1 END,
                 abs(date_part('epoch', at - $5)), tournament_id, round_slug
        LIMIT $7),
     -- Labels and interim checks are read only for the kickoffs that are shown.
     shown AS (
       SELECT k.*, t.label, i.id AS interim_id,
              -- An interim check that the closing one has overtaken is not missed any more.
              COALESCE(CASE WHEN i.state = 'late' AND closing_state IN ('done', 'partial') THEN 'unneeded' ELSE i.state END,
                       CASE WHEN interim_at > $6 AND open > 0 OR interim_at > $5 THEN 'due'
                                     WHEN open = 0 OR closing_at <= $5 THEN 'unneeded' ELSE 'late' END) AS interim_state
         FROM chosen k JOIN tournament t ON t.id = k.tournament_id
         LEFT JOIN made i ON i.tournament_id = k.tournament_id AND i.round_slug = k.round_slug AND i.kickoff = k.at
               AND i.kind = 'interim')
     SELECT jsonb_build_object(
       'total', (SELECT COALESCE(sum(n), 0) FROM states),
       'hours', (SELECT COALESCE(jsonb_agg(h ORDER BY h.hour), '[]')
                   FROM (SELECT hour, sum(n) AS kickoffs, sum(matches) AS matches, sum(ended) AS ended,
                                jsonb_object_agg(closing_state, n) AS checks FROM states GROUP BY hour) h),
       'kickoffs', (SELECT COALESCE(jsonb_agg(jsonb_build_object('at', at, 'tournamentId', tournament_id,
                             'label', left(label, 80), 'roundSlug', round_slug, 'matches', matches, 'ended', ended,
                             'open', open,
                             'interim', jsonb_build_object('state', interim_state, 'execution', interim_id, 'at', interim_at),
                             'closing', jsonb_build_object('state', closing_state, 'execution', closing_id, 'at', closing_at))
                           ORDER BY at, label, round_slug), '[]') FROM shown))"#;

/// The kickoffs of some days (of one tournament, or of all), and the state of their checks at `now`.
pub(crate) async fn timeline(
    client: &impl GenericClient,
    days: Range<NaiveDate>,
    tournament: Option<Uuid>,
    offsets: &Offsets,
    now: DateTime<Utc>,
) -> Result<Timeline, StoreError> {
    let (since, until) = (days.start.and_time(NaiveTime::MIN), days.end.and_time(NaiveTime::MIN));
    let minutes = |offset: TimeDelta| i32::try_from(offset.num_minutes()).unwrap_or(i32::MAX);
    let rows = client
        .query_typed(
            &TIMELINE.replace("{OPEN}", OPEN),
            &[
                (&since, Type::TIMESTAMP),
                (&until, Type::TIMESTAMP),
                (&f64::from(minutes(offsets.interim)), Type::FLOAT8),
                (&f64::from(minutes(offsets.closing)), Type::FLOAT8),
                (&stamp(now), Type::TIMESTAMP),
                (&stamp(now - GRACE), Type::TIMESTAMP),
                (&i64::from(KICKOFFS), Type::INT8),
                (&tournament, Type::UUID),
            ],
        )
        .await?;
    read(rows[0].get(0), "timeline")
}

/// Why something needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(utoipa::ToSchema)]
pub(crate) enum ItemKind {
    /// The provider refused and is left alone.
    Circuit,
    /// An execution failed, and none after it made up for it.
    Failed,
    /// A run is dead or never began.
    Stuck,
    /// A check is late: it was due ten minutes ago, and no run works on it.
    Late,
    /// A check is due soon, and no alarm wakes its function.
    Alarm,
    /// A match is open long after it must have ended.
    Open,
    /// A part of an execution failed.
    Partial,
    /// A table differs from the provider's.
    Drift,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct Item {
    /// Why.
    pub(crate) kind: ItemKind,
    /// The execution it is about.
    pub(crate) execution: Option<Uuid>,
    /// The tournament it is about.
    pub(crate) tournament: Option<Uuid>,
    /// Its label.
    pub(crate) label: Option<String>,
    /// `matches_update` and the like, the slug of a round, or a check and its round.
    pub(crate) what: Option<String>,
    /// What is known of it.
    pub(crate) detail: Option<String>,
    /// Since when, UTC.
    #[serde(deserialize_with = "utc_if_any")]
    pub(crate) at: Option<DateTime<Utc>>,
    /// How many there are of the kind.
    pub(crate) total: i64,
}

/// What needs a person, and the day's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct Attention {
    /// What needs a person, the most urgent first; at most ten of a kind.
    pub(crate) items: Vec<Item>,
    /// The day's executions by status.
    pub(crate) executions: BTreeMap<String, i64>,
    /// Requests that they made.
    pub(crate) requests: i64,
    /// When the daily routine last ended well, UTC.
    #[serde(deserialize_with = "utc_if_any")]
    pub(crate) daily_routine_at: Option<DateTime<Utc>>,
    /// Active tournaments.
    pub(crate) active_tournaments: i64,
}

/// The statement of [`attention`]; `{OPEN}` is [`OPEN`].
const ATTENTION: &str =
    "WITH of_day AS MATERIALIZED (
         SELECT e.id, e.tournament_id, COALESCE(t.label, e.summary ->> 'tournamentLabel') AS label, e.operation_type,
                e.status, e.started_at, e.summary
           FROM data_provider_executions e LEFT JOIN tournament t ON t.id = e.tournament_id
          WHERE e.started_at >= $1 AND e.started_at < $2),
       -- When the same work last succeeded. One join, since a lookup for each failure is slow where many fail.
       went_well AS MATERIALIZED (
         SELECT operation_type, COALESCE(tournament_id, $6) AS tournament_id, max(started_at) AS at
           FROM data_provider_executions
          WHERE started_at >= $1 AND status IN ('completed', 'partial_failure') GROUP BY 1, 2),
       items AS (
         (SELECT 0 AS rank, 'circuit' AS kind, NULL::uuid AS execution, NULL::uuid AS tournament, provider AS label,
                 NULL AS what, left(reason, 300) AS detail, opened_at AS at, count(*) OVER () AS total
            FROM provider_circuit WHERE state <> 'closed')
         UNION ALL
         (SELECT 1, 'failed', e.id, e.tournament_id, e.label, e.operation_type,
                 left(COALESCE(e.summary -> 'errors' ->> 0, e.summary ->> 'error'), 300), e.started_at, count(*) OVER ()
            FROM of_day e
            LEFT JOIN went_well w ON w.operation_type = e.operation_type
                  AND w.tournament_id = COALESCE(e.tournament_id, $6)
           WHERE e.status = 'failed' AND (w.at IS NULL OR w.at < e.started_at)
           ORDER BY e.started_at DESC LIMIT $5)
         UNION ALL
         (SELECT 2, 'stuck', e.id, e.tournament_id, t.label, e.operation_type, NULL, e.started_at, count(*) OVER ()
            FROM data_provider_executions e LEFT JOIN tournament t ON t.id = e.tournament_id
           WHERE e.status = 'in_progress'
             AND COALESCE(e.lease_expires_at, e.started_at + interval '2 minutes') < $3
           ORDER BY e.started_at DESC LIMIT $5)
         UNION ALL
         (SELECT 3, 'late', NULL, c.tournament_id, t.label, concat_ws(' ', c.kind, c.round_slug), c.function, c.due_at,
                 count(*) OVER ()
            FROM scheduled_check c LEFT JOIN tournament t ON t.id = c.tournament_id
           WHERE c.done_at IS NULL AND c.due_at < $7
             AND NOT EXISTS (SELECT 1 FROM data_provider_executions e WHERE e.idempotency_key = c.key
                                AND e.status = 'in_progress' AND e.lease_expires_at > $3)
           ORDER BY c.due_at LIMIT $5)
         UNION ALL
         (SELECT 4, 'alarm', NULL, c.tournament_id, t.label, concat_ws(' ', c.kind, c.round_slug), c.function, c.due_at,
                 count(*) OVER ()
            FROM scheduled_check c LEFT JOIN tournament t ON t.id = c.tournament_id
           WHERE c.done_at IS NULL AND c.alarm_set IS NULL AND c.due_at >= $7 AND c.due_at < $3 + interval '15 minutes'
             AND c.created_at < $3 - interval '5 minutes'
           ORDER BY c.due_at LIMIT $5)
         UNION ALL
         (SELECT 5, 'open', NULL, m.tournament_id, t.label, m.round_slug, count(*)::text, min(m.date),
                 count(*) OVER ()
            FROM match m JOIN tournament t ON t.id = m.tournament_id
           WHERE {OPEN} AND m.date < $4 AND t.status = 'active' AND t.deleted_at IS NULL
           GROUP BY m.tournament_id, t.label, m.round_slug ORDER BY min(m.date) LIMIT $5)
         UNION ALL
         (SELECT 6, 'partial', e.id, e.tournament_id, e.label, e.operation_type,
                 left(e.summary -> 'errors' ->> 0, 300), e.started_at, count(*) OVER ()
            FROM of_day e WHERE e.status = 'partial_failure' ORDER BY e.started_at DESC LIMIT $5)
         UNION ALL
         (SELECT 7, 'drift', NULL, t.id, t.label, 'standings_update', left(d.text, 300), d.since, count(*) OVER ()
            FROM tournament t
           CROSS JOIN LATERAL (SELECT e->>'text' AS text, (e->>'since')::timestamptz AT TIME ZONE 'UTC' AS since
                                 FROM jsonb_array_elements(t.table_differences) AS e
                                WHERE NOT (e->>'explained')::boolean LIMIT 1) d
           WHERE t.deleted_at IS NULL ORDER BY d.since DESC LIMIT $5))
     SELECT jsonb_build_object(
       'items', (SELECT COALESCE(jsonb_agg(to_jsonb(i) - 'rank' ORDER BY rank, CASE WHEN kind = 'open' THEN at END, at DESC),
                                 '[]') FROM items i),
       'executions', (SELECT COALESCE(jsonb_object_agg(status, n), '{}')
                        FROM (SELECT status, count(*) AS n FROM of_day GROUP BY status) s),
       'requests', (SELECT COALESCE(sum(CASE WHEN jsonb_typeof(summary -> 'requests') = 'number'
                                             THEN (summary -> 'requests')::bigint END), 0) FROM of_day),
       'dailyRoutineAt', (SELECT completed_at FROM data_provider_executions
                           WHERE operation_type = 'daily_schedule' AND status IN ('completed', 'partial_failure')
                             AND COALESCE(summary ->> 'dryRun', 'false') <> 'true'
                           ORDER BY started_at DESC LIMIT 1),
       'activeTournaments', (SELECT count(*) FROM tournament WHERE status = 'active' AND deleted_at IS NULL))";

/// What needs a person on a day, as of `now`.
pub(crate) async fn attention(
    client: &impl GenericClient,
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Attention, StoreError> {
    let since = day.and_time(NaiveTime::MIN);
    let until = since.checked_add_signed(TimeDelta::days(1)).unwrap_or(since);
    let rows = client
        .query_typed(
            &ATTENTION.replace("{OPEN}", OPEN),
            &[
                (&since, Type::TIMESTAMP),
                (&until, Type::TIMESTAMP),
                (&stamp(now), Type::TIMESTAMP),
                (&stamp(now - OPEN_FOR), Type::TIMESTAMP),
                (&i64::from(ITEMS), Type::INT8),
                // Replaces a missing tournament, since nulls don't join.
                (&Uuid::nil(), Type::UUID),
                (&stamp(now - GRACE), Type::TIMESTAMP),
            ],
        )
        .await?;
    read(rows[0].get(0), "attention")
}

/// Reads a moment from a `timestamp` in JSON.
fn utc<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    NaiveDateTime::deserialize(deserializer).map(|at| at.and_utc())
}

fn utc_if_any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(Option::<NaiveDateTime>::deserialize(deserializer)?.map(|at| at.and_utc()))
}

fn read<T: serde::de::DeserializeOwned>(value: Value, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::Value {
        table: "desk",
        column: what,
        row: String::new(),
        value: error.to_string(),
        remedy: "an error of the page's own statement".to_owned(),
    })
}
