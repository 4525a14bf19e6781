//! The rounds of a tournament, as the provider lists them.

use serde_json::json;

use super::{season, transact};
use crate::crash;
use crate::execution::{Invocation, Journal};
use crate::provider::sofascore::{Rounds, SofaScore};
use crate::store::{StoreError, rounds, tournaments};
use football::domain::Tournament;
use football::domain::round::is_path_segment;

/// Asks for the list of rounds and writes what is new or differs, with the provider's current round.
pub async fn sync(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    provider: &mut SofaScore<'_>,
    tournament: &Tournament,
) -> anyhow::Result<Rounds> {
    let season = season(tournament)?;
    let listed = provider.rounds(&season).await;
    journal.requests.extend(provider.take_requests());
    let mut listed = listed?;
    listed.rounds.retain(|round| {
        let address = &round.address;
        let fit = [&address.slug, &address.prefix].into_iter().flatten().all(|part| is_path_segment(part));
        if !fit {
            journal.warn(format!(
                "round {:?} was not taken: its slug or prefix can't stand in a URL",
                round.slug
            ));
        }
        fit
    });
    let slugs: Vec<&str> = listed.rounds.iter().map(|round| round.slug.as_str()).collect();
    journal.completed("fetch", "rounds", json!({ "rounds": slugs, "current": listed.current }));
    journal.planned("rounds", &listed.rounds);
    if journal.dry_run {
        return Ok(listed);
    }
    let now = invocation.clock.now();
    let step = async |_: &mut Journal| {
        let mut client = invocation.services.store.client().await?;
        let transaction = client.transaction().await?;
        let url = |address: &_| season.round_url(address);
        let outcomes = rounds::upsert(&transaction, tournament.id, &listed.rounds, url, now).await?;
        tournaments::update(&transaction, tournament.id, None, listed.current.as_deref(), now).await?;
        crash::point("written");
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(outcomes)
    };
    let outcomes = transact(journal, step).await?;
    crash::point("committed");
    journal.wrote("rounds", outcomes);
    Ok(listed)
}
