//! The database roles of `deploy/roles.sql`: each kind of function does all of its work with its own, and no more.

use local::bus::Consumer;
use local::postgres;
use local::stack::TOKEN;
use reqwest::StatusCode;
use serde_json::json;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::desk::{API, Desk};
use crate::harness::{CUP, Setup, migrated_database, service, unique_name};

const ROLES: &str = include_str!("../../deploy/roles.sql");

/// Makes the roles in a migrated database; returns their addresses of it: the pipeline's and the desk's. A role belongs
/// to the whole server, which tests share, so each test has its own.
async fn with_roles(database_url: &str) -> [String; 2] {
    let suffix = Uuid::new_v4().simple().to_string();
    let named = |role: &str| format!("{role}_{suffix}");
    let [pipeline, desk] = ["best_shot_pipeline", "best_shot_desk"];
    let sql = ROLES.replace(pipeline, &named(pipeline)).replace(desk, &named(desk));
    let owner = postgres::connect(database_url).await.unwrap();
    // Twice: it is run again after a migration that adds a table.
    for _ in 0..2 {
        owner.batch_execute(&sql).await.unwrap();
    }
    [pipeline, desk].map(|role| database_url.replace("postgres@", &format!("{}@", named(role))))
}

/// Neither may change a definition, or read what is the application's alone.
async fn is_kept_to_its_own(owner: &str, url: &str) {
    let create = "CREATE TABLE IF NOT EXISTS member (id uuid)";
    postgres::connect(owner).await.unwrap().batch_execute(create).await.unwrap();
    let role = postgres::connect(url).await.unwrap();
    for forbidden in [
        "SELECT * FROM member",
        "ALTER TABLE match ADD COLUMN x int",
        "DROP TABLE scheduled_check",
        "DELETE FROM match",
        "DELETE FROM data_provider_executions",
        "TRUNCATE tournament CASCADE",
    ] {
        let error = role.batch_execute(forbidden).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{forbidden}: {error}");
    }
    // What runs as the tables' owner looks at no table of the caller's.
    let path = "SELECT array_to_string(proconfig, '; ') FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace";
    let paths = role.query(path, &[]).await.unwrap();
    let paths: Vec<&str> = paths.iter().map(|row| row.get(0)).collect();
    assert_eq!(paths, ["search_path=pg_catalog, pg_temp"]);
}

#[tokio::test]
async fn the_pipelines_role_is_enough_for_a_whole_cup() {
    let database_url = migrated_database().await;
    let [pipeline, _] = with_roles(&database_url).await;
    is_kept_to_its_own(&database_url, &pipeline).await;
    let environment = unique_name();
    let bus = format!("best-shot-{environment}");
    let consumer = Consumer::start(&service("TEST_AWS_ENDPOINT"), &bus).await.unwrap();
    let variables = [("EVENT_BUS", bus.as_str())];
    let setup =
        Setup::as_it_is(&database_url).environment(&environment).through(&pipeline).variables(&variables);
    let world = setup.world("2024-06-01T00:01:00Z", CUP).await;
    let id = world.create().await;
    for day in (1..=9).map(|day| format!("2024-06-0{day}")) {
        world.invoke_at(&format!("{day}T00:01:00Z"), "daily-routine", json!({})).await.unwrap();
        for function in ["scores-and-standings", "knockouts", "tournaments"] {
            world.wake(&format!("{day}T23:30:00Z"), function).await.unwrap();
        }
    }
    // A locked match, of which the provider says something else, and results for a bus.
    let lock = "INSERT INTO match_lock SELECT id, now(), 'Ann', '', true, true, 'open', NULL, 0, 0, NULL, NULL, date, false, false,
                       NULL, NULL, NULL FROM match WHERE round_slug = 'final'";
    postgres::connect(&database_url).await.unwrap().batch_execute(lock).await.unwrap();
    let refresh = json!({"tournamentId": id, "operation": "refresh"});
    world.invoke_at("2024-06-09T23:45:00Z", "tournaments", refresh).await.unwrap();
    assert_eq!(world.incomplete().await, 0, "{:#?}", world.executions().await);
    assert_eq!(world.ended().await, world.count("match").await);
    assert!(!consumer.received().await.unwrap().is_empty());
    assert_eq!(world.count("match_lock WHERE status = 'ended' AND home_score = 2").await, 1);
    assert_eq!(world.count("change_history WHERE unsent").await, 0);
    assert!(world.count("tournament_bracket").await > 0 && world.count("tournament_standings").await > 0);
}

