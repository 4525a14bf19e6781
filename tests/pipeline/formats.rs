//! Snapshots of the formats that others rely on: what Scheduler and the desk send, records with their keys, events and
//! summaries, reports, Slack's blocks, the API's description. Ids, times and durations are masked.

use local::replay::Trouble;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{CUP, World};

/// Compares a document with its snapshot.
fn assert_format(world: &World, name: &str, document: &Value) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, instead) in [
        (world.stack.aws.environment.as_str(), "ENVIRONMENT"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"127\.0\.0\.1:\d+", "HOST"),
        // The hash at the end of a schedule's name covers the environment and the tournament's id.
        (r"-[0-9a-f]{10}\b", "-HASH"),
        // Real time passes: times in events are whole seconds, the others are the run's own.
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z?", "MOMENT"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "MOMENT"),
        // Schedules for the next minute: the seconds are those that the run took until then.
        (r#""at": "(\S+T\d\d:\d\d):\d\d(?:\.\d+)?Z""#, r#""at": "$1""#),
        (r#""(\w*(?:_ms|Ms|bytes|LatencyS))": \d+"#, r#""$1": 0"#),
        (r"(\d+ ms|\d+\.\d s|\d+ min \d+ s)\b", "N ms"),
        (r"asked-\d{4}-\d\d-\d\dT\d\d:\d\d", "asked-MINUTE"),
    ] {
        settings.add_filter(pattern, instead);
    }
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, serde_json::to_string_pretty(document).unwrap()));
}

async fn schedules(world: &World) -> Value {
    let schedules = world.stack.aws.schedules().await.unwrap().into_iter().map(|schedule| {
        let input: Value = serde_json::from_str(&schedule.input).unwrap();
        json!({ "name": schedule.name, "at": schedule.at, "function": schedule.function, "input": input })
    });
    schedules.collect()
}

/// Fires the alarm of the check of a kind that is due first.
async fn fire(world: &World, kind: &str) {
    let sql = format!(
        "SELECT concat(to_char(due_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), ' ', function) FROM scheduled_check
          WHERE kind = '{kind}' AND done_at IS NULL ORDER BY due_at LIMIT 1"
    );
    let due = world.texts(&sql).await.remove(0);
    let (at, function) = due.split_once(' ').unwrap();
    // A failure is recorded.
    let _ = world.wake(at, function).await;
    for alarm in world.stack.aws.schedules().await.unwrap() {
        if local::emulator::stamp(alarm.at).as_str() <= at {
            world.stack.aws.delete_schedule(&alarm.name).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_others_read_has_the_format_that_they_know() {
    let world = World::at("2024-05-31T12:00:00Z", CUP).await;
    let id = world.create().await;
    world.invoke_at("2024-06-01T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_format(&world, "schedules of a day", &schedules(&world).await);
    fire(&world, "interim").await;
    // A refused check creates a follow-up, and a table that can't be checked creates another.
    world.provider.trouble(Trouble::Status(503), Some(2));
    fire(&world, "closing").await;
    world.invoke_at("2024-06-08T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    fire(&world, "knockouts").await;
    let old = json!({"tournamentId": id, "roundSlug": "1", "roundUrl": "https://old.example/round", "dryRun": true});
    world.invoke_at("2024-06-08T12:00:00Z", "scores-and-standings", old).await.unwrap();
    let refresh = json!({"operation": "refresh", "tournamentId": id, "idempotencyKey": "again"});
    world.invoke_at("2024-06-08T12:10:00Z", "tournaments", refresh).await.unwrap();
    let bad = json!({"tournamentId": "?", "roundSlug": "", "check": "sometimes"});
    world.invoke_at("2024-06-08T12:20:00Z", "scores-and-standings", bad).await.unwrap_err();
    assert_format(&world, "schedules after trouble", &schedules(&world).await);

    // A request from the desk is recorded with its event before it is executed under the same record.
    let desk = Desk::of(&world);
    let path = format!("/tournaments/{id}");
    for (path, body) in [
        (format!("{path}/rounds/1/scores"), json!({})),
        (format!("{path}/standings"), json!({ "dryRun": true })),
        (format!("{path}/knockouts"), json!({})),
    ] {
        let (_, accepted) = desk.post(&path, body).await;
        desk.ended(accepted["executionId"].as_str().unwrap()).await;
    }
    let records = world
        .texts(
            "SELECT jsonb_build_object('function', function, 'operation_type', operation_type, 'status', status,
                        'idempotency_key', regexp_replace(idempotency_key, ':asked-[0-9T:-]+', ':asked-MINUTE'),
                        'planned_for', planned_for, 'attempt', attempt, 'requested_by', requested_by,
                        'event', event - 'idempotencyKey', 'summary', summary)::text
               FROM data_provider_executions ORDER BY created_at, operation_type",
        )
        .await;
    let records: Value =
        records.iter().map(|record| serde_json::from_str::<Value>(record).unwrap()).collect();
    assert_format(&world, "records", &records);
    let messages: Value = world.stack.slack.messages().into_iter().collect();
    assert_format(&world, "messages", &messages);

    let mut reports = Vec::new();
    for key in world.stack.aws.objects("data-provider-operation-reports/").await.unwrap() {
        if key.ends_with(".json") {
            let report: Value = serde_json::from_slice(&world.stack.aws.object(&key).await.unwrap()).unwrap();
            reports.push((report["key"].to_string().replace(&id, ""), report));
        }
    }
    reports.sort_by(|a, b| a.0.cmp(&b.0));
    let reports: Value =
        reports.into_iter().map(|(_, report)| report).filter(|r| r["attempt"] == 1).collect();
    assert_format(&world, "reports", &reports);
    // One line per path and schema.
    let described = desk.get("/openapi.json").await.1;
    let (paths, schemas) = (&described["paths"], &described["components"]["schemas"]);
    let lines = [paths, schemas].into_iter().flat_map(|part| part.as_object().unwrap());
    let lines: Value = lines.map(|(name, described)| format!("{name} {described}")).collect();
    assert_format(&world, "openapi", &lines);
}
