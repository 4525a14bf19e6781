//! The table, computed from the matches.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use strum::Display;

/// A team that has a place in the table, whether it has played or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entrant {
    /// The team's id at the provider.
    pub team: String,
    /// The group; empty in a competition of one table.
    pub group: String,
    /// Decides the order between teams that are level on everything else.
    pub name: String,
}

/// An ended match that counts for the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Result {
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The home team's id at the provider.
    pub home: String,
    /// The away team's id at the provider.
    pub away: String,
    /// Goals of the home side (no shootout).
    pub home_goals: i32,
    /// Goals of the away side (no shootout).
    pub away_goals: i32,
    /// When it was played: orders the form.
    pub kickoff: Option<DateTime<Utc>>,
}

/// What a match was for one team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display)]
pub enum Outcome {
    /// Won.
    W,
    /// Drawn.
    D,
    /// Lost.
    L,
}

/// One team's line in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The 1-based place within the group.
    pub order: i32,
    /// The team's id at the provider.
    pub team: String,
    /// 3 for a win, 1 for a draw.
    pub points: i32,
    /// Matches played.
    pub games: i32,
    /// Won.
    pub wins: i32,
    /// Drawn.
    pub draws: i32,
    /// Lost.
    pub losses: i32,
    /// Goals scored.
    pub goals_for: i32,
    /// Goals conceded.
    pub goals_against: i32,
    /// The last five results, oldest first.
    pub form: Vec<Outcome>,
}

impl Row {
    /// Goals scored less goals conceded.
    pub fn goal_difference(&self) -> i32 {
        self.goals_for - self.goals_against
    }
}

/// Matches a form shows.
const FORM_LENGTH: usize = 5;

/// The table of each group, groups in order of name, teams by points, goal difference, goals scored, name.
///
/// A match between teams that are not entrants of its group is left out: it belongs to another table.
pub fn table(entrants: &[Entrant], results: &[Result]) -> Vec<Row> {
    let mut rows: Vec<(Row, &str)> = entrants
        .iter()
        .map(|entrant| {
            let row = Row {
                group: entrant.group.clone(),
                order: 0,
                team: entrant.team.clone(),
                points: 0,
                games: 0,
                wins: 0,
                draws: 0,
                losses: 0,
                goals_for: 0,
                goals_against: 0,
                form: Vec::new(),
            };
            (row, entrant.name.as_str())
        })
        .collect();
    let place: HashMap<(&str, &str), usize> = entrants
        .iter()
        .enumerate()
        .map(|(index, entrant)| ((entrant.group.as_str(), entrant.team.as_str()), index))
        .collect();

    let mut played: Vec<&Result> = results.iter().collect();
    played.sort_by(|a, b| (a.kickoff, &a.home).cmp(&(b.kickoff, &b.home)));
    for result in played {
        let home = place.get(&(result.group.as_str(), result.home.as_str()));
        let away = place.get(&(result.group.as_str(), result.away.as_str()));
        if let (Some(&home), Some(&away)) = (home, away) {
            rows[home].0.add(result.home_goals, result.away_goals);
            rows[away].0.add(result.away_goals, result.home_goals);
        }
    }

    rows.sort_by(|(a, a_name), (b, b_name)| {
        a.group
            .cmp(&b.group)
            .then_with(|| b.points.cmp(&a.points))
            .then_with(|| b.goal_difference().cmp(&a.goal_difference()))
            .then_with(|| b.goals_for.cmp(&a.goals_for))
            .then_with(|| a_name.cmp(b_name))
            .then_with(|| a.team.cmp(&b.team))
    });
    let mut rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    let mut order = 0;
    for index in 0..rows.len() {
        order = if index > 0 && rows[index - 1].group == rows[index].group { order + 1 } else { 1 };
        rows[index].order = order;
    }
    rows
}

