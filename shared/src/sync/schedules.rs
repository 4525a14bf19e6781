//! The one-time schedules: reconciled with the matches by the daily routine, continued by follow-ups.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::readable;
use crate::crash;
use crate::execution::{Invocation, Journal, OperationStatus};
use crate::provider::TRY_AGAIN_AFTER;
use crate::schedule::{Created, ScheduleError};
use crate::store::{matches, tournaments};
use football::domain::{Match, MatchStatus, Tournament};
use football::plan::schedule::{self as plan, Check, CheckKind, Kickoff, TournamentState, schedule_name};

/// From one look at a running match to the next.
const FOLLOW_UP_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Follow-ups fall on a grid: whatever asks for one, and however often (each attempt of a run, each step of it), there is
/// one a slot.
const FOLLOW_UP_GRID: TimeDelta = TimeDelta::minutes(5);
/// All checks of a kickoff lie within this time after it.
const CHECKS_LAST: TimeDelta = TimeDelta::hours(24);
/// A match that is still open this long after kickoff is left to the daily sweep.
const FOLLOW_UP_FOR: TimeDelta = TimeDelta::hours(6);

/// Brings the schedules of the next two days in line with the matches in the database.
pub async fn reconcile(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    planning: DateTime<Utc>,
) -> anyhow::Result<()> {
    let schedules = &invocation.services.schedules;
    let existing = schedules.existing().await?;
    let (kickoffs, states) = {
        let client = invocation.services.store.client().await?;
        let until = plan::window_end(planning);
        let kickoffs = matches::kickoffs(&*client, planning - CHECKS_LAST, until).await?;
        let pending = tournaments::with_pending_draw(&*client, planning).await?;
        let active = tournaments::active(&*client).await?;
        let states: Vec<TournamentState> = readable(journal, active)
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
    journal.completed(
        "fetch",
        "kickoffs and schedules",
        json!({ "kickoffs": kickoffs.len(), "tournaments": states.len(), "schedules": existing.len() }),
    );
    let offsets = &invocation.config.schedules.offsets;
    let wanted = plan::checks(&kickoffs, &states, &existing, offsets, planning, invocation.clock.now());
    let environment = &invocation.config.environment;
    let plan = plan::reconcile(&wanted, &existing, &kickoffs, environment, planning);
    journal.planned("schedules", &plan);
    journal.schedules.kept = plan.keep as u64;
    if journal.dry_run {
        return Ok(());
    }
    for check in &plan.create {
        create(invocation, journal, check).await;
    }
    for check in &plan.update {
        let name = schedule_name(environment, check);
        match schedules.update(check).await {
            Ok(()) => {
                journal.schedules.updated += 1;
                journal.completed("schedule", "update", json!({ "name": name, "at": check.at }));
            }
            Err(error) => journal.failed("schedule", &format!("update {name}"), &error),
        }
    }
    for name in &plan.delete {
        match schedules.delete(name).await {
            Ok(()) => {
                journal.schedules.deleted += 1;
                journal.completed("schedule", "delete", json!({ "name": name }));
            }
            Err(error) => journal.failed("schedule", &format!("delete {name}"), &error),
        }
    }
    all_made(journal)
}

/// Schedules the checks of matches whose kickoff is new, if it lies in the window that the daily routine has already
/// planned. What was scheduled for the old kickoff does no harm, and goes with the next routine.
pub async fn cover(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    tournament: &Tournament,
    matches: &[Match],
    planning: DateTime<Utc>,
) -> anyhow::Result<()> {
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
    let offsets = &invocation.config.schedules.offsets;
    let checks = plan::checks(&kickoffs, &[state], &[], offsets, planning, invocation.clock.now());
    if checks.is_empty() {
        return Ok(());
    }
    journal.planned("checks of new kickoffs", &checks);
    if !journal.dry_run {
        for check in &checks {
            create(invocation, journal, check).await;
        }
    }
    all_made(journal)
}

/// What asks once more for what a run could not have.
#[derive(Debug, Clone, Copy)]
pub struct Again {
    /// For what is missing.
    pub missed: CheckKind,
    /// For what is only the check of what is there: it need not read all of it anew.
    pub unchecked: CheckKind,
    /// Since when this has been asked for, if the run is itself a follow-up.
    pub since: Option<DateTime<Utc>>,
}

/// Schedules what asks once more for what this run could not have: again and again for hours where the provider is in
/// trouble, but once for what came and can't be read, since it may stay so.
pub async fn again(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    about: (Uuid, &str),
    again: Again,
    planned_for: Option<DateTime<Utc>>,
) -> anyhow::Result<()> {
    let now = invocation.clock.now();
    let once_more = again.since.is_none().then(|| now + TRY_AGAIN_AFTER);
    let missed = journal.try_again_at.or(once_more.filter(|_| journal.unreadable));
    let unchecked = journal.check_again_at.or(once_more.filter(|_| journal.unreadable_check));
    let since = again.since.or(planned_for).unwrap_or(now);
    // What reads everything anew reads the check as well.
    match (missed, unchecked) {
        (Some(at), _) => at_slot(invocation, journal, about, again.missed, since, at).await,
        (None, Some(at)) => at_slot(invocation, journal, about, again.unchecked, since, at).await,
        (None, None) => Ok(()),
    }
}

/// Not for ever: `since` is when it began, and what takes longer waits for a day's own checks, or the operator.
async fn at_slot(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    (tournament_id, slug): (Uuid, &str),
    kind: CheckKind,
    since: DateTime<Utc>,
    at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let now = invocation.clock.now();
    if now >= since + FOLLOW_UP_FOR {
        journal.skipped("plan", "follow-up", "the provider has been tried for hours");
        return Ok(());
    }
    let check = Check {
        kind,
        tournament_id,
        tournament_slug: slug.to_owned(),
        round_slug: None,
        kickoff: since,
        at: next_slot(at.max(now + TimeDelta::minutes(1))),
    };
    journal.planned("follow-up", &check);
    if !journal.dry_run {
        create(invocation, journal, &check).await;
    }
    all_made(journal)
}

/// Schedules another look if a match of `kickoff` (none: any match of the round) should have ended by `planning` and
/// is still open in the database, whatever the reason; whether it did. `not_before`: the provider is not to be asked
/// earlier.
pub async fn follow_up(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    tournament: &Tournament,
    round_slug: &str,
    kickoff: Option<DateTime<Utc>>,
    planning: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
) -> anyhow::Result<bool> {
    let client = invocation.services.store.client().await?;
    let matches = matches::of_rounds(&*client, tournament.id, &[round_slug], &[]).await?;
    drop(client);
    let closing = invocation.config.schedules.offsets.closing;
    let running: Vec<(&str, DateTime<Utc>)> = matches
        .iter()
        .map(|row| &row.known)
        .filter(|m| m.status == MatchStatus::Open && m.round_slug == round_slug)
        .filter_map(|m| Some((m.external_id.as_str(), m.kickoff?)))
        .filter(|(_, own)| kickoff.is_none_or(|kickoff| kickoff == *own))
        .filter(|(_, own)| *own + closing <= planning && planning < *own + FOLLOW_UP_FOR)
        .collect();
    let Some(first) = running.iter().map(|(_, kickoff)| *kickoff).min() else { return Ok(false) };
    let ids: Vec<&str> = running.iter().map(|(id, _)| *id).collect();
    journal.completed("plan", "follow-up", json!({ "still_open": ids }));
    if journal.dry_run {
        return Ok(true);
    }
    let wall = invocation.clock.now();
    let at = Some(planning + FOLLOW_UP_EVERY).filter(|at| *at > wall).unwrap_or(wall + TimeDelta::minutes(1));
    let at = next_slot(not_before.map_or(at, |not_before| at.max(not_before)));
    let check = Check {
        kind: CheckKind::FollowUp,
        tournament_id: tournament.id,
        tournament_slug: tournament.slug.clone(),
        round_slug: Some(round_slug.to_owned()),
        kickoff: kickoff.unwrap_or(first),
        at,
    };
    create(invocation, journal, &check).await;
    all_made(journal)?;
    Ok(true)
}

/// The first moment of the grid that is not before `at`.
fn next_slot(at: DateTime<Utc>) -> DateTime<Utc> {
    let past = TimeDelta::seconds(at.timestamp().rem_euclid(FOLLOW_UP_GRID.num_seconds()))
        + TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()));
    if past.is_zero() { at } else { at - past + FOLLOW_UP_GRID }
}

