//! What a change of one match means for the table and the bracket: computed, nothing is written.

use std::collections::BTreeMap;

use football::domain::knockout::{TieSummary, summary};
use football::domain::standings::Row;
use football::domain::{Match, Round, RoundKind};
use football::plan;
use serde::Serialize;
use shared::store::{StoreError, bracket, matches, rounds, standings, tournaments};
use shared::sync::rounds::stored_rounds;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use super::tournaments::TournamentView;

/// What changes in the table and the bracket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct Effects {
    /// Rows of the table that change.
    pub(crate) table: Vec<RowChange>,
    /// Ties of the bracket that change, as `final: Ash – Birch, Ash goes through → Birch goes through`.
    pub(crate) bracket: Vec<String>,
}

/// A row of the table that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct RowChange {
    /// The team's name.
    pub(crate) team: String,
    /// Its group; empty where there is one table.
    pub(crate) group: String,
    /// The row as it is.
    pub(crate) from: RowFigures,
    /// The row as it becomes.
    pub(crate) to: RowFigures,
}

/// The figures of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct RowFigures {
    /// Place.
    pub(crate) place: i32,
    /// Points.
    pub(crate) points: i32,
    /// Matches played.
    pub(crate) games: i32,
    /// Goals scored less goals conceded.
    pub(crate) goal_difference: i32,
}

impl RowFigures {
    fn of(row: &Row) -> Self {
        Self {
            place: row.order,
            points: row.points,
            games: row.games,
            goal_difference: row.goal_difference(),
        }
    }
}

/// Compares the table and the bracket with the match as it is stored and as it would be.
pub(crate) async fn of(
    client: &impl GenericClient,
    tournament: &TournamentView,
    stored: &Match,
    to: &Match,
) -> Result<Effects, StoreError> {
    let id = tournament.id;
    let seasons = rounds::slugs_of_kind(client, id, RoundKind::Season).await?;
    let is_of_season = seasons.contains(&stored.round_slug);
    let kind = if is_of_season { RoundKind::Season } else { RoundKind::Knockout };
    let known = matches::of_kind(client, id, kind).await?;
    let before: Vec<Match> = known.into_iter().map(|row| row.known).collect();
    let mut after = before.clone();
    after.iter_mut().filter(|m| m.external_id == to.external_id).for_each(|m| *m = to.clone());
    let teams: Vec<&str> = before.iter().flat_map(|m| [m.home.as_str(), m.away.as_str()]).collect();
    let names: BTreeMap<String, String> =
        standings::team_names(client, &tournament.provider, &teams).await?.into_iter().collect();
    match is_of_season {
        true => Ok(Effects { table: table(client, id, &names, before, after).await?, bracket: Vec::new() }),
        false => Ok(Effects { table: Vec::new(), bracket: ties(client, id, &names, before, after).await? }),
    }
}

async fn table(
    client: &impl GenericClient,
    id: Uuid,
    names: &BTreeMap<String, String>,
    before: Vec<Match>,
    after: Vec<Match>,
) -> Result<Vec<RowChange>, StoreError> {
    let Some(tournament) = tournaments::find(client, id).await? else { return Ok(Vec::new()) };
    let terms = tournaments::standings_terms(client, id).await?;
    let name = |team: &str| names.get(team).cloned().unwrap_or_else(|| team.to_owned());
    let rows = |matches: Vec<Match>| {
        plan::standings::plan(matches, name, tournament.standings_mode, terms.clone(), None).table.rows
    };
    let (before, after) = (rows(before), rows(after));
    let figures = |row: &Row| {
        let same = |other: &&Row| (&other.team, &other.group) == (&row.team, &row.group);
        before.iter().find(same).map(RowFigures::of).unwrap_or_default()
    };
    let change = |row: &Row| {
        let (from, to) = (figures(row), RowFigures::of(row));
        (from != to).then(|| RowChange { team: name(&row.team), group: row.group.clone(), from, to })
    };
    Ok(after.iter().filter_map(change).collect())
}

async fn ties(
    client: &impl GenericClient,
    id: Uuid,
    names: &BTreeMap<String, String>,
    before: Vec<Match>,
    after: Vec<Match>,
) -> Result<Vec<String>, StoreError> {
    let listed: Vec<Round> =
        stored_rounds(client, id).await?.rows.into_iter().map(|stored| stored.round).collect();
    let trees = bracket::trees(client, id).await?;
    let name = |team: &str| names.get(team).cloned();
    let drawn = |matches: Vec<Match>| summary(&plan::bracket::plan(matches, listed.clone(), &trees), name);
    let words = |tie: &TieSummary| match &tie.winner {
        Some(winner) => format!("{} – {}, {winner} goes through", tie.home, tie.away),
        None => format!("{} – {}, not decided", tie.home, tie.away),
    };
    let (before, after) = (drawn(before), drawn(after));
    let label = |slug: &str| {
        listed
            .iter()
            .find(|round| round.slug == slug)
            .map_or_else(|| slug.to_owned(), |round| round.label.clone())
    };
    let mut changes = Vec::new();
    for round in &after {
        let were = before.iter().find(|other| other.round == round.round).map(|round| round.ties.as_slice());
        for (index, tie) in round.ties.iter().enumerate() {
            let was = were.and_then(|ties| ties.get(index));
            let (was, is) = (was.map(words), words(tie));
            if was.as_ref() != Some(&is) {
                let was = was.unwrap_or_else(|| "not drawn".to_owned());
                changes.push(format!("{}: {was} → {is}", label(&round.round)));
            }
        }
    }
    Ok(changes)
}
