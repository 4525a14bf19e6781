//! Sentry: gets failures by its own protocol, without secrets, and no successes; it never delays or fails a run.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use local::aws_gate::{AwsGate, How, Service, Trouble};
use local::sentry_sink::{SentrySink, dsn};
use local::stack::TOKEN;
use local::wire::Wire;
use serde_json::{Value, json};

use crate::harness::{LEAGUE, Setup, World};

const ROUTINE: &str = "2024-03-01T00:01:00Z";
const WEBHOOK: &str = "/services/T000";
const PASSWORD: &str = "pl4nted-password";

/// A world whose secret names this DSN, and whose database's address has a password.
async fn reports_to(dsn: &str, variables: &[(&str, &str)]) -> (World, Arc<Wire>, AwsGate) {
    let world = Setup::wired().variables(variables).world("2024-03-01T00:00:00Z", LEAGUE).await;
    let (wire, gate) = world.gates();
    let mut url: url::Url = world.stack.database_url.parse().unwrap();
    url.set_port(Some(wire.port())).unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    let secret = json!({
        "DATABASE_URL": url.as_str(),
        "SLACK_JOB_EXECUTIONS_WEBHOOK": world.stack.slack.webhook_url(),
        "INTERNAL_SERVICE_TOKEN": TOKEN,
        "SENTRY_DSN": dsn,
    });
    world.stack.aws.set_secret(&secret).await.unwrap();
    world.stack.functions.stop("migrate").await;
    (world, wire, gate)
}

fn scheduler_is_away(gate: &AwsGate) {
    gate.trouble(Trouble {
        service: Service::Scheduler,
        operation: None,
        how: How::SCHEDULER_INTERNAL,
        times: None,
    });
}

/// The heading of an event in Sentry: kind and message.
fn exception(event: &Value) -> (&str, &str) {
    let exception = &event["exception"]["values"][0];
    (exception["type"].as_str().unwrap(), exception["value"].as_str().unwrap())
}

#[tokio::test]
async fn a_failed_execution_is_reported_with_its_ids_and_a_success_is_not() {
    let sentry = SentrySink::start().unwrap();
    let (world, _wire, gate) = reports_to(&sentry.dsn(), &[]).await;
    world.create().await;
    world.invoke_at(ROUTINE, "daily-routine", json!({})).await.unwrap();
    assert_eq!((sentry.bodies(), sentry.refused()), (vec![], vec![]), "nothing has failed");

    scheduler_is_away(&gate);
    world.invoke_at("2024-03-01T00:02:00Z", "daily-routine", json!({})).await.unwrap_err();
    assert_eq!(sentry.refused(), Vec::<String>::new());
    let [event] = sentry.events().try_into().unwrap();
    let (kind, message) = exception(&event);
    assert_eq!(kind, "Scheduler");
    let record = world
        .texts(
            "SELECT concat_ws(' ', id, request_id, summary->'errors'->>0) FROM data_provider_executions
              WHERE status = 'failed'",
        )
        .await;
    let tags = &event["tags"];
    let told = [&tags["execution_id"], &tags["request_id"]].map(|id| id.as_str().unwrap());
    assert!(record[0].starts_with(&told.join(" ")), "{record:?} {event}");
    let what = "EventBridge Scheduler: list";
    assert!(message.starts_with(what) && record[0].contains(what), "{record:?} {event}");
    assert_eq!((&tags["function"], &tags["operation"]), (&json!("daily-routine"), &json!("daily_schedule")));
    assert_eq!(event["environment"], world.stack.aws.environment.as_str());
}

