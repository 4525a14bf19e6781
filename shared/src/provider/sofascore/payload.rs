//! The provider's JSON, as far as it is needed. Unknown fields are ignored: the API is undocumented and changes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::provider::reading::Rounds;
use football::domain::{Round, RoundAddress};

/// `…/rounds`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoundsPayload {
    #[serde(default, deserialize_with = "object")]
    pub current_round: Option<RoundPayload>,
    pub rounds: Vec<RoundPayload>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RoundPayload {
    pub round: u32,
    pub name: Option<String>,
    pub slug: Option<String>,
    pub prefix: Option<String>,
}

/// `…/events/round/…`: each event is read on its own, so that a malformed one does not affect the others.
#[derive(Debug, Deserialize)]
pub(super) struct EventsPayload {
    pub events: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventPayload {
    pub id: u64,
    pub start_timestamp: Option<i64>,
    pub status: StatusPayload,
    pub home_team: TeamPayload,
    pub away_team: TeamPayload,
    #[serde(default, deserialize_with = "object")]
    pub home_score: ScorePayload,
    #[serde(default, deserialize_with = "object")]
    pub away_score: ScorePayload,
    #[serde(default, deserialize_with = "object")]
    pub tournament: TournamentPayload,
    #[serde(default, deserialize_with = "object")]
    pub changes: ChangesPayload,
    #[serde(default, deserialize_with = "or_default")]
    pub is_awarded: bool,
    pub winner_code: Option<i32>,
    pub aggregated_winner_code: Option<i32>,
    pub previous_leg_event_id: Option<u64>,
    pub cup_matches_in_round: Option<i32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusPayload {
    pub code: i64,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TeamPayload {
    pub id: u64,
    pub name: String,
    pub short_name: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct ScorePayload {
    pub display: Option<i32>,
    pub current: Option<i32>,
    pub normaltime: Option<i32>,
    pub overtime: Option<i32>,
    pub penalties: Option<i32>,
}

/// The stage of a competition, not the competition: every group and phase has its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TournamentPayload {
    pub id: Option<u64>,
    pub name: Option<String>,
    pub group_name: Option<String>,
}

impl TournamentPayload {
    /// The stage's id.
    pub(super) fn stage(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }

    /// The name without that of the competition: `League A, Gr. 1` of `UEFA Nations League, League A, Gr. 1`.
    pub(super) fn part(&self) -> Option<&str> {
        Some(self.name.as_deref()?.split_once(", ")?.1)
    }

    /// The label of the group: its own field, or what of the name tells a group (`World Cup, Group A`; `EFL Trophy,
    /// Northern Group C`; `AFC Champions League Elite, West Region`).
    pub(super) fn group(&self) -> Option<String> {
        let named = self.group_name.clone().filter(|name| !name.is_empty());
        named.or_else(|| {
            let part = self.part()?;
            let last = part.rsplit(", ").next().unwrap_or(part);
            let is_lettered = last.strip_prefix("Group ").is_some_and(is_group_letter);
            let label = if is_lettered { last } else { part };
            (is_lettered || part.split(", ").any(names_group)).then(|| label.to_owned())
        })
    }
}

/// `A`, `B2`, `10`.
fn is_group_letter(text: &str) -> bool {
    (1..=2).contains(&text.len()) && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// `Northern Group C`, `Gr. 1`, `West Region`, `Eastern Conference`: a group of several beside each other.
fn names_group(part: &str) -> bool {
    const KINDS: [&str; 5] = ["Region", "Conference", "Division", "Zone", "Pool"];
    let words: Vec<&str> = part.split_whitespace().collect();
    let lettered =
        words.windows(2).any(|pair| matches!(pair[0], "Group" | "Gr." | "Grp.") && is_group_letter(pair[1]));
    lettered || (words.len() > 1 && words.iter().any(|word| KINDS.contains(word)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangesPayload {
    pub change_timestamp: Option<i64>,
}

/// `/event/{id}`.
#[derive(Debug, Deserialize)]
pub(super) struct OneEventPayload {
    pub event: Value,
}

/// `…/standings/total`.
#[derive(Debug, Deserialize)]
pub(super) struct StandingsPayload {
    pub standings: Vec<TablePayload>,
}

/// Its rows are read later, table by table: one of averages, without wins and goals, must not cost the others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TablePayload {
    pub id: Option<u64>,
    pub name: Option<String>,
    #[serde(default, deserialize_with = "object")]
    pub tournament: TournamentPayload,
    #[serde(default, deserialize_with = "object")]
    pub tie_breaking_rule: RulePayload,
    pub rows: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RulePayload {
    pub text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandingsRowPayload {
    pub team: TeamPayload,
    pub position: i32,
    pub matches: i32,
    pub wins: i32,
    pub draws: i32,
    pub losses: i32,
    pub scores_for: i32,
    pub scores_against: i32,
    #[serde(deserialize_with = "points")]
    pub points: i32,
    #[serde(default, deserialize_with = "for_display")]
    pub promotion: PromotionPayload,
}

/// What a place of a table leads to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PromotionPayload {
    pub text: Option<String>,
}

/// The competition, season and round of an event in a list over all competitions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlacePayload {
    pub id: u64,
    #[serde(default, deserialize_with = "object")]
    pub tournament: PlaceTournamentPayload,
    #[serde(default, deserialize_with = "object")]
    pub season: IdPayload,
    #[serde(default, deserialize_with = "object")]
    pub round_info: RoundInfoPayload,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaceTournamentPayload {
    #[serde(default, deserialize_with = "object")]
    pub unique_tournament: IdPayload,
    pub round_prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct IdPayload {
    pub id: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RoundInfoPayload {
    pub round: Option<u32>,
    pub slug: Option<String>,
}

/// Points, limited to a range far above any real table's, so that sums can't overflow.
fn points<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let points = i32::deserialize(deserializer)?;
    if (-9_999..=9_999).contains(&points) {
        Ok(points)
    } else {
        Err(serde::de::Error::custom(format!("is no number of points: {points}")))
    }
}

/// A field that may be left out; null means the same as its absence.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What is only shown to people: another shape than expected says nothing, and costs nothing else.
fn for_display<'de, D: Deserializer<'de>, T: Default + DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// An object, or nothing: null, an empty object, or an empty array, as some relays write an empty object.
fn object<'de, D: Deserializer<'de>, T: Default + DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(T::default()),
        Value::Array(items) if items.is_empty() => Ok(T::default()),
        Value::Object(fields) if fields.is_empty() => Ok(T::default()),
        value => serde_path_to_error::deserialize(value).map_err(serde::de::Error::custom),
    }
}

impl From<RoundsPayload> for Rounds {
    fn from(payload: RoundsPayload) -> Self {
        let round = |order: i32, round: RoundPayload| {
            let some = |text: Option<String>| text.filter(|text| !text.is_empty());
            let address =
                RoundAddress { number: round.round, prefix: some(round.prefix), slug: some(round.slug) };
            Round::new(order, round.name.as_deref(), address)
        };
        let current = payload.current_round.map(|current| round(0, current).slug);
        Self {
            rounds: payload.rounds.into_iter().zip(1..).map(|(item, order)| round(order, item)).collect(),
            current,
            refused: Vec::new(),
        }
    }
}
