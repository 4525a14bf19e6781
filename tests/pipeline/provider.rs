//! A provider that refuses, fails, or gets many requests at once.

use std::time::Duration;

use local::replay::Trouble;
use serde_json::{Value, json};

use crate::harness::{LEAGUE, Setup, World, moment};

const KICKOFF: &str = "2024-03-02T15:00:00Z";

fn closing(id: &str) -> Value {
    json!({"tournamentId": id, "roundSlug": "1", "check": "closing", "kickoff": KICKOFF})
}

#[tokio::test]
async fn a_refusal_opens_the_circuit_and_sends_one_message_and_so_does_its_end() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let (messages, asked) = (world.messages().len(), world.provider.requests());
    world.provider.trouble(Trouble::Refusal, None);
    let error =
        world.invoke_at("2024-03-02T17:00:00Z", "scores-and-standings", closing(&id)).await.unwrap_err();
    assert!(error.to_string().contains("Blocked"), "{error}");
    assert_eq!(world.provider.requests() - asked, 2, "one warm-up, one more try");
    let told = world.messages().split_off(messages);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("sofascore refuses to answer") && told[0].contains("2024-03-02 19:00 UTC"),
        "{}",
        told[0]
    );

    // Every run checks before it launches a browser; nothing fails, no message is repeated, the work is rescheduled.
    let answer = world.invoke_at("2024-03-02T17:01:00Z", "scores-and-standings", closing(&id)).await.unwrap();
    assert!(answer["matches_update"]["errors"][0].as_str().unwrap().contains("left alone until"), "{answer}");
    world.wake("2024-03-02T17:15:00Z", "scores-and-standings").await.unwrap();
    world.invoke_at("2024-03-02T17:30:00Z", "knockouts", json!({ "tournamentId": id })).await.unwrap();
    world.invoke_at("2024-03-02T17:40:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.provider.requests() - asked, 2);
    let told = world.messages().split_off(messages + 1);
    // The routine and the knockouts check of a league did their own work.
    assert!(told.iter().all(|message| !message.contains("matches update")), "{told:#?}");
    assert!(world.checks().await.contains(&"follow-up 03-02 19:05".to_owned()), "{:?}", world.checks().await);
    assert_eq!(world.statuses("matches_update").await, ["partial_failure", "partial_failure"]);

    // The trial request is refused: the wait is longer, and no message is sent.
    let messages = world.messages().len();
    let follow_up = json!({"tournamentId": id, "roundSlug": "1", "check": "follow-up", "kickoff": KICKOFF});
    world.invoke_at("2024-03-02T19:01:00Z", "scores-and-standings", follow_up.clone()).await.unwrap_err();
    assert_eq!(world.messages().len(), messages);
    let circuit =
        "SELECT concat_ws(' ', state, to_char(retry_at, 'HH24:MI'), refusals) FROM provider_circuit";
    assert_eq!(world.texts(circuit).await, ["open 23:01 2"]);

    // It answers again: one run tries, the circuit is closed, and a message is sent.
    world.provider.restore();
    world.invoke_at("2024-03-02T23:02:00Z", "scores-and-standings", follow_up).await.unwrap();
    assert_eq!(world.texts(circuit).await, ["closed 0"]);
    let told = world.messages().split_off(messages);
    assert_eq!(
        told.iter().filter(|message| message.contains("sofascore answers again")).count(),
        1,
        "{told:#?}"
    );
    let ended = "SELECT count(*)::text FROM match WHERE round_slug = '1' AND status = 'ended'";
    assert_eq!(world.texts(ended).await, ["2"]);
    assert_eq!(world.count("data_provider_executions WHERE notified_at IS NULL").await, 0);
}

