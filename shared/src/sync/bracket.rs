//! The bracket: pairings, winners, and the slot a winner advances to, in one step.

use serde_json::json;

use super::readable;
use super::rounds::stored_rounds;
use super::source::Source;
use crate::crash;
use crate::execution::Run;
use crate::journal::{RowKind, Step};
use crate::store::{StoreError, bracket as rows, matches, standings, tournaments};
use football::domain::knockout::{Side, Tie, Tree, summary};
use football::domain::{Match, Round, RoundKind, Tournament};
use football::plan::bracket as plan;

/// Reads the provider's cup trees: they show pairings before the matches do, and are used to check our ties. If the
/// provider fails, only the check is skipped, not the bracket. None also where the provider has no such thing.
pub async fn provider_trees(run: &mut Run<'_>, tournament: &Tournament) -> anyhow::Result<Option<Vec<Tree>>> {
    match Source::of(tournament)?.cup_trees(run).await.transpose() {
        Some(trees) => Ok(run.check("bracket", trees)),
        None => Ok(None),
    }
}

/// Computes the bracket from the stored matches and the cup trees (those read now, else those stored) and writes the
/// ties that differ.
pub async fn sync(
    run: &mut Run<'_>,
    tournament: &Tournament,
    trees: Option<Vec<Tree>>,
) -> anyhow::Result<()> {
    let step = async |run: &mut Run<'_>| sync_once(run, tournament, trees.clone()).await;
    run.transact(step).await
}

// A long function, because the reads, plan and writes of one transaction are best read together.
async fn sync_once(
    run: &mut Run<'_>,
    tournament: &Tournament,
    trees: Option<Vec<Tree>>,
) -> anyhow::Result<()> {
    let mut client = run.client().await?;
    let transaction = client.transaction_of(run.record.id, run.now()).await?;
    tournaments::lock(&transaction, tournament.id).await?;
    let stored = matches::of_kind(&transaction, tournament.id, RoundKind::Knockout).await?;
    let stored: Vec<Match> = stored.into_iter().map(|row| row.known).collect();
    let listed = stored_rounds(&transaction, tournament.id).await?;
    let rounds: Vec<Round> = readable(run, listed).into_iter().map(|stored| stored.round).collect();
    let (trees, fresh) = match trees {
        Some(trees) => (trees, true),
        None => (rows::trees(&transaction, tournament.id).await?, false),
    };
    let drawn = plan::plan(stored, rounds, &trees);
    let all: Vec<&Tie> = drawn.rounds.iter().flat_map(|round| &round.ties).collect();

    let ids: Vec<&str> = all
        .iter()
        .flat_map(|tie| [Side::Home, Side::Away].map(|side| tie.entrant(side).team()))
        .flatten()
        .collect();
    let names = standings::team_names(&transaction, tournament.provider.as_str(), &ids).await?;
    let name = |id: &str| names.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone());
    run.journal.planned("bracket", &summary(&drawn, name));
    // Each contradiction is reported once.
    let notes: Vec<String> = drawn
        .notes
        .iter()
        .map(|note| format!("bracket, {} {}: {}", note.round_slug, note.number, note.text))
        .collect();
    let reported = rows::notes(&transaction, tournament.id).await?;
    notes.iter().filter(|note| !reported.contains(note)).for_each(|note| run.journal.warn(note.clone()));
    let champion = drawn.champion.as_deref().map(|id| name(id).unwrap_or_else(|| id.to_owned()));
    let decided = all.iter().filter(|tie| tie.winner.is_some()).count();
    run.journal.completed(
        Step::Plan,
        "bracket",
        json!({ "ties": all.len(), "decided": decided, "champion": champion }),
    );
    if run.journal.dry_run {
        return Ok(());
    }
    let now = run.now();
    let (outcomes, gone) =
        rows::replace(&transaction, tournament.provider.as_str(), tournament.id, &all, now).await?;
    if notes != reported {
        rows::set_notes(&transaction, tournament.id, &notes).await?;
    }
    if fresh {
        rows::set_trees(&transaction, tournament.id, &trees).await?;
    }
    crash::point("written");
    transaction.commit().await.map_err(StoreError::from)?;
    run.journal.wrote(RowKind::Bracket, outcomes);
    if gone > 0 {
        run.journal.completed(Step::Apply, "ties that are no more", json!({ "deleted": gone }));
    }
    Ok(())
}
