//! The operator's pages, in Chromium: what an operator does there, without script errors or sideways scrolling on a
//! phone. `DESK_SHOTS=DIR` keeps a picture of each page.

use std::path::Path;

use local::stack::TOKEN;
use shared::provider::ProviderName;

use crate::desk::{API, Desk};
use crate::harness::{CUP, LEAGUE, World, moment};
use crate::played::{Play, Played};
use crate::tab::Tab;

#[tokio::test]
async fn a_person_signs_in_creates_a_tournament_and_watches_it_finish() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let mut tab = Tab::at(&world).await;
    tab.open("/executions").await;
    tab.check("sign-in").await;
    tab.fill("#token", "wrong").await;
    tab.click("main button").await;
    assert!(tab.text().await.contains("That is not the token"));
    tab.fill("#token", TOKEN).await;
    tab.fill("#name", "Ann").await;
    tab.click("main button").await;
    assert_eq!(tab.path().await, "/executions", "where one wanted to go");

    tab.open("/tournaments/new").await;
    tab.fill("#address", "https://www.sofascore.com/tournament/football/england/premier-league/17").await;
    tab.click("main button").await;
    assert!(tab.text().await.contains("#id:"), "the remedy is said");
    let (competition, season) = (world.season.unique_tournament_id, world.season.season_id);
    let url = format!(
        "https://www.sofascore.com/tournament/football/world/little-league/{competition}#id:{season}"
    );
    tab.fill("#address", &url).await;
    tab.click("main button").await;
    assert_eq!(tab.eval("document.querySelector('#label').value").await, "Little League");
    tab.fill("#season", "2023/24").await;
    tab.fill("#slug", "little-league-2023-24").await;
    tab.check("create").await;
    tab.click("form[action='/tournaments'] button").await;
    assert!(tab.path().await.starts_with("/executions/"), "{}", tab.path().await);
    // The page refreshes itself until the work has ended.
    tab.eval("window.same = true").await;
    tab.until("!document.querySelector('[data-live]')").await;
    assert_eq!(tab.eval("window.same").await, true, "it was not reloaded whole");
    assert_eq!(tab.eval("document.querySelectorAll('.steps li').length").await, 5);
    let text = tab.text().await;
    assert!(text.contains("completed") && text.contains("Ann (page)"), "{text}");
    let here = tab.path().await;
    tab.open(&here).await;
    assert!(tab.eval("document.querySelectorAll('.waterfall rect').length").await.as_u64().unwrap() >= 2);
    tab.check("execution").await;

    // The link in the Slack message: through the desk to the report, which is self-contained.
    let link = tab.eval("document.querySelector('a.button').pathname").await;
    let link = link.as_str().unwrap();
    assert!(world.messages().iter().any(|message| message.contains(link)), "{link}");
    tab.open(link).await;
    let report = tab.until("document.title").await;
    assert!(report.as_str().unwrap().contains("tournament create"), "{report}");
    assert!(!tab.path().await.starts_with(API));
    assert_eq!(tab.eval("document.querySelectorAll('script, [src]').length").await, 0);
    assert_eq!(
        tab.eval("performance.getEntriesByType('resource').map(e => e.name)").await,
        serde_json::json!([])
    );
    let colours = "getComputedStyle(document.querySelector('.chip.good')).backgroundColor";
    let (light, dark) = (tab.coloured("light", colours).await, tab.coloured("dark", colours).await);
    assert_ne!(light, dark);
    tab.check("report").await;

    tab.open("/tournaments").await;
    tab.check("tournaments").await;
    tab.click("tbody a").await;
    let tournament = tab.path().await;
    world.clock.set(moment("2024-03-02T20:00:00Z"));
    tab.click(".tabs a[href$='/matches']").await;
    tab.click("form[action='/actions/scores'] button").await;
    tab.until("!document.querySelector('[data-live]')").await;
    tab.open(&format!("{tournament}/matches?round=1")).await;
    assert!(tab.text().await.contains("2–1"), "{}", tab.text().await);
    tab.open(&tournament).await;
    tab.check("tournament").await;
    for name in ["matches", "table", "checks", "executions", "history"] {
        tab.click(&format!(".tabs a[href$='/{name}']")).await;
        tab.check(&format!("tournament-{name}")).await;
    }
    tab.open(&format!("{tournament}/table")).await;
    let text = tab.text().await;
    assert!(text.contains("Agrees with the provider"), "{text}");
    tab.open("/executions?status=completed").await;
    tab.check("executions").await;
    tab.open("/?day=2024-03-02").await;
    assert!(tab.text().await.contains("2 of 2"), "{}", tab.text().await);
    tab.check("today").await;
    for (path, name) in [("/checks?show=over", "checks"), ("/trends", "trends"), ("/search?q=ash", "search")]
    {
        tab.open(path).await;
        tab.check(name).await;
    }
    tab.open("/nowhere").await;
    tab.check("nowhere").await;
    tab.open("/").await;
    tab.click("form[action='/sign-out'] button").await;
    tab.open("/executions").await;
    assert_eq!(tab.path().await, "/sign-in");
    tab.browser.close().await;
}

