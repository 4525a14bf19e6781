//! Statements on `provider_circuit`: whether requests to a provider are allowed.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use super::{StoreError, stamp, utc};

/// How long one run's trial request has before another run may try.
const TRIAL: TimeDelta = TimeDelta::minutes(10);
/// The wait doubles with each consecutive refusal, up to this multiple of the first.
const LONGEST_WAIT: i32 = 4;
/// How long a run that claimed the message has to send it before another may claim it.
const NOTICE: TimeDelta = TimeDelta::minutes(1);

/// Whether requests to the provider are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It answers, as far as is known.
    Closed,
    /// It refused before; this run tries whether it answers again.
    Trial,
    /// It refuses; no requests are made.
    Refused {
        /// No requests before this time.
        until: DateTime<Utc>,
        /// The provider's response when it refused.
        reason: String,
    },
}

/// Whether requests to `provider` are allowed at `now`. After the wait, one run gets a trial.
pub async fn admit(
    client: &impl GenericClient,
    provider: &str,
    now: DateTime<Utc>,
) -> Result<Admission, StoreError> {
    let rows = client
        .query_typed(
            "WITH trial AS (
                UPDATE provider_circuit SET state = 'half-open', retry_at = $3
                 WHERE provider = $1 AND state <> 'closed' AND retry_at <= $2 RETURNING 1)
             SELECT state <> 'closed', EXISTS (SELECT 1 FROM trial), reason, retry_at
               FROM provider_circuit WHERE provider = $1",
            &[
                (&provider, Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
                (&stamp(now + TRIAL), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(match rows.first() {
        Some(row) if row.get(1) => Admission::Trial,
        Some(row) if row.get(0) => {
            let until = row.get::<_, Option<NaiveDateTime>>(3).map(utc).filter(|until| *until > now);
            Admission::Refused { until: until.unwrap_or(now + TRIAL), reason: row.get(2) }
        }
        _ => Admission::Closed,
    })
}

/// Opens the circuit from `now`, for `wait` at first and longer with each refused trial; returns until when. Refusals
/// of runs that were under way when it was opened change nothing.
pub async fn open(
    client: &impl GenericClient,
    provider: &str,
    reason: &str,
    now: DateTime<Utc>,
    wait: TimeDelta,
) -> Result<DateTime<Utc>, StoreError> {
    let rows = client
        .query_typed(
            "INSERT INTO provider_circuit AS c (provider, state, reason, opened_at, retry_at, refusals, notice_owed)
             VALUES ($1, 'open', $2, $3, $3 + $4 * interval '1 second', 1, 'opened')
             ON CONFLICT (provider) DO UPDATE
                SET state = 'open',
                    reason = CASE c.state WHEN 'open' THEN c.reason ELSE excluded.reason END,
                    opened_at = CASE c.state WHEN 'closed' THEN excluded.opened_at ELSE c.opened_at END,
                    refusals = CASE c.state WHEN 'closed' THEN 1 WHEN 'half-open' THEN c.refusals + 1 ELSE c.refusals END,
                    retry_at = CASE c.state WHEN 'closed' THEN excluded.retry_at WHEN 'open' THEN c.retry_at
                               ELSE $3 + $4 * LEAST($5, power(2, c.refusals)) * interval '1 second' END,
                    notice_owed = CASE c.state WHEN 'closed' THEN 'opened' ELSE c.notice_owed END
             RETURNING retry_at",
            &[
                (&provider, Type::TEXT),
                (&reason, Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
                (&(wait.num_seconds() as f64), Type::FLOAT8),
                (&f64::from(LONGEST_WAIT), Type::FLOAT8),
            ],
        )
        .await?;
    Ok(rows.first().map_or(now + wait, |row| utc(row.get(0))))
}

/// Closes the circuit; returns whether it was open before.
pub async fn close(client: &impl GenericClient, provider: &str) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE provider_circuit
                SET state = 'closed', retry_at = NULL, refusals = 0, notice_owed = 'closed', notice_claimed_until = NULL
              WHERE provider = $1 AND state <> 'closed' RETURNING 1",
            &[(&provider, Type::TEXT)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Whether the circuit is open or on trial.
pub async fn is_open(client: &impl GenericClient, provider: &str) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "SELECT 1 FROM provider_circuit WHERE provider = $1 AND state <> 'closed'",
            &[(&provider, Type::TEXT)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// A message about a circuit that is still to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMessage {
    /// The provider.
    pub provider: String,
    /// Whether it was opened; otherwise it was closed.
    pub opened: bool,
    /// The provider's response when it refused.
    pub reason: String,
    /// When the circuit was opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// Until when it is open, if it still is.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Claims a message that is still to be sent: no other run can claim it for a minute.
pub async fn claim_message(
    client: &impl GenericClient,
    now: DateTime<Utc>,
) -> Result<Option<PendingMessage>, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE provider_circuit SET notice_claimed_until = $2
              WHERE notice_owed IS NOT NULL AND COALESCE(notice_claimed_until <= $1, true)
             RETURNING provider, notice_owed = 'opened', reason, opened_at, retry_at",
            &[(&stamp(now), Type::TIMESTAMP), (&stamp(now + NOTICE), Type::TIMESTAMP)],
        )
        .await?;
    Ok(rows.first().map(|row| PendingMessage {
        provider: row.get(0),
        opened: row.get(1),
        reason: row.get(2),
        opened_at: row.get::<_, Option<NaiveDateTime>>(3).map(utc),
        retry_at: row.get::<_, Option<NaiveDateTime>>(4).map(utc),
    }))
}

/// Records that a message was sent. If the circuit has changed since, the message about that stays pending.
pub async fn message_sent(client: &impl GenericClient, sent: &PendingMessage) -> Result<(), StoreError> {
    client
        .query_typed(
            "UPDATE provider_circuit SET notice_owed = NULL, notice_claimed_until = NULL
              WHERE provider = $1 AND notice_owed = $2 RETURNING 1",
            &[(&sent.provider, Type::TEXT), (&if sent.opened { "opened" } else { "closed" }, Type::TEXT)],
        )
        .await?;
    Ok(())
}
