//! Limits the failed attempts of each address.
//!
//! Counted in memory, per execution environment, so that a refused request writes nothing and costs little. Lambda may
//! run several environments, each with its own count; API Gateway's throttle limits them all together, and the token
//! is too long to be guessed with a few attempts a second.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Failures within the window after which an address is refused without a check of its token.
const FAILURES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Addresses remembered.
const ADDRESSES: usize = 10_000;

/// Failed attempts by address.
#[derive(Default)]
pub(super) struct Limit(HashMap<String, (u32, Instant)>);

impl Limit {
    /// For how many seconds an address is refused, if it is.
    pub(super) fn blocked(&self, address: &str) -> Option<u64> {
        let (failures, since) = self.0.get(address)?;
        let left = WINDOW.checked_sub(since.elapsed())?;
        (*failures >= FAILURES).then(|| left.as_secs().max(1))
    }

    /// Counts a failure.
    pub(super) fn failed(&mut self, address: &str) {
        self.0.retain(|_, (_, since)| since.elapsed() < WINDOW);
        if self.0.len() >= ADDRESSES {
            self.0.clear();
        }
        self.0.entry(address.to_owned()).or_insert_with(|| (0, Instant::now())).0 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_fails_often_is_refused_and_others_are_not() {
        let mut limit = Limit::default();
        for _ in 0..FAILURES {
            assert_eq!(limit.blocked("a"), None);
            limit.failed("a");
        }
        assert!(limit.blocked("a").is_some_and(|seconds| seconds <= 300));
        assert_eq!(limit.blocked("b"), None);
    }
}
