//! Correcting a match by hand: against the provider until it is unlocked, with a preview of what follows from it.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use football::domain::{CalledOff, Match, MatchStatus, RoundKind, Score};
use football::plan::correction::{Corrected, Correction, correct};
use football::plan::matches::differences;
use serde::{Deserialize, Serialize};
use shared::event::{Request, RoundCheck};
use shared::journal::{Facts, NewResult};
use shared::outcomes::Outcomes;
use shared::store::executions::{self, Change};
use shared::store::{StoreError, locks, matches as rows, rounds};
use shared::summary::Summary;
use shared::work::Operation;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Accepted, Announced, announce, begin, note};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::effects::{self, Effects};
use crate::read::listing::no_match;
use crate::read::matches::{self, MatchView};
use crate::read::tournaments::TournamentView;
use crate::work::requests::active;

/// Goals of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Goals {
    /// The home side's.
    #[schema(minimum = 0, maximum = 99)]
    pub home: i32,
    /// The away side's.
    #[schema(minimum = 0, maximum = 99)]
    pub away: i32,
}

/// What to set of a match; what is left out stays. Without any of them the match is locked as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CorrectMatch {
    /// `open`, `ended` or `not-defined`.
    #[serde(default)]
    pub status: Option<MatchStatus>,
    /// Why it has no result, where the status is `not-defined`: `postponed`, `abandoned`, `cancelled`, `removed`, `gone`.
    #[serde(default)]
    pub called_off: Option<CalledOff>,
    /// Goals after 90 or 120 minutes.
    #[serde(default)]
    pub score: Option<Goals>,
    /// Goals of the shootout, where there was one.
    #[serde(default)]
    pub penalties: Option<Goals>,
    /// Kickoff.
    #[serde(default)]
    pub kickoff: Option<DateTime<Utc>>,
    /// Why, for those who ask later.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// The match's `updatedAt` that the correction is based on: refused if it has changed since. Left out: not checked.
    #[serde(default)]
    pub based_on: Option<DateTime<Utc>>,
    /// Say what would follow, write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// A correction, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionView {
    /// What changes of the match, as `field: old → new`. None: it is locked as it is.
    pub changes: Vec<String>,
    /// Whether another result counts than before.
    pub changes_result: bool,
    /// What changes in the table and the bracket.
    pub effects: Effects,
    /// When the application scored its members' guesses by the result as it was; it must score them again.
    pub scored_at: Option<DateTime<Utc>>,
    /// The executions that bring table and bracket in line.
    pub executions: Vec<Accepted>,
}

impl CorrectMatch {
    fn correction(&self, stored: &Match) -> Correction {
        let shootout = self.penalties.map(|goals| (goals.home, goals.away));
        let score = match self.score {
            Some(goals) => Some(Score { shootout, ..Score::new(goals.home, goals.away) }),
            // A shootout alone: after the score as it is stored.
            None => shootout.map(|shootout| Score {
                shootout: Some(shootout),
                ..stored.score.unwrap_or_else(|| Score::new(0, 0))
            }),
        };
        Correction { status: self.status, called_off: self.called_off, score, kickoff: self.kickoff }
    }
}

/// Says what a correction would change; writes nothing.
pub(crate) async fn preview(desk: &Desk, id: Uuid, asked: &CorrectMatch) -> Result<CorrectionView, Problem> {
    let (game, tournament) = of_active(desk, id).await?;
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction().await?;
    let (stored, corrected) = corrected(desk, &transaction, &game, asked).await?;
    let effects = effects::of(&transaction, &tournament, &stored, &corrected.to).await?;
    transaction.rollback().await.map_err(StoreError::from)?;
    Ok(view(&game, &stored, &corrected, effects))
}

/// Corrects and locks a match, and starts the function that brings table and bracket in line.
pub(crate) async fn correct_match(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked: &CorrectMatch,
) -> Result<CorrectionView, Problem> {
    let (game, tournament) = of_active(desk, id).await?;
    let note = note(asked.note.as_deref())?;
    let (execution, now) = (Uuid::new_v4(), desk.clock.now());
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction_of(execution, now).await?;
    let (stored, corrected) = corrected(desk, &transaction, &game, asked).await?;
    let effects = effects::of(&transaction, &tournament, &stored, &corrected.to).await?;
    let locked = game.lock.as_ref().map_or((false, false), |lock| (lock.result, lock.kickoff));
    let now_locked = (locked.0 || corrected.result, locked.1 || corrected.kickoff);
    locks::set(&transaction, id, &corrected, (&caller.name, note.unwrap_or_default()), now).await?;
    let change = (locks::words(locked.0, locked.1), locks::words(now_locked.0, now_locked.1));
    locks::record(&transaction, id, change, execution, now).await?;
    let mut shown = view(&game, &stored, &corrected, effects);
    let change =
        decision(Operation::MatchCorrect, caller, &game, &tournament, note, &corrected.to, &shown.changes);
    change.record(&transaction, execution, now).await?;
    let follows = follows(desk, &transaction, caller, &game, execution).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    shared::crash::point("corrected");
    for announced in follows {
        shown.executions.push(begin(desk, announced).await?);
    }
    Ok(shown)
}

