//! Starting work by hand. Its execution is inserted before the function is invoked, so that the answer can give its id.
//!
//! If the function never starts, the next run of any function marks the execution as failed, as it does for a run that
//! died (15 minutes without a heartbeat). It can then be retried.

pub(crate) mod acknowledge;
pub(crate) mod correct;
pub(crate) mod create;
pub(crate) mod edit;
mod invoke;
mod naming;
pub(crate) mod pause;
pub(crate) mod requests;
pub(crate) mod sources;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::event::{Event, Request};
use shared::store::executions::{self, NewExecution};
use shared::work::{ExecutionStatus, Work};
use tokio_postgres::GenericClient;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read;
use crate::request::API;

/// The same request, repeated within this time, gets the same execution as its answer.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Work that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    /// The execution that does it.
    pub execution_id: Uuid,
    /// Where it stands: `in_progress` unless it had been asked for before.
    pub status: String,
    /// Whether it had been asked for before: nothing new was started.
    pub repeated: bool,
    /// Where to see how it goes.
    pub execution: String,
    /// Where its report will be.
    pub report: String,
}

impl Accepted {
    fn of(desk: &Desk, execution_id: Uuid, status: String, repeated: bool) -> Self {
        let execution = format!("{}{API}/executions/{execution_id}", desk.base);
        Self { execution_id, status, repeated, report: format!("{execution}/report"), execution }
    }
}

/// Work whose execution is on record, and whose function is still to be started.
pub(crate) struct Announced {
    work: Work,
    event: Value,
    record: executions::Announced,
}

/// Starts the work, unless the same was requested within the window or under the same key.
pub(crate) async fn start(
    desk: &Desk,
    caller: &Caller,
    request: Request,
    dry_run: bool,
    key: Option<&str>,
) -> Result<Accepted, Problem> {
    let client = desk.services().await?.store.client().await?;
    let announced = announce(desk, &*client, caller, request, dry_run, key).await?;
    drop(client);
    shared::crash::point("announced");
    begin(desk, announced).await
}

/// Inserts the execution of the work, unless the same was requested within the window or under the same key.
pub(crate) async fn announce(
    desk: &Desk,
    client: &impl GenericClient,
    caller: &Caller,
    request: Request,
    dry_run: bool,
    key: Option<&str>,
) -> Result<Announced, Problem> {
    let now = desk.clock.now();
    let minute = |moment: DateTime<Utc>| moment.format("asked-%Y-%m-%dT%H:%M").to_string();
    let occurrence = key.map_or_else(|| minute(now), occurrence_of);
    let event = Event::asked(request, &occurrence, dry_run);
    // The same request may have been made in the minute before.
    let before = key.is_none().then(|| Event::asked(event.request.clone(), &minute(now - WINDOW), dry_run));
    let delivery = Uuid::new_v4();
    let Some(work) = event.work(delivery) else {
        return Err(Problem::new(StatusCode::CONFLICT, "This leaves no record: send it to its function."));
    };
    let before = before.and_then(|before| before.work(delivery)).map(|work| work.key());
    let environment = &desk.app.config.environment;
    let event = event.to_json(environment, Some(&caller.name));
    accepted_by_function(&work, &event, environment, now)?;
    let new = NewExecution {
        key: &work.key(),
        function: work.function,
        operation: work.operation,
        request_id: delivery,
        tournament_id: work.tournament_id,
        planned_for: None,
        trace_id: None,
        event: Some(&event),
    };
    let record =
        executions::announce(client, &new, before.as_deref(), now - WINDOW, now).await?.ok_or_else(|| {
            Problem::new(StatusCode::CONFLICT, "The same is being asked for at this very moment. Try again.")
        })?;
    if let Some(earlier) = record.event.as_ref().filter(|_| !record.new) {
        asks_for_the_same(&work, (earlier, &event), key.is_some(), environment, now)
            .map_err(|problem| problem.about(record.id))?;
    }
    Ok(Announced { work, event, record })
}

