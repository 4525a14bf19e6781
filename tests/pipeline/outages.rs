//! Outages of S3 or Slack: a successful run stays successful, and every problem is reported.

use local::aws_gate::{How, Service, Trouble};
use serde_json::json;

use crate::desk::{API, Desk};
use crate::harness::{Setup, World, migrated_database};

const NOWHERE: &str = "http://127.0.0.1:9";
const ROUTINE: &str = "2024-03-01T00:01:00Z";

#[tokio::test]
async fn without_s3_the_work_is_done_and_the_message_says_that_there_is_no_report() {
    let world = Setup::default()
        .variables(&[("AWS_ENDPOINT_URL_S3", NOWHERE)])
        .world("2024-03-01T00:00:00Z", crate::harness::LEAGUE)
        .await;
    let answer = world.invoke_at(ROUTINE, "daily-routine", json!({})).await.unwrap();
    assert!(
        answer["daily_schedule"]["warnings"][0].as_str().unwrap().contains("report could not be stored"),
        "{answer}"
    );
    let record = world.texts("SELECT concat(status, report_file_key) FROM data_provider_executions").await;
    assert_eq!(record, ["completed"]);
    let message = world.stack.slack.messages().remove(0).to_string();
    assert!(message.contains("report could not be stored"), "{message}");
}

#[tokio::test]
async fn a_message_that_could_not_be_sent_is_pending_and_sent_by_the_next_delivery() {
    let database = migrated_database().await;
    let event = json!({"scheduledTime": ROUTINE});
    let deaf =
        [("SECRET_ARN", ""), ("DATABASE_URL", database.as_str()), ("SLACK_JOB_EXECUTIONS_WEBHOOK", NOWHERE)];
    let stack = Setup::on(&database).variables(&deaf).stack(NOWHERE).await;
    stack.stack.invoke("daily-routine", event.clone()).await.unwrap();
    let delivery = "SELECT concat(status, ' ', notified_at IS NULL) FROM data_provider_executions";
    assert_eq!(stack.texts(delivery).await, ["completed t"]);
    let log = stack.log("daily-routine");
    assert!(log.contains("a message to Slack could not be sent"), "{log}");

    let stack = Setup::on(&database).stack(NOWHERE).await;
    let mut later = event;
    later["deliveredAt"] = json!("2024-03-01T00:02:00Z");
    for _ in 0..2 {
        stack.stack.invoke("daily-routine", later.clone()).await.unwrap();
        assert_eq!(stack.messages().len(), 1, "sent once, then never again");
    }
    assert_eq!(stack.texts(delivery).await, ["completed f"]);
}

#[tokio::test]
async fn without_the_scheduler_the_routine_fails_and_names_it() {
    let world = Setup::default()
        .variables(&[("AWS_ENDPOINT_URL_SCHEDULER", NOWHERE)])
        .world("2024-03-01T00:00:00Z", crate::harness::LEAGUE)
        .await;
    let error = world.invoke_at(ROUTINE, "daily-routine", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("Scheduler: EventBridge") || error.contains("EventBridge Scheduler"), "{error}");
    assert_eq!(world.executions().await, ["daily_schedule failed 1"]);
    assert_eq!(world.stack.slack.messages()[0]["attachments"][0]["color"], "#e01e5a");
}

