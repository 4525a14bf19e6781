//! The tables of a tournament from its matches and, on a day on which they were read, the provider's tables.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::standings::{
    Adjustment, Check, Entrant, Fixture, ProviderRow, ProviderTable, Result, Rules, Table, Terms, check,
    one_table, table,
};
use crate::domain::{Match, MatchStatus, StandingsMode};

/// The terms a tournament's table is computed under. They are stored, so that every later table uses the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StandingsTerms {
    /// The order of teams level on points, in prose. The operator may have set it.
    pub tie_breaking_rule: Option<String>,
    /// Deductions and awards.
    pub adjustments: Vec<Adjustment>,
    /// The provider's tables as last read.
    pub provider: Vec<ProviderRow>,
    /// When they were read, UTC.
    pub checked_at: Option<DateTime<Utc>>,
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
}

/// Which teams have a place in the tables: the provider's ids.
pub fn teams(matches: &[Match]) -> BTreeSet<&str> {
    matches.iter().flat_map(|m| [m.home.as_str(), m.away.as_str()]).collect()
}

/// Computes the tables of `matches`, which are all that count for a table. `name` gives a team's name by its id;
/// `provider` has the provider's tables and the moment at which they were read, if they were.
pub fn plan(
    matches: &[Match],
    name: impl Fn(&str) -> String,
    mode: StandingsMode,
    mut terms: StandingsTerms,
    provider: Option<(&[ProviderTable], DateTime<Utc>)>,
) -> StandingsPlan {
    let counted = Counted::of(matches, &name, mode);
    let before = terms.adjustments.clone();
    let (ours, found) = match provider {
        None => (counted.table(&terms), None),
        Some((tables, now)) => {
            take_provider(&mut terms, tables, mode, now);
            // The first table is for finding the adjustments; the second applies them.
            let first = counted.table(&terms);
            terms.adjustments = check(&first.rows, &terms.provider).kept(&terms.adjustments);
            let ours = counted.table(&terms);
            let found = check(&ours.rows, &terms.provider);
            (ours, Some(found))
        }
    };
    StandingsPlan {
        table: ours,
        results: counted.results.len(),
        adjusted: terms.adjustments != before,
        terms,
        check: found,
    }
}

/// The matches as input of the table.
struct Counted {
    entrants: Vec<Entrant>,
    results: Vec<Result>,
    open: Vec<Fixture>,
}

impl Counted {
    fn of(matches: &[Match], name: impl Fn(&str) -> String, mode: StandingsMode) -> Self {
        let group = |m: &Match| match mode {
            StandingsMode::UniqueGroup => String::new(),
            StandingsMode::MultiGroup => m.group_name.clone(),
        };
        let places: BTreeSet<(String, &str)> =
            matches.iter().flat_map(|m| [(group(m), m.home.as_str()), (group(m), &m.away)]).collect();
        let entrants = places
            .into_iter()
            .map(|(group, team)| Entrant { team: team.to_owned(), group, name: name(team) })
            .collect();
        let results = matches
            .iter()
            .filter(|m| m.status == MatchStatus::Ended)
            .filter_map(|m| {
                let score = m.score?;
                Some(Result {
                    group: group(m),
                    home: m.home.clone(),
                    away: m.away.clone(),
                    home_goals: score.home,
                    away_goals: score.away,
                    kickoff: m.kickoff,
                })
            })
            .collect();
        let open = matches
            .iter()
            .filter(|m| m.status == MatchStatus::Open)
            .map(|m| Fixture { group: group(m), home: m.home.clone(), away: m.away.clone() })
            .collect();
        Self { entrants, results, open }
    }

    fn table(&self, terms: &StandingsTerms) -> Table {
        let rules = terms.tie_breaking_rule.as_deref().map(Rules::parse).unwrap_or_default();
        let terms =
            Terms { rules, adjustments: &terms.adjustments, open: &self.open, provider: &terms.provider };
        table(&self.entrants, &self.results, &terms)
    }
}

fn take_provider(
    terms: &mut StandingsTerms,
    tables: &[ProviderTable],
    mode: StandingsMode,
    now: DateTime<Utc>,
) {
    let rows = tables.iter().map(|table| table.rows.clone());
    terms.provider = match mode {
        StandingsMode::UniqueGroup => one_table(rows.collect()),
        StandingsMode::MultiGroup => rows.flatten().collect(),
    };
    terms.checked_at = Some(now);
    if terms.tie_breaking_rule.is_none() {
        terms.tie_breaking_rule = tables.iter().find_map(|table| table.tie_breaking_rule.clone());
    }
}
