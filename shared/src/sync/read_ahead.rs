//! One request for many rounds: where several are due at one moment, the provider's list of the day settles those whose
//! matches it names. What only a whole round shows (a match moved to another day) is left to the full pass: a round that
//! the list settles does not count as read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use football::domain::{MatchStatus, StoredMatch, Tournament};
use football::plan::checks::{Check, CheckKind};
use uuid::Uuid;

use super::season;
use crate::execution::Failure;
use crate::invocation::Invocation;
use crate::provider::{Half, Listed, ProviderError, ProviderName, Reading, Session};
use crate::requests::{Request, RequestLog};
use crate::store::{matches, tournaments};

/// From this many requests on the list is read: it takes one or two, and is about as large as ten rounds.
const LIST_FROM: usize = 3;
/// A result may be new for this long after its kickoff: some matches are finished the next day.
const NEWS_FOR: TimeDelta = TimeDelta::hours(36);

type RoundId = (Uuid, String);

/// What was read for several checks at once.
#[derive(Default)]
pub struct ReadAhead {
    readings: BTreeMap<RoundId, Reading>,
    /// The requests, until an execution records them as its own.
    requests: Mutex<Vec<Request>>,
}

impl ReadAhead {
    /// Whether the check needs no request of its own.
    pub fn settles(&self, check: &Check) -> bool {
        let round = check.tournament_id.zip(check.round_slug.clone());
        can_be_settled(check.kind) && round.is_some_and(|round| self.readings.contains_key(&round))
    }

    /// What the list says of a round; none if the round has to be read itself.
    pub fn of_round(&self, tournament: Uuid, round: &str, kind: CheckKind) -> Option<&Reading> {
        can_be_settled(kind).then(|| self.readings.get(&(tournament, round.to_owned())))?
    }

    /// The number of rounds that the list settles.
    pub fn rounds(&self) -> usize {
        self.readings.len()
    }

    /// The requests that were made, for the first execution that asks: they count once.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the list of the day shows what a check of this kind looks for: matches of the last hours.
fn can_be_settled(kind: CheckKind) -> bool {
    matches!(kind, CheckKind::Interim | CheckKind::Closing | CheckKind::FollowUp | CheckKind::SecondLook)
}

/// Reads the day's list for these checks, if that takes fewer requests than their rounds. If the provider fails, the
/// checks meet the failure themselves.
pub async fn read(
    invocation: &Invocation<'_>,
    provider: &mut Session,
    due: &[&Check],
) -> Result<ReadAhead, Failure> {
    let wanted: BTreeSet<RoundId> = due
        .iter()
        .filter(|check| can_be_settled(check.kind))
        .filter_map(|check| check.tournament_id.zip(check.round_slug.clone()))
        .collect();
    if wanted.len() < LIST_FROM {
        return Ok(ReadAhead::default());
    }
    let now = invocation.clock.now();
    let store = &invocation.services.store;
    let stored = async || {
        let client = store.client().await?;
        let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
        let tournaments = tournaments::of_ids(&*client, &ids).await?;
        let matches = matches::between(&*client, &wanted, now - NEWS_FOR, now).await?;
        Ok((tournaments, matches))
    };
    let (tournaments, matches) = store.persist(stored).await.map_err(Failure::Record)?;
    let rounds = Rounds { tournaments: tournaments.rows, matches };
    let log = RequestLog::default();
    provider.record_in(log.clone());
    let readings = read_lists(provider, &rounds, now).await;
    tracing::info!(
        due = wanted.len(),
        settled = readings.len(),
        "the day's list was read for several rounds"
    );
    Ok(ReadAhead { readings, requests: Mutex::new(log.all()) })
}

/// The rounds that are due, with the matches that their checks may be for.
struct Rounds {
    tournaments: Vec<Tournament>,
    matches: BTreeMap<RoundId, Vec<StoredMatch>>,
}

/// Reads the list of each provider that takes fewer requests than the rounds. A list that can't be read settles nothing, and
/// takes nothing from what another one settles.
async fn read_lists(
    provider: &mut Session,
    rounds: &Rounds,
    now: DateTime<Utc>,
) -> BTreeMap<RoundId, Reading> {
    let day = now.date_naive();
    let mut settled = BTreeMap::new();
    for name in ProviderName::ALL {
        if rounds.requests(name) < LIST_FROM {
            continue;
        }
        let read = match name {
            ProviderName::SofaScore => read_halves(provider, rounds, day).await,
            ProviderName::FootballData => {
                provider.scheduled(name, day, Half::First).await.map(|listed| rounds.settled_by(&listed))
            }
        };
        match read {
            Ok(read) => settled.extend(read),
            Err(error) => {
                tracing::warn!(%error, provider = %name, "the day's list could not be read for several rounds at once");
            }
        }
    }
    settled
}

/// Reads SofaScore's list, and its other half if the first one leaves more than one round open.
async fn read_halves(
    provider: &mut Session,
    rounds: &Rounds,
    day: NaiveDate,
) -> Result<BTreeMap<RoundId, Reading>, ProviderError> {
    let mut listed = provider.scheduled(ProviderName::SofaScore, day, Half::First).await?;
    let settled = rounds.settled_by(&listed);
    if settled.len() + 1 >= rounds.requests(ProviderName::SofaScore) {
        return Ok(settled);
    }
    match provider.scheduled(ProviderName::SofaScore, day, Half::Other).await {
        Ok(other) => {
            listed.extend(other);
            Ok(rounds.settled_by(&listed))
        }
        // What the first half has settled is settled.
        Err(_) => Ok(settled),
    }
}

impl Rounds {
    /// How many requests the rounds of a provider take without its list: SofaScore gives a round, football-data.org a season.
    fn requests(&self, provider: ProviderName) -> usize {
        let season_of = |id: &Uuid| {
            let tournament = self.tournaments.iter().find(|tournament| tournament.id == *id)?;
            // Lists name matches by their provider's ids, and so must the rows.
            let is_its_own = tournament.sources.addresses.is_empty() || tournament.provider == provider;
            season(tournament).ok().filter(|season| season.provider() == provider && is_its_own)
        };
        let seasons = self.matches.keys().filter_map(|(id, _)| season_of(id));
        match provider {
            ProviderName::SofaScore => seasons.count(),
            ProviderName::FootballData => {
                seasons.map(|season| season.base_url()).collect::<BTreeSet<_>>().len()
            }
        }
    }

    /// The rounds of which the list names every match that is open or of the last day and a half, and not called off.
    fn settled_by(&self, listed: &[Listed]) -> BTreeMap<RoundId, Reading> {
        let by_id: BTreeMap<&str, &Listed> =
            listed.iter().map(|event| (event.external_id.as_str(), event)).collect();
        let settled = |((id, slug), stored): (&RoundId, &Vec<StoredMatch>)| {
            let tournament = self.tournaments.iter().find(|tournament| tournament.id == *id)?;
            let season = season(tournament).ok()?;
            let mut reading = Reading::default();
            for row in stored {
                let event =
                    by_id.get(row.known.external_id.as_str()).filter(|event| event.may_be_of(&season));
                match event {
                    Some(event) => reading.extend(event.read(slug)),
                    None if row.known.status == MatchStatus::NotDefined => {}
                    None => return None,
                }
            }
            // One that can't be read from the list may be read from its round.
            let all_read = reading.refused.is_empty() && !reading.matches.is_empty();
            all_read.then(|| ((*id, slug.clone()), reading))
        };
        self.matches.iter().filter_map(settled).collect()
    }
}
