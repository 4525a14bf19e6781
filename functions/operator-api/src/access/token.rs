//! The tokens that are valid: compared by their hashes, in constant time, so that neither contents nor length leak.

use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The secret is read again after this long, so that a rotation needs no restart.
const OLD: Duration = Duration::from_secs(5 * 60);
/// The same when a request has an unknown token, which may be new.
const OLD_FOR_UNKNOWN: Duration = Duration::from_secs(20);

/// Hashes and session keys of the valid tokens. The tokens themselves are not kept.
pub(crate) struct Tokens {
    read: Instant,
    known: Vec<Known>,
}

#[derive(Clone)]
struct Known {
    hash: [u8; 32],
    /// Signs the sessions that were opened with this token: they end when the token is removed.
    session_key: [u8; 32],
}

impl Tokens {
    pub(super) fn of(tokens: &[SecretString]) -> Self {
        let known = |token: &SecretString| Known {
            hash: Sha256::digest(token.expose_secret()).into(),
            session_key: sign(token.expose_secret().as_bytes(), b"the operator's desk: session"),
        };
        Self { read: Instant::now(), known: tokens.iter().map(known).collect() }
    }

    /// The same tokens, with the time of reading set to now.
    pub(super) fn kept_on(&self) -> Self {
        Self { read: Instant::now(), known: self.known.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(super) fn is_old(&self, for_unknown: bool) -> bool {
        self.read.elapsed() > if for_unknown { OLD_FOR_UNKNOWN } else { OLD }
    }

    /// Whether a token is one of the valid ones.
    pub(super) fn hold(&self, given: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        let found = self.known.iter().fold(Choice::from(0), |found, known| found | known.hash.ct_eq(&given));
        found.into()
    }

    /// The key of new sessions.
    pub(super) fn session_key(&self) -> Option<&[u8; 32]> {
        self.known.first().map(|known| &known.session_key)
    }

    /// Whether a text was signed by a session's key that is still valid.
    pub(super) fn signed(&self, text: &[u8], signature: &[u8]) -> bool {
        let found = self.known.iter().fold(Choice::from(0), |found, known| {
            found | sign(&known.session_key, text).as_slice().ct_eq(signature)
        });
        found.into()
    }
}

/// HMAC-SHA256.
pub(super) fn sign(key: &[u8], text: &[u8]) -> [u8; 32] {
    // HMAC accepts keys of any length, so the error does not occur.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac.chain_update(text).finalize().into_bytes().into(),
        Err(_) => Sha256::digest([key, text].concat()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_of_two_tokens_opens_and_nothing_else_does() {
        let tokens = Tokens::of(&["new".to_owned().into(), "old".to_owned().into()]);
        assert!(tokens.hold("new") && tokens.hold("old"));
        for wrong in ["", "ne", "new ", "newold"] {
            assert!(!tokens.hold(wrong), "{wrong}");
        }
        assert!(!Tokens::of(&[]).hold(""));
    }
}
