//! Matches: writes what was read from the provider to the database.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use strum::VariantNames;
use tokio_postgres::GenericClient;

use super::rounds::stored_rounds;
use super::source::{OneMatch, Source};
use super::{asked, checks, identity, readable, teams};
use crate::crash;
use crate::execution::Run;
use crate::journal::{Journal, NewResult, RoundCounts, RowKind, Step, What};
use crate::provider::ProviderError;
use crate::provider::{Alias, Listed, ProviderName, Reading};
use crate::store::aliases::{self, DifferencesOf};
use crate::store::history::{self, Rejected};
use crate::store::matches::Upserted;
use crate::store::{StoreError, executions, locks, matches, rounds, standings};
use football::domain::{CalledOff, Match, MatchStatus, Round, RoundKind, StoredMatch, Tournament};
use football::plan::matches::{self as plan, Change, HeldReason, MatchPlan};

/// Matches looked up by their own ids in one run: each needs a request.
const LOOKUP_LIMIT: usize = 5;
/// Match ids named in one warning; the database has them all.
const NAMED_IDS: usize = 5;

/// A reading of a round.
#[derive(Debug, Clone, Copy)]
pub struct RoundReading<'a> {
    /// The round's slug.
    pub slug: &'a str,
    /// What was read.
    pub reading: &'a Reading,
    /// Whether the whole round was read.
    pub whole: bool,
}

impl<'a> RoundReading<'a> {
    /// A reading of the whole round.
    pub fn whole(slug: &'a str, reading: &'a Reading) -> Self {
        Self { slug, reading, whole: true }
    }
}

/// The result of writing matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synced {
    /// A result is new or changed: the table and the bracket must be computed again.
    pub results: bool,
    /// The kickoffs of the matches whose end was seen for the first time.
    pub ended: Vec<DateTime<Utc>>,
}

