//! The vocabulary of executions: which function does which operation, on what, and how it ended.
//!
//! Each word has one spelling, which the records, the SQL, reports, Slack, metrics and the desk's API share. Rows that
//! an older version or the application wrote may hold other words: they are read with `parse` and left unchanged.

use std::fmt;

use chrono::{DateTime, Utc};
use football::plan::checks::CheckKind;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use uuid::Uuid;

/// A Lambda function. Its name is the end of its ARN and the start of an idempotency key.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "each is described where its `main` is")]
pub enum Function {
    DailyRoutine,
    ScoresAndStandings,
    Knockouts,
    Tournaments,
    OperatorApi,
    Migrate,
}

impl From<CheckKind> for Function {
    /// The function that runs a check.
    fn from(kind: CheckKind) -> Self {
        match kind {
            CheckKind::Interim
            | CheckKind::Closing
            | CheckKind::FollowUp
            | CheckKind::SecondLook
            | CheckKind::NextDay
            | CheckKind::Sweep
            | CheckKind::FullPass
            | CheckKind::Table
            | CheckKind::StandingsFollowUp => Self::ScoresAndStandings,
            CheckKind::Knockouts | CheckKind::Draw | CheckKind::KnockoutsFollowUp => Self::Knockouts,
            CheckKind::Refresh => Self::Tournaments,
            CheckKind::RoutineFollowUp | CheckKind::CrossCheck => Self::DailyRoutine,
        }
    }
}

/// What an execution does, as stored in `data_provider_executions.operation_type`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Operation {
    TournamentCreate,
    TournamentUpdate,
    RoundsCreate,
    RoundsUpdate,
    TeamsCreate,
    TeamsUpdate,
    MatchesCreate,
    MatchesUpdate,
    StandingsCreate,
    StandingsUpdate,
    KnockoutsUpdate,
    DailySchedule,
    CrossCheck,
    ProviderReset,
    MatchCorrect,
    MatchUnlock,
    Pause,
    Resume,
    Acknowledge,
}

impl Operation {
    /// Whether only a person asks for it.
    pub fn is_by_hand(self) -> bool {
        self.is_decision() || matches!(self, Self::ProviderReset | Self::Acknowledge)
    }

    /// Whether a person decides it, and everybody is told.
    pub fn is_decision(self) -> bool {
        matches!(self, Self::MatchCorrect | Self::MatchUnlock | Self::Pause | Self::Resume)
    }

    /// The same in words, for titles and messages: `matches update`.
    pub fn words(self) -> String {
        self.to_string().replace('_', " ")
    }
}

/// The status of an execution, as stored in `data_provider_executions.status`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Status, description = "Where an execution may stand."))]
pub enum ExecutionStatus {
    /// It was announced, or a run is working on it, or that run died and its death was not detected yet.
    InProgress,
    /// All of it was done.
    Completed,
    /// A part of it failed while the rest was written.
    PartialFailure,
    /// It ended with an error.
    Failed,
}

/// The kind of an error: Lambda's `errorType`, also used by alarms and in reports.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
pub enum ErrorKind {
    /// Something is wrong with the event: it is not retried.
    InvalidInput,
    /// The provider has no such thing.
    NotFound,
    /// The provider refuses.
    Blocked,
    /// The provider's key is wrong or does not cover it: a person must act.
    NotAllowed,
    /// The provider requires a pause (429).
    RateLimited,
    /// The provider has an internal error, or can't be reached.
    Unavailable,
    /// The provider's answer is not what its endpoint returns.
    Malformed,
    /// The provider refused before, and gets no request for a while.
    CircuitOpen,
    /// The function's deadline was too near.
    OutOfTime,
    /// The browser failed.
    Browser,
    /// Postgres.
    Database,
    /// EventBridge Scheduler.
    Scheduler,
    /// Environment or secret.
    Configuration,
    /// Another run is working on this.
    AlreadyRunning,
    /// Another run has taken the work over.
    TakenOver,
    /// A request to the operator's API panicked.
    Panic,
    /// A panic in any other function, or an error of no other kind.
    Internal,
}