#[tokio::test]
async fn of_twenty_functions_at_once_no_two_ask_closer_than_the_pause() {
    let pause = Duration::from_millis(300);
    let world = Setup::default()
        .variables(&[("REQUEST_PAUSE_MS", "300")])
        .world("2024-03-01T12:00:00Z", LEAGUE)
        .await;
    let id = world.create().await;
    let before = world.provider.request_log().len();
    world.clock.set(moment("2024-03-02T19:30:00Z"));
    let mut running = tokio::task::JoinSet::new();
    for nth in 0..20 {
        let functions = world.stack.functions.twin().unwrap();
        let mut event = closing(&id);
        event["targetEnv"] = world.stack.aws.environment.as_str().into();
        event["scheduledTime"] = json!("2024-03-02T19:30:00Z");
        event["idempotencyKey"] = json!(format!("trigger-{nth}"));
        running.spawn(async move { functions.invoke("scores-and-standings", &event).await });
    }
    let failed: Vec<String> =
        running.join_all().await.into_iter().filter_map(|outcome| Some(outcome.err()?.to_string())).collect();
    assert_eq!(failed, Vec::<String>::new());
    let asked = world.provider.request_log().split_off(before);
    assert!(asked.len() >= 20, "{}", asked.len());
    let closest = asked.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap();
    println!("{} requests, the closest {closest:?} apart", asked.len());
    assert!(closest >= pause, "{closest:?}");
}

#[tokio::test]
async fn a_long_retry_after_holds_for_all_functions() {
    let world =
        Setup::default().variables(&[("REQUEST_PAUSE_MS", "10")]).world("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world.provider.trouble(Trouble::TooMany(3600), Some(1));
    let asked = world.provider.requests();
    for minute in ["00", "01"] {
        let at = format!("2024-03-02T17:{minute}:00Z");
        let answer = world.invoke_at(&at, "scores-and-standings", closing(&id)).await.unwrap();
        assert!(answer.to_string().contains("too many requests"), "{answer}");
    }
    assert_eq!(world.provider.requests() - asked, 1, "the second did not even ask");
    assert_eq!(
        world.checks_of("follow-up").await,
        ["follow-up 03-02 18:05"],
        "both asked for one, and there is one"
    );
}

#[tokio::test]
async fn a_retry_after_that_comes_second_holds_for_all_functions_too() {
    let world =
        Setup::default().variables(&[("REQUEST_PAUSE_MS", "10")]).world("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world.provider.trouble(Trouble::Status(503), Some(1));
    world.provider.trouble(Trouble::TooMany(3600), Some(1));
    let asked = world.provider.requests();
    for minute in ["00", "01"] {
        let at = format!("2024-03-02T17:{minute}:00Z");
        world.invoke_at(&at, "scores-and-standings", closing(&id)).await.unwrap();
    }
    assert_eq!(world.provider.requests() - asked, 2, "the second did not even ask");
}

#[tokio::test]
async fn a_refusal_that_could_not_be_recorded_is_reported_by_the_run_that_met_it() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world
        .db
        .batch_execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON provider_circuit FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await
        .unwrap();
    world.provider.trouble(Trouble::Refusal, None);
    let messages = world.messages().len();
    world.invoke_at("2024-03-02T17:00:00Z", "scores-and-standings", closing(&id)).await.unwrap_err();
    let told = world.messages().split_off(messages);
    assert!(told.len() == 1 && told[0].contains("refuses to answer"), "{told:#?}");
}

#[tokio::test]
async fn what_a_creation_could_not_read_is_read_by_a_refresh_that_it_schedules() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    // The logo, the rounds and three rounds' matches are answered; the seventh request is not.
    world.provider.trouble(Trouble::Late(Duration::ZERO), Some(5));
    world.provider.trouble(Trouble::Status(500), Some(2));
    world.create().await;
    assert_eq!(world.count("match").await, 10);
    assert_eq!(world.checks_of("refresh").await, ["refresh 03-01 12:15"]);
    world.wake("2024-03-01T12:15:00Z", "tournaments").await.unwrap();
    assert_eq!(world.count("match").await, 12);
    assert_eq!(world.checks_of("refresh").await, [""; 0], "nothing is left to be asked for");
}

