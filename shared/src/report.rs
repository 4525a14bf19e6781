//! The report of an execution: JSON for machines, Markdown and HTML for people, on S3.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::execution::{Journal, OperationStatus};
use crate::objects::{ObjectError, Objects, REPORTS};
use crate::provider::Request;
use crate::provider::sofascore::PROVIDER;

/// The report of one execution, complete.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The record.
    pub execution_id: Uuid,
    /// The delivery.
    pub request_id: Uuid,
    /// Which function.
    pub function: String,
    /// `matches_update` and the like.
    pub operation: String,
    /// What the work is.
    pub key: String,
    /// Which attempt.
    pub attempt: i32,
    /// `completed`, `partial_failure` or `failed`.
    pub status: String,
    /// The occurrence it was for.
    pub planned_for: Option<DateTime<Utc>>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// Why it failed.
    pub error: Option<String>,
    /// The kind of that.
    pub error_kind: Option<&'static str>,
    /// What it did.
    #[serde(flatten)]
    pub journal: Journal,
}

/// The kind of a request's error that is the browser's own: [`crate::provider::ProviderError::kind`].
const BROWSER_FAILED: &str = "Browser";
/// Errors quoted in a summary.
const SUMMARY_ERRORS: usize = 10;
/// Characters of one of them.
const SUMMARY_ERROR_CHARS: usize = 500;

impl Report {
    /// What the record keeps: counts and ids, small. The application's admin screens read the first seven.
    pub fn summary(&self) -> Value {
        let journal = &self.journal;
        let total = journal.operations.len();
        let failed = journal.operations.iter().filter(|o| o.status == OperationStatus::Failed).count();
        // An error that ended the run between two operations counts as one.
        let failed = failed.max(usize::from(self.error.is_some()));
        let mut errors: Vec<String> =
            self.error.iter().chain(&journal.failures).map(|e| shortened(e)).collect();
        errors.truncate(SUMMARY_ERRORS);
        let mut warnings: Vec<String> = journal.warnings.iter().map(|w| shortened(w)).collect();
        warnings.truncate(SUMMARY_ERRORS);
        let mut summary = json!({
            "tournamentId": journal.tournament_id,
            "tournamentLabel": journal.tournament_label,
            "provider": PROVIDER,
            "operationsCount": total,
            "totalOperations": total,
            "successfulOperations": total.saturating_sub(failed),
            "failedOperations": failed,
            "dryRun": journal.dry_run,
            "rows": journal.rows,
            "schedules": journal.schedules,
            "requests": journal.requests.len(),
            "errors": errors,
            "warnings": warnings,
        });
        if let Value::Object(summary) = &mut summary {
            if let Some(kind) = self.error_kind {
                summary.insert("errorKind".to_owned(), kind.into());
            }
            if !journal.alarms.is_empty() {
                summary.insert("alarms".to_owned(), journal.alarms.clone().into());
            }
            if let Some(browser) = browser(&journal.requests) {
                summary.insert("browser".to_owned(), browser);
            }
            summary.extend(journal.facts.clone());
        }
        summary
    }

    /// Where its files are, without their ending.
    fn key(&self) -> String {
        format!("{REPORTS}/{}/{}", self.started_at.format("%Y/%m/%d"), self.execution_id)
    }
}

/// How the browser fared, for the health of the pipeline: what its last start took, and whether it failed for good.
/// Nothing where none was needed.
fn browser(requests: &[Request]) -> Option<Value> {
    let start_ms = requests.iter().rev().find_map(|request| request.browser_start_ms);
    let failed = requests.iter().any(|request| request.error.as_deref() == Some(BROWSER_FAILED));
    (start_ms.is_some() || failed).then(|| json!({ "startMs": start_ms, "failed": failed }))
}

/// A text cut to what a summary holds.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SUMMARY_ERROR_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A report as it is stored: three files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// Where they go, without their ending.
    key: String,
    json: String,
    md: String,
    html: String,
}

impl Rendered {
    /// The report's files.
    pub fn of(report: &Report) -> anyhow::Result<Self> {
        Ok(Self {
            key: report.key(),
            json: serde_json::to_string_pretty(report)?,
            md: MarkdownReport { view: View::of(report) }.render()?,
            html: HtmlReport { view: View::of(report) }.render()?,
        })
    }

    /// Stores the files; the key of the one that browsers show.
    pub async fn store(&self, objects: &Objects) -> Result<String, ObjectError> {
        let Self { key, json, md, html } = self;
        let html_key = format!("{key}.html");
        let (json_key, markdown_key) = (format!("{key}.json"), format!("{key}.md"));
        // Private, and never kept by a cache in between: a retry of the work writes them anew.
        let put =
            |key, kind, text: &str| objects.put(key, kind, "private, no-store", text.as_bytes().to_vec());
        tokio::try_join!(
            put(&json_key, "application/json", json),
            put(&markdown_key, "text/markdown; charset=utf-8", md),
            put(&html_key, "text/html; charset=utf-8", html),
        )?;
        Ok(html_key)
    }
}

/// A report as its templates want it: every value a text.
struct View<'a> {
    report: &'a Report,
    title: String,
    facts: Vec<(String, String)>,
    plans: Vec<(String, String)>,
}

