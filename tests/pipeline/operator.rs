//! What an operator decides: corrections and locks, pauses, acknowledgements; through the API and at the functions.

use local::stack::TOKEN;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::{API, Desk};
use crate::harness::{CUP, LEAGUE, World};

async fn delete(desk: &Desk, path: &str) -> (StatusCode, Value) {
    let headers = [("x-internal-token", TOKEN), ("x-requested-by", "Ben")];
    let answer = desk.send("DELETE", &format!("{API}{path}"), &headers, None).await;
    let status = answer.status();
    (status, answer.json().await.unwrap())
}

/// Waits for all executions that a decision has started.
async fn done(desk: &Desk, decided: &Value) {
    for execution in decided["executions"].as_array().unwrap() {
        desk.ended(execution["executionId"].as_str().unwrap()).await;
    }
}

async fn id_of(world: &World, home: &str, round: &str) -> String {
    let sql = format!(
        "SELECT m.id::text FROM match m JOIN team t ON t.id = m.home_team_id
          WHERE t.name = '{home}' AND m.round_slug = '{round}'"
    );
    world.texts(&sql).await.remove(0)
}

async fn round_at(world: &World, id: &str, round: &str, at: &str) {
    let event = json!({"tournamentId": id, "roundSlug": round});
    world.invoke_at(at, "scores-and-standings", event).await.unwrap();
}

#[tokio::test]
async fn a_result_set_by_hand_stays_against_the_provider_until_it_is_unlocked() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    round_at(&world, &id, "1", "2024-03-02T22:00:00Z").await;
    assert_eq!(world.table().await, ["Ash 1 3", "Cedar 1 1", "Elm 1 1", "Birch 1 0"]);
    let game = id_of(&world, "Ash", "1").await;
    world.db.execute("UPDATE match SET scoreboard_applied_at = '2024-03-02T22:30:00'", &[]).await.unwrap();
    let desk = Desk::of(&world);

    // What would follow.
    let before = world.domain_rows().await;
    let asked = json!({"score": {"home": 1, "away": 1}, "dryRun": true});
    let (status, preview) = desk.post(&format!("/matches/{game}/correction"), asked).await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    assert_eq!(preview["changes"], json!(["score: 2-1 → 1-1"]));
    assert_eq!(preview["scoredAt"], "2024-03-02T22:30:00Z");
    let rows = preview["effects"]["table"].as_array().unwrap();
    let ash = rows.iter().find(|row| row["team"] == "Ash").unwrap();
    assert_eq!((&ash["from"]["points"], &ash["to"]["points"]), (&json!(3), &json!(1)));
    assert_eq!(world.domain_rows().await, before);

    let asked = json!({"score": {"home": 1, "away": 1}, "note": "the referee's report"});
    let (status, decided) = desk.post(&format!("/matches/{game}/correction"), asked).await;
    assert_eq!(status, StatusCode::OK, "{decided}");
    assert_eq!(decided["effects"], preview["effects"], "as the preview said");
    done(&desk, &decided).await;
    let table = ["Ash 1 1", "Birch 1 1", "Cedar 1 1", "Elm 1 1"];
    assert_eq!(world.table().await, table);
    let (_, shown) = desk.get(&format!("/matches/{game}")).await;
    assert_eq!(
        (&shown["lock"]["by"], &shown["lock"]["note"]),
        (&json!("Ann (API)"), &json!("the referee's report"))
    );
    assert_eq!(shown["lock"]["provider"]["score"], "2-1");
    // Read again, also as a whole tournament: nothing changes.
    round_at(&world, &id, "1", "2024-03-03T12:00:00Z").await;
    let refresh = json!({"tournamentId": id, "operation": "refresh"});
    world.invoke_at("2024-03-03T13:00:00Z", "tournaments", refresh).await.unwrap();
    assert_eq!(
        (world.table().await, world.matches("Ash", "Birch").await),
        (table.map(ToOwned::to_owned).to_vec(), vec!["1-1 ended 03-02 15:00".to_owned()])
    );
    assert!(!world.warnings().await.contains("locked"), "the provider's word did not change");

    // The history says who, and that it is locked.
    let (_, history) = desk.get(&format!("/matches/{game}/history")).await;
    let entries = history["items"].as_array().unwrap();
    let words = |entry: &Value| entry["changes"][0]["field"].as_str().unwrap_or_default().to_owned();
    assert_eq!([words(&entries[0]), words(&entries[1])], ["locked by hand", "home goals"], "{history}");
    let (_, execution) =
        desk.get(&format!("/executions/{}", entries[1]["executionId"].as_str().unwrap())).await;
    assert_eq!(
        (&execution["operation"], &execution["requestedBy"]),
        (&json!("match_correct"), &json!("Ann (API)"))
    );

    // Unlocked, the provider's word is back at once, and the round is read again.
    let (status, unlocked) = delete(&desk, &format!("/matches/{game}/lock")).await;
    assert_eq!((status, &unlocked["changes"]), (StatusCode::OK, &json!(["score: 1-1 → 2-1"])), "{unlocked}");
    done(&desk, &unlocked).await;
    assert_eq!(world.matches("Ash", "Birch").await, ["2-1 ended 03-02 15:00"]);
    assert_eq!(world.table().await, ["Ash 1 3", "Cedar 1 1", "Elm 1 1", "Birch 1 0"]);
    assert_eq!(world.count("match_lock").await, 0);
    assert_eq!(delete(&desk, &format!("/matches/{game}/lock")).await.0, StatusCode::CONFLICT);
    assert_eq!(world.incomplete().await, 0, "{:#?}", world.executions().await);
    // Everybody is told of both.
    world.wake("2024-03-03T14:00:00Z", "tournaments").await.unwrap();
    let messages = world.messages().join("\n");
    assert!(
        messages.contains("match corrected and locked") && messages.contains("match unlocked"),
        "{messages}"
    );
}

