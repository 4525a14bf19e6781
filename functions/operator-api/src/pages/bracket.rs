//! A bracket laid out in columns: one half to the left of the final, the other to its right. Pure; drawn by the template.

use std::collections::HashMap;

use crate::read::tournaments::TieView;

/// Where a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Side {
    /// Its winners go to the right.
    Left,
    /// The final.
    Middle,
    /// Its winners go to the left.
    Right,
}

/// A round of one half.
pub(super) struct Column {
    pub(super) side: Side,
    pub(super) label: String,
    pub(super) slots: Vec<Slot>,
}

/// A place in a column: a tie, or nothing where a team enters later.
pub(super) struct Slot {
    pub(super) tie: Option<TieView>,
    /// The classes that draw its lines.
    pub(super) lines: &'static str,
    /// The class that draws the line to it.
    pub(super) entered: &'static str,
}

/// A bracket.
pub(super) struct Bracket {
    /// From left to right; empty: the ties do not lead to one final yet.
    pub(super) columns: Vec<Column>,
    /// Ties that lead to no final, by round: the match for third place, or rounds whose draw is still to come.
    pub(super) aside: Vec<(String, Vec<TieView>)>,
}

type Key = (String, i32);

/// Lays out the ties of a tournament, which come round by round.
pub(super) fn bracket(ties: Vec<TieView>) -> Bracket {
    let key = |tie: &TieView| (tie.round_slug.clone(), tie.number);
    let order: Vec<Key> = ties.iter().map(key).collect();
    let mut feeders: HashMap<Key, Vec<Key>> = HashMap::new();
    for tie in &ties {
        if let (Some(round), Some(number)) = (&tie.next_round_slug, tie.next_number) {
            feeders.entry((round.clone(), number)).or_default().push(key(tie));
        }
    }
    let mut by_key: HashMap<Key, TieView> = ties.into_iter().map(|tie| (key(&tie), tie)).collect();
    let is_root = |key: &&Key| {
        let leads_on = by_key.get(*key).is_some_and(|tie| tie.next_number.is_some());
        feeders.contains_key(*key) && !leads_on
    };
    let roots: Vec<&Key> = order.iter().filter(is_root).collect();
    let two = |key: &Key| feeders.get(key).is_none_or(|of| of.len() <= 2);
    let mut columns = Vec::new();
    if let ([root], true) = (roots.as_slice(), order.iter().all(two))
        && let Some(last) = by_key.remove(*root)
    {
        let of_root = feeders.get(*root).cloned().unwrap_or_default();
        let mut halves = of_root.into_iter().map(|key| half(key, &feeders, &mut by_key));
        let (left, right) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        drop(halves);
        let entered = if right.is_empty() { "from-left" } else { "from-both" };
        columns.extend(left.into_iter().rev().map(|slots| column(Side::Left, slots)));
        columns.push(Column {
            side: Side::Middle,
            label: last.round_label.clone(),
            slots: vec![Slot { tie: Some(last), lines: "", entered }],
        });
        columns.extend(right.into_iter().map(|slots| column(Side::Right, slots)));
    }
    let mut aside: Vec<(String, Vec<TieView>)> = Vec::new();
    for tie in order.iter().filter_map(|key| by_key.remove(key)) {
        match aside.last_mut() {
            Some((label, ties)) if *label == tie.round_label => ties.push(tie),
            _ => aside.push((tie.round_label.clone(), vec![tie])),
        }
    }
    Bracket { columns, aside }
}

/// The rounds of a half, the last first. Each has as many places as its neighbour, or twice as many.
fn half(top: Key, feeders: &HashMap<Key, Vec<Key>>, by_key: &mut HashMap<Key, TieView>) -> Vec<Vec<Slot>> {
    let mut rounds = Vec::new();
    let mut level = vec![Some(top)];
    let mut width = 1;
    // A tie is taken once, so that a circle of ties, which would be malformed, ends.
    while level.iter().flatten().any(|key| by_key.contains_key(key)) {
        let of =
            |key: &Option<Key>| key.as_ref().and_then(|key| feeders.get(key)).cloned().unwrap_or_default();
        let next_width = level.iter().map(|key| of(key).len()).max().unwrap_or_default();
        let next: Vec<Option<Key>> = level
            .iter()
            .flat_map(|key| {
                let mut places: Vec<Option<Key>> = of(key).into_iter().map(Some).collect();
                places.resize(next_width, None);
                places
            })
            .collect();
        let slots = level.iter().enumerate().map(|(place, key)| {
            let tie = key.as_ref().and_then(|key| by_key.remove(key));
            let lines = match (&tie, width, place % 2) {
                (None, ..) => "",
                (Some(_), 2, 0) => "out upper",
                (Some(_), 2, _) => "out lower",
                (Some(_), ..) => "out alone",
            };
            Slot { tie, lines, entered: if of(key).is_empty() { "" } else { "from-left from-right" } }
        });
        rounds.push(slots.collect());
        (level, width) = (next, next_width);
    }
    rounds
}

