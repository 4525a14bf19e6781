//! The event of a function: one type, and one codec that reads and writes it.
//!
//! Scheduler, the desk, the samples and older callers send JSON; [`Event::read`] parses it to an [`Event`], or names
//! every field that is wrong. [`Event::to_json`] writes what the desk sends, `schedule_input` what Scheduler sends.
//!
//! In the JSON the meaning of `kickoff` depends on `check`: a closing check's kickoff, or the time of a retry's first
//! attempt. Here each has its own name.

mod fields;
mod new_tournament;
mod scheduled;

use chrono::{DateTime, Utc};
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use uuid::Uuid;

pub use fields::{Envelope, Fields, InvalidInput, Problem, uuid};
pub(crate) use scheduled::{check_of, schedule_input};

use crate::store::tournaments::NewTournament;
use crate::work::{Function, Operation, Subject, Work};

/// A request to a function, and its occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The occurrence, and whether it is a dry run.
    pub envelope: Envelope,
    /// The requested work.
    pub request: Request,
}

/// The work that a function is requested to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `daily-routine`: the daily routine.
    DailyRoutine {
        /// If this is a retry: the time of the first attempt.
        retry_since: Option<DateTime<Utc>>,
    },
    /// `scores-and-standings`: the scores of a round, then the table where it is due.
    Scores {
        /// The tournament.
        tournament_id: Uuid,
        /// Its slug.
        round: String,
        /// The kind of check.
        check: RoundCheck,
    },
    /// `scores-and-standings`: the table alone, from the matches as they are stored.
    Standings {
        /// The tournament.
        tournament_id: Uuid,
        /// If this is a retry: the time of the first attempt.
        retry_since: Option<DateTime<Utc>>,
    },
    /// `knockouts`: new knockout rounds, their matches, and the bracket.
    Knockouts {
        /// The tournament.
        tournament_id: Uuid,
        /// If this is a retry: the time of the first attempt.
        retry_since: Option<DateTime<Utc>>,
    },
    /// `tournaments`: a whole tournament, created.
    CreateTournament(NewTournament),
    /// `tournaments`: a whole tournament, brought up to date.
    RefreshTournament {
        /// Which.
        tournament_id: Uuid,
        /// If this is a retry: the time of the first attempt.
        retry_since: Option<DateTime<Utc>>,
    },
    /// `tournaments`: one real request to the provider, to test access; writes nothing.
    Probe,
    /// `migrate`: the pending database migrations.
    Migrate,
}

/// The kind of check of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundCheck {
    /// The running score.
    Interim,
    /// The final scores. It follows up matches of its kickoff (none: of every kickoff) that are still running.
    Closing {
        /// The kickoff whose matches should have ended.
        kickoff: Option<DateTime<Utc>>,
    },
    /// The final scores again: it follows up every match of the round that still runs.
    FollowUp,
    /// Matches that no other check covers.
    Sweep,
}

impl RoundCheck {
    /// The kind of check, as in schedules and keys.
    pub fn kind(self) -> CheckKind {
        match self {
            Self::Interim => CheckKind::Interim,
            Self::Closing { .. } => CheckKind::Closing,
            Self::FollowUp => CheckKind::FollowUp,
            Self::Sweep => CheckKind::Sweep,
        }
    }

    /// The kickoff whose matches are followed up; none: matches of every kickoff.
    pub fn kickoff(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Closing { kickoff } => kickoff,
            Self::Interim | Self::FollowUp | Self::Sweep => None,
        }
    }
}

impl Request {
    /// The function that does it.
    pub fn function(&self) -> Function {
        match self {
            Self::DailyRoutine { .. } => Function::DailyRoutine,
            Self::Scores { .. } | Self::Standings { .. } => Function::ScoresAndStandings,
            Self::Knockouts { .. } => Function::Knockouts,
            Self::CreateTournament(_) | Self::RefreshTournament { .. } | Self::Probe => Function::Tournaments,
            Self::Migrate => Function::Migrate,
        }
    }

    /// The operation and subject of its first execution; none for requests that leave no record.
    fn first_execution(&self) -> Option<(Operation, Subject)> {
        Some(match self {
            Self::DailyRoutine { .. } => (Operation::DailySchedule, Subject::All),
            Self::Scores { tournament_id, round, check } => {
                let (tournament, round, check) = (*tournament_id, round.clone(), check.kind());
                (Operation::MatchesUpdate, Subject::Round { tournament, round, check })
            }
            Self::Standings { tournament_id, .. } => {
                (Operation::StandingsUpdate, Subject::Tournament(*tournament_id))
            }
            Self::Knockouts { tournament_id, .. } => {
                (Operation::KnockoutsUpdate, Subject::Tournament(*tournament_id))
            }
            Self::CreateTournament(new) => {
                let (external_id, slug) = (new.external_id.clone(), new.slug.clone());
                (Operation::TournamentCreate, Subject::NewTournament { external_id, slug })
            }
            Self::RefreshTournament { tournament_id, .. } => {
                (Operation::TournamentUpdate, Subject::Tournament(*tournament_id))
            }
            Self::Probe | Self::Migrate => return None,
        })
    }

