//! The Slack messages about an execution or the provider's circuit, as Block Kit.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::block_kit::{Block, Element, Text};
use crate::outcomes::counts;
use crate::store::circuit::PendingMessage;
use crate::summary::Summary;
use crate::work::{ExecutionStatus, Operation};

/// Slack's limits, less the length of the text added around a value.
const HEADER_CHARS: usize = 150;
const FIELD_CHARS: usize = 1_900;
const SECTION_CHARS: usize = 2_800;
/// Errors and warnings quoted in one message; the report has all.
const QUOTED: usize = 5;

/// The content of a message.
#[derive(Debug, Clone)]
pub(crate) struct Message<'a> {
    /// What was done.
    pub operation: Operation,
    /// How it ended.
    pub status: ExecutionStatus,
    /// The record's summary.
    pub summary: &'a Summary,
    /// The delivery.
    pub request_id: Uuid,
    /// The link to the report, if there is one.
    pub report_url: Option<&'a str>,
    /// The report's key on S3, shown if there is no link.
    pub report_key: Option<&'a str>,
    /// When the execution ended.
    pub completed_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
}

impl Message<'_> {
    /// Whether any row or schedule was touched.
    pub(crate) fn changed_something(&self) -> bool {
        self.summary.rows.is_some_and(|rows| rows.wrote())
            || self.summary.schedules.is_some_and(|schedules| schedules.changed())
    }

    /// The webhook's payload.
    pub(crate) fn payload(&self) -> Value {
        let (colour, mark) = match self.status {
            ExecutionStatus::Completed => ("#2eb67d", "✅"),
            ExecutionStatus::PartialFailure => ("#ecb22e", "⚠️"),
            ExecutionStatus::Failed | ExecutionStatus::InProgress => ("#e01e5a", "❌"),
        };
        let Summary { rows, schedules, .. } = self.summary;
        let label = self.summary.tournament_label.as_deref().unwrap_or("all tournaments");
        let dry = if self.summary.dry_run { " (dry run)" } else { "" };
        let title = format!("{mark} {}{dry}: {label}", self.operation.words());

        let mut fields = vec![
            ("Status", self.status.to_string().replace('_', " ")),
            ("Rows", rows.as_ref().map(counts).unwrap_or_default()),
            ("Requests", self.summary.requests.map_or_else(|| "null".to_owned(), |n| n.to_string())),
            ("Duration", format!("{} ms", self.duration_ms)),
        ];
        if let Some(schedules) = schedules.filter(|schedules| schedules.changed() || schedules.kept > 0) {
            fields.insert(2, ("Schedules", counts(&schedules)));
        }
        let fields = fields
            .into_iter()
            .map(|(name, value)| Text::verbatim(format!("*{name}*\n{}", escaped(&value, FIELD_CHARS))))
            .collect();

        let mut blocks = vec![
            Block::Header { text: Text::plain(shortened(&title, HEADER_CHARS)) },
            Block::Fields { fields },
        ];
        for (name, texts) in [("Errors", &self.summary.errors), ("Warnings", &self.summary.warnings)] {
            if let Some(text) = quoted(name, texts) {
                blocks.push(Block::Section { text: Text::verbatim(text) });
            }
        }
        match (self.report_url.and_then(|url| Url::parse(url).ok()), self.report_key) {
            (Some(url), _) => {
                let button = Element::Button { text: Text::plain("Open the report"), url: url.into() };
                blocks.push(Block::Actions { elements: vec![button] });
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
             would have asked are on record and make no message of their own, and what they missed is fetched afterwards.",
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

fn quoted(name: &str, texts: &[String]) -> Option<String> {
    if texts.is_empty() {
        return None;
    }
    let chars = SECTION_CHARS / QUOTED;
    let mut lines: Vec<String> = texts
        .iter()
        .take(QUOTED)
        .map(|text| format!("• {}", escaped(&text.replace('\n', " "), chars - 2)))
        .collect();
    if texts.len() > QUOTED {
        lines.push(format!("… and {} more", texts.len() - QUOTED));
    }
    Some(format!("*{name}*\n{}", lines.join("\n")))
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
    use crate::outcomes::Outcomes;

    fn message<'a>(status: ExecutionStatus, summary: &'a Summary) -> Message<'a> {
        Message {
            operation: Operation::MatchesUpdate,
            status,
            summary,
            request_id: Uuid::from_u128(2),
            report_url: Some("https://d1.example/data-provider-operation-reports/x.html"),
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
            errors: errors.iter().map(|error| (*error).to_owned()).collect(),
            ..Summary::default()
        };
        let messages: Vec<Value> = [
            (ExecutionStatus::Completed, summary(&[])),
            (ExecutionStatus::PartialFailure, summary(&["round 3: <not> found"])),
            (ExecutionStatus::Failed, summary(&["the provider refuses to answer"])),
        ]
        .iter()
        .map(|(status, summary)| message(*status, summary).payload())
        .collect();
        insta::assert_json_snapshot!(messages);
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
        let message = message(ExecutionStatus::Failed, &summary).payload();
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        for block in blocks {
            if let Some(text) = block["text"]["text"].as_str() {
                assert!(text.chars().count() <= 3_000);
            }
        }
    }
}
