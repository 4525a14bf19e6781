//! Statements on `provider_pace`: turns for requests to a provider, one at a time with a pause after each, across all
//! functions.

use std::time::Duration;

use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::StoreError;

/// The result of trying to take the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The turn was taken: make the request now.
    Yours,
    /// The remaining pause; zero: another run's request is under way.
    Wait(Duration),
}

/// Takes the turn for `asker`, if it is free: for `at_most`, unless it is given back before. Uses the database's clock,
/// the only one that concurrently running functions share.
pub async fn take_turn(
    client: &impl GenericClient,
    provider: &str,
    asker: Uuid,
    at_most: Duration,
) -> Result<Turn, StoreError> {
    let rows = client
        .query_typed(
            "WITH clock AS (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now),
             taken AS (
                INSERT INTO provider_pace AS pace (provider, next_request_at, asking, asking_until)
                SELECT $1, now, $2, now + $3 * interval '1 second' FROM clock
                ON CONFLICT (provider) DO UPDATE SET asking = excluded.asking, asking_until = excluded.asking_until
                 WHERE pace.next_request_at <= excluded.next_request_at
                   AND COALESCE(pace.asking_until <= excluded.next_request_at, true)
                RETURNING 1)
             SELECT EXISTS (SELECT 1 FROM taken),
                    GREATEST(0, extract(epoch FROM (SELECT next_request_at FROM provider_pace WHERE provider = $1) - now))::float8
               FROM clock",
            &[(&provider, Type::TEXT), (&asker, Type::UUID), (&at_most.as_secs_f64(), Type::FLOAT8)],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(Turn::Wait(Duration::ZERO)) };
    let wait = row.get::<_, Option<f64>>(1).unwrap_or_default();
    Ok(if row.get(0) { Turn::Yours } else { Turn::Wait(Duration::from_secs_f64(wait)) })
}

/// Gives the turn back: the next request may be made after `pause`.
pub async fn end_turn(
    client: &impl GenericClient,
    provider: &str,
    asker: Uuid,
    pause: Duration,
) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE provider_pace
                SET asking = NULL, asking_until = NULL,
                    next_request_at = GREATEST(next_request_at, (clock_timestamp() AT TIME ZONE 'UTC') + $3 * interval '1 second')
              WHERE provider = $1 AND asking = $2 RETURNING 1",
            &[(&provider, Type::TEXT), (&asker, Type::UUID), (&pause.as_secs_f64(), Type::FLOAT8)],
        )
        .await?;
    Ok(())
}

/// Blocks requests of all runs until `wait` has passed.
pub async fn hold_off(client: &impl GenericClient, provider: &str, wait: Duration) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE provider_pace
                SET next_request_at = GREATEST(next_request_at, (clock_timestamp() AT TIME ZONE 'UTC') + $2 * interval '1 second')
              WHERE provider = $1 RETURNING 1",
            &[(&provider, Type::TEXT), (&wait.as_secs_f64(), Type::FLOAT8)],
        )
        .await?;
    Ok(())
}
