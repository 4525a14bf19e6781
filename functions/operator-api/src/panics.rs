//! A panic while a request is handled: it is sent to Sentry, and Lambda sees the invocation fail.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use lambda_http::RequestExt as _;
use shared::sentry::{self, Failed};
use shared::work::{ErrorKind, Function};
use uuid::Uuid;

use crate::desk::Desk;

/// Runs the request's handler; a panic is sent to Sentry and then resumed.
pub(crate) async fn reported(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let id = request.lambda_context_ref().and_then(|context| context.request_id.parse().ok());
    let asked = format!("{} {}", request.method(), request.uri().path());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            report(&desk, id.unwrap_or_default(), &asked).await;
            resume_unwind(panic)
        }
    }
}

/// Sends the panic without its message, which may quote any data. The log has the location.
async fn report(desk: &Desk, request: Uuid, asked: &str) {
    let Ok(services) = desk.app.services().await else { return };
    let secrets = services.vault.current();
    let Some(dsn) = &secrets.sentry_dsn else { return };
    let failed = Failed {
        function: Function::OperatorApi,
        environment: &desk.app.config.environment,
        operation: "request",
        kind: ErrorKind::Panic,
        message: &format!("{asked} panicked"),
        request,
        execution: None,
    };
    sentry::send(dsn, &failed).await;
}
