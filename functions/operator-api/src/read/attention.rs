//! What needs a person, and the day's figures, in one statement.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::today::GRACE;
use shared::store::aliases::{DIFFERS, said};
use shared::store::matches::OPEN;
use shared::store::outbox::UNSENT;
use shared::store::pauses::is_paused_sql;
use shared::store::{StoreError, stamp};

/// Items shown of each kind; `total` counts all of them.
const ITEMS: i32 = 6;
/// A kickoff whose match is open this long after it needs a person: follow-ups have ended.
const OPEN_FOR: TimeDelta = TimeDelta::hours(6);

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
    /// A check is given up: it failed three times, or its event was refused.
    GivenUp,
    /// A result changed after the application had scored its members' guesses by it.
    Correction,
    /// The provider's word for a match was not taken, or differs from what a person has set.
    Rejected,
    /// Results are not on the event bus yet.
    Events,
    /// A match is open long after it must have ended.
    Open,
    /// A part of an execution failed.
    Partial,
    /// A team of another provider is none of ours by its name.
    Team,
    /// Another provider says something else of a result.
    Difference,
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
    /// Its name, by which it is acknowledged: another one once it changes.
    pub(crate) item: String,
    /// The match it is about.
    pub(crate) match_id: Option<Uuid>,
    /// The execution it is about.
    pub(crate) execution: Option<Uuid>,
    /// The tournament it is about.
    pub(crate) tournament: Option<Uuid>,
    /// Its label.
    pub(crate) label: Option<String>,
    /// `matches_update` and the like, the slug of a round, or the kind of a check.
    pub(crate) what: Option<String>,
    /// The label of the check's or the matches' round.
    pub(crate) round: Option<String>,
    /// What is known of it.
    pub(crate) detail: Option<String>,
    /// Since when, UTC.
    #[serde(deserialize_with = "super::utc_of_json_if_any")]
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
    #[serde(deserialize_with = "super::utc_of_json_if_any")]
    pub(crate) daily_routine_at: Option<DateTime<Utc>>,
    /// Active tournaments.
    pub(crate) active_tournaments: i64,
    /// Items of the last week that were acknowledged.
    pub(crate) acknowledged: i64,
}

