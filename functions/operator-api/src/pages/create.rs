//! Creating a tournament: paste its address, correct the fields filled in from it, and follow the creation.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::provider::{ProviderName, season_page};

use super::{Shell, with_status};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::{FieldProblem, Problem};
use crate::request::FromForm;
use crate::work;
use crate::work::create::{CreateTournament, create_request, draft};

/// What the form holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    url: String,
    label: String,
    slug: String,
    season: String,
    mode: String,
    standings_mode: String,
    dry_run: String,
}

#[derive(Template)]
#[template(path = "create.html")]
struct Create {
    shell: Shell,
    filled: Filled,
    /// Whether the address was read, so that the rest is shown.
    read: bool,
    /// Whose season the address names, and its address there.
    season: Option<(ProviderName, String)>,
    problems: Vec<FieldProblem>,
}

impl Create {
    fn problem(&self, field: &str) -> Option<&str> {
        let is = |problem: &&FieldProblem| problem.field.rsplit('.').next() == Some(field);
        self.problems.iter().find(is).map(|problem| problem.remedy.as_str())
    }

    fn modes(&self) -> [(&'static str, &'static str); 3] {
        [
            ("regular-season-only", "League: one table, no knockout rounds"),
            ("regular-season-and-knockout", "Groups or a league phase, then knockout rounds"),
            ("knockout-only", "Cup: knockout rounds only, no table"),
        ]
    }

    fn standings_modes(&self) -> [(&'static str, &'static str); 2] {
        [("unique-group", "One table"), ("multi-group", "A table for each group")]
    }
}

fn asked_of(filled: &Filled) -> CreateTournament {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    CreateTournament {
        url: filled.url.clone(),
        label: given(&filled.label),
        slug: given(&filled.slug),
        season: given(&filled.season),
        mode: filled.mode.parse().ok(),
        standings_mode: filled.standings_mode.parse().ok(),
        dry_run: filled.dry_run == "on",
    }
}

/// The form, filled in from the address.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(filled): FromForm<Filled>,
) -> Result<Response, Problem> {
    let shell = Shell::of(&desk, &caller, "create");
    if filled.url.trim().is_empty() {
        return with_status(
            StatusCode::OK,
            &Create { shell, filled, read: false, season: None, problems: Vec::new() },
        );
    }
    match draft(&desk, &asked_of(&filled)).await {
        Ok(draft) => {
            let filled = Filled {
                label: draft.label,
                slug: draft.slug,
                season: draft.season,
                mode: draft.mode.to_string(),
                standings_mode: draft.standings_mode.to_string(),
                ..filled
            };
            let season = season_of(&filled.url);
            with_status(StatusCode::OK, &Create { shell, filled, read: true, season, problems: Vec::new() })
        }
        Err(problem) => refused(shell, filled, problem),
    }
}

/// The form again, with its fields' problems; any other problem is a page of its own.
fn refused(shell: Shell, filled: Filled, problem: Problem) -> Result<Response, Problem> {
    if problem.problems.is_empty() {
        return Err(problem);
    }
    let status = problem.status_of_form();
    let read = !problem
        .problems
        .iter()
        .any(|problem| matches!(problem.field.as_str(), "url" | "tournament.baseUrl"));
    let season = season_of(&filled.url);
    with_status(status, &Create { shell, filled, read, season, problems: problem.problems })
}

/// Whose season an address names.
fn season_of(url: &str) -> Option<(ProviderName, String)> {
    let season = season_page(url).ok()?.season;
    Some((season.provider(), season.base_url()))
}

pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    let asked = asked_of(&filled);
    let request = async {
        let draft = draft(&desk, &asked).await?;
        create_request(&desk, &draft).await
    };
    match request.await {
        Ok(request) => {
            let accepted = work::start(&desk, &caller, request, asked.dry_run, None).await?;
            Ok(desk.redirect(&format!("/executions/{}", accepted.execution_id)).into_response())
        }
        Err(problem) => refused(Shell::of(&desk, &caller, "create"), filled, problem),
    }
}
