//! Checks and their alarms: whatever happens to deliveries, each check is done once; an older version's schedules and a
//! table of many competitions are taken over.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use local::aws_gate::Service;
use local::driver::create_event;
use local::emulator::Scheduled;
use local::emulator::stamp;
use local::replay::{ReplayClock, ReplayProvider, Season};
use local::watch::Watch;
use serde_json::{Value, json};

use crate::harness::{LEAGUE, Setup, TestStack, World, moment};

const POINTS: [&str; 9] =
    ["claimed", "fetched", "written", "committed", "scheduled", "worked", "reported", "recorded", "notified"];

/// Two matchdays, in which a match is moved by a day and another one by hours.
fn season() -> Season {
    let faults = ["postpone:Cedar-Elm:2024-03-03T18:00", "postpone:Birch-Cedar:2024-03-09T18:00"];
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Season::parse("test", LEAGUE).unwrap().with_faults(faults).unwrap()
}

/// A world in which deliveries go wrong by seed.
struct Disturbed {
    world: World,
    rng: fastrand::Rng,
    late: Vec<(DateTime<Utc>, String)>,
    seen: Vec<&'static str>,
}

impl Disturbed {
    /// Delivers an event as Lambda does: again after one and after three minutes, until it succeeds.
    async fn deliver(&self, function: &str, event: &Value, at: DateTime<Utc>) {
        for minutes in [0, 1, 3] {
            let now = at + TimeDelta::minutes(minutes);
            self.world.clock.set(now.max(self.world.clock.now()));
            let mut event = event.clone();
            event["deliveredAt"] = json!(stamp(self.world.clock.now()));
            if self.world.stack.invoke(function, event).await.is_ok() {
                return;
            }
        }
    }

    async fn wake(&self, function: &str, at: DateTime<Utc>) {
        self.deliver(function, &json!({ "wake": true, "scheduledTime": stamp(at) }), at).await;
    }

    /// Fires an alarm, and does something wrong with it.
    async fn fire(&mut self, alarm: &Scheduled) {
        let (function, at) = (alarm.function.as_str(), alarm.at);
        self.world.stack.aws.delete_schedule(&alarm.name).await.unwrap();
        let what = ["well", "lost", "twice", "killed", "late", "by an event"][self.rng.usize(..6)];
        self.seen.push(what);
        match what {
            "lost" => {}
            "twice" => {
                self.wake(function, at).await;
                self.wake(function, at).await;
            }
            "killed" => {
                let once = tempfile::NamedTempFile::new().unwrap().into_temp_path();
                let functions = &self.world.stack.functions;
                functions.set("CRASH_AT", POINTS[self.rng.usize(..POINTS.len())]);
                functions.set("CRASH_ONCE", once.to_str().unwrap());
                functions.stop(function).await;
                self.wake(function, at).await;
                functions.set("CRASH_AT", "");
                functions.stop(function).await;
            }
            "late" => self.late.push((at + TimeDelta::minutes(40), function.to_owned())),
            // As an older version's schedule, or an operator, would send it.
            "by an event" => {
                let sql = format!(
                    "SELECT jsonb_build_object('tournamentId', tournament_id, 'roundSlug', round_slug, 'check', kind,
                            'kickoff', to_char(kickoff, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                            'scheduledTime', to_char(due_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))::text
                       FROM scheduled_check WHERE done_at IS NULL AND function = '{function}' AND round_slug IS NOT NULL
                        AND due_at <= '{}' LIMIT 1",
                    at.naive_utc()
                );
                if let Some(event) = self.world.texts(&sql).await.pop() {
                    self.deliver(function, &serde_json::from_str(&event).unwrap(), at).await;
                }
                self.wake(function, at).await;
            }
            _ => self.wake(function, at).await,
        }
    }

    async fn routine(&self, day: DateTime<Utc>) {
        self.deliver("daily-routine", &json!({ "scheduledTime": stamp(day) }), day).await;
    }

