//! Tables that can't be computed from the results alone, shown by the replay provider and followed by schedules alone.

use crate::harness::LEAGUE;
use crate::played::{Play, Played};

/// The reports' warnings about an order that does not follow from the matches.
async fn order_notes(league: &Played) -> Vec<String> {
    let sql = "SELECT DISTINCT jsonb_array_elements_text(summary->'order') FROM data_provider_executions";
    league.texts(sql).await
}

/// The best by points per game has fewer points than the second. The rest of the season is cancelled, and the official
/// order is known from the day of the last scheduled match.
const CURTAILED: &str = r#"{"league": "Curtailed League", "season": "2023-24", "teams": ["Ash", "Birch", "Cedar", "Elm"],
  "columns": ["date", "round", "home", "away", "home_goals", "away_goals", "ht_home", "ht_away", "status?"],
  "tie_break_rules": "points, goal difference, goals scored",
  "matches": [
    ["2024-03-02", 1, 0, 1, 2, 0, 1, 0], ["2024-03-02", 1, 2, 3, 1, 1, 0, 0],
    ["2024-03-09", 2, 1, 2, 3, 0, 1, 0], ["2024-03-09", 2, 3, 0, 0, 1, 0, 0],
    ["2024-03-16", 3, 1, 3, 2, 0, 1, 0], ["2024-03-16", 3, 0, 2, null, null, null, null, "cancelled"],
    ["2024-03-23", 4, 3, 1, 1, 1, 1, 1], ["2024-03-30", 4, 2, 0, null, null, null, null, "cancelled"]],
  "final_table": [{"team": "Ash"}, {"team": "Birch"}, {"team": "Elm"}, {"team": "Cedar"}]}"#;

#[tokio::test]
async fn a_curtailed_season_ends_in_the_providers_order_by_points_per_game_with_a_warning() {
    let league = Play::text(CURTAILED).run().await;
    assert_eq!(league.summary.problems(), Vec::<String>::new());
    assert_eq!(league.table().await, ["Ash 2 6", "Birch 4 7", "Elm 4 2", "Cedar 2 1"]);
    let notes = order_notes(&league).await;
    let explained = "the provider's order stands against the points: points per game explains it";
    assert!(notes.contains(&explained.to_owned()), "{notes:?}");
    assert_eq!(league.summary.tournament.status, "completed");
}

/// After each pair has met once, the upper two and the lower two continue among themselves; the third ends with more
/// points than the second.
const SPLIT: &str = r#"{"league": "Split League", "season": "2023-24", "teams": ["Ash", "Birch", "Cedar", "Elm"],
  "columns": ["date", "round", "home", "away", "home_goals", "away_goals", "ht_home", "ht_away"],
  "tie_break_rules": "points, goal difference, goals scored",
  "matches": [
    ["2024-03-02", 1, 0, 1, 2, 0, 1, 0], ["2024-03-02", 1, 2, 3, 1, 0, 0, 0],
    ["2024-03-09", 2, 0, 2, 3, 0, 1, 0], ["2024-03-09", 2, 3, 1, 1, 1, 0, 0],
    ["2024-03-16", 3, 1, 2, 2, 0, 1, 0], ["2024-03-16", 3, 3, 0, 0, 1, 0, 0],
    ["2024-03-23", "Championship, 1", 1, 0, 1, 2, 1, 1], ["2024-03-23", "Relegation, 1", 3, 2, 0, 1, 0, 0],
    ["2024-03-30", "Championship, 2", 0, 1, 1, 0, 1, 0], ["2024-03-30", "Relegation, 2", 2, 3, 2, 0, 1, 0]],
  "final_table": [{"team": "Ash"}, {"team": "Birch"}, {"team": "Cedar"}, {"team": "Elm"}]}"#;

#[tokio::test]
async fn a_league_that_splits_ranks_its_halves_one_below_the_other() {
    let league = Play::text(SPLIT).run().await;
    assert_eq!(league.summary.problems(), Vec::<String>::new());
    assert_eq!(league.table().await, ["Ash 5 15", "Birch 5 4", "Cedar 5 9", "Elm 5 1"]);
    let notes = order_notes(&league).await;
    assert_eq!(notes, ["the provider's order stands against the points: a split league explains it"]);
}

#[tokio::test]
async fn a_deduction_is_found_and_away_goals_between_the_level_teams_decide() {
    // Birch, level with Elm once it has lost two points, has the better goal difference; Elm scored more at Birch's
    // ground than Birch at Elm's. The provider's own table uses goal difference, which is reported.
    let rules = r#"{"deductions": {"Birch": 2}, "tie_breaking_rule": "1. Points in head-to-head matches
        2. Goal difference in head-to-head matches\n3. Away goals in head-to-head matches\n4. Goal difference"}"#;
    let league = Play::text(LEAGUE).rules(&rules.replace('\n', " ")).run().await;
    assert_eq!(league.table().await, ["Ash 6 16", "Elm 6 6", "Birch 6 6", "Cedar 6 2"]);
    let warnings = league.warnings().await;
    assert!(
        warnings.contains("points beside the matches' own, by the provider's table: Birch -2"),
        "{warnings}"
    );
    assert!(warnings.contains("level on 6 points: ours Elm, Birch; provider Birch, Elm"), "{warnings}");
}