/// Plans and writes the matches of some rounds, in one transaction.
pub async fn sync(
    run: &mut Run<'_>,
    tournament: &Tournament,
    readings: &[RoundReading<'_>],
) -> anyhow::Result<Synced> {
    crash::point("fetched");
    let step = async |run: &mut Run<'_>| sync_once(run, tournament, readings).await;
    let synced = run.transact(step).await;
    crash::point("committed");
    synced
}

// A long function, because the reads, plan and writes of one transaction are best read together.
async fn sync_once(
    run: &mut Run<'_>,
    tournament: &Tournament,
    readings: &[RoundReading<'_>],
) -> anyhow::Result<Synced> {
    let mut client = run.client().await?;
    let read: Vec<_> = readings.iter().flat_map(|round| round.reading.matches.clone()).collect();
    let ids: Vec<&str> = read.iter().map(|m| m.external_id.as_str()).collect();
    let slugs: Vec<&str> = readings.iter().map(|round| round.slug).collect();
    let transaction = client.transaction_of(run.record.id, run.now()).await?;
    let stored = matches::lock_of_rounds(&transaction, tournament.id, &slugs, &ids).await?;
    let plan = plan::plan(&read, &stored);
    // The daily routine processes all tournaments in one execution.
    let name = match run.journal.tournament_id {
        Some(_) => "matches".to_owned(),
        None => format!("matches of {}", tournament.slug),
    };
    run.journal.planned(&name, &plan);
    note_counts(&mut run.journal, name, readings);
    let names = names(&transaction, tournament.provider, &plan, &stored, readings).await?;
    warn_of_what_was_not_taken(&mut run.journal, &plan, readings, &names);
    warn_of_corrections(&mut run.journal, &plan, &names);
    let mut results = new_results(&plan, &names);
    if let Some(unknown) = unknown_statuses(&stored) {
        run.journal.warn(format!(
            "{unknown}: what the provider says replaces it; where it says nothing, set it to {}",
            MatchStatus::VARIANTS.join(", ")
        ));
    }
    let synced = Synced {
        // An earlier attempt may have written the matches and died before it computed table and bracket.
        results: plan.changes_results()
            || (run.attempt > 1 && plan.write.iter().any(|m| m.status == MatchStatus::Ended)),
        ended: first_ended(&plan, run.attempt > 1),
    };
    let now = run.now();
    let first = plan.write.iter().filter(|m| is_first_end(&plan, m)).filter_map(|m| m.changed_at).min();
    let latency = first.map(|changed| (now - changed).num_seconds().max(0));
    run.journal.facts.result_latency_s = run.journal.facts.result_latency_s.max(latency);
    if run.journal.dry_run {
        run.journal.facts.results.extend(results.into_iter().map(|(_, result)| result));
        checks::follow_matches(run, &transaction, tournament, &plan, &stored).await?;
        return Ok(synced);
    }
    if !plan.new.is_empty() || plan.changes.iter().any(|change| change.moves_teams()) {
        let mut all = Reading::default();
        readings.iter().for_each(|round| all.extend(round.reading.clone()));
        teams::ensure(run, &transaction, tournament, &all.teams).await?;
    }
    let rejected = rejected(&plan, readings);
    if !rejected.is_empty() {
        history::record_rejected(&transaction, tournament.id, run.record.id, &rejected, now).await?;
    }
    let aliases: Vec<&Alias> = readings.iter().flat_map(|round| &round.reading.aliases).collect();
    let whose: HashMap<&str, ProviderName> =
        aliases.iter().map(|alias| (alias.ours.as_str(), alias.provider)).collect();
    let read_from = |m: &Match| whose.get(m.external_id.as_str()).copied().unwrap_or(tournament.provider);
    let Upserted { outcomes, unresolved, written } =
        matches::upsert(&transaction, tournament.provider, tournament.id, &plan.write, read_from, now)
            .await?;
    note_aliases(run, &transaction, tournament, readings).await?;
    let of_first = |id: &&String| read_from_first(tournament, whose.get(id.as_str()));
    let changed: Vec<&str> = written.keys().filter(of_first).map(String::as_str).collect();
    warn_of_differences(run, &transaction, tournament, &changed).await?;
    if !plan.beside_locks.is_empty() {
        locks::note_provider(&transaction, tournament.id, &plan.beside_locks).await?;
    }
    if !plan.doubts.is_empty() {
        matches::doubt(&transaction, tournament.id, &plan.doubts).await?;
    }
    for (id, result) in &mut results {
        result.match_id = written.get(*id).copied();
    }
    run.journal.facts.results.extend(results.into_iter().map(|(_, result)| result));
    let read_as_a_whole: Vec<(String, i32)> = readings
        .iter()
        .filter(|round| round.whole)
        .map(|round| (round.slug.to_owned(), i32::try_from(round.reading.open_slots).unwrap_or(i32::MAX)))
        .collect();
    rounds::note_reading(&transaction, tournament.id, &read_as_a_whole, now).await?;
    checks::follow_matches(run, &transaction, tournament, &plan, &stored).await?;
    if !run.journal.alarms.is_empty() {
        let ours = executions::note_alarms(&transaction, run.record, &run.journal.alarms).await?;
        anyhow::ensure!(ours, "the record is another run's by now: nothing is written");
    }
    crash::point("written");
    transaction.commit().await.map_err(StoreError::from)?;
    run.journal.wrote(RowKind::Matches, outcomes);
    if !unresolved.is_empty() {
        run.journal.failed(
            Step::Apply,
            "matches that could not be stored",
            &format!("{} (their team is unknown, or another tournament has them)", unresolved.join(", ")),
        );
    }
    Ok(synced)
}

/// Whether a match was read from the provider that is asked first.
fn read_from_first(tournament: &Tournament, alias: Option<&ProviderName>) -> bool {
    alias.is_none_or(|provider| *provider == asked(tournament))
}

/// Records what providers call the matches, and what they say of them: beside the first provider's word, a difference can be
/// seen.
async fn note_aliases(
    run: &Run<'_>,
    transaction: &impl GenericClient,
    tournament: &Tournament,
    readings: &[RoundReading<'_>],
) -> Result<(), StoreError> {
    for provider in ProviderName::ALL {
        let said: Vec<(&str, &Match)> =
            readings.iter().flat_map(|round| round.reading.said_by(provider)).collect();
        if !said.is_empty() {
            aliases::note_matches(transaction, tournament.id, provider, &said, run.now()).await?;
        }
    }
    Ok(())
}

/// Warns of matches that the first provider has just changed and of which another one said something else.
async fn warn_of_differences(
    run: &mut Run<'_>,
    transaction: &impl GenericClient,
    tournament: &Tournament,
    changed: &[&str],
) -> Result<(), StoreError> {
    if tournament.sources.addresses.is_empty() || changed.is_empty() {
        return Ok(());
    }
    let of = DifferencesOf::Matches(tournament.id, changed);
    for difference in aliases::differences(transaction, of).await? {
        run.journal.warn(difference.to_string());
    }
    Ok(())
}

/// Which matches that a reading lacks are looked up by their own ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Those still to be played.
    Open,
    /// Those with a result as well: where the table differs from the provider's, it may have been removed.
    OpenOrEnded,
}

/// Looks up matches of a round that are missing from its reading by their own ids, and adds the results to the reading.
/// Their absence alone changes nothing.
pub async fn look_up_missing(
    run: &mut Run<'_>,
    tournament: &Tournament,
    round_slug: &str,
    reading: &mut Reading,
    wanted: Missing,
) -> anyhow::Result<()> {
    let client = run.client().await?;
    let stored = matches::of_rounds(&*client, tournament.id, &[round_slug], &[]).await?;
    let listed = stored_rounds(&*client, tournament.id).await?;
    let known: Vec<Round> = readable(run, listed).into_iter().map(|stored| stored.round).collect();
    drop(client);
    let missing: Vec<Match> = stored
        .into_iter()
        .map(|row| row.without_lock().clone())
        .filter(|m| match m.status {
            MatchStatus::Open => true,
            MatchStatus::Ended => wanted == Missing::OpenOrEnded,
            MatchStatus::NotDefined => false,
        })
        .filter(|m| !reading.matches.iter().any(|read| read.external_id == m.external_id))
        .filter(|m| !reading.refused.iter().any(|refusal| refusal.external_id == m.external_id))
        .collect();
    if missing.len() > LOOKUP_LIMIT {
        run.journal.warn(format!(
            "{} matches are missing from round {round_slug}; {LOOKUP_LIMIT} of them were looked up",
            missing.len()
        ));
    }
    let source = Source::of(tournament)?;
    for mut gone in missing.into_iter().take(LOOKUP_LIMIT) {
        let id = gone.external_id.clone();
        match source.one_match(run, &id).await {
            Ok(OneMatch::Found(found, provider)) => {
                let slug = round_of(&found, &known).unwrap_or(round_slug);
                let read = identity::ours(run, tournament, provider, found.read(slug)).await?;
                // Its teams are not decided, says this reply: the match stays as it is.
                if read.matches.is_empty() && read.refused.is_empty() {
                    continue;
                }
                run.journal.warn(format!(
                    "match {id} is no longer in round {round_slug}; found by its own id in {slug}"
                ));
                reading.extend(read);
            }
            Ok(OneMatch::NotAsked) => {}
            Ok(OneMatch::Gone) => {
                run.journal
                    .warn(format!("match {id} is gone from the provider: it is taken for not to be played"));
                gone.status = MatchStatus::NotDefined;
                gone.called_off = Some(CalledOff::Gone);
                gone.score = None;
                gone.changed_at = None;
                reading.matches.push(gone);
            }
            Err(error @ ProviderError::Gate(_)) => return Err(error.into()),
            // What was read so far is written.
            Err(error) => {
                run.missed(What::of("match by its own id", &id), &error);
                if !error.is_isolated() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The slug of the round that a listed event belongs to, if its fields identify one.
pub fn round_of<'a>(event: &Listed, rounds: &'a [Round]) -> Option<&'a str> {
    // A named round's number is not known where another provider listed it.
    let is_named = |round: &Round| {
        let numbers = [Some(round.address.number), event.round.number];
        event.round.slug.is_some() && numbers.contains(&Some(0))
    };
    let mut fitting = rounds.iter().filter(|round| {
        (Some(round.address.number) == event.round.number || is_named(round))
            && (event.round.slug.is_none() || round.address.slug == event.round.slug)
            && round.address.prefix == event.round.prefix
    });
    let first = fitting.next()?;
    // Two rounds of one number and no slug are ambiguous.
    let alone = fitting.next().is_none();
    // Without a slug, a number may be a matchday's or a knockout round's.
    (alone && (event.round.slug.is_some() || first.kind == RoundKind::Season)).then_some(first.slug.as_str())
}

/// The kickoffs of matches that have ended since they were last read; of all that have if that is not known.
fn first_ended(plan: &MatchPlan, all: bool) -> Vec<DateTime<Utc>> {
    let ended = |m: &&Match| all || plan.new.contains(&m.external_id) || is_first_end(plan, m);
    plan.write
        .iter()
        .filter(|m| m.status == MatchStatus::Ended)
        .filter(ended)
        .filter_map(|m| m.kickoff)
        .collect()
}

/// Whether a stored match has ended since it was last read.
fn is_first_end(plan: &MatchPlan, m: &Match) -> bool {
    plan.changes.iter().any(|change| change.external_id == m.external_id && change.ends())
}

fn note_counts(journal: &mut Journal, name: String, readings: &[RoundReading<'_>]) {
    let mut counts: BTreeMap<String, RoundCounts> = BTreeMap::new();
    for RoundReading { slug, reading, .. } in readings {
        let round = counts.entry((*slug).to_owned()).or_default();
        round.open_slots += reading.open_slots;
        round.refused += reading.refused.len();
        for read in &reading.matches {
            match read.status {
                MatchStatus::Ended => round.ended += 1,
                MatchStatus::Open => round.open += 1,
                MatchStatus::NotDefined => round.not_defined += 1,
            }
        }
    }
    match journal.tournament_id {
        Some(_) => journal.facts.matches = Some(counts),
        None => drop(journal.facts.others.insert(name, json!(counts))),
    }
}

/// Lists stored statuses that are not known (written by an older version) and the matches that have them.
pub(super) fn unknown_statuses<'a>(stored: impl IntoIterator<Item = &'a StoredMatch>) -> Option<String> {
    let mut unknown: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for row in stored {
        if let Some(status) = &row.unknown_status {
            unknown
                .entry(format!("{:?}", status.chars().take(60).collect::<String>()))
                .or_default()
                .push(&row.known.external_id);
        }
    }
    let named: Vec<String> = unknown
        .iter()
        .map(|(status, ids)| {
            let named = ids.iter().take(NAMED_IDS).copied().collect::<Vec<_>>().join(", ");
            let more = match ids.len().saturating_sub(NAMED_IDS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("match.status holds {status}, which is not known (matches {named}{more})")
        })
        .collect();
    (!named.is_empty()).then(|| named.join("; "))
}

/// The teams' names of each match, by the provider's id.
struct Names(HashMap<String, (String, String)>);

impl Names {
    /// What a warning calls a match: `Ash – Birch (9000001)`.
    fn of(&self, id: &str) -> String {
        match self.0.get(id) {
            Some((home, away)) => format!("{home} – {away} ({id})"),
            None => id.to_owned(),
        }
    }
}

/// The names of the matches that a plan may warn of: their teams are in the reading or, for a match that is gone, stored.
async fn names(
    client: &impl GenericClient,
    provider: ProviderName,
    plan: &MatchPlan,
    stored: &[StoredMatch],
    readings: &[RoundReading<'_>],
) -> anyhow::Result<Names> {
    let matches: Vec<&Match> = plan.write.iter().chain(stored.iter().map(|row| &row.known)).collect();
    let mut teams: HashMap<&str, String> = HashMap::new();
    for team in readings.iter().flat_map(|round| &round.reading.teams) {
        teams.insert(&team.external_id, team.name.clone());
    }
    let changed = |id: &str| plan.changes.iter().any(|change| change.external_id == id);
    let sides = matches.iter().filter(|m| changed(&m.external_id)).flat_map(|m| [m.home.as_str(), &m.away]);
    let unnamed: Vec<&str> = sides.filter(|team| !teams.contains_key(team)).collect();
    let found = match unnamed.is_empty() {
        true => Vec::new(),
        false => standings::team_names(client, provider.as_str(), &unnamed).await?,
    };
    let team = |id: &str| {
        let found = || found.iter().find(|(team, _)| team == id).map(|(_, name)| name.clone());
        teams.get(id).cloned().or_else(found).unwrap_or_else(|| id.to_owned())
    };
    Ok(Names(matches.iter().map(|m| (m.external_id.clone(), (team(&m.home), team(&m.away)))).collect()))
}

/// The readings that are rejected, for the history. An older answer from a cache is none of them.
fn rejected(plan: &MatchPlan, readings: &[RoundReading<'_>]) -> Vec<Rejected> {
    let held = plan.held.iter().filter(|held| held.reason != HeldReason::Stale).map(|held| {
        let changes = held.differences.iter().map(|difference| {
            let (old, new) = difference.values();
            (difference.field().to_owned(), json!([old, new]))
        });
        Rejected {
            external_id: held.external_id.clone(),
            reason: held.reason.to_string(),
            changes: Value::Object(changes.collect()),
        }
    });
    let refused = readings.iter().flat_map(|round| &round.reading.refused).map(|refusal| Rejected {
        external_id: refusal.external_id.clone(),
        reason: "malformed".to_owned(),
        changes: json!({ &refusal.field: [null, refusal.reason] }),
    });
    held.chain(refused).collect()
}

/// The stored matches that have ended, and the ended ones whose result has changed, by the provider's ids.
fn new_results<'a>(plan: &'a MatchPlan, names: &Names) -> Vec<(&'a str, NewResult)> {
    let is_new = |change: &&Change| change.ends() || change.corrects_result;
    let result = |change: &'a Change| {
        let (home, away) = names.0.get(&change.external_id)?.clone();
        let read = plan.write.iter().find(|m| m.external_id == change.external_id)?;
        let score = read.score.filter(|_| read.status == MatchStatus::Ended);
        let score = score.map(|score| score.to_string());
        Some((change.external_id.as_str(), NewResult { home, away, match_id: None, score }))
    };
    plan.changes.iter().filter(is_new).filter_map(result).collect()
}

fn warn_of_what_was_not_taken(
    journal: &mut Journal,
    plan: &MatchPlan,
    readings: &[RoundReading<'_>],
    names: &Names,
) {
    for refusal in readings.iter().flat_map(|round| &round.reading.refused) {
        journal.warn(format!(
            "match {} was not taken: {} {}; its row stays as it was",
            names.of(&refusal.external_id),
            refusal.field,
            refusal.reason
        ));
    }
    for remark in readings.iter().flat_map(|round| &round.reading.remarks) {
        // Once, when it makes a difference.
        if plan.new.contains(&remark.external_id)
            || plan.changes.iter().any(|change| change.external_id == remark.external_id)
        {
            journal.warn(format!("match {}: {}", names.of(&remark.external_id), remark.text));
        }
    }
    for (one, other) in &plan.doubles {
        journal.warn(format!("match {} is listed twice, also as {other}: it counts once", names.of(one)));
    }
    for id in &plan.conflicts {
        journal.warn(format!("id {id} stands for two different matches: {} was taken", names.of(id)));
    }
    for held in &plan.held {
        let name = names.of(&held.external_id);
        match held.reason {
            HeldReason::WouldReopen => journal.warn(format!("match {name} has ended and was not reopened")),
            HeldReason::ScoreFell => {
                journal.warn(format!("the score of match {name} fell: taken if it is seen again"));
            }
            HeldReason::Locked => {
                let read: Vec<String> = held.differences.iter().map(ToString::to_string).collect();
                journal.warn(format!(
                    "match {name} is locked and stays as it was set by hand; the provider's word changed: {}",
                    read.join(", ")
                ));
            }
            // An older answer from a cache: not a problem.
            HeldReason::Stale => {}
        }
    }
}

fn warn_of_corrections(journal: &mut Journal, plan: &MatchPlan, names: &Names) {
    let corrects = |change: &&Change| change.corrects_result || change.corrects_scored_result;
    for change in plan.changes.iter().filter(corrects) {
        let name = names.of(&change.external_id);
        let what = match change.ends_result() {
            true => format!("match {name} has lost its result after it had ended ({change})"),
            false => format!("match {name} was corrected after it had ended ({change})"),
        };
        if change.corrects_scored_result {
            journal.alarm(format!(
                "CORRECTION: {what}; the application had already scored its members' guesses: score them again"
            ));
        } else {
            journal.warn(what);
        }
    }
}
