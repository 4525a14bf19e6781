//! What the executions of one wake-up share: their messages are sent together, and one of them does the housekeeping.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::message::Outgoing;

/// The executions of one wake-up.
#[derive(Default)]
pub struct Batch {
    messages: Mutex<Vec<Outgoing>>,
    housekeeping_done: AtomicBool,
}

impl Batch {
    /// Keeps an execution's message until the end of the wake-up.
    pub(crate) fn keep(&self, message: Outgoing) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }

    /// Whether this is the execution that looks after what earlier runs left: the first.
    pub(crate) fn does_housekeeping(&self) -> bool {
        !self.housekeeping_done.swap(true, Ordering::Relaxed)
    }

    /// The messages that were kept.
    pub(crate) fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
