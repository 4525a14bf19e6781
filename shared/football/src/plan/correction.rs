//! A correction of a match by hand: what it makes of the match, or which field is wrong.

use chrono::{DateTime, Utc};

use crate::domain::{CalledOff, Match, MatchStatus, Score, StoredMatch, Winner};

/// The most goals that a side may have.
const MOST_GOALS: i32 = 99;

/// What a person sets; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correction {
    /// The status.
    pub status: Option<MatchStatus>,
    /// Why it has no result, where the status is [`MatchStatus::NotDefined`].
    pub called_off: Option<CalledOff>,
    /// The goals, home and away, with the shootout's where there was one.
    pub score: Option<Score>,
    /// The kickoff.
    pub kickoff: Option<DateTime<Utc>>,
}

/// A match as a person has set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// The match.
    pub to: Match,
    /// Whether the result is locked: it was set, or nothing was and the match is locked as it is.
    pub result: bool,
    /// Whether the kickoff is locked.
    pub kickoff: bool,
}

/// A field that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong {
    /// The field: `status`, `calledOff`, `score`, `penalties` or `kickoff`.
    pub field: &'static str,
    /// What it must be.
    pub remedy: &'static str,
}

const fn wrong(field: &'static str, remedy: &'static str) -> Wrong {
    Wrong { field, remedy }
}

/// Applies a correction to a stored match.
pub fn correct(row: &StoredMatch, asked: &Correction, now: DateTime<Utc>) -> Result<Corrected, Wrong> {
    let stored = &row.known;
    let mut to = stored.clone();
    if let Some(kickoff) = asked.kickoff {
        to.kickoff = Some(kickoff);
    }
    if let Some(status) = asked.status {
        to.status = status;
    }
    to.called_off = match (to.status, asked.called_off) {
        (MatchStatus::NotDefined, asked) => asked.or(stored.called_off).or(Some(CalledOff::Cancelled)),
        (_, None) => None,
        (_, Some(_)) => return Err(wrong("calledOff", "is only for a match whose status is not-defined")),
    };
    let has_result = asked.status.is_some() || asked.called_off.is_some() || asked.score.is_some();
    if has_result {
        to.score = match (to.status, asked.score) {
            (MatchStatus::NotDefined, None) => None,
            (_, score) => score.or(stored.score),
        };
        check_score(&to)?;
        to.tie.awarded = false;
        to.tie.winner = (to.status == MatchStatus::Ended).then(|| to.score.map(winner)).flatten();
        // What the legs decide is computed from them.
        to.tie.tie_winner = None;
    }
    let begins_later = to.kickoff.is_some_and(|kickoff| kickoff > now);
    if begins_later && to.status == MatchStatus::Ended {
        let remedy = "a match that has ended can't begin later than now: correct the status, or the kickoff";
        return Err(wrong(if asked.kickoff.is_some() { "kickoff" } else { "status" }, remedy));
    }
    if begins_later && to.score.is_some() && has_result {
        return Err(wrong("score", "a match that has not begun has no score"));
    }
    Ok(Corrected { to, result: has_result || asked.kickoff.is_none(), kickoff: asked.kickoff.is_some() })
}

fn check_score(to: &Match) -> Result<(), Wrong> {
    let Some(score) = to.score else {
        return match to.status {
            MatchStatus::Ended => Err(wrong("score", "a match that has ended needs the goals of both sides")),
            MatchStatus::Open | MatchStatus::NotDefined => Ok(()),
        };
    };
    let goals = |pair: (i32, i32)| [pair.0, pair.1].iter().all(|goals| (0..=MOST_GOALS).contains(goals));
    if !goals((score.home, score.away)) {
        return Err(wrong("score", "goals must be numbers from 0 to 99"));
    }
    if to.status == MatchStatus::NotDefined {
        return Err(wrong("score", "a match that is not played has no score: leave it empty"));
    }
    let Some(shootout) = score.shootout else { return Ok(()) };
    if !goals(shootout) {
        return Err(wrong("penalties", "must be numbers from 0 to 99"));
    }
    if to.status != MatchStatus::Ended {
        return Err(wrong("penalties", "a shootout ends the match: set the status to ended"));
    }
    if shootout.0 == shootout.1 {
        return Err(wrong("penalties", "a shootout has a winner"));
    }
    // The second leg's shootout follows a level aggregate.
    if score.home != score.away && to.tie.previous_leg.is_none() {
        return Err(wrong("penalties", "a shootout follows a level score"));
    }
    Ok(())
}

