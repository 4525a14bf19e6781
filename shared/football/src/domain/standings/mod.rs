//! The table, computed from the matches.

mod check;
mod order;
mod rules;
mod sections;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::Display;

use check::Provided;
pub use check::{
    Carried, Check, Difference, DifferenceKind, Drift, Lag, OrderDifference, ProviderRow, ProviderTable,
    Subject, Unmatched, check,
};
pub use rules::{Criterion, Measure, Rules};
pub use sections::one_table;

/// A team in the table, whether it has played or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entrant {
    /// The team's id at the provider.
    pub team: String,
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The name: the order of teams that neither the rules nor the provider separate.
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
    /// The shootout, home and away: in a match of a table it gives its winner a further point.
    pub shootout: Option<(i32, i32)>,
    /// When it was played: orders the form.
    pub kickoff: Option<DateTime<Utc>>,
}

/// A match of the table that is still to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The home team's id at the provider.
    pub home: String,
    /// The away team's id at the provider.
    pub away: String,
    /// When it is to be played, if that is known.
    pub kickoff: Option<DateTime<Utc>>,
}

/// Points a team has in addition to those it won: negative for a deduction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Adjustment {
    /// The group; empty in a competition of one table.
    pub group: String,
    /// The team's id at the provider.
    pub team: String,
    /// Points added.
    pub points: i32,
}

/// What a table is computed from, besides the results.
#[derive(Debug, Clone, Default)]
pub struct Terms<'a> {
    /// What decides after points.
    pub rules: Rules,
    /// Deductions and awards; several for one team add up.
    pub adjustments: &'a [Adjustment],
    /// The matches still to be played. Head-to-head applies only once they are played; without any the table is final.
    pub open: &'a [Fixture],
    /// Postponed and abandoned matches: head-to-head waits for them too.
    pub postponed: &'a [Fixture],
    /// Matches called off for good: head-to-head leaves them out.
    pub cancelled: &'a [Fixture],
    /// Whether a shootout in a match of the table gives its winner a further point.
    pub shootout_points: bool,
    /// The provider's table as last read: its order is used where the rules do not decide.
    pub provider: &'a [ProviderRow],
}

/// The result of a match for one team.
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
    /// 3 for a win, 1 for a draw and 1 for a shootout won where these count, adjusted.
    pub points: i32,
    /// The points for shootouts among them.
    #[serde(skip)]
    pub shootout_points: i32,
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
    /// The points from matches: all but adjustments.
    pub fn earned(&self) -> i32 {
        self.wins * 3 + self.draws + self.shootout_points
    }

    /// Goals scored less goals conceded.
    pub fn goal_difference(&self) -> i32 {
        self.goals_for - self.goals_against
    }
}

/// The tables of all groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Groups in order of name, teams in order of place.
    pub rows: Vec<Row>,
    /// Where the order does not follow from the matches and the rules.
    pub notes: Vec<Note>,
}

/// A place where the order does not follow from the matches and the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "note")]
pub enum Note {
    /// Teams that matches do not separate are in the provider's order.
    ProviderOrder {
        /// The group.
        group: String,
        /// The teams, in order.
        teams: Vec<String>,
        /// The step of the rule that would decide, if it names one.
        step: Option<String>,
    },
    /// Teams that neither matches nor the provider separate are in order of name.
    NameOrder {
        /// The group.
        group: String,
        /// The teams, in order.
        teams: Vec<String>,
    },
    /// A step of the rule was left out: matches do not decide it and the provider has no order for these teams.
    StepLeftOut {
        /// The group.
        group: String,
        /// The teams that it would separate.
        teams: Vec<String>,
        /// The step.
        step: String,
    },
    /// The group is in the provider's order although it contradicts the points: all its numbers equal ours.
    FollowsProvider {
        /// The group.
        group: String,
        /// What explains it.
        reason: Reason,
    },
}

/// Why an order that contradicts the points is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The season ended early, with teams on different numbers of games.
    #[strum(serialize = "points per game")]
    PointsPerGame,
    /// After a first phase the upper and the lower teams played only among themselves.
    #[strum(serialize = "a split league")]
    Split,
    /// Nothing in the matches explains it; the season is over.
    #[strum(serialize = "nothing in the matches")]
    Unexplained,
}

