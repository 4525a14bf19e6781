//! The checks that matches need: planned for two days by the daily routine, and at once for a kickoff that is new.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use football::domain::{Match, MatchStatus, RoundKind, StoredMatch, Tournament};
use football::plan::checks::{
    Check, CheckKind, Kickoff, TournamentState, checks as wanted_checks, reconcile, soon, window_end,
};
use football::plan::matches::MatchPlan;
use serde_json::json;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::{alarms, readable};
use crate::crash;
use crate::execution::Run;
use crate::journal::Step;
use crate::store::checks::CheckOutcome;
use crate::store::{StoreError, checks, matches, rounds, tournaments};

/// All checks of a kickoff are within this time after it.
const CHECKS_LAST: TimeDelta = TimeDelta::hours(24);
/// Whole rounds read again each day at the least; with many tournaments one for every two of them.
const FULL_PASSES: usize = 5;
/// Checks that the routine spreads over the night are due at once in groups of this size.
const AT_ONCE: usize = 5;

/// Brings the checks of the next two days in line with the matches in the database, and their alarms with them.
pub async fn plan_days(run: &mut Run<'_>) -> anyhow::Result<()> {
    let Some(planned) = plan(run, None).await? else { return Ok(()) };
    alarms::reconcile(run, &planned.checks, &planned.slugs).await
}

/// The same for one tournament. The alarms that its checks lack are set at the end of the delivery.
pub async fn plan_days_of(run: &mut Run<'_>, id: Uuid) -> anyhow::Result<()> {
    plan(run, Some(id)).await.map(drop)
}

/// The open checks after planning, and the slugs of the active tournaments.
struct Planned {
    checks: Vec<Check>,
    slugs: BTreeMap<Uuid, String>,
}

/// Plans and writes the checks, of all tournaments or of one; none in a dry run.
async fn plan(run: &mut Run<'_>, only: Option<Uuid>) -> anyhow::Result<Option<Planned>> {
    let day = run.planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let is_ours = |id: Option<Uuid>| only.is_none() || id == only;
    let client = run.client().await?;
    let mut stored = checks::stored(&*client, day).await?;
    let until = window_end(run.planning);
    let mut kickoffs = matches::kickoffs(&*client, run.planning - CHECKS_LAST, until).await?;
    let pending = tournaments::with_pending_draw(&*client, run.planning).await?;
    let active = tournaments::active(&*client).await?;
    drop(client);
    let mut active = readable(run, active);
    stored.retain(|stored| is_ours(stored.check.tournament_id));
    kickoffs.retain(|kickoff| is_ours(Some(kickoff.tournament_id)));
    active.retain(|tournament| is_ours(Some(tournament.id)));
    let slugs: BTreeMap<Uuid, String> = active.iter().map(|t| (t.id, t.slug.clone())).collect();
    let states: Vec<TournamentState> = active
        .into_iter()
        .map(|tournament| TournamentState {
            draw_pending: pending.contains(&tournament.id),
            has_knockouts: tournament.mode.has_knockouts(),
            id: tournament.id,
            slug: tournament.slug,
        })
        .collect();
    run.journal.completed(
        Step::Fetch,
        "kickoffs and checks",
        json!({ "kickoffs": kickoffs.len(), "tournaments": states.len(), "checks": stored.len() }),
    );
    let offsets = &run.config.schedules.offsets;
    let mut wanted = wanted_checks(&kickoffs, &states, &stored, offsets, run.planning, run.now());
    let further = further_reads(run, &wanted).await?;
    wanted.extend(further.into_iter().filter(|check| is_ours(check.tournament_id)));
    let plan = reconcile(&wanted, &stored, &kickoffs, run.planning);
    run.journal.planned("checks", &plan);
    run.journal.schedules.kept = plan.keep as u64;
    if run.journal.dry_run {
        return Ok(None);
    }
    let mut client = run.client().await?;
    let transaction = client.transaction().await?;
    let created = checks::insert(&transaction, &plan.create, run.record.id, run.now()).await?;
    let cancelled: Vec<(Uuid, CheckOutcome)> =
        plan.cancel.iter().map(|id| (*id, CheckOutcome::Cancelled)).collect();
    let cancelled = checks::close(&transaction, &cancelled, run.now()).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    crash::point("scheduled");
    run.journal.schedules.created += created;
    run.journal.schedules.deleted += cancelled;
    let open = stored.into_iter().filter(|stored| !stored.done && !plan.cancel.contains(&stored.id));
    let checks: Vec<Check> = open.map(|stored| stored.check).chain(plan.create).collect();
    Ok(Some(Planned { checks, slugs }))
}

