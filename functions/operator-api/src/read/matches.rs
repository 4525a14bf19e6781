//! Matches, as the desk shows them.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{Page, moment};
use football::domain::Score;
use shared::store::{StoreError, stamp, utc};

/// One side of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct TeamView {
    /// The provider's id.
    pub(crate) external_id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its short name.
    pub(crate) short_name: Option<String>,
    /// Address of its badge; empty: none is stored.
    pub(crate) badge: String,
    /// Goals after 90 or 120 minutes.
    pub(crate) score: Option<i32>,
    /// Goals of the shootout.
    pub(crate) penalties: Option<i32>,
}

/// A match as the desk shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct MatchView {
    /// Our id.
    pub(crate) id: Uuid,
    /// The tournament's.
    pub(crate) tournament_id: Uuid,
    /// The provider's id.
    pub(crate) external_id: String,
    /// The round it belongs to.
    pub(crate) round_slug: String,
    /// The group it counts for; empty outside groups.
    pub(crate) group: String,
    /// Kickoff.
    pub(crate) kickoff: Option<DateTime<Utc>>,
    /// `open`, `ended` or `not-defined`.
    pub(crate) status: String,
    /// Why it has no result: `postponed`, `abandoned`, `cancelled`, `removed` or `gone`.
    pub(crate) called_off: Option<String>,
    /// The home side.
    pub(crate) home: TeamView,
    /// The away side.
    pub(crate) away: TeamView,
    /// When the application scored its members' guesses by it.
    pub(crate) scored_at: Option<DateTime<Utc>>,
    /// When the row last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// Who has set it against the provider; none: the provider's readings change it.
    pub(crate) lock: Option<LockView>,
}

/// The lock of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct LockView {
    /// Who locked it.
    pub(crate) by: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Why; may be empty.
    pub(crate) note: String,
    /// Whether status and score are locked.
    pub(crate) result: bool,
    /// Whether the kickoff is locked.
    pub(crate) kickoff: bool,
    /// What the provider says: the status, the score as `2-1` or `1-1 (4-3 pens)`, the kickoff.
    pub(crate) provider: ProviderWord,
}

/// What the provider says of a locked match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct ProviderWord {
    /// `open`, `ended` or `not-defined`.
    pub(crate) status: String,
    /// The score; none: it gives none.
    pub(crate) score: Option<String>,
    /// Kickoff.
    pub(crate) kickoff: Option<DateTime<Utc>>,
}

/// The beginning of a statement that reads matches `m` with their teams `h` and `a`, and one more column.
pub(super) fn select(more: &str) -> String {
    format!("SELECT {more}, {COLUMNS} {TABLES}")
}

const COLUMNS: &str =
    "m.id, m.tournament_id, m.external_id, m.round_slug, m.group_name, m.date, m.status, m.called_off, m.home_score,
        m.away_score, m.home_penalties_score, m.away_penalties_score, m.scoreboard_applied_at, m.updated_at,
        h.external_id AS home_id, h.name AS home, h.short_name AS home_short, h.badge AS home_badge,
        a.external_id AS away_id, a.name AS away, a.short_name AS away_short, a.badge AS away_badge,
        l.locked_by, l.locked_at, l.note, l.result AS locks_result, l.kickoff AS locks_kickoff, l.status AS their_status,
        l.home_score AS their_home, l.away_score AS their_away, l.home_penalties_score AS their_home_penalties,
        l.away_penalties_score AS their_away_penalties, l.date AS their_date";
const TABLES: &str = "FROM match m LEFT JOIN match_lock l ON l.match_id = m.id JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id";

