//! football-data.org's JSON, as far as it is needed. Unknown fields are ignored.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;

/// `…/matches`: each match is read on its own, so that a malformed one does not affect the others.
#[derive(Debug, Deserialize)]
pub(super) struct MatchesPayload {
    pub competition: Option<CompetitionPayload>,
    pub matches: Vec<Value>,
}

/// A match, in a list or alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MatchPayload {
    pub id: u64,
    pub utc_date: Option<DateTime<Utc>>,
    pub status: String,
    pub matchday: Option<u32>,
    pub stage: String,
    pub group: Option<String>,
    pub competition: Option<CompetitionPayload>,
    pub season: Option<SeasonPayload>,
    pub home_team: TeamPayload,
    pub away_team: TeamPayload,
    pub score: ScorePayload,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct CompetitionPayload {
    pub id: u32,
    pub code: Option<String>,
    pub emblem: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeasonPayload {
    pub start_date: Option<NaiveDate>,
}

/// A team; all fields are null where it is not decided yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TeamPayload {
    pub id: Option<u64>,
    pub name: Option<String>,
    pub short_name: Option<String>,
    pub crest: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScorePayload {
    pub winner: Option<WinnerPayload>,
    pub duration: Option<Duration>,
    #[serde(default)]
    pub full_time: Option<GoalsPayload>,
    #[serde(default)]
    pub regular_time: Option<GoalsPayload>,
    #[serde(default)]
    pub extra_time: Option<GoalsPayload>,
    #[serde(default)]
    pub penalties: Option<GoalsPayload>,
}

/// The winner of a match, or of its shootout; in a second leg too it is that of the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum WinnerPayload {
    HomeTeam,
    AwayTeam,
    Draw,
}

/// How long a match went, or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Duration {
    Regular,
    ExtraTime,
    PenaltyShootout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct GoalsPayload {
    pub home: Option<i32>,
    pub away: Option<i32>,
}

impl GoalsPayload {
    /// Both sides' goals.
    pub(super) fn both(self) -> Option<(i32, i32)> {
        self.home.zip(self.away)
    }
}

/// `…/standings`.
#[derive(Debug, Deserialize)]
pub(super) struct StandingsPayload {
    pub standings: Vec<TablePayload>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TablePayload {
    #[serde(rename = "type")]
    pub kind: String,
    pub group: Option<String>,
    pub table: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowPayload {
    pub position: i32,
    pub team: TeamPayload,
    pub played_games: i32,
    pub won: i32,
    pub draw: i32,
    pub lost: i32,
    pub points: i32,
    pub goals_for: i32,
    pub goals_against: i32,
}

/// `…/teams`.
#[derive(Debug, Deserialize)]
pub(super) struct TeamsPayload {
    pub teams: Vec<TeamPayload>,
}
