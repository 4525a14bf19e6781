//! Compares our table with the provider's.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Adjustment, Row};

/// One line of the provider's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// The name of its table.
    pub group: String,
    /// The team's id at the provider.
    pub team: String,
    /// The place in that table.
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
    /// Points, adjusted.
    pub points: i32,
}

/// The provider's table of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderTable {
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The order of teams level on points, in prose.
    pub tie_breaking_rule: Option<String>,
    /// Its rows. There may be fewer than teams.
    pub rows: Vec<ProviderRow>,
}

impl ProviderRow {
    /// Whether the figures from matches are the same: all but the points.
    fn same_matches(&self, row: &Row) -> bool {
        (self.matches, self.wins, self.draws, self.losses, self.scores_for, self.scores_against)
            == (row.games, row.wins, row.draws, row.losses, row.goals_for, row.goals_against)
    }

    /// Whether every number is the same.
    pub(super) fn agrees(&self, row: &Row) -> bool {
        self.same_matches(row) && self.points == row.points
    }
}

/// The provider's rows by team.
pub(super) struct Provided<'a>(HashMap<&'a str, Vec<&'a ProviderRow>>);

impl<'a> Provided<'a> {
    pub(super) fn new(rows: &'a [ProviderRow]) -> Self {
        let mut teams: HashMap<&str, Vec<&ProviderRow>> = HashMap::new();
        for row in rows {
            teams.entry(&row.team).or_default().push(row);
        }
        Self(teams)
    }

    /// The team's row: that of the group of the same name or, as tables may have other names than groups, the only one.
    pub(super) fn row(&self, group: &str, team: &str, only: bool) -> Option<&'a ProviderRow> {
        let rows = self.0.get(team)?;
        let mut same = rows.iter().filter(|row| row.group == group);
        match (same.next(), same.next(), rows.as_slice()) {
            (Some(row), None, _) => Some(row),
            (None, _, [row]) if only => Some(row),
            _ => None,
        }
    }
}

/// Whether the rows are of one table and each has a place of its own.
pub(super) fn separates(rows: &[&ProviderRow]) -> bool {
    is_one_table(rows) && have_own_places(rows)
}

/// Whether the rows are of one table, or of one section of it.
pub(super) fn is_one_table(rows: &[&ProviderRow]) -> bool {
    rows.windows(2).all(|pair| pair[0].group == pair[1].group)
}

/// Whether each row has a place of its own.
pub(super) fn have_own_places(rows: &[&ProviderRow]) -> bool {
    let mut places: Vec<i32> = rows.iter().map(|row| row.position).collect();
    places.sort_unstable();
    places.windows(2).all(|pair| pair[0] != pair[1])
}

/// The result of comparing the tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Rows that were compared: group and team as in our table.
    pub compared: Vec<(String, String)>,
    /// The teams compared whose points differ from those of their matches, with the whole difference.
    pub adjustments: Vec<Adjustment>,
    /// Rows with the same number of games that differ in more than points.
    pub drift: Vec<Drift>,
    /// Rows with different numbers of games: one of the two tables is behind. They are not compared.
    pub lag: Vec<Lag>,
    /// Teams in an order other than the provider's although their numbers agree.
    pub order: Vec<OrderDifference>,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Ours.
    pub ours: Row,
    /// The provider's.
    pub provider: ProviderRow,
}

/// A row with a different number of games.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lag {
    /// The group.
    pub group: String,
    /// The team's id at the provider.
    pub team: String,
    /// Matches played by our table.
    pub ours: i32,
    /// Matches played by the provider's.
    pub provider: i32,
}

/// Teams whose order differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderDifference {
    /// The group.
    pub group: String,
    /// The points the teams are level on; none where the provider's order contradicts the points.
    pub points: Option<i32>,
    /// The teams in our order.
    pub ours: Vec<String>,
    /// The teams in the provider's order.
    pub provider: Vec<String>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (o, p) = (&self.ours, &self.provider);
        let line = |g, w, d, l, gf, ga, pts| format!("{g} games, {w}-{d}-{l}, {gf}:{ga}, {pts} points");
        let ours = line(o.games, o.wins, o.draws, o.losses, o.goals_for, o.goals_against, o.points);
        let theirs = line(p.matches, p.wins, p.draws, p.losses, p.scores_for, p.scores_against, p.points);
        write!(f, "ours {ours}; provider {theirs}")
    }
}

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.provider < self.ours { "behind" } else { "ahead" };
        let Self { team, ours, provider, .. } = self;
        write!(f, "{team}: the provider is {word}: {provider} games, ours {ours}")
    }
}

