//! Correcting a match by hand: against the provider until it is unlocked, with a preview of what follows from it.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use football::domain::{CalledOff, Match, MatchStatus, RoundKind, Score, StoredMatch};
use football::plan::checks::{Check, Kickoff, Offsets, TournamentState, checks as wanted, window_end};
use football::plan::correction::{Corrected, Correction, correct};
use football::plan::matches::differences;
use serde::{Deserialize, Serialize};
use shared::event::{Request, RoundCheck};
use shared::journal::{Facts, NewResult};
use shared::outcomes::Outcomes;
use shared::store::executions::{self, Change};
use shared::store::{StoreError, checks, locks, matches as rows, rounds};
use shared::summary::Summary;
use shared::work::Operation;
use tokio_postgres::Transaction;
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
    /// Goals after 90 or 120 minutes. With it goes the shootout: without `penalties` there was none.
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
    /// The kickoff as it was and as it becomes, where it changes.
    #[serde(skip)]
    pub moved: Option<[DateTime<Utc>; 2]>,
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
    fn correction(&self, stored: &Match) -> Result<Correction, Problem> {
        let shootout = self.penalties.map(|goals| (goals.home, goals.away));
        let score = match self.score {
            Some(goals) => Some(Score { shootout, ..Score::new(goals.home, goals.away) }),
            // A shootout alone: after the score as it is stored.
            None => match (shootout, stored.score) {
                (None, _) => None,
                (Some(_), Some(score)) => Some(Score { shootout, ..score }),
                (Some(_), None) => {
                    let remedy = "must be given with the penalties: the match has none yet";
                    return Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "score", remedy));
                }
            },
        };
        Ok(Correction { status: self.status, called_off: self.called_off, score, kickoff: self.kickoff })
    }
}

/// Says what a correction would change; writes nothing.
pub(crate) async fn preview(desk: &Desk, id: Uuid, asked: &CorrectMatch) -> Result<CorrectionView, Problem> {
    let tournament = tournament_of(desk, id).await?;
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction().await?;
    let found = find(&transaction, id).await?;
    let corrected = corrected(desk, &found, asked)?;
    let effects = effects::of(&transaction, &tournament, &found.stored.known, &corrected.to).await?;
    transaction.rollback().await.map_err(StoreError::from)?;
    Ok(view(&found, &corrected.to, effects))
}

