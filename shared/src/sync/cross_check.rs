//! The comparison of providers: what another provider than the one that is asked says of the last results. Nothing of it is
//! written to a match; a difference needs a person.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use football::domain::{ProviderName, Tournament};
use football::plan::checks::{Check, CheckKind, whole_minute};
use serde_json::json;
use uuid::Uuid;

use super::source::{providers_of, season_at};
use super::{asked, checks, identity, readable};
use crate::execution::Run;
use crate::journal::{Step, What};
use crate::provider::{Half, ProviderError, Reading};
use crate::store::aliases::{self, DifferencesOf};
use crate::store::tournaments;

/// When the results of the day before are compared, after midnight UTC: by then shootouts and corrections of the night are in.
const AT: TimeDelta = TimeDelta::hours(8);
/// Until when it is tried again.
const UNTIL: TimeDelta = TimeDelta::hours(14);

/// Inserts the comparison of the day, if a tournament has more than one provider.
pub async fn plan(run: &mut Run<'_>) -> anyhow::Result<()> {
    let found = tournaments::active(&*run.client().await?).await?;
    let active = readable(run, found);
    if !active.iter().any(|tournament| !others(tournament).is_empty()) {
        return Ok(());
    }
    let at = run.planning.date_naive().and_time(NaiveTime::MIN).and_utc() + AT;
    if at <= run.now() {
        return Ok(());
    }
    checks::insert(run, "comparison of providers", &[check(at)]).await
}

/// The providers of a tournament that are not asked for it first.
fn others(tournament: &Tournament) -> Vec<ProviderName> {
    let first = asked(tournament);
    providers_of(tournament).into_iter().filter(|provider| *provider != first).collect()
}

/// Reads the list of the day before from each provider that is not asked first, and compares it with what is stored. `only`: of
/// one tournament, whose teams are identified too, so that a person is asked before a stand-in is needed.
pub async fn compare(run: &mut Run<'_>, only: Option<Uuid>) -> anyhow::Result<()> {
    let yesterday = run.planning.date_naive() - Days::new(1);
    let client = run.client().await?;
    let active = match only {
        Some(id) => tournaments::find(&*client, id).await?.into_iter().collect(),
        None => {
            let found = tournaments::active(&*client).await?;
            readable(run, found)
        }
    };
    drop(client);
    let mut again = None;
    if only.is_some() {
        for tournament in &active {
            identify_teams(run, tournament).await?;
        }
    }
    for provider in ProviderName::ALL {
        let of_it: Vec<&Tournament> =
            active.iter().filter(|tournament| others(tournament).contains(&provider)).collect();
        if of_it.is_empty() {
            continue;
        }
        // What one provider can't give costs the comparison with another nothing.
        if let Err(error) = compare_with(run, provider, &of_it, yesterday).await {
            let error = error.downcast::<ProviderError>()?;
            if error.gives_work_back(run.shares_provider) {
                return Err(error.into());
            }
            again = again.max(error.may_pass().then(|| error.try_again_at(run.now())));
            run.missed(What::of("the comparison with", provider), &error);
        }
    }
    run.no_more_requests().await;
    let since = yesterday.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1);
    let differences = aliases::differences(&*run.client().await?, DifferencesOf::Since(only, since)).await?;
    for difference in &differences {
        run.journal.warn(difference.to_string());
    }
    run.journal.completed(Step::Plan, "differences between providers", json!({ "found": differences.len() }));
    match again.filter(|_| only.is_none()) {
        Some(at) => once_more(run, at).await,
        None => Ok(()),
    }
}

/// Inserts the comparison again, where a provider could not answer; in the afternoon it is left to the next morning.
async fn once_more(run: &mut Run<'_>, at: DateTime<Utc>) -> anyhow::Result<()> {
    let at = whole_minute(at);
    if at >= run.planning.date_naive().and_time(NaiveTime::MIN).and_utc() + UNTIL {
        run.journal.skipped(Step::Plan, "follow-up", "the next morning compares again");
        return Ok(());
    }
    checks::insert(run, "follow-up", &[check(at)]).await
}

