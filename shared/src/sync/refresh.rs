//! The daily refresh: today's events of all tournaments with one or two requests, a slower pass over whole rounds, and
//! the tables that differ from the provider's.

use std::collections::{BTreeMap, HashMap};

use chrono::{Datelike as _, NaiveDate, NaiveTime, TimeDelta};
use serde_json::json;
use uuid::Uuid;

use super::matches::{self, Missing, RoundReading, round_of};
use super::rounds::stored_rounds;
use super::{bracket, readable, season, standings};
use crate::execution::Run;
use crate::journal::Step;
use crate::provider::ProviderError;
use crate::provider::{Half, Listed, PROVIDER, Reading};
use crate::store::{matches as rows, rounds, tournaments};
use football::domain::{Match, Round, RoundKind, Tournament};
use football::plan::differences;
use football::plan::schedule::window_end;

/// Whole rounds read by one daily routine, oldest reading first.
const ROUND_BUDGET: i64 = 5;
/// Rounds read by one daily routine because a table differs from the provider's.
const DIFFERENCE_BUDGET: usize = 5;

/// Reads the provider's events of the day of `planning` (including the days before and after) and writes what is new,
/// moved, ended or corrected in any active tournament. No request is made when no tournament waits for a match or had
/// one the day before.
pub async fn today(run: &mut Run<'_>) -> anyhow::Result<()> {
    let day = run.planning.date_naive();
    let yesterday = day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1);
    let client = run.client().await?;
    let waiting = readable(run, tournaments::waiting_for_a_match(&*client, PROVIDER, yesterday).await?);
    drop(client);
    if waiting.is_empty() {
        run.journal.skipped(Step::Fetch, "the day's events", "no tournament waits for a match");
        return Ok(());
    }
    let Some(mut listed) = day_list(run, day, Half::First).await? else { return Ok(()) };
    let unlisted = unlisted(run, &waiting, &listed, day).await?;
    if !unlisted.is_empty() {
        let slugs = |tournaments: &[&Tournament]| {
            tournaments.iter().map(|tournament| tournament.slug.as_str()).collect::<Vec<_>>().join(", ")
        };
        let reason = format!("the first half names no match of {}", slugs(&unlisted));
        run.journal.completed(
            Step::Plan,
            "the other half of the day's events is read too",
            json!({ "reason": reason }),
        );
        for event in day_list(run, day, Half::Other).await?.unwrap_or_default() {
            if !listed.iter().any(|known| known.external_id == event.external_id) {
                listed.push(event);
            }
        }
        let missing: Vec<&Tournament> =
            unlisted.into_iter().filter(|tournament| !names(&listed, tournament)).collect();
        if !missing.is_empty() {
            run.journal.warn(format!(
                "the provider's list of events around {day} names no match of {}, which have some",
                slugs(&missing)
            ));
        }
    }
    for tournament in &waiting {
        let ours = match season(tournament) {
            Ok(ours) => ours,
            // A malformed row must not prevent the refresh of the others.
            Err(error) => {
                run.journal.failed(Step::Fetch, &format!("the day of {}", tournament.slug), &error);
                continue;
            }
        };
        let events: Vec<&Listed> = listed.iter().filter(|event| event.may_be_of(&ours)).collect();
        if !events.is_empty() {
            take(run, tournament, &events).await?;
        }
    }
    Ok(())
}

