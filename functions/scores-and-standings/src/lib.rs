//! Scores and standings: one round of one tournament is read, its scores and statuses are written, and unless the
//! check is an interim one the table is computed anew and a match still running gets its follow-up.

use chrono::{DateTime, Utc};
use football::domain::{Round, RoundKind, Tournament};
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use shared::event::{Event, InvalidInput, Request, RoundCheck, work_of};
use shared::execution::{self, Failure, Run};
use shared::invocation::Invocation;
use shared::journal::Step;
use shared::provider::ProviderError;
use shared::provider::sofascore::{Reading, SofaScore};
use shared::store::rounds;
use shared::sync::matches::{self, RoundReading};
use shared::sync::retry::{RetryChecks, enqueue_retry, follow_up};
use shared::sync::{self, bracket, schedules, standings};
use shared::work::{Operation, Work};
use uuid::Uuid;

/// Handles `{"targetEnv", "tournamentId", "roundSlug", "check"?, "kickoff"?, "scheduledTime"?, "dryRun"?}`, and
/// `{"operation": "standings", "tournamentId"}` for the table alone.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let (environment, now) = (&invocation.config.environment, invocation.clock.now());
    let event = Event::read(invocation.function, &event, environment, now);
    let mut provider = sync::provider(invocation);
    let answer = match event {
        Ok(Event { request: Request::Standings { retry_since, .. }, .. }) => {
            let work = work_of(invocation.function, invocation.request_id, &event);
            let done = table(invocation, &mut provider, work, Some(retry_since)).await;
            done.map(|summary| json!({ "standings_update": summary }))
        }
        event => Box::pin(scores_then_table(invocation, &mut provider, event)).await,
    };
    provider.close().await;
    answer
}

/// The scores, then the table where it is due.
async fn scores_then_table(
    invocation: &Invocation<'_>,
    provider: &mut SofaScore,
    event: Result<Event, InvalidInput>,
) -> Result<Value, Failure> {
    let work = work_of(invocation.function, invocation.request_id, &event);
    let scores =
        execution::run(invocation, provider, work.clone(), async |run| match run.validated(event)?.request {
            Request::Scores { tournament_id, round, check } => {
                scores(run, tournament_id, &round, check).await
            }
            _ => Ok(()),
        })
        .await?;
    if scores.facts.standings_due != Some(true) {
        return Ok(json!({ "matches_update": scores }));
    }
    let work = work.then(Operation::StandingsUpdate, scores.tournament_id);
    let standings = table(invocation, provider, work, None).await?;
    Ok(json!({ "matches_update": scores, "standings_update": standings }))
}

/// The table, drawn up as an execution of its own. `asked_for`: it is the first of its event, which says since when it
/// has been asked for if it is a retry.
async fn table(
    invocation: &Invocation<'_>,
    provider: &mut SofaScore,
    work: Work,
    asked_for: Option<Option<DateTime<Utc>>>,
) -> Result<shared::summary::Summary, Failure> {
    execution::run(invocation, provider, work, async |run| {
        if asked_for.is_some() {
            run.journal.completed(Step::Validation, "event", Value::Null);
        }
        let Some(id) = run.journal.tournament_id else { return Ok(()) };
        let Some(tournament) = sync::active_tournament(run, id).await? else { return Ok(()) };
        if !tournament.mode.has_standings() {
            run.journal.skipped(Step::Validation, "standings", "the tournament has no table");
            return Ok(());
        }
        let tables = standings::provider_tables(run, &tournament).await?;
        standings::sync(run, &tournament, tables).await?;
        // On a season's last day no later check would ask the provider.
        let kind = CheckKind::StandingsFollowUp;
        let checks = RetryChecks { missed: kind, unchecked: kind, since: asked_for.flatten() };
        enqueue_retry(run, (id, &tournament.slug), checks).await
    })
    .await
}

async fn scores(
    run: &mut Run<'_>,
    tournament_id: Uuid,
    wanted: &str,
    check: RoundCheck,
) -> anyhow::Result<()> {
    let Some(tournament) = sync::active_tournament(run, tournament_id).await? else {
        return Ok(());
    };
    let season = sync::season(&tournament)?;
    let round = round_of(run, &tournament, wanted).await?;
    let slug = round.slug.as_str();
    let read = run.provider.round(&season, slug, &round.address).await;
    let (mut reading, whole) = match read {
        Ok(reading) => (reading, true),
        // The round is not where it was: its open matches are looked up by their own ids.
        Err(error @ ProviderError::NotFound { .. }) => {
            run.journal.warn(format!("{error}: refresh the tournament's rounds"));
            (Reading::default(), false)
        }
        Err(error) => return not_read(run, &tournament, &round, check, error).await,
    };
    matches::look_up_missing(run, &tournament, slug, &mut reading).await?;
    let read = json!({ "matches": reading.matches.len() });
    run.journal.completed(Step::Fetch, &format!("round {slug}"), read);

    let read = [RoundReading { slug, reading: &reading, whole }];
    let synced = matches::sync(run, &tournament, &read).await?;
    schedules::cover(run, &tournament, &synced.unscheduled).await?;
    if round.kind == RoundKind::Knockout {
        // Winners move on at once.
        bracket::sync(run, &tournament, None).await?;
    }
    if check != RoundCheck::Interim {
        // A closing check looks after its own kickoff; what follows it, after every match of the round that still runs:
        // two kickoffs' follow-ups may fall on one minute, and are one.
        let to_be_continued = follow_up(run, &tournament, slug, check.kickoff(), None).await?;
        note_standings_due(run, &tournament, &round, to_be_continued);
    }
    Ok(())
}

async fn round_of(run: &mut Run<'_>, tournament: &Tournament, wanted: &str) -> anyhow::Result<Round> {
    let known = rounds::list(&*run.client().await?, tournament.id).await?;
    let known = sync::readable(run, known);
    let round = known.into_iter().map(|stored| stored.round).find(|round| round.slug == wanted);
    round.ok_or_else(|| {
        let remedy = format!("{wanted:?} names no round of {}: refresh the tournament", tournament.label);
        InvalidInput::one("roundSlug", &remedy).into()
    })
}

/// The provider could not give the round: a follow-up asks again, since Lambda's own retries are over in minutes and the
/// provider's trouble may not be.
async fn not_read(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round: &Round,
    check: RoundCheck,
    error: ProviderError,
) -> anyhow::Result<()> {
    let mut again = false;
    if check != RoundCheck::Interim {
        let not_before = Some(error.try_again_at(run.now()));
        again = follow_up(run, tournament, &round.slug, check.kickoff(), not_before).await?;
        // What the matches tell already.
        note_standings_due(run, tournament, round, again);
    }
    // Where a follow-up does it, a retry would only ask too soon. A refusal fails the run that met it.
    if error.is_deferral() || (again && !matches!(error, ProviderError::Blocked { .. })) {
        run.missed(&format!("round {}", round.slug), &error);
        return Ok(());
    }
    Err(error.into())
}

/// The table is computed when the last match has ended; on record, so that a repeat knows it too.
fn note_standings_due(run: &mut Run<'_>, tournament: &Tournament, round: &Round, to_be_continued: bool) {
    let due = !to_be_continued && round.kind == RoundKind::Season && tournament.mode.has_standings();
    run.journal.facts.standings_due = Some(due);
}
