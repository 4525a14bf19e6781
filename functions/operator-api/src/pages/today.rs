//! Today: what needs a person, and the day's kickoffs with the state of their checks.

use std::sync::Arc;

use crate::read::attention::{self, Attention};
use crate::read::provider;
use crate::read::today::{self, Timeline};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;
use shared::store::pauses::{self, Pause};

use super::attention as shown;
use super::day_chart::DayChart;
use super::{Shell, page, view};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::request::{self, FromForm};

#[derive(Template)]
#[template(path = "today.html")]
struct Today {
    shell: Shell,
    day: NaiveDate,
    is_today: bool,
    now: DateTime<Utc>,
    attention: Attention,
    pauses: Vec<Pause>,
    timeline: Timeline,
    chart: DayChart,
    /// The providers that are not asked, and until when.
    refused: Vec<(String, Option<DateTime<Utc>>)>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Of {
    day: Option<String>,
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(of): FromForm<Of>,
) -> Result<Response, Problem> {
    let now = desk.clock.now();
    let today = caller.zone.day_of(now);
    let day = request::day("day", of.day.as_deref())?.unwrap_or(today);
    let within = caller.zone.days(day, day);
    let store = &desk.services().await?.store;
    let offsets = &desk.app.config.schedules.offsets;
    // At once, on a connection each: both read all of a full day.
    let (timeline, (attention, pauses, refused)) = tokio::try_join!(
        async { today::timeline(&*store.client().await?, &within, offsets, now).await },
        async {
            let client = store.client().await?;
            let attention = attention::attention(&*client, &within, None, desk.has_bus(), now).await?;
            Ok((attention, pauses::list(&*client).await?, provider::refused(&*client).await?))
        },
    )?;
    page(&Today {
        shell: Shell::of(&desk, &caller, "today"),
        day,
        is_today: day == today,
        now,
        attention,
        pauses,
        chart: DayChart::of(&timeline.slots, &within, caller.zone, now),
        timeline,
        refused,
    })
}

impl Today {
    fn title(&self) -> String {
        self.day.format("%A, %-d %B %Y").to_string()
    }

    /// This page's own path.
    fn here(&self) -> String {
        if self.is_today { "/".to_owned() } else { format!("/?day={}", self.day) }
    }

    fn before(&self) -> NaiveDate {
        self.day - TimeDelta::days(1)
    }

    fn after(&self) -> NaiveDate {
        self.day + TimeDelta::days(1)
    }

    /// Whether the daily routine has not succeeded for too long.
    fn routine_late(&self) -> bool {
        let within =
            self.attention.daily_routine_at.is_some_and(|at| at > self.now - provider::ROUTINE_WITHIN);
        self.is_today && !within
    }

    fn well(&self) -> bool {
        self.attention.items.is_empty() && !self.routine_late()
    }

    fn executions(&self) -> String {
        let counts: Vec<String> = self
            .attention
            .executions
            .iter()
            .map(|(status, count)| format!("{count} {}", view::status(status)))
            .collect();
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
    }

    fn matches(&self) -> (i64, i64) {
        self.timeline.slots.iter().fold((0, 0), |(all, ended), slot| (all + slot.matches, ended + slot.ended))
    }

    /// How many of the day's matches are not in the table of kickoffs.
    fn left_out(&self) -> i64 {
        self.timeline.matches - self.timeline.kickoffs.iter().map(|kickoff| kickoff.matches).sum::<i64>()
    }
}
