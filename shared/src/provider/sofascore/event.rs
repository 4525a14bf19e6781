//! SofaScore's events as matches.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use super::payload::{EventPayload, PlacePayload, ScorePayload, TeamPayload};
use super::score::Standing;
use super::status::State;
use super::{SeasonRef, classify, score, status};
use crate::provider::reading::{ListedRound, Reading, Refusal, Remark};
use football::domain::team::is_placeholder_name;
use football::domain::{Match, MatchStatus, Slot, Stage, Team, TieFacts, Winner};

/// An event of a list over several rounds, with its season and round, and not read yet.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::provider) struct ListedEvent {
    /// SofaScore's event id.
    pub(in crate::provider) external_id: String,
    /// Its round.
    pub(in crate::provider) round: ListedRound,
    /// SofaScore's id of its competition.
    pub(in crate::provider) tournament: u32,
    /// SofaScore's id of its season; older lists leave it out.
    pub(in crate::provider) season: Option<u32>,
    event: Value,
}

impl ListedEvent {
    /// The events whose competition and round can be read; the others can't be assigned and are dropped.
    pub(super) fn of(events: Vec<Value>) -> Vec<Self> {
        let listed = events.into_iter().filter_map(|event| {
            let place = PlacePayload::deserialize(&event).ok()?;
            Some(Self {
                external_id: place.id.to_string(),
                round: ListedRound {
                    number: place.round_info.round,
                    slug: place.round_info.slug,
                    prefix: place.tournament.round_prefix,
                },
                tournament: place.tournament.unique_tournament.id?,
                season: place.season.id,
                event,
            })
        });
        listed.collect()
    }

    /// Whether it is of this season, or may be: if the season is missing, only a known event id decides.
    pub(in crate::provider) fn may_be_of(&self, season: &SeasonRef) -> bool {
        self.tournament == season.tournament && self.season.is_none_or(|id| id == season.season)
    }

    /// Reads the event as a match of the stored round `round_slug`.
    pub(in crate::provider) fn read(&self, round_slug: &str) -> Reading {
        Reading::of(round_slug, vec![self.event.clone()])
    }
}

impl Reading {
    /// Reads the events of one round.
    pub(super) fn of(round_slug: &str, events: Vec<Value>) -> Self {
        let mut reading = Self::default();
        for event in events {
            let external_id =
                event.get("id").and_then(Value::as_u64).map(|id| id.to_string()).unwrap_or_default();
            let refusal = |field: &str, reason: String| Refusal {
                external_id: external_id.clone(),
                field: field.to_owned(),
                reason,
            };
            match serde_path_to_error::deserialize::<_, EventPayload>(event) {
                Err(error) => {
                    // A missing field is named in the reason.
                    let field = classify::place(&error).unwrap_or_else(|| EVENT.to_owned());
                    reading.refused.push(refusal(&field, error.inner().to_string()));
                }
                Ok(payload) => match reading.take(round_slug, &payload) {
                    Ok(()) => {}
                    Err((field, reason)) => reading.refused.push(refusal(field, reason)),
                },
            }
        }
        reading
    }

    fn take(&mut self, round_slug: &str, event: &EventPayload) -> Result<(), (&'static str, String)> {
        let (Slot::Team(home), Slot::Team(away)) = (slot(&event.home_team), slot(&event.away_team)) else {
            self.open_slots += 1;
            return Ok(());
        };
        if home.external_id == away.external_id {
            return Err(("awayTeam.id", "is the home team's: a team can't play itself".to_owned()));
        }
        let has_goals = |score: &ScorePayload| score.display.or(score.current).is_some();
        let has_score = has_goals(&event.home_score) && has_goals(&event.away_score);
        let state = match status::state(&event.status, event.is_awarded && has_score) {
            Some(state) => state,
            None if status::is_unknown_end(&event.status) && agrees(event) => {
                self.remarks.push(Remark {
                    external_id: event.id.to_string(),
                    text: format!("status code {} is not known: read as finished", event.status.code),
                });
                State::of(MatchStatus::Ended)
            }
            None => {
                let status = &event.status;
                let reason = format!(
                    "is not known: code {}, type {:?} ({})",
                    status.code, status.kind, status.description
                );
                return Err(("status", reason));
            }
        };
        let State { status, called_off } = state;
        // A walkover may have no score.
        let awarded = event.is_awarded || event.status.code == WALKOVER;
        let in_shootout = event.status.code == SHOOTOUT;
        let standing = Standing { status, in_shootout, awarded };
        let score = score::score(&event.home_score, &event.away_score, standing)?;
        let kickoff = event
            .start_timestamp
            .filter(|seconds| *seconds != 0)
            .map(|seconds| instant(seconds, "startTimestamp"))
            .transpose()?;
        let changed_at = event
            .changes
            .change_timestamp
            .filter(|seconds| *seconds != 0)
            .map(|seconds| instant(seconds, "changes.changeTimestamp"))
            .transpose()?;
        self.matches.push(Match {
            external_id: event.id.to_string(),
            round_slug: round_slug.to_owned(),
            stage: Stage::given(event.tournament.stage()),
            group_name: event.tournament.group().unwrap_or_default(),
            home: home.external_id.clone(),
            away: away.external_id.clone(),
            kickoff,
            status,
            called_off,
            score,
            changed_at,
            tie: TieFacts {
                extra_time: event.home_score.overtime.is_some() || event.away_score.overtime.is_some(),
                awarded,
                winner: event.winner_code.and_then(winner),
                tie_winner: event.aggregated_winner_code.and_then(winner),
                previous_leg: event.previous_leg_event_id.map(|id| id.to_string()),
                legs: event.cup_matches_in_round,
            },
        });
        for team in [home, away] {
            self.add_team(team);
        }
        Ok(())
    }
}

