use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn entrants(teams: &[&str]) -> Vec<Entrant> {
    let entrant =
        |team: &&str| Entrant { team: (*team).into(), group: String::new(), name: format!("Team {team}") };
    teams.iter().map(entrant).collect()
}

/// Results from lines such as `a 2:1 b`, one day after the other.
fn results(lines: &str) -> Vec<Result> {
    let read = |(day, line): (usize, &str)| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (home_goals, away_goals) = words[1].split_once(':').unwrap();
        Result {
            group: String::new(),
            home: words[0].into(),
            away: words[2].into(),
            home_goals: home_goals.parse().unwrap(),
            away_goals: away_goals.parse().unwrap(),
            shootout: None,
            kickoff: DateTime::from_timestamp(day as i64 * 86_400, 0),
        }
    };
    lines.split(',').filter(|line| !line.trim().is_empty()).enumerate().map(read).collect()
}

fn fixture(home: &str, away: &str) -> Fixture {
    Fixture { group: String::new(), home: home.into(), away: away.into(), kickoff: None }
}

fn under(rules: &str) -> Terms<'static> {
    Terms { rules: Rules::parse(rules), ..Terms::default() }
}

fn order(teams: &[&str], played: &str, terms: &Terms<'_>) -> String {
    let table = table(&entrants(teams), &results(played), terms);
    table.rows.iter().map(|row| row.team.as_str()).collect::<Vec<_>>().join(" ")
}

/// The provider's table with our numbers and the order given.
fn provider(rows: &[Row], order: &str) -> Vec<ProviderRow> {
    let place = |team: &str| order.split(' ').position(|t| t == team).map(|at| at as i32 + 1);
    rows.iter()
        .filter_map(|row| {
            Some(ProviderRow {
                group: "League".into(),
                team: row.team.clone(),
                name: String::new(),
                position: place(&row.team)?,
                matches: row.games,
                wins: row.wins,
                draws: row.draws,
                losses: row.losses,
                scores_for: row.goals_for,
                scores_against: row.goals_against,
                points: row.points,
                leads_to: None,
            })
        })
        .collect()
}

// ---- reading the rules ----

const EURO: &str = "In the event that two (or more) teams finish with an equal number of points, the following rules \
    break the tie:  1. Head-to-head games between the teams concerned   1a. Points total  1b. Goal difference  \
    1c. Goals scored 2. Goal difference 3. Goals scored";

#[test]
fn the_providers_texts() {
    let lead = "In the event that two (or more) teams have an equal number of points, the following rules break the tie:";
    let direct = "head-to-head (points, goal difference, goals scored)";
    let cases = [
        ("1. Goal difference 2. Goals scored".to_owned(), "goal difference, goals scored".to_owned()),
        (format!("{lead}\n1. Goal difference\n2. Goals scored\n3. H2H"), format!("goal difference, goals scored, {direct}")),
        (format!("{lead}\n\n1. Number of victories\n2. Goal difference\n3. Goals scored"), "wins, goal difference, goals scored".into()),
        (format!("{lead} 1. Head-to-head 2. Goal difference 3. Goals scored"), format!("{direct}, goal difference, goals scored")),
        (EURO.into(), format!("{direct}, goal difference, goals scored")),
        (
            format!(
                "{EURO}\n4. Disciplinary Points\n5. European Qualifiers Ranking;\n\nIf two teams are tied on points, goals \
                 scored, and goals conceded, and they play their final group match against each other, a penalty shootout \
                 will determine their rankings, provided no other teams in the group have the same points."
            ),
            format!(
                "{direct}, goal difference, goals scored, [disciplinary points], [european qualifiers ranking], \
                 [if two teams are tied on points goals scored and goals conceded and they play]"
            ),
        ),
        (
            "At the end of the group phase, in the event that two (or more) teams have an equal number of points the \
             following rules break the tie: 1. Head-to-head 2. Goal difference 3. Goals scored During the group phase, \
             the following tie-breaking procedures are used: 1. Goal difference 2. Goals scored"
                .into(),
            format!(
                "{direct}, goal difference, goals scored; while matches are to be played: goal difference, goals scored"
            ),
        ),
        (
            "During the group phase: 1. Goal difference At the end of the group phase: 1. Head-to-head 2. Wins".into(),
            format!("{direct}, wins; while matches are to be played: goal difference"),
        ),
        (
            "Group phase: 1. Head-to-head 2. Goal difference League phase: 1. Goal difference 2. Away goals scored".into(),
            format!("{direct}, goal difference"),
        ),
    ];
    for (text, rules) in cases {
        assert_eq!(Rules::parse(&text).to_string(), rules, "{text}");
    }
}

