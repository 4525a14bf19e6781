//! Decides a tie from its matches, and from the provider's winner where they do not.

use std::collections::BTreeSet;

use super::legs::{Format, Group, drop_abandoned, formats, groups, lacks_leg, without_superseded};
use super::{AwayGoals, DecidedBy, KnockoutMatch, Leg, MatchStatus, Score, Side, Tie, Unclear};

type Verdict = Result<(Side, DecidedBy), Unclear>;

/// The ties of a round, numbered by first kickoff (a tree numbers them anew, see [`bracket`](super::bracket())).
/// Matches of other rounds are ignored.
pub fn ties(round_slug: &str, matches: &[KnockoutMatch], away_goals: AwayGoals) -> Vec<Tie> {
    let mut groups = groups(matches.iter().filter(|game| game.round_slug == round_slug));
    drop_abandoned(&mut groups);
    let formats = formats(&groups);
    let kept = groups.iter().zip(formats).map(|(group, format)| (without_superseded(group, format), format));
    kept.zip(1..)
        .filter_map(|((group, format), number)| tie(round_slug, number, &group, format, away_goals))
        .collect()
}

/// Whether goals scored away count in a competition: not where a tie that they would have decided went on to a shootout
/// without extra time, or to the other side. Else it is not known.
pub fn away_goals(matches: &[KnockoutMatch]) -> AwayGoals {
    let rounds: BTreeSet<&str> = matches.iter().map(|game| game.round_slug.as_str()).collect();
    let decided_against = |tie: &Tie| {
        let games =
            || matches.iter().filter(|game| tie.legs.iter().any(|leg| leg.external_id == game.external_id));
        if tie.legs.len() != 2
            || tie.aggregate.is_none_or(|(home, away)| home != away)
            || games().any(|g| g.extra_time)
        {
            return false;
        }
        let away = |reversed: bool| {
            tie.legs
                .iter()
                .filter(|leg| leg.reversed == reversed)
                .filter_map(|leg| leg.away_score)
                .sum::<i32>()
        };
        // The tie's away side plays away in the first leg, its home side in the second.
        let favoured = Side::ahead((away(true), away(false)));
        favoured.is_some()
            && (tie.decided_by == Some(DecidedBy::Shootout)
                || tie.winner.is_some_and(|won| Some(won) != favoured))
    };
    let contradicted =
        rounds.iter().any(|round| ties(round, matches, AwayGoals::Inferred).iter().any(decided_against));
    if contradicted { AwayGoals::No } else { AwayGoals::Inferred }
}

fn tie(
    round_slug: &str,
    number: i32,
    group: &Group<'_>,
    format: Format,
    away_goals: AwayGoals,
) -> Option<Tie> {
    let two = format == Format::TwoLegs;
    let first = group.first()?;
    // An unknown first leg was played at the other team's ground.
    let second_only = two && group.len() == 1 && lacks_leg(first, group);
    let (home, away) = if second_only { (&first.away, &first.home) } else { (&first.home, &first.away) };
    let mut tie = Tie::waiting(round_slug, number, home.clone(), away.clone());
    let turned = |game: &KnockoutMatch| game.home != *home && (game.away == *home || game.home == *away);
    let games: Vec<Game<'_>> = group.iter().map(|game| Game { game, reversed: turned(game) }).collect();
    let (base, replays) = games.split_at(games.len().min(format.matches()));
    tie.legs = games.iter().map(Game::leg).collect();
    tie.aggregate = if two { aggregate(base) } else { None };
    match verdict(base, replays, format, away_goals) {
        Ok((side, by)) => (tie.winner, tie.decided_by, tie.unclear) = (Some(side), Some(by), None),
        Err(unclear) => tie.unclear = Some(unclear),
    }
    // Nobody has gone through while a match is running or to come, whatever the provider's code is.
    let is_incomplete = format == Format::BestOfThree && tie.unclear == Some(Unclear::NotPlayed);
    if !is_incomplete
        && games.iter().all(|game| game.game.status != MatchStatus::Open)
        && let Some(word) = word(&games, format)
    {
        tie.hear(word, "the provider's winner");
    }
    Some(tie)
}

