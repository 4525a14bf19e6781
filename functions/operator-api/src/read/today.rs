//! A day at a glance, in one statement: its kickoffs with the state of their checks.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use football::plan::checks::Offsets;
use shared::store::matches::OPEN;
use shared::store::{StoreError, stamp};

/// Kickoffs shown one by one; on a fuller day those with problems, then those nearest to now.
const KICKOFFS: i32 = 30;
/// A kickoff with at most so many matches names them.
const NAMED: i32 = 2;
/// A check this long after its time is late.
pub(super) const GRACE: TimeDelta = TimeDelta::minutes(10);

/// Where a check stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
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

/// SQL for the [`CheckState`] of a check `c`, with the execution `e` under its key, if any. `late_before`: an open check that
/// was due before this is late.
pub(super) fn state_sql(late_before: &str) -> String {
    format!(
        "CASE WHEN c.outcome = 'cancelled' THEN 'unneeded'
              WHEN c.outcome = 'given_up' OR e.status = 'failed' THEN 'failed'
              WHEN e.status = 'partial_failure' THEN 'partial'
              WHEN e.status = 'in_progress' THEN 'running'
              WHEN c.done_at IS NOT NULL THEN 'done'
              WHEN c.due_at > {late_before} THEN 'due' ELSE 'late' END"
    )
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

/// A match of a kickoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DayMatch {
    /// Our id.
    pub(crate) id: Uuid,
    /// Whether it is over: its score is final.
    pub(crate) over: bool,
    /// The home side's name.
    pub(crate) home: String,
    /// Address of its badge; empty: none is stored.
    pub(crate) home_badge: String,
    /// The away side's name.
    pub(crate) away: String,
    /// Address of its badge; empty: none is stored.
    pub(crate) away_badge: String,
    /// Its goals.
    pub(crate) home_score: Option<i32>,
    /// Its goals.
    pub(crate) away_score: Option<i32>,
    /// Its goals of the shootout.
    pub(crate) home_penalties: Option<i32>,
    /// Its goals of the shootout.
    pub(crate) away_penalties: Option<i32>,
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
    /// Address of its logo; empty: none is stored.
    pub(crate) logo: String,
    /// Of which round.
    pub(crate) round_slug: String,
    /// How many.
    pub(crate) matches: i64,
    /// How many of them are over.
    pub(crate) ended: i64,
    /// How many of them are open.
    pub(crate) open: i64,
    /// The matches, where they are at most two.
    pub(crate) games: Vec<DayMatch>,
    /// The check while they run.
    pub(crate) interim: DayCheck,
    /// The check after them.
    pub(crate) closing: DayCheck,
}

/// A quarter of an hour of the day, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DaySlot {
    /// When it begins, UTC.
    #[serde(deserialize_with = "super::utc_of_json")]
    pub(crate) at: DateTime<Utc>,
    /// Matches that start in it.
    pub(crate) matches: i64,
    /// Those of them that are over.
    pub(crate) ended: i64,
    /// Checks that are due in it, of all kinds, by where they stand.
    pub(crate) checks: BTreeMap<CheckState, i64>,
}

/// The day's kickoffs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct Timeline {
    /// By quarters of an hour; those without a kickoff and a check are left out.
    pub(crate) slots: Vec<DaySlot>,
    /// The kickoffs, by time: all of them, or of a full day those that matter most now.
    pub(crate) kickoffs: Vec<DayKickoff>,
    /// How many matches start on the day.
    pub(crate) matches: i64,
}

