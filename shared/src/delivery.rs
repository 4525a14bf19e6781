//! One delivery to a function: an event for one piece of work, or a wake-up, which works on every check that is due.
//!
//! Each check is an execution of its own, under the key that an event for it alone would have; the claim of its record is
//! the only lock. A check stays open until its executions ended well: whatever happens to a delivery, the next wake-up
//! finds what is left.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use football::plan::checks::{Check, fold};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::batch::Batch;
use crate::event::{Event, InvalidInput, WakeUp};
use crate::execution::{Failure, deliver_messages, deliver_pending, requested_by};
use crate::invocation::Invocation;
use crate::provider::Session;
use crate::store::StoreError;
use crate::store::checks::{self, CheckOutcome, Due};
use crate::store::pauses;
use crate::sync::read_ahead::ReadAhead;
use crate::sync::{self, alarms, results};
use crate::work::ErrorKind;

/// Checks that one wake-up takes at the most; the next minute's takes the rest.
const TAKEN: usize = 2_000;
/// Attempts at a check.
const ATTEMPTS: i32 = 3;
/// Checks worked on at once, where no request is needed.
const AT_ONCE: usize = 8;

/// What a function does with an event.
#[expect(async_fn_in_trait, reason = "a function environment has one thread: no future need be sent")]
pub trait Worker {
    /// Works on one event.
    async fn work(&self, task: Task<'_>) -> Result<Value, Failure>;

    /// Reads what serves several of these checks at once.
    async fn read_ahead(
        &self,
        _invocation: &Invocation<'_>,
        _provider: &mut Session,
        _due: &[&Check],
    ) -> Result<ReadAhead, Failure> {
        Ok(ReadAhead::default())
    }
}

/// One event to be worked on.
pub struct Task<'a> {
    /// The delivery. Its event is this one.
    pub invocation: &'a Invocation<'a>,
    /// The session with the provider.
    pub provider: &'a mut Session,
    /// The event, or what is wrong with it.
    pub event: Result<Event, InvalidInput>,
    /// What was read for several checks at once.
    pub ahead: &'a ReadAhead,
}

/// Handles a delivery to a function, then sets the alarms of the checks that it has inserted and sends results to the bus.
pub async fn handle(
    invocation: &Invocation<'_>,
    event: &Value,
    worker: &impl Worker,
) -> Result<Value, Failure> {
    let now = invocation.clock.now();
    let environment = &invocation.config.environment;
    let answer = match WakeUp::read(event, environment, now) {
        Some(Ok(wake_up)) => Box::pin(work_on_due(invocation, worker, wake_up.dry_run, now)).await,
        // A malformed wake-up is refused like any other event, with a record.
        _ => {
            let event = Event::read(invocation.function, event, environment, now);
            Box::pin(work_on(invocation, worker, event)).await
        }
    };
    let set = alarms::set_missing(invocation).await;
    results::send(invocation).await;
    // An error of the work itself says more.
    answer.and_then(|answer| set.map(|()| answer))
}

/// Works on one event, and closes the check that it is for, if there is one.
async fn work_on(
    invocation: &Invocation<'_>,
    worker: &impl Worker,
    event: Result<Event, InvalidInput>,
) -> Result<Value, Failure> {
    let scheduled = event.as_ref().ok().filter(|event| event.envelope.scheduled_time.is_some());
    let work = scheduled.and_then(|event| event.work(invocation.request_id));
    let store = &invocation.services.store;
    // A schedule of an earlier version names its check; the row of that stays open. What a person asks for is done.
    let is_asked = requested_by(invocation.event).is_some();
    let by_schedule = work.as_ref().filter(|_| !is_asked);
    if let Some(tournament) = by_schedule.and_then(|work| work.subject.tournament()) {
        let paused = async || pauses::is_paused(&*store.client().await?, Some(tournament)).await;
        if store.persist(paused).await.map_err(Failure::Record)? {
            tracing::info!(%tournament, "the tournament is paused: the scheduled event is left to its check");
            return Ok(json!({ "paused": true }));
        }
    }
    let mut provider = sync::provider(invocation);
    let ahead = ReadAhead::default();
    let answer = worker.work(Task { invocation, provider: &mut provider, event, ahead: &ahead }).await;
    provider.close().await;
    let answer = answer?;
    if let Some(key) = work.map(|work| work.key()) {
        let close =
            async || checks::close_by_key(&*store.client().await?, &key, invocation.clock.now()).await;
        store.persist(close).await.map_err(Failure::Record)?;
    }
    Ok(answer)
}