impl Row {
    fn add(&mut self, scored: i32, conceded: i32) {
        self.games += 1;
        self.goals_for += scored;
        self.goals_against += conceded;
        let outcome = match scored.cmp(&conceded) {
            std::cmp::Ordering::Greater => {
                self.wins += 1;
                self.points += 3;
                Outcome::W
            }
            std::cmp::Ordering::Equal => {
                self.draws += 1;
                self.points += 1;
                Outcome::D
            }
            std::cmp::Ordering::Less => {
                self.losses += 1;
                Outcome::L
            }
        };
        if self.form.len() == FORM_LENGTH {
            self.form.remove(0);
        }
        self.form.push(outcome);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entrant(team: &str, group: &str) -> Entrant {
        Entrant { team: team.into(), group: group.into(), name: format!("Team {team}") }
    }

    fn result(day: i64, home: &str, away: &str, home_goals: i32, away_goals: i32) -> Result {
        Result {
            group: String::new(),
            home: home.into(),
            away: away.into(),
            home_goals,
            away_goals,
            kickoff: DateTime::from_timestamp(day * 86_400, 0),
        }
    }

    #[test]
    fn points_then_difference_then_goals_then_name() {
        let entrants = ["a", "b", "c", "d"].map(|team| entrant(team, ""));
        let rows = table(
            &entrants,
            &[result(1, "a", "b", 2, 2), result(1, "c", "d", 1, 1), result(2, "d", "a", 0, 0)],
        );
        let order: Vec<_> = rows.iter().map(|row| (row.order, row.team.as_str(), row.points)).collect();
        assert_eq!(order, [(1, "a", 2), (2, "d", 2), (3, "b", 1), (4, "c", 1)]);
        assert_eq!(rows[0].form, [Outcome::D, Outcome::D]);
    }

    #[test]
    fn groups_stay_apart_and_a_team_without_a_match_has_its_row() {
        let entrants = [entrant("x", "Group B"), entrant("y", "Group A"), entrant("z", "Group A")];
        let rows = table(&entrants, &[]);
        let order: Vec<_> =
            rows.iter().map(|row| (row.group.as_str(), row.order, row.team.as_str())).collect();
        assert_eq!(order, [("Group A", 1, "y"), ("Group A", 2, "z"), ("Group B", 1, "x")]);
    }

    #[test]
    fn form_is_the_last_five_oldest_first() {
        let results: Vec<_> =
            (0..7).map(|day| result(6 - day, "a", "b", i32::from(day % 2 == 0), 0)).collect();
        let rows = table(&[entrant("a", ""), entrant("b", "")], &results);
        assert_eq!(rows[0].form, [Outcome::W, Outcome::D, Outcome::W, Outcome::D, Outcome::W]);
    }

    proptest! {
        #[test]
        fn the_order_is_independent_of_the_input_order_and_the_sums_agree(
            seed in proptest::collection::vec((0usize..6, 0usize..6, 0i32..5, 0i32..5), 0..40),
            rotation in 0usize..40,
        ) {
            let entrants: Vec<_> = (0..6).map(|i| entrant(&i.to_string(), "")).collect();
            let mut results: Vec<_> = seed.iter().enumerate().filter(|(_, (h, a, ..))| h != a)
                .map(|(i, (h, a, hg, ag))| result(i as i64, &h.to_string(), &a.to_string(), *hg, *ag)).collect();
            let rows = table(&entrants, &results);
            if !results.is_empty() {
                let by = rotation % results.len();
                results.rotate_left(by);
            }
            prop_assert_eq!(&rows, &table(&entrants, &results));
            prop_assert_eq!(rows.iter().map(Row::goal_difference).sum::<i32>(), 0);
            prop_assert_eq!(rows.iter().map(|r| r.games).sum::<i32>() as usize, results.len() * 2);
            for row in &rows {
                prop_assert_eq!(row.points, row.wins * 3 + row.draws);
                prop_assert_eq!(row.games, row.wins + row.draws + row.losses);
            }
        }
    }
}
