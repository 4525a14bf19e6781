//! The whole pipeline on one machine: the same function binaries over the real Lambda Runtime API, with real services.

mod aws_call;
pub mod aws_gate;
pub mod aws_record;
pub mod bench;
pub mod bus;
pub mod chaos;
pub mod crowd;
pub mod driver;
pub mod emulator;
pub mod front;
pub mod functions;
pub mod injection;
pub mod lambda_check;
pub mod page;
pub mod pgbouncer;
pub mod postgres;
pub mod replay;
pub mod samples;
pub mod sentry_sink;
mod serve;
pub mod slack_sink;
pub mod stack;
pub mod summary;
pub mod tools;
pub mod up;
pub mod watch;
pub mod wire;