#[test]
fn regulations_and_summaries() {
    let cases = [
        (
            "points, wins, goal difference, goals scored, head-to-head",
            "wins, goal difference, goals scored, head-to-head (points, goal difference, goals scored)",
        ),
        (
            "points, head-to-head points, head-to-head goal difference (once both matches are played), goal difference, goals scored",
            "head-to-head (points, goal difference), goal difference, goals scored",
        ),
        (
            "points, goal difference, (head-to-head), goals scored",
            "goal difference, head-to-head (points, goal difference, goals scored), goals scored",
        ),
        (
            "points, head-to-head points, head-to-head goal difference, head-to-head away goals, goal difference, wins, goals scored",
            "head-to-head (points, goal difference, away goals), goal difference, wins, goals scored",
        ),
        (
            "a) higher number of points obtained in the matches played among the teams in question; b) superior goal \
             difference from the matches played among the teams in question; c) higher number of goals scored in the \
             matches played among the teams in question; d) if, after having applied criteria a) to c), teams still have an \
             equal ranking, criteria a) to c) are reapplied exclusively to the matches between the remaining teams; e) \
             superior goal difference in all group matches; f) higher number of goals scored in all group matches; g) lower \
             disciplinary points total; h) higher club coefficient.",
            "head-to-head (points, goal difference, goals scored), goal difference, goals scored, \
             [lower disciplinary points total], [higher club coefficient]",
        ),
        (
            "1. Goal difference 2. Goals scored 3. Points in matches between tied teams 4. Goal difference in matches \
             between tied teams 5. Goals scored in matches between tied teams 6. Fair play points 7. Drawing of lots",
            "goal difference, goals scored, head-to-head (points, goal difference, goals scored), [fair play points], [drawing of lots]",
        ),
        (
            "1. Goal difference 2. Goals scored 3. Away goals scored 4. Wins 5. Away wins 6. Points obtained by opponents",
            "goal difference, goals scored, away goals, wins, away wins, [points obtained by opponents]",
        ),
        (
            "1. Head-to-head: 1.1. points 1.2. goal difference 2. goal difference",
            "head-to-head (points, goal difference), goal difference",
        ),
        (
            "1. H2H a) points b) away goals 2. Play-off match",
            "head-to-head (points, away goals), [play off match]",
        ),
        (
            "Head-to-head: points, goal difference; overall: goal difference, goals scored",
            "head-to-head (points, goal difference), goal difference, goals scored",
        ),
        (
            "Goal difference and goals scored, then fewest goals conceded",
            "goal difference, goals scored, goals conceded",
        ),
        (
            "GD > wins > head-to-head (points, away goals)",
            "goal difference, wins, head-to-head (points, away goals)",
        ),
        ("1) Matches won\n2) Difference between goals scored and goals conceded", "wins, goal difference"),
        (
            "1) Points; 2) Wins; 3) Head-to-head points; 4) Head-to-head away goals; 5) Goals scored; 6) Fair-play points \
             (Note: Head-to-head record is used only after all the matches between the teams in question have been played)",
            "wins, head-to-head (points, away goals), goals scored, [fair play points]",
        ),
        (
            "(a) goal difference (b) results of the matches between the tied clubs (c) most wins",
            "goal difference, head-to-head (points, goal difference, goals scored), wins",
        ),
        (
            "The tie-breaking criteria: head-to-head (only if between two teams), goal difference",
            "head-to-head (points, goal difference, goals scored), goal difference",
        ),
        (
            "If teams are level on points, the one with the most wins goes first. If they still are, the better goal differential decides.",
            "wins, goal difference",
        ),
        (
            "1. H2H 2. Disciplinary points, a coin During the season, the rule is: 1. Wins",
            "head-to-head (points, goal difference, goals scored), [disciplinary points], [a coin]; \
             while matches are to be played: wins",
        ),
        // Nothing that can be read, or nothing that matches decide.
        ("", "goal difference, goals scored"),
        ("see the regulations", "goal difference, goals scored"),
        ("1. Drawing of lots", "goal difference, goals scored"),
        ("équité, 順位, ((((, [[[ 1. 2. 3.", "goal difference, goals scored"),
    ];
    for (text, rules) in cases {
        assert_eq!(Rules::parse(text).to_string(), rules, "{text}");
    }
}

// ---- breaking ties ----

#[test]
fn points_then_difference_then_goals_then_name() {
    let table =
        table(&entrants(&["a", "b", "c", "d"]), &results("a 2:2 b, c 1:1 d, d 0:0 a"), &Terms::default());
    let order: Vec<_> = table.rows.iter().map(|row| (row.order, row.team.as_str(), row.points)).collect();
    assert_eq!(order, [(1, "a", 2), (2, "d", 2), (3, "b", 1), (4, "c", 1)]);
    assert_eq!(table.rows[0].form, [Outcome::D, Outcome::D]);
    assert_eq!(table.notes, []);
}

#[test]
fn groups_stay_apart_and_a_team_without_a_match_has_its_row() {
    let entrant =
        |team: &str, group: &str| Entrant { team: team.into(), group: group.into(), name: team.into() };
    let entrants = [entrant("x", "Group B"), entrant("y", "Group A"), entrant("z", "Group A")];
    let table = table(&entrants, &[], &Terms::default());
    let order: Vec<_> =
        table.rows.iter().map(|row| (row.group.as_str(), row.order, row.team.as_str())).collect();
    assert_eq!(order, [("Group A", 1, "y"), ("Group A", 2, "z"), ("Group B", 1, "x")]);
    assert_eq!(table.notes, []);
}

#[test]
fn form_is_the_last_five_oldest_first() {
    let mut played = results("a 1:0 b, a 0:0 b, a 1:0 b, a 0:0 b, a 1:0 b, a 0:0 b, a 0:1 b");
    played.reverse();
    let table = table(&entrants(&["a", "b"]), &played, &Terms::default());
    assert_eq!(table.rows[0].form, [Outcome::W, Outcome::D, Outcome::W, Outcome::D, Outcome::L]);
}

