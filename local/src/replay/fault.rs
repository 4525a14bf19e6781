//! Faults of matches: their `--fault` syntax, and how they are applied to a season.

use std::str::FromStr;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::model::{EventRef, Fault, Fixture, Ruling, Season, When};
use super::timing::whistle;

impl Fault {
    /// The match.
    pub fn event(&self) -> &EventRef {
        match self {
            Self::Postpone { event, .. }
            | Self::Abandon { event, .. }
            | Self::Late { event, .. }
            | Self::Correct { event, .. }
            | Self::Status { event, .. }
            | Self::Disallow { event, .. }
            | Self::Vanish { event, .. } => event,
        }
    }
}

/// Why a fault is refused, and the remedy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The first word is unknown.
    #[error("fault {spec:?}: {word:?} is no fault: begin with one of {known}")]
    Unknown {
        /// What was written.
        spec: String,
        /// Its first word.
        word: String,
        /// The known kinds.
        known: String,
    },
    /// A part is missing.
    #[error("fault {spec:?} has no {part}: write {usage}")]
    Missing {
        /// What was written.
        spec: String,
        /// The part.
        part: &'static str,
        /// How it is written.
        usage: &'static str,
    },
    /// A part is malformed.
    #[error("fault {spec:?}: {part} cannot be {value:?}: {remedy} ({usage})")]
    Invalid {
        /// What was written.
        spec: String,
        /// The part.
        part: &'static str,
        /// What it says.
        value: String,
        /// What is allowed.
        remedy: &'static str,
        /// How it is written.
        usage: &'static str,
    },
    /// There are more parts than a fault of this kind has.
    #[error("fault {spec:?}: nothing may follow before {rest:?}: write {usage}")]
    TooLong {
        /// What was written.
        spec: String,
        /// The superfluous part.
        rest: String,
        /// How it is written.
        usage: &'static str,
    },
    /// The season has no such match.
    #[error(
        "no match {event}: write Home-Away with the names of the season file (e.g. {example:?}) or an event id"
    )]
    NoMatch {
        /// What was asked for.
        event: String,
        /// An existing match, as an example.
        example: String,
    },
    /// The season has several such matches.
    #[error("{event} is more than one match: write one of their event ids instead: {ids}")]
    Ambiguous {
        /// What was asked for.
        event: String,
        /// Which they are.
        ids: String,
    },
    /// The fault does not fit the match.
    #[error("the fault cannot strike {event}: {reason}")]
    Unfit {
        /// The match.
        event: String,
        /// Why not.
        reason: &'static str,
    },
}

/// Every fault with its syntax.
const USAGE: [(&str, &str); 7] = [
    ("postpone", "postpone:EVENT:NEW_KICKOFF[:new-id]"),
    ("abandon", "abandon:EVENT:MINUTE[:RESUME_AT]"),
    ("late", "late:EVENT:MINUTES[:moves]"),
    ("correct", "correct:EVENT:MINUTES_AFTER_END:HOME-AWAY"),
    ("status", "status:EVENT:CODE:TYPE[:FROM[:TO]]"),
    ("disallow", "disallow:EVENT:MINUTE[:home|:away]"),
    ("vanish", "vanish:EVENT:FROM[:TO]"),
];

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(spec: &str) -> Result<Self, FaultError> {
        let mut words = words(spec).into_iter();
        let word = words.next().unwrap_or_default();
        let Some((_, usage)) = USAGE.iter().find(|(known, _)| *known == word) else {
            let known = USAGE.map(|(known, _)| known).join(", ");
            return Err(FaultError::Unknown { spec: spec.to_owned(), word, known });
        };
        let mut parts = Parts { spec, usage, words };
        let fault = parts.fault(&word)?;
        match parts.words.next() {
            None => Ok(fault),
            Some(rest) => Err(FaultError::TooLong { spec: spec.to_owned(), rest, usage }),
        }
    }
}

