//! One check of one round: its matches are read and written, and what follows from them is inserted as further checks.

use chrono::{DateTime, Utc};
use football::domain::{Round, RoundKind, Tournament, TournamentStatus};
use serde_json::json;
use shared::event::{InvalidInput, RoundCheck};
use shared::execution::Run;
use shared::journal::{Step, What};
use shared::provider::{ProviderError, Reading};
use shared::store::rounds::{self, StoredRound};
use shared::store::tournaments;
use shared::sync::matches::{self, Missing, RoundReading, Synced};
use shared::sync::read_ahead::ReadAhead;
use shared::sync::retry::{follow_up, look_again, matches_of_round};
use shared::sync::rounds::stored_rounds;
use shared::sync::source::Source;
use shared::sync::{self, bracket};
use uuid::Uuid;

/// Makes a check of a round. `ahead` has what was read for several rounds at once.
pub(crate) async fn scores(
    run: &mut Run<'_>,
    tournament_id: Uuid,
    wanted: &str,
    check: RoundCheck,
    ahead: &ReadAhead,
) -> anyhow::Result<()> {
    let Some(tournament) = followed(run, tournament_id, check).await? else { return Ok(()) };
    let source = Source::of(&tournament)?;
    let stored = match (round_of(run, &tournament, wanted).await?, check) {
        (Some(round), _) => round,
        (None, RoundCheck::FullPass) => {
            let reason = "the round is gone, or its row can't be read";
            run.journal.skipped(Step::Validation, What::of("round", wanted), reason);
            return note_attempt(run, &tournament, wanted).await;
        }
        (None, _) => {
            let remedy = format!("{wanted:?} names no round of {}: refresh the tournament", tournament.label);
            return Err(InvalidInput::one("roundSlug", &remedy).into());
        }
    };
    let round = &stored.round;
    let slug = round.slug.as_str();
    // Whatever they settled: one execution has them.
    run.journal.requests.add(ahead.take_requests());
    let (reading, whole) = match ahead.of_round(tournament_id, slug, check.kind()) {
        Some(reading) => {
            let read = json!({ "matches": reading.matches.len(), "from": "the day's list", "rounds": ahead.rounds() });
            run.journal.completed(Step::Fetch, What::of("round", slug), read);
            (reading.clone(), false)
        }
        None => match read_round(run, &tournament, &source, &stored, check).await? {
            Some(read) => read,
            None => return Ok(()),
        },
    };
    let read = [RoundReading { slug, reading: &reading, whole }];
    let synced = matches::sync(run, &tournament, &read).await?;
    if round.kind == RoundKind::Knockout {
        // Winners enter the next round at once.
        bracket::sync(run, &tournament, None).await?;
    }
    further_checks(run, &tournament, round, check, &synced).await
}

/// The tournament, if a check of this kind is to be made. A full pass reads seasons to come too.
async fn followed(run: &mut Run<'_>, id: Uuid, check: RoundCheck) -> anyhow::Result<Option<Tournament>> {
    if check != RoundCheck::FullPass {
        return sync::active_tournament(run, id).await;
    }
    let tournament = sync::tournament(run, id).await?;
    Ok(tournament.filter(|tournament| {
        let is_over = tournament.status == TournamentStatus::Completed;
        // A completed season is read only where its table differs from the provider's.
        !is_over || tournament.mode.has_standings()
    }))
}

/// Reads the round from the provider; none if that failed and the journal says what follows.
async fn read_round(
    run: &mut Run<'_>,
    tournament: &Tournament,
    source: &Source<'_>,
    StoredRound { round, matches: stored_matches, .. }: &StoredRound,
    check: RoundCheck,
) -> anyhow::Result<Option<(Reading, bool)>> {
    let slug = round.slug.as_str();
    let read = match check {
        RoundCheck::FullPass => source.round_if_drawn(run, round, *stored_matches).await,
        _ => source.round(run, round).await.map(Some),
    };
    // What was not asked for is not read.
    if check == RoundCheck::FullPass && !matches!(&read, Err(error) if error.is_deferral()) {
        note_attempt(run, tournament, slug).await?;
    }
    let (mut reading, whole) = match read {
        Ok(Some(reading)) => (reading, true),
        // The round is not (or no longer) there: its open matches are looked up by their own ids.
        Ok(None) => (Reading::default(), false),
        Err(error @ ProviderError::NotFound { .. }) => {
            run.journal.warn(format!("{error}: refresh the tournament's rounds"));
            (Reading::default(), false)
        }
        Err(error) => {
            not_read(run, tournament, round, check, error).await?;
            return Ok(None);
        }
    };
    let missing = match check {
        RoundCheck::FullPass if has_differences(run, tournament).await? => Missing::OpenOrEnded,
        _ => Missing::Open,
    };
    matches::look_up_missing(run, tournament, slug, &mut reading, missing).await?;
    let read = json!({ "matches": reading.matches.len() });
    run.journal.completed(Step::Fetch, What::of("round", slug), read);
    Ok(Some((reading, whole)))
}

