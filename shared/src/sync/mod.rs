//! Fetch → plan → apply, one module per kind of row. The functions compose these.

pub mod alarms;
pub mod bracket;
pub mod checks;
pub mod cross_check;
mod identity;
pub mod matches;
pub mod read_ahead;
pub mod refresh;
pub mod results;
pub mod retry;
pub mod rounds;
pub mod source;
pub mod standings;
pub mod teams;

use std::sync::Arc;

use anyhow::Context as _;
use football::domain::{Tournament, TournamentStatus};
use serde_json::json;
use uuid::Uuid;

use crate::execution::Run;
use crate::gate::Gate;
use crate::invocation::Invocation;
use crate::journal::Step;
use crate::provider::{FootballData, ProviderName, SeasonRef, Session, SofaScore};
use crate::store::{Readable, tournaments};

/// A session with the providers for this delivery. It has no browser until the first request.
pub fn provider(invocation: &Invocation<'_>) -> Session {
    let gate = |provider, pause, refusal_wait| {
        let (store, clock) = (invocation.services.store.clone(), invocation.clock);
        let gives_way = invocation.batch.is_some();
        Gate::new(provider, store, clock, invocation.time_to_write(), gives_way, (pause, refusal_wait))
    };
    let (own, theirs) = (invocation.config.provider.clone(), invocation.config.football_data.clone());
    let sofascore = gate(ProviderName::SofaScore, own.pause, own.refusal_wait);
    let football_data = gate(ProviderName::FootballData, theirs.pause, theirs.refusal_wait);
    Session::new(
        SofaScore::new(own, sofascore),
        FootballData::new(theirs, football_data, Arc::clone(&invocation.services.vault)),
    )
}

/// The tournament an event is about, if it is active; otherwise the journal records why nothing is done.
pub async fn active_tournament(run: &mut Run<'_>, id: Uuid) -> anyhow::Result<Option<Tournament>> {
    let found = tournament(run, id).await?;
    if let Some(tournament) =
        found.as_ref().filter(|tournament| tournament.status != TournamentStatus::Active)
    {
        run.journal.skipped(
            Step::Validation,
            "tournament",
            &format!("it is {}, not active", tournament.status),
        );
    }
    Ok(found.filter(|tournament| tournament.status == TournamentStatus::Active))
}

/// The tournament an event is about, whatever its status; if it does not exist, the journal records that.
pub async fn tournament(run: &mut Run<'_>, id: Uuid) -> anyhow::Result<Option<Tournament>> {
    let client = run.client().await?;
    let Some(tournament) = tournaments::find(&*client, id).await? else {
        run.journal.skipped(Step::Validation, "tournament", "there is no such tournament, or it is deleted");
        run.journal.warn(format!("tournamentId {id} names no tournament (or a deleted one): nothing to do"));
        // A record may only name a tournament that exists.
        run.journal.tournament_id = None;
        return Ok(None);
    };
    run.journal.about(id, &tournament.label);
    run.journal.provider = asked(&tournament);
    run.journal.completed(Step::Validation, "tournament", json!({ "label": tournament.label }));
    Ok(Some(tournament))
}

/// The provider that is asked first for a tournament; with a malformed address, the one it was created under.
fn asked(tournament: &Tournament) -> ProviderName {
    season(tournament).map_or(tournament.provider, |season| season.provider())
}

/// The readable rows of a list; the journal gets one warning for each unreadable one.
pub fn readable<T>(run: &mut Run<'_>, read: Readable<T>) -> Vec<T> {
    for invalid in read.malformed {
        let warning = invalid.to_string();
        if !run.journal.warnings.contains(&warning) {
            run.journal.warn(warning);
        }
    }
    read.rows
}

/// The tournament's season at the provider that is asked first: the one it was created under, unless another was chosen.
pub fn season(tournament: &Tournament) -> anyhow::Result<SeasonRef> {
    if let Some(chosen) = tournament.sources.asked {
        return source::season_at(tournament, chosen).with_context(|| {
            format!("no address of {} at {chosen} is stored: set it on its page", tournament.label)
        });
    }
    SeasonRef::parse(&tournament.base_url).with_context(|| {
        format!(
            "tournament.base_url {:?} is no provider's address of a season: it must be like \
             https://www.sofascore.com/api/v1/unique-tournament/16/season/41087 or \
             https://api.football-data.org/v4/competitions/PL/matches?season=2025",
            tournament.base_url
        )
    })
}