/// Schedules that could not be made fail the run once all were tried: its retry makes them, and nothing else would.
fn all_made(journal: &Journal) -> anyhow::Result<()> {
    let failed = journal
        .operations
        .iter()
        .filter(|operation| operation.step == "schedule" && operation.status == OperationStatus::Failed);
    match failed.count() {
        0 => Ok(()),
        count => anyhow::bail!("{count} schedules could not be made: {}", journal.failures.join("; ")),
    }
}

async fn create(invocation: &Invocation<'_>, journal: &mut Journal, check: &Check) {
    let name = schedule_name(&invocation.config.environment, check);
    let created: Result<Created, ScheduleError> = invocation.services.schedules.create(check).await;
    match created {
        Ok(Created::New) => {
            journal.schedules.created += 1;
            journal.completed("schedule", "create", json!({ "name": name, "at": check.at }));
            crash::point("scheduled");
        }
        Ok(Created::Existed) => {
            journal.schedules.kept += 1;
            journal.completed("schedule", "keep", json!({ "name": name, "at": check.at }));
        }
        Err(error) => journal.failed("schedule", &format!("create {name}"), &error),
    }
}

#[cfg(test)]
mod tests {
    use super::next_slot;

    #[test]
    fn follow_ups_fall_on_a_grid() {
        for (at, slot) in [
            ("2024-03-02T17:10:00Z", "2024-03-02T17:10:00Z"),
            ("2024-03-02T17:10:00.5Z", "2024-03-02T17:15:00Z"),
            ("2024-03-02T17:11:00Z", "2024-03-02T17:15:00Z"),
            ("2024-03-02T23:58:30Z", "2024-03-03T00:00:00Z"),
        ] {
            assert_eq!(
                next_slot(at.parse().unwrap()),
                slot.parse::<chrono::DateTime<chrono::Utc>>().unwrap()
            );
        }
    }
}
