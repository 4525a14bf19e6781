//! An existing application database, with flawed old data, is taken over in the middle of a season.

use std::collections::{BTreeMap, BTreeSet};

use local::emulator::stamp;
use local::postgres;
use local::replay::Season;
use serde_json::{Value, json};

use crate::harness::{Setup, World, empty_database, moment};
use crate::records::Records;

/// The application's database before the first migration: tables, rows and flaws.
const APPLICATION: &str = include_str!("adoption/application.sql");

/// One group of four, and a final. The stored season has played two of three matchdays.
const SEASON: &str = r#"{"name": "Village Cup 2024", "matches": [
  {"round": "Group stage", "group": "Group A", "date": "2024-06-01", "time": "15:00", "team1": "Oak", "team2": "Pine", "score": {"ft": [2, 1]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-01", "time": "18:00", "team1": "Yew", "team2": "Elm", "score": {"ft": [0, 0]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-04", "time": "15:00", "team1": "Pine", "team2": "Yew", "score": {"ft": [3, 0]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-04", "time": "18:00", "team1": "Elm", "team2": "Oak", "score": {"ft": [1, 4]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-07", "time": "15:00", "team1": "Oak", "team2": "Yew", "score": {"ft": [1, 1]}},
  {"round": "Group stage", "group": "Group A", "date": "2024-06-07", "time": "15:00", "team1": "Pine", "team2": "Elm", "score": {"ft": [2, 2]}},
  {"round": "Final", "date": "2024-06-11", "time": "18:00", "team1": "Oak", "team2": "Pine", "score": {"ft": [1, 1], "et": [2, 2], "p": [3, 4]}}
]}"#;

const TOURNAMENT: &str = "00000000-0000-4000-8000-0000000000a1";

/// Tables that only the application writes.
const FOREIGN: [&str; 8] = [
    "member",
    "league",
    "league_member",
    "league_tournament",
    "guess",
    "tournament_member",
    "scoreboard",
    "favourite_team",
];

/// Columns that the pipeline never changes in the tables that it writes, by table: those written once, and the
/// application's.
const NEVER_TOUCHED: [(&str, &str); 6] = [
    ("tournament", "id, external_id, base_url, slug, provider, deleted_at, created_at"),
    ("tournament_round", "id, tournament_id, slug, created_at"),
    ("team", "id, external_id, provider, badge, created_at"),
    (
        "match",
        "id, external_id, provider, tournament_id, scoreboard_applied_at, time, stadium, tournament_match, created_at",
    ),
    ("tournament_standings", "id, team_id, team_external_id, tournament_id, provider, created_at"),
    (
        "data_provider_executions",
        "id, request_id, tournament_id, match_id, operation_type, started_at, report_file_url, report_file_key, created_at",
    ),
];

/// Creates the application's database, not yet migrated; returns its address.
async fn old_database(season: &Season) -> String {
    let url = empty_database().await;
    let filled = APPLICATION
        .replace("{external_id}", &season.unique_tournament_id.to_string())
        .replace("{season_id}", &season.season_id.to_string());
    postgres::connect(&url).await.unwrap().batch_execute(&filled).await.unwrap();
    url
}

/// The world with that database, migrated by the `migrate` function.
async fn world_on(database_url: &str, season: Season) -> World {
    Setup::on(database_url).world_of("2024-06-06T12:00:00Z", season).await
}

async fn rows_of(db: &Records, tables: &[(&str, &str)]) -> BTreeMap<String, BTreeSet<String>> {
    let mut rows = BTreeMap::new();
    for (table, columns) in tables {
        let sql = format!("SELECT ROW({columns})::text FROM {table} t");
        rows.insert((*table).to_owned(), db.texts(&sql).await.into_iter().collect());
    }
    rows
}

async fn foreign_rows(db: &Records) -> BTreeMap<String, BTreeSet<String>> {
    rows_of(db, &FOREIGN.map(|table| (table, "t.*"))).await
}

