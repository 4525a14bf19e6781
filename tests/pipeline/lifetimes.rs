//! Time limits of a run: its own deadline, its lease, its deliveries, the database's timeouts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use local::driver::create_event;
use local::emulator::stamp;
use local::replay::Trouble;
use serde_json::{Value, json};

use crate::harness::{LEAGUE, Setup, World, moment};

const KICKOFF: &str = "2024-03-02T15:00:00Z";

fn check(id: &str, kind: &str) -> Value {
    json!({"tournamentId": id, "roundSlug": "1", "check": kind, "kickoff": KICKOFF})
}

#[tokio::test]
async fn a_creation_whose_time_runs_out_keeps_what_it_read_and_schedules_the_rest() {
    // The last 45 s are for writing and reporting, and a request with its wait may take 63 s: requests end after 20 s.
    let limit = Duration::from_secs(128);
    let variables = [
        ("AWS_LAMBDA_FUNCTION_TIMEOUT", "128"),
        ("REQUEST_TIMEOUT_MS", "3000"),
        ("REQUEST_PAUSE_MS", "4000"),
    ];
    let world = Setup::default().variables(&variables).world("2024-03-01T12:00:00Z", LEAGUE).await;
    let began = Instant::now();
    let answer =
        world.stack.invoke("tournaments", create_event(&world.season, world.clock.now())).await.unwrap();
    assert!(began.elapsed() < limit - Duration::from_secs(45), "{:?}", began.elapsed());
    // Rounds, and the matches of some of them.
    let count = async |table: &str| {
        world.texts(&format!("SELECT count(*)::text FROM {table}")).await[0].parse::<usize>().unwrap()
    };
    assert_eq!(count("tournament_round").await, 6);
    let matches = count("match").await;
    assert!((1..12).contains(&matches), "{matches}");
    // The rounds are first read for the teams, so that step reports the missing ones.
    assert_eq!(world.statuses("teams_create").await, ["partial_failure"]);
    assert_eq!(world.statuses("matches_create").await, ["partial_failure"]);
    assert!(answer["matches_create"]["errors"].to_string().contains("could not be read before"), "{answer}");
    let errors = answer["teams_create"]["errors"].to_string();
    assert!(errors.contains("time is nearly up"), "{answer}");
    assert_eq!(world.reports().await, world.executions().await.len());

    // The rest is scheduled as an event of its own.
    let schedule = world.stack.aws.schedules().await.unwrap().remove(0);
    assert_eq!(schedule.function, "tournaments");
    assert!(schedule.at <= moment("2024-03-01T12:10:00Z"), "{}", schedule.at);
    let at = stamp(schedule.at);
    world.stack.aws.delete_schedule(&schedule.name).await.unwrap();
    world.stack.functions.set("REQUEST_PAUSE_MS", "0");
    world.stack.functions.set("REQUEST_TIMEOUT_MS", "20000");
    world.stack.functions.set("AWS_LAMBDA_FUNCTION_TIMEOUT", "900");
    world.stack.functions.stop("tournaments").await;
    let answer = world.wake(&at, "tournaments").await.unwrap();
    assert_eq!(answer["checks"]["done"], 1, "{answer}");
    assert_eq!(count("match").await, 12);
    assert_eq!(count("team WHERE badge <> ''").await, 4);
    assert_eq!(count("tournament_standings").await, 4);
    let unfinished = "SELECT operation_type FROM data_provider_executions
                       WHERE operation_type LIKE '%update' AND status <> 'completed'";
    assert_eq!(world.texts(unfinished).await, Vec::<String>::new());
    assert_eq!(world.checks_of("refresh").await, [""; 0]);
}

