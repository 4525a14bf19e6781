//! Which matches of a round belong together, and whether they are two legs or a match and its replays.

use super::{Entrant, KnockoutMatch, MatchStatus};

/// The matches of one tie, by kickoff.
pub(super) type Group<'m> = Vec<&'m KnockoutMatch>;

/// Groups the matches of a round into ties: each sorted by kickoff, the ties by their first kickoff.
pub(super) fn groups<'m>(matches: impl Iterator<Item = &'m KnockoutMatch>) -> Vec<Group<'m>> {
    let mut groups: Vec<Group<'m>> = Vec::new();
    for game in matches {
        let belongs =
            |other: &KnockoutMatch| follows(game, other) || follows(other, game) || same_pair(game, other);
        // A match may join two groups that were separate until now (a later leg read before the first).
        let (joined, apart): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.iter().any(|other| belongs(other)));
        groups = apart;
        groups.push(joined.into_iter().flatten().chain([game]).collect());
    }
    for group in &mut groups {
        group.sort_by_key(|game| when(game));
        // A link between legs is more reliable than kickoffs, which may be missing.
        if let [first, second] = group[..]
            && follows(first, second)
        {
            group.swap(0, 1);
        }
    }
    groups.sort_by_key(|group| group.first().map(|game| when(game)));
    groups
}

/// The sort key by kickoff. Matches without one come last; ids are compared as numbers, by length first.
fn when(game: &KnockoutMatch) -> (bool, Option<chrono::DateTime<chrono::Utc>>, usize, &str) {
    (game.kickoff.is_none(), game.kickoff, game.external_id.len(), &game.external_id)
}

fn follows(game: &KnockoutMatch, other: &KnockoutMatch) -> bool {
    game.previous_leg.as_deref() == Some(&other.external_id)
}

/// Whether two matches have the same entrants, at either ground. Two nameless slots (`TBD` against `TBD`) never match.
fn same_pair(a: &KnockoutMatch, b: &KnockoutMatch) -> bool {
    let known =
        matches!((&a.home, &a.away), (Entrant::Team(_), _) | (_, Entrant::Team(_))) || a.home != a.away;
    known && ((a.home == b.home && a.away == b.away) || (a.home == b.away && a.away == b.home))
}

/// Drops ties that were never played because their teams met others instead (one withdrew, the draw was repeated),
/// and cancelled fixtures between unknown slots.
pub(super) fn drop_abandoned(groups: &mut Vec<Group<'_>>) {
    let is_void = |group: &Group<'_>| group.iter().all(|game| game.status == MatchStatus::NotDefined);
    let teams = |group: &Group<'_>| -> Vec<String> {
        let sides = group.iter().flat_map(|game| [&game.home, &game.away]);
        sides.filter_map(|side| side.team().map(str::to_owned)).collect()
    };
    let playing: Vec<String> = groups.iter().filter(|group| !is_void(group)).flat_map(teams).collect();
    groups.retain(|group| {
        let teams = teams(group);
        !is_void(group) || (!teams.is_empty() && !teams.iter().any(|team| playing.contains(team)))
    });
}

/// How a tie is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One match; further ones are replays.
    Single,
    /// Two legs, whose goals are added up; further matches are replays.
    TwoLegs,
    /// The best of three: two wins.
    BestOfThree,
}

impl Format {
    /// The number of matches before a replay.
    pub(super) fn matches(self) -> usize {
        match self {
            Self::Single => 1,
            Self::TwoLegs => 2,
            Self::BestOfThree => 3,
        }
    }
}

