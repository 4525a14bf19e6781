//! The same season as football-data.org would show it, API v4: one reply has all matches, undecided teams are nulls, and
//! `fullTime` contains the shootout. Ids are of another space than the other provider's. It shares no code with the decoder.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Value, json};

use super::listing::Listing;
use super::model::{Fixture, Kind, Ruling, Season, Team};
use super::payload::View;
use super::story::Moment;
use super::table::{Row, table};

/// The key that the replay accepts.
pub const KEY: &str = "local-football-data-key";
/// Added to the file's order of teams and matches, which the other provider's ids begin at 1000 and 9000001.
const TEAMS: u64 = 4_000;
const MATCHES: u64 = 400_000;

/// The id of a match at football-data.org.
pub fn football_data_id(fixture: &Fixture) -> u64 {
    MATCHES + fixture.id % 100_000
}

impl Season {
    /// The season's address at football-data.org.
    pub fn football_data_url(&self) -> String {
        let (id, year) = (self.unique_tournament_id, self.football_data_year());
        format!("https://api.football-data.org/v4/competitions/{id}/matches?season={year}")
    }

    /// The year in which the season begins, by its name: a file may have only its second half.
    pub(super) fn football_data_year(&self) -> i32 {
        let first = self.season_year().split('/').next().and_then(|year| year.parse::<i32>().ok());
        match first {
            Some(year) if year < 50 => 2000 + year,
            Some(year) if year < 100 => 1900 + year,
            Some(year) => year,
            None => self.first_kickoff().year(),
        }
    }

    /// The first day of the season.
    fn football_data_start(&self) -> NaiveDate {
        let (first, year) = (self.first_kickoff().date_naive(), self.football_data_year());
        let summer = NaiveDate::from_ymd_opt(year, 8, 1).unwrap_or(first);
        if first.year() == year { first } else { summer }
    }
}

impl View<'_> {
    /// `/competitions/{id}/matches?season={year}`: the whole season.
    pub(super) fn football_data_matches(&self) -> Value {
        json!({
            "filters": {"season": self.season.football_data_year().to_string()},
            "competition": self.competition_json(),
            "matches": self.football_data_where(|_| true),
        })
    }

    /// The matches of `/matches?dateFrom=…&dateTo=…`, the last day left out.
    pub(super) fn football_data_between(&self, from: NaiveDate, to: NaiveDate) -> Vec<Value> {
        self.football_data_where(|listing| (from..to).contains(&listing.kickoff.date_naive()))
    }

    /// `/competitions/{id}/standings?season={year}`.
    pub(super) fn football_data_standings(&self) -> Value {
        let mut groups: Vec<Option<&str>> =
            self.season.groups.iter().map(|group| Some(group.as_str())).collect();
        if groups.is_empty() {
            groups.push(None);
        }
        let tables = groups.into_iter().map(|group| {
            let rows = table(self.season, group, self.now);
            let rows: Vec<Value> = (1..).zip(&rows).map(|(place, row)| self.row_json(place, row)).collect();
            json!({"stage": "ALL", "type": "TOTAL", "group": group, "table": rows})
        });
        json!({"competition": self.competition_json(), "standings": tables.collect::<Vec<_>>()})
    }

    fn football_data_where(&self, chosen: impl Fn(&Listing) -> bool) -> Vec<Value> {
        let mut games: Vec<(DateTime<Utc>, Value)> = Vec::new();
        for (index, fixture) in self.season.fixtures.iter().enumerate() {
            if fixture.hidden(self.now) {
                continue;
            }
            // Of a fixture that the other provider lists twice this one has the valid entry.
            let Some(listing) = fixture.listings(self.now).pop().filter(|listing| chosen(listing)) else {
                continue;
            };
            games.push((listing.kickoff, self.match_json(index, &listing)));
        }
        games.sort_by_key(|(kickoff, game)| (*kickoff, game["id"].as_u64()));
        games.into_iter().map(|(_, game)| game).collect()
    }

    fn match_json(&self, index: usize, listing: &Listing) -> Value {
        let fixture = &self.season.fixtures[index];
        let slots = self.bracket.slots(index);
        let [home, away] =
            [(fixture.home, 0), (fixture.away, 1)].map(|(team, side)| match slots.map(|s| &s[side]) {
                Some(slot) if !slot.known(self.now) => nobody(),
                _ => team_json(&self.season.teams[team]),
            });
        let leg = self.bracket.leg(index).filter(|(tie, _)| tie.legs.len() > 1).map(|(_, place)| place + 1);
        let matchday = match fixture.kind {
            Kind::League => Some(fixture.round.number as usize),
            Kind::Knockout => leg,
        };
        json!({
            "area": {"id": 2267, "name": "World", "code": "INT", "flag": null},
            "competition": self.competition_json(),
            "season": {"id": 1_000 + self.season.season_id % 1_000, "startDate": self.season.football_data_start(),
                "endDate": null, "currentMatchday": 1, "winner": null},
            "id": football_data_id(fixture),
            "utcDate": listing.kickoff.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "status": status(&listing.moment, fixture.ruling),
            "matchday": matchday,
            "stage": self.stage(index),
            "group": fixture.group.as_ref().map(|group| group.to_uppercase().replace(' ', "_")),
            "lastUpdated": self.now.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "homeTeam": home, "awayTeam": away,
            "score": score(&listing.moment),
            "odds": {"msg": "Activate Odds-Package in User-Panel to retrieve odds."}, "referees": [],
        })
    }

    fn stage(&self, index: usize) -> String {
        let fixture = &self.season.fixtures[index];
        if fixture.kind == Kind::League {
            let is_alone = self.season.fixtures.iter().all(|other| other.kind == Kind::League);
            let stage = match (&fixture.group, is_alone) {
                (Some(_), _) => "GROUP_STAGE",
                (None, true) => "REGULAR_SEASON",
                (None, false) => "LEAGUE_STAGE",
            };
            return stage.to_owned();
        }
        let slug = fixture.round.slug.as_deref().unwrap_or_default();
        match slug {
            "final" => "FINAL".to_owned(),
            "semifinals" => "SEMI_FINALS".to_owned(),
            "quarterfinals" => "QUARTER_FINALS".to_owned(),
            "match-for-3rd-place" => "THIRD_PLACE".to_owned(),
            "playoff-round" => "PLAYOFFS".to_owned(),
            other => match other.strip_prefix("round-of-") {
                Some(teams) => format!("LAST_{teams}"),
                None => other.to_uppercase().replace('-', "_"),
            },
        }
    }

    fn competition_json(&self) -> Value {
        let id = self.season.unique_tournament_id;
        json!({"id": id, "name": self.season.label(), "code": null, "type": "CUP",
            "emblem": format!("https://crests.football-data.org/c{id}.png")})
    }

    fn row_json(&self, place: usize, row: &Row) -> Value {
        let [won, draw, lost] = row.record;
        json!({
            "position": place, "team": team_json(&self.season.teams[row.team]), "playedGames": row.played(),
            "form": null, "won": won, "draw": draw, "lost": lost, "points": row.total(),
            "goalsFor": row.goals[0], "goalsAgainst": row.goals[1], "goalDifference": row.difference(),
        })
    }
}

