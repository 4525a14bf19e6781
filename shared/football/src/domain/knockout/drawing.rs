//! The provider's drawing, matched to the rounds: numbers, slots, byes, and which tie leads to which.

use super::bracket::{BracketRound, successor};
use super::{Block, DecidedBy, Entrant, Side, TO_BE_DECIDED, Tie, Tree, TreeRound, Unclear, is_third_place};

/// A line of the drawing: the winner of one tie goes to a side of another.
pub(super) struct Line {
    /// Place of the round, number of the tie.
    pub from: (usize, i32),
    /// Place of the round, number of the tie.
    pub to: (usize, i32),
    /// The side of the later tie in the drawing's order; the tie's teams may contradict it.
    pub side: Side,
}

/// Matches a tree to the rounds, applies it to their ties and returns its lines.
pub(super) fn lay(rounds: &mut [BracketRound], tree: &Tree) -> Vec<Line> {
    let places = align(rounds, tree);
    // For the column before: the place of its round, and the ids of its blocks with the numbers of their ties.
    let mut before: Option<(usize, Vec<(i64, i32)>)> = None;
    let mut lines = Vec::new();
    for (column, place) in tree.rounds.iter().zip(places) {
        let Some(place) = place else {
            before = None;
            continue;
        };
        let blocks = blocks(rounds, place, column);
        let numbers = seat(rounds, place, &blocks);
        if let Some((earlier, sources)) = &before {
            for (block, (_, number)) in blocks.iter().zip(&numbers) {
                for (participant, side) in block.participants.iter().zip([Side::Home, Side::Away]) {
                    let source = sources.iter().find(|(id, _)| participant.source_block == Some(*id));
                    let line =
                        |(_, from): &(i64, i32)| Line { from: (*earlier, *from), to: (place, *number), side };
                    lines.extend(source.map(line));
                }
            }
        }
        before = Some((place, numbers));
    }
    lines
}

/// For each column of the tree the place of its round: found by its matches or pairs, else by its name, else as the
/// round after that of the column before.
fn align(rounds: &[BracketRound], tree: &Tree) -> Vec<Option<usize>> {
    let mut places: Vec<Option<usize>> = Vec::new();
    for column in &tree.rounds {
        let free = |place: &usize| !places.contains(&Some(*place)) && !is_third_place(&rounds[*place].slug);
        let alike = (0..rounds.len())
            .filter(free)
            .map(|place| (likeness(&rounds[place], column), place))
            .filter(|(likeness, _)| *likeness > 0)
            .max_by_key(|(likeness, place)| (*likeness, std::cmp::Reverse(*place)));
        let by_name = || (0..rounds.len()).filter(free).find(|place| rounds[*place].slug == slug_of(column));
        let by_order = || successor(rounds, places.last().copied().flatten()?).filter(free);
        let place = alike.map(|(_, place)| place).or_else(by_name).or_else(by_order);
        places.push(place);
    }
    places
}

fn likeness(round: &BracketRound, column: &TreeRound) -> usize {
    let shared =
        |block: &&Block| round.ties.iter().any(|tie| shares_match(tie, block) || shares_teams(tie, block, 2));
    column.blocks.iter().filter(shared).count()
}

fn slug_of(column: &TreeRound) -> String {
    match column.description.strip_prefix("1/").and_then(|part| part.parse::<u32>().ok()) {
        Some(ties) => format!("round-of-{}", ties.saturating_mul(2)),
        None => column.description.trim().to_lowercase().replace(' ', "-"),
    }
}

/// The blocks of a column that are ties of the round: the match for third place is drawn beside the final.
fn blocks<'t>(rounds: &[BracketRound], place: usize, column: &'t TreeRound) -> Vec<&'t Block> {
    let elsewhere = |block: &Block| {
        let others = rounds.iter().enumerate().filter(|(other, _)| *other != place);
        others.flat_map(|(_, round)| &round.ties).any(|tie| shares_match(tie, block))
    };
    let mut blocks: Vec<&Block> = column.blocks.iter().filter(|block| !elsewhere(block)).collect();
    blocks.sort_by_key(|block| block.order);
    if column.ties == Some(1) {
        blocks.truncate(1);
    }
    blocks
}

fn shares_match(tie: &Tie, block: &Block) -> bool {
    tie.legs.iter().any(|leg| block.events.contains(&leg.external_id))
}

