//! Bad events, and old callers' events, through the front door.

use serde_json::json;

use crate::harness::{LEAGUE, World};

const ID: &str = "11111111-2222-4333-8444-555555555555";

#[tokio::test]
async fn a_bad_event_is_refused_with_its_field_recorded_and_told_and_writes_nothing() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let before = world.domain_rows().await;
    let tournament = |changes: serde_json::Value| {
        let mut tournament = json!({
            "label": "L", "slug": "l", "season": "2024", "mode": "regular-season-only",
            "baseUrl": "https://www.sofascore.com/api/v1/unique-tournament/1/season/2",
        });
        for (key, value) in changes.as_object().unwrap() {
            tournament[key] = value.clone();
        }
        json!({"operation": "create", "tournament": tournament})
    };
    let cases = [
        ("daily-routine", json!({"scheduledTime": "soon"}), "scheduledTime must be a time like"),
        ("daily-routine", json!({"dryRun": "yes"}), "dryRun must be true or false"),
        ("scores-and-standings", json!({}), "tournamentId is missing"),
        ("scores-and-standings", json!({"tournamentId": "7", "roundSlug": "1"}), "tournamentId must be"),
        ("scores-and-standings", json!({"tournamentId": ID}), "roundSlug is missing"),
        ("scores-and-standings", json!({"tournamentId": ID, "roundSlug": 1}), "roundSlug must be a text"),
        (
            "scores-and-standings",
            json!({"tournamentId": ID, "roundSlug": "1", "check": "x"}),
            "check must be interim",
        ),
        (
            "scores-and-standings",
            json!({"tournamentId": ID, "roundSlug": "1", "kickoff": "x"}),
            "kickoff must be a time",
        ),
        ("knockouts", json!({}), "tournamentId is missing"),
        ("knockouts", json!({"tournamentId": "00000000-0000-0000-0000-000000000000"}), "all-zero"),
        ("knockouts", json!({"knockoutsUpdateUrl": "https://x.example/none"}), "send tournamentId"),
        ("tournaments", json!({}), "operation is missing"),
        ("tournaments", json!({"operation": "drop"}), "operation must be create or refresh"),
        ("tournaments", json!({"operation": "refresh"}), "tournamentId is missing"),
        ("tournaments", json!({"operation": "create"}), "tournament is missing"),
        ("tournaments", tournament(json!({"label": ""})), "tournament.label is missing"),
        ("tournaments", tournament(json!({"slug": "../etc/passwd"})), "tournament.slug must be"),
        ("tournaments", tournament(json!({"slug": "A"})), "tournament.slug must be"),
        ("tournaments", tournament(json!({"mode": "cup"})), "tournament.mode must be"),
        ("tournaments", tournament(json!({"standingsMode": "x"})), "tournament.standingsMode must be"),
        (
            "tournaments",
            tournament(json!({"baseUrl": "https://evil.example/"})),
            "tournament.baseUrl must be",
        ),
        (
            "tournaments",
            tournament(json!({"publicUrl": "https://evil.example/"})),
            "tournament.publicUrl must be",
        ),
        ("tournaments", tournament(json!({"label": "x".repeat(400)})), "tournament.label is too long"),
    ];
    let count = cases.len();
    for (function, event, expected) in cases {
        let error = world.stack.invoke(function, event.clone()).await.unwrap_err().to_string();
        assert!(error.contains("InvalidInput") && error.contains(expected), "{function} {event}: {error}");
    }
    // Another environment's event must not touch this one.
    let error =
        world.stack.functions.invoke("daily-routine", &json!({"targetEnv": "prod"})).await.unwrap_err();
    assert!(error.to_string().contains("targetEnv is for another environment"), "{error}");

    assert_eq!(world.domain_rows().await, before);
    let failed = world.texts("SELECT count(*)::text FROM data_provider_executions WHERE status = 'failed' AND report_file_key IS NOT NULL").await;
    assert_eq!(failed, [(count + 1).to_string()]);
    assert_eq!(world.stack.slack.messages().len(), count + 1);
    assert_eq!(world.stack.slack.refused(), []);
    assert_eq!(world.provider.requests(), 0, "no request was made");
}

#[tokio::test]
async fn what_is_no_object_is_refused_too() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    for body in ["[]", "\"x\"", "7", "null"] {
        let answer = world.stack.functions.invoke_raw("daily-routine", body.to_owned()).await.unwrap();
        assert_eq!(answer["errorType"], "InvalidInput", "{body}: {answer}");
        assert!(answer["errorMessage"].as_str().unwrap().contains("event must be a JSON object"), "{answer}");
    }
    // What is no JSON never reaches a handler: the runtime itself errs, and the function lives on.
    let answer = world.stack.functions.invoke_raw("daily-routine", "{".to_owned()).await.unwrap();
    assert!(answer["errorMessage"].is_string(), "{answer}");
    world.invoke_at("2024-03-01T12:00:00Z", "daily-routine", json!({})).await.unwrap();
}

#[tokio::test]
async fn old_callers_events_still_work() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world
        .invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({"endpoint": "https://old.example/daily"}))
        .await
        .unwrap();
    let event = json!({
        "tournamentId": id, "roundSlug": "1", "roundUrl": "https://evil.example/events/round/1",
        "standingsUrl": "https://evil.example/standings",
    });
    let answer = world.invoke_at("2024-03-02T19:30:00Z", "scores-and-standings", event).await.unwrap();
    assert_eq!(answer["matches_update"]["matches"]["1"]["ended"], 2);
    assert_eq!(answer["standings_update"]["rows"]["updated"], 4);
    let answer = world
        .invoke_at(
            "2024-03-02T20:30:00Z",
            "knockouts",
            json!({"knockoutsUpdateUrl": format!("https://old.example/tournaments/{id}/knockouts")}),
        )
        .await
        .unwrap();
    assert_eq!(answer["knockouts_update"]["tournamentId"], id.as_str());
}

#[tokio::test]
async fn an_event_for_what_does_not_exist_is_told_and_harmless() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let before = world.domain_rows().await;
    let gone = json!({"tournamentId": ID, "roundSlug": "1"});
    let answer = world.invoke_at("2024-03-02T19:30:00Z", "scores-and-standings", gone).await.unwrap();
    assert!(
        answer["matches_update"]["warnings"][0].as_str().unwrap().contains("names no tournament"),
        "{answer}"
    );
    let no_round = json!({"tournamentId": id, "roundSlug": "99"});
    let error = world
        .invoke_at("2024-03-02T19:30:00Z", "scores-and-standings", no_round)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("roundSlug \"99\" names no round"), "{error}");
    world.db.execute("UPDATE tournament SET deleted_at = '2024-03-02'", &[]).await.unwrap();
    world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.schedule_names().await, Vec::<String>::new(), "a deleted tournament is not worked on");
    assert_eq!(world.domain_rows().await["match"], before["match"]);
}
