//! Today: what needs a person, and the day's kickoffs with the state of their checks.

use std::sync::Arc;

use crate::read::attention::{self, Attention, Item, ItemKind};
use crate::read::provider;
use crate::read::today::{self, DayHour, Timeline};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;
use shared::store::pauses::{self, Pause};

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
    let today = now.date_naive();
    let day = request::day(of.day.as_deref())?.unwrap_or(today);
    let client = desk.services().await?.store.client().await?;
    let offsets = &desk.app.config.schedules.offsets;
    page(&Today {
        shell: Shell::of(&desk, &caller, "today"),
        day,
        is_today: day == today,
        now,
        attention: attention::attention(&*client, day, desk.has_bus(), now).await?,
        pauses: pauses::list(&*client).await?,
        timeline: today::timeline(&*client, day..day + TimeDelta::days(1), None, offsets, now).await?,
    })
}

impl Today {
    fn title(&self) -> String {
        self.day.format("%A, %-d %B %Y").to_string()
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

    fn routine(&self) -> String {
        self.attention.daily_routine_at.map_or_else(|| "never".to_owned(), view::moment)
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
        self.timeline.hours.iter().fold((0, 0), |(all, ended), hour| (all + hour.matches, ended + hour.ended))
    }

    /// How many more of the item's kind there are than shown; 0 except for the last one shown.
    fn more(&self, item: &Item) -> i64 {
        let of_kind = || self.attention.items.iter().filter(|other| other.kind == item.kind);
        if !of_kind().next_back().is_some_and(|last| std::ptr::eq(last, item)) {
            return 0;
        }
        item.total - i64::try_from(of_kind().count()).unwrap_or_default()
    }

    fn left_out(&self) -> i64 {
        self.timeline.total - i64::try_from(self.timeline.kickoffs.len()).unwrap_or_default()
    }
}

mod shown {
    //! Functions that the template calls with rows.

    use super::{DayHour, Item, ItemKind, view};

    /// The title of an item.
    pub(super) fn title(item: &Item) -> String {
        let label = item.label.as_deref().unwrap_or("all tournaments");
        let what = item.what.as_deref().unwrap_or_default();
        match item.kind {
            ItemKind::Circuit => {
                "The provider refused: nothing is asked of it until it is reset or its time is up".to_owned()
            }
            ItemKind::Failed => format!("{} failed: {label}", view::operation_name(what)),
            ItemKind::Stuck => format!("{} does not go on: {label}", view::operation_name(what)),
            ItemKind::Late => format!("A check is late: {what} of {label}"),
            ItemKind::Alarm => format!("No alarm is set for a check: {what} of {label}"),
            ItemKind::GivenUp => format!("A check is given up: {what} of {label}"),
            ItemKind::Correction => format!("A scored result changed: {what} ({label})"),
            ItemKind::Rejected => match item.detail.as_deref() {
                Some("locked") => {
                    format!("The provider says otherwise than the locked match: {what} ({label})")
                }
                _ => format!("The provider's word was not taken: {what} ({label})"),
            },
            ItemKind::Events => "Results are not on the event bus yet".to_owned(),
            ItemKind::Open => format!("Round {what} of {label} has matches that must have ended"),
            ItemKind::Partial => format!("{} failed in part: {label}", view::operation_name(what)),
            ItemKind::Drift => format!("The table of {label} differs from the provider's"),
        }
    }

    /// What to do about an item, in words.
    pub(super) fn remedy(item: &Item) -> &'static str {
        match item.kind {
            ItemKind::Circuit => "Wait, or reset it once you know that the provider may be asked again.",
            ItemKind::Failed => "Read why, then retry it.",
            ItemKind::Stuck => {
                "It is marked as failed by the next run of any function; run the daily routine to do so now."
            }
            ItemKind::Late => {
                "The next alarm of its function takes it; if none comes, look at the function's errors and Scheduler's."
            }
            ItemKind::Alarm => {
                "Run the daily routine: it sets what is missing. If it fails, Scheduler refuses."
            }
            ItemKind::GivenUp => "Read why. The daily routine plans what is still needed.",
            ItemKind::Correction => {
                "The application must score its members' guesses again. Acknowledge it when that is done."
            }
            ItemKind::Rejected => {
                "Look at the match: correct it if the provider is right, or acknowledge it."
            }
            ItemKind::Events => {
                "Every run tries again. If it stays, look at the bus and the functions' permission."
            }
            ItemKind::Open => "Read the round's scores again.",
            ItemKind::Partial => "What failed has its follow-up; look whether it is enough.",
            ItemKind::Drift => "Compare the rows; the tie-breaking rule may be another.",
        }
    }

    pub(super) fn tone_of(item: &Item) -> &'static str {
        match item.kind {
            ItemKind::Circuit
            | ItemKind::Failed
            | ItemKind::Alarm
            | ItemKind::Correction
            | ItemKind::GivenUp
            | ItemKind::Events => "bad",
            ItemKind::Stuck | ItemKind::Late | ItemKind::Open | ItemKind::Partial | ItemKind::Rejected => {
                "half"
            }
            ItemKind::Drift => "calm",
        }
    }

    pub(super) fn detail(item: &Item) -> String {
        match item.kind {
            ItemKind::Open => {
                format!("is the first kickoff; {} open", item.detail.as_deref().unwrap_or("some"))
            }
            ItemKind::Events => {
                format!("is the oldest of {}", item.detail.as_deref().unwrap_or("some"))
            }
            ItemKind::Rejected => view::rejected(item.detail.as_deref().unwrap_or_default()).to_owned(),
            _ => item.detail.clone().unwrap_or_default(),
        }
    }

    /// The page about an item.
    pub(super) fn path(item: &Item) -> Option<String> {
        let of_match = item.match_id.map(|id| format!("/matches/{id}"));
        let of_execution = item.execution.map(|id| format!("/executions/{id}"));
        let of_tournament = item.tournament.map(|id| format!("/tournaments/{id}"));
        of_match.or(of_execution).or(of_tournament)
    }

    /// Whether it can be acknowledged: it does not go away by itself when its reason does.
    pub(super) fn may_be_acknowledged(item: &Item) -> bool {
        !matches!(item.kind, ItemKind::Circuit | ItemKind::Stuck | ItemKind::Events)
    }

    /// Whether its execution can be sent again.
    pub(super) fn may_be_retried(item: &Item) -> bool {
        matches!(item.kind, ItemKind::Failed | ItemKind::Partial)
    }

    pub(super) fn since(item: &Item) -> String {
        item.at.map_or_else(String::new, view::moment)
    }

    pub(super) fn is(item: &Item, kind: &str) -> bool {
        match item.kind {
            ItemKind::Circuit => kind == "circuit",
            ItemKind::Late => kind == "late",
            ItemKind::Alarm => kind == "alarm",
            ItemKind::Open => kind == "open",
            _ => false,
        }
    }

    pub(super) fn count(hour: &DayHour, states: &[&str]) -> i64 {
        states.iter().filter_map(|state| hour.checks.get(*state)).sum()
    }
}
