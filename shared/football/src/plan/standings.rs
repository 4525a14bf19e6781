//! The tables of a tournament from its matches and, on a day on which they were read, the provider's tables.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::differences::{News, Noted, note};
use super::tables::{Counting, decide_carried, tables};
use crate::domain::matches::without_doubles;
use crate::domain::standings::{
    Adjustment, Check, Difference, DifferenceKind, Entrant, Fixture, ProviderRow, ProviderTable, Result,
    Rules, Subject, Table, Terms, check, one_table, table,
};
use crate::domain::{CalledOff, Match, MatchStatus, StandingsMode};

/// A match that kicked off within this time may be in one of the tables and not yet in the other.
const RECENT: TimeDelta = TimeDelta::hours(6);

/// The terms a tournament's table is computed under. They are stored, so that every later table uses the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StandingsTerms {
    /// The order of teams level on points, in prose. The operator may have set it.
    pub tie_breaking_rule: Option<String>,
    /// Deductions and awards.
    pub adjustments: Vec<Adjustment>,
    /// Whether a shootout in a match of the table gives its winner a further point; not known before the provider's
    /// table has confirmed it: then it does.
    pub shootout_points: Option<bool>,
    /// The provider's tables as last read.
    pub provider: Vec<ProviderTable>,
    /// When they were read, UTC.
    pub checked_at: Option<DateTime<Utc>>,
    /// The differences that the last comparison found.
    pub differences: Vec<Noted>,
}

/// The computed tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandingsPlan {
    /// The tables of all groups.
    pub table: Table,
    /// The number of results counted.
    pub results: usize,
    /// The terms to store.
    pub terms: StandingsTerms,
    /// Whether the adjustments changed.
    pub adjusted: bool,
    /// What the comparison with the provider's tables found, where they were read.
    pub check: Option<Check>,
    /// What of that is new, changed or gone.
    pub news: News,
    /// Tables that count other matches than before, by their labels.
    pub recounted: Vec<String>,
    /// Results stored without their stage, which are grouped by their labels until they are read again.
    pub unread_stages: usize,
}

/// Which teams have a place in the tables: the provider's ids.
pub fn teams(matches: &[Match]) -> BTreeSet<&str> {
    matches.iter().flat_map(|m| [m.home.as_str(), m.away.as_str()]).collect()
}

/// Computes the tables of `matches`, which are all that count for a table. `name` gives a team's name by its id;
/// `provider` has the provider's tables and the moment at which they were read, if they were.
pub fn plan(
    matches: Vec<Match>,
    name: impl Fn(&str) -> String,
    mode: StandingsMode,
    mut terms: StandingsTerms,
    provider: Option<(&[ProviderTable], DateTime<Utc>)>,
) -> StandingsPlan {
    let matches = without_doubles(matches);
    let before = terms.adjustments.clone();
    let unread_stages = match mode {
        StandingsMode::MultiGroup => matches.iter().filter(|m| m.is_result_without_stage()).count(),
        StandingsMode::UniqueGroup => 0,
    };
    let recent = |team: &str, now: DateTime<Utc>| {
        let plays = |m: &&Match| m.home == team || m.away == team;
        let is_recent = |m: &&Match| m.kickoff.is_some_and(|at| at <= now && at > now - RECENT);
        i32::try_from(matches.iter().filter(plays).filter(is_recent).count()).unwrap_or(i32::MAX)
    };
    // An empty answer takes no table away: it may be passing.
    let is_gone = provider.is_some_and(|(read, _)| read.is_empty()) && !terms.provider.is_empty();
    let mut recounted = Vec::new();
    if let Some((_, now)) = provider {
        terms.checked_at = Some(now);
    }
    if let Some((read, now)) = provider.filter(|_| !is_gone) {
        let before = std::mem::replace(&mut terms.provider, read.to_vec());
        recounted = decide_carried(&mut terms.provider, &before, &matches, |team| recent(team, now));
        if terms.tie_breaking_rule.is_none() {
            terms.tie_breaking_rule = read.iter().find_map(|table| table.tie_breaking_rule.clone());
        }
    }
    let tables = terms.provider.clone();
    let counted = Counted::of(&matches, &name, mode, &tables);
    let (mut check_found, mut news) = (None, News::default());
    if let Some((_, now)) = provider {
        terms.shootout_points = counted.shootout_points(&terms);
        // The first table is for finding the adjustments; the last applies them.
        let first = counted.table(&terms);
        terms.adjustments = check(&first.rows, &counted.provider).kept(&terms.adjustments);
        let found = check(&counted.table(&terms).rows, &counted.provider);
        // What was known is neither gone nor confirmed by an empty answer.
        let known = || terms.differences.iter().map(Noted::difference).filter(|known| *known != no_table());
        let differences = match is_gone {
            true => known().chain([no_table()]).collect(),
            false => found.differences(&name),
        };
        (terms.differences, news) = note(&terms.differences, differences, |team| recent(team, now), now);
        check_found = Some(found);
    }
    StandingsPlan {
        table: counted.table(&terms),
        results: counted.played,
        adjusted: terms.adjustments != before,
        terms,
        check: check_found,
        news,
        recounted,
        unread_stages,
    }
}