    /// Fires alarms and daily routines until `end`.
    async fn run(&mut self, end: DateTime<Utc>, well: bool) {
        let mut daily = self.world.clock.now().date_naive().and_hms_opt(0, 1, 0).unwrap().and_utc();
        loop {
            while daily <= self.world.clock.now() {
                daily += TimeDelta::days(1);
            }
            let alarm = self.world.stack.aws.schedules().await.unwrap().into_iter().next();
            let late = self.late.iter().min().cloned();
            let next = [alarm.as_ref().map(|alarm| alarm.at), late.as_ref().map(|(at, _)| *at), Some(daily)];
            let next = next.into_iter().flatten().min().unwrap();
            if next >= end {
                return;
            }
            match (alarm, late) {
                (_, Some((at, function))) if at == next => {
                    self.late.retain(|(other, _)| *other != at);
                    self.wake(&function, at).await;
                }
                (Some(alarm), _) if alarm.at == next && well => {
                    self.world.stack.aws.delete_schedule(&alarm.name).await.unwrap();
                    self.wake(&alarm.function, alarm.at).await;
                }
                (Some(alarm), _) if alarm.at == next => self.fire(&alarm).await,
                _ => self.routine(daily).await,
            }
        }
    }
}

async fn disturbed(seed: u64) -> Vec<String> {
    let world = Setup::default().world_of("2024-03-01T12:00:00Z", season()).await;
    world.create().await;
    let mut disturbed =
        Disturbed { world, rng: fastrand::Rng::with_seed(seed), late: Vec::new(), seen: Vec::new() };
    disturbed.run(moment("2024-03-10T12:00:00Z"), false).await;
    // Two days without trouble.
    disturbed.run(moment("2024-03-12T12:00:00Z"), true).await;
    let Disturbed { world, seen, .. } = disturbed;
    println!("seed {seed}: {seen:?}");
    let open = "SELECT key FROM scheduled_check WHERE done_at IS NULL AND due_at < '2024-03-12 12:00'";
    assert_eq!(world.texts(open).await, [""; 0], "seed {seed}: every check that was due is closed");
    let unfinished = "SELECT concat(e.idempotency_key, ' ', e.status, ' ', c.outcome)
                 FROM scheduled_check c JOIN data_provider_executions e ON e.idempotency_key = c.key
                WHERE c.outcome IN ('done', 'covered') AND e.status NOT IN ('completed', 'partial_failure')
                  AND NOT (c.outcome = 'covered' AND e.status = 'failed')";
    assert_eq!(world.texts(unfinished).await, [""; 0], "seed {seed}");
    let without = "SELECT c.key FROM scheduled_check c WHERE c.outcome = 'done' AND NOT EXISTS (
                    SELECT 1 FROM data_provider_executions e WHERE e.idempotency_key = c.key)";
    assert_eq!(world.texts(without).await, [""; 0], "seed {seed}: a check that is done has its record");
    let given_up =
        "SELECT c.key FROM scheduled_check c JOIN data_provider_executions e ON e.idempotency_key = c.key
                     WHERE c.outcome = 'given_up' AND e.attempt < 3";
    assert_eq!(world.texts(given_up).await, [""; 0], "seed {seed}");
    world.table().await
}

#[tokio::test]
async fn whatever_happens_to_deliveries_each_check_is_done_once() {
    // CHECK_SEEDS tries others.
    let seeds: Vec<u64> = match std::env::var("CHECK_SEEDS") {
        Ok(seeds) => seeds.split(',').map(|seed| seed.parse().unwrap()).collect(),
        Err(_) => vec![1, 2, 3],
    };
    let tables = futures_util::future::join_all(seeds.into_iter().map(disturbed)).await;
    for table in tables {
        assert_eq!(table, ["Ash 2 6", "Birch 2 3", "Elm 2 1", "Cedar 2 1"]);
    }
}

