//! A day as a chart: kickoffs above, checks below, by quarters of an hour. Pure; drawn as SVG by the template.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use shared::style::Tone;

use super::view;
use crate::read::today::{CheckState, DaySlot};
use crate::zone::Zone;

/// The width of the chart, in its own units.
const WIDTH: i64 = 960;
/// The largest height of the bars of kickoffs, and of those of checks.
const HEIGHT: i64 = 56;
/// The least height of a bar: one check beside a hundred must be seen.
const LEAST: i64 = 5;
/// Where the bars of kickoffs stand, and those of checks.
const FLOORS: (i64, i64) = (62, 132);

/// A bar, and what it says on hover.
pub(super) struct Bar {
    pub(super) class: String,
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) title: String,
}

/// An hour of the day, as the table beside the chart has it.
pub(super) struct Hour {
    pub(super) label: String,
    pub(super) matches: i64,
    pub(super) ended: i64,
    pub(super) checks: BTreeMap<CheckState, i64>,
}

/// The chart of a day.
pub(super) struct DayChart {
    pub(super) bars: Vec<Bar>,
    /// Where now is; none: on another day.
    pub(super) now: Option<i64>,
    /// Where the hours of the labels begin.
    pub(super) ticks: Vec<i64>,
    /// Eight labels, three hours apart.
    pub(super) labels: Vec<String>,
    /// The same in a sentence.
    pub(super) summary: String,
    /// The same hour by hour; hours without kickoff and check are left out.
    pub(super) hours: Vec<Hour>,
    /// The day's checks by where they stand.
    pub(super) checks: BTreeMap<CheckState, i64>,
}

/// From the bottom of a bar to its top: what needs a person lies on top.
const STATES: [CheckState; 7] = [
    CheckState::Done,
    CheckState::Unneeded,
    CheckState::Due,
    CheckState::Running,
    CheckState::Late,
    CheckState::Partial,
    CheckState::Failed,
];

impl DayChart {
    /// Draws a day, which may have 23 or 25 hours.
    pub(super) fn of(slots: &[DaySlot], day: &Range<DateTime<Utc>>, zone: Zone, now: DateTime<Utc>) -> Self {
        let minutes = (day.end - day.start).num_minutes().max(1);
        let x = |at: DateTime<Utc>| (at - day.start).num_minutes() * WIDTH / minutes;
        let width = x(day.start + TimeDelta::minutes(15)) - 2;
        let all_checks = |slot: &DaySlot| slot.checks.values().sum::<i64>();
        let most_matches = slots.iter().map(|slot| slot.matches).max().unwrap_or_default().max(1);
        let most_checks = slots.iter().map(all_checks).max().unwrap_or_default().max(1);
        let mut bars = Vec::new();
        for slot in slots {
            let (time, left) = (zone.text(slot.at, "%H:%M"), x(slot.at) + 1);
            if slot.matches > 0 {
                let height = height(slot.matches, most_matches);
                let title = format!(
                    "{time}: {} kick off, {} over",
                    counted(slot.matches, "match", "matches"),
                    slot.ended
                );
                bars.push(Bar {
                    class: "kickoff".to_owned(),
                    x: left,
                    y: FLOORS.0 - height,
                    width,
                    height,
                    title,
                });
            }
            let mut floor = FLOORS.1;
            for state in STATES {
                let Some(&count) = slot.checks.get(&state).filter(|count| **count > 0) else { continue };
                let height = height(count, most_checks);
                floor -= height;
                bars.push(Bar {
                    class: view::check_tone(state).to_string(),
                    x: left,
                    y: floor,
                    width,
                    height,
                    title: format!("{time}: {} {}", counted(count, "check", "checks"), view::check(state)),
                });
            }
        }
        let tick = |eighth: i32| day.start + (day.end - day.start) / 8 * eighth;
        let checks = sum(slots.iter().map(|slot| &slot.checks));
        Self {
            bars,
            now: day.contains(&now).then(|| x(now)),
            ticks: (1..8).map(|eighth| x(tick(eighth))).collect(),
            labels: (0..8).map(|eighth| zone.text(tick(eighth), "%H:%M")).collect(),
            summary: summary(slots, &checks, zone),
            hours: hours(slots, zone),
            checks,
        }
    }

    /// The states that the chart shows, with their colours.
    pub(super) fn legend(&self) -> Vec<(Tone, &'static str, i64)> {
        let shown = STATES.into_iter().filter_map(|state| Some((state, *self.checks.get(&state)?)));
        shown.map(|(state, count)| (view::check_tone(state), view::check(state), count)).collect()
    }

    /// An hour's checks by the states of the legend, in its order.
    pub(super) fn counts(&self, hour: &Hour) -> Vec<i64> {
        let shown = STATES.iter().filter(|state| self.checks.contains_key(state));
        shown.map(|state| hour.checks.get(state).copied().unwrap_or_default()).collect()
    }
}