/// The provider had tables, and shows none.
fn no_table() -> Difference {
    let subject = Subject { kind: DifferenceKind::Teams, group: String::new(), teams: Vec::new() };
    let text = "the provider shows no table any more: the last one is kept".to_owned();
    Difference { subject, games: 0, text }
}

/// The matches as input of the table.
struct Counted {
    entrants: Vec<Entrant>,
    results: Vec<Result>,
    /// The number of matches played; one that counts in two tables is one.
    played: usize,
    open: Vec<Fixture>,
    postponed: Vec<Fixture>,
    cancelled: Vec<Fixture>,
    /// The provider's rows, as they compare with the tables.
    provider: Vec<ProviderRow>,
}

impl Counted {
    fn of(
        matches: &[Match],
        name: impl Fn(&str) -> String,
        mode: StandingsMode,
        provider: &[ProviderTable],
    ) -> Self {
        let tables = tables(matches, mode, provider);
        let entrant = |table: &Counting<'_>, team: &str| Entrant {
            team: team.to_owned(),
            group: table.label.to_owned(),
            name: name(team),
        };
        let entrants =
            tables.iter().flat_map(|table| table.teams.iter().map(|team| entrant(table, team))).collect();
        let is_played = |m: &Match| m.status == MatchStatus::Ended && m.score.is_some();
        let games = |team: &str| {
            let plays = |m: &&Match| is_played(m) && (m.home == team || m.away == team);
            i32::try_from(matches.iter().filter(plays).count()).unwrap_or(i32::MAX)
        };
        let rows = match mode {
            StandingsMode::UniqueGroup => one_table(provider, games),
            StandingsMode::MultiGroup => provider.iter().flat_map(|table| table.rows.clone()).collect(),
        };
        let fixture = |table: &Counting<'_>, m: &Match| Fixture {
            group: table.label.to_owned(),
            home: m.home.clone(),
            away: m.away.clone(),
            kickoff: m.kickoff,
        };
        let fixtures = |wanted: &dyn Fn(&Match) -> bool| -> Vec<Fixture> {
            let of = |table: &Counting<'_>| -> Vec<Fixture> {
                table.matches.iter().filter(|m| wanted(m)).map(|m| fixture(table, m)).collect()
            };
            tables.iter().flat_map(of).collect()
        };
        // The old entry of a match that has another one, in its round or later, does not wait to be played.
        let has_other_entry = |m: &Match| {
            matches.iter().any(|other| {
                other.status != MatchStatus::NotDefined
                    && (&other.home, &other.away) == (&m.home, &m.away)
                    && (other.round_slug == m.round_slug || other.kickoff > m.kickoff)
                    && other.stage.may_be(&m.stage)
            })
        };
        let is_cancelled =
            |m: &Match| m.called_off.is_some_and(|off| !off.may_be_played()) && !has_other_entry(m);
        let waits = |m: &Match| m.called_off.is_some_and(CalledOff::may_be_played) && !has_other_entry(m);
        Self {
            entrants,
            results: tables.iter().flat_map(results).collect(),
            played: matches.iter().filter(|m| is_played(m)).count(),
            open: fixtures(&|m| m.status == MatchStatus::Open),
            postponed: fixtures(&waits),
            cancelled: fixtures(&is_cancelled),
            provider: rows,
        }
    }

    /// Whether the provider's table gives a further point for a shootout: the reading with fewer adjustments.
    fn shootout_points(&self, terms: &StandingsTerms) -> Option<bool> {
        if self.results.iter().all(|result| result.shootout.is_none()) || self.provider.is_empty() {
            return terms.shootout_points;
        }
        let adjustments = |given: bool| {
            let terms = StandingsTerms { shootout_points: Some(given), ..terms.clone() };
            check(&self.table(&terms).rows, &self.provider).adjustments.len()
        };
        match adjustments(true).cmp(&adjustments(false)) {
            std::cmp::Ordering::Less => Some(true),
            std::cmp::Ordering::Greater => Some(false),
            std::cmp::Ordering::Equal => terms.shootout_points,
        }
    }

    fn table(&self, terms: &StandingsTerms) -> Table {
        let rules = terms.tie_breaking_rule.as_deref().map(Rules::parse).unwrap_or_default();
        let terms = Terms {
            rules,
            adjustments: &terms.adjustments,
            open: &self.open,
            postponed: &self.postponed,
            cancelled: &self.cancelled,
            shootout_points: terms.shootout_points.unwrap_or(true),
            provider: &self.provider,
        };
        table(&self.entrants, &self.results, &terms)
    }
}

fn results(table: &Counting<'_>) -> Vec<Result> {
    let result = |m: &&Match| {
        let score = m.score.filter(|_| m.status == MatchStatus::Ended)?;
        Some(Result {
            group: table.label.to_owned(),
            home: m.home.clone(),
            away: m.away.clone(),
            home_goals: score.home,
            away_goals: score.away,
            shootout: score.shootout,
            kickoff: m.kickoff,
        })
    };
    table.matches.iter().filter_map(result).collect()
}
