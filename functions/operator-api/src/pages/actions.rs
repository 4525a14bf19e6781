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
use super::{correction, view};
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
            // The form holds what it showed: only what was changed there is changed.
            let changed = |name: &str| {
                let plain = |name: &str| text(name).replace("\r\n", "\n");
                Some(plain(name)).filter(|now| *now != plain(&format!("{name}_was")))
            };
            let wrong = |field| {
                Problem::field(StatusCode::UNPROCESSABLE_ENTITY, field, "must be one of those offered")
            };
            let status = changed("status").map(|status| status.parse().map_err(|_| wrong("status")));
            let edit = EditTournament {
                label: changed("label"),
                status: status.transpose()?,
                tie_breaking_rule: changed("tie_breaking_rule"),
                based_on: Some(text("based_on").parse().map_err(|_| wrong("based_on"))?),
            };
            edit_tournament(&desk, &caller, id, &edit).await?;
            return Ok(desk.redirect(&format!("/tournaments/{id}")).into_response());
        }
        "sources" => {
            let id = id("tournament")?;
            let asked = text("asked").parse().map_err(|_| {
                Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "asked", "must be one of those offered")
            })?;
            let asked = ChooseSources {
                asked: Some(asked),
                stand_in: Some(text("stand_in").to_owned()),
                season: Some(text("season").to_owned()),
            };
            choose_sources(&desk, &caller, id, &asked).await?;
            return Ok(desk.redirect(&format!("/tournaments/{id}/sources")).into_response());
        }
        "identify-team" => {
            let tournament = id("tournament")?;
            let provider = text("provider").parse().map_err(|_| {
                Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "provider", "must be a provider's name")
            })?;
            let asked = IdentifyTeam {
                provider,
                external_id: text("external_id").to_owned(),
                team: text("team").parse().ok(),
                new_team: Some(text("new_team").to_owned()),
                name: Some(text("name").to_owned()),
            };
            identify_team(&desk, &caller, tournament, &asked).await?;
            return Ok(desk.redirect(&format!("/tournaments/{tournament}/sources")).into_response());
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
