//! The API: JSON, described by its own code.

mod decisions;
mod executions;
pub(crate) mod health;
mod matches;
mod provider;
mod schedules;
mod tournaments;
mod triggers;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use football::domain::TournamentStatus;
use serde::{Deserialize, Serialize};
use shared::work::ExecutionStatus;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::desk::Desk;
use crate::problem::{Problem, Refusals};
use crate::read::attention::{self, Attention};
use crate::read::today::{self, Timeline};
use crate::request::{self, API, Asked};
use crate::work::Accepted;
use crate::zone::Zone;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Best Shot data pipeline: the operator's API",
        description = "What the pipeline did and will do, and asking it for work. Every request carries the internal \
                       token; work that is asked for is answered with the id of the execution that does it."
    ),
    // Served with the public routes, outside the guarded ones.
    paths(health::health, health::live),
    components(schemas(ExecutionStatus, TournamentStatus)),
    modifiers(&Token),
    security(("token" = []), ("bearer" = []))
)]
struct Described;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme(
            "token",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Internal-Token"))),
        );
        components.add_security_scheme(
            "bearer",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        );
    }
}

/// The routes, and their description.
pub(crate) fn router() -> (Router<Arc<Desk>>, utoipa::openapi::OpenApi) {
    let routes = OpenApiRouter::new()
        .routes(routes!(tournaments::list, tournaments::create))
        .routes(routes!(tournaments::get, tournaments::update))
        .routes(routes!(triggers::refresh))
        .routes(routes!(tournaments::sources, tournaments::choose))
        .routes(routes!(tournaments::identify))
        .routes(routes!(tournaments::rounds))
        .routes(routes!(tournaments::matches))
        .routes(routes!(tournaments::standings, triggers::standings))
        .routes(routes!(tournaments::bracket))
        .routes(routes!(matches::of_tournament))
        .routes(routes!(matches::get))
        .routes(routes!(matches::of_match))
        .routes(routes!(decisions::correct))
        .routes(routes!(decisions::unlock))
        .routes(routes!(decisions::list))
        .routes(routes!(decisions::pause_all, decisions::resume_all))
        .routes(routes!(decisions::pause_one, decisions::resume_one))
        .routes(routes!(decisions::acknowledged))
        .routes(routes!(triggers::scores))
        .routes(routes!(triggers::knockouts))
        .routes(routes!(triggers::daily_routine))
        .routes(routes!(executions::list))
        .routes(routes!(executions::get))
        .routes(routes!(executions::report))
        .routes(routes!(executions::retry))
        .routes(routes!(schedules::list))
        .routes(routes!(provider::get))
        .routes(routes!(provider::reset))
        .routes(routes!(this_day));
    OpenApiRouter::with_openapi(Described::openapi()).nest(API, routes).split_for_parts()
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    /// The rows.
    items: Vec<T>,
    /// Where the next page begins: send it as `cursor`. None: this was the last.
    next: Option<String>,
}

/// The caller's own name for what it asks.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes a header; `request::IdempotencyKey` reads it")]
pub(crate) struct Key {
    /// The caller's own name for what it asks: asked for again under it, the answer is the same execution.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,100}$")]
    key: Option<String>,
}

/// How a trigger is to work.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct How {
    /// Plan and report, write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// 202, with where to look.
pub(crate) fn accepted(accepted: Accepted) -> Response {
    let location = accepted.execution.clone();
    (StatusCode::ACCEPTED, [("location", location)], Json(accepted)).into_response()
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfDay {
    /// A day, UTC; today unless given.
    #[param(value_type = Option<NaiveDate>)]
    day: Option<String>,
}

/// A day at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Today {
    /// Which day, UTC.
    day: NaiveDate,
    /// What needs a person, and the day's figures.
    attention: Attention,
    /// Its kickoffs, and what became of their checks.
    timeline: Timeline,
}

/// A day: its kickoffs and checks, and what needs a person.
#[utoipa::path(get, path = "/today", tag = "today", params(OfDay), responses((status = 200, body = Today), Refusals))]
async fn this_day(State(desk): State<Arc<Desk>>, Asked(of): Asked<OfDay>) -> Result<Json<Today>, Problem> {
    let now = desk.clock.now();
    let day = request::day("day", of.day.as_deref())?.unwrap_or(now.date_naive());
    let within = Zone::UTC.days(day, day);
    let client = desk.services().await?.store.client().await?;
    let offsets = &desk.app.config.schedules.offsets;
    Ok(Json(Today {
        day,
        attention: attention::attention(&*client, &within, None, desk.has_bus(), now).await?,
        timeline: today::timeline(&*client, &within, offsets, now).await?,
    }))
}