    fn to_json(&self) -> Value {
        match self {
            Self::DailyRoutine { .. } | Self::Migrate => json!({}),
            Self::Scores { tournament_id, round, check } => {
                json!({ "tournamentId": tournament_id, "roundSlug": round, "check": check.kind() })
            }
            Self::Standings { tournament_id, .. } => {
                json!({ "operation": "standings", "tournamentId": tournament_id })
            }
            Self::Knockouts { tournament_id, .. } => json!({ "tournamentId": tournament_id }),
            Self::CreateTournament(new) => {
                json!({ "operation": "create", "tournament": new_tournament::to_json(new) })
            }
            Self::RefreshTournament { tournament_id, .. } => {
                json!({ "operation": "refresh", "tournamentId": tournament_id })
            }
            Self::Probe => json!({ "operation": "probe" }),
        }
    }
}

impl Event {
    /// An event that requests work manually, with its own occurrence as idempotency key.
    pub fn asked(request: Request, occurrence: &str, dry_run: bool) -> Self {
        let idempotency_key = Some(occurrence.to_owned());
        Self { envelope: Envelope { scheduled_time: None, idempotency_key, dry_run }, request }
    }

    /// Reads the event of a function of this environment at the time `now`.
    pub fn read(
        function: Function,
        event: &Value,
        environment: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, InvalidInput> {
        let mut fields = Fields::of(event);
        let envelope = fields.envelope(environment, now);
        let request = match function {
            Function::DailyRoutine => {
                Some(Request::DailyRoutine { retry_since: fields.retry_since(CheckKind::RoutineFollowUp) })
            }
            Function::ScoresAndStandings => Some(scores_or_standings(&mut fields)),
            Function::Knockouts => Some(Request::Knockouts {
                tournament_id: knockouts_tournament(&mut fields),
                retry_since: fields.retry_since(CheckKind::KnockoutsFollowUp),
            }),
            Function::Tournaments => tournaments(&mut fields),
            Function::Migrate => Some(Request::Migrate),
            // Its events are HTTP requests.
            Function::OperatorApi => None,
        };
        match request {
            Some(request) => fields.finish(Self { envelope, request }),
            None => Err(fields
                .finish(())
                .err()
                .unwrap_or_else(|| InvalidInput::one("tournament", "is not complete"))),
        }
    }

    /// The JSON that is sent to a function of this environment, including who requested it.
    pub fn to_json(&self, environment: &str, requested_by: &str) -> Value {
        let mut event = self.request.to_json();
        event["targetEnv"] = environment.into();
        event["requestedBy"] = requested_by.into();
        if let Some(key) = &self.envelope.idempotency_key {
            event["idempotencyKey"] = key.as_str().into();
        }
        if self.envelope.dry_run {
            event["dryRun"] = true.into();
        }
        event
    }

    /// The work of its first execution. If the event names no occurrence, the occurrence is `delivery`, which Lambda's
    /// own retries share. None for requests that leave no record.
    pub fn work(&self, delivery: Uuid) -> Option<Work> {
        let (operation, subject) = self.request.first_execution()?;
        Some(Work {
            function: self.request.function(),
            operation,
            tournament_id: subject.tournament(),
            subject,
            occurrence: self.envelope.occurrence().unwrap_or_else(|| delivery.to_string()),
            planned_for: self.envelope.scheduled_time,
            dry_run: self.envelope.dry_run,
        })
    }
}

/// The work of a delivery: that of its event, or the refusal of a malformed event, which is an execution too.
pub fn work_of(function: Function, delivery: Uuid, event: &Result<Event, InvalidInput>) -> Work {
    event.as_ref().ok().and_then(|event| event.work(delivery)).unwrap_or_else(|| Work {
        function,
        operation: match function {
            Function::ScoresAndStandings => Operation::MatchesUpdate,
            Function::Knockouts => Operation::KnockoutsUpdate,
            Function::Tournaments => Operation::TournamentCreate,
            Function::DailyRoutine | Function::OperatorApi | Function::Migrate => Operation::DailySchedule,
        },
        subject: Subject::All,
        occurrence: delivery.to_string(),
        planned_for: None,
        tournament_id: None,
        dry_run: false,
    })
}

/// An older caller's event has no `check`: it is a closing check of the whole round. Its `roundUrl` and `standingsUrl`
/// are ignored: requests use the URLs in the database.
fn scores_or_standings(fields: &mut Fields<'_>) -> Request {
    let tournament_id = fields.uuid("tournamentId");
    let round = match fields.optional("operation").as_deref() {
        Some("standings") => None,
        None | Some("scores") => {
            Some(fields.segment("roundSlug", "the slug of a round of the tournament, like 7 or semifinals"))
        }
        Some(_) => {
            fields.problem("operation", "must be scores or standings");
            None
        }
    };
    let kind = match fields.optional("check").map(|kind| kind.parse()) {
        None => CheckKind::Closing,
        Some(Ok(
            kind @ (CheckKind::Interim | CheckKind::Closing | CheckKind::FollowUp | CheckKind::Sweep),
        )) => kind,
        Some(Ok(kind @ CheckKind::StandingsFollowUp)) if round.is_none() => kind,
        Some(_) => {
            fields.problem("check", "must be interim, closing, follow-up or sweep");
            CheckKind::Closing
        }
    };
    let kickoff = fields.optional("kickoff").and_then(|text| fields.time("kickoff", &text));
    let Some(round) = round else {
        let retry_since = kickoff.filter(|_| kind == CheckKind::StandingsFollowUp);
        return Request::Standings { tournament_id, retry_since };
    };
    let check = match kind {
        CheckKind::Interim => RoundCheck::Interim,
        CheckKind::FollowUp => RoundCheck::FollowUp,
        CheckKind::Sweep => RoundCheck::Sweep,
        _ => RoundCheck::Closing { kickoff },
    };
    Request::Scores { tournament_id, round, check }
}

/// An older caller's `knockoutsUpdateUrl` is never requested; only the tournament it names is used, and only if no
/// other field names one.
fn knockouts_tournament(fields: &mut Fields<'_>) -> Uuid {
    let url = if fields.has("tournamentId") { None } else { fields.optional("knockoutsUpdateUrl") };
    let Some(url) = url else { return fields.uuid("tournamentId") };
    let named = url.split(['/', '?']).find_map(uuid).filter(|id| !id.is_nil());
    if named.is_none() || !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        fields.problem("knockoutsUpdateUrl", "names no tournament: send tournamentId (a UUID) instead");
    }
    named.unwrap_or_default()
}