#[tokio::test]
async fn schedules_of_an_earlier_version_are_replaced_and_work_until_then() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    // As that version left them: the database has no checks yet.
    world.db.batch_execute("DELETE FROM scheduled_check").await.unwrap();
    for alarm in world.stack.aws.schedules().await.unwrap() {
        world.stack.aws.delete_schedule(&alarm.name).await.unwrap();
    }
    let event = |kind: &str, kickoff: &str| {
        json!({"check": kind, "tournamentId": id, "tournamentSlug": "little-league-2023-24", "roundSlug": "1",
               "kickoff": kickoff, "scheduledTime": "<aws.scheduler.scheduled-time>"})
    };
    let mut old = BTreeSet::new();
    for (kind, kickoff, at) in [
        ("interim", "2024-03-02T15:00:00Z", "2024-03-02T16:30:00Z"),
        ("closing", "2024-03-02T15:00:00Z", "2024-03-02T17:00:00Z"),
        ("closing", "2024-03-02T17:30:00Z", "2024-03-02T19:30:00Z"),
    ] {
        old.insert(world.schedule_as_before(&id, kind, kickoff, at, &event(kind, kickoff)).await);
    }
    // A follow-up belongs to the run that created it: it fires as the event that it is.
    let follow_up = event("follow-up", "2024-03-01T15:00:00Z");
    world
        .schedule_as_before(&id, "follow-up", "2024-03-01T15:00:00Z", "2024-03-02T09:00:00Z", &follow_up)
        .await;

    // One fires before the first routine of this version.
    world
        .invoke_at("2024-03-02T16:30:00Z", "scores-and-standings", event("interim", "2024-03-02T15:00:00Z"))
        .await
        .unwrap();
    world.invoke_at("2024-03-02T16:40:00Z", "daily-routine", json!({})).await.unwrap();
    let names = world.schedule_names().await;
    assert_eq!(
        names.iter().filter(|name| old.contains(*name)).count(),
        1,
        "the one that had fired: {names:?}"
    );
    assert!(names.iter().any(|name| name.contains("-follow-up-")), "{names:?}");
    assert_eq!(world.checks_of("closing").await, ["closing 03-02 17:00", "closing 03-02 19:30"]);

    // One that fires all the same is the check that the wake-up takes.
    let closing = event("closing", "2024-03-02T15:00:00Z");
    world.invoke_at("2024-03-02T17:00:00Z", "scores-and-standings", closing).await.unwrap();
    world.wake("2024-03-02T17:00:00Z", "scores-and-standings").await.unwrap();
    let done = "SELECT concat(status, ' ', attempt) FROM data_provider_executions
                 WHERE operation_type = 'matches_update' AND idempotency_key LIKE '%:closing:2024-03-02T17:00:00Z'";
    assert_eq!(world.texts(done).await, ["completed 1"]);
    assert_eq!(world.checks_of("closing").await, ["closing 03-02 19:30"]);
}

/// Tournaments with the same matches, created on the day before the first of them.
async fn alike(tournaments: usize) -> (ReplayClock, ReplayProvider, TestStack, Vec<String>) {
    let seasons: Vec<Season> = (0..tournaments)
        .map(|index| {
            let league = LEAGUE.replace("Little League", &format!("Little League {index}"));
            Season::parse("test", &league).unwrap().numbered(index)
        })
        .collect();
    let clock = ReplayClock::new(moment("2024-03-01T12:00:00Z"));
    let provider = ReplayProvider::start(seasons.clone(), clock.clone()).await.unwrap();
    let stack = Setup::default().stack(&provider.origin()).await;
    let mut ids = Vec::new();
    for season in &seasons {
        let answer = stack.stack.invoke("tournaments", create_event(season, clock.now())).await.unwrap();
        ids.push(answer["tournamentId"].as_str().unwrap().to_owned());
    }
    (clock, provider, stack, ids)
}

