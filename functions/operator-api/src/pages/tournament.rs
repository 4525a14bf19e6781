//! The pages of one tournament, as tabs: overview, matches, table, bracket, checks, executions, history, sources.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use football::domain::{Mode, ProviderName};
use serde::Deserialize;
use shared::store::Connection;
use shared::store::pauses::{self, Pause};
use uuid::Uuid;

use super::attention as shown;
use super::bracket::{self as layout, Bracket};
use super::matches::Listed;
use super::view::{self, Line};
use super::{Shell, page, with_status};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::attention::{self, Item};
use crate::read::checks::{self, CheckLine};
use crate::read::executions::{self, Filter};
use crate::read::history::{self, HistoryEntry, Of};
use crate::read::listing::{ChecksListed, check_filter, no_tournament};
use crate::read::matches::{self, MatchView, Near};
use crate::read::sources::{self, Choice, SeasonView, SourcesView, UnknownTeam};
use crate::read::tournaments::{self, DriftView, Place, RoundView, StandingView, TournamentView};
use crate::request::{FromForm, Id};

/// Matches shown of a round.
const MATCHES: i64 = 120;
/// Matches before and after now on the overview.
const NEAR: i64 = 6;
/// Checks, executions and changes on a page.
const LINES: i64 = 50;

/// What stands at the top of every tab.
struct Head {
    tournament: TournamentView,
    /// What is paused of it: itself, or everything.
    pauses: Vec<Pause>,
    tab: &'static str,
}

impl Head {
    async fn of(
        client: &Connection,
        id: Uuid,
        tab: &'static str,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let tournament = tournaments::find(&**client, id, now).await?.ok_or_else(no_tournament)?;
        Ok(Self { tournament, pauses: pauses::of_tournament(&**client, id).await?, tab })
    }

    /// The tabs: path and name.
    fn tabs(&self) -> Vec<(&'static str, &'static str)> {
        let all = [
            ("", "Overview"),
            ("/matches", "Matches"),
            ("/table", "Table"),
            ("/bracket", "Bracket"),
            ("/checks", "Checks"),
            ("/executions", "Executions"),
            ("/history", "History"),
            ("/sources", "Sources"),
        ];
        let has = |path: &str| match path {
            "/table" => self.tournament.has_table(),
            "/bracket" => self.tournament.has_knockouts(),
            _ => true,
        };
        all.into_iter().filter(|(path, _)| has(path)).collect()
    }

    /// The path of the tab.
    fn path(&self) -> String {
        format!("/tournaments/{}{}", self.tournament.id, self.tab)
    }

    /// `aria-current` of a tab.
    fn current(&self, tab: &str) -> &'static str {
        if self.tab == tab { "page" } else { "false" }
    }

    fn mode(&self) -> &'static str {
        match self.tournament.mode() {
            Some(Mode::RegularSeasonOnly) => "league",
            Some(Mode::KnockoutOnly) => "cup",
            _ => "groups and knockout rounds",
        }
    }
}

#[derive(Template)]
#[template(path = "tournament.html")]
struct Overview {
    shell: Shell,
    head: Head,
    settings: Settings,
    items: Vec<Item>,
    /// The matches before now, latest first, and those after it.
    last: Vec<MatchView>,
    next: Vec<MatchView>,
}

/// What the form of the settings holds: what is stored or, after a refusal, what was filled in.
struct Settings {
    label: String,
    status: String,
    tie_breaking_rule: String,
    /// Why it was refused.
    problem: Option<String>,
}

pub(super) async fn overview(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    show_overview(&desk, &caller, id, None).await
}

/// The overview. `refused`: what was filled in as settings, and why that was refused.
pub(super) async fn show_overview(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    refused: Option<(&HashMap<String, String>, Problem)>,
) -> Result<Response, Problem> {
    let now = desk.clock.now();
    let client = desk.services().await?.store.client().await?;
    let today = caller.zone.day_of(now);
    let day = caller.zone.days(today, today);
    let head = Head::of(&client, id, "", now).await?;
    let (status, settings) = match refused {
        None => {
            let stored = &head.tournament;
            let settings = Settings {
                label: stored.label.clone(),
                status: stored.status.clone(),
                tie_breaking_rule: stored.tie_breaking_rule.clone().unwrap_or_default(),
                problem: None,
            };
            (StatusCode::OK, settings)
        }
        Some((form, problem)) => {
            let text = |name: &str| form.get(name).cloned().unwrap_or_default();
            let status = problem.status_of_form();
            let settings = Settings {
                label: text("label"),
                status: text("status"),
                tie_breaking_rule: text("tie_breaking_rule"),
                problem: Some(problem.detail),
            };
            (status, settings)
        }
    };
    let shown = Overview {
        shell: Shell::of(desk, caller, "tournaments"),
        head,
        settings,
        items: attention::attention(&*client, &day, Some(id), desk.has_bus(), now).await?.items,
        last: matches::near(&*client, id, Near::Before(now), NEAR).await?,
        next: matches::near(&*client, id, Near::After(now), NEAR).await?,
    };
    with_status(status, &shown)
}

