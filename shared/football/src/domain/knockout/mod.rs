//! Knockouts: ties of one or two legs, who goes through and why, and how the rounds join into a bracket.

mod bracket;
mod drawing;
mod legs;
mod summary;
#[cfg(test)]
mod tests;
mod tie;
mod tree;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

pub use bracket::{Bracket, BracketRound, Note, bracket};
pub use summary::{LegSummary, RoundSummary, TieSummary, summary};
pub use tie::{away_goals, ties};
pub use tree::{Block, Participant, Tree, TreeRound};

use super::{MatchStatus, Score, Winner};

/// One side of a tie: a team's id, since a tie needs no names, or the place that is still to be reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entrant {
    /// The provider's id of a team.
    Team(String),
    /// `Winner QF1`, `W49`: never a team.
    Placeholder(String),
}

impl Entrant {
    /// The team's id, if there is one.
    pub fn team(&self) -> Option<&str> {
        match self {
            Self::Team(id) => Some(id),
            Self::Placeholder(_) => None,
        }
    }
}

/// The name of an unknown slot.
const TO_BE_DECIDED: &str = "To be decided";

/// One half of a match or of a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Side {
    /// Named first.
    Home,
    /// Named second.
    Away,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Home => Self::Away,
            Self::Away => Self::Home,
        }
    }

    /// The side that won, if one did.
    pub fn of(winner: Winner) -> Option<Self> {
        match winner {
            Winner::Home => Some(Self::Home),
            Winner::Away => Some(Self::Away),
            Winner::Neither => None,
        }
    }

    /// The side with more, if one has more.
    fn ahead((home, away): (i32, i32)) -> Option<Self> {
        match home.cmp(&away) {
            std::cmp::Ordering::Greater => Some(Self::Home),
            std::cmp::Ordering::Less => Some(Self::Away),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// Whether goals scored away break a level aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AwayGoals {
    /// They do not: UEFA since 2021, most cups.
    No,
    /// They do.
    Yes,
    /// Not known: they do where the provider's winner is the side they favour.
    #[default]
    Inferred,
}

/// What is known of one match of a knockout round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnockoutMatch {
    /// The provider's event id.
    pub external_id: String,
    /// The round it belongs to.
    pub round_slug: String,
    /// The home side.
    pub home: Entrant,
    /// The away side.
    pub away: Entrant,
    /// Kickoff, UTC.
    pub kickoff: Option<DateTime<Utc>>,
    /// Its state. A match that is not defined may be an old id of a fixture that continues under another id.
    pub status: MatchStatus,
    /// Goals after 90 or 120 minutes, and the shootout separately.
    pub score: Option<Score>,
    /// Whether extra time was played.
    pub extra_time: bool,
    /// Whether the result was awarded: by decision of the association, or because one side did not appear.
    pub awarded: bool,
    /// The provider's winner of the match.
    pub winner: Option<Side>,
    /// The provider's winner of the tie, as a side of this match.
    pub tie_winner: Option<Side>,
    /// The event id of the leg before this one.
    pub previous_leg: Option<String>,
    /// The tie's number of legs, if the provider gives it.
    pub legs: Option<u32>,
}

/// A match within its tie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leg {
    /// The provider's event id.
    pub external_id: String,
    /// The match's home side.
    pub home: Entrant,
    /// The match's away side.
    pub away: Entrant,
    /// The home side's goals after 90 or 120 minutes.
    pub home_score: Option<i32>,
    /// The away side's goals after 90 or 120 minutes.
    pub away_score: Option<i32>,
    /// The shootout, home and away.
    pub shootout: Option<(i32, i32)>,
    /// Kickoff, UTC.
    pub kickoff: Option<DateTime<Utc>>,
    /// Its state.
    pub status: MatchStatus,
    /// Whether the match's home side is the tie's away side.
    pub reversed: bool,
}

/// What decided a tie.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum DecidedBy {
    /// The goals of the only match, in 90 minutes.
    SingleMatch,
    /// The goals of both legs.
    Aggregate,
    /// The goals scored away, the aggregate being level.
    AwayGoals,
    /// Goals in extra time.
    ExtraTime,
    /// The shootout.
    Shootout,
    /// One side did not play.
    Walkover,
    /// The result was awarded.
    Awarded,
    /// Two wins of three matches.
    Series,
    /// A further match, the first or the aggregate being level.
    Replay,
    /// There was no opponent.
    Bye,
    /// Only the provider's winner: the matches alone do not decide, see [`Unclear`].
    ProviderOnly,
}

/// Why the matches alone do not decide who goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Unclear {
    /// A match is still to be played, or none is known.
    NotPlayed,
    /// A leg is not known.
    MissingLeg,
    /// A match is over and has no score.
    MissingScore,
    /// The shootout is level.
    LevelShootout,
    /// All is level (a coin was tossed, a replay is to come), or only goals scored away differ, and it is not known
    /// that they count.
    Level {
        /// Who goes through if goals scored away count.
        away_goals: Option<Side>,
    },
}

/// The slot of a later round to which a team of a tie goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The later round.
    pub round_slug: String,
    /// The tie's number in it.
    pub number: i32,
    /// The tie's side.
    pub side: Side,
}