#[tokio::test]
async fn no_secret_is_in_a_log_a_report_a_message_or_a_record_whatever_goes_wrong() {
    let secrets = [
        "pl4nted-password",
        "pl4nted-token-that-is-long-enough-to-open",
        "pl4nted-aws-key",
        "/services/T000",
    ];
    // The most verbose log level that an operator may set.
    let variables = [("RUST_LOG", "trace"), ("AWS_SECRET_ACCESS_KEY", secrets[2])];
    let world =
        Setup::wired().variables(&variables).world("2024-02-20T12:00:00Z", crate::harness::LEAGUE).await;
    let (wire, gate) = world.gates();
    let mut url: url::Url = world.stack.database_url.parse().unwrap();
    url.set_port(Some(wire.port())).unwrap();
    url.set_password(Some(secrets[0])).unwrap();
    let rotated = |webhook: String| json!({"DATABASE_URL": url.as_str(), "SLACK_JOB_EXECUTIONS_WEBHOOK": webhook, "INTERNAL_SERVICE_TOKEN": secrets[1]});
    world.stack.aws.set_secret(&rotated(world.stack.slack.webhook_url())).await.unwrap();
    world.stack.functions.stop("migrate").await;
    world.create().await;
    let mut seen = String::new();
    let all = |service, how| Trouble { service, operation: None, how, times: None };
    for day in 1..=6 {
        match day {
            1 => gate.trouble(all(Service::S3, How::S3_ACCESS_DENIED)),
            2 => gate.trouble(all(Service::Scheduler, How::SCHEDULER_INTERNAL)),
            3 => {
                gate.trouble(all(Service::SecretsManager, How::SECRETS_ACCESS_DENIED));
                world.stack.functions.stop("daily-routine").await;
            }
            4 => wire.refuse(),
            5 => {
                world.stack.aws.set_secret(&rotated(world.stack.slack.archived_url())).await.unwrap();
                world.stack.functions.stop("daily-routine").await;
            }
            _ => {
                world
                    .stack
                    .aws
                    .set_secret(&json!({"DATABASE_URL": format!("postgres://u:{}@h:nonsense/x", secrets[0])}))
                    .await
                    .unwrap();
                world.stack.functions.stop("daily-routine").await;
            }
        }
        let at = format!("2024-03-0{day}T00:01:00Z");
        match world.invoke_at(&at, "daily-routine", json!({})).await {
            Ok(answer) => seen += &answer.to_string(),
            Err(error) => seen += &error.to_string(),
        }
        gate.restore();
        wire.restore();
    }
    world.stack.aws.set_secret(&rotated(world.stack.slack.webhook_url())).await.unwrap();
    seen += &asked_as_operator(&world, secrets[1]).await;
    for entry in std::fs::read_dir(world.logs.path()).unwrap() {
        seen += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for key in world.stack.aws.objects("data-provider-operation-reports/").await.unwrap() {
        seen += &String::from_utf8(world.stack.aws.object(&key).await.unwrap()).unwrap();
    }
    seen += &world.messages().concat();
    seen += &world.stack.slack.refused().iter().map(|refusal| refusal.body.clone()).collect::<String>();
    seen += &every_row(&world).await;
    for there in ["matches_create", "AccessDenied", "can't be reached", "can't be read", "Little League"] {
        assert!(seen.contains(there), "there is something to look through: {there}");
    }
    for secret in secrets {
        let at = seen.find(secret);
        assert_eq!(at, None, "{secret} is to be seen: …{}…", &seen[at.unwrap_or(200) - 200..][..300]);
    }
}

/// Makes various requests to the operator's API, with the token in each accepted form, and with similar wrong ones;
/// returns all answers.
async fn asked_as_operator(world: &World, token: &str) -> String {
    let desk = Desk::of(world);
    let bearer = format!("Bearer {token}");
    let mut answers = String::new();
    for (method, path, header, value, status) in [
        ("GET", "/executions", "x-internal-token", token, 200),
        ("GET", "/executions/nonsense", "x-internal-token", token, 400),
        ("GET", "/provider", "authorization", &bearer, 200),
        ("POST", "/daily-routine", "authorization", &bearer, 202),
        ("GET", "/provider", "authorization", token, 401),
    ] {
        let body = (method == "POST").then(|| json!({ "dryRun": true }));
        let answer = desk.send(method, &format!("{API}{path}"), &[(header, value)], body.as_ref()).await;
        let (was, headers) = (answer.status(), format!("{:?}", answer.headers()));
        answers += &headers;
        answers += &answer.text().await.unwrap();
        assert_eq!(was, status, "{method} {path} {header}: {answers}");
    }
    answers
}

/// The text of every row of every table.
async fn every_row(world: &World) -> String {
    let tables = "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
                   WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')";
    let mut rows = String::new();
    for table in world.texts(tables).await {
        rows += &world.texts(&format!("SELECT row::text FROM {table} row")).await.concat();
    }
    rows
}
