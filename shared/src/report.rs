//! The report of an execution: JSON for machines, Markdown and HTML for people, on S3.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::journal::{EntryStatus, Facts, Journal};
use crate::objects::{ObjectError, Objects, REPORTS};
use crate::outcomes::counts;
use crate::summary::{BrowserFigures, Summary};
use crate::words::duration;
use crate::work::{ErrorKind, ExecutionStatus, Function, Operation};
use football::domain::ProviderName;

/// The report of one execution, complete.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The record.
    pub execution_id: Uuid,
    /// The delivery.
    pub request_id: Uuid,
    /// Which function.
    pub function: Function,
    /// What was done.
    pub operation: Operation,
    /// The work's idempotency key.
    pub key: String,
    /// Which attempt.
    pub attempt: i32,
    /// How it ended.
    pub status: ExecutionStatus,
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
    /// The kind of the error.
    pub error_kind: Option<ErrorKind>,
    /// The journal.
    #[serde(flatten)]
    pub journal: Journal,
}

/// A report as its JSON file has it.
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    report: &'a Report,
    provider: &'static str,
    operations_count: usize,
    successful_operations: usize,
    failed_operations: usize,
}

impl<'a> Stored<'a> {
    fn of(report: &'a Report) -> Self {
        let (operations_count, failed_operations) = report.operation_counts();
        Self {
            report,
            provider: report.journal.provider.as_str(),
            operations_count,
            successful_operations: operations_count.saturating_sub(failed_operations),
            failed_operations,
        }
    }
}

/// The provider's name; of one whose terms ask for it, in the words that they ask for.
fn attribution(provider: ProviderName) -> String {
    match provider {
        ProviderName::SofaScore => provider.to_string(),
        ProviderName::FootballData => {
            format!("{provider}: Football data provided by the Football-Data.org API")
        }
    }
}

/// Errors quoted in a summary.
const SUMMARY_ERRORS: usize = 10;
/// Characters of one of them.
const SUMMARY_ERROR_CHARS: usize = 500;

impl Report {
    /// The summary kept in the record: counts and ids, small. The application's admin screens read the first seven.
    pub fn summary(&self) -> Summary {
        let journal = &self.journal;
        let (total, failed) = self.operation_counts();
        let first_few = |texts: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            texts.take(SUMMARY_ERRORS).map(|text| shortened(text)).collect()
        };
        Summary {
            tournament_id: journal.tournament_id,
            tournament_label: journal.tournament_label.clone(),
            provider: Some(journal.provider.to_string()),
            operations_count: Some(total),
            total_operations: Some(total),
            successful_operations: Some(total.saturating_sub(failed)),
            failed_operations: Some(failed),
            dry_run: journal.dry_run,
            rows: Some(journal.rows),
            schedules: Some(journal.schedules),
            requests: Some(journal.requests.len()),
            errors: first_few(&mut self.error.iter().chain(&journal.failures)),
            warnings: first_few(&mut journal.warnings.iter()),
            error_kind: self.error_kind,
            alarms: journal.alarms.clone(),
            browser: BrowserFigures::of(&journal.requests),
            facts: journal.facts.clone(),
            ..Summary::default()
        }
    }

    /// How many operations there were, and how many failed.
    fn operation_counts(&self) -> (usize, usize) {
        let operations = &self.journal.operations;
        let failed = operations.iter().filter(|entry| entry.status == EntryStatus::Failed).count();
        // An error that ended the run between two operations counts as one.
        (operations.len(), failed.max(usize::from(self.error.is_some())))
    }

    /// The key of its files on S3, without extension.
    fn key(&self) -> String {
        format!("{REPORTS}/{}/{}", self.started_at.format("%Y/%m/%d"), self.execution_id)
    }
}

