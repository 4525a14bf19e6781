//! One reply as the pipeline reads it: for inspecting captures, and for fuzzing.

use serde_json::{Value, json};

use super::game::{self, Games, MATCH, season_of, team};
use super::payload::{MatchesPayload, StandingsPayload, TeamsPayload};
use super::standings;
use crate::provider::ProviderError;
use crate::provider::reply::{drop_nul, malformed, shape};

/// The kinds of reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    /// `/competitions/{code}/matches`.
    Matches,
    /// `/matches/{id}`.
    Match,
    /// `/competitions/{code}/standings`.
    Standings,
    /// `/competitions/{code}/teams`.
    Teams,
    /// `/matches`: a list over all competitions.
    Day,
}

/// A reply (the body of a 200) as domain JSON, or the error that names the field. Matches of a list that can't be read are
/// in its `refused`; a single match that can't be read is an error. A list or a table without what is around it is read too.
pub fn decode(kind: Kind, body: &str) -> Result<Value, ProviderError> {
    let path = kind.to_string();
    let mut value: Value =
        serde_json::from_str(body).map_err(|error| malformed(&path, format!("not JSON: {error}")))?;
    drop_nul(&mut value);
    Ok(match kind {
        Kind::Matches | Kind::Day => {
            let value = if value.is_array() { json!({ "matches": value }) } else { value };
            let matches = shape::<MatchesPayload>(&path, value)?.matches;
            let places: Vec<Value> = matches
                .iter()
                .map(|value| {
                    let place = season_of(value).map(
                        |(id, code, season)| json!({ "competition": id, "code": code, "season": season }),
                    );
                    json!({ "id": value.get("id"), "place": place })
                })
                .collect();
            let games = Games::of(matches);
            let rounds = games.rounds();
            match kind {
                Kind::Day => json!({ "reading": games.all(), "places": places }),
                _ => json!({ "rounds": rounds.rounds, "current": rounds.current, "reading": games.all() }),
            }
        }
        Kind::Match => {
            let reading = game::one(value).map_err(|refusal| {
                let field = match refusal.field.as_str() {
                    MATCH => MATCH.to_owned(),
                    field => format!("{MATCH}.{field}"),
                };
                malformed(&path, format!("{field}: {}", refusal.reason))
            })?;
            json!(reading)
        }
        Kind::Standings => {
            let value = if value.get("table").is_some() { json!({ "standings": [value] }) } else { value };
            let tables = standings::tables(shape::<StandingsPayload>(&path, value)?);
            json!(tables.map_err(|reason| malformed(&path, reason))?)
        }
        Kind::Teams => {
            let teams = shape::<TeamsPayload>(&path, value)?.teams;
            let team = |payload: &super::payload::TeamPayload| json!({ "team": team(payload), "badge": super::game::badge(payload) });
            json!(teams.iter().map(team).collect::<Vec<_>>())
        }
    })
}