fn column(side: Side, slots: Vec<Slot>) -> Column {
    let label = slots.iter().find_map(|slot| slot.tie.as_ref()).map(|tie| tie.round_label.clone());
    Column { side, label: label.unwrap_or_default(), slots }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tie(round: &str, number: i32, next: Option<(&str, i32)>) -> TieView {
        TieView {
            round_slug: round.to_owned(),
            round_label: round.to_owned(),
            number,
            next_round_slug: next.map(|(round, _)| round.to_owned()),
            next_number: next.map(|(_, number)| number),
            ..TieView::default()
        }
    }

    fn drawn(bracket: &Bracket) -> Vec<String> {
        let slot = |slot: &Slot| {
            let name = slot.tie.as_ref().map_or("-".to_owned(), |tie| tie.number.to_string());
            format!("{name}{}", slot.lines.strip_prefix("out ").map_or("", |lines| &lines[..1]))
        };
        let of = |column: &Column| {
            let slots: Vec<String> = column.slots.iter().map(slot).collect();
            format!("{} {}: {}", column.side, column.label, slots.join(" "))
        };
        bracket.columns.iter().map(of).collect()
    }

    #[test]
    fn halves_stand_on_both_sides_of_the_final() {
        let ties = vec![
            tie("quarter", 1, Some(("semi", 1))),
            tie("quarter", 2, Some(("semi", 1))),
            tie("quarter", 3, Some(("semi", 2))),
            tie("quarter", 4, Some(("semi", 2))),
            tie("semi", 1, Some(("final", 1))),
            tie("semi", 2, Some(("final", 1))),
            tie("third place", 1, None),
            tie("final", 1, None),
        ];
        let bracket = bracket(ties);
        assert_eq!(
            drawn(&bracket),
            [
                "left quarter: 1u 2l",
                "left semi: 1a",
                "middle final: 1",
                "right semi: 2a",
                "right quarter: 3u 4l"
            ]
        );
        assert_eq!(bracket.aside.len(), 1);
        assert_eq!(bracket.aside[0].0, "third place");
    }

    #[test]
    fn a_team_that_enters_later_leaves_a_place_empty() {
        let ties = vec![
            tie("first", 1, Some(("semi", 1))),
            tie("first", 2, Some(("semi", 2))),
            tie("first", 3, Some(("semi", 2))),
            tie("semi", 1, Some(("final", 1))),
            tie("semi", 2, Some(("final", 1))),
            tie("final", 1, None),
        ];
        assert_eq!(
            drawn(&bracket(ties)),
            ["left first: 1a", "left semi: 1a", "middle final: 1", "right semi: 2a", "right first: 2u 3l"]
        );
        let ties = vec![
            tie("first", 1, Some(("second", 1))),
            tie("second", 1, Some(("semi", 1))),
            tie("second", 2, Some(("semi", 1))),
            tie("semi", 1, Some(("final", 1))),
            tie("final", 1, None),
        ];
        // One half only: the draw of the other is still to come.
        assert_eq!(
            drawn(&bracket(ties)),
            ["left first: 1a -", "left second: 1u 2l", "left semi: 1a", "middle final: 1"]
        );
    }

    #[test]
    fn ties_without_one_final_stand_round_by_round() {
        let ties = vec![tie("first", 1, None), tie("first", 2, None)];
        let drawn = bracket(ties);
        assert!(drawn.columns.is_empty());
        assert_eq!(drawn.aside[0].1.len(), 2);
        // Malformed: two ties that feed each other.
        let circle = bracket(vec![tie("a", 1, Some(("b", 1))), tie("b", 1, Some(("a", 1)))]);
        assert_eq!(circle.aside.len(), 2);
    }
}
