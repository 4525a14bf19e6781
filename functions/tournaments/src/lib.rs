//! Tournaments: creates or refreshes a whole one. Logo, rounds, teams with their badges, matches, standings: one
//! execution each, so that a run that is cut off goes on where it stopped.

mod input;
mod probe;

use chrono::{DateTime, Utc};
use football::domain::{Round, Team, Tournament};
use football::plan::schedule::CheckKind;
use serde_json::{Value, json};
use shared::event::InvalidInput;
use shared::execution::{self, Done, Failure, Invocation, Journal, OperationType, Work};
use shared::provider::ProviderError;
use shared::provider::sofascore::{Reading, SeasonRef, SofaScore};
use shared::store::{rounds, tournaments};
use shared::sync::matches::{self, RoundReading};
use shared::sync::schedules::Again;
use shared::sync::{self, bracket, schedules, standings, teams};
use uuid::Uuid;

use input::{Input, What};

/// Handles `{"operation": "create", "tournament": {…}}` and `{"operation": "refresh", "tournamentId"}`, each with
/// `"targetEnv"` and, as a rule, an `"idempotencyKey"` of the trigger's own; and `{"operation": "probe"}`, which writes nothing.
pub async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let input = input::read(&event, &invocation.config.environment, invocation.clock.now());
    let mut provider = sync::provider(invocation);
    if probe::is_asked_for(&event, invocation) {
        let answer = probe::answer(&mut provider, invocation.clock.now()).await;
        provider.close().await;
        return Ok(answer);
    }
    let answer = Box::pin(whole(invocation, &mut provider, input)).await;
    provider.close().await;
    answer
}

/// What is wrong with an event, if anything is: for whoever is about to send it.
pub fn validate(event: &Value, environment: &str, now: DateTime<Utc>) -> Result<(), InvalidInput> {
    input::read(event, environment, now).map(drop)
}

async fn whole(
    invocation: &Invocation<'_>,
    provider: &mut SofaScore<'_>,
    input: Result<Input, InvalidInput>,
) -> Result<Value, Failure> {
    let creating = !matches!(&input, Ok(Input { what: What::Refresh(_), .. }));
    let either = |create, update| if creating { create } else { update };
    let (subject, known_id) = match &input {
        Ok(Input { what: What::Create(new), .. }) => (format!("{}/{}", new.external_id, new.slug), None),
        Ok(Input { what: What::Refresh(id), .. }) => (id.to_string(), Some(*id)),
        Err(_) => ("-".to_owned(), None),
    };
    let operation = either(OperationType::TournamentCreate, OperationType::TournamentUpdate);
    let envelope = input.as_ref().ok().map(|input| &input.envelope);
    let work = Work::of(invocation, operation, format!("{subject}:-"), known_id, envelope);
    let (next, planned_for) = (work.clone(), work.planned_for);
    let since = input.as_ref().ok().and_then(|input| input.since);

    let tournament = execution::run(invocation, work, async |journal| {
        let input = journal.validated(input)?;
        match input.what {
            What::Create(new) => create(invocation, journal, provider, new).await?,
            What::Refresh(id) => refresh_logo(invocation, journal, provider, id).await?,
        }
        let Some(id) = journal.tournament_id else { return Ok(()) };
        let Some(tournament) = sync::tournament(invocation, journal, id).await? else { return Ok(()) };
        let again = Again { missed: CheckKind::Refresh, unchecked: CheckKind::Refresh, since };
        schedules::again(invocation, journal, (id, &tournament.slug), again, planned_for).await
    })
    .await?;
    let mut answer = json!({});
    record(&mut answer, operation, &tournament);
    let Some(id) = tournament.tournament_id() else {
        // A dry run of a creation, or a refresh of what is not there: nothing further can be said.
        return Ok(answer);
    };
    answer["tournamentId"] = json!(id);

    let next = |operation| Work { operation, tournament_id: Some(id), ..next.clone() };
    let mut season = Season::default();
    // What a step could not have is asked for by a refresh.
    let mut refreshing = false;
    type Step = (OperationType, OperationType);
    let steps: [Step; 4] = [
        (OperationType::RoundsCreate, OperationType::RoundsUpdate),
        (OperationType::TeamsCreate, OperationType::TeamsUpdate),
        (OperationType::MatchesCreate, OperationType::MatchesUpdate),
        (OperationType::StandingsCreate, OperationType::StandingsUpdate),
    ];
    for (create, update) in steps {
        let operation = either(create, update);
        if create == OperationType::StandingsCreate && tournament.summary()["hasStandings"] == false {
            continue;
        }
        let done = execution::run(invocation, next(operation), async |journal| {
            let Some(tournament) = sync::tournament(invocation, journal, id).await? else { return Ok(()) };
            let planning = planned_for.unwrap_or_else(|| invocation.clock.now());
            let step = async {
                match create {
                    OperationType::RoundsCreate => {
                        sync::rounds::sync(invocation, journal, provider, &tournament).await.map(drop)
                    }
                    OperationType::TeamsCreate => {
                        season.read(invocation, journal, provider, &tournament).await?;
                        teams::sync(invocation, journal, provider, &season.teams()).await
                    }
                    OperationType::MatchesCreate => {
                        season.read(invocation, journal, provider, &tournament).await?;
                        let synced =
                            matches::sync(invocation, journal, &tournament, &season.readings()).await?;
                        schedules::cover(invocation, journal, &tournament, &synced.unscheduled, planning)
                            .await?;
                        if tournament.mode.has_knockouts() {
                            let trees = bracket::provider_trees(journal, provider, &tournament).await?;
                            journal.requests.extend(provider.take_requests());
                            bracket::sync(invocation, journal, &tournament, trees).await?;
                        }
                        Ok(())
                    }
                    _ => {
                        let tables =
                            standings::provider_tables(invocation, journal, provider, &tournament, planning)
                                .await?;
                        standings::sync(invocation, journal, &tournament, tables).await
                    }
                }
            };
            let mut done = step.await;
            if let Err(error) = &done
                && let Some(error) = error.downcast_ref::<ProviderError>()
            {
                let deferred = error.is_deferral();
                journal.missed("the provider's answers", error);
                if deferred {
                    done = Ok(());
                }
            }
            refreshing |= journal.try_again_at.is_some();
            let unchecked = match create {
                // That one reads the checks too.
                _ if refreshing => CheckKind::Refresh,
                OperationType::MatchesCreate => CheckKind::KnockoutsFollowUp,
                _ => CheckKind::StandingsFollowUp,
            };
            let again = Again { missed: CheckKind::Refresh, unchecked, since };
            schedules::again(invocation, journal, (id, &tournament.slug), again, planned_for).await?;
            done
        })
        .await?;
        record(&mut answer, operation, &done);
    }
    Ok(answer)
}

