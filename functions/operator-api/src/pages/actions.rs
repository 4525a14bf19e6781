//! The actions of the pages' buttons: the same as the API's, answered with the page that shows the result.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::event::Request;
use uuid::Uuid;

use super::sign_in::ours;
use super::{correction, tournament, view};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::work::acknowledge::{Acknowledge, acknowledge};
use crate::work::correct::unlock_match;
use crate::work::edit::{EditTournament, close_circuit, edit_tournament};
use crate::work::pause::{pause, resume};
use crate::work::sources::{ChooseSources, IdentifyTeam, choose_sources, identify_team};
use crate::work::{self, requests};

pub(super) async fn act(
    State(desk): State<Arc<Desk>>,
    Path(action): Path<String>,
    caller: Caller,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let id = |name: &str| -> Result<Uuid, Problem> {
        let id = form.get(name).and_then(|id| id.parse().ok());
        id.ok_or_else(|| Problem::field(StatusCode::BAD_REQUEST, name, "must be a UUID"))
    };
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let dry_run = text("dry_run") == "on";
    // Back to where the button was.
    let here = || ours(text("here"));
    let request = match action.as_str() {
        "scores" => requests::scores(&desk, id("tournament")?, text("round")).await?,
        "standings" => requests::standings(&desk, id("tournament")?).await?,
        "knockouts" => requests::knockouts(&desk, id("tournament")?).await?,
        "refresh" => requests::refresh(&desk, id("tournament")?).await?,
        "daily-routine" => Request::DailyRoutine { tournament_id: None, retry_since: None },
        "retry" => {
            let accepted = work::retry(&desk, &caller, id("execution")?).await?;
            return Ok(desk.redirect(&format!("/executions/{}", accepted.execution_id)).into_response());
        }
        "edit" => {
            let id = id("tournament")?;
            return match edit(&desk, &caller, id, &form).await {
                Ok(()) => Ok(desk.redirect(&format!("/tournaments/{id}")).into_response()),
                // What was filled in stays, and the reason stands beside it.
                Err(problem) if problem.is_of_input() => {
                    tournament::show_overview(&desk, &caller, id, Some((&form, problem))).await
                }
                Err(problem) => Err(problem),
            };
        }
        "sources" | "identify-team" => {
            let id = id("tournament")?;
            let done = match action.as_str() {
                "sources" => choose(&desk, &caller, id, &form).await,
                _ => identify(&desk, &caller, id, &form).await,
            };
            return match done {
                Ok(()) => Ok(desk.redirect(&format!("/tournaments/{id}/sources")).into_response()),
                Err(problem) if problem.is_of_input() => {
                    tournament::show_sources(&desk, &caller, id, Some((&form, problem))).await
                }
                Err(problem) => Err(problem),
            };
        }
        "cross-check" => Request::CrossCheck { tournament_id: Some(id("tournament")?) },
        "preview-correction" => return correction::preview(&desk, &caller, id("match")?, &form).await,
        "correct" => return correction::apply(&desk, &caller, id("match")?, &form).await,
        "unlock" => {
            let id = id("match")?;
            unlock_match(&desk, &caller, id, Some(text("note"))).await?;
            return Ok(desk.redirect(&format!("/matches/{id}")).into_response());
        }
        "pause" | "resume" => {
            let tournament = match text("tournament") {
                "" => None,
                _ => Some(id("tournament")?),
            };
            match action.as_str() {
                "pause" => pause(&desk, &caller, tournament, Some(text("note"))).await?,
                _ => resume(&desk, &caller, tournament, Some(text("note"))).await?,
            };
            return Ok(desk.redirect(&here()).into_response());
        }
        "acknowledge" => {
            let note = Some(text("note").to_owned());
            let title = Some(view::cut(text("title"), 250));
            let asked = Acknowledge { item: text("item").to_owned(), title, note, acknowledged: true };
            acknowledge(&desk, &caller, &asked).await?;
            return Ok(desk.redirect(&here()).into_response());
        }
        "reset-provider" => {
            close_circuit(&desk, &caller).await?;
            return Ok(desk.redirect(&here()).into_response());
        }
        _ => return Err(Problem::not_found("There is no such action.")),
    };
    let accepted = work::start(&desk, &caller, request, dry_run, None).await?;
    Ok(desk.redirect(&format!("/executions/{}", accepted.execution_id)).into_response())
}

type Filled = HashMap<String, String>;

fn text<'a>(form: &'a Filled, name: &str) -> &'a str {
    form.get(name).map(String::as_str).unwrap_or_default()
}

fn not_offered(field: &str) -> Problem {
    Problem::field(StatusCode::UNPROCESSABLE_ENTITY, field, "must be one of those offered")
}

/// Changes a tournament's settings. The form holds what it showed: only what was changed there is changed.
async fn edit(desk: &Desk, caller: &Caller, id: Uuid, form: &Filled) -> Result<(), Problem> {
    let changed = |name: &str| {
        let plain = |name: &str| text(form, name).replace("\r\n", "\n");
        Some(plain(name)).filter(|now| *now != plain(&format!("{name}_was")))
    };
    let status = changed("status").map(|status| status.parse().map_err(|_| not_offered("status")));
    let edit = EditTournament {
        label: changed("label"),
        status: status.transpose()?,
        tie_breaking_rule: changed("tie_breaking_rule"),
        based_on: Some(text(form, "based_on").parse().map_err(|_| not_offered("based_on"))?),
    };
    edit_tournament(desk, caller, id, &edit).await.map(drop)
}

/// Chooses who is asked for a tournament.
async fn choose(desk: &Desk, caller: &Caller, id: Uuid, form: &Filled) -> Result<(), Problem> {
    let asked = ChooseSources {
        asked: Some(text(form, "asked").parse().map_err(|_| not_offered("asked"))?),
        stand_in: Some(text(form, "stand_in").to_owned()),
        season: Some(text(form, "season").to_owned()),
    };
    choose_sources(desk, caller, id, &asked).await.map(drop)
}

/// Says which team another provider means.
async fn identify(desk: &Desk, caller: &Caller, id: Uuid, form: &Filled) -> Result<(), Problem> {
    let asked = IdentifyTeam {
        provider: text(form, "provider").parse().map_err(|_| not_offered("provider"))?,
        external_id: text(form, "external_id").to_owned(),
        team: text(form, "team").parse().ok(),
        new_team: Some(text(form, "new_team").to_owned()),
        name: Some(text(form, "name").to_owned()),
        unknown: text(form, "unknown") == "on",
    };
    identify_team(desk, caller, id, &asked).await
}
