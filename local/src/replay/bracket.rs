//! The knockout rounds: ties, their winners, and the time from which the provider knows the team in a slot.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::listing::moment;
use super::model::{Fixture, Kind, RoundKey, Season};
use super::story::ended_at;
use super::table::table;

/// One or more matches of the same pair in one knockout round.
#[derive(Clone, Debug)]
pub struct Tie {
    /// The round.
    pub round: RoundKey,
    /// Its place in the round, from 1, by first kickoff.
    pub number: usize,
    /// Indices into [`Season::fixtures`], by kickoff.
    pub legs: Vec<usize>,
    /// The team that advanced (index into [`Season::teams`]), if the file says.
    pub winner: Option<usize>,
}

/// One side of a knockout match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// From when on the team is shown; none: the file does not say.
    pub known_from: Option<DateTime<Utc>>,
    /// The placeholder until then, e.g. `Winner QF1`.
    pub placeholder: String,
    /// The placeholder's own team id.
    pub placeholder_id: u64,
}

impl Slot {
    /// Is the team shown at `now`?
    pub fn known(&self, now: DateTime<Utc>) -> bool {
        self.known_from.is_some_and(|from| from <= now)
    }
}

/// The knockout rounds of a season.
#[derive(Clone, Debug, Default)]
pub struct Bracket {
    /// Every tie, by first kickoff.
    pub ties: Vec<Tie>,
    slots: HashMap<usize, [Slot; 2]>,
    tie_of: HashMap<usize, usize>,
}

impl Bracket {
    /// Reads the ties out of the season.
    pub fn of(season: &Season) -> Self {
        let mut bracket = Self::default();
        bracket.collect_ties(season);
        for at in 0..bracket.ties.len() {
            bracket.ties[at].winner = bracket.winner(season, at);
        }
        let advancing = bracket.advancing(season);
        let mut ids: HashMap<String, u64> = HashMap::new();
        for at in 0..bracket.ties.len() {
            for &leg in &bracket.ties[at].legs {
                let fixture = &season.fixtures[leg];
                let slots = [fixture.home, fixture.away].map(|team| {
                    let (known_from, placeholder) = bracket.origin(season, &advancing, at, team);
                    let next = 50_000 + ids.len() as u64;
                    let placeholder_id = *ids.entry(placeholder.clone()).or_insert(next);
                    Slot { known_from, placeholder, placeholder_id }
                });
                bracket.slots.insert(leg, slots);
            }
        }
        bracket
    }

    /// Both sides of a knockout match; none for a league match.
    pub fn slots(&self, fixture: usize) -> Option<&[Slot; 2]> {
        self.slots.get(&fixture)
    }

    /// The tie a match belongs to, with the match's place in it (0 is the first leg).
    pub fn leg(&self, fixture: usize) -> Option<(&Tie, usize)> {
        let tie = &self.ties[*self.tie_of.get(&fixture)?];
        Some((tie, tie.legs.iter().position(|leg| *leg == fixture)?))
    }

    /// Goals of both sides of `fixture` over all legs up to it.
    pub fn aggregate(&self, season: &Season, fixture: usize) -> Option<[u32; 2]> {
        self.sum(season, fixture, |leg| Some(leg.counted_score()?.display()))
    }

    /// The same as shown at `now`; none while a leg has no result.
    pub fn aggregate_at(&self, season: &Season, fixture: usize, now: DateTime<Utc>) -> Option<[u32; 2]> {
        self.sum(season, fixture, |leg| moment(leg, now).result())
    }

    fn sum(
        &self,
        season: &Season,
        fixture: usize,
        goals: impl Fn(&Fixture) -> Option<[u32; 2]>,
    ) -> Option<[u32; 2]> {
        let (tie, place) = self.leg(fixture)?;
        let home = season.fixtures[fixture].home;
        let mut total = [0, 0];
        for leg in &tie.legs[..=place] {
            let match_ = &season.fixtures[*leg];
            let [h, a] = goals(match_)?;
            let [for_home, for_away] = if match_.home == home { [h, a] } else { [a, h] };
            total = [total[0] + for_home, total[1] + for_away];
        }
        Some(total)
    }

