//! Whole seasons by schedules alone, through the same driver as `local replay`.

use std::path::PathBuf;

use local::summary::Summary;
use serde_json::{Value, json};

use crate::harness::{CUP, LEAGUE, World};
use crate::played::{Play, Played};

fn lines(summary: &Summary) -> Vec<String> {
    summary
        .standings
        .iter()
        .flat_map(|group| &group.rows)
        .map(|row| {
            format!(
                "{} {} {} {}:{} {}",
                row.order,
                row.team,
                row.points,
                row.goals_for,
                row.goals_against,
                row.form.concat()
            )
        })
        .collect()
}

#[tokio::test]
async fn the_world_cup_of_2022_by_schedules_alone() {
    let season = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../local/seasons/2022-world-cup.json");
    let cup = Play::file(&season).run().await;
    let summary = &cup.summary;
    assert_eq!(summary.problems(), Vec::<String>::new());

    assert_eq!((summary.matches.total, summary.matches.ended), (64, 64));
    assert_eq!(summary.champion.as_deref(), Some("Argentina"));
    assert_eq!(summary.tournament.status, "completed");
    let ways: Vec<String> = summary
        .bracket
        .iter()
        .flat_map(|round| round.ties.iter().map(move |tie| (round, tie)))
        .map(|(round, tie)| {
            let (winner, by) =
                (tie.winner.as_deref().unwrap_or("?"), tie.decided_by.as_deref().unwrap_or("?"));
            format!("{}: {winner} by {by}", round.round)
        })
        .collect();
    assert_eq!(ways.len(), 16);
    for line in [
        "quarterfinals: Croatia by shootout",
        "semifinals: Argentina by single-match",
        "match-for-3rd-place: Croatia by single-match",
        "final: Argentina by shootout",
    ] {
        assert!(ways.contains(&line.to_owned()), "{ways:?}");
    }
    // FIFA's tables.
    let order: Vec<String> = summary
        .standings
        .iter()
        .map(|group| {
            let teams: Vec<_> = group.rows.iter().map(|row| format!("{} {}", row.team, row.points)).collect();
            format!("{}: {}", group.group, teams.join(", "))
        })
        .collect();
    assert_eq!(
        order,
        [
            "Group A: Netherlands 7, Senegal 6, Ecuador 4, Qatar 0",
            "Group B: England 7, USA 5, Iran 3, Wales 1",
            "Group C: Argentina 6, Poland 4, Mexico 4, Saudi Arabia 3",
            "Group D: France 6, Australia 6, Tunisia 4, Denmark 1",
            "Group E: Japan 6, Spain 4, Germany 4, Costa Rica 3",
            "Group F: Morocco 7, Croatia 5, Belgium 4, Canada 0",
            "Group G: Brazil 6, Switzerland 6, Cameroon 4, Serbia 1",
            "Group H: Portugal 6, South Korea 4, Uruguay 4, Ghana 3",
        ]
    );
    assert_eq!(cup.scores("final").await, ["3 3 4 2 ended"]);
    // A record, a report and a message for each execution; every schedule that was created has fired and been deleted.
    let executions = usize::try_from(summary.executions.completed).unwrap();
    assert_eq!((summary.reports, summary.slack_messages), (executions, executions));
    assert_eq!(summary.schedules.left, 0);
    let open = "scheduled_check WHERE done_at IS NULL OR outcome NOT IN ('done', 'covered', 'cancelled')";
    assert_eq!(cup.count(open).await, 0);

    everything_again_changes_nothing(&cup).await;
}

/// Each function with its former event: answered from the record. With a new scheduled time: no row changes.
async fn everything_again_changes_nothing(cup: &Played) {
    let replay = &cup.replay;
    let id = cup.texts("SELECT id::text FROM tournament").await.remove(0);
    let before = cup.domain_rows().await;
    let (executions, messages) = (cup.executed().await, replay.stack.slack.messages().len());
    let scores =
        json!({"tournamentId": id, "roundSlug": "3", "check": "closing", "kickoff": "2022-12-02T19:00:00Z"});
    let events: [(&str, Value, &str, usize); 4] = [
        ("daily-routine", json!({}), "2022-12-02T00:01:00Z", 1),
        ("scores-and-standings", scores, "2022-12-02T21:00:00Z", 1),
        ("knockouts", json!({"tournamentId": id}), "2022-12-02T21:30:00Z", 1),
        ("tournaments", replay.create_event(), "2022-11-19T12:00:00Z", 0),
    ];
    for (function, event, time, _) in &events {
        let mut event = event.clone();
        event["scheduledTime"] = json!(time);
        replay.stack.invoke(function, event).await.unwrap();
    }
    assert_eq!(cup.executed().await, executions, "the same events are answered from the record");
    assert_eq!(replay.stack.slack.messages().len(), messages);

    let mut expected = executions;
    for (function, mut event, _, new) in events {
        event["scheduledTime"] = json!("2022-12-21T10:00:00Z");
        replay.stack.invoke(function, event).await.unwrap();
        expected += new;
        assert_eq!(cup.executed().await, expected, "{function}");
    }
    assert_eq!(cup.domain_rows().await, before, "nothing but its own execution is written");
    assert_eq!(replay.stack.aws.schedules().await.unwrap(), []);
}

