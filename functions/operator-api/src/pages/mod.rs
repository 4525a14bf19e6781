//! The pages: rendered on the server, usable without JavaScript, and refreshed by a script during a run.

mod actions;
mod attention;
mod bracket;
mod checks;
mod correction;
mod correction_form;
mod create;
mod day_chart;
mod download;
mod executions;
mod matches;
mod search;
mod sign_in;
mod time_zone;
mod today;
mod tournament;
mod tournaments;
mod trends;
mod view;

use std::fmt;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::request::wants_page;
use crate::zone::{Moment, SECOND, Zone};

const SCRIPT: &str = include_str!("../../assets/desk.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// The public routes: the sign-in page, and the pages' stylesheet and script.
pub(crate) fn open() -> Router<Arc<Desk>> {
    let asset = |kind: &'static str, text: &'static str| {
        get(move || {
            let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")];
            std::future::ready((headers, text))
        })
    };
    Router::new()
        .route("/assets/desk.css", asset("text/css; charset=utf-8", shared::style::STYLESHEET))
        .route("/assets/desk.js", asset("text/javascript; charset=utf-8", SCRIPT))
        .route("/assets/icon.svg", asset("image/svg+xml", ICON))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
}

/// The routes that need credentials.
pub(crate) fn guarded() -> Router<Arc<Desk>> {
    Router::new()
        .route("/", get(today::show))
        .route("/executions", get(executions::list))
        .route("/audit", get(executions::audit))
        .route("/checks", get(checks::list))
        .route("/trends", get(trends::show))
        .route("/search", get(search::show))
        .route("/time-zone", get(time_zone::show).post(time_zone::choose))
        .route("/executions.csv", get(download::executions))
        .route("/executions/{id}", get(executions::show))
        .route("/tournaments", get(tournaments::list).post(create::create))
        .route("/tournaments/new", get(create::show))
        .route("/tournaments/{id}", get(tournament::overview))
        .route("/tournaments/{id}/matches", get(tournament::matches))
        .route("/tournaments/{id}/table", get(tournament::table))
        .route("/tournaments/{id}/bracket", get(tournament::bracket))
        .route("/tournaments/{id}/checks", get(tournament::checks))
        .route("/tournaments/{id}/executions", get(tournament::executions))
        .route("/tournaments/{id}/table.csv", get(download::table))
        .route("/tournaments/{id}/matches.csv", get(download::matches))
        .route("/tournaments/{id}/history", get(tournament::history))
        .route("/tournaments/{id}/sources", get(tournament::sources))
        .route("/matches/{id}", get(matches::show))
        .route("/actions/{action}", post(actions::act))
        .route("/sign-out", post(sign_in::sign_out))
}

/// The values that the layout of every page shows.
pub(crate) struct Shell {
    base: String,
    environment: String,
    caller: String,
    here: &'static str,
    zone: Zone,
    now: DateTime<Utc>,
}

impl Shell {
    fn of(desk: &Desk, caller: &Caller, here: &'static str) -> Self {
        let (base, environment) = (desk.base.clone(), desk.app.config.environment.clone());
        let now = desk.clock.now();
        Self { base, environment, caller: caller.name.clone(), here, zone: caller.zone, now }
    }

    /// `aria-current` of a link.
    fn current(&self, page: &str) -> &'static str {
        if self.here == page { "page" } else { "false" }
    }

    /// The person's name, without the page as the way they came.
    fn person(&self) -> &str {
        self.caller.strip_suffix(" (page)").unwrap_or(&self.caller)
    }

    /// `2 Mar 2024, 15:00` in the person's time zone.
    fn at(&self, at: &DateTime<Utc>) -> Moment {
        self.zone.moment(*at)
    }

    /// The same, or a dash.
    fn maybe(&self, at: &Option<DateTime<Utc>>) -> MaybeMoment {
        MaybeMoment(at.map(|at| self.zone.moment(at)))
    }

    /// `15:00` in the person's time zone.
    fn time(&self, at: &DateTime<Utc>) -> Moment {
        self.zone.formatted(*at, "%H:%M")
    }

    /// `2 Mar 2024, 15:00:12` in the person's time zone.
    fn second(&self, at: &DateTime<Utc>) -> Moment {
        self.zone.formatted(*at, SECOND)
    }
}

/// A moment, or a dash.
struct MaybeMoment(Option<Moment>);

impl fmt::Display for MaybeMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(moment) => moment.fmt(f),
            None => f.write_str("–"),
        }
    }
}

impl askama::filters::HtmlSafe for MaybeMoment {}

fn page(template: &impl Template) -> Result<Response, Problem> {
    with_status(StatusCode::OK, template)
}

fn with_status(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    match template.render() {
        Ok(html) => Ok((status, Html(html)).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The page could not be rendered."))
        }
    }
}

/// Renders a problem as a page where the request wants one: outside the API a person reads it.
pub(crate) async fn for_browsers(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let page = wants_page(request.uri().path(), request.headers());
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if page => self::problem(&desk.base, problem),
        _ => response,
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    base: &'a str,
    problem: &'a Problem,
}

/// A problem, for a person.
fn problem(base: &str, problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match (ProblemPage { base, problem }).render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (status, problem.detail.clone()).into_response(),
    };
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
