//! The event's object `tournament`: an operator's description of a tournament to create.

use football::domain::{Mode, StandingsMode};
use serde_json::{Value, json};

use super::Fields;
use crate::provider::{SeasonRef, is_page};
use crate::store::tournaments::NewTournament;

const BASE_URL: &str = "like https://www.sofascore.com/api/v1/unique-tournament/16/season/41087 or https://api.football-data.org/v4/competitions/PL/matches?season=2025";
const PUBLIC_URL: &str = "a page below https://www.sofascore.com/";
const SLUG: &str = "lower-case letters, digits and hyphens, like premier-league-2024-25";

/// None only along with a problem.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<NewTournament> {
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
        external_id: season_ref.external_id(),
        base_url: season_ref.base_url(),
        public_url,
        slug,
        provider: season_ref.provider(),
        season,
        mode: mode?,
        standings_mode,
        label,
        logo: String::new(),
    })
}

/// The JSON that [`read`] reads.
pub(super) fn to_json(new: &NewTournament) -> Value {
    json!({
        "label": new.label,
        "slug": new.slug,
        "season": new.season,
        "mode": new.mode,
        "standingsMode": new.standings_mode,
        "baseUrl": new.base_url,
        "publicUrl": new.public_url,
    })
}
