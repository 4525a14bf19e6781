//! What the pipeline reads from a provider, whichever it is.

use std::collections::HashMap;

use football::domain::standings::ProviderTable;
use football::domain::{Match, ProviderName, Round, Team};
use serde::Serialize;

use super::ProviderError;
use super::reply::malformed;

/// The result of reading a reply with events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Matches between known teams.
    pub matches: Vec<Match>,
    /// The teams of those matches, each once.
    pub teams: Vec<Team>,
    /// Fixtures whose teams are not both known yet.
    pub open_slots: usize,
    /// Events that could not be read; their rows stay unchanged.
    pub refused: Vec<Refusal>,
    /// Events that were read although a field is not known: id, and what was taken for what.
    pub remarks: Vec<Remark>,
    /// Of a tournament with several providers: who said what of each match.
    #[serde(skip)]
    pub aliases: Vec<Alias>,
}

/// A match under two ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Who was asked.
    pub provider: ProviderName,
    /// The id that its row has.
    pub ours: String,
    /// The id that this provider has for it.
    pub theirs: String,
}

/// How an unknown field of an event was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The provider's event id.
    pub external_id: String,
    /// What was read as what.
    pub text: String,
}

/// An event that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The provider's event id; empty if even that could not be read.
    pub external_id: String,
    /// The field at fault.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Reading {
    /// Adds the content of another reading.
    pub fn extend(&mut self, other: Self) {
        self.matches.extend(other.matches);
        self.open_slots += other.open_slots;
        self.refused.extend(other.refused);
        self.remarks.extend(other.remarks);
        self.aliases.extend(other.aliases);
        for team in other.teams {
            self.add_team(team);
        }
    }

    /// What a provider says of matches that have an alias: its id, and the match under ours.
    pub fn said_by(&self, provider: ProviderName) -> Vec<(&str, &Match)> {
        let by_id: HashMap<&str, &Match> = self.matches.iter().map(|m| (m.external_id.as_str(), m)).collect();
        let of_it = self.aliases.iter().filter(|alias| alias.provider == provider);
        of_it.filter_map(|alias| Some((alias.theirs.as_str(), *by_id.get(alias.ours.as_str())?))).collect()
    }

    /// Adds a team, unless it is there already.
    pub(super) fn add_team(&mut self, team: Team) {
        if !self.teams.iter().any(|known| known.external_id == team.external_id) {
            self.teams.push(team);
        }
    }
}

/// The tables of a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tables {
    /// Those that could be read, each with a label of its own.
    pub tables: Vec<ProviderTable>,
    /// The others, and why: a table of averages has no wins and goals.
    pub unread: Vec<String>,
}

/// The rounds of a season, in the provider's order.
#[derive(Debug, Clone)]
pub struct Rounds {
    /// All of them.
    pub rounds: Vec<Round>,
    /// Slug of the current round.
    pub current: Option<String>,
    /// Matches of the reply that could not be read, where the rounds are made of matches.
    pub refused: Vec<Refusal>,
}

/// A half of the list of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The one that is requested first, often the whole.
    First,
    /// The rest.
    Other,
}

/// An image as the provider returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `image/png` or another type, detected from the first bytes.
    pub content_type: &'static str,
    /// The file extension.
    pub extension: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Image {
    /// The largest that is accepted.
    pub(super) const LIMIT_BYTES: usize = 1024 * 1024;

    /// The error of one that is larger.
    pub(super) fn too_large(path: &str) -> ProviderError {
        malformed(path, format!("an image of more than {} bytes", Self::LIMIT_BYTES))
    }

    /// The error of one of no kind that is stored.
    pub(super) fn unknown(path: &str) -> ProviderError {
        malformed(path, "neither PNG nor JPEG nor WebP".to_owned())
    }

    /// An image, by its first bytes; none if they are of no kind that is stored.
    pub(super) fn of(bytes: Vec<u8>) -> Option<Self> {
        let (content_type, extension) = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => ("image/png", "png"),
            [0xff, 0xd8, 0xff, ..] => ("image/jpeg", "jpg"),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("image/webp", "webp"),
            _ => return None,
        };
        Some(Self { content_type, extension, bytes })
    }
}

/// The round of an event of a list, as far as the list names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedRound {
    /// Its number, if given.
    pub number: Option<u32>,
    /// Its slug; lists over all competitions may leave it out.
    pub slug: Option<String>,
    /// Its prefix, if given.
    pub prefix: Option<String>,
}
