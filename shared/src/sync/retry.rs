//! Retries: schedules for what a run could not read or write, and follow-ups of matches that are still running.

use chrono::{DateTime, TimeDelta, Utc};
use football::domain::{Match, MatchStatus, Tournament};
use football::plan::looks;
use football::plan::schedule::{Check, CheckKind};
use serde_json::json;
use uuid::Uuid;

use super::schedules::{all_made, create};
use crate::execution::Run;
use crate::journal::Step;
use crate::provider::TRY_AGAIN_AFTER;
use crate::store::matches;

/// Interval between two checks of a running match.
const FOLLOW_UP_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Follow-ups are aligned to slots of this length, so that several requests for one (by each attempt or step of a run)
/// give one schedule per slot.
const FOLLOW_UP_GRID: TimeDelta = TimeDelta::minutes(5);
/// A match that is still open this long after kickoff is left to the daily sweep.
const FOLLOW_UP_FOR: TimeDelta = TimeDelta::hours(6);

/// The checks that retry what a run could not read or write.
#[derive(Debug, Clone, Copy)]
pub struct RetryChecks {
    /// For what is missing.
    pub missed: CheckKind,
    /// For a comparison with the provider that is missing: it need not read everything again.
    pub unchecked: CheckKind,
    /// Time of the first attempt, if the run is itself a follow-up.
    pub since: Option<DateTime<Utc>>,
}

/// Schedules a retry of what this run could not read or write: every ten minutes for up to six hours after the provider
/// failed, but only once after a malformed answer, which may stay malformed.
pub async fn enqueue_retry(
    run: &mut Run<'_>,
    (tournament_id, slug): (Uuid, &str),
    checks: RetryChecks,
) -> anyhow::Result<()> {
    let now = run.now();
    let once_more = checks.since.is_none().then(|| now + TRY_AGAIN_AFTER);
    let missed = run.retry.missed_at.or(once_more.filter(|_| run.retry.malformed));
    let unchecked = run.retry.unchecked_at.or(once_more.filter(|_| run.retry.malformed_check));
    let since = checks.since.or(run.planned_for).unwrap_or(run.planning);
    // A check that reads everything again includes the comparison.
    let (kind, at) = match (missed, unchecked) {
        (Some(at), _) => (checks.missed, at),
        (None, Some(at)) => (checks.unchecked, at),
        (None, None) => return Ok(()),
    };
    // Not for ever: after that, the next regular checks or the operator must do it.
    if now >= since + FOLLOW_UP_FOR {
        run.journal.skipped(Step::Plan, "follow-up", "the provider has been tried for hours");
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
    run.journal.planned("follow-up", &check);
    if !run.journal.dry_run {
        create(run, &check).await;
    }
    all_made(run)
}

/// Schedules a follow-up if a match of `kickoff` (none: any match of the round) should have ended by the planning time
/// and is still open in the database, for whatever reason; returns whether there was such a match. `not_before`: the
/// earliest time of a request to the provider.
pub async fn follow_up(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round_slug: &str,
    kickoff: Option<DateTime<Utc>>,
    not_before: Option<DateTime<Utc>>,
) -> anyhow::Result<bool> {
    let planning = run.planning;
    let client = run.client().await?;
    let matches = matches::of_rounds(&*client, tournament.id, &[round_slug], &[]).await?;
    drop(client);
    let closing = run.config.schedules.offsets.closing;
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
    run.journal.completed(Step::Plan, "follow-up", json!({ "still_open": ids }));
    if run.journal.dry_run {
        return Ok(true);
    }
    let wall = run.now();
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
    create(run, &check).await;
    all_made(run)?;
    Ok(true)
}

/// Whether a match of the round has follow-ups now, or had its last one at this moment.
pub async fn is_followed_up(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round_slug: &str,
) -> anyhow::Result<bool> {
    let client = run.client().await?;
    let stored = matches::of_rounds(&*client, tournament.id, &[round_slug], &[]).await?;
    let planning = run.planning;
    let recent =
        |kickoff: DateTime<Utc>| kickoff <= planning && planning <= kickoff + FOLLOW_UP_FOR + FOLLOW_UP_EVERY;
    Ok(stored.iter().map(|row| &row.known).any(|m| {
        m.status == MatchStatus::Open && m.round_slug == round_slug && m.kickoff.is_some_and(recent)
    }))
}

/// Schedules another look at a round of which nothing runs any more: at results that were first seen now, and on the next
/// day at a match that stopped. `ended` has the kickoffs of the matches whose end was first seen now.
pub async fn look_again(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round_slug: &str,
    ended: &[DateTime<Utc>],
) -> anyhow::Result<()> {
    let planning = run.planning;
    let client = run.client().await?;
    let stored = matches::of_rounds(&*client, tournament.id, &[round_slug], &[]).await?;
    drop(client);
    let stored: Vec<Match> =
        stored.into_iter().map(|row| row.known).filter(|m| m.round_slug == round_slug).collect();
    let looks = [looks::second_look(ended, planning), looks::next_day_look(&stored, planning)];
    for at in looks.into_iter().flatten() {
        let check = Check {
            kind: CheckKind::FollowUp,
            tournament_id: tournament.id,
            tournament_slug: tournament.slug.clone(),
            round_slug: Some(round_slug.to_owned()),
            kickoff: at,
            at: next_slot(at.max(run.now() + TimeDelta::minutes(1))),
        };
        run.journal.planned("another look", &check);
        if !run.journal.dry_run {
            create(run, &check).await;
        }
    }
    all_made(run)
}

/// The first slot that is not before `at`.
fn next_slot(at: DateTime<Utc>) -> DateTime<Utc> {
    let past = TimeDelta::seconds(at.timestamp().rem_euclid(FOLLOW_UP_GRID.num_seconds()))
        + TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()));
    if past.is_zero() { at } else { at - past + FOLLOW_UP_GRID }
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
