//! The real browser and the SofaScore client, against a local server that misbehaves.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use football::domain::{MatchStatus, Round, RoundAddress, Score};
use serde_json::{Value, json};
use shared::browser::{Browser, BrowserError};
use shared::clock::Clock;
use shared::config::ProviderConfig;
use shared::gate::Gate;
use shared::provider::{ProviderError, ProviderName, Rounds, SofaScore, SofaScoreSeason};
use shared::store::Store;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::migrated_database;

const SEASON: SofaScoreSeason = SofaScoreSeason { tournament: 16, season: 41087 };
const ROUNDS: &str = "/api/v1/unique-tournament/16/season/41087/rounds";
const FINAL: &str = "/api/v1/unique-tournament/16/season/41087/events/round/29/slug/final";
const LOGO: &str = "/api/v1/unique-tournament/16/image";
/// The time limit of a request in the page, unless a test sets another.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Time for two launches, the client's own grace of 2 s, and other load on the machine.
const SLACK: Duration = Duration::from_secs(10);

/// What the server does with one request.
#[derive(Clone)]
enum Reply {
    /// Answers: status, header lines, body.
    Answer(u16, String, Vec<u8>),
    /// Never answers.
    Hang,
    /// Never stops answering: this many bytes at a time, with a pause in between.
    Endless(usize, Duration),
}

fn data(status: u16, body: &Value) -> Reply {
    Reply::Answer(status, "Content-Type: application/json\r\n".to_owned(), body.to_string().into_bytes())
}

fn body(content_type: &str, body: &[u8]) -> Reply {
    Reply::Answer(200, format!("Content-Type: {content_type}\r\n"), body.to_vec())
}

/// This many bytes after the PNG signature.
fn png(size: usize) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0xff; size]].concat()
}

fn empty(status: u16, headers: &str) -> Reply {
    Reply::Answer(status, headers.to_owned(), Vec::new())
}

fn good_rounds() -> Reply {
    data(200, &json!({"currentRound": {"round": 2}, "rounds": [{"round": 1}, {"round": 2}]}))
}

fn challenge(status: u16) -> Reply {
    data(status, &json!({"error": {"code": 403, "reason": "challenge"}}))
}

fn interstitial() -> Reply {
    body("text/html", b"<!DOCTYPE html><title>Just a moment</title>")
}

/// A server with a list of replies per path: one per request, the last one repeatedly.
struct Scripted {
    origin: String,
    script: Mutex<HashMap<&'static str, Vec<Reply>>>,
    seen: Mutex<Vec<String>>,
    sent: AtomicUsize,
}

