//! Filters and cursors of lists, read and validated.

use std::ops::Range;

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use football::domain::TournamentStatus;
use football::plan::checks::CheckKind;
use serde::Deserialize;
use shared::work::ExecutionStatus;
use utoipa::IntoParams;
use uuid::Uuid;

use super::checks::{self, CheckLine};
use super::executions::{Execution, Filter};
use super::provider::{self, ProvidersState};
use super::tournaments::{self, TournamentView};
use crate::desk::Desk;
use crate::problem::Problem;
use crate::request;
use crate::zone::Zone;

pub(crate) fn no_tournament() -> Problem {
    Problem::not_found("There is no such tournament, or it is deleted.")
}

/// The tournament with this id; a 404 problem if there is none.
pub(crate) async fn found(desk: &Desk, id: Uuid) -> Result<TournamentView, Problem> {
    let client = desk.services().await?.store.client().await?;
    tournaments::find(&*client, id, desk.clock.now()).await?.ok_or_else(no_tournament)
}

pub(crate) fn no_match() -> Problem {
    Problem::not_found("There is no such match.")
}

pub(crate) fn no_execution() -> Problem {
    Problem::not_found("There is no such execution.")
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExecutionsListed {
    /// `in_progress`, `completed`, `partial_failure` or `failed`; several with commas between them.
    #[param(
        pattern = "^(in_progress|completed|partial_failure|failed)(,(in_progress|completed|partial_failure|failed))*$"
    )]
    pub status: Option<String>,
    /// `matches_update` and the like.
    #[param(pattern = "^[a-z_]{1,40}$")]
    pub operation: Option<String>,
    /// A tournament's id.
    #[param(value_type = Option<uuid::Uuid>)]
    pub tournament: Option<String>,
    /// The day they began, UTC.
    #[param(value_type = Option<chrono::NaiveDate>)]
    pub day: Option<String>,
    /// The first day they began, UTC.
    #[param(value_type = Option<chrono::NaiveDate>)]
    pub from: Option<String>,
    /// The last day they began, UTC.
    #[param(value_type = Option<chrono::NaiveDate>)]
    pub to: Option<String>,
    /// A text that tournament, key, person or summary (results, errors, warnings) must hold. Without days, the last 31 are
    /// searched.
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// `true`: those that a person asked for.
    #[serde(rename = "byHand")]
    pub by_hand: Option<bool>,
    /// A text that the name of the person must hold.
    #[param(max_length = 200)]
    pub by: Option<String>,
    /// How many, 1 to 200 (50).
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[0-9]{1,16}~[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")]
    pub cursor: Option<String>,
}

/// How far back a text is looked for where no day is given, in days.
pub(crate) const SEARCHED_DAYS: i64 = 31;

/// The time between two days, both included, as a list's filters name them; one alone is open on the other side.
fn days(
    (from, to): (&Option<String>, &Option<String>),
    zone: Zone,
) -> Result<Option<Range<DateTime<Utc>>>, Problem> {
    let (from, to) = (request::day("from", from.as_deref())?, request::day("to", to.as_deref())?);
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let first = from.or(NaiveDate::from_ymd_opt(2000, 1, 1)).unwrap_or(NaiveDate::MIN);
    let last = to.or(NaiveDate::from_ymd_opt(9999, 12, 30)).unwrap_or(NaiveDate::MAX);
    if first > last {
        return Err(Problem::field(StatusCode::BAD_REQUEST, "to", "must not be before `from`"));
    }
    Ok(Some(zone.days(first, last)))
}

/// Reads a cursor: the moment and the id of the last row of the page before.
fn cursor(text: Option<&str>) -> Result<Option<(DateTime<Utc>, Uuid)>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let read = text.split_once('~').and_then(|(at, id)| {
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        let at = Some(at).filter(|at| (1..10_000).contains(&chrono::Datelike::year(at)))?;
        Some((at, shared::event::uuid(id)?))
    });
    let wrong = || Problem::field(StatusCode::BAD_REQUEST, "cursor", "must be `next` of an earlier page");
    Ok(Some(read.ok_or_else(wrong)?))
}

/// The cursor of the page that begins after a row.
fn cursor_after(at: DateTime<Utc>, id: Uuid) -> String {
    format!("{}~{id}", at.timestamp_micros())
}