    fn collect_ties(&mut self, season: &Season) {
        let mut order: Vec<usize> =
            (0..season.fixtures.len()).filter(|&i| season.fixtures[i].kind == Kind::Knockout).collect();
        order.sort_by_key(|&i| (season.fixtures[i].kickoff, i));
        let mut places: HashMap<(RoundKey, usize, usize), usize> = HashMap::new();
        let mut numbers: HashMap<RoundKey, usize> = HashMap::new();
        for i in order {
            let fixture = &season.fixtures[i];
            let pair = (fixture.home.min(fixture.away), fixture.home.max(fixture.away));
            let at = *places.entry((fixture.round.clone(), pair.0, pair.1)).or_insert_with(|| {
                let number = numbers.entry(fixture.round.clone()).or_default();
                *number += 1;
                self.ties.push(Tie {
                    round: fixture.round.clone(),
                    number: *number,
                    legs: vec![],
                    winner: None,
                });
                self.ties.len() - 1
            });
            self.ties[at].legs.push(i);
            self.tie_of.insert(i, at);
        }
    }

    fn first_kickoff(&self, season: &Season, tie: usize) -> Option<DateTime<Utc>> {
        self.ties[tie].legs.first().map(|leg| season.fixtures[*leg].kickoff)
    }

    /// The team that advanced (index into [`Season::teams`]), if it is known at `now`.
    pub fn winner_at(&self, season: &Season, tie: usize, now: DateTime<Utc>) -> Option<usize> {
        let last = *self.ties[tie].legs.last()?;
        let over = |leg: &usize| ended_at(&season.fixtures[*leg]).is_some_and(|end| end <= now);
        if !self.ties[tie].legs.iter().all(over) {
            return None;
        }
        if self.is_best_of_three(season, &self.ties[tie]) {
            return self.winner_of_series(season, &self.ties[tie]);
        }
        let kicks = moment(&season.fixtures[last], now).kicks();
        self.decided(season, last, self.aggregate_at(season, last, now), kicks)
    }

    /// Whether it is the best of three: each won one of the first two matches, and one had more goals.
    pub fn is_best_of_three(&self, season: &Season, tie: &Tie) -> bool {
        let [first, second, _] = tie.legs[..] else { return false };
        let level = self.aggregate(season, second).is_none_or(|[home, away]| home == away);
        !level && season.winner_of(first).is_some() && season.winner_of(first) != season.winner_of(second)
    }

    fn winner_of_series(&self, season: &Season, tie: &Tie) -> Option<usize> {
        let wins: Vec<usize> = tie.legs.iter().filter_map(|leg| season.winner_of(*leg)).collect();
        wins.iter().find(|team| wins.iter().filter(|won| won == team).count() > 1).copied()
    }

    fn winner(&self, season: &Season, at: usize) -> Option<usize> {
        let last = *self.ties[at].legs.last()?;
        if self.is_best_of_three(season, &self.ties[at]) {
            return self.winner_of_series(season, &self.ties[at]);
        }
        let fixture = &season.fixtures[last];
        let goals = self.aggregate(season, last);
        // An abandoned tie was decided off the pitch; a future one is not decided.
        fixture.score.and_then(|score| self.decided(season, last, goals, score.p))
    }

    /// By goals, by shootout, else by which team appears in a later round: that covers away goals, unfinished matches
    /// and wrong shootouts in the file, without knowing the rule that applied.
    fn decided(
        &self,
        season: &Season,
        last: usize,
        goals: Option<[u32; 2]>,
        kicks: Option<[u32; 2]>,
    ) -> Option<usize> {
        let fixture = &season.fixtures[last];
        let [home, away] = goals.unwrap_or([0, 0]);
        let [home_kicks, away_kicks] = kicks.filter(|_| goals.is_some()).unwrap_or([0, 0]);
        match (home, home_kicks).cmp(&(away, away_kicks)) {
            std::cmp::Ordering::Greater => Some(fixture.home),
            std::cmp::Ordering::Less => Some(fixture.away),
            std::cmp::Ordering::Equal => {
                let later = season.fixtures.iter().filter(|f| {
                    f.round.number != 50 && f.round != fixture.round && f.kickoff > fixture.kickoff
                });
                let seen: Vec<usize> = later.flat_map(|f| [f.home, f.away]).collect();
                match [fixture.home, fixture.away].map(|team| seen.contains(&team)) {
                    [true, false] => Some(fixture.home),
                    [false, true] => Some(fixture.away),
                    _ => None,
                }
            }
        }
    }

