//! The whole pipeline on one machine: the same function binaries over the real Lambda Runtime API, beside real parts.

pub mod bench;
pub mod driver;
pub mod emulator;
pub mod front;
pub mod functions;
pub mod page;
pub mod postgres;
pub mod replay;
pub mod slack_sink;
pub mod stack;
pub mod summary;
pub mod tools;
