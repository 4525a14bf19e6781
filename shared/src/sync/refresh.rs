//! The daily refresh: today's events of all tournaments with one or two requests.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde_json::json;
use uuid::Uuid;

use super::matches::{self, RoundReading, round_of};
use super::rounds::stored_rounds;
use super::source::{note_stand_in, refuses, season_at};
use super::{asked, bracket, identity, readable, season, standings};
use crate::execution::Run;
use crate::journal::{Step, What};
use crate::provider::ProviderError;
use crate::provider::{Half, Listed, ProviderName, Reading, SeasonRef};
use crate::store::{StoreError, aliases, matches as rows, tournaments};
use football::domain::{Round, StoredMatch, Tournament};
use football::plan::checks::window_end;
use football::plan::matches::plan;

/// Reads the provider's events of the day of `planning` (including the days before and after) and writes what is new,
/// moved, ended or corrected in any active tournament, or in `only` one. No request is made when no tournament waits for a match or had
/// one the day before.
pub async fn today(run: &mut Run<'_>, only: Option<Uuid>) -> anyhow::Result<()> {
    let day = run.planning.date_naive();
    let yesterday = day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1);
    let client = run.client().await?;
    let mut waiting = readable(run, tournaments::waiting_for_a_match(&*client, yesterday).await?);
    drop(client);
    waiting.retain(|tournament| only.is_none_or(|id| id == tournament.id));
    if waiting.is_empty() {
        run.journal.skipped(Step::Fetch, "the day's events", "no tournament waits for a match");
        return Ok(());
    }
    for provider in ProviderName::ALL {
        let (of_it, others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|tournament| asked(tournament) == provider);
        waiting = others;
        if of_it.is_empty() {
            continue;
        }
        // What one provider can't give costs the other's tournaments nothing.
        if let Err(error) = today_of(run, provider, &of_it, day).await {
            let error = error.downcast::<ProviderError>()?;
            let served = if refuses(&error) { from_stand_ins(run, &of_it, day, &error).await? } else { 0 };
            if served < of_it.len() {
                run.missed(What::of("the daily refresh from", provider), &error);
            }
        }
    }
    Ok(())
}

/// The same of tournaments whose provider refuses, from their stand-ins; returns how many could be served.
async fn from_stand_ins(
    run: &mut Run<'_>,
    refused: &[Tournament],
    day: NaiveDate,
    refusal: &ProviderError,
) -> anyhow::Result<usize> {
    let mut served = 0;
    for stand_in in ProviderName::ALL {
        let of_it: Vec<Tournament> = refused
            .iter()
            .filter(|tournament| {
                tournament.sources.stand_in == Some(stand_in) && asked(tournament) != stand_in
            })
            .filter(|tournament| season_at(tournament, stand_in).is_some())
            .cloned()
            .collect();
        if of_it.is_empty() {
            continue;
        }
        match today_of(run, stand_in, &of_it, day).await {
            Ok(()) => {
                served += of_it.len();
                note_stand_in(run, asked(&of_it[0]), stand_in, refusal);
            }
            Err(error) => {
                let error = error.downcast::<ProviderError>()?;
                run.missed(What::of("the daily refresh from the stand-in", stand_in), &error);
            }
        }
    }
    Ok(served)
}

/// The same of the tournaments of one provider.
async fn today_of(
    run: &mut Run<'_>,
    provider: ProviderName,
    waiting: &[Tournament],
    day: NaiveDate,
) -> anyhow::Result<()> {
    let Some(mut listed) = day_list(run, provider, day, Half::First).await? else { return Ok(()) };
    let unlisted = unlisted(run, provider, waiting, &listed, day).await?;
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
        for event in day_list(run, provider, day, Half::Other).await?.unwrap_or_default() {
            if !listed.iter().any(|known| known.external_id == event.external_id) {
                listed.push(event);
            }
        }
        let missing: Vec<&Tournament> =
            unlisted.into_iter().filter(|tournament| !names(&listed, tournament, provider)).collect();
        if !missing.is_empty() {
            run.journal.warn(format!(
                "the provider's list of events around {day} names no match of {}, which have some",
                slugs(&missing)
            ));
        }
    }
    take_all(run, provider, waiting, &listed).await
}