impl Scripted {
    /// Written with plain sockets, since an HTTP library would not send malformed answers.
    async fn start<const N: usize>(script: [(&'static str, Vec<Reply>); N]) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Arc::new(Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            script: Mutex::new(HashMap::from(script)),
            seen: Mutex::default(),
            sent: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&accepting);
                // An error means that the browser has closed the connection.
                tokio::spawn(async move { server.answer(stream).await.ok() });
            }
        });
        server
    }

    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(&mut stream).lines();
        let Some(request) = lines.next_line().await? else { return Ok(()) };
        while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        match self.next_reply(path) {
            Reply::Answer(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} Scripted\r\nConnection: close\r\n{headers}");
                write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&body).await
            }
            Reply::Hang => std::future::pending().await,
            Reply::Endless(size, pause) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").await?;
                loop {
                    stream.write_all(&vec![b' '; size]).await?;
                    self.sent.fetch_add(size, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn next_reply(&self, path: String) -> Reply {
        let mut script = self.script.lock().unwrap();
        let reply = match script.get_mut(path.as_str()) {
            Some(replies) if replies.len() > 1 => replies.remove(0),
            Some(replies) => replies[0].clone(),
            None if path == "/" => body("text/html", b"<!DOCTYPE html><title>Front page</title>"),
            None => data(404, &json!({"error": {"code": 404, "message": "Not Found"}})),
        };
        self.seen.lock().unwrap().push(path);
        reply
    }

    /// The paths that were requested since the last call.
    fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// A server, and a browser's binary under a unique name, which distinguishes its processes from other tests'.
struct World {
    server: Arc<Scripted>,
    config: ProviderConfig,
    store: Store,
    dir: TempDir,
}

impl World {
    async fn new<const N: usize>(script: [(&'static str, Vec<Reply>); N]) -> Self {
        let server = Scripted::start(script).await;
        let dir = tempfile::tempdir().unwrap();
        let chromium = dir.path().join("chromium");
        symlink(local::tools::Tools::find().unwrap().chromium, &chromium).unwrap();
        let origin = server.origin.clone();
        let config = ProviderConfig {
            origin,
            pause: Duration::ZERO,
            refusal_wait: TimeDelta::hours(2),
            chromium,
            single_process: false,
            request_timeout: TIMEOUT,
        };
        let store = Store::new(&migrated_database().await.into(), None).unwrap();
        Self { server, config, store, dir }
    }

    fn client(&self) -> SofaScore {
        let pace = (self.config.pause, self.config.refusal_wait);
        let store = self.store.clone();
        let gate = Gate::new(ProviderName::SofaScore, store, Clock::default(), None, false, pace);
        SofaScore::new(self.config.clone(), gate)
    }

    async fn launch(&self) -> Result<Browser, BrowserError> {
        let ProviderConfig { chromium, origin, request_timeout, single_process, .. } = &self.config;
        Browser::launch(chromium, origin, *request_timeout, *single_process).await
    }

    /// Requests the rounds in a new session; returns the result, the requests that the server got, and the duration.
    async fn ask_rounds(&self) -> (Result<Rounds, ProviderError>, Vec<String>, Duration) {
        let began = Instant::now();
        let mut client = self.client();
        let result = client.rounds(&SEASON).await;
        let took = began.elapsed();
        client.close().await;
        (result, self.server.take_seen(), took)
    }

    /// Replaces the browser by a script. Another process writes it: while this one has it open for writing, a child
    /// process of a concurrent test would inherit the descriptor, and the script could not be executed (ETXTBSY).
    fn replace_browser(&mut self, script: &str) {
        self.config.chromium = self.dir.path().join("script");
        let path = self.config.chromium.display();
        shell(&format!("printf '#!/bin/sh\\n{script}\\n' >{path} && chmod +x {path}"));
    }

    /// Signals the browser's main process, or its renderers. Returns its process group.
    fn signal(&self, signal: &str, renderers: bool) -> u32 {
        let ours = self.config.chromium.to_str().unwrap();
        let all = processes();
        let group = all.iter().find(|process| process.command.starts_with(ours)).unwrap().group;
        let wanted = all.iter().filter(|process| process.group == group).filter(|process| match renderers {
            true => process.command.contains(" --type=renderer"),
            false => process.id == group,
        });
        let ids: Vec<String> = wanted.map(|process| process.id.to_string()).collect();
        assert!(!ids.is_empty(), "nothing to signal");
        shell(&format!("kill -{signal} {}", ids.join(" ")));
        group
    }
}

struct Process {
    id: u32,
    group: u32,
    command: String,
}

/// Every process of the machine, except zombies.
fn processes() -> Vec<Process> {
    let read = |dir: PathBuf| {
        let id = dir.file_name()?.to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(dir.join("stat")).ok()?;
        let (_, stat) = stat.rsplit_once(") ")?;
        let mut fields = stat.split(' ');
        let state = fields.next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let command = std::fs::read_to_string(dir.join("cmdline")).ok()?;
        let command = command.replace('\0', " ");
        (!["Z", "X"].contains(&state)).then_some(Process { id, group, command })
    };
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| read(entry.ok()?.path())).collect()
}

/// What the browsers of a function's process have left: processes that use one of their profiles, and profiles.
fn left_by(function: u32) -> (usize, usize) {
    let mark = format!("chromium-profile-{function}-");
    // Not all of them have the profile in their command line, but it is the home directory of all.
    let lives_there = |process: &&Process| {
        let environment = std::fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
        process.command.contains(&mark) || String::from_utf8_lossy(&environment).contains(&mark)
    };
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let profiles = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&mark)).count();
    (processes().iter().filter(lives_there).count(), profiles)
}

fn shell(script: &str) {
    assert!(Command::new("sh").args(["-c", script]).status().unwrap().success(), "{script}");
}

/// A killed process takes a moment to end.
async fn gone(mut is_gone: impl FnMut() -> bool) -> bool {
    for _ in 0..200 {
        if is_gone() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Whether a browser's process group has no processes left.
async fn group_gone(group: u32) -> bool {
    gone(|| processes().iter().all(|process| process.group != group)).await
}

fn kind<T>(result: &Result<T, ProviderError>) -> &'static str {
    result.as_ref().map_or_else(|error| error.kind().into(), |_| "Ok")
}

fn final_round() -> Round {
    Round::new(2, Some("Final"), RoundAddress { number: 29, slug: Some("final".to_owned()), prefix: None })
}

#[tokio::test]
async fn answers_are_read_through_a_page_of_the_providers_own() {
    let event = json!({"id": 7, "startTimestamp": 1_671_375_600, "status": {"code": 100, "type": "finished"},
        "homeTeam": {"id": 1, "name": "Argentina"}, "awayTeam": {"id": 2, "name": "Österreich 🇦🇹"},
        "homeScore": {"display": 2, "current": 2}, "awayScore": {"display": 1, "current": 1}});
    let events = data(200, &json!({"events": [event]}));
    let world = World::new([(ROUNDS, vec![good_rounds()]), (FINAL, vec![events])]).await;
    let mut client = world.client();
    let rounds = client.rounds(&SEASON).await.unwrap();
    assert_eq!(rounds.rounds.iter().map(|round| round.slug.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(rounds.current.as_deref(), Some("2"));
    let reading = client.round(&SEASON, "final", &final_round().address).await.unwrap();
    assert_eq!(reading.matches.len(), 1);
    assert_eq!(reading.matches[0].status, MatchStatus::Ended);
    assert_eq!(reading.matches[0].score, Some(Score::new(2, 1)));
    assert_eq!(reading.teams[1].name, "Österreich 🇦🇹");
    let requests = client.requests().all();
    assert_eq!(requests.iter().map(|request| request.status).collect::<Vec<_>>(), [Some(200), Some(200)]);
    client.close().await;
    assert_eq!(world.server.take_seen(), ["/", ROUNDS, FINAL]);
}

#[tokio::test]
async fn a_session_that_asks_nothing_launches_nothing() {
    let mut world = World::new([]).await;
    let touched = world.dir.path().join("touched");
    world.replace_browser(&format!("touch {}", touched.display()));
    world.client().close().await;
    assert!(!touched.exists());
    assert!(world.server.take_seen().is_empty());
}

#[tokio::test]
async fn a_round_that_is_not_there_or_empty_is_not_drawn() {
    let world = World::new([(FINAL, vec![data(200, &json!({"events": []})), empty(404, "")])]).await;
    let mut client = world.client();
    assert_eq!(client.round_if_drawn(&SEASON, &final_round()).await.unwrap(), None);
    assert_eq!(client.round_if_drawn(&SEASON, &final_round()).await.unwrap(), None);
    assert_eq!(kind(&client.rounds(&SEASON).await), "NotFound");
    client.close().await;
    assert_eq!(world.server.take_seen(), ["/", FINAL, FINAL, ROUNDS]);
}

#[tokio::test]
async fn a_refusal_gets_one_more_warm_up_and_one_more_try() {
    for (replies, expected) in [
        (vec![challenge(403)], "Blocked"),
        (vec![challenge(200)], "Blocked"),
        (vec![interstitial()], "Blocked"),
        (vec![challenge(403), good_rounds()], "Ok"),
    ] {
        let world = World::new([(ROUNDS, replies)]).await;
        let (result, seen, _) = world.ask_rounds().await;
        assert_eq!(kind(&result), expected);
        assert_eq!(seen, ["/", ROUNDS, "/", ROUNDS]);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_names_the_field_and_is_not_asked_for_again() {
    for (reply, reason) in [
        (body("application/json", br#"{"rounds":[{"round":1},{"rou"#), "not JSON"),
        (data(200, &json!({"rounds": [{"round": "one"}]})), "rounds[0].round"),
        (data(200, &json!({"rounds": {}})), "rounds"),
    ] {
        let world = World::new([(ROUNDS, vec![reply])]).await;
        let (result, seen, _) = world.ask_rounds().await;
        assert_eq!((kind(&result), seen.len()), ("Malformed", 2));
        let text = result.unwrap_err().to_string();
        assert!(text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn an_answer_is_what_it_is_and_not_what_it_calls_itself() {
    let rounds = json!({"rounds": [{"round": 1}]}).to_string();
    let page = "<!DOCTYPE html><title>Just a moment</title>";
    for (content_type, text, expected, asked) in [
        ("text/html", rounds.as_str(), "Ok", 1),
        ("text/plain; charset=latin1", &rounds, "Ok", 1),
        ("image/png", &rounds, "Ok", 1),
        // A challenge page is a refusal: one more warm-up, one retry.
        ("application/json", page, "Blocked", 2),
        ("application/octet-stream", page, "Blocked", 2),
        ("application/json", "all is well", "Malformed", 1),
    ] {
        let world = World::new([(ROUNDS, vec![body(content_type, text.as_bytes())])]).await;
        let (result, seen, _) = world.ask_rounds().await;
        assert_eq!(kind(&result), expected, "{content_type} {text}: {result:?}");
        let seen = seen.iter().filter(|path| *path == ROUNDS).count();
        assert_eq!(seen, asked, "{content_type} {text}");
    }
}

#[tokio::test]
async fn a_short_retry_after_is_waited_out_and_a_long_one_is_not() {
    let world = World::new([(ROUNDS, vec![empty(429, "Retry-After: 1\r\n"), good_rounds()])]).await;
    let (result, seen, took) = world.ask_rounds().await;
    assert_eq!(kind(&result), "Ok");
    assert_eq!(seen, ["/", ROUNDS, ROUNDS]);
    assert!(took >= Duration::from_secs(1), "{took:?}");

    let world = World::new([(ROUNDS, vec![empty(429, "Retry-After: 3600\r\n")])]).await;
    let (result, seen, took) = world.ask_rounds().await;
    let retry_after = Some(Duration::from_secs(3600));
    assert!(
        matches!(&result, Err(ProviderError::RateLimited { retry_after: said, .. }) if *said == retry_after)
    );
    assert_eq!(seen, ["/", ROUNDS]);
    assert!(took < SLACK, "{took:?}");
}

#[tokio::test]
async fn a_server_error_is_asked_once_more() {
    for (replies, expected) in
        [(vec![empty(503, ""), good_rounds()], "Ok"), (vec![empty(503, "")], "Unavailable")]
    {
        let world = World::new([(ROUNDS, replies)]).await;
        let (result, seen, _) = world.ask_rounds().await;
        assert_eq!(kind(&result), expected);
        assert_eq!(seen, ["/", ROUNDS, ROUNDS]);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let second = Duration::from_secs(1);
    for path in [ROUNDS, "/"] {
        let mut world = World::new([(path, vec![Reply::Hang])]).await;
        world.config.request_timeout = second;
        let (result, seen, took) = world.ask_rounds().await;
        assert_eq!(kind(&result), "Unavailable", "{path}");
        // Twice one second, or twice that and the grace while the front page is opened.
        assert!(took >= 2 * second && took < 2 * second + SLACK, "{path}: {took:?}");
        assert!(seen.len() <= 3 && seen.iter().any(|seen| seen == path), "{seen:?}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_not_the_browsers_fault() {
    let mut world = World::new([]).await;
    let (_held, unbound) = local::tools::unanswered().unwrap();
    world.config.origin = format!("http://{unbound}");
    let (result, _, took) = world.ask_rounds().await;
    assert_eq!(kind(&result), "Unavailable");
    assert!(took < SLACK, "{took:?}");
}

#[tokio::test]
async fn a_refusal_whose_warm_up_fails_is_no_error_of_the_browser() {
    let front = vec![body("text/html", b"<title>Front page</title>"), Reply::Hang];
    let mut world = World::new([("/", front), (ROUNDS, vec![challenge(403)])]).await;
    world.config.request_timeout = Duration::from_secs(1);
    let (result, _, took) = world.ask_rounds().await;
    assert_eq!(kind(&result), "Blocked", "{result:?}");
    assert!(took < 3 * Duration::from_secs(3) + SLACK, "{took:?}");
}

#[tokio::test]
async fn another_hosts_answer_is_not_taken() {
    let foreign = Reply::Answer(
        200,
        "Content-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n".to_owned(),
        json!({"rounds": [{"round": 666}]}).to_string().into_bytes(),
    );
    let other = Scripted::start([(ROUNDS, vec![foreign])]).await;
    let redirect = empty(302, &format!("Location: {}{ROUNDS}\r\n", other.origin));
    let world = World::new([(ROUNDS, vec![redirect.clone()])]).await;
    let (result, seen, _) = world.ask_rounds().await;
    assert_eq!(kind(&result), "Unavailable", "{result:?}");
    assert_eq!(seen, ["/", ROUNDS, ROUNDS]);
    assert_eq!(other.take_seen(), Vec::<String>::new(), "not even asked");

    // The front page redirects to another host, which is another name of this machine.
    let elsewhere = other.origin.replace("127.0.0.1", "localhost");
    let redirect = empty(302, &format!("Location: {elsewhere}{ROUNDS}\r\n"));
    let mut world = World::new([("/", vec![redirect])]).await;
    world.config.request_timeout = Duration::from_secs(1);
    let (result, seen, _) = world.ask_rounds().await;
    assert_eq!((kind(&result), seen), ("Unavailable", vec!["/".to_owned(); 2]));
    assert_eq!(other.take_seen(), Vec::<String>::new(), "not even asked");
}

#[tokio::test]
async fn an_endless_body_is_refused_by_its_size_and_by_its_time() {
    let flood = Reply::Endless(1 << 20, Duration::ZERO);
    let trickle = Reply::Endless(1, Duration::from_millis(50));
    for (reply, timeout) in [(flood, TIMEOUT), (trickle, Duration::from_secs(1))] {
        let mut world = World::new([(ROUNDS, vec![reply])]).await;
        world.config.request_timeout = timeout;
        let (result, seen, took) = world.ask_rounds().await;
        assert_eq!((kind(&result), seen.len()), ("Unavailable", 3));
        assert!(took < 2 * timeout + SLACK, "{took:?}");
        // 16 MB are accepted, twice; the rest is in transit.
        assert!(world.server.sent.load(Ordering::Relaxed) < 64 << 20);
    }
}

#[tokio::test]
async fn an_image_is_what_its_first_bytes_say() {
    for (reply, expected) in [
        (body("image/png", &png(1000)), "Ok"),
        (body("image/png", b"GIF89a"), "Malformed"),
        (body("image/png", b""), "Malformed"),
        (body("image/png", &png(2 << 20)), "Malformed"),
        (empty(404, ""), "NotFound"),
        (empty(503, ""), "Unavailable"),
        (challenge(403), "Blocked"),
        (challenge(200), "Blocked"),
        (interstitial(), "Blocked"),
    ] {
        let world = World::new([(LOGO, vec![reply])]).await;
        let mut client = world.client();
        let result = client.tournament_image(&SEASON).await;
        client.close().await;
        assert_eq!((kind(&result), world.server.take_seen().len()), (expected, 2), "{result:?}");
        if let Ok(image) = result {
            assert_eq!((image.content_type, image.extension, image.bytes), ("image/png", "png", png(1000)));
        }
    }
}

#[tokio::test]
async fn a_browser_that_is_missing_or_ends_at_once_is_reported_at_once() {
    let mut world = World::new([]).await;
    for (binary, reason) in [("/no/such/chromium", "CHROMIUM_PATH"), ("/bin/false", "exit status: 1")] {
        world.config.chromium = binary.into();
        let (result, seen, took) = world.ask_rounds().await;
        assert_eq!((kind(&result), seen.len()), ("Browser", 0));
        assert!(took < Duration::from_secs(5), "{took:?}");
        let text = result.unwrap_err().to_string();
        assert!(text.contains(binary) && text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn the_browser_gets_none_of_the_functions_variables_but_those_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let variables = dir.path().join("variables");
    let mut world = World::new([]).await;
    world.replace_browser(&format!("env > {}; exit 1", variables.display()));
    let error = world.launch().await.err().unwrap();
    assert!(matches!(error, BrowserError::Launch { .. }), "{error}");
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")), "this process has some to hide");
    let known =
        ["PATH", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "TMPDIR", "LANG", "TZ", "HOME"];
    // What the shell sets itself.
    let of_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    for line in std::fs::read_to_string(&variables).unwrap().lines() {
        let name = line.split('=').next().unwrap();
        assert!(known.contains(&name) || of_shell.contains(&name), "{line}");
    }
}

#[tokio::test]
async fn a_browser_that_needs_long_to_start_is_waited_for() {
    let mut world = World::new([]).await;
    let chromium = world.config.chromium.clone();
    world.replace_browser(&format!(r#"sleep 6; exec {} "$@""#, chromium.display()));
    world.launch().await.unwrap();
}

#[tokio::test]
async fn a_browser_that_hangs_at_launch_is_given_up_and_killed() {
    let dir = tempfile::tempdir().unwrap();
    let wrote = dir.path().join("profile");
    for end in ["sleep 60", "exec 2>&-; sleep 60"] {
        let script = format!(
            r#"for flag; do case $flag in --user-data-dir=*) echo "$flag" > {};; esac; done; echo $$ >&2; {end}"#,
            wrote.display()
        );
        let script = script.as_str();
        let mut world = World::new([]).await;
        world.replace_browser(script);
        let began = Instant::now();
        let error = world.launch().await.err().unwrap();
        // It is waited for while it lives; its output's end shows at once that it does not listen.
        let most = if end.starts_with("exec") { 8 } else { 40 };
        assert!(began.elapsed() < Duration::from_secs(most), "{script}: {:?}", began.elapsed());
        assert!(matches!(error, BrowserError::Launch { .. }), "{error}");
        // Its output ends with its process id, which is also its group's.
        let said = error.to_string();
        let group = said.rsplit(' ').next().and_then(|word| word.parse().ok());
        assert!(group_gone(group.unwrap_or_else(|| panic!("{said}"))).await, "{script}");
        let profile = std::fs::read_to_string(&wrote).unwrap();
        let profile = profile.trim().strip_prefix("--user-data-dir=").unwrap();
        assert!(!Path::new(profile).exists(), "{profile}");
    }
}

#[tokio::test]
async fn a_killed_browser_or_renderer_is_replaced_once() {
    for renderers in [true, false] {
        let world = World::new([(ROUNDS, vec![good_rounds()])]).await;
        let mut client = world.client();
        client.rounds(&SEASON).await.unwrap();
        let first = world.signal("KILL", renderers);
        let began = Instant::now();
        assert_eq!(kind(&client.rounds(&SEASON).await), "Ok", "renderers: {renderers}");
        assert!(began.elapsed() < TIMEOUT + SLACK, "{:?}", began.elapsed());
        assert_eq!(world.server.take_seen(), ["/", ROUNDS, "/", ROUNDS]);
        let second = world.signal("KILL", renderers);
        assert_eq!(kind(&client.rounds(&SEASON).await), "Browser", "renderers: {renderers}");
        assert!(world.server.take_seen().is_empty());
        client.close().await;
        assert!(first != second && group_gone(first).await && group_gone(second).await);
    }
}

#[tokio::test]
async fn a_stopped_browser_or_renderer_costs_no_more_than_the_requests_time() {
    for renderers in [true, false] {
        let mut world = World::new([(ROUNDS, vec![good_rounds()])]).await;
        world.config.request_timeout = Duration::from_secs(1);
        let mut client = world.client();
        client.rounds(&SEASON).await.unwrap();
        let group = world.signal("STOP", renderers);
        let began = Instant::now();
        assert_eq!(kind(&client.rounds(&SEASON).await), "Ok", "renderers: {renderers}");
        assert!(began.elapsed() < Duration::from_secs(1) + SLACK, "{:?}", began.elapsed());
        assert!(group_gone(group).await, "renderers: {renderers}");
        client.close().await;
    }
}

/// As in the template: reportedly a browser of several processes does not start in Lambda.
#[tokio::test]
async fn a_browser_of_one_process_reads_is_replaced_once_and_leaves_nothing() {
    for signal in ["KILL", "STOP"] {
        let mut world =
            World::new([(ROUNDS, vec![good_rounds()]), (LOGO, vec![body("image/png", &png(1000))])]).await;
        world.config.single_process = true;
        world.config.request_timeout = Duration::from_secs(2);
        let mut client = world.client();
        client.rounds(&SEASON).await.unwrap();
        assert_eq!(client.tournament_image(&SEASON).await.unwrap().bytes, png(1000));
        let first = world.signal(signal, false);
        let began = Instant::now();
        assert_eq!(kind(&client.rounds(&SEASON).await), "Ok", "{signal}");
        assert!(began.elapsed() < world.config.request_timeout + SLACK, "{signal}: {:?}", began.elapsed());
        assert_eq!(world.server.take_seen(), ["/", ROUNDS, LOGO, "/", ROUNDS]);
        assert!(group_gone(first).await, "{signal}");
        client.close().await;

        let browser = world.launch().await.unwrap();
        let group = browser.process_id();
        let mut processes = processes();
        processes.retain(|process| process.group == group);
        let commands: Vec<&str> = processes.iter().map(|process| process.command.as_str()).collect();
        assert_eq!(commands.len(), 1, "{commands:#?}");
        drop(browser);
        assert!(group_gone(group).await, "{signal}");
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_browser_closed_or_dropped() {
    let world = World::new([]).await;
    for close in [true, false, true, false] {
        let browser = world.launch().await.unwrap();
        let group = browser.process_id();
        // The browser may offer its page a moment before the renderer's process has started.
        let deadline = Instant::now() + TIMEOUT;
        let processes = loop {
            let mut processes = processes();
            processes.retain(|process| process.group == group);
            if processes.len() > 1 {
                break processes;
            }
            assert!(Instant::now() < deadline, "no renderer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let leader = processes.iter().find(|process| process.id == group).unwrap();
        let mut flags = leader.command.split(' ');
        let profile = flags.find_map(|flag| flag.strip_prefix("--user-data-dir=")).map(Path::new).unwrap();
        assert!(profile.is_dir());
        if close {
            browser.close().await;
        } else {
            drop(browser);
        }
        assert!(group_gone(group).await, "close: {close}");
        assert!(gone(|| !profile.exists()).await, "close: {close}, {} is left", profile.display());
    }
}

#[tokio::test]
async fn what_a_killed_function_left_is_cleared_away_by_the_next_launch_and_what_another_uses_is_not() {
    // Its own, since a launch of any other test clears away what is left in the shared one.
    let temporary = tempfile::tempdir().unwrap();
    let variables = [("TMPDIR", temporary.path().to_str().unwrap())];
    let setup = crate::harness::Setup::default().variables(&variables);
    let world = setup.world("2024-03-01T12:00:00Z", crate::harness::LEAGUE).await;
    let id = world.create().await;
    world.provider.trouble(local::replay::Trouble::Late(Duration::from_millis(500)), Some(1));
    let event = json!({"tournamentId": id, "roundSlug": "1", "scheduledTime": "2024-03-02T17:00:00Z"});
    let asked = world.provider.requests();
    let kill = async {
        while world.provider.requests() == asked {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let function = world.stack.functions.process_id("scores-and-standings").await.unwrap();
        shell(&format!("kill -KILL {function}"));
        format!("chromium-profile-{function}-")
    };
    let (killed, left) = tokio::join!(world.stack.invoke("scores-and-standings", event), kill);
    assert!(killed.is_err());
    let browsers = || processes().iter().filter(|process| process.command.contains(&left)).count();
    let profiles = || {
        let entries = std::fs::read_dir(temporary.path()).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&left)).count()
    };
    assert_eq!(profiles(), 1, "the kill left a profile behind");
    let event = json!({"tournamentId": id, "roundSlug": "1", "scheduledTime": "2024-03-02T17:10:00Z"});
    world.stack.invoke("scores-and-standings", event).await.unwrap();
    assert!(gone(|| browsers() == 0 && profiles() == 0).await);
    let own = World::new([(ROUNDS, vec![good_rounds()])]).await;
    let browser = own.launch().await.unwrap();
    // A second launch does not affect the first one's browser.
    let second = own.launch().await.unwrap();
    let mut browser = browser;
    assert!(browser.fetch(ROUNDS, shared::browser::Want::Text).await.is_ok());
    second.close().await;
    browser.close().await;
}

#[tokio::test]
async fn without_room_in_tmp_the_browser_fails_with_a_reason_and_nothing_is_left() {
    let world = crate::harness::World::at("2024-03-01T12:00:00Z", crate::harness::LEAGUE).await;
    let id = world.create().await;
    let dir = tempfile::tempdir().unwrap();
    // No file may grow beyond a kilobyte: writes fail as on a full disk.
    let chromium = dir.path().join("chromium");
    let real = local::tools::Tools::find().unwrap().chromium;
    let script = format!("#!/bin/sh\nulimit -f 1\nexec {} \"$@\"\n", real.display());
    shell(&format!("printf '%s' '{script}' > {0} && chmod +x {0}", chromium.display()));
    let nowhere = dir.path().join("not-there");
    for (name, value, reason, at) in [
        ("TMPDIR", nowhere.to_str().unwrap(), "no profile directory", "2024-03-02T17:00:00Z"),
        (
            "CHROMIUM_PATH",
            chromium.to_str().unwrap(),
            "Chromium could not be launched",
            "2024-03-02T17:05:00Z",
        ),
    ] {
        world.stack.functions.set(name, value);
        world.stack.functions.stop("scores-and-standings").await;
        let event = json!({"tournamentId": id, "roundSlug": "1", "scheduledTime": at});
        let answer = world.stack.invoke("scores-and-standings", event).await.unwrap();
        let error = answer["matches_update"]["errors"][0].as_str().unwrap();
        assert!(error.contains(reason), "{error}");
        let function = world.stack.functions.process_id("scores-and-standings").await.unwrap();
        assert!(gone(|| left_by(function) == (0, 0)).await, "{name}: {:?}", left_by(function));
        assert!(!nowhere.exists());
        world.stack.functions.set("TMPDIR", std::env::temp_dir().to_str().unwrap());
    }
    assert_eq!(
        world
            .texts("SELECT status FROM data_provider_executions WHERE operation_type = 'matches_update'")
            .await,
        ["partial_failure"; 2]
    );
}