#[tokio::test]
async fn a_person_retries_what_failed_and_reads_a_bracket() {
    let world = World::at("2024-05-20T12:00:00Z", CUP).await;
    let id = world.create().await;
    world.clock.set(moment("2024-06-10T12:00:00Z"));
    let desk = Desk::of(&world);
    let address = world.texts("SELECT base_url FROM tournament").await.remove(0);
    world.db.execute("UPDATE tournament SET base_url = 'broken'", &[]).await.unwrap();
    let (_, accepted) = desk.post(&format!("/tournaments/{id}/knockouts"), serde_json::json!({})).await;
    desk.ended(accepted["executionId"].as_str().unwrap()).await;
    world.db.execute("UPDATE tournament SET base_url = $1", &[&address]).await.unwrap();

    let mut tab = Tab::at(&world).await;
    tab.sign_in().await;
    assert!(tab.text().await.contains("Update knockouts failed: Little Cup"), "{}", tab.text().await);
    tab.check("today-trouble").await;
    tab.click("form[action='/actions/retry'] button").await;
    tab.until("!document.querySelector('[data-live]')").await;
    let text = tab.text().await;
    assert!(text.contains("completed"), "{text}");
    tab.open("/").await;
    assert!(!tab.text().await.contains("Update knockouts failed"));

    tab.open(&format!("/tournaments/{id}/bracket")).await;
    let winner = tab.eval("document.querySelector('.tie .winner').innerText").await;
    assert!(winner.as_str().unwrap().contains("Pine"), "{winner}");
    tab.check("bracket").await;

    let correction = format!(
        "BEGIN; SET LOCAL best_shot.execution_id = '{}'; UPDATE match SET home_score = 3, date = date + interval '1 hour'
            WHERE round_slug = 'final'; COMMIT",
        accepted["executionId"].as_str().unwrap()
    );
    world.db.batch_execute(&correction).await.unwrap();
    // Why did this result change? Two clicks from the tournament: the match, then the run.
    tab.open(&format!("/tournaments/{id}/matches?round=final")).await;
    tab.click("table.matches tbody a").await;
    assert!(tab.path().await.starts_with("/matches/"), "{}", tab.path().await);
    let text = tab.text().await;
    assert!(
        text.contains("home goals: 2 → 3") && text.contains("kickoff: 9 Jun 2024, 18:00 → 9 Jun 2024, 19:00"),
        "{text}"
    );
    tab.check("match").await;
    tab.click("#changes-caption ~ tbody a").await;
    assert!(tab.path().await.starts_with("/executions/"), "{}", tab.path().await);
    tab.open(&format!("/tournaments/{id}/history")).await;
    tab.check("history").await;

    tab.browser.close().await;
}

#[tokio::test]
async fn a_person_gives_a_stand_in_and_says_which_team_it_means() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world.provider.rename("Ash", "Deportivo Fresno");
    let mut tab = Tab::at(&world).await;
    tab.sign_in().await;
    tab.open(&format!("/tournaments/{id}/sources")).await;
    assert!(tab.text().await.contains("Only one provider is known"), "{}", tab.text().await);
    tab.eval("document.querySelector('#stand-in').value = 'football-data'").await;
    // What can't be read stays in the form, beside the reason.
    tab.fill("#season", "the same one").await;
    tab.click("form[action='/actions/sources'] button").await;
    assert!(tab.text().await.contains("Not saved: season must be"), "{}", tab.text().await);
    let kept = tab.eval("document.querySelector('#season').value").await;
    assert_eq!(kept, "the same one");
    tab.check("sources-refused").await;

    tab.fill("#season", &world.season.football_data_url()).await;
    tab.eval("document.querySelector('#stand-in').value = 'football-data'").await;
    tab.click("form[action='/actions/sources'] button").await;
    let running = "SELECT id::text FROM data_provider_executions WHERE status = 'in_progress'";
    while !world.texts(running).await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    tab.open("/").await;
    assert!(tab.text().await.contains("Which team is Deportivo Fresno?"), "{}", tab.text().await);
    tab.open(&format!("/tournaments/{id}/sources")).await;
    tab.check("sources-question").await;
    let choose = "const list = document.querySelector('select[name=team]');
        list.value = [...list.options].find(option => option.text === 'Ash').value";
    tab.eval(choose).await;
    tab.click("form[action='/actions/identify-team'] button").await;
    let text = tab.text().await;
    assert!(
        !text.contains("Which team is it?") && text.contains("stands in, and is compared each morning"),
        "{text}"
    );
    tab.check("sources").await;
    tab.browser.close().await;
}