/// The parts between colons; those of an instant (`2022-11-25T19:00:00Z`) are joined again.
fn words(spec: &str) -> Vec<String> {
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let mut words: Vec<String> = Vec::new();
    let mut open = 0;
    for piece in spec.split(':').map(str::trim) {
        match words.last_mut() {
            Some(instant) if open > 0 && digits(piece.trim_end_matches(['Z', 'z'])) => {
                instant.push(':');
                instant.push_str(piece);
                open = if digits(piece) { open - 1 } else { 0 };
            }
            _ => {
                let hour = piece.split_once(['T', 't']);
                let begins = hour.is_some_and(|(day, hour)| day.parse::<NaiveDate>().is_ok() && digits(hour));
                open = if begins { 2 } else { 0 };
                words.push(piece.to_owned());
            }
        }
    }
    words
}

struct Parts<'a> {
    spec: &'a str,
    usage: &'static str,
    words: std::vec::IntoIter<String>,
}

const WHEN: &str = "write a UTC instant (2022-11-25T19:00), a day, or minutes after the kickoff";
const COUNT: &str = "write a whole number";

impl Parts<'_> {
    fn fault(&mut self, word: &str) -> Result<Fault, FaultError> {
        let event = self.need("EVENT")?;
        let event = event.parse().map_or_else(|_| EventRef::Names(event.clone()), EventRef::Id);
        Ok(match word {
            "postpone" => {
                let text = self.need("NEW_KICKOFF")?;
                let kickoff = instant(&text)
                    .ok_or_else(|| self.invalid("NEW_KICKOFF", &text, "write a UTC instant"))?;
                Fault::Postpone { event, kickoff, new_id: self.flag("new-id")? }
            }
            "abandon" => {
                let minute = self.number("MINUTE")?;
                Fault::Abandon { event, minute, resume: self.when("RESUME_AT")? }
            }
            "late" => Fault::Late { event, minutes: self.number("MINUTES")?, moves: self.flag("moves")? },
            "correct" => {
                let minutes_after_end = self.number("MINUTES_AFTER_END")?;
                let text = self.need("HOME-AWAY")?;
                let goals = text
                    .split_once('-')
                    .and_then(|(home, away)| Some([home.trim().parse().ok()?, away.trim().parse().ok()?]));
                let score = goals
                    .filter(|goals: &[u32; 2]| goals.iter().all(|n| *n < 200))
                    .ok_or_else(|| self.invalid("HOME-AWAY", &text, "write the goals, home first: 2-1"))?;
                Fault::Correct { event, minutes_after_end, score }
            }
            "status" => {
                let (code, kind) = (self.number("CODE")?, self.need("TYPE")?);
                Fault::Status { event, code, kind, from: self.when("FROM")?, to: self.when("TO")? }
            }
            "disallow" => {
                let minute = self.number("MINUTE")?;
                let side = match self.words.next() {
                    None => 0,
                    Some(side) => ["home", "away"]
                        .iter()
                        .position(|known| *known == side)
                        .ok_or_else(|| self.invalid("the side", &side, "write home or away"))?,
                };
                Fault::Disallow { event, minute, side }
            }
            _ => {
                let from = self.when("FROM")?.ok_or_else(|| self.missing("FROM"))?;
                Fault::Vanish { event, from, to: self.when("TO")? }
            }
        })
    }

    fn missing(&self, part: &'static str) -> FaultError {
        FaultError::Missing { spec: self.spec.to_owned(), part, usage: self.usage }
    }

    fn invalid(&self, part: &'static str, value: &str, remedy: &'static str) -> FaultError {
        let (spec, value) = (self.spec.to_owned(), value.to_owned());
        FaultError::Invalid { spec, part, value, remedy, usage: self.usage }
    }

    fn need(&mut self, part: &'static str) -> Result<String, FaultError> {
        self.words.next().filter(|word| !word.is_empty()).ok_or_else(|| self.missing(part))
    }

    fn number(&mut self, part: &'static str) -> Result<u32, FaultError> {
        let text = self.need(part)?;
        // Half a million minutes are a year: no date can overflow.
        text.parse().ok().filter(|n| *n < 500_000).ok_or_else(|| self.invalid(part, &text, COUNT))
    }

    fn flag(&mut self, known: &'static str) -> Result<bool, FaultError> {
        match self.words.next() {
            None => Ok(false),
            Some(word) if word == known => Ok(true),
            Some(word) => Err(self.invalid("the last part", &word, "leave it out, or write the word below")),
        }
    }

    fn when(&mut self, part: &'static str) -> Result<Option<When>, FaultError> {
        let Some(text) = self.words.next() else { return Ok(None) };
        let minutes = text.parse::<i64>().ok().filter(|n| n.abs() < 5_000_000).map(When::Minute);
        minutes
            .or_else(|| instant(&text).map(When::At))
            .map(Some)
            .ok_or_else(|| self.invalid(part, &text, WHEN))
    }
}