/// While a match is locked, the provider's word goes on: it is reported once, kept, and in force after the lock.
#[tokio::test]
async fn what_the_provider_says_meanwhile_is_kept_beside_the_lock() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let game = id_of(&world, "Ash", "1").await;
    // Not begun, as the provider knows it: a walkover.
    let asked = json!({"status": "ended", "score": {"home": 0, "away": 3}});
    let (status, decided) = desk.post(&format!("/matches/{game}/correction"), asked).await;
    assert_eq!(status, StatusCode::OK, "{decided}");
    done(&desk, &decided).await;
    for at in ["2024-03-02T16:00:00Z", "2024-03-02T22:00:00Z", "2024-03-02T22:10:00Z", "2024-03-03T10:00:00Z"]
    {
        round_at(&world, &id, "1", at).await;
        assert_eq!(world.matches("Ash", "Birch").await, ["0-3 ended 03-02 15:00"]);
    }
    assert_eq!(world.table().await[0], "Birch 1 3");
    let rejected = world.count("change_history WHERE rejected = 'locked'").await;
    assert!((1..=3).contains(&rejected), "once per change of the provider's word: {rejected}");
    assert!(world.warnings().await.contains("is locked and stays as it was set by hand"));
    let (_, shown) = desk.get(&format!("/matches/{game}")).await;
    assert_eq!(
        (&shown["lock"]["provider"]["score"], &shown["lock"]["provider"]["status"]),
        (&json!("2-1"), &json!("ended"))
    );
    let (_, unlocked) = delete(&desk, &format!("/matches/{game}/lock")).await;
    done(&desk, &unlocked).await;
    assert_eq!(world.matches("Ash", "Birch").await, ["2-1 ended 03-02 15:00"]);
    assert_eq!(world.table().await[0], "Ash 1 3");
}

#[tokio::test]
async fn a_kickoff_set_by_hand_leaves_the_result_to_the_provider() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let game = id_of(&world, "Ash", "1").await;
    let asked = json!({"kickoff": "2024-03-02T16:00:00Z"});
    let (_, decided) = desk.post(&format!("/matches/{game}/correction"), asked).await;
    done(&desk, &decided).await;
    round_at(&world, &id, "1", "2024-03-02T22:00:00Z").await;
    assert_eq!(world.matches("Ash", "Birch").await, ["2-1 ended 03-02 16:00"]);
    let (_, shown) = desk.get(&format!("/matches/{game}")).await;
    assert_eq!((&shown["lock"]["result"], &shown["lock"]["kickoff"]), (&json!(false), &json!(true)));
    let (_, unlocked) = delete(&desk, &format!("/matches/{game}/lock")).await;
    done(&desk, &unlocked).await;
    assert_eq!(world.matches("Ash", "Birch").await, ["2-1 ended 03-02 15:00"]);
}

