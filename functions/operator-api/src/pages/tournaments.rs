//! Tournaments: the list, and one with its table, matches, bracket and checks.

use std::collections::HashSet;
use std::sync::Arc;

use crate::read::executions::{self, Filter};
use crate::read::matches::{self, MatchView};
use crate::read::today::{self, Timeline};
use crate::read::tournaments::{self, DriftView, RoundView, StandingView, TieView, TournamentView};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use football::domain::Mode;
use serde::Deserialize;
use shared::store::pauses::{self, Pause};

use super::view::{self, Line};
use super::{Shell, page};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::{TournamentsListed, listed_tournaments, no_tournament};
use crate::request::{FromForm, Id};

/// Executions shown of a tournament.
const LINES: i64 = 8;
/// Matches shown of a round.
const MATCHES: i64 = 200;

#[derive(Template)]
#[template(path = "tournaments.html")]
struct List {
    shell: Shell,
    tournaments: Vec<TournamentView>,
    q: String,
    status: String,
    next: Option<String>,
}

pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    FromForm(asked): FromForm<TournamentsListed>,
) -> Result<Response, Problem> {
    let (found, next) = listed_tournaments(&desk, &asked).await?;
    let (q, status) = (asked.q.unwrap_or_default(), asked.status.unwrap_or_default());
    let next = next.map(|cursor| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &q), ("status", &status)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("cursor", &cursor).finish()
    });
    page(&List { shell: Shell::of(&desk, &caller, "tournaments"), tournaments: found, q, status, next })
}

#[derive(Template)]
#[template(path = "tournament.html")]
struct Show {
    shell: Shell,
    tournament: TournamentView,
    groups: Vec<(String, Vec<StandingView>)>,
    drift: Option<DriftView>,
    /// Why teams level on points stand in their order.
    order: Vec<String>,
    rounds: Vec<RoundView>,
    round: String,
    matches: Vec<MatchView>,
    bracket: Vec<Column>,
    timeline: Timeline,
    /// What is paused of it: itself, or everything.
    pauses: Vec<Pause>,
    lines: Vec<Line>,
}

impl Show {
    fn round_label(&self) -> &str {
        self.rounds
            .iter()
            .find(|round| round.slug == self.round)
            .map_or(self.round.as_str(), |round| &round.label)
    }

    fn mode(&self) -> &'static str {
        match self.tournament.mode() {
            Some(Mode::RegularSeasonOnly) => "league",
            Some(Mode::KnockoutOnly) => "cup",
            _ => "groups and knockout rounds",
        }
    }
}

/// A round of the bracket.
struct Column {
    label: String,
    ties: Vec<Drawn>,
}

/// A tie, and whether the winner of another tie enters it: only then a line is drawn to it.
struct Drawn {
    tie: TieView,
    reached: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Of {
    round: Option<String>,
}

pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
    FromForm(of): FromForm<Of>,
) -> Result<Response, Problem> {
    let now = desk.clock.now();
    let client = desk.services().await?.store.client().await?;
    let tournament = tournaments::find(&*client, id, now).await?.ok_or_else(no_tournament)?;
    let rounds = tournaments::rounds(&*client, id).await?;
    let known = |slug: &&str| rounds.iter().any(|round| round.slug == **slug);
    let round = of
        .round
        .as_deref()
        .filter(known)
        .or(tournament.current_round.as_deref().filter(known))
        .or_else(|| rounds.iter().rev().find(|round| round.matches > 0).map(|round| round.slug.as_str()))
        .unwrap_or_default()
        .to_owned();
    let matches = matches::of_tournament(&*client, id, Some(&round), None, MATCHES).await?.rows;

    let mut groups: Vec<(String, Vec<StandingView>)> = Vec::new();
    for row in tournaments::standings(&*client, id).await? {
        match groups.last_mut() {
            Some((group, rows)) if *group == row.group => rows.push(row),
            _ => groups.push((row.group.clone(), vec![row])),
        }
    }
    let mut bracket: Vec<Column> = Vec::new();
    let mut slug = None;
    let ties = tournaments::bracket(&*client, id).await?;
    let next: HashSet<(String, i32)> =
        ties.iter().filter_map(|tie| Some((tie.next_round_slug.clone()?, tie.next_number?))).collect();
    for tie in ties {
        if slug.as_ref() != Some(&tie.round_slug) {
            slug = Some(tie.round_slug.clone());
            bracket.push(Column { label: tie.round_label.clone(), ties: Vec::new() });
        }
        if let Some(column) = bracket.last_mut() {
            let reached = next.contains(&(tie.round_slug.clone(), tie.number));
            column.ties.push(Drawn { tie, reached });
        }
    }
    // A round beside the path to the final (the match for third place) comes after it.
    let aside =
        |column: &Column| !column.ties.iter().any(|drawn| drawn.reached || drawn.tie.next_number.is_some());
    bracket.sort_by_key(aside);
    // The days around the next kickoff or, when all is over, the last one.
    let last = rounds.iter().filter_map(|round| round.last_kickoff).max();
    let around = tournament.next_kickoff.or(last).unwrap_or(now).date_naive();
    let days = around - TimeDelta::days(4)..around + TimeDelta::days(5);
    let offsets = &desk.app.config.schedules.offsets;
    let filter = Filter { tournament: Some(id), ..Filter::default() };
    page(&Show {
        shell: Shell::of(&desk, &caller, "tournaments"),
        groups,
        drift: tournaments::drift(&*client, id).await?,
        order: executions::order_of_table(&*client, id).await?,
        round,
        matches,
        bracket,
        timeline: today::timeline(&*client, days, Some(id), offsets, now).await?,
        pauses: pauses::of_tournament(&*client, id).await?,
        lines: executions::list(&*client, &filter, LINES).await?.rows.into_iter().map(Line::of).collect(),
        rounds,
        tournament,
    })
}