/// Reads the filters of a list of executions. Days are those of `zone`.
pub(crate) fn execution_filter(
    asked: &ExecutionsListed,
    zone: Zone,
    now: DateTime<Utc>,
) -> Result<Filter<'_>, Problem> {
    let wrong = |field, remedy| Problem::field(StatusCode::BAD_REQUEST, field, remedy);
    let statuses = asked.status.iter().flat_map(|text| text.split(',')).map(str::parse::<ExecutionStatus>);
    let statuses: Vec<ExecutionStatus> = statuses.collect::<Result<_, _>>().map_err(|_| {
        wrong("status", "must be in_progress, completed, partial_failure or failed, or several with commas")
    })?;
    let tournament = match asked.tournament.as_deref() {
        None => None,
        Some(id) => Some(shared::event::uuid(id).ok_or_else(|| wrong("tournament", "must be a UUID"))?),
    };
    let after = cursor(asked.cursor.as_deref())?;
    let operation = asked.operation.as_deref();
    let may_be = |name: &str| {
        (1..=40).contains(&name.len()) && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    if operation.is_some_and(|name| !may_be(name)) {
        return Err(wrong("operation", "must be matches_update or the like"));
    }
    let by = asked.by.as_deref().filter(|by| !by.is_empty());
    if by.is_some_and(|by| by.chars().count() > 200 || by.contains('\0')) {
        return Err(wrong("by", "must be at most 200 characters"));
    }
    let by_hand = asked.by_hand.unwrap_or_default();
    let text = asked.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > 200 || text.contains('\0')) {
        return Err(wrong("q", "must be at most 200 characters"));
    }
    let mut within = match request::day("day", asked.day.as_deref())? {
        Some(day) => Some(zone.days(day, day)),
        None => days((&asked.from, &asked.to), zone)?,
    };
    if text.is_some() && within.is_none() {
        within = Some(now - TimeDelta::days(SEARCHED_DAYS)..now + TimeDelta::days(1));
    }
    Ok(Filter { statuses, operation, tournament, within, text, by_hand, by, after })
}

/// Which checks to list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ChecksListed {
    /// `over`: those that are over; otherwise those that are still to be made.
    pub(crate) show: Option<String>,
    /// The kind.
    pub(crate) kind: Option<String>,
    /// The first and the last day on which they are due.
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// A tournament's id.
    pub(crate) tournament: Option<String>,
    /// Where to go on: that of the page before.
    pub(crate) cursor: Option<String>,
}

/// Reads the filters of a list of checks. Days are those of `zone`.
pub(crate) fn check_filter(asked: &ChecksListed, zone: Zone) -> Result<checks::Filter, Problem> {
    let wrong = |field, remedy| Problem::field(StatusCode::BAD_REQUEST, field, remedy);
    let tournament = match asked.tournament.as_deref() {
        None => None,
        Some(id) => Some(shared::event::uuid(id).ok_or_else(|| wrong("tournament", "must be a UUID"))?),
    };
    let kind = asked.kind.as_deref().map(str::parse::<CheckKind>).transpose();
    Ok(checks::Filter {
        tournament,
        over: asked.show.as_deref() == Some("over"),
        kind: kind.map_err(|_| wrong("kind", "must be the kind of a check"))?,
        within: days((&asked.from, &asked.to), zone)?,
        after: cursor(asked.cursor.as_deref())?,
    })
}

/// The cursor of the page that begins after an execution.
pub(crate) fn cursor_of(last: &Execution) -> String {
    cursor_after(last.started_at, last.id)
}

/// The cursor of the page that begins after a check.
pub(crate) fn check_cursor_of(last: &CheckLine) -> String {
    cursor_after(last.check.at, last.id)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TournamentsListed {
    /// `active`, `completed`, `upcoming` or `cancelled`.
    #[param(value_type = Option<TournamentStatus>)]
    pub status: Option<String>,
    /// A text that label or slug must hold.
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// How many, 1 to 200 (50).
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}~[^\\x00]*$")]
    pub cursor: Option<String>,
}

/// Reads the filters of a list of tournaments, and lists them.
pub(crate) async fn listed_tournaments(
    desk: &Desk,
    asked: &TournamentsListed,
) -> Result<(Vec<TournamentView>, Option<String>), Problem> {
    let status = asked.status.as_deref();
    if status.is_some_and(|status| status.parse::<TournamentStatus>().is_err()) {
        return Err(Problem::field(
            StatusCode::BAD_REQUEST,
            "status",
            "must be active, completed, upcoming or cancelled",
        ));
    }
    let after = match asked.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let read = cursor.split_once('~').and_then(|(id, label)| Some((label, shared::event::uuid(id)?)));
            let read = read.filter(|(label, _): &(&str, Uuid)| !label.contains('\0'));
            Some(read.ok_or_else(|| {
                Problem::field(StatusCode::BAD_REQUEST, "cursor", "must be `next` of an earlier page")
            })?)
        }
    };
    let text = request::search(asked.q.as_deref())?;
    let filter = tournaments::Filter { status, text: text.as_deref(), after };
    let limit = request::limit(asked.limit)?;
    let client = desk.services().await?.store.client().await?;
    let page = tournaments::list(&*client, &filter, limit, desk.clock.now()).await?;
    let next = page.rows.last().filter(|_| page.more).map(|last| format!("{}~{}", last.id, last.label));
    Ok((page.rows, next))
}

/// The providers' state.
pub(crate) async fn provider_state(desk: &Desk) -> Result<ProvidersState, Problem> {
    let client = desk.services().await?.store.client().await?;
    Ok(provider::state(&*client, desk.clock.now().date_naive()).await?)
}
