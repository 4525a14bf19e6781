//! Outcomes of written rows, counted by the database.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Outcomes of the rows passed to a statement, counted by the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcomes {
    /// New rows.
    pub inserted: u64,
    /// Rows that differed and were written.
    pub updated: u64,
    /// Rows that were already correct: not written.
    pub unchanged: u64,
    /// Rows that refer to something that does not exist: not written, but reported.
    pub unresolved: u64,
}

impl Outcomes {
    /// Whether any row was written.
    pub fn wrote(&self) -> bool {
        self.inserted + self.updated > 0
    }

    /// Counts one row by the word the statements return.
    pub(crate) fn count(&mut self, outcome: &str) {
        match outcome {
            "inserted" => self.inserted += 1,
            "updated" => self.updated += 1,
            "unchanged" => self.unchanged += 1,
            _ => self.unresolved += 1,
        }
    }
}

impl std::ops::AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.unresolved += other.unresolved;
    }
}

/// The counts that are not zero, as `inserted 3, unchanged 7`.
pub fn counts(counts: &impl Serialize) -> String {
    let Ok(Value::Object(counts)) = serde_json::to_value(counts) else { return String::new() };
    let parts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
