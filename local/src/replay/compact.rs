//! Compact season files: `teams`, `columns` and `matches` as rows, with an official `final_table` in most of them.
//!
//! Rows are converted to matches of an ordinary season file, so that one reader serves both.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::entry::SeasonError;
use super::model::InForce;
use super::model::Team;

/// Is this a compact season file?
pub(super) fn is_compact(root: &Value) -> bool {
    ["teams", "columns", "matches"].iter().all(|field| root[*field].is_array())
}

/// `Premier League 2000-01`, if the file says so.
pub(super) fn name(root: &Value) -> Option<String> {
    let league = root["league"].as_str()?;
    Some(root["season"].as_str().map_or_else(|| league.to_owned(), |season| format!("{league} {season}")))
}

/// Every row as a match of an ordinary season file.
pub(super) fn matches(root: &Value) -> Result<Vec<Value>, SeasonError> {
    let list = |field: &str| root[field].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns: HashMap<&str, usize> = (0..)
        .zip(list("columns"))
        .filter_map(|(at, c)| Some((c.as_str()?.trim_end_matches('?'), at)))
        .collect();
    let rows = list("matches").iter().enumerate();
    rows.map(|(index, row)| Row { index, columns: &columns, row, teams: list("teams") }.expand()).collect()
}

/// The field of a match that names the part of a split league it belongs to.
pub(super) const SECTION: &str = "section";

/// A row without a matchday: the season reader assigns it.
pub(super) const UNNUMBERED: &str = "Matchday ?";

struct Row<'a> {
    index: usize,
    columns: &'a HashMap<&'a str, usize>,
    row: &'a Value,
    teams: &'a [Value],
}

impl Row<'_> {
    fn cell(&self, column: &str) -> &Value {
        self.columns.get(column).map_or(&Value::Null, |at| &self.row[*at])
    }

    fn expand(&self) -> Result<Value, SeasonError> {
        let mut fields = Map::new();
        for field in ["date", "time", "status"] {
            if self.cell(field).is_string() {
                fields.insert(field.to_owned(), self.cell(field).clone());
            }
        }
        let (round, section) = round(self.cell("round"));
        fields.insert("round".to_owned(), json!(round));
        fields.insert(SECTION.to_owned(), json!(section));
        fields.insert("team1".to_owned(), self.team("home")?);
        fields.insert("team2".to_owned(), self.team("away")?);
        let pair = |home, away| [self.cell(home), self.cell(away)];
        let mut score = Map::new();
        for (field, cells) in [("ft", pair("home_goals", "away_goals")), ("ht", pair("ht_home", "ht_away"))] {
            if cells.iter().any(|cell| !cell.is_null()) {
                score.insert(field.to_owned(), json!(cells));
            }
        }
        fields.insert("score".to_owned(), Value::Object(score));
        Ok(Value::Object(fields))
    }

    fn team(&self, column: &'static str) -> Result<Value, SeasonError> {
        const PLACE: &str = "write the team's place in `teams`, counted from 0";
        let cell = self.cell(column);
        let team = cell.as_u64().and_then(|at| self.teams.get(usize::try_from(at).ok()?));
        team.cloned().ok_or_else(|| SeasonError::Invalid {
            index: self.index,
            field: column,
            value: cell.to_string(),
            remedy: PLACE,
        })
    }
}

/// The round's name in an ordinary season file, and its section. A section after the regular season
/// (`Championship, Matchday 3`) counts on from the matches before it; knockout rounds keep their names.
fn round(cell: &Value) -> (String, Option<&str>) {
    let Some(text) = cell.as_str().map(str::trim) else {
        let number = cell.as_u64().map(|n| format!("Matchday {n}"));
        return (number.unwrap_or_else(|| UNNUMBERED.to_owned()), None);
    };
    let (stage, last) = text.rsplit_once(',').map_or(("", text), |(stage, last)| (stage.trim(), last.trim()));
    let digits = last.strip_prefix("Matchday ").unwrap_or(last);
    match digits.parse::<u32>() {
        Ok(number) if ["", "regular", "regular season"].contains(&stage.to_lowercase().as_str()) => {
            (format!("Matchday {number}"), None)
        }
        Ok(_) => (UNNUMBERED.to_owned(), Some(stage)),
        Err(_) => (text.to_owned(), None),
    }
}

/// The rules in the file: its summary of them in the provider's wording, the difference between official and computed
/// points, the official order.
pub(super) fn rules(name: &str, root: &Value, teams: &[Team]) -> Result<InForce, SeasonError> {
    let mut rules = InForce { text: root["tie_break_rules"].as_str().and_then(prose), ..InForce::default() };
    for row in root["final_table"].as_array().into_iter().flatten() {
        let team = row["team"].as_str().map(str::trim).unwrap_or_default();
        let team = teams.iter().position(|t| t.name == team).ok_or_else(|| SeasonError::FinalTable {
            name: name.to_owned(),
            team: row["team"].to_string(),
        })?;
        rules.final_order.push(team);
        if let Some(points) = row["pts_adjustment"].as_i64().filter(|points| *points != 0) {
            rules.adjustments.insert(team, points);
        }
    }
    Ok(rules)
}