/// The statement of [`timeline`]; `{OPEN}` is [`OPEN`], `{STATE}` that of [`state_sql`].
const TIMELINE: &str = r#"WITH made AS MATERIALIZED (
       SELECT c.id, c.tournament_id, c.round_slug, c.kickoff, c.kind, c.due_at, {STATE} AS state
         FROM scheduled_check c
         -- Only executions that say more than the row: those that went well are most of a day's.
         LEFT JOIN (SELECT idempotency_key, status FROM data_provider_executions
                     WHERE status <> 'completed' AND started_at >= $1 - interval '1 day') e ON e.idempotency_key = c.key
        WHERE c.due_at >= $1 AND c.due_at < $2 + interval '1 day'),
     idle AS (SELECT id FROM tournament WHERE deleted_at IS NOT NULL OR status NOT IN ('active', 'completed')),
     match_slot AS MATERIALIZED (
       SELECT floor(date_part('epoch', m.date - $1) / 900) AS slot, count(*) AS matches,
              count(*) FILTER (WHERE m.status <> 'not-defined' AND NOT {OPEN}) AS ended
         FROM match m WHERE m.date >= $1 AND m.date < $2 AND m.tournament_id NOT IN (SELECT id FROM idle) GROUP BY 1),
     slots AS (
       SELECT slot, sum(matches) AS matches, sum(ended) AS ended,
              COALESCE(jsonb_object_agg(state, n) FILTER (WHERE state IS NOT NULL), '{}') AS checks
         FROM (SELECT slot, matches, ended, NULL AS state, 0 AS n FROM match_slot
               UNION ALL
               SELECT floor(date_part('epoch', due_at - $1) / 900), 0, 0, state, count(*)
                 FROM made WHERE due_at < $2 GROUP BY 1, state) s
        GROUP BY slot),
     -- Kickoffs are grouped only as far from now as enough of them are found: a full day has thousands.
     near AS (
       SELECT $1 + min(slot) * interval '15 minutes' AS since, $1 + (max(slot) + 1) * interval '15 minutes' AS until
         FROM (SELECT slot, sum(matches) OVER (ORDER BY abs(slot * 900 - date_part('epoch', $5 - $1)), slot) - matches AS nearer
                 FROM match_slot) s
        WHERE nearer < $7 * 10),
     problem AS MATERIALIZED (
       SELECT DISTINCT tournament_id, kickoff FROM (
         SELECT k.tournament_id, k.kickoff FROM made k
          WHERE k.kind = 'closing' AND k.state IN ('late', 'failed', 'partial') AND k.kickoff >= $1 AND k.kickoff < $2
          ORDER BY abs(date_part('epoch', k.kickoff - $5)) LIMIT $7 * 5) p
        WHERE EXISTS (SELECT 1 FROM match m WHERE m.tournament_id = p.tournament_id AND m.date = p.kickoff AND {OPEN})),
     kickoff AS (
       SELECT m.tournament_id, m.round_slug, m.date AS at, m.date + $4 * interval '1 minute' AS closing_at,
              count(*) AS matches, count(*) FILTER (WHERE m.status <> 'not-defined' AND NOT {OPEN}) AS ended,
              count(*) FILTER (WHERE {OPEN}) AS open
         FROM match m
        WHERE m.date >= $1 AND m.date < $2 AND m.tournament_id NOT IN (SELECT id FROM idle)
          AND ((m.date >= (SELECT since FROM near) AND m.date < (SELECT until FROM near))
               OR (m.tournament_id, m.date) IN (SELECT tournament_id, kickoff FROM problem))
        GROUP BY m.tournament_id, m.date, m.round_slug),
     checked AS (
       SELECT k.*, c.id AS closing_id,
              -- Without a row: not planned yet, or of a time before this version.
              COALESCE(c.state, CASE WHEN closing_at > $6 AND open > 0 OR closing_at > $5 THEN 'due'
                                     WHEN open = 0 THEN 'unneeded' ELSE 'late' END) AS closing_state
         FROM kickoff k
         LEFT JOIN made c ON c.tournament_id = k.tournament_id AND c.round_slug = k.round_slug AND c.kickoff = k.at
               AND c.kind = 'closing'),
     chosen AS (
       SELECT *, at + $3 * interval '1 minute' AS interim_at FROM checked
        ORDER BY CASE WHEN closing_state IN ('late', 'failed', 'partial') AND open > 0 THEN 0 ELSE 1 END,
                 abs(date_part('epoch', at - $5)), tournament_id, round_slug
        LIMIT $7),
     -- Labels and interim checks are read only for the kickoffs that are shown.
     shown AS (
       SELECT k.*, t.label, t.logo, ce.id AS closing_execution, ie.id AS interim_execution,
              -- An interim check that the closing one has overtaken is not missed any more.
              COALESCE(CASE WHEN i.state = 'late' AND closing_state IN ('done', 'partial') THEN 'unneeded' ELSE i.state END,
                       CASE WHEN interim_at > $6 AND open > 0 OR interim_at > $5 THEN 'due'
                                     WHEN open = 0 OR closing_at <= $5 THEN 'unneeded' ELSE 'late' END) AS interim_state
         FROM chosen k JOIN tournament t ON t.id = k.tournament_id
         LEFT JOIN made i ON i.tournament_id = k.tournament_id AND i.round_slug = k.round_slug AND i.kickoff = k.at
               AND i.kind = 'interim'
         LEFT JOIN scheduled_check cc ON cc.id = k.closing_id
         LEFT JOIN data_provider_executions ce ON ce.idempotency_key = cc.key
         LEFT JOIN scheduled_check ic ON ic.id = i.id
         LEFT JOIN data_provider_executions ie ON ie.idempotency_key = ic.key)
     SELECT jsonb_build_object(
       'matches', (SELECT COALESCE(sum(matches), 0) FROM match_slot),
       'slots', (SELECT COALESCE(jsonb_agg(jsonb_build_object('at', $1 + slot * interval '15 minutes',
                                   'matches', matches, 'ended', ended, 'checks', checks) ORDER BY slot), '[]') FROM slots),
       'kickoffs', (SELECT COALESCE(jsonb_agg(jsonb_build_object('at', at, 'tournamentId', tournament_id,
                             'label', left(label, 80), 'logo', logo, 'roundSlug', round_slug, 'matches', matches, 'ended', ended,
                             'open', open,
                             'games', CASE WHEN matches <= $8 THEN (
                               SELECT jsonb_agg(jsonb_build_object('id', m.id, 'over', NOT {OPEN}, 'home', left(h.name, 40), 'away', left(a.name, 40),
                                        'homeBadge', h.badge, 'awayBadge', a.badge,
                                        'homeScore', m.home_score, 'awayScore', m.away_score,
                                        'homePenalties', m.home_penalties_score, 'awayPenalties', m.away_penalties_score)
                                      ORDER BY m.id)
                                 FROM match m JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id
                                WHERE m.tournament_id = shown.tournament_id AND m.round_slug = shown.round_slug
                                  AND m.date = shown.at) ELSE '[]' END,
                             'interim', jsonb_build_object('state', interim_state, 'execution', interim_execution, 'at', interim_at),
                             'closing', jsonb_build_object('state', closing_state, 'execution', closing_execution, 'at', closing_at))
                           ORDER BY at, label, round_slug), '[]') FROM shown))"#;

/// The kickoffs of a day, from its first moment to its end, and the state of its checks at `now`.
pub(crate) async fn timeline(
    client: &impl GenericClient,
    day: &Range<DateTime<Utc>>,
    offsets: &Offsets,
    now: DateTime<Utc>,
) -> Result<Timeline, StoreError> {
    let minutes = |offset: TimeDelta| i32::try_from(offset.num_minutes()).unwrap_or(i32::MAX);
    let rows = client
        .query_typed(
            &TIMELINE.replace("{OPEN}", OPEN).replace("{STATE}", &state_sql("$6")),
            &[
                (&stamp(day.start), Type::TIMESTAMP),
                (&stamp(day.end), Type::TIMESTAMP),
                (&f64::from(minutes(offsets.interim)), Type::FLOAT8),
                (&f64::from(minutes(offsets.closing)), Type::FLOAT8),
                (&stamp(now), Type::TIMESTAMP),
                (&stamp(now - GRACE), Type::TIMESTAMP),
                (&i64::from(KICKOFFS), Type::INT8),
                (&i64::from(NAMED), Type::INT8),
            ],
        )
        .await?;
    super::of_json(rows[0].get(0), "timeline")
}
