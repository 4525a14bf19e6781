//! Pausing a tournament, or everything, and resuming it.

use axum::http::StatusCode;
use shared::event::WakeUp;
use shared::journal::Facts;
use shared::store::executions::{self, Change};
use shared::store::{StoreError, pauses};
use shared::summary::Summary;
use shared::work::{Function, Operation};
use uuid::Uuid;

use super::{invoke, note};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::found;

/// The functions that work on checks.
const WORKERS: [Function; 4] =
    [Function::ScoresAndStandings, Function::Knockouts, Function::Tournaments, Function::DailyRoutine];

/// Pauses a tournament, or everything: checks that are due stay open and are not worked on. Returns whether it was not
/// paused already.
pub(crate) async fn pause(
    desk: &Desk,
    caller: &Caller,
    tournament: Option<Uuid>,
    asked_note: Option<&str>,
) -> Result<bool, Problem> {
    decide(desk, caller, tournament, asked_note, Operation::Pause).await
}

/// Ends the pause of a tournament, or of everything, and wakes the functions: of the checks that were due meanwhile each
/// round's and each tournament's strongest is worked on. Returns whether there was a pause.
pub(crate) async fn resume(
    desk: &Desk,
    caller: &Caller,
    tournament: Option<Uuid>,
    asked_note: Option<&str>,
) -> Result<bool, Problem> {
    decide(desk, caller, tournament, asked_note, Operation::Resume).await
}

async fn decide(
    desk: &Desk,
    caller: &Caller,
    tournament: Option<Uuid>,
    asked_note: Option<&str>,
    operation: Operation,
) -> Result<bool, Problem> {
    let note = note(asked_note)?;
    let label = match tournament {
        Some(id) => Some(found(desk, id).await?.label),
        None => None,
    };
    let services = desk.services().await?;
    let now = desk.clock.now();
    let mut client = services.store.client().await?;
    let transaction = client.transaction().await?;
    let is_changed = match operation {
        Operation::Pause => {
            pauses::pause(&transaction, tournament, (&caller.name, note.unwrap_or_default()), now).await?
        }
        _ => pauses::resume(&transaction, tournament).await?,
    };
    if !is_changed {
        return Ok(false);
    }
    let summary = Summary {
        tournament_id: tournament,
        tournament_label: label,
        facts: Facts {
            requested_by: Some(caller.name.clone()),
            note: note.map(ToOwned::to_owned),
            ..Facts::default()
        },
        ..Summary::default()
    };
    let change = Change {
        id: Uuid::new_v4(),
        notify: true,
        operation,
        match_id: None,
        tournament_id: tournament,
        requested_by: &caller.name,
        summary: &summary,
    };
    executions::record_change(&transaction, &change, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    // The first sends the message too.
    let woken = if operation == Operation::Resume { &WORKERS[..] } else { &WORKERS[..1] };
    let event = WakeUp::now(&desk.app.config.environment, now);
    let prefix = &desk.app.config.schedules.function_arn_prefix;
    let mut is_woken = true;
    for function in woken {
        if let Err(error) = invoke::start(&services.aws, prefix, (*function).into(), &event).await {
            // The decision stands. The next alarm wakes the function.
            tracing::error!(%error, "a function could not be woken");
            is_woken = false;
        }
    }
    let detail = match (is_woken, operation) {
        (true, _) => return Ok(true),
        (false, Operation::Pause) => "It is paused, but its message could not be sent yet.",
        (false, _) => {
            "It is resumed, but a function could not be woken: its next alarm does so. Run the daily routine to have it sooner."
        }
    };
    Err(Problem::new(StatusCode::BAD_GATEWAY, detail))
}
