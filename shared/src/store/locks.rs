//! Statements on `match_lock`: matches that a person has set, and what the provider says of them.

use chrono::{DateTime, NaiveDateTime, Utc};
use football::domain::{Lock, Match, Score, Winner, take_result};
use football::plan::correction::Corrected;
use serde::Deserialize;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use super::{StoreError, stamp, utc};

/// A row, as the statements on `match` read it.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    result: bool,
    kickoff: bool,
    status: String,
    called_off: Option<String>,
    home_score: Option<i32>,
    away_score: Option<i32>,
    home_penalties_score: Option<i32>,
    away_penalties_score: Option<i32>,
    date: Option<NaiveDateTime>,
    went_to_extra_time: bool,
    awarded: bool,
    winner_code: Option<i32>,
    tie_winner_code: Option<i32>,
    provider_changed_at: Option<NaiveDateTime>,
}

impl Row {
    /// The lock of a stored match.
    pub(super) fn read(self, stored: &Match) -> Lock {
        let mut without = stored.clone();
        if self.kickoff {
            without.kickoff = self.date.map(utc);
        }
        if self.result {
            let both = |home: Option<i32>, away: Option<i32>| Some((home?, away?));
            let shootout = both(self.home_penalties_score, self.away_penalties_score);
            let mut provider = stored.clone();
            provider.status = self.status.parse().unwrap_or(stored.status);
            provider.called_off = self.called_off.and_then(|reason| reason.parse().ok());
            provider.score =
                both(self.home_score, self.away_score).map(|(home, away)| Score { home, away, shootout });
            provider.changed_at = self.provider_changed_at.map(utc);
            provider.tie.extra_time = self.went_to_extra_time;
            provider.tie.awarded = self.awarded;
            provider.tie.winner = self.winner_code.and_then(Winner::from_code);
            provider.tie.tie_winner = self.tie_winner_code.and_then(Winner::from_code);
            take_result(&mut without, &provider);
        }
        Lock { result: self.result, kickoff: self.kickoff, without }
    }
}

/// The columns that a lock keeps of a match: `SET` lists and comparisons are made of them.
const RESULT: [&str; 11] = [
    "status",
    "called_off",
    "home_score",
    "away_score",
    "home_penalties_score",
    "away_penalties_score",
    "went_to_extra_time",
    "awarded",
    "winner_code",
    "tie_winner_code",
    "provider_changed_at",
];

