//! Knockouts: discovers rounds as they are listed and drawn, stores their matches, and fills the bracket.

use chrono::{DateTime, Utc};
use football::domain::RoundKind;
use football::plan::checks::CheckKind;
use serde_json::{Value, json};
use shared::delivery::{self, Task, Worker};
use shared::event::{Request, work_of};
use shared::execution::{self, Failure, Run};
use shared::invocation::Invocation;
use shared::journal::{Step, What};
use shared::provider::{ProviderError, Reading};
use shared::store::rounds::StoredRound;
use shared::sync::matches::{self, RoundReading};
use shared::sync::retry::{RetryChecks, enqueue_retry};
use shared::sync::rounds::stored_rounds;
use shared::sync::source::Source;
use shared::sync::{self, bracket};
use uuid::Uuid;

/// Handles wake-ups, `{"targetEnv", "tournamentId", "scheduledTime"?, "dryRun"?}`, and an older caller's
/// `{"knockoutsUpdateUrl"}`, whose URL names the tournament.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    delivery::handle(invocation, &event, &Knockouts).await
}

struct Knockouts;

impl Worker for Knockouts {
    async fn work(&self, task: Task<'_>) -> Result<Value, Failure> {
        let Task { invocation, provider, event, .. } = task;
        let work = work_of(invocation.function, invocation.request_id, &event);
        let done = execution::run(invocation, provider, work, async |run| {
            let Request::Knockouts { tournament_id, retry_since } = run.validated(event)?.request else {
                anyhow::bail!("the event is another function's")
            };
            let done = discover(run, tournament_id, retry_since).await;
            // The report and the messages need no request to the provider.
            run.no_more_requests().await;
            done
        })
        .await?;
        Ok(json!({ "knockouts_update": done }))
    }
}

/// Reads the list of rounds, then each knockout round that may have become known, until one is not drawn.
async fn discover(
    run: &mut Run<'_>,
    tournament_id: Uuid,
    retry_since: Option<DateTime<Utc>>,
) -> anyhow::Result<()> {
    let Some(tournament) = sync::active_tournament(run, tournament_id).await? else {
        return Ok(());
    };
    if !tournament.mode.has_knockouts() {
        run.journal.skipped(Step::Validation, "knockouts", "the tournament has no knockout rounds");
        return Ok(());
    }
    // The error that ended the reading; what was read before it is stored all the same.
    let mut stopped: Option<ProviderError> = None;
    if let Err(error) = sync::rounds::sync(run, &tournament).await {
        let error: ProviderError = error.downcast()?;
        run.missed("rounds", &error);
        stopped = Some(error).filter(|error| !error.is_isolated());
    }
    let known = stored_rounds(&*run.client().await?, tournament.id).await?;
    let known = sync::readable(run, known);
    run.journal.completed(Step::Fetch, "stored rounds", json!({ "rounds": known.len() }));
    let known_matches: i64 = known
        .iter()
        .filter(|stored| stored.round.kind == RoundKind::Knockout)
        .map(|stored| stored.matches)
        .sum();
    let source = Source::of(&tournament)?;
    let readings = read_rounds(run, &source, may_have_changed(known), &mut stopped).await;
    let readings: Vec<RoundReading<'_>> =
        readings.iter().map(|(slug, reading)| RoundReading::whole(slug, reading)).collect();
    matches::sync(run, &tournament, &readings).await?;

    // While nothing is drawn, the provider has no tree.
    let drawn = !readings.is_empty() || known_matches > 0;
    let ask = drawn && stopped.is_none();
    let trees = if ask { bracket::provider_trees(run, &tournament).await? } else { None };
    bracket::sync(run, &tournament, trees).await?;
    let kind = CheckKind::KnockoutsFollowUp;
    let checks = RetryChecks { missed: kind, unchecked: kind, since: retry_since };
    enqueue_retry(run, Some(tournament.id), checks).await?;
    match stopped {
        Some(error) if !error.is_deferral() => Err(error.into()),
        _ => Ok(()),
    }
}

/// The knockout rounds whose fixtures may differ from the stored ones. A round whose slots all have a team changes only
/// through its matches' own checks. The last known round is always among them: some of its ties may not be published
/// yet, and a replay is added to it.
fn may_have_changed(known: Vec<StoredRound>) -> impl Iterator<Item = StoredRound> {
    let frontier =
        known.iter().rposition(|stored| stored.round.kind == RoundKind::Knockout && stored.matches > 0);
    known
        .into_iter()
        .enumerate()
        .filter(|(_, stored)| stored.round.kind == RoundKind::Knockout)
        .filter(move |(index, stored)| stored.open_slots != Some(0) || Some(*index) == frontier)
        .map(|(_, stored)| stored)
}

/// Reads rounds until an error affects all of them. After a round that is not drawn yet, the later rounds of its stage
/// (its prefix) are left out.
async fn read_rounds(
    run: &mut Run<'_>,
    source: &Source<'_>,
    rounds: impl Iterator<Item = StoredRound>,
    stopped: &mut Option<ProviderError>,
) -> Vec<(String, Reading)> {
    let mut readings: Vec<(String, Reading)> = Vec::new();
    let mut waiting_stages: Vec<Option<String>> = Vec::new();
    for StoredRound { round, matches, .. } in rounds {
        if stopped.is_some() {
            break;
        }
        if waiting_stages.contains(&round.address.prefix) {
            continue;
        }
        let operation = What::of("round", &round.slug);
        match source.round_if_drawn(run, &round, matches).await {
            Ok(Some(reading)) => {
                let found = json!({ "matches": reading.matches.len(), "open_slots": reading.open_slots });
                run.journal.completed(Step::Fetch, &operation, found);
                readings.push((round.slug, reading));
            }
            Ok(None) => {
                run.journal.skipped(Step::Fetch, &operation, "not drawn yet");
                waiting_stages.push(round.address.prefix);
            }
            Err(error) => {
                run.missed(&operation, &error);
                *stopped = Some(error).filter(|error| !error.is_isolated());
            }
        }
    }
    readings
}
