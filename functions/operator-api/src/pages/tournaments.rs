//! The list of tournaments.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Shell, page, view};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::{TournamentsListed, listed_tournaments};
use crate::read::tournaments::TournamentView;
use crate::request::FromForm;

#[derive(Template)]
#[template(path = "tournaments.html")]
struct List {
    shell: Shell,
    tournaments: Vec<TournamentView>,
    q: String,
    status: String,
    next: Option<String>,
}

pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(asked): FromForm<TournamentsListed>,
) -> Result<Response, Problem> {
    let (found, next) = listed_tournaments(&desk, &asked).await?;
    let (q, status) = (asked.q.unwrap_or_default(), asked.status.unwrap_or_default());
    let next = next.map(|cursor| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &q), ("status", &status)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("cursor", &cursor).finish()
    });
    page(&List { shell: Shell::of(&desk, &caller, "tournaments"), tournaments: found, q, status, next })
}
