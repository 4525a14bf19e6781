//! Which team and which match of ours another provider means. Names and kickoffs decide, and only where they leave no
//! doubt: a wrong guess would give members points for another match.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{Match, Team};

/// Words of a club's form: one provider has them where the other leaves them out.
const FORMS: [&str; 16] =
    ["fc", "cf", "afc", "ac", "sc", "cd", "ca", "fk", "sk", "ss", "us", "sv", "rc", "cp", "club", "calcio"];
/// Kickoffs of one match at two providers differ by less: one may have only the day.
const SAME_DAY: TimeDelta = TimeDelta::hours(24);
/// A match is not moved by more than this within its round.
const LONGEST_MOVE: TimeDelta = TimeDelta::days(120);
/// A match that is new lies no further than this before the first and after the last one that is known.
const AROUND_SEASON: TimeDelta = TimeDelta::days(120);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// This one, and no other.
    One(T),
    /// None.
    Nothing,
    /// Not known which, for this reason.
    Unclear(String),
}

/// A match of ours, as far as its identity goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OurMatch {
    /// The id of its row.
    pub external_id: String,
    /// Its round.
    pub round_slug: String,
    /// The id of the home team.
    pub home: String,
    /// The id of the away team.
    pub away: String,
    /// Kickoff, UTC.
    pub kickoff: Option<DateTime<Utc>>,
    /// Whether it has no result, and none is expected: another entry of the fixture may be the one that is played.
    pub is_called_off: bool,
}

/// A name without accents, case, punctuation and words of a club's form: `FC Bayern München` is `bayern munchen`. A name that
/// has nothing else keeps them.
pub fn normalised(name: &str) -> String {
    let plain = slug::slugify(name);
    let words = || plain.split('-').filter(|word| !word.is_empty());
    let kept: Vec<&str> = words().filter(|word| !FORMS.contains(word)).collect();
    if kept.is_empty() { words().collect::<Vec<_>>().join(" ") } else { kept.join(" ") }
}

/// Which of our teams another provider's team is: the one with the same full name, else the one that shares a name with it,
/// full or short.
pub fn team_of<'a>(theirs: &Team, ours: &'a [Team]) -> Found<&'a Team> {
    let names = |team: &Team| -> Vec<String> {
        let all = [Some(&team.name), team.short_name.as_ref()].into_iter().flatten();
        all.map(|name| normalised(name)).filter(|name| !name.is_empty()).collect()
    };
    let (full, all) = (normalised(&theirs.name), names(theirs));
    let same_full = ours.iter().filter(|team| !full.is_empty() && normalised(&team.name) == full);
    let shares_one = ours.iter().filter(|team| names(team).iter().any(|name| all.contains(name)));
    let found: Vec<&Team> = same_full.collect();
    let found = if found.is_empty() { shares_one.collect() } else { found };
    match found.as_slice() {
        [one] => Found::One(one),
        [] => Found::Nothing,
        several => {
            let names: Vec<&str> = several.iter().map(|team| team.name.as_str()).collect();
            Found::Unclear(format!("several teams have this name: {}", names.join(", ")))
        }
    }
}

