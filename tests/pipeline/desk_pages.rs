//! The operator's pages, in Chromium: what an operator does there, without script errors or sideways scrolling on a
//! phone. `DESK_SHOTS=DIR` keeps a picture of each page.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use headless_chrome::protocol::cdp::{Emulation, Input, Page};
use local::stack::TOKEN;
use local::tools::Tools;
use serde_json::Value;
use shared::browser::{Browser, evaluate};

use crate::desk::{API, Desk};
use crate::harness::{CUP, LEAGUE, World, moment};

/// A page other than the one marked as old is loaded, and it is not the one that makes a browser from another site
/// repeat its request.
const ARRIVED: &str = "!window.old && !document.querySelector('meta[http-equiv=refresh]')";

/// A tab of a browser, at the desk.
struct Tab {
    browser: Browser,
    url: String,
}

impl Tab {
    async fn at(world: &World) -> Self {
        let url = world.stack.desk_url.clone();
        let chromium = Tools::find().unwrap().chromium;
        let browser = Browser::launch(&chromium, &url, Duration::from_secs(20), false).await.unwrap();
        let mut tab = Self { browser, url };
        let watch = "window.wrong = []; \
             addEventListener('error', e => wrong.push(String(e.message))); \
             addEventListener('unhandledrejection', e => wrong.push(String(e.reason))); \
             document.addEventListener('securitypolicyviolation', e => wrong.push(e.violatedDirective + ' ' + e.blockedURI));";
        let script = Page::AddScriptToEvaluateOnNewDocument {
            source: watch.to_owned(),
            world_name: None,
            include_command_line_api: None,
            run_immediately: None,
        };
        tab.browser.call(Page::Enable { enable_file_chooser_opened_event: None }).await.unwrap();
        tab.browser.call(script).await.unwrap();
        tab
    }

    async fn eval(&mut self, script: &str) -> Value {
        match self.browser.call(evaluate(script.to_owned())).await {
            Ok(answer) => {
                assert!(answer.exception_details.is_none(), "{script}: {:?}", answer.exception_details);
                answer.result.value.unwrap_or_default()
            }
            // The document was replaced during the query.
            Err(_) => Value::Null,
        }
    }

    async fn until(&mut self, what: &str) -> Value {
        let began = Instant::now();
        loop {
            let found = self.eval(&format!("document.readyState === 'complete' && ({what})")).await;
            if found != Value::Bool(false) && !found.is_null() {
                return found;
            }
            let here = self.eval("location.href + ' ' + document.body?.innerText").await;
            assert!(began.elapsed() < Duration::from_secs(60), "not within a minute: {what}; at {here}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn open(&mut self, path: &str) {
        let url = format!("{}{path}", self.url);
        self.eval("window.old = true").await;
        self.eval(&format!("void (location.href = {url:?})")).await;
        self.until(ARRIVED).await;
        let here = self.eval("location.protocol + ' ' + document.body?.innerText").await;
        assert!(
            here.as_str().is_some_and(|here| here.starts_with("http")),
            "{path} could not be opened: {here}"
        );
    }

    /// Clicks the element of `selector`, and waits for the page that it opens.
    async fn click(&mut self, selector: &str) {
        self.eval("window.old = true").await;
        let clicked = self.eval(&format!("document.querySelector({selector:?})?.click(), true")).await;
        assert_eq!(clicked, true, "{selector}");
        self.until(ARRIVED).await;
    }

    async fn fill(&mut self, selector: &str, value: &str) {
        let script = format!("(document.querySelector({selector:?}).value = {value:?}, true)");
        assert_eq!(self.eval(&script).await, true);
    }

    /// Presses and releases a key. `text` is the character that it types.
    async fn press(&mut self, key: &str, code: u32, text: Option<&str>, shift: bool) {
        let down = match text {
            Some(_) => Input::DispatchKeyEventTypeOption::KeyDown,
            None => Input::DispatchKeyEventTypeOption::RawKeyDown,
        };
        for kind in [down, Input::DispatchKeyEventTypeOption::KeyUp] {
            let event = Input::DispatchKeyEvent {
                Type: kind,
                modifiers: Some(if shift { 8 } else { 0 }),
                timestamp: None,
                text: text.map(ToOwned::to_owned),
                unmodified_text: None,
                key_identifier: None,
                code: None,
                key: Some(key.to_owned()),
                windows_virtual_key_code: Some(code),
                native_virtual_key_code: None,
                auto_repeat: None,
                is_keypad: None,
                is_system_key: None,
                location: None,
                commands: None,
            };
            self.browser.call(event).await.unwrap();
        }
    }

    /// Types into the focused element.
    async fn type_in(&mut self, text: &str) {
        for character in text.chars().map(String::from) {
            self.press(&character, 0, Some(&character), false).await;
        }
    }

    /// Tabs forwards or back until the element of `selector` has the focus. Every element on the way must have a
    /// visible focus indicator.
    async fn walk(&mut self, selector: &str, back: bool) {
        // Keys pressed before the page is rendered are ignored.
        self.until("performance.getEntriesByName('first-contentful-paint').length > 0").await;
        let mut stops = Vec::new();
        while stops.len() < 100 {
            self.press("Tab", 9, None, back).await;
            let stop = self
                .eval(&format!(
                    "(() => {{
                       const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
                       const shown = box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
                         && box.top < innerHeight && box.left < innerWidth
                         && (parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none' || style.boxShadow !== 'none');
                       return {{ shown, there: e.matches({selector:?}), stop: e.outerHTML.slice(0, 120) }};
                     }})()"
                ))
                .await;
            assert_eq!(
                stop["shown"], true,
                "on the way to {selector}, after {stops:#?}, the focus can't be seen: {stop}"
            );
            if stop["there"] == true {
                return;
            }
            stops.push(stop["stop"].to_string());
        }
        panic!("{selector} can't be reached: {stops:#?}");
    }

