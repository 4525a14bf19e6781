//! SofaScore's tables: the check of ours, and where the rule for teams level on points stands.

use serde::Serialize;

use super::payload::StandingsPayload;
use crate::domain::standings::ProviderRow;

/// The provider's table of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The order of teams level on points, in prose.
    pub tie_breaking_rule: Option<String>,
    /// Its lines. There may be fewer than teams.
    pub rows: Vec<ProviderRow>,
}

impl Table {
    /// All tables of a reply.
    pub(super) fn all(payload: StandingsPayload) -> Vec<Self> {
        payload
            .standings
            .into_iter()
            .map(|table| {
                let group = table.tournament.group().unwrap_or_default();
                Self {
                    tie_breaking_rule: table.tie_breaking_rule.text.filter(|text| !text.trim().is_empty()),
                    rows: table
                        .rows
                        .into_iter()
                        .map(|row| ProviderRow {
                            group: group.clone(),
                            team: row.team.id.to_string(),
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
                    group,
                }
            })
            .collect()
    }
}