/// None only along with a problem.
fn tournaments(fields: &mut Fields<'_>) -> Option<Request> {
    match fields.required("operation", "create, refresh or probe").as_str() {
        "create" => fields.within("tournament", new_tournament::read).map(Request::CreateTournament),
        "refresh" => Some(Request::RefreshTournament {
            tournament_id: fields.uuid("tournamentId"),
            retry_since: fields.retry_since(CheckKind::Refresh),
        }),
        "probe" => Some(Request::Probe),
        "" => None,
        _ => {
            fields.problem("operation", "must be create, refresh or probe");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use football::domain::{Mode, StandingsMode};

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_names_the_same_work() {
        let id = Uuid::from_u128(7);
        let new = NewTournament {
            external_id: "16".into(),
            base_url: "https://www.sofascore.com/api/v1/unique-tournament/16/season/41087".into(),
            public_url: None,
            slug: "world-cup".into(),
            provider: "sofascore".into(),
            season: "2022".into(),
            mode: Mode::RegularSeasonAndKnockout,
            standings_mode: StandingsMode::MultiGroup,
            label: "World Cup".into(),
            logo: String::new(),
        };
        for request in [
            Request::DailyRoutine { retry_since: None },
            Request::Scores {
                tournament_id: id,
                round: "final".into(),
                check: RoundCheck::Closing { kickoff: None },
            },
            Request::Standings { tournament_id: id, retry_since: None },
            Request::Knockouts { tournament_id: id, retry_since: None },
            Request::CreateTournament(new),
            Request::RefreshTournament { tournament_id: id, retry_since: None },
            Request::Probe,
        ] {
            for dry_run in [false, true] {
                let event = Event::asked(request.clone(), "asked-2024-03-01T12:00", dry_run);
                let json = event.to_json("demo", "Ann (API)");
                let now = "2024-03-01T12:00:00Z".parse().unwrap();
                let read = Event::read(request.function(), &json, "demo", now);
                assert_eq!(read.as_ref(), Ok(&event), "{json}");
                let key = |event: &Event| event.work(Uuid::nil()).map(|work| work.key());
                assert_eq!(read.map(|read| key(&read)), Ok(key(&event)));
            }
        }
    }
}
