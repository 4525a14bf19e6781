//! Executions, as the desk shows them.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{Page, moment};
use shared::store::{StoreError, stamp, utc};
use shared::summary::Summary;
use shared::work::{ExecutionStatus, Function, Operation};

/// An execution as it stands on record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct Execution {
    /// The record.
    pub(crate) id: Uuid,
    /// The delivery; executions of one delivery share it.
    pub(crate) request_id: Uuid,
    /// Of which tournament.
    pub(crate) tournament_id: Option<Uuid>,
    /// Its label.
    pub(crate) tournament_label: Option<String>,
    /// Address of its logo; empty: none is stored.
    #[serde(skip)]
    pub(crate) logo: String,
    /// Which function.
    pub(crate) function: Option<String>,
    /// `matches_update` and the like.
    pub(crate) operation: String,
    /// `in_progress`, `completed`, `partial_failure` or `failed`.
    pub(crate) status: String,
    /// Which attempt; 0: the function has not started yet.
    pub(crate) attempt: i32,
    /// When the attempt began, or was asked for.
    pub(crate) started_at: DateTime<Utc>,
    /// When it ended.
    pub(crate) completed_at: Option<DateTime<Utc>>,
    /// How long it took.
    pub(crate) duration_ms: Option<i32>,
    /// The occurrence it was for.
    pub(crate) planned_for: Option<DateTime<Utc>>,
    /// While in progress: until when the run is known to live.
    pub(crate) lease_expires_at: Option<DateTime<Utc>>,
    /// What the work is.
    pub(crate) key: Option<String>,
    /// Who asked for it, where it was a person.
    pub(crate) requested_by: Option<String>,
    /// Whether there is a report.
    pub(crate) has_report: bool,
    /// Whether it can be sent again: it failed, as a whole or in part, and its event is on record.
    pub(crate) can_retry: bool,
    /// Counts, errors, warnings.
    #[serde(rename = "summary")]
    pub(crate) stored_summary: Value,
    /// The same, read.
    #[serde(skip)]
    pub(crate) summary: Summary,
    /// Where its report is.
    #[serde(skip)]
    pub(crate) report_key: Option<String>,
}

const COLUMNS: &str = "e.id, e.request_id, e.tournament_id, t.label, t.logo, e.function, e.operation_type, e.status, e.attempt,
    e.started_at, e.completed_at, e.duration, e.planned_for, e.lease_expires_at, e.idempotency_key, e.requested_by,
    e.report_file_key, e.summary, (e.status IN ('failed', 'partial_failure') AND e.event IS NOT NULL AND e.function IS NOT NULL
        AND NOT (COALESCE(e.summary->>'errorKind', '') = 'InvalidInput' AND e.idempotency_key LIKE '%:-:-:%')) AS can_retry";
/// The longest pause between two executions of one delivery: time for a report and a message.
const BETWEEN_STEPS: TimeDelta = TimeDelta::seconds(25);
const TABLES: &str = "data_provider_executions e LEFT JOIN tournament t ON t.id = e.tournament_id";

fn execution(row: &Row) -> Execution {
    let stored_summary = row.get::<_, Option<Value>>("summary").unwrap_or_else(|| serde_json::json!({}));
    let summary = Summary::read(&stored_summary);
    let label: Option<String> = row.get("label");
    let report_key: Option<String> = row.get("report_file_key");
    Execution {
        id: row.get("id"),
        request_id: row.get("request_id"),
        tournament_id: row.get("tournament_id"),
        logo: row.get::<_, Option<String>>("logo").unwrap_or_default(),
        tournament_label: label.or_else(|| summary.tournament_label.clone()),
        function: row.get("function"),
        operation: row.get("operation_type"),
        status: row.get("status"),
        attempt: row.get("attempt"),
        started_at: utc(row.get("started_at")),
        completed_at: moment(row, "completed_at"),
        duration_ms: row.get("duration"),
        planned_for: moment(row, "planned_for"),
        lease_expires_at: moment(row, "lease_expires_at"),
        key: row.get("idempotency_key"),
        requested_by: row.get("requested_by"),
        has_report: report_key.is_some(),
        can_retry: row.get("can_retry"),
        stored_summary,
        summary,
        report_key,
    }
}

/// One execution.
pub(crate) async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<Execution>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE e.id = $1");
    Ok(client.query_typed(&sql, &[(&id, Type::UUID)]).await?.first().map(execution))
}

/// All executions of the delivery that this one belongs to, in order; a creation has five. Read in one statement, since
/// a claim gives the execution another delivery.
pub(crate) async fn with_steps(client: &impl GenericClient, id: Uuid) -> Result<Vec<Execution>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES}
          WHERE e.request_id = (SELECT request_id FROM data_provider_executions WHERE id = $1)
          ORDER BY e.started_at, e.created_at LIMIT 20"
    );
    Ok(client.query_typed(&sql, &[(&id, Type::UUID)]).await?.iter().map(execution).collect())
}

