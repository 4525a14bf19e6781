//! Failures of S3, Scheduler, Secrets Manager and Slack: nothing is lost, and later runs deliver what is pending.

use axum::http::StatusCode;
use local::aws_gate::{How, Service, Trouble};
use serde_json::{Value, json};

use crate::harness::{LEAGUE, Setup, World};

const OWED: &str = "SELECT concat_ws(' ', status, 'owes', CASE WHEN notified_at IS NULL THEN 'notice' END,
                           CASE WHEN kept_report IS NOT NULL THEN 'report' END, CASE WHEN report_file_key IS NULL THEN 'nowhere' END)
                      FROM data_provider_executions ORDER BY created_at";

fn all(service: Service, how: How) -> Trouble {
    Trouble { service, operation: None, how, times: None }
}

#[tokio::test]
async fn a_report_that_s3_does_not_take_is_kept_and_stored_by_the_next_run() {
    for how in
        [How::S3_SLOW_DOWN, How::S3_ACCESS_DENIED, How::Drop, How::Delay(std::time::Duration::from_secs(60))]
    {
        let world = World::at("2024-03-01T00:00:00Z", LEAGUE).await;
        let gate = world.stack.gate.clone();
        gate.trouble(all(Service::S3, how));
        let answer = world.invoke_at("2024-03-01T00:01:00Z", "daily-routine", json!({})).await.unwrap();
        let warning = answer["daily_schedule"]["warnings"][0].as_str().unwrap();
        assert!(warning.contains("report could not be stored"), "{warning}");
        assert!(world.messages()[0].contains("report could not be stored"));
        assert_eq!(world.texts(OWED).await, ["completed owes report nowhere"]);
        gate.restore();
        world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
        assert_eq!(world.texts(OWED).await, ["completed owes", "completed owes"]);
        assert_eq!((world.reports().await, world.messages().len()), (2, 2));
    }
}

#[tokio::test]
async fn a_notice_that_slack_does_not_take_is_sent_by_the_next_run() {
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::TOO_MANY_REQUESTS, StatusCode::GONE] {
        let world = World::at("2024-03-01T00:00:00Z", LEAGUE).await;
        world.stack.slack.trouble(status, usize::MAX);
        for day in ["01", "02"] {
            let at = format!("2024-03-{day}T00:01:00Z");
            world.invoke_at(&at, "daily-routine", json!({})).await.unwrap();
        }
        assert_eq!(world.texts(OWED).await, ["completed owes notice"; 2]);
        world.stack.slack.trouble(status, 0);
        world.invoke_at("2024-03-03T00:01:00Z", "daily-routine", json!({})).await.unwrap();
        assert_eq!(world.texts(OWED).await, ["completed owes"; 3]);
        assert_eq!(world.messages().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn schedules_that_cannot_be_made_fail_the_routine_and_its_retry_makes_them() {
    for (how, kind) in [
        (How::SCHEDULER_THROTTLING, "ThrottlingException"),
        (How::SCHEDULER_QUOTA, "ServiceQuotaExceededException"),
        (How::SCHEDULER_INTERNAL, "InternalServerException"),
    ] {
        let world = World::at("2024-02-20T12:00:00Z", LEAGUE).await;
        let gate = world.stack.gate.clone();
        world.create().await;
        gate.trouble(Trouble {
            operation: Some("CreateSchedule".to_owned()),
            ..all(Service::Scheduler, how)
        });
        let error = world
            .invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({}))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(kind), "{error}");
        assert_eq!(world.schedule_names().await, Vec::<String>::new());
        let without =
            "scheduled_check WHERE done_at IS NULL AND alarm_set IS NULL AND due_at < '2024-03-04 00:01'";
        assert_eq!(
            world.count(without).await,
            world.checks().await.len(),
            "what is due is stored all the same"
        );
        gate.restore();
        world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
        assert!(world.schedule_names().await.len() >= 4);
        assert_eq!(world.count(without).await, 0);
    }
}

#[tokio::test]
async fn a_schedule_that_is_there_already_is_as_good_as_a_new_one() {
    let world = World::at("2024-02-20T12:00:00Z", LEAGUE).await;
    let gate = world.stack.gate.clone();
    world.create().await;
    // Executed, but the answer is lost: the SDK retries and gets a conflict.
    gate.trouble(Trouble {
        operation: Some("CreateSchedule".to_owned()),
        times: Some(1),
        ..all(Service::Scheduler, How::SCHEDULER_INTERNAL.after_the_fact())
    });
    let answer = world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(gate.troubled(), 1);
    assert_eq!(answer["daily_schedule"]["errors"], json!([]));
    assert!(world.schedule_names().await.len() >= 4);
    assert_eq!(world.count("scheduled_check WHERE alarm_set IS NULL").await, 0);
}

