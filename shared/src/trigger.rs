//! Work asked for by a person: which function does it, its event, and under which key its record will stand.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::execution::{self, OperationType};

/// Work to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Which function does it.
    pub function: &'static str,
    /// What its first execution is.
    pub operation: OperationType,
    /// What it is about, as the function itself says it.
    pub subject: String,
    /// Of which tournament, where that exists.
    pub tournament_id: Option<Uuid>,
    event: Value,
}

impl Trigger {
    /// The scores of a round, as a closing check: the table is computed too once the round's matches have ended.
    pub fn scores(tournament: Uuid, round: &str) -> Self {
        Self {
            function: "scores-and-standings",
            operation: OperationType::MatchesUpdate,
            subject: format!("{tournament}:{round}:closing"),
            tournament_id: Some(tournament),
            event: json!({ "tournamentId": tournament, "roundSlug": round, "check": "closing" }),
        }
    }

    /// The table alone, from the matches as they are stored.
    pub fn standings(tournament: Uuid) -> Self {
        Self {
            function: "scores-and-standings",
            operation: OperationType::StandingsUpdate,
            subject: format!("{tournament}:-"),
            tournament_id: Some(tournament),
            event: json!({ "operation": "standings", "tournamentId": tournament }),
        }
    }

    /// New knockout rounds, their matches, and the bracket.
    pub fn knockouts(tournament: Uuid) -> Self {
        Self {
            function: "knockouts",
            operation: OperationType::KnockoutsUpdate,
            subject: format!("{tournament}:-"),
            tournament_id: Some(tournament),
            event: json!({ "tournamentId": tournament }),
        }
    }

    /// The daily routine.
    pub fn daily_routine() -> Self {
        Self {
            function: "daily-routine",
            operation: OperationType::DailySchedule,
            subject: "-:-".to_owned(),
            tournament_id: None,
            event: json!({}),
        }
    }

    /// A whole tournament, anew. `tournament` is the event's object of that name.
    pub fn create(external_id: &str, slug: &str, tournament: Value) -> Self {
        Self {
            function: "tournaments",
            operation: OperationType::TournamentCreate,
            subject: format!("{external_id}/{slug}:-"),
            tournament_id: None,
            event: json!({ "operation": "create", "tournament": tournament }),
        }
    }

    /// A whole tournament, brought up to date.
    pub fn refresh(tournament: Uuid) -> Self {
        Self {
            function: "tournaments",
            operation: OperationType::TournamentUpdate,
            subject: format!("{tournament}:-"),
            tournament_id: Some(tournament),
            event: json!({ "operation": "refresh", "tournamentId": tournament }),
        }
    }

    /// The key that the function will find its record under.
    pub fn key(&self, occurrence: &str, dry_run: bool) -> String {
        execution::key(self.function, &self.operation.to_string(), &self.subject, occurrence, dry_run)
    }

    /// The event that starts the work.
    pub fn event(&self, environment: &str, occurrence: &str, dry_run: bool, requested_by: &str) -> Value {
        let mut event = self.event.clone();
        event["targetEnv"] = environment.into();
        event["idempotencyKey"] = occurrence.into();
        event["requestedBy"] = requested_by.into();
        if dry_run {
            event["dryRun"] = true.into();
        }
        event
    }
}
