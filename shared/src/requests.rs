//! The requests to a provider, recorded when they are made, so that a run that is stopped or panics shows them too.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize, Serializer};

use crate::work::ErrorKind;

/// One request to the provider, for the report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Path below the provider's API.
    pub path: String,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RequestError>,
    /// Size of the body in bytes.
    pub bytes: usize,
    /// Time from the request to the answer in ms, without the pause before it.
    pub duration_ms: u128,
    /// Time to launch the browser in ms, if it was launched for this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_start_ms: Option<u128>,
    /// When it was sent.
    #[serde(skip)]
    pub(crate) began: Option<Instant>,
}

/// What went wrong with a request; written as one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum RequestError {
    /// No answer has arrived, or not before the run ended.
    Unanswered,
    /// The answer is no data, or the browser failed.
    Kind(ErrorKind),
    /// The network's error.
    Network(String),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered => f.write_str("Unanswered"),
            Self::Kind(kind) => kind.fmt(f),
            Self::Network(reason) => f.write_str(reason),
        }
    }
}

impl From<RequestError> for String {
    fn from(error: RequestError) -> Self {
        error.to_string()
    }
}

impl From<String> for RequestError {
    fn from(text: String) -> Self {
        match (text.as_str(), text.parse()) {
            ("Unanswered", _) => Self::Unanswered,
            (_, Ok(kind)) => Self::Kind(kind),
            (_, Err(_)) => Self::Network(text),
        }
    }
}

impl Request {
    /// Whether the provider gave what was asked for.
    pub fn succeeded(&self) -> bool {
        self.status == Some(200) && self.error.is_none()
    }
}

/// The requests of one execution. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct RequestLog(Arc<Mutex<Vec<Request>>>);

impl RequestLog {
    /// Records a request that is about to be sent.
    pub(crate) fn begin(&self, path: &str, browser_start_ms: Option<u128>) {
        self.list().push(Request {
            path: path.to_owned(),
            status: None,
            error: Some(RequestError::Unanswered),
            bytes: 0,
            duration_ms: 0,
            browser_start_ms,
            began: Some(Instant::now()),
        });
    }

    /// Records the answer to the request sent last.
    pub(crate) fn end(&self, status: Option<u16>, error: Option<RequestError>, bytes: usize, took: Duration) {
        if let Some(last) = self.list().last_mut() {
            (last.status, last.error, last.bytes) = (status, error, bytes);
            last.duration_ms = took.as_millis();
        }
    }

    /// Removes the request sent last: the browser died before the answer, and the request is repeated in a new one.
    pub(crate) fn withdraw(&self) {
        self.list().pop();
    }

    /// Records what is wrong with the last answer.
    pub(crate) fn failed(&self, kind: ErrorKind) {
        if let Some(last) = self.list().last_mut() {
            last.error = Some(RequestError::Kind(kind));
        }
    }

    /// Adds requests that were made before the execution began, for it and others.
    pub fn add(&self, requests: Vec<Request>) {
        self.list().extend(requests);
    }

    /// When the request at this place was sent, if there is one.
    pub(crate) fn began_after(&self, place: usize) -> Option<Instant> {
        self.list().get(place)?.began
    }

    /// How many requests there were.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// All of them, in order.
    pub fn all(&self) -> Vec<Request> {
        self.list().clone()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Request>> {
        // The list is whole even if a thread died while holding it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Vec<Request>> for RequestLog {
    fn from(requests: Vec<Request>) -> Self {
        Self(Arc::new(Mutex::new(requests)))
    }
}

impl Serialize for RequestLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.list().iter())
    }
}
