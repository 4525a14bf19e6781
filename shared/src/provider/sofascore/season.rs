//! A season's URL at SofaScore.

use serde::Serialize;
use url::{Url, form_urlencoded};

use football::domain::RoundAddress;
use football::domain::round::is_path_segment;

/// The start of every stored URL, whatever host requests go to.
const API: &str = "https://www.sofascore.com/api/v1";
/// The start of a round's path below its season.
const ROUND: &str = "/events/round/";
/// The start of every public web page's URL.
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

    /// The season's URL as the application stores it.
    pub fn base_url(&self) -> String {
        format!("{API}{}", self.path())
    }

    /// A round's URL as the application stores it.
    pub fn round_url(&self, address: &RoundAddress) -> String {
        format!("{}{}", self.base_url(), round_path(address))
    }

    /// The path below the API.
    pub(super) fn path(&self) -> String {
        format!("/unique-tournament/{}/season/{}", self.tournament, self.season)
    }
}

/// The end of a round's URL, below the season's: `/events/round/{n}[/slug/{slug}][/prefix/{prefix}]`.
pub(super) fn round_path(address: &RoundAddress) -> String {
    let mut path = format!("{ROUND}{}", address.number);
    if let Some(slug) = &address.slug {
        path.push_str("/slug/");
        path.push_str(slug);
    }
    if let Some(prefix) = &address.prefix {
        path.push_str("/prefix/");
        // A form's encoding, but for the space.
        let encoded: String = form_urlencoded::byte_serialize(prefix.as_bytes()).collect();
        path.push_str(&encoded.replace('+', "%20"));
    }
    path
}

/// Reads a round's address back from a stored URL or path. Ignores what is before `/events/round/`: a stored row never
/// decides which host a request goes to. `None` if it is not a round's address.
pub(in crate::provider) fn round_address(url: &str) -> Option<RoundAddress> {
    let (_, rest) = url.split_once(ROUND)?;
    let mut segments = rest.split('/');
    let number = segments.next()?.parse().ok()?;
    let mut address = RoundAddress { number, slug: None, prefix: None };
    while let Some(name) = segments.next() {
        let value = segments.next()?;
        match name {
            "slug" if address.slug.is_none() && is_path_segment(value) => {
                address.slug = Some(value.to_owned())
            }
            "prefix" if address.prefix.is_none() => {
                let prefix = decoded(value)?;
                address.prefix = Some(prefix).filter(|prefix| is_prefix(prefix));
                address.prefix.as_ref()?;
            }
            _ => return None,
        }
    }
    Some(address)
}

/// Whether `text` can be the prefix of a round: words of letters and digits, in any script.
fn is_prefix(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '\'' | '/' | '&');
    text.chars().any(char::is_alphanumeric) && text.chars().all(fits) && !text.contains("..")
}

/// A percent-encoded part of a path, as it was.
fn decoded(text: &str) -> Option<String> {
    // In a path a plus sign is itself, and these two do not stand bare.
    if text.contains(['&', '=', '?', '#']) {
        return None;
    }
    let text = text.replace('+', "%2B");
    form_urlencoded::parse(text.as_bytes()).next().map(|(text, _)| text.into_owned())
}

/// Whether a round with this address can be requested.
pub fn has_round_url(address: &RoundAddress) -> bool {
    address.slug.as_deref().is_none_or(is_path_segment) && address.prefix.as_deref().is_none_or(is_prefix)
}

/// A season, as the address of its page gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) struct SeasonPage {
    /// Competition and season.
    pub(in crate::provider) season: SeasonRef,
    /// The competition's name in the address.
    pub(in crate::provider) name: Option<String>,
    /// The address of the page; none where the API's address was given.
    pub(in crate::provider) public_url: Option<String>,
}

/// Why a text is not a season's address; shown to the person who gave it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASeason {
    /// It is not the address of a competition's page.
    #[error(
        "must be a season's address on SofaScore, like \
         https://www.sofascore.com/tournament/football/england/premier-league/17#id:61627 \
         (choose the season on its page: the address then ends in #id: and its number), \
         or code and year of football-data.org, like PL 2025"
    )]
    NotAPage,
    /// It is, without a season.
    #[error(
        "is the address of competition {competition}; only its season is missing: choose the season on its page, the \
         address then ends in #id: and its number"
    )]
    SeasonMissing {
        /// SofaScore's id of the competition.
        competition: u32,
    },
}

