//! A probe: one real request, to see whether the provider answers from where the function runs. It writes nothing, not
//! even an execution: a deployment's smoke test asks for it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::event::Fields;
use shared::execution::Invocation;
use shared::provider::ProviderError;
use shared::provider::sofascore::SofaScore;

/// Whether a valid event asks for a probe.
pub(crate) fn is_asked_for(event: &Value, invocation: &Invocation<'_>) -> bool {
    let mut fields = Fields::of(event);
    fields.envelope(&invocation.config.environment, invocation.clock.now());
    let probe = fields.optional("operation").is_some_and(|operation| operation == "probe");
    probe && fields.finish(()).is_ok()
}

/// Asks for the day's events: `{"outcome": "answered" | "blocked" | "failed", "problem"?, "requests"}`.
pub(crate) async fn answer(provider: &mut SofaScore<'_>, now: DateTime<Utc>) -> Value {
    let (outcome, problem) = match provider.scheduled(now.date_naive()).await {
        Ok(_) | Err(ProviderError::NotFound { .. }) => ("answered", None),
        Err(error @ (ProviderError::Blocked { .. } | ProviderError::CircuitOpen { .. })) => {
            ("blocked", Some(error))
        }
        Err(error) => ("failed", Some(error)),
    };
    let problem = problem.map(|error| format!("{}: {error}", error.kind()));
    json!({ "outcome": outcome, "problem": problem, "requests": provider.take_requests() })
}
