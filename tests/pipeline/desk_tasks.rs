//! What an operator comes for, with the clicks counted: from Today, signed in.

use serde_json::json;

use crate::desk::Desk;
use crate::harness::{LEAGUE, World};
use crate::tab::Tab;

/// A league with its first round played, a daily routine of today by the wall's clock, and a person at Today.
async fn at_today() -> (World, String, Tab) {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let event = json!({"tournamentId": id, "roundSlug": "1"});
    world.invoke_at("2024-03-02T22:00:00Z", "scores-and-standings", event).await.unwrap();
    // Nothing is left open of long ago, and the routine ran today.
    for sql in [
        "UPDATE match SET status = 'not-defined', called_off = 'cancelled' WHERE status = 'open'",
        "UPDATE scheduled_check SET done_at = now(), outcome = 'cancelled' WHERE done_at IS NULL",
        "UPDATE tournament SET table_differences = '[]'",
        "INSERT INTO data_provider_executions (request_id, operation_type, status, started_at, completed_at, function)
         VALUES (gen_random_uuid(), 'daily_schedule', 'completed', now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC',
                 'daily-routine')",
    ] {
        world.db.batch_execute(sql).await.unwrap();
    }
    let mut tab = Tab::at(&world).await;
    tab.sign_in().await;
    (world, id, tab)
}

#[tokio::test]
async fn is_today_fine_takes_no_click() {
    let (_world, _, mut tab) = at_today().await;
    let text = tab.text().await;
    assert!(text.contains("Nothing. The daily routine ended well"), "{text}");
    assert_eq!(tab.clicks, 0);
    tab.check("today-well").await;
    tab.browser.close().await;
}

#[tokio::test]
async fn why_a_result_changed_takes_two_clicks_and_it_is_acknowledged() {
    let (world, id, mut tab) = at_today().await;
    for sql in [
        "UPDATE match SET scoreboard_applied_at = now() AT TIME ZONE 'UTC' - interval '1 hour' WHERE status = 'ended'",
        "UPDATE match SET home_score = 5 WHERE external_id = (SELECT min(external_id) FROM match)",
    ] {
        world.db.batch_execute(sql).await.unwrap();
    }
    // The provider's word is another one: the run that reads it changes the result.
    let event = json!({"tournamentId": id, "roundSlug": "1"});
    world.invoke_at("2024-03-02T22:30:00Z", "scores-and-standings", event).await.unwrap();
    // The desk looks at the last days by the wall's clock.
    let lately = "UPDATE change_history SET changed_at = now() AT TIME ZONE 'UTC'
                   WHERE part = (SELECT min(external_id) FROM match)";
    world.db.batch_execute(lately).await.unwrap();
    tab.open("/").await;
    tab.clicks = 0;
    assert!(tab.text().await.contains("A scored result changed: Ash – Birch"), "{}", tab.text().await);
    tab.check("today-correction").await;
    tab.click(".items h3 a[href^='/matches/']").await;
    let text = tab.text().await;
    assert!(text.contains("home goals: 5 → 2") && text.contains("home goals: 2 → 5"), "{text}");
    tab.click("#changes-caption ~ tbody a").await;
    assert!(tab.text().await.contains("Update scores"), "{}", tab.text().await);
    assert_eq!(tab.clicks, 2);
    tab.open("/").await;
    tab.click(".items .acknowledge button").await;
    assert!(!tab.text().await.contains("A scored result changed"), "{}", tab.text().await);
    assert!(tab.text().await.contains("1 acknowledged"), "{}", tab.text().await);
    tab.open("/audit").await;
    assert!(tab.text().await.contains("Acknowledge"), "{}", tab.text().await);
    tab.check("audit").await;
    tab.browser.close().await;
}

