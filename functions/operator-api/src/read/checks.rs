//! The checks: those that are open, and those that are over with what they did.

use std::ops::Range;

use chrono::{DateTime, NaiveDateTime, Utc};
use football::plan::checks::{Check, CheckKind};
use shared::store::{StoreError, checks, stamp, utc};
use shared::summary::Summary;
use shared::work::ExecutionStatus;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::today::{CheckState, GRACE, state_sql};
use super::{Page, moment};

/// An open check.
pub(crate) struct OpenCheck {
    /// Its row.
    pub id: Uuid,
    /// What it is.
    pub check: Check,
    /// The slug of its tournament.
    pub tournament_slug: Option<String>,
    /// When its alarm was set.
    pub alarm_set: Option<DateTime<Utc>>,
}

/// The open checks that are due before `until`, soonest first and at most `limit`, and how many are open in all.
pub(crate) async fn open_until(
    client: &impl GenericClient,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<(Vec<OpenCheck>, i64), StoreError> {
    let columns = checks::COLUMNS;
    let sql = format!(
        "SELECT {columns}, t.slug AS tournament_slug, c.alarm_set, count(*) OVER () AS total
           FROM scheduled_check c LEFT JOIN tournament t ON t.id = c.tournament_id
          WHERE c.done_at IS NULL ORDER BY c.due_at >= $1, c.due_at, c.key LIMIT $2"
    );
    let rows = client.query_typed(&sql, &[(&stamp(until), Type::TIMESTAMP), (&limit, Type::INT8)]).await?;
    let total = rows.first().map_or(0, |row| row.get("total"));
    let open = rows.iter().filter_map(|row| {
        let (id, check) = checks::check(row)?;
        let alarm_set = row.get::<_, Option<NaiveDateTime>>("alarm_set").map(utc);
        Some(OpenCheck { id, check, tournament_slug: row.get("tournament_slug"), alarm_set })
    });
    Ok((open.filter(|open| open.check.at < until).collect(), total))
}

/// What a check does, in words.
pub(crate) fn does(check: &Check) -> String {
    let round = check.round_slug.as_deref().unwrap_or_default();
    match check.kind {
        CheckKind::Interim => format!("brings the running scores of round {round}"),
        CheckKind::Closing => format!("brings the final scores of round {round}, then the table"),
        CheckKind::FollowUp => format!("looks again at matches of round {round} that were still running"),
        CheckKind::SecondLook => format!("reads the new results of round {round} again"),
        CheckKind::NextDay => format!("looks after a match of round {round} that had stopped"),
        CheckKind::Sweep => format!("looks after old open matches of round {round}"),
        CheckKind::FullPass => format!("reads all of round {round}, to find what has moved"),
        CheckKind::Table => "compares the table with the provider's".to_owned(),
        CheckKind::Knockouts => "looks for new knockout rounds and draws the bracket".to_owned(),
        CheckKind::KnockoutsFollowUp => {
            "looks for new knockout rounds again: the provider could not tell before".to_owned()
        }
        CheckKind::RoutineFollowUp => {
            "reads the day once more: the provider could not tell all before".to_owned()
        }
        CheckKind::StandingsFollowUp => {
            "asks for the provider's table again: it could not be had before".to_owned()
        }
        CheckKind::Refresh => {
            "refreshes the whole tournament: the provider could not tell all before".to_owned()
        }
        CheckKind::CrossCheck => "compares yesterday's results with those of the other providers".to_owned(),
        CheckKind::Draw => "looks whether the next round has been drawn".to_owned(),
    }
}

/// Which checks to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Of this tournament.
    pub(crate) tournament: Option<Uuid>,
    /// Those that are over, latest first; otherwise those that are still to be made, soonest first.
    pub(crate) over: bool,
    /// Of this kind.
    pub(crate) kind: Option<CheckKind>,
    /// Due within this time.
    pub(crate) within: Option<Range<DateTime<Utc>>>,
    /// Only those that follow this one, by its time and its id.
    pub(crate) after: Option<(DateTime<Utc>, Uuid)>,
}

