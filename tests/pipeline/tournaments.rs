//! Creating and refreshing a tournament through its function.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::harness::{LEAGUE, Setup, World};

#[tokio::test]
async fn a_created_tournament_is_complete_and_each_operation_has_its_own_record_report_and_notice() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;

    let tournament = world
        .texts(
            "SELECT concat_ws('|', label, slug, season, mode, standings_mode, status, current_round, provider, external_id <> '',
                    base_url LIKE 'https://www.sofascore.com/api/v1/unique-tournament/%/season/%', logo LIKE '%/data-providers/sofascore/tournament/%.png')
               FROM tournament",
        )
        .await;
    assert_eq!(
        tournament,
        ["Little League|little-league-23-24|23/24|regular-season-only|unique-group|active|1|sofascore|t|t|t"]
    );
    let rounds = world
        .texts("SELECT concat_ws('|', \"order\", slug, label, type, provider_id, right(provider_url, 15)) FROM tournament_round ORDER BY \"order\"")
        .await;
    assert_eq!(rounds[5], "6|6|6|season|6|/events/round/6");
    assert_eq!(
        world.texts("SELECT name FROM team WHERE badge LIKE '%.png' ORDER BY name").await,
        ["Ash", "Birch", "Cedar", "Elm"]
    );
    assert_eq!(
        world.texts("SELECT concat(count(*), status, min(date)) FROM match GROUP BY status").await,
        ["12open2024-03-02 15:00:00"]
    );
    assert_eq!(world.texts("SELECT concat(count(*), sum(games)) FROM tournament_standings").await, ["40"]);

    assert_eq!(
        world.executions().await,
        [
            "tournament_create completed 1",
            "rounds_create completed 1",
            "teams_create completed 1",
            "matches_create completed 1",
            "standings_create completed 1",
        ]
    );
    // One request, five records: none overwrote another, and each refers to the new tournament.
    let owners = world
        .texts("SELECT DISTINCT concat_ws('|', tournament_id, count(*) OVER (PARTITION BY request_id)) FROM data_provider_executions")
        .await;
    assert_eq!(owners, [format!("{id}|5")]);
    assert_eq!(world.stack.slack.messages().len(), 5);
    assert_eq!(world.stack.slack.refused(), []);
    let reports = world.stack.aws.objects("data-provider-operation-reports/").await.unwrap();
    assert_eq!(reports.len(), 15, "JSON, Markdown and HTML of each");
    let images = world.stack.aws.objects("data-providers/").await.unwrap();
    assert_eq!(images.len(), 5, "four badges and a logo: {images:?}");
    // Everything once: the list of rounds, six rounds, four badges, the logo, the table.
    assert_eq!(world.provider.requests(), 13);
}

#[tokio::test]
async fn the_same_event_is_answered_from_the_record_and_a_refresh_finds_nothing_to_write() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let before = world.domain_rows().await;
    let (requests, messages) = (world.provider.requests(), world.stack.slack.messages().len());

    assert_eq!(world.create().await, id);
    assert_eq!(world.executions().await.len(), 5, "no new record");
    assert_eq!(world.provider.requests(), requests);
    assert_eq!(world.stack.slack.messages().len(), messages);

    let refresh = json!({"operation": "refresh", "tournamentId": id});
    let answer = world.invoke_at("2024-03-01T13:00:00Z", "tournaments", refresh).await.unwrap();
    assert_eq!(
        answer["matches_update"]["rows"],
        json!({"inserted": 0, "updated": 0, "unchanged": 12, "unresolved": 0})
    );
    assert_eq!(world.domain_rows().await, before);
    assert_eq!(world.executions().await.len(), 10);
    // The rounds and their events: no logo, no badge again.
    assert_eq!(world.provider.requests(), requests + 7);
}

#[tokio::test]
async fn a_dry_run_plans_and_reports_and_writes_nothing() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let mut event = local::driver::create_event(&world.season, world.clock.now());
    event["dryRun"] = json!(true);
    let before = world.domain_rows().await;
    let answer = world.stack.invoke("tournaments", event).await.unwrap();
    assert_eq!(answer["tournament_create"]["dryRun"], true);
    assert_eq!(world.domain_rows().await, before);
    assert_eq!(world.executions().await, ["tournament_create completed 1"]);
}

