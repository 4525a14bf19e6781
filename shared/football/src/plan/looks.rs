//! When a round is looked at again although nothing of it seems to run: results change after the whistle, and a match that
//! stopped is often finished the next day.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use crate::domain::{CalledOff, Match, MatchStatus};

/// How long after a result was first seen it is read again.
const SECOND_LOOK_AFTER: TimeDelta = TimeDelta::minutes(12);
/// How long after its kickoff a match has checks of its own.
const CHECKED_FOR: TimeDelta = TimeDelta::hours(6);
/// A result that is first seen later after its kickoff is no news: the match ended long ago. It may have been finished
/// the next day.
const NEWS_FOR: TimeDelta = TimeDelta::hours(36);
/// The hours, UTC, at which a match that stopped is looked at on the next day.
const HOURS: [i64; 3] = [12, 16, 20];
/// The hours, UTC, at which a match whose kickoff is only a date is looked at.
const EVENING: [i64; 4] = [15, 18, 21, 23];
/// From when on and until when after its kickoff: the next day, wherever it is played.
const NEXT_DAY: std::ops::Range<TimeDelta> = TimeDelta::hours(10)..TimeDelta::hours(36);

/// When results that were first seen at `now` are read again; none if all of them are old. `ended` has the kickoffs of the
/// matches whose result is new.
pub fn second_look(ended: &[DateTime<Utc>], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    ended.iter().any(|kickoff| *kickoff > now - NEWS_FOR).then(|| now + SECOND_LOOK_AFTER)
}

/// When a round is looked at on the day after one of its matches was interrupted, suspended or abandoned: the next of
/// some hours of that day, none after the last. While checks of the day itself go on, these find it.
pub fn next_day_look(matches: &[Match], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    // One that runs has its checks for some hours.
    let stopped = |m: &&Match| match m.status {
        MatchStatus::NotDefined => m.called_off == Some(CalledOff::Abandoned),
        MatchStatus::Open => {
            m.score.is_some() && m.kickoff.is_some_and(|kickoff| kickoff + CHECKED_FOR <= now)
        }
        MatchStatus::Ended => false,
    };
    let kickoffs = matches.iter().filter(stopped).filter_map(|m| m.kickoff).filter(|kickoff| *kickoff <= now);
    let hours = kickoffs.flat_map(|kickoff| {
        let midnight = kickoff.date_naive().and_time(NaiveTime::MIN).and_utc();
        let days = (0..=2).map(move |day| midnight + TimeDelta::days(day));
        let hours = days.flat_map(|day| HOURS.map(|hour| day + TimeDelta::hours(hour)));
        hours.filter(move |at| NEXT_DAY.contains(&(*at - kickoff)))
    });
    hours.filter(|at| *at > now).min()
}

/// Whether a match has not begun and its kickoff is only a date (00:00).
pub fn is_only_a_date(m: &Match) -> bool {
    m.score.is_none() && m.kickoff.is_some_and(|kickoff| kickoff.time() == NaiveTime::MIN)
}

/// When matches are looked at whose kickoff is only a date (00:00) and that have not begun: in the evening, not every few
/// minutes at night. None if one of them has begun, or has a kickoff with a time, or the evening is over.
pub fn of_the_evening(matches: &[&Match], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !matches.iter().all(|m| is_only_a_date(m)) {
        return None;
    }
    let midnight = matches.iter().filter_map(|m| m.kickoff).max()?;
    EVENING.map(|hour| midnight + TimeDelta::hours(hour)).into_iter().find(|at| *at > now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Score, Stage, TieFacts};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn game(status: MatchStatus, called_off: Option<CalledOff>, score: Option<(i32, i32)>) -> Match {
        Match {
            external_id: "1".into(),
            round_slug: "1".into(),
            stage: Stage::Unknown,
            group_name: String::new(),
            home: "a".into(),
            away: "b".into(),
            kickoff: Some(at("2024-03-02T15:00:00Z")),
            status,
            called_off,
            score: score.map(|(home, away)| Score::new(home, away)),
            changed_at: None,
            tie: TieFacts::default(),
        }
    }

    #[test]
    fn a_new_result_is_read_again_after_some_minutes_and_an_old_one_is_not() {
        let kickoff = at("2024-03-02T15:00:00Z");
        assert_eq!(second_look(&[kickoff], at("2024-03-02T17:00:00Z")), Some(at("2024-03-02T17:12:00Z")));
        assert_eq!(second_look(&[kickoff], at("2024-03-04T04:00:00Z")), None);
        assert_eq!(second_look(&[], at("2024-03-02T17:00:00Z")), None);
    }

    #[test]
    fn a_match_that_stopped_is_looked_at_three_times_on_the_next_day() {
        let abandoned = [game(MatchStatus::NotDefined, Some(CalledOff::Abandoned), None)];
        let mut now = at("2024-03-02T17:00:00Z");
        for next in ["2024-03-03T12:00:00Z", "2024-03-03T16:00:00Z", "2024-03-03T20:00:00Z"] {
            assert_eq!(next_day_look(&abandoned, now), Some(at(next)));
            now = at(next);
        }
        assert_eq!(next_day_look(&abandoned, now), None);
        // An evening in South America is the night of the next day in UTC.
        let mut late = abandoned.clone();
        late[0].kickoff = Some(at("2024-03-03T00:30:00Z"));
        assert_eq!(next_day_look(&late, at("2024-03-03T03:00:00Z")), Some(at("2024-03-03T12:00:00Z")));
        assert_eq!(next_day_look(&late, at("2024-03-03T20:00:00Z")), Some(at("2024-03-04T12:00:00Z")));
        let interrupted = [game(MatchStatus::Open, None, Some((1, 0)))];
        assert_eq!(next_day_look(&interrupted, at("2024-03-02T21:30:00Z")), Some(at("2024-03-03T12:00:00Z")));
        for other in [
            game(MatchStatus::Open, None, None),
            game(MatchStatus::Ended, None, Some((1, 0))),
            game(MatchStatus::NotDefined, Some(CalledOff::Postponed), None),
        ] {
            assert_eq!(next_day_look(&[other], at("2024-03-02T17:00:00Z")), None);
        }
    }

    #[test]
    fn a_match_whose_kickoff_is_only_a_date_is_looked_at_in_the_evening() {
        let mut dated = game(MatchStatus::Open, None, None);
        dated.kickoff = Some(at("2024-03-02T00:00:00Z"));
        let timed = game(MatchStatus::Open, None, None);
        assert_eq!(of_the_evening(&[&dated], at("2024-03-02T02:00:00Z")), Some(at("2024-03-02T15:00:00Z")));
        assert_eq!(of_the_evening(&[&dated], at("2024-03-02T21:05:00Z")), Some(at("2024-03-02T23:00:00Z")));
        assert_eq!(of_the_evening(&[&dated], at("2024-03-02T23:05:00Z")), None);
        assert_eq!(of_the_evening(&[&dated, &timed], at("2024-03-02T02:00:00Z")), None);
        // It began at midnight.
        dated.score = Some(Score::new(0, 0));
        assert_eq!(of_the_evening(&[&dated], at("2024-03-02T02:00:00Z")), None);
    }
}
