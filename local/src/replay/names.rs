//! The meaning of the names in a season file: rounds, groups, slots, seasons.

use super::model::{Kind, RoundKey};

/// The information in a round's name.
pub(super) struct Place {
    /// Table or tie.
    pub kind: Kind,
    /// The provider's round; number 0 where matchdays are to be counted.
    pub round: RoundKey,
    /// The group it names.
    pub group: Option<String>,
    /// The section of a split league it names.
    pub section: Option<String>,
}

/// Reads a round's name; `grouped`: the match names its group itself.
pub(super) fn place(name: &str, grouped: bool, others: &mut Vec<String>) -> Place {
    let league = |number, group, section| Place {
        kind: Kind::League,
        round: RoundKey::matchday(number),
        group,
        section,
    };
    let mut prefix = None;
    let name = without_replay(name);
    let (mut title, last) = match name.rsplit_once(',') {
        Some((before, last)) => (before.trim(), last.trim()),
        None => ("", name.trim()),
    };
    let named = [last, title].into_iter().find(|part| is_group(part));
    if grouped || named.is_some() {
        return league(matchday(last).unwrap_or(1), named.map(group_name), None);
    }
    let in_table = ["", "league", "league phase", "league stage", "regular season"];
    match matchday(last) {
        Some(number) if in_table.contains(&title.to_lowercase().as_str()) => {
            return league(number, None, None);
        }
        // "Playoffs, Matchday 2" is the second leg of the play-offs, not a round of its own.
        Some(_) if is_of_ties(title) => {}
        // "Championship, Matchday 34" continues the matchdays before it.
        Some(_) => return league(0, None, Some(title.to_owned())),
        None => {
            prefix = stage(title);
            title = last;
        }
    }
    prefix = prefix.or_else(|| stage(title).filter(|stage| stage == QUALIFICATION));
    let bare: String = title.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let known = match bare.as_str() {
        "roundof32" | "last32" | "116finals" | "116final" | "sechzehntelfinale" => {
            Some((6, "Round of 32", "round-of-32"))
        }
        "roundof16" | "last16" | "18finals" | "18final" | "achtelfinale" => {
            Some((5, "Round of 16", "round-of-16"))
        }
        "quarterfinals" | "quarterfinal" | "14finals" | "14final" | "viertelfinale" => {
            Some((27, "Quarterfinals", "quarterfinals"))
        }
        "semifinals" | "semifinal" | "halbfinale" => Some((28, "Semifinals", "semifinals")),
        "final" | "finale" | "grandfinal" => Some((29, "Final", "final")),
        "playoffs" | "playoff" | "playoffround" | "knockoutroundplayoffs" => {
            Some((636, "Playoff round", "playoff-round"))
        }
        other if other.contains("thirdplace") || other.contains("3rdplace") => {
            Some((50, "Match for 3rd place", "match-for-3rd-place"))
        }
        _ => None,
    };
    let (number, name, slug) = match known {
        Some((number, name, slug)) => (number, name.to_owned(), slug.to_owned()),
        None => {
            let order = others.iter().position(|o| *o == bare).unwrap_or_else(|| {
                others.push(bare.clone());
                others.len() - 1
            });
            (500 + order as u32, title.to_owned(), slug::slugify(title))
        }
    };
    let round = RoundKey { number, name: Some(name), slug: Some(slug), prefix };
    Place { kind: Kind::Knockout, round, group: None, section: None }
}

/// Whether a stage's matchdays are the legs of its ties.
fn is_of_ties(stage: &str) -> bool {
    let stage = stage.to_lowercase().replace('-', "");
    ["playoff", "qualif", "prelim", "final", "knockout", "round"].iter().any(|word| stage.contains(word))
}

/// `Group A`, `group 12`; `Group 2 Play-off` is a tie.
fn is_group(name: &str) -> bool {
    name.split_once(' ').is_some_and(|(group, letter)| {
        group.eq_ignore_ascii_case("group") && (1..=2).contains(&letter.trim().len())
    })
}

/// `Quarter-finals, Replays` are matches of the quarter-finals.
fn without_replay(name: &str) -> &str {
    let name = name.trim();
    let ends = ["replays", "replay"].iter().find(|end| name.to_lowercase().ends_with(*end));
    let rest = ends.and_then(|end| name.get(..name.len() - end.len()));
    rest.map(|rest| rest.trim_end_matches([' ', ',', '-', '(']))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(name)
}

/// The provider's prefix of every round before the main competition.
const QUALIFICATION: &str = "Qualification";

/// The prefix of a stage's rounds; none for the stage that decides the champion.
fn stage(name: &str) -> Option<String> {
    let lower = name.to_lowercase().replace('-', "");
    let main = ["", "final", "finals", "knockout", "knockouts", "playoffs", "cup"];
    let bare = [" stage", " phase", " round", " rounds"].iter().find_map(|end| lower.strip_suffix(end));
    if main.contains(&bare.unwrap_or(&lower)) {
        return None;
    }
    Some(match () {
        () if lower.contains("qualif") => QUALIFICATION.to_owned(),
        () if lower.contains("prelim") => "Preliminary".to_owned(),
        () => name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("-"),
    })
}