impl Note {
    /// The same with the teams' names in place of their ids.
    pub fn named(mut self, name: impl Fn(&str) -> String) -> Self {
        match &mut self {
            Self::ProviderOrder { teams, .. }
            | Self::NameOrder { teams, .. }
            | Self::StepLeftOut { teams, .. } => teams.iter_mut().for_each(|team| *team = name(team)),
            Self::FollowsProvider { .. } => {}
        }
        self
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = match self {
            Self::ProviderOrder { group, .. }
            | Self::NameOrder { group, .. }
            | Self::StepLeftOut { group, .. }
            | Self::FollowsProvider { group, .. } => group,
        };
        if !group.is_empty() {
            write!(f, "{group}: ")?;
        }
        match self {
            Self::ProviderOrder { teams, step: None, .. } => {
                write!(f, "{} are level and stand in the provider's order", teams.join(", "))
            }
            Self::ProviderOrder { teams, step: Some(step), .. } => {
                write!(
                    f,
                    "{} are level, '{step}' decides: they stand in the provider's order",
                    teams.join(", ")
                )
            }
            Self::NameOrder { teams, .. } => {
                write!(f, "{} are level and stand in order of name", teams.join(", "))
            }
            Self::StepLeftOut { teams, step, .. } => {
                write!(f, "{} are level, '{step}' would decide and is left out", teams.join(", "))
            }
            Self::FollowsProvider { reason, .. } => {
                write!(f, "the provider's order stands against the points: {reason} explains it")
            }
        }
    }
}

/// The number of results in a form.
const FORM_LENGTH: usize = 5;

/// The table of each group: teams by points, then by the rules, then in the provider's order, then by name and id.
///
/// A match counts for those of its sides that are entrants of its group: the other plays for another table.
// Long for the steps of the order, which read one after the other.
pub fn table(entrants: &[Entrant], results: &[Result], terms: &Terms<'_>) -> Table {
    let mut groups: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for entrant in entrants {
        let names = groups.entry(&entrant.group).or_default();
        let name = names.entry(&entrant.team).or_insert_with(|| {
            *places.entry(&entrant.team).or_default() += 1;
            &entrant.name
        });
        *name = (*name).min(&entrant.name);
    }
    let mut played: HashMap<&str, Vec<&Result>> = HashMap::new();
    for result in results {
        played.entry(&result.group).or_default().push(result);
    }
    let provided = Provided::new(terms.provider);

    let mut table = Table { rows: Vec::with_capacity(entrants.len()), notes: Vec::new() };
    for (group, names) in groups {
        let index: HashMap<&str, usize> = names.keys().enumerate().map(|(at, team)| (*team, at)).collect();
        let place = |team: &str| index.get(team).copied();
        let pair = |fixture: &Fixture| {
            (fixture.home != fixture.away).then_some(())?;
            Some((place(&fixture.home)?, place(&fixture.away)?, fixture.kickoff))
        };
        let pairs = |fixtures: &[Fixture]| -> Vec<_> {
            fixtures.iter().filter(|fixture| fixture.group == group).filter_map(pair).collect()
        };
        let mut rows: Vec<Row> = names.keys().map(|team| Row::new(group, team)).collect();
        let mut results = played.remove(group).unwrap_or_default();
        results.sort_by_key(|r| (r.kickoff, &r.home, &r.away, r.home_goals, r.away_goals));
        let mut matches = Vec::with_capacity(results.len());
        for result in results {
            if result.home == result.away {
                continue;
            }
            let (home, away) = (place(&result.home), place(&result.away));
            let goals = (result.home_goals, result.away_goals);
            let bonus = |(own, other): (i32, i32)| i32::from(terms.shootout_points && own > other);
            let shootout = result.shootout.unwrap_or_default();
            let bonus = (bonus(shootout), bonus((shootout.1, shootout.0)));
            if let Some(at) = home {
                rows[at].add(goals.0, goals.1, bonus.0);
            }
            if let Some(at) = away {
                rows[at].add(goals.1, goals.0, bonus.1);
            }
            matches.push(order::Match { home, away, goals, bonus, kickoff: result.kickoff });
        }
        for adjustment in terms.adjustments.iter().filter(|a| a.group == group) {
            if let Some(&at) = index.get(adjustment.team.as_str()) {
                rows[at].points += adjustment.points;
            }
        }
        let (open, postponed, cancelled) =
            (pairs(terms.open), pairs(terms.postponed), pairs(terms.cancelled));
        let group = order::Group {
            name: group,
            names: names.values().copied().collect(),
            provider: names
                .keys()
                .map(|team| provided.row(group, team, places.get(team).is_none_or(|places| *places == 1)))
                .collect(),
            rows,
            matches,
            open,
            postponed,
            cancelled,
        };
        let ranked = group.ranked(&terms.rules, &mut table.notes);
        let mut rows: Vec<Option<Row>> = group.rows.into_iter().map(Some).collect();
        table.rows.extend(
            ranked
                .into_iter()
                .filter_map(|at| rows[at].take())
                .zip(1..)
                .map(|(row, order)| Row { order, ..row }),
        );
    }
    table
}

impl Row {
    fn new(group: &str, team: &str) -> Self {
        Self {
            group: group.to_owned(),
            order: 0,
            team: team.to_owned(),
            points: 0,
            shootout_points: 0,
            games: 0,
            wins: 0,
            draws: 0,
            losses: 0,
            goals_for: 0,
            goals_against: 0,
            form: Vec::new(),
        }
    }

    fn add(&mut self, scored: i32, conceded: i32, shootout_points: i32) {
        self.games += 1;
        self.points += shootout_points;
        self.shootout_points += shootout_points;
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
