//! Compares our table with the provider's.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Adjustment, Row};
use crate::domain::Stage;

/// One line of the provider's table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// The label of its table.
    pub group: String,
    /// The team's id at the provider.
    pub team: String,
    /// The team's name; empty in rows of versions that did not store it.
    #[serde(default)]
    pub name: String,
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
    /// What the place leads to, as `Relegation`; none: nothing, or it was not stored yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
}

/// The provider's table of one group, conference or phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderTable {
    /// The provider's id of the table.
    pub id: Option<String>,
    /// The provider's id of its stage. Several tables may share one.
    pub stage: Option<String>,
    /// The label, unique among the tables of a competition; empty in a competition of one table.
    pub group: String,
    /// Which matches of other stages it includes; decided by the numbers of games.
    #[serde(default)]
    pub carried: Carried,
    /// The order of teams level on points, in prose.
    pub tie_breaking_rule: Option<String>,
    /// Its rows. There may be fewer than teams.
    pub rows: Vec<ProviderRow>,
}

/// Which matches of other stages a table includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carried {
    /// Those of its teams that are of no table's stage, such as derbies between two zones.
    #[default]
    Unplaced,
    /// None.
    Nothing,
    /// All earlier ones of its teams.
    All,
    /// The earlier ones between two of its teams.
    BetweenItsTeams,
}

impl ProviderTable {
    /// Whether it is the table of this stage.
    pub fn is_of(&self, stage: &Stage) -> bool {
        self.stage.is_some() && self.stage.as_deref() == stage.id()
    }

    /// Whether it has a row of this team.
    pub fn lists(&self, team: &str) -> bool {
        self.rows.iter().any(|row| row.team == team)
    }
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
    /// Rows with different numbers of games: a match is missing or annulled in one of them.
    pub lag: Vec<Lag>,
    /// Teams in an order other than the provider's although their numbers agree.
    pub order: Vec<OrderDifference>,
    /// Teams and tables that only one of us has.
    pub unmatched: Vec<Unmatched>,
}

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// Another number of games.
    Games,
    /// The same number of games, and other figures.
    Figures,
    /// Another order.
    Order,
    /// Teams or a table that only one of us has.
    Teams,
}

/// What a difference is about: the same over several comparisons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its kind.
    pub kind: DifferenceKind,
    /// The group.
    pub group: String,
    /// The teams it concerns, by the provider's ids, sorted.
    pub teams: Vec<String>,
}

/// A difference between our table and the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is about.
    pub subject: Subject,
    /// The difference in games, provider's less ours.
    pub games: i32,
    /// The difference in words.
    pub text: String,
}

/// Teams, or a whole table, that only one of us has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The group.
    pub group: String,
    /// Teams that have no row at the provider.
    pub ours: Vec<String>,
    /// Teams of the provider's rows that have no match here: id and name.
    pub provider: Vec<(String, String)>,
    /// Whether none of the table's teams has a counterpart.
    pub whole_table: bool,
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
        let Self { ours, provider, .. } = self;
        write!(f, "ours {ours} games; provider {provider} games")
    }
}