#[tokio::test]
async fn a_person_without_a_mouse_creates_a_tournament_and_brings_it_up_to_date() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let mut tab = Tab::at(&world).await;
    tab.open("/").await;
    tab.walk("#name", false).await;
    tab.type_in("Ann").await;
    tab.walk("#token", false).await;
    tab.type_in(TOKEN).await;
    tab.go("Enter").await;
    assert_eq!(tab.path().await, "/");

    // The first focusable element skips the menu.
    tab.walk("a", false).await;
    assert_eq!(tab.eval("document.activeElement.className").await, "skip");
    tab.press("Enter", 13, Some("\r"), false).await;
    assert_eq!(tab.eval("document.activeElement.id").await, "main");
    tab.walk("nav a[href='/tournaments']", true).await;
    tab.go("Enter").await;
    tab.walk("main a[href='/tournaments/new']", false).await;
    tab.go("Enter").await;

    let (competition, season) = (world.season.unique_tournament_id, world.season.season_id);
    tab.walk("#address", false).await;
    tab.type_in(&format!(
        "https://www.sofascore.com/tournament/football/world/little-league/{competition}#id:{season}"
    ))
    .await;
    tab.go("Enter").await;
    // Tabbing to a field selects its content, and typing replaces it.
    tab.walk("#season", false).await;
    tab.type_in("2023/24").await;
    tab.walk("#slug", false).await;
    tab.type_in("little-league-2023-24").await;
    tab.walk("form[action='/tournaments'] button", false).await;
    tab.go("Space").await;
    assert!(tab.path().await.starts_with("/executions/"), "{}", tab.path().await);
    // The focus stays where it is while the page refreshes, and the change is still announced.
    tab.until("!!document.querySelector('.steps a')").await;
    tab.walk(".steps a", false).await;
    tab.until("document.querySelector('[role=status]').innerText.startsWith('completed')").await;
    assert_eq!(tab.eval("document.activeElement.matches('.steps a')").await, true);
    tab.walk("nav a[href='/trends']", true).await;
    tab.until("!document.querySelector('[data-live]')").await;
    tab.walk("nav a[href='/executions']", true).await;
    tab.go("Enter").await;
    tab.walk("tbody a", false).await;
    tab.go("Enter").await;
    assert!(tab.path().await.starts_with("/executions/"), "{}", tab.path().await);
    tab.walk("h1 a", false).await;
    tab.go("Enter").await;
    assert!(tab.path().await.starts_with("/tournaments/"), "{}", tab.path().await);
    tab.walk("form[action='/actions/pause'] button", false).await;
    tab.walk("form[action='/actions/refresh'] button", true).await;
    tab.go("Enter").await;
    tab.until("!document.querySelector('[data-live]')").await;
    let text = tab.text().await;
    assert!(text.contains("Update tournament") && text.contains("completed"), "{text}");
    tab.browser.close().await;
}

#[tokio::test]
async fn a_person_elsewhere_reads_times_of_their_own_and_finds_what_they_look_for() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let mut tab = Tab::at(&world).await;
    tab.sign_in().await;
    tab.click(".person a").await;
    tab.check("time-zone").await;
    tab.fill("#zone", "Asia/Tokyo").await;
    tab.click("main form.stack button").await;
    assert!(tab.text().await.contains("times and days in Asia/Tokyo"), "{}", tab.text().await);
    // 15:00 UTC is midnight there: the match is on the next day.
    tab.open(&format!("/tournaments/{id}/matches?round=1")).await;
    let time = tab.eval("document.querySelector('table.matches time').outerHTML").await;
    assert_eq!(
        time,
        "<time datetime=\"2024-03-02T15:00:00Z\" title=\"2 Mar 2024, 15:00 UTC\">3 Mar 2024, 00:00</time>"
    );
    for (day, kickoffs) in [("2024-03-02", 0), ("2024-03-03", 2)] {
        tab.open(&format!("/?day={day}")).await;
        let shown = tab.eval("document.querySelectorAll('#kickoffs-caption ~ tbody tr').length").await;
        assert_eq!(shown, kickoffs, "{day}");
    }
    // A correction's kickoff is one of theirs too.
    tab.open(&format!("/tournaments/{id}/matches?round=1")).await;
    tab.click("table.matches tbody a").await;
    assert_eq!(tab.eval("document.querySelector('#kickoff').value").await, "2024-03-03T00:00");
    tab.fill("#kickoff", "2024-03-03T01:30").await;
    tab.click("form.correction button").await;
    let text = tab.text().await;
    assert!(text.contains("The kickoff in Asia/Tokyo: 3 Mar 2024, 00:00 → 3 Mar 2024, 01:30."), "{text}");

    tab.fill("#find", "ash").await;
    tab.click(".find button").await;
    let text = tab.text().await;
    assert!(text.contains("Ash") && text.contains("Little League 23/24"), "{text}");
    tab.click("#matches-caption ~ tbody a").await;
    assert!(tab.path().await.starts_with("/matches/"), "{}", tab.path().await);
    tab.open("/executions?q=little-league&from=2024-03-01&to=2024-03-02").await;
    assert!(tab.text().await.contains("Create tournament"), "{}", tab.text().await);
    tab.open("/executions?q=nothing-holds-this").await;
    assert!(tab.text().await.contains("None matches"), "{}", tab.text().await);
    tab.browser.close().await;
}

