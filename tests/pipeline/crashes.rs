//! Every function killed at every point of its way, and delivered again: the same database as undisturbed.

use local::chaos::{Content, content_under_one_clock};
use local::driver::create_event;
use local::postgres;
use serde_json::{Value, json};

use crate::harness::{CUP, LEAGUE, World, delivered, empty_database, moment, stack_on};

const POINTS: [&str; 9] =
    ["claimed", "fetched", "written", "committed", "scheduled", "worked", "reported", "recorded", "notified"];

/// What a run leaves behind.
#[derive(Debug, PartialEq)]
struct Left {
    rows: Content,
    schedules: Vec<String>,
    executions: Vec<String>,
    reports: usize,
}

/// A delivery to one function, at a moment of a story that others have brought so far.
struct Scene {
    world: World,
    function: &'static str,
    event: Value,
    at: &'static str,
}

impl Scene {
    /// Delivers the event in a copy of the world, killed at `crash`; what is left, whether the kill happened, and how
    /// many messages were sent.
    async fn play(&self, crash: &str) -> (Left, bool, usize) {
        let database = copy_of(&self.world.stack.database_url).await;
        let dir = tempfile::tempdir().unwrap();
        let once = dir.path().join("once");
        std::fs::write(&once, "").unwrap();
        self.world.clock.set(moment(self.at));
        let variables = [("CRASH_AT", crash), ("CRASH_ONCE", once.to_str().unwrap())];
        let (stack, db, _logs) = stack_on(&database, &self.world.provider.origin(), &variables).await;
        let executed_before =
            crate::harness::texts(&db, "SELECT id::text FROM data_provider_executions").await.len();
        let (_, deliveries) = delivered(&stack, self.function, &self.event, self.at).await;
        let killed = !once.exists();
        assert_eq!(deliveries, if killed { 2 } else { 1 }, "{} {crash}", self.function);
        let environment = format!("{}-", stack.aws.environment);
        let name =
            |name: &str| name.strip_prefix(&environment).unwrap().rsplit_once('-').unwrap().0.to_owned();
        let executions =
            "SELECT concat_ws(' ', function, operation_type, status, count(*)) FROM data_provider_executions
                           GROUP BY function, operation_type, status ORDER BY 1";
        let left = Left {
            rows: content_under_one_clock(&db).await.unwrap(),
            schedules: stack.aws.schedules().await.unwrap().iter().map(|s| name(&s.name)).collect(),
            executions: crate::harness::texts(&db, executions).await,
            reports: stack
                .aws
                .objects("data-provider-operation-reports/")
                .await
                .unwrap()
                .iter()
                .filter(|key| key.ends_with(".html"))
                .count(),
        };
        let messages = stack.slack.messages().len();
        let executed =
            crate::harness::texts(&db, "SELECT id::text FROM data_provider_executions").await.len();
        assert_eq!(left.reports, executed - executed_before, "{} {crash}: one report each", self.function);
        let twice = usize::from(killed && crash.starts_with("notified"));
        assert_eq!(messages, left.reports + twice, "{} {crash}: one message each", self.function);
        (left, killed, messages)
    }

    /// Kills the function at every point, each time that it passes; how many kills that were.
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

async fn copy_of(url: &str) -> String {
    let copy = empty_database().await;
    let (server, name) = copy.rsplit_once('/').unwrap();
    let (_, original) = url.rsplit_once('/').unwrap();
    let admin = postgres::connect(&format!("{server}/postgres")).await.unwrap();
    admin.batch_execute(&format!("DROP DATABASE \"{name}\"")).await.unwrap();
    // Nobody may be connected to what is copied.
    let others =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{original}'");
    admin.batch_execute(&others).await.unwrap();
    admin.batch_execute(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{original}\"")).await.unwrap();
    copy
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
    let kills = Scene { world, function: "daily-routine", event: json!({}), at: "2024-06-01T00:01:00Z" }
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
async fn a_correction_is_told_though_the_run_that_made_it_died() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let event = |check| json!({"tournamentId": id, "roundSlug": "1", "check": check, "kickoff": "2024-03-02T15:00:00Z"});
    world.invoke_at("2024-03-02T19:30:00Z", "scores-and-standings", event("closing")).await.unwrap();
    // The application has scored what was not the score in the end.
    world
        .db
        .batch_execute("UPDATE match SET away_score = 7, scoreboard_applied_at = '2024-03-02 20:00' WHERE home_score = 2")
        .await
        .unwrap();
    for (day, rescued) in [("03", false), ("04", true)] {
        let database = copy_of(&world.stack.database_url).await;
        let dir = tempfile::tempdir().unwrap();
        let once = dir.path().join("once");
        std::fs::write(&once, "").unwrap();
        let variables = [("CRASH_AT", "committed"), ("CRASH_ONCE", once.to_str().unwrap())];
        let (stack, db, _logs) = stack_on(&database, &world.provider.origin(), &variables).await;
        let at = format!("2024-03-{day}T12:00:00Z");
        world.clock.set(moment(&at));
        let mut event = event("sweep");
        event["scheduledTime"] = json!(at);
        if rescued {
            // Nobody delivers it again: the next run of any function finds the record of the dead.
            stack.invoke("scores-and-standings", event).await.unwrap_err();
            let routine = json!({"scheduledTime": "2024-03-05T00:01:00Z"});
            stack.invoke("daily-routine", routine).await.unwrap();
            let dead =
                "SELECT status FROM data_provider_executions WHERE summary::text LIKE '%the run died%'";
            assert_eq!(crate::harness::texts(&db, dead).await, ["failed"]);
        } else {
            let (_, deliveries) = delivered(&stack, "scores-and-standings", &event, &at).await;
            assert_eq!(deliveries, 2);
        }
        assert!(!once.exists());
        let told: Vec<String> = stack.slack.messages().iter().map(ToString::to_string).collect();
        let corrections = told.iter().filter(|message| message.contains("CORRECTION")).count();
        assert_eq!(corrections, 1, "rescued: {rescued}; {told:#?}");
    }
}
