//! The replay provider: serves a season file over HTTP as the provider would have shown it at the replay clock's time.
//!
//! It replaces the provider, and gives the tests' expected results: it shares no code with the pipeline, so an error
//! there cannot be hidden by the same error here.
//!
//! A season is read from an ordinary file or a compact league file, may have its own rules ([`Rules`]) and
//! faults of single matches ([`Fault`]).

mod block;
mod bracket;
mod clock;
mod compact;
mod course;
mod entry;
mod fault;
mod football_data;
mod image;
mod listing;
mod model;
mod names;
mod payload;
mod rules;
#[cfg(test)]
mod sample;
mod season;
mod server;
mod story;
mod table;
mod timing;
mod tree;
mod trouble;

pub use block::{Block, BlockError};
pub use bracket::{Bracket, Slot, Tie};
pub use clock::ReplayClock;
pub use entry::SeasonError;
pub use fault::FaultError;
pub use football_data::{KEY as FOOTBALL_DATA_KEY, football_data_id};
pub use image::png_for;
pub use listing::{Listing, moment};
pub use model::{EventRef, Fault, Fixture, Kind, RoundKey, Ruling, Score, Season, Team, When};
pub use payload::View;
pub use rules::{Rules, RulesError};
pub use server::ReplayProvider;
pub use story::{Moment, ended_at};
pub use table::{Row, table};
pub use trouble::Trouble;
