//! A league table by the simplest rules: three points, one point, adjustments, goal difference, goals scored, name; at
//! the end in the file's official order, if it has one.

use chrono::{DateTime, Utc};

use super::listing::moment;
use super::model::{Fixture, Kind, Season};
use super::story::ended_at;

/// One team's row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of the team in [`Season::teams`].
    pub team: usize,
    /// Won, drawn, lost.
    pub record: [u32; 3],
    /// Goals scored and conceded.
    pub goals: [u32; 2],
    /// Points the rules add; negative for a deduction.
    pub adjustment: i64,
    /// Points for shootouts won.
    pub bonus: u32,
}

impl Row {
    /// Matches played.
    pub fn played(&self) -> u32 {
        self.record.iter().sum()
    }

    /// Three for a win, one for a draw, without adjustments.
    pub fn points(&self) -> u32 {
        self.record[0] * 3 + self.record[1]
    }

    /// The points of the table: after deductions.
    pub fn total(&self) -> i64 {
        i64::from(self.points() + self.bonus) + self.adjustment
    }

    /// Goals scored less goals conceded.
    pub fn difference(&self) -> i64 {
        i64::from(self.goals[0]) - i64::from(self.goals[1])
    }
}

/// The table of one group (`None`: the matches that belong to no group) over the results shown at `now`, best first.
pub fn table(season: &Season, group: Option<&str>, now: DateTime<Utc>) -> Vec<Row> {
    let mut rows = tally(season, |f| f.group.as_deref() == group, |_| true, now);
    let over = season.fixtures.iter().filter(|f| f.kind == Kind::League && f.group.as_deref() == group);
    let over = over.clone().all(|f| ended_at(f).is_some_and(|end| end <= now));
    // What separated level teams of a group (lots, fair play) is seen from the teams that advance.
    let plays_on = |team: usize| {
        let of_main_stage = |f: &&Fixture| f.kind == Kind::Knockout && f.round.prefix.is_none();
        over && season.fixtures.iter().filter(of_main_stage).any(|f| f.home == team || f.away == team)
    };
    rows.sort_by(|x, y| {
        let key = |r: &Row| (r.total(), r.difference(), r.goals[0], plays_on(r.team));
        key(y).cmp(&key(x)).then_with(|| season.teams[x.team].name.cmp(&season.teams[y.team].name))
    });
    let order = season.final_order();
    if group.is_none() && !order.is_empty() && as_the_file_ends(season, now) {
        rows.sort_by_key(|row| order.iter().position(|team| *team == row.team).unwrap_or(usize::MAX));
    }
    rows
}

/// The table of these teams over all matches of the league phase, best first; a match against a team of another table
/// counts for theirs.
pub(super) fn table_of(season: &Season, teams: &[usize], now: DateTime<Utc>) -> Vec<Row> {
    let mut rows = tally(season, |_| true, |team| teams.contains(&team), now);
    let key = |r: &Row| (r.total(), r.difference(), r.goals[0]);
    rows.sort_by(|x, y| {
        key(y).cmp(&key(x)).then_with(|| season.teams[x.team].name.cmp(&season.teams[y.team].name))
    });
    rows
}

/// The rows of the wanted teams over the league matches chosen, in order of appearance.
fn tally(
    season: &Season,
    chosen: impl Fn(&Fixture) -> bool,
    wanted: impl Fn(usize) -> bool,
    now: DateTime<Utc>,
) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let place = |rows: &mut Vec<Row>, team: usize| {
        rows.iter().position(|r| r.team == team).unwrap_or_else(|| {
            let adjustment = season.in_force.adjustments.get(&team).copied().unwrap_or(0);
            rows.push(Row { team, record: [0; 3], goals: [0; 2], adjustment, bonus: 0 });
            rows.len() - 1
        })
    };
    for fixture in season.fixtures.iter().filter(|f| f.kind == Kind::League && chosen(f)) {
        let at = moment(fixture, now);
        let kicks = at.kicks().filter(|_| season.in_force.shootout_points).unwrap_or_default();
        let result = at.result();
        for (team, own, other) in
            [(fixture.home, 0, 1), (fixture.away, 1, 0)].into_iter().filter(|(team, ..)| wanted(*team))
        {
            let row = place(&mut rows, team);
            let Some(goals) = result else { continue };
            let place = match goals[own].cmp(&goals[other]) {
                std::cmp::Ordering::Greater => 0,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 2,
            };
            rows[row].record[place] += 1;
            rows[row].goals[0] += goals[own];
            rows[row].goals[1] += goals[other];
            rows[row].bonus += u32::from(kicks[own] > kicks[other]);
        }
    }
    rows
}

/// Has every league match with a result in the file ended with exactly that result? Only then does the file's final
/// table apply.
fn as_the_file_ends(season: &Season, now: DateTime<Utc>) -> bool {
    let as_in_file = |f: &Fixture| {
        let in_file = f.score.filter(|_| f.ruling != super::model::Ruling::Cancelled).map(|s| s.display());
        let to_come = ended_at(f).is_some_and(|end| end > now);
        !to_come && moment(f, now).result() == in_file
    };
    season.fixtures.iter().filter(|f| f.kind == Kind::League).all(as_in_file)
}
