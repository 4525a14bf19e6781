//! The state and the score of a match. A reply says FINISHED before all of it is true: such a match is held as running,
//! by a rule that has a name. `fullTime` contains the shootout's goals.

use football::domain::{CalledOff, MatchStatus, Score, Winner};
use strum::Display;

use super::payload::{Duration, GoalsPayload, ScorePayload, WinnerPayload};
use super::stage::Legs;

/// Why a match that the provider says is finished is taken for running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Held {
    /// No goals.
    FinishedWithoutScore,
    /// No winner: the shootout is not settled, or the reply is an old one.
    FinishedWithoutWinner,
    /// A draw where somebody must win: extra time is still to come.
    DrawInAKnockout,
    /// The second leg of a level tie after 90 minutes: extra time is still to come.
    LevelTieInRegularTime,
    /// The winner is not that of the goals: parts of the reply are of different age.
    WinnerContradictsGoals,
    /// The shootout has no winner, or another one than the match.
    ShootoutUndecided,
    /// The goals without those of the shootout are not level, or negative.
    ShootoutContradictsGoals,
}

/// The state and the score of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub status: MatchStatus,
    pub called_off: Option<CalledOff>,
    pub score: Option<Score>,
    pub extra_time: bool,
    pub awarded: bool,
    pub winner: Option<Winner>,
    pub held: Option<Held>,
}

/// The goals of the leg before a match, from the side of the match's own home team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FirstLeg {
    pub home: i32,
    pub away: i32,
    /// Whether goals scored away count more where the tie is level.
    pub away_goals_count: bool,
}

/// Reads status and score; none if the status is not known.
pub(super) fn outcome(
    status: &str,
    score: &ScorePayload,
    legs: Legs,
    first_leg: Option<FirstLeg>,
) -> Option<Outcome> {
    let extra_time = matches!(score.duration, Some(Duration::ExtraTime | Duration::PenaltyShootout))
        || goals(score.extra_time).is_some();
    let open = Outcome {
        status: MatchStatus::Open,
        called_off: None,
        score: None,
        extra_time,
        awarded: false,
        winner: None,
        held: None,
    };
    let called_off = |reason| Outcome {
        status: MatchStatus::NotDefined,
        called_off: Some(reason),
        extra_time: false,
        ..open
    };
    Some(match status {
        "SCHEDULED" | "TIMED" => Outcome { extra_time: false, ..open },
        "IN_PLAY" | "PAUSED" | "EXTRA_TIME" | "PENALTY_SHOOTOUT" | "SUSPENDED" | "LIVE" => {
            Outcome { score: running(score), ..open }
        }
        "POSTPONED" => called_off(CalledOff::Postponed),
        "CANCELLED" => called_off(CalledOff::Cancelled),
        "FINISHED" => match ended(score, legs, first_leg) {
            Ok((result, winner)) => {
                Outcome { status: MatchStatus::Ended, score: Some(result), winner: Some(winner), ..open }
            }
            Err(held) => Outcome { score: running(score), held: Some(held), ..open },
        },
        // Decided by the association: the result may have no goals.
        "AWARDED" => Outcome {
            status: MatchStatus::Ended,
            score: goals(score.full_time).map(|(home, away)| Score::new(home, away)),
            winner: score.winner.map(winner),
            awarded: true,
            ..open
        },
        _ => return None,
    })
}

fn goals(goals: Option<GoalsPayload>) -> Option<(i32, i32)> {
    goals.and_then(GoalsPayload::both)
}

fn winner(winner: WinnerPayload) -> Winner {
    match winner {
        WinnerPayload::HomeTeam => Winner::Home,
        WinnerPayload::AwayTeam => Winner::Away,
        WinnerPayload::Draw => Winner::Neither,
    }
}

/// Who is ahead.
fn ahead((home, away): (i32, i32)) -> Winner {
    match home.cmp(&away) {
        std::cmp::Ordering::Greater => Winner::Home,
        std::cmp::Ordering::Less => Winner::Away,
        std::cmp::Ordering::Equal => Winner::Neither,
    }
}

/// The result and the winner of a finished match, or why it can't be finished.
fn ended(score: &ScorePayload, legs: Legs, first_leg: Option<FirstLeg>) -> Result<(Score, Winner), Held> {
    let full = goals(score.full_time).ok_or(Held::FinishedWithoutScore)?;
    let winner = winner(score.winner.ok_or(Held::FinishedWithoutWinner)?);
    if score.duration == Some(Duration::PenaltyShootout) {
        let shootout = goals(score.penalties).ok_or(Held::ShootoutUndecided)?;
        if winner == Winner::Neither || ahead(shootout) != winner {
            return Err(Held::ShootoutUndecided);
        }
        let (home, away) = (full.0 - shootout.0, full.1 - shootout.1);
        if home < 0 || away < 0 || (home != away && legs != Legs::Two) {
            return Err(Held::ShootoutContradictsGoals);
        }
        return Ok((Score { shootout: Some(shootout), ..Score::new(home, away) }, winner));
    }
    if ahead(full) != winner {
        return Err(Held::WinnerContradictsGoals);
    }
    if winner == Winner::Neither && legs == Legs::One {
        return Err(Held::DrawInAKnockout);
    }
    let is_level = first_leg.is_some_and(|first| {
        let decided_by_away_goals = first.away_goals_count && first.home != full.1;
        full.0 + first.home == full.1 + first.away && !decided_by_away_goals
    });
    if is_level && matches!(score.duration, None | Some(Duration::Regular)) {
        return Err(Held::LevelTieInRegularTime);
    }
    Ok((Score::new(full.0, full.1), winner))
}

