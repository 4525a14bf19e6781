//! A Slack incoming webhook on this machine, which refuses what Slack would refuse.
//!
//! It answers with Slack's own plain-text codes (`ok`, `no_text`, `invalid_blocks`, …) and keeps every message,
//! accepted or refused, so that a message Slack would reject fails a run here and not in production. It is stricter than
//! Slack in one point: mrkdwn text whose `&`, `<` or `>` is not escaped is refused, where Slack would garble it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::serve::serve_at;

const WEBHOOK: &str = "/services/T000/B000/XXXX";
const ARCHIVED: &str = "/services/T000/B000/ARCHIVED";

/// A message that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status answered.
    pub status: u16,
    /// Slack's error code, which is its whole answer, then `: ` and the details.
    pub reason: String,
    /// The request's body, unparsed.
    pub body: String,
}

#[derive(Default)]
struct Received {
    messages: Vec<Value>,
    refused: Vec<Refusal>,
    /// The status to answer instead, and for how many more messages.
    trouble: Option<(StatusCode, usize)>,
    troubled: usize,
}

type Shared = Arc<Mutex<Received>>;

/// The running sink; dropping it stops it.
pub struct SlackSink {
    address: SocketAddr,
    received: Shared,
    _stop: oneshot::Sender<()>,
}

impl SlackSink {
    /// Binds a free port of 127.0.0.1 and serves on the current tokio runtime.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_at(0)
    }

    /// The same on this port (0: a free one).
    pub fn start_at(port: u16) -> anyhow::Result<Self> {
        let received = Shared::default();
        let app = Router::new().fallback(receive).with_state(Arc::clone(&received));
        let (address, stop) = serve_at(port, "the Slack sink", app)?;
        Ok(Self { address, received, _stop: stop })
    }

    /// The webhook to post to.
    pub fn webhook_url(&self) -> String {
        format!("http://{}{WEBHOOK}", self.address)
    }

    /// A webhook whose channel is archived: every message to it is refused with 410.
    pub fn archived_url(&self) -> String {
        format!("http://{}{ARCHIVED}", self.address)
    }

    /// Refuses the next `times` messages with `status`, whatever they are.
    pub fn trouble(&self, status: StatusCode, times: usize) {
        lock(&self.received).trouble = Some((status, times)).filter(|(_, times)| *times > 0);
    }

    /// How many messages were refused because of a fault.
    pub fn troubled(&self) -> usize {
        lock(&self.received).troubled
    }

    /// The messages accepted so far, in order.
    pub fn messages(&self) -> Vec<Value> {
        lock(&self.received).messages.clone()
    }

    /// The messages refused so far, in order.
    pub fn refused(&self) -> Vec<Refusal> {
        lock(&self.received).refused.clone()
    }
}

