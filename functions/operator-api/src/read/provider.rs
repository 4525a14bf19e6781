//! The provider's state: its circuit, its requests, the browser and the daily routine.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::moment;
use shared::provider::ProviderName;
use shared::store::StoreError;

/// Whether the providers are asked at all, and how much they were asked on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct ProvidersState {
    /// Every provider, by name.
    pub(crate) providers: Vec<ProviderState>,
    /// Requests of the executions that ended on the day, to any provider, as their summaries count them.
    pub(crate) requests_today: i64,
    /// Those executions.
    pub(crate) executions_today: i64,
}

/// Whether a provider is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct ProviderState {
    /// The provider.
    pub(crate) provider: String,
    /// `closed`: it is asked. `open`: it refused, and is left alone until `retryAt`.
    pub(crate) circuit: String,
    /// Why the circuit is open.
    pub(crate) reason: Option<String>,
    /// Since when it is open.
    pub(crate) opened_at: Option<DateTime<Utc>>,
    /// When it is asked again.
    pub(crate) retry_at: Option<DateTime<Utc>>,
    /// Refusals in a row.
    pub(crate) refusals: i32,
}

/// The providers that are not asked, since they refused, and until when.
pub(crate) async fn refused(
    client: &impl GenericClient,
) -> Result<Vec<(String, Option<DateTime<Utc>>)>, StoreError> {
    let sql = "SELECT provider, retry_at FROM provider_circuit WHERE state <> 'closed' ORDER BY provider";
    let rows = client.query_typed(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get("provider"), moment(row, "retry_at"))).collect())
}

/// The providers' state on a day.
pub(crate) async fn state(client: &impl GenericClient, day: NaiveDate) -> Result<ProvidersState, StoreError> {
    let names: Vec<&str> = ProviderName::ALL.iter().map(|provider| provider.as_str()).collect();
    let circuits = client
        .query_typed(
            "SELECT p.provider, COALESCE(c.state, 'closed') AS state, c.reason, c.opened_at, c.retry_at,
                    COALESCE(c.refusals, 0) AS refusals
               FROM unnest($1::text[]) AS p(provider) LEFT JOIN provider_circuit c USING (provider)
              ORDER BY p.provider",
            &[(&names, Type::TEXT_ARRAY)],
        )
        .await?;
    let start = day.and_time(NaiveTime::MIN);
    let end = start.checked_add_signed(TimeDelta::days(1)).unwrap_or(start);
    let sums = client
        .query_typed(
            "SELECT COALESCE(sum(CASE WHEN jsonb_typeof(summary -> 'requests') = 'number'
                                      THEN (summary ->> 'requests')::bigint END), 0)::bigint AS requests,
                    count(*) AS executions
               FROM data_provider_executions
              WHERE started_at >= $1 AND started_at < $2 AND status <> 'in_progress'",
            &[(&start, Type::TIMESTAMP), (&end, Type::TIMESTAMP)],
        )
        .await?;
    let provider = |row: &Row| ProviderState {
        provider: row.get("provider"),
        circuit: row.get("state"),
        reason: row.get("reason"),
        opened_at: moment(row, "opened_at"),
        retry_at: moment(row, "retry_at"),
        refusals: row.get("refusals"),
    };
    Ok(ProvidersState {
        providers: circuits.iter().map(provider).collect(),
        requests_today: sums[0].get("requests"),
        executions_today: sums[0].get("executions"),
    })
}

/// How the browser worked in the last execution that needed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrowserUse {
    /// The execution.
    pub(crate) execution: Uuid,
    /// When it ended.
    pub(crate) at: Option<DateTime<Utc>>,
    /// How long it took to start, in milliseconds.
    pub(crate) start_ms: Option<i64>,
    /// Whether it did not start or died, and the one that replaced it too.
    pub(crate) failed: bool,
}

/// How the browser worked in the last execution that needed one.
pub(crate) async fn browser(client: &impl GenericClient) -> Result<Option<BrowserUse>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT id, completed_at, (summary -> 'browser' ->> 'startMs')::bigint AS start_ms,
                    summary -> 'browser' -> 'failed' = 'true' AS failed
               FROM data_provider_executions WHERE used_browser ORDER BY started_at DESC LIMIT 1",
            &[],
        )
        .await?;
    Ok(rows.first().map(|row| BrowserUse {
        execution: row.get("id"),
        at: moment(row, "completed_at"),
        start_ms: row.get("start_ms"),
        failed: row.get::<_, Option<bool>>("failed").unwrap_or_default(),
    }))
}

/// A daily routine must succeed at least this often.
pub(crate) const ROUTINE_WITHIN: TimeDelta = TimeDelta::hours(26);

/// When a daily routine last succeeded, and since when an active tournament needs one.
pub(crate) async fn daily_routine(
    client: &impl GenericClient,
) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>), StoreError> {
    let rows = client
        .query_typed(
            "SELECT (SELECT completed_at FROM data_provider_executions
                      WHERE operation_type = 'daily_schedule' AND status IN ('completed', 'partial_failure')
                        AND COALESCE(summary ->> 'dryRun', 'false') <> 'true'
                      ORDER BY started_at DESC LIMIT 1) AS ended_at,
                    (SELECT min(created_at) FROM tournament WHERE status = 'active' AND deleted_at IS NULL) AS wanted_since",
            &[],
        )
        .await?;
    let row = &rows[0];
    Ok((moment(row, "ended_at"), moment(row, "wanted_since")))
}