/// Fires the daily routine, then what it has scheduled for that day, then the next daily routine; returns the
/// delivered events, for a second delivery.
async fn matchday(world: &World) -> Vec<(String, Value)> {
    let mut delivered = Vec::new();
    let daily = |time: &str| ("daily-routine".to_owned(), json!({ "scheduledTime": time }));
    let first = daily("2024-06-07T00:01:00Z");
    deliver(world, &first).await;
    delivered.push(first);
    while let Some(next) = world.stack.aws.schedules().await.unwrap().into_iter().next() {
        if next.at >= moment("2024-06-08T00:00:00Z") {
            break;
        }
        let input = next
            .input
            .replace("<aws.scheduler.scheduled-time>", &stamp(next.at))
            .replace("<aws.scheduler.schedule-arn>", &next.arn);
        let event = (next.function.clone(), serde_json::from_str(&input).unwrap());
        deliver(world, &event).await;
        world.stack.aws.delete_schedule(&next.name).await.unwrap();
        delivered.push(event);
    }
    let last = daily("2024-06-08T00:01:00Z");
    deliver(world, &last).await;
    delivered.push(last);
    delivered
}

/// All warnings in the reports: a summary contains only the first few.
async fn all_warnings(world: &World) -> String {
    let mut warnings = String::new();
    for key in world.stack.aws.objects("data-provider-operation-reports/").await.unwrap() {
        if key.ends_with(".json") {
            let report: Value = serde_json::from_slice(&world.stack.aws.object(&key).await.unwrap()).unwrap();
            warnings += &report["warnings"].to_string();
        }
    }
    warnings
}

async fn deliver(world: &World, (function, event): &(String, Value)) -> Value {
    world.clock.set(moment(event["scheduledTime"].as_str().unwrap()));
    world.stack.invoke(function, event.clone()).await.unwrap()
}

#[tokio::test]
async fn migrating_changes_no_row_of_the_application_and_repeats_as_nothing() {
    let season = Season::parse("test", SEASON).unwrap();
    let url = old_database(&season).await;
    let db = Records::of(&url).await;
    // Every column of the application, in its own tables and in those that we write.
    let columns = db
        .texts(
            "SELECT table_name || '|' || string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)
           FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name ORDER BY 1",
        )
        .await;
    let tables: Vec<(&str, &str)> = columns.iter().map(|line| line.split_once('|').unwrap()).collect();
    assert_eq!(tables.len(), FOREIGN.len() + NEVER_TOUCHED.len());
    let before = rows_of(&db, &tables).await;

    let world = world_on(&url, season).await;
    assert_eq!(rows_of(&db, &tables).await, before);
    let schema =
        "SELECT concat_ws(' ', table_name, column_name, data_type, column_default, is_nullable, indexdef)
           FROM information_schema.columns LEFT JOIN pg_indexes ON tablename = table_name
          WHERE table_schema = 'public' ORDER BY 1";
    let migrated = db.texts(schema).await;
    let again = world.stack.functions.invoke("migrate", &json!({})).await.unwrap();
    assert_eq!(again, json!({"applied": []}));
    assert_eq!(db.texts(schema).await, migrated);
    assert_eq!(rows_of(&db, &tables).await, before);
}

