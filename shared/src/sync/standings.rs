//! The table, computed from the stored matches and checked against the provider's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde_json::json;

use super::{season, transact};
use crate::crash;
use crate::domain::standings::{
    Entrant, Fixture, Result as Played, Rules, Table, Terms, check, one_table, table,
};
use crate::domain::{Match, MatchStatus, RoundKind, StandingsMode, Tournament};
use crate::execution::{Invocation, Journal};
use crate::provider::sofascore::{PROVIDER, SofaScore, Table as ProviderTable};
use crate::store::tournaments::StandingsTerms;
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
    let mut terms = tournaments::standings_terms(&transaction, tournament.id).await?;
    let group = |m: &Match| match tournament.standings_mode {
        StandingsMode::UniqueGroup => String::new(),
        StandingsMode::MultiGroup => m.group_name.clone(),
    };
    let places: BTreeSet<(String, &str)> =
        stored.iter().flat_map(|m| [(group(m), m.home.as_str()), (group(m), &m.away)]).collect();
    let teams: Vec<&str> = places.iter().map(|(_, team)| *team).collect();
    let names: BTreeMap<String, String> =
        standings::team_names(&transaction, PROVIDER, &teams).await?.into_iter().collect();
    let name = |team: &str| names.get(team).cloned().unwrap_or_else(|| team.to_owned());
    let entrants: Vec<Entrant> = places
        .iter()
        .map(|(group, team)| Entrant { team: (*team).to_owned(), group: group.clone(), name: name(team) })
        .collect();
    let results: Vec<Played> = stored
        .iter()
        .filter(|m| m.status == MatchStatus::Ended)
        .filter_map(|m| {
            let score = m.score?;
            Some(Played {
                group: group(m),
                home: m.home.clone(),
                away: m.away.clone(),
                home_goals: score.home,
                away_goals: score.away,
                kickoff: m.kickoff,
            })
        })
        .collect();
    let open: Vec<Fixture> = stored
        .iter()
        .filter(|m| m.status == MatchStatus::Open)
        .map(|m| Fixture { group: group(m), home: m.home.clone(), away: m.away.clone() })
        .collect();

    let ours = match provider {
        None => draw_up(&entrants, &results, &open, &terms),
        Some(tables) => {
            take_provider(&mut terms, tables, tournament, invocation.clock.now());
            // Once for what the check finds, and once more under it.
            let first = draw_up(&entrants, &results, &open, &terms);
            let found = check(&first.rows, &terms.provider);
            let kept = found.kept(&terms.adjustments);
            if kept != terms.adjustments {
                let told: Vec<_> = kept.iter().map(|a| format!("{} {:+}", name(&a.team), a.points)).collect();
                journal.warn(format!(
                    "points beside the matches' own, by the provider's table: {}",
                    told.join(", ")
                ));
            }
            terms.adjustments = kept;
            let ours = draw_up(&entrants, &results, &open, &terms);
            let found = check(&ours.rows, &terms.provider);
            let differences: Vec<String> = found
                .drift
                .iter()
                .map(|drift| format!("{}: {drift}", name(&drift.ours.team)))
                .chain(found.order.iter().map(|order| order.clone().named(name).to_string()))
                .collect();
            for difference in &differences {
                journal.warn(format!("the table differs from the provider's: {difference}"));
            }
            journal.facts.insert("drift".to_owned(), json!(differences));
            journal.planned("check against the provider's table", &found);
            ours
        }
    };
    journal.planned("standings", &ours.rows);
    let notes: Vec<String> = ours.notes.iter().map(|note| note.clone().named(name).to_string()).collect();
    if !notes.is_empty() {
        journal.facts.insert("order".to_owned(), json!(notes));
    }
    journal.completed(
        "plan",
        "standings",
        json!({ "teams": ours.rows.len(), "results": results.len(), "order": notes, "rule": terms.tie_breaking_rule }),
    );
    if journal.dry_run {
        return Ok(());
    }
    let now = invocation.clock.now();
    let (outcomes, gone) = standings::replace(&transaction, PROVIDER, tournament.id, &ours.rows, now).await?;
    tournaments::set_standings_terms(&transaction, tournament.id, &terms, now).await?;
    crash::point("written");
    transaction.commit().await.map_err(StoreError::from)?;
    journal.wrote("standings", outcomes);
    if gone > 0 {
        journal.warn(format!("{gone} rows of teams that are no longer in their group were deleted"));
    }
    Ok(())
}

fn draw_up(entrants: &[Entrant], results: &[Played], open: &[Fixture], terms: &StandingsTerms) -> Table {
    let rules = terms.tie_breaking_rule.as_deref().map(Rules::parse).unwrap_or_default();
    table(
        entrants,
        results,
        &Terms { rules, adjustments: &terms.adjustments, open, provider: &terms.provider },
    )
}

fn take_provider(
    terms: &mut StandingsTerms,
    tables: &[ProviderTable],
    tournament: &Tournament,
    now: DateTime<Utc>,
) {
    let rows = tables.iter().map(|table| table.rows.clone());
    terms.provider = match tournament.standings_mode {
        StandingsMode::UniqueGroup => one_table(rows.collect()),
        StandingsMode::MultiGroup => rows.flatten().collect(),
    };
    terms.checked_at = Some(now);
    if terms.tie_breaking_rule.is_none() {
        terms.tie_breaking_rule = tables.iter().find_map(|table| table.tie_breaking_rule.clone());
    }
}
