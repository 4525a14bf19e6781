//! A match at an instant: status, score so far, time of the last change. Pure.

use std::borrow::Cow;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::course::{ByHand, Stop, corrected};
use super::model::{Fault, Fixture, Ruling, Score};
use super::timing::{Phase, phases, shootout_minute, whistle};

/// A match at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The provider's status code.
    pub code: u32,
    /// The provider's status type.
    pub kind: Cow<'static, str>,
    /// The provider's status text.
    pub description: Cow<'static, str>,
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

    /// The goals that count, home first: none before the end, and none of a match that was removed (code 93).
    pub fn result(&self) -> Option<[u32; 2]> {
        self.pair("display").filter(|_| self.finished() && self.code != 93)
    }

    /// The goals of the shootout, if there is one.
    pub fn kicks(&self) -> Option<[u32; 2]> {
        self.pair("penalties")
    }

    fn pair(&self, field: &str) -> Option<[u32; 2]> {
        let goals = |side: &Value| side[field].as_u64().and_then(|n| u32::try_from(n).ok());
        Some([goals(&self.home)?, goals(&self.away)?])
    }

    fn without_score(code: u32, changed: i64) -> Self {
        let (kind, description) = wording(code);
        let (kind, description) = (Cow::Borrowed(kind), Cow::Borrowed(description));
        Self { code, kind, description, home: json!({}), away: json!({}), changed, period_start: None }
    }

    /// Postponed, since `at`.
    pub(super) fn postponed(at: i64) -> Self {
        Self::without_score(60, at)
    }

    /// Another status over this one, since `at`.
    pub(super) fn set_status(&mut self, code: u32, kind: &str, at: i64) {
        self.code = code;
        self.kind = Cow::Owned(kind.to_owned());
        self.description = Cow::Borrowed(wording(code).1);
        // A status without a beginning has no moment of change.
        self.changed = self.changed.max(at);
        if ["notstarted", "postponed", "delayed"].contains(&kind) {
            (self.home, self.away, self.period_start) = (json!({}), json!({}), None);
        }
    }
}

/// Type and text of a status as the provider has them.
fn wording(code: u32) -> (&'static str, &'static str) {
    match code {
        0 => ("notstarted", "Not started"),
        6 => ("inprogress", "1st half"),
        7 => ("inprogress", "2nd half"),
        20 => ("inprogress", "Started"),
        31 => ("inprogress", "Halftime"),
        32 => ("inprogress", "Awaiting extra time"),
        33 => ("inprogress", "Extra time halftime"),
        34 => ("inprogress", "Awaiting penalties"),
        40 => ("inprogress", "Overtime"),
        41 => ("inprogress", "1st extra"),
        42 => ("inprogress", "2nd extra"),
        50 => ("inprogress", "Penalties"),
        60 => ("postponed", "Postponed"),
        61 => ("delayed", "Start delayed"),
        70 => ("canceled", "Canceled"),
        80 => ("interrupted", "Interrupted"),
        81 => ("suspended", "Suspended"),
        90 => ("canceled", "Abandoned"),
        91 => ("finished", "Walkover"),
        92 => ("finished", "Retired"),
        93 => ("finished", "Removed"),
        100 => ("finished", "Ended"),
        110 => ("finished", "AET"),
        120 => ("finished", "AP"),
        140 => ("willcontinue", "Will continue"),
        _ => ("unknown", "Unknown"),
    }
}

/// When nothing changes any more: the match's end, the kickoff if it was never played, none without a result.
pub fn ended_at(fixture: &Fixture) -> Option<DateTime<Utc>> {
    let mut end = if fixture.ruling != Ruling::Played
        && (fixture.score.is_some() || fixture.ruling == Ruling::Cancelled)
    {
        Some(fixture.start())
    } else {
        let stopped = || fixture.start() + Duration::seconds(fixture.stop().map_or(0, |stop| stop.at));
        fixture.score.map(|score| natural_end(fixture, &score).unwrap_or_else(stopped))
    };
    for ByHand { kind, from, to, .. } in fixture.statuses() {
        let over = ["finished", "canceled"].contains(&kind);
        let covered = end.is_none_or(|end| from <= end);
        end = match (covered, to) {
            (true, None) if over => Some(end.map_or(from, |end| end.min(from))),
            (true, None) => None,
            (true, Some(to)) => end.map(|end| end.max(to)),
            (false, _) => end,
        };
    }
    end
}

/// The instant so many seconds into the match.
fn wall(start: DateTime<Utc>, stop: Option<Stop>, elapsed: i64) -> DateTime<Utc> {
    match stop {
        Some(Stop { at, resumed: Some(resumed) }) if elapsed > at => {
            resumed + Duration::seconds(elapsed - at)
        }
        _ => start + Duration::seconds(elapsed),
    }
}

/// When the goals of one stretch fell, in seconds from kickoff: evenly spread over its minutes, never at
/// its limits, so that no goal coincides with a change of status.
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

/// One side's goals by period, as seconds from kickoff.
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

