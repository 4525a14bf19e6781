//! A match as it stood at an instant: status, score revealed so far, when it last changed. Pure.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::season::{Fixture, Ruling, Score};

/// A match at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The provider's status code.
    pub code: u32,
    /// The provider's status type.
    pub kind: &'static str,
    /// The provider's status text.
    pub description: &'static str,
    /// `homeScore`.
    pub home: Value,
    /// `awayScore`.
    pub away: Value,
    /// When the status or the score last changed, in epoch seconds; 0 before kickoff.
    pub changed: i64,
    /// When the present period began, in epoch seconds; none before kickoff.
    pub period_start: Option<i64>,
}

impl Moment {
    /// The match is over and has a result.
    pub fn finished(&self) -> bool {
        self.kind == "finished"
    }
}

/// A stretch of the match: from which minute on, and what the provider calls it.
type Phase = (i64, u32, &'static str, &'static str);

const ORDINARY: [Phase; 3] =
    [(0, 6, "inprogress", "1st half"), (47, 31, "inprogress", "Halftime"), (62, 7, "inprogress", "2nd half")];
const EXTRA: [Phase; 4] = [
    (113, 32, "inprogress", "Awaiting extra time"),
    (118, 41, "inprogress", "1st extra"),
    (134, 33, "inprogress", "Extra time halftime"),
    (136, 42, "inprogress", "2nd extra"),
];

/// The minute the shootout's kicks begin, if there is one.
fn shootout_minute(score: &Score) -> Option<i64> {
    score.p.map(|_| if score.et.is_some() { 157 } else { 118 })
}

fn phases(score: &Score) -> Vec<Phase> {
    let mut phases = ORDINARY.to_vec();
    if score.et.is_some() {
        phases.extend(EXTRA);
    }
    match (shootout_minute(score), score.et) {
        (Some(kicks), et) => {
            phases.push((kicks - 5, 34, "inprogress", "Awaiting penalties"));
            phases.push((kicks, 50, "inprogress", "Penalties"));
            phases.push((if et.is_some() { 175 } else { 135 }, 120, "finished", "AP"));
        }
        (None, Some(_)) => phases.push((152, 110, "finished", "AET")),
        (None, None) => phases.push((113, 100, "finished", "Ended")),
    }
    phases
}

/// When nothing more will come: the end by the story, the kickoff if it was never played, none without a result.
pub fn ended_at(fixture: &Fixture) -> Option<DateTime<Utc>> {
    if fixture.ruling != Ruling::Played && (fixture.score.is_some() || fixture.ruling == Ruling::Cancelled) {
        return Some(fixture.kickoff);
    }
    let last = fixture.score.as_ref().and_then(|s| phases(s).last().copied());
    last.map(|(minute, ..)| fixture.kickoff + Duration::minutes(minute))
}

/// When the goals of one stretch fell, in seconds from kickoff: evenly spread over the minutes it was played in, never
/// on its edges, so that no goal falls together with a change of status.
fn goals(count: u32, stretches: &[(i64, i64)]) -> Vec<i64> {
    let total: i64 = stretches.iter().map(|(from, to)| (to - from) * 60).sum();
    let count = i64::from(count);
    let at = |i: i64| {
        let mut left = total * i / (count + 1);
        for (from, to) in stretches {
            let length = (to - from) * 60;
            if left < length {
                return from * 60 + left;
            }
            left -= length;
        }
        stretches.last().map_or(0, |(_, to)| to * 60)
    };
    (1..=count).map(at).collect()
}

/// One side's goals, by the period they count for, as seconds from kickoff.
struct Goals {
    first: Vec<i64>,
    second: Vec<i64>,
    extra: Vec<i64>,
    kicks: Vec<i64>,
}

