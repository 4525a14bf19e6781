//! Tournaments: creates or refreshes a whole tournament. Logo, rounds, teams with their badges, matches and standings
//! are one execution each, so that a run that is cut off continues where it stopped.

mod probe;
mod season;

use chrono::{DateTime, Utc};
use football::domain::Tournament;
use football::plan::checks::CheckKind;
use serde_json::{Value, json};
use shared::delivery::{self, Task, Worker};
use shared::event::{Event, InvalidInput, Request, work_of};
use shared::execution::{self, Failure, Run};
use shared::invocation::Invocation;
use shared::journal::Step;
use shared::provider::ProviderError;
use shared::provider::{SeasonRef, Session};
use shared::store::{executions, tournaments};
use shared::summary::Summary;
use shared::sync::retry::{RetryChecks, enqueue_retry};
use shared::sync::source::season_at;
use shared::sync::{self, bracket, matches, standings, teams};
use shared::work::{Operation, Work};
use uuid::Uuid;

use season::Season;

/// Handles wake-ups, `{"operation": "create", "tournament": {…}}` and `{"operation": "refresh", "tournamentId"}`, each with
/// `"targetEnv"` and usually the trigger's `"idempotencyKey"`; and `{"operation": "probe"}`, which writes nothing.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let now = invocation.clock.now();
    let read = Event::read(invocation.function, &event, &invocation.config.environment, now);
    if let Ok(Event { request: Request::Probe, .. }) = read {
        let mut provider = sync::provider(invocation);
        let answer = probe::answer(&mut provider, now).await;
        provider.close().await;
        return Ok(answer);
    }
    delivery::handle(invocation, &event, &Tournaments).await
}

struct Tournaments;

impl Worker for Tournaments {
    /// A whole tournament: its row, then its parts, one execution each.
    async fn work(&self, task: Task<'_>) -> Result<Value, Failure> {
        let Task { invocation, provider, event, .. } = task;
        let first = work_of(invocation.function, invocation.request_id, &event);
        let (creating, since) = match event.as_ref().map(|event| &event.request) {
            Ok(Request::RefreshTournament { retry_since, .. }) => (false, *retry_since),
            _ => (true, None),
        };
        let tournament = execution::run(invocation, provider, first.clone(), async |run| {
            let request = run.validated(event)?.request;
            itself(run, request, since).await
        })
        .await?;
        let mut answer = json!({ first.operation.to_string(): tournament });
        let Some(id) = tournament.tournament_id else {
            // A dry run of a creation, or a refresh of a tournament that does not exist: there are no parts to run.
            return Ok(answer);
        };
        answer["tournamentId"] = json!(id);
        let mut parts = Parts { invocation, provider, first, id, creating, since, refreshing: false, answer };
        let mut season = Season::default();
        parts.rounds().await?;
        parts.teams(&mut season).await?;
        parts.matches(&mut season).await?;
        if tournament.facts.has_standings != Some(false) {
            parts.standings().await?;
        }
        Ok(parts.answer)
    }
}

/// Creates the tournament's own row, or refreshes its logo.
async fn itself(run: &mut Run<'_>, request: Request, since: Option<DateTime<Utc>>) -> anyhow::Result<()> {
    match request {
        Request::CreateTournament(new) => create(run, new).await?,
        Request::RefreshTournament { tournament_id, .. } => refresh_logo(run, tournament_id).await?,
        _ => {}
    }
    let Some(id) = run.journal.tournament_id else { return Ok(()) };
    let checks = RetryChecks { missed: CheckKind::Refresh, unchecked: CheckKind::Refresh, since };
    enqueue_retry(run, Some(id), checks).await
}

/// The parts of an existing tournament, each an execution of its own.
struct Parts<'a, 'i> {
    invocation: &'a Invocation<'i>,
    provider: &'a mut Session,
    first: Work,
    id: Uuid,
    creating: bool,
    since: Option<DateTime<Utc>>,
    /// Whether a part missed data: the retry is then a whole refresh, which repeats the checks too.
    refreshing: bool,
    answer: Value,
}

