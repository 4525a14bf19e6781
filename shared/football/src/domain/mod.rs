//! Football: tournaments, rounds, teams, matches, scores, standings. Pure: no I/O, no Lambda, no SQL.

pub mod knockout;
mod lock;
pub mod matches;
mod provider;
pub mod round;
pub mod score;
pub mod standings;
pub mod team;
pub mod tournament;

pub use lock::{Lock, take_result};
pub use matches::{CalledOff, Match, MatchStatus, Stage, StoredMatch, TieFacts, Winner};
pub use provider::ProviderName;
pub use round::{Round, RoundAddress, RoundKind};
pub use score::Score;
pub use team::{Slot, Team};
pub use tournament::{Mode, Sources, StandingsMode, Tournament, TournamentStatus};
