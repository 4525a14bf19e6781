//! The provider's tables of a league that splits, combined into one table.

use std::collections::HashMap;

use super::ProviderRow;

/// Combines the provider's tables into one: each team's row of the latest stage, with places numbered on from section
/// to section. First comes the section whose best team was best in the table of all teams, if there is one, else the
/// section with more points per team. The rows have their section as group, so that only rows of one section are
/// compared by place; with a single section the group is empty.
pub fn one_table(tables: Vec<Vec<ProviderRow>>) -> Vec<ProviderRow> {
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
            position,
            matches,
            wins: 0,
            draws: 0,
            losses: 0,
            scores_for: 0,
            scores_against: 0,
            points,
        }
    }

    fn seen(rows: &[ProviderRow]) -> Vec<(&str, &str, i32)> {
        rows.iter().map(|row| (row.group.as_str(), row.team.as_str(), row.position)).collect()
    }

    #[test]
    fn one_table_stays_as_it_is() {
        let table = vec![row("a", 1, 3, 9), row("b", 2, 3, 0)];
        assert_eq!(one_table(vec![table.clone()]), table);
        assert_eq!(one_table(Vec::new()), []);
    }

    #[test]
    fn the_latest_stage_counts_and_the_better_section_goes_first() {
        let first = vec![row("a", 1, 3, 9), row("b", 2, 3, 4), row("c", 3, 3, 3), row("d", 4, 3, 1)];
        let lower = vec![row("c", 1, 5, 8), row("d", 2, 5, 1)];
        let upper = vec![row("a", 1, 5, 10), row("b", 2, 5, 4)];
        let expected =
            [("section 1", "a", 1), ("section 1", "b", 2), ("section 2", "c", 3), ("section 2", "d", 4)];
        assert_eq!(seen(&one_table(vec![lower.clone(), first.clone(), upper.clone()])), expected);
        // Before its first match, a section's rows have as many matches as those of the first stage.
        let fresh =
            |rows: &[ProviderRow]| rows.iter().map(|r| ProviderRow { matches: 3, ..r.clone() }).collect();
        assert_eq!(seen(&one_table(vec![first.clone(), fresh(&upper), fresh(&lower)])), expected);
        // Points may be halved in one section and not in the other.
        let halved = [row("a", 1, 5, 5), row("b", 2, 5, 2)].to_vec();
        assert_eq!(seen(&one_table(vec![first, lower, halved])), expected);
    }
}
