//! The provider's JSON: a season at an instant, endpoint by endpoint. The server answers 404 for `None`.
//!
//! Field names are those of real replies; some unused fields are included so that a reader has to ignore them.

use std::cmp::Ordering;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value, json};

use super::bracket::{Bracket, Slot};
use super::listing::Listing;
use super::listing::moment;
use super::model::{Fixture, Kind, Listed, RoundKey, Ruling, Season, Team};
use super::story::{Moment, ended_at};
use super::table::{Row, table, table_of};

/// Another competition in a day's list.
const OTHER_TOURNAMENT: u64 = 99_001;

/// The default tie-breaking text, where neither the file nor `--rules` has one.
const TIE_BREAKING: &str = "In the event that two (or more) teams have an equal number of points, the following rules \
    break the tie:\n1. Goal difference\n2. Goals scored";

/// A season as the provider shows it at one instant.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The season.
    pub season: &'a Season,
    /// Its knockout rounds.
    pub bracket: &'a Bracket,
    /// The instant.
    pub now: DateTime<Utc>,
}

impl View<'_> {
    /// `/unique-tournament/{id}`
    pub fn unique_tournament(&self) -> Value {
        let mut tournament = self.tournament_stub();
        tournament["hasRounds"] = json!(true);
        tournament["hasGroups"] = json!(!self.season.groups.is_empty());
        tournament["hasPlayoffSeries"] = json!(false);
        tournament["startDateTimestamp"] = json!(self.season.first_kickoff().timestamp());
        tournament["endDateTimestamp"] = json!(self.season.last_end().timestamp());
        tournament["titleHolderTitles"] = json!(3);
        json!({"uniqueTournament": tournament})
    }

    /// `/unique-tournament/{id}/seasons`: ours, and one that is not ours.
    pub fn seasons(&self) -> Value {
        let older = json!({"name": format!("{} (older)", self.season.label()), "year": "Season 1", "editor": false,
            "seasonCoverageInfo": {}, "id": self.season.season_id - 1});
        json!({"seasons": [self.season_stub(), older]})
    }

    /// `…/rounds`: all of them from the start, drawn or not, as the provider lists them.
    pub fn rounds(&self) -> Value {
        let rounds: Vec<Value> = self.season.rounds.iter().map(listed_round).collect();
        let shown = |f: &Fixture| f.listings(self.now).pop().map_or(f.kickoff, |listing| listing.kickoff);
        let mut order: Vec<(DateTime<Utc>, &Fixture)> =
            self.season.fixtures.iter().map(|f| (shown(f), f)).collect();
        order.sort_by_key(|(kickoff, _)| *kickoff);
        let current = order.iter().find(|(kickoff, f)| !self.done_for_now(f, *kickoff)).or(order.last());
        json!({"currentRound": current.map(|(_, f)| listed_round(&f.round)), "rounds": rounds})
    }

    /// Whether nothing waits for this match: it is over, interrupted or off until further notice, or long overdue.
    fn done_for_now(&self, fixture: &Fixture, kickoff: DateTime<Utc>) -> bool {
        // A match without a result must not delay the season for ever.
        if ended_at(fixture).unwrap_or(kickoff + Duration::hours(6)) <= self.now {
            return true;
        }
        let at = moment(fixture, self.now);
        at.kind == "postponed" || (at.kind == "canceled" && kickoff <= self.now)
    }

    /// `…/events/round/{number}`, `…/slug/{slug}` and `…/prefix/{prefix}`.
    pub fn round_events(&self, number: u32, slug: Option<&str>, prefix: Option<&str>) -> Option<Value> {
        let in_round = |f: &Fixture| {
            (f.round.number, f.round.slug.as_deref(), f.round.prefix.as_deref()) == (number, slug, prefix)
        };
        let chosen = self.indices(in_round);
        let drawn = chosen.first().is_some_and(|i| self.drawn(&self.season.fixtures[*i].round));
        let events = self.listed(&chosen, |_| true, true);
        drawn.then(|| json!({"events": events, "hasNextPage": false}))
    }

    /// `…/standings/total`: one table per group, or per section of a split league, from the matches ended by now.
    pub fn standings(&self) -> Option<Value> {
        let mut groups: Vec<Option<&str>> = self.season.groups.iter().map(|g| Some(g.as_str())).collect();
        if groups.is_empty() {
            groups.push(None);
        }
        let listed = &self.season.in_force.tables;
        if !listed.is_empty() {
            let tables = (1..).zip(listed).map(|(number, table)| self.listed_table(number, table));
            return Some(json!({"standings": tables.collect::<Vec<_>>()}));
        }
        let sections = self.season.sections(self.now);
        let standings: Vec<Value> = if sections.is_empty() {
            groups.into_iter().filter_map(|group| self.standing(group, None)).collect()
        } else {
            sections.into_iter().filter_map(|section| self.standing(None, Some(section))).collect()
        };
        (!standings.is_empty()).then(|| json!({"standings": standings}))
    }

    /// `/sport/football/scheduled-events/{date}`: the day and its neighbours, other competitions too, or only those where
    /// days are split.
    pub fn scheduled_events<'v>(views: impl Iterator<Item = View<'v>>, day: NaiveDate) -> Value {
        let mut views = views.peekable();
        let others = views.peek().map(|view| [12, 18].map(|hour| view.foreign_event(day, hour)));
        let ours = views.filter(|view| !view.season.in_force.split_days).flat_map(|view| view.events_of(day));
        let events: Vec<Value> = ours.collect();
        json!({"events": events.into_iter().chain(others.into_iter().flatten()).collect::<Vec<_>>()})
    }

    /// `/sport/football/scheduled-events/{date}/inverse`: the other half.
    pub fn inverse_events<'v>(views: impl Iterator<Item = View<'v>>, day: NaiveDate) -> Value {
        let split = views.filter(|view| view.season.in_force.split_days);
        json!({"events": split.flat_map(|view| view.events_of(day)).collect::<Vec<_>>()})
    }

    fn events_of(&self, day: NaiveDate) -> Vec<Value> {
        let near = |listing: &Listing| (listing.kickoff.date_naive() - day).num_days().abs() <= 1;
        let candidates = self.indices(|f| f.listings(self.now).iter().any(near));
        let drawn: Vec<usize> =
            candidates.into_iter().filter(|i| self.drawn(&self.season.fixtures[*i].round)).collect();
        self.listed(&drawn, near, false)
    }

    /// `/event/{id}`
    pub fn event(&self, id: u64) -> Option<Value> {
        let index = self.season.fixtures.iter().position(|f| f.owns(id))?;
        let fixture = &self.season.fixtures[index];
        let listing = fixture.listings(self.now).into_iter().find(|listing| listing.id == id)?;
        self.drawn(&fixture.round).then(|| json!({"event": self.event_json(index, &listing, true)}))
    }

    /// Is this the id of a team of the season (not of a placeholder)?
    pub fn has_team(&self, id: u64) -> bool {
        self.season.teams.iter().any(|t| t.id == id && !t.placeholder)
    }

    fn indices(&self, chosen: impl Fn(&Fixture) -> bool) -> Vec<usize> {
        (0..self.season.fixtures.len()).filter(|i| chosen(&self.season.fixtures[*i])).collect()
    }

    /// The entries of these matches that are in the provider's lists, by kickoff.
    fn listed(&self, fixtures: &[usize], chosen: impl Fn(&Listing) -> bool, with_slug: bool) -> Vec<Value> {
        let mut entries: Vec<(usize, Listing)> = Vec::new();
        for &i in fixtures.iter().filter(|i| !self.season.fixtures[**i].hidden(self.now)) {
            let listings = self.season.fixtures[i].listings(self.now);
            entries
                .extend(listings.into_iter().filter(|listing| chosen(listing)).map(|listing| (i, listing)));
        }
        entries.sort_by_key(|(_, listing)| (listing.kickoff, listing.id));
        entries.iter().map(|(i, listing)| self.event_json(*i, listing, with_slug)).collect()
    }

    /// A knockout round is listed as soon as one of its slots is known; a league round always.
    pub(super) fn drawn(&self, round: &RoundKey) -> bool {
        self.indices(|f| f.round == *round)
            .iter()
            .any(|i| self.bracket.slots(*i).is_none_or(|slots| slots.iter().any(|s| s.known(self.now))))
    }

    fn event_json(&self, index: usize, listing: &Listing, with_slug: bool) -> Value {
        let fixture = &self.season.fixtures[index];
        let at = &listing.moment;
        let slots = self.bracket.slots(index);
        let sides = [(fixture.home, 0), (fixture.away, 1)];
        let [home, away] = sides.map(|(team, side)| match slots.map(|s| &s[side]) {
            Some(slot) if !slot.known(self.now) => placeholder_json(slot),
            _ => team_json(&self.season.teams[team]),
        });
        // Real knockout events keep the slug of their slots ("wqf1-wqf2") after the teams are known.
        let [home_name, away_name] = sides.map(|(team, side)| match slots {
            Some(slots) => slots[side].placeholder.as_str(),
            None => self.season.teams[team].name.as_str(),
        });
        let mut round = round_json(&fixture.round, with_slug);
        if fixture.kind == Kind::Knockout {
            let ties = self.bracket.ties.iter().filter(|t| t.round == fixture.round).count();
            round["cupRoundType"] = json!(ties);
        }
        let mut event = json!({
            "tournament": self.stage_json(fixture.kind, fixture.group.as_deref()),
            "season": self.season_stub(),
            "roundInfo": round,
            "customId": custom_id(listing.id),
            "status": {"code": at.code, "description": at.description, "type": at.kind},
            "homeTeam": home, "awayTeam": away,
            "homeScore": at.home, "awayScore": at.away,
            "time": match at.period_start { Some(t) => json!({"currentPeriodStartTimestamp": t}), None => json!({}) },
            "changes": changes(at.changed),
            "hasGlobalHighlights": false, "hasEventPlayerStatistics": true, "detailId": 1,
            "id": listing.id,
            "slug": slug::slugify(format!("{home_name} {away_name}")),
            "startTimestamp": listing.kickoff.timestamp(),
            "finalResultOnly": false, "feedLocked": false, "isEditor": false,
        });
        if let Some(prefix) = &fixture.round.prefix {
            event["tournament"]["roundPrefix"] = json!(prefix);
        }
        if fixture.ruling == Ruling::Awarded && at.finished() {
            event["isAwarded"] = json!(true);
        }
        if let Some((tie, place)) = self.bracket.leg(index).filter(|(_, place)| *place > 0) {
            let before = self.season.fixtures[tie.legs[place - 1]].listings(self.now);
            event["previousLegEventId"] = json!(before.last().map(|listing| listing.id));
        }
        if self.bracket.leg(index).is_some_and(|(tie, _)| self.bracket.is_best_of_three(self.season, tie)) {
            event["cupMatchesInRound"] = json!(3);
        }
        if at.finished() {
            self.add_winner(&mut event, index, at);
        }
        event
    }

    fn add_winner(&self, event: &mut Value, index: usize, at: &Moment) {
        let fixture = &self.season.fixtures[index];
        let Some([home, away]) = at.result() else { return };
        let code = |winner: usize| if winner == fixture.home { 1 } else { 2 };
        let leg = self.bracket.leg(index);
        let last = leg.filter(|(tie, place)| place + 1 == tie.legs.len());
        let number = last.and_then(|(tie, _)| self.bracket.ties.iter().position(|t| t.legs == tie.legs));
        let through = number.and_then(|tie| self.bracket.winner_at(self.season, tie, self.now));
        let kicks = at.kicks().map(|[h, a]| h.cmp(&a));
        event["winnerCode"] = json!(match (kicks, through) {
            (Some(Ordering::Greater), _) => 1,
            (Some(Ordering::Less), _) => 2,
            // The file has a shootout without a winner: the team that advanced won it.
            (Some(Ordering::Equal), Some(team)) => code(team),
            _ => match home.cmp(&away) {
                Ordering::Greater => 1,
                Ordering::Less => 2,
                Ordering::Equal => 3,
            },
        });
        if leg.is_some_and(|(_, place)| place > 0) {
            if let Some([home, away]) = self.bracket.aggregate_at(self.season, index, self.now) {
                event["homeScore"]["aggregated"] = json!(home);
                event["awayScore"]["aggregated"] = json!(away);
            }
            if let Some(team) = through {
                event["aggregatedWinnerCode"] = json!(code(team));
            }
        }
    }

    fn standing(&self, group: Option<&str>, section: Option<(&str, Vec<usize>)>) -> Option<Value> {
        let mut table = table(self.season, group, self.now);
        let (label, year) = (self.season.label(), self.season.season_year());
        let name = match group.or(section.as_ref().map(|(name, _)| *name)) {
            Some(part) => format!("{label} {year}, {part}"),
            None => format!("{label} {year}"),
        };
        let mut stage = self.stage_json(Kind::League, group);
        if let Some((part, teams)) = section {
            table.retain(|row| teams.contains(&row.team));
            stage["name"] = json!(format!("{label}, {part} Round"));
        }
        (!table.is_empty()).then(|| self.table_json(&stage, &name, self.group_place(group), &table))
    }

    /// A table that the rules list.
    fn listed_table(&self, number: u64, listed: &Listed) -> Value {
        let label = self.season.label();
        let mut stage = self.stage_json(Kind::League, None);
        if listed.own_stage {
            stage["name"] = json!(format!("{label}, {}", listed.name));
            stage["id"] = json!(self.season.unique_tournament_id * 100 + 50 + number);
        }
        let name = format!("{label} {}, {}", self.season.season_year(), listed.name);
        self.table_json(&stage, &name, number, &table_of(self.season, &listed.teams, self.now))
    }

    fn table_json(&self, stage: &Value, name: &str, number: u64, table: &[Row]) -> Value {
        let in_knockouts = |row: &&Row| {
            let mut knockouts = self.season.fixtures.iter().filter(|fixture| fixture.kind != Kind::League);
            knockouts.any(|fixture| [fixture.home, fixture.away].contains(&row.team))
        };
        let through = table.iter().filter(in_knockouts).count();
        let rows: Vec<Value> = (1..)
            .zip(table)
            .map(|(position, row)| {
                let team = &self.season.teams[row.team];
                let [wins, draws, losses] = row.record;
                let difference = row.difference();
                let formatted = if difference > 0 { format!("+{difference}") } else { difference.to_string() };
                let promotion = (position <= through).then(|| json!({"id": 6, "text": "Playoffs"}));
                json!({
                    "team": team_json(team), "descriptions": [], "id": 700_000 + team.id, "position": position,
                    "matches": row.played(), "wins": wins, "draws": draws, "losses": losses,
                    "scoresFor": row.goals[0], "scoresAgainst": row.goals[1],
                    "scoreDiffFormatted": formatted, "points": row.total(), "promotion": promotion,
                })
            })
            .collect();
        json!({
            "tournament": stage, "type": "total", "name": name, "descriptions": [],
            "tieBreakingRule": {"id": 17_827, "text": self.season.in_force.text.as_deref().unwrap_or(TIE_BREAKING)},
            "rows": rows, "id": 300_000 + self.season.unique_tournament_id * 100 + number,
            "updatedAtTimestamp": self.now.timestamp(),
        })
    }

    /// 1 for the first group; 0 for a table without a group.
    fn group_place(&self, group: Option<&str>) -> u64 {
        group.and_then(|g| self.season.groups.iter().position(|other| other == g)).map_or(0, |p| p as u64 + 1)
    }

    fn tournament_stub(&self) -> Value {
        tournament_json(self.season.unique_tournament_id, self.season.label())
    }

    fn season_stub(&self) -> Value {
        let (label, year) = (self.season.label(), self.season.season_year());
        json!({"name": format!("{label} {year}"), "year": year, "editor": false, "id": self.season.season_id})
    }

    /// `tournament` of an event or a table: the stage, not the competition.
    pub(super) fn stage_json(&self, kind: Kind, group: Option<&str>) -> Value {
        let label = self.season.label();
        let name = match (kind, group) {
            (Kind::Knockout, _) if self.season.mode() != "knockout-only" => {
                format!("{label}, Knockout stage")
            }
            (_, Some(group)) => format!("{label}, {group}"),
            _ => label.to_owned(),
        };
        let stage = if kind == Kind::Knockout { 90 } else { self.group_place(group) };
        let mut value = json!({
            "name": name, "slug": slug::slugify(&name), "category": category(),
            "uniqueTournament": self.tournament_stub(), "priority": 500, "isGroup": group.is_some(), "isLive": false,
            "competitionType": if kind == Kind::Knockout { 2 } else { 1 },
            "id": self.season.unique_tournament_id * 100 + stage,
        });
        // Only lettered groups have a field of their own.
        if let Some(group) = group.filter(|group| group.starts_with("Group ")) {
            value["groupName"] = json!(group);
            value["groupSign"] = json!(group.trim_start_matches("Group "));
        }
        value
    }

    /// A match of another competition, which a reader without a filter would accept.
    fn foreign_event(&self, day: NaiveDate, hour: u32) -> Value {
        let kickoff = day.and_time(chrono::NaiveTime::MIN).and_utc() + Duration::hours(i64::from(hour));
        let number = u64::try_from(kickoff.timestamp() / 3600).unwrap_or(0);
        let score = super::model::Score { ht: Some([0, 1]), ft: [1, 1], et: None, p: None };
        let fixture = Fixture {
            id: 20_000_000 + number,
            kind: Kind::League,
            round: RoundKey::matchday(1),
            group: None,
            section: None,
            home: 0,
            away: 1,
            kickoff,
            score: Some(score),
            ruling: Ruling::Played,
            faults: Vec::new(),
        };
        let team =
            |id, name: &str| team_json(&Team { id, name: name.to_owned(), code: None, placeholder: false });
        let Moment { code, kind, description, home, away, changed, .. } = moment(&fixture, self.now);
        let other = "Elsewhere League";
        json!({
            "tournament": {"name": other, "slug": slug::slugify(other), "category": category(), "priority": 10,
                "uniqueTournament": tournament_json(OTHER_TOURNAMENT, other), "id": OTHER_TOURNAMENT * 100},
            "season": {"name": other, "year": "23-25", "editor": false, "id": 99_900},
            "roundInfo": {"round": 1}, "customId": custom_id(fixture.id),
            "status": {"code": code, "description": description, "type": kind},
            "homeTeam": team(90_001, "Elsewhere United"), "awayTeam": team(90_002, "Nowhere City"),
            "homeScore": home, "awayScore": away, "time": {}, "changes": changes(changed),
            "id": fixture.id, "slug": "elsewhere-united-nowhere-city", "startTimestamp": kickoff.timestamp(),
        })
    }
}