/// The statement of [`attention`]; `{OPEN}` and `{PAUSED}` are SQL conditions. Each item has a name; what was acknowledged under
/// it is left out.
const ATTENTION: &str =
    "WITH counted AS MATERIALIZED (
         SELECT status, count(*) AS n, sum(CASE WHEN jsonb_typeof(summary -> 'requests') = 'number'
                                                THEN (summary -> 'requests')::bigint END) AS requests
           FROM data_provider_executions WHERE started_at >= $1 AND started_at < $2 GROUP BY status),
       went_wrong AS MATERIALIZED (
         SELECT e.id, e.tournament_id, COALESCE(t.label, e.summary ->> 'tournamentLabel') AS label, e.operation_type,
                e.status, e.started_at, e.summary, e.attempt
           FROM data_provider_executions e LEFT JOIN tournament t ON t.id = e.tournament_id
          WHERE e.started_at >= $1 AND e.started_at < $2 AND e.status IN ('failed', 'partial_failure')),
       -- When the same work last succeeded. One join, since a lookup for each failure is slow where many fail.
       went_well AS MATERIALIZED (
         SELECT operation_type, COALESCE(tournament_id, $6) AS tournament_id, max(started_at) AS at
           FROM data_provider_executions
          WHERE started_at >= $1 AND status IN ('completed', 'partial_failure') GROUP BY 1, 2),
       open_check AS MATERIALIZED (
         SELECT c.* FROM scheduled_check c
          WHERE c.done_at IS NULL AND c.due_at < $3 + interval '15 minutes' AND NOT {PAUSED}),
       found AS (
         SELECT 0 AS rank, 'circuit' AS kind, concat_ws(':', 'circuit', provider, opened_at) AS item, NULL::uuid AS execution,
                NULL::uuid AS tournament, NULL::uuid AS \"matchId\", provider AS label, NULL AS what, NULL::text AS round,
                left(reason, 300) || (SELECT CASE WHEN count(*) > 0
                                      THEN '. Read from a stand-in meanwhile: ' || count(*) || ' of its active tournaments'
                                      ELSE '. None of its active tournaments has a stand-in' END
                   FROM tournament t
                  WHERE t.status = 'active' AND t.deleted_at IS NULL AND t.stand_in_provider IS NOT NULL
                    AND COALESCE(t.asked_provider, t.provider) = provider_circuit.provider) AS detail, opened_at AS at
           FROM provider_circuit WHERE state <> 'closed'
         UNION ALL
         (SELECT 1, 'correction', concat_ws(':', 'correction', h.id), h.execution_id, h.tournament_id, h.match_id, t.label,
                 h.teams, NULL, h.words, h.changed_at
            FROM (SELECT DISTINCT ON (h.match_id) h.*, home.name || ' – ' || away.name AS teams,
                         CASE WHEN m.status = 'ended' THEN concat('now ', m.home_score, '–', m.away_score)
                              ELSE 'has no result now' END AS words
                    FROM change_history h JOIN match m ON m.id = h.match_id AND m.scoreboard_applied_at < h.changed_at
                    JOIN team home ON home.id = m.home_team_id JOIN team away ON away.id = m.away_team_id
                   WHERE h.event IN ('match-corrected', 'match-annulled') AND h.changed_at > $3 - interval '14 days'
                   ORDER BY h.match_id, h.id DESC) h
            JOIN tournament t ON t.id = h.tournament_id AND t.deleted_at IS NULL)
         UNION ALL
         (SELECT 2, 'failed', concat_ws(':', 'failed', e.id, e.attempt), e.id, e.tournament_id, NULL, e.label, e.operation_type, NULL,
                 left(COALESCE(e.summary -> 'errors' ->> 0, e.summary ->> 'error'), 300), e.started_at
            FROM went_wrong e
            LEFT JOIN went_well w ON w.operation_type = e.operation_type
                  AND w.tournament_id = COALESCE(e.tournament_id, $6)
           WHERE e.status = 'failed' AND (w.at IS NULL OR w.at < e.started_at))
         UNION ALL
         (SELECT 3, 'stuck', concat_ws(':', 'stuck', e.id, e.attempt), e.id, e.tournament_id, NULL, t.label, e.operation_type, NULL,
                 NULL, e.started_at
            FROM data_provider_executions e LEFT JOIN tournament t ON t.id = e.tournament_id
           WHERE e.status = 'in_progress'
             AND COALESCE(e.lease_expires_at, e.started_at + interval '2 minutes') < $3)
         UNION ALL
         (SELECT 4, 'late', concat_ws(':', 'late', c.id), NULL, c.tournament_id, NULL, t.label,
                 c.kind, COALESCE(r.label, c.round_slug), c.function, c.due_at
            FROM open_check c LEFT JOIN tournament t ON t.id = c.tournament_id
            LEFT JOIN tournament_round r ON r.tournament_id = c.tournament_id AND r.slug = c.round_slug
           WHERE c.due_at < $7
             AND NOT EXISTS (SELECT 1 FROM data_provider_executions e WHERE e.idempotency_key = c.key
                                AND e.status = 'in_progress' AND e.lease_expires_at > $3))
         UNION ALL
         (SELECT 5, 'alarm', concat_ws(':', 'alarm', c.id), NULL, c.tournament_id, NULL, t.label,
                 c.kind, COALESCE(r.label, c.round_slug), c.function, c.due_at
            FROM open_check c LEFT JOIN tournament t ON t.id = c.tournament_id
            LEFT JOIN tournament_round r ON r.tournament_id = c.tournament_id AND r.slug = c.round_slug
           WHERE c.alarm_set IS NULL AND c.due_at >= $7 AND c.created_at < $3 - interval '5 minutes')
         UNION ALL
         (SELECT 6, 'given-up', concat_ws(':', 'given-up', c.id), e.id, c.tournament_id, NULL, t.label,
                 c.kind, COALESCE(r.label, c.round_slug), left(e.summary -> 'errors' ->> 0, 300), c.done_at
            FROM scheduled_check c LEFT JOIN tournament t ON t.id = c.tournament_id
            LEFT JOIN tournament_round r ON r.tournament_id = c.tournament_id AND r.slug = c.round_slug
            LEFT JOIN data_provider_executions e ON e.idempotency_key = c.key
           WHERE c.outcome = 'given_up' AND c.done_at > $3 - interval '2 days')
         UNION ALL
         (SELECT 7, 'events', concat_ws(':', 'events', min(h.id), $3::date), NULL, NULL, NULL, NULL, NULL, NULL, count(*)::text,
                 min(h.changed_at)
            FROM change_history h WHERE {UNSENT} AND $8 HAVING min(h.changed_at) < $7)
         UNION ALL
         (SELECT 8, 'open', concat_ws(':', 'open', m.tournament_id, m.round_slug, min(m.date)), NULL, m.tournament_id, NULL,
                 t.label, m.round_slug, COALESCE(min(r.label), m.round_slug), count(*)::text, min(m.date)
            FROM match m JOIN tournament t ON t.id = m.tournament_id
            LEFT JOIN tournament_round r ON r.tournament_id = m.tournament_id AND r.slug = m.round_slug
           WHERE {OPEN} AND m.date < $4 AND t.status = 'active' AND t.deleted_at IS NULL
           GROUP BY m.tournament_id, t.label, m.round_slug)
         UNION ALL
         (SELECT 9, 'rejected', concat_ws(':', 'rejected', h.id), h.execution_id, h.tournament_id, h.match_id, t.label,
                 concat(home.name, ' – ', away.name), NULL, h.rejected, h.changed_at
            FROM change_history h JOIN tournament t ON t.id = h.tournament_id AND t.deleted_at IS NULL
            JOIN match m ON m.id = h.match_id
            JOIN team home ON home.id = m.home_team_id JOIN team away ON away.id = m.away_team_id
           WHERE h.rejected IS NOT NULL AND h.rejected <> 'score-fell' AND h.changed_at > $3 - interval '3 days'
             AND NOT EXISTS (SELECT 1 FROM change_history o WHERE o.match_id = h.match_id AND o.id > h.id))
         UNION ALL
         (SELECT 10, 'partial', concat_ws(':', 'partial', e.id, e.attempt), e.id, e.tournament_id, NULL, e.label,
                 e.operation_type, NULL, left(e.summary -> 'errors' ->> 0, 300), e.started_at
            FROM went_wrong e WHERE e.status = 'partial_failure')
         UNION ALL
         (SELECT 11, 'team', concat_ws(':', 'team', a.provider, a.external_id), NULL, t.id, NULL, t.label, a.name, NULL,
                 a.provider, a.created_at
            FROM team_alias a JOIN tournament t ON t.id = a.tournament_id AND t.deleted_at IS NULL
           WHERE a.team_id IS NULL)
         UNION ALL
         (SELECT 12, 'difference', concat_ws(':', 'difference', a.provider, a.external_id, {THEIRS}, {OURS}), NULL, t.id, m.id,
                 t.label, concat(home.name, ' – ', away.name), NULL,
                 concat(a.provider, ': ', {THEIRS}, '; stored: ', {OURS}), a.read_at
            FROM match_alias a JOIN match m ON m.id = a.match_id
            JOIN tournament t ON t.id = m.tournament_id AND t.deleted_at IS NULL
            JOIN team home ON home.id = m.home_team_id JOIN team away ON away.id = m.away_team_id
           WHERE a.date > $3 - interval '14 days' AND {DIFFERS})
         UNION ALL
         (SELECT 13, 'drift', concat_ws(':', 'drift', t.id, md5(d.text)), NULL, t.id, NULL, t.label, 'standings_update', NULL,
                 left(d.text, 300), d.since
            FROM tournament t
           CROSS JOIN LATERAL (SELECT e->>'text' AS text, (e->>'since')::timestamptz AT TIME ZONE 'UTC' AS since
                                 FROM jsonb_array_elements(t.table_differences) AS e
                                WHERE NOT (e->>'explained')::boolean LIMIT 1) d
           WHERE t.deleted_at IS NULL)),
       -- The oldest of what is late, without alarm or open; the latest of the others.
       numbered AS (
         SELECT f.*, count(*) OVER (PARTITION BY rank) AS total,
                row_number() OVER (PARTITION BY rank ORDER BY CASE WHEN kind IN ('late', 'alarm', 'open') THEN at END, at DESC)
                  AS number
           FROM found f WHERE ($9::uuid IS NULL OR f.tournament = $9)
            AND NOT EXISTS (SELECT 1 FROM acknowledgement a WHERE a.item = f.item))
     SELECT jsonb_build_object(
       'items', (SELECT COALESCE(jsonb_agg(to_jsonb(i) - 'rank' - 'number' ORDER BY rank, number), '[]')
                   FROM numbered i WHERE number <= $5),
       'executions', (SELECT COALESCE(jsonb_object_agg(status, n), '{}') FROM counted),
       'requests', (SELECT COALESCE(sum(requests), 0) FROM counted),
       'dailyRoutineAt', (SELECT completed_at FROM data_provider_executions
                           WHERE operation_type = 'daily_schedule' AND status IN ('completed', 'partial_failure')
                             AND COALESCE(summary ->> 'dryRun', 'false') <> 'true'
                           ORDER BY started_at DESC LIMIT 1),
       'acknowledged', (SELECT count(*) FROM acknowledgement WHERE acknowledged_at > $3 - interval '7 days'),
       'activeTournaments', (SELECT count(*) FROM tournament WHERE status = 'active' AND deleted_at IS NULL))";

