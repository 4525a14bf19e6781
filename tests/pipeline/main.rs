//! The pipeline with real components: Postgres, Chromium, the functions' own binaries over the Lambda Runtime API, an
//! AWS emulator behind the real SDKs. Run by `make test`, which starts the shared services.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that can't go on fails by panicking")]

mod adoption;
mod aws;
mod browser;
mod captures;
mod chaos;
mod checks;
mod crashes;
mod cups;
mod database;
mod decisions;
mod deployment;
mod desk;
mod desk_pages;
mod desk_tasks;
mod events;
mod executions;
mod faults;
mod football_data;
mod formats;
mod harness;
mod history;
mod lifetimes;
mod operator;
mod outages;
mod played;
mod provider;
mod records;
mod repeats;
mod replay;
mod results;
mod roles;
mod samples;
mod schedules;
mod seasons;
mod sentry;
mod sources;
mod store;
mod tab;
mod tables;
mod tournaments;