#[tokio::test]
async fn without_javascript_everything_works_by_loading_pages() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let mut tab = Tab::at(&world).await;
    tab.scripts(false).await;
    tab.sign_in().await;
    tab.open("/time-zone").await;
    assert_eq!(tab.eval("document.querySelector('[data-browser-zone]').hidden").await, true);
    tab.fill("#zone", "Europe/Berlin").await;
    tab.click("main form.stack button").await;
    assert!(tab.text().await.contains("times and days in Europe/Berlin"), "{}", tab.text().await);
    tab.open(&format!("/tournaments/{id}")).await;
    tab.click("form[action='/actions/refresh'] button").await;
    // The page loads itself again until the work has ended.
    tab.until("document.querySelector('main').innerText.includes('completed') && !document.querySelector('[data-live]')")
        .await;
    tab.browser.close().await;
}

/// Not an ordinary test: `make pictures` takes the README's pictures with it.
#[tokio::test]
#[ignore = "it takes pictures"]
async fn pictures_of_a_world_cup() {
    // The knockout rounds by schedules, so that what is shown has happened.
    let play = Play::file(Path::new("../local/seasons/2022-world-cup.json")).from("2022-12-01");
    let play = play.stand_in(ProviderName::FootballData);
    let Played { replay, .. } = &play.run().await;
    let desk = Desk::at(&replay.stack.desk_url);
    let (_, tournaments) = desk.get("/tournaments").await;
    let id = tournaments["items"][0]["id"].as_str().unwrap().to_owned();
    let (_, executions) = desk.get("/executions?operation=matches_create").await;
    let execution = executions["items"][0]["id"].as_str().unwrap().to_owned();

    let (_, final_round) = desk.get(&format!("/tournaments/{id}/matches?round=final")).await;
    let game = final_round[0]["id"].as_str().unwrap().to_owned();

    let mut tab = Tab::to(&replay.stack.desk_url).await;
    tab.open("/").await;
    tab.check("sign-in").await;
    tab.sign_in().await;
    for (path, name) in [
        ("/?day=2022-12-18".to_owned(), "today"),
        ("/executions?day=2022-12-18".to_owned(), "executions"),
        (format!("/executions/{execution}"), "execution"),
        (format!("{API}/executions/{execution}/report"), "report"),
        ("/tournaments".to_owned(), "tournaments"),
        (format!("/tournaments/{id}"), "tournament"),
        (format!("/tournaments/{id}/matches?round=final"), "matches"),
        (format!("/tournaments/{id}/table"), "table"),
        (format!("/tournaments/{id}/bracket"), "bracket"),
        (format!("/tournaments/{id}/checks"), "tournament-checks"),
        (format!("/tournaments/{id}/executions"), "tournament-executions"),
        (format!("/tournaments/{id}/history"), "history"),
        (format!("/tournaments/{id}/sources"), "sources"),
        (format!("/matches/{game}"), "match"),
        ("/checks?show=over".to_owned(), "checks"),
        ("/trends?weeks=4&until=2022-12-20".to_owned(), "trends"),
        ("/search?q=argentina".to_owned(), "search"),
        ("/audit".to_owned(), "audit"),
        ("/time-zone".to_owned(), "time-zone"),
        (
            "/tournaments/new?url=https%3A%2F%2Fwww.sofascore.com%2Ftournament%2Ffootball%2Fengland%2Fpremier-league%2F17%23id%3A61627".to_owned(),
            "create",
        ),
    ] {
        tab.open(&path).await;
        tab.check(name).await;
    }
    tab.browser.close().await;
}