impl Goals {
    fn of(score: &Score, side: usize) -> Self {
        let ft = score.ft[side];
        let (first, second) = match score.ht {
            Some(ht) => (goals(ht[side], &[(0, 47)]), goals(ft.saturating_sub(ht[side]), &[(62, 113)])),
            // Without a halftime score the goals are spread over both halves and counted as one period.
            None => (goals(ft, &[(0, 47), (62, 113)]), Vec::new()),
        };
        let extra = score.et.map_or(0, |et| et[side].saturating_sub(ft));
        let kicks = shootout_minute(score).unwrap_or(0);
        let length = if score.et.is_some() { 18 } else { 17 };
        Self {
            first,
            second,
            extra: goals(extra, &[(118, 134), (136, 152)]),
            kicks: goals(score.p.map_or(0, |p| p[side]), &[(kicks, kicks + length)]),
        }
    }

    fn payload(&self, score: &Score, elapsed: i64) -> Value {
        let count = |times: &[i64]| times.iter().filter(|t| **t <= elapsed).count();
        let (first, second) = (count(&self.first), count(&self.second));
        let (extra, kicks) = (count(&self.extra), count(&self.kicks));
        let display = first + second + extra;
        let mut side = json!({"current": display + kicks, "display": display, "normaltime": first + second});
        if score.ht.is_some() {
            side["period1"] = json!(first);
            if elapsed >= 62 * 60 {
                side["period2"] = json!(second);
            }
        }
        if score.et.is_some() && elapsed >= 118 * 60 {
            side["overtime"] = json!(extra);
        }
        if shootout_minute(score).is_some_and(|minute| elapsed >= minute * 60) {
            side["penalties"] = json!(kicks);
        }
        side
    }
}

/// The match as it stood at `now`.
pub fn moment(fixture: &Fixture, now: DateTime<Utc>) -> Moment {
    let started = now >= fixture.kickoff;
    let kickoff = fixture.kickoff.timestamp();
    let at_kickoff = |code, kind, description, home, away| Moment {
        code,
        kind,
        description,
        home,
        away,
        changed: if started { kickoff } else { 0 },
        period_start: None,
    };
    match (fixture.ruling, fixture.score) {
        (Ruling::Cancelled, _) => at_kickoff(70, "canceled", "Canceled", json!({}), json!({})),
        (_, Some(score)) if !started || fixture.ruling == Ruling::Played => {
            if !started {
                return at_kickoff(0, "notstarted", "Not started", json!({}), json!({}));
            }
            running(&score, kickoff, (now - fixture.kickoff).num_seconds())
        }
        // A real walkover carries nothing but these two numbers: no periods were played.
        (_, Some(score)) => {
            let [home, away] = score.display().map(|goals| json!({"current": goals, "display": goals}));
            at_kickoff(91, "finished", "Walkover", home, away)
        }
        (_, None) => {
            Moment { changed: 0, ..at_kickoff(0, "notstarted", "Not started", json!({}), json!({})) }
        }
    }
}

