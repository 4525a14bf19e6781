//! Requests for work on a tournament, each checked against what the tournament has.

use axum::http::StatusCode;
use shared::event::{Request, RoundCheck};
use uuid::Uuid;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::found;
use crate::read::tournaments::{self, TournamentView};

/// The tournament, if it is active: for any other the function would do nothing.
pub(super) async fn active(desk: &Desk, id: Uuid) -> Result<TournamentView, Problem> {
    let tournament = found(desk, id).await?;
    if tournament.is_active() {
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

/// Requests the scores of a round; an error if the tournament has no such round.
pub(crate) async fn scores(desk: &Desk, id: Uuid, round: &str) -> Result<Request, Problem> {
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
    Ok(Request::Scores { tournament_id: id, round: round.to_owned(), check })
}

/// Requests the table; an error if the tournament has none.
pub(crate) async fn standings(desk: &Desk, id: Uuid) -> Result<Request, Problem> {
    let tournament = active(desk, id).await?;
    if !tournament.has_table() {
        return Err(Problem::new(StatusCode::CONFLICT, format!("{} has no table.", tournament.label)));
    }
    Ok(Request::Standings { tournament_id: id, retry_since: None })
}

/// Requests the knockout stage; an error if the tournament has none.
pub(crate) async fn knockouts(desk: &Desk, id: Uuid) -> Result<Request, Problem> {
    let tournament = active(desk, id).await?;
    if !tournament.has_knockouts() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!("{} has no knockout rounds.", tournament.label),
        ));
    }
    Ok(Request::Knockouts { tournament_id: id, retry_since: None })
}

/// Requests a refresh of a whole tournament; an error if it does not exist.
pub(crate) async fn refresh(desk: &Desk, id: Uuid) -> Result<Request, Problem> {
    found(desk, id).await?;
    Ok(Request::RefreshTournament { tournament_id: id, retry_since: None })
}
