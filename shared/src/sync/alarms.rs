//! The alarms that wake functions for the checks in the database: set after every delivery, reconciled by the routine.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use football::plan::checks::{Check, after_last, whole_minute};
use futures_util::StreamExt as _;
use serde_json::json;
use uuid::Uuid;

use crate::alarms::{AlarmError, earlier};
use crate::app::Services;
use crate::execution::{Failure, Run};
use crate::invocation::Invocation;
use crate::journal::Step;
use crate::store::{StoreError, checks};
use crate::work::Function;

/// Alarms are set this long before their moment; the daily routine comes in between.
const AHEAD: TimeDelta = TimeDelta::hours(48);
/// Calls to Scheduler at once.
const AT_ONCE: usize = 8;

type Moment = (Function, DateTime<Utc>);

/// Sets the alarms that open checks lack. Fails once all were tried: the checks are stored, and the next delivery of any
/// function sets what is missing.
pub async fn set_missing(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let now = invocation.clock.now();
    let (store, services) = (&invocation.services.store, invocation.services);
    let found = store
        .persist(async || checks::moments(&*store.client().await?, now + AHEAD).await)
        .await
        .map_err(Failure::Record)?;
    let (open, missing) = known(found);
    if missing.is_empty() {
        return Ok(());
    }
    let (_, failed) = set(services, &missing, &open, now).await.map_err(Failure::Record)?;
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Alarms { failed: failed.len(), first: first.to_string() }),
    }
}

/// Sets the alarms that open checks lack, whether they were never set or Scheduler has lost them, and deletes those that
/// no check needs. `planned` has the open checks; `slugs` the slugs of their tournaments.
pub async fn reconcile(
    run: &mut Run<'_>,
    planned: &[Check],
    slugs: &BTreeMap<Uuid, String>,
) -> anyhow::Result<()> {
    let services = run.services;
    let listed = services.alarms.list().await?;
    let now = run.now();
    let client = run.client().await?;
    let (open, _) = known(checks::moments(&*client, now + AHEAD).await?);
    drop(client);
    let there: BTreeSet<Moment> = listed.iter().filter_map(|listed| listed.alarm).collect();
    let missing: BTreeSet<Moment> = open
        .iter()
        .filter(|(function, at)| !there.contains(&(*function, at_least(*at, now))))
        .copied()
        .collect();
    let (made, failed) = set(services, &missing, &open, now).await?;

    // What an earlier version scheduled for a check that is a row now.
    let environment = &run.config.environment;
    let replaced: BTreeSet<String> = planned
        .iter()
        .filter_map(|check| earlier::name(environment, check, slugs.get(&check.tournament_id?)?))
        .collect();
    let needed = alarms_for(&open, &open, now);
    let unneeded = listed.iter().filter(|listed| match listed.alarm {
        Some((function, at)) => at > now && !needed.contains(&(function, at)),
        None => listed.is_former || replaced.contains(&listed.name),
    });
    let calls = unneeded.map(|listed| services.alarms.delete(&listed.name));
    let deleted: Vec<Result<(), AlarmError>> =
        futures_util::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
    let (gone, stay): (Vec<_>, Vec<_>) = deleted.into_iter().partition(Result::is_ok);
    let counts = json!({ "listed": listed.len(), "set": made, "deleted": gone.len() });
    run.journal.completed(Step::Schedule, "alarms", counts);
    let failed: Vec<AlarmError> =
        failed.into_iter().chain(stay.into_iter().filter_map(Result::err)).collect();
    for error in &failed {
        run.journal.failed(Step::Schedule, "alarm", error);
    }
    match failed.len() {
        0 => Ok(()),
        failures => anyhow::bail!("{failures} alarms could not be set or deleted: {}", failed[0]),
    }
}

/// Sets alarms for these moments of the open ones. Returns how many are set, and the errors.
async fn set(
    services: &Services,
    moments: &BTreeSet<Moment>,
    open: &BTreeSet<Moment>,
    now: DateTime<Utc>,
) -> Result<(usize, Vec<AlarmError>), StoreError> {
    let calls = alarms_for(moments, open, now).into_iter().map(async |(function, at)| {
        let set = services.alarms.set(function, at).await;
        ((function, at), set)
    });
    let outcomes: BTreeMap<Moment, Result<(), AlarmError>> =
        futures_util::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
    let is_set =
        |(function, at): &&Moment| outcomes.get(&(*function, at_least(*at, now))).is_some_and(Result::is_ok);
    let made: Vec<Moment> = moments.iter().filter(is_set).copied().collect();
    if !made.is_empty() {
        let note = async || checks::alarms_set(&*services.store.client().await?, &made, now).await;
        services.store.persist(note).await?;
    }
    let failed: Vec<AlarmError> = outcomes.into_values().filter_map(Result::err).collect();
    Ok((made.len(), failed))
}

/// The alarms for these moments of the open ones: what is due already wakes its function in the next minute. After the last
/// of a function and day comes one more, which finds what a lost one would have.
fn alarms_for(moments: &BTreeSet<Moment>, open: &BTreeSet<Moment>, now: DateTime<Utc>) -> BTreeSet<Moment> {
    let mut last: BTreeMap<(Function, NaiveDate), Moment> = BTreeMap::new();
    for (function, at) in open {
        let of_day = last.entry((*function, at_least(*at, now).date_naive())).or_insert((*function, *at));
        *of_day = (*function, *at).max(*of_day);
    }
    let mut alarms: BTreeSet<Moment> =
        moments.iter().map(|(function, at)| (*function, at_least(*at, now))).collect();
    let last = last.into_values().filter(|moment| moments.contains(moment));
    alarms.extend(last.map(|(function, at)| (function, after_last(at_least(at, now)))));
    alarms
}

/// The moment of an alarm for a check that is due at `at`.
fn at_least(at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    if at > now { at } else { whole_minute(now + TimeDelta::seconds(1)) }
}

/// Those of functions that this version knows: all, and those whose alarm is still to be set.
fn known(moments: Vec<(String, DateTime<Utc>, bool)>) -> (BTreeSet<Moment>, BTreeSet<Moment>) {
    let (mut all, mut missing) = (BTreeSet::new(), BTreeSet::new());
    for (function, at, is_missing) in moments {
        let Ok(function) = function.parse() else { continue };
        all.insert((function, at));
        if is_missing {
            missing.insert((function, at));
        }
    }
    (all, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_alarm_follows_the_last_of_a_function_and_day() {
        let at = |time: &str| -> DateTime<Utc> { format!("2024-03-02T{time}:00Z").parse().unwrap() };
        let scores = |time: &str| (Function::ScoresAndStandings, at(time));
        let open = BTreeSet::from([scores("15:00"), scores("17:15"), scores("18:00")]);
        let now = at("16:00");
        // What is due wakes its function in the next minute; the day's last is another.
        let set = alarms_for(&BTreeSet::from([scores("15:00"), scores("17:15")]), &open, now);
        assert_eq!(set, BTreeSet::from([scores("16:01"), scores("17:15")]));
        let set = alarms_for(&BTreeSet::from([scores("18:00")]), &open, now);
        assert_eq!(set, BTreeSet::from([scores("18:00"), scores("18:30")]));
    }
}