/// Why the teams of a tournament that are level on points stand in their order, as its table was last computed.
pub(crate) async fn order_of_table(
    client: &impl GenericClient,
    tournament: Uuid,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT summary FROM data_provider_executions
                WHERE tournament_id = $1 AND operation_type = ANY($2) AND status = 'completed'
                ORDER BY started_at DESC LIMIT 1";
    let operations = [Operation::StandingsUpdate, Operation::StandingsCreate].map(|known| known.to_string());
    let rows = client
        .query_typed(sql, &[(&tournament, Type::UUID), (&operations.as_slice(), Type::TEXT_ARRAY)])
        .await?;
    let stored: Option<Value> = rows.first().and_then(|row| row.get(0));
    Ok(stored.and_then(|stored| Summary::read(&stored).facts.order).unwrap_or_default())
}

impl Execution {
    /// Its status; none if the stored word is of an older vocabulary.
    pub(crate) fn status(&self) -> Option<ExecutionStatus> {
        self.status.parse().ok()
    }
}

/// Whether any of a delivery's executions is in progress, or the next one is about to begin.
pub(crate) fn goes_on(steps: &[Execution], now: DateTime<Utc>) -> bool {
    use Operation::{
        MatchesCreate, MatchesUpdate, RoundsCreate, RoundsUpdate, TeamsCreate, TeamsUpdate, TournamentCreate,
        TournamentUpdate,
    };
    if steps.iter().any(|step| step.status() == Some(ExecutionStatus::InProgress)) {
        return true;
    }
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return false };
    let fresh = last.completed_at.is_some_and(|at| at > now - BETWEEN_STEPS);
    let operation = |step: &Execution| step.operation.parse::<Operation>().ok();
    let has_table = first.summary.facts.has_standings != Some(false);
    let follows = match operation(last) {
        Some(TournamentCreate | TournamentUpdate) => last.tournament_id.is_some(),
        Some(RoundsCreate | RoundsUpdate | TeamsCreate | TeamsUpdate) => true,
        Some(MatchesCreate) => has_table,
        Some(MatchesUpdate) if operation(first) == Some(TournamentUpdate) => has_table,
        Some(MatchesUpdate) => last.summary.facts.standings_due == Some(true),
        _ => false,
    };
    let went_well =
        matches!(last.status(), Some(ExecutionStatus::Completed | ExecutionStatus::PartialFailure));
    let of_a_function = last.function.as_deref().map(str::parse) != Some(Ok(Function::OperatorApi));
    fresh && follows && went_well && of_a_function
}

/// Which executions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter<'a> {
    /// Of one of these statuses; of any if there are none.
    pub(crate) statuses: Vec<ExecutionStatus>,
    /// Of this operation type.
    pub(crate) operation: Option<&'a str>,
    /// Of this tournament.
    pub(crate) tournament: Option<Uuid>,
    /// Begun within this time.
    pub(crate) within: Option<Range<DateTime<Utc>>>,
    /// Whose tournament, key, person or summary (results, errors, warnings) holds this text.
    pub(crate) text: Option<&'a str>,
    /// Asked for by a person.
    pub(crate) by_hand: bool,
    /// Asked for by somebody whose name holds this.
    pub(crate) by: Option<&'a str>,
    /// Those after this one in the list: when it began, and its id.
    pub(crate) after: Option<(DateTime<Utc>, Uuid)>,
}

/// Executions, newest first.
pub(crate) async fn list(
    client: &impl GenericClient,
    filter: &Filter<'_>,
    limit: i64,
) -> Result<Page<Execution>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES}
          WHERE (cardinality($1::text[]) = 0 OR e.status = ANY($1)) AND ($2::text IS NULL OR e.operation_type = $2)
            AND ($3::uuid IS NULL OR e.tournament_id = $3)
            AND ($4::timestamp IS NULL OR (e.started_at >= $4 AND e.started_at < $5))
            AND ($6::timestamp IS NULL OR (e.started_at, e.id) < ($6, $7))
            AND (NOT $9 OR e.requested_by IS NOT NULL)
            AND ($10::text IS NULL OR position(lower($10) IN lower(e.requested_by)) > 0)
            AND ($11::text IS NULL OR position(lower($11) IN lower(
                 concat_ws(' ', t.label, e.idempotency_key, e.requested_by, e.summary::text))) > 0)
          ORDER BY e.started_at DESC, e.id DESC LIMIT $8"
    );
    let within = filter.within.as_ref().map(|within| (stamp(within.start), stamp(within.end)));
    let statuses: Vec<&str> = filter.statuses.iter().map(|status| (*status).into()).collect();
    let rows = client
        .query_typed(
            &sql,
            &[
                (&statuses, Type::TEXT_ARRAY),
                (&filter.operation, Type::TEXT),
                (&filter.tournament, Type::UUID),
                (&within.map(|(start, _)| start), Type::TIMESTAMP),
                (&within.map(|(_, end)| end), Type::TIMESTAMP),
                (&filter.after.map(|(at, _)| stamp(at)), Type::TIMESTAMP),
                (&filter.after.map(|(_, id)| id), Type::UUID),
                (&(limit + 1), Type::INT8),
                (&(filter.by_hand || filter.by.is_some()), Type::BOOL),
                (&filter.by, Type::TEXT),
                (&filter.text, Type::TEXT),
            ],
        )
        .await?;
    Ok(Page::of(rows.iter().map(execution).collect(), limit))
}
