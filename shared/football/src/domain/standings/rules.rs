//! Reads the rule that orders teams level on points.
//!
//! The text is prose written for readers: numbered or listed, with or without a lead-in, sometimes two sets in one.
//! Only *what* is compared and *over which matches* is recognised; the rest of the wording is ignored.

use std::fmt;

use strum::Display;

/// A figure two teams are compared by; the better one goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "lowercase")]
pub enum Measure {
    /// 3 for a win, 1 for a draw.
    Points,
    /// Matches won.
    Wins,
    /// Matches won away.
    #[strum(serialize = "away wins")]
    AwayWins,
    /// Goals scored less goals conceded.
    #[strum(serialize = "goal difference")]
    GoalDifference,
    /// Goals scored.
    #[strum(serialize = "goals scored")]
    GoalsScored,
    /// Goals scored away.
    #[strum(serialize = "away goals")]
    AwayGoals,
    /// Goals conceded: the fewer the better.
    #[strum(serialize = "goals conceded")]
    GoalsConceded,
}

/// One step of the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Criterion {
    /// Over all matches of the table.
    Overall(Measure),
    /// Over the matches between the teams concerned, once all of them are played. Teams of which only some are
    /// separated are compared anew over the matches between those still level.
    HeadToHead(Vec<Measure>),
    /// A step that matches do not decide (disciplinary points, lots, a play-off, a ranking): its wording.
    Unknown(String),
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overall(measure) => write!(f, "{measure}"),
            Self::HeadToHead(measures) => write!(f, "head-to-head ({})", list(measures)),
            Self::Unknown(text) => write!(f, "[{text}]"),
        }
    }
}

/// What decides after points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The steps, first to last; matches decide at least one of them.
    pub criteria: Vec<Criterion>,
    /// The steps while matches of the table are to be played, where the text has separate ones; empty: the same.
    pub meanwhile: Vec<Criterion>,
}

impl Default for Rules {
    fn default() -> Self {
        let criteria =
            vec![Criterion::Overall(Measure::GoalDifference), Criterion::Overall(Measure::GoalsScored)];
        Self { criteria, meanwhile: Vec::new() }
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", list(&self.criteria))?;
        if !self.meanwhile.is_empty() {
            write!(f, "; while matches are to be played: {}", list(&self.meanwhile))?;
        }
        Ok(())
    }
}

impl Rules {
    /// The rule a text states; the default where it states none that matches can decide.
    ///
    /// Of several sets the first counts; one that is headed as valid *during* the phase becomes
    /// [`Rules::meanwhile`].
    pub fn parse(text: &str) -> Self {
        let text = normalise(text);
        let numbered = numbered(&text);
        let sections = if numbered.is_empty() { listed(&text) } else { numbered };
        let mut sections: Vec<(bool, Vec<Criterion>)> = sections
            .into_iter()
            .map(|(during, found)| (during, criteria(found)))
            .filter(|(_, criteria)| criteria.iter().any(|c| !matches!(c, Criterion::Unknown(_))))
            .collect();
        if sections.is_empty() {
            return Self::default();
        }
        let first = sections.iter().position(|(during, _)| !during).unwrap_or(0);
        let criteria = sections.swap_remove(first).1;
        let meanwhile = sections.into_iter().find(|(during, _)| *during).map(|(_, steps)| steps);
        Self { criteria, meanwhile: meanwhile.unwrap_or_default() }
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// What a part of the text names.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    Overall(Measure),
    Direct(Measure),
    /// Head-to-head without a measure.
    DirectAny,
    Unknown(String),
}

/// The usual measures of head-to-head, where the text gives none.
const DIRECT: [Measure; 3] = [Measure::Points, Measure::GoalDifference, Measure::GoalsScored];

/// The steps of what was found, in order: adjacent head-to-head measures become one block, repetitions are dropped.
fn criteria(found: Vec<Found>) -> Vec<Criterion> {
    let mut steps: Vec<Criterion> = Vec::new();
    for found in found {
        let measures: &[Measure] = match &found {
            // The teams are already level on points.
            Found::Overall(Measure::Points) => continue,
            Found::Overall(_) | Found::Unknown(_) => &[],
            Found::Direct(measure) => std::slice::from_ref(measure),
            Found::DirectAny => &DIRECT,
        };
        let step = match found {
            Found::Overall(measure) => Criterion::Overall(measure),
            Found::Unknown(ref text) => Criterion::Unknown(text.clone()),
            _ => {
                if let Some(Criterion::HeadToHead(block)) = steps.last_mut() {
                    for measure in measures {
                        if !block.contains(measure) {
                            block.push(*measure);
                        }
                    }
                    continue;
                }
                Criterion::HeadToHead(measures.to_vec())
            }
        };
        // A head-to-head block may still grow: repeated ones are dropped when all are complete.
        if matches!(step, Criterion::HeadToHead(_)) || !steps.contains(&step) {
            steps.push(step);
        }
    }
    let mut once: Vec<Criterion> = Vec::with_capacity(steps.len());
    for step in steps {
        if !once.contains(&step) {
            once.push(step);
        }
    }
    once
}

/// Lower case, one kind of blank and separator, no decoration.
fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        out.push(match c {
            '-' | '_' | '\u{2010}'..='\u{2015}' | '*' | '#' | '"' => ' ',
            '\n' | '\r' | '•' | '·' => '\n',
            '>' | '→' | '|' | '/' => ',',
            c if c.is_whitespace() => ' ',
            c => c,
        });
    }
    let lines: Vec<String> = out
        .split('\n')
        .map(|line| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n").replace(" then ", ", ").replace(" followed by ", ", ")
}

