//! The Slack messages about an execution or the provider's circuit, as Block Kit.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::block_kit::{Block, Element, Text};
use crate::journal::{NewResult, RoundCounts};
use crate::outcomes::counts;
use crate::store::circuit::PendingMessage;
use crate::summary::Summary;
use crate::words::duration;
use crate::work::{ExecutionStatus, Operation};

/// Slack's limits, less the length of the text added around a value.
const HEADER_CHARS: usize = 150;
const FIELD_CHARS: usize = 1_900;
const SECTION_CHARS: usize = 2_800;
/// Errors and warnings quoted in one message; the report has all.
const QUOTED: usize = 5;
/// Length of a part of a line in a message about several executions.
const LINE_CHARS: usize = 150;
/// Length of the results in such a line.
const RESULTS_CHARS: usize = 700;
/// Results listed in a message about one execution; the report has all.
const RESULTS: usize = 20;
/// Length of one result in a message about one execution.
const RESULT_CHARS: usize = 110;
/// Sections of lines in such a message.
const LINE_BLOCKS: usize = 6;

/// The message about an ended execution.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The record.
    pub execution: Uuid,
    /// What was done.
    pub operation: Operation,
    /// How it ended.
    pub status: ExecutionStatus,
    /// The record's summary.
    pub summary: Summary,
    /// The delivery.
    pub request_id: Uuid,
    /// The desk's address, if it is known.
    pub desk_url: Option<String>,
    /// The link to the report, if there is one.
    pub report_url: Option<String>,
    /// The report's key on S3, shown if there is no link.
    pub report_key: Option<String>,
    /// When the execution ended.
    pub completed_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
}

impl Message {
    /// A result in mrkdwn: a link to its match, where that has a page.
    fn result(&self, result: &NewResult) -> String {
        let text = escaped(&result.to_string(), RESULT_CHARS);
        match (&self.desk_url, result.match_id) {
            (Some(desk), Some(id)) => format!("<{desk}/matches/{id}|{text}>"),
            _ => text,
        }
    }

    /// Its line in a message about several.
    fn line(&self) -> String {
        let (_, mark) = look_of(self.status);
        let mark = if self.summary.alarms.is_empty() { mark } else { "❗" };
        let label = self.summary.tournament_label.as_deref().unwrap_or("all tournaments");
        let mut parts = vec![format!("{mark} *{}*", escaped(label, LINE_CHARS))];
        match &self.summary.facts.matches {
            Some(rounds) => {
                parts.extend(rounds.iter().take(QUOTED).map(|(round, counts)| {
                    let RoundCounts { ended, open, .. } = counts;
                    escaped(&format!("round {round}: {ended} ended, {open} open"), LINE_CHARS)
                }));
                if rounds.len() > QUOTED {
                    parts.push(format!("{} more rounds", rounds.len() - QUOTED));
                }
            }
            None => parts.push(self.operation.words()),
        }
        if !self.summary.facts.results.is_empty() {
            parts.push(escaped(&self.summary.facts.result_lines().join(", "), RESULTS_CHARS));
        }
        if !self.summary.facts.moves.is_empty() {
            parts.push(escaped(&self.summary.facts.move_lines().join(", "), LINE_CHARS));
        }
        if self.summary.dry_run {
            parts.push("dry run".to_owned());
        }
        // Each alarm is somebody's work; of the rest the report has all.
        let Summary { alarms, errors, warnings, .. } = &self.summary;
        let said = match alarms.as_slice() {
            [] => errors.first().or(warnings.first()).map(std::slice::from_ref).unwrap_or_default(),
            alarms => &alarms[..alarms.len().min(QUOTED)],
        };
        parts.extend(said.iter().map(|text| escaped(&text.replace('\n', " "), LINE_CHARS)));
        parts.extend(self.report_url.as_ref().map(|url| format!("<{url}|report>")));
        parts.join(" · ")
    }
}

/// The colour and the mark of a status.
fn look_of(status: ExecutionStatus) -> (&'static str, &'static str) {
    match status {
        ExecutionStatus::Completed => ("#2eb67d", "✅"),
        ExecutionStatus::PartialFailure => ("#ecb22e", "⚠️"),
        ExecutionStatus::Failed | ExecutionStatus::InProgress => ("#e01e5a", "❌"),
    }
}

