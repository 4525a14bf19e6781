//! The results of a replay for people: tables on the terminal, and a page that links every report.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use askama::Template;
use serde_json::Value;

use crate::driver::Replay;
use crate::postgres;
use crate::summary::{Group, Summary};

/// The tables as text.
pub fn tables(groups: &[Group]) -> String {
    let mut text = String::new();
    for group in groups {
        let name = if group.group.is_empty() { "Table" } else { &group.group };
        let _ = writeln!(
            text,
            "\n{name:<28} {:>3} {:>3} {:>3} {:>3} {:>7} {:>4} {:>4}",
            "P", "W", "D", "L", "Goals", "+/-", "Pts"
        );
        for row in &group.rows {
            let goals = format!("{}:{}", row.goals_for, row.goals_against);
            let _ = writeln!(
                text,
                "{:>2} {:<25} {:>3} {:>3} {:>3} {:>3} {goals:>7} {:>+4} {:>4}",
                row.order,
                row.team,
                row.games,
                row.wins,
                row.draws,
                row.losses,
                row.goal_difference,
                row.points
            );
        }
    }
    text
}

struct MatchLine {
    round: String,
    date: String,
    home: String,
    away: String,
    score: String,
    status: String,
}

struct ExecutionLine {
    started: String,
    operation: String,
    status: String,
    duration_ms: i32,
    rows: String,
    errors: String,
    report: Option<String>,
}

#[derive(Template)]
#[template(path = "replay.html")]
struct Page<'a> {
    summary: &'a Summary,
    knockouts: Vec<MatchLine>,
    executions: Vec<ExecutionLine>,
}

/// Writes the page and copies the reports next to it, so that they are kept when the emulator ends; returns the page's
/// path.
pub async fn write(replay: &Replay, summary: &Summary, output: &Path) -> anyhow::Result<PathBuf> {
    let reports = output.join("reports");
    if reports.exists() {
        std::fs::remove_dir_all(&reports)?;
    }
    for key in replay.stack.aws.objects(shared::objects::REPORTS).await? {
        let path = reports.join(key.trim_start_matches(shared::objects::REPORTS).trim_start_matches('/'));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, replay.stack.aws.object(&key).await?)?;
    }
    let db = postgres::connect(&replay.stack.database_url).await?;
    let page = Page { summary, knockouts: knockouts(&db).await?, executions: executions(&db).await? };
    let path = output.join("index.html");
    std::fs::write(&path, page.render()?)?;
    Ok(path)
}

async fn knockouts(db: &tokio_postgres::Client) -> anyhow::Result<Vec<MatchLine>> {
    let rows = db
        .query(
            r#"SELECT r.label, to_char(m.date, 'YYYY-MM-DD HH24:MI'), h.name, a.name,
                      COALESCE(m.home_score || '–' || m.away_score, '') ||
                      COALESCE(' (' || m.home_penalties_score || '–' || m.away_penalties_score || ' pens)', ''), m.status
                 FROM match m JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id
                 JOIN tournament_round r ON r.tournament_id = m.tournament_id AND r.slug = m.round_slug
                WHERE r.type = 'knockout' ORDER BY r."order", m.date"#,
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| MatchLine {
            round: row.get(0),
            date: row.get::<_, Option<String>>(1).unwrap_or_default(),
            home: row.get(2),
            away: row.get(3),
            score: row.get(4),
            status: row.get(5),
        })
        .collect())
}

async fn executions(db: &tokio_postgres::Client) -> anyhow::Result<Vec<ExecutionLine>> {
    let rows = db
        .query(
            "SELECT to_char(started_at, 'YYYY-MM-DD HH24:MI'), operation_type, status, COALESCE(duration, 0), summary,
                    report_file_key
               FROM data_provider_executions ORDER BY started_at, operation_type",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let summary: Value = row.get::<_, Option<Value>>(4).unwrap_or_default();
            let errors = ["errors", "warnings"].iter().filter_map(|key| summary[*key].as_array()).flatten();
            let key: Option<String> = row.get(5);
            ExecutionLine {
                started: row.get(0),
                operation: row.get(1),
                status: row.get(2),
                duration_ms: row.get(3),
                rows: shared::outcomes::counts(&summary["rows"]),
                errors: errors.filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
                report: key.map(|key| format!("reports{}", key.trim_start_matches(shared::objects::REPORTS))),
            }
        })
        .collect())
}
