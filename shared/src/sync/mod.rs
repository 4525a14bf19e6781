//! Fetch → plan → apply, a module a kind of row. The functions compose these.

pub mod bracket;
pub mod matches;
pub mod refresh;
pub mod rounds;
pub mod schedules;
pub mod standings;
pub mod teams;

use anyhow::Context as _;
use uuid::Uuid;

use crate::execution::{Invocation, Journal};
use crate::provider::Terms;
use crate::provider::sofascore::{PROVIDER, SeasonRef, SofaScore};
use crate::store::{Readable, StoreError, patience, tournaments};
use football::domain::{Tournament, TournamentStatus};

/// A session with the provider for this run. It has no browser until something is asked.
pub fn provider<'a>(invocation: &'a Invocation<'_>) -> SofaScore<'a> {
    let until = invocation.time_to_write();
    let terms = Terms { store: &invocation.services.store, clock: invocation.clock, until };
    SofaScore::new(&invocation.config.provider, terms)
}

/// The tournament an event is about, if it is active; otherwise the journal says why nothing is done.
pub async fn active_tournament(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    id: Uuid,
) -> anyhow::Result<Option<Tournament>> {
    let found = tournament(invocation, journal, id).await?;
    if let Some(tournament) =
        found.as_ref().filter(|tournament| tournament.status != TournamentStatus::Active)
    {
        journal.skipped("validation", "tournament", &format!("it is {}, not active", tournament.status));
    }
    Ok(found.filter(|tournament| tournament.status == TournamentStatus::Active))
}

/// The tournament an event is about, whatever its status; if it does not exist, the journal says so.
pub async fn tournament(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    id: Uuid,
) -> anyhow::Result<Option<Tournament>> {
    let client = invocation.services.store.client().await?;
    let Some(tournament) = tournaments::find(&*client, id).await? else {
        journal.skipped("validation", "tournament", "there is no such tournament, or it is deleted");
        journal.warn(format!("tournamentId {id} names no tournament (or a deleted one): nothing to do"));
        // A record may only name a tournament that exists.
        journal.tournament_id = None;
        return Ok(None);
    };
    journal.about(id, &tournament.label);
    Ok(Some(tournament))
}

/// Runs a step whose writes are one transaction: again for some seconds, where another try may well succeed (two
/// transactions were in each other's way, the connection was lost). What the journal noted of a failed try is forgotten.
pub async fn transact<T>(
    journal: &mut Journal,
    step: impl AsyncFn(&mut Journal) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut waits = patience();
    loop {
        let before = journal.clone();
        let error = match step(journal).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let transient = error.downcast_ref::<StoreError>().is_some_and(StoreError::is_transient);
        let Some(wait) = waits.next().filter(|_| transient) else { return Err(error) };
        tracing::warn!(%error, "the transaction is tried once more…");
        let alarms = std::mem::replace(journal, before).alarms;
        // Its commit may have got through: what is there already may be this run's own.
        journal.attempt += 1;
        alarms.into_iter().for_each(|alarm| journal.alarm(alarm));
        tokio::time::sleep(wait).await;
    }
}

/// The rows of a list that can be worked with; the journal warns of what is odd, once each.
pub fn readable<T>(journal: &mut Journal, read: Readable<T>) -> Vec<T> {
    for odd in read.odd {
        let warning = odd.to_string();
        if !journal.warnings.contains(&warning) {
            journal.warn(warning);
        }
    }
    read.rows
}

/// The provider's address of a tournament's season.
pub fn season(tournament: &Tournament) -> anyhow::Result<SeasonRef> {
    SeasonRef::parse(&tournament.base_url).with_context(|| {
        format!(
            "tournament.base_url {:?} is not an address of {PROVIDER}: it must be like \
             https://www.sofascore.com/api/v1/unique-tournament/16/season/41087",
            tournament.base_url
        )
    })
}