/// A check, and the execution that made it.
pub(crate) struct CheckLine {
    /// Its row.
    pub(crate) id: Uuid,
    /// What it is.
    pub(crate) check: Check,
    /// Where it stands.
    pub(crate) state: CheckState,
    /// The label of its tournament; none: it is one of all tournaments.
    pub(crate) tournament_label: Option<String>,
    /// Address of its logo; empty: none is stored.
    pub(crate) logo: String,
    /// When its alarm was set.
    pub(crate) alarm_set: Option<DateTime<Utc>>,
    /// When it was over.
    pub(crate) done_at: Option<DateTime<Utc>>,
    /// A check of the same subject settled it.
    pub(crate) covered: bool,
    /// How often its executions failed.
    pub(crate) failures: i32,
    /// The execution under its key.
    pub(crate) execution: Option<Made>,
}

/// The execution that made a check.
pub(crate) struct Made {
    /// Its record.
    pub(crate) id: Uuid,
    /// Its status; none: a word of an older vocabulary.
    pub(crate) status: Option<ExecutionStatus>,
    /// What it did.
    pub(crate) summary: Summary,
}

/// Checks by when they are due.
pub(crate) async fn list(
    client: &impl GenericClient,
    filter: &Filter,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Page<CheckLine>, StoreError> {
    let (columns, state) = (checks::COLUMNS, state_sql("$1"));
    let (order, beyond) = if filter.over { ("DESC", "<") } else { ("ASC", ">") };
    let sql = format!(
        "SELECT {columns}, c.alarm_set, c.done_at, c.outcome = 'covered' AS covered, c.failures, {state} AS state,
                t.label, t.logo, e.id AS execution, e.status, e.summary
           FROM scheduled_check c LEFT JOIN tournament t ON t.id = c.tournament_id
           LEFT JOIN data_provider_executions e ON e.idempotency_key = c.key
          WHERE (c.done_at IS NOT NULL) = $2 AND ($3::uuid IS NULL OR c.tournament_id = $3)
            AND ($4::text IS NULL OR c.kind = $4)
            AND ($5::timestamp IS NULL OR (c.due_at >= $5 AND c.due_at < $6))
            AND ($8::timestamp IS NULL OR (c.due_at, c.id) {beyond} ($8, $9))
          ORDER BY c.due_at {order}, c.id {order} LIMIT $7"
    );
    let within = filter.within.as_ref().map(|within| (stamp(within.start), stamp(within.end)));
    let rows = client
        .query_typed(
            &sql,
            &[
                (&stamp(now - GRACE), Type::TIMESTAMP),
                (&filter.over, Type::BOOL),
                (&filter.tournament, Type::UUID),
                (&filter.kind.map(|kind| kind.to_string()), Type::TEXT),
                (&within.map(|(start, _)| start), Type::TIMESTAMP),
                (&within.map(|(_, end)| end), Type::TIMESTAMP),
                (&(limit + 1), Type::INT8),
                (&filter.after.map(|(at, _)| stamp(at)), Type::TIMESTAMP),
                (&filter.after.map(|(_, id)| id), Type::UUID),
            ],
        )
        .await?;
    let Page { rows, more } = Page::of(rows, limit);
    let lines = rows.iter().filter_map(|row| {
        let (id, check) = checks::check(row)?;
        let summary: Option<serde_json::Value> = row.get("summary");
        Some(CheckLine {
            id,
            check,
            state: row.get::<_, &str>("state").parse().ok()?,
            tournament_label: row.get("label"),
            logo: row.get::<_, Option<String>>("logo").unwrap_or_default(),
            alarm_set: moment(row, "alarm_set"),
            done_at: moment(row, "done_at"),
            covered: row.get::<_, Option<bool>>("covered").unwrap_or_default(),
            failures: row.get("failures"),
            execution: row.get::<_, Option<Uuid>>("execution").map(|id| Made {
                id,
                status: row.get::<_, &str>("status").parse().ok(),
                summary: summary.as_ref().map(Summary::read).unwrap_or_default(),
            }),
        })
    });
    Ok(Page { rows: lines.collect(), more })
}