/// One payload for the messages of several executions, a line each: first those with an alarm, then those that failed.
pub(crate) fn payload_of_all(all: &[&Message]) -> Value {
    let rank = |message: &Message| match message.status {
        _ if !message.summary.alarms.is_empty() => 0,
        ExecutionStatus::Failed | ExecutionStatus::InProgress => 1,
        ExecutionStatus::PartialFailure => 2,
        ExecutionStatus::Completed => 3,
    };
    let mut sorted: Vec<&&Message> = all.iter().collect();
    sorted.sort_by_key(|message| (rank(message), message.summary.tournament_label.clone()));
    let (colour, mark) = match sorted.first() {
        Some(first) if !first.summary.alarms.is_empty() => (look_of(ExecutionStatus::Failed).0, "❗"),
        first => look_of(first.map_or(ExecutionStatus::Completed, |message| message.status)),
    };
    let troubled = all.iter().filter(|message| message.status != ExecutionStatus::Completed).count();
    let title = match troubled {
        0 => format!("{mark} {} executions completed", all.len()),
        _ => format!("{mark} {} executions, {troubled} of them not completed", all.len()),
    };
    let mut blocks = vec![Block::Header { text: Text::plain(shortened(&title, HEADER_CHARS)) }];
    let mut section = String::new();
    let mut left = sorted.len();
    for message in sorted {
        let line = message.line();
        if !section.is_empty() && section.chars().count() + line.chars().count() > SECTION_CHARS {
            blocks.push(Block::Section { text: Text::verbatim(std::mem::take(&mut section)) });
        }
        if blocks.len() > LINE_BLOCKS {
            break;
        }
        if !section.is_empty() {
            section.push('\n');
        }
        section.push_str(&line);
        left -= 1;
    }
    if left > 0 {
        let more = format!("… and {left} more");
        section = if section.is_empty() { more } else { format!("{section}\n{more}") };
    }
    blocks.push(Block::Section { text: Text::verbatim(section) });
    json!({
        "text": escaped(&title, FIELD_CHARS),
        "attachments": [{ "color": colour, "fallback": title, "blocks": blocks }],
    })
}

impl Message {
    /// Whether any row or schedule was touched.
    pub(crate) fn changed_something(&self) -> bool {
        self.summary.rows.is_some_and(|rows| rows.wrote())
            || self.summary.schedules.is_some_and(|schedules| schedules.changed())
    }

    /// The payload about an operator's decision.
    fn decision_payload(&self, title: &str, effect: &str) -> Value {
        let label = self.summary.tournament_label.as_deref().unwrap_or("all tournaments");
        let title = format!("{title}: {label}");
        let by = self.summary.facts.requested_by.as_deref().unwrap_or("somebody");
        let at = self.completed_at.format("%Y-%m-%d %H:%M UTC");
        let note = self.summary.facts.note.as_ref().map(|note| format!(" “{note}”")).unwrap_or_default();
        let text = escaped(&format!("By {by} at {at}.{note} {effect}"), SECTION_CHARS);
        let mut blocks = vec![
            Block::Header { text: Text::plain(shortened(&title, HEADER_CHARS)) },
            Block::Section { text: Text::verbatim(text) },
        ];
        let results: Vec<String> =
            self.summary.facts.results.iter().map(|result| self.result(result)).collect();
        blocks.extend(
            list("Match", &results, RESULTS).map(|text| Block::Section { text: Text::verbatim(text) }),
        );
        let colour = look_of(ExecutionStatus::PartialFailure).0;
        json!({
            "text": escaped(&title, FIELD_CHARS),
            "attachments": [{ "color": colour, "fallback": title, "blocks": blocks }],
        })
    }

