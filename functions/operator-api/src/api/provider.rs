//! The provider: the state of its circuit, and the number of requests today.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::{Problem, Refusals};
use crate::read::listing::provider_state;
use crate::read::provider::ProvidersState;
use crate::work::edit::close_circuit;

/// Whether the providers are asked at all, and how much they were asked today.
#[utoipa::path(get, path = "/provider", tag = "provider", operation_id = "provider",
    responses((status = 200, body = ProvidersState), Refusals))]
pub(super) async fn get(State(desk): State<Arc<Desk>>) -> Result<Json<ProvidersState>, Problem> {
    Ok(Json(provider_state(&desk).await?))
}

/// Lets every provider be asked again at once, though one refused.
#[utoipa::path(post, path = "/provider/reset", tag = "provider", responses((status = 200, body = ProvidersState), Refusals))]
pub(super) async fn reset(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
) -> Result<Json<ProvidersState>, Problem> {
    close_circuit(&desk, &caller).await?;
    Ok(Json(provider_state(&desk).await?))
}
