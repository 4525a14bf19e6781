//! Teams, and the slots of a fixture that no team has reached yet.

use serde::Serialize;

/// A team as the provider names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// The provider's id: names change in mid-season, ids do not.
    pub external_id: String,
    /// The full name.
    pub name: String,
    /// The short name, if the provider has one.
    pub short_name: Option<String>,
}

/// One side of a fixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Slot {
    /// A real team.
    Team(Team),
    /// A place still to be reached: `Winner QF1`, `Runner-up Group A`, `W49`.
    Placeholder(String),
}

/// Whether a provider's "team" is a name for a place in a bracket or a group.
///
/// Only the name shows it: the provider's `disabled` flag is set on real teams too. A place is a name that consists of
/// words for stages and places alone (`Semi Final 1 Winner`, `Best 3rd Group A/B/C`), a code (`W49`, `3A/B/C`), or lists
/// the teams it is between (`UEFA D (DAN/MKD/CZE/IRL)`).
pub fn is_placeholder_name(name: &str) -> bool {
    let name = name.trim();
    let lower = name.to_lowercase();
    is_nobody(&lower) || is_code(name) || lists_codes(name) || starts_with_outcome(&lower) || is_place(&lower)
}

/// `TBD`, `TBD 1`, `To be determined 2`, `N. N.`.
fn is_nobody(lower: &str) -> bool {
    let bare = lower.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    let to_be = ["decided", "determined", "announced", "confirmed", "defined"];
    ["tbd", "tba", "tbc", "n.n.", "n. n.", "?"].contains(&bare)
        || bare.strip_prefix("to be ").is_some_and(|rest| to_be.contains(&rest))
}

/// `W49`, `L61`, `1A`, `2B`, `3A/B/C`, `3ABCD`, `3A/3B/3C`.
fn is_code(name: &str) -> bool {
    let mut chars = name.chars();
    let rest = |chars: std::str::Chars<'_>, allowed: fn(char) -> bool| {
        let rest = chars.as_str();
        !rest.is_empty() && rest.chars().all(allowed)
    };
    let is_group = |c: char| ('A'..='L').contains(&c);
    match chars.next() {
        Some('W' | 'L') => rest(chars, |c| c.is_ascii_digit()),
        Some(place @ '1'..='4') => {
            let mut letters = chars.as_str().split('/').map(|part| part.trim_start_matches(place));
            letters.all(|letters| !letters.is_empty() && letters.chars().all(is_group))
        }
        _ => false,
    }
}

/// `UEFA D (DAN/MKD/CZE/IRL)`, `DAN/MKD/CZE/IRL`: codes of the teams it is between.
fn lists_codes(name: &str) -> bool {
    let is_code =
        |code: &str| (2..=4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase());
    let list = |text: &str, least: usize| {
        text.split('/').count() >= least && text.split('/').all(|code| is_code(code.trim()))
    };
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.is_some_and(|inside| list(inside, 2)) || list(name, 3)
}

/// `Winner QF1`, `Loser SF 2`, `Runner-up Group A`: singular, and followed by something.
fn starts_with_outcome(lower: &str) -> bool {
    ["winner ", "loser ", "runner-up ", "runner up "].iter().any(|start| lower.starts_with(start))
}

/// What a word of a place's name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Winner, loser, runner-up.
    Outcome,
    /// First, 2nd, best, placed.
    Rank,
    /// Semi-final, match, group, path.
    Stage,
    /// A number, a letter, a list of them, a confederation, `of`.
    Label,
}

