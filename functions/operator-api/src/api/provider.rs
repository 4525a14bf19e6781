//! The provider: whether it is asked at all, and how much it was asked today.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::json;
use shared::journal::Facts;
use shared::provider::sofascore::PROVIDER;
use shared::store::desk::provider::{self, ProviderState};
use shared::store::executions::{self, Change};
use shared::store::{StoreError, circuit};
use shared::summary::Summary;
use shared::work::Operation;

use crate::access::Caller;
use crate::problem::Refusals;
use crate::{Desk, Problem};

/// The provider's state.
pub(crate) async fn state(desk: &Desk) -> Result<ProviderState, Problem> {
    let client = desk.services().await?.store.client().await?;
    Ok(provider::state(&*client, PROVIDER, desk.clock.now().date_naive()).await?)
}

/// Closes the circuit, and puts on record who asked for it.
pub(crate) async fn close_circuit(desk: &Desk, caller: &Caller) -> Result<bool, Problem> {
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction().await?;
    let was_open = circuit::close(&transaction, PROVIDER).await?;
    if was_open {
        let summary = Summary {
            provider: Some(PROVIDER.to_owned()),
            changes: Some(BTreeMap::from([("circuit".to_owned(), json!("closed"))])),
            facts: Facts { requested_by: Some(caller.name.clone()), ..Facts::default() },
            ..Summary::default()
        };
        let change = Change {
            operation: Operation::ProviderReset,
            tournament_id: None,
            requested_by: &caller.name,
            summary: &summary,
        };
        executions::record_change(&transaction, &change, desk.clock.now()).await?;
    }
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(was_open)
}

/// Whether the provider is asked at all, and how much it was asked today.
#[utoipa::path(get, path = "/provider", tag = "provider", operation_id = "provider",
    responses((status = 200, body = ProviderState), Refusals))]
pub(super) async fn get(State(desk): State<Arc<Desk>>) -> Result<Json<ProviderState>, Problem> {
    Ok(Json(state(&desk).await?))
}

/// Lets the provider be asked again at once, though it refused.
#[utoipa::path(post, path = "/provider/reset", tag = "provider", responses((status = 200, body = ProviderState), Refusals))]
pub(super) async fn reset(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
) -> Result<Json<ProviderState>, Problem> {
    close_circuit(&desk, &caller).await?;
    Ok(Json(state(&desk).await?))
}
