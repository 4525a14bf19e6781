//! The page of a match, with its history.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::correction_form::CorrectionForm;
use super::view;
use super::{Shell, with_status};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::{FieldProblem, Problem};
use crate::read::history::{self, HistoryEntry, Of};
use crate::read::listing::{no_match, no_tournament};
use crate::read::matches::{self, LockView, MatchView};
use crate::read::tournaments::{self, TournamentView};
use crate::request::{FromForm, Id};

/// Changes on a page.
const ENTRIES: i64 = 50;

#[derive(Template)]
#[template(path = "match.html")]
struct Show {
    shell: Shell,
    tournament: TournamentView,
    game: MatchView,
    history: Vec<HistoryEntry>,
    next: Option<i64>,
    /// The form for a correction, and what is wrong with it.
    filled: CorrectionForm,
    problems: Vec<FieldProblem>,
}

impl Show {
    fn locked(&self, lock: &LockView) -> &'static str {
        match (lock.result, lock.kickoff) {
            (true, true) => "Result and kickoff are",
            (true, false) => "The result is",
            (false, _) => "The kickoff is",
        }
    }
}

/// Where a page of a history begins.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) before: Option<i64>,
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
    FromForm(listed): FromForm<Listed>,
) -> Result<Response, Problem> {
    page_of(&desk, &caller, id, listed.before, None).await
}

/// The page of a match; with a correction that was filled in, what is wrong with it.
pub(super) async fn page_of(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    before: Option<i64>,
    refused: Option<(CorrectionForm, Problem)>,
) -> Result<Response, Problem> {
    let client = desk.services().await?.store.client().await?;
    let game = matches::find(&*client, id).await?.ok_or_else(no_match)?;
    let tournament = tournaments::find(&*client, game.tournament_id, desk.clock.now()).await?;
    let found = history::list(&*client, Of::Match(id), before, ENTRIES).await?;
    let status = refused.as_ref().and_then(|(_, problem)| StatusCode::from_u16(problem.status).ok());
    let (filled, problems) = match refused {
        Some((filled, problem)) => (filled, problem.problems),
        None => (CorrectionForm::of(&game, caller.zone), Vec::new()),
    };
    let shown = Show {
        shell: Shell::of(desk, caller, "tournaments"),
        filled,
        problems,
        tournament: tournament.ok_or_else(no_tournament)?,
        game,
        next: found.next(),
        history: found.rows,
    };
    with_status(status.unwrap_or(StatusCode::OK), &shown)
}