#[tokio::test]
async fn another_winner_of_the_final_goes_through_the_bracket() {
    let world = World::at("2024-06-01T00:01:00Z", CUP).await;
    let id = world.create().await;
    let refresh = json!({"tournamentId": id, "operation": "refresh"});
    world.invoke_at("2024-06-09T23:00:00Z", "tournaments", refresh).await.unwrap();
    world.invoke_at("2024-06-09T23:10:00Z", "knockouts", json!({"tournamentId": id})).await.unwrap();
    let desk = Desk::of(&world);
    let winner = async || {
        let (_, bracket) = desk.get(&format!("/tournaments/{id}/bracket")).await;
        let tie = &bracket[0];
        let side = tie["winner"].as_str().unwrap_or_default().to_owned();
        tie[side.as_str()].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(winner().await, "Pine");
    let game = id_of(&world, "Oak", "final").await;
    let asked = json!({"penalties": {"home": 5, "away": 4}});
    let (status, decided) = desk.post(&format!("/matches/{game}/correction"), asked).await;
    assert_eq!(status, StatusCode::OK, "{decided}");
    let lines = decided["effects"]["bracket"].as_array().unwrap();
    assert!(lines.iter().any(|line| line.as_str().unwrap().contains("Oak goes through")), "{decided}");
    done(&desk, &decided).await;
    assert_eq!(winner().await, "Oak");
    let (_, unlocked) = delete(&desk, &format!("/matches/{game}/lock")).await;
    done(&desk, &unlocked).await;
    assert_eq!(winner().await, "Pine");
}

#[tokio::test]
async fn what_can_not_be_is_refused_by_its_field_and_nothing_is_written() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let game = id_of(&world, "Ash", "1").await;
    let before = world.domain_rows().await;
    for (asked, field) in [
        (json!({"status": "ended"}), "score"),
        (
            json!({"status": "ended", "score": {"home": 2, "away": 1}, "penalties": {"home": 4, "away": 3}}),
            "penalties",
        ),
        (
            json!({"status": "ended", "score": {"home": 2, "away": 1}, "kickoff": "2999-01-01T00:00:00Z"}),
            "kickoff",
        ),
        (json!({"status": "finished"}), "status"),
        (json!({"score": {"home": 2}}), "score"),
        (json!({"note": "x".repeat(501)}), "note"),
        (json!({"status": "not-defined", "score": {"home": 1, "away": 0}}), "score"),
        (json!({"penalties": {"home": 4, "away": 3}}), "score"),
    ] {
        let (status, problem) = desk.post(&format!("/matches/{game}/correction"), asked.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{asked} {problem}");
        assert_eq!(problem["problems"][0]["field"], field, "{asked} {problem}");
    }
    let stale =
        json!({"score": {"home": 1, "away": 0}, "status": "ended", "basedOn": "2020-01-01T00:00:00Z"});
    assert_eq!(desk.post(&format!("/matches/{game}/correction"), stale).await.0, StatusCode::CONFLICT);
    world.db.execute("UPDATE tournament SET status = 'completed'", &[]).await.unwrap();
    let of_completed = desk.post(&format!("/matches/{game}/correction"), json!({})).await;
    assert_eq!(of_completed.0, StatusCode::CONFLICT, "{}", of_completed.1);
    world.db.execute("UPDATE tournament SET status = 'active'", &[]).await.unwrap();
    assert_eq!((world.domain_rows().await, world.count("match_lock").await), (before, 0), "{id}");
}

#[tokio::test]
async fn what_is_paused_waits_and_is_read_once_after_it() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let (status, pauses) =
        desk.post(&format!("/tournaments/{id}/pause"), json!({"note": "wrong data"})).await;
    assert_eq!(
        (status, &pauses[0]["by"], &pauses[0]["note"]),
        (StatusCode::OK, &json!("Ann (API)"), &json!("wrong data"))
    );
    // Twice: once is enough.
    desk.post(&format!("/tournaments/{id}/pause"), json!({})).await;
    assert_eq!(world.count("pause").await, 1);
    let requests = world.provider.requests();
    world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    for at in ["16:30", "17:00", "19:00", "19:30", "21:00"] {
        world.wake(&format!("2024-03-02T{at}:00Z"), "scores-and-standings").await.unwrap();
    }
    assert_eq!((world.provider.requests(), world.ended().await), (requests, 0), "the provider is not asked");
    assert!(world.checks().await.len() > 3, "{:#?}", world.checks().await);
    let messages = world.messages().join("\n");
    assert!(messages.contains("paused: Little League"), "{messages}");
    let (_, today) = desk.get("/today").await;
    let late =
        today["attention"]["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "late").count();
    assert_eq!(late, 0, "what is paused is not late: {today}");
    // The operator's own request is done.
    round_at(&world, &id, "2", "2024-03-02T21:05:00Z").await;

    let rounds = || {
        let log = world.provider.request_log();
        log.iter().filter(|(_, path)| path.ends_with("/events/round/1")).count()
    };
    let before = rounds();
    let (status, pauses) = delete(&desk, &format!("/tournaments/{id}/pause")).await;
    assert_eq!((status, pauses), (StatusCode::OK, json!([])));
    world.wake("2024-03-02T22:00:00Z", "scores-and-standings").await.unwrap();
    assert_eq!((rounds() - before, world.ended().await), (1, 2), "one request for the round");
    assert_eq!(world.table().await[0], "Ash 1 3");

    // Everything.
    desk.post("/pause", json!({})).await;
    world.wake("2024-03-09T18:00:00Z", "scores-and-standings").await.unwrap();
    let asked = world.provider.requests();
    world.invoke_at("2024-03-10T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    assert_eq!((world.provider.requests(), world.ended().await), (asked, 2));
    assert_eq!(delete(&desk, "/pause").await.1, json!([]));
    let (_, audit) = desk.get("/executions?byHand=true").await;
    let what: Vec<&str> =
        audit["items"].as_array().unwrap().iter().filter_map(|item| item["operation"].as_str()).collect();
    assert_eq!(what, ["resume", "pause", "resume", "pause"]);
    let (_, by_ben) = desk.get("/executions?by=ben").await;
    assert_eq!(by_ben["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_acknowledged_is_listed_no_longer_until_it_changes() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    round_at(&world, &id, "1", "2024-03-02T22:00:00Z").await;
    // Scored, and corrected afterwards: of the last days, since the desk goes by the wall's clock.
    for sql in [
        "UPDATE match SET scoreboard_applied_at = now() AT TIME ZONE 'UTC' - interval '1 hour' WHERE status = 'ended'",
        "UPDATE match SET home_score = 7 WHERE external_id = (SELECT min(external_id) FROM match)",
    ] {
        world.db.batch_execute(sql).await.unwrap();
    }
    let corrections = async || {
        let (_, today) = desk.get("/today").await;
        let items = today["attention"]["items"].as_array().unwrap().clone();
        items.into_iter().filter(|item| item["kind"] == "correction").collect::<Vec<Value>>()
    };
    let listed = corrections().await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!((&listed[0]["what"], &listed[0]["detail"]), (&json!("Ash – Birch"), &json!("now 7–1")));
    let item = listed[0]["item"].as_str().unwrap();
    let send = async |asked: Value| {
        let headers = [("x-internal-token", TOKEN), ("x-requested-by", "Ann")];
        desk.send("POST", &format!("{API}/acknowledgements"), &headers, Some(&asked)).await.status()
    };
    assert_eq!(send(json!({"item": item, "note": "scored again"})).await, StatusCode::NO_CONTENT);
    assert_eq!(corrections().await, Vec::<Value>::new());
    assert_eq!(send(json!({"item": item, "acknowledged": false})).await, StatusCode::NO_CONTENT);
    assert_eq!(corrections().await.len(), 1);
    assert_eq!(send(json!({"item": item})).await, StatusCode::NO_CONTENT);
    // It changes once more: that is another item.
    world.db.batch_execute("UPDATE match SET home_score = 8 WHERE home_score = 7").await.unwrap();
    assert_eq!(corrections().await.len(), 1);
    assert_eq!(send(json!({"item": "nonsense"})).await, StatusCode::UNPROCESSABLE_ENTITY);
    // The application scores it again.
    let again = "UPDATE match SET scoreboard_applied_at = now() AT TIME ZONE 'UTC' + interval '1 minute' WHERE home_score = 8";
    world.db.batch_execute(again).await.unwrap();
    assert_eq!(corrections().await, Vec::<Value>::new());
    let (_, audit) = desk.get("/executions?byHand=true&operation=acknowledge").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 3, "{audit}");
}

/// A reading that waits for the match while a person locks it finds the lock.
#[tokio::test]
async fn a_reading_that_waited_for_a_correction_respects_it() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let game = id_of(&world, "Ash", "1").await;
    let person = local::postgres::connect(&world.stack.database_url).await.unwrap();
    let correction = format!(
        "BEGIN;
         UPDATE match SET status = 'ended', home_score = 0, away_score = 3 WHERE id = '{game}';
         INSERT INTO match_lock SELECT id, now(), 'Ann', '', true, false, 'open', NULL, NULL, NULL, NULL, NULL, date, false,
                false, NULL, NULL, NULL FROM match WHERE id = '{game}'"
    );
    person.batch_execute(&correction).await.unwrap();
    let read = round_at(&world, &id, "1", "2024-03-02T22:00:00Z");
    let commit = async {
        let waits = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        while world.count(waits).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        person.batch_execute("COMMIT").await.unwrap();
    };
    tokio::join!(read, commit);
    assert_eq!(world.matches("Ash", "Birch").await, ["0-3 ended 03-02 15:00"]);
    assert_eq!(
        world.count("match_lock WHERE home_score = 2 AND away_score = 1 AND status = 'ended'").await,
        1
    );
}

/// By the wall's clock, which the desk goes by.
#[tokio::test]
async fn a_kickoff_set_by_hand_is_checked_and_a_retry_is_done_in_a_pause() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    let desk = Desk::of(&world);
    let game = id_of(&world, "Elm", "2").await;
    let soon = shared::clock::Clock::default().now() + chrono::TimeDelta::hours(3);
    let asked = json!({"kickoff": soon.format("%Y-%m-%dT%H:%M:00Z").to_string()});
    let (status, decided) = desk.post(&format!("/matches/{game}/correction"), asked).await;
    assert_eq!(status, StatusCode::OK, "{decided}");
    done(&desk, &decided).await;
    let of_kickoff =
        format!("scheduled_check WHERE kickoff = '{}' AND done_at IS NULL", soon.format("%F %H:%M:00"));
    assert_eq!(world.count(&format!("{of_kickoff} AND kind IN ('interim', 'closing')")).await, 2);
    // Alarms are set at the end of the delivery, after its execution has ended.
    let began = std::time::Instant::now();
    while world.count(&format!("{of_kickoff} AND alarm_set IS NULL")).await > 0 {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "their alarms are not set");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (_, unlocked) = delete(&desk, &format!("/matches/{game}/lock")).await;
    done(&desk, &unlocked).await;
    assert_eq!(world.count(&format!("{of_kickoff} AND kind IN ('interim', 'closing')")).await, 0);

    let event = json!({"tournamentId": id, "roundSlug": "1", "scheduledTime": "2024-03-02T22:00:00Z"});
    world.clock.set(crate::harness::moment("2024-03-02T22:00:00Z"));
    world.stack.invoke("scores-and-standings", event).await.unwrap();
    let failed = "UPDATE data_provider_executions SET status = 'failed'
                   WHERE operation_type = 'matches_update' AND planned_for IS NOT NULL RETURNING id::text";
    let execution = world.texts(failed).await.remove(0);
    desk.post("/pause", json!({})).await;
    let (status, _) = desk.post(&format!("/executions/{execution}/retry"), json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(desk.ended(&execution).await["status"], "completed");
}

#[tokio::test]
async fn a_run_that_failed_in_part_is_done_again_under_its_key() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    round_at(&world, &id, "1", "2024-03-02T22:00:00Z").await;
    let partial = "UPDATE data_provider_executions SET status = 'partial_failure'
                    WHERE operation_type = 'matches_update' RETURNING id::text";
    let execution = world.texts(partial).await.remove(0);
    let before = (world.executed().await, world.table().await);
    let desk = Desk::of(&world);
    let (_, shown) = desk.get(&format!("/executions/{execution}")).await;
    assert_eq!(shown["canRetry"], true, "{shown}");
    let (status, accepted) = desk.post(&format!("/executions/{execution}/retry"), json!({})).await;
    assert_eq!((status, &accepted["executionId"]), (StatusCode::ACCEPTED, &json!(execution)), "{accepted}");
    let done = desk.ended(&execution).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("completed"), &json!(2)));
    assert_eq!((world.executed().await, world.table().await), before);
}

