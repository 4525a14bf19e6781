//! Reading an event: every problem found, each naming its field and the remedy.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What is wrong with an event, all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid input: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidInput {
    /// One a field.
    pub problems: Vec<Problem>,
}

impl InvalidInput {
    /// One problem.
    pub fn one(field: &str, remedy: &str) -> Self {
        Self { problems: vec![Problem { field: field.to_owned(), remedy: remedy.to_owned() }] }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its path, as `tournament.baseUrl`.
    pub field: String,
    /// What is wrong and what would be right.
    pub remedy: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.remedy)
    }
}

/// What every event may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `scheduledTime`: the occurrence this event stands for. The planning time where it is there.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// `idempotencyKey`: a manual trigger's own name for the work.
    pub idempotency_key: Option<String>,
    /// `dryRun`: plan and report, write nothing.
    pub dry_run: bool,
}

/// Reads fields of a JSON object and collects what is wrong. Unknown fields are ignored.
pub struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    path: String,
    problems: Vec<Problem>,
}

/// The longest text an event's field may hold.
const TEXT_LIMIT: usize = 300;

impl<'a> Fields<'a> {
    /// Starts on an event.
    pub fn of(event: &'a Value) -> Self {
        let mut fields = Self { object: event.as_object(), path: String::new(), problems: Vec::new() };
        if fields.object.is_none() {
            fields.problem("event", "must be a JSON object");
        }
        fields
    }

    /// The fields every event may carry; an event for another environment is refused.
    pub fn envelope(&mut self, environment: &str) -> Envelope {
        if let Some(target) = self.optional("targetEnv")
            && target != environment
        {
            self.problem("targetEnv", &format!("is for another environment: this is {environment}"));
        }
        let scheduled_time =
            self.optional("scheduledTime").and_then(|text| self.time("scheduledTime", &text));
        let idempotency_key = self.optional("idempotencyKey");
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

    /// Reads an object within this one by `read`.
    pub fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        let object = self.value(name).and_then(Value::as_object);
        if object.is_none() {
            self.problem(name, "is missing: it must be an object");
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
            Value::String(text) => Some(text.trim().to_owned()),
            _ => {
                self.problem(name, "must be a text");
                None
            }
        }
    }

    /// A text that must be there. `expected` completes "must be …".
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

    /// A required id of ours.
    pub fn uuid(&mut self, name: &str) -> Uuid {
        let id: Option<Uuid> = self.parsed(name, "the tournament's id (a UUID)");
        if id.is_some_and(|id| id.is_nil()) {
            self.problem(name, "must not be the all-zero UUID");
        }
        id.unwrap_or_default()
    }

    /// A time in RFC 3339.
    pub fn time(&mut self, name: &str, text: &str) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
        // Outside these years nothing of ours is scheduled, and Postgres and the Scheduler agree on every date.
        let time = time.filter(|time| (1900..2200).contains(&chrono::Datelike::year(time)));
        if time.is_none() {
            self.problem(name, "must be a time like 2022-12-18T15:00:00Z");
        }
        time
    }

    /// Notes a problem with `name`.
    pub fn problem(&mut self, name: &str, remedy: &str) {
        self.problems.push(Problem { field: format!("{}{name}", self.path), remedy: remedy.to_owned() });
    }

    /// Ends the reading: what was read, or everything that is wrong.
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

    #[test]
    fn every_problem_is_found_and_names_its_field() {
        let event = json!({
            "targetEnv": "prod", "scheduledTime": "yesterday", "dryRun": "yes", "tournamentId": 7,
            "tournament": {"label": "x\u{0}", "slug": ""},
        });
        let mut fields = Fields::of(&event);
        fields.envelope("demo");
        fields.uuid("tournamentId");
        fields.within("tournament", |fields| {
            fields.required("label", "a name");
            fields.required("slug", "a slug");
        });
        insta::assert_snapshot!(fields.finish(()).unwrap_err());
    }

    #[test]
    fn unknown_fields_and_nulls_are_ignored() {
        let event =
            json!({"targetEnv": "demo", "endpoint": "https://x", "dryRun": null, "scheduledTime": null});
        let mut fields = Fields::of(&event);
        let envelope = fields.envelope("demo");
        assert_eq!(
            fields.finish(envelope),
            Ok(Envelope { scheduled_time: None, idempotency_key: None, dry_run: false })
        );
    }
}
