//! A day at a glance, in one statement: its kickoffs with the state of their checks.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use football::plan::checks::Offsets;
use shared::store::matches::OPEN;
use shared::store::{StoreError, stamp};

/// Kickoffs shown one by one; on a fuller day those with problems, then those nearest to now.
const KICKOFFS: i32 = 100;
/// A check this long after its time is late.
pub(super) const GRACE: TimeDelta = TimeDelta::minutes(10);

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
    #[serde(deserialize_with = "super::utc_of_json")]
    pub(crate) at: DateTime<Utc>,
}

/// Matches of a round that start at one moment, and what became of their checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DayKickoff {
    /// When, UTC.
    #[serde(deserialize_with = "super::utc_of_json")]
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
    super::of_json(rows[0].get(0), "timeline")
}
