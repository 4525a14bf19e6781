//! Code shared by the functions of the Best Shot data pipeline.
//!
//! Imports go one way: functions → [`sync`] → `football::plan` → `football::domain`, and [`sync`] → [`provider`], [`store`], ….
//! The crate `football` is pure: no I/O, no SQL, no Lambda, no clock. It decides; [`sync`] applies.

pub mod alarms;
pub mod app;
pub mod aws;
pub mod batch;
mod block_kit;
pub mod browser;
mod bus;
pub mod clock;
pub mod config;
pub mod crash;
mod database_url;
pub mod delivery;
pub mod event;
pub mod execution;
pub mod gate;
pub mod invocation;
pub mod journal;
pub mod lambda;
mod message;
pub mod objects;
pub mod outcomes;
pub mod provider;
pub mod report;
pub mod requests;
pub mod result_event;
pub mod secrets;
pub mod sentry;
pub mod slack;
pub mod store;
pub mod style;
pub mod summary;
pub mod sync;
pub mod telemetry;
pub mod words;
pub mod work;