#[tokio::test]
async fn a_matchday_on_an_old_database_loses_nothing_and_puts_the_season_right() {
    let season = Season::parse("test", SEASON).unwrap();
    let url = old_database(&season).await;
    let db = Records::of(&url).await;
    let (foreign, ours) = (foreign_rows(&db).await, rows_of(&db, &NEVER_TOUCHED).await);
    let world = world_on(&url, season).await;
    let delivered = matchday(&world).await;

    assert_eq!(foreign_rows(&db).await, foreign, "the application's own tables");
    let after = rows_of(&db, &NEVER_TOUCHED).await;
    for (table, rows) in &ours {
        let lost: Vec<_> = rows.difference(&after[table]).collect();
        assert!(lost.is_empty(), "{table}: {lost:#?}");
    }

    // Every old status of the running season was replaced by the provider's, and the new final is stored.
    assert_eq!(
        world
            .texts(
                "SELECT concat_ws(' ', external_id, round_slug, home_score || '-' || away_score, status, to_char(date, 'MM-DD HH24:MI'))
                   FROM match WHERE provider = 'sofascore' ORDER BY external_id"
            )
            .await,
        [
            // Tournaments that are skipped are unchanged.
            "5000007 9 open 06-07 12:00",
            "5000008 9 1-1 finished 05-07 12:00",
            "5000009 1 postponed",
            "9000001 1 2-1 ended 06-01 15:00",
            "9000002 1 0-0 ended 06-01 18:00",
            "9000003 2 3-0 ended 06-04 15:00",
            "9000004 2 1-4 ended 06-04 18:00",
            "9000005 3 1-1 ended 06-07 15:00",
            "9000006 3 2-2 ended 06-07 15:00",
            "9000007 final open 06-11 18:00",
        ]
    );
    let functions: Vec<&str> = delivered.iter().map(|(function, _)| function.as_str()).collect();
    assert!(functions.contains(&"scores-and-standings") && functions.contains(&"knockouts"), "{functions:?}");
    let left = world
        .texts("SELECT concat_ws(' ', slug, mode, status, current_round) FROM tournament ORDER BY slug")
        .await;
    assert_eq!(
        left,
        [
            "a-mistake knockout-only active",
            "old-league league active 9",
            "older-league regular-season-only finished",
            "village-cup-2024 regular-season-and-knockout active final",
        ]
    );

    // Each unknown value is reported with its table, column, value and remedy; nothing failed because of it.
    let told = all_warnings(&world).await;
    for part in [
        r#"tournament.mode of old-league holds \"league\", which is not known: it is left out until it is set to one of regular-season-and-knockout, regular-season-only, knockout-only"#,
        r#"tournament_round.provider_url of round friendly of 00000000-0000-4000-8000-0000000000a1 holds \"https://old.example/friendlies\", which is not known: it is left out: refresh"#,
        r#"tournament_round.type of round 2 of 00000000-0000-4000-8000-0000000000a1 holds \"group-stage\", which is not known: the round's address tells it"#,
        r#"match.status holds \"in-progress\", which is not known (matches 9000002): what the provider says replaces it"#,
        r#"match.status holds \"finished\", which is not known (matches 9000003, 9000004)"#,
        r#"match.status holds \"postponed\""#,
        "set it to open, ended, not-defined",
        // No table is computed while results are still to be reread.
        r#"the table stays as it was: match.status holds \"finished\", which is not known (matches 9000003): refresh"#,
        "CORRECTION: match Elm – Oak (9000004) was corrected after it had ended (score: 1-3 → 1-4",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let notices = world.messages();
    assert!(
        notices.iter().any(|notice| notice.contains("CORRECTION: match Elm – Oak (9000004)")),
        "said in Slack, whatever else is: {notices:#?}"
    );
    assert_eq!(
        world
            .texts("SELECT concat_ws(' ', operation_type, status) FROM data_provider_executions WHERE function IS NOT NULL AND status <> 'completed'")
            .await,
        Vec::<String>::new()
    );
    // Runs that died before the takeover are ended; an execution with values no longer used is unchanged.
    assert_eq!(
        world
            .texts("SELECT concat_ws(' ', right(id::text, 4), status, COALESCE(summary ->> 'error', summary -> 'errors' ->> 0)) FROM data_provider_executions WHERE function IS NULL ORDER BY id")
            .await,
        [
            "f001 completed",
            "f002 failed x",
            "f003 failed the run died: its lease ran out and nobody took it over",
            "f004 failed the run died: its lease ran out and nobody took it over",
            "f005 success",
            "f010 failed the run died: its lease ran out and nobody took it over",
            "f011 failed the run died: its lease ran out and nobody took it over",
        ]
    );
    assert_eq!(world.stack.slack.refused(), []);

    // Repeating the same day changes nothing.
    let (rows, executions) = (world.domain_rows().await, world.executions().await);
    let (messages, schedules) = (world.stack.slack.messages().len(), world.schedule_names().await);
    for event in &delivered {
        deliver(&world, event).await;
    }
    let applied = world.stack.functions.invoke("migrate", &json!({})).await.unwrap();
    assert_eq!(applied, json!({"applied": []}));
    assert_eq!((world.domain_rows().await, world.executions().await), (rows.clone(), executions));
    assert_eq!((world.stack.slack.messages().len(), world.schedule_names().await), (messages, schedules));
    let another = ("daily-routine".to_owned(), json!({"scheduledTime": "2024-06-08T00:02:00Z"}));
    let answer = deliver(&world, &another).await;
    assert_eq!(answer["daily_schedule"]["rows"]["updated"], 0, "{answer}");
    assert_eq!(world.domain_rows().await, rows);
    assert_eq!(foreign_rows(&db).await, foreign);
}

#[tokio::test]
async fn the_applications_own_reads_and_writes_work_as_before() {
    let season = Season::parse("test", SEASON).unwrap();
    let url = old_database(&season).await;
    let world = world_on(&url, season).await;
    matchday(&world).await;

    let tournaments = "SELECT concat_ws('|', t.label, t.slug, t.logo, t.mode, r.label)
                         FROM tournament t LEFT JOIN tournament_round r ON r.tournament_id = t.id AND r.slug = t.current_round
                        WHERE t.status = 'active' AND t.deleted_at IS NULL ORDER BY t.label";
    assert_eq!(
        world.texts(tournaments).await,
        [
            "Old League|old-league||league|9",
            "Village Cup|village-cup-2024|https://old.example/cup.png|regular-season-and-knockout|Final",
        ]
    );
    let round = format!(
        "SELECT concat_ws('|', h.name, h.badge, m.home_score, m.away_score, a.name, a.badge, m.date::text || '+0000', m.status)
           FROM match m JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id
          WHERE m.tournament_id = '{TOURNAMENT}' AND m.round_slug = '3' ORDER BY m.external_id"
    );
    assert_eq!(
        world.texts(&round).await,
        [
            "Oak|https://old.example/oak.png|1|1|Yew|https://old.example/yew.png|2024-06-07 15:00:00+0000|ended",
            "Pine|https://old.example/pine.png|2|2|Elm||2024-06-07 15:00:00+0000|ended",
        ]
    );
    let standings = format!(
        r#"SELECT concat_ws(' ', "order", team_external_id, long_name, points, games, goal_difference, array_to_string(form, ''))
             FROM tournament_standings WHERE tournament_id = '{TOURNAMENT}' ORDER BY group_name, "order""#
    );
    assert_eq!(
        world.texts(&standings).await,
        ["1 1000 Oak 7 3 4 WWD", "2 1001 Pine 4 3 2 LWD", "3 1003 Elm 2 3 -3 DLD", "4 1002 Yew 2 3 -3 DLD"],
        "two teams of one short name, both there"
    );
    assert_eq!(
        world
            .texts("SELECT concat(short_name, count(*)) FROM tournament_standings WHERE short_name = 'TRE' GROUP BY short_name")
            .await,
        ["TRE3"]
    );

    // Members' guesses are scored once a match has ended; what was scored before is not scored again.
    let to_score =
        "SELECT external_id FROM match WHERE status = 'ended' AND scoreboard_applied_at IS NULL ORDER BY 1";
    assert_eq!(world.texts(to_score).await, ["9000002", "9000003", "9000005", "9000006"]);
    let guesses = "SELECT concat_ws(' ', p.nick, g.home_score || '-' || g.away_score, m.home_score || '-' || m.away_score, m.status)
                     FROM guess g JOIN member p ON p.id = g.member_id JOIN match m ON m.id = g.match_id
                    WHERE m.external_id = '9000005' ORDER BY p.nick";
    assert_eq!(
        world.texts(guesses).await,
        ["nick 1 1-1 1-1 ended", "nick 2 2-1 1-1 ended", "nick 3 3-1 1-1 ended"]
    );
    let writes = [
        (
            "UPDATE match SET scoreboard_applied_at = now() WHERE status = 'ended' AND scoreboard_applied_at IS NULL",
            4,
        ),
        ("UPDATE guess SET points = 3 WHERE match_id = '00000000-0000-4000-8000-00000000d005'", 3),
        // An old row keeps its unknown status when other columns are set, and when the same status is set again.
        (
            "UPDATE match SET stadium = 'Moor', time = '12h00', updated_at = now() WHERE external_id = '5000008'",
            1,
        ),
        ("UPDATE match SET stadium = 'Moor', status = 'postponed' WHERE external_id = '5000009'", 1),
        ("UPDATE match SET status = 'not-defined' WHERE external_id = '5000009'", 1),
        (
            "INSERT INTO data_provider_executions (id, request_id, tournament_id, operation_type, status)
             VALUES ('00000000-0000-4000-8000-00000000f00a', gen_random_uuid(),
                     '00000000-0000-4000-8000-0000000000a1', 'teams_update', 'in_progress')",
            1,
        ),
        (
            r#"UPDATE data_provider_executions SET status = 'completed', completed_at = now(), duration = 7,
                      summary = '{"tournamentLabel": "By hand"}' WHERE id = '00000000-0000-4000-8000-00000000f00a'"#,
            1,
        ),
        ("UPDATE data_provider_executions SET duration = 1 WHERE status = 'success'", 1),
        (
            "INSERT INTO guess VALUES (gen_random_uuid(), '00000000-0000-4000-8000-0000000a0001',
                     (SELECT id FROM match WHERE external_id = '9000007'), 1, 0, NULL, now())",
            1,
        ),
    ];
    for (sql, rows) in writes {
        assert_eq!(world.db.execute(sql, &[]).await.unwrap(), rows, "{sql}");
    }
    assert_eq!(world.texts(to_score).await, Vec::<String>::new());

    // A new unknown status is refused, and the error lists the allowed ones.
    for (sql, expected) in [
        (
            "UPDATE match SET status = 'cancelled' WHERE external_id = '9000007'",
            "match.status can't become 'cancelled': it must be one of open, ended, not-defined",
        ),
        (
            "UPDATE match SET status = 'FINISHED' WHERE external_id = '5000008'",
            "match.status can't become 'FINISHED'",
        ),
        (
            "INSERT INTO data_provider_executions (request_id, operation_type, status) VALUES (gen_random_uuid(), 'x', 'done')",
            "data_provider_executions.status can't become 'done': it must be one of in_progress, completed",
        ),
    ] {
        let error = world.db.execute(sql, &[]).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert!(error.message().contains(expected), "{error}");
        assert_eq!(*error.code(), tokio_postgres::error::SqlState::CHECK_VIOLATION);
    }

    let admin = "SELECT concat_ws('|', operation_type, status, duration IS NOT NULL, summary->>'tournamentLabel', summary->>'provider',
                        summary->>'tournamentId' IS NOT NULL, (summary->>'operationsCount')::int > 0, (summary->>'totalOperations')::int > 0,
                        (summary->>'successfulOperations')::int > 0, summary->>'failedOperations')
                   FROM data_provider_executions WHERE tournament_id = '00000000-0000-4000-8000-0000000000a1'
                  ORDER BY started_at DESC, operation_type";
    let listed = world.texts(admin).await;
    for line in [
        "teams_update|completed|t|By hand|f",
        "knockouts_update|completed|t|Village Cup|sofascore|t|t|t|t|0",
        "standings_update|completed|t|Village Cup|sofascore|t|t|t|t|0",
        "matches_update|completed|t|Village Cup|sofascore|f|t",
    ] {
        assert!(listed.contains(&line.to_owned()), "{line}\n{listed:#?}");
    }
}
