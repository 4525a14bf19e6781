//! football-data.org, API v4: payloads, their mapping to the domain, and what is held back because it can't be right yet.

mod client;
pub mod decode;
mod game;
mod payload;
mod result;
mod season;
mod stage;
mod standings;

pub use client::FootballData;
pub(super) use game::ListedGame;
pub(super) use season::SeasonRef;
pub(super) use season::{round_address, season_of_text};