fn changes(at: i64) -> Value {
    match at {
        0 => json!({"changeTimestamp": 0}),
        _ => json!({"changes": ["status.code", "status.description"], "changeTimestamp": at}),
    }
}

fn sport() -> Value {
    json!({"name": "Football", "slug": "football", "id": 1})
}

fn category() -> Value {
    json!({"name": "World", "slug": "world", "sport": sport(), "id": 1468, "country": {}, "flag": "international"})
}

fn tournament_json(id: u64, name: &str) -> Value {
    json!({
        "name": name, "slug": slug::slugify(name), "primaryColorHex": "#1b5e20", "secondaryColorHex": "#ffd54f",
        "category": category(), "userCount": 650_993, "hasPerformanceGraphFeature": false, "id": id, "country": {},
        "displayInverseHomeAwayTeams": false,
    })
}

/// A round of the list: it has its prefix there, but not in an event's `roundInfo`.
fn listed_round(round: &RoundKey) -> Value {
    let mut value = round_json(round, true);
    if let Some(prefix) = &round.prefix {
        value["prefix"] = json!(prefix);
    }
    value
}

fn round_json(round: &RoundKey, with_slug: bool) -> Value {
    let mut value = json!({"round": round.number});
    if let Some(name) = &round.name {
        value["name"] = json!(name);
    }
    if let Some(slug) = round.slug.as_ref().filter(|_| with_slug) {
        value["slug"] = json!(slug);
    }
    value
}