/// Locks a match as a person has set it, and sets it so. What was locked before stays locked.
pub async fn set(
    transaction: &Transaction<'_>,
    id: Uuid,
    (stored, corrected): (&Match, &Corrected),
    (by, note): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let columns = RESULT[1..].join(", ");
    let kept: Vec<String> = RESULT
        .iter()
        .map(|column| format!("{column} = CASE WHEN l.result THEN l.{column} ELSE excluded.{column} END"))
        .collect();
    let sql = format!(
        "INSERT INTO match_lock AS l (match_id, locked_at, locked_by, note, result, kickoff, date, status, {columns})
         SELECT id, $2, $3, $4, $5, $6, date, $7, {columns} FROM match WHERE id = $1
         ON CONFLICT (match_id) DO UPDATE
            SET locked_at = excluded.locked_at, locked_by = excluded.locked_by, note = excluded.note,
                result = l.result OR excluded.result, kickoff = l.kickoff OR excluded.kickoff,
                date = CASE WHEN l.kickoff THEN l.date ELSE excluded.date END, {}
         RETURNING match_id",
        kept.join(", ")
    );
    transaction
        .query_typed(
            &sql,
            &[
                (&id, Type::UUID),
                (&stamp(now), Type::TIMESTAMP),
                (&by, Type::TEXT),
                (&note, Type::TEXT),
                (&corrected.result, Type::BOOL),
                (&corrected.kickoff, Type::BOOL),
                // One of an older vocabulary is mapped.
                (&stored.status.to_string(), Type::TEXT),
            ],
        )
        .await?;
    let to = &corrected.to;
    let shootout = to.score.and_then(|score| score.shootout);
    transaction
        .query_typed(
            "UPDATE match SET status = $2, called_off = $3, home_score = $4, away_score = $5, home_penalties_score = $6,
                    away_penalties_score = $7, date = $8, awarded = $9, winner_code = $10, tie_winner_code = $11,
                    doubted_score = NULL, updated_at = $12
              WHERE id = $1 AND (status, called_off, home_score, away_score, home_penalties_score, away_penalties_score,
                                 date, awarded, winner_code, tie_winner_code)
                    IS DISTINCT FROM ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
            &[
                (&id, Type::UUID),
                (&to.status.to_string(), Type::TEXT),
                (&to.called_off.map(|reason| reason.to_string()), Type::TEXT),
                (&to.score.map(|score| score.home), Type::INT4),
                (&to.score.map(|score| score.away), Type::INT4),
                (&shootout.map(|(home, _)| home), Type::INT4),
                (&shootout.map(|(_, away)| away), Type::INT4),
                (&to.kickoff.map(stamp), Type::TIMESTAMP),
                (&to.tie.awarded, Type::BOOL),
                (&to.tie.winner.map(Winner::code), Type::INT4),
                (&to.tie.tie_winner.map(Winner::code), Type::INT4),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(())
}

/// Ends the lock of a match and makes the match what it would be without it. False: it was not locked.
pub async fn unlock(transaction: &Transaction<'_>, id: Uuid, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let back: Vec<String> = RESULT
        .iter()
        .map(|column| format!("{column} = CASE WHEN l.result THEN l.{column} ELSE m.{column} END"))
        .collect();
    let sql = format!(
        "WITH l AS (DELETE FROM match_lock WHERE match_id = $1 RETURNING *)
         UPDATE match m SET date = CASE WHEN l.kickoff THEN l.date ELSE m.date END, {}, updated_at = $2
           FROM l WHERE m.id = l.match_id RETURNING m.id",
        back.join(", ")
    );
    let rows = transaction.query_typed(&sql, &[(&id, Type::UUID), (&stamp(now), Type::TIMESTAMP)]).await?;
    Ok(!rows.is_empty())
}

/// Keeps what the provider says of locked matches beside their locks. Call it in the transaction that has locked the rows.
pub async fn note_provider(
    client: &impl GenericClient,
    tournament: Uuid,
    read: &[Match],
) -> Result<(), StoreError> {
    for m in read {
        let shootout = m.score.and_then(|score| score.shootout);
        client
            .query_typed(
                "UPDATE match_lock l
                    SET status = $3, called_off = $4, home_score = $5, away_score = $6, home_penalties_score = $7,
                        away_penalties_score = $8, date = $9, went_to_extra_time = $10, awarded = $11, winner_code = $12,
                        tie_winner_code = $13, provider_changed_at = COALESCE($14, l.provider_changed_at)
                   FROM match m
                  WHERE m.id = l.match_id AND m.tournament_id = $1 AND m.external_id = $2
                    AND (l.status, l.called_off, l.home_score, l.away_score, l.home_penalties_score, l.away_penalties_score,
                         l.date, l.went_to_extra_time, l.awarded, l.winner_code, l.tie_winner_code)
                        IS DISTINCT FROM ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                 RETURNING 1",
                &[
                    (&tournament, Type::UUID),
                    (&m.external_id, Type::TEXT),
                    (&m.status.to_string(), Type::TEXT),
                    (&m.called_off.map(|reason| reason.to_string()), Type::TEXT),
                    (&m.score.map(|score| score.home), Type::INT4),
                    (&m.score.map(|score| score.away), Type::INT4),
                    (&shootout.map(|(home, _)| home), Type::INT4),
                    (&shootout.map(|(_, away)| away), Type::INT4),
                    (&m.kickoff.map(stamp), Type::TIMESTAMP),
                    (&m.tie.extra_time, Type::BOOL),
                    (&m.tie.awarded, Type::BOOL),
                    (&m.tie.winner.map(Winner::code), Type::INT4),
                    (&m.tie.tie_winner.map(Winner::code), Type::INT4),
                    (&m.changed_at.map(stamp), Type::TIMESTAMP),
                ],
            )
            .await?;
    }
    Ok(())
}

/// What of a match is locked, in words; none: nothing.
pub fn words(result: bool, kickoff: bool) -> Option<&'static str> {
    match (result, kickoff) {
        (true, true) => Some("result and kickoff"),
        (true, false) => Some("result"),
        (false, true) => Some("kickoff"),
        (false, false) => None,
    }
}

/// Records in the history what of a match was locked, and what is now.
pub async fn record(
    transaction: &Transaction<'_>,
    id: Uuid,
    (from, to): (Option<&str>, Option<&str>),
    execution: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    transaction
        .query_typed(
            "INSERT INTO change_history (changed_at, tournament_id, subject, match_id, part, changes, execution_id)
             SELECT $2, tournament_id, 'match', id, external_id,
                    jsonb_build_object('locked', jsonb_build_array($4::text, $5::text)), $3
               FROM match WHERE id = $1 RETURNING id",
            &[
                (&id, Type::UUID),
                (&stamp(now), Type::TIMESTAMP),
                (&execution, Type::UUID),
                (&from, Type::TEXT),
                (&to, Type::TEXT),
            ],
        )
        .await?;
    Ok(())
}