/// Corrects and locks a match, and starts the function that brings table and bracket in line.
pub(crate) async fn correct_match(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked: &CorrectMatch,
) -> Result<CorrectionView, Problem> {
    let tournament = tournament_of(desk, id).await?;
    let note = note(asked.note.as_deref())?;
    let (record, now) = (Uuid::new_v4(), desk.clock.now());
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction_of(record, now).await?;
    let found = find(&transaction, id).await?;
    let corrected = corrected(desk, &found, asked)?;
    let effects = effects::of(&transaction, &tournament, &found.stored.known, &corrected.to).await?;
    let (result, kickoff) = found.locked();
    let set = (&found.stored.known, &corrected);
    locks::set(&transaction, id, set, (&caller.name, note.unwrap_or_default()), now).await?;
    let change = (
        locks::words(result, kickoff),
        locks::words(result || corrected.result, kickoff || corrected.kickoff),
    );
    locks::record(&transaction, id, change, record, now).await?;
    let shown = view(&found, &corrected.to, effects);
    let decision =
        Decision { operation: Operation::MatchCorrect, caller, note, tournament: &tournament, record };
    decision.record(&transaction, &found, &corrected.to, &shown.changes, now).await?;
    let follows = decision.follows(desk, &transaction, &found, &corrected.to, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    shared::crash::point("corrected");
    begin_all(desk, shown, follows).await
}

/// Unlocks a match: it becomes what the provider last said, and its round is read again.
pub(crate) async fn unlock_match(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked_note: Option<&str>,
) -> Result<CorrectionView, Problem> {
    let tournament = tournament_of(desk, id).await?;
    let note = note(asked_note)?;
    let (record, now) = (Uuid::new_v4(), desk.clock.now());
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction_of(record, now).await?;
    let found = find(&transaction, id).await?;
    let (result, kickoff) = found.locked();
    if found.stored.lock.is_none() {
        return Err(Problem::new(StatusCode::CONFLICT, "The match is not locked."));
    }
    let to = found.stored.without_lock();
    let effects = effects::of(&transaction, &tournament, &found.stored.known, to).await?;
    locks::unlock(&transaction, id, now).await?;
    locks::record(&transaction, id, (locks::words(result, kickoff), None), record, now).await?;
    let shown = view(&found, to, effects);
    let decision =
        Decision { operation: Operation::MatchUnlock, caller, note, tournament: &tournament, record };
    decision.record(&transaction, &found, to, &shown.changes, now).await?;
    let mut follows = decision.follows(desk, &transaction, &found, to, now).await?;
    let check = RoundCheck::Closing { kickoff: None };
    let round = found.game.round_slug.clone();
    let read = Request::Scores { tournament_id: tournament.id, round, check };
    let key = record.to_string();
    follows.push(announce(desk, &transaction, caller, read, false, Some(&key)).await?);
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    begin_all(desk, shown, follows).await
}

/// Starts what follows: all of it, before an error is answered.
async fn begin_all(
    desk: &Desk,
    mut shown: CorrectionView,
    follows: Vec<Announced>,
) -> Result<CorrectionView, Problem> {
    let mut failed = None;
    for announced in follows {
        match begin(desk, announced).await {
            Ok(accepted) => shown.executions.push(accepted),
            Err(problem) => failed = failed.or(Some(problem)),
        }
    }
    match failed {
        None => Ok(shown),
        Some(problem) => {
            let detail =
                format!("The match is set, but what follows from it is still to be done: {}", problem.detail);
            Err(Problem { detail, ..problem })
        }
    }
}

/// A match that is locked until the transaction ends, for display and for planning.
struct Found {
    game: MatchView,
    stored: StoredMatch,
}

impl Found {
    /// Whether result and kickoff are locked by a person.
    fn locked(&self) -> (bool, bool) {
        self.stored.lock.as_ref().map_or((false, false), |lock| (lock.result, lock.kickoff))
    }
}

async fn find(transaction: &Transaction<'_>, id: Uuid) -> Result<Found, Problem> {
    let stored = rows::lock_one(transaction, id).await?.ok_or_else(no_match)?;
    let game = matches::find(transaction, id).await?.ok_or_else(no_match)?;
    Ok(Found { game, stored })
}

/// The match's tournament, if that is active: for any other no function would bring table and bracket in line.
async fn tournament_of(desk: &Desk, id: Uuid) -> Result<TournamentView, Problem> {
    let client = desk.services().await?.store.client().await?;
    let game = matches::find(&*client, id).await?.ok_or_else(no_match)?;
    drop(client);
    active(desk, game.tournament_id).await
}

fn corrected(desk: &Desk, found: &Found, asked: &CorrectMatch) -> Result<Corrected, Problem> {
    let changed_at = found.game.updated_at;
    if asked.based_on.is_some_and(|seen| seen != changed_at) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "The match was changed at {}, by somebody else or by the pipeline. Look at it again, then correct it.",
                changed_at.format("%Y-%m-%d %H:%M:%S UTC")
            ),
        ));
    }
    let correction = asked.correction(&found.stored.known)?;
    correct(&found.stored, &correction, desk.clock.now())
        .map_err(|wrong| Problem::field(StatusCode::UNPROCESSABLE_ENTITY, wrong.field, wrong.remedy))
}