#[derive(Template)]
#[template(path = "tournament_matches.html")]
struct Matches {
    shell: Shell,
    head: Head,
    rounds: Vec<RoundView>,
    round: String,
    matches: Vec<MatchView>,
    more: bool,
}

impl Matches {
    fn place(&self) -> Option<usize> {
        self.rounds.iter().position(|round| round.slug == self.round)
    }

    fn label(&self) -> String {
        let label = self.place().and_then(|place| self.rounds.get(place)).map(|round| round.label.as_str());
        view::round(label.unwrap_or(&self.round))
    }

    fn before(&self) -> Option<&RoundView> {
        self.rounds.get(self.place()?.checked_sub(1)?)
    }

    fn after(&self) -> Option<&RoundView> {
        self.rounds.get(self.place()? + 1)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct OfRound {
    round: Option<String>,
}

pub(super) async fn matches(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
    FromForm(of): FromForm<OfRound>,
) -> Result<Response, Problem> {
    let client = desk.services().await?.store.client().await?;
    let head = Head::of(&client, id, "/matches", desk.clock.now()).await?;
    let rounds = tournaments::rounds(&*client, id).await?;
    let known = |slug: &&str| rounds.iter().any(|round| round.slug == **slug);
    let round = of
        .round
        .as_deref()
        .filter(known)
        .or(head.tournament.current_round.as_deref().filter(known))
        .or_else(|| rounds.iter().rev().find(|round| round.matches > 0).map(|round| round.slug.as_str()))
        .or_else(|| rounds.first().map(|round| round.slug.as_str()))
        .unwrap_or_default()
        .to_owned();
    let found = matches::of_tournament(&*client, id, Some(&round), None, MATCHES).await?;
    page(&Matches {
        shell: Shell::of(&desk, &caller, "tournaments"),
        head,
        round,
        matches: found.rows,
        more: found.more,
        rounds,
    })
}

/// The table of one group.
struct Group {
    name: String,
    rows: Vec<StandingView>,
    /// What its places lead to, each kind once, in order.
    leads_to: Vec<String>,
    places: Vec<Place>,
}

impl Group {
    /// What a place leads to, in words.
    fn leads_to(&self, row: &StandingView) -> Option<&str> {
        let place = self.places.iter().find(|place| place.place == row.order)?;
        Some(&place.leads_to)
    }

    /// The class that marks what a place leads to; empty: nothing.
    fn mark(&self, row: &StandingView) -> String {
        let number = self.leads_to(row).and_then(|text| self.leads_to.iter().position(|known| known == text));
        number.map_or_else(String::new, |number| format!("zone zone-{}", number % 6 + 1))
    }
}

#[derive(Template)]
#[template(path = "tournament_table.html")]
struct Table {
    shell: Shell,
    head: Head,
    groups: Vec<Group>,
    drift: Option<DriftView>,
    /// Why teams level on points stand in their order.
    order: Vec<String>,
}

pub(super) async fn table(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let client = desk.services().await?.store.client().await?;
    let head = Head::of(&client, id, "/table", desk.clock.now()).await?;
    let places = tournaments::places(&*client, id).await?;
    let mut groups: Vec<Group> = Vec::new();
    for row in tournaments::standings(&*client, id).await? {
        match groups.last_mut() {
            Some(group) if group.name == row.group => group.rows.push(row),
            _ => {
                let places: Vec<Place> =
                    places.iter().filter(|place| place.group == row.group).cloned().collect();
                let mut leads_to: Vec<String> = Vec::new();
                for place in &places {
                    if !leads_to.contains(&place.leads_to) {
                        leads_to.push(place.leads_to.clone());
                    }
                }
                groups.push(Group { name: row.group.clone(), rows: vec![row], leads_to, places });
            }
        }
    }
    page(&Table {
        shell: Shell::of(&desk, &caller, "tournaments"),
        head,
        groups,
        drift: tournaments::drift(&*client, id).await?,
        order: executions::order_of_table(&*client, id).await?,
    })
}

#[derive(Template)]
#[template(path = "tournament_bracket.html")]
struct BracketPage {
    shell: Shell,
    head: Head,
    bracket: Bracket,
}

pub(super) async fn bracket(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let client = desk.services().await?.store.client().await?;
    page(&BracketPage {
        shell: Shell::of(&desk, &caller, "tournaments"),
        head: Head::of(&client, id, "/bracket", desk.clock.now()).await?,
        bracket: layout::bracket(tournaments::bracket(&*client, id).await?),
    })
}

#[derive(Template)]
#[template(path = "tournament_checks.html")]
struct Checks {
    shell: Shell,
    head: Head,
    open: Vec<CheckLine>,
    over: Vec<CheckLine>,
}

pub(super) async fn checks(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let now = desk.clock.now();
    let client = desk.services().await?.store.client().await?;
    let of = |show: Option<&str>| {
        let (show, tournament) = (show.map(str::to_owned), Some(id.to_string()));
        check_filter(&ChecksListed { show, tournament, ..ChecksListed::default() }, caller.zone)
    };
    page(&Checks {
        shell: Shell::of(&desk, &caller, "tournaments"),
        head: Head::of(&client, id, "/checks", now).await?,
        open: checks::list(&*client, &of(None)?, LINES, now).await?.rows,
        over: checks::list(&*client, &of(Some("over"))?, LINES, now).await?.rows,
    })
}

#[derive(Template)]
#[template(path = "tournament_executions.html")]
struct Executions {
    shell: Shell,
    head: Head,
    lines: Vec<Line>,
    more: bool,
}

pub(super) async fn executions(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let client = desk.services().await?.store.client().await?;
    let filter = Filter { tournament: Some(id), ..Filter::default() };
    let found = executions::list(&*client, &filter, LINES).await?;
    page(&Executions {
        shell: Shell::of(&desk, &caller, "tournaments"),
        head: Head::of(&client, id, "/executions", desk.clock.now()).await?,
        lines: found.rows.into_iter().map(Line::of).collect(),
        more: found.more,
    })
}

#[derive(Template)]
#[template(path = "tournament_history.html")]
struct History {
    shell: Shell,
    head: Head,
    history: Vec<HistoryEntry>,
    next: Option<i64>,
}

pub(super) async fn history(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
    FromForm(listed): FromForm<Listed>,
) -> Result<Response, Problem> {
    let client = desk.services().await?.store.client().await?;
    let head = Head::of(&client, id, "/history", desk.clock.now()).await?;
    let found = history::list(&*client, Of::Tournament(id), listed.before, LINES).await?;
    page(&History {
        shell: Shell::of(&desk, &caller, "tournaments"),
        head,
        next: found.next(),
        history: found.rows,
    })
}

/// A team of another provider, and those of ours that it may be.
struct Question {
    team: UnknownTeam,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "tournament_sources.html")]
struct Sources {
    shell: Shell,
    head: Head,
    sources: SourcesView,
    questions: Vec<Question>,
    /// What was filled in as the season at another provider, after a refusal.
    season: String,
    /// Why the input was refused.
    problem: Option<String>,
}

impl Sources {
    /// Every provider: its name, whether it is asked first, and whether it stands in.
    fn choices(&self) -> Vec<(&'static str, bool, bool)> {
        let choice = |provider: ProviderName| {
            let is_first = self.sources.asked == provider;
            (provider.as_str(), is_first, self.sources.stand_in == Some(provider))
        };
        ProviderName::ALL.into_iter().map(choice).collect()
    }