/// Writes what the list says of each tournament, one transaction for each that has something to write: what is stored is
/// read once for all of them.
async fn take_all(
    run: &mut Run<'_>,
    provider: ProviderName,
    waiting: &[Tournament],
    listed: &[Listed],
) -> anyhow::Result<()> {
    let mut by_competition: HashMap<String, Vec<&Listed>> = HashMap::new();
    for event in listed {
        for competition in event.competitions() {
            by_competition.entry(competition).or_default().push(event);
        }
    }
    let mut ours: Vec<(&Tournament, Vec<&Listed>)> = Vec::new();
    for tournament in waiting {
        match season_of(tournament, provider) {
            Ok(season) => {
                let events = by_competition.get(&season.competition()).into_iter().flatten();
                let events: Vec<&Listed> = events.copied().filter(|event| event.may_be_of(&season)).collect();
                if !events.is_empty() {
                    ours.push((tournament, events));
                }
            }
            // A malformed row must not prevent the refresh of the others.
            Err(error) => {
                run.journal.failed(Step::Fetch, What::of("the day of", &tournament.slug), &error);
            }
        }
    }
    let tournaments: Vec<Uuid> = ours.iter().map(|(tournament, _)| tournament.id).collect();
    let ids: Vec<&str> =
        ours.iter().flat_map(|(_, events)| events).map(|event| event.external_id.as_str()).collect();
    let mut stored = rows::of_events(&*run.client().await?, &tournaments, &ids).await?;
    let (mut quiet, mut quiet_matches) = (0, 0);
    for (tournament, events) in ours {
        let stored = stored.remove(&tournament.id).unwrap_or_default();
        // An earlier attempt may have written the matches and died before it computed table and bracket.
        if run.attempt == 1 && says_nothing_new(&events, &stored) {
            quiet += 1;
            quiet_matches += events.len();
            continue;
        }
        if let Err(error) = take(run, tournament, provider, &events).await {
            // One that can't be written costs no other its refresh.
            let is_isolated = error.downcast_ref::<StoreError>().is_some_and(|error| !error.is_transient());
            if !is_isolated {
                return Err(error);
            }
            run.journal.failed(Step::Apply, What::of("the day of", &tournament.slug), &error);
        }
    }
    if quiet > 0 {
        let counts = json!({ "tournaments": quiet, "matches": quiet_matches });
        run.journal.completed(Step::Plan, "events that say nothing new", counts);
    }
    Ok(())
}

/// Whether all of these events are stored as they are listed.
fn says_nothing_new(events: &[&Listed], stored: &[StoredMatch]) -> bool {
    let by_id: HashMap<&str, &StoredMatch> =
        stored.iter().map(|row| (row.known.external_id.as_str(), row)).collect();
    let mut reading = Reading::default();
    for event in events {
        match by_id.get(event.external_id.as_str()) {
            Some(row) if row.unknown_status.is_none() => reading.extend(event.read(&row.known.round_slug)),
            _ => return false,
        }
    }
    reading.refused.is_empty() && plan(&reading.matches, stored).is_quiet()
}

