//! Problem details as RFC 9457 defines them: what is wrong, with which field, and the remedy.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::app::AppError;
use shared::event::InvalidInput;
use shared::objects::ObjectError;
use shared::store::StoreError;
use utoipa::{IntoResponses, ToSchema};
use uuid::Uuid;

/// Problem details (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// What is wrong with which field, where it is a field's fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<FieldProblem>,
    /// The execution it is about.
    #[serde(rename = "executionId", skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<Uuid>,
    #[serde(skip)]
    pub(crate) retry_after: Option<u64>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Its path, as `tournament.slug`.
    pub field: String,
    /// What is wrong and what would be right.
    pub remedy: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            problems: Vec::new(),
            execution_id: None,
            retry_after: None,
        }
    }

    /// A problem with one field.
    pub(crate) fn field(status: StatusCode, field: &str, remedy: impl Into<String>) -> Self {
        let problem = FieldProblem { field: field.to_owned(), remedy: remedy.into() };
        Self { problems: vec![problem.clone()], ..Self::new(status, format!("{field} {}", problem.remedy)) }
    }

    /// The status of a page that shows a form again, with the reason why its input was refused.
    pub(crate) fn status_of_form(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// Whether a form's input was refused: the person may put it right there.
    pub(crate) fn is_of_input(&self) -> bool {
        let of_input = [StatusCode::BAD_REQUEST, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY];
        of_input.contains(&self.status_of_form())
    }

    pub(crate) fn about(self, execution: Uuid) -> Self {
        Self { execution_id: Some(execution), ..self }
    }

    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method; see openapi.json.")
    }

    fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed with an internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something failed here; the log of operator-api says what.",
        )
    }

    fn unavailable(error: &dyn std::fmt::Display, what: &str) -> Self {
        tracing::error!(%error, "a request failed because something it needs is unavailable");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, what)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, headers, body).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Connect { .. } => Self::unavailable(
                &error,
                "The database can't be reached. Try again; if it stays so, look at health.",
            ),
            error => Self::internal(&error),
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::unavailable(
            &error,
            "The desk can't start: its log says what is missing in secret or configuration.",
        )
    }
}

impl From<ObjectError> for Problem {
    fn from(error: ObjectError) -> Self {
        Self::unavailable(&error, "The report can't be read from S3 now. Try again.")
    }
}

impl From<InvalidInput> for Problem {
    fn from(invalid: InvalidInput) -> Self {
        let problems: Vec<FieldProblem> = invalid
            .problems
            .into_iter()
            .map(|problem| FieldProblem { field: problem.field, remedy: problem.remedy })
            .collect();
        let detail: Vec<String> =
            problems.iter().map(|problem| format!("{} {}", problem.field, problem.remedy)).collect();
        Self { problems, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail.join("; ")) }
    }
}

/// The errors that any route may answer with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it only documents the answers; it is never constructed")]
pub(crate) enum Refusals {
    /// The request can't be read.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] Problem),
    /// No credentials, or none that are valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// A page's request from another site.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// It can't be done as things stand.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// The body is not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    NotJson(#[to_schema] Problem),
    /// A field is wrong.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] Problem),
    /// Too many failed tries.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] Problem),
    /// Something failed here.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(#[to_schema] Problem),
    /// Lambda did not take the event.
    #[response(status = 502, content_type = "application/problem+json")]
    BadGateway(#[to_schema] Problem),
    /// The database or AWS does not answer.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}
