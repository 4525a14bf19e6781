//! What everything that is made for people to look at wears: the desk's pages link to it, reports carry it inside.

/// The stylesheet: light and dark, from the width of a phone on.
pub const STYLESHEET: &str = include_str!("../assets/pages.css");

/// The colour of a status, as the stylesheet's class: never the only sign.
pub fn tone(status: &str) -> &'static str {
    match status {
        "completed" | "done" | "active" => "good",
        "partial_failure" | "partial" | "late" | "skipped" => "half",
        "failed" | "cancelled" => "bad",
        "in_progress" | "running" => "busy",
        _ => "calm",
    }
}
