//! A league table, counted the plainest way: three points, one point, goal difference, goals scored, name.

use chrono::{DateTime, Utc};

use super::season::{Kind, Season};
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
}

impl Row {
    /// Matches played.
    pub fn played(&self) -> u32 {
        self.record.iter().sum()
    }

    /// Three for a win, one for a draw.
    pub fn points(&self) -> u32 {
        self.record[0] * 3 + self.record[1]
    }

    /// Goals scored less goals conceded.
    pub fn difference(&self) -> i64 {
        i64::from(self.goals[0]) - i64::from(self.goals[1])
    }
}

/// The table of one group (`None`: the matches that belong to no group) over the matches ended at `now`, best first.
pub fn table(season: &Season, group: Option<&str>, now: DateTime<Utc>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let place = |rows: &mut Vec<Row>, team: usize| {
        rows.iter().position(|r| r.team == team).unwrap_or_else(|| {
            rows.push(Row { team, record: [0; 3], goals: [0; 2] });
            rows.len() - 1
        })
    };
    for fixture in season.fixtures.iter().filter(|f| f.kind == Kind::League && f.group.as_deref() == group) {
        let (home, away) = (place(&mut rows, fixture.home), place(&mut rows, fixture.away));
        let ended = ended_at(fixture).is_some_and(|end| end <= now);
        let Some(score) = fixture.counted_score().filter(|_| ended) else { continue };
        let [h, a] = score.display();
        for (row, made, let_in) in [(home, h, a), (away, a, h)] {
            let place = match made.cmp(&let_in) {
                std::cmp::Ordering::Greater => 0,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 2,
            };
            rows[row].record[place] += 1;
            rows[row].goals[0] += made;
            rows[row].goals[1] += let_in;
        }
    }
    rows.sort_by(|x, y| {
        let key = |r: &Row| (r.points(), r.difference(), r.goals[0]);
        key(y).cmp(&key(x)).then_with(|| season.teams[x.team].name.cmp(&season.teams[y.team].name))
    });
    rows
}
