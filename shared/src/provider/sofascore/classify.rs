//! Classifies an answer before its body is read as data.

use serde_json::Value;

use crate::browser::{Body, Fetched};
use crate::provider::ProviderError;
pub(super) use crate::provider::reply::{blocked, drop_nul, malformed, place, shape, unavailable};

/// How much of a body an error may quote.
const SNIPPET_CHARS: usize = 80;

/// The JSON of a good answer, or why it is not one. The error envelope is checked first: it comes with 403, and has
/// been seen with 200.
pub(super) fn json(path: &str, fetched: Fetched) -> Result<Value, ProviderError> {
    let (status, retry_after, body) = match fetched {
        Fetched::Failed(reason) => return Err(unavailable(path, reason)),
        Fetched::Answer { status, retry_after, body: Body::Text(body), .. } => (status, retry_after, body),
        Fetched::Answer { status, body: Body::Bytes(_), .. } => {
            return Err(malformed(path, format!("bytes where JSON was asked for (HTTP {status})")));
        }
    };
    let parsed: Result<Value, _> = serde_json::from_str(&body).map(|mut value| {
        if body.contains("\\u0000") {
            drop_nul(&mut value);
        }
        value
    });
    let envelope =
        parsed.as_ref().ok().and_then(|value| value.get("error")).filter(|error| error.is_object());
    let code = envelope.and_then(|error| error.get("code")).and_then(Value::as_u64);
    let said = envelope
        .and_then(|error| error.get("reason").or_else(|| error.get("message")))
        .and_then(Value::as_str)
        .unwrap_or("no reason given");
    match code.and_then(|code| u16::try_from(code).ok()).unwrap_or(status) {
        404 => Err(ProviderError::NotFound { path: path.to_owned() }),
        401 | 403 | 451 => Err(blocked(path, format!("HTTP {status}, {}", snippet(said)))),
        429 => Err(ProviderError::RateLimited { path: path.to_owned(), retry_after }),
        code @ 500.. => Err(unavailable(path, format!("HTTP {code}"))),
        _ if envelope.is_some() => Err(blocked(path, format!("error envelope: {}", snippet(said)))),
        code @ 200..=299 => parsed.map_err(|error| {
            if body.trim_start().starts_with('<') {
                blocked(path, format!("a page with HTTP {code} where data should be"))
            } else {
                malformed(path, format!("not JSON: {error}"))
            }
        }),
        code => Err(unavailable(path, format!("HTTP {code}"))),
    }
}

fn snippet(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SNIPPET_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::work::ErrorKind;

    fn kind(status: u16, body: &str) -> Result<Value, ErrorKind> {
        let fetched = Fetched::Answer {
            status,
            content_type: String::new(),
            retry_after: Some(Duration::from_secs(9)),
            body: Body::Text(body.to_owned()),
        };
        json("/x", fetched).map_err(|error| error.kind())
    }

    #[test]
    fn answers_that_are_not_data() {
        assert_eq!(kind(200, r#"{"events":[]}"#), Ok(serde_json::json!({"events": []})));
        assert_eq!(kind(200, r#"[{"name":"A\u0000B"}]"#), Ok(serde_json::json!([{"name": "AB"}])));
        assert_eq!(kind(403, r#"{"error":{"code":403,"reason":"challenge"}}"#), Err(ErrorKind::Blocked));
        assert_eq!(kind(403, r#"{"error":{"code":403,"reason":"Forbidden"}}"#), Err(ErrorKind::Blocked));
        assert_eq!(kind(200, r#"{"error":{"code":403,"reason":"challenge"}}"#), Err(ErrorKind::Blocked));
        assert_eq!(kind(200, "<!DOCTYPE html><title>Just a moment</title>"), Err(ErrorKind::Blocked));
        assert_eq!(kind(404, r#"{"error":{"code":404,"message":"Not Found"}}"#), Err(ErrorKind::NotFound));
        assert_eq!(kind(404, ""), Err(ErrorKind::NotFound));
        assert_eq!(kind(429, ""), Err(ErrorKind::RateLimited));
        assert_eq!(kind(503, "<html>"), Err(ErrorKind::Unavailable));
        assert_eq!(kind(200, r#"{"events":[{"id":1"#), Err(ErrorKind::Malformed));
        assert_eq!(
            json("/x", Fetched::Failed("net".into())).map_err(|e| e.kind()),
            Err(ErrorKind::Unavailable)
        );
    }
}
