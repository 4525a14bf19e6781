//! Signing in: the token is entered once, and a session cookie replaces it for some hours.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use url::Url;

use super::{page, with_status};
use crate::access::{self, COOKIE, VALID};
use crate::desk::Desk;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    base: String,
    environment: String,
    next: String,
    name: String,
    problem: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    next: String,
    name: String,
    token: String,
}

/// Where to go after signing in or an action: a page of ours, nothing else. The address is read as a browser reads it, which drops
/// tabs and takes a backslash for a slash, and is written anew from what was read.
pub(super) fn ours(next: &str) -> String {
    const HOME: &str = "/";
    let Ok(base) = Url::parse("https://desk.invalid/") else { return HOME.to_owned() };
    // A path such as `//evil.example`, of which `/.//evil.example` is another way of writing, is read as a host again.
    let local = |url: &Url| {
        url.origin() == base.origin() && !url.path().starts_with("//") && !url.path().starts_with("/sign-")
    };
    match base.join(next).ok().filter(|url| next.starts_with('/') && local(url)) {
        Some(url) => match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        },
        None => HOME.to_owned(),
    }
}

pub(super) async fn show(State(desk): State<Arc<Desk>>, asked: Query<Asked>) -> Result<Response, Problem> {
    page(&SignIn {
        base: desk.base.clone(),
        environment: desk.app.config.environment.clone(),
        next: ours(&asked.next),
        name: String::new(),
        problem: None,
    })
}

pub(super) async fn sign_in(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Problem> {
    // Otherwise another site could sign a browser in under another name.
    if !access::is_same_origin(request.headers()) {
        return Err(access::foreign());
    }
    let (parts, body) = request.into_parts();
    let address = access::address_of(&parts);
    let Form(asked): Form<Asked> = Form::from_request(Request::from_parts(parts, body), &())
        .await
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let opened = match desk.access.check_token(&desk.app, asked.token.trim(), &address).await {
        Ok(opened) => opened,
        Err(problem) if matches!(problem.status, 401 | 429) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNAUTHORIZED);
            let said = match problem.retry_after {
                None => "That is not the token. It is INTERNAL_SERVICE_TOKEN in the environment's secret."
                    .to_owned(),
                Some(_) => problem.detail,
            };
            return with_status(
                status,
                &SignIn {
                    base: desk.base.clone(),
                    environment: desk.app.config.environment.clone(),
                    next: ours(&asked.next),
                    name: asked.name,
                    problem: Some(said),
                },
            );
        }
        Err(problem) => return Err(problem),
    };
    let session = opened.session(desk.clock.now(), &access::called(&asked.name, "page"));
    let cookie = format!(
        "{COOKIE}={session}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Strict",
        VALID.num_seconds()
    );
    Ok(([(header::SET_COOKIE, cookie)], desk.redirect(&ours(&asked.next))).into_response())
}

pub(super) async fn sign_out(State(desk): State<Arc<Desk>>) -> Response {
    let cookie = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict");
    ([(header::SET_COOKIE, cookie)], desk.redirect("/sign-in")).into_response()
}

#[cfg(test)]
mod tests {
    use super::{Url, ours};

    #[test]
    fn signing_in_leads_nowhere_else() {
        assert_eq!(ours("/executions?status=failed"), "/executions?status=failed");
        for foreign in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example/sign-in",
            "/\n//evil.example",
            "/sign-in?next=/",
            "/./sign-in",
            "/.//evil.example",
            "/x/..//evil.example",
            "x",
            "javascript:alert(1)",
        ] {
            assert_eq!(ours(foreign), "/", "{foreign}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_leads_to_a_page_of_ours(next in "(/|\\\\|\t|\r|\n|:|%2f|[a-z?#@.]){0,12}") {
            let base = Url::parse("https://desk.example/sign-in").unwrap();
            let led = base.join(&ours(&next)).unwrap();
            proptest::prop_assert_eq!(led.origin(), base.origin());
            proptest::prop_assert!(!led.path().starts_with("/sign-"));
        }
    }
}