#[tokio::test]
async fn a_panic_is_reported_and_no_secret_with_it() {
    let sentry = SentrySink::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let once = dir.path().join("once");
    std::fs::write(&once, "").unwrap();
    let says = format!("no row for {PASSWORD} at {WEBHOOK}/B000/XXXX by {TOKEN}");
    let variables =
        [("CRASH_AT", "fetched"), ("CRASH_ONCE", once.to_str().unwrap()), ("CRASH_SAYS", says.as_str())];
    let (world, _wire, _gate) = reports_to(&sentry.dsn(), &variables).await;
    let error = world.invoke_at(
        ROUTINE,
        "tournaments",
        local::driver::create_event(&world.season, world.clock.now()),
    );
    let error = error.await.unwrap_err().to_string();
    let expected = "the function panicked: no row for [secret] at [secret] by [secret]";
    assert!(error.contains(expected), "{error}");
    assert!(!once.exists());
    let [event] = sentry.events().try_into().unwrap();
    assert_eq!(exception(&event), ("Internal", expected));
    let log = world.log("tournaments");
    assert!(log.contains(r#""message":"panicked","location":"shared/src/crash.rs"#), "{log}");
    let mut seen = sentry.bodies().concat() + &error + &log;
    for key in world.stack.aws.objects("data-provider-operation-reports/").await.unwrap() {
        seen += &String::from_utf8(world.stack.aws.object(&key).await.unwrap()).unwrap();
    }
    seen += &world.messages().concat();
    seen += &world.texts("SELECT e::text FROM data_provider_executions e").await.concat();
    for secret in [PASSWORD, WEBHOOK, TOKEN, "0123456789abcdef"] {
        assert!(!seen.contains(secret), "{secret} is in {seen}");
    }
    assert!(seen.matches(expected).count() >= 4, "told, answered, reported, recorded: {seen}");
}

#[tokio::test]
async fn what_fails_before_there_is_a_record_is_reported_too() {
    let sentry = SentrySink::start().unwrap();
    let (world, wire, _gate) = reports_to(&sentry.dsn(), &[]).await;
    wire.refuse();
    world.invoke_at(ROUTINE, "daily-routine", json!({})).await.unwrap_err();
    world.stack.invoke("migrate", json!({})).await.unwrap_err();
    let events = sentry.events();
    let told: Vec<_> = events.iter().map(|event| (exception(event).0, &event["tags"])).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    for ((kind, tags), (function, operation)) in
        told.into_iter().zip([("daily-routine", "record"), ("migrate", "migrate")])
    {
        assert_eq!(
            (kind, &tags["function"], &tags["operation"]),
            ("Database", &json!(function), &json!(operation))
        );
        assert!(tags["request_id"].is_string() && tags.get("execution_id").is_none(), "{tags}");
    }
    assert!(!sentry.bodies().concat().contains(PASSWORD));
}

#[tokio::test]
async fn a_sentry_that_is_away_costs_seconds_and_nothing_else() {
    // Accepts connections and never answers.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for dsn in [
        dsn(silent.local_addr().unwrap()),
        dsn(([127, 0, 0, 1], 9).into()),
        "https://no.key.example/".to_owned(),
    ] {
        let (world, _wire, gate) = reports_to(&dsn, &[]).await;
        world.create().await;
        world.invoke_at(ROUTINE, "daily-routine", json!({})).await.unwrap();
        scheduler_is_away(&gate);
        let began = Instant::now();
        let error = world.invoke_at("2024-03-01T00:02:00Z", "daily-routine", json!({})).await.unwrap_err();
        let took = began.elapsed();
        assert!(error.to_string().contains("Scheduler"), "{error}");
        // Five seconds for Sentry; the rest is the SDK, which tries a call three times.
        assert!(took < Duration::from_secs(5 + 10), "{dsn}: {took:?}");
        assert_eq!(world.executions().await.last().unwrap(), "daily_schedule failed 1");
        let notice = world.messages().pop().unwrap();
        assert!(notice.contains("EventBridge"), "{notice}");
        let log = world.log("daily-routine");
        assert!(
            log.contains("the failure could not be reported to Sentry") && !log.contains("0123456789abcdef"),
            "{log}"
        );
    }
}

#[tokio::test]
async fn a_panic_of_the_operators_api_is_reported_too() {
    let sentry = SentrySink::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let once = dir.path().join("once");
    std::fs::write(&once, "").unwrap();
    let variables =
        [("CRASH_AT", "announced"), ("CRASH_ONCE", once.to_str().unwrap()), ("CRASH_SAYS", PASSWORD)];
    let (world, _wire, _gate) = reports_to(&sentry.dsn(), &variables).await;
    let desk = crate::desk::Desk::of(&world);
    let bearer = format!("Bearer {TOKEN}");
    let routine = async || {
        let path = "/api/v2/data-provider/daily-routine";
        desk.send("POST", path, &[("authorization", &bearer)], Some(&json!({}))).await
    };
    assert!(routine().await.status().is_server_error());
    assert!(!once.exists());
    let [event] = sentry.events().try_into().unwrap();
    assert_eq!(exception(&event), ("Panic", "POST /api/v2/data-provider/daily-routine panicked"));
    assert_eq!(event["tags"]["function"], "operator-api");
    assert!(!sentry.bodies().concat().contains(PASSWORD));
    assert!(routine().await.status().is_success(), "the process lives on");
}
