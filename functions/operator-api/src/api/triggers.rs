//! Asking for work by hand.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::store::desk::tournaments::{self, TournamentView};
use shared::trigger::Trigger;
use uuid::Uuid;

use super::tournaments::no_tournament;
use super::{How, accepted};
use crate::access::Caller;
use crate::asking::{self, Accepted};
use crate::problem::Refusals;
use crate::request::{self, Body, Id, IdempotencyKey};
use crate::{Desk, Problem};

/// The tournament, if it is worked on: otherwise its function would do nothing.
async fn active(desk: &Desk, id: Uuid) -> Result<TournamentView, Problem> {
    let client = desk.services().await?.store.client().await?;
    let tournament = tournaments::find(&*client, id, desk.clock.now()).await?.ok_or_else(no_tournament)?;
    if tournament.status == "active" {
        return Ok(tournament);
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        format!(
            "{} is {}: only active tournaments are worked on. Set its status first.",
            tournament.label, tournament.status
        ),
    ))
}

/// The scores of a round, if there is such a round.
pub(crate) async fn scores_trigger(desk: &Desk, id: Uuid, round: &str) -> Result<Trigger, Problem> {
    active(desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    let rounds = tournaments::rounds(&*client, id).await?;
    if !rounds.iter().any(|known| known.slug == round) {
        return Err(Problem::field(
            StatusCode::NOT_FOUND,
            "round",
            "names no round of the tournament: see its rounds, or refresh it",
        ));
    }
    Ok(Trigger::scores(id, round))
}

/// The table, if the tournament has one.
pub(crate) async fn standings_trigger(desk: &Desk, id: Uuid) -> Result<Trigger, Problem> {
    let tournament = active(desk, id).await?;
    if tournament.mode == "knockout-only" {
        return Err(Problem::new(StatusCode::CONFLICT, format!("{} has no table.", tournament.label)));
    }
    Ok(Trigger::standings(id))
}

/// The knockout stage, if the tournament has one.
pub(crate) async fn knockouts_trigger(desk: &Desk, id: Uuid) -> Result<Trigger, Problem> {
    let tournament = active(desk, id).await?;
    if tournament.mode == "regular-season-only" {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!("{} has no knockout rounds.", tournament.label),
        ));
    }
    Ok(Trigger::knockouts(id))
}

/// Reads a round's scores; where its matches have ended, the table is computed too.
#[utoipa::path(post, path = "/tournaments/{id}/rounds/{round}/scores", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path), ("round" = String, Path, description = "The slug of a round"),
        super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn scores(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Path(path): Path<HashMap<String, String>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(how): Body<How>,
) -> Result<Response, Problem> {
    let round = request::text("round", path.get("round").map(String::as_str))?.unwrap_or_default();
    let trigger = scores_trigger(&desk, id, round).await?;
    Ok(accepted(asking::start(&desk, &caller, trigger, how.dry_run, key.as_deref()).await?))
}

/// Computes the tables anew from the stored matches.
#[utoipa::path(post, path = "/tournaments/{id}/standings", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path),
        super::Key),
    operation_id = "compute_standings", responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn standings(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(how): Body<How>,
) -> Result<Response, Problem> {
    let trigger = standings_trigger(&desk, id).await?;
    Ok(accepted(asking::start(&desk, &caller, trigger, how.dry_run, key.as_deref()).await?))
}

/// Looks for new knockout rounds and their matches, and draws the bracket anew.
#[utoipa::path(post, path = "/tournaments/{id}/knockouts", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path),
        super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn knockouts(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(how): Body<How>,
) -> Result<Response, Problem> {
    let trigger = knockouts_trigger(&desk, id).await?;
    Ok(accepted(asking::start(&desk, &caller, trigger, how.dry_run, key.as_deref()).await?))
}

/// Runs the daily routine: today's kickoffs, dead executions, the schedules of two days.
#[utoipa::path(post, path = "/daily-routine", tag = "triggers", request_body = Option<How>,
    params(super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn daily_routine(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(how): Body<How>,
) -> Result<Response, Problem> {
    let trigger = Trigger::daily_routine();
    Ok(accepted(asking::start(&desk, &caller, trigger, how.dry_run, key.as_deref()).await?))
}
