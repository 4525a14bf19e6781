//! The bracket as an execution's summary contains it.

use serde::Serialize;

use super::{Bracket, DecidedBy, Entrant, Leg, Side, Tie};

/// A round of the summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundSummary {
    /// The round's slug.
    pub round: String,
    /// Its ties, by number.
    pub ties: Vec<TieSummary>,
}

/// A tie of the summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TieSummary {
    /// Name of the team or of the slot.
    pub home: String,
    /// Name of the team or of the slot.
    pub away: String,
    /// Its matches.
    pub legs: Vec<LegSummary>,
    /// Goals over both legs, home and away.
    pub aggregate: Option<(i32, i32)>,
    /// Name of the team that goes through.
    pub winner: Option<String>,
    /// What decided it.
    pub decided_by: Option<DecidedBy>,
}

/// A match of the summary. It names no teams, so its goals are those of the **tie's** home and away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegSummary {
    /// Goals of the tie's home side.
    pub home_score: Option<i32>,
    /// Goals of the tie's away side.
    pub away_score: Option<i32>,
    /// The shootout, the tie's home side first.
    pub penalties: Option<(i32, i32)>,
}

/// Summarises a bracket. `name` gives a team's name by its id; a team without one is shown by its id.
pub fn summary(bracket: &Bracket, name: impl Fn(&str) -> Option<String>) -> Vec<RoundSummary> {
    let called = |entrant: &Entrant| match entrant {
        Entrant::Team(id) => name(id).unwrap_or_else(|| id.clone()),
        Entrant::Placeholder(place) => place.clone(),
    };
    let tie = |tie: &Tie| TieSummary {
        home: called(&tie.home),
        away: called(&tie.away),
        legs: tie.legs.iter().map(leg).collect(),
        aggregate: tie.aggregate,
        winner: tie.winner.map(|side: Side| called(tie.entrant(side))),
        decided_by: tie.decided_by,
    };
    let rounds = bracket.rounds.iter();
    rounds
        .map(|round| RoundSummary { round: round.slug.clone(), ties: round.ties.iter().map(tie).collect() })
        .collect()
}

fn leg(leg: &Leg) -> LegSummary {
    let (home_score, away_score) =
        if leg.reversed { (leg.away_score, leg.home_score) } else { (leg.home_score, leg.away_score) };
    let penalties = leg.shootout.map(|(home, away)| if leg.reversed { (away, home) } else { (home, away) });
    LegSummary { home_score, away_score, penalties }
}
