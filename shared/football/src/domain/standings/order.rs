//! The order within one group: breaking ties, and the orders that go against the points.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use super::check::{ProviderRow, have_own_places, is_one_table, separates};
use super::rules::{Criterion, Measure, Rules};
use super::{Note, Reason, Row};

/// A match that counts in the group. Its sides are places in the group's lists; none for a team of another group.
pub(super) struct Match {
    pub(super) home: Option<usize>,
    pub(super) away: Option<usize>,
    pub(super) goals: (i32, i32),
    /// Points for a shootout.
    pub(super) bonus: (i32, i32),
    pub(super) kickoff: Option<DateTime<Utc>>,
}

/// A match of two teams of the group that has no result, and when it is to be played.
type Pair = (usize, usize, Option<DateTime<Utc>>);

/// One group, teams in order of id; all lists have the same order.
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    pub(super) names: Vec<&'a str>,
    pub(super) provider: Vec<Option<&'a ProviderRow>>,
    pub(super) rows: Vec<Row>,
    pub(super) matches: Vec<Match>,
    /// Matches still to be played.
    pub(super) open: Vec<Pair>,
    /// Postponed and abandoned matches.
    pub(super) postponed: Vec<Pair>,
    /// Matches called off for good.
    pub(super) cancelled: Vec<Pair>,
}

/// One team's totals over a set of matches.
#[derive(Clone, Copy, Default)]
struct Tally {
    wins: i32,
    draws: i32,
    bonus: i32,
    away_wins: i32,
    scored: i32,
    conceded: i32,
    away_goals: i32,
}

impl Tally {
    fn add(&mut self, (scored, conceded): (i32, i32), bonus: i32, away: bool) {
        let (won, away) = (i32::from(scored > conceded), i32::from(away));
        self.bonus += bonus;
        self.wins += won;
        self.draws += i32::from(scored == conceded);
        self.away_wins += won * away;
        self.scored += scored;
        self.conceded += conceded;
        self.away_goals += scored * away;
    }

    /// The figure, the higher the better.
    fn value(&self, measure: Measure) -> i32 {
        match measure {
            Measure::Points => self.wins * 3 + self.draws + self.bonus,
            Measure::Wins => self.wins,
            Measure::AwayWins => self.away_wins,
            Measure::GoalDifference => self.scored - self.conceded,
            Measure::GoalsScored => self.scored,
            Measure::AwayGoals => self.away_goals,
            Measure::GoalsConceded => -self.conceded,
        }
    }
}

/// The teams grouped by key, best first.
fn parts<K: Ord>(teams: Vec<usize>, key: impl Fn(usize) -> K) -> Vec<Vec<usize>> {
    let mut keyed: Vec<(Reverse<K>, usize)> =
        teams.into_iter().map(|team| (Reverse(key(team)), team)).collect();
    keyed.sort();
    keyed.chunk_by(|a, b| a.0 == b.0).map(|part| part.iter().map(|(_, team)| *team).collect()).collect()
}