    /// Presses a key that opens another page, and waits for it.
    async fn go(&mut self, key: &str) {
        self.eval("window.old = true").await;
        match key {
            "Space" => self.press(" ", 32, Some(" "), false).await,
            _ => self.press("Enter", 13, Some("\r"), false).await,
        }
        self.until(ARRIVED).await;
    }

    async fn text(&mut self) -> String {
        self.eval("document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    async fn path(&mut self) -> String {
        self.eval("location.pathname").await.as_str().unwrap_or_default().to_owned()
    }

    async fn size(&mut self, width: u32, height: u32) {
        let metrics = Emulation::SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: 1.0,
            mobile: false,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        };
        self.browser.call(metrics).await.unwrap();
    }

    /// Requirements of every page: no errors, all fields labelled, no wider than a phone.
    async fn check(&mut self, name: &str) {
        self.size(1100, 900).await;
        self.picture(name).await;
        self.size(360, 740).await;
        let wide = self.eval("document.documentElement.scrollWidth").await;
        assert!(wide.as_f64().unwrap() <= 360.0, "{name} is {wide} wide: {}", self.widest().await);
        self.size(1100, 900).await;
        assert_eq!(self.eval("window.wrong").await, serde_json::json!([]), "{name}");
        let problems = self
            .eval(
                "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
                   .filter(e => !e.labels?.length).map(e => 'no label: ' + e.outerHTML)
                 .concat([...document.querySelectorAll('table')]
                   .filter(t => !t.caption || !t.querySelector('th[scope]')).map(() => 'a table without caption or scope'))
                 .concat([...document.querySelectorAll('button, a')]
                   .filter(e => !e.innerText.trim() && !e.getAttribute('aria-label')).map(e => 'no name: ' + e.outerHTML))
                 .concat(document.querySelectorAll('main').length === 1 && document.querySelectorAll('h1').length === 1
                   && document.documentElement.lang ? [] : ['landmarks'])
                 .concat([...document.querySelectorAll('[id]')].map(e => e.id)
                   .filter((id, i, all) => all.indexOf(id) !== i).map(id => 'id twice: ' + id))",
            )
            .await;
        assert_eq!(problems, serde_json::json!([]), "{name}");
        self.axe(name).await;
    }

    /// The same by axe-core, contrast included, in light and dark, where `AXE` names its script (`make axe`).
    async fn axe(&mut self, name: &str) {
        let Some(script) = std::env::var_os("AXE") else { return };
        self.eval(&format!("{}; true", std::fs::read_to_string(script).unwrap())).await;
        for scheme in ["light", "dark"] {
            let violations = self
                .coloured(
                    scheme,
                    "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html).join(' ')))",
                )
                .await;
            assert_eq!(violations, serde_json::json!([]), "{name} in {scheme}");
        }
    }

    /// The result of `script` under a preferred colour scheme.
    async fn coloured(&mut self, scheme: &str, script: &str) -> Value {
        let scheme =
            Emulation::MediaFeature { name: "prefers-color-scheme".to_owned(), value: scheme.to_owned() };
        let media = Emulation::SetEmulatedMedia { media: None, features: Some(vec![scheme]) };
        self.browser.call(media).await.unwrap();
        self.eval(script).await
    }

    async fn widest(&mut self) -> Value {
        self.eval(
            "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361 \
             && !e.closest('.scroll')).slice(0, 5).map(e => e.outerHTML.slice(0, 120))",
        )
        .await
    }