impl Parts<'_, '_> {
    async fn rounds(&mut self) -> Result<Summary, Failure> {
        let operation = self.either(Operation::RoundsCreate, Operation::RoundsUpdate);
        self.part(operation, CheckKind::StandingsFollowUp, async |run, tournament| {
            sync::rounds::sync(run, tournament).await.map(drop)
        })
        .await
    }

    async fn teams(&mut self, season: &mut Season) -> Result<Summary, Failure> {
        let operation = self.either(Operation::TeamsCreate, Operation::TeamsUpdate);
        self.part(operation, CheckKind::StandingsFollowUp, async |run, tournament| {
            season.read(run, tournament).await?;
            teams::sync(run, tournament, &season.teams()).await
        })
        .await
    }

    async fn matches(&mut self, season: &mut Season) -> Result<Summary, Failure> {
        let operation = self.either(Operation::MatchesCreate, Operation::MatchesUpdate);
        self.part(operation, CheckKind::KnockoutsFollowUp, async |run, tournament| {
            season.read(run, tournament).await?;
            matches::sync(run, tournament, &season.readings()).await?;

            if tournament.mode.has_knockouts() {
                let trees = bracket::provider_trees(run, tournament).await?;
                bracket::sync(run, tournament, trees).await?;
            }
            Ok(())
        })
        .await
    }

    async fn standings(&mut self) -> Result<Summary, Failure> {
        let operation = self.either(Operation::StandingsCreate, Operation::StandingsUpdate);
        self.part(operation, CheckKind::StandingsFollowUp, async |run, tournament| {
            let tables = standings::provider_tables(run, tournament).await?;
            standings::sync(run, tournament, tables).await
        })
        .await
    }

    fn either(&self, create: Operation, update: Operation) -> Operation {
        if self.creating { create } else { update }
    }

    /// Runs a part. Data that the provider did not give is retried by a refresh or, where only a check is missing, by
    /// `unchecked`.
    async fn part(
        &mut self,
        operation: Operation,
        unchecked: CheckKind,
        step: impl AsyncFnOnce(&mut Run<'_>, &Tournament) -> anyhow::Result<()>,
    ) -> Result<Summary, Failure> {
        let (id, since) = (self.id, self.since);
        let work = self.first.then(operation, Some(id));
        let refreshing = &mut self.refreshing;
        let done = execution::run(self.invocation, self.provider, work, async |run| {
            let Some(tournament) = sync::tournament(run, id).await? else { return Ok(()) };
            let mut done = step(run, &tournament).await;
            if let Err(error) = &done
                && let Some(error) = error.downcast_ref::<ProviderError>()
            {
                let deferred = error.is_deferral();
                run.missed("the provider's answers", error);
                if deferred {
                    done = Ok(());
                }
            }
            *refreshing |= run.retry.missed_at.is_some();
            let unchecked = if *refreshing { CheckKind::Refresh } else { unchecked };
            let checks = RetryChecks { missed: CheckKind::Refresh, unchecked, since };
            enqueue_retry(run, Some(id), checks).await?;
            done
        })
        .await?;
        self.answer[operation.to_string()] = json!(done);
        Ok(done)
    }
}

/// Creates the tournament's row. If the logo can't be read, the row is written without one and the journal notes it.
async fn create(run: &mut Run<'_>, mut new: tournaments::NewTournament) -> anyhow::Result<()> {
    run.journal.tournament_label = Some(new.label.clone());
    run.journal.provider = new.provider;
    run.journal.facts.has_standings = Some(new.mode.has_standings());
    let client = run.client().await?;
    if let Some(there) = tournaments::find_by_identity(&*client, &new.external_id, &new.slug).await? {
        // An earlier attempt at the same work may have inserted the row.
        if there.created_at >= run.first_begun && there.base_url == new.base_url {
            run.journal.completed(Step::Apply, "tournament", json!({ "found": there.id }));
            drop(client);
            // That attempt may have stopped there, so the logo may still be missing.
            return refresh_logo(run, there.id).await;
        }
        let is_deleted = tournaments::find(&*client, there.id).await?.is_none();
        return Err(taken(&new.slug, Some((&there, is_deleted))).into());
    }
    // A match belongs to one tournament: a second one of the season would have rounds and no matches.
    if let Some(there) = tournaments::find_by_season(&*client, &new.base_url).await? {
        let is_deleted = tournaments::find(&*client, there.id).await?.is_none();
        let remedy = remedy(is_deleted);
        return Err(InvalidInput::one(
            "tournament.baseUrl",
            &format!(
                "this season has a tournament, {} ({}, {}): {remedy}",
                there.label, there.slug, there.id
            ),
        )
        .into());
    }
    drop(client);
    run.journal
        .planned("tournament", &json!({ "slug": new.slug, "base_url": new.base_url, "mode": new.mode }));
    if run.journal.dry_run {
        return Ok(());
    }
    let season = SeasonRef::parse(&new.base_url);
    if let Some(logo) = match season {
        Some(season) => logo(run, &season).await?,
        None => None,
    } {
        new.logo = logo;
    }
    let client = run.client().await?;
    let id = match tournaments::insert(&*client, &new, run.now()).await {
        Ok(id) => id,
        // Another creation inserted the row in the meantime.
        Err(error) if error.broken_constraint().is_some() => return Err(taken(&new.slug, None).into()),
        Err(error) => return Err(error.into()),
    };
    executions::note_tournament(&*client, run.record, id).await?;
    run.journal.about(id, &new.label);
    run.journal.rows.inserted += 1;
    run.journal.completed(Step::Apply, "tournament", json!({ "inserted": id }));
    Ok(())
}

/// What to do instead of creating a tournament that is there.
fn remedy(is_deleted: bool) -> &'static str {
    match is_deleted {
        true => "it is deleted: to follow it again restore it (deleted_at = NULL), then refresh it",
        false => "to bring the existing one up to date send operation refresh with its tournamentId",
    }
}

