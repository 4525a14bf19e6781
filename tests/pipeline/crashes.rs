//! Every function is killed at every crash point and delivered again: the database is the same as without the kill.

use chrono::TimeDelta;
use local::chaos::{Content, content_under_one_clock};
use local::driver::create_event;
use local::stack::TOKEN;
use serde_json::{Value, json};

use crate::harness::{CUP, LEAGUE, World, copy_of, moment};
use crate::records::Records;

/// The points at which a function can be killed.
pub(crate) const POINTS: [&str; 9] =
    ["claimed", "fetched", "written", "committed", "scheduled", "worked", "reported", "recorded", "notified"];

/// The state after a run.
#[derive(Debug, PartialEq)]
struct Left {
    rows: Content,
    schedules: Vec<String>,
    executions: Vec<String>,
    checks: Vec<String>,
    reports: usize,
}

/// A delivery to one function, in the state that earlier deliveries have created. Each run of it uses a copy of the
/// world's database.
struct Scene {
    world: World,
    function: &'static str,
    event: Value,
    at: &'static str,
}

/// A world's stack on a copy of its database, with a function that is killed once at a crash point.
struct Copy {
    records: Records,
    once: tempfile::TempPath,
}

impl Copy {
    async fn of(world: &World, function: &str, crash: &str) -> Self {
        let database = copy_of(&world.stack.database_url).await;
        let secret = json!({
            "DATABASE_URL": database,
            "SLACK_JOB_EXECUTIONS_WEBHOOK": world.stack.slack.webhook_url(),
            "INTERNAL_SERVICE_TOKEN": TOKEN,
        });
        world.stack.aws.set_secret(&secret).await.unwrap();
        for name in world.schedule_names().await {
            world.stack.aws.delete_schedule(&name).await.unwrap();
        }
        let once = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        world.stack.functions.set("CRASH_AT", crash);
        world.stack.functions.set("CRASH_ONCE", once.to_str().unwrap());
        world.stack.functions.stop(function).await;
        Self { records: Records::of(&database).await, once }
    }

    fn was_killed(&self) -> bool {
        !self.once.exists()
    }
}

impl Scene {
    /// Delivers the event, killed at `crash`; returns the state, whether it was killed, and the number of messages.
    async fn play(&self, crash: &str) -> (Left, bool, usize) {
        let world = &self.world;
        let copy = Copy::of(world, self.function, crash).await;
        world.clock.set(moment(self.at));
        let executed_before = copy.records.executed().await;
        let (reports_before, messages_before) = (world.reports().await, world.messages().len());
        let (_, deliveries) = world.delivered(self.function, &self.event, self.at).await;
        let killed = copy.was_killed();
        assert_eq!(deliveries, if killed { 2 } else { 1 }, "{} {crash}", self.function);
        // Alarms for what was due already are set for the next minute, which depends on the delivery.
        let soon = moment(self.at) + TimeDelta::minutes(5);
        let alarms = world.stack.aws.schedules().await.unwrap().into_iter().filter(|alarm| alarm.at > soon);
        let executions =
            "SELECT concat_ws(' ', function, operation_type, status, count(*)) FROM data_provider_executions
                           GROUP BY function, operation_type, status ORDER BY 1";
        let checks =
            "SELECT concat_ws(' ', kind, round_slug, due_at, outcome) FROM scheduled_check ORDER BY 1";
        let left = Left {
            rows: content_under_one_clock(&copy.records.db).await.unwrap(),
            schedules: alarms.map(|alarm| format!("{} {}", alarm.function, alarm.at)).collect(),
            executions: copy.records.texts(executions).await,
            checks: copy.records.texts(checks).await,
            reports: world.reports().await - reports_before,
        };
        let messages = world.messages().len() - messages_before;
        let executed = copy.records.executed().await;
        assert_eq!(left.reports, executed - executed_before, "{} {crash}: one report each", self.function);
        let twice = usize::from(killed && crash.starts_with("notified"));
        assert_eq!(messages, left.reports + twice, "{} {crash}: one message each", self.function);
        (left, killed, messages)
    }

    /// Kills the function at every point, each time that it reaches it; returns the number of kills.
    async fn survives_every_crash(&self) -> usize {
        let (undisturbed, killed, _) = self.play("").await;
        assert!(!killed);
        let mut kills = 0;
        for point in POINTS {
            for nth in 1.. {
                let (left, killed, _) = self.play(&format!("{point}#{nth}")).await;
                assert_eq!(left, undisturbed, "{} {point}#{nth}", self.function);
                if !killed {
                    break;
                }
                kills += 1;
            }
        }
        kills
    }
}

