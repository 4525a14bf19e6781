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

pub use client::SofaScore;
pub(super) use event::ListedEvent;
pub(super) use season::{NotASeason, round_address, season_page};
pub use season::{SeasonRef, has_round_url, is_page};
