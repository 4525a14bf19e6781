//! The replay provider: a season file, shown over HTTP as the provider would have shown it at the replay clock.
//!
//! It stands in for the outside world, and it is the oracle of the tests: it shares no code with the pipeline, so an
//! error there cannot be excused by the same error here.

mod bracket;
mod clock;
mod entry;
mod image;
mod names;
mod payload;
#[cfg(test)]
mod sample;
mod season;
mod server;
mod story;
mod table;

pub use bracket::{Bracket, Slot, Tie};
pub use clock::ReplayClock;
pub use entry::SeasonError;
pub use image::png_for;
pub use payload::View;
pub use season::{Fixture, Kind, RoundKey, Ruling, Score, Season, Team};
pub use server::ReplayProvider;
pub use story::{Moment, ended_at, moment};
pub use table::{Row, table};