fn lock(received: &Shared) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn receive(
    State(received): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> (StatusCode, String) {
    {
        let mut received = lock(&received);
        if let Some((status, times)) = received.trouble {
            received.trouble = Some((status, times - 1)).filter(|(_, times)| *times > 0);
            received.troubled += 1;
            return (status, "service_error".to_owned());
        }
    }
    let (text, outcome) = match body {
        Ok(body) => {
            (String::from_utf8_lossy(&body).into_owned(), judge(&method, uri.path(), &headers, &body))
        }
        Err(error) => {
            (String::new(), Err((StatusCode::BAD_REQUEST, format!("invalid_payload: {}", error.body_text()))))
        }
    };
    match outcome {
        Ok(message) => {
            lock(&received).messages.push(message);
            (StatusCode::OK, "ok".to_owned())
        }
        Err((status, reason)) => {
            let word = reason.split(':').next().unwrap_or_default().to_owned();
            lock(&received).refused.push(Refusal { status: status.as_u16(), reason, body: text });
            (status, word)
        }
    }
}

fn judge(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, (StatusCode, String)> {
    let bad = |reason: String| (StatusCode::BAD_REQUEST, reason);
    if path == ARCHIVED {
        return Err((StatusCode::GONE, "channel_is_archived".to_owned()));
    }
    if path != WEBHOOK {
        return Err((StatusCode::NOT_FOUND, format!("no_service: {path}")));
    }
    if method != Method::POST {
        return Err(bad(format!("invalid_payload: {method} instead of POST")));
    }
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.split(';').next().map(str::trim) != Some("application/json") {
        return Err(bad(format!(
            "invalid_payload: the content type is {content_type:?}, not application/json"
        )));
    }
    let message: Value =
        serde_json::from_slice(body).map_err(|error| bad(format!("invalid_payload: {error}")))?;
    match refusal_of(&message) {
        None => Ok(message),
        Some(reason) => Err(bad(reason)),
    }
}

/// Why Slack would refuse this message: its error code, then `: ` and the details. `None` if it would accept it.
pub fn refusal_of(message: &Value) -> Option<String> {
    check_message(message).err()
}

type Check = Result<(), String>;
type Fields = Map<String, Value>;

fn check_message(message: &Value) -> Check {
    let message = message.as_object().ok_or("invalid_payload: not a JSON object")?;
    let text = match message.get("text") {
        None | Some(Value::Null) => "",
        Some(text) => text.as_str().ok_or("invalid_payload: text is not a string")?,
    };
    let blocks = list(message, "blocks").map_err(|detail| format!("invalid_blocks: {detail}"))?;
    let attachments =
        list(message, "attachments").map_err(|detail| format!("invalid_attachments: {detail}"))?;
    if text.trim().is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err("no_text: neither text nor blocks nor attachments".to_owned());
    }
    escaped(text).map_err(|detail| format!("invalid_payload: text: {detail}"))?;

    let mut ids = HashSet::new();
    check_blocks(blocks, &mut ids).map_err(|detail| format!("invalid_blocks: {detail}"))?;
    if attachments.len() > 100 {
        return Err(format!("too_many_attachments: {} attachments, at most 100", attachments.len()));
    }
    for (index, attachment) in attachments.iter().enumerate() {
        check_attachment(attachment, &mut ids)
            .map_err(|detail| format!("invalid_attachments: attachments[{index}]: {detail}"))?;
    }
    Ok(())
}

fn check_attachment<'a>(attachment: &'a Value, ids: &mut HashSet<&'a str>) -> Check {
    let attachment = attachment.as_object().ok_or("not an object")?;
    for (key, value) in attachment {
        let right = match key.as_str() {
            "id" | "ts" => value.is_number() || value.is_string(),
            "blocks" | "fields" | "mrkdwn_in" => value.is_array(),
            "author_icon" | "author_link" | "author_name" | "color" | "fallback" | "footer"
            | "footer_icon" | "image_url" | "pretext" | "text" | "thumb_url" | "title" | "title_link" => {
                value.is_string()
            }
            _ => false,
        };
        if !right {
            return Err(format!("{key} is unknown or of the wrong type"));
        }
    }
    if !["blocks", "fallback", "fields", "image_url", "pretext", "text", "title"]
        .iter()
        .any(|key| attachment.contains_key(*key))
    {
        return Err("nothing to show".to_owned());
    }
    if let Some(color) = attachment.get("color").and_then(Value::as_str) {
        let hex = |digits: &str| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !matches!(color, "good" | "warning" | "danger") && !color.strip_prefix('#').is_some_and(hex) {
            return Err(format!("color {color:?} is neither #rrggbb nor good, warning or danger"));
        }
    }
    for key in ["fallback", "pretext", "text", "title"] {
        let text = attachment.get(key).and_then(Value::as_str).unwrap_or_default();
        escaped(text).map_err(|detail| format!("{key}: {detail}"))?;
    }
    check_blocks(list(attachment, "blocks")?, ids)
}

/// Checks one list of blocks; `ids` are the block ids of the whole message, which must differ.
fn check_blocks<'a>(blocks: &'a [Value], ids: &mut HashSet<&'a str>) -> Check {
    if blocks.len() > 50 {
        return Err(format!("{} blocks, at most 50", blocks.len()));
    }
    for (index, block) in blocks.iter().enumerate() {
        let at = |detail: String| format!("blocks[{index}]: {detail}");
        check_block(block).map_err(at)?;
        if let Some(id) = block.get("block_id").and_then(Value::as_str)
            && !ids.insert(id)
        {
            return Err(at(format!("block_id {id:?} appears twice")));
        }
    }
    Ok(())
}

