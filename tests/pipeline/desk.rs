//! The operator's API, through its own function behind an emulated API Gateway; work that it starts runs to its end.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use local::full_day;
use local::stack::TOKEN;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::event::{Event, Request};

use crate::harness::{CUP, LEAGUE, Setup, World, moment};

pub(crate) const API: &str = "/api/v2/data-provider";

/// A caller of the API.
pub(crate) struct Desk {
    pub url: String,
    client: reqwest::Client,
}

impl Desk {
    pub(crate) fn of(world: &World) -> Self {
        Self::at(&world.stack.desk_url)
    }

    pub(crate) fn at(url: &str) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { url: url.to_owned(), client }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Response {
        let method: Method = method.parse().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.send("GET", &format!("{API}{path}"), &[("x-internal-token", TOKEN)], None).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let token = format!("Bearer {TOKEN}");
        let headers = [("authorization", token.as_str()), ("x-requested-by", "Ann")];
        read(self.send("POST", &format!("{API}{path}"), &headers, Some(&body)).await).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let headers = [("x-internal-token", TOKEN), ("x-requested-by", "Ann")];
        read(self.send("PUT", &format!("{API}{path}"), &headers, Some(&body)).await).await
    }

    /// Waits until an execution and those of its delivery have ended.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        let began = Instant::now();
        loop {
            let (status, execution) = self.get(&format!("/executions/{id}")).await;
            assert_eq!(status, StatusCode::OK, "{execution}");
            if execution["running"] == false {
                return execution;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "it goes on and on: {execution}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    let expected = if status.is_client_error() || (status.is_server_error() && !text.contains("\"down\"")) {
        "application/problem+json"
    } else {
        "application/json"
    };
    assert_eq!(kind, expected, "{status} {text}");
    (status, serde_json::from_str(&text).unwrap())
}

const PAGES: [(&str, &str); 10] = [
    ("GET", "/"),
    ("GET", "/executions"),
    ("GET", "/executions/00000000-0000-0000-0000-000000000001"),
    ("GET", "/tournaments"),
    ("GET", "/tournaments/new"),
    ("GET", "/tournaments/00000000-0000-0000-0000-000000000001"),
    ("POST", "/tournaments"),
    ("POST", "/actions/daily-routine"),
    ("POST", "/actions/reset-provider"),
    ("POST", "/sign-out"),
];

#[tokio::test]
async fn nobody_comes_in_without_valid_credentials_and_nothing_is_written() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let (status, described) = desk.get("/openapi.json").await;
    assert_eq!((status, described["openapi"].as_str()), (StatusCode::OK, Some("3.1.0")));
    let execution = world.texts("SELECT id::text FROM data_provider_executions LIMIT 1").await.remove(0);
    let mut routes: Vec<(String, String)> =
        PAGES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    let everyone_may_ask = [format!("{API}/health"), format!("{API}/health/live")];
    for (path, methods) in described["paths"].as_object().unwrap() {
        if everyone_may_ask.contains(path) {
            continue;
        }
        let known = if path.contains("/executions/") { &execution } else { &id };
        let path = path.replace("{id}", known).replace("{round}", "1");
        routes
            .extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    routes.push(("GET".to_owned(), format!("{API}/openapi.json")));
    assert!(routes.len() >= 30, "{routes:?}");

    // A valid session whose end was moved into the future by its holder.
    let (cookie, _) = sign_in(&desk).await;
    let later = cookie.replacen("=1", "=2", 1);
    // An expired session that is valid otherwise.
    let now = shared::clock::Clock::default().now();
    let [on, over] = [1, -1].map(|minutes| session_until(now + chrono::TimeDelta::minutes(minutes)));
    let provider = format!("{API}/provider");
    assert_eq!(desk.send("GET", &provider, &[("cookie", &on)], None).await.status(), StatusCode::OK);
    let everything = async || {
        (
            world.domain_rows().await,
            world.texts("SELECT e::text FROM data_provider_executions e ORDER BY id").await,
        )
    };
    let before = everything().await;
    let sets: [&[(&str, &str)]; 7] = [
        &[],
        &[("cookie", "__Host-desk=")],
        &[("cookie", &later), ("sec-fetch-site", "same-origin")],
        &[("cookie", &over), ("sec-fetch-site", "same-origin")],
        &[("cookie", &cookie), ("authorization", "Basic x")],
        &[("x-internal-token", "local-operator-toke")],
        &[("authorization", "Bearer ")],
    ];
    for headers in sets {
        for (method, path) in &routes {
            let body = (method != "GET").then(|| json!({}));
            let answer = desk.send(method, path, headers, body.as_ref()).await;
            let refused = match answer.status().as_u16() {
                401 | 429 => true,
                // A browser is redirected to the sign-in page.
                303 => answer.headers()["location"].to_str().unwrap().starts_with("/sign-in?next="),
                _ => false,
            };
            assert!(refused, "{method} {path} with {headers:?}: {}", answer.status());
            if path.starts_with(API) {
                assert_ne!(answer.status().as_u16(), 303, "{path} is no page");
            }
        }
    }
    // A valid session, used by another site's form.
    for site in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        for (method, path) in routes.iter().filter(|(method, _)| method != "GET") {
            let answer = desk.send(method, path, &[("cookie", &cookie), site], Some(&json!({}))).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {path}");
        }
    }
    assert_eq!(everything().await, before);
}

