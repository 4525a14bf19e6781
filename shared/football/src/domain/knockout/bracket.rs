//! Joins the rounds: where winners go, and the slots they fill before the provider publishes the next round.

use serde::Serialize;

use super::drawing::{Line, lay};
use super::{Entrant, Next, Side, TO_BE_DECIDED, Tie, Tree, is_side_stage, is_third_place};

/// A competition's knockout rounds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Bracket {
    /// First to last.
    pub rounds: Vec<BracketRound>,
    /// The id of the team that won the final.
    pub champion: Option<String>,
    /// All contradictions.
    pub notes: Vec<Note>,
}

/// A round of a bracket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BracketRound {
    /// Its slug.
    pub slug: String,
    /// Its place among all rounds of the season.
    pub order: i32,
    /// Its ties, by number.
    pub ties: Vec<Tie>,
}

/// A contradiction in the data of a tie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The tie's round.
    pub round_slug: String,
    /// The tie's number.
    pub number: i32,
    /// The contradiction, in words.
    pub text: String,
}

/// Joins rounds, each with its slug, its place among all rounds of the season, and its ties.
///
/// Rounds that are not drawn yet are included too, without ties. A gap between two places means that rounds of another
/// kind (a league phase) are between them: nobody goes directly from the one to the other.
pub fn bracket(rounds: &[(String, i32, Vec<Tie>)], trees: &[Tree]) -> Bracket {
    let mut rounds: Vec<BracketRound> = rounds
        .iter()
        .map(|(slug, order, ties)| BracketRound { slug: slug.clone(), order: *order, ties: ties.clone() })
        .collect();
    rounds.sort_by_key(|round| round.order);
    let lines: Vec<Line> = trees.iter().flat_map(|tree| lay(&mut rounds, tree)).collect();
    let end = last_round(&rounds);
    let semifinals = end.and_then(|end| {
        (0..end).find(|place| successor(&rounds, *place) == Some(end) && rounds[*place].ties.len() == 2)
    });
    let third = rounds.iter().position(|round| is_third_place(&round.slug));
    // With two semifinals, the final and the match for third place are known before they are drawn.
    for place in [end, third].into_iter().flatten().filter(|_| semifinals.is_some()) {
        let round = &mut rounds[place];
        if round.ties.is_empty() {
            let slot = || Entrant::Placeholder(TO_BE_DECIDED.to_owned());
            round.ties.push(Tie::waiting(&round.slug, 1, slot(), slot()));
        }
    }
    for place in 0..rounds.len() {
        if let Some(next) = successor(&rounds, place) {
            hear_next_round(&mut rounds, place, next);
            lead_on(&mut rounds, place, next, &lines);
        }
        if let Some(third) = third.filter(|_| semifinals == Some(place)) {
            for at in 0..2 {
                send(&mut rounds, (place, at), (third, 0), seat_of(at), Goer::Loser);
            }
        }
    }
    let champion = end.and_then(|end| match rounds[end].ties.as_slice() {
        [last] if rounds[end].slug == "final" || !follows_more_than_two(&rounds, end) => {
            last.winning_team().map(str::to_owned)
        }
        _ => None,
    });
    let note = |tie: &Tie, text: &String| Note {
        round_slug: tie.round_slug.clone(),
        number: tie.number,
        text: text.clone(),
    };
    let ties = rounds.iter().flat_map(|round| &round.ties);
    let notes = ties.flat_map(|tie| tie.notes.iter().map(move |text| note(tie, text))).collect();
    Bracket { rounds, champion, notes }
}

/// The round the winners of a round go to.
pub(super) fn successor(rounds: &[BracketRound], place: usize) -> Option<usize> {
    let mut order =
        rounds.get(place).filter(|round| !is_third_place(&round.slug) && round.slug != "final")?.order;
    for (next, round) in rounds.iter().enumerate().skip(place + 1) {
        if round.order > order + 1 {
            return None;
        }
        order = round.order;
        if !is_third_place(&round.slug) {
            return Some(next);
        }
    }
    None
}

/// The round the champion comes from.
fn last_round(rounds: &[BracketRound]) -> Option<usize> {
    let main = |round: &BracketRound| !is_third_place(&round.slug) && !is_side_stage(&round.slug);
    let named = rounds.iter().position(|round| round.slug == "final");
    named.or_else(|| rounds.iter().rposition(main))
}

