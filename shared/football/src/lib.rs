//! The football and the decisions of the Best Shot data pipeline.
//!
//! Pure: no I/O, no SQL, no provider, no clock. [`domain`] has the rules of the game; [`plan`] compares the provider's
//! data with the stored data and decides what to do. It builds in seconds, in parallel with the SDKs.

pub mod domain;
pub mod plan;
