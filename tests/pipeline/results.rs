//! Results as events: what a consumer of the bus gets, whatever happens to a run or to the bus.

use std::collections::BTreeSet;

use local::aws_gate::{How, Service, Trouble};
use local::bus::Consumer;
use serde_json::{Value, json};

use crate::harness::{CUP, LEAGUE, Setup, World, service, unique_name};

/// A world whose functions send their results to a bus.
async fn with_bus(now: &str, season: &str) -> (World, Consumer) {
    // Named as an operator would: the check of the functions' permissions knows it as the environment's.
    let environment = unique_name();
    let bus = format!("best-shot-{environment}");
    let consumer = Consumer::start(&service("TEST_AWS_ENDPOINT"), &bus).await.unwrap();
    let world =
        Setup::default().environment(&environment).variables(&[("EVENT_BUS", &bus)]).world(now, season).await;
    (world, consumer)
}

/// `kind home score away`, or what else an event says.
fn lines(events: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events
        .iter()
        .map(|event| {
            let kind = text(&event["kind"]);
            let (game, tie) = (&event["match"], &event["tie"]);
            if game.is_object() {
                let goals = |side: &str| game["now"]["score"][side].to_string();
                let (home, away) = (text(&game["home"]["name"]), text(&game["away"]["name"]));
                format!("{kind} {home} {}-{} {away}", goals("home"), goals("away"))
            } else if tie.is_object() {
                format!("{kind} {} {}", text(&tie["round"]), text(&tie["winner"]["name"]))
            } else {
                kind
            }
        })
        .collect()
}

async fn play(world: &World, days: impl IntoIterator<Item = &str>) {
    for day in days {
        world.invoke_at(&format!("{day}T00:01:00Z"), "daily-routine", json!({})).await.unwrap();
        for function in ["scores-and-standings", "knockouts", "tournaments"] {
            world.wake(&format!("{day}T23:30:00Z"), function).await.unwrap();
        }
    }
}

const CUP_DAYS: [&str; 9] = [
    "2024-06-01",
    "2024-06-02",
    "2024-06-03",
    "2024-06-04",
    "2024-06-05",
    "2024-06-06",
    "2024-06-07",
    "2024-06-08",
    "2024-06-09",
];