pub(super) fn view(row: &Row) -> MatchView {
    let team = |side: &str| TeamView {
        external_id: row.get(format!("{side}_id").as_str()),
        name: row.get(side),
        short_name: row.get(format!("{side}_short").as_str()),
        badge: row.get(format!("{side}_badge").as_str()),
        score: row.get(format!("{side}_score").as_str()),
        penalties: row.get(format!("{side}_penalties_score").as_str()),
    };
    MatchView {
        id: row.get("id"),
        tournament_id: row.get("tournament_id"),
        external_id: row.get("external_id"),
        round_slug: row.get("round_slug"),
        group: row.get("group_name"),
        kickoff: moment(row, "date"),
        status: row.get("status"),
        called_off: row.get("called_off"),
        home: team("home"),
        away: team("away"),
        scored_at: moment(row, "scoreboard_applied_at"),
        updated_at: utc(row.get("updated_at")),
        lock: lock(row),
    }
}

fn lock(row: &Row) -> Option<LockView> {
    let both =
        |home: &str, away: &str| Some((row.get::<_, Option<i32>>(home)?, row.get::<_, Option<i32>>(away)?));
    let shootout = both("their_home_penalties", "their_away_penalties");
    Some(LockView {
        by: row.get::<_, Option<String>>("locked_by")?,
        at: moment(row, "locked_at")?,
        note: row.get("note"),
        result: row.get("locks_result"),
        kickoff: row.get("locks_kickoff"),
        provider: ProviderWord {
            status: row.get("their_status"),
            score: both("their_home", "their_away")
                .map(|(home, away)| Score { shootout, ..Score::new(home, away) }.to_string()),
            kickoff: moment(row, "their_date"),
        },
    })
}

/// One match.
pub(crate) async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<MatchView>, StoreError> {
    let rows = client
        .query_typed(&format!("SELECT {COLUMNS} {TABLES} WHERE m.id = $1"), &[(&id, Type::UUID)])
        .await?;
    Ok(rows.first().map(view))
}

/// Matches of a tournament by kickoff: of a round, of a day, or all; at most `limit`.
pub(crate) async fn of_tournament(
    client: &impl GenericClient,
    tournament: Uuid,
    round: Option<&str>,
    day: Option<NaiveDate>,
    limit: i64,
) -> Result<Page<MatchView>, StoreError> {
    let day = day.map(|day| day.and_time(NaiveTime::MIN));
    let sql = format!(
        "SELECT {COLUMNS} {TABLES} WHERE m.tournament_id = $1 AND ($2::text IS NULL OR m.round_slug = $2)
            AND ($3::timestamp IS NULL OR (m.date >= $3 AND m.date < $4))
          ORDER BY m.date, m.external_id LIMIT $5"
    );
    let rows = client
        .query_typed(
            &sql,
            &[
                (&tournament, Type::UUID),
                (&round, Type::TEXT),
                (&day, Type::TIMESTAMP),
                (&day.and_then(|day| day.checked_add_signed(TimeDelta::days(1))), Type::TIMESTAMP),
                (&(limit + 1), Type::INT8),
            ],
        )
        .await?;
    Ok(Page::of(rows.iter().map(view).collect(), limit))
}

/// Matches on one side of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Near {
    /// Those that kicked off before it, latest first.
    Before(DateTime<Utc>),
    /// Those that kick off at it or after it, soonest first.
    After(DateTime<Utc>),
}

/// The matches of a tournament nearest to a moment.
pub(crate) async fn near(
    client: &impl GenericClient,
    tournament: Uuid,
    near: Near,
    limit: i64,
) -> Result<Vec<MatchView>, StoreError> {
    let (at, side) = match near {
        Near::Before(at) => (at, "m.date < $2 ORDER BY m.date DESC, m.external_id"),
        Near::After(at) => (at, "m.date >= $2 ORDER BY m.date, m.external_id"),
    };
    let sql = format!("SELECT {COLUMNS} {TABLES} WHERE m.tournament_id = $1 AND {side} LIMIT $3");
    let rows = client
        .query_typed(&sql, &[(&tournament, Type::UUID), (&stamp(at), Type::TIMESTAMP), (&limit, Type::INT8)])
        .await?;
    Ok(rows.iter().map(view).collect())
}
