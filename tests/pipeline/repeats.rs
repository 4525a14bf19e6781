//! One event, delivered more than once: its work is done once.

use std::sync::Arc;
use std::time::Duration;

use local::emulator::stamp;
use local::replay::Trouble;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{LEAGUE, World, moment};

/// Delivers one event to two processes at once; returns both answers.
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

/// One of two was answered that the other is running, or both got the same answer.
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
    let id = world.create().await;
    let before = (world.reports().await, world.messages().len());
    // Counts every row that is written, except by the test itself, which disables triggers.
    world
        .db
        .batch_execute(
            "CREATE TABLE writes (points int);
             CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO writes VALUES (NEW.points); RETURN NULL; END $$;
             CREATE TRIGGER count_write AFTER INSERT OR UPDATE ON tournament_standings
                FOR EACH ROW EXECUTE FUNCTION count_write();
             SET session_replication_role = replica",
        )
        .await
        .unwrap();
    let spoil = "UPDATE tournament_standings SET points = 7 WHERE id = (SELECT min(id::text)::uuid FROM tournament_standings)";
    let twin = world.stack.functions.twin().unwrap();
    let mut turned_away = 0;
    for minute in 0..200 {
        assert_eq!(world.db.execute(spoil, &[]).await.unwrap(), 1);
        let at = moment("2024-03-01T12:00:00Z") + chrono::TimeDelta::minutes(minute);
        let event = json!({ "operation": "standings", "tournamentId": id, "scheduledTime": stamp(at) });
        let answers = at_once(&world, &twin, "scores-and-standings", event).await;
        turned_away += usize::from(one_did_it(answers));
        let written = world.texts("SELECT concat_ws(' ', count(*), max(points)) FROM writes").await;
        assert_eq!(written, [format!("{} 0", minute + 1)], "the row was put right once");
    }
    println!("turned away: {turned_away} of 200; the others were answered from the record");
    let records = "SELECT concat_ws(' ', status, attempt, summary->'rows'->>'updated', count(*)) FROM data_provider_executions
                    WHERE operation_type = 'standings_update' GROUP BY status, attempt, summary->'rows'->>'updated'";
    assert_eq!(world.texts(records).await, ["completed 1 1 200"]);
    assert_eq!((world.reports().await - before.0, world.messages().len() - before.1), (200, 200));
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

#[tokio::test]
async fn one_that_was_frozen_and_taken_over_leaves_the_others_report_as_it_is() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let reports = world.reports().await;
    // The first is frozen while it waits for the provider.
    world.provider.trouble(Trouble::Late(Duration::from_secs(3)), Some(1));
    let mut event = json!({
        "tournamentId": id, "roundSlug": "1", "check": "interim", "kickoff": "2024-03-02T15:00:00Z",
        "scheduledTime": "2024-03-02T16:30:00Z", "targetEnv": world.stack.aws.environment,
    });
    world.clock.set(moment("2024-03-02T16:30:00Z"));
    let functions = Arc::clone(&world.stack.functions);
    let first = tokio::spawn({
        let event = event.clone();
        async move { functions.invoke("scores-and-standings", &event).await }
    });
    let asked = world.provider.requests();
    while world.provider.requests() == asked {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let function = world.stack.functions.process_id("scores-and-standings").await.unwrap();
    let function = Pid::from_raw(function.try_into().unwrap()).unwrap();
    kill_process(function, Signal::STOP).unwrap();

    event["deliveredAt"] = json!("2024-03-02T16:33:00Z");
    let twin = world.stack.functions.twin().unwrap();
    twin.invoke("scores-and-standings", &event).await.unwrap();
    kill_process(function, Signal::CONT).unwrap();
    let error = first.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("TakenOver"), "{error}");
    assert_eq!(world.reports().await, reports + 1);
    let stored = "SELECT report_file_key FROM data_provider_executions WHERE operation_type = 'matches_update' AND attempt = 2";
    let key = world.texts(stored).await.remove(0).replace(".html", ".json");
    let report: Value = serde_json::from_slice(&world.stack.aws.object(&key).await.unwrap()).unwrap();
    assert_eq!(report["attempt"], 2);
}