/// The slug is taken, by a tournament that may be deleted.
fn taken(slug: &str, by: Option<(&Tournament, bool)>) -> InvalidInput {
    let name = by.map(|(t, _)| format!(" by {} ({})", t.label, t.id)).unwrap_or_default();
    let remedy = remedy(by.is_some_and(|(_, is_deleted)| is_deleted));
    InvalidInput::one(
        "tournament.slug",
        &format!(
            "{slug:?} is taken for this competition{name}: a new season needs its own, like {slug}-2024-25; {remedy}"
        ),
    )
}

/// Fetches the logo if there is none yet.
async fn refresh_logo(run: &mut Run<'_>, id: Uuid) -> anyhow::Result<()> {
    let Some(tournament) = sync::tournament(run, id).await? else {
        run.journal.tournament_id = None;
        return Ok(());
    };
    run.journal.facts.has_standings = Some(tournament.mode.has_standings());
    if !tournament.logo.is_empty() || run.journal.dry_run {
        return Ok(());
    }
    let season = season_at(&tournament, tournament.provider);
    if let Some(season) = season
        && let Some(logo) = logo(run, &season).await?
    {
        let client = run.client().await?;
        let wrote = tournaments::update(&*client, id, Some(&logo), None, run.now()).await?;
        run.journal.rows.updated += u64::from(wrote);
        run.journal.completed(Step::Apply, "logo", json!({ "updated": wrote }));
    }
    Ok(())
}

async fn logo(run: &mut Run<'_>, season: &SeasonRef) -> anyhow::Result<Option<String>> {
    let image = run.provider.tournament_image(season).await;
    let name = format!("{}/tournament/{}", season.provider(), season.external_id());
    let url = match teams::store_image(run, "logo", &name, image).await {
        Ok(url) => url,
        // The tournament can be used without its logo; a refusal that lasts stops the next step.
        Err(error) => match error.downcast::<ProviderError>()? {
            error @ ProviderError::Gate(_) => return Err(error.into()),
            error => {
                run.missed("logo", &error);
                None
            }
        },
    };
    if let Some(url) = &url {
        run.journal.completed(Step::Fetch, "logo", json!({ "url": url }));
    }
    Ok(url)
}
