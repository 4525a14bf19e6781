//! Knockouts: discovers rounds as they are listed and drawn, stores their matches, and fills the bracket.

use chrono::{DateTime, Utc};
use football::domain::RoundKind;
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use shared::event::{self, Envelope, Fields, InvalidInput};
use shared::execution::{self, Failure, Invocation, Journal, OperationType, Work};
use shared::provider::ProviderError;
use shared::provider::sofascore::{Reading, SofaScore};
use shared::store::rounds;
use shared::sync::matches::{self, RoundReading};
use shared::sync::schedules::Again;
use shared::sync::{self, bracket, schedules};
use uuid::Uuid;

struct Input {
    envelope: Envelope,
    tournament_id: Uuid,
    /// Since when the provider could not tell what this check asks for once more.
    since: Option<DateTime<Utc>>,
}

/// Handles `{"targetEnv", "tournamentId", "scheduledTime"?, "dryRun"?}`, and an older caller's
/// `{"knockoutsUpdateUrl"}`, whose URL names the tournament.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let input = read(&event, invocation);
    let tournament_id = input.as_ref().ok().map(|input| input.tournament_id);
    let subject = tournament_id.map_or_else(|| "-:-".to_owned(), |id| format!("{id}:-"));
    let envelope = input.as_ref().ok().map(|input| &input.envelope);
    let work = Work::of(invocation, OperationType::KnockoutsUpdate, subject, tournament_id, envelope);
    let done = execution::run(invocation, work, async |journal| {
        let input = journal.validated(input)?;
        let mut provider = sync::provider(invocation);
        let planning = input.envelope.scheduled_time.unwrap_or_else(|| invocation.clock.now());
        let outcome = discover(invocation, journal, &mut provider, &input, planning).await;
        journal.requests.extend(provider.take_requests());
        provider.close().await;
        outcome
    })
    .await?;
    Ok(json!({ "knockouts_update": done.summary() }))
}

/// Reads the list of rounds, then each knockout round that may have become known, until one is not drawn.
async fn discover(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    provider: &mut SofaScore<'_>,
    input: &Input,
    planning: DateTime<Utc>,
) -> anyhow::Result<()> {
    let Some(tournament) = sync::active_tournament(invocation, journal, input.tournament_id).await? else {
        return Ok(());
    };
    if !tournament.mode.has_knockouts() {
        journal.skipped("validation", "knockouts", "the tournament has no knockout rounds");
        return Ok(());
    }
    let season = sync::season(&tournament)?;
    // What stops the provider now; what was read before it goes in all the same.
    let mut stopped: Option<ProviderError> = None;
    if let Err(error) = sync::rounds::sync(invocation, journal, provider, &tournament).await {
        let error: ProviderError = error.downcast()?;
        journal.missed("rounds", &error);
        stopped = Some(error).filter(|error| !error.is_of_one_request());
    }
    let known = rounds::list(&*invocation.services.store.client().await?, tournament.id).await?;
    let known = sync::readable(journal, known);
    let known_matches: i64 = known
        .iter()
        .filter(|stored| stored.round.kind == RoundKind::Knockout)
        .map(|stored| stored.matches)
        .sum();
    // A round whose slots all have their team does not change any more, except by its matches' own checks. The last
    // one that is known may: not all of its ties need be published, and a replay is drawn into it.
    let frontier =
        known.iter().rposition(|stored| stored.round.kind == RoundKind::Knockout && stored.matches > 0);
    let waiting = known
        .into_iter()
        .enumerate()
        .filter(|(_, stored)| stored.round.kind == RoundKind::Knockout)
        .filter(|(index, stored)| stored.open_slots != Some(0) || Some(*index) == frontier)
        .map(|(_, stored)| stored.round);
    let mut readings: Vec<(String, Reading)> = Vec::new();
    // Rounds wait for the ones before them, each stage (its prefix) for its own.
    let mut waiting_stages: Vec<Option<String>> = Vec::new();
    for round in waiting {
        if stopped.is_some() {
            break;
        }
        if waiting_stages.contains(&round.address.prefix) {
            continue;
        }
        let step = format!("round {}", round.slug);
        match provider.round_if_drawn(&season, &round).await {
            Ok(Some(reading)) => {
                let found = json!({ "matches": reading.matches.len(), "open_slots": reading.open_slots });
                journal.completed("fetch", &step, found);
                readings.push((round.slug, reading));
            }
            Ok(None) => {
                journal.skipped("fetch", &step, "not drawn yet");
                waiting_stages.push(round.address.prefix);
            }
            Err(error) => {
                journal.missed(&step, &error);
                stopped = Some(error).filter(|error| !error.is_of_one_request());
            }
        }
    }
    let readings: Vec<RoundReading<'_>> =
        readings.iter().map(|(slug, reading)| RoundReading::whole(slug, reading)).collect();
    let synced = matches::sync(invocation, journal, &tournament, &readings).await?;
    schedules::cover(invocation, journal, &tournament, &synced.unscheduled, planning).await?;
    // Nothing drawn yet: there is no tree to ask for.
    let drawn = !readings.is_empty() || known_matches > 0;
    let ask = drawn && stopped.is_none();
    let trees = if ask { bracket::provider_trees(journal, provider, &tournament).await? } else { None };
    bracket::sync(invocation, journal, &tournament, trees).await?;
    let kind = CheckKind::KnockoutsFollowUp;
    let again = Again { missed: kind, unchecked: kind, since: input.since };
    schedules::again(invocation, journal, (tournament.id, &tournament.slug), again, Some(planning)).await?;
    match stopped {
        Some(error) if !error.is_deferral() => Err(error.into()),
        _ => Ok(()),
    }
}

fn read(event: &Value, invocation: &Invocation<'_>) -> Result<Input, InvalidInput> {
    let mut fields = Fields::of(event);
    let envelope = fields.envelope(&invocation.config.environment, invocation.clock.now());
    // The URL is never asked for; all that counts is the tournament it names, and only where nothing else does.
    let url = if event["tournamentId"].is_null() { fields.optional("knockoutsUpdateUrl") } else { None };
    let tournament_id = match url {
        None => fields.uuid("tournamentId"),
        Some(url) => {
            let named = url.split(['/', '?']).find_map(event::uuid).filter(|id| !id.is_nil());
            if named.is_none() || !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
                fields
                    .problem("knockoutsUpdateUrl", "names no tournament: send tournamentId (a UUID) instead");
            }
            named.unwrap_or_default()
        }
    };
    let since = fields.follow_up_since(CheckKind::KnockoutsFollowUp);
    fields.finish(Input { envelope, tournament_id, since })
}