/// Unlocks a match: it becomes what the provider last said, and its round is read again.
pub(crate) async fn unlock_match(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked_note: Option<&str>,
) -> Result<CorrectionView, Problem> {
    let (game, tournament) = of_active(desk, id).await?;
    let note = note(asked_note)?;
    let (execution, now) = (Uuid::new_v4(), desk.clock.now());
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction_of(execution, now).await?;
    let stored = rows::lock_one(&transaction, id).await?.ok_or_else(no_match)?;
    let Some(lock) = &stored.lock else {
        return Err(Problem::new(StatusCode::CONFLICT, "The match is not locked."));
    };
    let without = Corrected { to: lock.without.clone(), result: lock.result, kickoff: lock.kickoff };
    let effects = effects::of(&transaction, &tournament, &stored.known, &without.to).await?;
    locks::unlock(&transaction, id, now).await?;
    let change = (locks::words(without.result, without.kickoff), None);
    locks::record(&transaction, id, change, execution, now).await?;
    let mut shown = view(&game, &stored.known, &without, effects);
    let change =
        decision(Operation::MatchUnlock, caller, &game, &tournament, note, &without.to, &shown.changes);
    change.record(&transaction, execution, now).await?;
    let mut follows = follows(desk, &transaction, caller, &game, execution).await?;
    let check = RoundCheck::Closing { kickoff: None };
    let read = Request::Scores { tournament_id: game.tournament_id, round: game.round_slug.clone(), check };
    let key = execution.to_string();
    follows.push(announce(desk, &transaction, caller, read, false, Some(&key)).await?);
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    for announced in follows {
        shown.executions.push(begin(desk, announced).await?);
    }
    Ok(shown)
}

/// The match and its tournament, if that is active: for any other no function would bring table and bracket in line.
async fn of_active(desk: &Desk, id: Uuid) -> Result<(MatchView, TournamentView), Problem> {
    let client = desk.services().await?.store.client().await?;
    let game = matches::find(&*client, id).await?.ok_or_else(no_match)?;
    drop(client);
    let tournament = active(desk, game.tournament_id).await?;
    Ok((game, tournament))
}

async fn corrected(
    desk: &Desk,
    transaction: &tokio_postgres::Transaction<'_>,
    game: &MatchView,
    asked: &CorrectMatch,
) -> Result<(Match, Corrected), Problem> {
    let row = rows::lock_one(transaction, game.id).await?.ok_or_else(no_match)?;
    // Read again: the row is locked only now.
    let latest = matches::find(transaction, game.id).await?.ok_or_else(no_match)?;
    if asked.based_on.is_some_and(|seen| seen != latest.updated_at) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "The match was changed at {}, by somebody else or by the pipeline. Look at it again, then correct it.",
                latest.updated_at.format("%Y-%m-%d %H:%M:%S UTC")
            ),
        ));
    }
    let correction = asked.correction(&row.known);
    let corrected = correct(&row, &correction, desk.clock.now())
        .map_err(|wrong| Problem::field(StatusCode::UNPROCESSABLE_ENTITY, wrong.field, wrong.remedy))?;
    Ok((row.known, corrected))
}

fn view(game: &MatchView, stored: &Match, corrected: &Corrected, effects: Effects) -> CorrectionView {
    let result = |m: &Match| m.score.filter(|_| m.status == MatchStatus::Ended);
    let is_another = result(stored) != result(&corrected.to);
    CorrectionView {
        changes: differences(stored, &corrected.to)
            .iter()
            .filter(|difference| difference.is_for_people())
            .map(ToString::to_string)
            .collect(),
        effects,
        changes_result: is_another,
        scored_at: game.scored_at.filter(|_| is_another),
        executions: Vec::new(),
    }
}

/// An operator's decision about a match, for the record.
struct Decision<'a> {
    operation: Operation,
    caller: &'a Caller,
    tournament: Uuid,
    summary: Summary,
}

fn decision<'a>(
    operation: Operation,
    caller: &'a Caller,
    game: &MatchView,
    tournament: &TournamentView,
    note: Option<&str>,
    to: &Match,
    changes: &[String],
) -> Decision<'a> {
    let result = NewResult {
        home: game.home.name.clone(),
        away: game.away.name.clone(),
        match_id: Some(game.id),
        score: to.score.map(|score| score.to_string()),
    };
    let summary = Summary {
        tournament_id: Some(game.tournament_id),
        tournament_label: Some(tournament.label.clone()),
        rows: Some(Outcomes { updated: u64::from(!changes.is_empty()), ..Outcomes::default() }),
        facts: Facts {
            requested_by: Some(caller.name.clone()),
            note: note.map(ToOwned::to_owned),
            results: vec![result],
            decided: changes.to_vec(),
            ..Facts::default()
        },
        ..Summary::default()
    };
    Decision { operation, caller, tournament: game.tournament_id, summary }
}

impl Decision<'_> {
    async fn record(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let change = Change {
            id,
            notify: true,
            operation: self.operation,
            tournament_id: Some(self.tournament),
            requested_by: &self.caller.name,
            summary: &self.summary,
        };
        executions::record_change(transaction, &change, now).await
    }
}

/// Announces what brings the table, or the bracket, in line with the match.
async fn follows(
    desk: &Desk,
    transaction: &tokio_postgres::Transaction<'_>,
    caller: &Caller,
    game: &MatchView,
    decision: Uuid,
) -> Result<Vec<Announced>, Problem> {
    let tournament_id = game.tournament_id;
    let seasons = rounds::slugs_of_kind(transaction, tournament_id, RoundKind::Season).await?;
    let request = match seasons.contains(&game.round_slug) {
        true => Request::Standings { tournament_id, retry_since: None },
        false => Request::Knockouts { tournament_id, retry_since: None },
    };
    // Two corrections within a minute are two requests.
    let key = decision.to_string();
    Ok(vec![announce(desk, transaction, caller, request, false, Some(&key)).await?])
}
