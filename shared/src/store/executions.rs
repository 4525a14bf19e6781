//! Statements on `data_provider_executions`.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio_postgres::GenericClient;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::{StoreError, stamp, utc};
use crate::journal::Progress;
use crate::summary::Summary;
use crate::work::{ExecutionStatus, Function, Operation};

/// A new record, as claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExecution<'a> {
    /// The work's idempotency key.
    pub key: &'a str,
    /// Which function does it.
    pub function: Function,
    /// What it does.
    pub operation: Operation,
    /// The delivery that brings it.
    pub request_id: Uuid,
    /// The tournament, once it exists.
    pub tournament_id: Option<Uuid>,
    /// The occurrence it is for.
    pub planned_for: Option<DateTime<Utc>>,
    /// The X-Ray trace of the delivery, if there is one.
    pub trace_id: Option<&'a str>,
    /// The event that brings it. Its `requestedBy` names the requester.
    pub event: Option<&'a Value>,
}

/// The result of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// The claim succeeded: a new record, or one taken over.
    Ours {
        /// The record.
        id: Uuid,
        /// Which attempt this is, from 1.
        attempt: i32,
        /// When this attempt began.
        started_at: DateTime<Utc>,
        /// When the first one did.
        created_at: DateTime<Utc>,
        /// Alarms that an earlier attempt recorded with its writes and could not send.
        alarms: Vec<String>,
    },
    /// Another run is working on it.
    Running {
        /// Until when its lease is valid.
        lease_expires_at: Option<DateTime<Utc>>,
    },
    /// It is done.
    Done(Box<Finished>),
    /// This delivery was refused before because its event is malformed: a retry can't succeed.
    Refused {
        /// What was wrong.
        message: String,
    },
}

/// A finished record.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The record.
    pub id: Uuid,
    /// Its summary.
    pub summary: Summary,
    /// Whether its message is still pending long after it was finished.
    pub message_pending: bool,
}

/// The time within which a live run sends its message after it ended its record.
const MESSAGE_TAKES: TimeDelta = TimeDelta::seconds(50);
/// A delivery that is pending for longer is not tried any more.
const PENDING_FOR: TimeDelta = TimeDelta::days(7);

/// Reads a summary; a record without one has an empty one.
fn summary(stored: Option<Value>) -> Summary {
    stored.as_ref().map_or_else(Summary::default, Summary::read)
}

/// The first statement of [`claim`].
const CLAIM: &str =
    "INSERT INTO data_provider_executions AS e (request_id, tournament_id, operation_type, status, started_at,
            idempotency_key, function, attempt, lease_expires_at, planned_for, trace_id, created_at, updated_at,
            event, requested_by)
     VALUES ($1, (SELECT id FROM tournament WHERE id = $2), $3, 'in_progress', $4, $5, $6, 1, $7, $8, $9, $4, $4,
             $10, $10 ->> 'requestedBy')
     ON CONFLICT (idempotency_key) DO UPDATE
        SET request_id = excluded.request_id, status = 'in_progress', started_at = excluded.started_at,
            attempt = e.attempt + 1, lease_expires_at = excluded.lease_expires_at, completed_at = NULL,
            trace_id = excluded.trace_id, duration = NULL, notified_at = NULL, kept_report = NULL,
            -- What the failed attempt has sent need not be sent again.
            summary = CASE WHEN e.notified_at IS NULL THEN e.summary ELSE e.summary - 'alarms' END,
            updated_at = excluded.updated_at, event = COALESCE(excluded.event, e.event),
            requested_by = COALESCE(excluded.requested_by, e.requested_by)
      WHERE (e.status = 'failed' AND NOT (e.request_id = excluded.request_id
                                          AND COALESCE(e.summary ->> 'errorKind' = 'InvalidInput', false)))
         OR (e.status = 'in_progress' AND COALESCE(e.lease_expires_at, '-infinity') < excluded.started_at)
         -- This very claim, whose answer was lost.
         OR (e.status = 'in_progress' AND e.request_id = excluded.request_id AND e.started_at = excluded.started_at)
     RETURNING id, attempt, created_at, e.summary -> 'alarms'";

