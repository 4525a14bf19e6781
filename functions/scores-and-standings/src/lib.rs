//! Scores and standings: one round of one tournament is read, its scores and statuses are written, and unless the
//! check is an interim one the table is computed anew and a match still running gets its follow-up.

use chrono::{DateTime, Utc};
use football::domain::{Round, RoundKind, Tournament};
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use shared::event::{Envelope, Fields, InvalidInput};
use shared::execution::{self, Done, Failure, Invocation, Journal, OperationType, Work};
use shared::provider::ProviderError;
use shared::provider::sofascore::{Reading, SofaScore};
use shared::store::rounds;
use shared::sync::matches::{self, RoundReading};
use shared::sync::schedules::Again;
use shared::sync::{self, bracket, schedules, standings};
use uuid::Uuid;

/// In the summary of the scores: the table is to be computed now.
const STANDINGS_DUE: &str = "standingsDue";

struct Input {
    envelope: Envelope,
    tournament_id: Uuid,
    /// None: the table alone, from the matches as they are stored.
    round_slug: Option<String>,
    check: CheckKind,
    kickoff: Option<DateTime<Utc>>,
    /// Since when the table could not be checked, where this asks for it once more.
    unchecked_since: Option<DateTime<Utc>>,
}

/// Handles `{"targetEnv", "tournamentId", "roundSlug", "check"?, "kickoff"?, "scheduledTime"?, "dryRun"?}`.
///
/// An older caller's event has no `check`: it is a closing check of the whole round. Its `roundUrl` and
/// `standingsUrl` are ignored: what is asked for is what the database says. `"operation": "standings"` asks for the
/// table alone, and names no round.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let input = read(&event, invocation);
    let mut provider = sync::provider(invocation);
    let answer = Box::pin(both(invocation, &mut provider, input)).await;
    provider.close().await;
    answer
}

/// The scores, then the table where it is due.
async fn both(
    invocation: &Invocation<'_>,
    provider: &mut SofaScore<'_>,
    input: Result<Input, InvalidInput>,
) -> Result<Value, Failure> {
    // The kind is part of the work: an interim and a closing check of one round may fall on one minute.
    let (subject, tournament_id) = match &input {
        Ok(input) => (
            match &input.round_slug {
                Some(round) => format!("{}:{round}:{}", input.tournament_id, input.check),
                None => format!("{}:-", input.tournament_id),
            },
            Some(input.tournament_id),
        ),
        Err(_) => ("-:-".to_owned(), None),
    };
    let envelope = input.as_ref().ok().map(|input| &input.envelope);
    if matches!(&input, Ok(Input { round_slug: None, .. })) {
        let work = Work::of(invocation, OperationType::StandingsUpdate, subject, tournament_id, envelope);
        let done = table(invocation, provider, work, Some(input)).await?;
        return Ok(json!({ "standings_update": done.summary() }));
    }
    let work = Work::of(invocation, OperationType::MatchesUpdate, subject, tournament_id, envelope);
    let mut standings_work = Work { operation: OperationType::StandingsUpdate, ..work.clone() };
    let planning = work.planned_for.unwrap_or_else(|| invocation.clock.now());

    let done = execution::run(invocation, work, async |journal| {
        let input = journal.validated(input)?;
        let outcome = scores(invocation, journal, provider, &input, planning).await;
        journal.requests.extend(provider.take_requests());
        outcome
    })
    .await?;
    let mut answer = json!({ "matches_update": done.summary() });
    if done.summary()[STANDINGS_DUE] == true {
        standings_work.tournament_id = done.tournament_id();
        let done = table(invocation, provider, standings_work, None).await?;
        answer["standings_update"] = done.summary().clone();
    }
    Ok(answer)
}

/// The table, drawn up as an execution of its own; `input` where that is the first of its event.
async fn table(
    invocation: &Invocation<'_>,
    provider: &mut SofaScore<'_>,
    work: Work,
    input: Option<Result<Input, InvalidInput>>,
) -> Result<Done<()>, Failure> {
    let planning = work.planned_for.unwrap_or_else(|| invocation.clock.now());
    execution::run(invocation, work, async |journal| {
        let since = match input {
            Some(input) => journal.validated(input)?.unchecked_since,
            None => None,
        };
        let Some(id) = journal.tournament_id else { return Ok(()) };
        let Some(tournament) = sync::active_tournament(invocation, journal, id).await? else {
            return Ok(());
        };
        if !tournament.mode.has_standings() {
            journal.skipped("validation", "standings", "the tournament has no table");
            return Ok(());
        }
        let tables = standings::provider_tables(invocation, journal, provider, &tournament, planning).await?;
        standings::sync(invocation, journal, &tournament, tables).await?;
        // On a season's last day no later check would ask the provider.
        let kind = CheckKind::StandingsFollowUp;
        let again = Again { missed: kind, unchecked: kind, since };
        schedules::again(invocation, journal, (id, &tournament.slug), again, Some(planning)).await
    })
    .await
}

