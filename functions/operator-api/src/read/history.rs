//! The history of matches, tables and brackets: what changed, when, and by which run.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use football::domain::Winner;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{Page, moment};
use crate::zone::{MINUTE, Zone};
use shared::store::{StoreError, utc};

/// A change that was made, or a reading that was rejected.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct HistoryEntry {
    /// Its number: later changes have larger ones.
    pub(crate) id: i64,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// `match`, `standings`, `bracket` or `tournament`.
    pub(crate) subject: String,
    /// The match.
    pub(crate) match_id: Option<Uuid>,
    /// Which: `Ash – Birch` of matches (the provider's id of one that is deleted), `Group A, Oak` of a table, `final, 1` of a
    /// bracket.
    pub(crate) part: String,
    /// Addresses of the badges of a match's teams; empty: none is stored.
    #[serde(skip)]
    pub(crate) badges: [String; 2],
    /// What changed, field by field.
    pub(crate) changes: Vec<FieldChange>,
    /// Why the reading was rejected: `would-reopen`, `score-fell`, `malformed` or `locked`. None: the change was made.
    pub(crate) rejected: Option<String>,
    /// The run that made the change, or the reading. None: it was made outside the pipeline.
    pub(crate) execution_id: Option<Uuid>,
    /// The person who made the change, or asked for the run.
    pub(crate) by: Option<String>,
    /// What the run did: `matches_update` and the like.
    pub(crate) operation: Option<String>,
    /// When it was sent to the event bus, where it is a result.
    pub(crate) sent_at: Option<DateTime<Utc>>,
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct FieldChange {
    /// The field.
    pub(crate) field: String,
    /// What it was; none: nothing.
    pub(crate) from: Option<String>,
    /// What it became.
    pub(crate) to: Option<String>,
    /// The same of a kickoff, as moments.
    #[serde(skip)]
    pub(crate) moments: Option<[Option<DateTime<Utc>>; 2]>,
}

impl HistoryEntry {
    fn of(row: &Row) -> Self {
        let Json(changes): Json<BTreeMap<String, [Value; 2]>> = row.get("changes");
        let teams: Option<String> = row.get("teams");
        Self {
            id: row.get("id"),
            at: utc(row.get("changed_at")),
            subject: row.get("subject"),
            match_id: row.get("match_id"),
            badges: ["home_badge", "away_badge"]
                .map(|side| row.get::<_, Option<String>>(side).unwrap_or_default()),
            part: teams.unwrap_or_else(|| row.get("part")),
            changes: in_order(changes)
                .into_iter()
                .map(|(column, [from, to])| FieldChange {
                    field: field(&column).to_owned(),
                    from: text(&column, &from),
                    to: text(&column, &to),
                    moments: (column == "date").then(|| [moment_of(&from), moment_of(&to)]),
                })
                .collect(),
            rejected: row.get("rejected"),
            execution_id: row.get("execution_id"),
            by: row.get("requested_by"),
            operation: row.get("operation_type"),
            sent_at: moment(row, "sent_at"),
        }
    }
}

impl FieldChange {
    /// What is wrong with the field of a reading that was rejected, as `is not known: 999`; none: the field has changed.
    pub(crate) fn fault(&self, entry: &HistoryEntry) -> Option<&str> {
        self.to.as_deref().filter(|_| self.from.is_none() && entry.rejected.is_some())
    }

    /// What it was and what it became, where it is no kickoff.
    pub(crate) fn values(&self) -> [&str; 2] {
        [&self.from, &self.to].map(|value| value.as_deref().unwrap_or("–"))
    }
}

/// The fields that hold a team.
const TEAMS: [&str; 3] = ["home team", "away team", "goes through"];

/// The columns that are read first, in this order: the result before everything that follows from it.
const FIRST: [&str; 7] =
    ["status", "home_score", "away_score", "home_penalties_score", "away_penalties_score", "order", "points"];

fn in_order(changes: BTreeMap<String, [Value; 2]>) -> Vec<(String, [Value; 2])> {
    let mut changes: Vec<_> = changes.into_iter().collect();
    let place = |column: &str| FIRST.iter().position(|first| *first == column).unwrap_or(FIRST.len());
    changes.sort_by_key(|(column, _)| place(column));
    changes
}

