//! SofaScore: endpoints, payloads and their mapping to the domain.

mod classify;
mod client;
mod cuptree;
pub mod decode;
mod event;
mod payload;
mod score;
mod season;
mod standings;
mod status;

pub use client::{Half, Image, SofaScore};
pub use event::{Listed, Reading, Refusal};
pub use payload::Rounds;
pub use season::{SeasonRef, has_round_url, is_page, round_address, season_page};
pub use standings::Tables;

/// The provider's name in the database.
pub const PROVIDER: &str = "sofascore";
