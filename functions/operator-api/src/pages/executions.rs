//! Executions: the list, and the page of one with its operations in order of time.

use std::sync::Arc;

use crate::read::executions::{self, Execution};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use serde_json::Value;
use shared::outcomes::counts;
use shared::style::Tone;
use shared::words;
use shared::work::{ExecutionStatus, Operation};
use strum::VariantNames as _;

use super::view::{self, Line};
use super::{Shell, page};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::{ExecutionsListed, SEARCHED_DAYS, cursor_of, execution_filter, no_execution};
use crate::read::logs;
use crate::read::report::StoredReport;
use crate::request::{FromForm, Id};
use crate::zone::{Moment, SECOND, Zone};

/// Executions on a page.
const LINES: i64 = 50;
/// A report larger than this is only linked to.
const REPORT_BYTES: i64 = 4 * 1024 * 1024;
/// Operations and requests shown of a report; the report itself has all.
const SHOWN: usize = 300;
/// Characters shown of a plan.
const PLAN_CHARS: usize = 20_000;

#[derive(Template)]
#[template(path = "executions.html")]
struct List {
    shell: Shell,
    lines: Vec<Line>,
    status: String,
    operation: String,
    tournament: String,
    /// The first and the last day.
    from: String,
    to: String,
    q: String,
    /// Whether only what a person asked for is listed, and by whom.
    audit: bool,
    by: String,
    /// The filters, as a query.
    filters: String,
    next: Option<String>,
}

impl List {
    fn statuses(&self) -> Vec<(&'static str, &'static str)> {
        let each = ExecutionStatus::VARIANTS.iter().map(|word| (*word, view::status(word)));
        each.chain([("failed,partial_failure", "failed, or in part")]).collect()
    }

    /// Those that a person asks for come first on the page that lists them.
    fn operations(&self) -> Vec<Operation> {
        let mut operations = vec![
            Operation::MatchesUpdate,
            Operation::StandingsUpdate,
            Operation::KnockoutsUpdate,
            Operation::DailySchedule,
            Operation::CrossCheck,
            Operation::TournamentCreate,
            Operation::TournamentUpdate,
            Operation::RoundsCreate,
            Operation::RoundsUpdate,
            Operation::TeamsCreate,
            Operation::TeamsUpdate,
            Operation::MatchesCreate,
            Operation::StandingsCreate,
            Operation::ProviderReset,
            Operation::MatchCorrect,
            Operation::MatchUnlock,
            Operation::Pause,
            Operation::Resume,
            Operation::Acknowledge,
        ];
        operations.sort_by_key(|operation| self.audit && !operation.is_by_hand());
        operations
    }

    fn path(&self) -> &'static str {
        if self.audit { "/audit" } else { "/executions" }
    }
}

pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(asked): FromForm<ExecutionsListed>,
) -> Result<Response, Problem> {
    listed(&desk, &caller, &asked, false).await
}

/// Who did what.
pub(super) async fn audit(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(asked): FromForm<ExecutionsListed>,
) -> Result<Response, Problem> {
    listed(&desk, &caller, &ExecutionsListed { by_hand: Some(true), ..asked }, true).await
}

async fn listed(
    desk: &Desk,
    caller: &Caller,
    asked: &ExecutionsListed,
    audit: bool,
) -> Result<Response, Problem> {
    let filter = execution_filter(asked, caller.zone, desk.clock.now())?;
    let client = desk.services().await?.store.client().await?;
    let found = executions::list(&*client, &filter, LINES).await?;
    let day = &asked.day;
    let (from, to) = (day.as_ref().or(asked.from.as_ref()), day.as_ref().or(asked.to.as_ref()));
    let [status, operation, tournament, from, to, q, by] = [
        asked.status.as_ref(),
        asked.operation.as_ref(),
        asked.tournament.as_ref(),
        from,
        to,
        asked.q.as_ref(),
        asked.by.as_ref(),
    ]
    .map(|text| text.cloned().unwrap_or_default());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("status", &status),
        ("operation", &operation),
        ("tournament", &tournament),
        ("from", &from),
        ("to", &to),
        ("q", &q),
        ("by", &by),
    ] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let filters = query.finish();
    let next = found.rows.last().filter(|_| found.more).map(|last| {
        format!("{filters}{}cursor={}", if filters.is_empty() { "" } else { "&" }, cursor_of(last))
    });
    let filters = if audit { format!("byHand=true&{filters}") } else { filters };
    page(&List {
        shell: Shell::of(desk, caller, if audit { "audit" } else { "executions" }),
        audit,
        by,
        lines: found.rows.into_iter().map(Line::of).collect(),
        status,
        operation,
        tournament,
        from,
        to,
        q,
        filters,
        next,
    })
}