/// What people call a column, or a field of a rejected reading.
fn field(column: &str) -> &str {
    match column {
        "home_score" => "home goals",
        "away_score" => "away goals",
        "home_penalties_score" => "home penalties",
        "away_penalties_score" => "away penalties",
        "date" => "kickoff",
        "round_slug" => "round",
        "group_name" => "group",
        "called_off" => "called off",
        "locked" => "locked by hand",
        "winner_code" => "winner",
        "tie_winner_code" => "winner of the tie",
        "external_home_team_id" | "home_team_id" | "home" => "home team",
        "external_away_team_id" | "away_team_id" | "away" => "away team",
        "home_slot" => "home place",
        "away_slot" => "away place",
        "home_aggregate" => "home aggregate",
        "away_aggregate" => "away aggregate",
        "winner_team_id" => "goes through",
        "decided_by" => "decided by",
        "order" => "place",
        "goals_for" => "goals for",
        "goals_against" => "goals against",
        other => other,
    }
}

/// A moment of a column without a time zone, which is UTC.
fn moment_of(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse::<NaiveDateTime>().ok().map(utc)
}

/// A value in words; none for nothing.
fn text(column: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let winner = |code| match code {
        Some(Winner::Home) => "home",
        Some(Winner::Away) => "away",
        Some(Winner::Neither) => "neither",
        None => "unknown",
    };
    Some(match column {
        "winner_code" | "tie_winner_code" => winner(text.parse().ok().and_then(Winner::from_code)).to_owned(),
        "date" => moment_of(value).map_or(text, |at| Zone::UTC.text(at, MINUTE)),
        _ => text,
    })
    .filter(|text| !text.is_empty())
}

/// Which changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Of one match.
    Match(Uuid),
    /// Of a tournament: matches, table and bracket.
    Tournament(Uuid),
}

impl Page<HistoryEntry> {
    /// The entry before which the next page begins; none: this was the last.
    pub(crate) fn next(&self) -> Option<i64> {
        self.rows.last().filter(|_| self.more).map(|last| last.id)
    }
}

/// The changes, the latest first; at most `limit`, of those before the entry `before`.
pub(crate) async fn list(
    client: &impl GenericClient,
    of: Of,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<HistoryEntry>, StoreError> {
    let (column, id) = match of {
        Of::Match(id) => ("match_id", id),
        Of::Tournament(id) => ("tournament_id", id),
    };
    let sql = format!(
        "SELECT c.*, h.name || ' – ' || a.name AS teams, h.badge AS home_badge, a.badge AS away_badge, e.requested_by, e.operation_type FROM (
           SELECT * FROM change_history WHERE {column} = $1 AND ($2::bigint IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3) c
           LEFT JOIN match m ON m.id = c.match_id
           LEFT JOIN data_provider_executions e ON e.id = c.execution_id
           LEFT JOIN team h ON h.id = m.home_team_id LEFT JOIN team a ON a.id = m.away_team_id
          ORDER BY c.id DESC"
    );
    let rows = client
        .query_typed(&sql, &[(&id, Type::UUID), (&before, Type::INT8), (&(limit + 1), Type::INT8)])
        .await?;
    let mut entries: Vec<HistoryEntry> = rows.iter().map(HistoryEntry::of).collect();
    let tournament = rows.first().map(|row| row.get("tournament_id"));
    name_teams(client, tournament, &mut entries).await?;
    Ok(Page::of(entries, limit))
}

/// Puts the teams' names in the place of their ids: ours in a bracket, the provider's in matches.
async fn name_teams(
    client: &impl GenericClient,
    tournament: Option<Uuid>,
    entries: &mut [HistoryEntry],
) -> Result<(), StoreError> {
    let mut values: Vec<&mut String> = entries
        .iter_mut()
        .flat_map(|entry| &mut entry.changes)
        .filter(|change| TEAMS.contains(&change.field.as_str()))
        .flat_map(|change| change.from.iter_mut().chain(&mut change.to))
        .collect();
    if values.is_empty() {
        return Ok(());
    }
    let ours: Vec<Uuid> = values.iter().filter_map(|value| value.parse().ok()).collect();
    let providers: Vec<&str> = values.iter().map(|value| value.as_str()).collect();
    let rows = client
        .query_typed(
            "SELECT id::text, external_id, name FROM team
              WHERE id = ANY($1) OR (provider = (SELECT provider FROM tournament WHERE id = $2) AND external_id = ANY($3))",
            &[(&ours, Type::UUID_ARRAY), (&tournament, Type::UUID), (&providers, Type::TEXT_ARRAY)],
        )
        .await?;
    for value in &mut values {
        let known = rows.iter().find(|row| [row.get::<_, &str>(0), row.get(1)].contains(&value.as_str()));
        if let Some(row) = known {
            **value = row.get(2);
        }
    }
    Ok(())
}