/// `points, goal difference, goals scored` as the provider writes it: what comes after points, numbered.
fn prose(summary: &str) -> Option<String> {
    let mut depth = 0;
    let criteria: Vec<&str> = summary
        .split(|c| {
            // A parenthesis belongs to the text before it.
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth <= 0 && (c == ',' || c == ';')
        })
        .map(str::trim)
        .filter(|c| !c.is_empty() && !c.eq_ignore_ascii_case("points"))
        .collect();
    let mut text =
        "In the event that two (or more) teams have an equal number of points, the following rules break \
        the tie:"
            .to_owned();
    for (place, criterion) in (1..).zip(&criteria) {
        let mut letters = criterion.chars();
        let first = letters.next()?.to_uppercase();
        text.push_str(&format!("\n{place}. {first}{}", letters.as_str()));
    }
    (!criteria.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::bracket::Bracket;
    use super::super::model::{Kind, Ruling, Season};
    use super::super::payload::View;
    use super::super::sample;
    use super::super::table::table;
    use super::*;

    const HEAD: &str = r#""league": "Tiny League", "country": "XXX", "season": "2030-31", "teams": ["A", "B", "C"],
        "columns": ["date", "round", "home", "away", "home_goals", "away_goals", "ht_home", "ht_away", "status?"],
        "tie_break_rules": "points, head-to-head points, goal difference","#;

    fn tiny(rows: &str, table: &str) -> Season {
        Season::parse("", &format!(r#"{{{HEAD} "matches": [{rows}], "final_table": [{table}]}}"#)).unwrap()
    }

    #[test]
    fn rows_become_matches() {
        let season = tiny(
            r#"["2030-08-01", 3, 0, 1, 2, 1, 1, 0], ["2030-08-02", "Regular, 4", 1, 2, 0, 3, null, null, "awarded"],
            ["2030-08-03", 5, 2, 0, null, null, null, null, "cancelled"]"#,
            "",
        );
        assert_eq!(
            (season.label(), season.season_year(), season.fixtures.len()),
            ("Tiny League", "30/31", 3)
        );
        let rounds: Vec<u32> = season.fixtures.iter().map(|f| f.round.number).collect();
        assert_eq!(rounds, [3, 4, 5]);
        assert_eq!(season.fixtures[0].kickoff, sample::at("2030-08-01T15:00:00Z"));
        assert_eq!(season.fixtures[0].score.and_then(|s| s.ht), Some([1, 0]));
        assert_eq!([1, 2].map(|i| season.fixtures[i].ruling), [Ruling::Awarded, Ruling::Cancelled]);
        let text = season.rules().tie_breaking_rule.unwrap();
        assert!(text.ends_with("break the tie:\n1. Head-to-head points\n2. Goal difference"), "{text}");
    }

    #[test]
    fn what_is_in_brackets_stays_with_its_criterion() {
        let text = prose("points, head-to-head (points, goal difference); goals scored").unwrap();
        assert!(text.ends_with("tie:\n1. Head-to-head (points, goal difference)\n2. Goals scored"), "{text}");
        assert_eq!(prose("points"), None);
    }

    #[test]
    fn matchdays_are_counted_where_the_file_has_none() {
        let season = tiny(
            r#"["2030-08-08", null, 2, 0, 1, 0, 0, 0], ["2030-08-01", null, 0, 1, 1, 0, 0, 0],
            ["2030-08-15", null, 1, 2, 1, 0, 0, 0], ["2030-09-01", "Championship, Matchday 1", 1, 0, 1, 0, 0, 0]"#,
            "",
        );
        let rounds: Vec<(Kind, u32)> = season.fixtures.iter().map(|f| (f.kind, f.round.number)).collect();
        assert_eq!(rounds, [2, 1, 2, 3].map(|n| (Kind::League, n)));
        assert_eq!(season.rounds.iter().map(|r| r.number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn the_final_order_holds_when_all_is_over_and_not_before() {
        let rows = r#"["2030-08-01", 1, 0, 1, 1, 0, 0, 0], ["2030-08-08", 2, 2, 0, 1, 0, 0, 0],
            ["2030-08-15", 3, 1, 2, 1, 0, 0, 0]"#;
        let season = tiny(rows, r#"{"team": "B"}, {"team": "C"}, {"team": "A", "pts_adjustment": -2}"#);
        let order = |now: &str| {
            let rows = table(&season, None, sample::at(now));
            rows.iter().map(|r| (season.teams[r.team].name.clone(), r.total())).collect::<Vec<_>>()
        };
        let row = |name: &str, points| (name.to_owned(), points);
        assert_eq!(order("2030-08-15T16:52:00Z"), [row("C", 3), row("A", 1), row("B", 0)]);
        assert_eq!(order("2030-08-15T16:53:00Z"), [row("B", 3), row("C", 3), row("A", 1)]);
        let fault = "correct:B-C:30:3-0".parse().unwrap();
        let corrected = season.clone().with_faults(vec![fault]).unwrap();
        let first = table(&corrected, None, sample::at("2030-08-20T00:00:00Z"))[0].team;
        assert_eq!(corrected.teams[first].name, "B", "by goal difference now");
        let last = table(&corrected, None, sample::at("2030-08-20T00:00:00Z"))[2].team;
        assert_eq!(corrected.teams[last].name, "A");
        let other = super::super::Rules::parse("r", r#"{"deductions": {"B": 1}}"#).unwrap();
        let season = season.clone().with_rules(other).unwrap();
        assert_eq!(season.final_order(), [0usize; 0], "another deduction makes another table");
    }

    #[test]
    fn real_leagues_end_as_their_official_tables_say() {
        let Some(data) = std::env::var_os("REAL_DATA").filter(|path| !path.is_empty()) else {
            eprintln!("left out: REAL_DATA does not name a folder with real season files");
            return;
        };
        for (folder, at_least) in [("leagues", 30), ("results_only", 20)] {
            let folder = std::path::Path::new(&data).join("seasons").join(folder);
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
            assert!(files.len() >= at_least);
            for path in files {
                real(&path);
            }
        }
    }

    fn real(path: &std::path::Path) {
        let name = path.display();
        let root: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let season = Season::load(path).unwrap();
        let rows = root["matches"].as_array().unwrap();
        assert_eq!(season.fixtures.len(), rows.len(), "{name}");
        assert_eq!(season.label(), root["league"], "{name}");
        for (fixture, row) in season.fixtures.iter().zip(rows) {
            assert!(fixture.round.number > 0, "{name}: {row}");
            match row[1].as_u64() {
                Some(round) => assert_eq!(u64::from(fixture.round.number), round, "{name}: {row}"),
                None if row[1].is_null() => assert!(fixture.round.number <= 46, "{name}: {row}"),
                None => {}
            }
            assert_eq!(fixture.ruling != Ruling::Played, row.as_array().unwrap().len() > 8, "{name}: {row}");
        }
        let bracket = Bracket::of(&season);
        let view = View { season: &season, bracket: &bracket, now: season.last_end() };
        let standings = view.standings().unwrap();
        let shown = standings["standings"][0]["rows"].as_array().unwrap();
        let Some(official) = root["final_table"].as_array() else { return };
        assert!(season.fixtures.iter().all(|f| f.kind == Kind::League), "{name}");
        assert_eq!(shown.len(), official.len(), "{name}");
        for (place, (row, official)) in (1..).zip(shown.iter().zip(official)) {
            assert_eq!(
                (&row["team"]["name"], &row["position"]),
                (&official["team"], &json!(place)),
                "{name}"
            );
            assert_eq!(row["points"], official["pts"], "{name}: {official}");
            for (field, of_file) in
                [("matches", "p"), ("wins", "w"), ("scoresFor", "gf"), ("scoresAgainst", "ga")]
            {
                let expected = official.get(of_file).unwrap_or(&row[field]);
                assert_eq!(&row[field], expected, "{name}: {official}");
            }
        }
        let text = standings["standings"][0]["tieBreakingRule"]["text"].as_str().unwrap();
        let first = root["tie_break_rules"].as_str().unwrap().split(", ").nth(1).unwrap();
        assert!(text.to_lowercase().contains(&format!("1. {first}")), "{name}: {text}");
        let early = View { now: season.last_end() - chrono::Duration::days(100), ..view };
        assert!(early.standings().is_some(), "{name}");
        eprintln!("{name}: {} {} rounds {}", season.slug(), season.rounds.len(), season.last_end());
    }

    #[test]
    fn what_the_final_table_does_without_was_cancelled() {
        let rows = r#"["2030-08-01", 1, 0, 1, 1, 0, 0, 0], ["2030-08-08", 2, 2, 0, 1, 1, 0, 0],
            ["2030-08-15", 3, 1, 2, null, null, null, null]"#;
        let ruling = |order: &str| tiny(rows, order).fixtures[2].ruling;
        // C has one point of one match, A four of two.
        assert_eq!(ruling(r#"{"team": "A"}, {"team": "C"}, {"team": "B"}"#), Ruling::Played);
        assert_eq!(ruling(r#"{"team": "C"}, {"team": "A"}, {"team": "B"}"#), Ruling::Cancelled);
    }

    #[test]
    fn errors_say_where() {
        let error = |matches: &str, table: &str| {
            let text = format!(r#"{{{HEAD} "matches": [{matches}], "final_table": [{table}]}}"#);
            Season::parse("tiny", &text).unwrap_err().to_string()
        };
        let row = r#"["2030-08-01", 1, 0, 1, 1, 0, 0, 0]"#;
        assert!(
            error(&format!(r#"{row}, ["2030-08-02", 1, 0, 7]"#), "")
                .contains("match 1 (counted from 0): `away` is 7")
        );
        assert!(error(r#"["2030-08-01", 1, 0, 1, 1, null, 0, 0]"#, "").contains("score.ft"));
        assert!(error(row, r#"{"team": "Z"}"#).contains("`final_table` has \"Z\""));
    }
}
