//! The circuit: a provider that refuses is left alone for hours, by all functions.

use chrono::TimeDelta;

use super::ProviderError;
use crate::clock::Clock;
use crate::store::circuit::{self, Admission};
use crate::store::{Store, StoreError};

/// What a run knows of the circuit.
pub(super) struct Circuit {
    store: Store,
    clock: Clock,
    wait: TimeDelta,
    admission: Option<Admission>,
}

impl Circuit {
    /// Left alone for `wait` after a first refusal.
    pub(super) fn new(store: Store, clock: Clock, wait: TimeDelta) -> Self {
        Self { store, clock, wait, admission: None }
    }

    /// Asks once a run whether the provider may be asked.
    pub(super) async fn admit(&mut self, provider: &str) -> Result<(), ProviderError> {
        if self.admission.is_none() {
            let asked =
                async { circuit::admit(&*self.store.client().await?, provider, self.clock.now()).await };
            self.admission = Some(asked.await.map_err(ProviderError::Pace)?);
        }
        match &self.admission {
            Some(Admission::Refused { until, reason }) => {
                Err(ProviderError::CircuitOpen { until: *until, reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Learns from what a request came to.
    pub(super) async fn learn<T>(&mut self, provider: &str, answer: &Result<T, ProviderError>) {
        let learned = match answer {
            Err(ProviderError::Blocked { path, reason }) => self.opened(provider, path, reason).await,
            Ok(_) | Err(ProviderError::NotFound { .. }) if self.admission == Some(Admission::Trial) => {
                self.closed(provider).await
            }
            _ => Ok(()),
        };
        if let Err(error) = learned {
            tracing::error!(%error, "what was learned of the provider could not be noted");
        }
    }

    async fn opened(&mut self, provider: &str, path: &str, reason: &str) -> Result<(), StoreError> {
        let (now, said) = (self.clock.now(), format!("{path}: {reason}"));
        let open =
            async || circuit::open(&*self.store.client().await?, provider, &said, now, self.wait).await;
        let until = self.store.persist(open).await?;
        tracing::error!(provider, reason, %until, "the provider refuses: it is left alone");
        // This run asks no more either.
        self.admission = Some(Admission::Refused { until, reason: reason.to_owned() });
        Ok(())
    }

    async fn closed(&mut self, provider: &str) -> Result<(), StoreError> {
        self.store.persist(async || circuit::close(&*self.store.client().await?, provider).await).await?;
        tracing::info!(provider, "the provider answers again");
        self.admission = Some(Admission::Closed);
        Ok(())
    }
}
