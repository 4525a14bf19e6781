//! Differences between our table and the provider's over time: what is new, what changed, what is gone.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::Match;
use crate::domain::standings::{Difference, DifferenceKind, Subject};

/// How long a match may explain a difference.
const EXPLAINED_FOR: TimeDelta = TimeDelta::hours(8);

/// A difference that the last comparison found. It is stored, so that it is reported once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// The difference in games, provider's less ours.
    #[serde(default)]
    pub games: i32,
    /// The difference in words.
    pub text: String,
    /// Since when it is known, UTC.
    pub since: DateTime<Utc>,
    /// Whether a match of the last hours explains it: it is reported if the next morning still finds it.
    pub explained: bool,
}

impl Noted {
    /// The difference as it was found.
    pub(super) fn difference(&self) -> Difference {
        Difference { subject: self.subject.clone(), games: self.games, text: self.text.clone() }
    }
}

/// What a comparison changes in what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct News {
    /// Differences not reported before.
    pub appeared: Vec<String>,
    /// Reported differences whose figures changed.
    pub changed: Vec<String>,
    /// Reported differences that are gone.
    pub gone: Vec<String>,
}

/// The rounds that may explain the differences in figures: those in which two differing teams met; those of a team that
/// differs alone. Differences that a match of the last hours explains are left to the next comparison.
pub fn rounds_to_read<'m>(known: &[Noted], matches: &'m [Match]) -> BTreeSet<&'m str> {
    let in_figures = |noted: &&Noted| {
        !noted.explained && matches!(noted.subject.kind, DifferenceKind::Games | DifferenceKind::Figures)
    };
    let differing: Vec<&str> =
        known.iter().filter(in_figures).flat_map(|noted| &noted.subject.teams).map(String::as_str).collect();
    let differs = |team: &String| differing.contains(&team.as_str());
    let rounds = |wanted: &dyn Fn(&Match) -> bool| -> BTreeSet<&'m str> {
        matches.iter().filter(|m| wanted(m)).map(|m| m.round_slug.as_str()).collect()
    };
    let met = rounds(&|m| differs(&m.home) && differs(&m.away));
    if met.is_empty() { rounds(&|m| differs(&m.home) || differs(&m.away)) } else { met }
}

/// Compares the differences found with those known. `recent` gives the number of a team's matches of the last hours.
pub(super) fn note(
    known: &[Noted],
    found: Vec<Difference>,
    recent: impl Fn(&str) -> i32,
    now: DateTime<Utc>,
) -> (Vec<Noted>, News) {
    let mut news = News::default();
    let mut noted = Vec::with_capacity(found.len());
    for Difference { subject, games, text } in found {
        let before = known.iter().find(|noted| noted.subject == subject);
        let explained = subject.kind == DifferenceKind::Games
            && subject.teams.iter().all(|team| recent(team) >= games.abs())
            // Not for long: what the next morning still finds is none of the last hours.
            && before.is_none_or(|before| before.explained && now - before.since < EXPLAINED_FOR);
        let is_other = |before: &Noted| match subject.kind {
            DifferenceKind::Games => before.games != games,
            DifferenceKind::Figures | DifferenceKind::Order | DifferenceKind::Teams => before.text != text,
        };
        match before {
            _ if explained => {}
            Some(before) if before.explained => news.appeared.push(text.clone()),
            Some(before) if is_other(before) => news.changed.push(text.clone()),
            Some(_) => {}
            None => news.appeared.push(text.clone()),
        }
        let since = before.map_or(now, |before| before.since);
        noted.push(Noted { subject, games, text, since, explained });
    }
    let is_gone =
        |known: &&Noted| !known.explained && !noted.iter().any(|noted| noted.subject == known.subject);
    news.gone = known.iter().filter(is_gone).map(|known| known.text.clone()).collect();
    (noted, news)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(team: &str, games: i32, text: &str) -> Difference {
        let subject =
            Subject { kind: DifferenceKind::Games, group: String::new(), teams: vec![team.to_owned()] };
        Difference { subject, games, text: text.to_owned() }
    }

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(hour * 3600, 0).unwrap_or_default()
    }

    #[test]
    fn a_difference_is_reported_when_it_appears_changes_and_is_gone() {
        let (noted, news) = note(&[], vec![difference("a", -1, "one")], |_| 0, at(1));
        assert_eq!(news.appeared, ["one"]);
        let (noted, news) = note(&noted, vec![difference("a", -1, "one")], |_| 0, at(2));
        assert_eq!(news, News::default());
        let (noted, news) = note(&noted, vec![difference("a", -2, "two")], |_| 0, at(3));
        assert_eq!((news.changed, noted[0].since), (vec!["two".to_owned()], at(1)));
        let (noted, news) = note(&noted, Vec::new(), |_| 0, at(4));
        assert_eq!((news.gone, noted), (vec!["two".to_owned()], vec![]));
    }

    #[test]
    fn what_a_match_of_the_last_hours_explains_is_reported_only_if_it_stays() {
        let (noted, news) = note(&[], vec![difference("a", -1, "one")], |_| 1, at(1));
        assert_eq!((news, noted[0].explained), (News::default(), true));
        let (_, news) = note(&noted, Vec::new(), |_| 0, at(9));
        assert_eq!(news, News::default());
        let (noted, news) = note(&noted, vec![difference("a", -1, "one")], |_| 0, at(9));
        assert_eq!((news.appeared, noted[0].explained), (vec!["one".to_owned()], false));
        // One match does not explain two, and what was reported stays reported.
        assert_eq!(note(&[], vec![difference("a", 2, "two")], |_| 1, at(1)).1.appeared, ["two"]);
        assert_eq!(note(&noted, vec![difference("a", -1, "one")], |_| 1, at(9)).1, News::default());
    }
}
