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

/// The width of a day's bar, and of the space that it has.
const BAR: (i64, i64) = (8, 10);
/// The largest height of a bar.
const HEIGHT: i64 = 56;

/// A figure of an operation, day by day.
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
    /// How many weeks can be chosen.
    const CHOICES: [i64; 3] = [4, 8, 26];
}

#[derive(Debug, Deserialize)]
pub(super) struct Of {
    weeks: Option<i64>,
    until: Option<String>,
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(of): FromForm<Of>,
) -> Result<Response, Problem> {
    let weeks = of.weeks.unwrap_or(8);
    if !Trends::CHOICES.contains(&weeks) {
        return Err(Problem::field(StatusCode::BAD_REQUEST, "weeks", "must be 4, 8 or 26"));
    }
    let today = caller.zone.day_of(desk.clock.now());
    let until = request::day("until", of.until.as_deref())?.unwrap_or(today);
    let first = until - TimeDelta::days(weeks * 7 - 1);
    let client = desk.services().await?.store.client().await?;
    let days = trends::trends(&*client, &caller.zone.days(first, until)).await?;
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

fn trend(id: String, days: &[DayOfOperation], first: NaiveDate, weeks: i64) -> OperationTrend {
    let chart = |name, figure: String, value: fn(&DayOfOperation) -> i64, word: fn(i64) -> String, class| {
        let most = days.iter().map(value).max().unwrap_or_default().max(1);
        let bars = days.iter().filter(|day| value(day) > 0).map(|day| {
            let height = (value(day) * HEIGHT / most).max(2);
            let place = i64::try_from(day.day).unwrap_or_default();
            Bar {
                class: String::from(class),
                x: place * BAR.1,
                y: 60 - height,
                width: BAR.0,
                height,
                title: format!("{}: {}", date(first, place), word(value(day))),
            }
        });
        Chart { name, figure, width: weeks * 7 * BAR.1, bars: bars.collect() }
    };
    let sum = |value: fn(&DayOfOperation) -> i64| days.iter().map(value).sum::<i64>();
    let most = |value: fn(&DayOfOperation) -> i64| days.iter().map(value).max().unwrap_or_default();
    let number = |number: i64| number.to_string();
    let latency = days.iter().filter_map(|day| day.latency_s).max();
    let failures = |day: &DayOfOperation| day.failed + day.partial;
    let mut charts = vec![
        chart("Runs", number(sum(|day| day.runs)), |day| day.runs, number, "calm"),
        chart(
            "Median duration",
            format!("{} on the slowest day", view::duration(most(|day| day.median_ms))),
            |day| day.median_ms,
            view::duration,
            "busy",
        ),
    ];
    if sum(|day| day.requests) > 0 {
        charts.push(chart("Requests", number(sum(|day| day.requests)), |day| day.requests, number, "calm"));
    }
    charts.push(chart("Failed, as a whole or in part", number(sum(failures)), failures, number, "bad"));
    if let Some(slowest) = latency {
        charts.push(chart(
            "Slowest result",
            format!("{} at worst", view::duration(slowest * 1_000)),
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
