//! A round of a tournament and its address at the provider.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

/// Whether a round's matches count for a table or decide who goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RoundKind {
    /// A matchday of a league or of groups.
    Season,
    /// A round of a cup.
    Knockout,
}

/// How the provider tells its rounds apart. The number alone does not: qualifying and league rounds share 1 to 3.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct RoundAddress {
    /// The provider's number of the round; 29 is usually, not always, the final.
    pub number: u32,
    /// The provider's slug, on named rounds.
    pub slug: Option<String>,
    /// `Qualification` and the like, on rounds of a preliminary stage.
    pub prefix: Option<String>,
}

impl RoundAddress {
    /// The end of the round's URL, below the season's: `/events/round/{n}[/slug/{slug}[/prefix/{prefix}]]`.
    pub fn path(&self) -> String {
        let mut path = format!("/events/round/{}", self.number);
        if let Some(slug) = &self.slug {
            path.push_str("/slug/");
            path.push_str(slug);
            if let Some(prefix) = &self.prefix {
                path.push_str("/prefix/");
                path.push_str(prefix);
            }
        }
        path
    }

    /// Reads the address back from a stored URL or path. What stands before `/events/round/` is not looked at:
    /// which host is asked is never decided by a stored row. `None` if it is not a round's address.
    pub fn parse(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("/events/round/")?;
        let mut segments = rest.split('/');
        let number = segments.next()?.parse().ok()?;
        let mut address = Self { number, slug: None, prefix: None };
        while let Some(name) = segments.next() {
            let value = segments.next().filter(|value| is_path_segment(value))?.to_owned();
            match name {
                "slug" if address.slug.is_none() => address.slug = Some(value),
                "prefix" if address.prefix.is_none() && address.slug.is_some() => {
                    address.prefix = Some(value)
                }
                _ => return None,
            }
        }
        Some(address)
    }

    /// Whether its matches are knockout matches.
    pub fn kind(&self) -> RoundKind {
        if self.slug.is_some() { RoundKind::Knockout } else { RoundKind::Season }
    }
}

/// Whether `text` can stand in a URL as it is, as one segment.
pub fn is_path_segment(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// A round as the application knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Round {
    /// The round's name in the application's routes, unique in its tournament, lower case.
    pub slug: String,
    /// Shown to people.
    pub label: String,
    /// The 1-based place in the provider's list.
    pub order: i32,
    /// Season or knockout.
    pub kind: RoundKind,
    /// Where the provider has it.
    pub address: RoundAddress,
}

impl Round {
    /// Forms slug and label as the application's routes expect them: the number, the provider's slug, or
    /// prefix and slug.
    pub fn new(order: i32, name: Option<&str>, address: RoundAddress) -> Self {
        let (slug, label) = match (&address.slug, &address.prefix) {
            (None, _) => (address.number.to_string(), address.number.to_string()),
            (Some(slug), None) => (slug.to_lowercase(), name.unwrap_or(slug).to_owned()),
            (Some(slug), Some(prefix)) => (format!("{prefix}-{slug}").to_lowercase(), prefix.clone()),
        };
        Self { slug, label, order, kind: address.kind(), address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32, slug: Option<&str>, prefix: Option<&str>) -> RoundAddress {
        RoundAddress { number, slug: slug.map(Into::into), prefix: prefix.map(Into::into) }
    }

    #[test]
    fn slugs_and_labels_are_what_the_applications_routes_expect() {
        let season = Round::new(7, None, address(7, None, None));
        assert_eq!((season.slug.as_str(), season.label.as_str(), season.kind), ("7", "7", RoundKind::Season));
        let final_ = Round::new(39, Some("Final"), address(29, Some("final"), None));
        assert_eq!((final_.slug.as_str(), final_.label.as_str()), ("final", "Final"));
        let early = Round::new(1, Some("Final"), address(29, Some("final"), Some("Qualification")));
        assert_eq!((early.slug.as_str(), early.label.as_str()), ("qualification-final", "Qualification"));
    }

    #[test]
    fn an_address_survives_its_url_whatever_the_host() {
        for address in [
            address(3, None, None),
            address(28, Some("semifinals"), None),
            address(1, Some("round-1"), Some("Relegation-Promotion")),
        ] {
            assert_eq!(
                RoundAddress::parse(&format!("https://evil.example{}", address.path())),
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
            "/events/round/1/prefix/A",
            "/events/round/1/slug/a/slug/b",
            "/events/round/1/slug/a?x=1",
        ] {
            assert_eq!(RoundAddress::parse(url), None, "{url}");
        }
    }
}