/// Claims the work: inserts the record, or takes over one that failed or whose lease has run out.
pub async fn claim(
    client: &impl GenericClient,
    new: &NewExecution<'_>,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Claimed, StoreError> {
    let ours = client
        .query_typed(
            CLAIM,
            &[
                (&new.request_id, Type::UUID),
                (&new.tournament_id, Type::UUID),
                (&new.operation.to_string(), Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
                (&new.key, Type::TEXT),
                (&new.function.to_string(), Type::TEXT),
                (&stamp(lease_until), Type::TIMESTAMP),
                (&new.planned_for.map(stamp), Type::TIMESTAMP),
                (&new.trace_id, Type::TEXT),
                (&new.event, Type::JSONB),
            ],
        )
        .await?;
    if let Some(row) = ours.first() {
        let created_at = utc(row.get(2));
        let alarms = texts(row.get(3));
        return Ok(Claimed::Ours {
            id: row.get(0),
            attempt: row.get(1),
            started_at: now,
            created_at,
            alarms,
        });
    }
    let there = client
        .query_typed(
            "SELECT id, status, summary, lease_expires_at,
                    notified_at IS NULL AND completed_at < $2 AS message_pending
               FROM data_provider_executions WHERE idempotency_key = $1",
            &[(&new.key, Type::TEXT), (&stamp(now - MESSAGE_TAKES), Type::TIMESTAMP)],
        )
        .await?;
    let Some(row) = there.first() else { return Ok(Claimed::Running { lease_expires_at: None }) };
    let summary = summary(row.get("summary"));
    Ok(match row.get::<_, &str>("status").parse() {
        Ok(ExecutionStatus::InProgress) => Claimed::Running {
            lease_expires_at: row.get::<_, Option<NaiveDateTime>>("lease_expires_at").map(utc),
        },
        Ok(ExecutionStatus::Failed) => Claimed::Refused {
            message: summary.errors.into_iter().next().unwrap_or_else(|| "the event is wrong".to_owned()),
        },
        _ => Claimed::Done(Box::new(Finished {
            id: row.get("id"),
            summary,
            message_pending: row.get::<_, Option<bool>>("message_pending").unwrap_or_default(),
        })),
    })
}

/// The record of a run, and the attempt: a write succeeds only while the record is at this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The record.
    pub id: Uuid,
    /// Which attempt.
    pub attempt: i32,
}

/// Renews the lease; returns whether the record still belongs to this run.
pub async fn renew(
    client: &impl GenericClient,
    held: Held,
    lease_until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE data_provider_executions SET lease_expires_at = $3
              WHERE id = $1 AND attempt = $2 AND status = 'in_progress' RETURNING id",
            &[(&held.id, Type::UUID), (&held.attempt, Type::INT4), (&stamp(lease_until), Type::TIMESTAMP)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Writes the progress of a run to its record.
pub async fn note_progress(
    client: &impl GenericClient,
    held: Held,
    progress: &Progress,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE data_provider_executions
                SET summary = COALESCE(summary, '{}') || jsonb_build_object('progress', $3::jsonb)
              WHERE id = $1 AND attempt = $2 AND status = 'in_progress' RETURNING id",
            &[(&held.id, Type::UUID), (&held.attempt, Type::INT4), (&Json(progress), Type::JSONB)],
        )
        .await?;
    Ok(())
}

/// Writes the tournament that a run has created to its record: it is not known only at the end.
pub async fn note_tournament(client: &impl GenericClient, held: Held, id: Uuid) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE data_provider_executions SET tournament_id = $3
              WHERE id = $1 AND attempt = $2 AND status = 'in_progress' RETURNING id",
            &[(&held.id, Type::UUID), (&held.attempt, Type::INT4), (&id, Type::UUID)],
        )
        .await?;
    Ok(())
}

/// Writes alarms to the record of a run, in the transaction that causes them: if the run dies, the run that finds its
/// record sends them.
///
/// False: the record belongs to another run by now, and the transaction must be rolled back.
pub async fn note_alarms(
    client: &impl GenericClient,
    held: Held,
    alarms: &[String],
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE data_provider_executions
                SET summary = COALESCE(summary, '{}') || jsonb_build_object('alarms', $3::text[])
              WHERE id = $1 AND attempt = $2 AND status = 'in_progress' RETURNING id",
            &[(&held.id, Type::UUID), (&held.attempt, Type::INT4), (&alarms, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// The texts of an array in a record's summary.
fn texts(array: Option<Value>) -> Vec<String> {
    array.and_then(|array| serde_json::from_value(array).ok()).unwrap_or_default()
}

/// Gives a record back that this run has claimed and not begun to work on: it waits for its next run, like one that was
/// announced.
pub async fn release(client: &impl GenericClient, held: Held) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE data_provider_executions SET lease_expires_at = NULL, attempt = attempt - 1
              WHERE id = $1 AND attempt = $2 AND status = 'in_progress' RETURNING id",
            &[(&held.id, Type::UUID), (&held.attempt, Type::INT4)],
        )
        .await?;
    Ok(())
}

/// The end of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending<'a> {
    /// The final status.
    pub status: ExecutionStatus,
    /// The tournament, if known by now.
    pub tournament_id: Option<Uuid>,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// Its summary.
    pub summary: &'a Summary,
    /// The key and URL of its report, if it could be stored.
    pub report: Option<(&'a str, Option<&'a str>)>,
    /// The report itself, if it could not.
    pub kept_report: Option<&'a Value>,
}

