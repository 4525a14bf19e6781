//! What the functions of the Best Shot data pipeline share.
//!
//! Arrows point one way: functions → [`sync`] → [`plan`] → [`domain`], and [`sync`] → [`provider`], [`store`], ….
//! `domain` and `plan` are pure: no I/O, no SQL, no Lambda, no clock. `plan` decides, `sync` applies.

pub mod app;
pub mod aws;
pub mod browser;
pub mod clock;
pub mod config;
pub mod crash;
pub mod domain;
pub mod event;
pub mod execution;
pub mod functions;
pub mod lambda;
pub mod notify;
pub mod objects;
pub mod plan;
pub mod provider;
pub mod report;
pub mod schedule;
pub mod secrets;
pub mod sentry;
pub mod store;
pub mod style;
pub mod sync;
pub mod telemetry;
pub mod trigger;