fn check(at: DateTime<Utc>) -> Check {
    let kind = CheckKind::CrossCheck;
    Check { kind, tournament_id: None, round_slug: None, kickoff: None, retrying_since: None, at }
}

/// Reads the teams of each provider but the tournament's own, and identifies them.
async fn identify_teams(run: &mut Run<'_>, tournament: &Tournament) -> anyhow::Result<()> {
    for provider in providers_of(tournament).into_iter().filter(|provider| *provider != tournament.provider) {
        let Some(season) = season_at(tournament, provider) else { continue };
        let what = What::of("teams of", provider);
        let teams = match run.provider.teams(&season).await {
            Ok(teams) => teams,
            Err(error @ ProviderError::Gate(_)) => return Err(error.into()),
            // Its readings identify them too, later.
            Err(error) => {
                run.missed(what, &error);
                continue;
            }
        };
        let known = identity::team_ids(run, tournament, provider, &teams).await?;
        run.journal.completed(Step::Fetch, what, json!({ "teams": teams.len(), "known": known.len() }));
    }
    Ok(())
}

async fn compare_with(
    run: &mut Run<'_>,
    provider: ProviderName,
    of_it: &[&Tournament],
    yesterday: chrono::NaiveDate,
) -> anyhow::Result<()> {
    let mut listed = run.provider.scheduled(provider, yesterday, Half::First).await?;
    run.journal.provider = provider;
    let is_named = |tournament: &Tournament| {
        season_at(tournament, provider)
            .is_some_and(|season| listed.iter().any(|event| event.may_be_of(&season)))
    };
    let ids: Vec<Uuid> = of_it.iter().map(|tournament| tournament.id).collect();
    let day = yesterday.and_time(NaiveTime::MIN).and_utc();
    let client = run.client().await?;
    let played = aliases::played_within(&*client, &ids, day, day + TimeDelta::days(1)).await?;
    drop(client);
    let has_played = |tournament: &Tournament| played.iter().any(|(id, _)| *id == tournament.id);
    if of_it.iter().any(|tournament| has_played(tournament) && !is_named(tournament)) {
        match run.provider.scheduled(provider, yesterday, Half::Other).await {
            Ok(other) => listed.extend(other),
            Err(ProviderError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut compared = 0;
    for tournament in of_it {
        let Some(season) = season_at(tournament, provider) else { continue };
        let mut reading = Reading::default();
        for event in listed.iter().filter(|event| event.may_be_of(&season)) {
            reading.extend(event.read(event.round.slug.as_deref().unwrap_or_default()));
        }
        let reading = identity::ours(run, tournament, provider, reading).await?;
        for refusal in &reading.refused {
            run.journal.warn(format!(
                "{}: match {} of {provider} could not be compared: {} {}",
                tournament.label, refusal.external_id, refusal.field, refusal.reason
            ));
        }
        let said = reading.said_by(provider);
        compared += said.len();
        let of_it = |(id, ours): &&(Uuid, String)| {
            *id == tournament.id && !said.iter().any(|(_, read)| read.external_id == *ours)
        };
        let missing = played.iter().filter(of_it).count();
        if missing > 0 {
            run.journal.warn(format!(
                "{}: {missing} matches of the day before are not in {provider}'s list: they were not compared",
                tournament.label
            ));
        }
        if !run.journal.dry_run {
            let client = run.client().await?;
            aliases::note_matches(&*client, tournament.id, provider, &said, run.now()).await?;
        }
    }
    run.journal.completed(
        Step::Fetch,
        What::of("the day before at", provider),
        json!({ "listed": listed.len(), "tournaments": of_it.len(), "compared": compared }),
    );
    Ok(())
}
