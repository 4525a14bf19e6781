//! What needs a person, as the pages show it: titles, remedies and where to go.

use crate::read::attention::{Item, ItemKind};

use super::view;

/// The title of an item.
pub(super) fn title(item: &Item) -> String {
    let label = item.label.as_deref().unwrap_or("all tournaments");
    let what = item.what.as_deref().unwrap_or_default();
    let check = || match &item.round {
        Some(round) => format!("{} of {label}, {}", view::check_name(what), view::round(round)),
        None => format!("{} of {label}", view::check_name(what)),
    };
    match item.kind {
        ItemKind::Circuit => {
            format!("{label} refused: nothing is asked of it until it is reset or its time is up")
        }
        ItemKind::Failed => format!("{} failed: {label}", view::operation_name(what)),
        ItemKind::Stuck => format!("{} does not go on: {label}", view::operation_name(what)),
        ItemKind::Late => format!("Late: {}", check()),
        ItemKind::Alarm => format!("No alarm is set: {}", check()),
        ItemKind::GivenUp => format!("Given up: {}", check()),
        ItemKind::Correction => format!("A scored result changed: {what} ({label})"),
        ItemKind::Rejected => match item.detail.as_deref() {
            Some("locked") => {
                format!("The provider says otherwise than the locked match: {what} ({label})")
            }
            _ => format!("The provider's word was not taken: {what} ({label})"),
        },
        ItemKind::Events => "Results are not on the event bus yet".to_owned(),
        ItemKind::Open => {
            let round = item.round.as_deref().unwrap_or(what);
            format!("Matches of {label}, {}, should have ended but have no result", view::round(round))
        }
        ItemKind::Partial => format!("{} failed in part: {label}", view::operation_name(what)),
        ItemKind::Team => format!("Which team is {what}? ({label})"),
        ItemKind::Difference => format!("Another provider says otherwise: {what} ({label})"),
        ItemKind::Drift => format!("The table of {label} differs from the provider's"),
    }
}

/// What to do about an item, in words.
pub(super) fn remedy(item: &Item) -> &'static str {
    match item.kind {
        ItemKind::Circuit => "Wait, or reset it once you know that the provider may be asked again.",
        ItemKind::Failed => "Read why, then retry it.",
        ItemKind::Stuck => {
            "It is marked as failed by the next run of any function; run the daily routine to do so now."
        }
        ItemKind::Late => {
            "The next alarm of its function takes it; if none comes, look at the function's errors and Scheduler's."
        }
        ItemKind::Alarm => "Run the daily routine: it sets what is missing. If it fails, Scheduler refuses.",
        ItemKind::GivenUp => "Read why. The daily routine plans what is still needed.",
        ItemKind::Correction => {
            "The application must score its members' guesses again. Acknowledge it when that is done."
        }
        ItemKind::Rejected => "Look at the match: correct it if the provider is right, or acknowledge it.",
        ItemKind::Events => {
            "Every run tries again. If it stays, look at the bus and the functions' permission."
        }
        ItemKind::Open => "Read the round's scores again.",
        ItemKind::Partial => "What failed has its follow-up; look whether it is enough.",
        ItemKind::Team => {
            "Say which of the tournament's teams it is: until then its matches are not read there."
        }
        ItemKind::Difference => {
            "Look at the match: correct it if the other one is right, or acknowledge it. It goes away once both agree."
        }
        ItemKind::Drift => "Compare the rows; the tie-breaking rule may be another.",
    }
}

pub(super) fn tone_of(item: &Item) -> &'static str {
    match item.kind {
        ItemKind::Circuit
        | ItemKind::Failed
        | ItemKind::Alarm
        | ItemKind::Correction
        | ItemKind::GivenUp
        | ItemKind::Events => "bad",
        ItemKind::Stuck
        | ItemKind::Late
        | ItemKind::Open
        | ItemKind::Partial
        | ItemKind::Rejected
        | ItemKind::Team
        | ItemKind::Difference => "half",
        ItemKind::Drift => "calm",
    }
}

pub(super) fn detail(item: &Item) -> String {
    match item.kind {
        ItemKind::Open => {
            format!("is the first kickoff; {} open", item.detail.as_deref().unwrap_or("some"))
        }
        ItemKind::Events => {
            format!("is the oldest of {}", item.detail.as_deref().unwrap_or("some"))
        }
        ItemKind::Late | ItemKind::Alarm => {
            format!("is its time; its function is {}", item.detail.as_deref().unwrap_or("not known"))
        }
        ItemKind::Team => {
            format!("{} has it; no team of ours has its name", item.detail.as_deref().unwrap_or("a provider"))
        }
        ItemKind::Rejected => view::rejected(item.detail.as_deref().unwrap_or_default()).to_owned(),
        _ => item.detail.clone().unwrap_or_default(),
    }
}

/// The page about an item.
pub(super) fn path(item: &Item) -> Option<String> {
    let of_match = item.match_id.map(|id| format!("/matches/{id}"));
    let of_execution = item.execution.map(|id| format!("/executions/{id}"));
    let tab = if item.kind == ItemKind::Team { "/sources" } else { "" };
    let of_tournament = item.tournament.map(|id| format!("/tournaments/{id}{tab}"));
    of_match.or(of_execution).or(of_tournament)
}

/// Whether it can be acknowledged: it does not go away by itself when its reason does.
pub(super) fn may_be_acknowledged(item: &Item) -> bool {
    !matches!(item.kind, ItemKind::Circuit | ItemKind::Stuck | ItemKind::Events)
}

/// What can be done about an item with one button, beside acknowledging it.
pub(super) enum Button {
    /// Send its execution again.
    Retry,
    /// Run the daily routine.
    DailyRoutine,
    /// Ask the provider again.
    ResetProvider,
    /// Read the round's scores.
    Scores,
}

/// The button of an item, if there is one.
pub(super) fn button(item: &Item) -> Option<Button> {
    match item.kind {
        ItemKind::Failed | ItemKind::Partial => item.execution.map(|_| Button::Retry),
        ItemKind::Late | ItemKind::Alarm => Some(Button::DailyRoutine),
        ItemKind::Circuit => Some(Button::ResetProvider),
        ItemKind::Open => item.tournament.map(|_| Button::Scores),
        _ => None,
    }
}

/// How many more of the item's kind there are than shown; 0 except for the last one shown.
pub(super) fn more(items: &[Item], item: &Item) -> i64 {
    let of_kind = || items.iter().filter(|other| other.kind == item.kind);
    if !of_kind().next_back().is_some_and(|last| std::ptr::eq(last, item)) {
        return 0;
    }
    item.total - i64::try_from(of_kind().count()).unwrap_or_default()
}
