//! A provider that refuses everybody from a moment on, until another one or for ever.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use shared::provider::ProviderName;

/// When a provider refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The provider.
    pub provider: ProviderName,
    /// From this moment on.
    pub from: DateTime<Utc>,
    /// Until this one; none: for ever.
    pub until: Option<DateTime<Utc>>,
}

impl Block {
    /// Whether it refuses at a moment.
    pub fn is_on(&self, provider: ProviderName, now: DateTime<Utc>) -> bool {
        self.provider == provider && self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Why a block can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no block: it must be like sofascore@2022-12-09 or football-data@2022-12-09T12:00:00Z..2022-12-15"
)]
pub struct BlockError(String);

impl FromStr for Block {
    type Err = BlockError;

    /// `PROVIDER@FROM` or `PROVIDER@FROM..UNTIL`; each moment is a day or a time in UTC.
    fn from_str(text: &str) -> Result<Self, BlockError> {
        let parts = || {
            let (provider, span) = text.split_once('@')?;
            let (from, until) = match span.split_once("..") {
                Some((from, until)) => (from, Some(moment(until)?)),
                None => (span, None),
            };
            Some(Self { provider: provider.parse().ok()?, from: moment(from)?, until })
        };
        parts().ok_or_else(|| BlockError(text.to_owned()))
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    day.or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_a_provider_and_a_span() {
        let block: Block = "sofascore@2022-12-09..2022-12-10T12:00:00Z".parse().unwrap();
        let on = |provider, at: &str| block.is_on(provider, at.parse().unwrap());
        assert!(on(ProviderName::SofaScore, "2022-12-09T00:00:00Z"));
        assert!(!on(ProviderName::SofaScore, "2022-12-08T23:59:59Z"));
        assert!(!on(ProviderName::SofaScore, "2022-12-10T12:00:00Z"));
        assert!(!on(ProviderName::FootballData, "2022-12-09T00:00:00Z"));
        for text in ["sofascore", "sofascore@", "nobody@2022-12-09", "sofascore@2022-12-09.."] {
            assert!(text.parse::<Block>().is_err(), "{text}");
        }
    }
}
