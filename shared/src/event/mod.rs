//! The event of a function: one type, and one codec that reads and writes it.
//!
//! The desk, the samples and older callers send JSON; [`Event::read`] parses it to an [`Event`], or names every field that
//! is wrong, and [`Event::to_json`] writes it. What Scheduler sends is a [`WakeUp`]: it names no work, since that stands in
//! the database, from where each check becomes an event of its own.
//!
//! In the JSON the meaning of `kickoff` depends on `check`: a closing check's kickoff, or the time of a retry's first
//! attempt. Here each has its own name.

mod fields;
mod new_tournament;

use chrono::{DateTime, Utc};
use football::plan::checks::{Check, CheckKind};
use serde_json::{Value, json};
use uuid::Uuid;

pub use fields::{Envelope, Fields, InvalidInput, Problem, uuid};

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
        /// Only for this tournament: no other's rows, checks and alarms are touched.
        tournament_id: Option<Uuid>,
        /// If this is a retry: the time of the first attempt.
        retry_since: Option<DateTime<Utc>>,
    },
    /// `daily-routine`: yesterday's results at the providers that are not asked first, compared with what is stored.
    CrossCheck {
        /// Only of this tournament, whose teams are identified too.
        tournament_id: Option<Uuid>,
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
    /// The final scores. The table is due when the matches of its kickoff (none: of every kickoff) have ended.
    Closing {
        /// The kickoff whose matches should have ended.
        kickoff: Option<DateTime<Utc>>,
    },
    /// The final scores again: it follows up every match of the round that still runs.
    FollowUp,
    /// Results some minutes after they were first seen.
    SecondLook,
    /// The day after a match had stopped.
    NextDay,
    /// Matches that no other check covers.
    Sweep,
    /// A whole round, which nothing else would read for long.
    FullPass,
}

impl RoundCheck {
    /// The kind of check, as in schedules and keys.
    pub fn kind(self) -> CheckKind {
        match self {
            Self::Interim => CheckKind::Interim,
            Self::Closing { .. } => CheckKind::Closing,
            Self::FollowUp => CheckKind::FollowUp,
            Self::SecondLook => CheckKind::SecondLook,
            Self::NextDay => CheckKind::NextDay,
            Self::Sweep => CheckKind::Sweep,
            Self::FullPass => CheckKind::FullPass,
        }
    }

    /// The check of this kind, if it is one of a round.
    fn of(kind: CheckKind, kickoff: Option<DateTime<Utc>>) -> Option<Self> {
        Some(match kind {
            CheckKind::Interim => Self::Interim,
            CheckKind::Closing => Self::Closing { kickoff },
            CheckKind::FollowUp => Self::FollowUp,
            CheckKind::SecondLook => Self::SecondLook,
            CheckKind::NextDay => Self::NextDay,
            CheckKind::Sweep => Self::Sweep,
            CheckKind::FullPass => Self::FullPass,
            _ => return None,
        })
    }
}

impl Request {
    /// The function that does it.
    pub fn function(&self) -> Function {
        match self {
            Self::DailyRoutine { .. } | Self::CrossCheck { .. } => Function::DailyRoutine,
            Self::Scores { .. } | Self::Standings { .. } => Function::ScoresAndStandings,
            Self::Knockouts { .. } => Function::Knockouts,
            Self::CreateTournament(_) | Self::RefreshTournament { .. } | Self::Probe => Function::Tournaments,
            Self::Migrate => Function::Migrate,
        }
    }

