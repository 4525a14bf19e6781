//! football-data.org's stages and matchdays as rounds, under the slugs that SofaScore's rounds have: a tournament that
//! changes its provider keeps its rounds.

use football::domain::round::is_same_round;
use football::domain::{Round, RoundAddress, RoundKind};

/// The stages whose matches count for a table: a round each matchday.
const OF_A_TABLE: [&str; 9] = [
    "REGULAR_SEASON",
    "GROUP_STAGE",
    "LEAGUE_STAGE",
    "APERTURA",
    "CLAUSURA",
    "CHAMPIONSHIP",
    "CHAMPIONSHIP_ROUND",
    "RELEGATION",
    "RELEGATION_ROUND",
];

/// A stage whose matchdays have no prefix.
pub(super) const ANY_TABLE: &str = "REGULAR_SEASON";

/// Stages of a cup: theirs, our slug, its label.
const OF_A_CUP: [(&str, &str, &str); 21] = [
    ("PRELIMINARY_ROUND", "qualification-preliminary-round", "Preliminary round"),
    ("QUALIFICATION", "qualification", "Qualification"),
    ("QUALIFICATION_ROUND_1", "qualification-round-1", "Qualification round 1"),
    ("QUALIFICATION_ROUND_2", "qualification-round-2", "Qualification round 2"),
    ("QUALIFICATION_ROUND_3", "qualification-round-3", "Qualification round 3"),
    ("PLAYOFF_ROUND", "qualification-playoffs", "Qualification playoffs"),
    ("PLAYOFF_ROUND_1", "playoff-round-1", "Playoff round 1"),
    ("PLAYOFF_ROUND_2", "playoff-round-2", "Playoff round 2"),
    ("PLAYOFFS", "playoffs", "Playoffs"),
    ("ROUND_1", "round-1", "Round 1"),
    ("ROUND_2", "round-2", "Round 2"),
    ("ROUND_3", "round-3", "Round 3"),
    ("ROUND_4", "round-4", "Round 4"),
    ("LAST_64", "round-of-64", "Round of 64"),
    ("LAST_32", "round-of-32", "Round of 32"),
    ("LAST_16", "round-of-16", "Round of 16"),
    ("QUARTER_FINALS", "quarterfinals", "Quarterfinals"),
    ("SEMI_FINALS", "semifinals", "Semifinals"),
    ("THIRD_PLACE", "match-for-3rd-place", "Match for 3rd place"),
    // A name that the World Cup of 2022 had.
    ("BRONZE", "match-for-3rd-place", "Match for 3rd place"),
    ("FINAL", "final", "Final"),
];

/// The round of a match, without its place in the list; none for a stage that is not known, or a matchday that is missing.
pub(super) fn round(stage: &str, matchday: Option<u32>) -> Option<Round> {
    if OF_A_TABLE.contains(&stage) {
        let number = matchday.filter(|number| *number > 0)?;
        let prefix = match stage {
            "APERTURA" => Some("Apertura"),
            "CLAUSURA" => Some("Clausura"),
            "CHAMPIONSHIP" | "CHAMPIONSHIP_ROUND" => Some("Championship"),
            "RELEGATION" | "RELEGATION_ROUND" => Some("Relegation"),
            _ => None,
        };
        let address = RoundAddress { number, slug: None, prefix: prefix.map(str::to_owned) };
        return Some(Round::new(0, None, address));
    }
    let (_, slug, label) = OF_A_CUP.iter().find(|(theirs, ..)| *theirs == stage)?;
    Some(Round {
        slug: (*slug).to_owned(),
        label: (*label).to_owned(),
        order: 0,
        kind: RoundKind::Knockout,
        address: RoundAddress { number: 0, slug: Some((*slug).to_owned()), prefix: None },
    })
}

/// The stage whose matches are the round of this slug.
pub(super) fn of_slug(slug: &str) -> Option<&'static str> {
    OF_A_CUP.iter().find(|(_, ours, _)| is_same_round(ours, slug)).map(|(theirs, ..)| *theirs)
}

/// Whether a stage is a knockout one that is always decided by a single match, or by two legs, or may be either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Legs {
    /// A match that counts for a table: it may be drawn.
    None,
    /// A single match: it can't end in a draw.
    One,
    /// One of two legs, as the second of which is not decided by itself.
    Two,
}

/// The legs of the tie of a match, as far as the match alone tells: since 2024 the Champions League's matchday is the leg,
/// and qualifying rounds have two.
pub(super) fn legs(stage: &str, matchday: Option<u32>) -> Legs {
    match stage {
        stage if OF_A_TABLE.contains(&stage) => Legs::None,
        "FINAL" | "THIRD_PLACE" | "BRONZE" => Legs::One,
        stage if stage.starts_with("QUALIFICATION") || stage.starts_with("PLAYOFF") => Legs::Two,
        "PRELIMINARY_ROUND" => Legs::One,
        _ => match matchday {
            Some(1 | 2) => Legs::Two,
            _ => Legs::One,
        },
    }
}