#[tokio::test]
async fn a_routine_for_one_tournament_touches_no_other() {
    let (clock, provider, stack, ids) = alike(2).await;
    clock.set(moment("2024-03-01T13:00:00Z"));
    let others = format!(
        "SELECT to_jsonb(m)::text FROM match m WHERE tournament_id <> '{id}'
          UNION ALL SELECT to_jsonb(c)::text FROM scheduled_check c WHERE tournament_id IS DISTINCT FROM '{id}'
          UNION ALL SELECT to_jsonb(t)::text FROM tournament t WHERE id <> '{id}' ORDER BY 1",
        id = ids[0]
    );
    let mine = format!("scheduled_check WHERE tournament_id = '{}' AND done_at IS NULL", ids[0]);
    // Both lack their checks, as if none had been written at their creation; another's alarm stands.
    stack.db.batch_execute("DELETE FROM scheduled_check").await.unwrap();
    for name in stack.schedule_names().await {
        stack.stack.aws.delete_schedule(&name).await.unwrap();
    }
    let environment = &stack.stack.aws.environment;
    let foreign = format!("{environment}-scores-and-standings-20240305T1200");
    let event = json!({ "wake": true, "targetEnv": environment }).to_string();
    stack
        .stack
        .aws
        .make_schedule(&foreign, moment("2024-03-05T12:00:00Z"), "scores-and-standings", &event)
        .await
        .unwrap();
    let before = stack.texts(&others).await;
    let asked = provider.requests();

    let event = json!({ "tournamentId": ids[0], "scheduledTime": "2024-03-01T13:00:00Z" });
    let answer = stack.stack.invoke("daily-routine", event.clone()).await.unwrap();
    assert_eq!(answer["daily_schedule"]["errors"], json!([]), "{answer}");
    assert_eq!(stack.texts(&others).await, before, "no row of the other");
    let planned = stack.count(&mine).await;
    assert!(planned >= 4, "interim and closing checks of two kickoffs: {planned}");
    assert_eq!(stack.count("scheduled_check").await, planned);
    let names = stack.schedule_names().await;
    assert!(names.contains(&foreign), "another's alarm stays: {names:?}");
    assert!(names.iter().any(|name| name.contains("-20240302T170000-")), "its own alarms are set: {names:?}");
    assert!(provider.requests() - asked <= 2, "the day's list only");
    let record = "SELECT concat(tournament_id, ' ', status) FROM data_provider_executions
                   WHERE operation_type = 'daily_schedule'";
    assert_eq!(stack.texts(record).await, [format!("{} completed", ids[0])]);

    // Again: nothing changes.
    let (rows, asked) = (stack.domain_rows().await, provider.requests());
    assert_eq!(stack.stack.invoke("daily-routine", event).await.unwrap(), answer);
    assert_eq!((stack.domain_rows().await, stack.schedule_names().await), (rows, names));
    assert_eq!(provider.requests(), asked);

    // The whole routine plans the other one, and nothing more of this one.
    stack.stack.invoke("daily-routine", json!({ "scheduledTime": "2024-03-01T13:00:00Z" })).await.unwrap();
    let of_each =
        "SELECT count(*)::text FROM scheduled_check WHERE tournament_id IS NOT NULL GROUP BY tournament_id";
    assert_eq!(stack.texts(of_each).await, [planned.to_string(), planned.to_string()]);
}

#[tokio::test]
async fn many_rounds_that_are_due_at_once_take_one_request_and_give_one_message() {
    let (clock, provider, stack, _) = alike(5).await;
    clock.set(moment("2024-03-02T00:01:00Z"));
    stack.stack.invoke("daily-routine", json!({"scheduledTime": "2024-03-02T00:01:00Z"})).await.unwrap();
    clock.set(moment("2024-03-02T17:00:00Z"));
    let (asked, messages) = (provider.requests(), stack.messages().len());
    let wake_up = json!({"wake": true, "scheduledTime": "2024-03-02T17:00:00Z"});
    let answer = stack.stack.invoke("scores-and-standings", wake_up.clone()).await.unwrap();
    assert_eq!(answer["checks"]["done"], 5, "{answer}");
    assert_eq!(answer["checks"]["covered"], 5, "the interim ones: {answer}");
    assert_eq!(provider.requests() - asked, 1, "{:?}", provider.request_log().last());
    assert_eq!(stack.ended().await, 5);
    let told = stack.messages().split_off(messages);
    assert!(told.len() == 1 && told[0].contains("round 1: 1 ended"), "{told:#?}");
    // One of the executions has the request, and none of the rounds counts as read.
    let requests = "SELECT sum((summary->>'requests')::int)::text FROM data_provider_executions
                     WHERE planned_for = '2024-03-02 17:00' AND operation_type = 'matches_update'";
    assert_eq!(stack.texts(requests).await, ["1"]);
    assert_eq!(stack.count("tournament_round WHERE last_read_at >= '2024-03-02'").await, 0);
    assert_eq!(stack.count("data_provider_executions WHERE notified_at IS NULL").await, 0);
    // Again: nothing is due.
    let rows = stack.domain_rows().await;
    let answer = stack.stack.invoke("scores-and-standings", wake_up).await.unwrap();
    assert_eq!(answer["checks"]["due"], 0, "{answer}");
    assert_eq!((stack.domain_rows().await, provider.requests() - asked), (rows, 1));
}

