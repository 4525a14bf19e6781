//! The bracket of a tournament from its knockout matches, its rounds and the provider's trees.

use crate::domain::knockout::{Bracket, Entrant, KnockoutMatch, Side, Tie, Tree, away_goals, bracket, ties};
use crate::domain::matches::without_doubles;
use crate::domain::{Match, Round, RoundKind};

/// Draws the bracket of `matches`, which are those of the knockout rounds.
pub fn plan(matches: Vec<Match>, rounds: Vec<Round>, trees: &[Tree]) -> Bracket {
    let known: Vec<KnockoutMatch> = without_doubles(matches).into_iter().map(knockout_match).collect();
    let away_goals = away_goals(&known);
    let rounds: Vec<(String, i32, Vec<Tie>)> = rounds
        .into_iter()
        .filter(|round| round.kind == RoundKind::Knockout)
        .map(|round| {
            let ties = ties(&round.slug, &known, away_goals);
            (round.slug, round.order, ties)
        })
        .collect();
    bracket(&rounds, trees)
}

fn knockout_match(known: Match) -> KnockoutMatch {
    KnockoutMatch {
        external_id: known.external_id,
        round_slug: known.round_slug,
        home: Entrant::Team(known.home),
        away: Entrant::Team(known.away),
        kickoff: known.kickoff,
        status: known.status,
        score: known.score,
        extra_time: known.tie.extra_time,
        awarded: known.tie.awarded,
        winner: known.tie.winner.and_then(Side::of),
        tie_winner: known.tie.tie_winner.and_then(Side::of),
        previous_leg: known.tie.previous_leg,
        legs: known.tie.legs.and_then(|legs| u32::try_from(legs).ok()),
    }
}
