//! Admission of requests to a provider: one at a time, a pause after each, and none while it refuses. All concurrently
//! running functions share this through the database.

mod circuit;
mod pace;

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use football::domain::ProviderName;

use crate::clock::Clock;
use crate::store::{Store, StoreError};
use circuit::Circuit;
pub use pace::LONGEST_WAIT;
use pace::Pace;

/// Why a request may not be made.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The provider refused an earlier request: no requests are made until this time.
    #[error("the provider refuses to answer and is left alone until {} ({reason})", .until.format("%Y-%m-%d %H:%M UTC"))]
    CircuitOpen {
        /// Until when.
        until: DateTime<Utc>,
        /// The provider's reason.
        reason: String,
    },
    /// The provider requires a longer wait than a run can afford.
    #[error("the provider may be asked again in {0:?}")]
    HeldOff(Duration),
    /// Another run was using the provider for longer than a turn is waited for.
    #[error("another run is using the provider")]
    Busy,
    /// The function's deadline is too near for another request.
    #[error("the function's time is nearly up")]
    OutOfTime,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Admits the requests of one run to one provider.
pub struct Gate {
    provider: &'static str,
    pace: Pace,
    circuit: Circuit,
    until: Option<Instant>,
}

impl Gate {
    /// The gate of `provider`, with the pause between requests and the wait after a refusal. No request that could end
    /// after `until` is admitted, so that what was read can be written in time. `gives_way`: a turn is not waited for long.
    /// Does not access the database yet.
    pub fn new(
        provider: ProviderName,
        store: Store,
        clock: Clock,
        until: Option<Instant>,
        gives_way: bool,
        (pause, refusal_wait): (Duration, TimeDelta),
    ) -> Self {
        let provider = provider.as_str();
        let pace = Pace::new(provider, store.clone(), pause, gives_way);
        Self { provider, pace, circuit: Circuit::new(provider, store, clock, refusal_wait), until }
    }

    /// Whether a request that takes `at_most` may be started: the provider does not refuse, and the run has enough
    /// time, including the longest wait for a turn.
    pub async fn admit(&mut self, at_most: Duration) -> Result<(), GateError> {
        self.circuit.admit().await?;
        let worst = at_most + LONGEST_WAIT;
        if self.until.is_some_and(|until| Instant::now() + worst > until) {
            return Err(GateError::OutOfTime);
        }
        Ok(())
    }

    /// Waits for the turn to make a request. The turn expires after `at_most`.
    pub async fn turn(&self, at_most: Duration) -> Result<(), GateError> {
        self.pace.turn(at_most, self.until).await
    }

    /// Gives the turn back.
    pub async fn done(&self) {
        self.pace.done().await;
    }

    /// Blocks requests of all runs until `wait` has passed.
    pub async fn hold_off(&self, wait: Duration) -> Result<(), GateError> {
        Ok(self.pace.hold_off(wait).await?)
    }

    /// Records that the provider refused `path`: no function sends it a request for hours.
    pub async fn refused(&mut self, path: &str, reason: &str) {
        let learned = self.circuit.open(path, reason).await;
        self.note(learned);
    }

    /// Records that the provider answered: if the circuit was on trial, it is closed.
    pub async fn answered(&mut self) {
        let learned = self.circuit.close_after_trial().await;
        self.note(learned);
    }

    fn note(&self, learned: Result<(), StoreError>) {
        if let Err(error) = learned {
            tracing::error!(%error, provider = self.provider, "the provider's circuit could not be written");
        }
    }
}