/// An operation of the report, as a bar of the waterfall.
struct Bar {
    step: String,
    operation: String,
    status: String,
    tone: Tone,
    /// The data in words.
    data: String,
    /// The same as JSON, where it holds lists or counts, of which words may leave something out.
    json: Option<String>,
    took: String,
    /// In thousandths of the whole.
    from: i64,
    width: i64,
}

struct ShownRequest {
    path: String,
    status: String,
    tone: Tone,
    bytes: usize,
    took: String,
}

#[derive(Template)]
#[template(path = "execution.html")]
struct Show {
    shell: Shell,
    line: Line,
    steps: Vec<Line>,
    running: bool,
    /// Where its log lines are.
    logs: Option<String>,
    facts: Vec<(&'static str, Fact)>,
    errors: Vec<String>,
    warnings: Vec<String>,
    bars: Vec<Bar>,
    bars_more: usize,
    requests: Vec<ShownRequest>,
    requests_more: usize,
    plans: Vec<(String, String)>,
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let services = desk.services().await?;
    let client = services.store.client().await?;
    let steps = executions::with_steps(&*client, id).await?;
    let execution = steps.iter().find(|step| step.id == id).cloned().ok_or_else(no_execution)?;
    drop(client);
    let in_progress = execution.status() == Some(ExecutionStatus::InProgress);
    let mut report = StoredReport::default();
    if let Some(key) = execution.report_key.as_deref().filter(|_| !in_progress) {
        let key = format!("{}.json", key.trim_end_matches(".html"));
        // Without its report the page still has the summary.
        match services.objects.get(&key, REPORT_BYTES).await {
            Ok(Some(bytes)) => match serde_json::from_slice(&bytes) {
                Ok(read) => report = read,
                Err(error) => {
                    tracing::warn!(%error, key, "a report is not understood: it is of another version")
                }
            },
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a report can't be read"),
        }
    }
    let texts = |texts: &[String]| texts.iter().map(|text| view::cut(text, 1_000)).collect::<Vec<_>>();
    let summary = &execution.summary;
    let mut errors = texts(&summary.errors);
    if errors.is_empty() && execution.status() == Some(ExecutionStatus::Failed) {
        errors.extend(summary.error.clone());
    }
    let warnings = texts(&summary.warnings);
    let (bars, bars_more) = waterfall(&report, &execution);
    let (requests, requests_more) = requests(&report);
    let running = executions::goes_on(&steps, desk.clock.now());
    let ended = !in_progress;
    page(&Show {
        shell: Shell::of(&desk, &caller, "executions"),
        running,
        logs: logs::insights(&desk.app.config.schedules, &execution),
        facts: facts(&execution, caller.zone),
        errors: errors.into_iter().filter(|_| ended).collect(),
        warnings: warnings.into_iter().filter(|_| ended).collect(),
        bars,
        bars_more,
        requests,
        requests_more,
        plans: plans(&report),
        steps: steps.into_iter().map(Line::of).collect(),
        line: Line::of(execution),
    })
}

/// What is known of an execution, as the page shows it.
enum Fact {
    Text(String),
    At(Moment),
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

fn facts(execution: &Execution, zone: Zone) -> Vec<(&'static str, Fact)> {
    let summary = &execution.summary;
    let mut facts = vec![
        ("Function", execution.function.clone().unwrap_or_else(|| "–".to_owned()).into()),
        ("Started", Fact::At(zone.formatted(execution.started_at, SECOND))),
    ];
    facts.extend(execution.completed_at.map(|at| ("Ended", Fact::At(zone.formatted(at, SECOND)))));
    facts.push(("Attempt", execution.attempt.to_string().into()));
    facts.extend(summary.rows.map(|rows| ("Rows", counts(&rows).into())));
    facts.extend(summary.schedules.map(|schedules| ("Schedules", counts(&schedules).into())));
    facts.extend(summary.requests.map(|requests| ("Requests", requests.to_string().into())));
    facts.extend(
        summary.facts.stand_in.map(|provider| ("Stand-in that was asked", provider.to_string().into())),
    );
    if !summary.facts.results.is_empty() {
        facts.push(("Results", summary.facts.result_lines().join("; ").into()));
    }
    if !summary.facts.moves.is_empty() {
        facts.push(("Moves in the table", summary.facts.move_lines().join("; ").into()));
    }
    if !summary.facts.decided.is_empty() {
        facts.push(("Changed", summary.facts.decided.join("; ").into()));
    }
    if let Some(matches) = &summary.facts.matches {
        // Numbers by value: 2 before 10.
        let mut rounds: Vec<_> = matches.iter().collect();
        rounds.sort_by_key(|(round, _)| (round.len(), round.as_str()));
        let rounds: Vec<String> =
            rounds.into_iter().take(20).map(|(round, of_it)| format!("{round}: {}", counts(of_it))).collect();
        facts.push(("Matches by round", rounds.join("; ").into()));
    }
    if let Some(changes) = &summary.changes {
        let changes: Vec<String> = changes
            .iter()
            .filter(|(_, to)| !to.is_null())
            .map(|(name, to)| format!("{name}: {to}"))
            .collect();
        facts.push(("Changes", changes.join("; ").into()));
    }
    facts.extend(execution.planned_for.map(|at| ("Planned for", Fact::At(zone.moment(at)))));
    facts.extend(execution.requested_by.clone().map(|by| ("Asked for by", by.into())));
    facts.extend(summary.facts.note.clone().map(|note| ("Note", note.into())));
    facts.extend(execution.key.clone().map(|key| ("Key", key.into())));
    facts
}

/// The operations, each from its start; where that was not recorded, from the end of the one before it.
fn waterfall(report: &StoredReport, execution: &Execution) -> (Vec<Bar>, usize) {
    let operations = &report.operations;
    let begin = report.started_at.unwrap_or(execution.started_at);
    let last = operations.last().map(|operation| operation.timestamp);
    let end = report.completed_at.into_iter().chain(last).max().unwrap_or(begin);
    let whole = (end - begin).max(TimeDelta::milliseconds(1));
    let share = |part: TimeDelta| {
        (part.num_microseconds().unwrap_or_default().saturating_mul(1_000)
            / whole.num_microseconds().unwrap_or(1).max(1))
        .clamp(0, 1_000)
    };
    let mut from = begin;
    let bars = operations.iter().take(SHOWN).map(|operation| {
        from = operation.started_at.unwrap_or(from);
        let until = operation.timestamp.max(from);
        let bar = Bar {
            step: operation.step.clone(),
            operation: operation.operation.clone(),
            tone: operation.status.into(),
            status: operation.status.to_string(),
            data: match &operation.data {
                Value::Null => String::new(),
                data => view::cut(&words::data(data), 400),
            },
            json: is_nested(&operation.data).then(|| view::cut(&operation.data.to_string(), 1_000)),
            took: view::duration((until - from).num_milliseconds()),
            from: share(from - begin).min(994),
            width: share(until - from).max(6),
        };
        from = until;
        bar
    });
    (bars.collect(), operations.len().saturating_sub(SHOWN))
}

fn is_nested(data: &Value) -> bool {
    data.as_object().is_some_and(|fields| fields.values().any(|value| value.is_object() || value.is_array()))
}

fn requests(report: &StoredReport) -> (Vec<ShownRequest>, usize) {
    let shown = report.requests.iter().take(SHOWN).map(|request| ShownRequest {
        path: request.path.clone(),
        tone: if request.succeeded() { Tone::Good } else { Tone::Half },
        status: match (request.status, &request.error) {
            (Some(status), Some(error)) => format!("{status} {error}"),
            (Some(status), None) => status.to_string(),
            (None, Some(error)) => error.to_string(),
            (None, None) => "no answer".to_owned(),
        },
        bytes: request.bytes,
        took: view::duration(i64::try_from(request.duration_ms).unwrap_or(i64::MAX)),
    });
    (shown.collect(), report.requests.len().saturating_sub(SHOWN))
}

fn plans(report: &StoredReport) -> Vec<(String, String)> {
    let text = |plan: &Value| serde_json::to_string_pretty(plan).unwrap_or_default();
    report.plans.iter().map(|(name, plan)| (name.clone(), view::cut(&text(plan), PLAN_CHARS))).collect()
}
