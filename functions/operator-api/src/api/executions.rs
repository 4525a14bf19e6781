//! Executions: past and running ones, and retrying failed ones.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::work::ExecutionStatus;
use utoipa::{IntoParams, ToSchema};

use super::{List, accepted};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::{Problem, Refusals};
use crate::read::executions::{self, Execution};
use crate::read::listing::{ExecutionsListed, cursor_of, execution_filter, no_execution};
use crate::request::{self, Asked, Id};
use crate::work::{self, Accepted};
use crate::zone::Zone;

/// How long a link to a report is valid after it was created.
const REPORT_LINK: Duration = Duration::from_secs(120);

/// Executions, newest first.
#[utoipa::path(get, path = "/executions", tag = "executions", params(ExecutionsListed),
    responses((status = 200, body = List<Execution>), Refusals))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Asked(asked): Asked<ExecutionsListed>,
) -> Result<Json<List<Execution>>, Problem> {
    let filter = execution_filter(&asked, Zone::UTC, desk.clock.now())?;
    let limit = request::limit(asked.limit)?;
    let client = desk.services().await?.store.client().await?;
    let page = executions::list(&*client, &filter, limit).await?;
    let next = page.rows.last().filter(|_| page.more).map(cursor_of);
    Ok(Json(List { items: page.rows, next }))
}

/// An execution and those of the same delivery: what a creation or an update of scores does, step by step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Progress {
    #[serde(flatten)]
    execution: Execution,
    /// Whether anything of it is still going on or to come.
    running: bool,
    /// The executions of the same delivery, in order, this one among them.
    steps: Vec<Execution>,
}

/// One execution, as it stands now.
#[utoipa::path(get, path = "/executions/{id}", tag = "executions", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Progress), Refusals))]
pub(super) async fn get(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Json<Progress>, Problem> {
    let client = desk.services().await?.store.client().await?;
    let steps = executions::with_steps(&*client, id).await?;
    let execution = steps.iter().find(|step| step.id == id).cloned().ok_or_else(no_execution)?;
    Ok(Json(Progress { running: executions::goes_on(&steps, desk.clock.now()), execution, steps }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Format {
    /// `html`, `json` or `md`.
    #[param(pattern = "^(html|json|md)$")]
    format: Option<String>,
}

/// Leads to an execution's report. This link stays; where it leads is valid for two minutes.
#[utoipa::path(get, path = "/executions/{id}/report", tag = "executions", params(("id" = uuid::Uuid, Path), Format),
    responses((status = 302, description = "The report", headers(("location" = String))), Refusals))]
pub(super) async fn report(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Asked(asked): Asked<Format>,
) -> Result<Response, Problem> {
    let (ending, kind) = match asked.format.as_deref() {
        None | Some("html") => ("html", "text/html; charset=utf-8"),
        Some("json") => ("json", "application/json"),
        Some("md") => ("md", "text/plain; charset=utf-8"),
        Some(_) => return Err(Problem::field(StatusCode::BAD_REQUEST, "format", "must be html, json or md")),
    };
    let services = desk.services().await?;
    let client = services.store.client().await?;
    let execution = executions::find(&*client, id).await?.ok_or_else(no_execution)?;
    drop(client);
    let Some(key) = execution.report_key else {
        let detail = match execution.status() {
            Some(ExecutionStatus::InProgress) => {
                "The execution is still running: its report comes when it ends."
            }
            _ => "The execution left no report; its summary says what it did.",
        };
        return Err(Problem::not_found(detail).about(id));
    };
    let key = format!("{}.{ending}", key.trim_end_matches(".html"));
    // The link would lead to an error of S3's own, in XML.
    if !services.objects.exists(&key).await? {
        let detail = "The report is no longer on S3: reports are kept for a time that the deployment sets.";
        return Err(Problem::not_found(detail).about(id));
    }
    let url = services.objects.presigned(&key, kind, REPORT_LINK).await?;
    Ok((StatusCode::FOUND, [("location", url)]).into_response())
}

/// Does a failed execution again, under its own key. What went in before stays.
#[utoipa::path(post, path = "/executions/{id}/retry", tag = "executions", params(("id" = uuid::Uuid, Path)),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn retry(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
) -> Result<Response, Problem> {
    Ok(accepted(work::retry(&desk, &caller, id).await?))
}