async fn created() -> (World, String) {
    let world = World::at("2024-05-31T12:00:00Z", CUP).await;
    let id = world.create().await;
    (world, id)
}

#[tokio::test]
async fn the_creation_of_a_tournament_killed_anywhere_is_finished_by_the_next_delivery() {
    let world = World::at("2024-05-31T12:00:00Z", CUP).await;
    let event = create_event(&world.season, world.clock.now());
    let kills = Scene { world, function: "tournaments", event, at: "2024-05-31T12:00:00Z" }
        .survives_every_crash()
        .await;
    assert!(kills >= 30, "{kills}");
}

#[tokio::test]
async fn the_daily_routine_killed_anywhere_is_finished_by_the_next_delivery() {
    let (world, _) = created().await;
    let kills = Scene { world, function: "daily-routine", event: json!({}), at: "2024-06-02T00:01:00Z" }
        .survives_every_crash()
        .await;
    assert!(kills >= 9, "{kills}");
}

#[tokio::test]
async fn scores_and_standings_killed_anywhere_are_finished_by_the_next_delivery() {
    let (world, id) = created().await;
    let event =
        json!({"tournamentId": id, "roundSlug": "1", "check": "closing", "kickoff": "2024-06-01T15:00:00Z"});
    let kills = Scene { world, function: "scores-and-standings", event, at: "2024-06-01T17:00:00Z" }
        .survives_every_crash()
        .await;
    assert!(kills >= 13, "{kills}");
}

#[tokio::test]
async fn the_knockouts_killed_anywhere_are_finished_by_the_next_delivery() {
    let (world, id) = created().await;
    for (at, kickoff) in
        [("2024-06-01T17:00:00Z", "2024-06-01T15:00:00Z"), ("2024-06-05T17:00:00Z", "2024-06-05T15:00:00Z")]
    {
        let event = json!({"tournamentId": id, "roundSlug": "1", "check": "closing", "kickoff": kickoff});
        world.invoke_at(at, "scores-and-standings", event).await.unwrap();
    }
    let event = json!({ "tournamentId": id });
    let kills = Scene { world, function: "knockouts", event, at: "2024-06-08T09:00:00Z" }
        .survives_every_crash()
        .await;
    assert!(kills >= 9, "{kills}");
}

#[tokio::test]
async fn a_correction_is_sent_though_the_run_that_made_it_died() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let event = |check| json!({"tournamentId": id, "roundSlug": "1", "check": check, "kickoff": "2024-03-02T15:00:00Z"});
    world.invoke_at("2024-03-02T19:30:00Z", "scores-and-standings", event("closing")).await.unwrap();
    // The application has scored a result that is corrected later.
    world
        .db
        .batch_execute("UPDATE match SET away_score = 7, scoreboard_applied_at = '2024-03-02 20:00' WHERE home_score = 2")
        .await
        .unwrap();
    for (day, rescued) in [("03", false), ("04", true)] {
        let copy = Copy::of(&world, "scores-and-standings", "committed").await;
        let messages_before = world.messages().len();
        let at = format!("2024-03-{day}T12:00:00Z");
        world.clock.set(moment(&at));
        let mut event = event("sweep");
        event["scheduledTime"] = json!(at);
        if rescued {
            // It is not delivered again: the next run of any function finds the dead run's record.
            world.stack.invoke("scores-and-standings", event).await.unwrap_err();
            world.stack.functions.stop("daily-routine").await;
            let routine = json!({"scheduledTime": "2024-03-05T00:01:00Z"});
            world.stack.invoke("daily-routine", routine).await.unwrap();
            let dead =
                "SELECT status FROM data_provider_executions WHERE summary::text LIKE '%the run died%'";
            assert_eq!(copy.records.texts(dead).await, ["failed"]);
        } else {
            let (_, deliveries) = world.delivered("scores-and-standings", &event, &at).await;
            assert_eq!(deliveries, 2);
        }
        assert!(copy.was_killed());
        let told = world.messages().split_off(messages_before);
        let corrections = told.iter().filter(|message| message.contains("CORRECTION")).count();
        assert_eq!(corrections, 1, "rescued: {rescued}; {told:#?}");
    }
}