#[tokio::test]
async fn without_its_secret_a_function_fails_and_works_once_it_is_there() {
    let world = World::at("2024-03-01T00:00:00Z", LEAGUE).await;
    let gate = world.stack.gate.clone();
    for how in [How::SECRETS_INTERNAL, How::SECRETS_ACCESS_DENIED] {
        gate.trouble(all(Service::SecretsManager, how));
        let error = world
            .invoke_at("2024-03-01T00:01:00Z", "daily-routine", json!({}))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("Configuration: the secret arn:aws:secretsmanager"), "{error}");
        gate.restore();
    }
    world.invoke_at("2024-03-01T00:01:00Z", "daily-routine", json!({})).await.unwrap();
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_read_anew_by_a_warm_function() {
    let world = Setup::wired().world("2024-03-01T00:00:00Z", LEAGUE).await;
    let (wire, gate) = world.gates();
    world.invoke_at("2024-03-01T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    let read = || gate.calls().iter().filter(|call| call.operation == "GetSecretValue").count();
    let before = read();

    let secret = |url: &str, webhook: &str| json!({"DATABASE_URL": url, "SLACK_JOB_EXECUTIONS_WEBHOOK": webhook, "INTERNAL_SERVICE_TOKEN": "t"});
    let mut url: url::Url = world.stack.database_url.parse().unwrap();
    url.set_port(Some(wire.port())).unwrap();
    world.stack.aws.set_secret(&secret(url.as_str(), &world.stack.slack.archived_url())).await.unwrap();
    world.stack.functions.stop("daily-routine").await;
    world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.messages().len(), 1, "the archived channel takes nothing");
    world.stack.aws.set_secret(&secret(url.as_str(), &world.stack.slack.webhook_url())).await.unwrap();
    world.invoke_at("2024-03-03T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.messages().len(), 3, "read anew, sent, and what was pending as well");
    assert!(read() > before);
}

#[tokio::test]
async fn a_login_that_is_refused_is_read_anew_by_a_warm_function() {
    let world = World::at("2024-03-01T00:00:00Z", LEAGUE).await;
    let secret = |url: &str| json!({"DATABASE_URL": url, "SLACK_JOB_EXECUTIONS_WEBHOOK": world.stack.slack.webhook_url()});
    // An unknown role is refused in the same way as a wrong password.
    let mut wrong: url::Url = world.stack.database_url.parse().unwrap();
    wrong.set_username("rotated_away").unwrap();
    world.stack.aws.set_secret(&secret(wrong.as_str())).await.unwrap();
    world.stack.functions.stop("daily-routine").await;
    let routine = async |at| world.invoke_at(at, "daily-routine", json!({})).await;
    let error = routine("2024-03-01T00:01:00Z").await.unwrap_err().to_string();
    assert!(error.contains("Database") && error.contains("rotated_away"), "{error}");
    world.stack.aws.set_secret(&secret(&world.stack.database_url)).await.unwrap();
    let answer: Value = routine("2024-03-01T00:01:00Z").await.unwrap();
    assert_eq!(answer["daily_schedule"]["errors"], json!([]));
}

#[tokio::test]
async fn badges_that_s3_does_not_take_are_fetched_again_by_a_refresh() {
    let world = World::at("2024-02-20T12:00:00Z", LEAGUE).await;
    let gate = world.stack.gate.clone();
    gate.trouble(all(Service::S3, How::S3_ACCESS_DENIED));
    world.create().await;
    gate.restore();
    let without = "SELECT (SELECT count(*) FROM team WHERE badge = '') || ' ' || (SELECT count(*) FROM tournament WHERE logo = '')";
    assert_eq!(world.texts(without).await, ["4 1"]);
    assert_eq!(world.checks_of("refresh").await.len(), 1, "one, for logo and badges");
    world.wake("2024-02-20T12:20:00Z", "tournaments").await.unwrap();
    assert_eq!(world.texts(without).await, ["0 0"]);
}

#[tokio::test]
async fn a_kept_report_that_cannot_be_read_is_given_up_and_keeps_no_other_waiting() {
    let world = World::at("2024-03-01T00:00:00Z", LEAGUE).await;
    let gate = world.stack.gate.clone();
    gate.trouble(all(Service::S3, How::S3_SLOW_DOWN));
    for day in ["01", "02"] {
        let at = format!("2024-03-{day}T00:01:00Z");
        world.invoke_at(&at, "daily-routine", json!({})).await.unwrap();
    }
    gate.restore();
    assert_eq!(world.texts(OWED).await, ["completed owes report nowhere"; 2]);
    let spoil = "UPDATE data_provider_executions SET kept_report = '{}' WHERE planned_for < '2024-03-02'";
    assert_eq!(world.db.execute(spoil, &[]).await.unwrap(), 1);
    world.invoke_at("2024-03-03T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.texts(OWED).await, ["completed owes nowhere", "completed owes", "completed owes"]);
}
