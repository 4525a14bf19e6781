//! Further checks that follow from what a run found: retries of what it could not read or write, follow-ups of matches
//! that are still running, and second looks.

use chrono::{DateTime, TimeDelta, Utc};
use football::domain::{Match, MatchStatus, Tournament};
use football::plan::checks::{Check, CheckKind, whole_minute};
use football::plan::looks;
use serde_json::json;
use uuid::Uuid;

use super::checks::insert;
use crate::execution::Run;
use crate::journal::Step;
use crate::provider::TRY_AGAIN_AFTER;
use crate::store::{checks, matches};

/// Interval between two checks of a running match.
const FOLLOW_UP_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Follow-ups are aligned to slots of this length, so that those of many rounds share one wake-up.
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

/// Inserts a check that retries what this run could not read or write: every ten minutes for up to six hours after the
/// provider failed, but only once after a malformed answer, which may stay malformed.
pub async fn enqueue_retry(
    run: &mut Run<'_>,
    tournament_id: Option<Uuid>,
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
        round_slug: None,
        kickoff: None,
        retrying_since: Some(since),
        at: next_slot(at.max(now + TimeDelta::minutes(1))),
    };
    insert(run, "follow-up", &[check]).await
}

/// The stored matches of a round, as they are now.
pub async fn matches_of_round(
    run: &Run<'_>,
    tournament: &Tournament,
    round_slug: &str,
) -> anyhow::Result<Vec<Match>> {
    let client = run.client().await?;
    let rows = matches::of_rounds(&*client, tournament.id, &[round_slug], &[]).await?;
    Ok(rows.into_iter().map(|row| row.known).filter(|m| m.round_slug == round_slug).collect())
}

/// Inserts a follow-up if one of these matches of a round should have ended by the planning time and is still open in the
/// database, for whatever reason; returns the kickoffs of such matches. `not_before`: the earliest time of a request to the
/// provider.
pub async fn follow_up(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round_slug: &str,
    matches: &[Match],
    not_before: Option<DateTime<Utc>>,
) -> anyhow::Result<Vec<DateTime<Utc>>> {
    let planning = run.planning;
    let closing = run.config.schedules.offsets.closing;
    let running: Vec<&Match> = matches
        .iter()
        .filter(|m| m.status == MatchStatus::Open)
        .filter(|m| {
            // One whose kickoff is only a date may begin at any hour of it.
            let checked_for = if looks::is_only_a_date(m) { TimeDelta::hours(24) } else { FOLLOW_UP_FOR };
            m.kickoff.is_some_and(|own| own + closing <= planning && planning < own + checked_for)
        })
        .collect();
    let kickoffs: Vec<DateTime<Utc>> = running.iter().filter_map(|m| m.kickoff).collect();
    if running.is_empty() {
        return Ok(kickoffs);
    }
    let ids: Vec<&str> = running.iter().map(|m| m.external_id.as_str()).collect();
    run.journal.completed(Step::Plan, "follow-up", json!({ "still_open": ids }));
    let now = run.now();
    let soon = now + TimeDelta::minutes(1);
    let at = Some(planning + FOLLOW_UP_EVERY).filter(|at| *at > now).unwrap_or(soon);
    let at = looks::of_the_evening(&running, now).unwrap_or(at);
    let at = next_slot(not_before.map_or(at, |not_before| at.max(not_before)));
    // Another check of the round may have inserted one that comes as soon.
    let client = run.client().await?;
    let kind = CheckKind::FollowUp;
    let pending = checks::is_pending(&*client, tournament.id, round_slug, kind, (now, at)).await?;
    drop(client);
    if !pending {
        insert(run, "follow-up", &[Check::of_round(kind, tournament.id, round_slug, at)]).await?;
    }
    Ok(kickoffs)
}

/// Inserts another look at a round of which nothing runs any more: at results that were first seen now, and on the next
/// day at a match that stopped. `ended` has the kickoffs of the matches whose end was first seen now.
pub async fn look_again(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round_slug: &str,
    matches: &[Match],
    ended: &[DateTime<Utc>],
) -> anyhow::Result<()> {
    let (planning, soon) = (run.planning, run.now() + TimeDelta::minutes(1));
    let looks = [
        (CheckKind::SecondLook, looks::second_look(ended, planning)),
        (CheckKind::NextDay, looks::next_day_look(matches, planning)),
    ];
    let checks: Vec<Check> = looks
        .into_iter()
        .filter_map(|(kind, at)| {
            Some(Check::of_round(kind, tournament.id, round_slug, next_slot(at?.max(soon))))
        })
        .collect();
    if checks.is_empty() { Ok(()) } else { insert(run, "another look", &checks).await }
}

/// Inserts the day's look at the provider's table again, since a match is still running.
pub async fn postpone_table(run: &mut Run<'_>, tournament: &Tournament) -> anyhow::Result<()> {
    let at = whole_minute(run.planning.max(run.now()) + TABLE_EVERY);
    let check = Check::of_tournament(CheckKind::Table, tournament.id, at);
    insert(run, "the table once more", &[check]).await
}

/// Interval between two looks at a table while a match of the day is running.
const TABLE_EVERY: TimeDelta = TimeDelta::minutes(30);

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
