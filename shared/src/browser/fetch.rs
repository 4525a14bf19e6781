//! The script that fetches in the page, and its answer.

use std::time::Duration;

use base64::Engine as _;
use serde::Deserialize;

use super::BrowserError;

/// The largest body that is transferred: the script refuses larger ones.
const BODY_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// The kind of body that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Text, decoded as UTF-8.
    Text,
    /// Bytes as they are.
    Bytes,
}

/// The result of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The server answered, with any status.
    Answer {
        /// HTTP status.
        status: u16,
        /// `Content-Type`, empty if there was none.
        content_type: String,
        /// The wait from `Retry-After`, if there was one.
        retry_after: Option<Duration>,
        /// The body.
        body: Body,
    },
    /// There is no usable answer: network failure, timeout, body too large, or redirect to another host.
    Failed(String),
}

/// A body of the kind that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// See [`Want::Text`].
    Text(String),
    /// See [`Want::Bytes`].
    Bytes(Vec<u8>),
}

/// The JavaScript of one fetch. It never throws: errors are in the JSON text it resolves to.
pub(super) fn script(url: &str, want: Want, timeout: Duration) -> String {
    // JSON is a subset of JavaScript's literals, so the URL can't break out of its string.
    let url = serde_json::Value::from(url);
    let as_text = want == Want::Text;
    let timeout_ms = timeout.as_millis();
    format!(
        r"(async () => {{
  try {{
    const response = await fetch({url}, {{signal: AbortSignal.timeout({timeout_ms}), redirect: 'manual'}});
    if (response.type === 'opaqueredirect') throw new Error('led elsewhere, and not followed');
    const chunks = []; let size = 0;
    const reader = response.body ? response.body.getReader() : null;
    while (reader) {{
      const {{done, value}} = await reader.read();
      if (done) break;
      size += value.length;
      if (size > {BODY_LIMIT_BYTES}) {{ reader.cancel(); throw new Error('the body is larger than {BODY_LIMIT_BYTES} bytes'); }}
      chunks.push(value);
    }}
    const blob = new Blob(chunks);
    const body = {as_text} ? await blob.text() : await new Promise((done, fail) => {{
      const file = new FileReader();
      file.onload = () => done(file.result.slice(file.result.indexOf(',') + 1));
      file.onerror = () => fail(file.error);
      file.readAsDataURL(blob);
    }});
    const later = response.headers.get('retry-after');
    const seconds = /^\s*\d+\s*$/.test(later) ? Number(later) : (Date.parse(later) - Date.now()) / 1000;
    return JSON.stringify({{status: response.status, content_type: response.headers.get('content-type') || '',
      retry_after: later === null || !isFinite(seconds) ? null : Math.min(Math.max(0, seconds), 86400), body}});
  }} catch (error) {{ return JSON.stringify({{failure: String(error && error.message || error)}}); }}
}})()",
    )
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Failure { failure: String },
    Answer { status: u16, content_type: String, retry_after: Option<f64>, body: String },
}

pub(super) fn answer(text: &str, want: Want) -> Result<Fetched, BrowserError> {
    let raw = serde_json::from_str(text).map_err(|error| BrowserError::Protocol(error.to_string()))?;
    Ok(match raw {
        Raw::Failure { failure } => Fetched::Failed(failure),
        Raw::Answer { status, content_type, retry_after, body } => Fetched::Answer {
            status,
            content_type,
            retry_after: retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            body: match want {
                Want::Text => Body::Text(body),
                Want::Bytes => Body::Bytes(
                    base64::engine::general_purpose::STANDARD
                        .decode(body)
                        .map_err(|error| BrowserError::Protocol(error.to_string()))?,
                ),
            },
        },
    })
}