    /// The webhook's payload.
    pub(crate) fn payload(&self) -> Value {
        match self.operation {
            Operation::Pause => {
                return self.decision_payload("⏸ paused", "No check is worked on until it is resumed.");
            }
            Operation::Resume => {
                return self
                    .decision_payload("▶ resumed", "What was due meanwhile is read now, each round once.");
            }
            Operation::MatchCorrect => return self.decision_payload("✏️ match corrected and locked", ""),
            Operation::MatchUnlock => {
                return self.decision_payload("✏️ match unlocked", "It is as the provider last gave it.");
            }
            _ => {}
        }
        let (colour, mark) = look_of(self.status);
        let Summary { rows, schedules, .. } = self.summary;
        let label = self.summary.tournament_label.as_deref().unwrap_or("all tournaments");
        let dry = if self.summary.dry_run { " (dry run)" } else { "" };
        let title = format!("{mark} {}{dry}: {label}", self.operation.words());

        let mut fields = vec![
            ("Status", self.status.to_string().replace('_', " ")),
            ("Rows", rows.as_ref().map(counts).unwrap_or_default()),
            ("Requests", self.summary.requests.map_or_else(|| "null".to_owned(), |n| n.to_string())),
            ("Duration", duration(self.duration_ms.into())),
        ];
        if let Some(total) = self.summary.total_operations {
            let failed = self.summary.failed_operations.unwrap_or_default();
            let successful = self.summary.successful_operations.unwrap_or(total - failed.min(total));
            fields.insert(1, ("Operations", format!("{total}: {successful} successful, {failed} failed")));
        }
        if let Some(rounds) = &self.summary.facts.matches {
            let rounds: Vec<&str> = rounds.keys().map(String::as_str).collect();
            fields.insert(1, ("Round", rounds.join(", ")));
        }
        if let Some(schedules) = schedules.filter(|schedules| schedules.changed() || schedules.kept > 0) {
            fields.push(("Schedules", counts(&schedules)));
        }
        let fields = fields
            .into_iter()
            .map(|(name, value)| Text::verbatim(format!("*{name}*\n{}", escaped(&value, FIELD_CHARS))))
            .collect();

        let mut blocks = vec![
            Block::Header { text: Text::plain(shortened(&title, HEADER_CHARS)) },
            Block::Fields { fields },
        ];
        let Summary { errors, warnings, facts, .. } = &self.summary;
        let results: Vec<String> = facts.results.iter().map(|result| self.result(result)).collect();
        let plain = |texts: &[String], limit: usize| -> Vec<String> {
            let chars = SECTION_CHARS / limit - 2;
            texts.iter().map(|text| escaped(&text.replace('\n', " "), chars)).collect()
        };
        for (name, lines, limit) in [
            ("Results", results, RESULTS),
            ("Table", plain(&facts.move_lines(), RESULTS), RESULTS),
            ("Errors", plain(errors, QUOTED), QUOTED),
            ("Warnings", plain(warnings, QUOTED), QUOTED),
        ] {
            if let Some(text) = list(name, &lines, limit) {
                blocks.push(Block::Section { text: Text::verbatim(text) });
            }
        }
        match (self.report_url.as_deref().and_then(|url| Url::parse(url).ok()), &self.report_key) {
            (Some(url), _) => {
                let button = |text: &str, url: String| Element::Button { text: Text::plain(text), url };
                let run = self
                    .desk_url
                    .iter()
                    .map(|desk| button("Open the run", format!("{desk}/executions/{}", self.execution)));
                let elements = run.chain([button("Open the report", url.into())]).collect();
                blocks.push(Block::Actions { elements });
            }
            (None, Some(key)) => {
                let text = format!("Report: `{}`", escaped(key, FIELD_CHARS));
                blocks.push(Block::Section { text: Text::verbatim(text) });
            }
            (None, None) => {}
        }
        let stamp =
            format!("{} · request {}", self.completed_at.format("%Y-%m-%d %H:%M:%S UTC"), self.request_id);
        let stamp = Text::Mrkdwn { text: escaped(&stamp, FIELD_CHARS), verbatim: false };
        blocks.push(Block::Context { elements: vec![stamp] });
        // The colour bar exists on attachments only; `text` is what a notification on a phone shows.
        json!({
            "text": escaped(&title, FIELD_CHARS),
            "attachments": [{ "color": colour, "fallback": title, "blocks": blocks }],
        })
    }
}