/// The match at `now`, when `kickoff` was the last one known.
pub(super) fn current(fixture: &Fixture, kickoff: DateTime<Utc>, now: DateTime<Utc>) -> Moment {
    let last = fixture.last_kickoff();
    let begun = now >= fixture.start() && kickoff == last;
    if fixture.ruling == Ruling::Cancelled {
        return Moment::without_score(70, if begun { last.timestamp() } else { 0 });
    }
    if !begun {
        let delayed = now >= kickoff && kickoff == last && fixture.start() > last;
        return if delayed {
            Moment::without_score(61, kickoff.timestamp())
        } else {
            Moment::without_score(0, 0)
        };
    }
    let Some(score) = fixture.score else { return Moment::without_score(0, 0) };
    let mut moment = if fixture.ruling == Ruling::Played {
        played(fixture, &score, now)
    } else {
        // A real walkover has only these two numbers: no periods were played.
        walkover(&score, fixture.start().timestamp())
    };
    if let Some(end) = natural_end(fixture, &score).filter(|end| *end <= now) {
        let since = |after: i64| end + Duration::seconds(after);
        let done = fixture.corrections().into_iter().rfind(|(after, _)| since(*after) <= now);
        if let Some((after, goals)) = done {
            let score = corrected(score, goals);
            let other = if fixture.ruling == Ruling::Played {
                running(&score, i64::MAX / 2)
            } else {
                walkover(&score, 0)
            };
            (moment.home, moment.away, moment.changed) = (other.home, other.away, since(after).timestamp());
        }
    }
    moment
}

/// The end of the match itself, whatever status is set; none if it is abandoned for good.
fn natural_end(fixture: &Fixture, score: &Score) -> Option<DateTime<Utc>> {
    match (fixture.ruling, fixture.stop()) {
        (Ruling::Played, Some(Stop { resumed: None, .. })) => None,
        (Ruling::Played, stop) => Some(wall(fixture.start(), stop, whistle(score) * 60)),
        _ => Some(fixture.start()),
    }
}

fn walkover(score: &Score, at: i64) -> Moment {
    let [home, away] = score.display().map(|goals| json!({"current": goals, "display": goals}));
    Moment { home, away, ..Moment::without_score(91, at) }
}

/// A match that was started: running, abandoned, or over.
fn played(fixture: &Fixture, score: &Score, now: DateTime<Utc>) -> Moment {
    let (start, stop) = (fixture.start(), fixture.stop());
    let plain = (now - start).num_seconds();
    let (elapsed, stopped) = match stop {
        Some(Stop { at, resumed }) if plain >= at => match resumed.filter(|resumed| *resumed <= now) {
            Some(resumed) => (at + (now - resumed).num_seconds(), false),
            None => (at, true),
        },
        _ => (plain, false),
    };
    let mut moment = running(score, elapsed);
    for fault in &fixture.faults {
        if let Fault::Disallow { minute, side, .. } = fault {
            disallow(&mut moment, i64::from(*minute) * 60, *side, elapsed, whistle(score) * 60);
        }
    }
    moment.changed = wall(start, stop, moment.changed).timestamp();
    moment.period_start = moment.period_start.map(|at| wall(start, stop, at).timestamp());
    match stop {
        Some(Stop { at, .. }) if stopped => {
            let since = wall(start, stop, at).timestamp();
            moment.set_status(90, "canceled", since);
        }
        Some(Stop { at, resumed: Some(resumed) }) if elapsed >= at => {
            moment.changed = moment.changed.max(resumed.timestamp());
        }
        _ => {}
    }
    moment
}

/// One extra goal from `from` on, for five minutes or until the final whistle.
fn disallow(moment: &mut Moment, from: i64, side: usize, elapsed: i64, whistle: i64) {
    let until = (from + 300).min(whistle);
    if elapsed < from || from >= whistle {
        return;
    }
    moment.changed = moment.changed.max(if elapsed < until { from } else { until });
    if elapsed < until {
        let goals = if side == 0 { &mut moment.home } else { &mut moment.away };
        let period: &[&str] = match () {
            () if goals.get("overtime").is_some() => &["overtime"],
            () if goals.get("period2").is_some() => &["normaltime", "period2"],
            () if goals.get("period1").is_some() => &["normaltime", "period1"],
            () => &["normaltime"],
        };
        for field in ["current", "display"].iter().chain(period) {
            goals[*field] = json!(goals[*field].as_u64().unwrap_or(0) + 1);
        }
    }
}

/// A match so many seconds after its start; `changed` and `period_start` count from there too.
fn running(score: &Score, elapsed: i64) -> Moment {
    let phases = phases(score);
    let past: Vec<&Phase> = phases.iter().filter(|(minute, _)| minute * 60 <= elapsed).collect();
    let (minute, code) = past.last().map_or(phases[0], |p| **p);
    let sides = [0, 1].map(|side| Goals::of(score, side));
    let scored = sides.iter().flat_map(|s| [&s.first, &s.second, &s.extra, &s.kicks]).flatten();
    let last_goal = scored.filter(|t| **t <= elapsed).max().copied().unwrap_or(0);
    // A break and the final whistle are not periods: the start of the previous period stays.
    let period = past.iter().rev().find(|p| [6, 7, 41, 42, 50].contains(&p.1)).map_or(0, |p| p.0);
    let [home, away] = sides.map(|s| s.payload(score, elapsed));
    Moment {
        home,
        away,
        period_start: Some(period * 60),
        ..Moment::without_score(code, last_goal.max(minute * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::super::listing::moment;
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
        assert_eq!((before.home, before.changed, before.kind.as_ref()), (json!({}), 0, "notstarted"));
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