/// Which of our matches a match with our teams is: the one between the same teams within a day of its kickoff, else the only
/// one between them in its round, which was moved. An entry that is called off is none where the fixture has another one.
/// Nothing: it is a new one.
pub fn match_of<'a>(read: &Match, ours: &'a [OurMatch]) -> Found<&'a OurMatch> {
    let is_near = |known: &&OurMatch| match (known.kickoff, read.kickoff) {
        (Some(known), Some(read)) => (known - read).abs() < SAME_DAY,
        _ => false,
    };
    let between = |home: &str, away: &str| {
        ours.iter().filter(move |m| m.home == home && m.away == away).collect::<Vec<_>>()
    };
    let pair = between(&read.home, &read.away);
    let is_close = |known: &&OurMatch| match (known.kickoff, read.kickoff) {
        (Some(known), Some(read)) => (known - read).abs() < LONGEST_MOVE,
        _ => true,
    };
    let near = live(pair.iter().copied().filter(is_near).collect());
    let of_round = |m: &&OurMatch| m.round_slug == read.round_slug;
    let of_round = live(pair.into_iter().filter(of_round).filter(is_close).collect());
    let ids =
        |several: &[&OurMatch]| several.iter().map(|m| m.external_id.as_str()).collect::<Vec<_>>().join(", ");
    match (near.as_slice(), of_round.as_slice()) {
        ([one], _) | ([], [one]) => Found::One(one),
        ([], []) => match between(&read.away, &read.home).into_iter().find(is_near) {
            Some(swapped) => Found::Unclear(format!(
                "match {} is between the same teams on the same day, with home and away exchanged",
                swapped.external_id
            )),
            None => Found::Nothing,
        },
        (several @ [_, _, ..], _) | ([], several) => {
            Found::Unclear(format!("it may be any of the matches {}", ids(several)))
        }
    }
}

/// Those that are not called off, if there are any.
fn live(entries: Vec<&OurMatch>) -> Vec<&OurMatch> {
    let live: Vec<&OurMatch> = entries.iter().copied().filter(|m| !m.is_called_off).collect();
    if live.is_empty() { entries } else { live }
}