/// Whether the winner that an event names is that of its score, or of its shootout.
fn agrees(event: &EventPayload) -> bool {
    let sides =
        |field: fn(&ScorePayload) -> Option<i32>| field(&event.home_score).zip(field(&event.away_score));
    let goals = sides(|score| score.penalties).or_else(|| sides(|score| score.display.or(score.current)));
    let Some((home, away)) = goals else { return false };
    let by_score = match home.cmp(&away) {
        std::cmp::Ordering::Greater => Winner::Home,
        std::cmp::Ordering::Less => Winner::Away,
        std::cmp::Ordering::Equal => Winner::Neither,
    };
    event.winner_code.and_then(winner) == Some(by_score)
}

/// Reads a winner's code: 1 home, 2 away, 3 neither; none for any other.
pub(super) fn winner(code: i32) -> Option<Winner> {
    match code {
        1 => Some(Winner::Home),
        2 => Some(Winner::Away),
        3 => Some(Winner::Neither),
        _ => None,
    }
}

/// The field at fault where it is the event as a whole.
pub(super) const EVENT: &str = "event";

/// The code of a match that one side did not play.
const WALKOVER: i64 = 91;

/// The code of a match whose shootout is being played.
const SHOOTOUT: i64 = 50;

fn slot(team: &TeamPayload) -> Slot {
    if is_placeholder_name(&team.name) {
        return Slot::Placeholder(team.name.clone());
    }
    Slot::Team(Team {
        external_id: team.id.to_string(),
        name: team.name.clone(),
        short_name: team.short_name.clone().filter(|name| !name.is_empty()),
    })
}

/// A time from epoch seconds, within plausible years for a match.
fn instant(seconds: i64, field: &'static str) -> Result<DateTime<chrono::Utc>, (&'static str, String)> {
    const YEAR_1850: i64 = -3_786_825_600;
    const YEAR_2200: i64 = 7_258_118_400;
    DateTime::from_timestamp(seconds, 0)
        .filter(|_| (YEAR_1850..YEAR_2200).contains(&seconds))
        .ok_or_else(|| (field, format!("is no moment in epoch seconds: {seconds}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: u64, home: &str, away: &str, changes: &Value) -> Value {
        let mut event = json!({
            "id": id, "startTimestamp": 1_671_375_600, "status": {"code": 100, "type": "finished", "description": "Ended"},
            "homeTeam": {"id": 1, "name": home, "shortName": home}, "awayTeam": {"id": 2, "name": away},
            "homeScore": {"display": 2, "current": 2, "normaltime": 2}, "awayScore": {"display": 1, "current": 1},
            "tournament": {"groupName": "Group A"}, "changes": {"changeTimestamp": 1_671_383_000}, "extra": [1],
        });
        for (key, value) in changes.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    }

    #[test]
    fn good_events_go_in_and_bad_ones_are_told_apart() {
        let none = json!({});
        let reading = Reading::of(
            "1",
            vec![
                event(1, "Qatar", "Ecuador", &none),
                event(2, "Winner QF1", "Ecuador", &none),
                event(3, "Qatar", "Ecuador", &json!({"status": {"code": 77, "type": "finished"}})),
                event(4, "Qatar", "Ecuador", &json!({"homeScore": {"display": 9, "current": 2}})),
                event(5, "Qatar", "Ecuador", &json!({"homeTeam": {"id": "x"}})),
                event(6, "Qatar", "Ecuador", &json!({"startTimestamp": 99_999_999_999_i64})),
                event(
                    7,
                    "Qatar",
                    "Ecuador",
                    &json!({"homeScore": [], "awayScore": [], "changes": [],
                "status": {"code": 0, "type": "notstarted"}, "startTimestamp": null}),
                ),
            ],
        );
        insta::assert_json_snapshot!(reading);
    }

    #[test]
    fn an_event_of_an_older_list_may_be_of_any_season_of_its_competition() {
        let of = |season: Value| {
            let place = json!({"tournament": {"uniqueTournament": {"id": 17}}, "season": season});
            ListedEvent::of(vec![event(1, "Ash", "Elm", &place)]).pop().unwrap()
        };
        let ours = SeasonRef { tournament: 17, season: 61_627 };
        assert!(of(json!({"id": 61_627})).may_be_of(&ours) && of(Value::Null).may_be_of(&ours));
        assert!(!of(json!({"id": 61_626})).may_be_of(&ours));
        assert!(!of(Value::Null).may_be_of(&SeasonRef { tournament: 8, ..ours }));
        let nobodys = event(1, "Ash", "Elm", &json!({"tournament": {}}));
        assert!(ListedEvent::of(vec![nobodys]).is_empty());
    }
}
