//! Seasons that go wrong off the pitch, followed by schedules alone: results that end, entries listed twice, tables that
//! names do not tell, and what is reported of them.

use serde_json::json;

use crate::harness::World;
use crate::played::{Play, Played};

/// The warnings of all executions, in order.
fn warnings(played: &Played) -> Vec<&str> {
    played.summary.warnings.iter().map(|warning| warning.text.as_str()).collect()
}

/// Group, team, games and points.
async fn tables(played: &Played) -> Vec<String> {
    let sql = r#"SELECT group_name || ': ' || long_name || ' ' || games || ' ' || points FROM tournament_standings
                  ORDER BY group_name, "order""#;
    played.texts(sql).await
}

/// Three matchdays and one that is called off when a club withdraws.
const LEAGUE_WITH_A_CLUB_THAT_LEAVES: &str = r#"{"name": "Leaving League 2023/24", "matches": [
  {"round": "Matchday 1", "date": "2024-08-03", "time": "15:00", "team1": "Alder", "team2": "Hazel", "score": {"ft": [0, 1]}},
  {"round": "Matchday 1", "date": "2024-08-03", "time": "15:00", "team1": "Maple", "team2": "Rowan", "score": {"ft": [1, 1]}},
  {"round": "Matchday 2", "date": "2024-08-10", "time": "15:00", "team1": "Hazel", "team2": "Maple", "score": {"ft": [2, 0]}},
  {"round": "Matchday 2", "date": "2024-08-10", "time": "15:00", "team1": "Rowan", "team2": "Alder", "score": {"ft": [0, 2]}},
  {"round": "Matchday 3", "date": "2024-08-17", "time": "15:00", "team1": "Alder", "team2": "Maple", "score": {"ft": [1, 0]}},
  {"round": "Matchday 3", "date": "2024-08-17", "time": "15:00", "team1": "Rowan", "team2": "Hazel", "score": {"ft": [0, 0]}}
]}"#;

#[tokio::test]
async fn the_results_of_a_club_that_leaves_go_and_every_one_is_reported() {
    let gone = ["Alder-Hazel", "Hazel-Maple", "Rowan-Hazel"]
        .map(|names| format!("status:{names}:70:canceled:2024-08-13T00:00"));
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    let league = Play::text(LEAGUE_WITH_A_CLUB_THAT_LEAVES).faults(&gone).run().await;
    assert_eq!(tables(&league).await, [": Alder 2 6", ": Maple 2 1", ": Rowan 2 1", ": Hazel 0 0"]);
    let said = warnings(&league);
    // The comparison after the third matchday finds it; its rounds are read again at once, before the others' last match
    // ceases to explain theirs.
    let appears = |text: &&&str| {
        text.contains(" differs from the provider's: Hazel: ours ")
            && !text.contains("longer")
            && !text.contains("still")
    };
    assert_eq!(said.iter().filter(appears).count(), 1, "{said:#?}");
    for (home, away) in [("Alder", "Hazel"), ("Hazel", "Maple")] {
        let lost = format!("match {home} – {away} (");
        let of_match = |text: &&&str| text.starts_with(&lost) && text.contains("has lost its result");
        assert_eq!(said.iter().filter(of_match).count(), 1, "{said:#?}");
    }
    assert!(said.iter().any(|text| text.contains("no longer differs")), "{said:#?}");
    assert_eq!(league.texts("SELECT table_differences::text FROM tournament").await, ["[]"]);
}

/// A match listed twice, and one that is annulled and played again.
const LEAGUE_WITH_DOUBLES: &str = r#"{"name": "Double League 2023/24", "matches": [
  {"round": "Matchday 1", "date": "2024-03-02", "time": "15:00", "team1": "Alder", "team2": "Birch", "score": {"ft": [1, 0]}},
  {"round": "Matchday 1", "date": "2024-03-02", "time": "15:00", "team1": "Alder", "team2": "Birch", "score": {"ft": [1, 0]}},
  {"round": "Matchday 2", "date": "2024-03-09", "time": "15:00", "team1": "Birch", "team2": "Cedar", "score": {"ft": [2, 0]}},
  {"round": "Matchday 2", "date": "2024-03-13", "time": "15:00", "team1": "Birch", "team2": "Cedar", "score": {"ft": [0, 1]}}
]}"#;

