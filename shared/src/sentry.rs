//! Sentry: failures reported with their kind and subject. Only if `SENTRY_DSN` is set.
//!
//! The event holds ids, names and the error's message; no summary, no payload, no address.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sentry_types::Dsn;
use sentry_types::protocol::latest::{Envelope, Event, Exception, Level, Values};
use uuid::Uuid;

use crate::work::{ErrorKind, Function};

const TIMEOUT: Duration = Duration::from_secs(5);
/// The length to which an error's message is cut.
const MESSAGE_CHARS: usize = 500;

/// A failure.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// Which function.
    pub function: Function,
    /// Which environment.
    pub environment: &'a str,
    /// What failed: an operation, or a part of the function that has none.
    pub operation: &'a str,
    /// The kind of error.
    pub kind: ErrorKind,
    /// What went wrong.
    pub message: &'a str,
    /// Lambda's request id, to find the log.
    pub request: Uuid,
    /// The record, where there is one.
    pub execution: Option<Uuid>,
}

/// Sends a failure to Sentry. An error in sending is only logged.
pub async fn send(dsn: &SecretString, failed: &Failed<'_>) {
    let sent = match dsn.expose_secret().parse::<Dsn>() {
        Ok(dsn) => post(&dsn, failed).await,
        Err(_) => Err("SENTRY_DSN can't be read: it must be like https://key@host/project".to_owned()),
    };
    if let Err(problem) = sent {
        tracing::warn!(problem, "the failure could not be reported to Sentry");
    }
}

async fn post(dsn: &Dsn, failed: &Failed<'_>) -> Result<(), String> {
    let mut body = Vec::new();
    Envelope::from(event(failed)).to_writer(&mut body).map_err(|error| error.to_string())?;
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.without_url().to_string())?;
    let answer = client
        .post(dsn.envelope_api_url().to_string())
        .header("X-Sentry-Auth", dsn.to_auth(Some("best-shot/0.1")).to_string())
        .header("Content-Type", "application/x-sentry-envelope")
        .body(body)
        .send()
        .await
        .map_err(|error| error.without_url().to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("HTTP {}", answer.status().as_u16())) }
}

fn event(failed: &Failed<'_>) -> Event<'static> {
    let exception = Exception {
        ty: failed.kind.to_string(),
        value: Some(failed.message.chars().take(MESSAGE_CHARS).collect()),
        ..Exception::default()
    };
    let tags = [
        ("function", Some(failed.function.to_string())),
        ("operation", Some(failed.operation.to_owned())),
        ("request_id", Some(failed.request.to_string())),
        ("execution_id", failed.execution.map(|id| id.to_string())),
    ];
    Event {
        level: Level::Error,
        environment: Some(failed.environment.to_owned().into()),
        exception: Values::from(vec![exception]),
        tags: tags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        // One issue per operation and kind of error, whatever the message.
        fingerprint: vec![failed.operation.to_owned().into(), failed.kind.to_string().into()].into(),
        ..Event::default()
    }
}