#[tokio::test]
async fn what_came_and_cannot_be_read_is_asked_for_once_more_and_then_left() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    // The logo, twice: at the creation and at the refresh that it schedules.
    world.provider.trouble(Trouble::Truncated, Some(1));
    let id = world.create().await;
    let logo = async || world.texts("SELECT (logo <> '')::text FROM tournament").await;
    assert_eq!(logo().await, ["false"]);
    assert_eq!(world.checks_of("refresh").await, ["refresh 03-01 12:15"]);
    world.provider.trouble(Trouble::Truncated, Some(1));
    world.wake("2024-03-01T12:15:00Z", "tournaments").await.unwrap();
    assert_eq!(logo().await, ["false"]);
    assert_eq!(world.checks_of("refresh").await, [""; 0], "no second one: it may stay so");
    let event = json!({"operation": "refresh", "tournamentId": id});
    world.invoke_at("2024-03-01T12:20:00Z", "tournaments", event).await.unwrap();
    assert_eq!(logo().await, ["true"]);
}

#[tokio::test]
async fn a_routine_that_could_not_read_the_day_reads_it_later() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    world.create().await;
    world.provider.trouble(Trouble::Status(500), Some(2));
    let answer = world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert!(answer["daily_schedule"]["errors"].to_string().contains("the daily refresh"), "{answer}");
    assert_eq!(world.checks_of("routine-follow-up").await, ["routine-follow-up 03-02 00:15"]);
    let answer = world.wake("2024-03-02T00:15:00Z", "daily-routine").await.unwrap();
    assert_eq!(answer["checks"]["done"], 1, "{answer}");
    assert_eq!(world.statuses("daily_schedule").await, ["partial_failure", "completed"]);
    assert_eq!(world.checks_of("routine-follow-up").await, [""; 0]);
}

#[tokio::test]
async fn a_table_that_could_not_be_checked_is_checked_later() {
    for (trouble, times) in [(Trouble::Status(500), 2), (Trouble::Truncated, 1)] {
        a_check_of_the_table_meets(trouble, times).await;
    }
}

async fn a_check_of_the_table_meets(trouble: Trouble, times: usize) {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world.invoke_at("2024-03-02T19:30:00Z", "scores-and-standings", closing(&id)).await.unwrap();
    // The provider's table is unavailable or malformed.
    world.provider.trouble(trouble, Some(times));
    let table = json!({"tournamentId": id, "operation": "standings"});
    let answer = world.invoke_at("2024-03-02T20:30:00Z", "scores-and-standings", table).await.unwrap();
    let warnings = answer["standings_update"]["warnings"].to_string();
    assert!(warnings.contains("could not be checked"), "{warnings}");
    assert_eq!(world.checks_of("standings-follow-up").await, ["standings-follow-up 03-02 20:45"]);
    let asked = world.provider.requests();
    world
        .db
        .batch_execute("UPDATE scheduled_check SET done_at = due_at WHERE kind <> 'standings-follow-up'")
        .await
        .unwrap();
    world.wake("2024-03-02T20:45:00Z", "scores-and-standings").await.unwrap();
    assert_eq!(world.statuses("standings_update").await.last().unwrap(), "completed");
    assert_eq!(world.provider.requests() - asked, 1);
    let checked = "SELECT to_char(standings_checked_at, 'MM-DD HH24:MI') FROM tournament";
    assert_eq!(world.texts(checked).await, ["03-02 20:45"]);
    assert_eq!(world.checks_of("standings-follow-up").await, [""; 0], "no second one");
}

#[tokio::test]
async fn nobody_else_is_asked_whatever_the_database_says() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    for (base_url, provider_url) in [
        ("https://evil.example/api/v1/unique-tournament/1/season/2", "https://evil.example/events/round/1"),
        ("https://www.sofascore.com.evil.example/api/v1/unique-tournament/1/season/2", "//evil.example/"),
        (
            "https://user:pw@www.sofascore.com@evil.example/unique-tournament/1/season/2",
            "/events/round/1/../../../../x",
        ),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ] {
        world.db.execute("UPDATE tournament SET base_url = $1", &[&base_url]).await.unwrap();
        world.db.execute("UPDATE tournament_round SET provider_url = $1", &[&provider_url]).await.unwrap();
        let asked = world.provider.requests();
        let error =
            world.invoke_at("2024-03-02T17:00:00Z", "scores-and-standings", closing(&id)).await.unwrap_err();
        assert!(error.to_string().contains("base_url"), "{error}");
        assert_eq!(world.provider.requests(), asked, "{base_url}");
    }
}