/// A check that is worked on, and the rows that it covers.
struct Item<'a> {
    due: &'a Due,
    covered: Vec<Uuid>,
}

/// How it went.
enum Went {
    Done,
    Failed(Failure),
    /// Its event is refused: its record says what is wrong, and another attempt would say the same.
    Refused,
    /// Another run works on it.
    Elsewhere,
    /// There was no time, or no turn to ask the provider.
    NotBegun,
}

/// Works on all checks of the function that are due.
async fn work_on_due(
    invocation: &Invocation<'_>,
    worker: &impl Worker,
    dry_run: bool,
    now: DateTime<Utc>,
) -> Result<Value, Failure> {
    let store = &invocation.services.store;
    let found = store
        .persist(async || checks::due(&*store.client().await?, invocation.function, now, TAKEN).await)
        .await
        .map_err(Failure::Record)?;
    let is_all = found.len() < TAKEN;
    let taken: Vec<Uuid> = found.iter().map(|due| due.id).collect();
    let (running, idle): (Vec<Due>, Vec<Due>) = found.into_iter().partition(|due| due.running);
    let (given_up, due): (Vec<Due>, Vec<Due>) = idle.into_iter().partition(|due| due.attempts >= ATTEMPTS);
    // One whose first execution is done reads nothing any more: it covers no other check.
    let (begun, new): (Vec<&Due>, Vec<&Due>) = due.iter().partition(|due| due.begun);
    let subjects: Vec<Check> = new.iter().map(|due| due.check.clone()).collect();
    let folded = fold(&subjects).into_iter().map(|(index, covered)| Item {
        due: new[index],
        covered: covered.into_iter().map(|index| new[index].id).collect(),
    });
    let items: Vec<Item<'_>> =
        begun.iter().map(|due| Item { due, covered: Vec::new() }).chain(folded).collect();
    if items.is_empty() && given_up.is_empty() {
        deliver_pending(invocation).await;
        return Ok(json!({ "checks": { "due": 0, "running": running.len() } }));
    }
    let batch = Batch::default();
    let invocation = &Invocation { batch: Some(&batch), ..*invocation };
    let wake_up = OneWakeUp { invocation, worker, dry_run };
    let went = wake_up.work_on_all(&items).await?;

    let closed: Vec<(Uuid, CheckOutcome)> =
        given_up.iter().map(|due| (due.id, CheckOutcome::GivenUp)).collect();
    let (mut not_begun, mut failures, mut done, mut covered) = (Vec::new(), Vec::new(), 0, 0);
    for (item, went) in items.iter().zip(went) {
        match went {
            Went::Done => {
                done += 1;
                covered += item.covered.len();
            }
            Went::Failed(failure) => failures.push(failure),
            Went::Refused | Went::Elsewhere => {}
            Went::NotBegun => not_begun.push(item.due.id),
        }
    }
    let now = invocation.clock.now();
    if !dry_run {
        let close = async || {
            let client = store.client().await?;
            checks::close(&*client, &closed, now).await?;
            checks::without_alarm(&*client, &not_begun).await?;
            match is_all {
                true => Ok(()),
                false => checks::others_without_alarm(&*client, invocation.function, now, &taken).await,
            }
        };
        store.persist(close).await.map_err(Failure::Record)?;
    }
    deliver_messages(invocation, batch.take()).await;
    for due in &given_up {
        tracing::error!(check = ?due.check, attempts = due.attempts, "a check is given up");
    }
    let counts = json!({
        "due": due.len(), "done": done, "covered": covered, "failed": failures.len(),
        "running": running.len(), "notBegun": not_begun.len(), "givenUp": given_up.len(),
    });
    tracing::info!(%counts, "the wake-up's checks");
    match failures.first() {
        None => Ok(json!({ "checks": counts })),
        Some(first) => {
            Err(Failure::Checks { failed: failures.len(), kind: first.kind(), first: first.to_string() })
        }
    }
}

/// A wake-up and what its function does.
struct OneWakeUp<'a, W> {
    invocation: &'a Invocation<'a>,
    worker: &'a W,
    dry_run: bool,
}

