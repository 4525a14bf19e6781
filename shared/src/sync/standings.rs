//! The table, computed from the stored matches and checked against the provider's.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use football::domain::standings::{Check, ProviderTable};
use football::domain::{Match, MatchStatus, RoundKind, Tournament};
use football::plan::standings::{self as plan, StandingsPlan};
use serde_json::json;

use super::{season, transact};
use crate::crash;
use crate::execution::{Invocation, Journal};
use crate::provider::sofascore::{PROVIDER, SofaScore};
use crate::store::{StoreError, matches, standings, tournaments};

/// Reads the provider's tables, unless they were read on the day of `planning` already or a match of that day is still
/// open: they are the check of a day's results. The provider's trouble costs the check, not the table.
pub async fn provider_tables(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    provider: &mut SofaScore<'_>,
    tournament: &Tournament,
    planning: DateTime<Utc>,
) -> anyhow::Result<Option<Vec<ProviderTable>>> {
    let today = planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let client = invocation.services.store.client().await?;
    let terms = tournaments::standings_terms(&*client, tournament.id).await?;
    let checked_today = terms.checked_at.is_some_and(|checked| checked >= today);
    // Not an old one that is stuck: it would keep the check away for ever.
    let (since, until) = (today - TimeDelta::hours(6), today + TimeDelta::days(1));
    let playing = tournaments::has_open_match(&*client, tournament.id, since, until).await?;
    drop(client);
    if checked_today || (playing && terms.checked_at.is_some()) {
        return Ok(None);
    }
    let tables = provider.standings(&season(tournament)?).await;
    journal.requests.extend(provider.take_requests());
    Ok(journal.check("table", tables))
}

/// Computes the table of every group by the competition's own order and writes the rows that differ. The provider's
/// tables, where they were read, tell the order's rule and the deductions, and what differs is reported row by row.
pub async fn sync(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    tournament: &Tournament,
    provider: Option<Vec<ProviderTable>>,
) -> anyhow::Result<()> {
    let step =
        async |journal: &mut Journal| sync_once(invocation, journal, tournament, provider.as_deref()).await;
    transact(journal, step).await
}

async fn sync_once(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    tournament: &Tournament,
    provider: Option<&[ProviderTable]>,
) -> anyhow::Result<()> {
    let mut client = invocation.services.store.client().await?;
    let transaction = client.transaction().await?;
    tournaments::lock(&transaction, tournament.id).await?;
    let stored = matches::of_kind(&transaction, tournament.id, RoundKind::Season).await?;
    // Results that can't be told from running scores: a table without them would be poorer than the one that is there.
    let untold =
        stored.iter().filter(|row| row.known.status == MatchStatus::Open && row.known.score.is_some());
    if let Some(odd) = super::matches::odd_statuses(untold) {
        journal.skipped("plan", "standings", "results of older vocabularies are still to be read anew");
        journal.warn(format!("the table stays as it was: {odd}: refresh the tournament"));
        return Ok(());
    }
    let stored: Vec<Match> = stored.into_iter().map(|row| row.known).collect();
    let terms = tournaments::standings_terms(&transaction, tournament.id).await?;
    let teams: Vec<&str> = plan::teams(&stored).into_iter().collect();
    let names: BTreeMap<String, String> =
        standings::team_names(&transaction, PROVIDER, &teams).await?.into_iter().collect();
    let name = |team: &str| names.get(team).cloned().unwrap_or_else(|| team.to_owned());
    let provider = provider.map(|tables| (tables, invocation.clock.now()));
    let plan = plan::plan(&stored, name, tournament.standings_mode, terms, provider);
    if let Some(found) = &plan.check {
        note_check(journal, &plan, found, name);
    }
    let ours = plan.table;
    journal.planned("standings", &ours.rows);
    let notes: Vec<String> = ours.notes.iter().map(|note| note.clone().named(name).to_string()).collect();
    if !notes.is_empty() {
        journal.facts.insert("order".to_owned(), json!(notes));
    }
    journal.completed(
        "plan",
        "standings",
        json!({ "teams": ours.rows.len(), "results": plan.results, "order": notes, "rule": plan.terms.tie_breaking_rule }),
    );
    if journal.dry_run {
        return Ok(());
    }
    let now = invocation.clock.now();
    let (outcomes, gone) = standings::replace(&transaction, PROVIDER, tournament.id, &ours.rows, now).await?;
    tournaments::set_standings_terms(&transaction, tournament.id, &plan.terms, now).await?;
    crash::point("written");
    transaction.commit().await.map_err(StoreError::from)?;
    journal.wrote("standings", outcomes);
    if gone > 0 {
        journal.warn(format!("{gone} rows of teams that are no longer in their group were deleted"));
    }
    Ok(())
}

/// Notes what the comparison with the provider's tables found.
fn note_check(journal: &mut Journal, plan: &StandingsPlan, found: &Check, name: impl Fn(&str) -> String) {
    if plan.adjusted {
        let adjustments = &plan.terms.adjustments;
        let said: Vec<_> = adjustments.iter().map(|a| format!("{} {:+}", name(&a.team), a.points)).collect();
        journal.warn(format!("points beside the matches' own, by the provider's table: {}", said.join(", ")));
    }
    let differences: Vec<String> = found
        .drift
        .iter()
        .map(|drift| format!("{}: {drift}", name(&drift.ours.team)))
        .chain(found.order.iter().map(|order| order.clone().named(&name).to_string()))
        .collect();
    for difference in &differences {
        journal.warn(format!("the table differs from the provider's: {difference}"));
    }
    journal.facts.insert("drift".to_owned(), json!(differences));
    journal.planned("check against the provider's table", found);
}