fn record<T>(answer: &mut Value, operation: OperationType, done: &Done<T>) {
    answer[operation.to_string()] = done.summary().clone();
}

/// Creates the tournament's row. A logo that can't be had leaves it without one, and says so.
async fn create(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    provider: &mut SofaScore<'_>,
    mut new: tournaments::NewTournament,
) -> anyhow::Result<()> {
    journal.tournament_label = Some(new.label.clone());
    journal.facts.insert("hasStandings".to_owned(), new.mode.has_standings().into());
    let client = invocation.services.store.client().await?;
    if let Some(there) = tournaments::find_by_identity(&*client, &new.external_id, &new.slug).await? {
        // An earlier attempt at this very work may have got this far.
        if there.created_at >= journal.first_begun && there.base_url == new.base_url {
            journal.completed("apply", "tournament", json!({ "found": there.id }));
            drop(client);
            // It may have got no further than that: the logo, if it is not there yet.
            return refresh_logo(invocation, journal, provider, there.id).await;
        }
        return Err(taken(&new.slug, Some(&there)).into());
    }
    drop(client);
    journal.planned("tournament", &json!({ "slug": new.slug, "base_url": new.base_url, "mode": new.mode }));
    if journal.dry_run {
        return Ok(());
    }
    let season = SeasonRef::parse(&new.base_url);
    if let Some(logo) = match season {
        Some(season) => logo(invocation, journal, provider, &season).await?,
        None => None,
    } {
        new.logo = logo;
    }
    let client = invocation.services.store.client().await?;
    let id = match tournaments::insert(&*client, &new, invocation.clock.now()).await {
        Ok(id) => id,
        // Another creation came between.
        Err(error) if error.broken_constraint().is_some() => return Err(taken(&new.slug, None).into()),
        Err(error) => return Err(error.into()),
    };
    journal.about(id, &new.label);
    journal.rows.inserted += 1;
    journal.completed("apply", "tournament", json!({ "inserted": id }));
    Ok(())
}

