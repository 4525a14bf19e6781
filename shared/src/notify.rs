//! Slack: one short message an execution, by Block Kit, with a link to the report.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::block_kit::{Block, Element, Text};
use crate::config::Secrets;
use crate::report::nonzero;
use crate::secrets::Vault;
use crate::store::circuit::OwedNotice;

/// Slack's limits, with room for what is put around a text.
const HEADER_CHARS: usize = 150;
const FIELD_CHARS: usize = 1_900;
const SECTION_CHARS: usize = 2_800;
/// Errors and warnings quoted in one message; the report has all.
const QUOTED: usize = 5;
const TIMEOUT: Duration = Duration::from_secs(10);
const RETRIES: usize = 3;

/// What a message says.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// `matches_update` and the like.
    pub operation: &'a str,
    /// `completed`, `partial_failure` or `failed`.
    pub status: &'a str,
    /// The record's summary.
    pub summary: &'a Value,
    /// The delivery.
    pub request_id: Uuid,
    /// The link to the report, if there is one.
    pub report_url: Option<&'a str>,
    /// Where the report is, for when there is no link.
    pub report_key: Option<&'a str>,
    /// When the execution ended.
    pub completed_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
}

/// Slack did not take a message. The webhook's address is a secret and is in no error.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// It could not be reached.
    #[error("Slack can't be reached: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("Slack refused the message: HTTP {status}, {said}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Slack's own word.
        said: String,
    },
}

/// An incoming webhook.
#[derive(Clone)]
pub struct Slack {
    client: reqwest::Client,
    vault: Arc<Vault>,
}

