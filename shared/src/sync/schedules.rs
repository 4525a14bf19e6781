//! The one-time schedules: reconciled with the matches by the daily routine, continued by follow-ups.

use chrono::TimeDelta;
use serde_json::json;

use super::readable;
use crate::crash;
use crate::execution::Run;
use crate::journal::Step;
use crate::provider::PROVIDER;
use crate::schedule::{Created, ScheduleError};
use crate::store::{matches, tournaments};
use football::domain::{Match, MatchStatus, Tournament};
use football::plan::schedule::{self as plan, Check, Kickoff, TournamentState, schedule_name};

/// All checks of a kickoff are within this time after it.
const CHECKS_LAST: TimeDelta = TimeDelta::hours(24);
/// Brings the schedules of the next two days in line with the matches in the database.
pub async fn reconcile(run: &mut Run<'_>) -> anyhow::Result<()> {
    let schedules = &run.services.schedules;
    let existing = schedules.existing().await?;
    let (kickoffs, states) = {
        let client = run.client().await?;
        let until = plan::window_end(run.planning);
        let kickoffs = matches::kickoffs(&*client, run.planning - CHECKS_LAST, until).await?;
        let pending = tournaments::with_pending_draw(&*client, run.planning).await?;
        let active = tournaments::active(&*client, PROVIDER).await?;
        let states: Vec<TournamentState> = readable(run, active)
            .into_iter()
            .map(|tournament| TournamentState {
                draw_pending: pending.contains(&tournament.id),
                has_knockouts: tournament.mode.has_knockouts(),
                id: tournament.id,
                slug: tournament.slug,
            })
            .collect();
        (kickoffs, states)
    };
    run.journal.completed(
        Step::Fetch,
        "kickoffs and schedules",
        json!({ "kickoffs": kickoffs.len(), "tournaments": states.len(), "schedules": existing.len() }),
    );
    let offsets = &run.config.schedules.offsets;
    let wanted = plan::checks(&kickoffs, &states, &existing, offsets, run.planning, run.now());
    let environment = &run.config.environment;
    let plan = plan::reconcile(&wanted, &existing, &kickoffs, environment, run.planning);
    run.journal.planned("schedules", &plan);
    run.journal.schedules.kept = plan.keep as u64;
    if run.journal.dry_run {
        return Ok(());
    }
    for check in &plan.create {
        create(run, check).await;
    }
    for check in &plan.update {
        let name = schedule_name(environment, check);
        match schedules.update(check).await {
            Ok(()) => {
                run.journal.schedules.updated += 1;
                run.journal.completed(Step::Schedule, "update", json!({ "name": name, "at": check.at }));
            }
            Err(error) => note_failure(run, "update", &name, &error),
        }
    }
    for name in &plan.delete {
        match schedules.delete(name).await {
            Ok(()) => {
                run.journal.schedules.deleted += 1;
                run.journal.completed(Step::Schedule, "delete", json!({ "name": name }));
            }
            Err(error) => note_failure(run, "delete", name, &error),
        }
    }
    all_made(run)
}

/// Schedules the checks of matches whose kickoff is new, if it is in the window that the daily routine has already
/// planned. Schedules of the old kickoff are harmless, and the next routine deletes them.
pub async fn cover(run: &mut Run<'_>, tournament: &Tournament, matches: &[Match]) -> anyhow::Result<()> {
    let kickoffs: Vec<Kickoff> = matches
        .iter()
        .filter_map(|m| {
            Some(Kickoff {
                tournament_id: tournament.id,
                round_slug: m.round_slug.clone(),
                at: m.kickoff?,
                open: m.status == MatchStatus::Open,
            })
        })
        .collect();
    let state = TournamentState {
        id: tournament.id,
        slug: tournament.slug.clone(),
        has_knockouts: tournament.mode.has_knockouts(),
        draw_pending: false,
    };
    let offsets = &run.config.schedules.offsets;
    let checks = plan::checks(&kickoffs, &[state], &[], offsets, run.planning, run.now());
    if checks.is_empty() {
        return Ok(());
    }
    run.journal.planned("checks of new kickoffs", &checks);
    if !run.journal.dry_run {
        for check in &checks {
            create(run, check).await;
        }
    }
    all_made(run)
}

/// Fails the run if some schedules could not be created, after all were tried: only its retry creates them.
pub(super) fn all_made(run: &Run<'_>) -> anyhow::Result<()> {
    match run.failed_schedules.as_slice() {
        [] => Ok(()),
        failed => anyhow::bail!("{} schedules could not be made: {}", failed.len(), failed.join("; ")),
    }
}

fn note_failure(run: &mut Run<'_>, action: &str, name: &str, error: &ScheduleError) {
    run.journal.failed(Step::Schedule, &format!("{action} {name}"), error);
    run.failed_schedules.push(error.to_string());
}

pub(super) async fn create(run: &mut Run<'_>, check: &Check) {
    let name = schedule_name(&run.config.environment, check);
    let created: Result<Created, ScheduleError> = run.services.schedules.create(check).await;
    match created {
        Ok(Created::New) => {
            run.journal.schedules.created += 1;
            run.journal.completed(Step::Schedule, "create", json!({ "name": name, "at": check.at }));
            crash::point("scheduled");
        }
        Ok(Created::Existed) => {
            run.journal.schedules.kept += 1;
            run.journal.completed(Step::Schedule, "keep", json!({ "name": name, "at": check.at }));
        }
        Err(error) => note_failure(run, "create", &name, &error),
    }
}