    /// Per table, the teams that advance, best first.
    fn advancing(&self, season: &Season) -> Vec<(Option<String>, Vec<usize>)> {
        let legs = self.ties.iter().flat_map(|tie| &tie.legs).map(|leg| &season.fixtures[*leg]);
        let plays_on: Vec<usize> = legs.flat_map(|f| [f.home, f.away]).collect();
        let tables: Vec<Option<String>> = if season.groups.is_empty() {
            vec![None]
        } else {
            season.groups.iter().cloned().map(Some).collect()
        };
        let ranked = |group: &Option<String>| {
            let rows = table(season, group.as_deref(), DateTime::<Utc>::MAX_UTC);
            rows.into_iter().map(|row| row.team).filter(|team| plays_on.contains(team)).collect()
        };
        tables.into_iter().map(|group| (group.clone(), ranked(&group))).collect()
    }

    /// The tie (index into [`Bracket::ties`]) that `team` played last before the tie `at`.
    pub fn earlier(&self, season: &Season, at: usize, team: usize) -> Option<usize> {
        let start = self.first_kickoff(season, at);
        let plays = |leg: &usize| [season.fixtures[*leg].home, season.fixtures[*leg].away].contains(&team);
        (0..at).rev().find(|&other| {
            let tie = &self.ties[other];
            tie.round != self.ties[at].round
                && self.first_kickoff(season, other) < start
                && tie.legs.iter().any(plays)
        })
    }

    /// How `team` got into the tie `at`: when that was decided, and the placeholder before.
    fn origin(
        &self,
        season: &Season,
        advancing: &[(Option<String>, Vec<usize>)],
        at: usize,
        team: usize,
    ) -> (Option<DateTime<Utc>>, String) {
        let own = &season.teams[team];
        if own.placeholder {
            return (None, own.name.clone());
        }
        let start = self.first_kickoff(season, at);
        let of_table = |f: &&Fixture, group: &Option<String>| {
            f.kind == Kind::League && f.group == *group && [f.home, f.away].contains(&team)
        };
        let last_before = |group: &Option<String>| {
            let before = season.fixtures.iter().filter(|f| of_table(f, group) && Some(f.kickoff) < start);
            before.map(|f| f.kickoff).max()
        };
        let table = advancing.iter().filter(|(_, teams)| teams.contains(&team));
        let table = table.max_by_key(|(group, _)| last_before(group));
        let since_table = table.and_then(|(group, _)| last_before(group));
        let earlier =
            self.earlier(season, at, team).filter(|other| self.first_kickoff(season, *other) > since_table);
        let (known, name) = if let Some(other) = earlier {
            let tie = &self.ties[other];
            let word = if tie.winner == Some(team) { "Winner" } else { "Loser" };
            (all_ended(season, |i| tie.legs.contains(&i)), format!("{word} {}", short(tie)))
        } else if let Some((group, rank, teams)) = table.and_then(|(group, teams)| {
            teams.iter().position(|t| *t == team).map(|rank| (group, rank + 1, teams))
        }) {
            let name = match (group, rank) {
                (Some(group), 1) => format!("Winner {group}"),
                (Some(group), 2) => format!("Runner-up {group}"),
                (Some(group), n) => format!("{} {group}", ordinal(n)),
                (None, n) => format!("{} League phase", ordinal(n)),
            };
            // Where groups send different numbers, or more than two, the last places go to the best of all groups:
            // they are unknown until every group has ended.
            let counts: Vec<usize> = advancing.iter().map(|(_, t)| t.len()).filter(|n| *n > 0).collect();
            let sure = counts.iter().copied().min().unwrap_or(0).min(2);
            let compared = counts.iter().any(|n| *n != teams.len() || *n > 2) && rank > sure;
            let wait_for_all = group.is_none() || compared;
            let known = all_ended(season, |i| {
                season.fixtures[i].kind == Kind::League
                    && (wait_for_all || season.fixtures[i].group == *group)
            });
            (known, name)
        } else {
            // It enters in this round: known since the previous round began, or always.
            let before = season.fixtures.iter().filter(|f| f.round != self.ties[at].round);
            let begun = |f: &&Fixture| Some(f.kickoff) < start;
            let previous = before.filter(begun).max_by_key(|f| f.kickoff).map(|f| f.round.clone());
            let since = season
                .fixtures
                .iter()
                .filter(|f| Some(&f.round) == previous.as_ref())
                .map(|f| f.kickoff)
                .min();
            (Some(since.unwrap_or(DateTime::<Utc>::MIN_UTC)), own.name.clone())
        };
        // A tie that was played has its teams, even if the file does not say how they got there.
        let played = self.ties[at].legs.iter().any(|leg| season.fixtures[*leg].score.is_some());
        let latest = start.filter(|_| played);
        (known.into_iter().chain(latest).min(), name)
    }
}

