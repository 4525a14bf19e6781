//! football-data.org, API v4: payloads, their mapping to the domain, and what is held back because it can't be right yet.

pub mod decode;
mod game;
mod payload;
mod result;
mod stage;
mod standings;
