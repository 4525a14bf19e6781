//! Asking for work by hand.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use football::domain::{Mode, TournamentStatus};
use shared::event::{Request as Work, RoundCheck};
use shared::store::desk::tournaments::{self, TournamentView};
use uuid::Uuid;

use super::tournaments::found;
use super::{How, accepted};
use crate::access::Caller;
use crate::asking::{self, Accepted};
use crate::problem::Refusals;
use crate::request::{Body, Id, IdempotencyKey};
use crate::{Desk, Problem};

/// The tournament, if it is worked on: otherwise its function would do nothing.
async fn active(desk: &Desk, id: Uuid) -> Result<TournamentView, Problem> {
    let tournament = found(desk, id).await?;
    if tournament.status.parse() == Ok(TournamentStatus::Active) {
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
pub(crate) async fn scores_trigger(desk: &Desk, id: Uuid, round: &str) -> Result<Work, Problem> {
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
    let check = RoundCheck::Closing { kickoff: None };
    Ok(Work::Scores { tournament_id: id, round: round.to_owned(), check })
}

/// The table, if the tournament has one.
pub(crate) async fn standings_trigger(desk: &Desk, id: Uuid) -> Result<Work, Problem> {
    let tournament = active(desk, id).await?;
    if tournament.mode.parse().is_ok_and(|mode: Mode| !mode.has_standings()) {
        return Err(Problem::new(StatusCode::CONFLICT, format!("{} has no table.", tournament.label)));
    }
    Ok(Work::Standings { tournament_id: id, retry_since: None })
}

/// The knockout stage, if the tournament has one.
pub(crate) async fn knockouts_trigger(desk: &Desk, id: Uuid) -> Result<Work, Problem> {
    let tournament = active(desk, id).await?;
    if tournament.mode.parse().is_ok_and(|mode: Mode| !mode.has_knockouts()) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!("{} has no knockout rounds.", tournament.label),
        ));
    }
    Ok(Work::Knockouts { tournament_id: id, retry_since: None })
}

/// All of a tournament, if there is such a one.
pub(crate) async fn refresh_trigger(desk: &Desk, id: Uuid) -> Result<Work, Problem> {
    found(desk, id).await?;
    Ok(Work::RefreshTournament { tournament_id: id, retry_since: None })
}

/// Who asks for work, how it is to be done, and under which name of the caller's own.
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
    async fn start(self, desk: &Desk, work: Work) -> Result<Response, Problem> {
        let Self { caller, key, how } = self;
        Ok(accepted(asking::start(desk, &caller, work, how.dry_run, key.as_deref()).await?))
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
    asking.start(&desk, scores_trigger(&desk, id, round).await?).await
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
    asking.start(&desk, standings_trigger(&desk, id).await?).await
}

/// Looks for new knockout rounds and their matches, and draws the bracket anew.
#[utoipa::path(post, path = "/tournaments/{id}/knockouts", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path), super::Key), responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn knockouts(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    asking: Asking,
) -> Result<Response, Problem> {
    asking.start(&desk, knockouts_trigger(&desk, id).await?).await
}

/// Brings a whole tournament up to date.
#[utoipa::path(post, path = "/tournaments/{id}/refresh", tag = "triggers", request_body = Option<How>,
    params(("id" = Uuid, Path), super::Key), responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn refresh(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    asking: Asking,
) -> Result<Response, Problem> {
    asking.start(&desk, refresh_trigger(&desk, id).await?).await
}

/// Runs the daily routine: today's kickoffs, dead executions, the schedules of two days.
#[utoipa::path(post, path = "/daily-routine", tag = "triggers", request_body = Option<How>, params(super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn daily_routine(
    State(desk): State<Arc<Desk>>,
    asking: Asking,
) -> Result<Response, Problem> {
    asking.start(&desk, Work::DailyRoutine { retry_since: None }).await
}
