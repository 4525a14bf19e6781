//! Whether the pipeline works. Anyone may see whether it is up; the details need the token.

use std::sync::Arc;
use std::time::Instant;

use crate::read::provider::{self, BrowserUse};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::desk::Desk;
use crate::problem::Problem;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// `up` or `down`.
    status: &'static str,
    /// Why nobody can sign in, where nobody can: the pipeline works all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    desk_closed: Option<&'static str>,
    #[serde(flatten)]
    known: Option<Known>,
}

/// Whether the deployed code runs.
#[derive(Debug, Serialize, ToSchema)]
struct Live {
    /// `up` or `down`.
    status: &'static str,
}

/// What those with the token are told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Known {
    /// The deployed version.
    version: &'static str,
    /// Whether it answers.
    database: Part,
    /// Whether it ends well, day by day.
    daily_routine: Part,
    /// How it fared when it was last needed; it does not decide about `status`: the next run may do better.
    browser: Part,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Part {
    /// Whether it is as it must be.
    well: bool,
    /// What is known, and what to do.
    detail: String,
    /// Of when that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    /// What it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<i64>,
    /// The execution that told.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_id: Option<Uuid>,
}

impl Part {
    fn new(well: bool, detail: impl Into<String>) -> Self {
        Self { well, detail: detail.into(), at: None, took_ms: None, execution_id: None }
    }
}

/// Whether the pipeline is well: 200 while the database answers and the daily routine has run, where a tournament wants
/// it; else 503. Anyone may ask; what is wrong is for those with the token.
#[utoipa::path(get, path = "/api/v2/data-provider/health", tag = "health", security((), ("token" = []), ("bearer" = [])),
    responses(
        (status = 200, description = "It is up", body = Health),
        (status = 401, description = "A credential that is not valid", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failed tries", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "It is down", body = Health)))]
pub(crate) async fn health(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let caller = match desk.access.caller(&desk.app, desk.clock.now(), &parts).await {
        Ok(caller) => caller,
        // Without the secret no token can be checked. That the pipeline is down is public anyway.
        Err(problem) if problem.status == 503 => None,
        Err(problem) => return problem.into_response(),
    };
    let began = Instant::now();
    let read: Result<_, Problem> = async {
        let client = desk.services().await?.store.client().await?;
        let routine = provider::daily_routine(&*client).await?;
        // Shown only to callers with the token, so read only for them.
        let browser = if caller.is_some() { provider::browser(&*client).await? } else { None };
        Ok((routine, browser))
    }
    .await;
    let database = match &read {
        Ok(_) => {
            Part { took_ms: i64::try_from(began.elapsed().as_millis()).ok(), ..Part::new(true, "answers") }
        }
        Err(problem) => Part::new(false, problem.detail.clone()),
    };
    let ((ended_at, wanted_since), browser) = read.unwrap_or_default();
    let daily_routine = routine_of(ended_at, wanted_since, desk.clock.now() - provider::ROUTINE_WITHIN);
    let well = database.well && daily_routine.well;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let version = env!("CARGO_PKG_VERSION");
    let known = caller.map(|_| Known { version, database, daily_routine, browser: browser_of(browser) });
    let desk_closed = desk.access.closed_because(&desk.app).await;
    (status, Json(Health { status: if well { "up" } else { "down" }, desk_closed, known })).into_response()
}

/// Whether the deployed code runs and finds its tables: 200, or 503. What is late or refused does not matter here: a
/// deployment is judged by it.
#[utoipa::path(get, path = "/api/v2/data-provider/health/live", tag = "health", security(()),
    responses((status = 200, description = "It is live", body = Live), (status = 503, description = "It is not", body = Live)))]
pub(crate) async fn live(State(desk): State<Arc<Desk>>) -> Response {
    let answers: Result<_, Problem> = async {
        let client = desk.services().await?.store.client().await?;
        Ok(provider::daily_routine(&*client).await?)
    }
    .await;
    let (status, word) = match answers {
        Ok(_) => (StatusCode::OK, "up"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    };
    (status, Json(Live { status: word })).into_response()
}

fn routine_of(
    ended_at: Option<DateTime<Utc>>,
    wanted_since: Option<DateTime<Utc>>,
    since: DateTime<Utc>,
) -> Part {
    let recent = ended_at.is_some_and(|at| at > since);
    // Nothing is late in a deployment that has no tournament yet, or had its first one today.
    let late = wanted_since.is_some_and(|wanted| wanted <= since) && !recent;
    let detail = match (recent, late, ended_at.is_some()) {
        (true, ..) => "ended well within 26 hours",
        (_, true, true) => "has not ended well for 26 hours: see its executions, or run it",
        (_, true, false) => "has never ended well: see its executions, or run it",
        (..) => "no tournament has waited for it for 26 hours",
    };
    Part { at: ended_at, ..Part::new(!late, detail) }
}

fn browser_of(used: Option<BrowserUse>) -> Part {
    let Some(used) = used else { return Part::new(true, "no execution has needed it yet") };
    let detail = if used.failed {
        "did not start, or died, the last time it was needed: see the execution"
    } else {
        "started the last time it was needed"
    };
    Part {
        at: used.at,
        took_ms: used.start_ms,
        execution_id: Some(used.execution),
        ..Part::new(!used.failed, detail)
    }
}
