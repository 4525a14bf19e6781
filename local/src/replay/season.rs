//! Reads a season in the public openfootball JSON format or a compact one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::compact;
use super::entry::{Entry, SeasonError};
use super::model::{Fixture, InForce, Kind, RoundKey, Ruling, Season, Team};
use super::names::{Place, group_name, is_placeholder, label_and_year, place, season_year};
use super::story::ended_at;

impl Season {
    /// Reads a season file.
    pub fn load(path: &Path) -> Result<Self, SeasonError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SeasonError::Read { path: path.to_path_buf(), source })?;
        let hint = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Self::parse(&hint, &text)
    }

    /// Parses a season; `name_hint` (the file's name without its extension) replaces a missing name or year.
    pub fn parse(name_hint: &str, text: &str) -> Result<Self, SeasonError> {
        let root: Value = serde_json::from_str(text)
            .map_err(|source| SeasonError::Json { name: name_hint.to_owned(), source })?;
        let mut season = Season {
            fixtures: Vec::new(),
            teams: Vec::new(),
            rounds: Vec::new(),
            groups: Vec::new(),
            unique_tournament_id: 0,
            season_id: 0,
            in_force: InForce::default(),
            label: String::new(),
            year: String::new(),
        };
        let mut seen = HashMap::new();
        let mut others = Vec::new();
        let list = |holder: &Value| holder["matches"].as_array().cloned().unwrap_or_default();
        let compact = compact::is_compact(&root);
        let matches = if compact { compact::matches(&root)? } else { list(&root) };
        let mut raw: Vec<(Option<String>, Value)> = matches.into_iter().map(|m| (None, m)).collect();
        for round in root["rounds"].as_array().into_iter().flatten() {
            let name = round["name"].as_str().map(str::to_owned);
            raw.extend(list(round).into_iter().map(|m| (name.clone(), m)));
        }
        for (index, (round, value)) in raw.iter().enumerate() {
            let empty = Map::new();
            let entry = Entry { index, fields: value.as_object().unwrap_or(&empty) };
            let fixture = season.fixture(&entry, round.as_deref(), &mut seen, &mut others)?;
            season.fixtures.push(fixture);
        }
        let Some(first) = season.fixtures.iter().map(|f| f.kickoff).min() else {
            return Err(SeasonError::Empty { name: name_hint.to_owned() });
        };
        season.find_pools();
        season.number_group_rounds();
        season.number_unnumbered_rounds();
        season.list_rounds();
        let groups: BTreeSet<_> = season.fixtures.iter().filter_map(|f| f.group.clone()).collect();
        season.groups = groups.into_iter().collect();
        let named = compact::name(&root).filter(|_| compact);
        let name = named.as_deref().or(root["name"].as_str()).unwrap_or(name_hint);
        let (label, year) = label_and_year(name);
        let hinted = name_hint.split('_').find_map(season_year);
        season.year = year.or(hinted).unwrap_or_else(|| first.format("%Y").to_string());
        season.label = label;
        // Leagues of several countries share a name.
        let country = root["country"].as_str().filter(|_| compact).unwrap_or_default();
        season.unique_tournament_id = 100 + spread(&format!("{}{country}", season.label)) % 9_000;
        season.season_id = 10_000 + spread(&format!("{} {}{country}", season.label, season.year)) % 80_000;
        if compact {
            season.in_force = compact::rules(name_hint, &root, &season.teams)?;
            season.call_off_what_the_table_does_without();
        }
        Ok(season)
    }

    /// The same with ids of its own among several seasons. The first keeps those it has alone.
    #[must_use]
    pub fn numbered(mut self, index: usize) -> Self {
        let index = index as u64;
        self.unique_tournament_id += index * 10_000;
        for team in &mut self.teams {
            team.id += index * 10_000;
        }
        for fixture in &mut self.fixtures {
            fixture.id += index * 10_000_000;
        }
        self
    }

    /// The competition's name without the season: `English Premier League`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The season as the provider writes it: `2022`, `24/25`.
    pub fn season_year(&self) -> &str {
        &self.year
    }

    /// Competition and season as a slug: `world-cup-2022`.
    pub fn slug(&self) -> String {
        slug::slugify(format!("{} {}", self.label, self.year))
    }

    /// The competition's mode, by the application's term.
    pub fn mode(&self) -> &'static str {
        let has = |kind| self.fixtures.iter().any(|f| f.kind == kind);
        match (has(Kind::League), has(Kind::Knockout)) {
            (true, true) => "regular-season-and-knockout",
            (true, false) => "regular-season-only",
            _ => "knockout-only",
        }
    }

    /// Whether there is one table or several, by the application's term.
    pub fn standings_mode(&self) -> &'static str {
        let tables = self.groups.len().max(self.in_force.tables.len());
        if tables > 1 { "multi-group" } else { "unique-group" }
    }

    /// The same season on other days, so that one of its fullest days is `today`: of several the middle one.
    #[must_use]
    pub fn around(mut self, today: NaiveDate) -> Self {
        let mut days: BTreeMap<NaiveDate, usize> = BTreeMap::new();
        for fixture in &self.fixtures {
            *days.entry(fixture.kickoff.date_naive()).or_default() += 1;
        }
        let most = days.values().max().copied().unwrap_or_default();
        let full: Vec<NaiveDate> =
            days.into_iter().filter(|(_, matches)| *matches == most).map(|(day, _)| day).collect();
        if let Some(day) = full.get(full.len() / 2) {
            let shift = today - *day;
            self.fixtures.iter_mut().for_each(|fixture| fixture.kickoff += shift);
        }
        self
    }

    /// The season's first kickoff.
    pub fn first_kickoff(&self) -> DateTime<Utc> {
        self.fixtures.iter().map(|f| f.kickoff).min().unwrap_or_default()
    }

    /// The end of the last match that has a result or was cancelled.
    pub fn last_end(&self) -> DateTime<Utc> {
        let decided = |f: &&Fixture| f.counted_score().is_some() || f.ruling == Ruling::Cancelled;
        let decided = self.fixtures.iter().filter(decided);
        decided.filter_map(ended_at).max().unwrap_or_else(|| self.first_kickoff())
    }

    /// The sections of a split league with their teams (indices into [`Season::teams`]), once the matches before the
    /// split are over; those who do not continue are the last.
    pub fn sections(&self, now: DateTime<Utc>) -> Vec<(&str, Vec<usize>)> {
        let mut sections: Vec<(&str, Vec<usize>)> = Vec::new();
        for fixture in self.fixtures.iter().filter(|f| f.kind == Kind::League) {
            let Some(name) = fixture.section.as_deref() else {
                if ended_at(fixture).is_none_or(|end| end > now) {
                    return Vec::new();
                }
                continue;
            };
            let at = sections.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                sections.push((name, Vec::new()));
                sections.len() - 1
            });
            for team in [fixture.home, fixture.away] {
                if !sections[at].1.contains(&team) {
                    sections[at].1.push(team);
                }
            }
        }
        let plays_on = |team: &usize| sections.iter().any(|(_, teams)| teams.contains(team));
        let league = self.fixtures.iter().filter(|f| f.kind == Kind::League);
        let others: BTreeSet<usize> =
            league.flat_map(|f| [f.home, f.away]).filter(|team| !plays_on(team)).collect();
        if !sections.is_empty() && !others.is_empty() {
            sections.push(("Regular season", others.into_iter().collect()));
        }
        sections
    }

    /// The team (index into [`Season::teams`]) that won a match by goals or shootout.
    pub fn winner_of(&self, fixture: usize) -> Option<usize> {
        let fixture = &self.fixtures[fixture];
        let score = fixture.counted_score()?;
        let [home, away] = score.display();
        let [home_kicks, away_kicks] = score.p.unwrap_or_default();
        match (home, home_kicks).cmp(&(away, away_kicks)) {
            std::cmp::Ordering::Greater => Some(fixture.home),
            std::cmp::Ordering::Less => Some(fixture.away),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Whether matches were cancelled.
    pub fn is_curtailed(&self) -> bool {
        self.fixtures.iter().any(|f| f.ruling == Ruling::Cancelled)
    }

    fn fixture(
        &mut self,
        entry: &Entry<'_>,
        round: Option<&str>,
        seen: &mut HashMap<String, usize>,
        others: &mut Vec<String>,
    ) -> Result<Fixture, SeasonError> {
        let round = match (entry.text("round"), round) {
            (Some(own), _) => own,
            (None, Some(above)) => above.to_owned(),
            _ => return Err(entry.missing("round", "write e.g. \"Matchday 1\" or \"Final\"")),
        };
        let Place { kind, round: key, group: named_group, section } = if round == compact::UNNUMBERED {
            Place { kind: Kind::League, round: RoundKey::matchday(0), group: None, section: None }
        } else {
            place(&round, entry.text("group").is_some(), others)
        };
        let group = match entry.text("group") {
            Some(name) if kind == Kind::League => Some(group_name(&name)),
            _ => named_group,
        };
        let ruling = match entry.text("status").map(|s| s.to_lowercase()).as_deref() {
            Some("awarded") => Ruling::Awarded,
            Some("cancelled" | "canceled" | "annulled") => Ruling::Cancelled,
            _ => Ruling::Played,
        };
        Ok(Fixture {
            id: 9_000_001 + entry.index as u64,
            kind,
            round: key,
            group,
            section: entry.text(compact::SECTION).or(section),
            home: self.team(entry, "team1", seen)?,
            away: self.team(entry, "team2", seen)?,
            kickoff: entry.kickoff()?,
            score: entry.score()?,
            ruling,
            faults: Vec::new(),
        })
    }

    fn team(
        &mut self,
        entry: &Entry<'_>,
        field: &'static str,
        seen: &mut HashMap<String, usize>,
    ) -> Result<usize, SeasonError> {
        let raw = entry.fields.get(field).unwrap_or(&Value::Null);
        let name = raw.as_str().or_else(|| raw["name"].as_str()).map(str::trim).filter(|n| !n.is_empty());
        let name =
            name.ok_or_else(|| entry.missing(field, "write the team's name, or {\"name\", \"code\"}"))?;
        Ok(*seen.entry(name.to_owned()).or_insert_with(|| {
            self.teams.push(Team {
                id: 1000 + self.teams.len() as u64,
                name: name.to_owned(),
                code: raw["code"].as_str().map(str::to_owned),
                placeholder: is_placeholder(name),
            });
            self.teams.len() - 1
        }))
    }

    /// A round in which every team meets every other is a group, not a round of ties: the last four of 1950.
    fn find_pools(&mut self) {
        let rounds: HashSet<RoundKey> =
            self.fixtures.iter().filter(|f| f.kind == Kind::Knockout).map(|f| f.round.clone()).collect();
        for round in rounds {
            let of_round = |f: &&mut Fixture| f.kind == Kind::Knockout && f.round == round;
            let (mut teams, mut pairs) = (BTreeSet::new(), BTreeSet::new());
            for fixture in self.fixtures.iter_mut().filter(of_round) {
                teams.extend([fixture.home, fixture.away]);
                pairs.insert((fixture.home.min(fixture.away), fixture.home.max(fixture.away)));
            }
            if teams.len() < 3 || pairs.len() != teams.len() * (teams.len() - 1) / 2 {
                continue;
            }
            for fixture in self.fixtures.iter_mut().filter(of_round) {
                fixture.kind = Kind::League;
                fixture.group = round.name.clone();
                fixture.round = RoundKey::matchday(1);
            }
        }
    }

    /// Matches without a result are cancelled if the file's final table contradicts the points of the others: it was
    /// computed without them.
    fn call_off_what_the_table_does_without(&mut self) {
        let mut points = self.in_force.adjustments.clone();
        for fixture in self.fixtures.iter().filter(|f| f.kind == Kind::League) {
            let Some([home, away]) = fixture.counted_score().map(|score| score.display()) else { continue };
            for (team, made, conceded) in [(fixture.home, home, away), (fixture.away, away, home)] {
                let won = i64::from(made > conceded) * 3 + i64::from(made == conceded);
                *points.entry(team).or_default() += won;
            }
        }
        let total = |team: &usize| points.get(team).copied().unwrap_or(0);
        if self.in_force.final_order.is_sorted_by(|a, b| total(a) >= total(b)) {
            return;
        }
        for fixture in self.fixtures.iter_mut().filter(|f| f.kind == Kind::League && f.score.is_none()) {
            fixture.ruling = Ruling::Cancelled;
        }
    }

    /// A group match belongs to the round after the last one that either team played in that group: the file's
    /// "Matchday" counts days of the tournament, the provider counts matches of a team.
    fn number_group_rounds(&mut self) {
        let mut order: Vec<usize> =
            (0..self.fixtures.len()).filter(|&i| self.fixtures[i].group.is_some()).collect();
        order.sort_by_key(|&i| (self.fixtures[i].kickoff, i));
        let mut played: HashMap<(Option<String>, usize), u32> = HashMap::new();
        for i in order {
            let fixture = &mut self.fixtures[i];
            let [home, away] = [fixture.home, fixture.away].map(|team| (fixture.group.clone(), team));
            let earlier = |key| played.get(key).copied().unwrap_or(0);
            fixture.round.number = 1 + earlier(&home).max(earlier(&away));
            *played.entry(home).or_default() += 1;
            *played.entry(away).or_default() += 1;
        }
    }

    /// A league match without a matchday follows the last one that either team played, numbered or not: matchdays both
    /// teams share as well as possible.
    fn number_unnumbered_rounds(&mut self) {
        let mut order: Vec<usize> =
            (0..self.fixtures.len()).filter(|&i| self.fixtures[i].kind == Kind::League).collect();
        order.sort_by_key(|&i| (self.fixtures[i].kickoff, i));
        let mut played = vec![0u32; self.teams.len()];
        for i in order {
            let fixture = &mut self.fixtures[i];
            if fixture.round.number == 0 {
                fixture.round.number = 1 + played[fixture.home].max(played[fixture.away]);
            }
            played[fixture.home] += 1;
            played[fixture.away] += 1;
        }
    }

    fn list_rounds(&mut self) {
        let mut order: Vec<&Fixture> = self.fixtures.iter().collect();
        order.sort_by_key(|f| match f.kind {
            Kind::League => (false, f.round.number, None, f.id),
            Kind::Knockout => (true, 0, Some(f.kickoff), f.id),
        });
        let mut rounds: Vec<RoundKey> = Vec::new();
        for fixture in order {
            if !rounds.contains(&fixture.round) {
                rounds.push(fixture.round.clone());
            }
        }
        self.rounds = rounds;
    }
}

/// FNV-1a: the same name gives the same id on every machine and in every version of the compiler.
fn spread(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        >> 20
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::Season;

    #[test]
    fn names_years_and_modes() {
        for (name, label, year) in [
            ("English Premier League 2024/25", "English Premier League", "24/25"),
            ("World Cup 2022", "World Cup", "2022"),
            ("Cup 2019-2020", "Cup", "19/20"),
            ("Nameless", "Nameless", "2030"),
        ] {
            let season = sample::named(name);
            assert_eq!((season.label(), season.season_year()), (label, year));
        }
        assert_eq!(sample::named("World Cup 2022").slug(), "world-cup-2022");
        let cup = sample::cup();
        assert_eq!((cup.mode(), cup.standings_mode()), ("regular-season-and-knockout", "multi-group"));
        assert_eq!(
            (cup.first_kickoff(), cup.last_end()),
            (sample::at("2030-06-01T15:00:00Z"), sample::at("2030-06-14T16:53:00Z"))
        );
    }

    #[test]
    fn a_last_round_of_all_against_all_is_a_group() {
        let game = |day: u32, home: &str, away: &str| {
            format!(
                r#"{{"round": "Final Round", "date": "2030-07-0{day}", "team1": "{home}", "team2": "{away}", "score": {{"ft": [1, 0]}}}}"#
            )
        };
        let pool = [game(1, "A", "B"), game(2, "C", "A"), game(3, "B", "C")].join(",");
        let season =
            Season::parse("cup", &format!(r#"{{"name": "Cup 2030", "matches": [{pool}]}}"#)).unwrap();
        assert_eq!(
            (season.groups.as_slice(), season.mode()),
            (["Final Round".to_owned()].as_slice(), "regular-season-only")
        );
        assert_eq!(season.fixtures.iter().map(|f| f.round.number).collect::<Vec<_>>(), [1, 2, 2]);
        let ties = [game(1, "A", "B"), game(2, "B", "A"), game(3, "C", "D")].join(",");
        let season =
            Season::parse("cup", &format!(r#"{{"name": "Cup 2030", "matches": [{ties}]}}"#)).unwrap();
        assert_eq!(season.mode(), "knockout-only");
    }

    #[test]
    fn who_does_not_play_on_after_the_split_is_the_last_section() {
        let game = |round: &str, day: u32, home: &str, away: &str| {
            format!(
                r#"{{"round": "{round}", "date": "2030-07-0{day}", "team1": "{home}", "team2": "{away}", "score": {{"ft": [1, 0]}}}}"#
            )
        };
        let games = [
            game("Matchday 1", 1, "A", "B"),
            game("Matchday 1", 1, "C", "D"),
            game("Championship, Matchday 2", 2, "A", "C"),
        ];
        let season =
            Season::parse("l", &format!(r#"{{"name": "L 2030", "matches": [{}]}}"#, games.join(",")))
                .unwrap();
        assert_eq!(season.fixtures[2].round.number, 2);
        assert_eq!(season.sections(sample::at("2030-07-01T16:00:00Z")), []);
        let sections = season.sections(sample::at("2030-07-01T20:00:00Z"));
        assert_eq!(sections, [("Championship", vec![0, 2]), ("Regular season", vec![1, 3])]);
    }

    #[test]
    fn a_group_match_follows_the_last_one_of_either_team() {
        let numbers: Vec<u32> = sample::cup().fixtures.iter().map(|f| f.round.number).collect();
        assert_eq!(
            numbers,
            [1, 1, 2, 2, 2, 2, 28, 28, 50, 29],
            "a group match follows the last one of either team"
        );
    }
}
