//! SofaScore's tables: the check of ours, and where the rule for teams level on points stands.

use serde::Serialize;

use super::payload::StandingsPayload;

/// The provider's table of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The order of teams level on points, in prose.
    pub tie_breaking_rule: Option<String>,
    /// Its lines. There may be fewer than teams.
    pub rows: Vec<TableRow>,
}

/// One line of the provider's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRow {
    /// The team's id at the provider.
    pub team: String,
    /// Its name.
    pub name: String,
    /// The 1-based place.
    pub position: i32,
    /// Matches played.
    pub matches: i32,
    /// Won.
    pub wins: i32,
    /// Drawn.
    pub draws: i32,
    /// Lost.
    pub losses: i32,
    /// Goals scored.
    pub scores_for: i32,
    /// Goals conceded.
    pub scores_against: i32,
    /// Points, deductions included.
    pub points: i32,
}

impl Table {
    /// All tables of a reply.
    pub(super) fn all(payload: StandingsPayload) -> Vec<Self> {
        payload
            .standings
            .into_iter()
            .map(|table| Self {
                group: table.tournament.group_name.unwrap_or_default(),
                tie_breaking_rule: table.tie_breaking_rule.text.filter(|text| !text.trim().is_empty()),
                rows: table
                    .rows
                    .into_iter()
                    .map(|row| TableRow {
                        team: row.team.id.to_string(),
                        name: row.team.name,
                        position: row.position,
                        matches: row.matches,
                        wins: row.wins,
                        draws: row.draws,
                        losses: row.losses,
                        scores_for: row.scores_for,
                        scores_against: row.scores_against,
                        points: row.points,
                    })
                    .collect(),
            })
            .collect()
    }
}
