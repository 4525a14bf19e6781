//! What the executions of one wake-up share: their messages are sent together, and one of them does the housekeeping.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::message::Message;

/// A message that is kept until the end of the wake-up.
pub(crate) struct Kept {
    /// The message.
    pub message: Message,
    /// Whether nobody is to get it: the settings or another message say so.
    pub unwanted: bool,
}

/// The executions of one wake-up.
#[derive(Default)]
pub struct Batch {
    messages: Mutex<Vec<Kept>>,
    housekeeping_done: AtomicBool,
}

impl Batch {
    /// Keeps an execution's message until the end of the wake-up.
    pub(crate) fn keep(&self, kept: Kept) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    /// Whether this is the execution that looks after what earlier runs left: the first.
    pub(crate) fn does_housekeeping(&self) -> bool {
        !self.housekeeping_done.swap(true, Ordering::Relaxed)
    }

    /// The messages that were kept.
    pub(crate) fn take(&self) -> Vec<Kept> {
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