    /// What a provider is for.
    fn role(&self, season: &SeasonView) -> &'static str {
        match season.provider {
            provider if provider == self.sources.asked => "asked first",
            provider if Some(provider) == self.sources.stand_in => "stands in, and is compared each morning",
            _ => "compared each morning",
        }
    }

    /// Whether the season is known at every provider.
    fn is_known_everywhere(&self) -> bool {
        self.sources.seasons.len() == ProviderName::ALL.len()
    }
}

pub(super) async fn sources(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    show_sources(&desk, &caller, id, None).await
}

/// The sources. `refused`: what was filled in, and why that was refused.
pub(super) async fn show_sources(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    refused: Option<(&HashMap<String, String>, Problem)>,
) -> Result<Response, Problem> {
    let now = desk.clock.now();
    let client = desk.services().await?.store.client().await?;
    let head = Head::of(&client, id, "/sources", now).await?;
    let tournament = shared::store::tournaments::find(&*client, id).await?.ok_or_else(no_tournament)?;
    let mut sources = sources::of(&*client, &tournament).await?;
    let (mut season, mut problem, mut status) = (String::new(), None, StatusCode::OK);
    if let Some((form, refused)) = refused {
        let text = |name: &str| form.get(name).cloned().unwrap_or_default();
        season = text("season");
        sources.asked = text("asked").parse().unwrap_or(sources.asked);
        sources.stand_in = text("stand_in").parse().ok();
        status = refused.status_of_form();
        problem = Some(refused.detail);
    }
    let mut questions = Vec::new();
    for team in &sources.unknown_teams {
        let choices = sources::choices(&*client, id, &team.provider).await?;
        questions.push(Question { team: team.clone(), choices });
    }
    let shell = Shell::of(desk, caller, "tournaments");
    with_status(status, &Sources { shell, head, sources, questions, season, problem })
}