async fn has_differences(run: &Run<'_>, tournament: &Tournament) -> anyhow::Result<bool> {
    let terms = tournaments::standings_terms(&*run.client().await?, tournament.id).await?;
    Ok(!terms.differences.is_empty())
}

/// Notes that a whole round was asked for, whatever the result, so that other rounds come first tomorrow.
async fn note_attempt(run: &Run<'_>, tournament: &Tournament, slug: &str) -> anyhow::Result<()> {
    if !run.journal.dry_run {
        rounds::note_attempt(&*run.client().await?, tournament.id, slug, run.now()).await?;
    }
    Ok(())
}

async fn round_of(
    run: &mut Run<'_>,
    tournament: &Tournament,
    wanted: &str,
) -> anyhow::Result<Option<StoredRound>> {
    let known = stored_rounds(&*run.client().await?, tournament.id).await?;
    let known = sync::readable(run, known);
    run.journal.completed(Step::Fetch, "stored rounds", json!({ "rounds": known.len() }));
    Ok(known.into_iter().find(|stored| stored.round.slug == wanted))
}

/// Inserts the checks that follow from what was read, and notes whether the table is due.
async fn further_checks(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round: &Round,
    check: RoundCheck,
    synced: &Synced,
) -> anyhow::Result<()> {
    let slug = round.slug.as_str();
    let stored = matches_of_round(run, tournament, slug).await?;
    let again = async |run: &mut Run<'_>, ended: &[DateTime<Utc>]| {
        look_again(run, tournament, slug, &stored, ended).await
    };
    match check {
        // It may be the one that sees the end of a match of another kickoff.
        RoundCheck::Interim => {
            if !synced.ended.is_empty() {
                again(run, &synced.ended).await?;
                note_standings_due(run, tournament, round, true);
            }
        }
        // Their matches have ended before: the table is due only if something is new.
        RoundCheck::SecondLook | RoundCheck::NextDay | RoundCheck::FullPass => {
            let running = match check {
                RoundCheck::FullPass => Vec::new(),
                _ => follow_up(run, tournament, slug, &stored, None).await?,
            };
            if running.is_empty() {
                again(run, &synced.ended).await?;
            }
            note_standings_due(run, tournament, round, synced.results);
        }
        RoundCheck::Closing { .. } | RoundCheck::FollowUp | RoundCheck::Sweep => {
            let running = follow_up(run, tournament, slug, &stored, None).await?;
            // A match of another kickoff that still runs does not hold up the table and the second look of these.
            let still_running = match check {
                RoundCheck::Closing { kickoff: Some(kickoff) } => running.contains(&kickoff),
                _ => !running.is_empty(),
            };
            if !still_running {
                again(run, &synced.ended).await?;
            }
            note_standings_due(run, tournament, round, !still_running);
        }
    }
    Ok(())
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
    // The check stays open, and a next wake-up has the time, or the turn, for it.
    if error.gives_work_back(run.shares_provider) {
        return Err(error.into());
    }
    let slug = round.slug.as_str();
    let operation = What::of("round", slug);
    let stored = matches_of_round(run, tournament, slug).await?;
    let mut again = false;
    // A retry would be in vain: a person must act.
    if matches!(error, ProviderError::NotAllowed { .. }) {
        return Err(error.into());
    }
    match check {
        RoundCheck::Interim => {}
        // What a second look would have seen is in the list of the next morning; the others come again by themselves.
        RoundCheck::SecondLook | RoundCheck::NextDay | RoundCheck::FullPass => {
            look_again(run, tournament, slug, &stored, &[]).await?;
            run.missed(&operation, &error);
            return Ok(());
        }
        RoundCheck::Closing { .. } | RoundCheck::FollowUp | RoundCheck::Sweep => {
            let not_before = Some(error.try_again_at(run.now()));
            again = !follow_up(run, tournament, slug, &stored, not_before).await?.is_empty();
            // Without a follow-up the table is due, from the matches that are stored.
            note_standings_due(run, tournament, round, !again);
        }
    }
    // With a follow-up inserted, a retry would only come too soon. A refusal fails the run nevertheless.
    if error.is_deferral() || (again && !matches!(error, ProviderError::Blocked { .. })) {
        run.missed(&operation, &error);
        return Ok(());
    }
    Err(error.into())
}

/// Notes whether the table is to be computed now, where the round counts in one. The journal keeps this, so that a
/// repeated run knows it too.
fn note_standings_due(run: &mut Run<'_>, tournament: &Tournament, round: &Round, due: bool) {
    let due = due && round.kind == RoundKind::Season && tournament.mode.has_standings();
    run.journal.facts.standings_due = Some(due);
}