/// The looks that belong to no kickoff: whole rounds that were last read long ago, and tables that must be compared. The
/// rounds of a day share the wake-up of its first check, if there is one; what is more than a few is spread over the night.
async fn further_reads(run: &mut Run<'_>, planned: &[Check]) -> anyhow::Result<Vec<Check>> {
    let today = run.planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let client = run.client().await?;
    let followed = tournaments::followed(&*client).await?;
    let unchecked = tournaments::with_unchecked_table(&*client, today).await?;
    let differing = tournaments::with_differences(&*client, today).await?;
    drop(client);
    let ids: Vec<Uuid> = readable(run, followed).iter().map(|tournament| tournament.id).collect();
    let budget = i64::try_from(FULL_PASSES.max(ids.len() / 2)).unwrap_or(i64::MAX);
    let stale = rounds::stale(&*run.client().await?, &ids, run.planning, budget).await?;
    let mut tables: Vec<Uuid> = readable(run, unchecked).iter().map(|tournament| tournament.id).collect();
    for tournament in readable(run, differing) {
        if !tables.contains(&tournament.id) {
            tables.push(tournament.id);
        }
    }
    let night = soon(run.planning, run.now());
    let of_today = planned.iter().filter(|check| check.at < today + TimeDelta::days(1));
    let of_rounds = of_today.filter(|check| check.round_slug.is_some() && check.kind != CheckKind::Sweep);
    let day = of_rounds.map(|check| check.at).min().filter(|_| stale.len() <= FULL_PASSES).unwrap_or(night);
    // The day, so that each is planned once a day. Tables may show which rounds to read: they come in the night.
    let tables = tables.into_iter().map(|id| Check::of_tournament(CheckKind::Table, id, night));
    let rounds = stale.into_iter().map(|(id, slug)| Check::of_round(CheckKind::FullPass, id, &slug, day));
    let spread = |checks: Vec<Check>| {
        checks.into_iter().enumerate().map(|(index, check)| {
            let minutes = i64::try_from(index / AT_ONCE).unwrap_or_default();
            Check { at: check.at + TimeDelta::minutes(minutes), ..check }.for_kickoff(today)
        })
    };
    Ok(spread(tables.collect()).chain(spread(rounds.collect())).collect())
}

/// Inserts, in the transaction that writes matches, the checks of kickoffs that are new, if they are in the window that
/// the daily routine has already planned; cancels those of kickoffs that no match has any more.
pub(super) async fn follow_matches(
    run: &mut Run<'_>,
    transaction: &impl GenericClient,
    tournament: &Tournament,
    plan: &MatchPlan,
    stored: &[StoredMatch],
) -> anyhow::Result<()> {
    let checks = of_new_kickoffs(run, transaction, tournament, plan).await?;
    let moved: Vec<(&str, DateTime<Utc>)> = stored
        .iter()
        .map(|row| &row.known)
        .filter(|known| {
            plan.write.iter().any(|m| m.external_id == known.external_id && m.kickoff != known.kickoff)
        })
        .filter_map(|known| Some((known.round_slug.as_str(), known.kickoff?)))
        .filter(|(_, kickoff)| *kickoff + CHECKS_LAST > run.planning)
        .collect();
    if !checks.is_empty() {
        run.journal.planned("checks of new kickoffs", &checks);
        if !run.journal.dry_run {
            let created = checks::insert(transaction, &checks, run.record.id, run.now()).await?;
            run.journal.schedules.created += created;
            run.journal.schedules.kept += checks.len() as u64 - created;
        }
    }
    if !moved.is_empty() && !run.journal.dry_run {
        run.journal.schedules.deleted +=
            checks::cancel_unneeded(transaction, tournament.id, &moved, run.now()).await?;
    }
    Ok(())
}

async fn of_new_kickoffs(
    run: &Run<'_>,
    client: &impl GenericClient,
    tournament: &Tournament,
    plan: &MatchPlan,
) -> anyhow::Result<Vec<Check>> {
    let until = window_end(run.planning);
    // New, with a new kickoff, or on again.
    let moved = |id: &str| plan.changes.iter().any(|change| change.external_id == id && change.is_on_anew());
    let soon: Vec<&Match> = plan
        .write
        .iter()
        .filter(|m| m.status == MatchStatus::Open && m.kickoff.is_some_and(|kickoff| kickoff < until))
        .filter(|m| plan.new.contains(&m.external_id) || moved(&m.external_id))
        .collect();
    if soon.is_empty() {
        return Ok(Vec::new());
    }
    let seasons = rounds::slugs_of_kind(client, tournament.id, RoundKind::Season).await?;
    let kickoffs: Vec<Kickoff> = soon
        .into_iter()
        .filter_map(|m| {
            Some(Kickoff {
                tournament_id: tournament.id,
                round_slug: m.round_slug.clone(),
                at: m.kickoff?,
                open: m.status == MatchStatus::Open,
                in_table: tournament.mode.has_standings() && seasons.contains(&m.round_slug),
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
    Ok(wanted_checks(&kickoffs, &[state], &[], offsets, run.planning, run.now()))
}

/// Inserts checks that a run has decided on.
pub async fn insert(run: &mut Run<'_>, name: &str, checks: &[Check]) -> anyhow::Result<()> {
    run.journal.planned(name, &checks);
    if run.journal.dry_run || checks.is_empty() {
        return Ok(());
    }
    let created = checks::insert(&*run.client().await?, checks, run.record.id, run.now()).await?;
    run.journal.schedules.created += created;
    run.journal.schedules.kept += checks.len() as u64 - created;
    for check in checks {
        let what = json!({ "check": check.kind, "round": check.round_slug, "at": check.at });
        run.journal.completed(Step::Schedule, "create", what);
    }
    crash::point("scheduled");
    Ok(())
}
