//! The provider's tables of a competition that has one table here, combined into one.

use std::collections::{BTreeMap, HashMap};

use super::{ProviderRow, ProviderTable};

/// The provider's rows for a competition of one table. `games` gives the matches that a team has played here: they tell
/// whether each table includes the matches of those before it, or their rows are to be added up.
pub fn one_table(tables: &[ProviderTable], games: impl Fn(&str) -> i32) -> Vec<ProviderRow> {
    let latest = overall(tables).unwrap_or_else(|| latest_stages(tables));
    let added = added_up(tables);
    let apart =
        |rows: &[ProviderRow]| rows.iter().map(|row| (row.matches - games(&row.team)).abs()).sum::<i32>();
    if apart(&added) < apart(&latest) { added } else { latest }
}

/// The table of everybody, where it and the tables of parts (conferences, groups) are of one stage.
fn overall(tables: &[ProviderTable]) -> Option<Vec<ProviderRow>> {
    let stage = tables.first()?.stage.as_ref()?;
    if tables.len() < 2 || tables.iter().any(|table| table.stage.as_ref() != Some(stage)) {
        return None;
    }
    let rows = || tables.iter().flat_map(|table| &table.rows);
    let complete = |table: &&ProviderTable| {
        rows().all(|row| table.rows.iter().any(|own| own.team == row.team && own.matches >= row.matches))
    };
    let table = tables.iter().find(complete)?;
    Some(table.rows.iter().map(|row| ProviderRow { group: String::new(), ..row.clone() }).collect())
}

/// Each team's figures over all tables, without places.
fn added_up(tables: &[ProviderTable]) -> Vec<ProviderRow> {
    let mut teams: BTreeMap<&str, ProviderRow> = BTreeMap::new();
    for row in tables.iter().flat_map(|table| &table.rows) {
        let none =
            || ProviderRow { team: row.team.clone(), name: row.name.clone(), ..ProviderRow::default() };
        let sum = teams.entry(&row.team).or_insert_with(none);
        sum.matches += row.matches;
        sum.wins += row.wins;
        sum.draws += row.draws;
        sum.losses += row.losses;
        sum.scores_for += row.scores_for;
        sum.scores_against += row.scores_against;
        sum.points += row.points;
    }
    teams.into_values().collect()
}