#[tokio::test]
async fn correcting_and_locking_a_match_takes_four_clicks() {
    let (world, _, mut tab) = at_today().await;
    tab.open("/?day=2024-03-02").await;
    tab.clicks = 0;
    tab.click("#kickoffs-caption ~ tbody a[href^='/tournaments/']").await;
    tab.click("table.matches tbody a").await;
    let before = tab.path().await;
    tab.fill("#away", "3").await;
    tab.fill("#home_penalties", "4").await;
    tab.fill("#note", "the referee's report").await;
    // What can't be is said beside the form, which keeps what was filled in.
    tab.click(".correction button").await;
    let text = tab.text().await;
    assert!(text.contains("penalties must be two numbers, or both empty"), "{text}");
    assert_eq!(tab.eval("document.querySelector('#note').value").await, "the referee's report");
    tab.check("match-refused").await;
    tab.clicks -= 1;
    tab.fill("#home_penalties", "").await;
    tab.click(".correction button").await;
    let text = tab.text().await;
    assert!(text.contains("score: 2-1 → 2-3") && text.contains("Rows that change"), "{text}");
    tab.check("correction").await;
    tab.click("form[action='/actions/correct'] button").await;
    assert_eq!((tab.path().await, tab.clicks), (before.clone(), 4));
    let text = tab.text().await;
    assert!(text.contains("The result is locked") && text.contains("the referee's report"), "{text}");
    tab.check("match-locked").await;
    let desk = Desk::of(&world);
    let started = "SELECT id::text FROM data_provider_executions WHERE operation_type = 'standings_update' AND requested_by IS NOT NULL";
    for execution in world.texts(started).await {
        desk.ended(&execution).await;
    }
    assert_eq!(world.table().await[0], "Birch 1 3");
    // Undone by one more.
    tab.click("form[action='/actions/unlock'] button").await;
    assert_eq!(world.matches("Ash", "Birch").await, ["2-1 ended 03-02 15:00"]);
    assert!(tab.text().await.contains("locked by hand: result → –"), "{}", tab.text().await);
    tab.browser.close().await;
}

#[tokio::test]
async fn a_failed_run_and_its_log_take_two_clicks() {
    let (world, id, mut tab) = at_today().await;
    let desk = Desk::of(&world);
    world.db.execute("UPDATE tournament SET base_url = 'broken'", &[]).await.unwrap();
    let (_, accepted) = desk.post(&format!("/tournaments/{id}/rounds/1/scores"), json!({})).await;
    let failed = desk.ended(accepted["executionId"].as_str().unwrap()).await;
    tab.open("/").await;
    tab.clicks = 0;
    tab.click(".items h3 a[href^='/executions/']").await;
    assert_eq!(tab.path().await, format!("/executions/{}", failed["id"].as_str().unwrap()));
    // The second leads out of the desk.
    let link = tab.eval("[...document.links].find(a => a.innerText.includes('CloudWatch')).href").await;
    let link = link.as_str().unwrap();
    assert!(link.starts_with("https://eu-central-1.console.aws.amazon.com/cloudwatch/"), "{link}");
    assert!(link.contains(failed["requestId"].as_str().unwrap()), "{link}");
    assert_eq!(tab.clicks, 1);
    tab.browser.close().await;
}

#[tokio::test]
async fn pausing_and_resuming_take_a_click_each() {
    let (world, id, mut tab) = at_today().await;
    tab.click("form[action='/actions/pause'] button").await;
    let text = tab.text().await;
    assert!(text.contains("Everything is paused since"), "{text}");
    tab.check("today-paused").await;
    tab.click("form[action='/actions/resume'] button").await;
    assert!(!tab.text().await.contains("Everything is paused"), "{}", tab.text().await);
    assert_eq!((tab.clicks, world.count("pause").await), (2, 0));
    tab.open(&format!("/tournaments/{id}")).await;
    tab.click("form[action='/actions/pause'] button").await;
    assert_eq!(tab.path().await, format!("/tournaments/{id}"));
    assert!(tab.text().await.contains("Little League is paused"), "{}", tab.text().await);
    tab.click("form[action='/actions/resume'] button").await;
    assert_eq!(world.count("pause").await, 0);
    tab.browser.close().await;
}