#[test]
fn each_measure_decides() {
    // a and b are level on points in each.
    let cases = [
        ("wins", "a 1:0 c, c 1:0 a, b 0:0 c, c 0:0 b, b 0:0 d", "a b"),
        ("goals scored", "a 2:2 c, b 1:1 c", "a b"),
        ("goals conceded", "a 2:2 c, b 1:1 c", "b a"),
        ("away goals", "a 2:2 c, c 1:1 b", "b a"),
        ("away wins", "a 1:0 c, d 1:0 a, c 0:1 b, b 0:9 d", "b a"),
        ("goal difference", "a 1:0 c, b 2:0 c", "b a"),
        ("head-to-head", "a 0:1 b, a 9:0 c, d 1:0 b, d 1:0 c", "b a"),
        ("head-to-head (points, away goals)", "a 2:2 b, b 1:1 a, a 0:0 c, b 3:3 c", "b a"),
    ];
    for (rules, played, expected) in cases {
        let order = order(&["a", "b", "c", "d"], played, &under(rules));
        let order = order.split(' ').filter(|team| expected.contains(*team)).collect::<Vec<_>>().join(" ");
        assert_eq!(order, expected, "{rules}: {played}");
    }
}

#[test]
fn head_to_head_is_applied_anew_among_those_still_level() {
    // Among a, b and c all have 3 points and no difference; c has 3 goals, a and b have 2. Between these two b has won,
    // whatever a did against d.
    let played = "b 1:0 a, a 2:1 c, c 2:1 b, a 5:0 d, b 1:0 d, c 1:0 d";
    assert_eq!(order(&["a", "b", "c", "d"], played, &under(EURO)), "c b a d");
    // Level among all of them, the overall figures decide.
    let played = "b 1:0 a, a 1:0 c, c 1:0 b, a 5:0 d, b 1:0 d, c 2:0 d";
    assert_eq!(order(&["a", "b", "c", "d"], played, &under(EURO)), "a c b d");
}

#[test]
fn head_to_head_waits_for_its_matches() {
    let (teams, played) = (["a", "b", "c", "d"], "a 0:1 b, a 3:0 c, d 1:0 b, d 1:0 c");
    let rules = "head-to-head, goal difference";
    let with = |open: &[Fixture]| order(&teams, played, &Terms { open, ..under(rules) });
    assert_eq!(with(&[]), "d b a c");
    assert_eq!(with(&[fixture("b", "a")]), "d a b c");
    // A match with another team does not hold it up; a third level team that has not met one of them does.
    assert_eq!(with(&[fixture("c", "a")]), "d b a c");
    assert_eq!(order(&teams, "a 0:1 b, a 3:0 d, d 0:1 c", &under(rules)), "a b c d");
    // A postponed match is still to be played; one that was called off for good is not among the terms.
    let return_leg = [fixture("b", "a")];
    assert_eq!(order(&teams, played, &Terms { postponed: &return_leg, ..under(rules) }), "d a b c");
}

#[test]
fn another_rule_holds_while_matches_are_to_be_played() {
    let rules = "head-to-head; while matches are to be played: goal difference";
    let (teams, played) = (["a", "b", "c", "d"], "a 0:1 b, a 3:0 c, d 1:0 b, d 1:0 c");
    assert_eq!(order(&teams, played, &under(rules)), "d b a c");
    assert_eq!(order(&teams, played, &Terms { open: &[fixture("c", "a")], ..under(rules) }), "d a b c");
}

#[test]
fn a_deduction_counts_before_the_rules() {
    let adjustments = [Adjustment { group: String::new(), team: "a".into(), points: -3 }];
    let terms = Terms { adjustments: &adjustments, ..Terms::default() };
    let table = table(&entrants(&["a", "b", "c"]), &results("a 1:0 b, a 1:0 c, b 1:0 c"), &terms);
    let points: Vec<_> = table.rows.iter().map(|row| (row.team.as_str(), row.points)).collect();
    assert_eq!(points, [("a", 3), ("b", 3), ("c", 0)]);
}

#[test]
fn where_the_rules_end_the_provider_decides_with_a_note() {
    let teams = ["a", "b", "c"];
    let played = "a 1:1 b, b 1:1 c, c 1:1 a";
    let plain = table(&entrants(&teams), &results(played), &under("goal difference, lots, wins"));
    assert_eq!(
        plain.notes.iter().map(Note::to_string).collect::<Vec<_>>(),
        [
            "a, b, c are level, 'lots' would decide and is left out",
            "a, b, c are level and stand in order of name"
        ]
    );
    let provider = provider(&plain.rows, "c a b");
    let table = table(
        &entrants(&teams),
        &results(played),
        &Terms { provider: &provider, ..under("goal difference, lots, wins") },
    );
    assert_eq!(table.rows.iter().map(|row| row.team.as_str()).collect::<Vec<_>>(), ["c", "a", "b"]);
    assert_eq!(
        table.notes.iter().map(Note::to_string).collect::<Vec<_>>(),
        ["c, a, b are level, 'lots' decides: they stand in the provider's order"]
    );
}

// ---- orders against the points ----

