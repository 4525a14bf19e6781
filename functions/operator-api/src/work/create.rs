//! Creating a tournament: its fields, from the address and defaults, validated as the function validates them.

use axum::http::StatusCode;
use football::domain::{Mode, StandingsMode};
use serde::Deserialize;
use serde_json::json;
use shared::event::{Event, Fields, Request};
use shared::provider::season_page;
use shared::work::Function;
use utoipa::ToSchema;

use super::naming;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::tournaments;

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
pub(super) fn name(label: &str) -> Result<String, Problem> {
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
    /// `https://www.sofascore.com/tournament/football/england/premier-league/17#id:61627`, or football-data.org's code and year,
    /// as `PL 2025`.
    #[schema(
        pattern = "^(https://www\\.sofascore\\.com/tournament/football/[a-z-]{1,30}/[a-z][a-z-]{0,49}/[0-9]{1,8}#id:[0-9]{1,8}|(WC|CL|BL1|DED|BSA|PD|FL1|ELC|PPL|EC|SA|PL) 20[0-9]{2})$"
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

/// Fills in missing fields from the address, from an earlier season of the competition and from the date.
pub(crate) async fn draft(desk: &Desk, asked: &CreateTournament) -> Result<Draft, Problem> {
    let read = season_page(&asked.url)
        .map_err(|error| Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "url", error.to_string()))?;
    let external_id = read.season.external_id();
    let client = desk.services().await?.store.client().await?;
    let earlier = tournaments::latest_of(&*client, &external_id).await?;
    let label = asked.label.as_deref().map(name).transpose()?;
    let label = label
        .or_else(|| earlier.as_ref().map(|(label, _, _)| label.clone()))
        .or_else(|| read.name.as_deref().map(naming::label))
        .ok_or_else(|| {
            Problem::field(
                StatusCode::UNPROCESSABLE_ENTITY,
                "label",
                "is missing: it is the name shown to people",
            )
        })?;
    let season = match asked.season.as_deref().map(str::trim) {
        None => read.label.clone().unwrap_or_else(|| naming::season_at(desk.clock.now())),
        Some(season) if naming::is_season(season) => season.to_owned(),
        Some(_) => {
            let remedy = "must be like 2024/25 or 2026";
            return Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "season", remedy));
        }
    };
    let slug = asked.slug.clone().unwrap_or_else(|| naming::slug(&label, &season));
    let known = |of: fn(&(String, String, String)) -> &String| earlier.as_ref().map(of);
    Ok(Draft {
        mode: asked
            .mode
            .or_else(|| known(|(_, mode, _)| mode)?.parse().ok())
            .or(read.modes.map(|(mode, _)| mode))
            .unwrap_or(Mode::RegularSeasonOnly),
        standings_mode: asked
            .standings_mode
            .or_else(|| known(|(_, _, mode)| mode)?.parse().ok())
            .or(read.modes.map(|(_, mode)| mode))
            .unwrap_or(StandingsMode::UniqueGroup),
        base_url: read.season.base_url(),
        public_url: read.public_url,
        external_id,
        label,
        slug,
        season,
    })
}

/// The request that creates a tournament, if the function would accept it.
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
    // Read as the function reads it, so that the function accepts what is accepted here.
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
