//! football-data.org's tables: used to check ours. Its free plan gives the total only; older replies also have tables of
//! home and away matches, which are left out. There is no text of tie-breaking rules.

use football::domain::standings::{Carried, ProviderRow, ProviderTable};

use super::game::{group, team};
use super::payload::{RowPayload, StandingsPayload, TablePayload};
use crate::provider::reading::Tables;
use crate::provider::reply::place;

/// All tables of a reply; the malformed field if none of them can be read.
pub(super) fn tables(payload: StandingsPayload) -> Result<Tables, String> {
    let total: Vec<TablePayload> =
        payload.standings.into_iter().filter(|table| table.kind == "TOTAL").collect();
    let only = total.len() == 1;
    let mut read = Tables::default();
    for (at, table) in total.iter().enumerate() {
        // An only table is that of a league, or of a league phase.
        let label = table.group.as_deref().filter(|_| !only).map(group).unwrap_or_default();
        match rows(table, &label) {
            Ok(rows) => read.tables.push(ProviderTable {
                id: None,
                stage: None,
                carried: Carried::default(),
                tie_breaking_rule: None,
                rows,
                group: label,
            }),
            Err(reason) => read.unread.push(format!("standings[{at}].{reason}")),
        }
    }
    match read.unread.first() {
        Some(reason) if read.tables.is_empty() => Err(reason.clone()),
        _ => Ok(read),
    }
}

fn rows(table: &TablePayload, label: &str) -> Result<Vec<ProviderRow>, String> {
    let row = |(at, value): (usize, &serde_json::Value)| {
        let row: RowPayload = serde_path_to_error::deserialize(value).map_err(|error| {
            let place = place(&error).map_or_else(String::new, |field| format!(".{field}"));
            format!("table[{at}]{place}: {}", error.inner())
        })?;
        let team = team(&row.team).ok_or_else(|| format!("table[{at}].team: has no id and name"))?;
        Ok(ProviderRow {
            group: label.to_owned(),
            team: team.external_id,
            name: team.name,
            position: row.position,
            matches: row.played_games,
            wins: row.won,
            draws: row.draw,
            losses: row.lost,
            scores_for: row.goals_for,
            scores_against: row.goals_against,
            points: row.points,
            leads_to: None,
        })
    };
    table.table.iter().enumerate().map(row).collect()
}