impl Unmatched {
    fn text(&self, name: impl Fn(&str) -> String) -> String {
        let table = |whose: &str| match self.group.as_str() {
            "" => format!("{whose} table"),
            group => format!("{whose} table '{group}'"),
        };
        let ours = self.ours.iter().map(|team| name(team)).collect::<Vec<_>>().join(", ");
        let known = |(id, name): &(String, String)| {
            if name.is_empty() { id.clone() } else { format!("{name} ({id})") }
        };
        let provider = self.provider.iter().map(known).collect::<Vec<_>>().join(", ");
        match (self.whole_table, ours.is_empty(), provider.is_empty()) {
            (true, false, true) => format!("{} has no counterpart at the provider ({ours})", table("our")),
            (true, true, false) => {
                format!("{} has no counterpart here ({provider})", table("the provider's"))
            }
            (_, _, true) => format!("{} lacks {ours}", table("the provider's")),
            (_, true, _) => format!("{} has {provider}, who have no match here", table("the provider's")),
            _ => format!(
                "{} has {provider}, who have no match here, and lacks {ours}",
                table("the provider's")
            ),
        }
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

    /// All differences. `name` gives a team's name by its id.
    pub fn differences(&self, name: impl Fn(&str) -> String) -> Vec<Difference> {
        let difference = |kind, group: &str, mut teams: Vec<String>, games, text: String| {
            teams.sort();
            let text = if group.is_empty() { text } else { format!("{group}: {text}") };
            Difference { subject: Subject { kind, group: group.to_owned(), teams }, games, text }
        };
        let drift = self.drift.iter().map(|d| {
            let Row { group, team, .. } = &d.ours;
            difference(DifferenceKind::Figures, group, vec![team.clone()], 0, format!("{}: {d}", name(team)))
        });
        let lag = self.lag.iter().map(|lag| {
            let text = format!("{}: {lag}", name(&lag.team));
            difference(
                DifferenceKind::Games,
                &lag.group,
                vec![lag.team.clone()],
                lag.provider - lag.ours,
                text,
            )
        });
        let order = self.order.iter().map(|order| {
            let text = order.clone().named(&name).to_string();
            difference(DifferenceKind::Order, &order.group, order.ours.clone(), 0, text)
        });
        let unmatched = self.unmatched.iter().map(|unmatched| {
            let provider = unmatched.provider.iter().map(|(id, _)| id.clone());
            let teams = unmatched.ours.iter().cloned().chain(provider).collect();
            // The text names the table itself.
            Difference {
                text: unmatched.text(&name),
                ..difference(DifferenceKind::Teams, &unmatched.group, teams, 0, String::new())
            }
        });
        lag.chain(drift).chain(order).chain(unmatched).collect()
    }
}

/// Compares our table with the provider's rows.
pub fn check(ours: &[Row], provider: &[ProviderRow]) -> Check {
    let provided = Provided::new(provider);
    let mut places: HashMap<&str, usize> = HashMap::new();
    for row in ours {
        *places.entry(&row.team).or_default() += 1;
    }
    let row_of = |row: &Row| provided.row(&row.group, &row.team, places.get(row.team.as_str()) == Some(&1));
    let mut check = Check::default();
    let mut matched: Vec<(&str, &str)> = Vec::new();
    for group in ours.chunk_by(|a, b| a.group == b.group) {
        let mut same: Vec<(&Row, &ProviderRow)> = Vec::new();
        for row in group {
            let Some(theirs) = row_of(row) else { continue };
            matched.push((theirs.group.as_str(), theirs.team.as_str()));
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
            let points = theirs.points - row.earned();
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
    check.unmatched = unmatched(ours, provider, |row| row_of(row).is_none(), &matched);
    check
}

/// The teams that only one of us has, group by group. A table nobody has played in yet is not missed.
fn unmatched(
    ours: &[Row],
    provider: &[ProviderRow],
    is_missing: impl Fn(&Row) -> bool,
    matched: &[(&str, &str)],
) -> Vec<Unmatched> {
    let mut groups: BTreeMap<&str, Unmatched> = BTreeMap::new();
    fn entry<'m, 'g>(groups: &'m mut BTreeMap<&'g str, Unmatched>, group: &'g str) -> &'m mut Unmatched {
        groups.entry(group).or_insert_with(|| Unmatched {
            group: group.to_owned(),
            ours: Vec::new(),
            provider: Vec::new(),
            whole_table: false,
        })
    }
    for group in ours.chunk_by(|a, b| a.group == b.group) {
        let teams: Vec<String> =
            group.iter().filter(|row| is_missing(row)).map(|row| row.team.clone()).collect();
        let nobody_played = group.iter().all(|row| row.games == 0);
        if let Some(first) =
            group.first().filter(|_| !(teams.is_empty() || nobody_played && teams.len() == group.len()))
        {
            let unmatched = entry(&mut groups, &first.group);
            unmatched.whole_table = teams.len() == group.len();
            unmatched.ours = teams;
        }
    }
    let one_of_ours = ours.first().zip(ours.last()).is_some_and(|(first, last)| first.group == last.group);
    let mut tables: BTreeMap<&str, Vec<&ProviderRow>> = BTreeMap::new();
    for row in provider {
        tables.entry(&row.group).or_default().push(row);
    }
    for (label, rows) in tables {
        let unknown: Vec<(String, String)> = rows
            .iter()
            .filter(|row| !matched.contains(&(row.group.as_str(), row.team.as_str())))
            .map(|row| (row.team.clone(), row.name.clone()))
            .collect();
        let nobody_played = rows.iter().all(|row| row.matches == 0);
        if unknown.is_empty() || (nobody_played && unknown.len() == rows.len()) {
            continue;
        }
        // The provider's sections of one table are compared with the one table of ours.
        let group = if one_of_ours { ours.first().map_or("", |row| row.group.as_str()) } else { label };
        let unmatched = entry(&mut groups, group);
        unmatched.whole_table = unmatched.ours.is_empty() && unknown.len() == rows.len();
        unmatched.provider.extend(unknown);
    }
    groups.into_values().collect()
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
