//! Logs: one JSON object a line, filtered by `RUST_LOG`.

use tracing_subscriber::EnvFilter;

/// Starts logging. Called once, first thing in `main`.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        // CloudWatch stamps every line itself.
        .without_time()
        .with_ansi(false)
        .try_init();
    if let Err(error) = started {
        tracing::warn!(%error, "logging was started twice");
    }
}
