//! Trends: how each operation did, day by day over some weeks.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;

use super::day_chart::Bar;
use super::{Shell, page, view};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::trends::{self, DayOfOperation};
use crate::request::{self, FromForm};

/// The width of a bar, and of the space that it has.
const BAR: (i64, i64) = (8, 10);
/// The largest height of a bar.
const HEIGHT: i64 = 56;

/// A figure of an operation, over time.
struct Chart {
    name: &'static str,
    /// The figure of the whole time.
    figure: String,
    width: i64,
    bars: Vec<Bar>,
}

/// A week of an operation.
struct Week {
    from: NaiveDate,
    runs: i64,
    failed: i64,
    partial: i64,
    longest: String,
    requests: i64,
    latency: String,
}

struct OperationTrend {
    /// Its stored name.
    id: String,
    name: String,
    charts: Vec<Chart>,
    weeks: Vec<Week>,
    runs: i64,
    /// Whether it brought results.
    has_results: bool,
}

#[derive(Template)]
#[template(path = "trends.html")]
struct Trends {
    shell: Shell,
    weeks: i64,
    /// The first and the last day.
    first: NaiveDate,
    until: NaiveDate,
    operations: Vec<OperationTrend>,
}

impl Trends {
    /// What a bar stands for.
    fn bar(&self) -> &'static str {
        if days_of_bar(self.weeks) == 1 { "day" } else { "week" }
    }

    /// How many weeks can be chosen.
    const CHOICES: [i64; 3] = [4, 8, 26];
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    weeks: Option<i64>,
    until: Option<String>,
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(of): FromForm<Asked>,
) -> Result<Response, Problem> {
    let weeks = of.weeks.unwrap_or(8);
    if !Trends::CHOICES.contains(&weeks) {
        return Err(Problem::field(StatusCode::BAD_REQUEST, "weeks", "must be 4, 8 or 26"));
    }
    let today = caller.zone.day_of(desk.clock.now());
    let until = request::day("until", of.until.as_deref())?.unwrap_or(today);
    let first = until - TimeDelta::days(weeks * 7 - 1);
    let client = desk.services().await?.store.client().await?;
    let days = trends::trends(&*client, &caller.zone.starts(first, until)).await?;
    let mut of_operation: BTreeMap<String, Vec<DayOfOperation>> = BTreeMap::new();
    for day in days {
        of_operation.entry(day.operation.clone()).or_default().push(day);
    }
    // Scores first: members wait for them.
    let mut operations: Vec<OperationTrend> =
        of_operation.into_iter().map(|(id, days)| trend(id, &days, first, weeks)).collect();
    operations.sort_by_key(|operation| std::cmp::Reverse((operation.has_results, operation.runs)));
    page(&Trends { shell: Shell::of(&desk, &caller, "trends"), weeks, first, until, operations })
}

/// How many days a bar stands for: over half a year a bar for each day is too narrow to be read, and its page too large.
fn days_of_bar(weeks: i64) -> i64 {
    if weeks > 8 { 7 } else { 1 }
}

/// How the days of a bar make one figure.
#[derive(Clone, Copy)]
enum Of {
    Sum,
    Most,
}

fn trend(id: String, days: &[DayOfOperation], first: NaiveDate, weeks: i64) -> OperationTrend {
    let wide = days_of_bar(weeks);
    let chart =
        |name, figure: String, of, value: fn(&DayOfOperation) -> i64, word: fn(i64) -> String, class| {
            let mut figures: BTreeMap<i64, i64> = BTreeMap::new();
            for day in days {
                let bar = figures.entry(i64::try_from(day.day).unwrap_or_default() / wide).or_default();
                *bar = match of {
                    Of::Sum => *bar + value(day),
                    Of::Most => (*bar).max(value(day)),
                };
            }
            let most = figures.values().copied().max().unwrap_or_default().max(1);
            let bars = figures.into_iter().filter(|(_, figure)| *figure > 0).map(|(place, figure)| {
                let height = (figure * HEIGHT / most).max(2);
                let when = match wide {
                    1 => date(first, place).to_string(),
                    _ => format!("week from {}", date(first, place * wide)),
                };
                Bar {
                    class: String::from(class),
                    x: place * BAR.1,
                    y: 60 - height,
                    width: BAR.0,
                    height,
                    title: format!("{when}: {}", word(figure)),
                }
            });
            Chart { name, figure, width: weeks * 7 / wide * BAR.1, bars: bars.collect() }
        };
    let sum = |value: fn(&DayOfOperation) -> i64| days.iter().map(value).sum::<i64>();
    let most = |value: fn(&DayOfOperation) -> i64| days.iter().map(value).max().unwrap_or_default();
    let number = |number: i64| number.to_string();
    let latency = days.iter().filter_map(|day| day.latency_s).max();
    let failures = |day: &DayOfOperation| day.failed + day.partial;
    let mut charts = vec![
        chart("Runs", number(sum(|day| day.runs)), Of::Sum, |day| day.runs, number, "calm"),
        chart(
            "Median duration",
            format!("{} on the slowest day", view::duration(most(|day| day.median_ms))),
            Of::Most,
            |day| day.median_ms,
            view::duration,
            "busy",
        ),
    ];
    if sum(|day| day.requests) > 0 {
        charts.push(chart(
            "Requests",
            number(sum(|day| day.requests)),
            Of::Sum,
            |day| day.requests,
            number,
            "calm",
        ));
    }
    charts.push(chart(
        "Failed, as a whole or in part",
        number(sum(failures)),
        Of::Sum,
        failures,
        number,
        "bad",
    ));
    if let Some(slowest) = latency {
        charts.push(chart(
            "Slowest result",
            format!("{} at worst", view::duration(slowest * 1_000)),
            Of::Most,
            |day| day.latency_s.unwrap_or_default(),
            |seconds| view::duration(seconds * 1_000),
            "half",
        ));
    }
    let week = |number: i64| {
        let of_week: Vec<&DayOfOperation> =
            days.iter().filter(|day| i64::try_from(day.day / 7).unwrap_or_default() == number).collect();
        let sum = |value: fn(&DayOfOperation) -> i64| of_week.iter().map(|day| value(day)).sum::<i64>();
        let longest = of_week.iter().map(|day| day.longest_ms).max();
        let latency = of_week.iter().filter_map(|day| day.latency_s).max();
        Week {
            from: date(first, number * 7),
            runs: sum(|day| day.runs),
            failed: sum(|day| day.failed),
            partial: sum(|day| day.partial),
            longest: longest.map_or_else(String::new, view::duration),
            requests: sum(|day| day.requests),
            latency: latency.map_or_else(String::new, |seconds| view::duration(seconds * 1_000)),
        }
    };
    OperationTrend {
        name: view::operation_name(&id).to_owned(),
        charts,
        runs: sum(|day| day.runs),
        has_results: latency.is_some(),
        weeks: (0..weeks).rev().map(week).filter(|week| week.runs > 0).collect(),
        id,
    }
}

fn date(first: NaiveDate, day: i64) -> NaiveDate {
    first + TimeDelta::days(day)
}
