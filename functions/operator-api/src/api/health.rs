//! Whether the pipeline is well. Anyone may ask whether it is up; what is wrong is for those with the token.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::store::desk::provider;

use crate::{Desk, Problem};

/// A daily routine ends well at least this often.
const ROUTINE_WITHIN: TimeDelta = TimeDelta::hours(26);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// `up` or `down`.
    status: &'static str,
    #[serde(flatten)]
    known: Option<Known>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    database: Part,
    daily_routine: Part,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    well: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
}

/// 200 while the database answers and the daily routine has run, where a tournament wants it; else 503.
pub(crate) async fn health(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let caller = match desk.access.caller(&desk, &parts).await {
        Ok(caller) => caller,
        // Without a secret there are no tokens either: it is down, and anyone may know.
        Err(problem) if problem.status == 503 => None,
        Err(problem) => return problem.into_response(),
    };
    let began = Instant::now();
    let routine: Result<_, Problem> = async {
        let client = desk.services().await?.store.client().await?;
        Ok(provider::daily_routine(&*client).await?)
    }
    .await;
    let database = match &routine {
        Ok(_) => Part {
            well: true,
            detail: format!("answered within {} ms", began.elapsed().as_millis()),
            at: None,
        },
        Err(problem) => Part { well: false, detail: problem.detail.clone(), at: None },
    };
    let (at, wanted_since) = routine.unwrap_or_default();
    let since = desk.clock.now() - ROUTINE_WITHIN;
    let recent = at.is_some_and(|at| at > since);
    // Nothing is late in a deployment that has no tournament yet, or had its first one today.
    let late = wanted_since.is_some_and(|wanted| wanted <= since) && !recent;
    let daily_routine = Part {
        well: !late,
        detail: match (recent, late, at.is_some()) {
            (true, ..) => "ended well within 26 hours".to_owned(),
            (_, true, true) => "has not ended well for 26 hours: see its executions, or run it".to_owned(),
            (_, true, false) => "has never ended well: see its executions, or run it".to_owned(),
            (..) => "no tournament has waited for it for 26 hours".to_owned(),
        },
        at,
    };
    let well = database.well && daily_routine.well;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let known = caller.map(|_| Known { database, daily_routine });
    (status, Json(Health { status: if well { "up" } else { "down" }, known })).into_response()
}