#[tokio::test]
async fn a_consumer_gets_every_result_of_a_cup_once_and_in_order() {
    let (world, consumer) = with_bus("2024-05-31T12:00:00Z", CUP).await;
    let id = world.create().await;
    play(&world, CUP_DAYS).await;
    let events = consumer.received().await.unwrap();
    assert_eq!(
        lines(&events),
        [
            "match-ended Oak 1-0 Pine",
            "match-ended Pine 2-0 Yew",
            "match-ended Yew 0-1 Oak",
            "table-final",
            "match-ended Oak 2-2 Pine",
            "tie-decided final Pine",
        ]
    );
    assert!(events.iter().all(|event| event["tournament"]["id"] == json!(id) && event["version"] == 1));
    let last = &events[4]["match"];
    assert_eq!(last["now"]["penalties"], json!({"home": 3, "away": 4}));
    assert_eq!((&last["before"]["status"], &last["now"]["status"]), (&json!("open"), &json!("ended")));
    assert!(events.iter().all(|event| event["executionId"].is_string() && event["byHand"] == false));
    let keys: BTreeSet<&str> = events.iter().filter_map(|event| event["key"].as_str()).collect();
    assert_eq!(keys.len(), events.len());
    assert!(keys.iter().all(|key| key.starts_with(&format!("{}/", world.stack.aws.environment))));

    // Run again: nothing is sent.
    play(&world, ["2024-06-10"]).await;
    assert_eq!(lines(&consumer.received().await.unwrap()), Vec::<String>::new());
    // A week after the last match, the time in which results are corrected, it is complete.
    world.invoke_at("2024-06-18T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    let complete = consumer.received().await.unwrap();
    assert_eq!(lines(&complete), ["tournament-complete"]);
    assert!(complete[0]["executionId"].is_string(), "{complete:#?}");

    // A result that is changed outside the pipeline goes with the next delivery.
    for sql in [
        "UPDATE match SET home_score = 5 WHERE round_slug = 'final'",
        "UPDATE match SET status = 'not-defined' WHERE round_slug = 'final'",
    ] {
        world.db.batch_execute(sql).await.unwrap();
    }
    world.wake("2024-06-18T00:05:00Z", "knockouts").await.unwrap();
    let events = consumer.received().await.unwrap();
    assert_eq!(lines(&events), ["match-corrected Oak 5-2 Pine", "match-annulled Oak 5-2 Pine"]);
    assert!(events[0]["sequence"].as_i64() < events[1]["sequence"].as_i64());
    assert!(events.iter().all(|event| event["executionId"] == Value::Null));
    assert_eq!(events[0]["match"]["before"]["score"], json!({"home": 2, "away": 2}));

    // A tie with its sides exchanged says nothing new, and one whose winner is gone does.
    for sql in [
        "UPDATE tournament_bracket SET home_team_id = away_team_id, away_team_id = home_team_id WHERE round_slug = 'final'",
        "UPDATE tournament_bracket SET tie_number = 2 WHERE round_slug = 'final'",
        // The row has another pair for a while: a draw was known only later.
        "UPDATE tournament_bracket SET home_team_id = (SELECT id FROM team WHERE name = 'Yew'), winner_team_id = NULL
          WHERE round_slug = 'final'",
        "UPDATE tournament_bracket SET home_team_id = (SELECT id FROM team WHERE name = 'Pine'),
                winner_team_id = (SELECT id FROM team WHERE name = 'Pine') WHERE round_slug = 'final'",
    ] {
        world.db.batch_execute(sql).await.unwrap();
    }
    world.wake("2024-06-18T00:06:00Z", "knockouts").await.unwrap();
    assert_eq!(lines(&consumer.received().await.unwrap()), Vec::<String>::new());
    for sql in [
        "UPDATE tournament_bracket SET winner_team_id = NULL WHERE round_slug = 'final'",
        // A deleted match that had ended has lost its result.
        "DELETE FROM match WHERE round_slug <> 'final' AND home_score = 1",
    ] {
        world.db.batch_execute(sql).await.unwrap();
    }
    world.wake("2024-06-18T00:07:00Z", "knockouts").await.unwrap();
    let events = consumer.received().await.unwrap();
    assert_eq!(lines(&events), ["tie-reopened final ", "match-annulled Oak null-null Pine"]);
    let deleted = &events[1]["match"];
    assert_eq!(
        (&deleted["now"]["status"], &deleted["before"]["score"]),
        (&json!("deleted"), &json!({"home": 1, "away": 0}))
    );
    assert_eq!(world.count("change_history WHERE unsent").await, 0);
}

#[tokio::test]
async fn a_season_that_is_imported_is_no_news_and_a_result_of_yesterday_is() {
    let (world, consumer) = with_bus("2024-03-31T12:00:00Z", LEAGUE).await;
    world.create().await;
    world.wake("2024-03-31T12:05:00Z", "scores-and-standings").await.unwrap();
    let sent = lines(&consumer.received().await.unwrap());
    assert_eq!(sent.len(), 3, "the matches of 30 March: {sent:#?}");
    assert!(sent.contains(&"match-ended Ash 5-0 Elm".to_owned()), "{sent:#?}");
}

#[tokio::test]
async fn while_the_bus_is_away_results_wait_and_come_in_order_and_the_desk_says_so() {
    let (world, consumer) = with_bus("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let gate = world.stack.gate.clone();
    let away = |how, times| Trouble { service: Service::Events, operation: None, how, times };
    for how in [How::EVENTS_THROTTLING, How::Drop] {
        gate.trouble(away(how, None));
    }
    play(&world, ["2024-03-02"]).await;
    assert_eq!(lines(&consumer.received().await.unwrap()), Vec::<String>::new());
    // The work itself is not disturbed.
    assert_eq!((world.incomplete().await, world.ended().await), (0, 2));
    let corrected =
        "UPDATE match SET home_score = 9 WHERE external_id = (SELECT min(external_id) FROM match)";
    world.db.batch_execute(corrected).await.unwrap();
    let desk = crate::desk::Desk::of(&world);
    let (_, today) = desk.get("/today").await;
    let backlog =
        today["attention"]["items"].as_array().unwrap().iter().find(|item| item["kind"] == "events");
    assert_eq!(backlog.map(|item| item["detail"].clone()), Some(json!("3")), "{today}");

    gate.restore();
    // A function that has nothing else to do sends them.
    world.wake("2024-03-02T23:45:00Z", "tournaments").await.unwrap();
    let sent = lines(&consumer.received().await.unwrap());
    assert_eq!(sent.len(), 3, "{sent:#?}");
    assert!(sent[2].starts_with("match-corrected Ash 9-1"), "{sent:#?}");
    assert_eq!(world.count("change_history WHERE unsent").await, 0);

    // It takes the call and the answer is lost: sent again, under the same key.
    gate.trouble(away(How::EVENTS_THROTTLING.after_the_fact(), Some(1)));
    let event = json!({"tournamentId": id, "roundSlug": "2"});
    world.invoke_at("2024-03-09T18:00:00Z", "scores-and-standings", event).await.unwrap();
    gate.restore();
    world.wake("2024-03-09T18:01:00Z", "tournaments").await.unwrap();
    let events = consumer.received().await.unwrap();
    let keys: BTreeSet<&str> = events.iter().filter_map(|event| event["key"].as_str()).collect();
    assert!(keys.len() == 2 && events.len() > keys.len(), "{:#?}", lines(&events));
}

/// The rounds of the league, and the end of the day on which each is played.
const ROUNDS: [(&str, &str); 5] =
    [("1", "2024-03-02"), ("2", "2024-03-09"), ("3", "2024-03-16"), ("4", "2024-03-23"), ("5", "2024-03-30")];

/// Killed at every crash point, a round each: the events still come, each under one key.
#[tokio::test]
async fn a_run_that_is_killed_loses_no_event() {
    let points: Vec<&str> = crate::crashes::POINTS.into_iter().chain(["event-sent"]).collect();
    for points in points.chunks(ROUNDS.len()) {
        let (world, consumer) = with_bus("2024-03-01T12:00:00Z", LEAGUE).await;
        let id = world.create().await;
        for (point, (round, day)) in points.iter().zip(ROUNDS) {
            let once = tempfile::NamedTempFile::new().unwrap().into_temp_path();
            world.stack.functions.set("CRASH_AT", &format!("{point}#1"));
            world.stack.functions.set("CRASH_ONCE", once.to_str().unwrap());
            world.stack.functions.stop("scores-and-standings").await;
            let at = format!("{day}T23:00:00Z");
            world.clock.set(crate::harness::moment(&at));
            let event = json!({"tournamentId": id, "roundSlug": round});
            let (_, deliveries) = world.delivered("scores-and-standings", &event, &at).await;
            assert_eq!((deliveries, once.exists()), (2, false), "{point}");
            let events = consumer.received().await.unwrap();
            let keys: BTreeSet<&str> = events.iter().filter_map(|event| event["key"].as_str()).collect();
            let expected = if *point == "event-sent" { 4 } else { 2 };
            assert_eq!((keys.len(), events.len()), (2, expected), "{point}: {:#?}", lines(&events));
        }
    }
}

#[tokio::test]
async fn without_a_bus_nothing_is_sent_and_the_outbox_is_emptied() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    world.create().await;
    play(&world, ["2024-03-02"]).await;
    assert_eq!(world.count("change_history WHERE unsent").await, 2);
    world.invoke_at("2024-03-03T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.count("change_history WHERE unsent").await, 0);
    assert_eq!(world.count("change_history WHERE event = 'match-ended' AND sent_at IS NULL").await, 2);
    assert!(!world.stack.gate.calls().iter().any(|call| call.service == Service::Events));
}

/// Two functions at once: every event is sent, and none by both.
#[tokio::test]
async fn two_functions_at_once_send_each_result_once() {
    let (world, consumer) = with_bus("2024-03-01T12:00:00Z", LEAGUE).await;
    world.create().await;
    let gate = world.stack.gate.clone();
    gate.trouble(Trouble {
        service: Service::Events,
        operation: None,
        how: How::EVENTS_THROTTLING,
        times: None,
    });
    play(&world, ["2024-03-02", "2024-03-09", "2024-03-16", "2024-03-23", "2024-03-30"]).await;
    gate.restore();
    let at = "2024-03-30T23:45:00Z";
    let (one, other) = tokio::join!(world.wake(at, "tournaments"), world.wake(at, "knockouts"));
    one.and(other).unwrap();
    let events = consumer.received().await.unwrap();
    let keys: BTreeSet<&str> = events.iter().filter_map(|event| event["key"].as_str()).collect();
    assert_eq!((keys.len(), events.len()), (11, 11), "{:#?}", lines(&events));
}