impl ErrorKind {
    /// Whether the provider refuses, now or since an earlier run.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Blocked | Self::CircuitOpen)
    }
}

/// What an execution is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Everything, or nothing that could be read.
    All,
    /// A tournament as a whole.
    Tournament(Uuid),
    /// A round, and the kind of check: an interim and a closing check of one round may fall on the same minute.
    Round {
        /// The tournament.
        tournament: Uuid,
        /// Its slug.
        round: String,
        /// The kind of check.
        check: CheckKind,
    },
    /// A tournament that does not exist yet.
    NewTournament {
        /// The provider's id of the competition.
        external_id: String,
        /// The slug it will have.
        slug: String,
    },
}

impl Subject {
    /// The tournament, if it exists.
    pub fn tournament(&self) -> Option<Uuid> {
        match self {
            Self::All | Self::NewTournament { .. } => None,
            Self::Tournament(id) | Self::Round { tournament: id, .. } => Some(*id),
        }
    }

    /// The round, if the subject is one.
    pub fn round(&self) -> Option<&str> {
        match self {
            Self::Round { round, .. } => Some(round),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    /// The form used in idempotency keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "-:-"),
            Self::Tournament(id) => write!(f, "{id}:-"),
            Self::Round { tournament, round, check } => write!(f, "{tournament}:{round}:{check}"),
            Self::NewTournament { external_id, slug } => write!(f, "{external_id}/{slug}:-"),
        }
    }
}

/// The work of one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Which function does it.
    pub function: Function,
    /// What it does.
    pub operation: Operation,
    /// What it is about.
    pub subject: Subject,
    /// The occurrence's name: its scheduled time, the requester's key, or the delivery's id.
    pub occurrence: String,
    /// The occurrence's scheduled time, if it has one.
    pub planned_for: Option<DateTime<Utc>>,
    /// The tournament, once it exists.
    pub tournament_id: Option<Uuid>,
    /// Plan and report, write nothing.
    pub dry_run: bool,
}

impl Work {
    /// The idempotency key: `function:operation:subject:occurrence[:dry]`. Work of one key is done once.
    pub fn key(&self) -> String {
        let Self { function, operation, subject, occurrence, dry_run, .. } = self;
        let dry = if *dry_run { ":dry" } else { "" };
        format!("{function}:{operation}:{subject}:{occurrence}{dry}")
    }

    /// A further operation of the same delivery, on the same subject.
    pub fn then(&self, operation: Operation, tournament_id: Option<Uuid>) -> Self {
        Self { operation, tournament_id, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_the_work_is() {
        let id = Uuid::from_u128(7);
        let round = Subject::Round { tournament: id, round: "final".into(), check: CheckKind::Closing };
        let new = Subject::NewTournament { external_id: "16".into(), slug: "world-cup".into() };
        let keys = [
            (Function::ScoresAndStandings, Operation::MatchesUpdate, round, false),
            (Function::Knockouts, Operation::KnockoutsUpdate, Subject::Tournament(id), true),
            (Function::DailyRoutine, Operation::DailySchedule, Subject::All, false),
            (Function::Tournaments, Operation::TournamentCreate, new, false),
        ]
        .map(|(function, operation, subject, dry_run)| {
            let occurrence = "2022-12-18T17:00:00Z".to_owned();
            let tournament_id = subject.tournament();
            let planned_for = None;
            Work { function, operation, subject, occurrence, planned_for, tournament_id, dry_run }.key()
        });
        assert_eq!(
            keys,
            [
                "scores-and-standings:matches_update:00000000-0000-0000-0000-000000000007:final:closing:2022-12-18T17:00:00Z",
                "knockouts:knockouts_update:00000000-0000-0000-0000-000000000007:-:2022-12-18T17:00:00Z:dry",
                "daily-routine:daily_schedule:-:-:2022-12-18T17:00:00Z",
                "tournaments:tournament_create:16/world-cup:-:2022-12-18T17:00:00Z",
            ]
        );
    }
}