fn team_json(team: &Team) -> Value {
    let id = TEAMS + team.id;
    let letters: String = team.name.chars().filter(|c| c.is_alphabetic()).take(3).collect();
    json!({"id": id, "name": team.name, "shortName": team.name, "tla": letters.to_uppercase(),
        "crest": format!("https://crests.football-data.org/{id}.svg")})
}

/// A team that is not decided.
fn nobody() -> Value {
    json!({"id": null, "name": null, "shortName": null, "tla": null, "crest": null})
}

fn status(at: &Moment, ruling: Ruling) -> &'static str {
    match (at.kind.as_ref(), at.code) {
        ("finished", 93) => "CANCELLED",
        ("finished", 91) => "AWARDED",
        ("finished", _) if ruling == Ruling::Awarded => "AWARDED",
        ("finished", _) => "FINISHED",
        ("inprogress", 31 | 33) => "PAUSED",
        ("inprogress", _) => "IN_PLAY",
        ("postponed", _) => "POSTPONED",
        ("canceled", 90) | ("interrupted" | "suspended", _) => "SUSPENDED",
        ("canceled", _) => "CANCELLED",
        _ => "TIMED",
    }
}

/// The parts of the other form, put together in this one.
fn score(at: &Moment) -> Value {
    let part = |field: &str| {
        let of = |side: &Value| side[field].as_i64();
        Some((of(&at.home)?, of(&at.away)?))
    };
    let goals = |goals: Option<(i64, i64)>| json!({"home": goals.map(|goals| goals.0), "away": goals.map(|goals| goals.1)});
    let (played, kicks) = (part("display"), part("penalties"));
    let full = played.map(|(home, away)| {
        let (more_home, more_away) = kicks.unwrap_or_default();
        (home + more_home, away + more_away)
    });
    let winner = full.filter(|_| at.finished()).map(|(home, away)| match home.cmp(&away) {
        std::cmp::Ordering::Greater => "HOME_TEAM",
        std::cmp::Ordering::Less => "AWAY_TEAM",
        std::cmp::Ordering::Equal => "DRAW",
    });
    // Of a second leg that is not level the shootout decides, not the sum.
    let winner = match kicks.filter(|_| winner.is_some()) {
        Some((home, away)) if home > away => Some("HOME_TEAM"),
        Some((home, away)) if home < away => Some("AWAY_TEAM"),
        _ => winner,
    };
    let extra = part("overtime");
    let duration = match (kicks, extra) {
        (Some(_), _) => "PENALTY_SHOOTOUT",
        (None, Some(_)) => "EXTRA_TIME",
        (None, None) => "REGULAR",
    };
    let mut score = json!({"winner": winner, "duration": duration, "fullTime": goals(full), "halfTime": goals(part("period1"))});
    if duration != "REGULAR" {
        score["regularTime"] = goals(part("normaltime"));
        score["extraTime"] = goals(extra);
    }
    if kicks.is_some() {
        score["penalties"] = goals(kicks);
    }
    score
}
