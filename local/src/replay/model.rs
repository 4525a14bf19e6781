//! The parts of a season: teams, rounds, matches with their results, and their faults.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};

/// A team, by order of first appearance in the file.
#[derive(Clone, Debug)]
pub struct Team {
    /// The provider's id: 1000 + order.
    pub id: u64,
    /// The name as the file has it.
    pub name: String,
    /// The three letters the file gives, if any.
    pub code: Option<String>,
    /// A slot that is not filled in the file (`W49`, `1A`, `Winner Group A`): never shown as a team.
    pub placeholder: bool,
}

/// A round as the provider identifies it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoundKey {
    /// The number, not unique: a league round and a knockout round may share it.
    pub number: u32,
    /// The name (knockout rounds only).
    pub name: Option<String>,
    /// The slug (knockout rounds only).
    pub slug: Option<String>,
    /// The stage before or beside the main one that it belongs to, such as `Qualification`.
    pub prefix: Option<String>,
}

impl RoundKey {
    /// A matchday.
    pub fn matchday(number: u32) -> Self {
        Self { number, name: None, slug: None, prefix: None }
    }
}

/// What a match counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table.
    League,
    /// A tie.
    Knockout,
}

/// How the result came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Played, or still to be played.
    Played,
    /// Awarded by the association.
    Awarded,
    /// Cancelled: there will be no result.
    Cancelled,
}

/// A result, home first. `et` is cumulative: the score after 120 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// At halftime.
    pub ht: Option<[u32; 2]>,
    /// After 90 minutes.
    pub ft: [u32; 2],
    /// After 120 minutes.
    pub et: Option<[u32; 2]>,
    /// The shootout alone.
    pub p: Option<[u32; 2]>,
}

impl Score {
    /// The usual score: after 120 minutes if they were played, else after 90; no shootout.
    pub fn display(&self) -> [u32; 2] {
        self.et.unwrap_or(self.ft)
    }
}

/// A match.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The provider's event id: 9000001 + order in the file.
    pub id: u64,
    /// Table or tie.
    pub kind: Kind,
    /// The round.
    pub round: RoundKey,
    /// `Group A`; none in a league, a league phase or a knockout round.
    pub group: Option<String>,
    /// `Championship`: the part of a split league it belongs to; none before the split.
    pub section: Option<String>,
    /// Index of the home team in [`Season::teams`].
    pub home: usize,
    /// Index of the away team.
    pub away: usize,
    /// Kickoff in UTC, as in the file: [`Fixture::last_kickoff`] considers postponements.
    pub kickoff: DateTime<Utc>,
    /// The result, if the file knows one.
    pub score: Option<Score>,
    /// How it came about.
    pub ruling: Ruling,
    /// Its faults.
    pub faults: Vec<Fault>,
}

/// A season of one competition.
#[derive(Clone, Debug)]
pub struct Season {
    /// Every match, in the file's order.
    pub fixtures: Vec<Fixture>,
    /// Every team.
    pub teams: Vec<Team>,
    /// Every round: league rounds by number, then knockout rounds by first kickoff.
    pub rounds: Vec<RoundKey>,
    /// The groups by name; empty in a league.
    pub groups: Vec<String>,
    /// The provider's id of the competition.
    pub unique_tournament_id: u64,
    /// The provider's id of the season.
    pub season_id: u64,
    pub(super) in_force: InForce,
    pub(super) label: String,
    pub(super) year: String,
}

/// The rules in force in a season.
#[derive(Clone, Debug, Default)]
pub(super) struct InForce {
    /// The tie-breaking text, if the season has its own.
    pub text: Option<String>,
    /// Points to add to those a team (index into [`Season::teams`]) has won: negative for a deduction.
    pub adjustments: HashMap<usize, i64>,
    /// The official order at the end (indices into [`Season::teams`]); empty if the file has none.
    pub final_order: Vec<usize>,
    /// Teams that have byes.
    pub byes: Vec<usize>,
    /// The provider's tables; empty: one a group.
    pub tables: Vec<Listed>,
    /// Whether a shootout in a match of a table gives its winner a further point.
    pub shootout_points: bool,
    /// Whether the first half of a day's list has other competitions only.
    pub split_days: bool,
}

