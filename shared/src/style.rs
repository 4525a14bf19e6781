//! The stylesheet shared by the desk's pages, which link to it, and the HTML reports, in which it is inlined.

use strum::Display;

use crate::journal::EntryStatus;
use crate::work::ExecutionStatus;

/// The stylesheet: light and dark, for the width of a phone and up.
pub const STYLESHEET: &str = include_str!("../assets/pages.css");

/// The colour of a status, as the stylesheet's class: never the only indication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "lowercase")]
pub enum Tone {
    /// As it should be.
    Good,
    /// In part, or late.
    Half,
    /// Failed.
    Bad,
    /// Still going on.
    Busy,
    /// Nothing to say about it.
    Calm,
}

impl From<ExecutionStatus> for Tone {
    fn from(status: ExecutionStatus) -> Self {
        match status {
            ExecutionStatus::Completed => Self::Good,
            ExecutionStatus::PartialFailure => Self::Half,
            ExecutionStatus::Failed => Self::Bad,
            ExecutionStatus::InProgress => Self::Busy,
        }
    }
}

impl From<EntryStatus> for Tone {
    fn from(status: EntryStatus) -> Self {
        match status {
            EntryStatus::Completed => Self::Good,
            EntryStatus::Failed => Self::Bad,
            EntryStatus::Skipped => Self::Half,
        }
    }
}
