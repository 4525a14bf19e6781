//! The desk's lists as CSV, for a spreadsheet.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::view;
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::executions;
use crate::read::listing::{ExecutionsListed, execution_filter, found};
use crate::read::{matches, tournaments};
use crate::request::{self, FromForm, Id};

/// Executions in a file.
const EXECUTIONS: i64 = 2_000;
/// Matches in a file.
const MATCHES: i64 = 5_000;

/// The table, or the tables of all groups.
pub(super) async fn table(State(desk): State<Arc<Desk>>, Id(id): Id) -> Result<Response, Problem> {
    let tournament = found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    let rows = tournaments::standings(&*client, id).await?.into_iter().map(|row| {
        let figures = [
            row.points,
            row.games,
            row.wins,
            row.draws,
            row.losses,
            row.goals_for,
            row.goals_against,
            row.goal_difference,
        ];
        let mut cells = vec![text(&row.group), row.order.to_string(), text(&row.team)];
        cells.extend(figures.map(|figure| figure.to_string()));
        cells.push(row.form.concat());
        cells
    });
    let header = [
        "group",
        "place",
        "team",
        "points",
        "games",
        "won",
        "drawn",
        "lost",
        "goals_for",
        "goals_against",
        "goal_difference",
        "form",
    ];
    file(&format!("{}-table", tournament.slug), header, rows)
}

#[derive(Debug, Deserialize)]
pub(super) struct Of {
    round: Option<String>,
}

/// The matches of a round, or of all.
pub(super) async fn matches(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    FromForm(of): FromForm<Of>,
) -> Result<Response, Problem> {
    let tournament = found(&desk, id).await?;
    let client = desk.services().await?.store.client().await?;
    let round = request::round(of.round.as_deref())?;
    let found = matches::of_tournament(&*client, id, round, None, MATCHES).await?;
    let rows = found.rows.into_iter().map(|game| {
        let goals = |goals: Option<i32>| goals.map(|goals| goals.to_string()).unwrap_or_default();
        vec![
            time(game.kickoff),
            text(&game.round_slug),
            text(&game.group),
            text(&game.home.name),
            text(&game.away.name),
            goals(game.home.score),
            goals(game.away.score),
            goals(game.home.penalties),
            goals(game.away.penalties),
            text(&game.status),
            text(game.called_off.as_deref().unwrap_or_default()),
            game.lock.map(|lock| text(&lock.by)).unwrap_or_default(),
        ]
    });
    let header = [
        "kickoff",
        "round",
        "group",
        "home",
        "away",
        "home_goals",
        "away_goals",
        "home_penalties",
        "away_penalties",
        "status",
        "called_off",
        "locked_by",
    ];
    let round = round.map(|round| format!("-{round}")).unwrap_or_default();
    file(&format!("{}-matches{round}", tournament.slug), header, rows)
}

/// Executions by the filters of their page, newest first.
pub(super) async fn executions(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(asked): FromForm<ExecutionsListed>,
) -> Result<Response, Problem> {
    let filter = execution_filter(&asked, caller.zone, desk.clock.now())?;
    let client = desk.services().await?.store.client().await?;
    let found = executions::list(&*client, &filter, EXECUTIONS).await?;
    // A file that ends too early says so.
    let more = found.more.then(|| {
        let mut cells = vec![String::new(); 10];
        cells[9] = format!("only the newest {EXECUTIONS}: choose a day for the others");
        cells
    });
    let rows = found.rows.into_iter().map(|execution| {
        let line = view::Line::of(execution);
        let execution = &line.execution;
        vec![
            time(Some(execution.started_at)),
            time(execution.completed_at),
            text(&execution.operation),
            text(&execution.status),
            text(line.label()),
            text(execution.requested_by.as_deref().unwrap_or_default()),
            execution.attempt.to_string(),
            execution.duration_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            execution.id.to_string(),
            text(&line.outcome()),
        ]
    });
    let header = [
        "started",
        "ended",
        "operation",
        "status",
        "tournament",
        "asked_by",
        "attempt",
        "duration_ms",
        "execution",
        "outcome",
    ];
    file("executions", header, rows.chain(more))
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// A text from outside. A spreadsheet would compute one that begins like a formula.
fn text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn file<const N: usize>(
    name: &str,
    header: [&str; N],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Response, Problem> {
    let body = csv(header, rows).map_err(|error| {
        tracing::error!(%error, "a file could not be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The file could not be written.")
    })?;
    // A name from outside could end the header's value.
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    Ok((headers, body).into_response())
}

fn csv<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::{csv, text};

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        let row = ["plain", "a, b", "\"c\"", "=1+1", "-", "two\nlines"].map(text).to_vec();
        let written = csv(["1", "2", "3", "4", "5", "6"], std::iter::once(row)).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "1,2,3,4,5,6\nplain,\"a, b\",\"\"\"c\"\"\",'=1+1,'-,\"two\nlines\"\n"
        );
    }
}
