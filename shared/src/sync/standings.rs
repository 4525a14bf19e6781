//! The table, computed from the stored matches and checked against the provider's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveTime, TimeDelta};
use football::domain::standings::{Check, ProviderRow, ProviderTable};
use football::domain::{Match, MatchStatus, RoundKind, Tournament};
use football::plan::checks::{Check as Look, CheckKind, whole_minute};
use football::plan::differences;
use football::plan::standings::{self as plan, StandingsPlan};
use serde_json::json;

use super::source::Source;
use crate::crash;
use crate::execution::Run;
use crate::journal::{Journal, RowKind, Step};
use crate::store::standings::Replaced;
use crate::store::{StoreError, checks, matches, outbox, rounds, standings, tournaments};

/// A match that kicked off this long ago has ended, or is left to other checks.
const RUNS_FOR: TimeDelta = TimeDelta::hours(6);
/// Rounds of a tournament that are read whole on a day, of which a table's differences may use what is left.
const DIFFERENCE_BUDGET: usize = 8;
/// When those rounds are read, and how long after them the table is compared again.
const READ_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Reads the provider's tables, unless they were read on the day of `planning` already or a match is running: they are
/// used to check a day's results. If the provider fails, only the check is skipped, not the table.
pub async fn provider_tables(
    run: &mut Run<'_>,
    tournament: &Tournament,
) -> anyhow::Result<Option<Vec<ProviderTable>>> {
    let today = run.planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let terms = tournaments::standings_terms(&*run.client().await?, tournament.id).await?;
    let checked_today = terms.checked_at.is_some_and(|checked| checked >= today);
    if checked_today || (terms.checked_at.is_some() && is_playing(run, tournament, RUNS_FOR).await?) {
        return Ok(None);
    }
    read_tables(run, tournament).await
}

/// Whether a match that kicked off at most `within` ago is open. An older one that stays open must not block the
/// comparison for ever.
pub async fn is_playing(run: &Run<'_>, tournament: &Tournament, within: TimeDelta) -> anyhow::Result<bool> {
    let client = run.client().await?;
    let (since, until) = (run.planning - within, run.planning);
    Ok(tournaments::has_open_match(&*client, tournament.id, since, until).await?)
}

/// Reads the provider's tables. If the provider fails, or none can be read, only the check is skipped.
pub async fn read_tables(
    run: &mut Run<'_>,
    tournament: &Tournament,
) -> anyhow::Result<Option<Vec<ProviderTable>>> {
    let (tables, unread) = match Source::of(tournament)?.standings(run).await {
        Ok(read) => (Ok(read.tables), read.unread),
        Err(error) => (Err(error), Vec::new()),
    };
    if !unread.is_empty() {
        run.journal.skipped(Step::Fetch, "tables that can't be compared", &unread.join("; "));
    }
    Ok(run.check("table", tables))
}

/// Computes the table of every group by the competition's own order and writes the rows that differ. The provider's
/// tables, if they were read, give the tie-breaking rule and the deductions, and differences are reported row by row.
pub async fn sync(
    run: &mut Run<'_>,
    tournament: &Tournament,
    provider: Option<Vec<ProviderTable>>,
) -> anyhow::Result<()> {
    let step = async |run: &mut Run<'_>| sync_once(run, tournament, provider.as_deref()).await;
    run.transact(step).await
}

async fn sync_once(
    run: &mut Run<'_>,
    tournament: &Tournament,
    provider: Option<&[ProviderTable]>,
) -> anyhow::Result<()> {
    let mut client = run.client().await?;
    let transaction = client.transaction_of(run.record.id, run.now()).await?;
    tournaments::lock(&transaction, tournament.id).await?;
    let stored = matches::of_kind(&transaction, tournament.id, RoundKind::Season).await?;
    // These may be results or running scores: a table without them would be less complete than the stored one.
    let unknown =
        stored.iter().filter(|row| row.known.status == MatchStatus::Open && row.known.score.is_some());
    if let Some(statuses) = super::matches::unknown_statuses(unknown) {
        run.journal.skipped(
            Step::Plan,
            "standings",
            "results of older vocabularies are still to be read anew",
        );
        run.journal.warn(format!("the table stays as it was: {statuses}: refresh the tournament"));
        return Ok(());
    }
    let stored: Vec<Match> = stored.into_iter().map(|row| row.known).collect();
    let terms = tournaments::standings_terms(&transaction, tournament.id).await?;
    let of_matches = plan::teams(&stored).into_iter().map(str::to_owned);
    let of_tables = provider.unwrap_or(&terms.provider).iter().flat_map(|table| &table.rows);
    let of_tables: Vec<&ProviderRow> = of_tables.collect();
    let teams: BTreeSet<String> = of_matches.chain(of_tables.iter().map(|row| row.team.clone())).collect();
    let teams: Vec<&str> = teams.iter().map(String::as_str).collect();
    let names: BTreeMap<String, String> = of_tables
        .iter()
        .filter(|row| !row.name.is_empty())
        .map(|row| (row.team.clone(), row.name.clone()))
        .chain(standings::team_names(&transaction, tournament.provider.as_str(), &teams).await?)
        .collect();
    let name = |team: &str| names.get(team).cloned().unwrap_or_else(|| team.to_owned());
    let provider = provider.map(|tables| (tables, run.now()));
    let plan = plan::plan(stored, name, tournament.standings_mode, terms, provider);
    if let Some(found) = &plan.check {
        note_check(&mut run.journal, tournament, &plan, found, name);
    }
    if plan.unread_stages > 0 {
        run.journal.skipped(
            Step::Plan,
            "tables by stage",
            &format!(
                "{} results were stored without their stage: groups go by name until they are read again",
                plan.unread_stages
            ),
        );
    }
    let ours = plan.table;
    run.journal.planned("standings", &ours.rows);
    let notes: Vec<String> = ours.notes.iter().map(|note| note.clone().named(name).to_string()).collect();
    if !notes.is_empty() {
        run.journal.facts.order = Some(notes.clone());
    }
    run.journal.completed(
        Step::Plan,
        "standings",
        json!({ "teams": ours.rows.len(), "results": plan.results, "order": notes, "rule": plan.terms.tie_breaking_rule }),
    );
    if run.journal.dry_run {
        return Ok(());
    }
    let now = run.now();
    let Replaced { outcomes, gone, moves } =
        standings::replace(&transaction, tournament.provider.as_str(), tournament.id, &ours.rows, now)
            .await?;
    outbox::note_table_final(&transaction, tournament.id, run.record.id, now).await?;
    tournaments::set_standings_terms(&transaction, tournament.id, &plan.terms, now).await?;
    crash::point("written");
    transaction.commit().await.map_err(StoreError::from)?;
    run.journal.facts.moves = moves;
    run.journal.wrote(RowKind::Standings, outcomes);
    if gone > 0 {
        run.journal.completed(
            Step::Apply,
            "rows of teams no longer in their group",
            json!({ "deleted": gone }),
        );
    }
    Ok(())
}