fn check_block(block: &Value) -> Check {
    let fields = block.as_object().ok_or("not an object")?;
    if fields.contains_key("block_id") {
        string(fields, "block_id", 255)?;
    }
    match kind(fields)? {
        "divider" => only(fields, &["type", "block_id"]),
        "header" => {
            only(fields, &["type", "block_id", "text", "level"])?;
            if fields.get("level").is_some_and(|level| !matches!(level.as_u64(), Some(1..=4))) {
                return Err("level is not 1 to 4".to_owned());
            }
            text_object(fields.get("text"), 150, &["plain_text"])
        }
        "section" => {
            only(fields, &["type", "block_id", "text", "fields", "accessory", "expand"])?;
            if !fields.contains_key("text") && !fields.contains_key("fields") {
                return Err("a section needs text or fields".to_owned());
            }
            if let Some(text) = fields.get("text") {
                text_object(Some(text), 3000, &["plain_text", "mrkdwn"])?;
            }
            if fields.contains_key("fields") {
                for field in between(fields, "fields", 10)? {
                    text_object(Some(field), 2000, &["plain_text", "mrkdwn"])?;
                }
            }
            match fields.get("accessory").and_then(Value::as_object) {
                Some(accessory) => match kind(accessory)? {
                    "image" => image(accessory, &["type", "image_url", "alt_text"]),
                    _ => button(accessory),
                },
                None if fields.contains_key("accessory") => Err("accessory is not an object".to_owned()),
                None => Ok(()),
            }
        }
        "context" => {
            only(fields, &["type", "block_id", "elements"])?;
            for element in between(fields, "elements", 10)? {
                match element.as_object() {
                    Some(element) if kind(element)? == "image" => {
                        image(element, &["type", "image_url", "alt_text"])?;
                    }
                    _ => text_object(Some(element), 3000, &["plain_text", "mrkdwn"])?,
                }
            }
            Ok(())
        }
        "actions" => {
            only(fields, &["type", "block_id", "elements"])?;
            let mut ids = HashSet::new();
            for element in between(fields, "elements", 25)? {
                button(element.as_object().ok_or("an action is not an object")?)?;
                if let Some(id) = element.get("action_id").and_then(Value::as_str)
                    && !ids.insert(id)
                {
                    return Err(format!("action_id {id:?} appears twice"));
                }
            }
            Ok(())
        }
        "image" => {
            image(fields, &["type", "block_id", "image_url", "alt_text", "title"])?;
            fields.get("title").map_or(Ok(()), |title| text_object(Some(title), 2000, &["plain_text"]))
        }
        other => Err(format!("unknown block type {other:?}")),
    }
}

fn button(fields: &Fields) -> Check {
    let kind = kind(fields)?;
    if kind != "button" {
        return Err(format!("unknown element type {kind:?}"));
    }
    only(fields, &["type", "text", "action_id", "url", "value", "style", "accessibility_label"])?;
    text_object(fields.get("text"), 75, &["plain_text"])?;
    for (key, longest) in [("action_id", 255), ("value", 2000), ("accessibility_label", 75)] {
        if fields.contains_key(key) {
            string(fields, key, longest)?;
        }
    }
    if fields.contains_key("url") {
        web_address(string(fields, "url", 3000)?)?;
    }
    match fields.get("style") {
        None => Ok(()),
        Some(style) if matches!(style.as_str(), Some("primary" | "danger")) => Ok(()),
        Some(style) => Err(format!("style {style} is neither primary nor danger")),
    }
}

fn image(fields: &Fields, known: &[&str]) -> Check {
    only(fields, known)?;
    string(fields, "alt_text", 2000)?;
    web_address(string(fields, "image_url", 3000)?)
}

/// A text object of one of `kinds` with 1 to `longest` characters.
fn text_object(object: Option<&Value>, longest: usize, kinds: &[&str]) -> Check {
    let fields = object.and_then(Value::as_object).ok_or("a text object is missing")?;
    let kind = kind(fields)?;
    if !kinds.contains(&kind) {
        return Err(format!("text of type {kind:?}, not {}", kinds.join(" or ")));
    }
    let (flag, markup) = if kind == "mrkdwn" { ("verbatim", true) } else { ("emoji", false) };
    only(fields, &["type", "text", flag])?;
    if fields.get(flag).is_some_and(|value| !value.is_boolean()) {
        return Err(format!("{flag} is not a boolean"));
    }
    let text = string(fields, "text", longest)?;
    if markup { escaped(text) } else { Ok(()) }
}

fn kind(fields: &Fields) -> Result<&str, String> {
    fields.get("type").and_then(Value::as_str).ok_or_else(|| "type is missing".to_owned())
}

