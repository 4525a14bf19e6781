//! Who may come in: callers with the internal token, and people who have entered it once and hold a session cookie.

mod limit;
mod session;
mod token;

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use lambda_http::request::RequestContext;

use crate::{Desk, Problem, problem};
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
    async fn tokens(&self, desk: &Desk, for_unknown: bool) -> Result<Arc<Tokens>, Problem> {
        let mut held = self.tokens.lock().await;
        if let Some(tokens) = held.as_ref().filter(|tokens| !tokens.is_old(for_unknown)) {
            return Ok(Arc::clone(tokens));
        }
        let read = match desk.app.secrets().await {
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
    pub(crate) async fn check_token(&self, desk: &Desk, given: &str, address: &str) -> Result<(), Problem> {
        let blocked = self.failures.lock().unwrap_or_else(PoisonError::into_inner).blocked(address);
        if let Some(seconds) = blocked {
            let detail = format!("Too many failed tries. Wait {seconds} s.");
            return Err(Problem {
                retry_after: Some(seconds),
                ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            });
        }
        // A token that is not known may be new.
        if self.tokens(desk, false).await?.hold(given) || self.tokens(desk, true).await?.hold(given) {
            return Ok(());
        }
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).failed(address);
        tracing::warn!(address, "a wrong token");
        Err(unauthorized())
    }

    /// A session for `name`, as a cookie's value.
    pub(crate) async fn session(&self, desk: &Desk, name: &str) -> Result<String, Problem> {
        let tokens = self.tokens(desk, false).await?;
        tokens.seal(name, desk.clock.now()).ok_or_else(unauthorized)
    }

    /// Who a request is from, if it brings credentials; an error if they are not valid.
    pub(crate) async fn caller(&self, desk: &Desk, parts: &Parts) -> Result<Option<Caller>, Problem> {
        let headers = &parts.headers;
        if let Some(token) = token_of(headers) {
            self.check_token(desk, token?, &address_of(parts)).await?;
            let name = headers.get("x-requested-by").and_then(|name| name.to_str().ok());
            return Ok(Some(Caller { name: called(name.unwrap_or_default(), "API") }));
        }
        let Some(cookie) = cookie_of(headers) else { return Ok(None) };
        let Some(name) = self.tokens(desk, false).await?.open(cookie, desk.clock.now()) else {
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

fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "Send the internal token as X-Internal-Token or as a bearer token, or sign in at /sign-in.",
    )
}

/// Lets those through who may come in; sends browsers to where they can sign in.
pub(crate) async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match desk.access.caller(&desk, &parts).await {
        Ok(Some(caller)) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(None) if parts.method == Method::GET && problem::wants_page(parts.uri.path(), &parts.headers) => {
            to_sign_in(&parts)
        }
        Ok(None) => unauthorized().into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// A browser that follows a link from elsewhere (Slack) leaves its SameSite cookie at home. It is asked to come again
/// from here; if it still has none, it signs in.
fn to_sign_in(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let site = parts.headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if matches!(site, Some("cross-site" | "same-site")) {
        let here = here.replace('&', "&amp;").replace('"', "%22").replace('<', "%3C").replace('>', "%3E");
        return Html(format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>One moment</title>\
             <meta http-equiv=\"refresh\" content=\"0;url={here}\"></head>\
             <body><p><a href=\"{here}\">Go on</a></p></body></html>"
        ))
        .into_response();
    }
    let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?next={next}")).into_response()
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