impl<W: Worker> OneWakeUp<'_, W> {
    /// Works on the checks: first those that need no request of their own, several at once; then the others one by one
    /// in one browser session; last those that were tried before, since one may have killed its process.
    async fn work_on_all(&self, items: &[Item<'_>]) -> Result<Vec<Went>, Failure> {
        let mut provider = sync::provider(self.invocation);
        let new: Vec<&Check> =
            items.iter().filter(|item| item.due.attempts == 0).map(|item| &item.due.check).collect();
        let ahead = self.worker.read_ahead(self.invocation, &mut provider, &new).await?;
        let mut went: BTreeMap<usize, Went> = BTreeMap::new();
        // One after the other of a tournament: they lock its rows.
        let mut settled: BTreeMap<Option<Uuid>, Vec<usize>> = BTreeMap::new();
        let mut others = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.due.attempts == 0 && ahead.settles(&item.due.check) {
                true => settled.entry(item.due.check.tournament_id).or_default().push(index),
                false => others.push(index),
            }
        }
        let groups = settled.into_values().map(async |group| {
            let mut went = Vec::new();
            for index in group {
                // Its own session, which makes no request.
                let mut none = sync::provider(self.invocation);
                went.push((index, self.work_on(&items[index], &mut none, &ahead).await?));
                none.close().await;
            }
            Ok::<_, Failure>(went)
        });
        let groups: Vec<_> =
            futures_util::stream::iter(groups).buffer_unordered(AT_ONCE).try_collect().await?;
        went.extend(groups.into_iter().flatten());
        if !others.is_empty() && !self.dry_run {
            // What follows may take long: what was inserted so far has its alarms before. Tried again at the end.
            if let Err(error) = alarms::set_missing(self.invocation).await {
                tracing::warn!(%error, "alarms could not be set yet");
            }
        }
        others.sort_by_key(|index| (items[*index].due.attempts, !items[*index].due.check.kind.is_urgent()));
        for index in others {
            let outcome = match self.has_time() {
                true => self.work_on(&items[index], &mut provider, &ahead).await?,
                false => Went::NotBegun,
            };
            went.insert(index, outcome);
        }
        provider.close().await;
        Ok(went.into_values().collect())
    }

    fn has_time(&self) -> bool {
        self.invocation.time_to_write().is_none_or(|until| Instant::now() < until)
    }

    /// Works on one check, and closes it and what it covers at once: another wake-up must not find it open.
    async fn work_on(
        &self,
        item: &Item<'_>,
        provider: &mut Session,
        ahead: &ReadAhead,
    ) -> Result<Went, Failure> {
        let due = item.due;
        let event = Event::of_check(&due.check, self.dry_run);
        let json = event.to_json(&self.invocation.config.environment, None);
        let invocation = Invocation { event: &json, ..*self.invocation };
        let task = Task { invocation: &invocation, provider, event: Ok(event), ahead };
        let went = match Box::pin(self.worker.work(task)).await {
            Ok(_) => Went::Done,
            Err(Failure::AlreadyRunning { .. } | Failure::TakenOver { .. }) => Went::Elsewhere,
            Err(Failure::NotBegun { .. }) => Went::NotBegun,
            Err(failure) => {
                tracing::error!(error = %failure, "a check failed");
                match failure.kind() {
                    ErrorKind::InvalidInput | ErrorKind::NotAllowed => Went::Refused,
                    _ => Went::Failed(failure),
                }
            }
        };
        if !self.dry_run {
            let store = &invocation.services.store;
            let note = async || self.note(&*store.client().await?, item, &went).await;
            store.persist(note).await.map_err(Failure::Record)?;
        }
        Ok(went)
    }

    /// Records what became of a check.
    async fn note(
        &self,
        client: &impl GenericClient,
        item: &Item<'_>,
        went: &Went,
    ) -> Result<(), StoreError> {
        let now = self.invocation.clock.now();
        match went {
            Went::Done => {
                let covered = item.covered.iter().map(|id| (*id, CheckOutcome::Covered));
                let closed: Vec<_> = covered.chain([(item.due.id, CheckOutcome::Done)]).collect();
                checks::close(client, &closed, now).await.map(drop)
            }
            Went::Refused => {
                checks::close(client, &[(item.due.id, CheckOutcome::GivenUp)], now).await.map(drop)
            }
            Went::Failed(_) => checks::failed(client, item.due.id).await,
            Went::Elsewhere | Went::NotBegun => Ok(()),
        }
    }
}