impl fmt::Display for OrderDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, provider) = (self.ours.join(", "), self.provider.join(", "));
        match self.points {
            Some(points) => write!(f, "level on {points} points: ours {ours}; provider {provider}"),
            None => write!(f, "against the points: ours {ours}; provider {provider}"),
        }
    }
}

impl OrderDifference {
    /// The same with the teams' names in place of their ids.
    pub fn named(mut self, name: impl Fn(&str) -> String) -> Self {
        self.ours.iter_mut().chain(&mut self.provider).for_each(|team| *team = name(team));
        self
    }
}

impl Check {
    /// The adjustments to keep: those found, and the known ones of teams that were not compared.
    pub fn kept(&self, known: &[Adjustment]) -> Vec<Adjustment> {
        let compared = |a: &&Adjustment| !self.compared.iter().any(|(g, t)| (g, t) == (&a.group, &a.team));
        let mut kept: Vec<Adjustment> =
            known.iter().filter(compared).chain(&self.adjustments).cloned().collect();
        kept.sort();
        kept
    }

    /// Whether the tables are the same as far as they could be compared.
    pub fn is_clean(&self) -> bool {
        self.drift.is_empty() && self.order.is_empty()
    }
}

/// Compares the rows that both tables have.
pub fn check(ours: &[Row], provider: &[ProviderRow]) -> Check {
    let provided = Provided::new(provider);
    let mut places: HashMap<&str, usize> = HashMap::new();
    for row in ours {
        *places.entry(&row.team).or_default() += 1;
    }
    let mut check = Check::default();
    for group in ours.chunk_by(|a, b| a.group == b.group) {
        let mut same: Vec<(&Row, &ProviderRow)> = Vec::new();
        for row in group {
            let only = places.get(row.team.as_str()) == Some(&1);
            let Some(theirs) = provided.row(&row.group, &row.team, only) else { continue };
            let (group, team) = (row.group.clone(), row.team.clone());
            if theirs.matches != row.games {
                check.lag.push(Lag { group, team, ours: row.games, provider: theirs.matches });
                continue;
            }
            if !theirs.same_matches(row) {
                check.drift.push(Drift { ours: row.clone(), provider: theirs.clone() });
                continue;
            }
            check.compared.push((group.clone(), team.clone()));
            let points = theirs.points - (row.wins * 3 + row.draws);
            if points != 0 {
                check.adjustments.push(Adjustment { group, team, points });
            }
            // A row whose adjustment is not applied yet is not at its place either.
            if theirs.points == row.points {
                same.push((row, theirs));
            }
        }
        for level in same.chunk_by(|a, b| a.0.points == b.0.points) {
            check.order.extend(difference(level, level.first().map(|(row, _)| row.points)));
        }
        let mut theirs = same.clone();
        theirs.sort_by_key(|(_, row)| row.position);
        // Only differences that the level teams do not already show.
        if !theirs.is_sorted_by(|a, b| a.0.points >= b.0.points || a.1.position == b.1.position) {
            check.order.extend(difference(&same, None));
        }
    }
    check
}

/// The teams in both orders, where these differ; the provider must separate the teams.
fn difference(rows: &[(&Row, &ProviderRow)], points: Option<i32>) -> Option<OrderDifference> {
    let mut theirs = rows.to_vec();
    theirs.sort_by_key(|(_, row)| row.position);
    let separate = separates(&theirs.iter().map(|(_, row)| *row).collect::<Vec<_>>());
    let teams = |rows: &[(&Row, &ProviderRow)]| rows.iter().map(|(row, _)| row.team.clone()).collect();
    let (ours, provider): (Vec<String>, Vec<String>) = (teams(rows), teams(&theirs));
    let group = rows.first()?.0.group.clone();
    (separate && ours != provider).then_some(OrderDifference { group, points, ours, provider })
}
