//! Who may come in: callers with the internal token, and people who have entered it once and hold a session cookie.

mod limit;
mod session;
mod token;

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use chrono::{DateTime, Utc};
use lambda_http::request::RequestContext;

use shared::app::App;

use crate::problem::Problem;
use limit::Limit;
use token::Tokens;

pub(crate) use session::{COOKIE, VALID};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// As it goes on record.
    pub name: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

/// What the environment knows of tokens and of failed tries.
#[derive(Default)]
pub(crate) struct Access {
    tokens: tokio::sync::Mutex<Option<Arc<Tokens>>>,
    failures: Mutex<Limit>,
}

/// The longest name that goes on record.
const NAME_CHARS: usize = 60;

impl Access {
    /// The tokens that are valid now.
    async fn tokens(&self, app: &App, for_unknown: bool) -> Result<Arc<Tokens>, Problem> {
        let mut held = self.tokens.lock().await;
        if let Some(tokens) = held.as_ref().filter(|tokens| !tokens.is_old(for_unknown)) {
            return Ok(Arc::clone(tokens));
        }
        let read = match app.secrets().await {
            Ok(secrets) => Tokens::of(&secrets.tokens),
            // A rotation is no reason to lock everybody out while Secrets Manager does not answer.
            Err(error) => match held.as_ref() {
                Some(tokens) => {
                    tracing::warn!(%error, "the secret can't be read again; the tokens stay as they were");
                    tokens.kept_on()
                }
                None => return Err(error.into()),
            },
        };
        if read.is_empty() {
            tracing::error!("the secret has no INTERNAL_SERVICE_TOKEN: nobody can come in");
        }
        let tokens = Arc::new(read);
        *held = Some(Arc::clone(&tokens));
        Ok(tokens)
    }

    /// Checks a token; failed tries are counted by address, and too many are refused unseen.
    pub(crate) async fn check_token(&self, app: &App, given: &str, address: &str) -> Result<(), Problem> {
        let blocked = self.failures.lock().unwrap_or_else(PoisonError::into_inner).blocked(address);
        if let Some(seconds) = blocked {
            let detail = format!("Too many failed tries. Wait {seconds} s.");
            return Err(Problem {
                retry_after: Some(seconds),
                ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            });
        }
        // A token that is not known may be new.
        if self.tokens(app, false).await?.hold(given) || self.tokens(app, true).await?.hold(given) {
            return Ok(());
        }
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).failed(address);
        tracing::warn!(address, "a wrong token");
        Err(unauthorized())
    }

    /// A session for `name`, as a cookie's value.
    pub(crate) async fn session(&self, app: &App, now: DateTime<Utc>, name: &str) -> Result<String, Problem> {
        let tokens = self.tokens(app, false).await?;
        tokens.seal(name, now).ok_or_else(unauthorized)
    }

    /// Who a request is from, if it brings credentials; an error if they are not valid.
    pub(crate) async fn caller(
        &self,
        app: &App,
        now: DateTime<Utc>,
        parts: &Parts,
    ) -> Result<Option<Caller>, Problem> {
        let headers = &parts.headers;
        if let Some(token) = token_of(headers) {
            self.check_token(app, token?, &address_of(parts)).await?;
            let name = headers.get("x-requested-by").and_then(|name| name.to_str().ok());
            return Ok(Some(Caller { name: called(name.unwrap_or_default(), "API") }));
        }
        let Some(cookie) = cookie_of(headers) else { return Ok(None) };
        let Some(name) = self.tokens(app, false).await?.open(cookie, now) else {
            return Ok(None);
        };
        // SameSite keeps other sites' requests from carrying the cookie; this does so where a browser does not.
        if !matches!(parts.method, Method::GET | Method::HEAD) && !is_same_origin(headers) {
            return Err(foreign());
        }
        Ok(Some(Caller { name }))
    }
}

/// A name as it goes on record.
pub(crate) fn called(name: &str, by: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    if name.is_empty() { by.to_owned() } else { format!("{name} ({by})") }
}

/// The token that a request brings, if it brings one.
fn token_of(headers: &HeaderMap) -> Option<Result<&str, Problem>> {
    let (value, prefix) = match headers.get("x-internal-token") {
        Some(value) => (value, ""),
        None => (headers.get(header::AUTHORIZATION)?, "Bearer "),
    };
    let token = value.to_str().ok().and_then(|text| {
        let (start, token) = text.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(token.trim())
    });
    Some(token.ok_or_else(unauthorized))
}

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Where a request comes from, as API Gateway saw it; what the request itself claims is not believed.
pub(crate) fn address_of(parts: &Parts) -> String {
    match parts.extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

/// Whether a browser sent this from one of our own pages.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let origin = text(header::ORIGIN).and_then(|origin| Some(origin.split_once("://")?.1));
    origin.is_some() && origin == text(header::HOST)
}

pub(crate) fn foreign() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "This was sent by another site. Go to the page itself and do it there.",
    )
}

pub(crate) fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "Send the internal token as X-Internal-Token or as a bearer token, or sign in at /sign-in.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_comes_in_either_header() {
        let token =
            |pairs: &[(&'static str, &str)]| token_of(&headers(pairs)).map(|t| t.ok().map(str::to_owned));
        assert_eq!(token(&[("x-internal-token", "abc")]), Some(Some("abc".to_owned())));
        assert_eq!(token(&[("authorization", "bearer abc")]), Some(Some("abc".to_owned())));
        assert_eq!(token(&[("authorization", "Basic abc")]), Some(None));
        assert_eq!(token(&[("cookie", "x=y")]), None);
    }

    #[test]
    fn another_site_is_told_from_our_own() {
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_same_origin(&headers(&[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://h"),
            ("host", "h")
        ])));
        assert!(is_same_origin(&headers(&[("origin", "https://h:1"), ("host", "h:1")])));
        for foreign in ["https://h.evil", "null", "https://x"] {
            assert!(!is_same_origin(&headers(&[("origin", foreign), ("host", "h")])), "{foreign}");
        }
        assert!(!is_same_origin(&headers(&[("host", "h")])));
    }
}
