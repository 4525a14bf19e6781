//! The life of an execution, against a real database: claims, leases, take-over, rescue.

use chrono::TimeDelta;
use serde_json::json;
use shared::store::executions::{self, Claimed, Ending, Held, NewExecution};
use shared::store::{Connection, Store};
use shared::summary::Summary;
use shared::work::{ErrorKind, ExecutionStatus, Function, Operation};
use uuid::Uuid;

use crate::harness::{LEAGUE, Setup, World, migrated_database, moment};

async fn connection() -> Connection {
    let store = Store::new(&migrated_database().await.into(), None).unwrap();
    store.client().await.unwrap()
}

fn work(key: &str) -> NewExecution<'_> {
    NewExecution {
        key,
        function: Function::Knockouts,
        operation: Operation::KnockoutsUpdate,
        request_id: Uuid::new_v4(),
        tournament_id: None,
        planned_for: None,
        trace_id: None,
        event: None,
    }
}

fn ending(status: ExecutionStatus, summary: &Summary) -> Ending<'_> {
    Ending {
        status,
        tournament_id: None,
        completed_at: moment("2024-01-01T00:01:00Z"),
        duration_ms: 1,
        summary,
        report: None,
        kept_report: None,
    }
}

fn ours(claimed: Claimed) -> Held {
    match claimed {
        Claimed::Ours { id, attempt, .. } => Held { id, attempt },
        other => panic!("not ours: {other:?}"),
    }
}

#[tokio::test]
async fn work_is_claimed_once_and_taken_over_only_from_the_dead() {
    let client = connection().await;
    let now = moment("2024-01-01T00:00:00Z");
    let lease = TimeDelta::seconds(45);
    let first = ours(executions::claim(&*client, &work("k"), now, now + lease).await.unwrap());
    assert_eq!(first.attempt, 1);

    // A valid lease excludes others; renewal extends it.
    let second = executions::claim(&*client, &work("k"), now + lease, now + lease * 2).await.unwrap();
    assert_eq!(second, Claimed::Running { lease_expires_at: Some(now + lease) });
    assert!(executions::renew(&*client, first, now + lease * 2).await.unwrap());
    let later = now + lease + TimeDelta::seconds(1);
    assert!(matches!(
        executions::claim(&*client, &work("k"), later, later + lease).await.unwrap(),
        Claimed::Running { .. }
    ));

    // An expired lease is taken over, and the first run can neither renew nor finish.
    let late = now + lease * 3;
    let second = ours(executions::claim(&*client, &work("k"), late, late + lease).await.unwrap());
    assert_eq!(second, Held { id: first.id, attempt: 2 });
    let summary = Summary { requests: Some(1), ..Summary::default() };
    assert!(!executions::renew(&*client, first, late + lease).await.unwrap());
    assert!(
        !executions::finish(&*client, first, &ending(ExecutionStatus::Completed, &summary)).await.unwrap()
    );
    assert!(
        executions::finish(&*client, second, &ending(ExecutionStatus::Completed, &summary)).await.unwrap()
    );

    let Claimed::Done(done) = executions::claim(&*client, &work("k"), late, late + lease).await.unwrap()
    else {
        panic!("done work is answered from the record")
    };
    assert_eq!((done.summary, done.message_pending), (summary, true));
}

#[tokio::test]
async fn failed_work_is_done_again_and_partly_failed_work_is_not() {
    let client = connection().await;
    let now = moment("2024-01-01T00:00:00Z");
    for (key, status, again) in [
        ("a", ExecutionStatus::Failed, true),
        ("b", ExecutionStatus::PartialFailure, false),
        ("c", ExecutionStatus::Completed, false),
    ] {
        let held = ours(executions::claim(&*client, &work(key), now, now).await.unwrap());
        executions::finish(&*client, held, &ending(status, &Summary::default())).await.unwrap();
        let claimed = executions::claim(&*client, &work(key), now, now).await.unwrap();
        assert_eq!(matches!(claimed, Claimed::Ours { attempt: 2, .. }), again, "{status}");
    }
}

#[tokio::test]
async fn a_bad_event_is_not_tried_again_by_lambdas_own_retries() {
    let client = connection().await;
    let now = moment("2024-01-01T00:00:00Z");
    let delivery = work("k");
    let held = ours(executions::claim(&*client, &delivery, now, now).await.unwrap());
    let summary = Summary {
        error_kind: Some(ErrorKind::InvalidInput),
        errors: vec!["roundSlug is missing".to_owned()],
        ..Summary::default()
    };
    executions::finish(&*client, held, &ending(ExecutionStatus::Failed, &summary)).await.unwrap();
    // The same delivery: no second record, report or message.
    let refused = Claimed::Refused { message: "roundSlug is missing".to_owned() };
    assert_eq!(executions::claim(&*client, &delivery, now, now).await.unwrap(), refused);
    // A manual retry, after the cause was fixed.
    assert_eq!(ours(executions::claim(&*client, &work("k"), now, now).await.unwrap()).attempt, 2);
}