#[tokio::test]
async fn a_league_by_schedules_alone() {
    let league = Play::text(LEAGUE).run().await;
    assert_eq!(league.summary.problems(), Vec::<String>::new());
    assert_eq!(league.summary.champion.as_deref(), Some("Ash"));
    assert_eq!(
        lines(&league.summary),
        ["1 Ash 16 15:3 WDWWW", "2 Birch 8 9:7 WDLWD", "3 Elm 6 6:12 LDWLD", "4 Cedar 2 2:10 LDLLL",]
    );
}

#[tokio::test]
async fn a_league_and_its_table_on_a_day_in_between() {
    let league = Play::text(LEAGUE).until("2024-03-10").run().await;
    assert_eq!(league.summary.problems(), Vec::<String>::new());
    assert_eq!(
        lines(&league.summary),
        ["1 Ash 6 6:2 WW", "2 Birch 3 4:2 LW", "3 Elm 1 1:4 DL", "4 Cedar 1 0:3 DL"]
    );
    assert_eq!((league.summary.matches.ended, league.summary.matches.open), (4, 8));
}

#[tokio::test]
async fn a_final_that_goes_to_a_shootout_is_followed_up_until_it_is_over() {
    let cup = Play::text(CUP).run().await;
    assert_eq!(cup.summary.problems(), Vec::<String>::new());
    assert_eq!(cup.summary.champion.as_deref(), Some("Pine"));
    let checks = "SELECT concat(to_char(planned_for, 'HH24:MI'), ' ', summary->'matches'->'final'->>'ended') FROM data_provider_executions
                   WHERE operation_type = 'matches_update' AND planned_for > '2024-06-09' ORDER BY planned_for";
    // Kickoff at 18:00. One check at + 2.5 h would have seen extra time; the shootout is over at + 175 min.
    assert_eq!(
        cup.texts(checks).await,
        ["19:30 0", "20:00 0", "20:10 0", "20:20 0", "20:30 0", "20:40 0", "20:50 0", "21:00 1", "21:15 1"]
    );
    assert_eq!(cup.scores("final").await, ["2 2 3 4 ended"]);
}

#[tokio::test]
async fn two_rounds_of_one_tournament_at_one_minute_keep_two_checks() {
    let world = World::at("2024-03-29T12:00:00Z", LEAGUE).await;
    world.create().await;
    world.invoke_at("2024-03-30T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    let names = world.schedule_names().await;
    assert_eq!(world.checks_of("closing").await.len(), 2);
    assert!(names.iter().all(|name| name.len() <= 64), "{names:?}");

    // Again, and with a new time: nothing is created, moved or deleted.
    for time in ["2024-03-30T00:01:00Z", "2024-03-30T00:02:00Z"] {
        world.invoke_at(time, "daily-routine", json!({})).await.unwrap();
        assert_eq!(world.schedule_names().await, names);
    }
    let counts = world.texts("SELECT summary->>'schedules' FROM data_provider_executions WHERE operation_type = 'daily_schedule' ORDER BY created_at").await;
    assert_eq!(counts.len(), 2, "the repeated event has no record of its own");
    assert!(counts[1].contains(r#""created": 0"#) && counts[1].contains(r#""deleted": 0"#), "{counts:?}");
}

#[tokio::test]
async fn a_season_that_is_over_is_complete_at_once() {
    let Played { summary, .. } = Play::text(CUP).bulk().run_on().await;
    assert_eq!(summary.problems(), Vec::<String>::new());
    assert_eq!(
        (summary.matches.ended, summary.schedules.created, summary.champion.as_deref()),
        (4, 0, Some("Pine"))
    );
}

#[tokio::test]
async fn a_real_league_comes_out_as_it_was() {
    let Some(data) = std::env::var_os("REAL_DATA") else {
        println!("left out: REAL_DATA names no folder of real seasons");
        return;
    };
    let season = PathBuf::from(data).join("openfootball/2024-25_en.1.json");
    let Played { summary, .. } = Play::file(&season).bulk().run().await;
    let table: Vec<String> = summary.standings[0]
        .rows
        .iter()
        .map(|row| format!("{} {} {:+}", row.team, row.points, row.goal_difference))
        .collect();
    assert_eq!(
        table,
        [
            "Liverpool FC 84 +45",
            "Arsenal FC 74 +35",
            "Manchester City FC 71 +28",
            "Chelsea FC 69 +21",
            "Newcastle United FC 66 +21",
            "Aston Villa FC 66 +7",
            "Nottingham Forest FC 65 +12",
            "Brighton & Hove Albion FC 61 +7",
            "AFC Bournemouth 56 +12",
            "Brentford FC 56 +9",
            "Fulham FC 54 +0",
            "Crystal Palace FC 53 +0",
            "Everton FC 48 -2",
            "West Ham United FC 43 -16",
            "Manchester United FC 42 -10",
            "Wolverhampton Wanderers FC 42 -15",
            "Tottenham Hotspur FC 38 -1",
            "Leicester City FC 25 -47",
            "Ipswich Town FC 22 -46",
            "Southampton FC 12 -60",
        ]
    );
}

#[tokio::test]
async fn a_result_that_no_check_brought_reaches_the_table_by_the_daily_routine() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    world.create().await;
    // No schedule fired on 2 March.
    world.invoke_at("2024-03-03T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!(world.table().await, ["Ash 1 3", "Cedar 1 1", "Elm 1 1", "Birch 1 0"]);
}
