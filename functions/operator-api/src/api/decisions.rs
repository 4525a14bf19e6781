//! What an operator decides beside the provider: corrections and locks, pauses, acknowledgements.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::store::pauses;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::{Problem, Refusals};
use crate::request::{Body, Id};
use crate::work::acknowledge::{Acknowledge, acknowledge};
use crate::work::correct::{self, CorrectMatch, CorrectionView};
use crate::work::pause;

/// Why something is decided.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Why {
    /// For those who ask later.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// What is paused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PauseView {
    /// The tournament; none: everything.
    tournament_id: Option<Uuid>,
    /// Its label.
    label: Option<String>,
    /// Since when.
    at: DateTime<Utc>,
    /// Who paused it.
    by: String,
    /// Why; may be empty.
    note: String,
}

/// Corrects a match by hand and locks it against the provider, or says what would follow (`dryRun`).
#[utoipa::path(post, path = "/matches/{id}/correction", tag = "matches", params(("id" = Uuid, Path)),
    request_body = CorrectMatch, operation_id = "correct_match",
    responses((status = 200, body = CorrectionView), Refusals))]
pub(super) async fn correct(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    Body(asked): Body<CorrectMatch>,
) -> Result<Json<CorrectionView>, Problem> {
    Ok(Json(match asked.dry_run {
        true => correct::preview(&desk, id, &asked).await?,
        false => correct::correct_match(&desk, &caller, id, &asked).await?,
    }))
}

/// Unlocks a match: it becomes what the provider last said, and its round is read again.
#[utoipa::path(delete, path = "/matches/{id}/lock", tag = "matches", params(("id" = Uuid, Path)),
    operation_id = "unlock_match", responses((status = 200, body = CorrectionView), Refusals))]
pub(super) async fn unlock(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
) -> Result<Json<CorrectionView>, Problem> {
    Ok(Json(correct::unlock_match(&desk, &caller, id, None).await?))
}

/// What is paused, everything first.
#[utoipa::path(get, path = "/pauses", tag = "pauses", operation_id = "pauses",
    responses((status = 200, body = Vec<PauseView>), Refusals))]
pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Result<Json<Vec<PauseView>>, Problem> {
    paused(&desk).await
}

async fn paused(desk: &Desk) -> Result<Json<Vec<PauseView>>, Problem> {
    let client = desk.services().await?.store.client().await?;
    let view = |pause: pauses::Pause| PauseView {
        tournament_id: pause.tournament_id,
        label: pause.label,
        at: pause.paused_at,
        by: pause.paused_by,
        note: pause.note,
    };
    Ok(Json(pauses::list(&*client).await?.into_iter().map(view).collect()))
}

/// Pauses everything: checks that are due stay open and are not worked on.
#[utoipa::path(post, path = "/pause", tag = "pauses", request_body = Option<Why>, operation_id = "pause_everything",
    responses((status = 200, body = Vec<PauseView>), Refusals))]
pub(super) async fn pause_all(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Body(why): Body<Option<Why>>,
) -> Result<Json<Vec<PauseView>>, Problem> {
    pause::pause(&desk, &caller, None, why.unwrap_or_default().note.as_deref()).await?;
    paused(&desk).await
}

/// Ends the pause of everything. Tournaments that are paused by themselves stay so.
#[utoipa::path(delete, path = "/pause", tag = "pauses", operation_id = "resume_everything",
    responses((status = 200, body = Vec<PauseView>), Refusals))]
pub(super) async fn resume_all(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
) -> Result<Json<Vec<PauseView>>, Problem> {
    pause::resume(&desk, &caller, None, None).await?;
    paused(&desk).await
}

/// Pauses one tournament.
#[utoipa::path(post, path = "/tournaments/{id}/pause", tag = "pauses", params(("id" = Uuid, Path)),
    request_body = Option<Why>, operation_id = "pause_tournament",
    responses((status = 200, body = Vec<PauseView>), Refusals))]
pub(super) async fn pause_one(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    Body(why): Body<Option<Why>>,
) -> Result<Json<Vec<PauseView>>, Problem> {
    pause::pause(&desk, &caller, Some(id), why.unwrap_or_default().note.as_deref()).await?;
    paused(&desk).await
}

/// Ends the pause of one tournament. While everything is paused, it still is.
#[utoipa::path(delete, path = "/tournaments/{id}/pause", tag = "pauses", params(("id" = Uuid, Path)),
    operation_id = "resume_tournament", responses((status = 200, body = Vec<PauseView>), Refusals))]
pub(super) async fn resume_one(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
) -> Result<Json<Vec<PauseView>>, Problem> {
    pause::resume(&desk, &caller, Some(id), None).await?;
    paused(&desk).await
}

/// Acknowledges something that needs a person: it is listed no longer, until it changes.
#[utoipa::path(post, path = "/acknowledgements", tag = "today", request_body = Acknowledge,
    operation_id = "acknowledge", responses((status = 204), Refusals))]
pub(super) async fn acknowledged(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Body(asked): Body<Acknowledge>,
) -> Result<StatusCode, Problem> {
    acknowledge(&desk, &caller, &asked).await?;
    Ok(StatusCode::NO_CONTENT)
}