fn view(found: &Found, to: &Match, effects: Effects) -> CorrectionView {
    let stored = &found.stored.known;
    let result = |m: &Match| m.score.filter(|_| m.status == MatchStatus::Ended);
    let is_another = result(stored) != result(to);
    CorrectionView {
        changes: differences(stored, to)
            .iter()
            .filter(|difference| difference.is_for_people())
            .map(ToString::to_string)
            .collect(),
        moved: stored.kickoff.zip(to.kickoff).filter(|(from, to)| from != to).map(<[_; 2]>::from),
        effects,
        changes_result: is_another,
        scored_at: found.game.scored_at.filter(|_| is_another),
        executions: Vec::new(),
    }
}

/// An operator's decision about a match.
struct Decision<'a> {
    operation: Operation,
    caller: &'a Caller,
    note: Option<&'a str>,
    tournament: &'a TournamentView,
    /// The id of its record.
    record: Uuid,
}

impl Decision<'_> {
    /// Records it.
    async fn record(
        &self,
        transaction: &Transaction<'_>,
        found: &Found,
        to: &Match,
        changes: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let game = &found.game;
        let result = NewResult {
            home: game.home.name.clone(),
            away: game.away.name.clone(),
            match_id: Some(game.id),
            score: to.score.map(|score| score.to_string()),
        };
        let summary = Summary {
            tournament_id: Some(self.tournament.id),
            tournament_label: Some(self.tournament.label.clone()),
            rows: Some(Outcomes { updated: u64::from(!changes.is_empty()), ..Outcomes::default() }),
            facts: Facts {
                requested_by: Some(self.caller.name.clone()),
                note: self.note.map(ToOwned::to_owned),
                results: vec![result],
                decided: changes.to_vec(),
                ..Facts::default()
            },
            ..Summary::default()
        };
        let change = Change {
            id: self.record,
            notify: true,
            operation: self.operation,
            tournament_id: Some(self.tournament.id),
            match_id: Some(game.id),
            requested_by: &self.caller.name,
            summary: &summary,
        };
        executions::record_change(transaction, &change, now).await
    }

    /// Inserts the checks of a new kickoff, and announces what brings the table, or the bracket, in line.
    async fn follows(
        &self,
        desk: &Desk,
        transaction: &Transaction<'_>,
        found: &Found,
        to: &Match,
        now: DateTime<Utc>,
    ) -> Result<Vec<Announced>, Problem> {
        let id = self.tournament.id;
        let seasons = rounds::slugs_of_kind(transaction, id, RoundKind::Season).await?;
        let is_of_season = seasons.contains(&to.round_slug);
        let before = &found.stored.known;
        if before.kickoff != to.kickoff || before.status != to.status {
            let offsets = &desk.app.config.schedules.offsets;
            let has_table = is_of_season && self.tournament.has_table();
            let checks = checks_of(self.tournament, to, has_table, offsets, now);
            checks::insert(transaction, &checks, self.record, now).await?;
            if let Some(old) = before.kickoff {
                let kickoffs = [(before.round_slug.as_str(), old)];
                checks::cancel_unneeded(transaction, id, &kickoffs, now).await?;
            }
        }
        let request = match is_of_season {
            true => Request::Standings { tournament_id: id, retry_since: None },
            false => Request::Knockouts { tournament_id: id, retry_since: None },
        };
        // Two corrections within a minute are two requests.
        let key = self.record.to_string();
        Ok(vec![announce(desk, transaction, self.caller, request, false, Some(&key)).await?])
    }
}

/// The checks of an open match that begins within the days that are planned already; the started function sets their
/// alarms.
fn checks_of(
    tournament: &TournamentView,
    m: &Match,
    in_table: bool,
    offsets: &Offsets,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let is_planned = |kickoff: &DateTime<Utc>| m.status == MatchStatus::Open && *kickoff < window_end(now);
    let Some(at) = m.kickoff.filter(is_planned) else { return Vec::new() };
    let kickoff =
        Kickoff { tournament_id: tournament.id, round_slug: m.round_slug.clone(), at, open: true, in_table };
    let state = TournamentState {
        id: tournament.id,
        slug: tournament.slug.clone(),
        draw_pending: false,
        has_knockouts: tournament.has_knockouts(),
    };
    wanted(&[kickoff], &[state], &[], offsets, now, now)
}
