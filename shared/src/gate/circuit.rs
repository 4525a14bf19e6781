//! The circuit breaker: after a provider refuses, no function sends it a request for hours.

use chrono::TimeDelta;

use super::GateError;
use crate::clock::Clock;
use crate::store::circuit::{self, Admission};
use crate::store::{Store, StoreError};

/// A provider's circuit as one run knows it.
pub(super) struct Circuit {
    provider: &'static str,
    store: Store,
    clock: Clock,
    wait: TimeDelta,
    admission: Option<Admission>,
}

impl Circuit {
    /// `wait`: how long the circuit stays open after a first refusal.
    pub(super) fn new(provider: &'static str, store: Store, clock: Clock, wait: TimeDelta) -> Self {
        Self { provider, store, clock, wait, admission: None }
    }

    /// Checks in the database, once per run, whether requests to the provider are allowed.
    pub(super) async fn admit(&mut self) -> Result<(), GateError> {
        if self.admission.is_none() {
            let client = self.store.client().await?;
            self.admission = Some(circuit::admit(&*client, self.provider, self.clock.now()).await?);
        }
        match &self.admission {
            Some(Admission::Refused { until, reason }) => {
                Err(GateError::CircuitOpen { until: *until, reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Opens the circuit after the provider refused `path`.
    pub(super) async fn open(&mut self, path: &str, reason: &str) -> Result<(), StoreError> {
        let (provider, now, said) = (self.provider, self.clock.now(), format!("{path}: {reason}"));
        let open =
            async || circuit::open(&*self.store.client().await?, provider, &said, now, self.wait).await;
        let until = self.store.persist(open).await?;
        tracing::error!(provider, reason, %until, "the provider refuses: its circuit is open and no requests are made");
        // This run makes no further requests either.
        self.admission = Some(Admission::Refused { until, reason: reason.to_owned() });
        Ok(())
    }

    /// Closes the circuit, if this run is the one that tries whether the provider answers again.
    pub(super) async fn close_after_trial(&mut self) -> Result<(), StoreError> {
        if self.admission != Some(Admission::Trial) {
            return Ok(());
        }
        let provider = self.provider;
        self.store.persist(async || circuit::close(&*self.store.client().await?, provider).await).await?;
        tracing::info!(provider, "the provider answers again: its circuit is closed");
        self.admission = Some(Admission::Closed);
        Ok(())
    }
}