/// Reads the address of a season as a person copies it from SofaScore's site, in any of its languages, or the API's.
pub(in crate::provider) fn season_page(text: &str) -> Result<SeasonPage, NotASeason> {
    let text = text.trim();
    if let Some(season) = SeasonRef::parse(text.trim_end_matches('/')) {
        return Ok(SeasonPage { season, name: None, public_url: None });
    }
    let url = Url::parse(text).map_err(|_| NotASeason::NotAPage)?;
    let ours =
        url.scheme() == "https" && matches!(url.host_str(), Some("www.sofascore.com" | "sofascore.com"));
    let segments: Vec<&str> =
        url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect();
    // tournament, torneio, torneo, tournoi, turnier, toernooi, …: /tournament/football/… or /football/tournament/….
    let names_tournament =
        |segment: &&str| ["tour", "torn", "turn", "toer"].iter().any(|stem| segment.starts_with(stem));
    let [.., name, id] = segments.as_slice() else { return Err(NotASeason::NotAPage) };
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let competition =
        number(id).filter(|_| ours && segments[..segments.len() - 2].iter().any(names_tournament));
    let competition = competition.ok_or(NotASeason::NotAPage)?;
    // `#id:61627`, `#id:61627,tab:details`, and in older addresses `#61627`.
    let part = |part: &str| number(part.strip_prefix("id:").unwrap_or(part));
    let season = url.fragment().and_then(|fragment| fragment.split(',').find_map(part));
    let season = season.ok_or(NotASeason::SeasonMissing { competition })?;
    Ok(SeasonPage {
        season: SeasonRef { tournament: competition, season },
        name: Some((*name).to_owned()),
        public_url: Some(format!("https://www.sofascore.com{}#id:{season}", url.path())),
    })
}

/// Whether this is the URL of a page of the provider, in the browser's canonical form: no other host, port or
/// credentials, and no character that could end an HTML attribute or tag.
pub fn is_page(address: &str) -> bool {
    address.starts_with(PAGES)
        && !address.contains('\'')
        && Url::parse(address).is_ok_and(|url| url.as_str() == address)
}

#[cfg(test)]
mod tests {
    use super::{NotASeason, SeasonRef, is_page, round_address, round_path, season_page};
    use football::domain::RoundAddress;

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
    fn a_season_is_read_from_its_page() {
        let expected = SeasonRef { tournament: 17, season: 61627 };
        for text in [
            "https://www.sofascore.com/tournament/football/england/premier-league/17#id:61627",
            " https://www.sofascore.com/football/tournament/england/premier-league/17#id:61627,tab:details ",
            "https://www.sofascore.com/api/v1/unique-tournament/17/season/61627",
            "https://www.sofascore.com/pt/torneio/futebol/england/premier-league/17#id:61627",
            "https://www.sofascore.com/tournament/football/england/premier-league/17#61627",
            "https://www.sofascore.com/de/turnier/fussball/england/premier-league/17#tab:standings,id:61627",
        ] {
            assert_eq!(season_page(text).map(|read| read.season), Ok(expected.clone()), "{text}");
        }
        let page = "https://www.sofascore.com/tournament/football/world/world-cup/16#id:41087";
        let read = season_page(page).unwrap();
        assert_eq!((read.name.as_deref(), read.public_url.as_deref()), (Some("world-cup"), Some(page)));
    }

    #[test]
    fn a_page_without_a_season_is_told_from_no_page() {
        for text in [
            "https://www.sofascore.com/football/tournament/england/premier-league/17",
            "https://www.sofascore.com/football/tournament/england/premier-league/17#tab:standings",
            "https://www.sofascore.com/tournament/football/england/premier-league/17#id:+6",
        ] {
            assert_eq!(season_page(text), Err(NotASeason::SeasonMissing { competition: 17 }), "{text}");
        }
        for text in [
            "",
            "https://evil.example/tournament/football/england/premier-league/17#id:61627",
            "https://www.sofascore.com.evil.example/tournament/football/x/y/17#id:61627",
            "https://www.sofascore.com/team/football/arsenal/42#id:61627",
            "https://www.sofascore.com/tournament/football/england/premier-league/x#id:61627",
        ] {
            assert_eq!(season_page(text), Err(NotASeason::NotAPage), "{text}");
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

    fn address(number: u32, slug: Option<&str>, prefix: Option<&str>) -> RoundAddress {
        RoundAddress { number, slug: slug.map(Into::into), prefix: prefix.map(Into::into) }
    }

    #[test]
    fn an_address_survives_its_url_whatever_the_host() {
        for address in [
            address(3, None, None),
            address(28, Some("semifinals"), None),
            address(1, Some("round-1"), Some("Relegation-Promotion")),
            address(5, None, Some("Apertura")),
            address(5, None, Some("Primera Etapa")),
            address(5, None, Some("Finalización")),
            address(1, Some("round-1"), Some("Relegation/Promotion")),
        ] {
            assert_eq!(
                round_address(&format!("https://evil.example{}", round_path(&address))),
                Some(address)
            );
        }
    }

    #[test]
    fn a_hostile_or_foreign_url_is_no_address() {
        for url in [
            "https://www.sofascore.com/api/v1/unique-tournament/1/season/2",
            "/events/round/x",
            "/events/round/1/slug/..%2f..",
            "/events/round/1/slug/",
            "/events/round/1/prefix/",
            "/events/round/1/prefix/A%2f..",
            "/events/round/1/slug/a/slug/b",
            "/events/round/1/slug/a?x=1",
        ] {
            assert_eq!(round_address(url), None, "{url}");
        }
    }
}
