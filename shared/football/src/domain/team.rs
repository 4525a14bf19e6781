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
/// Only the name shows it: the provider's `disabled` flag is set on real teams too.
pub fn is_placeholder_name(name: &str) -> bool {
    let name = name.trim();
    let lower = name.to_lowercase();
    let nobody = ["tbd", "tba", "tbc", "n.n.", "n. n.", "?"];
    let to_be = ["decided", "determined", "announced", "confirmed", "defined"];
    if nobody.contains(&lower.as_str())
        || lower.strip_prefix("to be ").is_some_and(|rest| to_be.contains(&rest))
    {
        return true;
    }
    // `Winner QF1`, `Loser SF 2`, `Runner-up Group A`, `Winner Match 49`: singular, and followed by something.
    if ["winner ", "loser ", "runner-up ", "runner up "].iter().any(|start| lower.starts_with(start)) {
        return true;
    }
    is_code(name) || is_group_place(&lower) || is_goer(&lower)
}

/// `QF1 Winner`, `Semifinal 2 loser`, `Match 49 winner`.
fn is_goer(lower: &str) -> bool {
    let stages =
        ["quarterfinal", "quarter-final", "semifinal", "semi-final", "playoff", "play-off", "match", "final"];
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let code = |word: &str| {
        ["qf", "sf", "po", "r16", "r32", "m"].iter().any(|code| word.strip_prefix(code).is_some_and(digits))
    };
    let rest = ["winner", "winners", "loser", "losers"].iter().find_map(|end| lower.strip_suffix(end));
    rest.is_some_and(|rest| {
        let mut words = rest.split_whitespace().peekable();
        words.peek().is_some() && words.all(|word| stages.contains(&word) || digits(word) || code(word))
    })
}

/// `W49`, `L61`, `1A`, `2B`, `3A/B/C`, `3ABCD`.
fn is_code(name: &str) -> bool {
    let mut chars = name.chars();
    let rest = |chars: std::str::Chars<'_>, allowed: fn(char) -> bool| {
        let rest = chars.as_str();
        !rest.is_empty() && rest.chars().all(allowed)
    };
    match chars.next() {
        Some('W' | 'L') => rest(chars, |c| c.is_ascii_digit()),
        Some('1'..='4') => rest(chars, |c| ('A'..='L').contains(&c) || c == '/'),
        _ => false,
    }
}

/// `3rd Group C`, `1st Group A`, `Group B 2nd`, `3rd Group A/B/C`, `Group A Winner`.
fn is_group_place(lower: &str) -> bool {
    let mut group = false;
    let mut place = false;
    for word in lower.split_whitespace() {
        match word {
            "group" => group = true,
            "1st" | "2nd" | "3rd" | "4th" | "winner" | "winners" | "runner-up" | "runners-up" | "place"
            | "placed" => {
                place = true;
            }
            letters if letters.split('/').all(|l| l.len() == 1) => {}
            _ => return false,
        }
    }
    group && place
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
        ] {
            assert!(!is_placeholder_name(team), "{team}");
        }
    }
}
