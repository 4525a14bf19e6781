//! The stylesheet shared by the desk's pages, which link to it, and the HTML reports, in which it is inlined.

use crate::work::ExecutionStatus;

/// The stylesheet: light and dark, for the width of a phone and up.
pub const STYLESHEET: &str = include_str!("../assets/pages.css");

/// The colour of a status, as the stylesheet's class: never the only indication. `status` is an execution's, an
/// operation's, a check's or a tournament's.
pub fn tone(status: &str) -> &'static str {
    match status.parse() {
        Ok(ExecutionStatus::Completed) => "good",
        Ok(ExecutionStatus::PartialFailure) => "half",
        Ok(ExecutionStatus::Failed) => "bad",
        Ok(ExecutionStatus::InProgress) => "busy",
        Err(_) => match status {
            "done" | "active" => "good",
            "partial" | "late" | "skipped" => "half",
            "cancelled" => "bad",
            "running" => "busy",
            _ => "calm",
        },
    }
}