/// `Matchday 7`, `Round 7`, `7. Round` are 7; `Round of 16` is no number.
fn matchday(name: &str) -> Option<u32> {
    let lower = name.to_lowercase();
    let after = ["matchday ", "round "].iter().find_map(|prefix| lower.strip_prefix(prefix));
    after.or_else(|| lower.strip_suffix(". round")).and_then(|n| n.trim().parse().ok())
}

/// `group a`, `GROUP A` and `A` are all `Group A`; a longer name (`Final Round`) stays.
pub(super) fn group_name(name: &str) -> String {
    let name = name.trim();
    let (before, letter) = name.rsplit_once(' ').unwrap_or(("group", name));
    match before.eq_ignore_ascii_case("group") && letter.len() <= 2 {
        true => format!("Group {}", letter.to_uppercase()),
        false => name.to_owned(),
    }
}

/// `W49`, `L61`, `1A`, `3A/B/C`, `Winner Group A`: a placeholder, not a team.
pub(super) fn is_placeholder(name: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let letters = |s: &str| {
        !s.is_empty() && s.split('/').all(|p| p.len() == 1 && p.bytes().all(|b| b.is_ascii_uppercase()))
    };
    ["tbd", "tba", "to be decided", "n.n.", "n. n.", "?"].contains(&name.to_lowercase().as_str())
        || ["Winner ", "Loser ", "Runner-up "].iter().any(|p| name.starts_with(p))
        || name.strip_prefix(['W', 'L']).is_some_and(digits)
        || name.strip_prefix(['1', '2', '3']).is_some_and(letters)
}

/// `English Premier League 2024/25` is `English Premier League` and `24/25`.
pub(super) fn label_and_year(name: &str) -> (String, Option<String>) {
    match name.trim().rsplit_once(' ') {
        Some((label, last)) if season_year(last).is_some() => (label.trim().to_owned(), season_year(last)),
        _ => (name.trim().to_owned(), None),
    }
}

/// `2022` stays, `2024/25`, `2024-25` and `2024/2025` become `24/25`.
pub(super) fn season_year(text: &str) -> Option<String> {
    let year = |s: &str, sizes: &[usize]| sizes.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    match text.split_once(['/', '-']) {
        Some((from, to)) if year(from, &[4]) && year(to, &[2, 4]) => {
            Some(format!("{}/{}", &from[2..], &to[to.len() - 2..]))
        }
        None if year(text, &[4]) => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_the_provider_has_them() {
        let round = |name: &str| {
            let Place { kind, round: key, group, section } =
                place(name, false, &mut vec!["firstround".to_owned()]);
            let group = group.or(section);
            let address = [key.prefix, key.slug].into_iter().flatten().collect::<Vec<_>>().join(": ");
            (kind == Kind::Knockout, key.number, address, group.unwrap_or_default())
        };
        let knockout = |number, slug: &str| (true, number, slug.to_owned(), String::new());
        assert_eq!(round("League, Matchday 7"), (false, 7, String::new(), String::new()));
        assert_eq!(round("Championship, Matchday 34"), (false, 0, String::new(), "Championship".to_owned()));
        assert_eq!(round("Group 2 Play-off"), knockout(501, "group-2-play-off"));
        assert_eq!(round("Viertelfinale"), knockout(27, "quarterfinals"));
        assert_eq!(round("12. Round"), (false, 12, String::new(), String::new()));
        assert_eq!(round("group b"), (false, 1, String::new(), "Group B".to_owned()));
        assert_eq!(["a", "GROUP 12", "Final Round"].map(group_name), ["Group A", "Group 12", "Final Round"]);
        assert_eq!(round("Group B, Matchday 2"), (false, 2, String::new(), "Group B".to_owned()));
        assert_eq!(round("Finals, Round of 16"), knockout(5, "round-of-16"));
        assert_eq!(round("Quarter-finals"), knockout(27, "quarterfinals"));
        assert_eq!(round("Match for third place"), knockout(50, "match-for-3rd-place"));
        assert_eq!(round("Playoffs, Matchday 2"), knockout(636, "playoff-round"));
        assert_eq!(round("Preliminary round"), knockout(501, "preliminary-round"));
        assert_eq!(round("2nd Qualifying Round"), knockout(501, "Qualification: 2nd-qualifying-round"));
        assert_eq!(round("Qualifying, Play-off Round"), knockout(636, "Qualification: playoff-round"));
        assert_eq!(round("Preliminary, Final"), knockout(29, "Preliminary: final"));
        assert_eq!(round("Quarter-finals, Replays"), knockout(27, "quarterfinals"));
        assert_eq!(round("First round replay"), knockout(500, "first-round"));
        assert_eq!(round("1/8 Finals"), knockout(5, "round-of-16"));
        assert_eq!(round("Knockout phase, Final"), knockout(29, "final"));
        assert_eq!(round("Clausura Playoffs, Final"), knockout(29, "Clausura-Playoffs: final"));
    }
}
