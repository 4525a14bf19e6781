//! Statements on `provider_circuit`: whether a provider is asked at all.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use super::{StoreError, stamp, utc};

/// How long a run that tries whether a provider answers again is waited for before another may.
const TRIAL: TimeDelta = TimeDelta::minutes(10);
/// The wait doubles with each refusal in a row, up to this many times the first.
const LONGEST_WAIT: i32 = 4;
/// How long somebody who sends a notice is waited for before another sends it.
const NOTICE: TimeDelta = TimeDelta::minutes(1);

/// Whether the provider may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It answers, as far as is known.
    Closed,
    /// It refused before; this run tries whether it answers again.
    Trial,
    /// It refuses; nobody asks.
    Refused {
        /// Until then.
        until: DateTime<Utc>,
        /// What it said.
        reason: String,
    },
}

/// Asks whether `provider` may be asked at `now`. Of many runs that ask after the wait is over, one may try.
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

/// Leaves `provider` alone from `now` on, for `wait` at first and longer with each trial that it refuses; until when.
/// Refusals of runs that were under way when it was opened change nothing.
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

/// Lets everybody ask again; whether it was open before.
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

/// Whether `provider` is left alone, or tried for a first time after it was.
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
    /// Of which provider.
    pub provider: String,
    /// Whether it was opened; otherwise it was closed.
    pub opened: bool,
    /// What the provider said.
    pub reason: String,
    /// Since when it was left alone.
    pub opened_at: Option<DateTime<Utc>>,
    /// Until when it is, if it is still.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Takes on a message that is still to be sent: nobody else will, for a while.
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

/// Notes that a message was sent. If the circuit has changed since, the message about that is still to come.
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