fn shares_teams(tie: &Tie, block: &Block, at_least: usize) -> bool {
    block.teams().filter(|team| tie.side_of(team).is_some()).count() >= at_least
}

/// Finds or creates the tie of each block, applies the block to it, and numbers the round in the drawing's order.
fn seat(rounds: &mut [BracketRound], place: usize, blocks: &[&Block]) -> Vec<(i64, i32)> {
    let slug = rounds[place].slug.clone();
    let ties = &mut rounds[place].ties;
    let mut seats: Vec<Option<usize>> = vec![None; blocks.len()];
    let fits: [fn(&Tie, &Block) -> bool; 3] =
        [shares_match, |tie, block| shares_teams(tie, block, 2), |tie, block| shares_teams(tie, block, 1)];
    for fits in fits {
        for (at, block) in blocks.iter().enumerate() {
            let free = |tie: &usize| !seats.contains(&Some(*tie));
            if seats[at].is_none() {
                seats[at] = (0..ties.len()).filter(free).find(|tie| fits(&ties[*tie], block));
            }
        }
    }
    let loose: Vec<usize> = (0..ties.len()).filter(|tie| !seats.contains(&Some(*tie))).collect();
    let empty: Vec<usize> = (0..blocks.len()).filter(|at| seats[*at].is_none()).collect();
    if loose.is_empty() {
        for at in empty {
            seats[at] = Some(ties.len());
            ties.push(Tie::waiting(&slug, 0, slot(blocks[at], 0), slot(blocks[at], 1)));
        }
    } else if loose.len() == empty.len() {
        // As many unmatched ties as blocks: paired in order, unless both have known teams, which then differ.
        for (at, tie) in empty.into_iter().zip(loose) {
            let both = blocks[at].teams().count() == 2 && ties[tie].home.team().is_some();
            seats[at] = Some(tie).filter(|_| !both);
        }
    }
    for (at, block) in blocks.iter().enumerate() {
        if let Some(tie) = seats[at].and_then(|tie| ties.get_mut(tie)) {
            tell(tie, block);
        }
    }
    let mut order: Vec<(usize, usize)> = (0..ties.len())
        .map(|tie| (seats.iter().position(|seat| *seat == Some(tie)).unwrap_or(usize::MAX), tie))
        .collect();
    order.sort_by_key(|(at, tie)| (*at, ties[*tie].number));
    for ((_, tie), number) in order.iter().zip(1..) {
        ties[*tie].number = number;
    }
    let number = |seat: &Option<usize>| seat.and_then(|tie| ties.get(tie)).map_or(0, |tie| tie.number);
    let numbers = blocks.iter().zip(&seats).map(|(block, seat)| (block.id, number(seat))).collect();
    ties.sort_by_key(|tie| tie.number);
    numbers
}

/// The entrant of a block's participant; one that is unknown is named later, after the tie that leads to it.
fn slot(block: &Block, at: usize) -> Entrant {
    let participant = block.participants.get(at);
    let unknown = || Entrant::Placeholder(if block.bye { "Bye" } else { TO_BE_DECIDED }.to_owned());
    participant.and_then(|participant| participant.entrant.clone()).unwrap_or_else(unknown)
}

fn tell(tie: &mut Tie, block: &Block) {
    // A block with teams other than the tie's is out of date: the events are right.
    let free = [&tie.home, &tie.away].iter().filter(|entrant| entrant.team().is_none()).count();
    let fits = block.teams().filter(|team| tie.side_of(team).is_none()).count() <= free;
    for (team, wanted) in block.teams().zip([Side::Home, Side::Away]).filter(|_| fits) {
        if let Some(side) = tie.free_side(team, wanted) {
            *tie.entrant_mut(side) = Entrant::Team(team.to_owned());
        }
    }
    let first_of_two = block.legs.is_some_and(|legs| legs >= 2) && tie.legs.len() == 1;
    if first_of_two && !block.finished && tie.winner.is_some() {
        (tie.winner, tie.decided_by, tie.unclear) = (None, None, Some(Unclear::NotPlayed));
    }
    if block.bye && tie.legs.is_empty() {
        let side = block.teams().next().and_then(|team| tie.side_of(team));
        (tie.winner, tie.decided_by, tie.unclear) = (side, Some(DecidedBy::Bye), None);
        return;
    }
    let winner = block.winner.as_ref().filter(|_| block.finished && !tie.is_open());
    if let Some(side) = winner.and_then(|team| tie.side_of(team)) {
        tie.hear(side, "the cup tree");
    }
}
