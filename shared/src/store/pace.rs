//! The next free moment for a request to a provider.

use std::time::Duration;

use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use super::StoreError;

/// Takes the next free moment and says how long to wait for it. The database's clock decides: it is the only one that
/// functions running at once share.
pub async fn next_free_moment(
    client: &impl GenericClient,
    provider: &str,
    pause: Duration,
) -> Result<Duration, StoreError> {
    let rows = client
        .query_typed(
            "WITH clock AS (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now)
             INSERT INTO provider_pace AS pace (provider, next_request_at)
             SELECT $1, now + $2 * interval '1 millisecond' FROM clock
             ON CONFLICT (provider) DO UPDATE
                SET next_request_at = GREATEST(pace.next_request_at, clock_timestamp() AT TIME ZONE 'UTC')
                                      + $2 * interval '1 millisecond'
             RETURNING GREATEST(0, extract(epoch FROM next_request_at - $2 * interval '1 millisecond'
                                      - (clock_timestamp() AT TIME ZONE 'UTC')))::float8",
            &[(&provider, Type::TEXT), (&(pause.as_secs_f64() * 1000.0), Type::FLOAT8)],
        )
        .await?;
    let seconds: f64 = rows.first().map_or(0.0, |row| row.get(0));
    Ok(Duration::from_secs_f64(seconds))
}