#[tokio::test]
async fn too_many_wrong_tokens_are_refused_unseen_and_sessions_go_on() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let desk = Desk::of(&world);
    let (cookie, headers) = sign_in(&desk).await;
    assert!(
        headers.contains("HttpOnly") && headers.contains("Secure") && headers.contains("SameSite=Strict")
    );
    for _ in 0..10 {
        let answer =
            desk.send("GET", &format!("{API}/provider"), &[("x-internal-token", "wrong")], None).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let answer = desk.send("GET", &format!("{API}/provider"), &[("x-internal-token", TOKEN)], None).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key("retry-after"));
    let answer = desk.send("GET", &format!("{API}/provider"), &[("cookie", &cookie)], None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
}

/// The cookie of a session that ends at a given time; built here, since the desk creates no expired ones.
fn session_until(until: DateTime<Utc>) -> String {
    let sign = |key: &[u8], text: &str| {
        Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes()
    };
    let key = sign(TOKEN.as_bytes(), "the operator's desk: session");
    let text = format!("{}.{}", until.timestamp(), URL_SAFE_NO_PAD.encode("Ann"));
    format!("__Host-desk={text}.{}", URL_SAFE_NO_PAD.encode(sign(&key, &text)))
}

/// Signs in by the form; returns the cookie and its attributes.
async fn sign_in(desk: &Desk) -> (String, String) {
    let answer = desk
        .client
        .post(format!("{}/sign-in", desk.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(format!("token={TOKEN}&name=Ann&next=%2Fexecutions"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/executions");
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    (set.split(';').next().unwrap().to_owned(), set)
}

#[tokio::test]
async fn a_tournament_is_created_from_its_address_and_its_report_is_behind_a_lasting_link() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let desk = Desk::of(&world);
    let wrong = json!({"url": "https://www.sofascore.com/tournament/football/england/premier-league/17"});
    let (status, problem) = desk.post("/tournaments", wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["problems"][0]["field"], "url");
    assert!(problem["detail"].as_str().unwrap().contains("#id:"), "{problem}");

    let (competition, season) = (world.season.unique_tournament_id, world.season.season_id);
    let url = format!(
        "https://www.sofascore.com/tournament/football/world/little-league/{competition}#id:{season}"
    );
    let asked = json!({"url": url, "season": "2023/24"});
    let (status, accepted) = desk.post("/tournaments", asked.clone()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    assert_eq!((&accepted["repeated"], &accepted["status"]), (&json!(false), &json!("in_progress")));
    let id = accepted["executionId"].as_str().unwrap();
    let (_, again) = desk.post("/tournaments", asked.clone()).await;
    assert_eq!((&again["executionId"], &again["repeated"]), (&json!(id), &json!(true)));

    let ended = desk.ended(id).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(1)), "{ended}");
    assert_eq!(ended["requestedBy"], "Ann (API)");
    assert_eq!(ended["summary"]["requestedBy"], "Ann (API)");
    assert_eq!(ended["steps"].as_array().unwrap().len(), 5, "it is over when its last step is");
    assert_eq!(
        world.texts("SELECT concat(label, slug, season) FROM tournament").await,
        ["Little Leaguelittle-league-2023-242023/24"]
    );
    assert_eq!(world.count("match").await, 12);

    // The link in the record and in Slack's message leads to the report.
    let link = world
        .texts(
            "SELECT report_file_url FROM data_provider_executions WHERE operation_type = 'tournament_create'",
        )
        .await
        .remove(0);
    assert_eq!(link, format!("{}{API}/executions/{id}/report", desk.url));
    assert!(world.stack.slack.messages().iter().any(|message| message.to_string().contains(&link)));
    let answer = desk
        .send("GET", &format!("{API}/executions/{id}/report"), &[("x-internal-token", TOKEN)], None)
        .await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    let signed = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(signed.contains("X-Amz-Signature"), "{signed}");
    let report = desk.client.get(signed).send().await.unwrap();
    assert_eq!(report.status(), StatusCode::OK);
    assert!(report.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(report.text().await.unwrap().contains("requestedBy"));
    // A browser that follows a link from Slack does not send its cookie: it must repeat the request, then sign in.
    let path = format!("{API}/executions/{id}/report");
    let browser = [("accept", "text/html"), ("sec-fetch-site", "cross-site")];
    let answer = desk.send("GET", &path, &browser, None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().contains("http-equiv=\"refresh\""));
    let browser = [("accept", "text/html"), ("sec-fetch-site", "same-origin")];
    assert_eq!(desk.send("GET", &path, &browser, None).await.status(), StatusCode::SEE_OTHER);

    // Reports are kept for a time: a link to one that is gone says so.
    let gone =
        "UPDATE data_provider_executions SET report_file_key = 'data-provider-operation-reports/gone.html'";
    world.db.execute(gone, &[]).await.unwrap();
    let (status, problem) = desk.get(&format!("/executions/{id}/report")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(problem["detail"].as_str().unwrap().contains("no longer on S3"), "{problem}");

    // The same request later: the slug is already used.
    let (status, problem) = desk.post("/tournaments", asked).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["problems"][0]["field"], "tournament.slug");
}

#[tokio::test]
async fn work_asked_for_is_done_by_its_function_under_the_id_that_was_answered() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    world.clock.set(moment("2024-03-02T20:00:00Z"));
    let before = world.executions().await.len();
    for (path, body, operation) in [
        (format!("/tournaments/{id}/rounds/1/scores"), json!({"dryRun": true}), "matches_update"),
        (format!("/tournaments/{id}/rounds/1/scores"), json!({}), "matches_update"),
        (format!("/tournaments/{id}/standings"), json!({}), "standings_update"),
        (format!("/tournaments/{id}/refresh"), json!({}), "tournament_update"),
        ("/daily-routine".to_owned(), json!({"dryRun": true}), "daily_schedule"),
    ] {
        let (status, accepted) = desk.post(&path, body.clone()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{path} {accepted}");
        let execution = accepted["executionId"].as_str().unwrap();
        let ended = desk.ended(execution).await;
        assert_eq!(ended["status"], "completed", "{path} {ended}");
        assert_eq!((ended["operation"].as_str(), &ended["attempt"]), (Some(operation), &json!(1)));
        let dry = body["dryRun"] == true;
        assert_eq!(ended["summary"]["dryRun"], dry);
        let (_, again) = desk.post(&path, body).await;
        assert_eq!((&again["executionId"], &again["repeated"]), (&json!(execution), &json!(true)), "{path}");
        let scored = world.texts("SELECT count(*)::text FROM match WHERE status = 'ended'").await;
        assert_eq!(scored, [if operation == "matches_update" && dry { "0" } else { "2" }]);
    }
    assert!(world.executions().await.len() > before + 5);
    let (_, standings) = desk.get(&format!("/tournaments/{id}/standings")).await;
    assert_eq!(standings["rows"][0]["team"], "Ash");
    assert_eq!(standings["drift"]["differences"], json!([]));

    // Under the key of an earlier request, another one is refused: its answer would be the other's execution.
    let (competition, season) = (world.season.unique_tournament_id, world.season.season_id);
    let address = format!(
        "https://www.sofascore.com/tournament/football/world/little-league/{competition}#id:{season}"
    );
    let headers = [("x-internal-token", TOKEN), ("idempotency-key", "creation")];
    let mut statuses = Vec::new();
    for label in ["One League", "One League", "Other League"] {
        let asked = json!({"url": address, "label": label, "slug": "one-league", "season": "2019/20", "dryRun": true});
        let (status, answer) =
            read(desk.send("POST", &format!("{API}/tournaments"), &headers, Some(&asked)).await).await;
        statuses.push((status, answer["repeated"].clone()));
    }
    let accepted = |repeated: bool| (StatusCode::ACCEPTED, json!(repeated));
    assert_eq!(statuses, [accepted(false), accepted(true), (StatusCode::UNPROCESSABLE_ENTITY, Value::Null)]);

    // The caller's own key identifies the same work for ever; another key is other work.
    let path = format!("{API}/tournaments/{id}/standings");
    let mut ids = Vec::new();
    for key in ["one", "one", "two"] {
        let headers = [("x-internal-token", TOKEN), ("idempotency-key", key)];
        let (status, accepted) = read(desk.send("POST", &path, &headers, None).await).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
        ids.push(accepted["executionId"].as_str().unwrap().to_owned());
        desk.ended(ids.last().unwrap()).await;
    }
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");

    // An impossible request is refused before anything is recorded.
    let before = world.executions().await.len();
    for (path, status) in [
        (format!("/tournaments/{id}/rounds/99/scores"), StatusCode::NOT_FOUND),
        (format!("/tournaments/{id}/knockouts"), StatusCode::CONFLICT),
        ("/tournaments/00000000-0000-0000-0000-000000000001/refresh".to_owned(), StatusCode::NOT_FOUND),
        ("/tournaments/x/refresh".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(desk.post(&path, json!({})).await.0, status, "{path}");
    }
    assert_eq!(desk.post("/daily-routine", json!([true])).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, problem) = desk.post("/daily-routine", json!({"dryRun": "yes"})).await;
    assert_eq!(
        (status, problem["problems"][0]["field"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("dryRun"))
    );
    assert_eq!(world.executions().await.len(), before);
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_starts_the_work() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let store = shared::store::Store::new(&world.stack.database_url.clone().into(), None).unwrap();
    let tournament = id.parse().unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        asking.spawn(async move {
            let client = store.client().await.unwrap();
            let request = Request::Standings { tournament_id: tournament, retry_since: None };
            let event = Event::asked(request, "x", false);
            let work = event.work(uuid::Uuid::new_v4()).unwrap();
            let event = event.to_json("local", Some("Ann"));
            let now = moment("2024-03-01T12:00:00Z");
            let new = shared::store::executions::NewExecution {
                key: &work.key(),
                function: work.function,
                operation: work.operation,
                request_id: uuid::Uuid::new_v4(),
                tournament_id: work.tournament_id,
                planned_for: None,
                trace_id: None,
                event: Some(&event),
            };
            shared::store::executions::announce(&*client, &new, None, now, now).await.unwrap().unwrap()
        });
    }
    let announced = asking.join_all().await;
    assert_eq!(announced.iter().filter(|announced| announced.new).count(), 1);
    assert!(announced.iter().all(|other| other.id == announced[0].id));
}

#[tokio::test]
async fn a_failed_execution_is_done_again_under_its_own_key() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    world.clock.set(moment("2024-03-02T20:00:00Z"));
    let address = world.texts("SELECT base_url FROM tournament").await.remove(0);
    world.db.execute("UPDATE tournament SET base_url = 'broken'", &[]).await.unwrap();
    let (_, accepted) = desk.post(&format!("/tournaments/{id}/rounds/1/scores"), json!({})).await;
    let execution = accepted["executionId"].as_str().unwrap();
    let ended = desk.ended(execution).await;
    assert_eq!((&ended["status"], &ended["canRetry"]), (&json!("failed"), &json!(true)), "{ended}");
    let (_, today) = desk.get("/today").await;
    let items = today["attention"]["items"].as_array().unwrap();
    assert!(items.iter().any(|item| item["kind"] == "failed" && item["execution"] == execution), "{today}");

    world.db.execute("UPDATE tournament SET base_url = $1", &[&address]).await.unwrap();
    let (status, again) = desk.post(&format!("/executions/{execution}/retry"), json!({})).await;
    assert_eq!((status, again["executionId"].as_str()), (StatusCode::ACCEPTED, Some(execution)), "{again}");
    let ended = desk.ended(execution).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(2)), "{ended}");
    let (status, problem) = desk.post(&format!("/executions/{execution}/retry"), json!({})).await;
    assert_eq!(
        (status, problem["executionId"].as_str()),
        (StatusCode::CONFLICT, Some(execution)),
        "{problem}"
    );
    // An execution started by a schedule can be retried in the same way: every event is recorded.
    assert_eq!(world.count("data_provider_executions WHERE event IS NULL").await, 0);

    // An older caller's event names no occurrence: it is done under the same record all the same.
    world.db.execute("UPDATE tournament SET base_url = 'broken'", &[]).await.unwrap();
    let old = json!({"targetEnv": world.stack.aws.environment, "tournamentId": id, "roundSlug": "1",
        "roundUrl": "https://old.example/round"});
    world.stack.invoke("scores-and-standings", old).await.unwrap_err();
    let failed = "SELECT id::text FROM data_provider_executions
                   WHERE event ? 'roundUrl' AND operation_type = 'matches_update'";
    let execution = world.texts(failed).await.remove(0);
    world.db.execute("UPDATE tournament SET base_url = $1", &[&address]).await.unwrap();
    let (status, again) = desk.post(&format!("/executions/{execution}/retry"), json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{again}");
    let ended = desk.ended(&execution).await;
    assert_eq!((&ended["status"], &ended["attempt"]), (&json!("completed"), &json!(2)), "{ended}");
    assert_eq!(world.texts(failed).await, [execution]);

    // What the function refuses is refused again: there is nothing to retry.
    world.stack.invoke("knockouts", json!({"tournamentId": "?"})).await.unwrap_err();
    let refused =
        "SELECT id::text FROM data_provider_executions WHERE summary->>'errorKind' = 'InvalidInput'";
    let refused = world.texts(refused).await.remove(0);
    let (_, shown) = desk.get(&format!("/executions/{refused}")).await;
    assert_eq!(shown["canRetry"], false, "{shown}");
    assert_eq!(desk.post(&format!("/executions/{refused}/retry"), json!({})).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn changes_by_hand_are_made_and_recorded_with_who_asked() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let headers = [("x-internal-token", TOKEN), ("x-requested-by", "Ann")];
    let change = json!({"status": "upcoming", "tieBreakingRule": "1. Head-to-head points"});
    let path = format!("{API}/tournaments/{id}");
    for _ in 0..2 {
        let (status, tournament) = read(desk.send("PATCH", &path, &headers, Some(&change)).await).await;
        assert_eq!((status, &tournament["status"]), (StatusCode::OK, &json!("upcoming")), "{tournament}");
    }
    // A request that changes nothing is not recorded.
    let recorded = world
        .texts("SELECT concat_ws('|', operation_type, requested_by, summary -> 'changes' -> 'status' ->> 'from') FROM data_provider_executions WHERE function = 'operator-api'")
        .await;
    assert_eq!(recorded, ["tournament_update|Ann (API)|active"]);
    for (change, field) in [
        (json!({"label": " "}), "label"),
        (json!({"status": "asleep"}), "status"),
        (json!({"tieBreaking": "x"}), "tieBreaking"),
    ] {
        let (status, problem) = read(desk.send("PATCH", &path, &headers, Some(&change)).await).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["problems"][0]["field"], field, "{problem}");
    }
    // A change that is based on what somebody has changed since is refused.
    let (_, tournament) = desk.get(&format!("/tournaments/{id}")).await;
    let based_on = |moment: &serde_json::Value| json!({"label": "Another League", "basedOn": moment});
    let stale = based_on(&json!("2024-01-01T00:00:00Z"));
    let (status, problem) = read(desk.send("PATCH", &path, &headers, Some(&stale)).await).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let fresh = based_on(&tournament["updatedAt"]);
    let (status, changed) = read(desk.send("PATCH", &path, &headers, Some(&fresh)).await).await;
    assert_eq!((status, &changed["label"]), (StatusCode::OK, &json!("Another League")), "{changed}");
    // The function would only skip an inactive tournament: so the request is refused at once.
    let (status, problem) = desk.post(&format!("/tournaments/{id}/standings"), json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");

    world
        .db
        .execute("INSERT INTO provider_circuit VALUES ('sofascore', 'open', '403', now(), now(), 3)", &[])
        .await
        .unwrap();
    assert_eq!(desk.get("/provider").await.1["providers"][1]["circuit"], "open");
    assert_eq!(desk.post("/provider/reset", json!({})).await.1["providers"][1]["circuit"], "closed");
    let (_, list) = desk.get("/executions?operation=provider_reset").await;
    assert_eq!(list["items"][0]["requestedBy"], "Ann (API)");
}

#[tokio::test]
async fn what_is_listed_is_listed_page_by_page_and_health_says_what_is_missing() {
    let world = World::at("2024-05-20T12:00:00Z", CUP).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, list) = desk.get(&format!("/executions?limit=2{cursor}")).await;
        assert_eq!(status, StatusCode::OK, "{list}");
        seen.extend(
            list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = list["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), world.executions().await.len());
    let once: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(once.len(), seen.len());
    let (_, list) = desk.get("/tournaments?q=LITTLE&status=active").await;
    assert_eq!(list["items"][0]["id"], id.as_str());
    for path in ["rounds", "bracket", "matches?round=1", "matches?day=2024-06-01"] {
        assert_eq!(desk.get(&format!("/tournaments/{id}/{path}")).await.0, StatusCode::OK, "{path}");
    }
    for path in [
        "/executions?day=x",
        "/executions?cursor=x",
        "/executions?limit=0",
        "/executions?tournament=",
        "/executions?operation=X",
        "/executions/00000000-0000-0000-0000-000000000001/report?format=",
        "/tournaments?status=x",
        "/today?day=9999-99-99",
    ] {
        assert_eq!(desk.get(path).await.0, StatusCode::BAD_REQUEST, "{path}");
    }
    // A form sends an empty string for an empty field.
    let (cookie, _) = sign_in(&desk).await;
    for page in ["/executions?status=&operation=&day=", "/tournaments?q=&status=", "/?day="] {
        let answer = desk.send("GET", page, &[("cookie", &cookie)], None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{page}");
    }
    let (_, schedules) = desk.get("/schedules").await;
    assert!(schedules["scheduled"].is_array(), "{schedules}");

    // The code is live though the routine is late.
    let live = desk.send("GET", &format!("{API}/health/live"), &[], None).await;
    assert_eq!(live.status(), StatusCode::OK);
    let open = desk.send("GET", &format!("{API}/health"), &[], None).await;
    assert_eq!(open.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(open.text().await.unwrap(), r#"{"status":"down"}"#);
    let (_, health) = desk.get("/health").await;
    assert_eq!((&health["database"]["well"], &health["dailyRoutine"]["well"]), (&json!(true), &json!(false)));
    // The state of the browser is known from the creation, the last execution that used one.
    let browser = &health["browser"];
    assert!(browser["well"] == true && browser["tookMs"].is_u64() && browser["at"].is_string(), "{health}");
    let last =
        "SELECT id::text FROM data_provider_executions WHERE summary ? 'browser' ORDER BY started_at DESC";
    assert_eq!(browser["executionId"], world.texts(last).await[0]);
    let (_, accepted) = desk.post("/daily-routine", json!({})).await;
    desk.ended(accepted["executionId"].as_str().unwrap()).await;
    assert_eq!(desk.get("/health").await.0, StatusCode::OK);
}

/// A file of the desk: its name, and its lines.
async fn file(desk: &Desk, path: &str) -> (String, Vec<String>) {
    let answer = desk.send("GET", path, &[("x-internal-token", TOKEN)], None).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8");
    let name = header("content-disposition");
    (name, answer.text().await.unwrap().lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn table_matches_and_executions_can_be_opened_in_a_spreadsheet() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let event = json!({"tournamentId": id, "roundSlug": "1"});
    world.invoke_at("2024-03-02T22:00:00Z", "scores-and-standings", event).await.unwrap();
    // A team whose name a spreadsheet would compute.
    world.db.batch_execute("UPDATE team SET name = '=Elm, \"FC\"' WHERE name = 'Elm'").await.unwrap();
    let desk = Desk::of(&world);
    let (name, lines) = file(&desk, &format!("/tournaments/{id}/table.csv")).await;
    assert!(
        name.starts_with("attachment; filename=\"little-league") && name.ends_with("-table.csv\""),
        "{name}"
    );
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[1], ",1,Ash,3,1,1,0,0,2,1,1,W", "{lines:#?}");
    let (_, lines) = file(&desk, &format!("/tournaments/{id}/matches.csv?round=1")).await;
    assert_eq!(
        lines[1..],
        [
            "2024-03-02T15:00:00Z,1,,Ash,Birch,2,1,,,ended,,",
            "2024-03-02T17:30:00Z,1,,Cedar,\"'=Elm, \"\"FC\"\"\",0,0,,,ended,,",
        ]
    );
    let (_, lines) = file(&desk, &format!("/tournaments/{id}/matches.csv")).await;
    assert_eq!(lines.len(), 13);
    let (_, lines) = file(&desk, "/executions.csv?operation=matches_update").await;
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[1].contains(",matches_update,completed,Little League,,1,"), "{lines:#?}");
    let (_, lines) = file(&desk, "/executions.csv?byHand=true").await;
    assert_eq!(lines.len(), 1, "nobody asked for anything: {lines:#?}");
    // Without credentials there is no file.
    let answer = desk.send("GET", "/executions.csv", &[], None).await;
    assert_ne!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_day_shows_which_checks_were_made_and_which_are_late() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let event =
        json!({"tournamentId": id, "roundSlug": "1", "check": "closing", "kickoff": "2024-03-02T15:00:00Z"});
    world.invoke_at("2024-03-02T17:00:00Z", "scores-and-standings", event).await.unwrap();
    let execution = world
        .texts("SELECT id::text FROM data_provider_executions WHERE operation_type = 'matches_update'")
        .await
        .remove(0);
    let (_, today) = desk.get("/today?day=2024-03-02").await;
    let kickoffs = today["timeline"]["kickoffs"].as_array().unwrap();
    assert_eq!(kickoffs.len(), 2, "{today}");
    assert_eq!(
        (&kickoffs[0]["closing"]["state"], &kickoffs[0]["closing"]["execution"]),
        (&json!("done"), &json!(execution))
    );
    assert_eq!(kickoffs[0]["interim"]["state"], "unneeded");
    assert_eq!((&kickoffs[1]["closing"]["state"], &kickoffs[1]["open"]), (&json!("late"), &json!(1)));
    let slots = today["timeline"]["slots"].as_array().unwrap();
    let slot = |at: &str| slots.iter().find(|slot| slot["at"] == at).unwrap();
    assert_eq!(slot("2024-03-02T15:00:00Z")["ended"], 1);
    assert_eq!(slot("2024-03-02T17:00:00Z")["checks"], json!({"done": 1}));
    assert_eq!(slot("2024-03-02T19:30:00Z")["checks"], json!({"late": 1}));
    assert_eq!(today["attention"]["executions"], json!({"completed": 2}), "the scores and the table");
    // A match that was not checked again needs attention.
    let open: Vec<&Value> = today["attention"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["kind"] == "open")
        .collect();
    assert_eq!((&open[0]["what"], &open[0]["detail"]), (&json!("1"), &json!("1")), "{today}");
}

#[tokio::test]
async fn checks_are_listed_page_by_page_and_trends_by_the_persons_days() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    world
        .db
        .batch_execute(
            "DELETE FROM scheduled_check;
             INSERT INTO scheduled_check (key, function, kind, due_at, created_at, done_at, outcome)
             SELECT 'daily-routine:' || n, 'daily-routine', 'routine-follow-up',
                    timestamp '2024-02-01 10:00' + n / 2 * interval '1 hour', timestamp '2024-02-01', timestamp '2024-02-28', 'done'
               FROM generate_series(1, 120) n;
             -- Around midnight in Berlin, before and after its clocks go forward on 31 March.
             INSERT INTO data_provider_executions (request_id, operation_type, status, started_at, completed_at, duration,
                                                   idempotency_key, function, summary)
             SELECT gen_random_uuid(), 'daily_schedule', 'completed', at, at, 100, 'x' || at, 'daily-routine', '{}'
               FROM unnest(ARRAY['2024-03-30 22:30', '2024-03-30 23:30', '2024-03-31 21:30', '2024-03-31 22:30']::timestamp[]) at",
        )
        .await
        .unwrap();
    let desk = Desk::of(&world);
    let cookies = format!("{}; zone=Europe/Berlin", sign_in(&desk).await.0);
    let page = async |path: &str| {
        let answer = desk.send("GET", path, &[("cookie", &cookies)], None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    };
    // 120 checks, two of most moments, are all seen once over three pages.
    let (mut path, mut rows, mut pages) = ("/checks?show=over&from=2024-02-01".to_owned(), 0, 0);
    loop {
        let html = page(&path).await;
        (rows, pages) = (rows + html.matches("<tr><td><time").count(), pages + 1);
        let Some((_, next)) = html.split_once("/checks?show=over&#38;from=2024-02-01&#38;cursor=") else {
            break;
        };
        let cursor = next.split('"').next().unwrap();
        path = format!("/checks?show=over&from=2024-02-01&cursor={cursor}");
    }
    assert_eq!((rows, pages), (120, 3));
    assert!(page("/checks?show=over&to=2024-01-31").await.contains("None matches."));
    assert_eq!(
        desk.send("GET", "/checks?cursor=x", &[("x-internal-token", TOKEN)], None).await.status(),
        StatusCode::BAD_REQUEST
    );
    // A first day without a last one is open-ended: checks to come are in the future.
    assert!(page("/checks?from=2024-03-01").await.contains("None matches."));

    let trends = page("/trends?weeks=4&until=2024-04-01").await;
    for bar in ["2024-03-30: 1", "2024-03-31: 2", "2024-04-01: 1"] {
        assert!(trends.contains(&format!("<title>{bar}</title>")), "{bar}: {trends}");
    }
    let trends = page("/trends?weeks=26&until=2024-04-01").await;
    assert!(trends.contains("<title>week from 2024-03-26: 4</title>"), "{trends}");
}

#[tokio::test]
async fn a_full_day_is_a_small_page() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    full_day::fill(&world.db, full_day::Day::Troubled).await.unwrap();
    let desk = Desk::of(&world);
    let (cookie, _) = sign_in(&desk).await;
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        let answer = desk.send("GET", "/", &[("cookie", &cookie)], None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let page = answer.text().await.unwrap();
        fastest = fastest.min(began.elapsed());
        assert!(page.len() < 100_000, "{} bytes", page.len());
        assert!(page.contains("the chart counts"));
        println!("Today with 10,000 matches: {} bytes, {:?}", page.len(), began.elapsed());
    }
    println!("the fastest: {fastest:?}");
}

#[tokio::test]
async fn a_base_path_before_the_desk_is_in_every_address() {
    let variables = [("OPERATOR_API_URL", "https://football.example/best/shot")];
    let world = Setup::default().variables(&variables).world("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let browser = [("accept", "text/html")];
    let cross_site = [("accept", "text/html"), ("sec-fetch-site", "cross-site")];
    let again = desk.send("GET", "/best/shot/executions", &cross_site, None).await.text().await.unwrap();
    assert!(again.contains("url=/best/shot/executions"), "{again}");
    let answer = desk.send("GET", "/best/shot/executions", &browser, None).await;
    assert_eq!(answer.headers()["location"], "/best/shot/sign-in?next=%2Fexecutions");
    let page = desk.send("GET", "/best/shot/sign-in", &browser, None).await.text().await.unwrap();
    assert!(page.contains(r#"action="/best/shot/sign-in""#), "{page}");
    let headers = [("accept", "text/html"), ("x-internal-token", TOKEN)];
    let (_, matches) = desk.get(&format!("/tournaments/{id}/matches")).await;
    let (_, executions) = desk.get("/executions").await;
    let [game, execution] = [&matches[0]["id"], &executions["items"][0]["id"]].map(|id| id.as_str().unwrap());
    for path in [
        "/",
        "/executions",
        "/tournaments",
        "/tournaments/new",
        "/checks",
        "/trends",
        "/search?q=ash",
        "/time-zone",
        "/nothing",
    ]
    .map(ToOwned::to_owned)
    .into_iter()
    .chain(
        ["", "/matches", "/table", "/checks", "/executions", "/history"]
            .map(|tab| format!("/tournaments/{id}{tab}")),
    )
    .chain([format!("/matches/{game}"), format!("/executions/{execution}")])
    {
        let page = desk.send("GET", &format!("/best/shot{path}"), &headers, None).await.text().await.unwrap();
        // Where an action returns to is the desk's own path, without the base.
        let page = page.replace("name=\"here\" value=\"/", "");
        let addresses = page.split(['"']).filter(|part| part.starts_with('/') && !part.starts_with("/>"));
        let elsewhere: Vec<&str> = addresses.filter(|address| !address.starts_with("/best/shot/")).collect();
        assert_eq!(elsewhere, Vec::<&str>::new(), "{path}");
    }
    let stylesheet = desk.send("GET", "/best/shot/assets/desk.css", &[], None).await;
    assert_eq!(stylesheet.status(), StatusCode::OK);
    // API Gateway's own address goes on working: the deployment asks there.
    for path in [format!("/best/shot{API}/health"), format!("{API}/health")] {
        let answer = desk.send("GET", &path, &[], None).await;
        assert!(
            answer.status() == StatusCode::OK || answer.status() == StatusCode::SERVICE_UNAVAILABLE,
            "{path}"
        );
    }
    let (_, accepted) = desk.post("/daily-routine", json!({})).await;
    let execution = accepted["execution"].as_str().unwrap_or_default();
    assert!(execution.starts_with(&format!("/best/shot{API}/executions/")), "{accepted}");
}
