//! A session: a signed name and expiry. Nothing is stored, so that every execution environment accepts it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use super::token::{Known, Tokens, sign};

/// The cookie's name. The prefix makes browsers insist on Secure, on no other domain and on the whole site.
pub(crate) const COOKIE: &str = "__Host-desk";
/// How long a session is valid.
pub(crate) const VALID: TimeDelta = TimeDelta::hours(8);

impl Known {
    /// The cookie value of a new session for `name`, which ends with this token.
    pub(crate) fn session(&self, now: DateTime<Utc>, name: &str) -> String {
        let text = format!("{}.{}", (now + VALID).timestamp(), URL_SAFE_NO_PAD.encode(name));
        let signature = sign(self.session_key(), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Tokens {
    /// The name in a session cookie's value, if the session is valid and has not expired.
    pub(super) fn open(&self, cookie: &str, now: DateTime<Utc>) -> Option<String> {
        let (text, signature) = cookie.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !self.signed(text.as_bytes(), &signature) {
            return None;
        }
        let (until, name) = text.split_once('.')?;
        let until: i64 = until.parse().ok()?;
        if now.timestamp() >= until {
            return None;
        }
        String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens that are long enough.
    fn tokens(of: &[&str]) -> Tokens {
        Tokens::of(&of.iter().map(|token| token.repeat(32).into()).collect::<Vec<_>>())
    }

    fn session(tokens: &Tokens, token: &str, now: DateTime<Utc>, name: &str) -> String {
        tokens.find(&token.repeat(32)).unwrap().session(now, name)
    }

    #[test]
    fn a_session_ends_with_its_time_and_with_the_token_that_opened_it() {
        let now: DateTime<Utc> = "2024-03-02T12:00:00Z".parse().unwrap();
        let cookie = session(&tokens(&["a"]), "a", now, "Ann; (page)");
        let later = now + TimeDelta::hours(7);
        assert_eq!(tokens(&["a"]).open(&cookie, later).as_deref(), Some("Ann; (page)"));
        assert_eq!(tokens(&["b", "a"]).open(&cookie, later).as_deref(), Some("Ann; (page)"));
        assert_eq!(tokens(&["b"]).open(&cookie, later), None);
        assert_eq!(tokens(&["a"]).open(&cookie, now + VALID), None);
        // Opened with the previous token during a rotation, it ends with that.
        let cookie = session(&tokens(&["new", "old"]), "old", now, "Ann");
        assert!(tokens(&["new", "old"]).open(&cookie, later).is_some());
        assert_eq!(tokens(&["new"]).open(&cookie, later), None);
    }

    #[test]
    fn a_changed_session_is_none() {
        let now: DateTime<Utc> = "2024-03-02T12:00:00Z".parse().unwrap();
        let tokens = tokens(&["a"]);
        let cookie = session(&tokens, "a", now, "Ann");
        let (text, signature) = cookie.rsplit_once('.').unwrap();
        let longer = format!("9{text}.{signature}");
        for changed in [longer.as_str(), text, "", "..", &cookie[..cookie.len() - 1]] {
            assert_eq!(tokens.open(changed, now), None, "{changed}");
        }
    }
}