/// A text cut to the length that a summary allows.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SUMMARY_ERROR_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A report as it is stored: three files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// Their key on S3, without extension.
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
            json: serde_json::to_string_pretty(&Stored::of(report))?,
            md: MarkdownReport { view: View::of(report) }.render()?,
            html: HtmlReport { view: View::of(report) }.render()?,
        })
    }

    /// Stores the files and returns the key of the HTML file.
    pub async fn store(&self, objects: &Objects) -> Result<String, ObjectError> {
        let Self { key, json, md, html } = self;
        let html_key = format!("{key}.html");
        let (json_key, markdown_key) = (format!("{key}.json"), format!("{key}.md"));
        // Private, and never stored by a shared cache: a retry of the work writes them again.
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

/// A report as its templates need it: every value is a text.
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
        let (total, failed) = report.operation_counts();
        let operations = format!("{total}: {} successful, {failed} failed", total.saturating_sub(failed));
        let mut facts = vec![
            ("Status".to_owned(), report.status.to_string()),
            ("Function".to_owned(), report.function.to_string()),
            ("Provider".to_owned(), attribution(journal.provider)),
            ("Operations".to_owned(), operations),
            ("Planned for".to_owned(), report.planned_for.map_or_else(|| "—".to_owned(), moment)),
            ("Started".to_owned(), moment(report.started_at)),
            ("Duration".to_owned(), duration(report.duration_ms.into())),
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
        if !journal.facts.results.is_empty() {
            facts.push(("Results".to_owned(), journal.facts.result_lines().join("; ")));
        }
        if !journal.facts.moves.is_empty() {
            facts.push(("Moves in the table".to_owned(), journal.facts.move_lines().join("; ")));
        }
        let others = Facts { results: Vec::new(), moves: Vec::new(), ..journal.facts.clone() };
        let further = serde_json::to_value(others).unwrap_or_default();
        facts.extend(
            further.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))),
        );
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
        Self {
            report,
            title: format!("{}: {label}", report.operation.words()),
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
    /// Inlined: the report is private, and a separate file would need a signed link of its own.
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

/// A fact as readable text; counts by name as `final: ended 1; 3: ended 16`.
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

#[expect(unreachable_pub, reason = "askama's macro writes a pub item")]
mod filters {
    //! Filters of the Markdown template.

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
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::clock::Clock;
    use crate::journal::{RoundCounts, Step};
    use crate::requests::{Request, RequestError};

    fn sample(status: ExecutionStatus, error: Option<&str>) -> Report {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let mut journal = Journal::new(Clock::default(), false, None);
        journal.about(Uuid::from_u128(7), "Cup <b>2022</b> | & sons");
        journal.completed(Step::Validation, "event", json!({}));
        let error_of_round = json!({"error": "<script>alert(1)</script>"});
        journal.note(Step::Fetch, "round final", EntryStatus::Failed, error_of_round);
        journal.warn("match 1: a *scored* result was corrected".to_owned());
        journal.planned("matches", &json!({"new": ["1"], "changes": []}));
        let ended = RoundCounts { ended: 1, ..RoundCounts::default() };
        journal.facts.matches = Some(BTreeMap::from([("final".to_owned(), ended)]));
        journal.rows.updated = 2;
        journal.rows.unchanged = 5;
        for operation in &mut journal.operations {
            operation.timestamp = at("2022-12-18T17:00:01Z");
        }
        Report {
            execution_id: Uuid::from_u128(1),
            request_id: Uuid::from_u128(2),
            function: Function::ScoresAndStandings,
            operation: Operation::MatchesUpdate,
            key: "scores-and-standings:matches_update:x".to_owned(),
            attempt: 1,
            status,
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
        let report = sample(ExecutionStatus::Failed, Some("the provider refuses"));
        insta::assert_snapshot!(MarkdownReport { view: View::of(&report) }.render().unwrap());
    }

    #[test]
    fn html_escapes_what_comes_from_outside() {
        let report = sample(ExecutionStatus::Completed, None);
        let html = HtmlReport { view: View::of(&report) }.render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>2022"), "{html}");
        assert!(html.contains(crate::style::STYLESHEET), "the stylesheet is inlined");
        insta::assert_snapshot!(html.replace(crate::style::STYLESHEET, "(the stylesheet)\n"));
    }

    #[test]
    fn the_summary_has_the_browsers_start_and_failure() {
        let request = |browser_start_ms, error: Option<RequestError>| Request {
            path: "/x".to_owned(),
            status: None,
            error,
            bytes: 0,
            duration_ms: 0,
            browser_start_ms,
            began: None,
        };
        let mut report = sample(ExecutionStatus::Completed, None);
        assert_eq!(report.summary().browser, None, "none was needed");
        report.journal.requests =
            vec![request(Some(90), None), request(None, Some(RequestError::Kind(ErrorKind::Unavailable)))]
                .into();
        assert_eq!(report.summary().browser, Some(BrowserFigures { start_ms: Some(90), failed: false }));
        report.journal.requests = vec![request(None, Some(RequestError::Kind(ErrorKind::Browser)))].into();
        assert_eq!(report.summary().browser, Some(BrowserFigures { start_ms: None, failed: true }));
    }

    #[test]
    fn the_summary_has_what_the_admin_screens_read() {
        insta::assert_json_snapshot!(sample(ExecutionStatus::Completed, None).summary());
    }
}
