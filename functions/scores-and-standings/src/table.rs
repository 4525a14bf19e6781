//! The table of a tournament, computed from the stored matches and compared with the provider's.

use chrono::{DateTime, TimeDelta, Utc};
use football::domain::TournamentStatus;
use football::plan::checks::CheckKind;
use shared::execution::Run;
use shared::journal::Step;
use shared::sync::retry::{RetryChecks, enqueue_retry, postpone_table};
use shared::sync::{self, standings};

/// Whether the provider's table is read for the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provided {
    /// It is not: the day has a check for it.
    NotRead,
    /// It is, unless it was read on the same day.
    OnceADay,
    /// It is, as soon as no match is running.
    Due,
}

/// A match that kicked off this long ago has ended, or is left to other checks.
const RUNS_FOR: TimeDelta = TimeDelta::hours(6);

/// Computes the table. `retry_since`: the time of the first attempt, if this is a retry.
pub(crate) async fn update(
    run: &mut Run<'_>,
    provided: Provided,
    retry_since: Option<DateTime<Utc>>,
) -> anyhow::Result<()> {
    let Some(id) = run.journal.tournament_id else { return Ok(()) };
    let Some(tournament) = sync::tournament(run, id).await? else { return Ok(()) };
    // A completed season may still be compared, while its table differs.
    if tournament.status == TournamentStatus::Upcoming {
        run.journal.skipped(Step::Validation, "tournament", "it is upcoming: it has no table yet");
        return Ok(());
    }
    if !tournament.mode.has_standings() {
        run.journal.skipped(Step::Validation, "standings", "the tournament has no table");
        return Ok(());
    }
    let tables = match provided {
        Provided::NotRead => None,
        Provided::OnceADay => standings::provider_tables(run, &tournament).await?,
        Provided::Due if standings::is_playing(run, &tournament, RUNS_FOR).await? => {
            run.journal.skipped(Step::Fetch, "the provider's table", "a match is still running");
            postpone_table(run, &tournament).await?;
            None
        }
        Provided::Due => standings::read_tables(run, &tournament).await?,
    };
    // No request to the provider follows.
    run.no_more_requests().await;
    let compared = tables.is_some();
    standings::sync(run, &tournament, tables).await?;
    if compared {
        standings::read_differing_rounds(run, &tournament).await?;
    }
    let kind = CheckKind::StandingsFollowUp;
    enqueue_retry(run, Some(id), RetryChecks { missed: kind, unchecked: kind, since: retry_since }).await
}
