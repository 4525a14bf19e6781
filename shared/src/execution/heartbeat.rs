//! Renews the lease of a run and records its progress.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::journal::Progress;
use crate::store::executions::{self, Held};
use crate::store::{Store, StoreError};

use super::LEASE;

/// Interval between renewals of the lease.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// Interval between writes of a run's progress, while it changes.
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// Renews the lease until dropped.
pub(super) struct Heartbeat(tokio::task::JoinHandle<()>);

impl Heartbeat {
    pub(super) fn start(store: Store, clock: Clock, held: Held, progress: Arc<Mutex<Progress>>) -> Self {
        Self(tokio::spawn(async move {
            let mut renewed_at = Instant::now();
            let mut noted = Progress::default();
            loop {
                tokio::time::sleep(NOTE_EVERY).await;
                let come = progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if come != noted {
                    match note(&store, held, &come).await {
                        Ok(()) => noted = come,
                        Err(error) => tracing::warn!(%error, "the run's progress could not be recorded"),
                    }
                }
                if renewed_at.elapsed() < RENEW_EVERY {
                    continue;
                }
                renewed_at = Instant::now();
                match renew(&store, clock, held).await {
                    Ok(true) => {}
                    Ok(false) => return tracing::warn!(execution_id = %held.id, "the run's lease is lost"),
                    Err(error) => {
                        tracing::warn!(%error, "the run's lease could not be renewed; trying again…");
                    }
                }
            }
        }))
    }
}

async fn note(store: &Store, held: Held, progress: &Progress) -> Result<(), StoreError> {
    executions::note_progress(&*store.client().await?, held, progress).await
}

/// Renews the lease; returns whether the record still belongs to this run.
pub(super) async fn renew(store: &Store, clock: Clock, held: Held) -> Result<bool, StoreError> {
    executions::renew(&*store.client().await?, held, clock.now() + LEASE).await
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}