/// One half of the provider's list of the events of a day; none if it can't be read: the pass over whole rounds reads the
/// same matches, more slowly.
async fn day_list(
    run: &mut Run<'_>,
    provider: ProviderName,
    day: NaiveDate,
    half: Half,
) -> anyhow::Result<Option<Vec<Listed>>> {
    let what = match half {
        Half::First => What::of("events around", day),
        Half::Other => What::of("events, the other half, around", day),
    };
    match run.provider.scheduled(provider, day, half).await {
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

/// The tournament's season at the provider of a list.
fn season_of(tournament: &Tournament, provider: ProviderName) -> anyhow::Result<SeasonRef> {
    match season_at(tournament, provider) {
        Some(season) => Ok(season),
        None => season(tournament),
    }
}

/// Whether the list has a match of this tournament's season.
fn names(listed: &[Listed], tournament: &Tournament, provider: ProviderName) -> bool {
    season_of(tournament, provider).is_ok_and(|ours| listed.iter().any(|event| event.may_be_of(&ours)))
}

/// Tournaments that have a match on the days of the list, of which it names none: the provider splits a full day.
async fn unlisted<'t>(
    run: &mut Run<'_>,
    provider: ProviderName,
    waiting: &'t [Tournament],
    listed: &[Listed],
    day: NaiveDate,
) -> anyhow::Result<Vec<&'t Tournament>> {
    let absent: Vec<&Tournament> = waiting
        .iter()
        .filter(|tournament| season_of(tournament, provider).is_ok() && !names(listed, tournament, provider))
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

/// Reads the list of rounds of leagues (or of `only` one) whose matches are all played: one that splits publishes its last
/// rounds late.
pub async fn new_rounds(run: &mut Run<'_>, only: Option<Uuid>) -> anyhow::Result<()> {
    let client = run.client().await?;
    let mut played_out = readable(run, tournaments::played_out_leagues(&*client, run.planning).await?);
    drop(client);
    played_out.retain(|tournament| only.is_none_or(|id| id == tournament.id));
    let mut stopped: Vec<ProviderName> = Vec::new();
    for tournament in &played_out {
        let provider = asked(tournament);
        if stopped.contains(&provider) {
            continue;
        }
        if let Err(error) = super::rounds::sync(run, tournament).await {
            let what = What::of("rounds of", &tournament.slug);
            match error.downcast::<ProviderError>() {
                Ok(error) if stops(&error) => {
                    stopped.push(provider);
                    run.missed(what, &error);
                }
                Ok(error) => run.journal.failed(Step::Fetch, what, &error),
                Err(error) => run.journal.failed(Step::Fetch, what, &error),
            }
        }
    }
    Ok(())
}

/// Writes the events of one tournament, each to the round of its stored row, or the round that the event names.
async fn take(
    run: &mut Run<'_>,
    tournament: &Tournament,
    provider: ProviderName,
    events: &[&Listed],
) -> anyhow::Result<()> {
    let client = run.client().await?;
    let ids: Vec<&str> = events.iter().map(|event| event.external_id.as_str()).collect();
    let stored = rows::of_rounds(&*client, tournament.id, &[], &ids).await?;
    let listed = stored_rounds(&*client, tournament.id).await?;
    let known: Vec<Round> = readable(run, listed).into_iter().map(|stored| stored.round).collect();
    let aliases = match tournament.sources.addresses.is_empty() {
        true => Vec::new(),
        false => aliases::matches(&*client, tournament.id, provider).await?,
    };
    drop(client);
    let mut round_of_id: HashMap<&str, &str> =
        stored.iter().map(|row| (row.known.external_id.as_str(), row.known.round_slug.as_str())).collect();
    for known in &aliases {
        round_of_id.extend(known.theirs.iter().map(|id| (id.as_str(), known.ours.round_slug.as_str())));
    }
    let mut readings: BTreeMap<&str, Reading> = BTreeMap::new();
    for event in events {
        let by_its_round = || event.names_season().then(|| round_of(event, &known)).flatten();
        let slug = round_of_id.get(event.external_id.as_str()).copied().or_else(by_its_round);
        match slug {
            Some(slug) => readings.entry(slug).or_default().extend(event.read(slug)),
            // A fixture of a knockout round that the list does not identify: the knockouts check finds it.
            None => run.journal.skipped(
                Step::Plan,
                What::of("match", format!("{} of {}", event.external_id, tournament.slug)),
                "new, and its round can't be told from this list",
            ),
        }
    }
    let mut ours: Vec<(&str, Reading)> = Vec::new();
    for (slug, reading) in readings {
        ours.push((slug, identity::ours(run, tournament, provider, reading).await?));
    }
    let readings: Vec<RoundReading<'_>> =
        ours.iter().map(|(slug, reading)| RoundReading { slug, reading, whole: false }).collect();
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

/// Whether the next request would fail with the same error.
fn stops(error: &ProviderError) -> bool {
    !error.is_isolated() && !matches!(error, ProviderError::NotAllowed { .. })
}

/// Activates tournaments that are about to begin, completes those that are over, and updates their current round.
pub async fn update_statuses(run: &mut Run<'_>) -> anyhow::Result<()> {
    if run.journal.dry_run {
        return Ok(());
    }
    let now = run.now();
    let mut client = run.client().await?;
    let transaction = client.transaction_of(run.record.id, now).await?;
    let activated = tournaments::activate(&transaction, window_end(run.planning), now).await?;
    let completed = tournaments::complete(&transaction, run.planning, now).await?;
    let moved_on = tournaments::set_current_round(&transaction, run.planning, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    run.journal.rows.updated += (activated.len() + completed.len() + moved_on.len()) as u64;
    let changed = json!({ "activated": activated, "completed": completed, "current_round": moved_on });
    run.journal.completed(Step::Apply, "tournaments", changed);
    Ok(())
}
