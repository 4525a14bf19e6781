//! Schedules: moved when their time changes, and shown at the desk.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use local::driver::stamp;
use serde_json::json;
use shared::clock::Clock;

use crate::desk::Desk;
use crate::harness::{LEAGUE, World};

async fn scheduled(world: &World) -> BTreeMap<String, DateTime<Utc>> {
    let schedules = world.stack.aws.schedules().await.unwrap();
    schedules.into_iter().map(|schedule| (schedule.name, schedule.at)).collect()
}

#[tokio::test]
async fn a_check_at_another_time_keeps_its_name_and_is_moved() {
    let world = World::at("2024-03-01T00:00:00Z", LEAGUE).await;
    world.create().await;
    world.invoke_at("2024-03-01T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    let before = scheduled(&world).await;
    assert_eq!(before.len(), 4, "two kickoffs, two checks each: {before:?}");

    world.stack.functions.set("CLOSING_CHECK_MINUTES", "125");
    world.stack.functions.stop("daily-routine").await;
    let answer = world.invoke_at("2024-03-01T00:02:00Z", "daily-routine", json!({})).await.unwrap();
    let after = scheduled(&world).await;
    assert!(after.keys().eq(before.keys()), "{before:?} {after:?}");
    let moved: Vec<TimeDelta> =
        after.iter().map(|(name, at)| *at - before[name]).filter(|by| !by.is_zero()).collect();
    assert_eq!(moved, [TimeDelta::minutes(5); 2], "the closing ones");
    assert_eq!(answer["daily_schedule"]["schedules"]["updated"], 2, "{answer}");
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
    let shown = shown["scheduled"].as_array().unwrap();
    let of_tomorrow: BTreeMap<String, DateTime<Utc>> = shown
        .iter()
        .filter(|check| check["kickoff"].as_str().unwrap().starts_with(&tomorrow))
        .map(|check| {
            (check["name"].as_str().unwrap().to_owned(), check["at"].as_str().unwrap().parse().unwrap())
        })
        .collect();
    let mut expected = scheduled(&world).await;
    expected.retain(|_, at| at.format("%Y-%m-%d").to_string() == tomorrow);
    assert_eq!(of_tomorrow, expected);
    assert_eq!(of_tomorrow.len(), 4, "{shown:?}");
    let closing = shown.iter().find(|check| check["check"] == "closing").unwrap();
    assert_eq!(closing["tournamentId"], id.as_str());
    assert_eq!(closing["does"], "brings the final scores of round 1, then the table");
}
