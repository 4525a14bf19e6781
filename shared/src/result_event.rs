//! A result as an event: the schema that consumers rely on, described in docs/events.md.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString};
use uuid::Uuid;

/// The version of the schema: raised when a field changes its meaning or is gone, not when one is added.
pub const VERSION: u32 = 1;

/// What happened: the event's `detail-type`, as `change_history.event` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ResultKind {
    /// A match has ended.
    MatchEnded,
    /// A match that had ended has another score.
    MatchCorrected,
    /// A match that had ended has no result any more: annulled, removed, or to be played again.
    MatchAnnulled,
    /// A tie has a winner.
    TieDecided,
    /// A tie that had a winner has another one.
    TieCorrected,
    /// A tie that had a winner has none any more.
    TieReopened,
    /// All matches that count for the table are over.
    TableFinal,
    /// A match that counts for the table is to be played after all.
    TableReopened,
    /// The tournament is complete: a week after its last match, the time in which results are corrected.
    TournamentComplete,
}

/// A result, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultEvent {
    /// [`VERSION`].
    pub version: u32,
    /// The idempotency key: the same event may come more than once, always with this key.
    pub key: String,
    /// The number of the change: of two events about one match or tie, the later has the higher.
    pub sequence: i64,
    /// What happened.
    pub kind: ResultKind,
    /// When it was stored.
    pub at: DateTime<Utc>,
    /// The tournament.
    pub tournament: TournamentRef,
    /// The match, if it is about one.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub game: Option<MatchResult>,
    /// The tie, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tie: Option<TieResult>,
    /// The execution that stored it; none: it was changed outside the pipeline.
    pub execution_id: Option<Uuid>,
    /// Whether a person has set it.
    pub by_hand: bool,
}

/// The tournament of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "they are the columns of `tournament`")]
pub struct TournamentRef {
    pub id: Uuid,
    pub slug: String,
    pub label: String,
    pub season: String,
}

/// A team: its id in the table `team`, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "they are the columns of `team`")]
pub struct TeamRef {
    pub id: Uuid,
    pub name: String,
}

/// Goals of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub struct Goals {
    pub home: i32,
    pub away: i32,
}

/// The result of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchResult {
    /// Its id in the table `match`.
    pub id: Uuid,
    /// The provider's id.
    pub external_id: String,
    /// The slug of its round.
    pub round: String,
    /// Its group; empty outside groups.
    pub group: String,
    /// Kickoff, UTC.
    pub kickoff: Option<DateTime<Utc>>,
    /// The home team.
    pub home: Option<TeamRef>,
    /// The away team.
    pub away: Option<TeamRef>,
    /// The state after the change.
    pub now: Outcome,
    /// The state before; none: the match is first stored now.
    pub before: Option<Outcome>,
}

/// A state of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `open`, `ended` or `not-defined`; `deleted` if its row is gone.
    pub status: String,
    /// Goals after 90 or 120 minutes.
    pub score: Option<Goals>,
    /// Goals of the shootout.
    pub penalties: Option<Goals>,
}

/// The result of a tie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TieResult {
    /// The slug of its round.
    pub round: String,
    /// Its number in the round, from 1.
    pub number: i32,
    /// The home side.
    pub home: Option<TeamRef>,
    /// The away side.
    pub away: Option<TeamRef>,
    /// The winner; none where the tie is open again.
    pub winner: Option<TeamRef>,
    /// What decided it, as `tournament_bracket.decided_by`.
    pub decided_by: Option<String>,
    /// The round that the winner goes to; none: it was the final, or a match for a place.
    pub next_round: Option<String>,
}

impl ResultEvent {
    /// The event's `detail`.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: ResultKind) -> ResultEvent {
        let team = |number, name: &str| Some(TeamRef { id: Uuid::from_u128(number), name: name.to_owned() });
        let outcome = |status: &str, home, penalties: Option<(i32, i32)>| Outcome {
            status: status.to_owned(),
            score: Some(Goals { home, away: 1 }),
            penalties: penalties.map(|(home, away)| Goals { home, away }),
        };
        let is_match = kind == ResultKind::MatchCorrected;
        ResultEvent {
            version: VERSION,
            key: "demo/7".to_owned(),
            sequence: 7,
            kind,
            at: DateTime::default(),
            tournament: TournamentRef {
                id: Uuid::from_u128(1),
                slug: "cup-2024".to_owned(),
                label: "Cup".to_owned(),
                season: "2024".to_owned(),
            },
            game: is_match.then(|| MatchResult {
                id: Uuid::from_u128(2),
                external_id: "9000001".to_owned(),
                round: "final".to_owned(),
                group: String::new(),
                kickoff: Some(DateTime::default()),
                home: team(3, "Ash"),
                away: team(4, "Birch"),
                now: outcome("ended", 1, Some((4, 3))),
                before: Some(outcome("ended", 2, None)),
            }),
            tie: (kind == ResultKind::TieDecided).then(|| TieResult {
                round: "final".to_owned(),
                number: 1,
                home: team(3, "Ash"),
                away: team(4, "Birch"),
                winner: team(3, "Ash"),
                decided_by: Some("shootout".to_owned()),
                next_round: None,
            }),
            execution_id: None,
            by_hand: is_match,
        }
    }

    #[test]
    fn the_schema_of_the_events() {
        let kinds = [ResultKind::MatchCorrected, ResultKind::TieDecided, ResultKind::TableFinal];
        insta::assert_json_snapshot!(kinds.map(|kind| event(kind).to_json()));
    }
}