pub(super) fn team_json(team: &Team) -> Value {
    // The short name omits the country that some files append to a club's name.
    let short = team.name.split(" (").next().unwrap_or(&team.name);
    let letters: String = short.chars().filter(|c| c.is_alphabetic()).take(3).collect();
    json!({
        "name": team.name, "slug": slug::slugify(&team.name), "shortName": short, "gender": "M", "sport": sport(),
        "userCount": 10_000 + team.id, "nameCode": team.code.clone().unwrap_or_else(|| letters.to_uppercase()),
        "disabled": false, "national": false, "type": 0, "id": team.id, "country": {}, "subTeams": [],
        "teamColors": {"primary": "#374df5", "secondary": "#374df5", "text": "#ffffff"},
        "fieldTranslations": {"nameTranslation": {}, "shortNameTranslation": {}},
    })
}

/// No captured reply contains a placeholder; only event slugs (`wqf3-wqf4`, `runner-up-group-winner-group`) show that
/// there were some. So this is the JSON of a team with the two fields that are said to mark a placeholder, `disabled`
/// and a `type` other than 0, and without the country of a real team.
pub(super) fn placeholder_json(slot: &Slot) -> Value {
    let name = &slot.placeholder;
    json!({
        "name": name, "slug": slug::slugify(name), "shortName": name, "gender": "M", "sport": sport(), "userCount": 0,
        "disabled": true, "national": false, "type": 1, "id": slot.placeholder_id, "subTeams": [],
        "teamColors": {"primary": "#374df5", "secondary": "#374df5", "text": "#ffffff"},
    })
}

