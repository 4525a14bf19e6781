//! Triggers: starting work by hand.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::response::Response;
use shared::event::Request as Work;

use super::{How, accepted};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::{Problem, Refusals};
use crate::request::{Body, Id, IdempotencyKey};
use crate::work::{self, Accepted, requests};

/// A trigger request: its caller, its idempotency key and its options.
pub(super) struct Asking {
    caller: Caller,
    key: Option<String>,
    how: How,
}

impl<S: Send + Sync> FromRequest<S> for Asking {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(&mut parts, state).await?;
        let Body(how): Body<Option<How>> =
            Body::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self { caller, key, how: how.unwrap_or_default() })
    }
}

impl Asking {
    async fn start(self, desk: &Desk, wanted: Work) -> Result<Response, Problem> {
        let Self { caller, key, how } = self;
        Ok(accepted(work::start(desk, &caller, wanted, how.dry_run, key.as_deref()).await?))
    }
}

/// Reads a round's scores; where its matches have ended, the table is computed too.
#[utoipa::path(post, path = "/tournaments/{id}/rounds/{round}/scores", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path), ("round" = String, Path, description = "The slug of a round"), super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn scores(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Path(path): Path<HashMap<String, String>>,
    asking: Asking,
) -> Result<Response, Problem> {
    let round = path.get("round").map(String::as_str).unwrap_or_default();
    asking.start(&desk, requests::scores(&desk, id, round).await?).await
}

/// Computes the tables anew from the stored matches.
#[utoipa::path(post, path = "/tournaments/{id}/standings", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path), super::Key), operation_id = "compute_standings",
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn standings(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    asking: Asking,
) -> Result<Response, Problem> {
    asking.start(&desk, requests::standings(&desk, id).await?).await
}

/// Looks for new knockout rounds and their matches, and draws the bracket anew.
#[utoipa::path(post, path = "/tournaments/{id}/knockouts", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path), super::Key), responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn knockouts(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    asking: Asking,
) -> Result<Response, Problem> {
    asking.start(&desk, requests::knockouts(&desk, id).await?).await
}

/// Brings a whole tournament up to date.
#[utoipa::path(post, path = "/tournaments/{id}/refresh", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path), super::Key), responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn refresh(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    asking: Asking,
) -> Result<Response, Problem> {
    asking.start(&desk, requests::refresh(&desk, id).await?).await
}

/// Runs the daily routine: today's kickoffs, dead executions, the schedules of two days.
#[utoipa::path(post, path = "/daily-routine", tag = "triggers", request_body = Option<How>, params(super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn daily_routine(
    State(desk): State<Arc<Desk>>,
    asking: Asking,
) -> Result<Response, Problem> {
    asking.start(&desk, Work::DailyRoutine { tournament_id: None, retry_since: None }).await
}
