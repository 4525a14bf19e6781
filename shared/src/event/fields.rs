//! Reads the fields of an event: finds every problem, and names its field and the remedy.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use football::domain::round::is_path_segment;
use football::plan::checks::CheckKind;

/// All problems of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid input: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidInput {
    /// One per field.
    pub problems: Vec<Problem>,
}

impl InvalidInput {
    /// An error with one problem.
    pub fn one(field: &str, remedy: &str) -> Self {
        Self { problems: vec![Problem { field: field.to_owned(), remedy: remedy.to_owned() }] }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The field's path, as `tournament.baseUrl`.
    pub field: String,
    /// What is wrong and what is expected.
    pub remedy: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.remedy)
    }
}

/// The fields that every event may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `scheduledTime`: the scheduled time of the occurrence, used as the planning time if given.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// `idempotencyKey`: a manual trigger's own key for the work.
    pub idempotency_key: Option<String>,
    /// `dryRun`: plan and report, write nothing.
    pub dry_run: bool,
}

impl Envelope {
    /// The occurrence's name: the trigger's own key, else the scheduled time; none if neither is given.
    pub fn occurrence(&self) -> Option<String> {
        let scheduled = || Some(self.scheduled_time?.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        self.idempotency_key.clone().or_else(scheduled)
    }
}

/// Reads fields of a JSON object and collects problems. Unknown fields are ignored.
pub struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    path: String,
    problems: Vec<Problem>,
}

/// The longest text an event's field may hold.
const TEXT_LIMIT: usize = 300;
/// The longest slug.
const SEGMENT_LIMIT: usize = 80;
/// How far a caller's clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::days(1);
const TOURNAMENT_ID: &str = "the tournament's id (a UUID)";

/// A UUID in its hyphenated form. The other forms (`{…}`, `urn:uuid:…`, no hyphens) would give one thing several keys.
pub fn uuid(text: &str) -> Option<Uuid> {
    text.parse().ok().filter(|_| text.len() == "11111111-2222-4333-8444-555555555555".len())
}

fn is_of_a_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:/+-".contains(c)
}

