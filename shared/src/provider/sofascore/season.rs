//! A season's address at SofaScore.

use serde::Serialize;
use url::Url;

use football::domain::RoundAddress;

/// What every stored address begins with, whatever host is asked.
const API: &str = "https://www.sofascore.com/api/v1";
/// What every page for people begins with.
const PAGES: &str = "https://www.sofascore.com/";

/// One season of one competition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeasonRef {
    /// SofaScore's id of the unique tournament.
    pub tournament: u32,
    /// SofaScore's id of the season.
    pub season: u32,
}

impl SeasonRef {
    /// Reads `https://www.sofascore.com/api/v1/unique-tournament/{id}/season/{id}`, and nothing else.
    pub fn parse(base_url: &str) -> Option<Self> {
        let rest = base_url.strip_prefix(API)?.strip_prefix("/unique-tournament/")?;
        let (tournament, season) = rest.split_once("/season/")?;
        let id = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        Some(Self { tournament: id(tournament)?, season: id(season)? })
    }

    /// The address as the application stores it.
    pub fn base_url(&self) -> String {
        format!("{API}{}", self.path())
    }

    /// A round's address as the application stores it.
    pub fn round_url(&self, address: &RoundAddress) -> String {
        format!("{}{}", self.base_url(), address.path())
    }

    /// The path below the API.
    pub(super) fn path(&self) -> String {
        format!("/unique-tournament/{}/season/{}", self.tournament, self.season)
    }
}

/// Whether this is the address of a page of the provider's, as a browser would write it: no other host, port or
/// credentials, and nothing in it that could end an attribute or a tag where it is shown.
pub fn is_page(address: &str) -> bool {
    address.starts_with(PAGES)
        && !address.contains('\'')
        && Url::parse(address).is_ok_and(|url| url.as_str() == address)
}

#[cfg(test)]
mod tests {
    use super::{SeasonRef, is_page};

    #[test]
    fn only_the_providers_own_pages_are_pages() {
        let page = "https://www.sofascore.com/tournament/football/world/x/16#id:41087";
        assert!(is_page(page));
        for address in [
            "http://www.sofascore.com/x",
            "https://www.sofascore.com:8443/x",
            "https://user:pass@www.sofascore.com/x",
            "https://www.sofascore.com@evil.example/x",
            "https://www.sofascore.com.evil.example/x",
            "https://www.sofascore.com/../x",
            "https://www.sofascore.com/\"><script>",
            "https://www.sofascore.com/'onload='x",
            "https://www.sofascore.com/a b",
            "javascript:alert(1)//https://www.sofascore.com/",
        ] {
            assert!(!is_page(address), "{address}");
        }
    }

    #[test]
    fn only_the_providers_own_season_addresses_are_read() {
        let season = SeasonRef { tournament: 16, season: 41087 };
        assert_eq!(SeasonRef::parse(&season.base_url()), Some(season));
        for url in [
            "https://evil.example/api/v1/unique-tournament/16/season/41087",
            "https://www.sofascore.com.evil.example/api/v1/unique-tournament/16/season/41087",
            "http://www.sofascore.com/api/v1/unique-tournament/16/season/41087",
            "https://www.sofascore.com/api/v1/unique-tournament/16/season/41087/../../x",
            "https://www.sofascore.com/api/v1/unique-tournament/+16/season/41087",
            "https://www.sofascore.com/api/v1/unique-tournament//season/",
        ] {
            assert_eq!(SeasonRef::parse(url), None, "{url}");
        }
    }
}
