//! Checks: replaced when their time changes, woken for by alarms, and shown at the desk.

use chrono::TimeDelta;
use local::emulator::stamp;
use serde_json::json;
use shared::clock::Clock;

use crate::desk::Desk;
use crate::harness::{LEAGUE, World};

#[tokio::test]
async fn a_check_with_another_offset_replaces_the_old_one_and_so_does_its_alarm() {
    let world = World::at("2024-03-01T00:00:00Z", LEAGUE).await;
    world.create().await;
    world.invoke_at("2024-03-01T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.checks_of("closing").await, ["closing 03-02 17:00", "closing 03-02 19:30"]);

    world.stack.functions.set("CLOSING_CHECK_MINUTES", "125");
    world.stack.functions.stop("daily-routine").await;
    let answer = world.invoke_at("2024-03-01T00:02:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.checks_of("closing").await, ["closing 03-02 17:05", "closing 03-02 19:35"]);
    assert_eq!(world.checks_of("interim").await.len(), 2);
    assert_eq!(world.count("scheduled_check WHERE outcome = 'cancelled'").await, 3, "with the table's");
    assert_eq!(answer["daily_schedule"]["schedules"]["deleted"], 3, "{answer}");
    let names = world.schedule_names().await;
    let at = |time: &str| names.iter().any(|name| name.contains(&format!("20240302T{time}")));
    assert!(at("170500") && !at("170000"), "{names:?}");
}

#[tokio::test]
async fn the_desk_shows_the_checks_of_today_and_tomorrow() {
    // The desk uses the real time, and so does this test.
    let now = Clock::default().now();
    let tomorrow = (now + TimeDelta::days(1)).format("%Y-%m-%d").to_string();
    let season = LEAGUE.replace("2024-03-02", &tomorrow);
    let world = World::at(&stamp(now), &season).await;
    let id = world.create().await;
    world.invoke_at(&stamp(now), "daily-routine", json!({})).await.unwrap();
    let (_, shown) = Desk::of(&world).get("/schedules").await;
    let all = shown["scheduled"].as_array().unwrap();
    let of_rounds: Vec<&str> = all
        .iter()
        .filter(|check| check["roundSlug"] == "1")
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert_eq!(of_rounds, ["interim", "closing", "interim", "closing"], "{shown}");
    assert_eq!(shown["total"], world.checks().await.len());
    let closing = all.iter().find(|check| check["check"] == "closing").unwrap();
    assert_eq!(closing["tournamentId"], id.as_str());
    assert_eq!(closing["does"], "brings the final scores of round 1, then the table");
    assert!(closing["alarmSet"].is_string(), "{closing}");
}