#[test]
fn a_season_cut_short_goes_by_points_per_game() {
    let teams = ["a", "b", "c"];
    let played = "a 1:0 c, c 0:1 a, b 1:0 c, a 1:1 b, a 0:1 c, c 1:0 a";
    let ours = table(&entrants(&teams), &results(played), &Terms::default());
    assert_eq!(
        ours.rows.iter().map(|r| (r.team.as_str(), r.points, r.games)).collect::<Vec<_>>(),
        [("a", 7, 5), ("c", 6, 5), ("b", 4, 2)]
    );
    let theirs = provider(&ours.rows, "b a c");
    let follow = |open: &[Fixture], theirs: &[ProviderRow]| {
        let table =
            table(&entrants(&teams), &results(played), &Terms { open, provider: theirs, ..Terms::default() });
        (table.rows[0].team.clone(), table.notes)
    };
    let reason = |reason| vec![Note::FollowsProvider { group: String::new(), reason }];
    assert_eq!(follow(&[], &theirs), ("b".into(), reason(Reason::PointsPerGame)));
    // Not during the season, nor if a number differs. An order that nothing explains is followed and noted.
    assert_eq!(follow(&[fixture("b", "c")], &theirs), ("a".into(), vec![]));
    let mut other = theirs.clone();
    other[0].scores_for += 1;
    assert_eq!(follow(&[], &other), ("a".into(), vec![]));
    assert_eq!(follow(&[], &provider(&ours.rows, "c b a")), ("c".into(), reason(Reason::Unexplained)));
    // The check finds the difference before the order is followed, and nothing afterwards.
    let followed =
        table(&entrants(&teams), &results(played), &Terms { provider: &theirs, ..Terms::default() });
    assert!(check(&followed.rows, &theirs).differences(str::to_owned).is_empty());
    let before = check(&ours.rows, &theirs);
    assert_eq!(before.order[0].to_string(), "against the points: ours a, c, b; provider b, a, c");
}

#[test]
fn a_split_league_keeps_its_halves() {
    let first = "a 1:0 b, c 1:0 d, a 1:0 c, b 0:0 d, a 1:0 d, b 2:0 c";
    let played = format!("{first}, a 1:0 b, c 1:0 d, b 0:1 a, d 0:1 c");
    let teams = ["a", "b", "c", "d"];
    let ours = table(&entrants(&teams), &results(&played), &Terms::default());
    assert_eq!(
        ours.rows.iter().map(|r| (r.team.as_str(), r.points)).collect::<Vec<_>>(),
        [("a", 15), ("c", 9), ("b", 4), ("d", 1)]
    );
    let theirs = provider(&ours.rows, "a b c d");
    let split = |open: &[Fixture]| {
        let terms = Terms { open, provider: &theirs, ..Terms::default() };
        let table = table(&entrants(&teams), &results(&played), &terms);
        (table.rows[1].team.clone(), table.notes.len())
    };
    assert_eq!(split(&[]), ("b".into(), 1));
    assert_eq!(split(&[fixture("c", "d")]), ("b".into(), 1));
    // While a match between the halves is to come, there are no halves.
    assert_eq!(split(&[fixture("a", "d")]), ("c".into(), 0));
}

#[test]
fn conferences_are_no_split_league() {
    // Inside a conference pairs meet twice, across once, mixed in from the first day.
    let played = "a 2:0 b, c 1:0 d, a 1:0 c, b 1:0 d, b 0:1 a, d 0:2 c, d 0:3 a, c 1:1 b";
    let teams = ["a", "b", "c", "d"];
    let mut theirs = provider(&table(&entrants(&teams), &results(played), &Terms::default()).rows, "a b c d");
    for row in &mut theirs {
        row.group = if ["a", "b"].contains(&row.team.as_str()) { "section 1" } else { "section 2" }.into();
    }
    let ours = table(&entrants(&teams), &results(played), &Terms { provider: &theirs, ..Terms::default() });
    let points: Vec<_> = ours.rows.iter().map(|row| (row.team.as_str(), row.points)).collect();
    assert_eq!((points, ours.notes), (vec![("a", 12), ("c", 7), ("b", 4), ("d", 0)], vec![]));
}