#[tokio::test]
async fn a_second_tournament_under_the_same_slug_is_refused_with_the_remedy() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    world.create().await;
    let mut event = local::driver::create_event(&world.season, world.clock.now());
    event["idempotencyKey"] = json!("another");
    event["scheduledTime"] = json!("2024-03-01T12:30:00Z");
    let error = world.stack.invoke("tournaments", event).await.unwrap_err().to_string();
    assert!(error.contains("InvalidInput") && error.contains("tournament.slug"), "{error}");
    assert!(error.contains("operation refresh"), "{error}");
    assert_eq!(world.count("tournament").await, 1);
    // Lambda delivers it again: the retry does not mistake the existing tournament for its own.
    let mut event = local::driver::create_event(&world.season, world.clock.now());
    event["idempotencyKey"] = json!("another");
    event["scheduledTime"] = json!("2024-03-01T12:30:00Z");
    let again = world.stack.invoke("tournaments", event).await.unwrap_err().to_string();
    assert!(again.contains("tournament.slug"), "{again}");
    assert!(world.executions().await.contains(&"tournament_create failed 2".to_owned()));
}

/// A provider with rounds and matches, which answers requests for images by `image`.
async fn provider(image: fn() -> axum::response::Response) -> (String, tokio::task::JoinHandle<()>) {
    let app = Router::new().fallback(async move |request: Request| {
        let path = request.uri().path().to_owned();
        let team = |id: u64, name: &str| json!({"id": id, "name": name, "shortName": name});
        match path.strip_prefix("/api/v1").unwrap_or("/") {
            "/" => "<title>front page</title>".into_response(),
            path if path.ends_with("/image") => image(),
            path if path.ends_with("/rounds") => {
                axum::Json(json!({"rounds": [{"round": 1}]})).into_response()
            }
            path if path.ends_with("/events/round/1") => axum::Json(json!({"events": [{
                "id": 1, "startTimestamp": 1_709_391_600, "status": {"code": 0, "type": "notstarted"},
                "homeTeam": team(1, "Ash"), "awayTeam": team(2, "Birch"), "homeScore": {}, "awayScore": {},
            }]}))
            .into_response(),
            _ => (StatusCode::NOT_FOUND, axum::Json(json!({"error": {"code": 404, "message": "Not Found"}})))
                .into_response(),
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (origin, tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }))
}

fn creation() -> Value {
    json!({
        "operation": "create", "idempotencyKey": "k", "scheduledTime": "2024-03-01T12:00:00Z",
        "tournament": {
            "label": "L", "slug": "l", "season": "2024", "mode": "regular-season-only",
            "baseUrl": "https://www.sofascore.com/api/v1/unique-tournament/1/season/2",
        },
    })
}

#[tokio::test]
async fn an_image_that_cant_be_had_leaves_no_made_up_address_and_makes_the_run_partial() {
    let (origin, _server) = provider(|| StatusCode::NOT_FOUND.into_response()).await;
    let stack = Setup::default().stack(&origin).await;
    stack.stack.invoke("tournaments", creation()).await.unwrap();
    assert_eq!(
        stack.texts("SELECT concat(name, '|', badge) FROM team ORDER BY name").await,
        ["Ash|", "Birch|"]
    );
    assert_eq!(stack.texts("SELECT logo FROM tournament").await, [""]);
    let statuses = stack
        .texts("SELECT operation_type || ' ' || status FROM data_provider_executions ORDER BY created_at")
        .await;
    assert_eq!(
        &statuses[..3],
        ["tournament_create partial_failure", "rounds_create completed", "teams_create partial_failure"]
    );
    let colours: Vec<_> =
        stack.stack.slack.messages().iter().map(|m| m["attachments"][0]["color"].clone()).collect();
    assert_eq!(&colours[..2], ["#ecb22e", "#2eb67d"]);
    assert_eq!(stack.count("match").await, 1, "the rest went in");
}

#[tokio::test]
async fn a_creation_that_is_refused_goes_on_by_a_refresh_once_the_provider_may_be_asked() {
    let blocked =
        || (StatusCode::FORBIDDEN, r#"{"error":{"code":403,"reason":"challenge"}}"#).into_response();
    let (origin, server) = provider(blocked).await;
    let stack = Setup::default().stack(&origin).await;
    stack.stack.invoke("tournaments", creation()).await.unwrap();
    let statuses = "SELECT DISTINCT status FROM data_provider_executions
                     WHERE operation_type IN ('tournament_create', 'rounds_create')";
    assert_eq!(stack.texts(statuses).await, ["partial_failure"]);
    let schedules = stack.stack.aws.schedules().await.unwrap();
    assert!(!schedules.is_empty() && schedules.iter().all(|s| s.function == "tournaments"), "{schedules:?}");
    let told = stack.messages();
    assert_eq!(
        told.iter().filter(|told| told.contains("sofascore refuses to answer")).count(),
        1,
        "{told:#?}"
    );
    assert!(told.iter().any(|told| told.contains("tournament create")), "a row was written: that is told");
    server.abort();
}