/// Ends the record; returns whether it still belonged to this run. Idempotent.
pub async fn finish(
    client: &impl GenericClient,
    held: Held,
    ending: &Ending<'_>,
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE data_provider_executions
                SET status = $3, tournament_id = COALESCE((SELECT id FROM tournament WHERE id = $4), tournament_id),
                    completed_at = $5, duration = $6,
                    summary = $7, used_browser = $7 ? 'browser', report_file_key = $8, report_file_url = $9, kept_report = $10,
                    lease_expires_at = NULL, updated_at = $5
              WHERE id = $1 AND attempt = $2 AND (status = 'in_progress' OR completed_at = $5) RETURNING id",
            &[
                (&held.id, Type::UUID),
                (&held.attempt, Type::INT4),
                (&ending.status.to_string(), Type::TEXT),
                (&ending.tournament_id, Type::UUID),
                (&stamp(ending.completed_at), Type::TIMESTAMP),
                (&ending.duration_ms, Type::INT4),
                (&Json(ending.summary), Type::JSONB),
                (&ending.report.map(|(key, _)| key), Type::TEXT),
                (&ending.report.and_then(|(_, url)| url), Type::TEXT),
                (&ending.kept_report, Type::JSONB),
            ],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Records that the message of a finished record was sent.
pub async fn message_sent(
    client: &impl GenericClient,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    messages_sent(client, &[id], now).await
}

/// Records that the messages of finished records were sent.
pub async fn messages_sent(
    client: &impl GenericClient,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql =
        "UPDATE data_provider_executions SET notified_at = $2 WHERE id = ANY($1) AND notified_at IS NULL
              RETURNING id";
    client.query_typed(sql, &[(&ids, Type::UUID_ARRAY), (&stamp(now), Type::TIMESTAMP)]).await?;
    Ok(())
}

/// Those of these records whose message was not sent yet.
pub async fn unsent(client: &impl GenericClient, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let sql = "SELECT id FROM data_provider_executions WHERE id = ANY($1) AND notified_at IS NULL";
    let rows = client.query_typed(sql, &[(&ids, Type::UUID_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// A finished record whose message or report is still to be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The record.
    pub id: Uuid,
    /// The operation, as `matches_update`.
    pub operation: String,
    /// How it ended.
    pub status: String,
    /// Its summary.
    pub summary: Summary,
    /// The delivery that brought it.
    pub request_id: Uuid,
    /// The key of its report.
    pub report_key: Option<String>,
    /// The URL of its report.
    pub report_url: Option<String>,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// Whether its message is pending.
    pub message_pending: bool,
    /// The report itself, if it could not be stored on S3.
    pub kept_report: Option<Value>,
}

/// Locks a finished record with a pending delivery: that of `id`, or else the one least recently tried, and not since
/// `now`. One that another run has locked is skipped. Call it in a transaction, and end that after the delivery was
/// tried.
pub async fn lock_pending(
    client: &impl GenericClient,
    id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Option<Pending>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT id, operation_type, status, COALESCE(summary, '{}'), request_id, report_file_key, report_file_url,
                    completed_at, COALESCE(duration, 0), notified_at IS NULL, kept_report
               FROM data_provider_executions
              WHERE (idempotency_key IS NOT NULL OR function = 'operator-api') AND status <> 'in_progress'
                AND (notified_at IS NULL OR kept_report IS NOT NULL)
                -- A run sends its own message; an operator's change has none.
                AND completed_at >= $2 AND (completed_at <= $3 OR function = 'operator-api') AND ($1 IS NULL OR id = $1)
                -- Skip records already tried in this sweep, whose time stamp this is.
                AND updated_at IS DISTINCT FROM $4
              ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED",
            &[
                (&id, Type::UUID),
                (&stamp(now - PENDING_FOR), Type::TIMESTAMP),
                (&stamp(now - MESSAGE_TAKES), Type::TIMESTAMP),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows.first().map(|row| Pending {
        id: row.get(0),
        operation: row.get(1),
        status: row.get(2),
        summary: summary(row.get(3)),
        request_id: row.get(4),
        report_key: row.get(5),
        report_url: row.get(6),
        completed_at: utc(row.get(7)),
        duration_ms: row.get(8),
        message_pending: row.get(9),
        kept_report: row.get(10),
    }))
}

/// Records that a kept report is now stored on S3.
pub async fn report_stored(
    client: &impl GenericClient,
    id: Uuid,
    key: &str,
    url: Option<&str>,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE data_provider_executions SET report_file_key = $2, report_file_url = $3, kept_report = NULL
              WHERE id = $1 RETURNING id",
            &[(&id, Type::UUID), (&key, Type::TEXT), (&url, Type::TEXT)],
        )
        .await?;
    Ok(())
}

/// Records that a delivery failed at `now`: others are tried before it is retried.
pub async fn delivery_failed(
    client: &impl GenericClient,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE data_provider_executions SET updated_at = $2 WHERE id = $1 RETURNING id",
            &[(&id, Type::UUID), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(())
}

/// Drops a kept report that is malformed.
pub async fn report_lost(client: &impl GenericClient, id: Uuid) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE data_provider_executions SET kept_report = NULL WHERE id = $1 RETURNING id",
            &[(&id, Type::UUID)],
        )
        .await?;
    Ok(())
}

/// A record whose run is dead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rescued {
    /// The record.
    pub id: Uuid,
    /// The work's idempotency key.
    pub key: Option<String>,
}

/// Marks records, other than `except`, as failed whose lease expired before `expired_before`: their runs are dead.
/// Their alarms are in the message that is still pending.
pub async fn rescue(
    client: &impl GenericClient,
    except: Uuid,
    expired_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Rescued>, StoreError> {
    let summary = serde_json::json!({"errors": ["the run died: its lease ran out and nobody took it over"]});
    let rows = client
        .query_typed(
            "UPDATE data_provider_executions
                SET status = 'failed', completed_at = COALESCE(lease_expires_at, started_at), lease_expires_at = NULL,
                    updated_at = $3,
                    -- An old row's may be no object: merged with one it would become an array.
                    summary = CASE WHEN jsonb_typeof(summary) = 'object' THEN summary ELSE '{}' END || $4
                              || jsonb_build_object('warnings', COALESCE(summary -> 'alarms', '[]'))
              WHERE id IN (SELECT id FROM data_provider_executions
                            WHERE status = 'in_progress' AND id <> $1
                              AND COALESCE(lease_expires_at, started_at) < $2
                              FOR UPDATE SKIP LOCKED)
             RETURNING id, idempotency_key",
            &[
                (&except, Type::UUID),
                (&stamp(expired_before), Type::TIMESTAMP),
                (&stamp(now), Type::TIMESTAMP),
                (&summary, Type::JSONB),
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| Rescued { id: row.get(0), key: row.get(1) }).collect())
}

/// The record under a key after work was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The record.
    pub id: Uuid,
    /// Its status.
    pub status: String,
    /// Whether the record is new: then the caller starts the function.
    pub new: bool,
    /// The record's event.
    pub event: Option<Value>,
}

/// Inserts a record for work whose function is not started yet, so that its id is known at once. It has no lease and
/// counts as no attempt: the function's own claim takes it over, and if there is none it is rescued like any other
/// whose run is dead. If the key, or `before` since `since`, already has a record, returns that.
pub async fn announce(
    client: &impl GenericClient,
    new: &NewExecution<'_>,
    before: Option<&str>,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Announced>, StoreError> {
    // A record that another announcement is inserting concurrently is visible only to the next statement.
    for _ in 0..2 {
        let rows = client
            .query_typed(
                "WITH there AS (
                   SELECT id, status, event FROM data_provider_executions
                    WHERE idempotency_key = $5 OR (idempotency_key = $10 AND created_at > $11)
                    ORDER BY created_at DESC LIMIT 1),
                 new AS (
                   INSERT INTO data_provider_executions (request_id, tournament_id, operation_type, status, started_at,
                          idempotency_key, function, attempt, planned_for, created_at, updated_at, event, requested_by)
                   SELECT $1, (SELECT id FROM tournament WHERE id = $2), $3, 'in_progress', $4, $5, $6, 0, $7, $4, $4,
                          $8, $9
                    WHERE NOT EXISTS (SELECT 1 FROM there)
                   ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, status, event)
                 SELECT id, status, true, event FROM new UNION ALL SELECT id, status, false, event FROM there",
                &[
                    (&new.request_id, Type::UUID),
                    (&new.tournament_id, Type::UUID),
                    (&new.operation.to_string(), Type::TEXT),
                    (&stamp(now), Type::TIMESTAMP),
                    (&new.key, Type::TEXT),
                    (&new.function.to_string(), Type::TEXT),
                    (&new.planned_for.map(stamp), Type::TIMESTAMP),
                    (&new.event, Type::JSONB),
                    (&new.event.and_then(|event| event.get("requestedBy")?.as_str()), Type::TEXT),
                    (&before, Type::TEXT),
                    (&stamp(since), Type::TIMESTAMP),
                ],
            )
            .await?;
        if let Some(row) = rows.first() {
            let (id, status, new, event) = (row.get(0), row.get(1), row.get(2), row.get(3));
            return Ok(Some(Announced { id, status, new, event }));
        }
    }
    Ok(None)
}

/// Makes a record that failed, or failed in part, wait for its function again. Returns its function and event; none if it has
/// not (or no longer), has no event, or its function refused the event. An event that names no occurrence gets that of the record, the
/// delivery's id, so that it is done under the same key.
pub async fn reopen(
    client: &impl GenericClient,
    id: Uuid,
    requested_by: &str,
    now: DateTime<Utc>,
) -> Result<Option<(String, Value)>, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE data_provider_executions
                SET status = 'in_progress', started_at = $2, completed_at = NULL, duration = NULL,
                    lease_expires_at = NULL, requested_by = $3, updated_at = $2,
                    event = event || jsonb_build_object('requestedBy', $3)
                        || CASE WHEN COALESCE(event->>'idempotencyKey', '') = '' AND COALESCE(event->>'scheduledTime', '') = ''
                                THEN jsonb_build_object('idempotencyKey', request_id) ELSE '{}' END
              WHERE id = $1 AND status IN ('failed', 'partial_failure') AND event IS NOT NULL AND function IS NOT NULL
                -- The function refused the event itself: its record has no subject.
                AND NOT (COALESCE(summary->>'errorKind', '') = 'InvalidInput' AND idempotency_key LIKE '%:-:-:%')
             RETURNING function, event",
            &[(&id, Type::UUID), (&stamp(now), Type::TIMESTAMP), (&requested_by, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1))))
}

