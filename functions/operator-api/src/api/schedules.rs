//! The checks: those that are open, and the executions that today's have started.

use std::sync::Arc;

use crate::read::checks::{self, OpenCheck};
use crate::read::executions::{self, Execution, Filter};
use crate::zone::Zone;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use shared::work::Function;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::problem::Refusals;

/// Checks in one answer.
const CHECKS: i64 = 200;
/// Executions in one answer.
const EXECUTIONS: i64 = 200;

/// A check that is due, today or tomorrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scheduled {
    /// Its row.
    pub id: Uuid,
    /// When it is due.
    pub at: DateTime<Utc>,
    /// What for: `interim`, `closing`, `follow-up`, `second-look`, `next-day`, `sweep`, `full-pass`, `table`, `knockouts`,
    /// `draw`, or a retry.
    pub check: String,
    /// Which function works on it.
    pub function: String,
    /// What that will do, in words.
    pub does: String,
    /// Of which tournament.
    pub tournament_id: Option<Uuid>,
    /// Its slug.
    pub tournament_slug: Option<String>,
    /// Of which round.
    pub round_slug: Option<String>,
    /// The kickoff it belongs to.
    pub kickoff: Option<DateTime<Utc>>,
    /// When the alarm was set that wakes its function.
    pub alarm_set: Option<DateTime<Utc>>,
}

impl Scheduled {
    fn of(open: OpenCheck) -> Self {
        let OpenCheck { id, check, tournament_slug, alarm_set } = open;
        Self {
            id,
            at: check.at,
            check: check.kind.to_string(),
            function: Function::from(check.kind).to_string(),
            does: checks::does(&check),
            tournament_id: check.tournament_id,
            tournament_slug,
            round_slug: check.round_slug,
            kickoff: check.kickoff,
            alarm_set,
        }
    }
}

/// Today's and tomorrow's checks, and what today's have done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schedules {
    /// Today, UTC.
    day: NaiveDate,
    /// Those that are open, soonest first; 200 at most. One that was due ten minutes ago is late.
    scheduled: Vec<Scheduled>,
    /// How many are open, of all days.
    total: i64,
    /// What those of today have done, newest first; 200 at most.
    done: Vec<Execution>,
}

/// The checks that are open until tomorrow, and what those of today have done.
#[utoipa::path(get, path = "/schedules", tag = "schedules", responses((status = 200, body = Schedules), Refusals))]
pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Result<Json<Schedules>, Problem> {
    let services = desk.services().await?;
    let day = desk.clock.now().date_naive();
    let client = services.store.client().await?;
    let until = (day + TimeDelta::days(2)).and_time(NaiveTime::MIN).and_utc();
    let (scheduled, total) = checks::open_until(&*client, until, CHECKS).await?;
    let filter = Filter { within: Some(Zone::UTC.days(day, day)), ..Filter::default() };
    let mut done = executions::list(&*client, &filter, EXECUTIONS).await?.rows;
    done.retain(|execution| execution.planned_for.is_some());
    let scheduled = scheduled.into_iter().map(Scheduled::of).collect();
    Ok(Json(Schedules { day, scheduled, total, done }))
}
