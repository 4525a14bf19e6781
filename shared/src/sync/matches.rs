//! Matches: what a reading of the provider changes in the database.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::domain::{MatchStatus, Tournament};
use crate::execution::{Invocation, Journal};
use crate::plan::matches::{self as plan, HeldReason, MatchPlan};
use crate::provider::sofascore::{PROVIDER, Reading};
use crate::store::{StoreError, matches, rounds};

use super::teams;

/// Where the matches of a round stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct RoundCounts {
    ended: usize,
    open: usize,
    not_defined: usize,
    open_slots: usize,
    refused: usize,
}

/// Plans and writes the matches of some rounds (slug and reading each), in one transaction.
pub async fn sync(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    tournament: &Tournament,
    readings: &[(&str, &Reading)],
) -> anyhow::Result<()> {
    let mut client = invocation.services.store.client().await?;
    let read: Vec<_> = readings.iter().flat_map(|(_, reading)| reading.matches.clone()).collect();
    let ids: Vec<&str> = read.iter().map(|m| m.external_id.as_str()).collect();
    let slugs: Vec<&str> = readings.iter().map(|(slug, _)| *slug).collect();
    let stored = matches::of_rounds(&*client, tournament.id, &slugs, &ids).await?;
    let plan = plan::plan(&read, &stored);
    journal.planned("matches", &plan);
    note_counts(journal, readings);
    note_what_is_odd(journal, &plan, readings);
    for row in stored.iter().filter(|row| row.known.status == MatchStatus::Open) {
        if slugs.contains(&row.known.round_slug.as_str()) && !ids.contains(&row.known.external_id.as_str()) {
            let (id, slug) = (&row.known.external_id, &row.known.round_slug);
            let refused =
                readings.iter().any(|(_, r)| r.refused.iter().any(|refusal| refusal.external_id == *id));
            if !refused {
                journal.warn(format!("match {id} is open but no longer in round {slug} at the provider"));
            }
        }
    }
    if journal.dry_run {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    if !plan.new.is_empty() || plan.changes.iter().any(|change| change.moves_teams()) {
        let mut all = Vec::new();
        for team in readings.iter().flat_map(|(_, reading)| &reading.teams) {
            if !all.contains(team) {
                all.push(team.clone());
            }
        }
        teams::ensure(invocation, &transaction, journal, &all).await?;
    }
    let now = invocation.clock.now();
    let (outcomes, unresolved) =
        matches::upsert(&transaction, PROVIDER, tournament.id, &plan.write, now).await?;
    let slots: Vec<(String, i32)> = readings
        .iter()
        .map(|(slug, reading)| ((*slug).to_owned(), i32::try_from(reading.open_slots).unwrap_or(i32::MAX)))
        .collect();
    rounds::set_open_slots(&transaction, tournament.id, &slots, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    journal.wrote("matches", outcomes);
    if !unresolved.is_empty() {
        journal.failed(
            "apply",
            "matches that could not be stored",
            &format!("{} (their team is unknown, or another tournament has them)", unresolved.join(", ")),
        );
    }
    Ok(())
}

fn note_counts(journal: &mut Journal, readings: &[(&str, &Reading)]) {
    let mut counts: BTreeMap<&str, RoundCounts> = BTreeMap::new();
    for (slug, reading) in readings {
        let round = counts.entry(slug).or_default();
        round.open_slots += reading.open_slots;
        round.refused += reading.refused.len();
        for read in &reading.matches {
            match read.status {
                MatchStatus::Ended => round.ended += 1,
                MatchStatus::Open => round.open += 1,
                MatchStatus::NotDefined => round.not_defined += 1,
            }
        }
    }
    journal.facts.insert("matches".to_owned(), json!(counts));
}

fn note_what_is_odd(journal: &mut Journal, plan: &MatchPlan, readings: &[(&str, &Reading)]) {
    for refusal in readings.iter().flat_map(|(_, reading)| &reading.refused) {
        journal.warn(format!(
            "match {} was not taken: {} {}; its row stays as it was",
            refusal.external_id, refusal.field, refusal.reason
        ));
    }
    for held in plan.held.iter().filter(|held| held.reason == HeldReason::WouldReopen) {
        journal.warn(format!("match {} has ended and was not reopened", held.external_id));
    }
    for change in plan.changes.iter().filter(|change| change.corrects_scored_result) {
        journal.warn(format!(
            "CORRECTION: match {} changed after the application had scored its members' guesses ({}): \
             score them again",
            change.external_id,
            change.fields.join(", ")
        ));
    }
}
