//! The choice of the time zone in which a person reads the pages.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{Shell, page};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::zone::{ZONE_COOKIE, Zone};

/// How long the choice is kept, in seconds: a year.
const KEPT: u32 = 365 * 24 * 60 * 60;

#[derive(Template)]
#[template(path = "time_zone.html")]
struct Choose {
    shell: Shell,
}

impl Choose {
    /// Whether the current zone is among those offered: a former name is not.
    fn is_offered(&self) -> bool {
        Zone::names().any(|name| name == self.shell.zone.name())
    }
}

pub(super) async fn show(State(desk): State<Arc<Desk>>, caller: Caller) -> Result<Response, Problem> {
    page(&Choose { shell: Shell::of(&desk, &caller, "time-zone") })
}

#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    zone: String,
}

pub(super) async fn choose(
    State(desk): State<Arc<Desk>>,
    _: Caller,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let zone = Zone::of(&chosen.zone).ok_or_else(|| {
        Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "zone", "must be a time zone, as Europe/Berlin")
    })?;
    let name = zone.name();
    let cookie = format!("{ZONE_COOKIE}={name}; Path=/; Max-Age={KEPT}; HttpOnly; Secure; SameSite=Strict");
    Ok(([(header::SET_COOKIE, cookie)], desk.redirect("/time-zone")).into_response())
}