/// The days on which the league plays, and the one after them.
const DAYS: [&str; 7] =
    ["2024-03-02", "2024-03-09", "2024-03-16", "2024-03-23", "2024-03-30", "2024-04-06", "2024-04-07"];

/// Matches and table without time stamps.
async fn content(world: &World) -> Vec<String> {
    let mut content = world
        .texts(
            "SELECT concat_ws(' ', external_id, status, home_score, away_score, date, called_off, winner_code, tie_winner_code,
                              awarded, went_to_extra_time, round_slug) FROM match ORDER BY external_id",
        )
        .await;
    let table = "SELECT concat_ws(' ', long_name, \"order\", points, games, wins, draws, losses, goals_for, goals_against, form)
                   FROM tournament_standings ORDER BY \"order\"";
    content.extend(world.texts(table).await);
    content
}

/// The changes on record of every match lead from one to the next, and the last ones to the row as it is.
async fn history_explains_every_match(world: &World) {
    let unexplained = world
        .texts(
            "WITH change AS (
               SELECT h.match_id, h.id, c.key AS field, c.value -> 0 AS was, c.value -> 1 AS became,
                      lag(c.value -> 1) OVER w AS before, lead(h.id) OVER w IS NULL AS is_last
                 FROM change_history h CROSS JOIN LATERAL jsonb_each(h.changes) c
                WHERE h.subject = 'match' AND h.rejected IS NULL AND c.key <> 'locked'
               WINDOW w AS (PARTITION BY h.match_id, c.key ORDER BY h.id))
             SELECT concat_ws(' ', m.external_id, field, before, was, became, to_jsonb(m) -> field)
               FROM change JOIN match m ON m.id = match_id
              WHERE (before IS NOT NULL AND before <> was) OR (is_last AND became <> to_jsonb(m) -> field)",
        )
        .await;
    assert_eq!(unexplained, Vec::<String>::new());
}

