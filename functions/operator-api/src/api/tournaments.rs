//! Tournaments: looking at them, creating, changing and refreshing one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use football::domain::{Mode, StandingsMode, TournamentStatus};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::event::Fields;
use shared::event::{Event, Request};
use shared::journal::Facts;
use shared::outcomes::Outcomes;
use shared::store::desk::tournaments::{
    self, DriftView, Edit, Filter, MatchView, RoundView, StandingView, TieView, TournamentView,
};
use shared::store::executions::{self, Change};
use shared::summary::Summary;
use shared::work::{Function, Operation};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{List, accepted};
use crate::access::Caller;
use crate::asking::{self, Accepted};
use crate::problem::Refusals;
use crate::request::{self, Asked, Body, Id, IdempotencyKey};
use crate::{Desk, Problem, season_url};

/// Matches in one answer.
const MATCHES: i64 = 1_000;

pub(crate) fn no_tournament() -> Problem {
    Problem::not_found("There is no such tournament, or it is deleted.")
}

/// A tournament that is there.
pub(super) async fn found(desk: &Desk, id: Uuid) -> Result<TournamentView, Problem> {
    let client = desk.services().await?.store.client().await?;
    tournaments::find(&*client, id, desk.clock.now()).await?.ok_or_else(no_tournament)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listed {
    /// `active`, `completed`, `upcoming` or `cancelled`.
    #[param(value_type = Option<TournamentStatus>)]
    pub status: Option<String>,
    /// A text that label or slug must hold.
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// How many, 1 to 200 (50).
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}~[^\\x00]*$")]
    pub cursor: Option<String>,
}

/// Reads what to list, and lists it.
pub(crate) async fn listed(
    desk: &Desk,
    asked: &Listed,
) -> Result<(Vec<TournamentView>, Option<String>), Problem> {
    let status = asked.status.as_deref();
    if status.is_some_and(|status| status.parse::<TournamentStatus>().is_err()) {
        return Err(Problem::field(
            StatusCode::BAD_REQUEST,
            "status",
            "must be active, completed, upcoming or cancelled",
        ));
    }
    let after = match asked.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let read = cursor.split_once('~').and_then(|(id, label)| Some((label, shared::event::uuid(id)?)));
            let read = read.filter(|(label, _): &(&str, Uuid)| !label.contains('\0'));
            Some(read.ok_or_else(|| {
                Problem::field(StatusCode::BAD_REQUEST, "cursor", "must be `next` of an earlier page")
            })?)
        }
    };
    let text = request::search(asked.q.as_deref())?;
    let filter = Filter { status, text: text.as_deref(), after };
    let limit = request::limit(asked.limit)?;
    let client = desk.services().await?.store.client().await?;
    let page = tournaments::list(&*client, &filter, limit, desk.clock.now()).await?;
    let next = page.rows.last().filter(|_| page.more).map(|last| format!("{}~{}", last.id, last.label));
    Ok((page.rows, next))
}

/// Tournaments by label.
#[utoipa::path(get, path = "/tournaments", tag = "tournaments", params(Listed),
    responses((status = 200, body = List<TournamentView>), Refusals))]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Asked(asked): Asked<Listed>,
) -> Result<Json<List<TournamentView>>, Problem> {
    let (items, next) = listed(&desk, &asked).await?;
    Ok(Json(List { items, next }))
}

/// A name shown to people: one line, nothing invisible in it, no markup.
#[derive(ToSchema)]
#[schema(
    max_length = 200,
    pattern = "^[^<>\\x00-\\x1f\\x7f-\\x9f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]*[^\\s<>\\x00-\\x1f\\x7f-\\x9f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff][^<>\\x00-\\x1f\\x7f-\\x9f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]*$"
)]
#[expect(dead_code, reason = "it describes a text; `name` reads it")]
pub(crate) struct Name(String);

/// The longest name.
const NAME_CHARS: usize = 200;

/// Reads a name as the function that creates tournaments reads it, and no longer than pages show it.
fn name(label: &str) -> Result<String, Problem> {
    let event = json!({ "label": label });
    let mut fields = Fields::of(&event);
    let name = fields.name("label", "the name shown to people");
    if label.chars().count() > NAME_CHARS {
        fields.problem("label", &format!("must be at most {NAME_CHARS} characters"));
    }
    Ok(fields.finish(name)?)
}

