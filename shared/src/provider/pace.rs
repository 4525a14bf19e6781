//! The pause between requests, kept across all functions that run at once.

use std::time::Duration;

use crate::store::{Store, StoreError, pace};

/// Hands out the moments at which a request may be made.
pub struct Pace<'a> {
    /// Where the next free moment is kept.
    pub store: &'a Store,
    /// Between two requests; zero: none is kept.
    pub pause: Duration,
}

impl Pace<'_> {
    /// Waits for the next free moment.
    pub async fn wait(&self, provider: &str) -> Result<(), StoreError> {
        if self.pause.is_zero() {
            return Ok(());
        }
        let wait = pace::next_free_moment(&*self.store.client().await?, provider, self.pause).await?;
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
