//! Tournaments whose data are football-data.org's: the same seasons come out the same, without a browser.

use std::path::Path;

use local::driver::create_event_at;
use serde_json::json;
use shared::provider::ProviderName;

use crate::desk::Desk;
use crate::harness::{CUP, LEAGUE, World};
use crate::played::{Play, Played};

/// Tables and bracket, without ids.
fn seen(played: &Played) -> String {
    let summary = &played.summary;
    format!(
        "{:#?}\n{:#?}\n{:?}\n{:#?}",
        summary.standings,
        played.bracket(),
        summary.champion,
        summary.matches
    )
}

#[tokio::test]
async fn a_league_and_a_cup_by_schedules_alone_come_out_as_with_the_other_provider() {
    for season in [LEAGUE, CUP] {
        let [ours, theirs] =
            [ProviderName::SofaScore, ProviderName::FootballData].map(|p| Play::text(season).provider(p));
        let (ours, theirs) = (ours.run().await, theirs.run().await);
        assert_eq!(seen(&theirs), seen(&ours));
        assert_eq!(theirs.summary.problems(), Vec::<String>::new());
        let kinds: Vec<String> = theirs.replay.provider.requests_by_kind().into_keys().collect();
        assert!(kinds.iter().all(|kind| kind.starts_with("football-data-")), "{kinds:?}");
        let by_browser =
            theirs.texts("SELECT id::text FROM data_provider_executions WHERE used_browser").await;
        assert_eq!(by_browser, Vec::<String>::new(), "no browser is launched");
        let providers =
            theirs.texts("SELECT DISTINCT provider FROM team UNION SELECT provider FROM match").await;
        assert_eq!(providers, ["football-data"]);
    }
}

#[tokio::test]
async fn the_knockouts_of_the_world_cup_by_schedules_alone() {
    let season = Path::new("../local/seasons/2022-world-cup.json");
    let play = |provider| Play::file(season).from("2022-12-05").provider(provider).run();
    let theirs = play(ProviderName::FootballData).await;
    assert_eq!(theirs.summary.champion.as_deref(), Some("Argentina"));
    assert_eq!(theirs.summary.problems(), Vec::<String>::new());
    let last = theirs.bracket().pop().unwrap();
    assert_eq!(last, "final: Argentina-France 3-3 (4-2): Argentina by shootout");
}

#[tokio::test]
async fn what_the_plan_does_not_cover_is_said_and_not_asked_again() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let provider = &world.provider;
    provider.restrict(true);
    let event = create_event_at(ProviderName::FootballData, &world.season, world.clock.now());
    let error = world.stack.invoke("tournaments", event.clone()).await.unwrap_err().to_string();
    assert!(error.contains("NotAllowed"), "{error}");
    let message = world.messages().join("\n");
    assert!(message.contains("your plan at football-data.org does not cover it"), "{message}");
    let asked = provider.requests();
    assert!(asked <= 2, "{asked} requests");
    let circuits = world.texts("SELECT state FROM provider_circuit WHERE provider = 'football-data'").await;
    assert!(circuits.iter().all(|state| state == "closed"), "{circuits:?}");
    // Once the plan covers it, the same request goes on where it stopped.
    provider.restrict(false);
    world.stack.invoke("tournaments", event).await.unwrap();
    assert_eq!(world.texts("SELECT count(*)::text FROM match").await, ["12"]);
}

#[tokio::test]
async fn a_season_is_filled_in_from_its_code_and_year() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let desk = Desk::of(&world);
    let (_, accepted) = desk.post("/tournaments", json!({ "url": "wc 2026", "dryRun": true })).await;
    let execution = accepted["executionId"].as_str().unwrap();
    let event = world
        .texts(&format!("SELECT event::text FROM data_provider_executions WHERE id = '{execution}'"))
        .await
        .remove(0);
    let event: serde_json::Value = serde_json::from_str(&event).unwrap();
    assert_eq!(
        event["tournament"],
        json!({
            "label": "FIFA World Cup", "slug": "fifa-world-cup-2026", "season": "2026",
            "mode": "regular-season-and-knockout", "standingsMode": "multi-group",
            "baseUrl": "https://api.football-data.org/v4/competitions/WC/matches?season=2026", "publicUrl": null,
        })
    );
}
