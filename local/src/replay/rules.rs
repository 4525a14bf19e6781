//! What results don't show of a season: the tables the provider has, how ties on points are broken, point deductions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::model::{Listed, Season};

/// The content of a `--rules` file: `{"tie_breaking_rule": text, "deductions": {team: points}, "byes": [team], "tables":
/// [{"name": text, "teams": [team], "own_stage": bool}], "shootout_points": bool, "split_days": bool}`, each optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// `tieBreakingRule.text` of every table, word for word.
    #[serde(default)]
    pub tie_breaking_rule: Option<String>,
    /// By the team's name in the season file: points **taken away** from the first matchday on. 9 takes nine
    /// points away, -3 gives three. (`pts_adjustment` of a compact file has the opposite sign: it is what to add.)
    #[serde(default)]
    pub deductions: BTreeMap<String, i64>,
    /// Teams, by the same names, that the cup tree shows as advancing through the rounds before their first match.
    #[serde(default)]
    pub byes: Vec<String>,
    /// The provider's tables, in place of one a group: conferences, or tables across which matches are played.
    #[serde(default)]
    pub tables: Vec<TableOf>,
    /// Whether the winner of a shootout in a match of a table gets a further point.
    #[serde(default)]
    pub shootout_points: bool,
    /// Whether the first half of a day's list has other competitions only.
    #[serde(default)]
    pub split_days: bool,
}

/// A table of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableOf {
    /// The end of its name.
    pub name: String,
    /// Its teams, by their names in the season file.
    pub teams: Vec<String>,
    /// Whether its stage has an id of its own, which no match has; else it shares that of the matches.
    #[serde(default)]
    pub own_stage: bool,
}

/// Why rules cannot be used, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("cannot read the rules file {}: check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The text is not the JSON expected.
    #[error(
        "{name} is not a rules file: write {{\"tie_breaking_rule\": \"text\", \"deductions\": {{\"Team\": 9}}, \
         \"byes\": [\"Team\"], \"tables\": [{{\"name\": \"East\", \"teams\": [\"Team\"]}}], \
         \"shootout_points\": true, \"split_days\": true}}"
    )]
    Json {
        /// The file's name.
        name: String,
        /// Where the parser stopped.
        source: serde_json::Error,
    },
    /// A deduction or a bye for an unknown team.
    #[error("the season has no team {name:?}: its teams are {teams}")]
    UnknownTeam {
        /// The name in the rules.
        name: String,
        /// The names it could have been.
        teams: String,
    },
}

impl Rules {
    /// Reads a rules file.
    pub fn load(path: &Path) -> Result<Self, RulesError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RulesError::Read { path: path.to_path_buf(), source })?;
        Self::parse(&path.to_string_lossy(), &text)
    }

    /// Parses the text of a rules file; `name` is for the error.
    pub fn parse(name: &str, text: &str) -> Result<Self, RulesError> {
        serde_json::from_str(text).map_err(|source| RulesError::Json { name: name.to_owned(), source })
    }
}

impl Season {
    /// The season under `rules`: its text replaces the file's, its deductions those of the same teams. With a
    /// deduction that differs from the file's, the order of the file's final table no longer applies.
    pub fn with_rules(mut self, rules: Rules) -> Result<Self, RulesError> {
        for name in rules.byes {
            let team = self.named(name)?;
            self.in_force.byes.push(team);
        }
        for (name, points) in rules.deductions {
            let team = self.named(name)?;
            let before = self.in_force.adjustments.insert(team, -points).unwrap_or(0);
            if before != -points {
                self.in_force.final_order.clear();
            }
        }
        for TableOf { name, teams, own_stage } in rules.tables {
            let teams = teams.into_iter().map(|team| self.named(team)).collect::<Result<_, _>>()?;
            self.in_force.tables.push(Listed { name, teams, own_stage });
        }
        self.in_force.shootout_points |= rules.shootout_points;
        self.in_force.split_days |= rules.split_days;
        if rules.tie_breaking_rule.is_some() {
            self.in_force.text = rules.tie_breaking_rule;
        }
        Ok(self)
    }