/// The webhook's payload for a provider that refuses, or answers again. It replaces the messages of all runs that were
/// refused in between.
pub(crate) fn circuit_payload(pending: &PendingMessage) -> Value {
    let moment = |moment: Option<DateTime<Utc>>| {
        moment.map_or_else(|| "an unknown moment".to_owned(), |m| m.format("%Y-%m-%d %H:%M UTC").to_string())
    };
    let since = moment(pending.opened_at);
    let (colour, title, text) = if pending.opened {
        let text = format!(
            "It said: {}\nNobody asks it before {}; then one run tries. Until then the last good data stays, runs that \
             would have asked are on record and make no message of their own, and what they missed is fetched afterwards. \
             Tournaments with a stand-in are read from that meanwhile.",
            pending.reason,
            moment(pending.retry_at)
        );
        ("#e01e5a", format!("⛔ {} refuses to answer", pending.provider), text)
    } else {
        let text =
            format!("It had refused since {since} ({}). What was missed is being fetched.", pending.reason);
        ("#2eb67d", format!("✅ {} answers again", pending.provider), text)
    };
    let blocks = [
        Block::Header { text: Text::plain(shortened(&title, HEADER_CHARS)) },
        Block::Section { text: Text::verbatim(escaped(&text, SECTION_CHARS)) },
    ];
    json!({
        "text": escaped(&title, FIELD_CHARS),
        "attachments": [{ "color": colour, "fallback": title, "blocks": blocks }],
    })
}

/// A section that lists the first `limit` of these lines of mrkdwn, as many as it can hold; none if there are none.
fn list(name: &str, lines: &[String], limit: usize) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let mut text = format!("*{name}*");
    let mut length = text.chars().count();
    for (index, line) in lines.iter().enumerate() {
        length += line.chars().count() + 3;
        if index == limit || length > SECTION_CHARS {
            text.push_str(&format!("\n… and {} more", lines.len() - index));
            break;
        }
        text.push_str("\n• ");
        text.push_str(line);
    }
    Some(text)
}

/// A text escaped so that mrkdwn shows it literally, at most `limit` characters long after escaping.
fn escaped(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in text.chars() {
        let piece = match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            c => c.to_string(),
        };
        length += piece.chars().count();
        if length >= limit {
            out.push('…');
            break;
        }
        out.push_str(&piece);
    }
    out
}

fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Facts, TableMove};
    use crate::outcomes::Outcomes;

    fn result(home: &str, away: &str, goals: usize) -> NewResult {
        NewResult {
            home: home.to_owned(),
            away: away.to_owned(),
            match_id: Some(Uuid::from_u128(3)),
            score: Some(format!("{goals}-1")),
        }
    }

    fn message(status: ExecutionStatus, summary: Summary) -> Message {
        Message {
            execution: Uuid::from_u128(1),
            operation: Operation::MatchesUpdate,
            status,
            summary,
            request_id: Uuid::from_u128(2),
            desk_url: Some("https://desk.example".to_owned()),
            report_url: Some("https://d1.example/data-provider-operation-reports/x.html".to_owned()),
            report_key: None,
            completed_at: "2022-12-18T17:00:02Z".parse().unwrap(),
            duration_ms: 812,
        }
    }

    #[test]
    fn success_partial_and_failure() {
        let summary = |errors: &[&str]| Summary {
            tournament_label: Some("Cup <b> & sons".to_owned()),
            rows: Some(Outcomes { updated: 3, unchanged: 5, ..Outcomes::default() }),
            requests: Some(1),
            total_operations: Some(7),
            failed_operations: Some(errors.len()),
            facts: Facts {
                results: vec![result("Ash <1>", "Birch", 2)],
                moves: vec![TableMove { team: "Ash <1>".to_owned(), group: "A".to_owned(), from: 3, to: 1 }],
                ..Facts::default()
            },
            errors: errors.iter().map(|error| (*error).to_owned()).collect(),
            ..Summary::default()
        };
        let messages: Vec<Value> = [
            (ExecutionStatus::Completed, summary(&[])),
            (ExecutionStatus::PartialFailure, summary(&["round 3: <not> found"])),
            (ExecutionStatus::Failed, summary(&["the provider refuses to answer"])),
        ]
        .map(|(status, summary)| message(status, summary).payload())
        .into_iter()
        .collect();
        insta::assert_json_snapshot!(messages);
    }

    #[test]
    fn the_messages_of_many_executions_are_one_with_a_line_each() {
        let of = |label: String, status, ended| {
            let counts = RoundCounts { ended, open: 1, ..RoundCounts::default() };
            let mut summary = Summary { tournament_label: Some(label), ..Summary::default() };
            summary.facts.matches = Some([("7".to_owned(), counts)].into());
            summary.facts.results = (0..ended).map(|goals| result("Home <A>", "Away B", goals)).collect();
            if status == ExecutionStatus::Failed {
                summary.errors.push("the database <is> gone".to_owned());
            }
            message(status, summary)
        };
        let mut all = vec![
            of("Ash League".to_owned(), ExecutionStatus::Completed, 3),
            of("Birch & Cup".to_owned(), ExecutionStatus::Failed, 0),
        ];
        insta::assert_json_snapshot!(payload_of_all(&all.iter().collect::<Vec<_>>()));
        // A corrected result that the application had scored stands out among everything that went well.
        let mut corrected = of("Cedar League".to_owned(), ExecutionStatus::Completed, 3);
        corrected.summary.alarms.push("CORRECTION: match 7".to_owned());
        let payload = payload_of_all(&[&all[0], &corrected]);
        let lines = payload["attachments"][0]["blocks"][1]["text"]["text"].as_str().unwrap();
        assert!(lines.starts_with("❗ *Cedar League*") && lines.contains("CORRECTION: match 7"), "{lines}");
        // However much one has to say, Slack takes its line.
        let long = "&<>".repeat(3_000);
        let mut longest = of(long.clone(), ExecutionStatus::PartialFailure, 3);
        let of_round = RoundCounts { ended: 20, open: 20, ..RoundCounts::default() };
        longest.summary.facts.matches =
            Some((0..60).map(|round| (format!("{round}{long}"), of_round)).collect());
        longest.summary.facts.results = (0..60).map(|_| result(&long, &long, 1)).collect();
        longest.summary.alarms = (0..20).map(|_| long.clone()).collect();
        assert!(longest.line().chars().count() <= SECTION_CHARS, "{}", longest.line().chars().count());
        all.extend((0..300).map(|n| of(format!("League {n:03}"), ExecutionStatus::Completed, 9)));
        let payload = payload_of_all(&all.iter().collect::<Vec<_>>());
        let blocks = payload["attachments"][0]["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"]["text"].as_str()).collect();
        assert!(texts.iter().all(|text| text.chars().count() <= 3_000));
        let lines: usize = texts[1..].iter().map(|text| text.lines().count()).sum();
        let more = texts.last().unwrap().lines().last().unwrap();
        assert_eq!(more, format!("… and {} more", 302 - (lines - 1)));
    }

    #[test]
    fn a_provider_that_refuses_and_one_that_answers_again() {
        let pending = |opened| PendingMessage {
            provider: "sofascore".into(),
            opened,
            reason: "/event/1: HTTP 403, <challenge>".into(),
            opened_at: Some("2022-12-18T17:00:02Z".parse().unwrap()),
            retry_at: opened.then(|| "2022-12-18T19:00:02Z".parse().unwrap()),
        };
        insta::assert_json_snapshot!([circuit_payload(&pending(true)), circuit_payload(&pending(false))]);
    }

    #[test]
    fn whatever_is_said_stays_within_slacks_limits() {
        let long = "&<>".repeat(3_000);
        let errors: Vec<String> = (0..20).map(|_| long.clone()).collect();
        let summary = Summary {
            tournament_label: Some(long),
            errors: errors.clone(),
            warnings: errors,
            ..Summary::default()
        };
        let message = message(ExecutionStatus::Failed, summary).payload();
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        for block in blocks {
            if let Some(text) = block["text"]["text"].as_str() {
                assert!(text.chars().count() <= 3_000);
            }
        }
    }
}