/// Whether the last round is one of which only a part is drawn.
fn follows_more_than_two(rounds: &[BracketRound], end: usize) -> bool {
    (0..end).any(|place| successor(rounds, place) == Some(end) && rounds[place].ties.len() > 2)
}

/// A team that appears in the next round has gone through, unless both do, as where losers get a second chance.
fn hear_next_round(rounds: &mut [BracketRound], place: usize, next: usize) {
    let (earlier, later) = rounds.split_at_mut(next);
    let appears = |entrant: &Entrant| {
        entrant.team().is_some_and(|team| later[0].ties.iter().any(|tie| tie.side_of(team).is_some()))
    };
    for tie in earlier[place].ties.iter_mut().filter(|tie| !tie.is_open()) {
        match (appears(&tie.home), appears(&tie.away)) {
            (true, false) => tie.plays_on(Side::Home, "the next round"),
            (false, true) => tie.plays_on(Side::Away, "the next round"),
            _ => {}
        }
    }
}

/// Leads the winners of a round to the next: to the tie they appear in, else along the drawing's lines, else, from two
/// ties, to the only tie of the next round.
fn lead_on(rounds: &mut [BracketRound], place: usize, next: usize, lines: &[Line]) {
    for at in 0..rounds[place].ties.len() {
        let tie = &rounds[place].ties[at];
        let later = &rounds[next].ties;
        let line = lines.iter().find(|line| line.from == (place, tie.number) && line.to.0 == next);
        let drawn =
            line.and_then(|line| Some((later.iter().position(|tie| tie.number == line.to.1)?, line.side)));
        let appears = || {
            let team = tie.winning_team()?;
            later.iter().enumerate().find_map(|(to, later)| Some((to, later.side_of(team)?)))
        };
        let only = || (later.len() == 1 && rounds[place].ties.len() == 2).then(|| (0, seat_of(at)));
        if let Some((to, side)) = appears().or(drawn).or_else(only) {
            send(rounds, (place, at), (next, to), side, Goer::Winner);
        }
    }
}

fn seat_of(at: usize) -> Side {
    if at == 0 { Side::Home } else { Side::Away }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goer {
    Winner,
    Loser,
}

/// Links one tie to a side of another, and sets the team there if it is known.
fn send(
    rounds: &mut [BracketRound],
    (place, at): (usize, usize),
    (next, to): (usize, usize),
    wanted: Side,
    goer: Goer,
) {
    let Some(from) = rounds.get(place).and_then(|round| round.ties.get(at)) else { return };
    let (team, who) = match goer {
        Goer::Winner => (from.winning_team().map(str::to_owned), "Winner"),
        Goer::Loser => (from.losing_team().map(str::to_owned), "Loser"),
    };
    let name = format!("{who} {} {}", from.round_slug, from.number);
    // Before the tie is decided, either of its teams may be there already.
    let either = [from.home.clone(), from.away.clone()];
    let Some(later) = rounds.get_mut(next).and_then(|round| round.ties.get_mut(to)) else { return };
    let side = match &team {
        Some(team) => later.free_side(team, wanted),
        None => {
            let stands = either.iter().filter_map(Entrant::team).find_map(|team| later.side_of(team));
            stands.or_else(|| later.free_side("", wanted))
        }
    };
    if let Some(slot) = side.map(|side| later.entrant_mut(side)) {
        match &team {
            Some(team) => *slot = Entrant::Team(team.clone()),
            // A name given by the provider stays.
            None if *slot == Entrant::Placeholder(TO_BE_DECIDED.to_owned()) => {
                *slot = Entrant::Placeholder(name)
            }
            None => {}
        }
    }
    let link =
        Next { round_slug: later.round_slug.clone(), number: later.number, side: side.unwrap_or(wanted) };
    let Some(from) = rounds.get_mut(place).and_then(|round| round.ties.get_mut(at)) else { return };
    if side.is_none() && team.is_some() {
        from.notes.push(format!("{} tie {} has two other teams", link.round_slug, link.number));
    }
    match goer {
        Goer::Winner => from.next = Some(link),
        Goer::Loser => from.loser_next = Some(link),
    }
}
