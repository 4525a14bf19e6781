//! Matches, and the history of what happened to them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::List;
use crate::desk::Desk;
use crate::problem::{Problem, Refusals};
use crate::read::history::{self, HistoryEntry, Of};
use crate::read::listing::{found, no_match};
use crate::read::matches::{self, MatchView};
use crate::request::{self, Asked, Id};

/// Which page of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryListed {
    /// How many, 1 to 200 (50).
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// One match.
#[utoipa::path(get, path = "/matches/{id}", tag = "matches", params(("id" = uuid::Uuid, Path)),
    operation_id = "get_match", responses((status = 200, body = MatchView), Refusals))]
pub(super) async fn get(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Json<MatchView>, Problem> {
    let client = desk.services().await?.store.client().await?;
    Ok(Json(matches::find(&*client, id).await?.ok_or_else(no_match)?))
}

/// What changed of a match, and which readings were rejected, the latest first.
#[utoipa::path(get, path = "/matches/{id}/history", tag = "matches", params(("id" = uuid::Uuid, Path), HistoryListed),
    operation_id = "get_match_history", responses((status = 200, body = List<HistoryEntry>), Refusals))]
pub(super) async fn of_match(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Asked(asked): Asked<HistoryListed>,
) -> Result<Json<List<HistoryEntry>>, Problem> {
    let client = desk.services().await?.store.client().await?;
    matches::find(&*client, id).await?.ok_or_else(no_match)?;
    drop(client);
    page(&desk, Of::Match(id), &asked).await
}

/// What changed of a tournament's matches, table and bracket, and which readings were rejected, the latest first.
#[utoipa::path(get, path = "/tournaments/{id}/history", tag = "tournaments",
    params(("id" = uuid::Uuid, Path), HistoryListed), operation_id = "get_tournament_history",
    responses((status = 200, body = List<HistoryEntry>), Refusals))]
pub(super) async fn of_tournament(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Asked(asked): Asked<HistoryListed>,
) -> Result<Json<List<HistoryEntry>>, Problem> {
    found(&desk, id).await?;
    page(&desk, Of::Tournament(id), &asked).await
}

async fn page(desk: &Desk, of: Of, asked: &HistoryListed) -> Result<Json<List<HistoryEntry>>, Problem> {
    let limit = request::limit(asked.limit)?;
    let before = asked.cursor.as_deref().map(str::parse).transpose();
    let remedy = "must be `next` of an earlier page";
    let before = before.map_err(|_| Problem::field(StatusCode::BAD_REQUEST, "cursor", remedy))?;
    let client = desk.services().await?.store.client().await?;
    let found = history::list(&*client, of, before, limit).await?;
    let next = found.next().map(|entry| entry.to_string());
    Ok(Json(List { items: found.rows, next }))
}