#[tokio::test]
async fn an_end_that_is_said_twice_is_the_same_end() {
    let client = connection().await;
    let now = moment("2024-01-01T00:00:00Z");
    let held = ours(executions::claim(&*client, &work("k"), now, now).await.unwrap());
    // As when the connection is lost before the answer arrives.
    for _ in 0..2 {
        assert!(
            executions::finish(&*client, held, &ending(ExecutionStatus::Completed, &Summary::default()))
                .await
                .unwrap()
        );
    }
    let summary = Summary { requests: Some(2), ..Summary::default() };
    let other =
        Ending { completed_at: moment("2024-01-01T00:09:00Z"), ..ending(ExecutionStatus::Failed, &summary) };
    assert!(!executions::finish(&*client, held, &other).await.unwrap(), "another end comes too late");
}

#[tokio::test]
async fn a_delivery_that_fails_lets_the_others_come_first() {
    let mut client = connection().await;
    let now = moment("2024-01-01T00:00:00Z");
    for key in ["a", "b"] {
        let held = ours(executions::claim(&*client, &work(key), now, now).await.unwrap());
        let keyed = Summary { tournament_label: Some(key.to_owned()), ..Summary::default() };
        executions::finish(&*client, held, &ending(ExecutionStatus::Completed, &keyed)).await.unwrap();
    }
    let mut tried = Vec::new();
    for minute in [10, 10, 10, 20] {
        let now = now + TimeDelta::minutes(minute);
        let transaction = client.transaction().await.unwrap();
        let Some(pending) = executions::lock_pending(&transaction, None, now).await.unwrap() else {
            tried.push("none".to_owned());
            continue;
        };
        executions::delivery_failed(&transaction, pending.id, now).await.unwrap();
        transaction.commit().await.unwrap();
        tried.push(pending.summary.tournament_label.unwrap());
    }
    tried[..2].sort();
    assert_eq!(tried[..3], ["a", "b", "none"], "each once by one run");
    assert_ne!(tried[3], "none", "and again by the next");
}

#[tokio::test]
async fn of_many_claims_at_once_one_wins() {
    let store = Store::new(&migrated_database().await.into(), None).unwrap();
    let now = moment("2024-01-01T00:00:00Z");
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        claims.spawn(async move {
            let client = store.client().await.unwrap();
            executions::claim(&*client, &work("k"), now, now + TimeDelta::seconds(45)).await.unwrap()
        });
    }
    let won =
        claims.join_all().await.into_iter().filter(|claimed| matches!(claimed, Claimed::Ours { .. })).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_run_that_died_is_marked_as_failed_by_the_next_function_and_said() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let store = Store::new(&world.stack.database_url.clone().into(), None).unwrap();
    let client = store.client().await.unwrap();
    // One died long ago; one died a minute ago and may still be delivered again.
    for (key, died) in [("long-dead", "2024-03-01T11:00:00Z"), ("just-dead", "2024-03-01T11:59:00Z")] {
        executions::claim(&*client, &work(key), moment(died), moment(died)).await.unwrap();
    }
    world.invoke_at("2024-03-01T12:00:00Z", "daily-routine", json!({})).await.unwrap();
    let states = world
        .texts("SELECT idempotency_key || ' ' || status FROM data_provider_executions WHERE function = 'knockouts' ORDER BY 1")
        .await;
    assert_eq!(states, ["just-dead in_progress", "long-dead failed"]);
    let [routine, dead] = world.messages().try_into().unwrap();
    assert!(routine.contains("a run had died") && routine.contains("long-dead"), "{routine}");
    assert!(dead.contains("knockouts update") && dead.contains("the run died"), "its own: {dead}");
}

#[tokio::test]
async fn work_that_another_run_is_at_is_delivered_again_later() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let store = Store::new(&world.stack.database_url.clone().into(), None).unwrap();
    let client = store.client().await.unwrap();
    let key = "daily-routine:daily_schedule:-:-:2024-03-01T00:01:00Z";
    let now = moment("2024-03-01T00:01:00Z");
    executions::claim(&*client, &work(key), now, now + TimeDelta::seconds(45)).await.unwrap();
    let error =
        world.invoke_at("2024-03-01T00:01:00Z", "daily-routine", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("AlreadyRunning"), "{error}");
    assert_eq!(world.stack.slack.messages().len(), 0);
}

#[tokio::test]
async fn a_run_that_panics_shows_what_it_had_asked_the_provider() {
    let dir = tempfile::tempdir().unwrap();
    let once = dir.path().join("once");
    let variables =
        [("CRASH_AT", "fetched"), ("CRASH_ONCE", once.to_str().unwrap()), ("CRASH_SAYS", "no such luck")];
    let world = Setup::default().variables(&variables).world("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    std::fs::write(&once, "").unwrap();
    let event =
        json!({"tournamentId": id, "roundSlug": "1", "check": "closing", "kickoff": "2024-03-02T15:00:00Z"});
    world.invoke_at("2024-03-02T17:00:00Z", "scores-and-standings", event).await.unwrap_err();
    assert!(!once.exists());
    let record = "SELECT concat_ws(' ', status, summary->'requests', summary->'browser'->'failed')
                    FROM data_provider_executions WHERE operation_type = 'matches_update'";
    assert_eq!(world.texts(record).await, ["failed 1 false"]);
    let key = "SELECT report_file_key FROM data_provider_executions WHERE operation_type = 'matches_update'";
    let key = world.texts(key).await.remove(0).replace(".html", ".json");
    let report: serde_json::Value =
        serde_json::from_slice(&world.stack.aws.object(&key).await.unwrap()).unwrap();
    let asked = &report["requests"][0];
    assert!(asked["path"].as_str().unwrap().ends_with("/events/round/1"), "{report}");
    assert_eq!(asked["status"], 200);
}