/// How each tie of a round is played.
pub(super) fn formats(groups: &[Group<'_>]) -> Vec<Format> {
    let two_legged = two_legged(groups);
    // The provider seldom gives it for each match of a round.
    let given = groups.iter().flatten().any(|game| game.legs == Some(3));
    let format = |(group, two): (&Group<'_>, bool)| match (given || is_best_of_three(group), two) {
        (true, _) => Format::BestOfThree,
        (false, true) => Format::TwoLegs,
        (false, false) => Format::Single,
    };
    groups.iter().zip(two_legged).map(format).collect()
}

/// There are three matches although the first two had a winner by goals.
fn is_best_of_three(group: &Group<'_>) -> bool {
    let live = alive(group);
    let given = live.iter().filter_map(|game| game.legs).max();
    let [first, second, _, ..] = live[..] else { return false };
    let goals = |game: &KnockoutMatch| {
        let turned = game.home != first.home;
        let score = game.score.filter(|_| game.status == MatchStatus::Ended)?;
        Some(if turned { score.away - score.home } else { score.home - score.away })
    };
    let a_win_each = goals(first).zip(goals(second)).is_some_and(|(a, b)| a * b < 0 && a + b != 0);
    given.is_none() && a_win_each
}

/// Leaves out the old ids of fixtures that continue under another id, or were played after all with sides changed.
pub(super) fn without_superseded<'m>(group: &Group<'m>, format: Format) -> Group<'m> {
    let void = |game: &KnockoutMatch| game.status == MatchStatus::NotDefined;
    let live = alive(group);
    let wanted = format.matches();
    let mut kept: Group<'m> = Vec::new();
    // Of several void entries of one fixture the latest is kept.
    for game in group.iter().rev() {
        let taken = |others: &Group<'m>| others.iter().any(|other| other.home == game.home);
        let room = !taken(&live) && !taken(&kept) && live.len() + kept.len() < wanted;
        if void(game) && room {
            kept.push(game);
        }
    }
    let stands = |game: &&KnockoutMatch| {
        !void(game) || kept.iter().any(|other| std::ptr::eq::<KnockoutMatch>(*other, *game))
    };
    group.iter().copied().filter(stands).collect()
}

/// Whether each tie is played over two legs; else a further match is a replay.
///
/// The provider seldom gives it, so the round as a whole decides: a second match is a replay only if the first was
/// level.
fn two_legged(groups: &[Group<'_>]) -> Vec<bool> {
    let said = groups.iter().flatten().filter_map(|game| game.legs).max();
    let live: Vec<Group<'_>> = groups.iter().map(alive).collect();
    let all = |answer: bool| vec![answer; groups.len()];
    if let Some(legs) = said {
        return all(legs >= 2);
    }
    // A second match at the same ground, not linked to the first, is a replay.
    let is_second = |first: &KnockoutMatch, second: &KnockoutMatch| {
        second.previous_leg.is_some() || second.home != first.home
    };
    let needless = |group: &Group<'_>| match group[..] {
        [first, second, ..] => !ended_level(first) && is_second(first, second),
        _ => false,
    };
    let lacks = |group: &Group<'_>| group.iter().any(|game| lacks_leg(game, group));
    if live.iter().any(needless) || groups.iter().any(lacks) {
        return all(true);
    }
    let alone = |group: &Group<'_>| match group[..] {
        [only] => only.status == MatchStatus::Ended && !ended_level(only),
        _ => false,
    };
    if live.iter().any(alone) {
        return all(false);
    }
    // All first matches were level: legs are linked or change grounds, replays are not and do not.
    let linked = |group: &Group<'_>| matches!(group[..], [first, second, ..] if is_second(first, second));
    live.iter().map(linked).collect()
}

fn alive<'m>(group: &Group<'m>) -> Group<'m> {
    group.iter().copied().filter(|game| game.status != MatchStatus::NotDefined).collect()
}

/// Whether the leg before this one is not known.
pub(super) fn lacks_leg(game: &KnockoutMatch, group: &Group<'_>) -> bool {
    game.previous_leg.as_ref().is_some_and(|id| !group.iter().any(|other| other.external_id == *id))
}

fn ended_level(game: &KnockoutMatch) -> bool {
    game.status == MatchStatus::Ended
        && game.score.is_none_or(|score| score.home == score.away && score.shootout.is_none())
}