/// Two entrants, one of whom goes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tie {
    /// Its round.
    pub round_slug: String,
    /// Its place in the round, from 1.
    pub number: i32,
    /// The home side of the first leg.
    pub home: Entrant,
    /// The away side of the first leg.
    pub away: Entrant,
    /// Its matches by kickoff; the replays come last.
    pub legs: Vec<Leg>,
    /// Goals of both legs (of the first, until the second is over), as the tie's home and away; none in ties of one
    /// match.
    pub aggregate: Option<(i32, i32)>,
    /// Who goes through.
    pub winner: Option<Side>,
    /// What decided it.
    pub decided_by: Option<DecidedBy>,
    /// Why the matches alone do not decide, if they do not.
    pub unclear: Option<Unclear>,
    /// Where the winner goes.
    pub next: Option<Next>,
    /// Where the loser goes: to the match for third place.
    pub loser_next: Option<Next>,
    /// Contradictions between the matches and the provider's winner, in words.
    pub notes: Vec<String>,
    /// The provider's winner, where the matches contradict it.
    #[serde(skip)]
    contradiction: Option<Side>,
}

impl Leg {
    /// Whether it is over.
    pub fn ended(&self) -> bool {
        self.status == MatchStatus::Ended
    }
}

impl Tie {
    /// A tie without a known match.
    fn waiting(round_slug: &str, number: i32, home: Entrant, away: Entrant) -> Self {
        Self {
            round_slug: round_slug.to_owned(),
            number,
            home,
            away,
            legs: Vec::new(),
            aggregate: None,
            winner: None,
            decided_by: None,
            unclear: Some(Unclear::NotPlayed),
            next: None,
            loser_next: None,
            notes: Vec::new(),
            contradiction: None,
        }
    }

    /// The entrant of a side.
    pub fn entrant(&self, side: Side) -> &Entrant {
        match side {
            Side::Home => &self.home,
            Side::Away => &self.away,
        }
    }

    /// The side of a team.
    pub fn side_of(&self, team: &str) -> Option<Side> {
        [Side::Home, Side::Away].into_iter().find(|side| self.entrant(*side).team() == Some(team))
    }

    /// The id of the team that goes through.
    pub fn winning_team(&self) -> Option<&str> {
        self.entrant(self.winner?).team()
    }

    /// The id of the team that goes out.
    pub fn losing_team(&self) -> Option<&str> {
        self.entrant(self.winner?.other()).team()
    }

    fn entrant_mut(&mut self, side: Side) -> &mut Entrant {
        match side {
            Side::Home => &mut self.home,
            Side::Away => &mut self.away,
        }
    }

    /// Whether a match of it is running or to come.
    fn is_open(&self) -> bool {
        self.legs.iter().any(|leg| leg.status == MatchStatus::Open)
    }

    /// The side a team would take: its own if it is in the tie, else the wanted one if that is free, else the other.
    fn free_side(&self, team: &str, wanted: Side) -> Option<Side> {
        let free = |side: &Side| self.entrant(*side).team().is_none();
        self.side_of(team).or_else(|| [wanted, wanted.other()].into_iter().find(free))
    }

    /// Applies that a team is in the next round. Where the provider has it as the winner too, it has gone through by a
    /// decision of the competition, whatever its matches say; else the loser may have a second chance there.
    fn plays_on(&mut self, side: Side, source: &str) {
        match self.winner {
            Some(winner) if winner != side && self.contradiction == Some(side) => {
                let by = self.decided_by.map(|by| by.to_string()).unwrap_or_default();
                self.notes.push(format!(
                    "the {winner} side won ({by}), but {source} has the {side} side: it goes through by decision"
                ));
                self.winner = Some(side);
                self.decided_by = Some(DecidedBy::ProviderOnly);
            }
            _ => self.hear(side, source),
        }
    }

    /// Applies the provider's winner: it decides where the matches do not, and is only noted where they contradict it.
    /// `source` names where the provider gives it.
    fn hear(&mut self, word: Side, source: &str) {
        match self.winner {
            None => {
                let by_away_goals = self.unclear == Some(Unclear::Level { away_goals: Some(word) });
                self.winner = Some(word);
                self.decided_by =
                    Some(if by_away_goals { DecidedBy::AwayGoals } else { DecidedBy::ProviderOnly });
                if by_away_goals {
                    self.unclear = None;
                }
            }
            Some(winner) if winner != word => {
                let by = self.decided_by.map(|by| by.to_string()).unwrap_or_default();
                self.contradiction = Some(word);
                self.notes
                    .push(format!("the {winner} side goes through ({by}), but {source} has the {word} side"));
            }
            Some(_) => {}
        }
    }
}

/// Whether a round is the match for third place, which is not on the path to the final.
pub fn is_third_place(round_slug: &str) -> bool {
    round_slug.contains("third-place") || round_slug.contains("3rd-place")
}

/// Whether a round belongs to a stage before or beside the one the champion comes from.
fn is_side_stage(round_slug: &str) -> bool {
    ["qualification", "preliminary", "relegation"].iter().any(|prefix| round_slug.starts_with(prefix))
}
