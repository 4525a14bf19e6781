//! Taking turns: one request at a time and a pause after each, kept across all functions that run at once.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::ProviderError;
use crate::store::pace::{self, Turn};
use crate::store::{Store, StoreError};

/// The longest that a run waits for the provider's leave to ask again.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// While somebody else's request is under way, its end is looked for this often, more or less.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Hands out the moments at which a request may be made.
pub(super) struct Pace {
    store: Store,
    pause: Duration,
    asker: Uuid,
}

impl Pace {
    /// A pause of zero is none: nobody waits for anybody.
    pub(super) fn new(store: Store, pause: Duration) -> Self {
        Self { store, pause, asker: Uuid::new_v4() }
    }

    /// Waits for the turn to ask for `path`; it is kept for `at_most`, and then others go on without us.
    /// No turn is taken that could end after `until`.
    pub(super) async fn turn(
        &self,
        provider: &str,
        path: &str,
        at_most: Duration,
        until: Option<Instant>,
    ) -> Result<(), ProviderError> {
        if self.pause.is_zero() {
            return Ok(());
        }
        loop {
            if until.is_some_and(|until| Instant::now() + at_most > until) {
                return Err(ProviderError::OutOfTime { path: path.to_owned() });
            }
            let turn = {
                let client = self.store.client().await.map_err(ProviderError::Pace)?;
                // The pause on top: should the turn not be given back, the next request keeps its distance all the same.
                pace::take_turn(&*client, provider, self.asker, at_most + self.pause)
                    .await
                    .map_err(ProviderError::Pace)?
            };
            let wait = match turn {
                Turn::Yours => return Ok(()),
                Turn::Wait(wait) => wait,
            };
            // Somebody was told to come back later: that holds for all.
            if wait > LONGEST_WAIT {
                return Err(ProviderError::RateLimited { path: path.to_owned(), retry_after: Some(wait) });
            }
            // Not all at the same moment.
            tokio::time::sleep(wait + LOOK_AGAIN.mul_f64(0.2 + fastrand::f64())).await;
        }
    }

    /// Gives the turn back.
    pub(super) async fn done(&self, provider: &str) {
        if self.pause.is_zero() {
            return;
        }
        let given_back =
            async { pace::end_turn(&*self.store.client().await?, provider, self.asker, self.pause).await };
        if let Err(error) = given_back.await {
            tracing::warn!(%error, "the turn could not be given back: others wait until it runs out");
        }
    }

    /// Lets nobody ask before `wait` has passed.
    pub(super) async fn hold_off(&self, provider: &str, wait: Duration) -> Result<(), StoreError> {
        if self.pause.is_zero() {
            return Ok(());
        }
        pace::hold_off(&*self.store.client().await?, provider, wait).await
    }
}
