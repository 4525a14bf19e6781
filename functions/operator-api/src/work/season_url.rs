//! The address of a season as a person copies it from SofaScore's site.

use chrono::{DateTime, Datelike, Utc};
use shared::provider::SeasonRef;
use url::Url;

/// The parts of a season's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeasonUrl {
    /// Competition and season.
    pub season: SeasonRef,
    /// The competition's name in the address.
    pub name: Option<String>,
    /// The address of the web page; none where the API's address was given.
    pub public_url: Option<String>,
}

/// How an address must look.
pub(crate) const LIKE: &str = "must be a season's address on Session, like \
     https://www.sofascore.com/tournament/football/england/premier-league/17#id:61627 \
     (choose the season on its page: the address then ends in #id: and its number)";

/// Reads the site's address of a season, or the API's.
pub(crate) fn read(text: &str) -> Option<SeasonUrl> {
    let text = text.trim();
    if let Some(season) = SeasonRef::parse(text.trim_end_matches('/')) {
        return Some(SeasonUrl { season, name: None, public_url: None });
    }
    let url = Url::parse(text).ok()?;
    let ours = url.scheme() == "https" && matches!(url.host_str()?, "www.sofascore.com" | "sofascore.com");
    let segments: Vec<&str> = url.path_segments()?.filter(|segment| !segment.is_empty()).collect();
    // /tournament/football/england/premier-league/17, or the site's other form: /football/tournament/….
    if !ours || !segments.contains(&"tournament") {
        return None;
    }
    let [.., name, id] = segments.as_slice() else { return None };
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let season = url.fragment()?.split(',').find_map(|part| number(part.strip_prefix("id:")?))?;
    let season = SeasonRef { tournament: number(id)?, season };
    let public_url = format!("https://www.sofascore.com{}#id:{}", url.path(), season.season);
    Some(SeasonUrl { season, name: Some((*name).to_owned()), public_url: Some(public_url) })
}

/// The label of a slug: `Premier League` for `premier-league`.
pub(crate) fn label(name: &str) -> String {
    let small = ["of", "de", "da", "do", "del", "la", "and"];
    let word = |(index, word): (usize, &str)| {
        let mut chars = word.chars();
        match chars.next() {
            Some(_)
                if word.len() <= 4 && ["uefa", "fifa", "afc", "mls", "efl", "caf", "usl"].contains(&word) =>
            {
                word.to_uppercase()
            }
            Some(_) if index > 0 && small.contains(&word) => word.to_owned(),
            Some(first) => first.to_uppercase().chain(chars).collect(),
            None => String::new(),
        }
    };
    name.split('-').enumerate().map(word).collect::<Vec<_>>().join(" ")
}

/// The season that is on, or about to begin, as most leagues count: from July to June.
pub(crate) fn season_at(now: DateTime<Utc>) -> String {
    let first = if now.month() >= 6 { now.year() } else { now.year() - 1 };
    format!("{first}/{:02}", (first + 1).rem_euclid(100))
}

/// Whether a text is a season as people write it: `2024/25`, `2026`.
pub(crate) fn is_season(text: &str) -> bool {
    let year = |text: &str| (2..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.split_once('/').map_or_else(|| year(text), |(first, last)| year(first) && year(last))
}

/// Characters of a label that go into a slug.
const SLUG_CHARS: usize = 60;

/// A tournament's part of the application's addresses: its label, as far as it fits, and its season.
pub(crate) fn slug(label: &str, season: &str) -> String {
    let label: String = slug::slugify(label).chars().take(SLUG_CHARS).collect();
    slug::slugify(format!("{label} {season}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_is_read_from_its_page() {
        let expected = SeasonRef { tournament: 17, season: 61627 };
        for text in [
            "https://www.sofascore.com/tournament/football/england/premier-league/17#id:61627",
            " https://www.sofascore.com/football/tournament/england/premier-league/17#id:61627,tab:details ",
            "https://www.sofascore.com/api/v1/unique-tournament/17/season/61627",
        ] {
            assert_eq!(read(text).map(|read| read.season), Some(expected.clone()), "{text}");
        }
        let read = read("https://www.sofascore.com/tournament/football/world/world-cup/16#id:41087").unwrap();
        assert_eq!(read.name.as_deref().map(label).as_deref(), Some("World Cup"));
    }

    #[test]
    fn what_is_no_seasons_page_is_not_read() {
        for text in [
            "",
            "https://www.sofascore.com/tournament/football/england/premier-league/17",
            "https://evil.example/tournament/football/england/premier-league/17#id:61627",
            "https://www.sofascore.com.evil.example/tournament/football/x/y/17#id:61627",
            "https://www.sofascore.com/team/football/arsenal/42#id:61627",
            "https://www.sofascore.com/tournament/football/england/premier-league/x#id:61627",
            "https://www.sofascore.com/tournament/football/england/premier-league/17#id:+6",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_slug_ends_in_its_season_however_long_the_label_is() {
        assert_eq!(slug("São Paulo: Série A!", "2024/25"), "sao-paulo-serie-a-2024-25");
        assert_eq!(slug(&"very long ".repeat(20), "2026"), format!("{}-2026", &"very-long-".repeat(6)[..59]));
        assert_eq!(slug("!", "2026"), "2026");
        assert!(is_season("2024/25") && is_season("2026") && !is_season("2024/25/26") && !is_season("next"));
    }

    #[test]
    fn a_season_runs_from_summer_to_summer() {
        assert_eq!(season_at("2024-08-01T00:00:00Z".parse().unwrap()), "2024/25");
        assert_eq!(season_at("2025-03-01T00:00:00Z".parse().unwrap()), "2024/25");
        assert_eq!(season_at("1999-09-01T00:00:00Z".parse().unwrap()), "1999/00");
    }
}