fn word(word: &str) -> Option<Word> {
    const OUTCOMES: [&str; 7] =
        ["winner", "winners", "loser", "losers", "runnerup", "runnersup", "winner(s)"];
    const RANKS: [&str; 16] = [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "5th",
        "6th",
        "first",
        "second",
        "third",
        "fourth",
        "best",
        "place",
        "placed",
        "ranked",
        "lucky",
        "thirdplaced",
    ];
    const STAGES: [&str; 25] = [
        "quarterfinal",
        "quarterfinals",
        "semifinal",
        "semifinals",
        "final",
        "finals",
        "quarter",
        "semi",
        "playoff",
        "playoffs",
        "play",
        "off",
        "offs",
        "match",
        "game",
        "tie",
        "round",
        "group",
        "gr",
        "path",
        "pot",
        "league",
        "interconfederation",
        "qualifier",
        "qualifying",
    ];
    const LABELS: [&str; 13] = [
        "of", "the", "from", "in", "team", "uefa", "fifa", "ic", "afc", "caf", "concacaf", "conmebol", "ofc",
    ];
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_stage_code = |text: &str| {
        ["qf", "sf", "po", "r16", "r32", "m"]
            .iter()
            .any(|code| text.strip_prefix(code).is_some_and(|rest| rest.is_empty() || is_number(rest)))
    };
    let is_letter = |text: &str| {
        text.len() <= 2 && text.trim_start_matches(|c: char| c.is_ascii_digit()).len() <= 1 && text.is_ascii()
    };
    let plain: String = word.chars().filter(|c| !matches!(c, '-' | '.' | '#' | ':')).collect();
    match plain.as_str() {
        text if OUTCOMES.contains(&text) => Some(Word::Outcome),
        text if RANKS.contains(&text) => Some(Word::Rank),
        text if STAGES.contains(&text) || is_stage_code(text) => Some(Word::Stage),
        text if is_number(text) || LABELS.contains(&text) => Some(Word::Label),
        text if text
            .split('/')
            .all(|part| !part.is_empty() && (is_letter(part) || LABELS.contains(&part))) =>
        {
            Some(Word::Label)
        }
        _ => None,
    }
}

/// `Semi Final 1 Winner`, `UEFA Path A winner`, `3rd Group C`, `Third place Group A`, `Best third-placed team`.
fn is_place(lower: &str) -> bool {
    let lower = lower.replace("runner up", "runner-up").replace("runners up", "runners-up");
    let Some(words) = lower.split_whitespace().map(word).collect::<Option<Vec<Word>>>() else { return false };
    let count = |kind: Word| words.iter().filter(|word| **word == kind).count();
    let names_stage = count(Word::Stage) > 0;
    match (count(Word::Outcome), count(Word::Rank)) {
        (0, 0) => false,
        (0, ranks) => names_stage || ranks > 1,
        _ => names_stage,
    }
}

#[cfg(test)]
mod tests {
    use super::is_placeholder_name;

    #[test]
    fn placeholders_are_distinguished_from_teams() {
        for place in [
            "Winner QF1",
            "Runner-up Group A",
            "W49",
            "L61",
            "1A",
            "3A/B/C",
            "3ABCD",
            "3rd Group C",
            "Group B 2nd",
            "Winner R16 3",
            "Loser SF2",
            "TBD",
            "Winner Match 49",
            "Group A Winners",
            "QF1 Winner",
            "Semifinal 2 loser",
            "Match 49 winners",
            "To be confirmed",
            "N. N.",
            "UEFA Path A winner",
            "IC Path 1 winner",
            "UEFA D (DAN/MKD/CZE/IRL)",
            "FIFA 2 (IRQ/BOL/SUR)",
            "3A/3B/3C/3D",
            "Best 3rd Group A/B/C",
            "Third place Group A",
            "Semi Final 1 Winner",
            "Playoffs Winner",
            "Winners of Match 5",
            "To be determined 2",
            "TBD 1",
            "Best third-placed team",
            "AFC/CONMEBOL play-off winner",
            "Quarter-final 2 loser",
            "Group B runner-up",
            "Runners up Group C",
        ] {
            assert!(is_placeholder_name(place), "{place}");
        }
        for team in [
            "Winners FC",
            "Wigan Athletic",
            "1. FC Köln",
            "1860 München",
            "LASK",
            "W Connection",
            "Group Sports",
            "AS FAN",
            "L'Aquila",
            "Loserville United",
            "Oslo Winner",
            "Winner",
            "2 de Mayo",
            "AB",
            "3 de Febrero",
            "B36 Tórshavn",
            "1. FC Nürnberg",
            "Bodø/Glimt",
            "Second Division Stars",
            "First Vienna",
            "Final Fantasy FC",
            "Best",
            "Third Lanark",
            "Path United",
            "Qualifier City",
            "SV Ried (AUT)",
            "Nagoya Grampus Eight",
            "Club 9 de Octubre",
            "Match Point",
        ] {
            assert!(!is_placeholder_name(team), "{team}");
        }
    }
}
