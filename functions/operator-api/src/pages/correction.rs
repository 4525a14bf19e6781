//! Correcting a match: the preview of what was filled in, and its confirmation.

use std::collections::HashMap;

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use super::correction_form::CorrectionForm;
use super::{Shell, matches, page, view};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read;
use crate::read::listing::no_match;
use crate::read::matches::MatchView;
use crate::work::correct::{self, CorrectionView};

#[derive(Template)]
#[template(path = "correction.html")]
struct Preview {
    shell: Shell,
    game: MatchView,
    shown: CorrectionView,
    filled: CorrectionForm,
}

/// The preview of what was filled in, or the match's page with what is wrong.
pub(super) async fn preview(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    form: &HashMap<String, String>,
) -> Result<Response, Problem> {
    let (game, filled) = (game(desk, id).await?, CorrectionForm::read(form));
    match async { correct::preview(desk, id, &filled.correction(&game)?).await }.await {
        Ok(shown) => page(&Preview { shell: Shell::of(desk, caller, "tournaments"), game, shown, filled }),
        Err(problem) => again(desk, caller, id, filled, problem).await,
    }
}

/// Corrects and locks the match.
pub(super) async fn apply(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    form: &HashMap<String, String>,
) -> Result<Response, Problem> {
    let (game, filled) = (game(desk, id).await?, CorrectionForm::read(form));
    match async { correct::correct_match(desk, caller, id, &filled.correction(&game)?).await }.await {
        Ok(_) => Ok(desk.redirect(&format!("/matches/{id}")).into_response()),
        Err(problem) => again(desk, caller, id, filled, problem).await,
    }
}

async fn game(desk: &Desk, id: Uuid) -> Result<MatchView, Problem> {
    let client = desk.services().await?.store.client().await?;
    read::matches::find(&*client, id).await?.ok_or_else(no_match)
}

/// The match's page with what was filled in; a problem that is no field's has a page of its own.
async fn again(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    filled: CorrectionForm,
    problem: Problem,
) -> Result<Response, Problem> {
    if problem.problems.is_empty() {
        return Err(problem);
    }
    matches::page_of(desk, caller, id, None, Some((filled, problem))).await
}
