//! The football and the decisions of the Best Shot data pipeline.
//!
//! Pure: no I/O, no SQL, no provider, no clock. [`domain`] knows the game; [`plan`] compares what the provider says with
//! what is stored and decides. It builds and tests in seconds, and beside the SDKs instead of after them.

pub mod domain;
pub mod plan;
