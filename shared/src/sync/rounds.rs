//! The rounds of a tournament, as the provider lists them.

use std::collections::HashSet;

use serde_json::json;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::source::Source;
use crate::crash;
use crate::execution::Run;
use crate::journal::{RowKind, Step};
use crate::provider::{Refusal, Rounds, has_round_url, round_address};
use crate::store::rounds::{self, StoredRound};
use crate::store::{Readable, StoreError, tournaments};
use football::domain::round::is_same_round;
use football::domain::{Round, RoundAddress, RoundKind, Tournament};

/// Matches without a round that are said one by one.
const REFUSALS: usize = 5;

/// The stored rounds of a tournament, in order.
pub async fn stored_rounds(
    client: &impl GenericClient,
    tournament: Uuid,
) -> Result<Readable<StoredRound>, StoreError> {
    rounds::list(client, tournament, round_address).await
}

/// Reads the list of rounds and writes what is new or differs, with the provider's current round.
pub async fn sync(run: &mut Run<'_>, tournament: &Tournament) -> anyhow::Result<Rounds> {
    let (mut listed, season) = Source::of(tournament)?.rounds(run).await?;
    for refusal in listed.refused.iter().take(REFUSALS) {
        let Refusal { external_id, field, reason } = refusal;
        run.journal.warn(format!("match {external_id} is in no round: {field} {reason}"));
    }
    if season.provider() == tournament.provider {
        keep_stored_slugs(run, tournament, &mut listed).await?;
    } else {
        keep_stored_rounds(run, tournament, &mut listed).await?;
    }
    listed.rounds.retain(|round| {
        let fit = has_round_url(&round.address);
        if !fit {
            run.journal.warn(format!(
                "round {:?} was not taken: its slug or prefix can't stand in a URL",
                round.slug
            ));
        }
        fit
    });
    let mut known = HashSet::new();
    listed.rounds.retain(|round| {
        let is_first = known.insert(round.slug.clone());
        if !is_first {
            run.journal.warn(format!("round {:?} is listed twice: its first entry is used", round.slug));
        }
        is_first
    });
    let slugs: Vec<&str> = listed.rounds.iter().map(|round| round.slug.as_str()).collect();
    run.journal.completed(Step::Fetch, "rounds", json!({ "rounds": slugs, "current": listed.current }));
    run.journal.planned("rounds", &listed.rounds);
    if run.journal.dry_run {
        return Ok(listed);
    }
    let now = run.now();
    let step = async |run: &mut Run<'_>| {
        let mut client = run.client().await?;
        let transaction = client.transaction().await?;
        let url = |address: &_| season.round_url(address);
        let outcomes = rounds::upsert(&transaction, tournament.id, &listed.rounds, url, now).await?;
        tournaments::update(&transaction, tournament.id, None, listed.current.as_deref(), now).await?;
        crash::point("written");
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(outcomes)
    };
    let outcomes = run.transact(step).await?;
    crash::point("committed");
    run.journal.wrote(RowKind::Rounds, outcomes);
    Ok(listed)
}

/// Of another provider's rounds only those are taken that the tournament lacks: they come after the stored ones.
async fn keep_stored_rounds(
    run: &mut Run<'_>,
    tournament: &Tournament,
    listed: &mut Rounds,
) -> anyhow::Result<()> {
    let stored = stored_rounds(&*run.client().await?, tournament.id).await?;
    let stored_as = |slug: &str| stored.rows.iter().find(|stored| is_same_round(&stored.round.slug, slug));
    listed.rounds.retain(|round| stored_as(&round.slug).is_none());
    let last = stored.rows.iter().map(|stored| stored.round.order).max().unwrap_or_default();
    listed.rounds.iter_mut().zip(last + 1..).for_each(|(round, order)| round.order = order);
    listed.current =
        listed.current.take().map(|slug| stored_as(&slug).map_or(slug, |stored| stored.round.slug.clone()));
    Ok(())
}

/// A season round that an earlier version stored without its prefix keeps its slug: the application's routes have it.
async fn keep_stored_slugs(
    run: &mut Run<'_>,
    tournament: &Tournament,
    listed: &mut Rounds,
) -> anyhow::Result<()> {
    let has_prefix = |round: &Round| round.address.prefix.is_some() && round.kind == RoundKind::Season;
    if !listed.rounds.iter().any(has_prefix) {
        return Ok(());
    }
    let client = run.client().await?;
    let stored = stored_rounds(&*client, tournament.id).await?;
    drop(client);
    let is_stored =
        |address: &RoundAddress| stored.rows.iter().any(|stored| stored.round.address == *address);
    let bare: Vec<RoundAddress> = listed.rounds.iter().map(|round| round.address.clone()).collect();
    for round in listed.rounds.iter_mut().filter(|round| has_prefix(round)) {
        let without = RoundAddress { prefix: None, ..round.address.clone() };
        // Where the list has the bare number too, it is another round.
        if is_stored(&without) && !is_stored(&round.address) && !bare.contains(&without) {
            *round = Round::new(round.order, None, without);
        }
    }
    Ok(())
}
