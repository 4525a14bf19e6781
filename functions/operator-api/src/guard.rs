//! The middleware that authenticates requests to all routes that are not public.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::access::unauthorized;
use crate::desk::Desk;
use crate::request::wants_page;

/// Passes on requests with valid credentials; sends browsers without them to the sign-in page.
pub(crate) async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match desk.access.caller(&desk.app, desk.clock.now(), &parts).await {
        Ok(Some(caller)) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(None) if parts.method == Method::GET && wants_page(parts.uri.path(), &parts.headers) => {
            to_sign_in(&desk, &parts)
        }
        Ok(None) => unauthorized().into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// A browser that follows a link from another site (Slack) does not send its SameSite cookie. It gets a page that loads
/// the address again from this site; if it still sends none, it is sent to the sign-in page.
fn to_sign_in(desk: &Desk, parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let site = parts.headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if matches!(site, Some("cross-site" | "same-site")) {
        let here = format!("{}{here}", desk.base);
        let here = here.replace('&', "&amp;").replace('"', "%22").replace('<', "%3C").replace('>', "%3E");
        return Html(format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>One moment</title>\
             <meta http-equiv=\"refresh\" content=\"0;url={here}\"></head>\
             <body><p><a href=\"{here}\">Go on</a></p></body></html>"
        ))
        .into_response();
    }
    let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
    desk.redirect(&format!("/sign-in?next={next}")).into_response()
}