/// `2022-11-25T19:00`, optionally with seconds or `Z`; a day alone means 15:00, as in a season file.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let bare = text.trim_end_matches(['Z', 'z']).replace('t', "T");
    let full = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    let day = || Some(bare.parse::<NaiveDate>().ok()?.and_time(NaiveTime::from_hms_opt(15, 0, 0)?));
    full.iter().find_map(|f| NaiveDateTime::parse_from_str(&bare, f).ok()).or_else(day).map(|t| t.and_utc())
}

impl Season {
    /// The season with these faults, applied in the given order: they affect what is shown of their matches, and every
    /// table and tree computed from that.
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Result<Self, FaultError> {
        for fault in faults {
            let at = self.find_match(fault.event())?;
            if let Some(reason) = unfit(&self.fixtures[at], &fault) {
                return Err(FaultError::Unfit { event: self.names(at), reason });
            }
            self.fixtures[at].faults.push(fault);
            if resumes_too_early(&self.fixtures[at]) {
                let reason = "it can only be resumed after it was abandoned";
                return Err(FaultError::Unfit { event: self.names(at), reason });
            }
        }
        Ok(self)
    }

    fn names(&self, fixture: usize) -> String {
        let fixture = &self.fixtures[fixture];
        [fixture.home, fixture.away].map(|team| self.teams[team].name.as_str()).join("-")
    }

    fn find_match(&self, event: &EventRef) -> Result<usize, FaultError> {
        let plain = |text: &str| {
            let parts: Vec<&str> = text.split('-').map(str::trim).collect();
            parts.join("-").to_lowercase()
        };
        let all = 0..self.fixtures.len();
        let (asked, found): (String, Vec<usize>) = match event {
            EventRef::Id(id) => (id.to_string(), all.filter(|i| self.fixtures[*i].id == *id).collect()),
            EventRef::Names(names) => {
                (names.clone(), all.filter(|i| plain(&self.names(*i)) == plain(names)).collect())
            }
        };
        match found.as_slice() {
            [only] => Ok(*only),
            [] => Err(FaultError::NoMatch { event: asked, example: self.names(0) }),
            several => {
                let ids: Vec<String> = several.iter().map(|i| self.fixtures[*i].id.to_string()).collect();
                Err(FaultError::Ambiguous { event: asked, ids: ids.join(", ") })
            }
        }
    }
}

/// Why this fault cannot be applied to this match.
fn unfit(fixture: &Fixture, fault: &Fault) -> Option<&'static str> {
    let score = fixture.score.filter(|_| fixture.ruling == Ruling::Played);
    let abandoned = fixture.stop().is_some();
    match fault {
        Fault::Postpone { kickoff, .. } if *kickoff <= fixture.last_kickoff() => {
            Some("the new kickoff must be later than the old one")
        }
        Fault::Abandon { .. } if abandoned => Some("it is abandoned already, and once is enough"),
        Fault::Abandon { minute, .. } | Fault::Disallow { minute, .. } => match score {
            None => Some("the season file has no played result of it"),
            Some(score) if i64::from(*minute) >= whistle(&score) => {
                Some("it is over before that minute: minutes count from the kickoff, the break included")
            }
            Some(_) => None,
        },
        Fault::Correct { .. } if fixture.counted_score().is_none() => {
            Some("it has no result that could be corrected")
        }
        _ => None,
    }
}

