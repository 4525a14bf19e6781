//! Authentication: by the internal token, or by the session cookie of a person who has entered the token once.

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
use crate::zone::{ZONE_COOKIE, Zone};
use limit::Limit;
use token::{Known, Tokens};

pub(crate) use session::{COOKIE, VALID};

/// Who sent the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The name that executions record.
    pub name: String,
    /// In which the pages show times to them.
    pub zone: Zone,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

/// The tokens and failed attempts that this execution environment knows.
#[derive(Default)]
pub(crate) struct Access {
    tokens: tokio::sync::Mutex<Option<Arc<Tokens>>>,
    failures: Mutex<Limit>,
}

/// The longest name that is recorded, in characters.
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
            // While Secrets Manager does not answer, the known tokens stay valid, so that nobody is locked out.
            Err(error) => match held.as_ref() {
                Some(tokens) => {
                    tracing::warn!(%error, "the secret can't be read again; the known tokens stay valid");
                    tokens.kept_on()
                }
                None => return Err(error.into()),
            },
        };
        if let Some(reason) = read.closed_because() {
            tracing::error!("{reason}: nobody can sign in or call the API; the pipeline works");
        } else if read.refused() > 0 {
            tracing::error!(refused = read.refused(), "a token of the secret is refused: it can be guessed");
        }
        let tokens = Arc::new(read);
        *held = Some(Arc::clone(&tokens));
        Ok(tokens)
    }

    /// Why nobody can sign in, if nobody can.
    pub(crate) async fn closed_because(&self, app: &App) -> Option<&'static str> {
        self.tokens(app, false).await.ok()?.closed_because()
    }

    /// Checks a token; returns the one that it is. Failed attempts are counted by address; after too many, tokens are
    /// refused unchecked.
    pub(crate) async fn check_token(&self, app: &App, given: &str, address: &str) -> Result<Known, Problem> {
        let blocked = self.failures.lock().unwrap_or_else(PoisonError::into_inner).blocked(address);
        if let Some(seconds) = blocked {
            let detail = format!("Too many failed tries. Wait {seconds} s.");
            return Err(Problem {
                retry_after: Some(seconds),
                ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            });
        }
        // An unknown token may be new: then the secret is read again.
        for for_unknown in [false, true] {
            if let Some(known) = self.tokens(app, for_unknown).await?.find(given) {
                return Ok(known.clone());
            }
        }
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).failed(address);
        tracing::warn!(address, "a request with a wrong token was refused");
        Err(unauthorized())
    }

    /// The caller of a request. None without credentials or without a valid session; an error for a wrong token.
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
            return Ok(Some(Caller { name: called(name.unwrap_or_default(), "API"), zone: Zone::UTC }));
        }
        let Some(cookie) = cookie_of(headers, COOKIE) else { return Ok(None) };
        let Some(name) = self.tokens(app, false).await?.open(cookie, now) else {
            return Ok(None);
        };
        // SameSite keeps the cookie out of other sites' requests; this covers browsers that do not support it.
        if !matches!(parts.method, Method::GET | Method::HEAD) && !is_same_origin(headers) {
            return Err(foreign());
        }
        let zone = cookie_of(headers, ZONE_COOKIE).and_then(Zone::of).unwrap_or(Zone::UTC);
        Ok(Some(Caller { name, zone }))
    }
}

/// A name as executions record it: `name (by)`, or only `by`.
pub(crate) fn called(name: &str, by: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    if name.is_empty() { by.to_owned() } else { format!("{name} ({by})") }
}

/// The token that a request sends, if it sends one.
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

fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The client's IP address as API Gateway saw it; what the request's own headers claim is ignored.
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
    fn another_site_is_distinguished_from_our_own() {
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