    /// The operation and subject of its first execution; none for requests that leave no record.
    fn first_execution(&self) -> Option<(Operation, Subject)> {
        Some(match self {
            Self::DailyRoutine { tournament_id, .. } => {
                (Operation::DailySchedule, tournament_id.map_or(Subject::All, Subject::Tournament))
            }
            Self::CrossCheck { tournament_id } => {
                (Operation::CrossCheck, tournament_id.map_or(Subject::All, Subject::Tournament))
            }
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

    /// The request that a check makes.
    fn of(check: &Check) -> Self {
        let (tournament_id, retry_since) = (check.tournament_id.unwrap_or_default(), check.retrying_since);
        if let Some(round_check) = RoundCheck::of(check.kind, check.kickoff) {
            let round = check.round_slug.clone().unwrap_or_default();
            return Self::Scores { tournament_id, round, check: round_check };
        }
        match check.kind {
            CheckKind::Table | CheckKind::StandingsFollowUp => Self::Standings { tournament_id, retry_since },
            CheckKind::RoutineFollowUp => {
                Self::DailyRoutine { tournament_id: check.tournament_id, retry_since }
            }
            CheckKind::Refresh => Self::RefreshTournament { tournament_id, retry_since },
            CheckKind::CrossCheck => Self::CrossCheck { tournament_id: check.tournament_id },
            _ => Self::Knockouts { tournament_id, retry_since },
        }
    }

    /// The kind of check that the JSON names, and the time in its field `kickoff`.
    fn check(&self) -> (Option<CheckKind>, Option<DateTime<Utc>>) {
        let retry = |kind, since: &Option<DateTime<Utc>>| (since.map(|_| kind), *since);
        match self {
            Self::Scores { check: RoundCheck::Closing { kickoff }, .. } => {
                (Some(CheckKind::Closing), *kickoff)
            }
            Self::Scores { check, .. } => (Some(check.kind()), None),
            Self::DailyRoutine { retry_since, .. } => retry(CheckKind::RoutineFollowUp, retry_since),
            Self::Standings { retry_since, .. } => retry(CheckKind::StandingsFollowUp, retry_since),
            Self::Knockouts { retry_since, .. } => retry(CheckKind::KnockoutsFollowUp, retry_since),
            Self::RefreshTournament { retry_since, .. } => retry(CheckKind::Refresh, retry_since),
            Self::CrossCheck { .. } | Self::CreateTournament(_) | Self::Probe | Self::Migrate => (None, None),
        }
    }

    fn to_json(&self) -> Value {
        let mut json = match self {
            Self::DailyRoutine { tournament_id: Some(id), .. } => json!({ "tournamentId": id }),
            Self::DailyRoutine { tournament_id: None, .. } | Self::Migrate => json!({}),
            Self::CrossCheck { tournament_id: Some(id) } => {
                json!({ "operation": "cross-check", "tournamentId": id })
            }
            Self::CrossCheck { tournament_id: None } => json!({ "operation": "cross-check" }),
            Self::Scores { tournament_id, round, .. } => {
                json!({ "tournamentId": tournament_id, "roundSlug": round })
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
        };
        let (kind, kickoff) = self.check();
        if let Some(kind) = kind {
            json["check"] = json!(kind);
        }
        if let Some(kickoff) = kickoff {
            json["kickoff"] = json!(kickoff);
        }
        json
    }
}

/// The wake-up that Scheduler sends: work on all checks of this function that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WakeUp {
    /// Only list and plan what is due.
    pub dry_run: bool,
}

impl WakeUp {
    /// The JSON that an alarm sends to a function. Scheduler replaces the placeholders in angle brackets.
    pub fn input(environment: &str) -> Value {
        json!({
            "targetEnv": environment,
            "wake": true,
            "scheduledTime": "<aws.scheduler.scheduled-time>",
            "scheduleArn": "<aws.scheduler.schedule-arn>",
        })
    }

    /// The JSON that wakes a function at once.
    pub fn now(environment: &str, now: DateTime<Utc>) -> Value {
        json!({
            "targetEnv": environment,
            "wake": true,
            "scheduledTime": now.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    }

    /// Reads a wake-up; none if the event is another.
    pub fn read(event: &Value, environment: &str, now: DateTime<Utc>) -> Option<Result<Self, InvalidInput>> {
        event.get("wake").and_then(Value::as_bool).filter(|wake| *wake)?;
        let mut fields = Fields::of(event);
        let dry_run = fields.envelope(environment, now).dry_run;
        Some(fields.finish(Self { dry_run }))
    }
}

/// The idempotency key of a check: that of its first execution, however it is started.
pub fn key_of(check: &Check) -> String {
    Event::of_check(check, false).work(Uuid::nil()).map(|work| work.key()).unwrap_or_default()
}

impl Event {
    /// An event that requests work manually, with its own occurrence as idempotency key.
    pub fn asked(request: Request, occurrence: &str, dry_run: bool) -> Self {
        let idempotency_key = Some(occurrence.to_owned());
        Self { envelope: Envelope { scheduled_time: None, idempotency_key, dry_run }, request }
    }

    /// The event for a check alone.
    pub fn of_check(check: &Check, dry_run: bool) -> Self {
        let envelope = Envelope { scheduled_time: Some(check.at), idempotency_key: None, dry_run };
        Self { envelope, request: Request::of(check) }
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
                let tournament_id = fields.has("tournamentId").then(|| fields.uuid("tournamentId"));
                match fields.optional("operation").as_deref() {
                    Some("cross-check") => Some(Request::CrossCheck { tournament_id }),
                    // An older caller may send anything here.
                    _ => {
                        let retry_since = fields.retry_since(CheckKind::RoutineFollowUp);
                        Some(Request::DailyRoutine { tournament_id, retry_since })
                    }
                }
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

    /// The JSON that is sent to a function of this environment, including who requested it, if a person did.
    pub fn to_json(&self, environment: &str, requested_by: Option<&str>) -> Value {
        let mut event = self.request.to_json();
        event["targetEnv"] = environment.into();
        if let Some(requested_by) = requested_by {
            event["requestedBy"] = requested_by.into();
        }
        if let Some(time) = self.envelope.scheduled_time {
            event["scheduledTime"] = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into();
        }
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
        Some(Ok(kind)) if RoundCheck::of(kind, None).is_some() => kind,
        Some(Ok(kind @ CheckKind::StandingsFollowUp)) if round.is_none() => kind,
        Some(_) => {
            fields.problem(
                "check",
                "must be interim, closing, follow-up, second-look, next-day, sweep or full-pass",
            );
            CheckKind::Closing
        }
    };
    let kickoff = fields.optional("kickoff").and_then(|text| fields.time("kickoff", &text));
    let Some(round) = round else {
        let retry_since = kickoff.filter(|_| kind == CheckKind::StandingsFollowUp);
        return Request::Standings { tournament_id, retry_since };
    };
    let check = RoundCheck::of(kind, kickoff).unwrap_or(RoundCheck::Closing { kickoff });
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
    use football::domain::{Mode, ProviderName, StandingsMode};

    use super::*;

    #[test]
    fn a_check_has_one_key_whether_it_comes_by_a_wake_up_or_by_an_event() {
        let (id, at) = (Uuid::from_u128(7), "2024-03-01T17:00:00Z".parse().unwrap());
        let kickoff = Some("2024-03-01T15:00:00Z".parse().unwrap());
        for kind in [
            CheckKind::Interim,
            CheckKind::Closing,
            CheckKind::FollowUp,
            CheckKind::SecondLook,
            CheckKind::NextDay,
            CheckKind::Sweep,
            CheckKind::FullPass,
            CheckKind::Table,
            CheckKind::StandingsFollowUp,
            CheckKind::Knockouts,
            CheckKind::Draw,
            CheckKind::KnockoutsFollowUp,
            CheckKind::RoutineFollowUp,
            CheckKind::Refresh,
        ] {
            let round_slug = RoundCheck::of(kind, None).map(|_| "7".to_owned());
            let retries =
                [CheckKind::StandingsFollowUp, CheckKind::KnockoutsFollowUp, CheckKind::RoutineFollowUp];
            let retrying_since = kickoff.filter(|_| retries.contains(&kind) || kind == CheckKind::Refresh);
            let check = Check { kind, tournament_id: Some(id), round_slug, kickoff, retrying_since, at };
            let event = Event::of_check(&check, false);
            let json = event.to_json("demo", None);
            let read = Event::read(kind.into(), &json, "demo", at).unwrap();
            assert_eq!(read, event, "{json}");
            assert_eq!(read.work(Uuid::nil()).map(|work| work.key()), Some(key_of(&check)), "{kind}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_names_the_same_work() {
        let id = Uuid::from_u128(7);
        let new = NewTournament {
            external_id: "16".into(),
            base_url: "https://www.sofascore.com/api/v1/unique-tournament/16/season/41087".into(),
            public_url: None,
            slug: "world-cup".into(),
            provider: ProviderName::SofaScore,
            season: "2022".into(),
            mode: Mode::RegularSeasonAndKnockout,
            standings_mode: StandingsMode::MultiGroup,
            label: "World Cup".into(),
            logo: String::new(),
        };
        for request in [
            Request::DailyRoutine { tournament_id: None, retry_since: None },
            Request::DailyRoutine { tournament_id: Some(Uuid::from_u128(7)), retry_since: None },
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
                let json = event.to_json("demo", Some("Ann (API)"));
                let now = "2024-03-01T12:00:00Z".parse().unwrap();
                let read = Event::read(request.function(), &json, "demo", now);
                assert_eq!(read.as_ref(), Ok(&event), "{json}");
                let key = |event: &Event| event.work(Uuid::nil()).map(|work| work.key());
                assert_eq!(read.map(|read| key(&read)), Ok(key(&event)));
            }
        }
    }
}
