//! Search over tournaments, teams and matches.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Shell, page, view};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::Page;
use crate::read::matches::MatchView;
use crate::read::search::{self, FoundTeam};
use crate::read::tournaments::{self, TournamentView};
use crate::request::{self, FromForm};

/// Tournaments, teams and matches shown of each.
const FOUND: i64 = 25;

#[derive(Template)]
#[template(path = "search.html")]
struct Found {
    shell: Shell,
    q: String,
    tournaments: Page<TournamentView>,
    teams: Page<FoundTeam>,
    /// Each with the name of its tournament.
    matches: Page<(MatchView, String)>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    q: Option<String>,
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(asked): FromForm<Asked>,
) -> Result<Response, Problem> {
    let now = desk.clock.now();
    let shell = Shell::of(&desk, &caller, "search");
    let Some(q) = request::search(asked.q.as_deref())? else {
        let (tournaments, teams, matches) = (Page::default(), Page::default(), Page::default());
        return page(&Found { shell, q: String::new(), tournaments, teams, matches });
    };
    let client = desk.services().await?.store.client().await?;
    let filter = tournaments::Filter { text: Some(&q), ..tournaments::Filter::default() };
    page(&Found {
        shell,
        tournaments: tournaments::list(&*client, &filter, FOUND, now).await?,
        teams: search::teams(&*client, &q, FOUND, now).await?,
        matches: search::matches(&*client, &q, FOUND, now).await?,
        q,
    })
}
