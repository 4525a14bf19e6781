//! A probe: one real request, to see whether the provider answers from where the function runs. It writes nothing, not
//! even an execution. The smoke test of a deployment sends it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::provider::{Half, ProviderError, ProviderName, Session};

/// Requests the day's events: `{"outcome": "answered" | "blocked" | "failed", "problem"?, "requests"}`.
pub(crate) async fn answer(provider: &mut Session, now: DateTime<Utc>) -> Value {
    let (outcome, problem) =
        match provider.scheduled(ProviderName::SofaScore, now.date_naive(), Half::First).await {
            Ok(_) | Err(ProviderError::NotFound { .. }) => ("answered", None),
            Err(error @ (ProviderError::Blocked { .. } | ProviderError::CircuitOpen { .. })) => {
                ("blocked", Some(error))
            }
            Err(error) => ("failed", Some(error)),
        };
    let problem = problem.map(|error| format!("{}: {error}", error.kind()));
    json!({ "outcome": outcome, "problem": problem, "requests": provider.requests() })
}
