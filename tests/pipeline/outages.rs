//! S3 or Slack away: a good run stays a good run, and nothing is silent.

use serde_json::json;

use crate::harness::{World, empty_database, stack_on, texts};

const NOWHERE: &str = "http://127.0.0.1:9";
const ROUTINE: &str = "2024-03-01T00:01:00Z";

#[tokio::test]
async fn without_s3_the_work_is_done_and_the_message_says_that_there_is_no_report() {
    let world =
        World::with("2024-03-01T00:00:00Z", crate::harness::LEAGUE, &[("AWS_ENDPOINT_URL_S3", NOWHERE)])
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
async fn a_notice_that_could_not_be_sent_is_owed_and_sent_by_the_next_delivery() {
    let database = empty_database().await;
    let event = json!({"scheduledTime": ROUTINE});
    let deaf =
        [("SECRET_ARN", ""), ("DATABASE_URL", database.as_str()), ("SLACK_JOB_EXECUTIONS_WEBHOOK", NOWHERE)];
    let (stack, db, logs) = stack_on(&database, NOWHERE, &deaf).await;
    stack.invoke("daily-routine", event.clone()).await.unwrap();
    let owed = "SELECT concat(status, ' ', notified_at IS NULL) FROM data_provider_executions";
    assert_eq!(texts(&db, owed).await, ["completed t"]);
    let log = std::fs::read_to_string(logs.path().join("daily-routine.log")).unwrap();
    assert!(log.contains("the notice could not be sent"), "{log}");

    let (stack, db, _logs) = stack_on(&database, NOWHERE, &[]).await;
    for _ in 0..2 {
        stack.invoke("daily-routine", event.clone()).await.unwrap();
        assert_eq!(stack.slack.messages().len(), 1, "sent once, then never again");
    }
    assert_eq!(texts(&db, owed).await, ["completed f"]);
}

#[tokio::test]
async fn without_the_scheduler_the_routine_fails_and_says_so() {
    let world = World::with(
        "2024-03-01T00:00:00Z",
        crate::harness::LEAGUE,
        &[("AWS_ENDPOINT_URL_SCHEDULER", NOWHERE)],
    )
    .await;
    let error = world.invoke_at(ROUTINE, "daily-routine", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("Scheduler: EventBridge") || error.contains("EventBridge Scheduler"), "{error}");
    assert_eq!(world.executions().await, ["daily_schedule failed 1"]);
    assert_eq!(world.stack.slack.messages()[0]["attachments"][0]["color"], "#e01e5a");
}

#[tokio::test]
async fn no_secret_is_in_a_log_a_report_a_message_or_a_record() {
    let world = World::at("2024-03-01T12:00:00Z", crate::harness::LEAGUE).await;
    world.create().await;
    let mut seen = String::new();
    for entry in std::fs::read_dir(world.logs.path()).unwrap() {
        seen += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for key in world.stack.aws.objects("data-provider-operation-reports/").await.unwrap() {
        seen += &String::from_utf8(world.stack.aws.object(&key).await.unwrap()).unwrap();
    }
    seen += &world.stack.slack.messages().iter().map(ToString::to_string).collect::<String>();
    seen += &world.texts("SELECT e::text FROM data_provider_executions e").await.concat();
    assert!(seen.contains("matches_create"), "there is something to look through");
    for secret in
        [world.stack.slack.webhook_url(), world.stack.database_url.clone(), "/services/T000".to_owned()]
    {
        assert!(!seen.contains(&secret), "{secret} is to be seen");
    }
}