/// When the last of the chosen matches has ended; none if one never does.
fn all_ended(season: &Season, chosen: impl Fn(usize) -> bool) -> Option<DateTime<Utc>> {
    let ends = (0..season.fixtures.len()).filter(|i| chosen(*i)).map(|i| ended_at(&season.fixtures[i]));
    ends.collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn short(tie: &Tie) -> String {
    let n = tie.number;
    match tie.round.slug.as_deref() {
        Some("round-of-32") => format!("R32 {n}"),
        Some("round-of-16") => format!("R16 {n}"),
        Some("quarterfinals") => format!("QF{n}"),
        Some("semifinals") => format!("SF{n}"),
        Some("playoff-round") => format!("Playoff {n}"),
        _ => format!("{} {n}", tie.round.name.as_deref().unwrap_or("Round")),
    }
}

fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (1, teens) if teens != 11 => "st",
        (2, teens) if teens != 12 => "nd",
        (3, teens) if teens != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_slot_is_a_placeholder_until_its_source_has_ended() {
        let season = sample::cup();
        let bracket = Bracket::of(&season);
        let names = |i: usize| bracket.slots(i).unwrap().each_ref().map(|s| s.placeholder.as_str());
        assert_eq!(names(6), ["Winner Group A", "Runner-up Group B"]);
        assert_eq!(names(8), ["Loser SF1", "Loser SF2"]);
        assert_eq!(names(9), ["Winner SF1", "Winner SF2"]);
        let [from_a, from_b] = bracket.slots(6).unwrap();
        assert!(!from_a.known(sample::at("2030-06-05T16:52:00Z")), "group A's last match is still on");
        assert!(
            from_a.known(sample::at("2030-06-05T16:53:00Z"))
                && !from_b.known(sample::at("2030-06-06T16:52:00Z"))
        );
        assert!(from_b.known(sample::at("2030-06-06T16:53:00Z")));
        let [first, second] = bracket.slots(9).unwrap();
        assert!(
            first.known(sample::at("2030-06-10T17:15:00Z")),
            "the shootout is over 135 minutes after kickoff"
        );
        assert!(!second.known(sample::at("2030-06-11T16:52:00Z")));
        assert_ne!(first.placeholder_id, second.placeholder_id);
        assert!(bracket.slots(0).is_none());
    }

    #[test]
    fn the_best_thirds_wait_for_every_group() {
        let season = sample::cup_with(
            r#"{"round": "Semifinals", "date": "2030-06-10", "team1": "A3", "team2": "B2"},
            {"round": "Semifinals", "date": "2030-06-10", "team1": "A1", "team2": "A2"}"#,
        );
        let bracket = Bracket::of(&season);
        let [third, _] = bracket.slots(6).unwrap();
        assert_eq!(third.placeholder, "3rd Group A");
        assert!(
            !third.known(sample::at("2030-06-06T16:52:00Z"))
                && third.known(sample::at("2030-06-06T16:53:00Z"))
        );
    }

    #[test]
    fn two_legs_are_one_tie_and_a_later_round_settles_a_level_one() {
        let season = Season::parse("cup", r#"{"name": "Cup 2030", "matches": [
            {"round": "Playoffs, Matchday 1", "date": "2030-02-01", "team1": "X", "team2": "Y", "score": {"ft": [2, 1]}},
            {"round": "Playoffs, Matchday 2", "date": "2030-02-08", "team1": "Y", "team2": "X", "score": {"ft": [1, 0]}},
            {"round": "Final", "date": "2030-02-20", "team1": "Y", "team2": "W77"}]}"#).unwrap();
        let bracket = Bracket::of(&season);
        let (tie, place) = bracket.leg(1).unwrap();
        assert_eq!(
            (tie.legs.as_slice(), place, bracket.aggregate(&season, 1)),
            ([0, 1].as_slice(), 1, Some([2, 2]))
        );
        assert_eq!(
            tie.winner.map(|t| season.teams[t].name.as_str()),
            Some("Y"),
            "on away goals: it plays the final"
        );
        let [known, open] = bracket.slots(2).unwrap();
        assert!(
            known.known(sample::at("2030-02-08T16:53:00Z"))
                && !known.known(sample::at("2030-02-08T16:52:00Z"))
        );
        assert_eq!((open.known_from, open.placeholder.as_str()), (None, "W77"));
        assert!(
            bracket.slots(0).unwrap()[0].known(DateTime::<Utc>::MIN_UTC),
            "whoever enters first is always known"
        );
    }
}
