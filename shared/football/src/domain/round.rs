//! A round of a tournament and its address at the provider.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

/// Whether a round's matches count for a table or decide who goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RoundKind {
    /// A matchday of a league or of groups.
    Season,
    /// A round of a cup.
    Knockout,
}

/// How the provider identifies a round. The number alone does not: qualifying and league rounds share 1 to 3.
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
    /// Whether its matches are knockout matches.
    pub fn kind(&self) -> RoundKind {
        if self.slug.is_some() { RoundKind::Knockout } else { RoundKind::Season }
    }
}

/// Whether two slugs name the same round: providers differ in what they call the play-offs.
pub fn is_same_round(one: &str, other: &str) -> bool {
    fn plain(slug: &str) -> String {
        slug.replace("playoff-round", "playoffs")
    }
    one == other || plain(one) == plain(other)
}

/// Whether `text` can be one segment of a URL's path without escaping.
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
    /// Its address at the provider.
    pub address: RoundAddress,
}

impl Round {
    /// Forms slug and label as the application's routes expect them: the number, the provider's slug, or
    /// the prefix with one of them.
    pub fn new(order: i32, name: Option<&str>, address: RoundAddress) -> Self {
        let (slug, label) = match (&address.slug, &address.prefix) {
            (None, None) => (address.number.to_string(), address.number.to_string()),
            (None, Some(prefix)) => (
                format!("{prefix}-{}", address.number).to_lowercase(),
                format!("{prefix} {}", address.number),
            ),
            (Some(slug), None) => (slug.to_lowercase(), name.unwrap_or(slug).to_owned()),
            (Some(slug), Some(prefix)) => {
                // A prefix that can be part of a URL stays as it is: stored slugs have it.
                let part = if is_path_segment(prefix) { prefix.clone() } else { slug::slugify(prefix) };
                (format!("{part}-{slug}").to_lowercase(), prefix.clone())
            }
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
    fn play_offs_have_two_names() {
        assert!(is_same_round("playoff-round", "playoffs"));
        assert!(is_same_round("qualification-playoff-round", "qualification-playoffs"));
        assert!(!is_same_round("qualification-playoff-round", "playoffs"));
        assert!(!is_same_round("playoff-round-1", "playoff-round-2"));
    }

    #[test]
    fn slugs_and_labels_are_what_the_applications_routes_expect() {
        let season = Round::new(7, None, address(7, None, None));
        assert_eq!((season.slug.as_str(), season.label.as_str(), season.kind), ("7", "7", RoundKind::Season));
        let final_ = Round::new(39, Some("Final"), address(29, Some("final"), None));
        assert_eq!((final_.slug.as_str(), final_.label.as_str()), ("final", "Final"));
        let early = Round::new(1, Some("Final"), address(29, Some("final"), Some("Qualification")));
        assert_eq!((early.slug.as_str(), early.label.as_str()), ("qualification-final", "Qualification"));
        let half = Round::new(1, None, address(1, None, Some("Apertura")));
        assert_eq!(
            (half.slug.as_str(), half.label.as_str(), half.kind),
            ("apertura-1", "Apertura 1", RoundKind::Season)
        );
    }
}