fn winner(score: Score) -> Winner {
    let (home, away) = match score.shootout {
        Some(shootout) if score.home == score.away => shootout,
        _ => (score.home, score.away),
    };
    match home.cmp(&away) {
        std::cmp::Ordering::Greater => Winner::Home,
        std::cmp::Ordering::Less => Winner::Away,
        std::cmp::Ordering::Equal => Winner::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Stage, TieFacts};

    const KICKOFF: i64 = 1_700_000_000;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn row(status: MatchStatus, score: Option<(i32, i32)>) -> StoredMatch {
        StoredMatch {
            known: Match {
                external_id: "1".into(),
                round_slug: "1".into(),
                stage: Stage::Unknown,
                group_name: String::new(),
                home: "10".into(),
                away: "20".into(),
                kickoff: Some(at(KICKOFF)),
                status,
                called_off: None,
                score: score.map(|(home, away)| Score::new(home, away)),
                changed_at: None,
                tie: TieFacts::default(),
            },
            scored: false,
            doubted: None,
            unknown_status: None,
            lock: None,
        }
    }

    fn score(home: i32, away: i32, shootout: Option<(i32, i32)>) -> Option<Score> {
        Some(Score { shootout, ..Score::new(home, away) })
    }

    #[test]
    fn a_correction_sets_what_follows_from_it() {
        let ended = row(MatchStatus::Ended, Some((1, 0)));
        let asked = Correction { score: score(2, 2, Some((3, 4))), ..Correction::default() };
        let corrected = correct(&ended, &asked, at(KICKOFF + 9_000)).unwrap();
        assert_eq!(
            (corrected.to.tie.winner, corrected.result, corrected.kickoff),
            (Some(Winner::Away), true, false)
        );
        let annulled = Correction { status: Some(MatchStatus::NotDefined), ..Correction::default() };
        let annulled = correct(&ended, &annulled, at(KICKOFF)).unwrap().to;
        assert_eq!((annulled.score, annulled.called_off), (None, Some(CalledOff::Cancelled)));
        let open = row(MatchStatus::Open, None);
        let moved = Correction { kickoff: Some(at(KICKOFF + 90)), ..Correction::default() };
        let moved = correct(&open, &moved, at(KICKOFF)).unwrap();
        assert_eq!((moved.to.kickoff, moved.result, moved.kickoff), (Some(at(KICKOFF + 90)), false, true));
        // Locked as it is.
        let locked = correct(&ended, &Correction::default(), at(KICKOFF + 9_000)).unwrap();
        assert_eq!((locked.to, locked.result), (ended.known, true));
    }

    #[test]
    fn what_can_not_be_is_refused_by_its_field() {
        let open = row(MatchStatus::Open, None);
        let ended = Some(MatchStatus::Ended);
        let later = at(KICKOFF + 9_000);
        let set = |status, score| Correction { status, score, ..Correction::default() };
        for (asked, now, field) in [
            (set(ended, None), later, "score"),
            (set(ended, score(1, -1, None)), later, "score"),
            (set(ended, score(100, 0, None)), later, "score"),
            (set(ended, score(1, 0, Some((4, 3)))), later, "penalties"),
            (set(ended, score(1, 1, Some((4, 4)))), later, "penalties"),
            (set(None, score(1, 1, Some((4, 3)))), later, "penalties"),
            (set(Some(MatchStatus::NotDefined), score(1, 1, None)), later, "score"),
            (set(ended, score(1, 1, None)), at(KICKOFF - 1), "status"),
            (set(None, score(1, 1, None)), at(KICKOFF - 1), "score"),
            (
                Correction { kickoff: Some(at(KICKOFF + 99_000)), ..set(ended, score(1, 1, None)) },
                later,
                "kickoff",
            ),
            (Correction { called_off: Some(CalledOff::Postponed), ..set(None, None) }, later, "calledOff"),
        ] {
            assert_eq!(correct(&open, &asked, now).unwrap_err().field, field, "{asked:?}");
        }
        // The second leg of a tie: its aggregate may be level where its score is not.
        let mut second = open;
        second.known.tie.previous_leg = Some("0".into());
        assert!(correct(&second, &set(ended, score(1, 0, Some((4, 3)))), later).is_ok());
    }
}