#[tokio::test]
async fn a_run_that_takes_longer_keeps_its_lease() {
    let world = Setup::default()
        .variables(&[("REQUEST_TIMEOUT_MS", "60000")])
        .world("2024-03-01T12:00:00Z", LEAGUE)
        .await;
    let id = world.create().await;
    world.provider.trouble(Trouble::Late(Duration::from_secs(26)), Some(1));
    let mut event = check(&id, "interim");
    event["scheduledTime"] = json!("2024-03-02T16:30:00Z");
    event["targetEnv"] = json!(world.stack.aws.environment);
    world.clock.set(moment("2024-03-02T16:30:00Z"));
    let asked = world.provider.requests();
    let functions = Arc::clone(&world.stack.functions);
    let first = tokio::spawn({
        let event = event.clone();
        async move { functions.invoke("scores-and-standings", &event).await }
    });
    while world.provider.requests() == asked {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lease = async || {
        world
            .texts("SELECT lease_expires_at::text FROM data_provider_executions WHERE status = 'in_progress'")
            .await
    };
    let before = lease().await;
    assert_eq!(before.len(), 1);
    // The lease is renewed while the run waits for the provider.
    let renewed = async {
        while lease().await == before {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(24), renewed).await.unwrap();
    // After 50 s the original lease would have expired.
    event["deliveredAt"] = json!("2024-03-02T16:30:50Z");
    let twin = world.stack.functions.twin().unwrap();
    let error = twin.invoke("scores-and-standings", &event).await.unwrap_err().to_string();
    assert!(error.contains("AlreadyRunning"), "{error}");
    let answer = first.await.unwrap().unwrap();
    assert_eq!(answer["matches_update"]["errors"], json!([]), "{answer}");
    let attempts =
        "SELECT attempt::text FROM data_provider_executions WHERE operation_type = 'matches_update'";
    assert_eq!(world.texts(attempts).await, ["1"]);
}

#[tokio::test]
async fn a_function_killed_at_two_deliveries_is_done_with_the_third() {
    let dir = tempfile::tempdir().unwrap();
    let once = dir.path().join("once");
    let variables = [("CRASH_ONCE", once.to_str().unwrap())];
    let world = Setup::default().variables(&variables).world("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let (reports, messages) = (world.reports().await, world.messages().len());
    let at = moment("2024-03-02T19:30:00Z");
    world.clock.set(at);
    let mut event = check(&id, "closing");
    event["scheduledTime"] = json!(stamp(at));
    for (minutes, crash) in [(0, "written"), (1, "committed"), (3, "")] {
        std::fs::write(&once, "").unwrap();
        world.stack.functions.set("CRASH_AT", crash);
        world.stack.functions.stop("scores-and-standings").await;
        event["deliveredAt"] = json!(stamp(at + TimeDelta::minutes(minutes)));
        let outcome = world.stack.invoke("scores-and-standings", event.clone()).await;
        assert_eq!(outcome.is_ok(), crash.is_empty(), "{crash}: {outcome:?}");
        assert_eq!(once.exists(), crash.is_empty(), "{crash}");
    }
    let records = "SELECT concat_ws(' ', operation_type, status, attempt) FROM data_provider_executions
                    WHERE planned_for > '2024-03-02' ORDER BY 1";
    assert_eq!(world.texts(records).await, ["matches_update completed 3", "standings_update completed 1"]);
    assert_eq!((world.reports().await - reports, world.messages().len() - messages), (2, 2), "one each");
    let scores =
        "SELECT concat_ws(' ', status, home_score, away_score) FROM match WHERE round_slug = '1' ORDER BY 1";
    assert_eq!(world.texts(scores).await, ["ended 0 0", "ended 2 1"]);
    let table =
        "SELECT concat_ws(' ', t.name, s.points) FROM tournament_standings s JOIN team t ON t.id = s.team_id
                  ORDER BY s.points DESC, t.name";
    assert_eq!(world.texts(table).await, ["Ash 3", "Cedar 1", "Elm 1", "Birch 0"]);
}

#[tokio::test]
async fn a_statement_that_never_ends_fails_its_run_and_not_the_next() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let reports = world.reports().await;
    let sleeper = "CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     PERFORM pg_sleep(600); RETURN NULL; END $$;
                   CREATE TRIGGER sleep BEFORE UPDATE ON match FOR EACH STATEMENT EXECUTE FUNCTION sleep();";
    world.db.batch_execute(sleeper).await.unwrap();
    let began = Instant::now();
    let at = "2024-03-02T19:30:00Z";
    let error =
        world.invoke_at(at, "scores-and-standings", check(&id, "closing")).await.unwrap_err().to_string();
    assert!(began.elapsed() < Duration::from_secs(75), "{:?}", began.elapsed());
    assert!(error.contains("Database") && error.contains("statement timeout"), "{error}");
    let record = "SELECT concat_ws(' ', status, attempt, summary->>'errorKind', report_file_key IS NOT NULL, notified_at IS NOT NULL)
                    FROM data_provider_executions WHERE operation_type = 'matches_update'";
    assert_eq!(world.texts(record).await, ["failed 1 Database t t"]);
    assert_eq!(world.reports().await - reports, 1);
    assert_eq!(world.ended().await, 0);

    world.db.batch_execute("DROP TRIGGER sleep ON match").await.unwrap();
    let mut event = check(&id, "closing");
    event["deliveredAt"] = json!("2024-03-02T19:31:00Z");
    world.invoke_at(at, "scores-and-standings", event).await.unwrap();
    assert_eq!(world.texts(record).await, ["completed 2 t t"]);
    assert_eq!(world.ended().await, 2);
}