impl Slack {
    /// The webhook at the secret address in `vault`; none, if there is none.
    pub fn new(vault: Arc<Vault>) -> Result<Option<Self>, String> {
        if vault.current().slack_webhook.is_none() {
            return Ok(None);
        }
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.without_url().to_string())?;
        Ok(Some(Self { client, vault }))
    }

    /// Sends a message; a few tries where another may help. Where the webhook is not there any more the secret is read
    /// anew, once.
    pub async fn send(&self, message: &Value) -> Result<(), NotifyError> {
        let before = self.vault.current();
        let error = match self.try_to_send(&before, message).await {
            Err(error @ NotifyError::Refused { status: 401 | 403 | 404 | 410, .. }) => error,
            sent => return sent,
        };
        let now = match self.vault.renew().await {
            Ok(now) => now,
            Err(unreadable) => {
                tracing::error!(error = %unreadable, "the secret could not be read anew");
                return Err(error);
            }
        };
        let address =
            |secrets: &Secrets| secrets.slack_webhook.as_ref().map(|url| url.expose_secret().to_owned());
        if address(&before) == address(&now) { Err(error) } else { self.try_to_send(&now, message).await }
    }

    async fn try_to_send(&self, secrets: &Secrets, message: &Value) -> Result<(), NotifyError> {
        let Some(webhook) = &secrets.slack_webhook else {
            return Err(NotifyError::Unreachable("the secret names no webhook any more".to_owned()));
        };
        (|| self.post(webhook, message))
            .retry(ExponentialBuilder::default().with_max_times(RETRIES).with_jitter())
            .when(|error| match error {
                NotifyError::Unreachable(_) => true,
                NotifyError::Refused { status, .. } => *status == 429 || *status >= 500,
            })
            .await
    }

    async fn post(&self, webhook: &SecretString, body: &Value) -> Result<(), NotifyError> {
        let answer = self
            .client
            .post(webhook.expose_secret())
            .json(body)
            .send()
            .await
            .map_err(|error| NotifyError::Unreachable(error.without_url().to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = answer.text().await.unwrap_or_default();
        Err(NotifyError::Refused { status: status.as_u16(), said: said.chars().take(100).collect() })
    }
}

impl Notice<'_> {
    /// Whether any row or schedule was touched.
    pub fn changed_something(&self) -> bool {
        let count = |of: &str, what: &str| self.summary[of][what].as_u64().unwrap_or_default();
        ["inserted", "updated"].iter().any(|what| count("rows", what) > 0)
            || ["created", "updated", "deleted"].iter().any(|what| count("schedules", what) > 0)
    }

    /// The webhook's payload.
    pub fn message(&self) -> Value {
        let (colour, mark) = match self.status {
            "completed" => ("#2eb67d", "✅"),
            "partial_failure" => ("#ecb22e", "⚠️"),
            _ => ("#e01e5a", "❌"),
        };
        let label = self.summary["tournamentLabel"].as_str().unwrap_or("all tournaments");
        let operation = self.operation.replace('_', " ");
        let dry = if self.summary["dryRun"] == true { " (dry run)" } else { "" };
        let title = format!("{mark} {operation}{dry}: {label}");

        let counts = |name: &str| self.summary[name].as_object().map(nonzero).unwrap_or_default();
        let mut fields = vec![
            ("Status", self.status.replace('_', " ")),
            ("Rows", counts("rows")),
            ("Requests", self.summary["requests"].to_string()),
            ("Duration", format!("{} ms", self.duration_ms)),
        ];
        if self.summary["schedules"].as_object().is_some_and(|s| s.values().any(|count| count != 0)) {
            fields.insert(2, ("Schedules", counts("schedules")));
        }
        let fields = fields
            .into_iter()
            .map(|(name, value)| Text::verbatim(format!("*{name}*\n{}", escaped(&value, FIELD_CHARS))))
            .collect();

        let mut blocks = vec![
            Block::Header { text: Text::plain(shortened(&title, HEADER_CHARS)) },
            Block::Fields { fields },
        ];
        for (name, key) in [("Errors", "errors"), ("Warnings", "warnings")] {
            if let Some(text) = quoted(name, &self.summary[key]) {
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

/// The webhook's payload for a provider that refuses, or answers again. It stands for the messages of all runs that were
/// refused in between.
pub fn circuit_message(owed: &OwedNotice) -> Value {
    let moment = |moment: Option<DateTime<Utc>>| {
        moment.map_or_else(|| "an unknown moment".to_owned(), |m| m.format("%Y-%m-%d %H:%M UTC").to_string())
    };
    let since = moment(owed.opened_at);
    let (colour, title, text) = if owed.opened {
        let text = format!(
            "It said: {}\nNobody asks it before {}; then one run tries. Until then the last good data stays, runs that \
             would have asked are on record and make no message of their own, and what they missed is fetched afterwards.",
            owed.reason,
            moment(owed.retry_at)
        );
        ("#e01e5a", format!("⛔ {} refuses to answer", owed.provider), text)
    } else {
        let text =
            format!("It had refused since {since} ({}). What was missed is being fetched.", owed.reason);
        ("#2eb67d", format!("✅ {} answers again", owed.provider), text)
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

fn quoted(name: &str, texts: &Value) -> Option<String> {
    let texts: Vec<&str> = texts.as_array()?.iter().filter_map(Value::as_str).collect();
    if texts.is_empty() {
        return None;
    }
    let room = SECTION_CHARS / QUOTED;
    let mut lines: Vec<String> = texts
        .iter()
        .take(QUOTED)
        .map(|text| format!("• {}", escaped(&text.replace('\n', " "), room - 2)))
        .collect();
    if texts.len() > QUOTED {
        lines.push(format!("… and {} more", texts.len() - QUOTED));
    }
    Some(format!("*{name}*\n{}", lines.join("\n")))
}

/// A text as mrkdwn shows it literally, at most `limit` characters long after escaping.
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

    fn notice<'a>(status: &'a str, summary: &'a Value) -> Notice<'a> {
        Notice {
            operation: "matches_update",
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
        let summary = |errors: Value| {
            json!({"tournamentLabel": "Cup <b> & sons", "rows": {"inserted": 0, "updated": 3, "unchanged": 5},
                   "schedules": {"created": 0}, "requests": 1, "errors": errors, "warnings": []})
        };
        let messages: Vec<Value> = [
            ("completed", summary(json!([]))),
            ("partial_failure", summary(json!(["round 3: <not> found"]))),
            ("failed", summary(json!(["the provider refuses to answer"]))),
        ]
        .iter()
        .map(|(status, summary)| notice(status, summary).message())
        .collect();
        insta::assert_json_snapshot!(messages);
    }

    #[test]
    fn a_provider_that_refuses_and_one_that_answers_again() {
        let owed = |opened| OwedNotice {
            provider: "sofascore".into(),
            opened,
            reason: "/event/1: HTTP 403, <challenge>".into(),
            opened_at: Some("2022-12-18T17:00:02Z".parse().unwrap()),
            retry_at: opened.then(|| "2022-12-18T19:00:02Z".parse().unwrap()),
        };
        insta::assert_json_snapshot!([circuit_message(&owed(true)), circuit_message(&owed(false))]);
    }

    #[test]
    fn whatever_is_said_stays_within_slacks_limits() {
        let long = "&<>".repeat(3_000);
        let errors: Vec<String> = (0..20).map(|_| long.clone()).collect();
        let summary = json!({"tournamentLabel": long, "errors": errors, "warnings": errors});
        let message = notice("failed", &summary).message();
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        for block in blocks {
            if let Some(text) = block["text"]["text"].as_str() {
                assert!(text.chars().count() <= 3_000);
            }
        }
    }
}
