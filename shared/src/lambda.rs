//! The Lambda entry point that every function's `main` calls.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use lambda_runtime::Error;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::App;
use crate::aws;
use crate::clock::{self, Clock};
use crate::event::Fields;
use crate::execution::Failure;
use crate::invocation::Invocation;
use crate::sentry::{self, Failed};
use crate::telemetry;
use crate::work::Function;

/// Serves one function on the Lambda Runtime API. No connection is made before the first event.
pub async fn serve(
    function: Function,
    handler: impl AsyncFn(&Invocation<'_>, Value) -> Result<Value, Failure>,
) -> Result<(), Error> {
    telemetry::init(function);
    aws::install_tls_provider();
    let app = App::from_env()?;
    let (app, handler) = (&app, &handler);
    let is_cold = &AtomicBool::new(true);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| -> Result<Value, Diagnostic> {
        // Lambda's request ids are UUIDs; another runtime's may not be.
        let request_id = event.context.request_id.parse().unwrap_or_else(|_| Uuid::new_v4());
        let cold_start = is_cold.swap(false, Ordering::Relaxed);
        let span = tracing::info_span!(
            "invocation",
            function_request_id = %request_id,
            cold_start,
            xray_trace_id = event.context.xray_trace_id.as_deref(),
        );
        if cold_start {
            telemetry::count_cold_start(&app.config.environment, function, Clock::default().now());
        }
        let result = async {
            let services = app.services().await.map_err(Failure::App)?;
            let invocation = Invocation {
                function,
                request_id,
                clock: clock_for(app.config.clock_from_event, &event.payload),
                trace_id: event.context.xray_trace_id.as_deref(),
                // A deadline that has passed at delivery is none: an emulator of the Runtime API sends 1970.
                deadline: clock::until(event.context.deadline())
                    .and_then(|left| Instant::now().checked_add(left)),
                event: &event.payload,
                config: &app.config,
                services,
                batch: None,
            };
            // Type-erased: otherwise the runtime's layers and the whole pipeline would compile as one huge type.
            let answer: Pin<Box<dyn Future<Output = Result<Value, Failure>> + '_>> =
                Box::pin(handler(&invocation, event.payload.clone()));
            let answer = answer.await;
            // The desk answers people, who follow one link after the other.
            if function != Function::OperatorApi {
                services.store.close_idle();
            }
            answer
        };
        match result.instrument(span.clone()).await {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                tracing::error!(parent: &span, error = %failure, "the invocation failed");
                report_unrecorded(app, function, request_id, &failure).await;
                Err(Diagnostic { error_type: failure.kind().to_string(), error_message: failure.to_string() })
            }
        }
    }))
    .await
}

/// Sends a failure that has no execution record to Sentry; an execution sends its own.
async fn report_unrecorded(app: &App, function: Function, request: Uuid, failure: &Failure) {
    let operation = match failure {
        Failure::Record(_) => "record",
        Failure::Alarms { .. } => "alarms",
        Failure::Migration(_) => "migrate",
        _ => return,
    };
    let Ok(services) = app.services().await else { return };
    let secrets = services.vault.current();
    let Some(dsn) = &secrets.sentry_dsn else { return };
    let failed = Failed {
        function,
        environment: &app.config.environment,
        operation,
        kind: failure.kind(),
        message: &secrets.mask(&failure.to_string()),
        request,
        execution: None,
    };
    sentry::send(dsn, &failed).await;
}

/// The wall clock, or in a replay one that starts at the event's `deliveredAt` (a retry is delivered later than its
/// `scheduledTime`), else at its `scheduledTime`.
fn clock_for(from_event: bool, event: &Value) -> Clock {
    if !from_event {
        return Clock::default();
    }
    let mut fields = Fields::of(event);
    let mut time = |name| fields.optional(name).and_then(|text| fields.time(name, &text));
    time("deliveredAt").or_else(|| time("scheduledTime")).map_or_else(Clock::default, Clock::starting_at)
}
