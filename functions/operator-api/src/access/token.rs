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

/// The shortest token that is accepted, in characters: a session's signature lets its holder test guesses of the token
/// elsewhere, as fast as they can.
const SHORTEST: usize = 32;
/// What docs/deploy.md writes in place of a token.
const PLACEHOLDER: &str = "random characters or more";

/// Hashes and session keys of the valid tokens. The tokens themselves are not kept.
pub(crate) struct Tokens {
    read: Instant,
    known: Vec<Known>,
    refused: usize,
}

/// A valid token.
#[derive(Clone)]
pub(crate) struct Known {
    hash: [u8; 32],
    /// Signs the sessions that were opened with this token: they end when the token is removed.
    session_key: [u8; 32],
}

impl Known {
    /// The key of sessions that are opened with this token.
    pub(super) fn session_key(&self) -> &[u8; 32] {
        &self.session_key
    }
}

impl Tokens {
    pub(super) fn of(tokens: &[SecretString]) -> Self {
        let known = |token: &SecretString| Known {
            hash: Sha256::digest(token.expose_secret()).into(),
            session_key: sign(token.expose_secret().as_bytes(), b"the operator's desk: session"),
        };
        let is_strong = |token: &&SecretString| {
            let text = token.expose_secret();
            text.chars().count() >= SHORTEST && !text.contains(PLACEHOLDER)
        };
        let known: Vec<Known> = tokens.iter().filter(is_strong).map(known).collect();
        Self { read: Instant::now(), refused: tokens.len() - known.len(), known }
    }

    /// Why nobody can sign in, if nobody can.
    pub(super) fn closed_because(&self) -> Option<&'static str> {
        match (self.known.is_empty(), self.refused) {
            (false, _) => None,
            (true, 0) => Some("the secret has no INTERNAL_SERVICE_TOKEN"),
            (true, _) => Some(
                "INTERNAL_SERVICE_TOKEN is refused: it has fewer than 32 characters or is the deploy guide's placeholder; \
                 make one by: openssl rand -hex 32",
            ),
        }
    }

    /// How many tokens of the secret are refused, because they can be guessed.
    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    /// The same tokens, with the time of reading set to now.
    pub(super) fn kept_on(&self) -> Self {
        Self { read: Instant::now(), known: self.known.clone(), refused: self.refused }
    }

    pub(super) fn is_old(&self, for_unknown: bool) -> bool {
        self.read.elapsed() > if for_unknown { OLD_FOR_UNKNOWN } else { OLD }
    }

    /// The valid token that was given, if it is one. All are compared, so that the time tells nothing.
    pub(super) fn find(&self, given: &str) -> Option<&Known> {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.known.iter().fold(
            None,
            |found, known| {
                if bool::from(known.hash.ct_eq(&given)) { Some(known) } else { found }
            },
        )
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

    const NEW: &str = "a new token of thirty-two characters, or more";
    const OLD_ONE: &str = "an old token of thirty-two characters, or more";

    fn of(tokens: &[&str]) -> Tokens {
        Tokens::of(&tokens.iter().map(|token| (*token).to_owned().into()).collect::<Vec<_>>())
    }

    #[test]
    fn either_of_two_tokens_opens_and_nothing_else_does() {
        let tokens = of(&[NEW, OLD_ONE]);
        assert!(tokens.find(NEW).is_some() && tokens.find(OLD_ONE).is_some());
        for wrong in ["", &NEW[1..], &format!("{NEW} "), &format!("{NEW}{OLD_ONE}")] {
            assert!(tokens.find(wrong).is_none(), "{wrong}");
        }
        assert!(of(&[]).find("").is_none());
    }

    #[test]
    fn a_token_that_can_be_guessed_opens_nothing_and_the_reason_is_given() {
        let placeholder = "32 random characters or more: openssl rand -hex 32";
        for weak in ["short", placeholder] {
            let tokens = of(&[weak]);
            assert!(tokens.find(weak).is_none(), "{weak}");
            assert!(tokens.closed_because().is_some_and(|reason| reason.contains("openssl rand")), "{weak}");
        }
        assert_eq!(of(&[]).closed_because(), Some("the secret has no INTERNAL_SERVICE_TOKEN"));
        assert_eq!((of(&[NEW, "short"]).closed_because(), of(&[NEW, "short"]).refused()), (None, 1));
    }
}