fn only(fields: &Fields, known: &[&str]) -> Check {
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown field {key:?}")),
        None => Ok(()),
    }
}

fn list<'a>(fields: &'a Fields, key: &str) -> Result<&'a [Value], String> {
    match fields.get(key) {
        None => Ok(&[]),
        Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{key} is not a list")),
    }
}

fn between<'a>(fields: &'a Fields, key: &str, most: usize) -> Result<&'a [Value], String> {
    let items = list(fields, key)?;
    if (1..=most).contains(&items.len()) {
        Ok(items)
    } else {
        Err(format!("{} {key}, not 1 to {most}", items.len()))
    }
}

fn string<'a>(fields: &'a Fields, key: &str, longest: usize) -> Result<&'a str, String> {
    let text = fields.get(key).and_then(Value::as_str).ok_or_else(|| format!("{key} is missing"))?;
    let length = text.chars().count();
    if (1..=longest).contains(&length) {
        Ok(text)
    } else {
        Err(format!("{key} has {length} characters, not 1 to {longest}"))
    }
}

fn web_address(url: &str) -> Check {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '|' | '"');
    if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) || rest.contains(forbidden) {
        return Err(format!("{url:?} is not an http or https address"));
    }
    Ok(())
}

/// Checks that mrkdwn text is escaped: `&` only as `&amp;`, `&lt;` or `&gt;`, `<` only to open a link or a mention,
/// `>` only to close one or to open a quoted line.
fn escaped(text: &str) -> Check {
    let shown = |rest: &str| rest.chars().take(20).collect::<String>();
    let mut rest = text;
    let mut line_start = true;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '&' if !["&amp;", "&lt;", "&gt;"].iter().any(|entity| rest.starts_with(entity)) => {
                return Err(format!("an unescaped & at {:?}", shown(rest)));
            }
            '<' => {
                let inside = rest.find('>').map(|end| &rest[1..end]).filter(|inside| token(inside));
                let inside = inside.ok_or_else(|| format!("an unescaped < at {:?}", shown(rest)))?;
                escaped(inside)?;
                length += inside.len() + 1;
            }
            '>' if !line_start => return Err(format!("an unescaped > at {:?}", shown(rest))),
            _ => {}
        }
        // A quote may be nested or indented.
        line_start = c == '\n' || (line_start && matches!(c, '>' | ' '));
        rest = &rest[length..];
    }
    Ok(())
}

