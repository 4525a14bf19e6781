//! Tournaments with two providers: one stands in while the other refuses, a running season changes over, and they check each
//! other. Whoever is asked, our rows stay the same.

use std::path::Path;

use local::chaos::{Content, content_whoever_was_asked, differences};
use local::driver::address_at;
use local::postgres;
use local::replay::Season;
use reqwest::StatusCode;
use serde_json::json;
use shared::provider::ProviderName;

use crate::desk::Desk;
use crate::harness::{CUP, LEAGUE, Setup, World, moment};
use crate::played::{Play, Played};
use crate::seasons::real_data;

const SOFASCORE: ProviderName = ProviderName::SofaScore;
const FOOTBALL_DATA: ProviderName = ProviderName::FootballData;

async fn content(played: &Played) -> Content {
    let db = postgres::connect(&played.replay.stack.database_url).await.unwrap();
    content_whoever_was_asked(&db).await.unwrap()
}

/// Waits until no execution is running.
async fn idle(world: &World) {
    let running = "SELECT id::text FROM data_provider_executions WHERE status = 'in_progress'";
    while !world.texts(running).await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Chooses football-data.org as the stand-in.
async fn give_stand_in(world: &World, desk: &Desk, path: &str) {
    let choice = json!({ "standIn": "football-data", "season": address_at(FOOTBALL_DATA, &world.season) });
    let (status, sources) = desk.put(path, choice).await;
    assert_eq!(status, StatusCode::OK, "{sources}");
    idle(world).await;
}

/// The texts of all Slack messages.
fn messages(played: &Played) -> String {
    let messages = played.replay.stack.slack.messages();
    messages.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_season_whose_provider_refuses_in_the_middle_comes_out_the_same() {
    for (season, first, from) in [
        // It answers again for the last round.
        (LEAGUE, SOFASCORE, "2024-03-20..2024-04-03"),
        (CUP, FOOTBALL_DATA, "2024-06-04"),
    ] {
        let stand_in = if first == SOFASCORE { FOOTBALL_DATA } else { SOFASCORE };
        let undisturbed = Play::text(season).provider(first).run().await;
        let disturbed = Play::text(season)
            .provider(first)
            .stand_in(stand_in)
            .block(&format!("{first}@{from}"))
            .run()
            .await;
        let found = differences(&content(&undisturbed).await, &content(&disturbed).await);
        assert_eq!(found, Vec::<String>::new(), "{first} refuses from {from} on");
        assert_eq!(disturbed.summary.champion, undisturbed.summary.champion);
        assert_eq!(
            disturbed.summary.cost.latency.worst_minutes, undisturbed.summary.cost.latency.worst_minutes,
            "nobody waits longer for a result"
        );
        let said = messages(&disturbed);
        assert!(said.contains(&format!("{stand_in} was asked in place of {first}")), "{said}");
    }
}

#[tokio::test]
async fn the_quarter_finals_of_the_world_cup_while_its_provider_refuses() {
    let season = Path::new("../local/seasons/2022-world-cup.json");
    let play = || Play::file(season).from("2022-12-08");
    let undisturbed = play().run().await;
    let disturbed = play().stand_in(FOOTBALL_DATA).block("sofascore@2022-12-09").run().await;
    let found = differences(&content(&undisturbed).await, &content(&disturbed).await);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(disturbed.summary.champion.as_deref(), Some("Argentina"));
}

/// The last part of a real season comes out the same while SofaScore refuses from its beginning on.
async fn comes_out_as_undisturbed(file: &str, day: &str) {
    let Some(data) = real_data() else { return };
    let file = data.join("openfootball").join(file);
    let undisturbed = Play::file(&file).from(day).run().await;
    let disturbed =
        Play::file(&file).from(day).stand_in(FOOTBALL_DATA).block(&format!("sofascore@{day}T06:00:00Z"));
    let disturbed = disturbed.run().await;
    let found = differences(&content(&undisturbed).await, &content(&disturbed).await);
    assert_eq!(found, Vec::<String>::new(), "{}", file.display());
    assert_eq!(
        disturbed.summary.cost.latency.worst_minutes, undisturbed.summary.cost.latency.worst_minutes,
        "nobody waits longer for a result"
    );
}

#[tokio::test]
async fn the_last_ten_rounds_of_a_real_league_while_its_provider_refuses() {
    comes_out_as_undisturbed("2024-25_en.1.json", "2025-03-08").await;
}

#[tokio::test]
async fn a_real_champions_league_from_the_quarter_finals_on_while_its_provider_refuses() {
    comes_out_as_undisturbed("2018-19_uefa.cl.json", "2019-04-01").await;
}

/// The ids of a tournament's matches and teams, and how many of each there are.
const IDS: &str =
    "SELECT concat_ws(' ', m.id, m.home_team_id, m.away_team_id, m.round_slug, m.provider, m.external_id)
                     FROM match m ORDER BY m.id";

#[tokio::test]
async fn a_running_season_changes_over_and_back_and_keeps_every_id() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let desk = Desk::of(&world);
    let id = world.create().await;
    let (before, teams) =
        (world.texts(IDS).await, world.texts("SELECT id::text FROM team ORDER BY id").await);
    let change_over = async |asked: ProviderName, stand_in: Option<ProviderName>| {
        let season = address_at(FOOTBALL_DATA, &world.season);
        let stand_in = stand_in.map_or("nobody", ProviderName::as_str);
        let choice = json!({ "asked": asked, "standIn": stand_in, "season": season });
        let (status, sources) = desk.put(&format!("/tournaments/{id}/sources"), choice).await;
        assert_eq!(status, StatusCode::OK, "{sources}");
        idle(&world).await;
        sources
    };
    let of_provider = |kind: &str| world.provider.requests_by_kind().remove(kind).unwrap_or_default();

    world.clock.set(moment("2024-03-08T12:00:00Z"));
    let sources = change_over(FOOTBALL_DATA, None).await;
    assert_eq!((&sources["asked"], &sources["standIn"]), (&json!("football-data"), &json!(null)));
    let events = of_provider("events");
    for (round, at) in [("1", "2024-03-09T12:00:00Z"), ("2", "2024-03-09T20:00:00Z")] {
        let event = json!({ "tournamentId": id, "roundSlug": round });
        world.invoke_at(at, "scores-and-standings", event).await.unwrap();
    }
    assert_eq!(of_provider("events"), events, "only the chosen provider is asked");
    let ended = "SELECT count(*)::text FROM match WHERE status = 'ended'";
    assert_eq!(world.texts(ended).await, ["4"]);

    // The one that was asked before is compared now.
    world
        .invoke_at("2024-03-10T08:00:00Z", "daily-routine", json!({ "operation": "cross-check" }))
        .await
        .unwrap();
    let compared = "SELECT count(*)::text FROM match_alias WHERE provider = 'sofascore' AND status = 'ended'";
    assert_eq!(world.texts(compared).await, ["2"]);

    change_over(SOFASCORE, Some(FOOTBALL_DATA)).await;
    for round in ["1", "2", "3"] {
        let event = json!({ "tournamentId": id, "roundSlug": round });
        world.invoke_at("2024-03-16T20:00:00Z", "scores-and-standings", event).await.unwrap();
    }
    world.invoke_at("2024-03-17T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.texts(ended).await, ["6"]);
    let after: Vec<String> = world.texts(IDS).await;
    assert_eq!(after, before, "no match is new, or another one");
    assert_eq!(world.texts("SELECT id::text FROM team ORDER BY id").await, teams);
    let known = "SELECT count(*) || ' of ' || count(DISTINCT match_id) FROM match_alias WHERE provider = 'football-data'";
    assert_eq!(world.texts(known).await, ["4 of 4"]);
    // The same once more: nothing is written.
    let written = "SELECT md5(string_agg(to_jsonb(m)::text, ' ' ORDER BY m.id)) FROM match m";
    let state = world.texts(written).await;
    let event = json!({ "tournamentId": id, "roundSlug": "3", "idempotencyKey": "again" });
    world.invoke_at("2024-03-17T08:00:00Z", "scores-and-standings", event).await.unwrap();
    assert_eq!(world.texts(written).await, state);
}

#[tokio::test]
async fn a_team_that_nobody_knows_is_put_to_the_operator() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let desk = Desk::of(&world);
    let id = world.create().await;
    world.provider.rename("Ash", "Deportivo Fresno");
    let path = format!("/tournaments/{id}/sources");
    let choice = json!({ "asked": "football-data", "season": address_at(FOOTBALL_DATA, &world.season) });
    let (status, _) = desk.put(&path, choice).await;
    assert_eq!(status, StatusCode::OK);
    idle(&world).await;
    let (_, sources) = desk.get(&path).await;
    let unknown = &sources["unknownTeams"][0];
    assert_eq!(
        (&unknown["name"], &unknown["provider"]),
        (&json!("Deportivo Fresno"), &json!("football-data"))
    );
    let (_, today) = desk.get("/today?day=2024-03-02").await;
    assert!(today["attention"]["items"].to_string().contains("Deportivo Fresno"), "{today}");

    // Its match is left alone, and said; the other one is read.
    let scores = async |key: &str, at: &str| {
        let event = json!({ "tournamentId": id, "roundSlug": "1", "idempotencyKey": key });
        world.invoke_at(at, "scores-and-standings", event).await.unwrap();
    };
    scores("first", "2024-03-02T20:00:00Z").await;
    let ended = "SELECT h.name || '-' || a.name FROM match m JOIN team h ON h.id = home_team_id JOIN team a ON a.id = away_team_id
                  WHERE status = 'ended' ORDER BY 1";
    assert_eq!(world.texts(ended).await, ["Cedar-Elm"]);
    let said = world.messages().join("\n");
    assert!(said.contains("which of our teams football-data's Deportivo Fresno is"), "{said}");

    // Not even from its name in another tournament.
    world
        .texts(
            "INSERT INTO team (provider, external_id, name, badge) VALUES ('sofascore', '77', 'Deportivo Fresno', '')
             RETURNING id::text",
        )
        .await;
    let ash = world.texts("SELECT id::text FROM team WHERE name = 'Ash'").await.remove(0);
    let answer = |external_id: &str, team: &str| json!({ "provider": "football-data", "externalId": external_id, "team": team });
    let teams = format!("/tournaments/{id}/teams");
    let (status, refusal) = desk.post(&teams, answer("1", &ash)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refusal}");
    let external_id = unknown["externalId"].as_str().unwrap();
    let (status, sources) = desk.post(&teams, answer(external_id, &ash)).await;
    assert_eq!((status, &sources["unknownTeams"]), (StatusCode::OK, &json!([])));
    scores("second", "2024-03-02T21:00:00Z").await;
    assert_eq!(world.texts(ended).await, ["Ash-Birch", "Cedar-Elm"]);
    // A second one can't be the same, and what was said can be taken back.
    let birch = world.texts("SELECT external_id FROM team_alias WHERE name = 'Birch'").await.remove(0);
    let (status, refusal) = desk.post(&teams, answer(&birch, &ash)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refusal}");
    let again = json!({ "provider": "football-data", "externalId": external_id, "unknown": true });
    let (_, sources) = desk.post(&teams, again).await;
    assert_eq!(sources["unknownTeams"][0]["name"], "Deportivo Fresno");
    assert_eq!(world.texts("SELECT count(*)::text FROM match").await, ["12"]);
    assert_eq!(world.texts("SELECT count(*)::text FROM team").await, ["5"]);
}

#[tokio::test]
async fn each_morning_the_other_provider_is_compared_and_a_difference_needs_a_person() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let desk = Desk::of(&world);
    let id = world.create().await;
    let path = format!("/tournaments/{id}/sources");
    give_stand_in(&world, &desk, &path).await;
    let event = json!({ "tournamentId": id, "roundSlug": "1" });
    world.invoke_at("2024-03-02T20:00:00Z", "scores-and-standings", event).await.unwrap();
    // The routine plans the comparison, and its alarm makes it.
    world.invoke_at("2024-03-03T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    let planned = "SELECT function || ' ' || due_at FROM scheduled_check WHERE kind = 'cross-check' AND done_at IS NULL";
    assert_eq!(world.texts(planned).await, ["daily-routine 2024-03-03 08:00:00"]);
    world.texts("UPDATE match SET home_score = 3 WHERE home_score = 2 RETURNING id::text").await;
    let lists = || world.provider.requests_by_kind().remove("football-data-day").unwrap_or_default();
    let before = lists();
    world.wake("2024-03-03T08:00:00Z", "daily-routine").await.unwrap();
    assert_eq!(lists() - before, 1, "one request");
    let said = world.messages().join("\n");
    assert!(said.contains("football-data says ended 2-1"), "{said}");
    assert!(said.contains("stored is ended 3-1"), "{said}");
    let (_, sources) = desk.get(&path).await;
    let difference = &sources["differences"][0];
    assert_eq!(difference["teams"], "Ash – Birch");
    // Nothing is overwritten; a person decides.
    assert_eq!(world.texts("SELECT home_score::text FROM match WHERE home_score = 3").await, ["3"]);
    let matched = difference["matchId"].as_str().unwrap();
    let correction = json!({ "score": { "home": 2, "away": 1 } });
    let (status, corrected) = desk.post(&format!("/matches/{matched}/correction"), correction).await;
    assert!(status.is_success(), "{corrected}");
    let (_, sources) = desk.get(&path).await;
    assert_eq!(sources["differences"], json!([]));
    idle(&world).await;
}

#[tokio::test]
async fn a_choice_that_cannot_work_is_refused_by_name() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let desk = Desk::of(&world);
    let id = world.create().await;
    let path = format!("/tournaments/{id}/sources");
    for (choice, field) in [
        (json!({ "standIn": "football-data" }), "standIn"),
        (json!({ "asked": "football-data" }), "asked"),
        (json!({ "standIn": "somebody" }), "standIn"),
        (json!({ "standIn": "sofascore" }), "standIn"),
        (json!({ "season": "the Premier League" }), "season"),
        (json!({ "season": "PL 2019" }), "season"),
        (json!({ "season": "https://www.sofascore.com/api/v1/unique-tournament/1/season/2" }), "season"),
    ] {
        let (status, refusal) = desk.put(&path, choice.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{choice}: {refusal}");
        assert!(refusal.to_string().contains(field), "{choice}: {refusal}");
    }
    assert_eq!(world.texts("SELECT count(*)::text FROM tournament_alias").await, ["0"]);
}

#[tokio::test]
async fn what_the_first_provider_says_otherwise_on_its_return_is_reported() {
    let season = Season::parse("test", LEAGUE).unwrap();
    // A day after the end, when the provider answers again, the result is another one.
    let season = season.with_faults(vec!["correct:Ash-Birch:1500:2-2".parse().unwrap()]).unwrap();
    let world = Setup::default().world_of("2024-03-01T12:00:00Z", season).await;
    let desk = Desk::of(&world);
    let id = world.create().await;
    let path = format!("/tournaments/{id}/sources");
    give_stand_in(&world, &desk, &path).await;
    world.provider.block(&["sofascore@2024-03-02..2024-03-03".parse().unwrap()]);
    let scores = async |at: &str| {
        let event = json!({ "tournamentId": id, "roundSlug": "1" });
        world.invoke_at(at, "scores-and-standings", event).await.unwrap();
    };
    scores("2024-03-02T20:00:00Z").await;
    assert_eq!(world.scores("1").await, ["0 0 ended", "2 1 ended"]);
    let said = world.messages().join("\n");
    assert!(said.contains("football-data was asked in place of sofascore"), "{said}");
    assert!(said.contains("Tournaments with a stand-in are read from that meanwhile"), "{said}");
    let (_, sources) = desk.get(&path).await;
    assert_eq!(
        (&sources["seasons"][0]["provider"], &sources["seasons"][0]["refuses"]),
        (&json!("sofascore"), &json!(true))
    );
    assert_eq!(sources["differences"], json!([]));

    scores("2024-03-03T20:00:00Z").await;
    assert_eq!(world.scores("1").await, ["0 0 ended", "2 2 ended"]);
    let said = world.messages().join("\n");
    assert!(said.contains("was corrected after it had ended"), "{said}");
    assert!(said.contains("football-data says ended 2-1"), "{said}");
    let (_, sources) = desk.get(&path).await;
    assert_eq!(sources["differences"][0]["teams"], "Ash – Birch");
    // The other one says the same by the next morning.
    let check = json!({ "operation": "cross-check" });
    world.invoke_at("2024-03-04T08:00:00Z", "daily-routine", check).await.unwrap();
    let (_, sources) = desk.get(&path).await;
    assert_eq!(sources["differences"], json!([]));
}