/// Starts the function of work that was announced, unless that was done before.
pub(crate) async fn begin(desk: &Desk, announced: Announced) -> Result<Accepted, Problem> {
    let Announced { work, event, record } = announced;
    if record.new {
        hand_over(desk, record.id, work.function.into(), &event).await?;
    }
    Ok(Accepted::of(desk, record.id, record.status, !record.new))
}

/// The longest note.
const NOTE_CHARS: usize = 500;

/// A note that an operator gives with a decision; none if it is empty.
fn note(asked: Option<&str>) -> Result<Option<&str>, Problem> {
    let note = asked.map(str::trim).filter(|note| !note.is_empty());
    let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    match note {
        Some(text) if text.chars().count() > NOTE_CHARS || text.chars().any(bad) => {
            let remedy = "must be at most 500 characters of text";
            Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "note", remedy))
        }
        note => Ok(note),
    }
}

/// The occurrence of a caller's own key. Keys may hold any character, and occurrences only some: the key's hash is used.
fn occurrence_of(key: &str) -> String {
    let hash = Sha256::digest(key);
    hash.iter().take(16).fold("key-".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Refuses an event that its function would refuse, or would do under another key: what is answered with an execution is
/// done by it.
fn accepted_by_function(
    work: &Work,
    event: &Value,
    environment: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let read = Event::read(work.function, event, environment, now).map_err(|invalid| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("The function would refuse this: {invalid}"))
    })?;
    match read.work(Uuid::nil()).is_some_and(|found| found.key() == work.key()) {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "The function would do this under another key: nothing was started.",
        )),
    }
}

/// Refuses a request under the key of an earlier one that asked for something else: its answer would be the other's
/// execution. An event of a version that this one can't read is taken for the same.
fn asks_for_the_same(
    work: &Work,
    (earlier, event): (&Value, &Value),
    under_a_key: bool,
    environment: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let request = |event| Event::read(work.function, event, environment, now).map(|event| event.request);
    match (request(earlier), request(event)) {
        (Ok(earlier), Ok(asked)) if earlier != asked => Err(match under_a_key {
            true => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "This Idempotency-Key was used before for a request with other parameters: nothing was started. Send \
                 another one.",
            ),
            false => Problem::new(
                StatusCode::CONFLICT,
                "The same was requested within the last minute with other parameters: nothing was started. Send an \
                 Idempotency-Key, or wait a minute.",
            ),
        }),
        _ => Ok(()),
    }
}

/// Sends the event of an execution that failed, or failed in part, again, under the same key.
pub(crate) async fn retry(desk: &Desk, caller: &Caller, id: Uuid) -> Result<Accepted, Problem> {
    let services = desk.services().await?;
    let client = services.store.client().await?;
    let reopened = executions::reopen(&*client, id, &caller.name, desk.clock.now()).await?;
    if let Some((function, event)) = reopened {
        drop(client);
        hand_over(desk, id, &function, &event).await?;
        return Ok(Accepted::of(desk, id, ExecutionStatus::InProgress.to_string(), false));
    }
    let Some(there) = read::executions::find(&*client, id).await? else {
        return Err(Problem::not_found("There is no such execution."));
    };
    match there.status() {
        Some(ExecutionStatus::InProgress) => Ok(Accepted::of(desk, id, there.status, true)),
        Some(ExecutionStatus::Failed | ExecutionStatus::PartialFailure) => Err(Problem::new(
            StatusCode::CONFLICT,
            "The event of this execution is not on record, or its function refuses it: ask for the work anew.",
        )
        .about(id)),
        _ => Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "The execution is {}: only one that failed, or failed in part, is done again. Ask for the work anew.",
                there.status
            ),
        )
        .about(id)),
    }
}

