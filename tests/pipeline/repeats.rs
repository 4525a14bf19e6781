//! One event, delivered more than once: its work is done once.

use serde_json::{Value, json};

use crate::harness::{LEAGUE, World, moment};
use local::driver::stamp;

/// Gives one event to two processes at the same instant; both answers.
async fn at_once(
    world: &World,
    twin: &local::functions::Functions,
    function: &str,
    mut event: Value,
) -> [anyhow::Result<Value>; 2] {
    event["targetEnv"] = world.stack.aws.environment.as_str().into();
    let (one, other) =
        tokio::join!(world.stack.functions.invoke(function, &event), twin.invoke(function, &event));
    [one, other]
}

/// One of two was told that the other is at it, or both were answered alike.
fn one_did_it([one, other]: [anyhow::Result<Value>; 2]) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one, other, "the second was answered from the record");
            false
        }
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
            assert!(error.to_string().contains("AlreadyRunning"), "{error}");
            true
        }
        (Err(one), Err(other)) => panic!("neither did it: {one}; {other}"),
    }
}

#[tokio::test]
async fn of_two_processes_with_one_event_at_one_instant_one_does_it_two_hundred_times() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let twin = world.stack.functions.twin().unwrap();
    let mut turned_away = 0;
    for minute in 0..200 {
        let at = moment("2024-03-01T12:00:00Z") + chrono::TimeDelta::minutes(minute);
        let event = json!({ "scheduledTime": stamp(at) });
        turned_away += usize::from(one_did_it(at_once(&world, &twin, "daily-routine", event).await));
    }
    println!("turned away: {turned_away} of 200; the others were answered from the record");
    assert_eq!(world.executions().await, vec!["daily_schedule completed 1"; 200]);
    assert_eq!((world.reports().await, world.messages().len()), (200, 200));
}

#[tokio::test]
async fn rows_are_written_once_when_two_processes_read_one_round_at_one_instant() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let before = world.messages().len();
    let twin = world.stack.functions.twin().unwrap();
    let kickoffs = ["2024-03-02T15:00:00Z", "2024-03-09T15:00:00Z", "2024-03-16T15:00:00Z"];
    for (kickoff, round) in kickoffs.into_iter().zip(1..) {
        let at = moment(kickoff) + chrono::TimeDelta::hours(6);
        world.clock.set(at);
        let event = json!({
            "tournamentId": id, "roundSlug": round.to_string(), "check": "closing", "kickoff": kickoff,
            "scheduledTime": stamp(at),
        });
        one_did_it(at_once(&world, &twin, "scores-and-standings", event).await);
    }
    let updated = "SELECT concat_ws(' ', idempotency_key LIKE '%:closing:%', summary->'rows'->>'updated') FROM data_provider_executions
                    WHERE operation_type = 'matches_update' ORDER BY planned_for";
    assert_eq!(world.texts(updated).await, ["t 2", "t 2", "t 2"]);
    assert_eq!(world.messages().len() - before, 6, "three rounds and three tables");
}

#[tokio::test]
async fn an_older_event_that_comes_late_changes_nothing_of_what_a_younger_one_brought() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let event = |check| json!({"tournamentId": id, "roundSlug": "1", "check": check, "kickoff": "2024-03-02T15:00:00Z"});
    world.invoke_at("2024-03-02T19:30:00Z", "scores-and-standings", event("closing")).await.unwrap();
    let before = world.domain_rows().await;
    let mut late = event("interim");
    late["scheduledTime"] = json!("2024-03-02T16:30:00Z");
    late["deliveredAt"] = json!("2024-03-02T19:40:00Z");
    world.stack.invoke("scores-and-standings", late).await.unwrap();
    assert_eq!(world.domain_rows().await, before);
}