/// A tournament to create. What the address says need not be said again.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateTournament {
    /// The season's address on SofaScore, as
    /// `https://www.sofascore.com/tournament/football/england/premier-league/17#id:61627`.
    #[schema(
        pattern = "^https://www\\.sofascore\\.com/tournament/football/[a-z-]{1,30}/[a-z][a-z-]{0,49}/[0-9]{1,8}#id:[0-9]{1,8}$"
    )]
    pub url: String,
    /// Shown to people; the competition's name in the address unless given.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    pub label: Option<String>,
    /// Part of the application's URLs; made of label and season unless given.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9_-]{1,80}$")]
    pub slug: Option<String>,
    /// `2024/25` and the like; the season that is on unless given.
    #[serde(default)]
    #[schema(pattern = "^[0-9]{2,4}(/[0-9]{2,4})?$")]
    pub season: Option<String>,
    /// How it is played; as an earlier season of the competition unless given.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// One table or several; as an earlier season of the competition unless given.
    #[serde(default)]
    pub standings_mode: Option<StandingsMode>,
    /// Plan and report, write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// A tournament to create, all filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub external_id: String,
    pub label: String,
    pub slug: String,
    pub season: String,
    pub mode: Mode,
    pub standings_mode: StandingsMode,
    pub base_url: String,
    pub public_url: Option<String>,
}

/// Fills in what was left out: from the address, from an earlier season of the competition, from the day.
pub(crate) async fn draft(desk: &Desk, asked: &CreateTournament) -> Result<Draft, Problem> {
    let read = season_url::read(&asked.url)
        .ok_or_else(|| Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "url", season_url::LIKE))?;
    let external_id = read.season.tournament.to_string();
    let client = desk.services().await?.store.client().await?;
    let earlier = tournaments::latest_of(&*client, &external_id).await?;
    let label = asked.label.as_deref().map(name).transpose()?;
    let label = label
        .or_else(|| earlier.as_ref().map(|(label, _, _)| label.clone()))
        .or_else(|| read.name.as_deref().map(season_url::label))
        .ok_or_else(|| {
            Problem::field(
                StatusCode::UNPROCESSABLE_ENTITY,
                "label",
                "is missing: it is the name shown to people",
            )
        })?;
    let season = match asked.season.as_deref().map(str::trim) {
        None => season_url::season_at(desk.clock.now()),
        Some(season) if season_url::is_season(season) => season.to_owned(),
        Some(_) => {
            let remedy = "must be like 2024/25 or 2026";
            return Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "season", remedy));
        }
    };
    let slug = asked.slug.clone().unwrap_or_else(|| season_url::slug(&label, &season));
    let known = |of: fn(&(String, String, String)) -> &String| earlier.as_ref().map(of);
    Ok(Draft {
        mode: asked
            .mode
            .or_else(|| known(|(_, mode, _)| mode)?.parse().ok())
            .unwrap_or(Mode::RegularSeasonOnly),
        standings_mode: asked
            .standings_mode
            .or_else(|| known(|(_, _, mode)| mode)?.parse().ok())
            .unwrap_or(StandingsMode::UniqueGroup),
        base_url: read.season.base_url(),
        public_url: read.public_url,
        external_id,
        label,
        slug,
        season,
    })
}

/// The trigger that creates a tournament, if the function would take it.
pub(crate) async fn create_request(desk: &Desk, draft: &Draft) -> Result<Request, Problem> {
    let event = json!({ "operation": "create", "tournament": {
        "label": draft.label,
        "slug": draft.slug,
        "season": draft.season,
        "mode": draft.mode,
        "standingsMode": draft.standings_mode,
        "baseUrl": draft.base_url,
        "publicUrl": draft.public_url,
    } });
    // By the function's own reader: what is accepted here is accepted there.
    let (environment, now) = (&desk.app.config.environment, desk.clock.now());
    let event = Event::read(Function::Tournaments, &event, environment, now)?;
    let client = desk.services().await?.store.client().await?;
    let there =
        shared::store::tournaments::find_by_identity(&*client, &draft.external_id, &draft.slug).await?;
    if let Some(there) = there {
        return Err(Problem::field(
            StatusCode::CONFLICT,
            "tournament.slug",
            format!(
                "is taken for this competition by {} ({}): refresh that one, or give this season a slug of its own",
                there.label, there.id
            ),
        ));
    }
    Ok(event.request)
}

/// Creates a tournament: logo, rounds, teams with their badges, matches, standings.
#[utoipa::path(post, path = "/tournaments", tag = "tournaments", request_body = CreateTournament,
    params(super::Key),
    responses((status = 202, body = Accepted), Refusals))]
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Body(asked): Body<CreateTournament>,
) -> Result<Response, Problem> {
    let draft = draft(&desk, &asked).await?;
    let request = create_request(&desk, &draft).await?;
    Ok(accepted(asking::start(&desk, &caller, request, asked.dry_run, key.as_deref()).await?))
}

/// One tournament.
#[utoipa::path(get, path = "/tournaments/{id}", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = TournamentView), Refusals))]
pub(super) async fn get(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Json<TournamentView>, Problem> {
    Ok(Json(found(&desk, id).await?))
}

/// What to change of a tournament; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EditTournament {
    /// Shown to people.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    pub label: Option<String>,
    /// `active` ones are worked on; the others are left alone.
    #[serde(default)]
    pub status: Option<TournamentStatus>,
    /// The order of teams level on points, in prose. Empty: the provider's again, once its table is read.
    #[serde(default)]
    #[schema(max_length = 4000, pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    pub tie_breaking_rule: Option<String>,
}