fn running(score: &Score, kickoff: i64, elapsed: i64) -> Moment {
    let phases = phases(score);
    let past: Vec<&Phase> = phases.iter().filter(|(minute, ..)| minute * 60 <= elapsed).collect();
    let (minute, code, kind, description) = past.last().map_or(phases[0], |p| **p);
    let sides = [0, 1].map(|side| Goals::of(score, side));
    let scored = sides.iter().flat_map(|s| [&s.first, &s.second, &s.extra, &s.kicks]).flatten();
    let last_goal = scored.filter(|t| **t <= elapsed).max().copied().unwrap_or(0);
    // A break and the final whistle are not periods: the clock of the one before them stays.
    let period = past.iter().rev().find(|p| [6, 7, 41, 42, 50].contains(&p.1)).map_or(0, |p| p.0);
    let [home, away] = sides.map(|s| s.payload(score, elapsed));
    Moment {
        code,
        kind,
        description,
        home,
        away,
        changed: kickoff + last_goal.max(minute * 60),
        period_start: Some(kickoff + period * 60),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn final_2022() -> Fixture {
        sample::one(r#""score": {"ht": [2, 0], "ft": [2, 2], "et": [3, 3], "p": [4, 2]}"#)
    }

    fn after(fixture: &Fixture, minutes: i64) -> Moment {
        moment(fixture, fixture.kickoff + Duration::minutes(minutes))
    }

    #[test]
    fn a_final_with_extra_time_and_a_shootout() {
        let fixture = final_2022();
        let expected = [
            (-1, 0),
            (0, 6),
            (47, 31),
            (62, 7),
            (113, 32),
            (118, 41),
            (134, 33),
            (136, 42),
            (152, 34),
            (157, 50),
            (175, 120),
        ];
        for (minute, code) in expected {
            assert_eq!(after(&fixture, minute).code, code, "minute {minute}");
        }
        let end = after(&fixture, 175);
        let side = |current, period1, penalties| {
            json!({"current": current, "display": 3, "normaltime": 2, "period1": period1, "period2": 2 - period1,
                "overtime": 1, "penalties": penalties})
        };
        assert_eq!((end.home, end.away), (side(7, 2, 4), side(5, 0, 2)));
        assert_eq!(end.changed, (fixture.kickoff + Duration::minutes(175)).timestamp());
        let before = after(&fixture, -1);
        assert_eq!((before.home, before.changed, before.kind), (json!({}), 0, "notstarted"));
        assert_eq!(ended_at(&fixture), Some(fixture.kickoff + Duration::minutes(175)));
    }

    #[test]
    fn the_running_score_only_grows_and_changes_are_stamped() {
        for score in [
            r#"{"ht": [1, 3], "ft": [7, 4]}"#,
            r#"{"ft": [5, 2]}"#,
            r#"{"ht": [2, 0], "ft": [2, 2], "et": [3, 3], "p": [4, 2]}"#,
        ] {
            let fixture = sample::one(&format!(r#""score": {score}"#));
            let end = after(&fixture, 300);
            let mut last = after(&fixture, 0);
            for second in 0..176 * 60 {
                let now = moment(&fixture, fixture.kickoff + Duration::seconds(second));
                for (was, is, at_most) in
                    [(&last.home, &now.home, &end.home), (&last.away, &now.away, &end.away)]
                {
                    for field in ["display", "current", "normaltime"] {
                        let goals = |side: &Value| side[field].as_u64().unwrap();
                        assert!(
                            goals(was) <= goals(is) && goals(is) <= goals(at_most),
                            "{field} at {second}: {is}"
                        );
                    }
                }
                let same = (&last.home, &last.away, last.code) == (&now.home, &now.away, now.code);
                assert_eq!(same, last.changed == now.changed, "second {second} of {score}");
                last = now;
            }
        }
        let halftime = after(&sample::one(r#""score": {"ht": [1, 3], "ft": [7, 4]}"#), 47);
        assert_eq!(halftime.away, json!({"current": 3, "display": 3, "normaltime": 3, "period1": 3}));
    }

    #[test]
    fn other_endings() {
        let code = |rest: &str, minute| after(&sample::one(rest), minute).code;
        assert_eq!([code(r#""score": {"ft": [1, 0]}"#, 112), code(r#""score": [1, 0]"#, 113)], [7, 100]);
        assert_eq!(code(r#""score": {"ft": [0, 0], "et": [1, 0]}"#, 152), 110);
        let straight = sample::one(r#""score": {"ft": [1, 1], "p": [3, 4]}"#);
        assert_eq!([113, 118, 135].map(|m| after(&straight, m).code), [34, 50, 120]);
        assert_eq!(
            after(&straight, 135).home,
            json!({"current": 4, "display": 1, "normaltime": 1, "penalties": 3})
        );
        assert_eq!([code("\"score\": {}", 500), code("\"status\": \"cancelled\"", -60)], [0, 70]);
        let awarded = sample::one(r#""score": {"ft": [3, 0]}, "status": "awarded""#);
        assert_eq!([-1, 0].map(|m| after(&awarded, m).code), [0, 91]);
        assert_eq!(after(&awarded, 0).home, json!({"current": 3, "display": 3}));
    }
}
