//! A match that a person has set, and that the provider's readings no longer change.

use serde::Serialize;

use super::{Match, TieFacts};

/// What of a match is locked, and what it would be without the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// Status, score, shootout and the winner are locked.
    pub result: bool,
    /// The kickoff is locked.
    pub kickoff: bool,
    /// The match as the provider's readings have it.
    pub without: Match,
}

impl Lock {
    /// `read`, with what is locked as it is `stored`.
    pub fn applied(&self, read: &Match, stored: &Match) -> Match {
        let mut locked = read.clone();
        if self.kickoff {
            locked.kickoff = stored.kickoff;
        }
        if self.result {
            take_result(&mut locked, stored);
        }
        locked
    }
}

/// Gives a match the result of another state of it: all columns that the result decides, and the time of its change.
pub fn take_result(m: &mut Match, from: &Match) {
    m.status = from.status;
    m.called_off = from.called_off;
    m.score = from.score;
    m.changed_at = from.changed_at;
    m.tie = TieFacts { previous_leg: m.tie.previous_leg.clone(), legs: m.tie.legs, ..from.tie.clone() };
}