/// Changes a tournament and puts on record who asked for it.
pub(crate) async fn edit_tournament(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked: &EditTournament,
) -> Result<bool, Problem> {
    let before = found(desk, id).await?;
    let wrong = |field, remedy| Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, field, remedy));
    let bad = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    let label = asked.label.as_deref().map(name).transpose()?;
    let label = label.as_deref();
    let rule = asked.tie_breaking_rule.as_deref().map(str::trim);
    if rule.is_some_and(|rule| rule.chars().count() > 4_000 || bad(rule)) {
        return wrong("tieBreakingRule", "must be at most 4000 characters of text");
    }
    let now = desk.clock.now();
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction().await?;
    let edit = Edit { label, status: asked.status, tie_breaking_rule: rule };
    let wrote = tournaments::edit(&transaction, id, &edit, now).await?;
    if wrote {
        let changes = [
            ("label", label.map(|to| json!({ "from": before.label, "to": to }))),
            ("status", asked.status.map(|to| json!({ "from": before.status, "to": to }))),
            ("tieBreakingRule", rule.map(|to| json!({ "from": before.tie_breaking_rule, "to": to }))),
        ];
        let summary = Summary {
            tournament_id: Some(id),
            tournament_label: Some(label.unwrap_or(&before.label).to_owned()),
            rows: Some(Outcomes { updated: 1, ..Outcomes::default() }),
            changes: Some(
                changes.into_iter().map(|(name, change)| (name.to_owned(), json!(change))).collect(),
            ),
            facts: Facts { requested_by: Some(caller.name.clone()), ..Facts::default() },
            ..Summary::default()
        };
        let change = Change {
            operation: Operation::TournamentUpdate,
            tournament_id: Some(id),
            requested_by: &caller.name,
            summary: &summary,
        };
        executions::record_change(&transaction, &change, now).await?;
    }
    transaction.commit().await.map_err(shared::store::StoreError::from)?;
    Ok(wrote)
}

/// Changes a tournament by hand.
#[utoipa::path(patch, path = "/tournaments/{id}", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    request_body = EditTournament, responses((status = 200, body = TournamentView), Refusals))]
pub(super) async fn update(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    caller: Caller,
    Body(asked): Body<EditTournament>,
) -> Result<Json<TournamentView>, Problem> {
    edit_tournament(&desk, &caller, id, &asked).await?;
    Ok(Json(found(&desk, id).await?))
}

/// The rounds, in order.
#[utoipa::path(get, path = "/tournaments/{id}/rounds", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Vec<RoundView>), Refusals))]
pub(super) async fn rounds(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
) -> Result<Json<Vec<RoundView>>, Problem> {
    found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(tournaments::rounds(&*client, id).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Matches {
    /// The slug of a round.
    #[param(pattern = "^[A-Za-z0-9_-]{1,100}$")]
    round: Option<String>,
    /// A day, UTC.
    #[param(value_type = Option<chrono::NaiveDate>)]
    day: Option<String>,
}

/// The matches of a round, of a day, or all; a thousand at most.
#[utoipa::path(get, path = "/tournaments/{id}/matches", tag = "tournaments", params(("id" = uuid::Uuid, Path), Matches),
    responses((status = 200, body = Vec<MatchView>), Refusals))]
pub(super) async fn matches(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Asked(asked): Asked<Matches>,
) -> Result<Json<Vec<MatchView>>, Problem> {
    let (round, day) = (request::round(asked.round.as_deref())?, request::day(asked.day.as_deref())?);
    found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(tournaments::matches(&*client, id, round, day, MATCHES).await?.rows))
}

/// The tables, and what differed from the provider's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standings {
    /// The rows, group by group.
    rows: Vec<StandingView>,
    /// The order of teams level on points.
    tie_breaking_rule: Option<String>,
    /// The last comparison with the provider's table; none: there was none yet.
    drift: Option<DriftView>,
}

/// The tables, and what differed from the provider's when they were last compared.
#[utoipa::path(get, path = "/tournaments/{id}/standings", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    operation_id = "get_standings", responses((status = 200, body = Standings), Refusals))]
pub(super) async fn standings(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Json<Standings>, Problem> {
    let tournament = found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(Standings {
        rows: tournaments::standings(&*client, id).await?,
        tie_breaking_rule: tournament.tie_breaking_rule,
        drift: tournaments::drift(&*client, id).await?,
    }))
}

/// The bracket, tie by tie, in the order of the rounds.
#[utoipa::path(get, path = "/tournaments/{id}/bracket", tag = "tournaments", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Vec<TieView>), Refusals))]
pub(super) async fn bracket(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
) -> Result<Json<Vec<TieView>>, Problem> {
    found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    Ok(Json(tournaments::bracket(&*client, id).await?))
}
