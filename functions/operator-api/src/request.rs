//! Reading requests: what can't be read is answered with the field and the remedy.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::Problem;

/// A JSON body; an empty one is read as `{}`.
pub(crate) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or("?").to_owned());
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            let status = error.status();
            let detail = match status {
                StatusCode::PAYLOAD_TOO_LARGE => "The body is too large.",
                _ => "The body can't be read.",
            };
            Problem::new(status, detail)
        })?;
        if bytes.is_empty() || bytes.trim_ascii() == b"null" {
            return parse(b"{}");
        }
        if !kind.as_deref().unwrap_or_default().starts_with("application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send JSON, with Content-Type: application/json.",
            ));
        }
        parse(&bytes)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Body<T>, Problem> {
    let deserializer = &mut serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(deserializer).map(Body).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data => {
                let field = if path == "." { "body" } else { &path };
                Problem::field(StatusCode::UNPROCESSABLE_ENTITY, field, format!("can't be read: {error}"))
            }
            _ => Problem::new(StatusCode::BAD_REQUEST, format!("The body is not JSON: {error}.")),
        }
    })
}

/// Query parameters.
pub(crate) struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                format!("A query parameter can't be read: {}.", error.body_text()),
            )),
        }
    }
}

/// The id in the path.
pub(crate) struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<std::collections::HashMap<String, String>>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(path)| path.get("id")?.parse().ok());
        id.map(Self).ok_or_else(|| Problem::field(StatusCode::BAD_REQUEST, "id", "must be a UUID"))
    }
}

/// The header `Idempotency-Key`: the caller's own name for what it asks.
pub(crate) struct IdempotencyKey(pub Option<String>);

/// Its longest value.
const KEY_CHARS: usize = 100;

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().ok().map(str::trim);
        let text = text.filter(|text| {
            !text.is_empty() && text.len() <= KEY_CHARS && text.chars().all(|c| c.is_ascii_graphic())
        });
        match text {
            Some(text) => Ok(Self(Some(text.to_owned()))),
            None => Err(Problem::field(
                StatusCode::BAD_REQUEST,
                "Idempotency-Key",
                "must be 1 to 100 printable ASCII characters without spaces",
            )),
        }
    }
}

/// A day in a query: what the database can hold.
pub(crate) fn day(text: Option<&str>) -> Result<Option<NaiveDate>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.filter(|day| (1..10_000).contains(&chrono::Datelike::year(day)));
    match day {
        Some(day) => Ok(Some(day)),
        None => Err(Problem::field(StatusCode::BAD_REQUEST, "day", "must be a date like 2022-12-18")),
    }
}

/// A text to search for: what can't be searched for is left out of it.
pub(crate) fn search(text: Option<&str>) -> Option<String> {
    let text: String = text?.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    Some(text).filter(|text| !text.is_empty())
}

/// A text in a query that Postgres takes.
pub(crate) fn text<'a>(name: &str, text: Option<&'a str>) -> Result<Option<&'a str>, Problem> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) if text.len() > 200 || text.chars().any(char::is_control) => Err(Problem::field(
            StatusCode::BAD_REQUEST,
            name,
            "must be at most 200 bytes without control characters",
        )),
        text => Ok(text),
    }
}

/// How many rows of a list: 1 to 200, usually 50.
pub(crate) fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked.unwrap_or(50) {
        limit @ 1..=200 => Ok(limit),
        _ => Err(Problem::field(StatusCode::BAD_REQUEST, "limit", "must be between 1 and 200")),
    }
}
