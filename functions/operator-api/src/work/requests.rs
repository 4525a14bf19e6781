//! Work on a tournament that may be asked for, if it makes sense for that tournament.

use axum::http::StatusCode;
use football::domain::{Mode, TournamentStatus};
use shared::event::{Request, RoundCheck};
use uuid::Uuid;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::found;
use crate::read::tournaments::{self, TournamentView};

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

/// The table, if the tournament has one.
pub(crate) async fn standings(desk: &Desk, id: Uuid) -> Result<Request, Problem> {
    let tournament = active(desk, id).await?;
    if tournament.mode.parse().is_ok_and(|mode: Mode| !mode.has_standings()) {
        return Err(Problem::new(StatusCode::CONFLICT, format!("{} has no table.", tournament.label)));
    }
    Ok(Request::Standings { tournament_id: id, retry_since: None })
}

/// The knockout stage, if the tournament has one.
pub(crate) async fn knockouts(desk: &Desk, id: Uuid) -> Result<Request, Problem> {
    let tournament = active(desk, id).await?;
    if tournament.mode.parse().is_ok_and(|mode: Mode| !mode.has_knockouts()) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!("{} has no knockout rounds.", tournament.label),
        ));
    }
    Ok(Request::Knockouts { tournament_id: id, retry_since: None })
}

/// All of a tournament, if there is such a one.
pub(crate) async fn refresh(desk: &Desk, id: Uuid) -> Result<Request, Problem> {
    found(desk, id).await?;
    Ok(Request::RefreshTournament { tournament_id: id, retry_since: None })
}
