//! Turns: one request at a time and a pause after each, across all functions that run concurrently.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::GateError;
use crate::store::pace::{self, Turn};
use crate::store::{Store, StoreError};

/// The longest time that a run waits before a request because the provider has said so (429).
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The longest time that a check of a wake-up waits for other runs' requests, beside the pause: waiting is paid, and its
/// check stays due. An event of its own waits as long as it has time.
const LONGEST_TURN: Duration = Duration::from_secs(10);
/// Approximate interval of polling for the end of another run's request.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Grants turns to make a request.
pub(super) struct Pace {
    provider: &'static str,
    store: Store,
    pause: Duration,
    asker: Uuid,
    gives_way: bool,
}

impl Pace {
    /// With a pause of zero there are no turns: no run waits for another.
    pub(super) fn new(provider: &'static str, store: Store, pause: Duration, gives_way: bool) -> Self {
        Self { provider, store, pause, asker: Uuid::new_v4(), gives_way }
    }

    /// Waits for the turn to make a request. The turn expires after `at_most`; none is taken that could end after
    /// `until`.
    pub(super) async fn turn(&self, at_most: Duration, until: Option<Instant>) -> Result<(), GateError> {
        if self.pause.is_zero() {
            return Ok(());
        }
        let mut waited = Duration::ZERO;
        loop {
            if until.is_some_and(|until| Instant::now() + at_most > until) {
                return Err(GateError::OutOfTime);
            }
            let turn = {
                let client = self.store.client().await?;
                // Plus the pause: if the turn is never given back, the next request is still that much later.
                pace::take_turn(&*client, self.provider, self.asker, at_most + self.pause).await?
            };
            let wait = match turn {
                Turn::Yours => return Ok(()),
                Turn::Wait(wait) => wait,
            };
            // A run received a 429 with a long wait, which applies to all runs.
            if wait > LONGEST_WAIT {
                return Err(GateError::HeldOff(wait));
            }
            // A known wait is slept exactly. While another run's request is under way, waiting runs poll, with jitter so
            // that they do not all poll at once.
            let wait = if wait.is_zero() { LOOK_AGAIN.mul_f64(0.2 + fastrand::f64()) } else { wait };
            // A longer wait than the pause was asked for by the provider, and is nobody's turn.
            if wait <= self.pause {
                waited += wait;
                if self.gives_way && waited > LONGEST_TURN + self.pause {
                    return Err(GateError::Busy);
                }
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Gives the turn back.
    pub(super) async fn done(&self) {
        if self.pause.is_zero() {
            return;
        }
        let given_back = async {
            pace::end_turn(&*self.store.client().await?, self.provider, self.asker, self.pause).await
        };
        if let Err(error) = given_back.await {
            tracing::warn!(%error, "the turn to call the provider could not be given back: other runs wait until it expires");
        }
    }

    /// Blocks requests of all runs until `wait` has passed.
    pub(super) async fn hold_off(&self, wait: Duration) -> Result<(), StoreError> {
        if self.pause.is_zero() {
            return Ok(());
        }
        pace::hold_off(&*self.store.client().await?, self.provider, wait).await
    }
}