fn height(part: i64, most: i64) -> i64 {
    (part * HEIGHT / most).max(LEAST)
}

fn sum<'a>(of: impl Iterator<Item = &'a BTreeMap<CheckState, i64>>) -> BTreeMap<CheckState, i64> {
    let mut all = BTreeMap::new();
    for (state, count) in of.flatten() {
        *all.entry(*state).or_default() += count;
    }
    all
}

/// `1 match`, `2 matches`.
fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn summary(slots: &[DaySlot], checks: &BTreeMap<CheckState, i64>, zone: Zone) -> String {
    let with_kickoff = || slots.iter().filter(|slot| slot.matches > 0);
    let (Some(first), Some(last)) = (with_kickoff().next(), with_kickoff().next_back()) else {
        return match checks.values().sum::<i64>() {
            0 => "No kickoff and no check.".to_owned(),
            count => format!("No kickoff. {}: {}.", counted(count, "check", "checks"), states(checks)),
        };
    };
    let (matches, ended) =
        slots.iter().fold((0, 0), |(all, ended), slot| (all + slot.matches, ended + slot.ended));
    let (from, to) = (zone.text(first.at, "%H:%M"), zone.text(last.at, "%H:%M"));
    let times = if from == to { format!("at {from}") } else { format!("between {from} and {to}") };
    let of_checks = match checks.values().sum::<i64>() {
        0 => "no check is planned".to_owned(),
        count => format!("{}: {}", counted(count, "check", "checks"), states(checks)),
    };
    format!("{} {times}, {ended} over; {of_checks}.", counted(matches, "match", "matches"))
}

fn states(checks: &BTreeMap<CheckState, i64>) -> String {
    let of =
        STATES.iter().filter_map(|state| Some(format!("{} {}", checks.get(state)?, view::check(*state))));
    of.collect::<Vec<_>>().join(", ")
}

fn hours(slots: &[DaySlot], zone: Zone) -> Vec<Hour> {
    let (mut hours, mut of): (Vec<Hour>, Option<String>) = (Vec::new(), None);
    for slot in slots {
        // Where clocks go back, an hour comes twice: its two have different offsets.
        let hour = zone.text(slot.at, "%H%z");
        if of.as_ref() != Some(&hour) {
            let label = zone.text(slot.at, "%H:00");
            hours.push(Hour { label, matches: 0, ended: 0, checks: BTreeMap::new() });
            of = Some(hour);
        }
        if let Some(hour) = hours.last_mut() {
            hour.matches += slot.matches;
            hour.ended += slot.ended;
            hour.checks = sum([&hour.checks, &slot.checks].into_iter());
        }
    }
    hours
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(at: &str, matches: i64, checks: &[(CheckState, i64)]) -> DaySlot {
        DaySlot { at: at.parse().unwrap(), matches, ended: 0, checks: checks.iter().copied().collect() }
    }

    #[test]
    fn a_day_is_drawn_from_its_first_moment_to_its_end() {
        let day = "2024-03-02T00:00:00Z".parse().unwrap().."2024-03-03T00:00:00Z".parse().unwrap();
        let slots = [
            slot("2024-03-02T15:00:00Z", 1, &[]),
            slot("2024-03-02T17:15:00Z", 0, &[(CheckState::Done, 3), (CheckState::Late, 1)]),
            slot("2024-03-02T20:00:00Z", 100, &[(CheckState::Due, 1)]),
        ];
        let chart = DayChart::of(&slots, &day, Zone::UTC, "2024-03-02T18:00:00Z".parse().unwrap());
        assert_eq!(chart.now, Some(720));
        assert_eq!(chart.labels, ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]);
        assert_eq!(
            chart.summary,
            "101 matches between 15:00 and 20:00, 0 over; 5 checks: 3 done, 1 due, 1 late."
        );
        let bars: Vec<_> =
            chart.bars.iter().map(|bar| (bar.class.as_str(), bar.x, bar.y, bar.height)).collect();
        assert_eq!(
            bars,
            [
                ("kickoff", 601, 57, 5),
                ("good", 691, 90, 42),
                ("half", 691, 76, 14),
                ("kickoff", 801, 6, 56),
                ("calm", 801, 118, 14)
            ]
        );
        assert_eq!(chart.hours.len(), 3);
        assert_eq!(chart.counts(&chart.hours[1]), [3, 0, 1]);
        let elsewhere = DayChart::of(&[], &day, Zone::UTC, "2024-03-03T18:00:00Z".parse().unwrap());
        assert_eq!((elsewhere.now, elsewhere.summary.as_str()), (None, "No kickoff and no check."));
    }
}