/// Whether a match that is new may belong to the season of these: its kickoff is not far from theirs.
pub fn may_be_of_season(read: &Match, ours: &[OurMatch]) -> bool {
    let kickoffs = || ours.iter().filter_map(|m| m.kickoff);
    match (read.kickoff, kickoffs().min(), kickoffs().max()) {
        (Some(kickoff), Some(first), Some(last)) => {
            first - AROUND_SEASON < kickoff && kickoff < last + AROUND_SEASON
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{MatchStatus, Stage, TieFacts};

    fn team(id: &str, name: &str, short: Option<&str>) -> Team {
        Team { external_id: id.to_owned(), name: name.to_owned(), short_name: short.map(ToOwned::to_owned) }
    }

    #[test]
    fn names_are_compared_without_what_differs_between_providers() {
        for (one, other) in [
            ("FC Bayern München", "Bayern Munchen"),
            ("Atlético Mineiro", "CA Atletico Mineiro"),
            ("Paris Saint-Germain FC", "Paris Saint-Germain"),
            ("1. FC Köln", "1. Koln"),
        ] {
            assert_eq!(normalised(one), normalised(other));
        }
        assert_ne!(normalised("Sporting CP"), normalised("Sporting Gijón"));
        assert_eq!(normalised("FC"), "fc");
    }

    #[test]
    fn a_team_is_known_by_one_name_alone() {
        let ours = [
            team("1", "Internazionale", Some("Inter")),
            team("2", "Internacional", Some("Inter")),
            team("3", "Tottenham Hotspur", Some("Tottenham")),
        ];
        let found = |name, short| team_of(&team("x", name, short), &ours);
        assert_eq!(found("Tottenham", None), Found::One(&ours[2]));
        assert_eq!(found("FC Internazionale", Some("Inter")), Found::One(&ours[0]));
        assert!(matches!(found("Inter", None), Found::Unclear(_)));
        assert_eq!(found("Sporting CP", None), Found::Nothing);
        assert_eq!(found("", Some("")), Found::Nothing);
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().unwrap())
    }

    fn ours(id: &str, round: &str, sides: (&str, &str), kickoff: &str) -> OurMatch {
        OurMatch {
            external_id: id.to_owned(),
            round_slug: round.to_owned(),
            home: sides.0.to_owned(),
            away: sides.1.to_owned(),
            kickoff: at(kickoff),
            is_called_off: false,
        }
    }

    fn read(round: &str, sides: (&str, &str), kickoff: &str) -> Match {
        Match {
            external_id: "x".to_owned(),
            round_slug: round.to_owned(),
            stage: Stage::Unknown,
            group_name: String::new(),
            home: sides.0.to_owned(),
            away: sides.1.to_owned(),
            kickoff: at(kickoff),
            status: MatchStatus::Open,
            called_off: None,
            score: None,
            changed_at: None,
            tie: TieFacts::default(),
        }
    }

    #[test]
    fn a_match_is_known_by_its_teams_and_its_day_or_round() {
        let known = [
            ours("1", "3", ("a", "b"), "2024-09-20T19:00:00Z"),
            ours("2", "round-of-16", ("a", "b"), "2025-03-05T20:00:00Z"),
            ours("3", "round-of-16", ("b", "a"), "2025-03-12T20:00:00Z"),
        ];
        let find = |m: &Match| match match_of(m, &known) {
            Found::One(m) => Some(m.external_id.clone()),
            _ => None,
        };
        // The hour is another.
        assert_eq!(find(&read("3", ("a", "b"), "2024-09-20T00:00:00Z")).as_deref(), Some("1"));
        // It was moved to another day.
        assert_eq!(find(&read("3", ("a", "b"), "2024-11-01T19:00:00Z")).as_deref(), Some("1"));
        assert_eq!(find(&read("round-of-16", ("b", "a"), "2025-03-12T18:00:00Z")).as_deref(), Some("3"));
        // Another meeting of the same teams.
        assert_eq!(match_of(&read("final", ("a", "b"), "2025-05-31T18:00:00Z"), &known), Found::Nothing);
        // Home and away exchanged.
        let swapped = match_of(&read("final", ("b", "a"), "2024-09-20T19:00:00Z"), &known);
        assert!(matches!(swapped, Found::Unclear(_)), "{swapped:?}");
        // A replay: two of one round, neither of this day.
        let two = [known[0].clone(), ours("4", "3", ("a", "b"), "2024-09-25T19:00:00Z")];
        let replay = read("3", ("a", "b"), "2024-10-20T19:00:00Z");
        let unclear = match_of(&replay, &two);
        assert!(matches!(unclear, Found::Unclear(_)), "{unclear:?}");
        // The first one was called off.
        let two = [OurMatch { is_called_off: true, ..two[0].clone() }, two[1].clone()];
        assert_eq!(match_of(&replay, &two), Found::One(&two[1]));
        // A year later it is another season's.
        let later = read("3", ("a", "b"), "2025-10-20T19:00:00Z");
        assert_eq!((match_of(&later, &two), may_be_of_season(&later, &two)), (Found::Nothing, false));
        assert!(may_be_of_season(&replay, &two));
    }

    proptest! {
        #[test]
        fn a_normalised_name_stays_as_it_is(name in ".{0,40}") {
            let once = normalised(&name);
            prop_assert_eq!(normalised(&once), once);
        }

        #[test]
        fn a_season_under_other_ids_is_known_match_by_match(
            pairs in proptest::collection::btree_set((0_u8..8, 0_u8..8), 1..30), shift in -20_i64..20,
        ) {
            let start: DateTime<Utc> = "2024-08-01T15:00:00Z".parse().unwrap_or_default();
            let sides = |(home, away): (u8, u8)| (home.to_string(), away.to_string());
            let known: Vec<OurMatch> = pairs.iter().filter(|(home, away)| home != away).enumerate().map(|(at, pair)| {
                let (home, away) = sides(*pair);
                let kickoff = Some(start + TimeDelta::days(7 * at as i64));
                let (external_id, round_slug) = (format!("m{at}"), at.to_string());
                OurMatch { external_id, round_slug, home, away, kickoff, is_called_off: false }
            }).collect();
            for m in &known {
                let mut theirs = read(&m.round_slug, (&m.home, &m.away), "2024-08-01T15:00:00Z");
                theirs.kickoff = m.kickoff.map(|kickoff| kickoff + TimeDelta::hours(shift));
                prop_assert_eq!(match_of(&theirs, &known), Found::One(m));
            }
        }
    }
}
