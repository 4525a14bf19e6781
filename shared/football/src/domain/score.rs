//! The score of a match, final or running.

use serde::{Deserialize, Serialize};

/// Goals of both sides. The shootout is separate: its goals never count as goals of the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Goals of the home side after 90 or 120 minutes.
    pub home: i32,
    /// Goals of the away side after 90 or 120 minutes.
    pub away: i32,
    /// Shootout goals, home and away, where there was one.
    pub shootout: Option<(i32, i32)>,
}

impl Score {
    /// A score without a shootout.
    pub fn new(home: i32, away: i32) -> Self {
        Self { home, away, shootout: None }
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.home, self.away)?;
        match self.shootout {
            Some((home, away)) => write!(f, " ({home}-{away} pens)"),
            None => Ok(()),
        }
    }
}
