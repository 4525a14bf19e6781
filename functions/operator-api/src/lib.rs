//! The operator's desk: an API over what the pipeline does, and pages for the one person who looks after it.
//!
//! Nothing here does the pipeline's work. A trigger inserts an execution and invokes the function that does it; what is
//! shown is read from the database, from the reports on S3 and from EventBridge Scheduler.

mod access;
mod api;
mod desk;
mod guard;
mod pages;
mod panics;
mod problem;
mod read;
mod request;
mod work;
mod zone;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;

pub use desk::Desk;

use problem::Problem;
use request::API;

/// All routes of the desk, below its base path if it has one.
pub fn router(desk: Arc<Desk>) -> Router {
    let policy = content_security_policy(&desk);
    let open = Router::new()
        .merge(pages::open())
        .route(&format!("{API}/health"), axum::routing::get(api::health::health))
        .route(&format!("{API}/health/live"), axum::routing::get(api::health::live));
    let (api, described) = api::router();
    let described = Arc::new(described);
    let guarded = api
        .route(
            &format!("{API}/openapi.json"),
            axum::routing::get(move || std::future::ready(axum::Json(described.as_ref().clone()))),
        )
        .merge(pages::guarded())
        .route_layer(middleware::from_fn_with_state(Arc::clone(&desk), guard::guard));
    let base = desk.base.clone();
    let router = open
        .merge(guarded)
        .fallback(async || Problem::not_found("There is nothing at this address."))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), panics::reported))
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), pages::for_browsers))
        .layer(middleware::map_response(move |response: Response| {
            std::future::ready(with_security_headers(response, &policy))
        }))
        .with_state(desk);
    match base.as_str() {
        "" => router,
        // API Gateway's own address, which has no base path, stays in use: health and old links name it.
        base => Router::new().nest(base, router.clone()).merge(router),
    }
}

/// Scripts and styles are the desk's own files; images may also come from the host of the badges.
fn content_security_policy(desk: &Desk) -> Option<HeaderValue> {
    let images = match &desk.app.config.objects.public_url {
        Some(url) => url::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default(),
        None => "https://*.amazonaws.com".to_owned(),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' {images}; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}

fn with_security_headers(mut response: Response, policy: &Option<HeaderValue>) -> Response {
    let headers = response.headers_mut();
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not no-referrer: browsers would then send `Origin: null` with the desk's own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