/// `kind outcome` of the checks of round 1 that were due at a time of 2 March.
async fn outcomes(world: &World, time: &str) -> Vec<String> {
    let sql = format!(
        "SELECT concat(kind, ' ', COALESCE(outcome, 'open')) FROM scheduled_check
          WHERE round_slug = '1' AND due_at = '2024-03-02 {time}' ORDER BY 1"
    );
    world.texts(&sql).await
}

#[tokio::test]
async fn a_check_whose_scores_are_done_covers_no_other() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    world.create().await;
    world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    world.wake("2024-03-02T17:00:00Z", "scores-and-standings").await.unwrap();
    assert_eq!(outcomes(&world, "17:00").await, ["closing done"]);
    // As if the process had died before it closed the row.
    let reopen = "UPDATE scheduled_check SET done_at = NULL, outcome = NULL WHERE kind = 'closing' AND due_at = '2024-03-02 17:00'";
    world.db.batch_execute(reopen).await.unwrap();
    let asked = world.provider.requests();
    world.wake("2024-03-02T17:15:00Z", "scores-and-standings").await.unwrap();
    assert_eq!(outcomes(&world, "17:00").await, ["closing done"]);
    assert_eq!(outcomes(&world, "17:15").await, ["second-look done"]);
    assert_eq!(world.provider.requests() - asked, 1, "the second look was made");
}

#[tokio::test]
async fn a_table_that_always_fails_is_given_up_and_keeps_no_other_check_of_its_round() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    world.create().await;
    world.invoke_at("2024-03-02T00:01:00Z", "daily-routine", json!({})).await.unwrap();
    world.db.batch_execute("UPDATE tournament SET points_adjustments = '\"nonsense\"'").await.unwrap();
    let error = world.wake("2024-03-02T17:00:00Z", "scores-and-standings").await.unwrap_err().to_string();
    assert!(error.contains("points_adjustments"), "{error}");
    assert_eq!(world.ended().await, 1, "the scores are stored");
    assert_eq!(outcomes(&world, "17:00").await, ["closing open"]);
    world.wake("2024-03-02T17:15:00Z", "scores-and-standings").await.unwrap_err();
    assert_eq!(outcomes(&world, "17:15").await, ["second-look done"]);
    world.wake("2024-03-02T17:20:00Z", "scores-and-standings").await.unwrap_err();
    let answer = world.wake("2024-03-02T17:25:00Z", "scores-and-standings").await.unwrap();
    assert_eq!(answer["checks"]["givenUp"], 1, "{answer}");
    assert_eq!(outcomes(&world, "17:00").await, ["closing given_up"]);
}

/// Ten rounds of one match on following days.
fn ten_days(index: usize) -> Season {
    let matches: Vec<Value> = (1..=10)
        .map(|day| {
            json!({"round": format!("Matchday {day}"), "date": format!("2024-03-{day:02}"), "time": "15:00",
                   "team1": "Ash", "team2": "Birch"})
        })
        .collect();
    let season = json!({"name": format!("Scale League {index:04} 2023/24"), "matches": matches});
    Season::parse("test", &season.to_string()).unwrap().numbered(index)
}