/// The list marker at the start of the text: its number, its letter (or second number) and its length.
fn marker(text: &str) -> Option<(Option<u32>, Option<u32>, usize)> {
    if let Some(inner) = text.strip_prefix('(') {
        return marker(inner).filter(|_| !inner.starts_with('(')).map(|(n, l, length)| (n, l, length + 1));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 2 {
        return None;
    }
    let number: Option<u32> = text[..digits].parse().ok();
    let rest = &text[digits..];
    let letter = rest.bytes().next().filter(u8::is_ascii_lowercase).map(|b| u32::from(b - b'a') + 1);
    let mut length = digits + usize::from(letter.is_some());
    let close = text[length..].bytes().next()?;
    if !(close == b')' || close == b'.' && number.is_some()) || number.is_none() && letter.is_none() {
        return None;
    }
    length += 1;
    let second = text[length..].bytes().take_while(u8::is_ascii_digit).count();
    if second == 0 {
        return Some((number, letter, length));
    }
    // "1.2" is a part of a step; "1.25" and dates are not.
    let value: u32 = text[length..length + second].parse().ok()?;
    let end = length + second;
    let closed = matches!(text[end..].bytes().next(), Some(b'.' | b')'));
    (second == 1 && letter.is_none() && close == b'.').then_some((
        number,
        Some(value),
        end + usize::from(closed),
    ))
}

/// The sets of a numbered text, each with whether it is valid only *during* the phase; none where nothing is numbered.
// Long for one pass over the words, whose state is shared by all its branches.
fn numbered(text: &str) -> Vec<(bool, Vec<Found>)> {
    struct Item<'a> {
        section: usize,
        part: bool,
        text: &'a str,
    }
    let mut items: Vec<Item> = Vec::new();
    let (mut section, mut number, mut letter, mut start, mut lead) = (0, 0, 0, 0, text);
    let mut previous = "";
    for (at, word) in words(text) {
        let follows = !matches!(previous, "criteria" | "criterion" | "step" | "steps" | "to" | "and" | "or");
        previous = word;
        let Some((n, l, length)) = marker(&text[at..]).filter(|_| follows) else { continue };
        let lettered = number == 0;
        let expected = match (n, l) {
            (Some(n), None) => n == number + 1 || n == 1,
            (Some(n), Some(l)) => n == number || n == number + 1 && l == 1,
            (None, Some(l)) => l == letter + 1 || l == 1,
            (None, None) => false,
        };
        if !expected {
            continue;
        }
        match items.last_mut() {
            Some(last) => last.text = text[start..at].trim(),
            None => lead = text[..at].trim(),
        }
        let again = match (n, l) {
            (Some(n), None) => n == 1 && number > 0,
            (None, Some(l)) => l == 1 && lettered && letter > 0,
            _ => false,
        };
        section += usize::from(again);
        let part = l.is_some() && (n.is_some() || !lettered);
        (number, letter) = (n.unwrap_or(number), l.unwrap_or(0));
        start = at + length;
        items.push(Item { section, part, text: text[start..].trim() });
    }

    let mut sections: Vec<(bool, Vec<Found>)> = Vec::new();
    let mut during = is_during(lead);
    let mut parent = None;
    for (index, item) in items.iter().enumerate() {
        if sections.len() <= item.section {
            sections.push((during, Vec::new()));
            parent = None;
        }
        let Some((_, found)) = sections.last_mut() else { continue };
        let last = items.get(index + 1).is_some_and(|next| next.section > item.section);
        let (own, heading) = if last { heading(item.text) } else { (item.text, "") };
        during = is_during(heading);
        let direct = item.part && parent.is_some();
        let mut read = read(own, direct);
        let words = wording(own);
        if read.is_empty() && !is_again(own) && !words.is_empty() {
            read.push(Found::Unknown(words));
        }
        match parent {
            // The parts give the measures of the head-to-head.
            Some(at) if item.part && found.get(at) == Some(&Found::DirectAny) => {
                found.splice(at..=at, read);
            }
            _ => {
                if !item.part {
                    parent = read.contains(&Found::DirectAny).then_some(found.len());
                }
                found.append(&mut read);
            }
        }
    }
    sections
}

