//! All checks: those to come, and those that are over with what they did.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use football::plan::checks::CheckKind;
use strum::IntoEnumIterator as _;

use super::{Shell, page, view};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::checks::{self, CheckLine};
use crate::read::listing::{ChecksListed, check_cursor_of, check_filter};
use crate::request::FromForm;

/// Checks on a page.
const LINES: i64 = 50;

#[derive(Template)]
#[template(path = "checks.html")]
struct List {
    shell: Shell,
    lines: Vec<CheckLine>,
    over: bool,
    kind: String,
    from: String,
    to: String,
    tournament: String,
    next: Option<String>,
}

impl List {
    fn kinds(&self) -> Vec<(String, &'static str)> {
        CheckKind::iter().map(|kind| (kind.to_string(), view::check_kind(kind))).collect()
    }
}

pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(asked): FromForm<ChecksListed>,
) -> Result<Response, Problem> {
    let now = desk.clock.now();
    let filter = check_filter(&asked, caller.zone)?;
    let client = desk.services().await?.store.client().await?;
    let found = checks::list(&*client, &filter, LINES, now).await?;
    let text = |text: Option<String>| text.unwrap_or_default();
    let [kind, from, to, tournament] = [asked.kind, asked.from, asked.to, asked.tournament].map(text);
    let next = found.rows.last().filter(|_| found.more).map(|last| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let show = if filter.over { "over" } else { "" };
        for (name, value) in
            [("show", show), ("kind", &kind), ("from", &from), ("to", &to), ("tournament", &tournament)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("cursor", &check_cursor_of(last)).finish()
    });
    let shell = Shell::of(&desk, &caller, "checks");
    page(&List { shell, lines: found.rows, over: filter.over, kind, from, to, tournament, next })
}