impl<'a> View<'a> {
    fn of(report: &'a Report) -> Self {
        let journal = &report.journal;
        let label = journal.tournament_label.as_deref().unwrap_or("all tournaments");
        let mut facts = vec![
            ("Status".to_owned(), report.status.clone()),
            ("Function".to_owned(), report.function.clone()),
            ("Planned for".to_owned(), report.planned_for.map_or_else(|| "—".to_owned(), moment)),
            ("Started".to_owned(), moment(report.started_at)),
            ("Duration".to_owned(), format!("{} ms", report.duration_ms)),
            ("Attempt".to_owned(), report.attempt.to_string()),
            ("Rows".to_owned(), counts(&journal.rows)),
            ("Schedules".to_owned(), counts(&journal.schedules)),
            ("Requests".to_owned(), journal.requests.len().to_string()),
            ("Execution".to_owned(), report.execution_id.to_string()),
            ("Request id".to_owned(), report.request_id.to_string()),
            ("Key".to_owned(), report.key.clone()),
        ];
        if journal.dry_run {
            facts.insert(0, ("Dry run".to_owned(), "nothing was written".to_owned()));
        }
        facts.extend(journal.facts.iter().map(|(name, value)| (name.clone(), plain(value))));
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
        Self {
            report,
            title: format!("{}: {label}", report.operation.replace('_', " ")),
            facts,
            plans: journal.plans.iter().map(|(name, plan)| (name.clone(), pretty(plan))).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct HtmlReport<'a> {
    view: View<'a>,
}

impl HtmlReport<'_> {
    /// Inlined: the report is private, and a file beside it would want a signature of its own.
    const STYLESHEET: &'static str = crate::style::STYLESHEET;
}

#[derive(Template)]
#[template(path = "report.md", escape = "none")]
struct MarkdownReport<'a> {
    view: View<'a>,
}

fn moment(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `inserted 3, unchanged 7`: what is not zero.
pub fn counts(counts: &impl Serialize) -> String {
    let Ok(Value::Object(counts)) = serde_json::to_value(counts) else { return String::new() };
    nonzero(&counts)
}

/// See [`counts`].
pub(crate) fn nonzero(counts: &Map<String, Value>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// A fact as people read it; counts by name as `final: ended 1; 3: ended 16`.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(named) if !named.is_empty() && named.values().all(Value::is_object) => {
            let lines: Vec<String> =
                named.iter().map(|(name, of_it)| format!("{name}: {}", counts(of_it))).collect();
            lines.join("; ")
        }
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

mod filters {
    //! What the Markdown template asks for.

    /// One line of a table in Markdown: no line breaks, no cell borders, no markup from foreign texts.
    #[askama::filter_fn]
    pub(super) fn cell(value: impl std::fmt::Display, _: &dyn askama::Values) -> askama::Result<String> {
        let mut cell = String::new();
        for c in value.to_string().chars() {
            match c {
                '\n' | '\r' => cell.push(' '),
                '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' => {
                    cell.push('\\');
                    cell.push(c);
                }
                c => cell.push(c),
            }
        }
        Ok(cell)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::Clock;

    pub(crate) fn sample(status: &str, error: Option<&str>) -> Report {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let mut journal = Journal::for_tests(Clock::default());
        journal.about(Uuid::from_u128(7), "Cup <b>2022</b> | & sons");
        journal.completed("validation", "event", json!({}));
        journal.note(
            "fetch",
            "round final",
            OperationStatus::Failed,
            json!({"error": "<script>alert(1)</script>"}),
        );
        journal.warn("match 1: a *scored* result was corrected".to_owned());
        journal.planned("matches", &json!({"new": ["1"], "changes": []}));
        journal.facts.insert("matches".to_owned(), json!({"final": {"ended": 1}}));
        journal.rows.updated = 2;
        journal.rows.unchanged = 5;
        for operation in &mut journal.operations {
            operation.timestamp = at("2022-12-18T17:00:01Z");
        }
        Report {
            execution_id: Uuid::from_u128(1),
            request_id: Uuid::from_u128(2),
            function: "scores-and-standings".to_owned(),
            operation: "matches_update".to_owned(),
            key: "scores-and-standings:matches_update:x".to_owned(),
            attempt: 1,
            status: status.to_owned(),
            planned_for: Some(at("2022-12-18T17:00:00Z")),
            started_at: at("2022-12-18T17:00:00Z"),
            completed_at: at("2022-12-18T17:00:02Z"),
            duration_ms: 2_000,
            error: error.map(ToOwned::to_owned),
            error_kind: None,
            journal,
        }
    }

    #[test]
    fn markdown() {
        let report = sample("failed", Some("the provider refuses"));
        insta::assert_snapshot!(MarkdownReport { view: View::of(&report) }.render().unwrap());
    }

    #[test]
    fn html_escapes_what_comes_from_outside() {
        let report = sample("completed", None);
        let html = HtmlReport { view: View::of(&report) }.render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>2022"), "{html}");
        assert!(html.contains(crate::style::STYLESHEET), "it carries its clothes along");
        insta::assert_snapshot!(html.replace(crate::style::STYLESHEET, "(the stylesheet)\n"));
    }

    #[test]
    fn the_summary_tells_how_the_browser_fared() {
        let request = |browser_start_ms, error: Option<&str>| Request {
            path: "/x".to_owned(),
            status: None,
            error: error.map(ToOwned::to_owned),
            bytes: 0,
            duration_ms: 0,
            browser_start_ms,
        };
        let mut report = sample("completed", None);
        assert!(report.summary().get("browser").is_none(), "none was needed");
        report.journal.requests = vec![request(Some(90), None), request(None, Some("Unavailable"))];
        assert_eq!(report.summary()["browser"], json!({"startMs": 90, "failed": false}));
        report.journal.requests = vec![request(None, Some("Browser"))];
        assert_eq!(report.summary()["browser"], json!({"startMs": null, "failed": true}));
    }

    #[test]
    fn the_summary_has_what_the_admin_screens_read() {
        insta::assert_json_snapshot!(sample("completed", None).summary());
    }
}