/// One half of the provider's list of the events of a day; none if it can't be read: the pass over whole rounds reads the
/// same matches, more slowly.
async fn day_list(run: &mut Run<'_>, day: NaiveDate, half: Half) -> anyhow::Result<Option<Vec<Listed>>> {
    let what = match half {
        Half::First => format!("events around {day}"),
        Half::Other => format!("events around {day}, the other half"),
    };
    match run.provider.scheduled(day, half).await {
        Ok(listed) => {
            run.journal.completed(Step::Fetch, &what, json!({ "events": listed.len() }));
            Ok(Some(listed))
        }
        Err(ProviderError::NotFound { .. }) if half == Half::Other => {
            run.journal.skipped(Step::Fetch, &what, "the provider has none");
            Ok(None)
        }
        Err(error @ (ProviderError::Malformed { .. } | ProviderError::NotFound { .. })) => {
            run.missed(&what, &error);
            Ok(None)
        }
        // What the first half has is written.
        Err(error) if half == Half::Other && !matches!(error, ProviderError::Gate(_)) => {
            run.missed(&what, &error);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the list has a match of this tournament's season.
fn names(listed: &[Listed], tournament: &Tournament) -> bool {
    season(tournament).is_ok_and(|ours| listed.iter().any(|event| event.may_be_of(&ours)))
}

/// Tournaments that have a match on the days of the list, of which it names none: the provider splits a full day.
async fn unlisted<'t>(
    run: &mut Run<'_>,
    waiting: &'t [Tournament],
    listed: &[Listed],
    day: NaiveDate,
) -> anyhow::Result<Vec<&'t Tournament>> {
    let absent: Vec<&Tournament> = waiting
        .iter()
        .filter(|tournament| season(tournament).is_ok() && !names(listed, tournament))
        .collect();
    if absent.is_empty() {
        return Ok(absent);
    }
    let ids: Vec<Uuid> = absent.iter().map(|tournament| tournament.id).collect();
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    let client = run.client().await?;
    // Not tomorrow's, which the next routine lists.
    let (since, until) = (midnight - TimeDelta::days(1), midnight + TimeDelta::days(1));
    let playing = tournaments::with_match_between(&*client, &ids, since, until).await?;
    Ok(absent.into_iter().filter(|tournament| playing.contains(&tournament.id)).collect())
}

/// Reads the list of rounds of leagues whose matches are all played: one that splits publishes its last rounds late.
pub async fn new_rounds(run: &mut Run<'_>) -> anyhow::Result<()> {
    let client = run.client().await?;
    let played_out = readable(run, tournaments::played_out_leagues(&*client, PROVIDER, run.planning).await?);
    drop(client);
    for tournament in &played_out {
        if let Err(error) = super::rounds::sync(run, tournament).await {
            if stops(&error) {
                return Err(error);
            }
            run.journal.failed(Step::Fetch, &format!("rounds of {}", tournament.slug), &error);
        }
    }
    Ok(())
}

/// Writes the events of one tournament, each to the round of its stored row, or the round that the event names.
async fn take(run: &mut Run<'_>, tournament: &Tournament, events: &[&Listed]) -> anyhow::Result<()> {
    let client = run.client().await?;
    let ids: Vec<&str> = events.iter().map(|event| event.external_id.as_str()).collect();
    let stored = rows::of_rounds(&*client, tournament.id, &[], &ids).await?;
    let listed = stored_rounds(&*client, tournament.id).await?;
    let known: Vec<Round> = readable(run, listed).into_iter().map(|stored| stored.round).collect();
    drop(client);
    let round_of_id: HashMap<&str, &str> =
        stored.iter().map(|row| (row.known.external_id.as_str(), row.known.round_slug.as_str())).collect();
    let mut readings: BTreeMap<&str, Reading> = BTreeMap::new();
    for event in events {
        let by_its_round = || event.season.and_then(|_| round_of(event, &known));
        let slug = round_of_id.get(event.external_id.as_str()).copied().or_else(by_its_round);
        match slug {
            Some(slug) => readings.entry(slug).or_default().extend(event.read(slug)),
            // A fixture of a knockout round that the list does not identify: the knockouts check finds it.
            None => run.journal.skipped(
                Step::Plan,
                &format!("match {} of {}", event.external_id, tournament.slug),
                "new, and its round can't be told from this list",
            ),
        }
    }
    let readings: Vec<RoundReading<'_>> =
        readings.iter().map(|(slug, reading)| RoundReading { slug, reading, whole: false }).collect();
    write(run, tournament, &readings).await
}

/// Writes what was read, and computes table and bracket again if a result changed: there may be no separate check for
/// it. The routine's reconciliation creates the schedules.
async fn write(
    run: &mut Run<'_>,
    tournament: &Tournament,
    readings: &[RoundReading<'_>],
) -> anyhow::Result<()> {
    let synced = matches::sync(run, tournament, readings).await?;
    if synced.results && tournament.mode.has_standings() {
        standings::sync(run, tournament, None).await?;
    }
    if synced.results && tournament.mode.has_knockouts() {
        bracket::sync(run, tournament, None).await?;
    }
    Ok(())
}

/// Reads some whole rounds, oldest reading first, to find matches that moved beyond the days of the day's events. A
/// round that can't be read is reported and left for another day.
pub async fn full_pass(run: &mut Run<'_>) -> anyhow::Result<()> {
    let client = run.client().await?;
    let followed = readable(run, tournaments::followed(&*client, PROVIDER).await?);
    let ids: Vec<Uuid> = followed.iter().map(|tournament| tournament.id).collect();
    let stale = rounds::stale(&*client, &ids, run.planning, ROUND_BUDGET).await?;
    drop(client);
    for (tournament_id, slug) in stale {
        let Some(tournament) = followed.iter().find(|tournament| tournament.id == tournament_id) else {
            continue;
        };
        let client = run.client().await?;
        let known = readable(run, stored_rounds(&*client, tournament_id).await?);
        drop(client);
        let Some(round) = known.into_iter().map(|stored| stored.round).find(|round| round.slug == slug)
        else {
            continue;
        };
        let step = format!("round {slug} of {}", tournament.slug);
        let read = match season(tournament) {
            Ok(season) => run.provider.round_if_drawn(&season, &round).await.map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        // Recorded whatever the result, so that other rounds come first tomorrow.
        if !run.journal.dry_run {
            let client = run.client().await?;
            rounds::note_attempt(&*client, tournament_id, &slug, run.now()).await?;
        }
        let (mut reading, whole) = match read {
            Ok(Some(reading)) => (reading, true),
            // The round is not (or no longer) there: its open matches are looked up by their own ids.
            Ok(None) => (Reading::default(), false),
            Err(error) if stops(&error) => return Err(error),
            Err(error) => {
                run.journal.failed(Step::Fetch, &step, &error);
                continue;
            }
        };
        run.journal.completed(Step::Fetch, &step, json!({ "matches": reading.matches.len() }));
        matches::look_up_missing(run, tournament, &slug, &mut reading, Missing::Open).await?;
        write(run, tournament, &[RoundReading { slug: &slug, reading: &reading, whole }]).await?;
    }
    Ok(())
}

/// Compares tables with the provider's if the check of an earlier day was missed, and once a week if no match is open:
/// after the last match no other check does.
pub async fn unchecked_tables(run: &mut Run<'_>) -> anyhow::Result<()> {
    let today = run.planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let client = run.client().await?;
    let unchecked = readable(run, tournaments::with_unchecked_table(&*client, PROVIDER, today).await?);
    drop(client);
    for tournament in &unchecked {
        let tables = standings::provider_tables(run, tournament).await?;
        if tables.is_some() {
            standings::sync(run, tournament, tables).await?;
        }
    }
    Ok(())
}

/// Compares tables that differed at their last comparison again, and reads the rounds that may explain what still
/// differs: once a day, for a week, within the budget.
pub async fn differing_tables(run: &mut Run<'_>) -> anyhow::Result<()> {
    let today = run.planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let client = run.client().await?;
    let differing = readable(run, tournaments::with_differences(&*client, PROVIDER, today).await?);
    drop(client);
    // Each gets its share, and another one the first of them each day.
    let share = DIFFERENCE_BUDGET.div_ceil(differing.len().max(1));
    let first = usize::try_from(today.num_days_from_ce()).unwrap_or_default() % differing.len().max(1);
    let mut budget = DIFFERENCE_BUDGET;
    for tournament in differing.iter().cycle().skip(first).take(differing.len()) {
        let Some(tables) = standings::read_tables(run, tournament).await? else { continue };
        standings::sync(run, tournament, Some(tables.clone())).await?;
        let mut own = share.min(budget);
        budget -= own;
        if reread(run, tournament, &mut own).await? {
            standings::sync(run, tournament, Some(tables)).await?;
        }
        budget += own;
    }
    Ok(())
}

/// Reads the rounds that may explain the differences of a table, those read longest ago first; returns whether a result
/// changed.
async fn reread(run: &mut Run<'_>, tournament: &Tournament, budget: &mut usize) -> anyhow::Result<bool> {
    let client = run.client().await?;
    let terms = tournaments::standings_terms(&*client, tournament.id).await?;
    let stored = rows::of_kind(&*client, tournament.id, RoundKind::Season).await?;
    let stored: Vec<Match> = stored.into_iter().map(|row| row.known).collect();
    let wanted: Vec<&str> = differences::rounds_to_read(&terms.differences, &stored).into_iter().collect();
    let oldest_first = rounds::by_last_reading(&*client, tournament.id, &wanted).await?;
    let known = readable(run, stored_rounds(&*client, tournament.id).await?);
    drop(client);
    let season = season(tournament)?;
    let mut changed = false;
    for slug in oldest_first {
        let Some(stored) = known.iter().find(|stored| stored.round.slug == slug) else { continue };
        let step = format!("round {slug} of {}, whose table differs", tournament.slug);
        if *budget == 0 {
            run.journal.skipped(Step::Fetch, &step, "the day's requests for differing tables are used up");
            continue;
        }
        *budget -= 1;
        let read = run.provider.round_if_drawn(&season, &stored.round).await;
        if !run.journal.dry_run {
            let client = run.client().await?;
            rounds::note_attempt(&*client, tournament.id, &slug, run.now()).await?;
        }
        let (mut reading, whole) = match read {
            Ok(Some(reading)) => (reading, true),
            Ok(None) => (Reading::default(), false),
            Err(error) if !error.is_isolated() => return Err(error.into()),
            Err(error) => {
                run.journal.failed(Step::Fetch, &step, &error);
                continue;
            }
        };
        run.journal.completed(Step::Fetch, &step, json!({ "matches": reading.matches.len() }));
        matches::look_up_missing(run, tournament, &slug, &mut reading, Missing::OpenOrEnded).await?;
        let read = [RoundReading { slug: &slug, reading: &reading, whole }];
        changed |= matches::sync(run, tournament, &read).await?.results;
    }
    Ok(changed)
}

/// Whether the next request would fail with the same error.
fn stops(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ProviderError>().is_some_and(|error| !error.is_isolated())
}

/// Activates tournaments that are about to begin, completes those that are over, and updates their current round.
pub async fn update_statuses(run: &mut Run<'_>) -> anyhow::Result<()> {
    if run.journal.dry_run {
        return Ok(());
    }
    let now = run.now();
    let client = run.client().await?;
    let activated = tournaments::activate(&*client, window_end(run.planning), now).await?;
    let completed = tournaments::complete(&*client, run.planning, now).await?;
    let moved_on = tournaments::set_current_round(&*client, run.planning, now).await?;
    run.journal.rows.updated += (activated.len() + completed.len() + moved_on.len()) as u64;
    let changed = json!({ "activated": activated, "completed": completed, "current_round": moved_on });
    run.journal.completed(Step::Apply, "tournaments", changed);
    Ok(())
}
