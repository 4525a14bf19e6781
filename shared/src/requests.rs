//! What a provider was asked, recorded where it is asked: a run that is stopped or panics shows its requests too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Serialize, Serializer};

/// One request to the provider, for the report.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// Path below the provider's API.
    pub path: String,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// What went wrong: the kind of the error, or what the network said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Size of the body.
    pub bytes: usize,
    /// From the question to the answer, the pause before it not counted.
    pub duration_ms: u128,
    /// What launching the browser took, where it was launched for this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_start_ms: Option<u128>,
}

/// What stands in a request until its answer is there.
const UNANSWERED: &str = "Unanswered";

/// The requests of one execution. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct RequestLog(Arc<Mutex<Vec<Request>>>);

impl RequestLog {
    /// Records a request that is about to be sent.
    pub(crate) fn begin(&self, path: &str, browser_start_ms: Option<u128>) {
        self.list().push(Request {
            path: path.to_owned(),
            status: None,
            error: Some(UNANSWERED.to_owned()),
            bytes: 0,
            duration_ms: 0,
            browser_start_ms,
        });
    }

    /// Records the answer to the request sent last.
    pub(crate) fn end(&self, status: Option<u16>, error: Option<String>, bytes: usize, took: Duration) {
        if let Some(last) = self.list().last_mut() {
            (last.status, last.error, last.bytes) = (status, error, bytes);
            last.duration_ms = took.as_millis();
        }
    }

    /// Takes the request sent last out again: the browser died before it could answer, and another asks.
    pub(crate) fn withdraw(&self) {
        self.list().pop();
    }

    /// Records what is wrong with the answer that came last.
    pub(crate) fn failed(&self, error: String) {
        if let Some(last) = self.list().last_mut() {
            last.error = Some(error);
        }
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
