//! What an operator asks of the function.

use chrono::{DateTime, Utc};
use football::domain::{Mode, StandingsMode};
use football::plan::schedule::CheckKind;
use serde_json::Value;
use shared::event::{Envelope, Fields, InvalidInput};
use shared::provider::sofascore::{PROVIDER, SeasonRef, is_page};
use shared::store::tournaments::NewTournament;
use uuid::Uuid;

/// A valid event.
pub(crate) struct Input {
    pub envelope: Envelope,
    pub what: What,
    /// Since when the provider could not tell what this refresh asks for once more.
    pub since: Option<DateTime<Utc>>,
}

pub(crate) enum What {
    Create(NewTournament),
    Refresh(Uuid),
}

const BASE_URL: &str = "like https://www.sofascore.com/api/v1/unique-tournament/16/season/41087";
const PUBLIC_URL: &str = "a page below https://www.sofascore.com/";
const SLUG: &str = "lower-case letters, digits and hyphens, like premier-league-2024-25";

pub(crate) fn read(event: &Value, environment: &str, now: DateTime<Utc>) -> Result<Input, InvalidInput> {
    let mut fields = Fields::of(event);
    let envelope = fields.envelope(environment, now);
    let what = match fields.required("operation", "create, refresh or probe").as_str() {
        "create" => fields.within("tournament", new_tournament).map(What::Create),
        "refresh" => Some(What::Refresh(fields.uuid("tournamentId"))),
        "" => None,
        _ => {
            fields.problem("operation", "must be create, refresh or probe");
            None
        }
    };
    let since = fields.follow_up_since(CheckKind::Refresh);
    match what {
        Some(what) => fields.finish(Input { envelope, what, since }),
        None => {
            Err(fields.finish(()).err().unwrap_or_else(|| InvalidInput::one("tournament", "is not complete")))
        }
    }
}

/// None only along with a problem.
fn new_tournament(fields: &mut Fields<'_>) -> Option<NewTournament> {
    let label = fields.name("label", "the name shown to people");
    let slug = fields.segment("slug", SLUG);
    if slug.chars().any(|c| c.is_ascii_uppercase()) {
        fields.problem("slug", &format!("must be {SLUG}"));
    }
    let season = fields.name("season", "the season's name, like 2024/25");
    let mode: Option<Mode> =
        fields.parsed("mode", "regular-season-and-knockout, regular-season-only or knockout-only");
    let standings_mode = match fields.optional("standingsMode").map(|mode| mode.parse()) {
        None => StandingsMode::UniqueGroup,
        Some(Ok(mode)) => mode,
        Some(Err(_)) => {
            fields.problem("standingsMode", "must be unique-group or multi-group");
            StandingsMode::UniqueGroup
        }
    };
    let base_url = fields.required("baseUrl", BASE_URL);
    let season_ref = SeasonRef::parse(&base_url);
    if season_ref.is_none() && !base_url.is_empty() {
        fields.problem("baseUrl", &format!("must be {BASE_URL}"));
    }
    let public_url = fields.optional("publicUrl");
    if public_url.as_ref().is_some_and(|url| !is_page(url)) {
        fields.problem("publicUrl", &format!("must be {PUBLIC_URL}"));
    }
    let season_ref = season_ref?;
    Some(NewTournament {
        external_id: season_ref.tournament.to_string(),
        base_url: season_ref.base_url(),
        public_url,
        slug,
        provider: PROVIDER.to_owned(),
        season,
        mode: mode?,
        standings_mode,
        label,
        logo: String::new(),
    })
}