/// Characters that are invisible or change the text's direction: a text with one looks different from what it is.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl<'a> Fields<'a> {
    /// Starts reading an event.
    pub fn of(event: &'a Value) -> Self {
        let mut fields = Self { object: event.as_object(), path: String::new(), problems: Vec::new() };
        if fields.object.is_none() {
            fields.problem("event", "must be a JSON object");
        }
        fields
    }

    /// If the event is a retry of this kind: the time of the first attempt (sent in the field `kickoff`).
    pub fn retry_since(&mut self, kind: CheckKind) -> Option<DateTime<Utc>> {
        self.optional("check").filter(|check| *check == kind.to_string())?;
        let since = self.optional("kickoff")?;
        self.time("kickoff", &since)
    }

    /// Whether a field is present, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The fields every event may have. Refuses an event for another environment, and one for a future occurrence,
    /// whose effects (a season completed, schedules deleted) would come too early.
    pub fn envelope(&mut self, environment: &str, now: DateTime<Utc>) -> Envelope {
        if let Some(target) = self.optional("targetEnv")
            && target != environment
        {
            self.problem("targetEnv", &format!("is for another environment: this is {environment}"));
        }
        let scheduled_time =
            self.optional("scheduledTime").and_then(|text| self.time("scheduledTime", &text));
        if scheduled_time.is_some_and(|time| time > now + AHEAD) {
            self.problem("scheduledTime", "must not lie in the future: this occurrence is still to come");
        }
        let idempotency_key = self.optional("idempotencyKey");
        if idempotency_key.as_ref().is_some_and(|key| !key.chars().all(is_of_a_key)) {
            self.problem("idempotencyKey", "must be made of letters, digits and . _ : / + -");
        }
        let dry_run = match self.value("dryRun") {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.problem("dryRun", "must be true or false");
                false
            }
        };
        Envelope { scheduled_time, idempotency_key, dry_run }
    }

    /// Reads a nested object with `read`.
    pub fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        let object = self.value(name).and_then(Value::as_object);
        if object.is_none() {
            self.problem(name, "is missing or no object: it must be an object");
        }
        let mut fields = Fields { object, path: format!("{}{name}.", self.path), problems: Vec::new() };
        let result = read(&mut fields);
        if object.is_some() {
            self.problems.append(&mut fields.problems);
        }
        result
    }

    /// A text that may be left out.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) if text.chars().count() > TEXT_LIMIT => {
                self.problem(name, &format!("is too long: at most {TEXT_LIMIT} characters"));
                None
            }
            Value::String(text) if text.chars().any(char::is_control) => {
                self.problem(name, "must not hold control characters");
                None
            }
            Value::String(text) if text.chars().any(is_invisible) => {
                self.problem(name, "must not hold invisible characters");
                None
            }
            Value::String(text) => Some(text.trim().to_owned()),
            _ => {
                self.problem(name, "must be a text");
                None
            }
        }
    }

    /// A required text. `expected` completes "must be …".
    pub fn required(&mut self, name: &str, expected: &str) -> String {
        let problems = self.problems.len();
        let text = self.optional(name);
        if text.is_none() && self.problems.len() == problems {
            self.problem(name, &format!("is missing: it must be {expected}"));
        }
        text.unwrap_or_default()
    }

    /// A required text that parses. `expected` completes "must be …".
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let problems = self.problems.len();
        let text = self.required(name, expected);
        if self.problems.len() > problems {
            return None;
        }
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.problem(name, &format!("must be {expected}"));
        }
        parsed
    }

    /// A required name that is shown to people. `expected` completes "must be …".
    pub fn name(&mut self, name: &str, expected: &str) -> String {
        let text = self.required(name, expected);
        if text.contains(['<', '>']) {
            self.problem(name, "must not hold < or >");
        }
        text
    }

    /// A required text that is valid in a URL without escaping. `expected` completes "must be …".
    pub fn segment(&mut self, name: &str, expected: &str) -> String {
        let text = self.required(name, expected);
        if !text.is_empty() && (text.len() > SEGMENT_LIMIT || !is_path_segment(&text)) {
            self.problem(name, &format!("must be {expected}"));
        }
        text
    }

    /// A required UUID.
    pub fn uuid(&mut self, name: &str) -> Uuid {
        let problems = self.problems.len();
        let text = self.required(name, TOURNAMENT_ID);
        let id = uuid(&text).unwrap_or_default();
        if self.problems.len() == problems && uuid(&text).is_none() {
            self.problem(name, &format!("must be {TOURNAMENT_ID}"));
        } else if self.problems.len() == problems && id.is_nil() {
            self.problem(name, "must not be the all-zero UUID");
        }
        id
    }

    /// A time in RFC 3339.
    pub fn time(&mut self, name: &str, text: &str) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
        // Outside these years nothing is scheduled; within them Postgres and Scheduler accept every date.
        let time = time.filter(|time| (1900..2200).contains(&chrono::Datelike::year(time)));
        if time.is_none() {
            self.problem(name, "must be a time like 2022-12-18T15:00:00Z");
        }
        time
    }

    /// Records a problem with the field `name`.
    pub fn problem(&mut self, name: &str, remedy: &str) {
        self.problems.push(Problem { field: format!("{}{name}", self.path), remedy: remedy.to_owned() });
    }

    /// Ends the reading: returns what was read, or all problems.
    pub fn finish<T>(self, read: T) -> Result<T, InvalidInput> {
        if self.problems.is_empty() { Ok(read) } else { Err(InvalidInput { problems: self.problems }) }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object?.get(name).filter(|value| !value.is_null())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2024-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_problem_is_found_and_names_its_field() {
        let event = json!({
            "targetEnv": "prod", "scheduledTime": "yesterday", "dryRun": "yes", "tournamentId": 7,
            "tournament": {"label": "x\u{0}", "slug": ""},
        });
        let mut fields = Fields::of(&event);
        fields.envelope("demo", now());
        fields.uuid("tournamentId");
        fields.within("tournament", |fields| {
            fields.required("label", "a name");
            fields.required("slug", "a slug");
        });
        insta::assert_snapshot!(fields.finish(()).unwrap_err());
    }

    #[test]
    fn an_occurrence_still_to_come_is_refused_and_a_late_delivery_is_not() {
        for (time, taken) in
            [("2023-12-01T00:01:00Z", true), ("2024-03-02T11:00:00Z", true), ("2150-01-01T00:00:00Z", false)]
        {
            let event = json!({ "scheduledTime": time });
            let mut fields = Fields::of(&event);
            let envelope = fields.envelope("demo", now());
            assert_eq!(fields.finish(envelope).is_ok(), taken, "{time}");
        }
    }

    #[test]
    fn unknown_fields_and_nulls_are_ignored() {
        let event =
            json!({"targetEnv": "demo", "endpoint": "https://x", "dryRun": null, "scheduledTime": null});
        let mut fields = Fields::of(&event);
        let envelope = fields.envelope("demo", now());
        assert_eq!(
            fields.finish(envelope),
            Ok(Envelope { scheduled_time: None, idempotency_key: None, dry_run: false })
        );
    }
}