/// The provider's winner of the tie, from the last match that names one. The winner of one of two legs does not count.
fn word(games: &[Game<'_>], format: Format) -> Option<Side> {
    let of_tie = games.iter().rev().find_map(|game| Some(game.turn(game.game.tie_winner?)));
    let single = match format {
        Format::Single => true,
        Format::TwoLegs => games.len() > 2,
        Format::BestOfThree => false,
    };
    of_tie.or_else(|| games.last().filter(|_| single).and_then(|game| Some(game.turn(game.game.winner?))))
}

fn verdict(base: &[Game<'_>], replays: &[Game<'_>], format: Format, away_goals: AwayGoals) -> Verdict {
    // A replay shows that the matches before it did not decide the tie, whatever their score.
    if let Some(last) = replays.last() {
        return last.verdict().map(|(side, by)| match by {
            DecidedBy::SingleMatch | DecidedBy::ExtraTime => (side, DecidedBy::Replay),
            by => (side, by),
        });
    }
    let two = format == Format::TwoLegs;
    match base {
        games if format == Format::BestOfThree => best_of_three(games),
        [first, second] => over_two_legs(first, second, away_goals),
        [only] if two => match only.verdict() {
            // A side that did not appear for one leg is out.
            Ok((side, DecidedBy::Walkover)) => Ok((side, DecidedBy::Walkover)),
            _ if only.game.status == MatchStatus::Ended => Err(Unclear::MissingLeg),
            _ => Err(Unclear::NotPlayed),
        },
        [only] => only.verdict(),
        _ => Err(Unclear::NotPlayed),
    }
}

/// Two wins, a shootout counting as one.
fn best_of_three(games: &[Game<'_>]) -> Verdict {
    let wins = |side: Side| {
        games.iter().filter(|game| game.verdict().is_ok_and(|(winner, _)| winner == side)).count()
    };
    if let Some(side) = [Side::Home, Side::Away].into_iter().find(|side| wins(*side) >= 2) {
        return Ok((side, DecidedBy::Series));
    }
    match games {
        [_, _, third] if third.game.status == MatchStatus::Ended => Err(Unclear::Level { away_goals: None }),
        _ => Err(Unclear::NotPlayed),
    }
}

fn over_two_legs(first: &Game<'_>, second: &Game<'_>, away_goals: AwayGoals) -> Verdict {
    let legs = [first, second];
    for leg in legs {
        if let Ok((side, DecidedBy::Walkover)) = leg.verdict() {
            return Ok((side, DecidedBy::Walkover));
        }
    }
    if legs.iter().any(|leg| leg.game.status != MatchStatus::Ended) {
        return Err(Unclear::NotPlayed);
    }
    // The shootout decides the tie whatever the leg's own score is.
    if let Some(shootout) = second.shootout() {
        return Side::ahead(shootout).map(|side| (side, DecidedBy::Shootout)).ok_or(Unclear::LevelShootout);
    }
    let (Some(one), Some(two)) = (first.goals(), second.goals()) else {
        return Err(Unclear::MissingScore);
    };
    if let Some(side) = Side::ahead((one.0 + two.0, one.1 + two.1)) {
        let by = if second.game.extra_time { DecidedBy::ExtraTime } else { DecidedBy::Aggregate };
        return Ok((side, by));
    }
    // Goals of the tie's home side at the other's ground, and of its away side there.
    let away = legs.iter().zip([one, two]).fold((0, 0), |(home_side, away_side), (leg, goals)| {
        if leg.reversed { (home_side + goals.0, away_side) } else { (home_side, away_side + goals.1) }
    });
    // Extra time shows that goals scored away had not decided after 90 minutes. Where they count, both legs had the same
    // score then, and each side scored as often in extra time.
    if legs.iter().any(|leg| leg.game.extra_time) {
        let score = |leg: &Game<'_>| leg.game.score.map(|score| (score.home, score.away));
        let more = score(first).zip(score(second)).map(|(one, two)| (two.0 - one.0, two.1 - one.1));
        if more.is_none_or(|(home, away)| home != away || home < 1) {
            return Err(Unclear::Level { away_goals: None });
        }
    }
    match (away_goals, Side::ahead(away)) {
        (AwayGoals::Yes, Some(side)) => Ok((side, DecidedBy::AwayGoals)),
        (AwayGoals::Inferred, side) => Err(Unclear::Level { away_goals: side }),
        _ => Err(Unclear::Level { away_goals: None }),
    }
}

/// Goals of the legs that are over; none where the score of one, or a leg before them, is not known.
fn aggregate(base: &[Game<'_>]) -> Option<(i32, i32)> {
    if base.len() == 1 && base.iter().any(|game| game.game.previous_leg.is_some()) {
        return None;
    }
    let ended = base.iter().filter(|game| game.game.status == MatchStatus::Ended);
    let goals: Vec<(i32, i32)> = ended.map(Game::goals).collect::<Option<_>>()?;
    goals.into_iter().reduce(|sum, leg| (sum.0 + leg.0, sum.1 + leg.1))
}

/// A match, and whether its sides are reversed in its tie.
struct Game<'m> {
    game: &'m KnockoutMatch,
    reversed: bool,
}

impl Game<'_> {
    /// A side of the match as a side of the tie.
    fn turn(&self, side: Side) -> Side {
        if self.reversed { side.other() } else { side }
    }

    fn pair(&self, (home, away): (i32, i32)) -> (i32, i32) {
        if self.reversed { (away, home) } else { (home, away) }
    }

    /// Goals as the tie's home and away.
    fn goals(&self) -> Option<(i32, i32)> {
        self.game.score.map(|score| self.pair((score.home, score.away)))
    }

    fn shootout(&self) -> Option<(i32, i32)> {
        self.game.score?.shootout.map(|shootout| self.pair(shootout))
    }

    /// What this match decides on its own.
    fn verdict(&self) -> Verdict {
        if self.game.status != MatchStatus::Ended {
            return Err(Unclear::NotPlayed);
        }
        let Some(goals) = self.goals() else {
            let walked = self.game.winner.filter(|_| self.game.awarded);
            return walked.map(|side| (self.turn(side), DecidedBy::Walkover)).ok_or(Unclear::MissingScore);
        };
        // An awarded match may keep the score it was abandoned at.
        if let Some(side) = self.game.winner.filter(|_| self.game.awarded) {
            return Ok((self.turn(side), DecidedBy::Awarded));
        }
        if let Some(shootout) = self.shootout() {
            return Side::ahead(shootout)
                .map(|side| (side, DecidedBy::Shootout))
                .ok_or(Unclear::LevelShootout);
        }
        let by = match (self.game.awarded, self.game.extra_time) {
            (true, _) => DecidedBy::Awarded,
            (false, true) => DecidedBy::ExtraTime,
            (false, false) => DecidedBy::SingleMatch,
        };
        Side::ahead(goals).map(|side| (side, by)).ok_or(Unclear::Level { away_goals: None })
    }

    fn leg(&self) -> Leg {
        let game = self.game;
        let Score { home, away, shootout } = game.score.unwrap_or(Score::new(0, 0));
        Leg {
            external_id: game.external_id.clone(),
            home: game.home.clone(),
            away: game.away.clone(),
            home_score: game.score.map(|_| home),
            away_score: game.score.map(|_| away),
            shootout,
            kickoff: game.kickoff,
            status: game.status,
            reversed: self.reversed,
        }
    }
}
