//! Malformed events, and old callers' events, sent to the functions.

mod bad_inputs;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{LEAGUE, World};
use bad_inputs::{BadInput, bad_inputs};

const ID: &str = "11111111-2222-4333-8444-555555555555";

/// The maximum length of an error: it names fields and remedies, and quotes almost nothing of the event.
const ERROR_LIMIT: usize = 700;
/// Strings of the event that are longer must not appear in the error or in Slack messages.
const ECHO_LIMIT: usize = 12;

#[tokio::test]
async fn a_bad_event_is_refused_with_its_field_recorded_and_sent_and_writes_nothing() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let before = world.domain_rows().await;
    let cases = bad_inputs();
    assert!(cases.len() >= 60);
    let mut bodies = BTreeSet::new();
    let mut page = "| function | event | error |\n|---|---|---|\n".to_owned();
    for (number, BadInput { function, body, expected }) in cases.iter().enumerate() {
        let shown: String = body.chars().take(200).collect();
        assert!(bodies.insert((function, body)), "{function} {shown} is there twice");
        let answer = world.stack.functions.invoke_raw(function, body.clone()).await.unwrap();
        assert_eq!(answer["errorType"], "InvalidInput", "{function} {shown}: {answer}");
        let error = answer["errorMessage"].as_str().unwrap();
        assert!(error.contains(expected), "{function} {shown}: {error}");
        assert!(error.len() < ERROR_LIMIT, "{function} {shown}: {error}");

        page += &row(function, body, error);

        let messages = world.stack.slack.messages();
        assert_eq!(messages.len(), number + 1, "{function} {shown}: one notice");
        let told = texts_in(&messages[number]);
        let escaped = expected.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(told.iter().any(|text| text.contains(&escaped)), "{function} {shown}: {told:#?}");
        for sent in texts_in(&serde_json::from_str(body).unwrap()) {
            let echoes = |text: &str| {
                sent.chars().count() > ECHO_LIMIT && !expected.contains(&sent) && text.contains(&sent)
            };
            assert!(!echoes(error) && !told.iter().any(|text| echoes(text)), "{function} {shown}: {error}");
        }
        let notice = messages[number].to_string();
        for markup in ["<!", "<http", "<script", "*bold*", "\u{202e}", "DROP TABLE"] {
            assert!(!notice.contains(markup) && !error.contains(markup), "{function} {shown}: {notice}");
        }
    }
    assert_eq!(world.domain_rows().await, before);
    let recorded = world
        .texts(
            "SELECT concat_ws(' ', status, attempt, report_file_key IS NOT NULL, notified_at IS NOT NULL, count(*))
               FROM data_provider_executions
              GROUP BY status, attempt, report_file_key IS NOT NULL, notified_at IS NOT NULL",
        )
        .await;
    assert_eq!(recorded, [format!("failed 1 t t {}", cases.len())]);
    assert_eq!(world.stack.slack.refused(), []);
    assert_eq!(world.provider.requests(), 0, "no request was made");
    assert_eq!(world.schedule_names().await, Vec::<String>::new());
    // For inspection.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    std::fs::create_dir_all(&target).unwrap();
    std::fs::write(target.join("bad-inputs.md"), page).unwrap();
}

/// A row of the table of bad inputs, with the part of the error after the name of the work.
fn row(function: &str, body: &str, error: &str) -> String {
    let shown: String = body.chars().take(120).collect();
    let more = if shown.len() < body.len() { format!("… ({} bytes)", body.len()) } else { String::new() };
    let error = error.split_once("invalid input: ").map_or(error, |(_, problems)| problems);
    let plain = |text: &str| text.escape_debug().to_string().replace("\\\"", "\"").replace('|', "\\|");
    format!("| {function} | `{}`{more} | {} |\n", plain(&shown), error.replace('<', "&lt;"))
}

/// Every string in a JSON value.
fn texts_in(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts_in).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn what_is_no_json_never_reaches_a_function_which_keeps_running() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("{{\"scheduledTime\": {}}}", "9".repeat(1_000_000));
    for body in [
        "{",
        "",
        "garbage",
        "{\"scheduledTime\": NaN}",
        "{\"scheduledTime\": 1e999}",
        "{\"scheduledTime\": \"\\ud800\"}",
        "{'scheduledTime': 'x'}",
        &deep,
        &huge,
    ] {
        let answer = world.stack.functions.invoke_raw("daily-routine", body.to_owned()).await.unwrap();
        let shown: String = body.chars().take(50).collect();
        let error = answer["errorMessage"].as_str().unwrap_or_default();
        assert!(!error.is_empty() && error.len() < 2_000, "{shown}: {answer}");
    }
    assert_eq!(world.executions().await, Vec::<String>::new());
    world.invoke_at("2024-03-01T12:00:00Z", "daily-routine", json!({})).await.unwrap();
}

#[tokio::test]
async fn another_environments_migration_is_refused() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let error = world.stack.functions.invoke("migrate", &json!({"targetEnv": "prod"})).await.unwrap_err();
    assert!(
        error.to_string().contains("InvalidInput: migrate: invalid input: targetEnv is for another"),
        "{error}"
    );
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
async fn an_event_for_what_does_not_exist_is_reported_and_harmless() {
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

#[tokio::test]
async fn an_event_for_a_deleted_tournament_leaves_its_record_and_nothing_else() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world.db.execute("UPDATE tournament SET deleted_at = '2024-03-02'", &[]).await.unwrap();
    let all = async || {
        let bracket = world.texts("SELECT b::text FROM tournament_bracket b ORDER BY id").await;
        (world.domain_rows().await, bracket, world.schedule_names().await, world.provider.requests())
    };
    let before = all().await;
    let cases = [
        (
            "scores-and-standings",
            json!({"roundSlug": "1", "check": "closing", "kickoff": "2024-03-02T15:00:00Z"}),
            "matches_update",
        ),
        ("scores-and-standings", json!({"operation": "standings"}), "standings_update"),
        ("knockouts", json!({}), "knockouts_update"),
        ("tournaments", json!({"operation": "refresh"}), "tournament_update"),
    ];
    let executed = world.executions().await.len();
    for (function, mut event, operation) in cases.clone() {
        event["tournamentId"] = json!(id);
        let answer = world.invoke_at("2024-03-02T19:30:00Z", function, event).await.unwrap();
        let warning = answer[operation]["warnings"][0].as_str().unwrap_or_default();
        assert!(warning.contains(&id) && warning.contains("deleted"), "{function}: {answer}");
        assert_eq!(all().await, before, "{function} {operation}");
        let record = format!(
            "SELECT concat_ws(' ', status, summary->'warnings'->>0, report_file_key IS NOT NULL)
               FROM data_provider_executions WHERE operation_type = '{operation}'"
        );
        assert_eq!(world.texts(&record).await, [format!("completed {warning} t")], "{function}");
    }
    assert_eq!(world.executions().await.len() - executed, cases.len(), "one record each");
}