fn taken(slug: &str, by: Option<&Tournament>) -> InvalidInput {
    let by = by.map(|t| format!(" by {} ({})", t.label, t.id)).unwrap_or_default();
    InvalidInput::one(
        "tournament.slug",
        &format!(
            "{slug:?} is taken for this competition{by}: a new season needs its own, like {slug}-2024-25; \
             to bring the existing one up to date send operation refresh with its tournamentId"
        ),
    )
}

/// Fetches the logo if there is none yet.
async fn refresh_logo(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    provider: &mut SofaScore<'_>,
    id: Uuid,
) -> anyhow::Result<()> {
    let Some(tournament) = sync::tournament(invocation, journal, id).await? else {
        journal.tournament_id = None;
        return Ok(());
    };
    journal.facts.insert("hasStandings".to_owned(), tournament.mode.has_standings().into());
    if !tournament.logo.is_empty() || journal.dry_run {
        return Ok(());
    }
    if let Some(logo) = logo(invocation, journal, provider, &sync::season(&tournament)?).await? {
        let client = invocation.services.store.client().await?;
        let wrote = tournaments::update(&*client, id, Some(&logo), None, invocation.clock.now()).await?;
        journal.rows.updated += u64::from(wrote);
        journal.completed("apply", "logo", json!({ "updated": wrote }));
    }
    Ok(())
}

async fn logo(
    invocation: &Invocation<'_>,
    journal: &mut Journal,
    provider: &mut SofaScore<'_>,
    season: &SeasonRef,
) -> anyhow::Result<Option<String>> {
    let image = provider.tournament_image(season).await;
    journal.requests.extend(provider.take_requests());
    let name = format!("tournament/{}", season.tournament);
    let url = match teams::store_image(invocation, journal, "logo", &name, image).await {
        Ok(url) => url,
        // The tournament is there without its logo; what refuses it stops the next step, if it lasts.
        Err(error) => match error.downcast::<ProviderError>()? {
            error @ ProviderError::Pace(_) => return Err(error.into()),
            error => {
                journal.missed("logo", &error);
                None
            }
        },
    };
    if let Some(url) = &url {
        journal.completed("fetch", "logo", json!({ "url": url }));
    }
    Ok(url)
}

/// The events of all rounds: asked for once, used for the teams and for the matches.
#[derive(Default)]
struct Season {
    rounds: Option<Vec<(Round, Reading)>>,
    /// Rounds that could not be read.
    missed: Vec<String>,
}

impl Season {
    /// Asks for every round that is drawn, unless that was done before. One that can't be read is reported and left
    /// out; a refusal by the provider ends the run.
    async fn read(
        &mut self,
        invocation: &Invocation<'_>,
        journal: &mut Journal,
        provider: &mut SofaScore<'_>,
        tournament: &Tournament,
    ) -> anyhow::Result<()> {
        if self.rounds.is_some() {
            for step in &self.missed {
                journal.failed(
                    "fetch",
                    step,
                    &"it could not be read before, and is not asked for twice in a run",
                );
            }
            return Ok(());
        }
        let season = sync::season(tournament)?;
        let known = rounds::list(&*invocation.services.store.client().await?, tournament.id).await?;
        let known = sync::readable(journal, known);
        let mut read = Vec::new();
        for stored in known {
            let round = stored.round;
            let reading = provider.round_if_drawn(&season, &round).await;
            journal.requests.extend(provider.take_requests());
            let step = format!("round {}", round.slug);
            match reading {
                Ok(Some(reading)) => {
                    journal.completed("fetch", &step, json!({ "matches": reading.matches.len() }));
                    read.push((round, reading));
                }
                Ok(None) => journal.skipped("fetch", &step, "not drawn yet"),
                Err(error) if error.is_of_one_request() => {
                    journal.missed(&step, &error);
                    self.missed.push(step);
                }
                // What was read goes in.
                Err(error @ ProviderError::OutOfTime { .. }) => {
                    journal.missed(&step, &error);
                    self.missed.push(format!("{step} and those after it"));
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.rounds = Some(read);
        Ok(())
    }

    fn readings(&self) -> Vec<RoundReading<'_>> {
        self.rounds
            .iter()
            .flatten()
            .map(|(round, reading)| RoundReading::whole(&round.slug, reading))
            .collect()
    }

    fn teams(&self) -> Vec<Team> {
        let mut teams: Vec<Team> = Vec::new();
        for team in self.rounds.iter().flatten().flat_map(|(_, reading)| &reading.teams) {
            if !teams.iter().any(|known| known.external_id == team.external_id) {
                teams.push(team.clone());
            }
        }
        teams
    }
}
