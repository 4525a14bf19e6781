//! SofaScore's tables: used to check ours, and the source of the tie-breaking rule for teams level on points.

use super::payload::StandingsPayload;
use football::domain::standings::{ProviderRow, ProviderTable};

/// All tables of a reply.
pub(super) fn tables(payload: StandingsPayload) -> Vec<ProviderTable> {
    payload
        .standings
        .into_iter()
        .map(|table| {
            let group = table.tournament.group().unwrap_or_default();
            ProviderTable {
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