/// Marks a record as failed because its function could not be started.
pub async fn not_started(
    client: &impl GenericClient,
    id: Uuid,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let summary = serde_json::json!({ "error": reason, "errors": [reason] });
    client
        .query_typed(
            "UPDATE data_provider_executions SET status = 'failed', completed_at = $3, updated_at = $3,
                    summary = COALESCE(summary, '{}') || $2
              WHERE id = $1 AND status = 'in_progress' AND lease_expires_at IS NULL RETURNING id",
            &[(&id, Type::UUID), (&summary, Type::JSONB), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(())
}

/// A completed change, with its requester.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// The id that its record gets.
    pub id: Uuid,
    /// Whether a message is sent about it, by the next function that runs.
    pub notify: bool,
    /// What was done.
    pub operation: Operation,
    /// The tournament.
    pub tournament_id: Option<Uuid>,
    /// The match, if it is about one.
    pub match_id: Option<Uuid>,
    /// Who requested it.
    pub requested_by: &'a str,
    /// What was changed.
    pub summary: &'a Summary,
}

/// Records a change. It has no report, since it made no request to the provider.
pub async fn record_change(
    client: &impl GenericClient,
    change: &Change<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "INSERT INTO data_provider_executions (id, request_id, tournament_id, operation_type, status, started_at,
                    completed_at, duration, summary, function, requested_by, notified_at, created_at, updated_at, match_id)
             VALUES ($8, $8, $1, $2, $6, $3, $3, 0, $4, $7, $5, CASE WHEN NOT $9 THEN $3 END, $3, $3, $10)
             RETURNING id",
            &[
                (&change.tournament_id, Type::UUID),
                (&change.operation.to_string(), Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
                (&Json(change.summary), Type::JSONB),
                (&change.requested_by, Type::TEXT),
                (&ExecutionStatus::Completed.to_string(), Type::TEXT),
                (&Function::OperatorApi.to_string(), Type::TEXT),
                (&change.id, Type::UUID),
                (&change.notify, Type::BOOL),
                (&change.match_id, Type::UUID),
            ],
        )
        .await?;
    Ok(())
}
