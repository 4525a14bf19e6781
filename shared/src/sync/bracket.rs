//! The bracket: who meets whom, who goes through, and the slot a winner goes to, at once.

use serde_json::json;

use super::{readable, season};
use crate::crash;
use crate::execution::Run;
use crate::journal::{RowKind, Step};
use crate::provider::sofascore::PROVIDER;
use crate::store::{StoreError, bracket as rows, matches, rounds, standings, tournaments};
use football::domain::knockout::{
    AwayGoals, Entrant, KnockoutMatch, Side, Tie, Tree, bracket, summary, ties,
};
use football::domain::{RoundKind, StoredMatch, Tournament};

/// Reads the provider's cup trees: they tell who meets whom before the matches do, and are the check of our ties. The
/// provider's trouble costs the check, not the bracket.
pub async fn provider_trees(run: &mut Run<'_>, tournament: &Tournament) -> anyhow::Result<Option<Vec<Tree>>> {
    let trees = run.provider.cup_trees(&season(tournament)?).await;
    Ok(run.check("bracket", trees))
}

/// Draws the bracket up from the stored matches and the cup trees (those read now, else those kept) and writes the ties
/// that differ.
pub async fn sync(
    run: &mut Run<'_>,
    tournament: &Tournament,
    trees: Option<Vec<Tree>>,
) -> anyhow::Result<()> {
    let step = async |run: &mut Run<'_>| sync_once(run, tournament, trees.clone()).await;
    run.transact(step).await
}

async fn sync_once(
    run: &mut Run<'_>,
    tournament: &Tournament,
    trees: Option<Vec<Tree>>,
) -> anyhow::Result<()> {
    let mut client = run.client().await?;
    let transaction = client.transaction().await?;
    tournaments::lock(&transaction, tournament.id).await?;
    let stored = matches::of_kind(&transaction, tournament.id, RoundKind::Knockout).await?;
    let known: Vec<KnockoutMatch> = stored.into_iter().map(knockout_match).collect();
    let listed = rounds::list(&transaction, tournament.id).await?;
    let rounds: Vec<(String, i32, Vec<Tie>)> = readable(run, listed)
        .into_iter()
        .map(|stored| stored.round)
        .filter(|round| round.kind == RoundKind::Knockout)
        .map(|round| {
            let ties = ties(&round.slug, &known, AwayGoals::Inferred);
            (round.slug, round.order, ties)
        })
        .collect();
    let (trees, fresh) = match trees {
        Some(trees) => (trees, true),
        None => (rows::trees(&transaction, tournament.id).await?, false),
    };
    let drawn = bracket(&rounds, &trees);
    let all: Vec<&Tie> = drawn.rounds.iter().flat_map(|round| &round.ties).collect();

    let ids: Vec<&str> = all
        .iter()
        .flat_map(|tie| [Side::Home, Side::Away].map(|side| tie.entrant(side).team()))
        .flatten()
        .collect();
    let names = standings::team_names(&transaction, PROVIDER, &ids).await?;
    let name = |id: &str| names.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone());
    run.journal.planned("bracket", &summary(&drawn, name));
    for note in &drawn.notes {
        run.journal.warn(format!("bracket, {} {}: {}", note.round_slug, note.number, note.text));
    }
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
    let (outcomes, gone) = rows::replace(&transaction, PROVIDER, tournament.id, &all, now).await?;
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

fn knockout_match(row: StoredMatch) -> KnockoutMatch {
    let side = |code: Option<i32>| Side::from_code(i64::from(code?));
    let known = row.known;
    KnockoutMatch {
        external_id: known.external_id,
        round_slug: known.round_slug,
        home: Entrant::Team(known.home),
        away: Entrant::Team(known.away),
        kickoff: known.kickoff,
        status: known.status,
        score: known.score,
        extra_time: known.tie.extra_time,
        awarded: known.tie.awarded,
        winner: side(known.tie.winner_code),
        tie_winner: side(known.tie.tie_winner_code),
        previous_leg: known.tie.previous_leg,
        legs: known.tie.legs.and_then(|legs| u32::try_from(legs).ok()),
    }
}