/// Inserts full passes over the rounds that may explain what differs from the provider's table, those read longest ago
/// first, and a comparison after them.
pub async fn read_differing_rounds(run: &mut Run<'_>, tournament: &Tournament) -> anyhow::Result<()> {
    let today = run.planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let client = run.client().await?;
    let terms = tournaments::standings_terms(&*client, tournament.id).await?;
    if terms.differences.is_empty() {
        return Ok(());
    }
    let stored = matches::of_kind(&*client, tournament.id, RoundKind::Season).await?;
    let stored: Vec<Match> = stored.into_iter().map(|row| row.known).collect();
    let wanted: Vec<&str> = differences::rounds_to_read(&terms.differences, &stored).into_iter().collect();
    let oldest_first = rounds::by_last_reading(&*client, tournament.id, &wanted).await?;
    let planned = checks::rounds_of_day(&*client, tournament.id, CheckKind::FullPass, today).await?;
    drop(client);
    let left = DIFFERENCE_BUDGET.saturating_sub(planned.len());
    let new: Vec<&String> = oldest_first.iter().filter(|slug| !planned.contains(slug)).collect();
    if new.len() > left {
        let reason =
            format!("the day's requests for it are used up: {} rounds are read later", new.len() - left);
        run.journal.skipped(Step::Plan, "rounds that may explain differences", &reason);
    }
    let at = whole_minute(run.planning.max(run.now()) + READ_AFTER);
    let mut checks: Vec<Look> = new
        .into_iter()
        .take(left)
        .map(|slug| Look::of_round(CheckKind::FullPass, tournament.id, slug, at).for_kickoff(today))
        .collect();
    if checks.is_empty() {
        return Ok(());
    }
    checks.push(Look::of_tournament(CheckKind::Table, tournament.id, at + READ_AFTER));
    super::checks::insert(run, "rounds that may explain differences", &checks).await
}

/// Records the findings of the comparison with the provider's tables.
fn note_check(
    journal: &mut Journal,
    tournament: &Tournament,
    plan: &StandingsPlan,
    found: &Check,
    name: impl Fn(&str) -> String,
) {
    // The daily routine processes all tournaments in one execution.
    let table = match journal.tournament_id {
        Some(_) => "the table".to_owned(),
        None => format!("the table of {}", tournament.slug),
    };
    if plan.adjusted {
        let adjustments = &plan.terms.adjustments;
        let said: Vec<_> = adjustments.iter().map(|a| format!("{} {:+}", name(&a.team), a.points)).collect();
        journal.warn(format!("points beside the matches' own, by the provider's table: {}", said.join(", ")));
    }
    for label in &plan.recounted {
        journal
            .warn(format!("{table} {label:?} counts other matches than before: the numbers of games say so"));
    }
    for difference in &plan.news.appeared {
        journal.warn(format!("{table} differs from the provider's: {difference}"));
    }
    for difference in &plan.news.changed {
        journal.warn(format!("{table} still differs from the provider's: {difference}"));
    }
    for difference in &plan.news.gone {
        journal.warn(format!("{table} no longer differs from the provider's: {difference}"));
    }
    let (explained, drift): (Vec<_>, Vec<_>) =
        plan.terms.differences.iter().partition(|noted| noted.explained);
    let drift = drift.into_iter().map(|noted| noted.text.clone());
    match journal.tournament_id {
        Some(_) => journal.facts.drift = Some(drift.collect()),
        None => {
            let all = journal.facts.drift.get_or_insert_default();
            all.extend(drift.map(|text| format!("{}: {text}", tournament.slug)));
        }
    }
    if !explained.is_empty() {
        let texts: Vec<&str> = explained.iter().map(|noted| noted.text.as_str()).collect();
        journal.skipped(
            Step::Plan,
            "differences that a match of the last hours explains",
            &format!("compared again tomorrow: {}", texts.join("; ")),
        );
    }
    journal.planned("check against the provider's table", found);
}
