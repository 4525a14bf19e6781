//! The provider's drawing of a bracket: authoritative for who meets whom, not for scores.

use serde::{Deserialize, Serialize};

use super::Entrant;

/// A drawn bracket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Its name, such as `Africa Cup of Nations 2025, Knockout stage`.
    pub name: String,
    /// Its rounds, first to last.
    pub rounds: Vec<TreeRound>,
}

/// A column of the drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRound {
    /// Its place; numbers may be left out.
    pub order: i32,
    /// Its displayed name, such as `1/8` or `Quarterfinals`.
    pub description: String,
    /// How many ties the stage has: 8, 4, 2, 1.
    pub ties: Option<u32>,
    /// Its ties, by order.
    pub blocks: Vec<Block>,
}

/// A tie of the drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its id within its round; [`Participant::source_block`] of the next round refers to it.
    pub id: i64,
    /// Its place in the round, from 1.
    pub order: i32,
    /// Its participants, in the drawing's order, which need not be that of home and away.
    pub participants: Vec<Participant>,
    /// The event ids of its matches.
    pub events: Vec<String>,
    /// Whether it is over.
    pub finished: bool,
    /// The id of the team that goes through.
    pub winner: Option<String>,
    /// How many matches it has.
    pub legs: Option<u32>,
    /// Whether its only participant goes through without a match.
    pub bye: bool,
}

impl Block {
    /// The ids of its teams, in the drawing's order.
    pub fn teams(&self) -> impl Iterator<Item = &str> {
        self.participants.iter().filter_map(|participant| participant.entrant.as_ref()?.team())
    }
}

/// A participant of a tie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who it is, if known.
    pub entrant: Option<Entrant>,
    /// The block of the round before whose winner it is.
    pub source_block: Option<i64>,
}
