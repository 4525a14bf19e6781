//! Reading requests: what can't be read is answered with the field and the remedy.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use chrono::NaiveDate;
use football::domain::round::is_path_segment;
use serde::de::DeserializeOwned;
use url::form_urlencoded;
use uuid::Uuid;

use crate::problem::Problem;

/// The path of the API.
pub(crate) const API: &str = "/api/v2/data-provider";

/// A JSON body. A missing one is read as `null`, which only optional types accept.
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
        if bytes.is_empty() {
            return parse(b"null");
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
    // Serde would accept a list of an object's values in place of the object.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "body", "must be a JSON object"));
    }
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

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query(&parts.uri).map(Self)
    }
}

fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri).map(|Query(asked)| asked).map_err(|error| {
        let detail = format!("A query parameter can't be read: {}.", error.body_text());
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// The query of a page's form. Fields that are not filled in arrive as empty texts and are left out.
pub(crate) struct FromForm<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for FromForm<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let asked = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let filled = asked.filter(|(_, value)| !value.trim().is_empty());
        let filled = form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish();
        let uri = Uri::try_from(format!("/?{filled}"))
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "The query is too long."))?;
        query(&uri).map(Self)
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

/// The header `Idempotency-Key`: the caller's own name for the request.
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

/// A day in a query, from year 1 to 9999, which the database can store.
pub(crate) fn day(field: &'static str, text: Option<&str>) -> Result<Option<NaiveDate>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.filter(|day| (1..10_000).contains(&chrono::Datelike::year(day)));
    match day {
        Some(day) => Ok(Some(day)),
        None => Err(Problem::field(StatusCode::BAD_REQUEST, field, "must be a date like 2022-12-18")),
    }
}

/// The longest text to search for.
const SEARCH_CHARS: usize = 200;

/// A text to search for, without control characters; none if nothing is left.
pub(crate) fn search(text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    if text.chars().count() > SEARCH_CHARS {
        let remedy = format!("must be at most {SEARCH_CHARS} characters");
        return Err(Problem::field(StatusCode::BAD_REQUEST, "q", remedy));
    }
    let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The longest slug of a round that is looked for.
const ROUND_CHARS: usize = 100;

/// The slug of a round.
pub(crate) fn round(slug: Option<&str>) -> Result<Option<&str>, Problem> {
    match slug {
        Some(slug) if slug.len() > ROUND_CHARS || !is_path_segment(slug) => Err(Problem::field(
            StatusCode::BAD_REQUEST,
            "round",
            "must be the slug of a round: letters, digits, - and _",
        )),
        slug => Ok(slug),
    }
}

/// How many rows of a list: 1 to 200, by default 50.
pub(crate) fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked.unwrap_or(50) {
        limit @ 1..=200 => Ok(limit),
        _ => Err(Problem::field(StatusCode::BAD_REQUEST, "limit", "must be between 1 and 200")),
    }
}
/// Whether the answer is to be a page: the request accepts HTML, or its path is outside the API.
pub(crate) fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accepts.contains("text/html") || !path.starts_with(API)
}