/// The event's short id: letters only, different for every event.
fn custom_id(id: u64) -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut left = id;
    let mut text = String::new();
    while left > 0 {
        text.push(char::from(LETTERS[(left % LETTERS.len() as u64) as usize]));
        left /= LETTERS.len() as u64;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn seen<T>(season: &Season, now: &str, look: impl Fn(View<'_>) -> T) -> T {
        look(View { season, bracket: &Bracket::of(season), now: sample::at(now) })
    }

    #[test]
    fn a_round_is_not_there_then_half_there_then_known() {
        let season = sample::cup();
        let semifinal = |now| {
            seen(&season, now, |v| {
                v.round_events(28, Some("semifinals"), None).map(|r| r["events"][0].clone())
            })
        };
        assert_eq!(semifinal("2030-06-05T16:52:00Z"), None);
        let half = semifinal("2030-06-05T16:53:00Z").unwrap();
        assert_eq!((&half["homeTeam"]["name"], &half["homeTeam"]["type"]), (&json!("A1"), &json!(0)));
        assert_eq!(
            (&half["awayTeam"]["name"], &half["awayTeam"]["disabled"]),
            (&json!("Runner-up Group B"), &json!(true))
        );
        assert_eq!((&half["homeScore"], &half["changes"]["changeTimestamp"]), (&json!({}), &json!(0)));
        let over = semifinal("2030-06-10T23:00:00Z").unwrap();
        assert_eq!((&over["awayTeam"]["name"], &over["slug"]), (&json!("B2"), &half["slug"]));
        assert_eq!((&over["status"]["code"], &over["winnerCode"]), (&json!(120), &json!(2)));
        assert_eq!(
            over["roundInfo"],
            json!({"round": 28, "name": "Semifinals", "slug": "semifinals", "cupRoundType": 2})
        );
    }

    #[test]
    fn a_second_leg_has_the_aggregate_only_when_it_is_over() {
        let season = Season::parse("cup", r#"{"name": "Cup 2030", "matches": [
            {"round": "Semifinals", "date": "2030-02-01", "team1": "X", "team2": "Y", "score": {"ft": [3, 0]}},
            {"round": "Semifinals", "date": "2030-02-08", "team1": "Y", "team2": "X", "score": {"ft": [0, 0]}}]}"#).unwrap();
        let event = |id, now| seen(&season, now, |v| v.event(id).unwrap()["event"].clone());
        let before = event(9_000_002, "2030-02-02T00:00:00Z");
        assert_eq!((&before["previousLegEventId"], &before["homeScore"]), (&json!(9_000_001), &json!({})));
        let over = event(9_000_002, "2030-02-09T00:00:00Z");
        assert_eq!((&over["winnerCode"], &over["aggregatedWinnerCode"]), (&json!(3), &json!(2)));
        assert_eq!(
            (&over["homeScore"]["aggregated"], &over["awayScore"]["aggregated"]),
            (&json!(0), &json!(3))
        );
        assert_eq!(event(9_000_001, "2030-02-09T00:00:00Z").get("aggregatedWinnerCode"), None);
    }

    #[test]
    fn a_day_holds_its_neighbours_and_strangers_and_no_slug() {
        let season = sample::cup();
        let day = NaiveDate::from_ymd_opt(2030, 6, 10).unwrap();
        let events = seen(&season, "2030-06-10T20:00:00Z", |v| {
            View::scheduled_events(std::iter::once(v), day)
        })["events"]
            .as_array()
            .cloned()
            .unwrap();
        let ids: Vec<u64> =
            events.iter().filter_map(|e| e["tournament"]["uniqueTournament"]["id"].as_u64()).collect();
        let own = season.unique_tournament_id;
        assert_eq!(ids, [own, own, OTHER_TOURNAMENT, OTHER_TOURNAMENT]);
        assert_eq!(events[0]["roundInfo"], json!({"round": 28, "name": "Semifinals", "cupRoundType": 2}));
        assert_eq!(
            seen(&season, "2030-06-10T20:00:00Z", |v| v.rounds())["currentRound"]["slug"],
            "semifinals"
        );
    }

    #[test]
    fn real_files_load_and_the_groups_of_2022_are_complete() {
        let Some(data) = std::env::var_os("REAL_DATA").filter(|path| !path.is_empty()) else {
            eprintln!("left out: REAL_DATA does not name a folder with real season files");
            return;
        };
        let mut files: Vec<_> = std::fs::read_dir(std::path::Path::new(&data).join("openfootball"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.retain(|path| path.extension().is_some_and(|e| e == "json"));
        assert!(!files.is_empty());
        for path in files {
            let season = Season::load(&path).unwrap();
            let bracket = Bracket::of(&season);
            let end = View { season: &season, bracket: &bracket, now: season.last_end() };
            let mut events = 0;
            for round in &season.rounds {
                let list = end
                    .round_events(round.number, round.slug.as_deref(), round.prefix.as_deref())
                    .expect("every round is drawn by the end");
                events += list["events"].as_array().unwrap().len();
                assert!(
                    !list.to_string().contains("\"disabled\":true"),
                    "{}: {round:?} {list}",
                    path.display()
                );
            }
            assert_eq!(events, season.fixtures.len());
            for tie in
                bracket.ties.iter().filter(|t| t.legs.iter().all(|l| season.fixtures[*l].score.is_some()))
            {
                assert!(tie.winner.is_some(), "{}: {tie:?}", path.display());
            }
            eprintln!(
                "{}: {} {} {} {} {}",
                path.display(),
                season.slug(),
                season.mode(),
                season.standings_mode(),
                events,
                season.last_end()
            );
            if season.slug() == "world-cup-2022" {
                let standings = end.standings().unwrap()["standings"].as_array().cloned().unwrap();
                assert_eq!(standings.len(), 8);
                for group in &standings {
                    let rows = group["rows"].as_array().unwrap();
                    assert_eq!((rows.len(), rows.iter().all(|r| r["matches"] == 3)), (4, true));
                }
                assert_eq!(standings[2]["rows"][0]["team"]["name"], "Argentina");
            }
        }
    }
}
