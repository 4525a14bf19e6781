//! The one-time schedules: those to come, and the executions that today's have started.

use std::sync::Arc;

use crate::read::executions::{self, Execution, Filter};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use football::plan::schedule::{CheckKind, Existing};
use serde::Serialize;
use shared::work::Function;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::problem::Refusals;

/// Schedules in one answer: each costs a request to AWS.
const SCHEDULES: usize = 200;
/// Executions in one answer.
const EXECUTIONS: i64 = 200;

/// A check that is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scheduled {
    /// Its name in EventBridge Scheduler.
    pub name: String,
    /// When it fires.
    pub at: DateTime<Utc>,
    /// What for: `interim`, `closing`, `follow-up`, `sweep`, `knockouts`, `draw`.
    pub check: String,
    /// Which function it wakes.
    pub function: String,
    /// What that will do, in words.
    pub does: String,
    /// Of which tournament.
    pub tournament_id: Uuid,
    /// Its slug.
    pub tournament_slug: String,
    /// Of which round.
    pub round_slug: Option<String>,
    /// The kickoff it belongs to.
    pub kickoff: DateTime<Utc>,
}

impl Scheduled {
    pub(crate) fn of(existing: Existing) -> Self {
        let check = existing.check;
        let round = check.round_slug.as_deref().unwrap_or_default();
        let does = match check.kind {
            CheckKind::Interim => format!("brings the running scores of round {round}"),
            CheckKind::Closing => format!("brings the final scores of round {round}, then the table"),
            CheckKind::FollowUp => format!("looks again at matches of round {round} that were still running"),
            CheckKind::Sweep => format!("looks after old open matches of round {round}"),
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
            CheckKind::Draw => "looks whether the next round has been drawn".to_owned(),
        };
        Self {
            name: existing.name,
            at: check.at,
            check: check.kind.to_string(),
            function: Function::from(check.kind).to_string(),
            does,
            tournament_id: check.tournament_id,
            tournament_slug: check.tournament_slug,
            round_slug: check.round_slug,
            kickoff: check.kickoff,
        }
    }
}

/// Today's and tomorrow's schedules, and what today's have done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schedules {
    /// Today, UTC.
    day: NaiveDate,
    /// Those to come, soonest first; 200 at most.
    scheduled: Vec<Scheduled>,
    /// How many there are, of all days.
    total: usize,
    /// What those of today have done, newest first; 200 at most.
    done: Vec<Execution>,
}

/// The one-time schedules of today and tomorrow, and what those of today have done.
#[utoipa::path(get, path = "/schedules", tag = "schedules", responses((status = 200, body = Schedules), Refusals))]
pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Result<Json<Schedules>, Problem> {
    let services = desk.services().await?;
    let day = desk.clock.now().date_naive();
    let (scheduled, total) = services.schedules.around(day, day + TimeDelta::days(2), SCHEDULES).await?;
    let client = services.store.client().await?;
    let filter = Filter { day: Some(day), ..Filter::default() };
    let mut done = executions::list(&*client, &filter, EXECUTIONS).await?.rows;
    done.retain(|execution| execution.planned_for.is_some());
    let scheduled = scheduled.into_iter().map(Scheduled::of).collect();
    Ok(Json(Schedules { day, scheduled, total, done }))
}
