//! Tournaments: looking at them, creating, changing and refreshing one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{List, accepted};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::{Problem, Refusals};
use crate::read::listing::{TournamentsListed, found, listed_tournaments, no_tournament};
use crate::read::matches::{self, MatchView};
use crate::read::sources::{self, SourcesView};
use crate::read::tournaments::{self, DriftView, RoundView, StandingView, TieView, TournamentView};
use crate::request::{self, Asked, Body, Id, IdempotencyKey};
use crate::work::create::{CreateTournament, create_request, draft};
use crate::work::edit::{EditTournament, edit_tournament};
use crate::work::sources::{ChooseSources, IdentifyTeam, choose_sources, identify_team};
use crate::work::{self, Accepted};

/// Matches in one answer.
const MATCHES: i64 = 1_000;

/// Tournaments by label.
#[utoipa::path(get, path = "/tournaments", tag = "tournaments", params(TournamentsListed),
    responses((status = 200, body = List<TournamentView>), Refusals))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Asked(asked): Asked<TournamentsListed>,
) -> Result<Json<List<TournamentView>>, Problem> {
    let (items, next) = listed_tournaments(&desk, &asked).await?;
    Ok(Json(List { items, next }))
}

/// Creates a tournament: logo, rounds, teams with their badges, matches, standings.
#[utoipa::path(post, path = "/tournaments", tag = "tournaments", request_body = CreateTournament,
    params(super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(asked): Body<CreateTournament>,
) -> Result<Response, Problem> {
    let draft = draft(&desk, &asked).await?;
    let request = create_request(&desk, &draft).await?;
    Ok(accepted(work::start(&desk, &caller, request, asked.dry_run, key.as_deref()).await?))
}

/// One tournament.
#[utoipa::path(get, path = "/tournaments/{id}", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = TournamentView), Refusals))]
pub(super) async fn get(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Json<TournamentView>, Problem> {
    Ok(Json(found(&desk, id).await?))
}

/// Changes a tournament by hand.
#[utoipa::path(patch, path = "/tournaments/{id}", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    request_body = EditTournament, responses((status = 200, body = TournamentView), Refusals))]
pub(super) async fn update(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    Body(asked): Body<EditTournament>,
) -> Result<Json<TournamentView>, Problem> {
    edit_tournament(&desk, &caller, id, &asked).await?;
    Ok(Json(found(&desk, id).await?))
}

/// Who is asked for a tournament, and where providers differ.
#[utoipa::path(get, path = "/tournaments/{id}/sources", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    operation_id = "get_sources", responses((status = 200, body = SourcesView), Refusals))]
pub(super) async fn sources(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Json<SourcesView>, Problem> {
    let client = desk.services().await?.store.client().await?;
    let tournament = shared::store::tournaments::find(&*client, id).await?.ok_or_else(no_tournament)?;
    Ok(Json(sources::of(&*client, &tournament).await?))
}

/// Chooses who is asked for a tournament, and who stands in.
#[utoipa::path(put, path = "/tournaments/{id}/sources", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    operation_id = "choose_sources", request_body = ChooseSources,
    responses((status = 200, body = SourcesView), Refusals))]
pub(super) async fn choose(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    Body(asked): Body<ChooseSources>,
) -> Result<Json<SourcesView>, Problem> {
    choose_sources(&desk, &caller, id, &asked).await?;
    self::sources(State(desk), Id(id)).await
}

/// Says which of our teams a team of another provider is.
#[utoipa::path(post, path = "/tournaments/{id}/teams", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    operation_id = "identify_team", request_body = IdentifyTeam,
    responses((status = 200, body = SourcesView), Refusals))]
pub(super) async fn identify(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    Body(asked): Body<IdentifyTeam>,
) -> Result<Json<SourcesView>, Problem> {
    identify_team(&desk, &caller, id, &asked).await?;
    self::sources(State(desk), Id(id)).await
}

/// The rounds, in order.
#[utoipa::path(get, path = "/tournaments/{id}/rounds", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Vec<RoundView>), Refusals))]
pub(super) async fn rounds(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
) -> Result<Json<Vec<RoundView>>, Problem> {
    found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(tournaments::rounds(&*client, id).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Matches {
    /// The slug of a round.
    #[param(pattern = "^[A-Za-z0-9_-]{1,100}$")]
    round: Option<String>,
    /// A day, UTC.
    #[param(value_type = Option<chrono::NaiveDate>)]
    day: Option<String>,
}

/// The matches of a round, of a day, or all; a thousand at most.
#[utoipa::path(get, path = "/tournaments/{id}/matches", tag = "tournaments", params(("id" = uuid::Uuid, Path), Matches),
    responses((status = 200, body = Vec<MatchView>), Refusals))]
pub(super) async fn matches(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Asked(asked): Asked<Matches>,
) -> Result<Json<Vec<MatchView>>, Problem> {
    let (round, day) = (request::round(asked.round.as_deref())?, request::day("day", asked.day.as_deref())?);
    found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(matches::of_tournament(&*client, id, round, day, MATCHES).await?.rows))
}

/// The tables, and what differed from the provider's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standings {
    /// The rows, group by group.
    rows: Vec<StandingView>,
    /// The order of teams level on points.
    tie_breaking_rule: Option<String>,
    /// The last comparison with the provider's table; none: there was none yet.
    drift: Option<DriftView>,
}

/// The tables, and what differed from the provider's when they were last compared.
#[utoipa::path(get, path = "/tournaments/{id}/standings", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    operation_id = "get_standings", responses((status = 200, body = Standings), Refusals))]
pub(super) async fn standings(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Json<Standings>, Problem> {
    let tournament = found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(Standings {
        rows: tournaments::standings(&*client, id).await?,
        tie_breaking_rule: tournament.tie_breaking_rule,
        drift: tournaments::drift(&*client, id).await?,
    }))
}

/// The bracket, tie by tie, in the order of the rounds.
#[utoipa::path(get, path = "/tournaments/{id}/bracket", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Vec<TieView>), Refusals))]
pub(super) async fn bracket(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
) -> Result<Json<Vec<TieView>>, Problem> {
    found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(tournaments::bracket(&*client, id).await?))
}