    async fn picture(&mut self, name: &str) {
        let Some(directory) = std::env::var_os("DESK_SHOTS").map(PathBuf::from) else { return };
        std::fs::create_dir_all(&directory).unwrap();
        let shot = Page::CaptureScreenshot {
            format: Some(Page::CaptureScreenshotFormatOption::Png),
            quality: None,
            clip: None,
            from_surface: Some(true),
            capture_beyond_viewport: Some(true),
            optimize_for_speed: None,
        };
        let shot = self.browser.call(shot).await.unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot.data).unwrap();
        std::fs::write(directory.join(format!("{name}.png")), bytes).unwrap();
    }

    async fn sign_in(&mut self) {
        self.open("/").await;
        assert_eq!(self.path().await, "/sign-in", "{}", self.text().await);
        self.fill("#name", "Ann").await;
        self.fill("#token", TOKEN).await;
        self.click("main button").await;
    }
}

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
    world.clock.set(moment("2024-03-02T20:00:00Z"));
    tab.click("form[action='/actions/scores'] button").await;
    tab.until("!document.querySelector('[data-live]')").await;
    tab.open("/tournaments").await;
    tab.click("tbody a").await;
    let text = tab.text().await;
    assert!(text.contains("Agrees with the provider") && text.contains("2–1"), "{text}");
    tab.check("tournament").await;
    tab.open("/executions?status=completed").await;
    tab.check("executions").await;
    tab.open("/?day=2024-03-02").await;
    assert!(tab.text().await.contains("2 of 2"), "{}", tab.text().await);
    tab.check("today").await;
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

    tab.open(&format!("/tournaments/{id}?round=final")).await;
    let winner = tab.eval("document.querySelector('.bracket .winner').innerText").await;
    assert!(winner.as_str().unwrap().contains("Pine"), "{winner}");
    tab.check("bracket").await;

    let correction = format!(
        "BEGIN; SET LOCAL best_shot.execution_id = '{}'; UPDATE match SET home_score = 3, date = date + interval '1 hour'
            WHERE round_slug = 'final'; COMMIT",
        accepted["executionId"].as_str().unwrap()
    );
    world.db.batch_execute(&correction).await.unwrap();
    // Why did this result change? Two clicks from the tournament: the match, then the run.
    tab.click("#matches-caption ~ tbody a").await;
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
    tab.walk("nav a[href='/tournaments/new']", true).await;
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
    tab.walk("nav a[href='/tournaments/new']", true).await;
    tab.until("!document.querySelector('[data-live]')").await;
    tab.walk("nav a[href='/executions']", true).await;
    tab.go("Enter").await;
    tab.walk("tbody a", false).await;
    tab.go("Enter").await;
    assert!(tab.path().await.starts_with("/executions/"), "{}", tab.path().await);
    tab.walk("h1 a", false).await;
    tab.go("Enter").await;
    assert!(tab.path().await.starts_with("/tournaments/"), "{}", tab.path().await);
    tab.walk("form[action='/actions/standings'] button", false).await;
    tab.walk("form[action='/actions/refresh'] button", true).await;
    tab.go("Enter").await;
    tab.until("!document.querySelector('[data-live]')").await;
    let text = tab.text().await;
    assert!(text.contains("Update tournament") && text.contains("completed"), "{text}");
    tab.browser.close().await;
}

/// Not an ordinary test: `make pictures` takes the README's pictures with it.
#[tokio::test]
#[ignore = "it takes pictures"]
async fn pictures_of_a_world_cup() {
    let season = std::fs::read_to_string("../local/seasons/2022-world-cup.json").unwrap();
    let world = World::at("2022-12-18T00:01:00Z", &season).await;
    let id = world.create().await;
    world.invoke_at("2022-12-18T00:01:00Z", "daily-routine", serde_json::json!({})).await.unwrap();
    for (now, check) in [("2022-12-18T16:30:00Z", "interim"), ("2022-12-18T17:00:00Z", "closing")] {
        let event = serde_json::json!({
            "tournamentId": id, "roundSlug": "final", "check": check, "kickoff": "2022-12-18T15:00:00Z"
        });
        world.invoke_at(now, "scores-and-standings", event).await.unwrap();
    }
    let event = serde_json::json!({"tournamentId": id});
    world.invoke_at("2022-12-18T18:30:00Z", "knockouts", event).await.unwrap();
    let event = serde_json::json!({"tournamentId": id, "roundSlug": "final", "check": "follow-up"});
    world.invoke_at("2022-12-18T18:40:00Z", "scores-and-standings", event).await.unwrap();
    let desk = Desk::of(&world);
    let (_, executions) = desk.get("/executions?operation=matches_create").await;
    let execution = executions["items"][0]["id"].as_str().unwrap().to_owned();

    let (_, final_round) = desk.get(&format!("/tournaments/{id}/matches?round=final")).await;
    let game = final_round[0]["id"].as_str().unwrap().to_owned();

    let mut tab = Tab::at(&world).await;
    tab.open("/").await;
    tab.check("sign-in").await;
    tab.sign_in().await;
    for (path, name) in [
        ("/?day=2022-12-18".to_owned(), "today"),
        ("/executions?day=2022-12-18".to_owned(), "executions"),
        (format!("/executions/{execution}"), "execution"),
        (format!("{API}/executions/{execution}/report"), "report"),
        ("/tournaments".to_owned(), "tournaments"),
        (format!("/tournaments/{id}?round=final"), "tournament"),
        (format!("/matches/{game}"), "match"),
        (format!("/tournaments/{id}/history"), "history"),
        (
            "/tournaments/new?url=https%3A%2F%2Fwww.sofascore.com%2Ftournament%2Ffootball%2Fengland%2Fpremier-league%2F17%23id%3A61627".to_owned(),
            "create",
        ),
    ] {
        tab.open(&path).await;
        tab.check(name).await;
    }
    tab.open("/?day=2022-12-18").await;
    tab.size(360, 740).await;
    tab.picture("phone").await;
    tab.browser.close().await;
}