/// The words of a text with their places.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// An item and the heading of the next set that runs on from it.
fn heading(text: &str) -> (&str, &str) {
    let starts = ["during ", "at the end ", "in the event ", "while ", "in case ", "for the ", "after "];
    let cut = starts.iter().filter_map(|start| text.find(start).filter(|&at| at > 0)).min();
    text.split_at(cut.unwrap_or(text.len()))
}

fn is_during(heading: &str) -> bool {
    heading.contains("during ") || heading.contains("while ")
}

/// The sets of a text without numbers: clause by clause.
fn listed(text: &str) -> Vec<(bool, Vec<Found>)> {
    let (mut end, mut meanwhile) = (Vec::new(), Vec::new());
    let mut during = false;
    for clause in clauses(text) {
        if let Some((prefix, _)) = cut(clause, ':') {
            during = is_during(prefix);
        }
        let set = if during { &mut meanwhile } else { &mut end };
        set.append(&mut read(clause, false));
    }
    vec![(false, end), (true, meanwhile)]
}

/// Splits where `separator` matches, outside of brackets.
fn split(text: &str, separator: impl Fn(char, Option<char>) -> bool) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0usize, 0);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 && separator(c, chars.peek().map(|(_, next)| *next)) => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The text before and after the first `separator`, outside of brackets.
fn cut(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut depth = 0usize;
    let at = text.find(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c == separator
    })?;
    Some((&text[..at], &text[at + separator.len_utf8()..]))
}

fn clauses(text: &str) -> Vec<&str> {
    split(text, |c, next| {
        c == ';' || c == '\n' || c == '.' && next.is_none_or(|next| next == ' ' || next == '\n')
    })
}

/// What a part of the prose names, in order. `direct`: it is about the matches between the teams concerned.
fn read(text: &str, direct: bool) -> Vec<Found> {
    let mut found = Vec::new();
    for sentence in clauses(text) {
        let conditional = ["if ", "when ", "should ", "in the event", "in case"];
        let clause = match cut(sentence, ',') {
            Some((_, rest)) if conditional.iter().any(|lead| sentence.starts_with(lead)) => rest,
            _ => sentence,
        };
        // A sentence on a shootout names the figures that lead to it.
        if any(&unbracketed(clause), &["shootout", "shoot out", "penalty kicks"]) {
            found.push(Found::Unknown(wording(sentence)));
            continue;
        }
        let (prefix, rest) = cut(clause, ':').unwrap_or(("", clause));
        let (rest, direct) =
            if rest.trim().is_empty() { (prefix, direct) } else { (rest, direct || is_direct(prefix)) };
        if is_again(&unbracketed(rest)) {
            continue;
        }
        for part in split(rest, |c, _| c == ',') {
            found.append(&mut classify(part, direct));
        }
    }
    found
}

/// Whether a sentence says that steps are applied again, which head-to-head is in any case.
fn is_again(text: &str) -> bool {
    any(text, &["reappl", "re appl", "applied again"]) || text.contains("criteri") && text.contains(" appl")
}

