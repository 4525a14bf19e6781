//! A local Sentry: accepts envelopes as Sentry's ingestion does, and refuses what that would refuse.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::serve::serve;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const PROJECT: &str = "42";

#[derive(Default)]
struct Received {
    events: Vec<Value>,
    bodies: Vec<String>,
    refused: Vec<String>,
}

type Shared = Arc<Mutex<Received>>;

/// The running sink; dropping it stops it.
pub struct SentrySink {
    address: SocketAddr,
    received: Shared,
    _stop: oneshot::Sender<()>,
}

impl SentrySink {
    /// Binds a free port of 127.0.0.1 and serves on the current tokio runtime.
    pub fn start() -> anyhow::Result<Self> {
        let received = Shared::default();
        let app = Router::new().fallback(receive).with_state(Arc::clone(&received));
        let (address, stop) = serve("the Sentry sink", app)?;
        Ok(Self { address, received, _stop: stop })
    }

    /// The value for `SENTRY_DSN`.
    pub fn dsn(&self) -> String {
        dsn(self.address)
    }

    /// The events so far, in order.
    pub fn events(&self) -> Vec<Value> {
        lock(&self.received).events.clone()
    }

    /// All request bodies, unparsed.
    pub fn bodies(&self) -> Vec<String> {
        lock(&self.received).bodies.clone()
    }

    /// The reason for each refusal.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.received).refused.clone()
    }
}

/// A DSN for a server at `address`.
pub fn dsn(address: SocketAddr) -> String {
    format!("http://{KEY}@{address}/{PROJECT}")
}

fn lock(received: &Shared) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn receive(
    State(received): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut received = lock(&received);
    received.bodies.push(String::from_utf8_lossy(&body).into_owned());
    let judged = allowed(&method, &uri, &headers)
        .and_then(|()| events_of(&body).map_err(|reason| (StatusCode::BAD_REQUEST, reason)));
    match judged {
        Ok(events) => {
            let id = events.first().map(|event| event["event_id"].clone());
            received.events.extend(events);
            (StatusCode::OK, json!({ "id": id }).to_string())
        }
        Err((status, reason)) => {
            received.refused.push(reason.clone());
            (status, json!({ "detail": reason }).to_string())
        }
    }
}

/// Whether it is an envelope for the project, with valid credentials.
fn allowed(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), (StatusCode, String)> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if uri.path() != format!("/api/{PROJECT}/envelope/") {
        return Err((StatusCode::NOT_FOUND, format!("nothing is at {}", uri.path())));
    }
    if method != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, format!("{method} instead of POST")));
    }
    let auth = text("x-sentry-auth").strip_prefix("Sentry ").unwrap_or_default();
    let value =
        |name: &str| auth.split(',').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='));
    if value("sentry_version") != Some("7") || value("sentry_key") != Some(KEY) {
        return Err((StatusCode::FORBIDDEN, format!("not allowed by X-Sentry-Auth: {auth:?}")));
    }
    let kind = text(header::CONTENT_TYPE.as_str());
    if kind != "application/x-sentry-envelope" {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the content type is {kind:?}")));
    }
    Ok(())
}

/// The events in an envelope: a line of headers; then, for each item, a line of headers and a payload of the length
/// that they give, or up to the end of its line.
fn events_of(envelope: &[u8]) -> Result<Vec<Value>, String> {
    let (headers, mut rest) = line(envelope);
    let headers = object(headers, "the envelope's headers")?;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let (head, after) = line(rest);
        if head.is_empty() {
            rest = after;
            continue;
        }
        let head = object(head, "an item's headers")?;
        let payload;
        (payload, rest) = match head["length"].as_u64().map(usize::try_from) {
            None => line(after),
            Some(length) => length
                .ok()
                .and_then(|length| after.split_at_checked(length))
                .filter(|(_, next)| next.is_empty() || next.starts_with(b"\n"))
                .map(|(payload, next)| (payload, next.strip_prefix(b"\n").unwrap_or(next)))
                .ok_or_else(|| format!("an item is not as long as it says: {head}"))?,
        };
        if head["type"] == "event" {
            let event = object(payload, "the event")?;
            check(&event, &headers)?;
            events.push(event);
        }
    }
    if events.is_empty() { Err("no event is in it".to_owned()) } else { Ok(events) }
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map_or((bytes, &[]), |end| (&bytes[..end], &bytes[end + 1..]))
}

