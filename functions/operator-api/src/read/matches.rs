//! Matches, as the desk shows them.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{Page, moment};
use shared::store::{StoreError, utc};

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
    /// The home side.
    pub(crate) home: TeamView,
    /// The away side.
    pub(crate) away: TeamView,
    /// When the application scored its members' guesses by it.
    pub(crate) scored_at: Option<DateTime<Utc>>,
    /// When the row last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

const SELECT: &str =
    "SELECT m.id, m.tournament_id, m.external_id, m.round_slug, m.group_name, m.date, m.status, m.home_score,
        m.away_score, m.home_penalties_score, m.away_penalties_score, m.scoreboard_applied_at, m.updated_at,
        h.external_id AS home_id, h.name AS home, h.short_name AS home_short,
        a.external_id AS away_id, a.name AS away, a.short_name AS away_short
   FROM match m JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id";

fn view(row: &Row) -> MatchView {
    let team = |side: &str| TeamView {
        external_id: row.get(format!("{side}_id").as_str()),
        name: row.get(side),
        short_name: row.get(format!("{side}_short").as_str()),
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
        home: team("home"),
        away: team("away"),
        scored_at: moment(row, "scoreboard_applied_at"),
        updated_at: utc(row.get("updated_at")),
    }
}

/// One match.
pub(crate) async fn find(client: &impl GenericClient, id: Uuid) -> Result<Option<MatchView>, StoreError> {
    let rows = client.query_typed(&format!("{SELECT} WHERE m.id = $1"), &[(&id, Type::UUID)]).await?;
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
        "{SELECT} WHERE m.tournament_id = $1 AND ($2::text IS NULL OR m.round_slug = $2)
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
