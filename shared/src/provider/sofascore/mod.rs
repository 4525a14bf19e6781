//! SofaScore: endpoints, payloads and what they mean in the domain.

mod classify;
mod client;
mod event;
mod payload;
mod score;
mod season;
mod status;

pub use client::{Image, SofaScore};
pub use event::{Reading, Refusal};
pub use payload::Rounds;
pub use season::SeasonRef;

/// The provider's name in the database.
pub const PROVIDER: &str = "sofascore";
