//! Scores and standings: reads one round of one tournament and writes its scores and statuses. Unless the check is an
//! interim one, it also recomputes the table and schedules a follow-up for matches that are still running.

use chrono::{DateTime, Utc};
use football::domain::{Round, RoundKind, Tournament};
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use shared::event::{Event, InvalidInput, Request, RoundCheck, work_of};
use shared::execution::{self, Failure, Run};
use shared::invocation::Invocation;
use shared::journal::Step;
use shared::provider::ProviderError;
use shared::provider::{Reading, Session};
use shared::sync::matches::{self, RoundReading};
use shared::sync::retry::{RetryChecks, enqueue_retry, follow_up, is_followed_up, look_again};
use shared::sync::rounds::stored_rounds;
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
    provider: &mut Session,
    event: Result<Event, InvalidInput>,
) -> Result<Value, Failure> {
    let work = work_of(invocation.function, invocation.request_id, &event);
    let scores =
        execution::run(invocation, provider, work.clone(), async |run| match run.validated(event)?.request {
            Request::Scores { tournament_id, round, check } => {
                scores(run, tournament_id, &round, check).await
            }
            _ => anyhow::bail!("the event is another function's"),
        })
        .await?;
    if scores.facts.standings_due != Some(true) {
        return Ok(json!({ "matches_update": scores }));
    }
    let work = work.then(Operation::StandingsUpdate, scores.tournament_id);
    let standings = table(invocation, provider, work, None).await?;
    Ok(json!({ "matches_update": scores, "standings_update": standings }))
}

/// The table, computed as an execution of its own. `asked_for` is set if this is the event's first execution; it holds
/// the moment of the first request if the event is a retry.
async fn table(
    invocation: &Invocation<'_>,
    provider: &mut Session,
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
        // No request to the provider follows.
        run.provider.close().await;
        standings::sync(run, &tournament, tables).await?;
        // On a season's last day no later check would read the provider's table.
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
    // A follow-up of which nothing runs any more is only another look.
    let is_look = check == RoundCheck::FollowUp && !is_followed_up(run, &tournament, slug).await?;
    let read = run.provider.round(&season, slug, &round.address).await;
    let (mut reading, whole) = match read {
        Ok(reading) => (reading, true),
        // The round's address is no longer valid: its open matches are looked up by their own ids.
        Err(error @ ProviderError::NotFound { .. }) => {
            run.journal.warn(format!("{error}: refresh the tournament's rounds"));
            (Reading::default(), false)
        }
        Err(error) if is_look => {
            look_again(run, &tournament, slug, &[]).await?;
            run.missed(&format!("another look at round {slug}"), &error);
            return Ok(());
        }
        Err(error) => return not_read(run, &tournament, &round, check, error).await,
    };
    matches::look_up_missing(run, &tournament, slug, &mut reading, matches::Missing::Open).await?;
    let read = json!({ "matches": reading.matches.len() });
    run.journal.completed(Step::Fetch, &format!("round {slug}"), read);

    let read = [RoundReading { slug, reading: &reading, whole }];
    let synced = matches::sync(run, &tournament, &read).await?;
    schedules::cover(run, &tournament, &synced.unscheduled).await?;
    if round.kind == RoundKind::Knockout {
        // Winners enter the next round at once.
        bracket::sync(run, &tournament, None).await?;
    }
    if check == RoundCheck::Interim {
        // It may be the one that sees the end of a match of another kickoff.
        if !synced.ended.is_empty() {
            look_again(run, &tournament, slug, &synced.ended).await?;
            note_standings_due(run, &tournament, &round, false);
        }
    } else {
        // A closing check covers its own kickoff; its follow-up covers every match of the round that still runs,
        // because follow-ups of two kickoffs that fall on the same minute are one.
        let to_be_continued = follow_up(run, &tournament, slug, check.kickoff(), None).await?;
        if !to_be_continued {
            look_again(run, &tournament, slug, &synced.ended).await?;
        }
        let nothing_new = is_look && !synced.results;
        note_standings_due(run, &tournament, &round, to_be_continued || nothing_new);
    }
    Ok(())
}

async fn round_of(run: &mut Run<'_>, tournament: &Tournament, wanted: &str) -> anyhow::Result<Round> {
    let known = stored_rounds(&*run.client().await?, tournament.id).await?;
    let known = sync::readable(run, known);
    let round = known.into_iter().map(|stored| stored.round).find(|round| round.slug == wanted);
    round.ok_or_else(|| {
        let remedy = format!("{wanted:?} names no round of {}: refresh the tournament", tournament.label);
        InvalidInput::one("roundSlug", &remedy).into()
    })
}

/// The round could not be read: a follow-up tries again, since Lambda's own retries end within minutes and the
/// provider's failure may last longer.
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
        // Without a follow-up the table is due, from the matches that are stored.
        note_standings_due(run, tournament, round, again);
    }
    // With a follow-up scheduled, a retry would only come too soon. A refusal fails the run nevertheless.
    if error.is_deferral() || (again && !matches!(error, ProviderError::Blocked { .. })) {
        run.missed(&format!("round {}", round.slug), &error);
        return Ok(());
    }
    Err(error.into())
}

/// The table is due when no match is left running. The journal keeps this, so that a repeated run knows it too.
fn note_standings_due(run: &mut Run<'_>, tournament: &Tournament, round: &Round, to_be_continued: bool) {
    let due = !to_be_continued && round.kind == RoundKind::Season && tournament.mode.has_standings();
    run.journal.facts.standings_due = Some(due);
}
