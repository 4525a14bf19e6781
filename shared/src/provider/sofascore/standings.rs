//! SofaScore's tables: used to check ours, and the source of the tie-breaking rule for teams level on points.

use std::collections::HashMap;

use super::classify;
use super::payload::{StandingsPayload, StandingsRowPayload, TablePayload};
use crate::provider::reading::Tables;
use football::domain::standings::{Carried, ProviderRow, ProviderTable};

/// All tables of a reply; the malformed field if none of them can be read.
pub(super) fn tables(payload: StandingsPayload) -> Result<Tables, String> {
    let labels = labels(&payload.standings);
    let mut read = Tables::default();
    for (at, (table, group)) in payload.standings.into_iter().zip(labels).enumerate() {
        match rows(&table, &group) {
            Ok(rows) => read.tables.push(ProviderTable {
                id: table.id.map(|id| id.to_string()),
                stage: table.tournament.stage(),
                carried: Carried::default(),
                tie_breaking_rule: table.tie_breaking_rule.text.filter(|text| !text.trim().is_empty()),
                rows,
                group,
            }),
            Err(reason) => read.unread.push(format!("standings[{at}].{reason}")),
        }
    }
    match read.unread.first() {
        Some(reason) if read.tables.is_empty() => Err(reason.clone()),
        _ => Ok(read),
    }
}

fn rows(table: &TablePayload, group: &str) -> Result<Vec<ProviderRow>, String> {
    let row = |(at, value): (usize, &serde_json::Value)| {
        let row: StandingsRowPayload = serde_path_to_error::deserialize(value).map_err(|error| {
            let place = classify::place(&error).map_or_else(String::new, |field| format!(".{field}"));
            format!("rows[{at}]{place}: {}", error.inner())
        })?;
        Ok(ProviderRow {
            group: group.to_owned(),
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
            leads_to: row.promotion.text.filter(|text| !text.trim().is_empty()),
        })
    };
    table.rows.iter().enumerate().map(row).collect()
}

/// A label for each table: the group's, or what the names have beside that of the competition; empty for an only table
/// without a group. Where several have the same, the longer name tells them apart, or the table's id.
fn labels(tables: &[TablePayload]) -> Vec<String> {
    let short = |table: &TablePayload| {
        table
            .tournament
            .group()
            .unwrap_or_else(|| if tables.len() == 1 { String::new() } else { long(table) })
    };
    let mut labels: Vec<String> = tables.iter().map(short).collect();
    let longer: [fn(usize, &TablePayload) -> String; 2] =
        [|_, table| long(table), |at, table| format!("{} ({})", long(table), id_or(table, at + 1))];
    for longer in longer {
        let count = labels.iter().fold(HashMap::<String, usize>::new(), |mut count, label| {
            *count.entry(label.clone()).or_default() += 1;
            count
        });
        for (at, (label, table)) in labels.iter_mut().zip(tables).enumerate() {
            if count.get(label).is_some_and(|count| *count > 1) {
                *label = longer(at, table);
            }
        }
    }
    labels
}

/// `Apertura, Promotion, Group B`: the stage's name without the competition's, else the table's own.
fn long(table: &TablePayload) -> String {
    let own = table.name.as_deref().map(|name| name.split_once(", ").map_or(name, |(_, part)| part));
    table.tournament.part().or(own).unwrap_or_default().to_owned()
}

/// The table's id, or its place in the reply.
fn id_or(table: &TablePayload, place: usize) -> String {
    table.id.or(table.tournament.id).map_or_else(|| place.to_string(), |id| id.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn table(id: u64, stage: u64, name: &str, stage_name: &str) -> Value {
        let row = json!({"team": {"id": id * 10, "name": "Ash"}, "position": 1, "matches": 0, "wins": 0, "draws": 0,
            "losses": 0, "scoresFor": 0, "scoresAgainst": 0, "points": 0});
        json!({"id": id, "name": name, "tournament": {"id": stage, "name": stage_name}, "rows": [row]})
    }

    fn read(standings: &[Value]) -> Result<Tables, String> {
        tables(serde_json::from_value(json!({ "standings": standings })).unwrap())
    }

    fn labels_of(standings: &[Value]) -> Vec<String> {
        read(standings).unwrap().tables.into_iter().map(|table| table.group).collect()
    }

    #[test]
    fn every_table_has_a_label_of_its_own() {
        assert_eq!(labels_of(&[table(1, 9, "League 24/25", "League")]), [""]);
        assert_eq!(
            labels_of(&[
                table(1, 91, "Nations", "UEFA Nations League, League A, Gr. 1"),
                table(2, 92, "Nations", "UEFA Nations League, League B, Gr. 1"),
            ]),
            ["League A, Gr. 1", "League B, Gr. 1"]
        );
        assert_eq!(
            labels_of(&[
                table(1, 91, "", "Primera B, Apertura, Group B"),
                table(2, 92, "", "Primera B, Clausura, Group B"),
                table(3, 93, "", "Primera B, Clausura, Group A"),
            ]),
            ["Apertura, Group B", "Clausura, Group B", "Group A"]
        );
        // One stage with several tables.
        assert_eq!(
            labels_of(&[
                table(1, 18, "MLS 2025", "MLS"),
                table(2, 18, "MLS 2025, Eastern Conference", "MLS"),
                table(3, 18, "MLS 2025, Western Conference", "MLS"),
            ]),
            ["MLS 2025", "Eastern Conference", "Western Conference"]
        );
        assert_eq!(
            labels_of(&[table(1, 9, "", "Cup, North"), table(2, 9, "", "Cup, North")]),
            ["North (1)", "North (2)"]
        );
    }

    #[test]
    fn a_table_of_averages_does_not_cost_the_others() {
        let averages = json!({"id": 4, "name": "Averages", "rows": [
            {"team": {"id": 1, "name": "Ash"}, "position": 1, "matches": 60, "points": 90}]});
        let tables = read(&[table(1, 9, "", "Liga, Group A"), averages.clone()]).unwrap();
        assert_eq!(tables.tables.len(), 1);
        assert_eq!(tables.unread, ["standings[1].rows[0]: missing field `wins`"]);
        assert_eq!(read(&[averages]), Err("standings[0].rows[0]: missing field `wins`".to_owned()));
    }
}