async fn hand_over(desk: &Desk, id: Uuid, function: &str, event: &serde_json::Value) -> Result<(), Problem> {
    let services = desk.services().await?;
    let prefix = &desk.app.config.schedules.function_arn_prefix;
    let Err(error) = invoke::start(&services.aws, prefix, function, event).await else {
        return Ok(());
    };
    tracing::error!(%error, execution_id = %id, "a function could not be started");
    let client = services.store.client().await?;
    executions::not_started(&*client, id, &format!("{function} could not be started"), desk.clock.now())
        .await?;
    Err(Problem::new(
        StatusCode::BAD_GATEWAY,
        format!("{function} could not be started. The execution is marked as failed: retry it."),
    )
    .about(id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::event::RoundCheck;

    use super::*;

    /// Requests as the API makes them.
    fn request() -> impl Strategy<Value = Request> {
        let id = any::<u128>().prop_map(Uuid::from_u128);
        let round = "[a-z0-9][a-z0-9_-]{0,30}";
        prop_oneof![
            id.clone().prop_map(|id| Request::Standings { tournament_id: id, retry_since: None }),
            id.clone().prop_map(|id| Request::Knockouts { tournament_id: id, retry_since: None }),
            id.clone().prop_map(|id| Request::RefreshTournament { tournament_id: id, retry_since: None }),
            (id, round).prop_map(|(id, round)| Request::Scores {
                tournament_id: id,
                round,
                check: RoundCheck::Closing { kickoff: None },
            }),
        ]
    }

    proptest! {
        #[test]
        fn the_function_claims_exactly_the_announced_record(
            request in request(), key in "[!-~]{1,100}", dry_run in any::<bool>(),
        ) {
            let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
            let event = Event::asked(request, &occurrence_of(&key), dry_run);
            let work = event.work(Uuid::new_v4()).unwrap();
            let sent = event.to_json("demo", Some("Ann (page)"));
            prop_assert!(accepted_by_function(&work, &sent, "demo", now).is_ok(), "{sent}");
        }
    }

    #[test]
    fn a_key_is_no_other_keys_dry_run_and_no_time() {
        let keys = ["abc", "abc:dry", "2024-03-02T12:00:00Z", "\"quoted\"", "a="];
        let occurrences: std::collections::BTreeSet<String> = keys.map(occurrence_of).into();
        assert_eq!(occurrences.len(), keys.len());
        assert!(occurrences.iter().all(|occurrence| !occurrence.contains(':')));
    }

    #[test]
    fn a_key_that_was_used_for_another_request_is_refused() {
        let id = Uuid::from_u128(1);
        let event = |retry_since| {
            let request = Request::RefreshTournament { tournament_id: id, retry_since };
            Event::asked(request, "key-1", false)
        };
        let (first, other) = (event(None), event(DateTime::from_timestamp(1_700_000_000, 0)));
        let work = first.work(Uuid::nil()).unwrap();
        let json = |event: &Event, name: &str| event.to_json("demo", Some(name));
        let now = DateTime::default();
        let same = asks_for_the_same(&work, (&json(&first, "Ann"), &json(&first, "Ben")), true, "demo", now);
        assert!(same.is_ok(), "who asks makes no difference");
        for (under_a_key, status) in [(true, 422), (false, 409)] {
            let both = (&json(&first, "Ann"), &json(&other, "Ann"));
            let differs = asks_for_the_same(&work, both, under_a_key, "demo", now);
            assert_eq!(differs.unwrap_err().status, status);
        }
    }

    #[test]
    fn what_the_function_refuses_is_not_accepted() {
        let check = RoundCheck::Closing { kickoff: None };
        let request = Request::Scores { tournament_id: Uuid::nil(), round: "a/b".to_owned(), check };
        let event = Event::asked(request, "key-1", false);
        let (work, sent) = (event.work(Uuid::nil()).unwrap(), event.to_json("demo", Some("Ann")));
        let problem = accepted_by_function(&work, &sent, "demo", DateTime::default()).unwrap_err();
        assert!(problem.status == 422 && problem.detail.contains("roundSlug"), "{}", problem.detail);
    }
}