#[tokio::test]
async fn a_fixture_listed_twice_counts_once_and_an_annulled_result_gives_way_to_the_replay() {
    // The first half of every day's list has other competitions only.
    let league = Play::text(LEAGUE_WITH_DOUBLES)
        .rules(r#"{"split_days": true}"#)
        .faults(&[
            "status:9000002:93:finished:2024-03-03T00:00",
            "status:9000003:70:canceled:2024-03-10T00:00",
        ])
        .run()
        .await;
    assert_eq!(league.table().await, ["Alder 1 3", "Cedar 1 3", "Birch 2 0"]);
    let said = warnings(&league);
    assert_eq!(said.iter().filter(|text| text.contains("is listed twice")).count(), 1, "{said:#?}");
    assert!(
        said.iter().any(|text| text.contains("Birch – Cedar (9000003) has lost its result")),
        "{said:#?}"
    );
    let halves = &league.summary.provider_requests_by_kind;
    assert!(halves.get("scheduled-events-inverse").is_some_and(|count| *count > 0), "{halves:?}");
}

/// The first round of a cup between two leagues, with a shootout after each draw.
const ACROSS_TABLES: &str = r#"{"name": "Two Leagues Cup 2024", "matches": [
  {"round": "Matchday 1", "date": "2024-07-02", "time": "15:00", "team1": "Alder", "team2": "Cedar", "score": {"ft": [2, 0]}},
  {"round": "Matchday 1", "date": "2024-07-02", "time": "15:00", "team1": "Elder", "team2": "Birch", "score": {"ft": [0, 0], "p": [3, 4]}},
  {"round": "Matchday 2", "date": "2024-07-09", "time": "15:00", "team1": "Cedar", "team2": "Birch", "score": {"ft": [1, 0]}},
  {"round": "Matchday 2", "date": "2024-07-09", "time": "15:00", "team1": "Alder", "team2": "Elder", "score": {"ft": [1, 1], "p": [5, 4]}}
]}"#;

#[tokio::test]
async fn a_match_across_tables_counts_in_each_and_a_shootout_gives_a_point_at_once() {
    let rules = r#"{"shootout_points": true, "tables": [
        {"name": "North League", "teams": ["Alder", "Birch"], "own_stage": true},
        {"name": "South League", "teams": ["Cedar", "Elder"], "own_stage": true}]}"#;
    let cup = Play::text(ACROSS_TABLES).rules(rules).run().await;
    assert_eq!(
        tables(&cup).await,
        [
            "North League: Alder 2 5",
            "North League: Birch 2 2",
            "South League: Cedar 2 3",
            "South League: Elder 2 2"
        ]
    );
    assert_eq!(warnings(&cup), Vec::<&str>::new());
    let terms =
        cup.texts("SELECT points_adjustments::text || ' ' || shootout_points::text FROM tournament").await;
    assert_eq!(terms, ["[] true"]);
}

/// Two groups that no letter tells apart, with a provider's table for each.
const NATIONS: &str = r#"{"name": "Nations 2024", "matches": [
  {"round": "Group stage", "group": "League A, Gr. 1", "date": "2024-09-05", "time": "18:00", "team1": "Alder", "team2": "Birch", "score": {"ft": [2, 0]}},
  {"round": "Group stage", "group": "League B, Gr. 1", "date": "2024-09-05", "time": "18:00", "team1": "Cedar", "team2": "Elder", "score": {"ft": [1, 1]}},
  {"round": "Group stage", "group": "League A, Gr. 1", "date": "2024-09-08", "time": "18:00", "team1": "Birch", "team2": "Alder", "score": {"ft": [1, 0]}},
  {"round": "Group stage", "group": "League B, Gr. 1", "date": "2024-09-08", "time": "18:00", "team1": "Elder", "team2": "Cedar", "score": {"ft": [0, 3]}}
]}"#;

#[tokio::test]
async fn groups_without_letters_are_told_by_their_stages() {
    let nations = Play::text(NATIONS).run().await;
    assert_eq!(
        tables(&nations).await,
        [
            "League A, Gr. 1: Alder 2 3",
            "League A, Gr. 1: Birch 2 3",
            "League B, Gr. 1: Cedar 2 4",
            "League B, Gr. 1: Elder 2 1"
        ]
    );
    assert_eq!(warnings(&nations), Vec::<&str>::new());
}

/// A semifinal in three matches, and one that is decided after extra time by the better place.
const PLAYOFFS: &str = r#"{"name": "Hard Playoffs 2024", "matches": [
  {"round": "Quarterfinals", "date": "2024-05-20", "time": "18:00", "team1": "Alder", "team2": "Birch", "score": {"ft": [2, 1]}},
  {"round": "Quarterfinals", "date": "2024-05-24", "time": "18:00", "team1": "Birch", "team2": "Alder", "score": {"ft": [3, 0]}},
  {"round": "Quarterfinals", "date": "2024-05-28", "time": "18:00", "team1": "Alder", "team2": "Birch", "score": {"ft": [1, 0]}},
  {"round": "Semifinals", "date": "2024-06-01", "time": "18:00", "team1": "Cedar", "team2": "Alder", "score": {"ft": [1, 1]}},
  {"round": "Semifinals", "date": "2024-06-05", "time": "18:00", "team1": "Alder", "team2": "Cedar", "score": {"ft": [0, 0], "et": [0, 0]}},
  {"round": "Semifinals", "date": "2024-06-01", "time": "20:30", "team1": "Elder", "team2": "Maple", "score": {"ft": [2, 0]}},
  {"round": "Semifinals", "date": "2024-06-05", "time": "20:30", "team1": "Maple", "team2": "Elder", "score": {"ft": [1, 0]}},
  {"round": "Final", "date": "2024-06-09", "time": "18:00", "team1": "Alder", "team2": "Elder", "score": {"ft": [2, 1]}}
]}"#;

