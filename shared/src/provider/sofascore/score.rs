//! SofaScore's score of an event as a [`Score`]: regulation, extra time and shootout separated, and their sums checked.

use super::payload::ScorePayload;
use football::domain::{MatchStatus, Score};

/// What is known of the match whose score is read.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    /// Its state.
    pub status: MatchStatus,
    /// Whether a shootout is being played: some replies then count its goals in every total.
    pub in_shootout: bool,
    /// Whether the result was awarded: it may differ from what was played.
    pub awarded: bool,
}

/// The score in a payload, none if there is none yet, or why it is inconsistent (the field, and what is wrong).
pub(super) fn score(
    home: &ScorePayload,
    away: &ScorePayload,
    standing: Standing,
) -> Result<Option<Score>, (&'static str, String)> {
    let Standing { status, awarded, .. } = standing;
    if status == MatchStatus::NotDefined {
        return Ok(None);
    }
    let sides = (side("homeScore", home, standing)?, side("awayScore", away, standing)?);
    let goals = match sides {
        (None, None) if status == MatchStatus::Ended && !awarded => {
            return Err(("homeScore.display", "is missing though the match has ended".to_owned()));
        }
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(("homeScore.display", "is missing though the other side has one".to_owned()));
        }
        (Some(_), None) => {
            return Err(("awayScore.display", "is missing though the other side has one".to_owned()));
        }
        (Some(home_goals), Some(away_goals)) => (home_goals, away_goals),
    };
    // While a match runs, its parts follow the total with a delay.
    let is_checked = status == MatchStatus::Ended && !awarded;
    let (home_goals, away_goals) = if is_checked { final_goals((home, away), goals)? } else { goals };
    let shootout = match (home.penalties, away.penalties) {
        (Some(home), Some(away)) => Some((home, away)),
        (None, None) => None,
        _ => return Err(("homeScore.penalties", "stands on one side only".to_owned())),
    };
    Ok(Some(Score { home: home_goals, away: away_goals, shootout }))
}

/// The ways in which the parts of a final score have been seen to add up.
const READINGS: [fn(&ScorePayload, i32) -> Option<i32>; 3] =
    [parts_add_up, overtime_is_a_score, display_counts_shootout];

/// The goals of a finished match after 90 or 120 minutes, by the first reading that holds for both sides.
fn final_goals(
    (home, away): (&ScorePayload, &ScorePayload),
    (home_goals, away_goals): (i32, i32),
) -> Result<(i32, i32), (&'static str, String)> {
    let both = |reading: &fn(&ScorePayload, i32) -> Option<i32>| {
        Some((reading(home, home_goals)?, reading(away, away_goals)?))
    };
    READINGS.iter().find_map(both).ok_or_else(|| {
        let home_fits = READINGS.iter().any(|reading| reading(home, home_goals).is_some());
        let (field, payload) = if home_fits { ("awayScore", away) } else { ("homeScore", home) };
        let ScorePayload { display, current, normaltime, overtime, penalties } = payload;
        let number = |goals: &Option<i32>| goals.map_or_else(|| "none".to_owned(), |goals| goals.to_string());
        let [display, current, normal, overtime, penalties] =
            [display, current, normaltime, overtime, penalties].map(number);
        let parts = format!("normaltime {normal}, overtime {overtime}, penalties {penalties}");
        (field, format!("contradicts itself: display {display}, current {current}, {parts}"))
    })
}

/// `current` counts the shootout, `overtime` is the goals of extra time. The parts may lag behind equal totals.
fn parts_add_up(payload: &ScorePayload, display: i32) -> Option<i32> {
    let parts = payload.normaltime.map(|normal| normal + payload.overtime.unwrap_or(0));
    let lags =
        |parts: i32| parts < display && payload.penalties.is_none() && payload.current == Some(display);
    let fit = parts.is_none_or(|parts| parts == display || lags(parts));
    (fit && counts_shootout(payload, display)).then_some(display)
}