/// Each team's row of the latest stage, with places numbered on from section to section. First comes the section whose
/// best team was best in the table of all teams, if there is one, else the section with more points per team. The rows
/// have their section as group, so that only rows of one section are compared by place; with a single section the group
/// is empty.
fn latest_stages(tables: &[ProviderTable]) -> Vec<ProviderRow> {
    let tables: Vec<Vec<ProviderRow>> = tables.iter().map(|table| table.rows.clone()).collect();
    let mut latest: HashMap<String, (usize, i32)> = HashMap::new();
    for (at, row) in tables.iter().enumerate().flat_map(|(at, rows)| rows.iter().map(move |row| (at, row))) {
        let kept = latest.entry(row.team.clone()).or_insert((at, row.matches));
        if row.matches >= kept.1 {
            *kept = (at, row.matches);
        }
    }
    let everyone = tables.iter().find(|rows| rows.len() == latest.len());
    let before: HashMap<String, i32> =
        everyone.into_iter().flatten().map(|row| (row.team.clone(), row.position)).collect();
    let is_latest = |at: usize, row: &ProviderRow| latest.get(&row.team).is_some_and(|kept| kept.0 == at);
    let sections = tables.into_iter().enumerate().map(|(at, mut rows)| {
        rows.retain(|row| is_latest(at, row));
        rows
    });
    let mut sections: Vec<Vec<ProviderRow>> = sections.filter(|rows| !rows.is_empty()).collect();
    // The mean points, compared without fractions: the upper teams of a split have more, halved or not.
    let points = |rows: &[ProviderRow]| rows.iter().map(|row| i64::from(row.points)).sum::<i64>();
    let teams = |rows: &[ProviderRow]| i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let best = |rows: &[ProviderRow]| rows.iter().filter_map(|row| before.get(&row.team)).min().copied();
    sections.sort_by(|a, b| {
        let by_points = || (points(b) * teams(a)).cmp(&(points(a) * teams(b)));
        best(a).cmp(&best(b)).then_with(by_points)
    });
    let single = sections.len() == 1;
    let mut counted = 0;
    let mut joined = Vec::new();
    for (number, rows) in (1..).zip(sections) {
        let last = rows.iter().map(|row| row.position).max().unwrap_or_default();
        joined.extend(rows.into_iter().map(|row| ProviderRow {
            group: if single { String::new() } else { format!("section {number}") },
            position: counted + row.position,
            ..row
        }));
        counted += last;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(team: &str, position: i32, matches: i32, points: i32) -> ProviderRow {
        ProviderRow {
            group: String::new(),
            team: team.to_owned(),
            name: String::new(),
            position,
            matches,
            wins: 0,
            draws: 0,
            losses: 0,
            scores_for: 0,
            scores_against: 0,
            points,
            leads_to: None,
        }
    }

    fn seen(rows: &[ProviderRow]) -> Vec<(&str, &str, i32)> {
        rows.iter().map(|row| (row.group.as_str(), row.team.as_str(), row.position)).collect()
    }

    /// The rows of tables of these stages, for teams that have played as many matches here as in their latest row.
    fn of(tables: &[(&str, Vec<ProviderRow>)], games: &[(&str, i32)]) -> Vec<ProviderRow> {
        let table = |(stage, rows): &(&str, Vec<ProviderRow>)| ProviderTable {
            id: None,
            stage: Some((*stage).to_owned()),
            group: String::new(),
            carried: super::super::Carried::default(),
            tie_breaking_rule: None,
            rows: rows.clone(),
        };
        let tables: Vec<ProviderTable> = tables.iter().map(table).collect();
        one_table(&tables, |team| games.iter().find(|(of, _)| *of == team).map_or(0, |(_, games)| *games))
    }

    #[test]
    fn one_table_stays_as_it_is() {
        let table = vec![row("a", 1, 3, 9), row("b", 2, 3, 0)];
        assert_eq!(of(&[("1", table.clone())], &[("a", 3), ("b", 3)]), table);
        assert_eq!(of(&[], &[]), []);
    }

    #[test]
    fn the_latest_stage_counts_and_the_better_section_goes_first() {
        let first = vec![row("a", 1, 3, 9), row("b", 2, 3, 4), row("c", 3, 3, 3), row("d", 4, 3, 1)];
        let lower = vec![row("c", 1, 5, 8), row("d", 2, 5, 1)];
        let upper = vec![row("a", 1, 5, 10), row("b", 2, 5, 4)];
        let expected =
            [("section 1", "a", 1), ("section 1", "b", 2), ("section 2", "c", 3), ("section 2", "d", 4)];
        let read = |tables: [Vec<ProviderRow>; 3], games: i32| {
            let [one, two, three] = tables;
            let games = ["a", "b", "c", "d"].map(|team| (team, games));
            of(&[("1", one), ("2", two), ("3", three)], &games)
        };
        assert_eq!(seen(&read([lower.clone(), first.clone(), upper.clone()], 5)), expected);
        // Before its first match, a section's rows have as many matches as those of the first stage.
        let fresh =
            |rows: &[ProviderRow]| rows.iter().map(|r| ProviderRow { matches: 3, ..r.clone() }).collect();
        assert_eq!(seen(&read([first.clone(), fresh(&upper), fresh(&lower)], 3)), expected);
        // Points may be halved in one section and not in the other.
        let halved = [row("a", 1, 5, 5), row("b", 2, 5, 2)].to_vec();
        assert_eq!(seen(&read([first, lower, halved], 5)), expected);
    }

    #[test]
    fn the_table_of_everybody_goes_before_its_conferences() {
        let everybody = vec![row("a", 1, 4, 9), row("c", 2, 4, 7), row("b", 3, 4, 1)];
        let east = vec![row("a", 1, 4, 9), row("b", 2, 4, 1)];
        let west = vec![row("c", 1, 4, 7)];
        let games = ["a", "b", "c"].map(|team| (team, 4));
        assert_eq!(of(&[("1", everybody.clone()), ("1", east), ("1", west)], &games), everybody);
    }

    #[test]
    fn two_halves_of_a_year_are_added_up() {
        let half = vec![row("a", 1, 3, 9), row("b", 2, 3, 0)];
        let games = ["a", "b"].map(|team| (team, 6));
        let added = of(&[("1", half.clone()), ("2", half)], &games);
        assert_eq!(added.iter().map(|row| (row.matches, row.points)).collect::<Vec<_>>(), [(6, 18), (6, 0)]);
    }
}
