//! What is to be done, decided without doing it: (provider state, stored state, time) → plan.
//!
//! A plan is plain data. The same value is the report's body, the dry run's answer and what tests compare.

pub mod bracket;
pub mod checks;
pub mod correction;
pub mod differences;
pub mod identity;
pub mod looks;
pub mod matches;
pub mod standings;
mod tables;
#[cfg(test)]
mod tests;