    fn named(&self, name: String) -> Result<usize, RulesError> {
        let team = self.teams.iter().position(|t| t.name == name && !t.placeholder);
        let names = || self.teams.iter().map(|t| t.name.as_str()).collect::<Vec<_>>().join(", ");
        team.ok_or_else(|| RulesError::UnknownTeam { name, teams: names() })
    }

    /// The rules in force, in the format of a rules file.
    pub fn rules(&self) -> Rules {
        let adjustments = self.in_force.adjustments.iter().filter(|(_, points)| **points != 0);
        Rules {
            tie_breaking_rule: self.in_force.text.clone(),
            deductions: adjustments.map(|(team, points)| (self.teams[*team].name.clone(), -points)).collect(),
            byes: self.in_force.byes.iter().map(|team| self.teams[*team].name.clone()).collect(),
            tables: (self.in_force.tables.iter())
                .map(|Listed { name, teams, own_stage }| TableOf {
                    name: name.clone(),
                    teams: teams.iter().map(|team| self.teams[*team].name.clone()).collect(),
                    own_stage: *own_stage,
                })
                .collect(),
            shootout_points: self.in_force.shootout_points,
            split_days: self.in_force.split_days,
        }
    }

    /// The teams (indices into [`Season::teams`]) that have byes.
    pub fn byes(&self) -> &[usize] {
        &self.in_force.byes
    }

    /// The teams (indices into [`Season::teams`]) in the order of the file's final table; empty without one.
    pub fn final_order(&self) -> &[usize] {
        &self.in_force.final_order
    }
}

#[cfg(test)]
mod tests {
    use super::super::bracket::Bracket;
    use super::super::payload::View;
    use super::super::sample;
    use super::super::table::table;
    use super::*;

    #[test]
    fn a_deduction_is_taken_away_and_reorders_the_table() {
        let rules = Rules::parse("r", r#"{"tie_breaking_rule": "Lots", "deductions": {"A1": 5}}"#).unwrap();
        let season = sample::cup().with_rules(rules.clone()).unwrap();
        assert_eq!(season.rules(), rules);
        let rows = table(&season, Some("Group A"), sample::at("2030-06-08T00:00:00Z"));
        let seen: Vec<_> =
            rows.iter().map(|r| (season.teams[r.team].name.as_str(), r.points(), r.total())).collect();
        assert_eq!(seen, [("A2", 3, 3), ("A1", 6, 1), ("A3", 0, 0)]);
        let bracket = Bracket::of(&season);
        let view = View { season: &season, bracket: &bracket, now: sample::at("2030-06-08T00:00:00Z") };
        let standing = view.standings().unwrap()["standings"][0].clone();
        assert_eq!(standing["tieBreakingRule"]["text"], "Lots");
        assert_eq!((&standing["rows"][1]["points"], &standing["rows"][1]["wins"]), (&1.into(), &2.into()));
        let early = table(&season, Some("Group A"), sample::at("2030-06-01T00:00:00Z"));
        assert_eq!(early.last().map(|r| r.total()), Some(-5), "in force from the first day");
    }

    #[test]
    fn errors_say_what_to_write() {
        let error = |text: &str| {
            let rules = Rules::parse("r.json", text)?;
            sample::cup().with_rules(rules).map(|_| ())
        };
        let unknown = error(r#"{"deductions": {"A9": 1}}"#).unwrap_err().to_string();
        assert!(unknown.contains("no team \"A9\"") && unknown.contains("A1, A2, B1"), "{unknown}");
        assert!(
            error(r#"{"deduction": {}}"#).unwrap_err().to_string().contains("r.json is not a rules file")
        );
        assert!(matches!(Rules::load(Path::new("/nowhere")), Err(RulesError::Read { .. })));
    }
}