fn resumes_too_early(fixture: &Fixture) -> bool {
    fixture.stop().is_some_and(|stop| {
        let stopped = fixture.start() + Duration::seconds(stop.at);
        stop.resumed.is_some_and(|resumed| resumed <= stopped)
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn parsed(spec: &str) -> Fault {
        spec.parse().unwrap()
    }

    #[test]
    fn every_fault_can_be_written() {
        let event = || EventRef::Names("A1-A2".to_owned());
        let at = sample::at;
        assert_eq!(
            parsed("postpone:A1-A2:2030-06-03T19:00:00Z:new-id"),
            Fault::Postpone { event: event(), kickoff: at("2030-06-03T19:00:00Z"), new_id: true }
        );
        assert_eq!(
            parsed("postpone:9000001:2030-06-03"),
            Fault::Postpone {
                event: EventRef::Id(9_000_001),
                kickoff: at("2030-06-03T15:00:00Z"),
                new_id: false
            }
        );
        let resume = Some(When::At(at("2030-06-02T10:30:00Z")));
        assert_eq!(
            parsed("abandon:A1-A2:60:2030-06-02T10:30"),
            Fault::Abandon { event: event(), minute: 60, resume }
        );
        assert_eq!(parsed("late:A1-A2:30:moves"), Fault::Late { event: event(), minutes: 30, moves: true });
        assert_eq!(
            parsed("correct:A1-A2:90:3-0"),
            Fault::Correct { event: event(), minutes_after_end: 90, score: [3, 0] }
        );
        assert_eq!(
            parsed("status:A1-A2:93:finished:-60:2030-06-01T19:00Z"),
            Fault::Status {
                event: event(),
                code: 93,
                kind: "finished".to_owned(),
                from: Some(When::Minute(-60)),
                to: Some(When::At(at("2030-06-01T19:00:00Z")))
            }
        );
        assert_eq!(parsed("disallow:A1-A2:70:away"), Fault::Disallow { event: event(), minute: 70, side: 1 });
        let (from, to) = (When::At(at("2030-06-01T10:00:00Z")), Some(When::At(at("2030-06-01T12:00:30Z"))));
        assert_eq!(
            parsed("vanish:A1-A2:2030-06-01T10:00:2030-06-01T12:00:30"),
            Fault::Vanish { event: event(), from, to }
        );
    }

    #[test]
    fn errors_say_what_to_write() {
        for (spec, expected) in [
            ("explode:A-B", "\"explode\" is no fault: begin with one of postpone, abandon, late, correct"),
            ("postpone:A-B", "has no NEW_KICKOFF: write postpone:EVENT:NEW_KICKOFF[:new-id]"),
            ("postpone:A-B:soon", "NEW_KICKOFF cannot be \"soon\""),
            ("postpone:A-B:2030-06-03:now", "the last part cannot be \"now\""),
            ("abandon:A-B:x", "MINUTE cannot be \"x\": write a whole number"),
            ("late:A-B:5:moves:1", "nothing may follow before \"1\""),
            ("correct:A-B:5:3:0", "HOME-AWAY cannot be \"3\""),
            ("status:A-B:60", "has no TYPE"),
            ("vanish:A-B", "has no FROM"),
            ("disallow:A-B:5:both", "write home or away"),
        ] {
            let error = spec.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(expected), "{spec}: {error}");
        }
        for (spec, expected) in [
            (
                "late:X-Y:5",
                "no match X-Y: write Home-Away with the names of the season file (e.g. \"A1-A2\")",
            ),
            ("late:1:5", "no match 1:"),
            ("postpone:9000001:2030-05-30", "must be later"),
            ("abandon:9000001:113", "over before that minute"),
            ("disallow:9000001:113", "over before that minute"),
            ("abandon:b1 - b2:60:50", "only be resumed after"),
        ] {
            let error = sample::cup().with_faults(vec![parsed(spec)]).unwrap_err().to_string();
            assert!(error.contains(expected), "{spec}: {error}");
        }
        let twice = r#"{"name": "X 2030", "matches": [
            {"round": "Matchday 1", "date": "2030-06-01", "team1": "H", "team2": "A"},
            {"round": "Matchday 2", "date": "2030-06-02", "team1": "H", "team2": "A", "status": "cancelled"}]}"#;
        let season = Season::parse("x", twice).unwrap();
        let error = |spec: &str| season.clone().with_faults(vec![parsed(spec)]).unwrap_err().to_string();
        assert!(error("late:H-A:5").contains("ids instead: 9000001, 9000002"));
        assert!(error("abandon:9000001:5").contains("no played result"));
        assert!(error("correct:9000002:5:1-0").contains("no result that could be corrected"));
    }
}