/// The goals of a match that runs. In extra time and a shootout `fullTime` and the parts lag each other: the parts hold no
/// shootout's goals.
fn running(score: &ScorePayload) -> Option<Score> {
    let by_parts = goals(score.regular_time).map(|(home, away)| {
        let (more_home, more_away) = goals(score.extra_time).unwrap_or_default();
        (home + more_home, away + more_away)
    });
    let without_shootout = || {
        let full = goals(score.full_time)?;
        let (home, away) = goals(score.penalties).unwrap_or_default();
        Some((full.0 - home, full.1 - away)).filter(|(home, away)| *home >= 0 && *away >= 0)
    };
    let (home, away) = by_parts.or_else(without_shootout)?;
    Some(Score::new(home, away))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(status: &str, score: Value, legs: Legs) -> Outcome {
        outcome(status, &serde_json::from_value(score).unwrap(), legs, None).unwrap()
    }

    fn shown(outcome: Outcome) -> String {
        let held = outcome.held.map(|held| format!(" {held}")).unwrap_or_default();
        format!("{} {}{held}", outcome.status, outcome.score.map(|s| s.to_string()).unwrap_or_default())
    }

    #[test]
    fn full_time_contains_the_shootout() {
        let score = json!({"winner": "HOME_TEAM", "duration": "PENALTY_SHOOTOUT", "fullTime": {"home": 7, "away": 5},
            "regularTime": {"home": 2, "away": 2}, "extraTime": {"home": 1, "away": 1}, "penalties": {"home": 4, "away": 2}});
        let read_ = read("FINISHED", score, Legs::One);
        assert_eq!((shown(read_).as_str(), read_.extra_time), ("ended 3-3 (4-2 pens)", true));
        // A second leg need not be level.
        let score = json!({"winner": "AWAY_TEAM", "duration": "PENALTY_SHOOTOUT", "fullTime": {"home": 1, "away": 5},
            "regularTime": null, "penalties": {"home": 1, "away": 4}});
        assert_eq!(shown(read("FINISHED", score.clone(), Legs::Two)), "ended 0-1 (1-4 pens)");
        assert_eq!(shown(read("FINISHED", score, Legs::One)), "open 0-1 shootout-contradicts-goals");
    }

    #[test]
    fn what_can_not_be_finished_is_held_as_running() {
        for (score, expected) in [
            (
                json!({"winner": null, "fullTime": {"home": null, "away": null}}),
                "open  finished-without-score",
            ),
            (
                json!({"winner": null, "duration": "PENALTY_SHOOTOUT", "fullTime": {"home": 2, "away": 1},
                    "regularTime": {"home": 0, "away": 0}, "extraTime": {"home": 0, "away": 0},
                    "penalties": {"home": 1, "away": 1}}),
                "open 0-0 finished-without-winner",
            ),
            (
                json!({"winner": "DRAW", "duration": "REGULAR", "fullTime": {"home": 0, "away": 0}}),
                "open 0-0 draw-in-a-knockout",
            ),
            (
                json!({"winner": "HOME_TEAM", "duration": "REGULAR", "fullTime": {"home": 0, "away": 2}}),
                "open 0-2 winner-contradicts-goals",
            ),
            (
                json!({"winner": "HOME_TEAM", "duration": "PENALTY_SHOOTOUT", "fullTime": {"home": 5, "away": 5},
                    "penalties": {"home": 4, "away": 4}}),
                "open 1-1 shootout-undecided",
            ),
        ] {
            assert_eq!(shown(read("FINISHED", score, Legs::One)), expected);
        }
        let won = json!({"winner": "HOME_TEAM", "duration": "REGULAR", "fullTime": {"home": 1, "away": 0}});
        let won = serde_json::from_value(won).unwrap();
        let second = |home, away, away_goals_count| {
            let first = FirstLeg { home, away, away_goals_count };
            shown(outcome("FINISHED", &won, Legs::Two, Some(first)).unwrap())
        };
        assert_eq!(second(0, 1, true), "open 1-0 level-tie-in-regular-time");
        assert_eq!(second(1, 2, false), "open 1-0 level-tie-in-regular-time");
        assert_eq!(second(1, 2, true), "ended 1-0");
        assert_eq!(second(0, 0, true), "ended 1-0");
        let drawn = json!({"winner": "DRAW", "duration": "REGULAR", "fullTime": {"home": 1, "away": 1}});
        assert_eq!(shown(read("FINISHED", drawn.clone(), Legs::None)), "ended 1-1");
        assert_eq!(shown(read("FINISHED", drawn, Legs::Two)), "ended 1-1");
    }

    #[test]
    fn other_statuses() {
        let none = json!({"winner": null, "fullTime": {"home": null, "away": null}});
        assert_eq!(shown(read("TIMED", none.clone(), Legs::One)), "open ");
        assert_eq!(read("POSTPONED", none.clone(), Legs::One).called_off, Some(CalledOff::Postponed));
        assert_eq!(read("CANCELLED", none.clone(), Legs::One).called_off, Some(CalledOff::Cancelled));
        let running = json!({"winner": "HOME_TEAM", "fullTime": {"home": 1, "away": 0}});
        assert_eq!(shown(read("IN_PLAY", running.clone(), Legs::One)), "open 1-0");
        let awarded = read("AWARDED", running, Legs::None);
        assert_eq!((shown(awarded).as_str(), awarded.awarded), ("ended 1-0", true));
        let date = serde_json::from_value(none).unwrap();
        assert_eq!(outcome("2026-06-28 19:00:00Z", &date, Legs::One, None), None);
    }
}