#[tokio::test]
async fn a_routine_for_a_thousand_tournaments_takes_few_statements_on_a_quiet_day() {
    const TOURNAMENTS: usize = 1_000;
    let seasons: Vec<Season> = (0..TOURNAMENTS).map(ten_days).collect();
    let clock = ReplayClock::new(moment("2024-02-29T12:00:00Z"));
    let provider = ReplayProvider::start(seasons.clone(), clock.clone()).await.unwrap();
    let stack = Setup::default().stack(&provider.origin()).await;
    stack.stack.invoke("tournaments", create_event(&seasons[0], clock.now())).await.unwrap();
    let external: Vec<String> =
        seasons.iter().map(|season| season.unique_tournament_id.to_string()).collect();
    let addresses: Vec<String> = seasons
        .iter()
        .map(|season| {
            let (id, season) = (season.unique_tournament_id, season.season_id);
            format!("https://www.sofascore.com/api/v1/unique-tournament/{id}/season/{season}")
        })
        .collect();
    stack
        .db
        .execute(
            "INSERT INTO tournament (external_id, base_url, slug, provider, season, mode, standings_mode, label, status)
             SELECT s.external_id, s.base_url, 'scale-' || s.n, t.provider, t.season, t.mode, t.standings_mode,
                    'Scale ' || s.n, t.status
               FROM tournament t, UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS s (external_id, base_url, n)
              WHERE s.n > 1",
            &[&external, &addresses],
        )
        .await
        .unwrap();
    // The n-th season's ids are shifted, as `Season::numbered` says.
    stack
        .db
        .batch_execute(
            "CREATE TEMP TABLE copy AS
               SELECT t.id, o.id AS original, substring(t.slug FROM 7)::bigint - 1 AS n
                 FROM tournament t, tournament o WHERE t.slug ~ '^scale-[0-9]+$' AND o.slug !~ '^scale-[0-9]+$';
             INSERT INTO tournament_round (tournament_id, \"order\", label, slug, provider_url, provider_id, type, open_slots, last_read_at)
               SELECT c.id, r.\"order\", r.label, r.slug, r.provider_url, r.provider_id, r.type, r.open_slots, r.last_read_at
                 FROM copy c JOIN tournament_round r ON r.tournament_id = c.original;
             INSERT INTO team (name, external_id, badge, provider)
               SELECT t.name, (t.external_id::bigint + c.n * 10000)::text, t.badge, t.provider FROM copy c, team t;
             INSERT INTO match (external_id, provider, tournament_id, round_slug, group_name, home_team_id,
                    external_home_team_id, away_team_id, external_away_team_id, date, status, provider_stage_id)
               SELECT (m.external_id::bigint + c.n * 10000000)::text, m.provider, c.id, m.round_slug, m.group_name, h.id,
                      h.external_id, a.id, a.external_id, m.date, m.status,
                      (m.provider_stage_id::bigint + c.n * 1000000)::text
                 FROM copy c JOIN match m ON m.tournament_id = c.original
                 JOIN team h ON h.external_id = (m.external_home_team_id::bigint + c.n * 10000)::text
                 JOIN team a ON a.external_id = (m.external_away_team_id::bigint + c.n * 10000)::text",
        )
        .await
        .unwrap();
    assert_eq!(stack.count("match WHERE status = 'open'").await, 10 * TOURNAMENTS);

    let watch = Watch::start(&stack.stack.database_url).await.unwrap();
    let routine = async |at: &str| {
        clock.set(moment(at));
        let (calls, statements) = (stack.stack.gate.calls().len(), watch.statements().await.unwrap());
        let answer = stack.stack.invoke("daily-routine", json!({ "scheduledTime": at })).await.unwrap();
        let calls = stack.stack.gate.calls().split_off(calls);
        (answer, calls, watch.statements().await.unwrap() - statements)
    };
    let (answer, _, first) = routine("2024-03-01T00:01:00Z").await;
    assert_eq!(answer["daily_schedule"]["errors"], json!([]));
    // Of two days, for each tournament: interim, closing and table.
    let planned = stack.checks().await.len();
    assert!(planned >= 6 * TOURNAMENTS, "{planned}");
    let rows = stack.domain_rows().await;
    let (answer, calls, again) = routine("2024-03-01T00:30:00Z").await;
    println!("{planned} checks; {first} statements, then {again}; {} calls to Scheduler", calls.len());
    assert_eq!(stack.checks().await.len(), planned, "{answer}");
    assert_eq!(answer["daily_schedule"]["schedules"]["created"], 0, "{answer}");
    assert_eq!(stack.domain_rows().await, rows);
    assert!(again < 60, "{again} statements");
    let to_scheduler: Vec<&str> = calls
        .iter()
        .filter(|call| call.service == Service::Scheduler)
        .map(|call| call.operation.as_str())
        .collect();
    assert!(to_scheduler.iter().all(|operation| *operation == "ListSchedules"), "{to_scheduler:?}");
}