/// What needs a person on a day (of one tournament, or of all), as of `now`. `has_bus`: results are sent to an event bus.
pub(crate) async fn attention(
    client: &impl GenericClient,
    day: &Range<DateTime<Utc>>,
    tournament: Option<Uuid>,
    has_bus: bool,
    now: DateTime<Utc>,
) -> Result<Attention, StoreError> {
    let rows = client
        .query_typed(
            &ATTENTION
                .replace("{OPEN}", OPEN)
                .replace("{DIFFERS}", DIFFERS)
                .replace("{OURS}", &said("m"))
                .replace("{THEIRS}", &said("a"))
                .replace("{UNSENT}", UNSENT)
                .replace("{PAUSED}", &is_paused_sql("c.tournament_id")),
            &[
                (&stamp(day.start), Type::TIMESTAMP),
                (&stamp(day.end), Type::TIMESTAMP),
                (&stamp(now), Type::TIMESTAMP),
                (&stamp(now - OPEN_FOR), Type::TIMESTAMP),
                (&i64::from(ITEMS), Type::INT8),
                // Replaces a missing tournament, since nulls don't join.
                (&Uuid::nil(), Type::UUID),
                (&stamp(now - GRACE), Type::TIMESTAMP),
                (&has_bus, Type::BOOL),
                (&tournament, Type::UUID),
            ],
        )
        .await?;
    super::of_json(rows[0].get(0), "attention")
}
