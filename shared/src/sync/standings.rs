//! The table, computed from the stored matches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::domain::standings::{Entrant, Result as Played, table};
use crate::domain::{MatchStatus, StandingsMode, Tournament};
use crate::execution::{Invocation, Journal};
use crate::provider::sofascore::PROVIDER;
use crate::store::{StoreError, matches, standings};

/// Computes the table of every group and writes the rows that differ.
pub async fn sync(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    tournament: &Tournament,
) -> anyhow::Result<()> {
    let mut client = invocation.services.store.client().await?;
    let transaction = client.transaction().await?;
    let stored = matches::of_season(&transaction, tournament.id).await?;
    let group = |name: &str| match tournament.standings_mode {
        StandingsMode::UniqueGroup => String::new(),
        StandingsMode::MultiGroup => name.to_owned(),
    };
    let places: BTreeSet<(String, &str)> = stored
        .iter()
        .flat_map(|m| {
            [(group(&m.known.group_name), m.known.home.as_str()), (group(&m.known.group_name), &m.known.away)]
        })
        .collect();
    let teams: Vec<&str> = places.iter().map(|(_, team)| *team).collect();
    let names: BTreeMap<String, String> =
        standings::team_names(&transaction, PROVIDER, &teams).await?.into_iter().collect();
    let entrants: Vec<Entrant> = places
        .iter()
        .map(|(group, team)| Entrant {
            team: (*team).to_owned(),
            group: group.clone(),
            name: names.get(*team).cloned().unwrap_or_default(),
        })
        .collect();
    let results: Vec<Played> = stored
        .iter()
        .filter(|m| m.known.status == MatchStatus::Ended)
        .filter_map(|m| {
            let score = m.known.score?;
            Some(Played {
                group: group(&m.known.group_name),
                home: m.known.home.clone(),
                away: m.known.away.clone(),
                home_goals: score.home,
                away_goals: score.away,
                kickoff: m.known.kickoff,
            })
        })
        .collect();
    let rows = table(&entrants, &results);
    journal.planned("standings", &rows);
    journal.completed("plan", "standings", json!({ "teams": rows.len(), "results": results.len() }));
    if journal.dry_run {
        return Ok(());
    }
    let (outcomes, gone) =
        standings::replace(&transaction, PROVIDER, tournament.id, &rows, invocation.clock.now()).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    journal.wrote("standings", outcomes);
    if gone > 0 {
        journal.warn(format!("{gone} rows of teams that are no longer in their group were deleted"));
    }
    Ok(())
}