/// Whether the text between `<` and `>` is a link (`url|text`) or a mention (`@user`, `#channel`, `!special`).
fn token(inside: &str) -> bool {
    let (target, label) = match inside.split_once('|') {
        Some((target, label)) => (target, Some(label)),
        None => (inside, None),
    };
    let named = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
    let known = match target.chars().next() {
        // A date is the one mention with spaces in it: `!date^1668960000^{date} at {time}|fallback`.
        Some('!') if target.starts_with("!date^") => label.is_some(),
        Some('!' | '@' | '#') => named(&target[1..]),
        _ => web_address(target).is_ok() || target.strip_prefix("mailto:").is_some_and(named),
    };
    known && label != Some("") && !inside.contains(['<', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn word(message: &Value) -> String {
        let reason = refusal_of(message).unwrap_or_else(|| "ok".to_owned());
        reason.split(':').next().unwrap().to_owned()
    }

    fn of_block(block: Value) -> String {
        word(&json!({ "blocks": [block] }))
    }

    fn plain(length: usize) -> Value {
        json!({ "type": "plain_text", "text": "é".repeat(length) })
    }

    fn mrkdwn(text: &str) -> Value {
        json!({ "type": "mrkdwn", "text": text })
    }

    /// `make(n)` must be accepted for the limits `least` and `most` and refused just outside.
    fn edges(least: usize, most: usize, make: impl Fn(usize) -> Value) {
        for (length, expected) in
            [(least - 1, "invalid_blocks"), (least, "ok"), (most, "ok"), (most + 1, "invalid_blocks")]
        {
            assert_eq!(of_block(make(length)), expected, "{length} of {least}..={most}");
        }
    }

    #[test]
    fn lengths_and_counts_at_and_over_the_edge() {
        edges(1, 150, |n| json!({ "type": "header", "text": plain(n) }));
        edges(1, 3000, |n| json!({ "type": "section", "text": plain(n) }));
        edges(1, 3000, |n| json!({ "type": "section", "text": mrkdwn(&"x".repeat(n)) }));
        edges(1, 2000, |n| json!({ "type": "section", "fields": [plain(n)] }));
        edges(1, 10, |n| json!({ "type": "section", "fields": vec![plain(1); n] }));
        edges(1, 10, |n| json!({ "type": "context", "elements": vec![mrkdwn("x"); n] }));
        edges(
            1,
            25,
            |n| json!({ "type": "actions", "elements": vec![json!({"type": "button", "text": plain(1)}); n] }),
        );
        edges(1, 75, |n| json!({ "type": "actions", "elements": [{ "type": "button", "text": plain(n) }] }));
        edges(10, 3000, |n| {
            let url = format!("https://{}", "a".repeat(n.saturating_sub(8)));
            let url = if n < 10 { "https://".to_owned() } else { url };
            json!({ "type": "actions", "elements": [{ "type": "button", "text": plain(1), "url": url }] })
        });
        edges(1, 255, |n| json!({ "type": "divider", "block_id": "i".repeat(n) }));
        edges(
            1,
            2000,
            |n| json!({ "type": "image", "image_url": "https://x.test/i.png", "alt_text": "a".repeat(n) }),
        );
    }

    #[test]
    fn numbers_of_blocks_and_attachments() {
        let blocks = |n| vec![json!({ "type": "divider" }); n];
        assert_eq!(word(&json!({ "blocks": blocks(50) })), "ok");
        assert_eq!(word(&json!({ "blocks": blocks(51) })), "invalid_blocks");
        assert_eq!(word(&json!({ "blocks": blocks(50), "attachments": [{ "blocks": blocks(50) }] })), "ok");
        assert_eq!(word(&json!({ "attachments": [{ "blocks": blocks(51) }] })), "invalid_attachments");
        let attachments = |n| json!({ "attachments": vec![json!({ "text": "x" }); n] });
        assert_eq!(word(&attachments(100)), "ok");
        assert_eq!(word(&attachments(101)), "too_many_attachments");
    }

    #[test]
    fn messages_without_content_or_of_the_wrong_shape() {
        for (message, expected) in [
            (json!([]), "invalid_payload"),
            (json!({ "text": 7 }), "invalid_payload"),
            (json!({}), "no_text"),
            (json!({ "text": " ", "blocks": [], "attachments": [] }), "no_text"),
            (json!({ "text": "x" }), "ok"),
            (json!({ "text": "x", "blocks": {} }), "invalid_blocks"),
            (json!({ "text": "x", "attachments": "a" }), "invalid_attachments"),
            (json!({ "attachments": [{}] }), "invalid_attachments"),
            (json!({ "attachments": [{ "text": "x", "colour": "good" }] }), "invalid_attachments"),
        ] {
            assert_eq!(word(&message), expected, "{message}");
        }
        for (color, expected) in [
            ("good", "ok"),
            ("warning", "ok"),
            ("danger", "ok"),
            ("#2eB67d", "ok"),
            ("2eb67d", "invalid_attachments"),
            ("#2eb67", "invalid_attachments"),
            ("#2eb67dd", "invalid_attachments"),
            ("#2eb67g", "invalid_attachments"),
            ("green", "invalid_attachments"),
        ] {
            assert_eq!(
                word(&json!({ "attachments": [{ "text": "x", "color": color }] })),
                expected,
                "{color}"
            );
        }
    }

    #[test]
    fn blocks_of_the_wrong_shape() {
        let in_actions = |extra: Value| {
            let mut button = json!({ "type": "button", "text": plain(4) });
            button.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            json!({ "type": "actions", "elements": [button] })
        };
        for block in [
            json!("divider"),
            json!({ "type": "carousel" }),
            json!({ "text": plain(1) }),
            json!({ "type": "divider", "text": plain(1) }),
            json!({ "type": "header" }),
            json!({ "type": "header", "text": "plain" }),
            json!({ "type": "header", "text": mrkdwn("x") }),
            json!({ "type": "header", "text": plain(1), "level": 5 }),
            json!({ "type": "section" }),
            json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x", "emoji": true } }),
            json!({ "type": "section", "text": mrkdwn("x"), "accessory": { "type": "menu" } }),
            json!({ "type": "context", "elements": [{ "type": "button", "text": plain(1) }] }),
            json!({ "type": "image", "image_url": "https://x.test/i.png" }),
            in_actions(json!({ "style": "default" })),
            in_actions(json!({ "url": "ftp://x.test/" })),
            in_actions(json!({ "url": "/reports/1" })),
            in_actions(json!({ "url": "https://x.test/a b" })),
            in_actions(json!({ "colour": "red" })),
        ] {
            assert_eq!(of_block(block.clone()), "invalid_blocks", "{block}");
        }
        assert_eq!(
            of_block(in_actions(json!({ "style": "primary", "url": "http://127.0.0.1:1/r?a=1&b=2" }))),
            "ok"
        );
        let twice = json!({ "blocks": [{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }] });
        assert_eq!(word(&twice), "invalid_blocks");
    }

    #[test]
    fn markup_is_escaped() {
        for text in [
            "Brighton &amp; Hove 1 &lt; 2 &gt; 0",
            "> quoted\n> > twice",
            "<https://x.test/r?a=1&amp;b=2|the report>",
            "<https://x.test>",
            "<mailto:a@x.test|mail>",
            "<!here> <@U12> <#C12|general> <!subteam^S1>",
            "<!date^1668960000^{date_short} at {time}|Nov 20>",
            "é–⚽ *bold* `code`",
            "&amp;lt;",
        ] {
            assert_eq!(escaped(text), Ok(()), "{text}");
        }
        for text in [
            "Brighton & Hove",
            "&",
            "&nbsp;",
            "&#38;",
            "1 < 2",
            "<b>bold</b>",
            "<>",
            "a > b",
            "<https://x.test",
            "<https://x.test?a=1&b=2|x>",
            "<https://x.test|>",
            "<https://x.test|a\nb>",
            "<javascript:alert(1)|x>",
            "<! here>",
            "<<https://x.test>>",
            "->",
            "<!date^1^{date}>",
        ] {
            assert!(escaped(text).is_err(), "{text}");
            assert_eq!(
                of_block(json!({ "type": "section", "text": mrkdwn(text) })),
                "invalid_blocks",
                "{text}"
            );
            assert_eq!(word(&json!({ "text": text })), "invalid_payload", "{text}");
        }
        assert_eq!(
            of_block(json!({ "type": "header", "text": { "type": "plain_text", "text": "A & B < C" } })),
            "ok"
        );
    }

    async fn send(url: &str, head: &str, body: &str) -> (String, String) {
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
        let (method, content_type) = head.split_once(' ').unwrap();
        let request = format!(
            "{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn it_answers_as_slack_does_and_remembers() {
        let sink = SlackSink::start().unwrap();
        let (url, json) = (sink.webhook_url(), "POST application/json");
        let elsewhere = url.replace("XXXX", "YYYY");
        for (url, head, body, status, answer) in [
            (url.as_str(), "POST application/json; charset=utf-8", r#"{"text":"one"}"#, "200", "ok"),
            (&url, json, r#"{"text":""}"#, "400", "no_text"),
            (&url, json, "{", "400", "invalid_payload"),
            (&url, json, r#"{"blocks":[{"type":"no"}]}"#, "400", "invalid_blocks"),
            (&url, "POST text/plain", r#"{"text":"x"}"#, "400", "invalid_payload"),
            (&url, "GET application/json", "", "400", "invalid_payload"),
            (&elsewhere, json, r#"{"text":"x"}"#, "404", "no_service"),
            (&sink.archived_url(), json, r#"{"text":"x"}"#, "410", "channel_is_archived"),
            (&url, json, r#"{"text":"two"}"#, "200", "ok"),
        ] {
            assert_eq!(send(url, head, body).await, (status.to_owned(), answer.to_owned()), "{head} {body}");
        }
        assert_eq!(sink.messages(), [json!({ "text": "one" }), json!({ "text": "two" })]);
        let refused = sink.refused();
        assert_eq!(
            refused.iter().map(|refusal| refusal.status).collect::<Vec<_>>(),
            [400, 400, 400, 400, 400, 404, 410]
        );
        assert_eq!(refused[2].reason, r#"invalid_blocks: blocks[0]: unknown block type "no""#);
        assert_eq!(refused[2].body, r#"{"blocks":[{"type":"no"}]}"#);
    }

    #[tokio::test]
    async fn dropping_it_stops_it() {
        let sink = SlackSink::start().unwrap();
        let address = sink.address;
        drop(sink);
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(address).await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the sink still listens");
    }
}
