//! How each operation did, day by day over some weeks.

use chrono::{DateTime, NaiveDateTime, Utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use shared::store::{StoreError, stamp};

/// An operation's executions of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayOfOperation {
    /// `matches_update` and the like.
    pub(crate) operation: String,
    /// Which day, from 0.
    pub(crate) day: usize,
    /// Executions that ended.
    pub(crate) runs: i64,
    /// Those that failed.
    pub(crate) failed: i64,
    /// Those that failed in part.
    pub(crate) partial: i64,
    /// The median duration, in milliseconds.
    pub(crate) median_ms: i64,
    /// The longest, in milliseconds.
    pub(crate) longest_ms: i64,
    /// Requests to the provider.
    pub(crate) requests: i64,
    /// From the provider's change of a match to our result, in seconds: the worst of the day; none: no result was new.
    pub(crate) latency_s: Option<i64>,
}

/// The days of each operation, by operation and day; a day without executions has no entry. `starts`: the first moment of each
/// day, and the end of the last one; a day may have 23 or 25 hours.
pub(crate) async fn trends(
    client: &impl GenericClient,
    starts: &[DateTime<Utc>],
) -> Result<Vec<DayOfOperation>, StoreError> {
    let number = |field: &str| {
        format!(
            "CASE WHEN jsonb_typeof(summary -> '{field}') = 'number' THEN (summary ->> '{field}')::bigint END"
        )
    };
    let (requests, latency) = (number("requests"), number("resultLatencyS"));
    let sql = format!(
        "SELECT operation_type, width_bucket(started_at, $3) - 1 AS day, count(*) AS runs,
                count(*) FILTER (WHERE status = 'failed') AS failed,
                count(*) FILTER (WHERE status = 'partial_failure') AS partial,
                COALESCE(percentile_disc(0.5) WITHIN GROUP (ORDER BY duration), 0)::bigint AS median_ms,
                COALESCE(max(duration), 0)::bigint AS longest_ms,
                COALESCE(sum({requests}), 0)::bigint AS requests, max({latency}) AS latency_s
           FROM data_provider_executions
          WHERE started_at >= $1 AND started_at < $2 AND status <> 'in_progress'
          GROUP BY 1, 2 ORDER BY 1, 2"
    );
    let (Some(first), Some(end)) = (starts.first(), starts.last()) else { return Ok(Vec::new()) };
    let days: Vec<NaiveDateTime> = starts.iter().map(|start| stamp(*start)).collect();
    let rows = client
        .query_typed(
            &sql,
            &[
                (&stamp(*first), Type::TIMESTAMP),
                (&stamp(*end), Type::TIMESTAMP),
                (&days, Type::TIMESTAMP_ARRAY),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| DayOfOperation {
            operation: row.get("operation_type"),
            day: usize::try_from(row.get::<_, i32>("day")).unwrap_or_default(),
            runs: row.get("runs"),
            failed: row.get("failed"),
            partial: row.get("partial"),
            median_ms: row.get("median_ms"),
            longest_ms: row.get("longest_ms"),
            requests: row.get("requests"),
            latency_s: row.get("latency_s"),
        })
        .collect())
}