impl Group<'_> {
    /// The teams in order, best first.
    pub(super) fn ranked(&self, rules: &Rules, notes: &mut Vec<Note>) -> Vec<usize> {
        let playing = !self.open.is_empty() && !rules.meanwhile.is_empty();
        let criteria = if playing { &rules.meanwhile } else { &rules.criteria };
        let overall = self.tallies(None);
        let (mut order, mut found) = (Vec::with_capacity(self.rows.len()), Vec::new());
        let sections = self.sections();
        let split = sections.is_some();
        for section in sections.unwrap_or_else(|| vec![(0..self.rows.len()).collect()]) {
            for level in parts(section, |team| self.rows[team].points) {
                self.separate(level, criteria, &overall, &mut order, &mut found);
            }
        }
        let followed = if split {
            (!self.fall_by_points(&order)).then_some(Reason::Split)
        } else {
            self.against_own(&order).map(|(providers, reason)| {
                order = providers;
                found.clear();
                reason
            })
        };
        if let Some(reason) = followed {
            found.insert(0, Note::FollowsProvider { group: self.name.to_owned(), reason });
        }
        notes.append(&mut found);
        order
    }

    /// Appends teams that are level so far, in the order that the remaining steps give.
    fn separate(
        &self,
        teams: Vec<usize>,
        criteria: &[Criterion],
        overall: &[Tally],
        order: &mut Vec<usize>,
        notes: &mut Vec<Note>,
    ) {
        if teams.len() < 2 {
            return order.extend(teams);
        }
        let Some((criterion, rest)) = criteria.split_first() else {
            return self.undecided(teams, None, order, notes);
        };
        match criterion {
            Criterion::Overall(measure) => {
                for part in parts(teams, |team| overall[team].value(*measure)) {
                    self.separate(part, rest, overall, order, notes);
                }
            }
            Criterion::HeadToHead(measures) if self.have_met(&teams) => {
                let (level, tallies) = (teams.len(), self.tallies(Some(&teams)));
                let key = |team: usize| measures.iter().map(|m| tallies[team].value(*m)).collect::<Vec<_>>();
                for part in parts(teams, key) {
                    // Fewer teams: other matches count between them.
                    let next = if part.len() < level { criteria } else { rest };
                    self.separate(part, next, overall, order, notes);
                }
            }
            Criterion::HeadToHead(_) => self.separate(teams, rest, overall, order, notes),
            Criterion::Unknown(step) if self.provider_separates(&teams) => {
                self.undecided(teams, Some(step), order, notes);
            }
            Criterion::Unknown(step) => {
                if self.have_played(&teams) {
                    let (group, teams) = (self.name.to_owned(), self.ids(&teams));
                    notes.push(Note::StepLeftOut { group, teams, step: step.clone() });
                }
                self.separate(teams, rest, overall, order, notes);
            }
        }
    }

    /// The tallies of all teams, over all matches or those between some teams.
    fn tallies(&self, between: Option<&[usize]>) -> Vec<Tally> {
        let counts = |side: Option<usize>| match (between, side) {
            (None, _) => true,
            (Some(teams), side) => side.is_some_and(|team| teams.contains(&team)),
        };
        let mut tallies = vec![Tally::default(); self.rows.len()];
        for m in self.matches.iter().filter(|m| counts(m.home) && counts(m.away)) {
            if let Some(home) = m.home {
                tallies[home].add(m.goals, m.bonus.0, false);
            }
            if let Some(away) = m.away {
                tallies[away].add((m.goals.1, m.goals.0), m.bonus.1, true);
            }
        }
        tallies
    }

    /// Whether the matches between the teams can compare them: all are played, equally many between any two.
    fn have_met(&self, teams: &[usize]) -> bool {
        let unplayed = || self.open.iter().chain(&self.postponed);
        if unplayed().any(|(home, away, _)| teams.contains(home) && teams.contains(away)) {
            return false;
        }
        let of_pair = |a: usize, b: usize| {
            let same = |(home, away, _): &&Pair| (*home, *away) == (a, b) || (*home, *away) == (b, a);
            u32::try_from(self.cancelled.iter().filter(same).count()).unwrap_or(u32::MAX)
        };
        let among = |(a, b): (usize, usize)| teams.contains(&a) && teams.contains(&b);
        let met = self.meetings(false);
        let mut met = met.iter().filter(|(pair, _)| among(*pair));
        let played = met.clone().any(|(_, count)| *count > 0);
        // What was called off is left out: the others still compare the teams.
        let mut wanted = met.by_ref().map(|((a, b), count)| count + of_pair(*a, *b));
        played && wanted.next().is_some_and(|first| wanted.all(|count| count == first))
    }

    /// How often any two teams have met; with `to_come`, matches to be played count too.
    fn meetings(&self, to_come: bool) -> Vec<((usize, usize), u32)> {
        let n = self.rows.len();
        let mut counts = vec![0; n * n];
        let played = self.matches.iter().filter_map(|m| Some((m.home?, m.away?)));
        let open = self.open.iter().map(|(home, away, _)| (*home, *away));
        for (home, away) in played.chain(open.filter(|_| to_come)) {
            counts[home.min(away) * n + home.max(away)] += 1;
        }
        (0..n)
            .flat_map(|a| (a + 1..n).map(move |b| (a, b)))
            .map(|(a, b)| ((a, b), counts[a * n + b]))
            .collect()
    }

    fn have_played(&self, teams: &[usize]) -> bool {
        teams.iter().any(|&team| self.rows[team].games > 0)
    }

    fn ids(&self, teams: &[usize]) -> Vec<String> {
        teams.iter().map(|&team| self.rows[team].team.clone()).collect()
    }

    fn position(&self, team: usize) -> Option<i32> {
        self.provider[team].map(|row| row.position)
    }

    /// Whether the provider has each of the teams at a place of its own in one table.
    fn provider_separates(&self, teams: &[usize]) -> bool {
        let rows: Option<Vec<&ProviderRow>> = teams.iter().map(|&team| self.provider[team]).collect();
        rows.is_some_and(|rows| separates(&rows))
    }

    /// Appends teams that matches do not separate.
    fn undecided(
        &self,
        mut teams: Vec<usize>,
        step: Option<&str>,
        order: &mut Vec<usize>,
        notes: &mut Vec<Note>,
    ) {
        let provider = self.provider_separates(&teams);
        teams.sort_by_key(|&team| (self.position(team).unwrap_or(i32::MAX), self.names[team], team));
        // Before the first match all are level: that needs no note.
        if self.have_played(&teams) {
            let (group, teams) = (self.name.to_owned(), self.ids(&teams));
            notes.push(match provider {
                true => Note::ProviderOrder { group, teams, step: step.map(str::to_owned) },
                false => Note::NameOrder { group, teams },
            });
        }
        order.extend(teams);
    }

    fn fall_by_points(&self, order: &[usize]) -> bool {
        order.is_sorted_by_key(|&team| Reverse(self.rows[team].points))
    }

    /// The provider's row of each team, where it has one for each, all at places of their own.
    fn provided(&self) -> Option<Vec<&ProviderRow>> {
        let rows: Vec<&ProviderRow> = self.provider.iter().copied().collect::<Option<_>>()?;
        have_own_places(&rows).then_some(rows)
    }

    /// The provider's order where it overrides ours: the season is over, every number of every row equals ours, and the
    /// order contradicts the points, or follows points per game where ours does not.
    fn against_own(&self, own: &[usize]) -> Option<(Vec<usize>, Reason)> {
        let provided = self.provided().filter(|rows| self.open.is_empty() && is_one_table(rows))?;
        if !provided.iter().zip(&self.rows).all(|(theirs, ours)| theirs.agrees(ours)) {
            return None;
        }
        let mut order = own.to_vec();
        order.sort_by_key(|&team| self.position(team));
        let row = |team: usize| &self.rows[team];
        // Points per game, without fractions.
        let rate = |a: usize, b: usize| row(a).points * row(b).games >= row(b).points * row(a).games;
        let by_rate = |order: &[usize]| order.is_sorted_by(|&a, &b| rate(a, b));
        if by_rate(&order) && !by_rate(own) {
            return Some((order, Reason::PointsPerGame));
        }
        (!self.fall_by_points(&order)).then_some((order, Reason::Unexplained))
    }

    /// Whether nearly all pairs had met `base` times before any met again: in a split league they have, between
    /// conferences they have not. A postponed match may come later.
    fn all_met_before(&self, base: u32) -> bool {
        let played = self.matches.iter().filter_map(|m| Some((m.home?, m.away?, m.kickoff)));
        let mut dated: Vec<Pair> = played.chain(self.open.iter().copied()).collect();
        // Without a date it is yet to come.
        dated.sort_by_key(|(_, _, kickoff)| (kickoff.is_none(), *kickoff));
        let n = self.rows.len();
        let mut met = vec![0; n * n];
        let mut first_phase = 0;
        for (home, away, _) in dated {
            let times = &mut met[home.min(away) * n + home.max(away)];
            if *times == base {
                break;
            }
            *times += 1;
            first_phase += 1;
        }
        let wanted = u32::try_from(n * (n - 1) / 2).unwrap_or(u32::MAX) * base;
        first_phase * 10 >= wanted * 9
    }

    /// The sections of a league that is split, best first: teams of different sections have met equally often and will
    /// not meet again, while some of one section meet more often, after all have met. The teams of a section are given by the provider's
    /// separate tables, else by who meets more often; the order of the sections by the provider's places.
    fn sections(&self) -> Option<Vec<Vec<usize>>> {
        let provided = self.provided()?;
        let meetings = self.meetings(true);
        let base = meetings.iter().map(|(_, count)| *count).min().filter(|base| *base > 0)?;
        let more = || meetings.iter().filter(|(_, count)| *count > base).map(|(pair, _)| *pair);
        more().next()?;
        let mut section: Vec<usize> = (0..self.rows.len()).collect();
        if is_one_table(&provided) {
            for (a, b) in more() {
                let (from, to) = (section[a].max(section[b]), section[a].min(section[b]));
                section.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
            }
        } else {
            for (team, row) in provided.iter().enumerate() {
                section[team] = provided.iter().position(|other| other.group == row.group)?;
            }
        }
        let across = |a: usize, b: usize| section[a] != section[b];
        if more().any(|(a, b)| across(a, b)) || self.open.iter().any(|&(a, b, _)| across(a, b)) {
            return None;
        }
        if !self.all_met_before(base) {
            return None;
        }
        let mut places: Vec<usize> = (0..self.rows.len()).collect();
        places.sort_by_key(|&team| provided[team].position);
        let sections: Vec<Vec<usize>> =
            places.chunk_by(|&a, &b| section[a] == section[b]).map(<[usize]>::to_vec).collect();
        let mut kinds: Vec<usize> = section.clone();
        kinds.sort_unstable();
        kinds.dedup();
        // Each section is contiguous and has more than one team.
        let whole = sections.len() == kinds.len() && sections.len() > 1;
        (whole && sections.iter().all(|teams| teams.len() > 1)).then_some(sections)
    }
}
