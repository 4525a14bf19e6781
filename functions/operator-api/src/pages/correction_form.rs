//! The form for a correction of a match: its fields as texts, and what was changed in it.

use std::collections::HashMap;

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDateTime, Utc};
use football::domain::{CalledOff, MatchStatus};

use crate::problem::Problem;
use crate::read::matches::MatchView;
use crate::work::correct::{CorrectMatch, Goals};
use crate::zone::Zone;

/// The form of a time in an input of a browser.
const LOCAL: &str = "%Y-%m-%dT%H:%M";

/// The fields of the form, as texts.
#[derive(Debug, Clone, Default)]
pub(super) struct CorrectionForm {
    pub(super) status: String,
    pub(super) home: String,
    pub(super) away: String,
    pub(super) home_penalties: String,
    pub(super) away_penalties: String,
    pub(super) kickoff: String,
    pub(super) note: String,
    pub(super) based_on: String,
    /// The time zone of the kickoff: the one in which the form was shown.
    pub(super) zone: String,
}

impl CorrectionForm {
    /// The statuses that can be chosen.
    pub(super) const STATUSES: [(&'static str, &'static str); 5] = [
        ("open", "open"),
        ("ended", "ended"),
        ("postponed", "postponed"),
        ("cancelled", "cancelled, or annulled"),
        ("abandoned", "abandoned"),
    ];

    /// Filled with a match as it is stored.
    pub(super) fn of(game: &MatchView, zone: Zone) -> Self {
        let number = |number: Option<i32>| number.map_or_else(String::new, |number| number.to_string());
        let status = match game.called_off.as_deref() {
            Some(reason) if Self::STATUSES.iter().any(|(value, _)| *value == reason) => reason,
            Some(_) => "cancelled",
            None if game.status == MatchStatus::NotDefined.to_string() => "cancelled",
            None => &game.status,
        };
        Self {
            status: status.to_owned(),
            home: number(game.home.score),
            away: number(game.away.score),
            home_penalties: number(game.home.penalties),
            away_penalties: number(game.away.penalties),
            kickoff: game.kickoff.map_or_else(String::new, |at| zone.text(at, LOCAL)),
            note: String::new(),
            based_on: game.updated_at.to_rfc3339(),
            zone: zone.name().to_owned(),
        }
    }

    pub(super) fn read(form: &HashMap<String, String>) -> Self {
        let text = |name: &str| form.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
        Self {
            status: text("status"),
            home: text("home"),
            away: text("away"),
            home_penalties: text("home_penalties"),
            away_penalties: text("away_penalties"),
            kickoff: text("kickoff"),
            note: text("note"),
            based_on: text("based_on"),
            zone: text("zone"),
        }
    }

    /// The fields with their names, to be sent again.
    pub(super) fn fields(&self) -> [(&'static str, &str); 9] {
        [
            ("status", &self.status),
            ("home", &self.home),
            ("away", &self.away),
            ("home_penalties", &self.home_penalties),
            ("away_penalties", &self.away_penalties),
            ("kickoff", &self.kickoff),
            ("note", &self.note),
            ("based_on", &self.based_on),
            ("zone", &self.zone),
        ]
    }

    /// What was changed in the form. Where only the kickoff was, the result goes on coming from the provider.
    pub(super) fn correction(&self, game: &MatchView) -> Result<CorrectMatch, Problem> {
        let wrong = |field, remedy: &str| Problem::field(StatusCode::UNPROCESSABLE_ENTITY, field, remedy);
        let zone =
            Zone::of(&self.zone).ok_or_else(|| wrong("zone", "must be a time zone: load the page again"))?;
        let before = Self::of(game, zone);
        let result = |form: &Self| {
            let Self { status, home, away, home_penalties, away_penalties, .. } = form.clone();
            (status, home, away, home_penalties, away_penalties)
        };
        let goals = |field, home: &str, away: &str| match (home, away) {
            ("", "") => Ok(None),
            (home, away) => match (home.parse(), away.parse()) {
                (Ok(home), Ok(away)) => Ok(Some(Goals { home, away })),
                _ => Err(wrong(field, "must be two numbers, or both empty")),
            },
        };
        let kickoff: Option<DateTime<Utc>> = match self.kickoff.as_str() {
            same if same == before.kickoff => None,
            "" => {
                return Err(wrong(
                    "kickoff",
                    "can be moved, not removed: to postpone the match, set its status",
                ));
            }
            text => {
                let read = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
                    .iter()
                    .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
                let read = read.filter(|at| (1900..3000).contains(&chrono::Datelike::year(at)));
                let read = read.ok_or_else(|| wrong("kickoff", "must be a day and a time"))?;
                let moment = zone.utc_of(read).earliest();
                Some(moment.ok_or_else(|| wrong("kickoff", "does not exist there: clocks go forward then"))?)
            }
        };
        let mut asked = CorrectMatch {
            kickoff,
            note: Some(self.note.clone()).filter(|note| !note.is_empty()),
            based_on: self.based_on.parse().ok(),
            ..CorrectMatch::default()
        };
        if result(self) == result(&before) {
            return Ok(asked);
        }
        (asked.status, asked.called_off) = match self.status.as_str() {
            "open" => (Some(MatchStatus::Open), None),
            "ended" => (Some(MatchStatus::Ended), None),
            "postponed" => (Some(MatchStatus::NotDefined), Some(CalledOff::Postponed)),
            "cancelled" => (Some(MatchStatus::NotDefined), Some(CalledOff::Cancelled)),
            "abandoned" => (Some(MatchStatus::NotDefined), Some(CalledOff::Abandoned)),
            _ => return Err(wrong("status", "must be one of those offered")),
        };
        // The form still shows the goals of a match that has no result any more.
        if asked.status != Some(MatchStatus::NotDefined) {
            asked.score = goals("score", &self.home, &self.away)?;
            asked.penalties = goals("penalties", &self.home_penalties, &self.away_penalties)?;
        }
        Ok(asked)
    }
}