fn object(bytes: &[u8], what: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("{what}: {error}"))?;
    if value.is_object() { Ok(value) } else { Err(format!("{what} are no JSON object")) }
}

fn check(event: &Value, headers: &Value) -> Result<(), String> {
    let id = event["event_id"].as_str().unwrap_or_default();
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("event_id is {}", event["event_id"]));
    }
    // There it may be written with hyphens.
    if headers["event_id"].as_str().is_none_or(|known| known.replace('-', "") != id) {
        return Err(format!("the envelope is of {} and the event is {id}", headers["event_id"]));
    }
    let level = event["level"].as_str().unwrap_or("error");
    if !["fatal", "error", "warning", "info", "debug"].contains(&level) {
        return Err(format!("the level is {level:?}"));
    }
    if !event["timestamp"].is_number() && !event["timestamp"].is_string() {
        return Err("there is no timestamp".to_owned());
    }
    let tags = event["tags"].as_object().into_iter().flatten();
    for (name, value) in tags {
        // Longer values are truncated and can't be searched for.
        if value.as_str().is_none_or(|value| value.chars().count() > 200) || name.len() > 32 {
            return Err(format!("the tag {name} is {value}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

    fn envelope(event: &Value, length: Option<usize>) -> String {
        let event = event.to_string();
        let head = json!({ "type": "event", "length": length.unwrap_or(event.len()) });
        format!("{}\n{head}\n{event}\n", json!({ "event_id": ID }))
    }

    fn event() -> Value {
        json!({ "event_id": ID, "timestamp": 1.5, "level": "error", "tags": { "a": "b" } })
    }

    #[test]
    fn events_are_read_out_of_envelopes() {
        let lines = format!(
            "{}\n{{\"type\":\"session\"}}\n{{}}\n\n{{\"type\":\"event\"}}\n{}",
            json!({ "event_id": ID }),
            event()
        );
        for text in [envelope(&event(), None), lines] {
            assert_eq!(events_of(text.as_bytes()), Ok(vec![event()]), "{text}");
        }
        for (field, value) in [
            ("event_id", json!("x")),
            ("event_id", json!("0ec79c33ec9942ab8353589fcb2e04dc")),
            ("level", json!("loud")),
            ("timestamp", Value::Null),
            ("tags", json!({ "a": "b".repeat(201) })),
            ("tags", json!({ "a": 1 })),
        ] {
            let mut malformed = event();
            malformed[field] = value;
            assert!(events_of(envelope(&malformed, None).as_bytes()).is_err(), "{malformed}");
        }
        for text in [
            "",
            "{}\n",
            "[]\n",
            "{}\n{\"type\":\"event\"}\n[]",
            &envelope(&event(), Some(7)),
            &envelope(&event(), Some(7000)),
        ] {
            assert!(events_of(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn only_those_are_heard_who_may_speak() {
        let sink = SentrySink::start().unwrap();
        shared::aws::install_tls_provider();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let good = format!("Sentry sentry_version=7, sentry_client=test, sentry_key={KEY}");
        let envelopes = "application/x-sentry-envelope";
        for (path, auth, kind, status) in [
            ("/api/42/envelope/", good.as_str(), envelopes, 200),
            ("/api/43/envelope/", &good, envelopes, 404),
            ("/api/42/store/", &good, envelopes, 404),
            ("/api/42/envelope/", "Sentry sentry_version=7, sentry_key=other", envelopes, 403),
            ("/api/42/envelope/", "", envelopes, 403),
            ("/api/42/envelope/", &good, "application/json", 415),
        ] {
            let sent = client
                .post(format!("http://{}{path}", sink.address))
                .header("X-Sentry-Auth", auth)
                .header("Content-Type", kind)
                .body(envelope(&event(), None));
            assert_eq!(sent.send().await.unwrap().status(), status, "{path} {auth} {kind}");
        }
        assert_eq!((sink.events(), sink.refused().len(), sink.bodies().len()), (vec![event()], 5, 6));
        assert_eq!(sink.dsn(), format!("http://{KEY}@{}/42", sink.address));
    }
}