/// A table that the provider lists.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// The end of its name.
    pub name: String,
    /// Indices into [`Season::teams`].
    pub teams: Vec<usize>,
    /// Whether its stage has an id that no match has.
    pub own_stage: bool,
}

/// How a fault names its match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventRef {
    /// By the provider's event id.
    Id(u64),
    /// By `Home-Away`, both as in the season file; case and blanks around the hyphen do not matter.
    Names(String),
}

/// The time of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// An absolute time.
    At(DateTime<Utc>),
    /// In minutes after the match's kickoff (the last one, where it was postponed); negative before it.
    Minute(i64),
}

impl When {
    /// The instant, for a match that kicks off at `kickoff`.
    pub fn instant(self, kickoff: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Minute(minutes) => kickoff + Duration::minutes(minutes),
        }
    }
}

/// Something that goes wrong with one match. Minutes of a match are real minutes since its kickoff, including the
/// break: the second half begins in minute 62.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `postpone:EVENT:NEW_KICKOFF[:new-id]`: code 60 from 24 hours before the kickoff. The new date is announced 24
    /// hours after the old kickoff, or 24 hours before the new one if that is earlier. Then the event has the new
    /// kickoff and status 0; with `new-id` it stays in its round as postponed, and a new event (id + 500000) beside it
    /// has the new kickoff.
    Postpone {
        /// The match.
        event: EventRef,
        /// When it is played.
        kickoff: DateTime<Utc>,
        /// Under a new id?
        new_id: bool,
    },
    /// `abandon:EVENT:MINUTE[:RESUME_AT]`: code 90 from that minute on, the score as it was. With `RESUME_AT` (an instant
    /// or a minute) the match goes on there from where it stopped; without, it has no result.
    Abandon {
        /// The match.
        event: EventRef,
        /// When it stops.
        minute: u32,
        /// When it goes on.
        resume: Option<When>,
    },
    /// `late:EVENT:MINUTES[:moves]`: code 61 from the kickoff on, play begins so many minutes later. With `moves`
    /// `startTimestamp` moves too, from the old kickoff on; without, it stays.
    Late {
        /// The match.
        event: EventRef,
        /// How late.
        minutes: u32,
        /// Does the kickoff shown move?
        moves: bool,
    },
    /// `correct:EVENT:MINUTES_AFTER_END:H-A`: the file's score at first, and from so many minutes after the end on this
    /// one (without the shootout, which stays), home first.
    Correct {
        /// The match.
        event: EventRef,
        /// How long after the end.
        minutes_after_end: u32,
        /// The usual score from then on.
        score: [u32; 2],
    },
    /// `status:EVENT:CODE:TYPE[:FROM[:TO]]`: this status, whatever the match's own, from `FROM` (else always) until `TO`
    /// (else for ever). The score is the one of the match; none with `notstarted`, `postponed` and `delayed`.
    Status {
        /// The match.
        event: EventRef,
        /// `status.code`.
        code: u32,
        /// `status.type`; may be unknown to the pipeline.
        kind: String,
        /// Since when.
        from: Option<When>,
        /// Until when.
        to: Option<When>,
    },
    /// `disallow:EVENT:MINUTE[:home|:away]`: from that minute on one goal too many is shown (for the home side), five
    /// minutes later, or at the final whistle, it is removed.
    Disallow {
        /// The match.
        event: EventRef,
        /// When the disallowed goal is shown.
        minute: u32,
        /// 0 for the home side, 1 for the away side.
        side: usize,
    },
    /// `vanish:EVENT:FROM[:TO]`: missing from the lists (its round, its days), still there as an event and in the table.
    Vanish {
        /// The match.
        event: EventRef,
        /// Since when.
        from: When,
        /// Until when.
        to: Option<When>,
    },
}
