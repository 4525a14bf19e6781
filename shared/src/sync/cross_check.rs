//! The comparison of providers: what another provider than the one that is asked says of the last results. Nothing of it is
//! written to a match; a difference needs a person.

use chrono::{Days, NaiveTime, TimeDelta};
use football::domain::{ProviderName, Tournament};
use football::plan::checks::{Check, CheckKind};
use serde_json::json;
use uuid::Uuid;

use super::source::{providers_of, season_at};
use super::{asked, checks, identity, readable};
use crate::execution::Run;
use crate::journal::{Step, What};
use crate::provider::{Alias, Half, ProviderError, Reading};
use crate::store::aliases::{self, DifferencesOf};
use crate::store::{StoreError, tournaments};
use football::domain::Match;

/// When the results of the day before are compared, after midnight UTC: by then shootouts and corrections of the night are in.
const AT: TimeDelta = TimeDelta::hours(8);

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
    let kind = CheckKind::CrossCheck;
    let check =
        Check { kind, tournament_id: None, round_slug: None, kickoff: None, retrying_since: None, at };
    checks::insert(run, "comparison of providers", &[check]).await
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
    let found = tournaments::active(&*run.client().await?).await?;
    let mut active = readable(run, found);
    active.retain(|tournament| only.is_none_or(|id| id == tournament.id));
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
            run.missed(What::of("the comparison with", provider), &error);
        }
    }
    run.no_more_requests().await;
    let since = yesterday.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1);
    let differences = aliases::differences(&*run.client().await?, DifferencesOf::Since(since)).await?;
    for difference in &differences {
        run.journal.warn(difference.to_string());
    }
    run.journal.completed(Step::Plan, "differences between providers", json!({ "found": differences.len() }));
    Ok(())
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
    let unnamed: Vec<Uuid> =
        of_it.iter().filter(|tournament| !is_named(tournament)).map(|tournament| tournament.id).collect();
    let day = yesterday.and_time(NaiveTime::MIN).and_utc();
    let client = run.client().await?;
    let playing = tournaments::with_match_between(&*client, &unnamed, day, day + TimeDelta::days(1)).await?;
    drop(client);
    if !playing.is_empty() {
        match run.provider.scheduled(provider, yesterday, Half::Other).await {
            Ok(other) => listed.extend(other),
            Err(ProviderError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut compared = 0;
    for tournament in of_it {
        let Some(season) = season_at(tournament, provider) else { continue };
        let mut reading = Reading { provider, ..Reading::default() };
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
        compared += reading.aliases.len();
        if !run.journal.dry_run {
            note(run, tournament, &reading).await?;
        }
    }
    run.journal.completed(
        Step::Fetch,
        What::of("the day before at", provider),
        json!({ "listed": listed.len(), "tournaments": of_it.len(), "compared": compared }),
    );
    Ok(())
}

/// Keeps what the provider says beside the matches.
async fn note(run: &Run<'_>, tournament: &Tournament, reading: &Reading) -> Result<(), StoreError> {
    let of = |alias: &Alias| reading.matches.iter().find(|read| read.external_id == alias.ours);
    let said: Vec<(&str, &Match)> =
        reading.aliases.iter().filter_map(|alias| Some((alias.theirs.as_str(), of(alias)?))).collect();
    let client = run.client().await?;
    aliases::note_matches(&*client, tournament.id, reading.provider, &said, run.now()).await
}
