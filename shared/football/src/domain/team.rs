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
    // `TBD (A)`, `To be determined (QF1)`.
    let lower = name.split_once(" (").map_or(name, |(bare, _)| bare).to_lowercase();
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
    if name.strip_prefix(['W', 'L']).is_some_and(|code| is_stage_code(&code.to_lowercase())) {
        return true;
    }
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
    inside.is_some_and(|inside| list(inside, 3)) || list(name, 3)
}

/// `Winner QF1`, `Loser SF 2`, `Runner-up Group A`: singular, and followed by something.
fn starts_with_outcome(lower: &str) -> bool {
    let is_club =
        ["fc", "sc", "cf", "afc", "club", "united"].iter().any(|end| lower.ends_with(&format!(" {end}")));
    let starts = ["winner ", "loser ", "runner-up ", "runner up "];
    !is_club && starts.iter().any(|start| lower.starts_with(start))
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
    /// A number, a letter, or a list of them.
    Mark,
    /// A confederation, `champions`, `of`.
    Filler,
}

const OUTCOMES: &str = "winner winners winner(s) loser losers runnerup runnersup";
const RANKS: &str = "first second third fourth best place placed ranked lucky thirdplaced";
const STAGES: &str = "quarterfinal quarterfinals quarterfinalist semifinal semifinals semifinalist final finals finalist \
    quarter semi playoff playoffs playoffs playin play in off offs match game tie round group gr path pot league \
    interconfederation qualifier qualifying";
const FILLERS: &str =
    "of the from team champions europa conference tournament cup uefa fifa ic afc caf concacaf conmebol ofc";

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `qf1`, `sf2`, `r16`, `m49`.
fn is_stage_code(text: &str) -> bool {
    let rest = |code: &str| text.strip_prefix(code).is_some_and(|rest| rest.is_empty() || is_number(rest));
    ["qf", "sf", "po", "r16", "r32", "m"].iter().any(|code| rest(code))
}

fn word(word: &str) -> Option<Word> {
    let plain: String = word.chars().filter(|c| !matches!(c, '-' | '.' | '#' | ':')).collect();
    let is = |list: &str| list.split_whitespace().any(|known| known == plain);
    let is_ordinal =
        ["st", "nd", "rd", "th"].iter().any(|end| plain.strip_suffix(end).is_some_and(is_number));
    // `a`, `3a`, `3a/3b`, `afc/conmebol`
    let is_letter = |part: &str| {
        let letter = part.trim_start_matches(|c: char| c.is_ascii_digit());
        part.len() <= 2 && letter.len() == 1 && letter.is_ascii()
    };
    let parts = || plain.split('/').filter(|part| !part.is_empty());
    let is_filler = |part: &str| FILLERS.split_whitespace().any(|known| known == part);
    match () {
        () if is(OUTCOMES) => Some(Word::Outcome),
        () if is(RANKS) || is_ordinal => Some(Word::Rank),
        () if is(STAGES) || is_stage_code(&plain) => Some(Word::Stage),
        () if is_number(&plain) || (parts().count() > 0 && parts().all(is_letter)) => Some(Word::Mark),
        () if parts().count() > 0 && parts().all(is_filler) => Some(Word::Filler),
        () => None,
    }
}

/// `Semi Final 1 Winner`, `UEFA Path A winner`, `3rd Group C`, `Best Runner-up`, `Qualifier 1`, `UEFA Play-off A`.
fn is_place(lower: &str) -> bool {
    let lower = lower.replace("runner up", "runner-up").replace("runners up", "runners-up");
    let Some(words) = lower.split_whitespace().map(word).collect::<Option<Vec<Word>>>() else { return false };
    let has = |kind: Word| words.contains(&kind);
    let ranks = words.iter().filter(|word| **word == Word::Rank).count();
    match (has(Word::Outcome), ranks, has(Word::Stage)) {
        (true, ranks, names_stage) => names_stage || ranks > 0,
        (false, 0, names_stage) => names_stage && has(Word::Mark),
        (false, ranks, names_stage) => names_stage || ranks > 1,
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
            "UEFA Play-off A",
            "IC Play-off 1",
            "Qualifier 1",
            "Lucky Loser 1",
            "Best Runner-up",
            "Champions Path Winner",
            "Quarterfinalist 1",
            "8th place Group A",
            "TBD (A)",
            "To Be Determined (QF1)",
            "WQF1",
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
            "SG Reichenau (TSV/FC)",
            "Winner FC",
            "Team Wellington",
            "Cup 1904",
        ] {
            assert!(!is_placeholder_name(team), "{team}");
        }
    }
}