#[tokio::test]
async fn the_desks_role_is_enough_for_every_page_and_action() {
    let database_url = migrated_database().await;
    let [_, desk_url] = with_roles(&database_url).await;
    is_kept_to_its_own(&database_url, &desk_url).await;
    let now = "2024-03-01T12:00:00Z";
    let owner = Setup::as_it_is(&database_url).world(now, CUP).await;
    let id = owner.create().await;
    owner
        .db
        .execute("INSERT INTO provider_circuit VALUES ('sofascore', 'open', '403', now(), now(), 3)", &[])
        .await
        .unwrap();
    let world = Setup::as_it_is(&database_url).through(&desk_url).world(now, CUP).await;
    let desk = Desk::of(&world);
    let (_, matches) = desk.get(&format!("/tournaments/{id}/matches")).await;
    let game = matches[0]["id"].as_str().unwrap();
    let (_, executions) = desk.get("/executions").await;
    let execution = executions["items"][0]["id"].as_str().unwrap();
    let of_tournament = ["", "/rounds", "/matches", "/standings", "/bracket", "/history"];
    let mut paths = of_tournament.map(|part| format!("{API}/tournaments/{id}{part}")).to_vec();
    for path in ["/executions", "/tournaments", "/schedules", "/provider", "/today", "/pauses"] {
        paths.push(format!("{API}{path}"));
    }
    paths.extend([format!("{API}/matches/{game}"), format!("{API}/matches/{game}/history")]);
    paths.extend(
        [
            "/",
            "/executions",
            "/audit",
            "/tournaments",
            "/tournaments/new",
            "/checks",
            "/trends",
            "/search?q=a",
        ]
        .map(ToOwned::to_owned),
    );
    let tabs = [
        "",
        "/matches",
        "/table",
        "/bracket",
        "/checks",
        "/executions",
        "/history",
        "/table.csv",
        "/matches.csv",
    ];
    paths.extend(tabs.map(|tab| format!("/tournaments/{id}{tab}")));
    paths.extend([format!("/matches/{game}"), format!("/executions/{execution}")]);
    for path in paths {
        let answer = desk.send("GET", &path, &[("x-internal-token", TOKEN)], None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path} {}", answer.text().await.unwrap());
    }
    assert_eq!(desk.post("/provider/reset", json!({})).await.1["providers"][1]["circuit"], "closed");
    // The function itself has the desk's role here, so that only the announcement can succeed.
    let (status, accepted) = desk.post(&format!("/tournaments/{id}/refresh"), json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    let change = json!({"label": "Another Cup"});
    let path = format!("{API}/tournaments/{id}");
    let changed = desk.send("PATCH", &path, &[("x-internal-token", TOKEN)], Some(&change)).await;
    assert_eq!(changed.status(), StatusCode::OK, "{}", changed.text().await.unwrap());
    let asked = json!({"status": "ended", "score": {"home": 3, "away": 1}, "note": "by hand"});
    let (status, corrected) = desk.post(&format!("/matches/{game}/correction"), asked).await;
    assert_eq!(status, StatusCode::OK, "{corrected}");
    let headers = [("x-internal-token", TOKEN)];
    let unlocked = desk.send("DELETE", &format!("{API}/matches/{game}/lock"), &headers, None).await;
    assert_eq!(unlocked.status(), StatusCode::OK, "{}", unlocked.text().await.unwrap());
    assert_eq!(desk.post("/pause", json!({})).await.0, StatusCode::OK);
    let resumed = desk.send("DELETE", &format!("{API}/pause"), &headers, None).await;
    assert_eq!(resumed.status(), StatusCode::OK, "{}", resumed.text().await.unwrap());
    let asked = json!({"item": "drift:1"});
    let acknowledged = desk.send("POST", &format!("{API}/acknowledgements"), &headers, Some(&asked)).await;
    assert_eq!(acknowledged.status(), StatusCode::NO_CONTENT, "{}", acknowledged.text().await.unwrap());
    let failed = "UPDATE data_provider_executions SET status = 'failed', completed_at = started_at WHERE id = $1::text::uuid";
    let execution = accepted["executionId"].as_str().unwrap();
    owner.db.execute(failed, &[&execution]).await.unwrap();
    let (status, retried) = desk.post(&format!("/executions/{execution}/retry"), json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{retried}");
}