/// `overtime` is the score after extra time.
fn overtime_is_a_score(payload: &ScorePayload, display: i32) -> Option<i32> {
    let fits = payload.overtime == Some(display) && payload.normaltime.is_none_or(|normal| normal <= display);
    (fits && counts_shootout(payload, display)).then_some(display)
}

/// Every total counts the shootout.
fn display_counts_shootout(payload: &ScorePayload, display: i32) -> Option<i32> {
    let parts = payload.normaltime? + payload.overtime.unwrap_or(0);
    let fits =
        display == parts + payload.penalties? && payload.current.is_none_or(|current| current == display);
    fits.then_some(parts)
}

fn counts_shootout(payload: &ScorePayload, display: i32) -> bool {
    payload.current.is_none_or(|current| current == display + payload.penalties.unwrap_or(0))
}

/// The accepted range of goals of one side, far above any real match, so that sums over a season can't overflow.
const GOALS: std::ops::RangeInclusive<i32> = 0..=999;

/// Goals of one side after 90 or 120 minutes; those of a finished match are still to be checked. `current` counts shootout goals too, so it is never used unchanged.
fn side(
    field: &'static str,
    payload: &ScorePayload,
    Standing { status, in_shootout, awarded }: Standing,
) -> Result<Option<i32>, (&'static str, String)> {
    let given = [payload.display, payload.current, payload.normaltime, payload.overtime, payload.penalties];
    if let Some(goals) = given.into_iter().flatten().find(|goals| !GOALS.contains(goals)) {
        return Err((field, format!("has no number of goals: {goals}")));
    }
    let parts = payload.normaltime.map(|normal| normal + payload.overtime.unwrap_or(0));
    if let Some(parts) = parts.filter(|_| in_shootout && payload.penalties.is_none()) {
        return Ok(Some(parts));
    }
    let Some(display) = payload.display.or_else(|| Some(payload.current? - payload.penalties.unwrap_or(0)))
    else {
        return Ok(None);
    };
    if display < 0 {
        return Err((field, "has a negative number of goals".to_owned()));
    }
    if status == MatchStatus::Ended && !awarded {
        return Ok(Some(display));
    }
    let with_shootout = display + payload.penalties.unwrap_or(0);
    let follows = status == MatchStatus::Open && payload.current == Some(display);
    if let Some(current) = payload.current.filter(|current| !follows && *current != with_shootout) {
        return Err((
            field,
            format!("contradicts itself: current {current}, display + penalties {with_shootout}"),
        ));
    }
    Ok(Some(display))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: MatchStatus) -> Standing {
        Standing { status, in_shootout: false, awarded: false }
    }

    fn ended() -> Standing {
        of(MatchStatus::Ended)
    }

    fn open() -> Standing {
        of(MatchStatus::Open)
    }

    fn payload(values: [Option<i32>; 5]) -> ScorePayload {
        let [display, current, normaltime, overtime, penalties] = values;
        ScorePayload { display, current, normaltime, overtime, penalties }
    }

    #[test]
    fn shootout_goals_are_no_goals() {
        // The final of 2022: current 7-5, display 3-3, 2-2 after 90, 1-1 in extra time, 4-2 on penalties.
        let home = payload([Some(3), Some(7), Some(2), Some(1), Some(4)]);
        let away = payload([Some(3), Some(5), Some(2), Some(1), Some(2)]);
        let read = score(&home, &away, ended());
        assert_eq!(read, Ok(Some(Score { home: 3, away: 3, shootout: Some((4, 2)) })));
        // The same without `display`: still 3-3, never 7-5.
        let bare = |p: &ScorePayload| ScorePayload { display: None, ..*p };
        assert_eq!(score(&bare(&home), &bare(&away), ended()), read);
    }

    #[test]
    fn before_kickoff_there_is_no_score() {
        let none = ScorePayload::default();
        assert_eq!(score(&none, &none, open()), Ok(None));
        assert!(score(&none, &none, ended()).is_err());
        assert_eq!(
            score(&payload([Some(1), None, None, None, None]), &none, of(MatchStatus::NotDefined)),
            Ok(None)
        );
    }

    #[test]
    fn a_score_that_contradicts_itself_is_refused() {
        let good = payload([Some(1), Some(1), Some(1), None, None]);
        for bad in [
            payload([Some(1), Some(2), Some(1), None, None]),
            payload([Some(1), Some(1), Some(2), None, None]),
            payload([Some(1), Some(1), Some(1), Some(1), None]),
            payload([Some(-1), None, None, None, None]),
            payload([Some(1), Some(1), None, None, Some(3)]),
            ScorePayload::default(),
        ] {
            assert!(score(&good, &bad, ended()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_score_of_which_one_reading_holds_is_taken() {
        // The goals of extra time, or the score after it.
        let goals =
            [[Some(1), Some(8), Some(1), Some(0), Some(7)], [Some(1), Some(9), Some(1), Some(0), Some(8)]];
        let scores =
            [[Some(1), Some(8), Some(1), Some(1), Some(7)], [Some(1), Some(9), Some(1), Some(1), Some(8)]];
        // Every total counts the shootout.
        let totals =
            [[Some(8), Some(8), Some(1), Some(0), Some(7)], [Some(9), Some(9), Some(1), Some(0), Some(8)]];
        for [home, away] in [goals, scores, totals] {
            let read = score(&payload(home), &payload(away), ended());
            assert_eq!(read, Ok(Some(Score { shootout: Some((7, 8)), ..Score::new(1, 1) })), "{home:?}");
        }
        // No reading holds for both sides.
        assert!(score(&payload(goals[0]), &payload(scores[1]), ended()).is_err());
        // The parts lag behind the totals.
        let lags = payload([Some(2), Some(2), Some(1), None, None]);
        let other = payload([Some(1), Some(1), Some(1), None, None]);
        assert_eq!(score(&lags, &other, ended()), Ok(Some(Score::new(2, 1))));
    }

    #[test]
    fn while_a_match_runs_only_its_totals_must_agree() {
        let home = payload([Some(1), Some(1), Some(1), None, None]);
        let late = payload([Some(1), Some(1), Some(0), None, None]);
        assert_eq!(score(&home, &late, open()), Ok(Some(Score::new(1, 1))));
        let torn = payload([Some(1), Some(0), Some(0), None, None]);
        assert!(score(&home, &torn, open()).is_err());
        // A shootout counted in every total, and one given separately but not yet in `current`.
        let kicks = payload([Some(7), Some(7), Some(1), Some(0), None]);
        let shootout = Standing { in_shootout: true, ..open() };
        assert_eq!(score(&kicks, &kicks, shootout), Ok(Some(Score::new(1, 1))));
        let apart = payload([Some(1), Some(1), Some(1), None, Some(3)]);
        assert_eq!(
            score(&apart, &apart, shootout).map(|score| score.map(|s| (s.home, s.away))),
            Ok(Some((1, 1)))
        );
    }

    #[test]
    fn an_awarded_result_need_not_be_what_was_played() {
        let home = payload([Some(3), Some(3), Some(1), None, None]);
        let away = payload([Some(0), Some(0), Some(1), None, None]);
        assert!(score(&home, &away, ended()).is_err());
        assert_eq!(score(&home, &away, Standing { awarded: true, ..ended() }), Ok(Some(Score::new(3, 0))));
    }

    #[test]
    fn numbers_that_are_no_goals_are_refused_before_they_are_added() {
        let limits = [i32::MIN, -1, 1000, i32::MAX];
        for status in [MatchStatus::Open, MatchStatus::Ended] {
            for field in 0..5 {
                for goals in limits {
                    let mut values = [Some(1), Some(1), Some(1), None, None];
                    values[field] = Some(goals);
                    let [display, current, normaltime, overtime, penalties] = values;
                    let bad = ScorePayload { display, current, normaltime, overtime, penalties };
                    let good = ScorePayload { display: Some(1), current: Some(1), ..ScorePayload::default() };
                    assert!(score(&bad, &good, of(status)).is_err(), "{bad:?}");
                    assert!(score(&good, &bad, of(status)).is_err(), "{bad:?}");
                }
            }
        }
    }
}
