//! Renews the lease of a run and records its progress.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

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
pub(super) struct Heartbeat {
    task: tokio::task::JoinHandle<()>,
    lost: Arc<Notify>,
}

impl Heartbeat {
    pub(super) fn start(store: Store, clock: Clock, held: Held, progress: Arc<Mutex<Progress>>) -> Self {
        let lost = Arc::new(Notify::new());
        let signal = Arc::clone(&lost);
        let task = tokio::spawn(async move {
            let lost = signal;
            let mut renewed_at = Instant::now();
            let mut noted = Progress::default();
            loop {
                tokio::time::sleep(NOTE_EVERY).await;
                // The lease first: recording the progress may take long, and waits until the next time.
                if renewed_at.elapsed() >= RENEW_EVERY {
                    match renew(&store, clock, held).await {
                        Ok(true) => renewed_at = Instant::now(),
                        Ok(false) => {
                            tracing::warn!(execution_id = %held.id, "the run's lease is lost");
                            return lost.notify_one();
                        }
                        Err(error) => {
                            tracing::warn!(%error, "the run's lease could not be renewed; trying again…");
                            continue;
                        }
                    }
                }
                let come = progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if come != noted {
                    match note(&store, held, &come).await {
                        Ok(()) => noted = come,
                        Err(error) => tracing::warn!(%error, "the run's progress could not be recorded"),
                    }
                }
            }
        });
        Self { task, lost }
    }

    /// Ends when the record belongs to another run.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
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
        self.task.abort();
    }
}
