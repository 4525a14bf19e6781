//! The history: every change of a match, a table and a tie, by which run, and which readings were rejected.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{CUP, LEAGUE, World};

async fn changes(world: &World, subject: &str) -> Vec<String> {
    let sql = format!(
        "SELECT concat_ws(' | ', h.part, h.rejected, h.changes::text, e.operation_type)
           FROM change_history h LEFT JOIN data_provider_executions e ON e.id = h.execution_id
          WHERE h.subject = '{subject}' ORDER BY h.id"
    );
    world.texts(&sql).await
}

#[tokio::test]
async fn what_happened_to_a_match_and_its_table_is_recorded_once_and_shown() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    assert_eq!(changes(&world, "match").await, Vec::<String>::new(), "a new row is no change");
    world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    world.wake("2024-03-02T16:30:00Z", "scores-and-standings").await.unwrap();
    world.wake("2024-03-02T17:10:00Z", "scores-and-standings").await.unwrap();
    let of_match = changes(&world, "match").await;
    assert!(of_match.last().unwrap().contains("\"status\": [\"open\", \"ended\"]"), "{of_match:#?}");
    assert!(of_match.iter().all(|line| line.ends_with("matches_update")), "{of_match:#?}");
    let of_table = changes(&world, "standings").await;
    assert!(
        of_table.iter().any(|line| line.starts_with("Ash | {") && line.contains("\"points\": [0, 3]")),
        "{of_table:#?}"
    );
    // Run again: nothing changes, and nothing is added.
    let event = json!({"tournamentId": id, "roundSlug": "1"});
    world.invoke_at("2024-03-02T17:12:00Z", "scores-and-standings", event).await.unwrap();
    assert_eq!(
        (changes(&world, "match").await, changes(&world, "standings").await),
        (of_match.clone(), of_table)
    );

    // The application's own writes: those of its own columns leave no trace, a result set by hand does.
    let game = world
        .texts("SELECT id::text FROM match WHERE status = 'ended' ORDER BY date LIMIT 1")
        .await
        .remove(0);
    for sql in [
        "UPDATE match SET scoreboard_applied_at = now() WHERE id = $1::text::uuid",
        "UPDATE match SET home_score = home_score + 5 WHERE id = $1::text::uuid",
    ] {
        world.db.execute(sql, &[&game]).await.unwrap();
    }
    let by_hand = changes(&world, "match").await;
    assert_eq!(by_hand[..of_match.len()], of_match);
    assert_eq!(by_hand[of_match.len()..].len(), 1, "{by_hand:#?}");
    assert!(!by_hand.last().unwrap().contains("matches_update"), "{by_hand:#?}");

    let desk = Desk::of(&world);
    let (status, list) = desk.get(&format!("/matches/{game}/history?limit=1")).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    let latest = &list["items"][0];
    assert_eq!((&latest["part"], &latest["subject"]), (&json!("Ash – Birch"), &json!("match")));
    assert_eq!(latest["changes"], json!([{"field": "home goals", "from": "2", "to": "7"}]));
    assert_eq!((&latest["executionId"], &latest["rejected"]), (&Value::Null, &Value::Null));
    let next = list["next"].as_str().unwrap();
    let (_, earlier) = desk.get(&format!("/matches/{game}/history?cursor={next}")).await;
    assert!(earlier["items"][0]["executionId"].is_string(), "{earlier}");
    let (_, all) = desk.get(&format!("/tournaments/{id}/history")).await;
    assert!(all["items"].as_array().unwrap().iter().any(|entry| entry["subject"] == "standings"), "{all}");
    assert_eq!(
        desk.get("/matches/00000000-0000-4000-8000-000000000001/history").await.0,
        StatusCode::NOT_FOUND
    );
    for path in [format!("/matches/{game}"), format!("/tournaments/{id}/history")] {
        let headers = [("accept", "text/html"), ("x-internal-token", local::stack::TOKEN)];
        let page = desk.send("GET", &path, &headers, None).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        let page = page.text().await.unwrap();
        assert!(page.contains("home goals: 2 → 7") && page.contains("outside the pipeline"), "{page}");
    }

    // A deleted match leaves its history; a deleted tournament takes it along.
    world.db.execute("DELETE FROM match WHERE id = $1::text::uuid", &[&game]).await.unwrap();
    let deleted = changes(&world, "match").await.pop().unwrap();
    assert!(deleted.contains("\"status\": [\"ended\", null]"), "{deleted}");
    let (status, list) = desk.get(&format!("/tournaments/{id}/history?limit=1")).await;
    assert_eq!((status, &list["items"][0]["matchId"]), (StatusCode::OK, &json!(game)), "{list}");

    // For two seasons.
    world.invoke_at("2026-02-28T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert!(world.count("change_history").await > 0);
    world.invoke_at("2026-03-03T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(
        world.texts("SELECT changed_at::text FROM change_history WHERE changed_at < '2024-03-03'").await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_tie_and_its_winner_are_in_the_history() {
    let world = World::at("2024-06-01T00:01:00Z", CUP).await;
    world.create().await;
    for day in (1..=9).map(|day| format!("2024-06-0{day}")) {
        world.invoke_at(&format!("{day}T00:01:00Z"), "daily-routine", json!({})).await.unwrap();
        for function in ["scores-and-standings", "knockouts", "tournaments"] {
            world.wake(&format!("{day}T23:30:00Z"), function).await.unwrap();
        }
    }
    let of_bracket = changes(&world, "bracket").await;
    assert!(of_bracket.last().unwrap().contains("decided_by"), "{of_bracket:#?}");
}

/// The provider reopens an ended match: rejected, and recorded once however often it is read.
#[tokio::test]
async fn what_is_rejected_is_recorded_once() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let event = json!({"tournamentId": id, "roundSlug": "1"});
    world.invoke_at("2024-03-02T22:00:00Z", "scores-and-standings", event.clone()).await.unwrap();
    // As if the result had been known before the kickoff: the provider's answer would reopen the match.
    for hour in ["10", "11", "12"] {
        world
            .invoke_at(&format!("2024-03-02T{hour}:00:00Z"), "scores-and-standings", event.clone())
            .await
            .unwrap();
    }
    let of_match = changes(&world, "match").await;
    let rejected: Vec<&String> = of_match.iter().filter(|line| line.contains("would-reopen")).collect();
    assert_eq!(rejected.len(), 2, "one of each match: {of_match:#?}");
    assert!(rejected[0].contains("\"status\": [\"ended\", \"open\"]"), "{rejected:#?}");
}

/// As an application may: its rows are cleared first, then the tournament with its table and bracket is deleted.
#[tokio::test]
async fn a_tournament_can_be_deleted_with_its_history() {
    let world = World::at("2024-06-01T00:01:00Z", CUP).await;
    let id = world.create().await;
    let event = json!({"tournamentId": id, "operation": "refresh"});
    world.invoke_at("2024-06-09T23:00:00Z", "tournaments", event).await.unwrap();
    assert!(world.count("change_history").await > 0);
    world.db.execute("DELETE FROM data_provider_executions", &[]).await.unwrap();
    world.db.execute("DELETE FROM tournament WHERE id = $1::text::uuid", &[&id]).await.unwrap();
    assert_eq!((world.count("tournament").await, world.count("change_history").await), (0, 0));
}