#[tokio::test]
async fn best_of_three_is_no_aggregate_and_away_goals_do_not_decide_after_extra_time() {
    let cup = Play::text(PLAYOFFS).run().await;
    assert_eq!(
        cup.bracket(),
        [
            "quarterfinals: Alder-Birch 2-1 and 0-3 and 1-0: Alder by series",
            "semifinals: Cedar-Alder 1-1 and 0-0, 1-1: Alder by provider-only",
            "semifinals: Elder-Maple 2-0 and 0-1, 2-1: Elder by aggregate",
            "final: Alder-Elder 2-1: Alder by single-match"
        ]
    );
}

/// A matchday with a result that changes, and a match that stops.
const AFTER_THE_WHISTLE: &str = r#"{"name": "Late League 2023/24", "matches": [
  {"round": "Matchday 1", "date": "2024-04-06", "time": "15:00", "team1": "Alder", "team2": "Birch", "score": {"ft": [1, 0]}},
  {"round": "Matchday 1", "date": "2024-04-06", "time": "15:00", "team1": "Cedar", "team2": "Elder", "score": {"ft": [0, 2]}},
  {"round": "Matchday 2", "date": "2024-04-13", "time": "15:00", "team1": "Birch", "team2": "Cedar", "score": {"ft": [2, 0]}}
]}"#;

#[tokio::test]
async fn a_result_is_read_again_and_a_match_that_stopped_is_looked_at_the_next_day() {
    let faults = ["correct:Alder-Birch:10:1-1", "abandon:Cedar-Elder:60:2024-04-07T13:00"];
    // The correction is stored on the same evening.
    let evening = Play::text(AFTER_THE_WHISTLE).faults(&faults).until("2024-04-07").run().await;
    assert_eq!(evening.matches("Alder", "Birch").await, ["1-1 ended 04-06 15:00"]);
    assert!(warnings(&evening).iter().any(|text| text.contains("was corrected after it had ended")));
    // The match that was finished at 13:53 is stored that afternoon.
    let next_day = Play::text(AFTER_THE_WHISTLE).faults(&faults).until("2024-04-08").run().await;
    assert_eq!(next_day.matches("Cedar", "Elder").await, ["0-2 ended 04-06 15:00"]);
    let looks = "SELECT to_char(planned_for, 'DD HH24:MI') FROM data_provider_executions
                  WHERE operation_type = 'matches_update' AND planned_for > '2024-04-06 17:00' AND planned_for < '2024-04-08'
                  ORDER BY planned_for";
    assert_eq!(next_day.texts(looks).await, ["06 17:15", "07 12:00", "07 16:00", "07 16:15"]);
}

/// Two groups under way.
const GROUPS: &str = r#"{"name": "Upgraded Cup 2024", "matches": [
  {"round": "Group stage", "group": "Group A", "date": "2024-06-01", "time": "15:00", "team1": "Oak", "team2": "Pine", "score": {"ft": [1, 0]}},
  {"round": "Group stage", "group": "Group B", "date": "2024-06-01", "time": "15:00", "team1": "Yew", "team2": "Ash", "score": {"ft": [2, 2]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-08", "time": "15:00", "team1": "Pine", "team2": "Oak", "score": {"ft": [2, 0]}},
  {"round": "Group stage", "group": "Group B", "date": "2024-06-08", "time": "15:00", "team1": "Ash", "team2": "Yew", "score": {"ft": [0, 1]}}
]}"#;

#[tokio::test]
async fn a_season_under_way_stays_as_it_is_until_its_matches_are_read_again() {
    let world = World::at("2024-06-02T12:00:00Z", GROUPS).await;
    let id = world.create().await;
    let rows = r#"SELECT group_name || ': ' || long_name || ' ' || games || ' ' || points FROM tournament_standings
                   ORDER BY group_name, "order""#;
    let before = world.texts(rows).await;
    // What a version without stages and tables has stored.
    let db = local::postgres::connect(&world.stack.database_url).await.unwrap();
    db.batch_execute(
        "UPDATE match SET provider_stage_id = NULL, called_off = NULL;
         UPDATE tournament SET provider_standings = (SELECT jsonb_agg(r) FROM jsonb_array_elements(provider_tables) t,
                jsonb_array_elements(t->'rows') r), provider_tables = NULL",
    )
    .await
    .unwrap();
    let table = json!({"operation": "standings", "tournamentId": id});
    world.invoke_at("2024-06-03T12:00:00Z", "scores-and-standings", table).await.unwrap();
    assert_eq!(world.texts(rows).await, before);
    // Each round is read again at its next check.
    for round in ["1", "2"] {
        let check = json!({"tournamentId": id, "roundSlug": round});
        world.invoke_at("2024-06-08T17:00:00Z", "scores-and-standings", check).await.unwrap();
    }
    let unread = "SELECT count(*)::text FROM match WHERE provider_stage_id IS NULL";
    assert_eq!(world.texts(unread).await, ["0"]);
    assert_eq!(
        world.texts(rows).await,
        ["Group A: Pine 2 3", "Group A: Oak 2 3", "Group B: Yew 2 4", "Group B: Ash 2 1"]
    );
}