async fn scores(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    provider: &mut SofaScore<'_>,
    input: &Input,
    planning: DateTime<Utc>,
) -> anyhow::Result<()> {
    let Some(tournament) = sync::active_tournament(invocation, journal, input.tournament_id).await? else {
        return Ok(());
    };
    let season = sync::season(&tournament)?;
    let known = rounds::list(&*invocation.services.store.client().await?, tournament.id).await?;
    let known = sync::readable(journal, known);
    let wanted = input.round_slug.as_deref().unwrap_or_default();
    let Some(round) = known.into_iter().map(|stored| stored.round).find(|round| round.slug == wanted) else {
        anyhow::bail!(InvalidInput::one(
            "roundSlug",
            &format!("{wanted:?} names no round of {}: refresh the tournament", tournament.label),
        ));
    };
    let slug = round.slug.as_str();
    let read = provider.round(&season, slug, &round.address).await;
    let (mut reading, whole) = match read {
        Ok(reading) => (reading, true),
        // The round is not where it was: its open matches are looked up by their own ids.
        Err(error @ ProviderError::NotFound { .. }) => {
            journal.warn(format!("{error}: refresh the tournament's rounds"));
            (Reading::default(), false)
        }
        Err(error) => {
            // Lambda's own retries are over in minutes; the provider's trouble may not be.
            let mut again = false;
            if input.check != CheckKind::Interim {
                let kickoff = input.kickoff.filter(|_| input.check == CheckKind::Closing);
                let not_before = Some(error.try_again_at(invocation.clock.now()));
                again = schedules::follow_up(
                    invocation,
                    journal,
                    &tournament,
                    slug,
                    kickoff,
                    planning,
                    not_before,
                )
                .await?;
                // What the matches tell already.
                note_standings_due(journal, &tournament, &round, again);
            }
            // Where a follow-up does it, a retry would only ask too soon. A refusal fails the run that met it.
            if error.is_deferral() || (again && !matches!(error, ProviderError::Blocked { .. })) {
                journal.missed(&format!("round {slug}"), &error);
                return Ok(());
            }
            return Err(error.into());
        }
    };
    matches::look_up_missing(invocation, journal, provider, &tournament, slug, &mut reading).await?;
    journal.completed("fetch", &format!("round {slug}"), json!({ "matches": reading.matches.len() }));

    let read = [RoundReading { slug, reading: &reading, whole }];
    let synced = matches::sync(invocation, journal, &tournament, &read).await?;
    schedules::cover(invocation, journal, &tournament, &synced.unscheduled, planning).await?;
    if round.kind == RoundKind::Knockout {
        // Winners move on at once.
        bracket::sync(invocation, journal, &tournament, None).await?;
    }
    if input.check != CheckKind::Interim {
        // A closing check looks after its own kickoff; what follows it, after every match of the round that still runs:
        // two kickoffs' follow-ups may fall on one minute, and are one.
        let kickoff = input.kickoff.filter(|_| input.check == CheckKind::Closing);
        let to_be_continued =
            schedules::follow_up(invocation, journal, &tournament, slug, kickoff, planning, None).await?;
        note_standings_due(journal, &tournament, &round, to_be_continued);
    }
    Ok(())
}

/// The table is computed when the last match has ended; on record, so that a repeat knows it too.
fn note_standings_due(journal: &mut Journal, tournament: &Tournament, round: &Round, to_be_continued: bool) {
    let due = !to_be_continued && round.kind == RoundKind::Season && tournament.mode.has_standings();
    journal.facts.insert(STANDINGS_DUE.to_owned(), due.into());
}

fn read(event: &Value, invocation: &Invocation<'_>) -> Result<Input, InvalidInput> {
    let mut fields = Fields::of(event);
    let envelope = fields.envelope(&invocation.config.environment, invocation.clock.now());
    let tournament_id = fields.uuid("tournamentId");
    let round_slug = match fields.optional("operation").as_deref() {
        Some("standings") => None,
        None | Some("scores") => {
            Some(fields.segment("roundSlug", "the slug of a round of the tournament, like 7 or semifinals"))
        }
        Some(_) => {
            fields.problem("operation", "must be scores or standings");
            None
        }
    };
    let check = match fields.optional("check").map(|kind| kind.parse()) {
        None => CheckKind::Closing,
        Some(Ok(
            kind @ (CheckKind::Interim | CheckKind::Closing | CheckKind::FollowUp | CheckKind::Sweep),
        )) => kind,
        Some(Ok(kind @ CheckKind::StandingsFollowUp)) if round_slug.is_none() => kind,
        Some(_) => {
            fields.problem("check", "must be interim, closing, follow-up or sweep");
            CheckKind::Closing
        }
    };
    let kickoff = fields.optional("kickoff").and_then(|text| fields.time("kickoff", &text));
    let unchecked_since = fields.follow_up_since(CheckKind::StandingsFollowUp);
    fields.finish(Input { envelope, tournament_id, round_slug, check, kickoff, unchecked_since })
}