fn unbracketed(text: &str) -> String {
    text.split('[').map(|piece| piece.split_once(']').map_or(piece, |(_, rest)| rest)).collect()
}

/// What one listed part names: usually one thing; nothing if it is only wording.
fn classify(part: &str, direct: bool) -> Vec<Found> {
    if let Some(text) = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return vec![Found::Unknown(wording(text))];
    }
    if let Some(inner) = part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return read(inner, direct);
    }
    let (outer, inner) = match part.split_once('(') {
        Some((outer, inner)) => (outer, inner.split(')').next().unwrap_or_default()),
        None => (part, ""),
    };
    if any(outer, &UNDECIDABLE) {
        return vec![Found::Unknown(wording(outer))];
    }
    if let Some((left, right)) = outer.split_once(" and ")
        && !outer.contains("between goals")
    {
        let sides = (measure(left), measure(right));
        if matches!(sides, (Some(left), Some(right)) if left != right) {
            return [left, right].into_iter().flat_map(|side| classify(side.trim(), direct)).collect();
        }
    }
    let overall = any(outer, &["overall", "all matches", "all games", "all group", "all league"]);
    let direct = is_direct(outer) || is_direct(inner) || direct && !overall;
    match measure(outer) {
        Some(measure) if direct => vec![Found::Direct(measure)],
        Some(measure) => vec![Found::Overall(measure)],
        None if direct => {
            let mut inner = read(inner, true);
            inner.retain(|found| matches!(found, Found::Direct(_)));
            if inner.is_empty() { vec![Found::DirectAny] } else { inner }
        }
        None => {
            let wordy = [
                "tie", "follow", "rule", "equal", "level", "order", "team", "rank", "decide", "season",
                "criteri",
            ];
            let known = outer.split(' ').count() <= 5 && !any(outer, &wordy) && !outer.trim().is_empty();
            if known { vec![Found::Unknown(wording(outer))] } else { Vec::new() }
        }
    }
}

/// Words of steps that matches do not decide.
const UNDECIDABLE: [&str; 22] = [
    "disciplin",
    "fair play",
    "card",
    "lots",
    "drawing",
    "coin",
    "toss",
    "play off",
    "playoff",
    "decider",
    "deciding match",
    "extra match",
    "additional match",
    "coefficient",
    "ranking",
    "opponent",
    "penalt",
    "random",
    "committee",
    "seed",
    "previous season",
    "last season",
];

fn any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Whether the words are about the matches between the teams concerned.
fn is_direct(text: &str) -> bool {
    let words = [
        "head to head",
        "h2h",
        "teams concerned",
        "clubs concerned",
        "teams in question",
        "clubs in question",
        "tied teams",
        "tied clubs",
        "level teams",
        "between the teams",
        "between the clubs",
        "between the tied",
        "between the two",
        "among the teams",
        "among the clubs",
        "among the tied",
        "between those",
        "among those",
        "between them",
        "among them",
        "between teams",
        "among teams",
        "between tied",
        "direct ",
        "mutual",
        "each other",
        "one another",
    ];
    any(text, &words)
}

/// The figure the words name.
fn measure(text: &str) -> Option<Measure> {
    let word = |words: &[&str]| text.split(|c: char| !c.is_alphanumeric()).any(|w| words.contains(&w));
    let goals = word(&["goal", "goals"]) || text.contains("scored");
    let wins = word(&["win", "wins", "won", "victory", "victories"]);
    if text.contains("diff") && goals || word(&["gd"]) {
        // A difference over only some of the matches is not available.
        (!word(&["away", "home"])).then_some(Measure::GoalDifference)
    } else if text.contains("conceded") || text.contains("goals against") {
        Some(Measure::GoalsConceded)
    } else if word(&["away"]) {
        if goals { Some(Measure::AwayGoals) } else { wins.then_some(Measure::AwayWins) }
    } else if text.contains("average") {
        None
    } else if wins {
        Some(Measure::Wins)
    } else if goals || word(&["gf"]) {
        Some(Measure::GoalsScored)
    } else {
        word(&["point", "points", "pts"]).then_some(Measure::Points)
    }
}

/// The wording kept of a step that matches do not decide: short, and without the separators of steps.
fn wording(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' }).collect();
    let mut out = String::new();
    for word in clean.split_whitespace() {
        if !out.is_empty() && out.len() + word.len() > 80 {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