#[test]
fn a_shootout_gives_its_winner_a_point_where_it_counts() {
    let mut played = results("a 1:1 b, c 2:0 d");
    played[0].shootout = Some((5, 4));
    let points = |shootout_points: bool| {
        let terms = Terms { shootout_points, ..Terms::default() };
        let table = table(&entrants(&["a", "b", "c", "d"]), &played, &terms);
        table.rows.iter().map(|row| format!("{} {}", row.team, row.points)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(points(true), "c 3, a 2, b 1, d 0");
    assert_eq!(points(false), "c 3, a 1, b 1, d 0");
}

#[test]
fn level_teams_of_two_halves_are_not_compared() {
    // b and c end on 5 points each; c has the better goal difference, and is below.
    let first = "a 1:0 b, c 5:0 d, a 1:0 c, b 1:0 d, a 1:0 d, b 0:0 c";
    let played = format!("{first}, a 4:0 b, c 1:1 d, b 1:1 a, d 1:0 c");
    let teams = ["a", "b", "c", "d"];
    let ours = table(&entrants(&teams), &results(&played), &Terms::default());
    let brief = |table: &Table| {
        table
            .rows
            .iter()
            .map(|r| format!("{} {} {:+}", r.team, r.points, r.goal_difference()))
            .collect::<Vec<_>>()
    };
    assert_eq!(brief(&ours), ["a 13 +7", "c 5 +3", "b 5 -4", "d 4 -6"].map(String::from).to_vec());
    let theirs = provider(&ours.rows, "a b c d");
    let split = table(&entrants(&teams), &results(&played), &Terms { provider: &theirs, ..Terms::default() });
    assert_eq!(brief(&split), ["a 13 +7", "b 5 -4", "c 5 +3", "d 4 -6"].map(String::from).to_vec());
}

#[test]
fn level_teams_of_a_season_cut_short_go_by_points_per_game() {
    // b and c have 4 points each; b from fewer games, and with the worse goal difference.
    let teams = ["a", "b", "c"];
    let played = "a 1:0 c, c 3:0 a, b 1:0 c, a 3:1 b, c 0:0 a, b 0:0 a, a 1:0 c";
    let ours = table(&entrants(&teams), &results(played), &Terms::default());
    assert_eq!(
        ours.rows.iter().map(|r| (r.team.as_str(), r.points, r.games)).collect::<Vec<_>>(),
        [("a", 11, 6), ("c", 4, 5), ("b", 4, 3)]
    );
    let theirs = provider(&ours.rows, "a b c");
    let followed =
        table(&entrants(&teams), &results(played), &Terms { provider: &theirs, ..Terms::default() });
    assert_eq!(followed.rows[1].team, "b");
    let reason = Note::FollowsProvider { group: String::new(), reason: Reason::PointsPerGame };
    assert_eq!(followed.notes, [reason]);
}

// ---- the check ----

#[test]
fn points_alone_are_an_adjustment_and_anything_else_is_drift() {
    let ours =
        table(&entrants(&["a", "b", "c"]), &results("a 1:0 b, a 1:0 c, b 1:0 c"), &Terms::default()).rows;
    let mut theirs = provider(&ours, "b a c");
    theirs[0].points -= 4;
    theirs[2].scores_against += 1;
    let found = check(&ours, &theirs);
    let deduction = Adjustment { group: String::new(), team: "a".into(), points: -4 };
    assert_eq!(found.adjustments, std::slice::from_ref(&deduction));
    assert_eq!(
        found.drift.iter().map(Drift::to_string).collect::<Vec<_>>(),
        ["ours 2 games, 0-0-2, 0:2, 0 points; provider 2 games, 0-0-2, 0:3, 0 points"]
    );
    assert!(found.order.is_empty() && found.lag.is_empty());
    // Known adjustments of teams that were compared are replaced: a deduction that was lifted is dropped.
    let known = [
        Adjustment { group: String::new(), team: "b".into(), points: -1 },
        Adjustment { group: String::new(), team: "c".into(), points: -2 },
    ];
    assert_eq!(found.kept(&known), [deduction, known[1].clone()]);
    // Once it is applied, the check still finds the same difference.
    let adjustments = found.adjustments.clone();
    let terms = Terms { adjustments: &adjustments, ..Terms::default() };
    let ours = table(&entrants(&["a", "b", "c"]), &results("a 1:0 b, a 1:0 c, b 1:0 c"), &terms).rows;
    assert_eq!(check(&ours, &theirs).adjustments, adjustments);
}

#[test]
fn another_number_of_games_and_a_partial_table_are_differences() {
    let ours =
        table(&entrants(&["a", "b", "c"]), &results("a 1:0 b, a 1:0 c, b 1:0 c"), &Terms::default()).rows;
    let mut theirs = provider(&ours, "a b");
    theirs[0].matches -= 1;
    theirs[0].points -= 3;
    let found = check(&ours, &theirs);
    assert_eq!(found.compared, [(String::new(), "b".to_owned())]);
    let texts = |check: &Check| -> Vec<String> {
        check.differences(|team| team.to_uppercase()).into_iter().map(|found| found.text).collect()
    };
    assert_eq!(texts(&found), ["A: ours 2 games; provider 1 games", "the provider's table lacks C"]);
    assert!(found.adjustments.is_empty() && found.drift.is_empty());
    assert_eq!(texts(&check(&ours, &[])), ["our table has no counterpart at the provider (A, B, C)"]);
    // A team under another id is named, with the one it is missing for.
    let mut renamed = provider(&ours, "a b c");
    renamed[2].team = "90004".into();
    renamed[2].name = "Cedar".into();
    let found = check(&ours, &renamed);
    assert_eq!(
        texts(&found),
        ["the provider's table has Cedar (90004), who have no match here, and lacks C"]
    );
}

#[test]
fn another_order_of_level_teams_is_listed() {
    let ours = table(&entrants(&["a", "b", "c"]), &results("a 1:0 c, b 1:0 c"), &Terms::default()).rows;
    let found = check(&ours, &provider(&ours, "b a c"));
    assert_eq!(
        found.order.iter().map(OrderDifference::to_string).collect::<Vec<_>>(),
        ["level on 3 points: ours a, b; provider b, a"]
    );
    // Teams in two different tables of the provider have no common order.
    let mut apart = provider(&ours, "b a c");
    apart[0].group = "Second".into();
    assert!(check(&ours, &apart).differences(str::to_owned).is_empty());
}

// ---- properties ----

fn some_rules() -> impl Strategy<Value = Rules> {
    prop::sample::select(vec![
        "goal difference, goals scored",
        "wins, goal difference, goals scored, head-to-head",
        EURO,
        "goal difference, (head-to-head), lots, goals scored",
        "head-to-head points, head-to-head away goals, away wins, goals conceded",
        "1. H2H 2. Wins During the phase: 1. Away goals",
    ])
    .prop_map(Rules::parse)
}

type Seed = Vec<(usize, usize, i32, i32)>;

fn season(seed: &Seed) -> Vec<Result> {
    let lines: Vec<String> = seed
        .iter()
        .filter(|(h, a, ..)| h != a)
        .map(|(h, a, hg, ag)| format!("t{h} {hg}:{ag} t{a}"))
        .collect();
    results(&lines.join(","))
}

proptest! {
    #[test]
    fn the_order_is_total_and_depends_on_nothing_but_the_matches(
        seed in prop::collection::vec((0usize..6, 0usize..6, 0i32..3, 0i32..3), 0..40),
        rules in some_rules(),
        rotation in 0usize..40,
        deduction in -9i32..3,
        open in prop::collection::vec((0usize..6, 0usize..6), 0..3),
        places in Just(vec!["t0", "t1", "t2", "t3", "t4", "t5"]).prop_shuffle(),
    ) {
        let teams = ["t0", "t1", "t2", "t3", "t4", "t5"];
        let (mut entrants, mut played) = (entrants(&teams), season(&seed));
        let adjustments = [Adjustment { group: String::new(), team: "t3".into(), points: deduction }];
        let open: Vec<Fixture> = open.iter().map(|(h, a)| fixture(teams[*h], teams[*a])).collect();
        let terms = Terms { rules, adjustments: &adjustments, open: &open, ..Terms::default() };
        let first = table(&entrants, &played, &terms);
        let provider = provider(&first.rows, &places.join(" "));
        let terms = Terms { provider: &provider, ..terms };
        let before = table(&entrants, &played, &terms);

        for row in &before.rows {
            let own = row.points - if row.team == "t3" { deduction } else { 0 };
            prop_assert_eq!(own, row.wins * 3 + row.draws);
            prop_assert_eq!(row.games, row.wins + row.draws + row.losses);
            prop_assert_eq!(row.form.len() as i32, row.games.min(5));
        }
        prop_assert_eq!(before.rows.iter().map(Row::goal_difference).sum::<i32>(), 0);
        prop_assert_eq!(before.rows.iter().map(|r| r.games).sum::<i32>() as usize, played.len() * 2);
        prop_assert_eq!(before.rows.iter().map(|r| r.order).collect::<Vec<_>>(), (1..=6).collect::<Vec<_>>());
        prop_assert_eq!(before.rows.iter().map(|r| &r.team).collect::<BTreeSet<_>>().len(), 6);
        if !before.notes.iter().any(|note| matches!(note, Note::FollowsProvider { .. })) {
            prop_assert!(before.rows.is_sorted_by(|a, b| a.points >= b.points));
        }
        // Our own table never differs from itself, whatever the order of level teams.
        let found = check(&before.rows, &provider);
        prop_assert!(found.drift.is_empty() && found.lag.is_empty());
        prop_assert_eq!(found.adjustments.is_empty(), deduction == 0);

        // Another order of the input, other names, other dates: nothing changes.
        if !played.is_empty() {
            let by = rotation % played.len();
            played.rotate_left(by);
        }
        entrants.rotate_left(rotation % 6);
        for (at, entrant) in entrants.iter_mut().enumerate() {
            entrant.name = format!("Renamed {}", (at * 5 + rotation) % 7);
        }
        for result in &mut played {
            result.kickoff = result.kickoff.map(|at| at + chrono::TimeDelta::days(rotation as i64 * 37));
        }
        prop_assert_eq!(before, table(&entrants, &played, &terms));
    }

    #[test]
    fn any_text_gives_a_rule_that_matches_can_decide(
        words in "([0-9]{1,2}[a-c]?[.)] )?([a-zà-ü0-9 ,.;:()\\[\\]\n-]|head-to-head |points |goals |away |wins |if |during the |lots ){0,40}",
        noise in ".{0,60}",
    ) {
        for text in [format!("1. wins 2. {noise}"), noise, words] {
            let rules = Rules::parse(&text);
            prop_assert!(rules.criteria.iter().any(|c| !matches!(c, Criterion::Unknown(_))), "{}", rules);
        }
    }
}

// ---- real seasons ----

fn real(folder: &str) -> Option<Vec<(PathBuf, Value)>> {
    let Some(root) = std::env::var_os("REAL_DATA").filter(|path| !path.is_empty()) else {
        eprintln!("left out: REAL_DATA is not set ({folder})");
        return None;
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(Path::new(&root).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    Some(
        files
            .into_iter()
            .map(|f| (f.clone(), serde_json::from_slice(&std::fs::read(f).unwrap()).unwrap()))
            .collect(),
    )
}

/// The entrants (ids that are not in order of name), the results and the matches without one.
fn load(file: &Value) -> (Vec<Entrant>, Vec<Result>, Vec<Fixture>) {
    let teams = file["teams"].as_array().unwrap();
    let id = |team: usize| format!("{}", (team * 7919 + 31) % 10_007);
    let entrant = |(at, name): (usize, &Value)| Entrant {
        team: id(at),
        group: String::new(),
        name: name.as_str().unwrap().to_owned(),
    };
    let (mut played, mut open) = (Vec::new(), Vec::new());
    for row in file["matches"].as_array().unwrap() {
        let team = |at: usize| id(row[at].as_u64().unwrap() as usize);
        let goals = |at: usize| row[at].as_i64().map(|goals| goals as i32);
        let date = row[0].as_str().and_then(|d| d.parse::<chrono::NaiveDate>().ok());
        match (goals(4), goals(5)) {
            (Some(home_goals), Some(away_goals)) => played.push(Result {
                group: String::new(),
                home: team(2),
                away: team(3),
                home_goals,
                away_goals,
                shootout: None,
                kickoff: date.map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc()),
            }),
            _ if row[8] == "cancelled" => {}
            _ => open.push(fixture(&team(2), &team(3))),
        }
    }
    (teams.iter().enumerate().map(entrant).collect(), played, open)
}

/// Teams that the rule of their file does not separate, with what they are level on.
const UNDECIDED: [(&str, usize, (i32, i32, i32)); 1] =
    // 17th and 18th. The league's own rule has further steps; the file's ends with goals scored.
    [("efl-league-one_2010-11", 2, (56, -7, 53))];

#[test]
fn every_final_table_comes_out() {
    let Some(files) = real("seasons/leagues") else { return };
    let mut undecided = Vec::new();
    for (path, file) in &files {
        let (entrants, played, open) = load(file);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let ids: BTreeMap<&str, &str> = entrants.iter().map(|e| (e.name.as_str(), e.team.as_str())).collect();
        let official = file["final_table"].as_array().unwrap();
        let mut adjustments: Vec<Adjustment> = official
            .iter()
            .filter_map(|line| {
                let points = line["pts_adjustment"].as_i64().filter(|points| *points != 0)? as i32;
                Some(Adjustment { group: String::new(), team: ids[line["team"].as_str()?].into(), points })
            })
            .collect();
        adjustments.sort();
        let rules = Rules::parse(file["tie_break_rules"].as_str().unwrap());
        let terms = Terms { rules, adjustments: &adjustments, open: &open, ..Terms::default() };
        let ours = table(&entrants, &played, &terms);

        // The official table with its own numbers; where its source has none, ours.
        assert_eq!(official.len(), ours.rows.len(), "{name}");
        let theirs: Vec<ProviderRow> = official
            .iter()
            .map(|line| {
                let team = ids[line["team"].as_str().unwrap()].to_owned();
                let row = ours.rows.iter().find(|row| row.team == team).unwrap();
                let number = |key: &str, own: i32| line[key].as_i64().map_or(own, |number| number as i32);
                ProviderRow {
                    group: "League".into(),
                    name: String::new(),
                    position: line["pos"].as_i64().unwrap() as i32,
                    matches: number("p", row.games),
                    wins: number("w", row.wins),
                    draws: number("d", row.draws),
                    losses: number("l", row.losses),
                    scores_for: line["gf"].as_i64().unwrap() as i32,
                    scores_against: line["ga"].as_i64().unwrap() as i32,
                    points: line["pts"].as_i64().unwrap() as i32,
                    leads_to: None,
                    team,
                }
            })
            .collect();
        for row in &theirs {
            let own = ours.rows.iter().find(|own| own.team == row.team).unwrap();
            assert!(row.agrees(own), "{name}: {own:?} {row:?}");
        }

        // Without the provider's order: the official one, but for teams the rule leaves level.
        let mut level = BTreeSet::new();
        for note in &ours.notes {
            let Note::NameOrder { teams, .. } = note else { panic!("{name}: {note}") };
            let row = ours.rows.iter().find(|row| row.team == teams[0]).unwrap();
            undecided.push((name.clone(), teams.len(), (row.points, row.goal_difference(), row.goals_for)));
            level.extend(teams);
        }
        for (row, line) in ours.rows.iter().zip(&theirs) {
            let fits = row.team == line.team || level.contains(&row.team) && level.contains(&line.team);
            assert!(fits && row.order == line.position, "{name}: {row:?} where the table has {line:?}");
        }
        // With it: the official one.
        let given = table(&entrants, &played, &Terms { provider: &theirs, ..terms.clone() });
        assert!(given.rows.iter().zip(&theirs).all(|(row, line)| row.team == line.team), "{name}");
        assert_eq!(given.notes.len(), ours.notes.len(), "{name}");
        // Without the deductions: the check finds them, and nothing else.
        let plain = table(&entrants, &played, &Terms { adjustments: &[], ..terms });
        let mut found = check(&plain.rows, &theirs);
        found.adjustments.sort();
        assert_eq!(found.adjustments, adjustments, "{name}");
        assert_eq!((found.drift, found.lag), (vec![], vec![]), "{name}");
    }
    assert_eq!(undecided, UNDECIDED.map(|(name, teams, on)| (name.to_owned(), teams, on)));
    eprintln!("{} final tables; left level by their rule: {undecided:?}", files.len());
}

/// The tables made for seasons of the provider's events.
#[test]
fn tables_of_the_providers_seasons_come_out() {
    let Some(files) = real("sofascore/expected-tables") else { return };
    for (path, file) in &files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let (season, rules) = match name.split("__").next().unwrap() {
            "fifa-club-world-cup-2025" => ("fifa-club-world-cup-2025", EURO),
            "uefa-champions-league-25-26" => (
                "uefa-champions-league-25-26",
                "goal difference, goals scored, away goals, wins, away wins, points of opponents",
            ),
            _ => continue,
        };
        let folder = path.parent().unwrap().parent().unwrap().join("season-events-assembled");
        let events: Value =
            serde_json::from_slice(&std::fs::read(folder.join(format!("{season}.json"))).unwrap()).unwrap();
        let wanted: BTreeSet<u64> =
            file["match_event_ids"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        let lines = file["rows"].as_array().unwrap();
        let team = |line: &Value| line["sofascore_team_id"].to_string();
        let groups: BTreeMap<String, String> =
            lines.iter().map(|line| (team(line), line["group"].as_str().unwrap().to_owned())).collect();
        let entrants: Vec<Entrant> = groups
            .iter()
            .map(|(team, group)| Entrant { team: team.clone(), group: group.clone(), name: team.clone() })
            .collect();
        let played: Vec<Result> = events["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["id"].as_u64().is_some_and(|id| wanted.contains(&id)))
            .map(|event| {
                let home = event["homeTeam"]["id"].to_string();
                Result {
                    group: groups[&home].clone(),
                    away: event["awayTeam"]["id"].to_string(),
                    home,
                    home_goals: event["homeScore"]["display"].as_i64().unwrap() as i32,
                    away_goals: event["awayScore"]["display"].as_i64().unwrap() as i32,
                    shootout: None,
                    kickoff: DateTime::from_timestamp(event["startTimestamp"].as_i64().unwrap(), 0),
                }
            })
            .collect();
        assert_eq!(played.len(), wanted.len(), "{name}");
        let ours = table(&entrants, &played, &under(rules));
        let theirs: Vec<ProviderRow> = lines
            .iter()
            .map(|line| {
                let number = |key: &str| line[key].as_i64().unwrap() as i32;
                ProviderRow {
                    group: line["group"].as_str().unwrap().to_owned(),
                    team: team(line),
                    name: String::new(),
                    position: number("pos"),
                    matches: number("p"),
                    wins: number("w"),
                    draws: number("d"),
                    losses: number("l"),
                    scores_for: number("gf"),
                    scores_against: number("ga"),
                    points: number("pts"),
                    leads_to: None,
                }
            })
            .collect();
        let found = check(&ours.rows, &theirs);
        assert_eq!(found.compared.len(), lines.len(), "{name}");
        assert_eq!((found.adjustments, found.order, ours.notes), (vec![], vec![], vec![]), "{name}");
    }
}

#[test]
fn seasons_without_a_table_are_computed() {
    let Some(files) = real("seasons/results_only") else { return };
    for (path, file) in &files {
        let (entrants, played, open) = load(file);
        for rules in ["", "wins, goal difference", EURO] {
            let terms = Terms { open: &open, ..under(rules) };
            let table = table(&entrants, &played, &terms);
            assert_eq!(
                table.rows.iter().map(|r| r.games).sum::<i32>() as usize,
                played.len() * 2,
                "{path:?}"
            );
        }
    }
}

#[test]
fn a_real_split_is_distinguished_from_a_league_without_one() {
    let Some(files) = real("seasons/results_only") else { return };
    let mut splits = Vec::new();
    for (path, file) in &files {
        let (entrants, played, _) = load(file);
        // The best of the lower half gets more points than the upper half has.
        let plain = table(&entrants, &played, &Terms::default()).rows;
        let half = plain.len() / 2 - usize::from(plain.len() == 14);
        let order: Vec<&str> = plain.iter().map(|row| row.team.as_str()).collect();
        let adjustments = [Adjustment {
            group: String::new(),
            team: order[half].to_owned(),
            points: plain[0].points - plain[half].points,
        }];
        let terms = Terms { adjustments: &adjustments, ..Terms::default() };
        let adjusted = table(&entrants, &played, &terms).rows;
        let theirs = provider(&adjusted, &order.join(" "));
        for note in table(&entrants, &played, &Terms { provider: &theirs, ..terms }).notes {
            if matches!(note, Note::FollowsProvider { reason: Reason::Split, .. }) {
                splits.push(path.file_stem().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert_eq!(splits, ["super-league-gre_2020-21"]);
}

#[test]
fn a_season_takes_less_than_a_millisecond() {
    let teams: Vec<String> = (0..20).map(|t| format!("{}", 1000 + t)).collect();
    let names: Vec<&str> = teams.iter().map(String::as_str).collect();
    let mut lines = Vec::new();
    for (h, home) in names.iter().enumerate() {
        for (a, away) in names.iter().enumerate().filter(|(a, _)| *a != h) {
            lines.push(format!("{home} {}:{} {away}", (h * 7 + a * 3) % 4, (h + a * 5) % 3));
        }
    }
    let (entrants, played) = (entrants(&names), results(&lines.join(",")));
    let terms = under(EURO);
    let begun = std::time::Instant::now();
    for _ in 0..100 {
        std::hint::black_box(table(&entrants, &played, &terms));
    }
    eprintln!("{} matches: {:?} a table", played.len(), begun.elapsed() / 100);
}
