//! A tab of Chromium at the operator's desk: what a person does there, and what every page must fulfil.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use headless_chrome::protocol::cdp::{Emulation, Input, Page};
use local::stack::TOKEN;
use local::tools::Tools;
use serde_json::Value;
use shared::browser::{Browser, evaluate};

use crate::harness::World;

/// A page other than the one marked as old is loaded, and it is not the one that makes a browser from another site
/// repeat its request.
const ARRIVED: &str = "!window.old && !document.querySelector('meta[http-equiv=refresh]')";

/// A tab of a browser, at the desk.
pub(crate) struct Tab {
    pub browser: Browser,
    /// Clicks since the last sign-in.
    pub clicks: usize,
    url: String,
}

impl Tab {
    pub(crate) async fn at(world: &World) -> Self {
        Self::to(&world.stack.desk_url).await
    }

    /// At the desk of this address.
    pub(crate) async fn to(url: &str) -> Self {
        let url = url.to_owned();
        let chromium = Tools::find().unwrap().chromium;
        let browser = Browser::launch(&chromium, &url, Duration::from_secs(20), false).await.unwrap();
        let mut tab = Self { browser, clicks: 0, url };
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

    pub(crate) async fn eval(&mut self, script: &str) -> Value {
        match self.browser.call(evaluate(script.to_owned())).await {
            Ok(answer) => {
                assert!(answer.exception_details.is_none(), "{script}: {:?}", answer.exception_details);
                answer.result.value.unwrap_or_default()
            }
            // The document was replaced during the query.
            Err(_) => Value::Null,
        }
    }

    pub(crate) async fn until(&mut self, what: &str) -> Value {
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

    pub(crate) async fn open(&mut self, path: &str) {
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
    pub(crate) async fn click(&mut self, selector: &str) {
        self.clicks += 1;
        self.eval("window.old = true").await;
        let clicked = self.eval(&format!("document.querySelector({selector:?})?.click(), true")).await;
        assert_eq!(clicked, true, "{selector}");
        self.until(ARRIVED).await;
    }

    pub(crate) async fn fill(&mut self, selector: &str, value: &str) {
        let script = format!("(document.querySelector({selector:?}).value = {value:?}, true)");
        assert_eq!(self.eval(&script).await, true);
    }

    /// Presses and releases a key. `text` is the character that it types.
    pub(crate) async fn press(&mut self, key: &str, code: u32, text: Option<&str>, shift: bool) {
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
    pub(crate) async fn type_in(&mut self, text: &str) {
        for character in text.chars().map(String::from) {
            self.press(&character, 0, Some(&character), false).await;
        }
    }

    /// Tabs forwards or back until the element of `selector` has the focus. Every element on the way must have a
    /// visible focus indicator.
    pub(crate) async fn walk(&mut self, selector: &str, back: bool) {
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
    pub(crate) async fn go(&mut self, key: &str) {
        self.eval("window.old = true").await;
        match key {
            "Space" => self.press(" ", 32, Some(" "), false).await,
            _ => self.press("Enter", 13, Some("\r"), false).await,
        }
        self.until(ARRIVED).await;
    }

    pub(crate) async fn text(&mut self) -> String {
        self.eval("document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn path(&mut self) -> String {
        self.eval("location.pathname").await.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn size(&mut self, width: u32, height: u32) {
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

    /// Requirements of every page: no errors, all fields labelled, no wider than a phone, a tablet or a screen, and small.
    pub(crate) async fn check(&mut self, name: &str) {
        for (width, height, kind) in [(360, 740, "phone"), (768, 900, "tablet"), (1280, 900, "screen")] {
            self.size(width, height).await;
            let wide = self.eval("document.documentElement.scrollWidth").await.as_f64().unwrap();
            assert!(
                wide <= f64::from(width),
                "{name} is {wide} wide on a {kind}: {}",
                self.widest(width).await
            );
            self.picture(&format!("{kind}/{name}")).await;
        }
        if std::env::var_os("DESK_SHOTS").is_some() {
            self.coloured("dark", "true").await;
            self.picture(&format!("dark/{name}")).await;
            self.coloured("light", "true").await;
        }
        let bytes = self.eval("performance.getEntriesByType('navigation')[0].decodedBodySize").await;
        assert!(bytes.as_f64().unwrap() < 100_000.0, "{name} has {bytes} bytes");
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
    pub(crate) async fn axe(&mut self, name: &str) {
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

    /// Whether the pages' own scripts run.
    pub(crate) async fn scripts(&mut self, run: bool) {
        self.browser.call(Emulation::SetScriptExecutionDisabled { value: !run }).await.unwrap();
    }

    /// The result of `script` under a preferred colour scheme.
    pub(crate) async fn coloured(&mut self, scheme: &str, script: &str) -> Value {
        let scheme =
            Emulation::MediaFeature { name: "prefers-color-scheme".to_owned(), value: scheme.to_owned() };
        let media = Emulation::SetEmulatedMedia { media: None, features: Some(vec![scheme]) };
        self.browser.call(media).await.unwrap();
        self.eval(script).await
    }

    pub(crate) async fn widest(&mut self, width: u32) -> Value {
        self.eval(&format!(
            "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > {width} + 1 \
             && !e.closest('.scroll')).slice(0, 5).map(e => e.outerHTML.slice(0, 120))"
        ))
        .await
    }

    pub(crate) async fn picture(&mut self, name: &str) {
        let Some(directory) = std::env::var_os("DESK_SHOTS").map(PathBuf::from) else { return };
        let file = directory.join(format!("{name}.png"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
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
        std::fs::write(file, bytes).unwrap();
    }

    pub(crate) async fn sign_in(&mut self) {
        self.open("/").await;
        assert_eq!(self.path().await, "/sign-in", "{}", self.text().await);
        self.fill("#name", "Ann").await;
        self.fill("#token", TOKEN).await;
        self.click("main button").await;
        self.clicks = 0;
    }
}
