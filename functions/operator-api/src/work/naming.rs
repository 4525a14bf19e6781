//! What is filled in for a new tournament: its label, season and slug.

use chrono::{DateTime, Datelike, Utc};

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
    fn a_label_is_made_of_the_name_in_an_address() {
        assert_eq!(label("world-cup"), "World Cup");
        assert_eq!(label("uefa-champions-league"), "UEFA Champions League");
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
