//! Faults of the provider: what it may answer instead of the data.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

/// One kind of fault of a request for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A server error.
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    TooMany(u32),
    /// 403 with the provider's own error envelope.
    Refusal,
    /// An HTML challenge page with status 200.
    Challenge,
    /// Truncated JSON.
    Truncated,
    /// JSON with an unexpected structure.
    WrongShape,
    /// No answer for a minute.
    Silence,
    /// The connection ends in the middle of the body.
    Drop,
    /// The data, after a delay.
    Late(Duration),
}

/// An active fault.
pub(super) struct Ongoing {
    pub(super) trouble: Trouble,
    /// The remaining number of requests; `None`: until it is ended.
    pub(super) times: Option<usize>,
}

impl Trouble {
    /// The answer; `None`: the data, after the delay.
    pub(super) async fn answer(self) -> Option<Response> {
        let json = |body: &'static str| ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        Some(match self {
            Self::Status(status) => {
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
            Self::TooMany(seconds) => {
                (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
            }
            Self::Refusal => {
                let mut answer = json(r#"{"error": {"code": 403, "reason": "challenge"}}"#);
                *answer.status_mut() = StatusCode::FORBIDDEN;
                answer
            }
            Self::Challenge => {
                ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><title>Are you a person?</title>")
                    .into_response()
            }
            Self::Truncated => json(r#"{"events": [{"id": 1, "#),
            Self::WrongShape => json(r#"{"events": "none", "rounds": 7, "standings": {}, "cupTrees": null}"#),
            Self::Silence => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
            Self::Drop => {
                let begun = Ok(Bytes::from_static(br#"{"events": ["#));
                let end = Err(std::io::Error::other("the connection ends here"));
                Body::from_stream(stream::iter([begun, end])).into_response()
            }
            Self::Late(wait) => {
                tokio::time::sleep(wait).await;
                return None;
            }
        })
    }
}