async fn play_day(world: &World, day: &str) {
    world.invoke_at(&format!("{day}T00:01:00Z"), "daily-routine", json!({})).await.unwrap();
    for at in ["16:30", "17:15", "19:45", "23:30"] {
        world.wake(&format!("{day}T{at}:00Z"), "scores-and-standings").await.unwrap();
    }
}

/// A season with corrections and locks at random: the provider undoes none, and without them all is as if there had been none.
#[tokio::test]
async fn a_season_with_locks_at_random_ends_like_one_without() {
    let undisturbed = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    undisturbed.create().await;
    for day in DAYS {
        play_day(&undisturbed, day).await;
    }
    let expected = content(&undisturbed).await;
    for seed in 1..=2 {
        let mut random = fastrand::Rng::with_seed(seed);
        let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
        world.create().await;
        let desk = Desk::of(&world);
        let matches = world.texts("SELECT id::text FROM match ORDER BY external_id").await;
        let mut locked: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
        let state = async |id: &str| {
            let sql = format!(
                "SELECT concat_ws(' ', m.status, m.home_score, m.away_score, m.date)
                   FROM match m JOIN match_lock l ON l.match_id = m.id WHERE m.id = '{id}' AND l.result AND l.kickoff"
            );
            world.texts(&sql).await.remove(0)
        };
        for day in DAYS {
            for _ in 0..random.usize(0..3) {
                let id = matches[random.usize(0..matches.len())].clone();
                let (home, away) = (random.i32(0..5), random.i32(0..5));
                let asked = json!({
                    "status": "ended", "score": {"home": home, "away": away},
                    "kickoff": format!("{day}T{}:00:00Z", random.u32(10..20)),
                });
                let (status, decided) = desk.post(&format!("/matches/{id}/correction"), asked).await;
                assert_eq!(status, StatusCode::OK, "seed {seed}: {decided}");
                done(&desk, &decided).await;
                locked.insert(id.clone(), state(&id).await);
            }
            if random.bool()
                && let Some(id) = locked.keys().next().cloned()
            {
                let (_, unlocked) = delete(&desk, &format!("/matches/{id}/lock")).await;
                done(&desk, &unlocked).await;
                locked.remove(&id);
            }
            play_day(&world, day).await;
            for (id, expected) in &locked {
                assert_eq!(state(id).await, *expected, "seed {seed}, {day}");
            }
        }
        history_explains_every_match(&world).await;
        for id in locked.keys() {
            let (_, unlocked) = delete(&desk, &format!("/matches/{id}/lock")).await;
            done(&desk, &unlocked).await;
        }
        assert_eq!(content(&world).await, expected, "seed {seed}");
        history_explains_every_match(&world).await;
    }
}
