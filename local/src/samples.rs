//! The sample events of `events/`, made by the code that makes the events themselves.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use football::plan::checks::{Check, CheckKind};
use serde_json::{Value, json};
use shared::event::{Envelope, Event, Request, RoundCheck, WakeUp};
use shared::work::Function;
use uuid::Uuid;

use crate::driver::create_event;
use crate::emulator;
use crate::replay::Season;

/// The environment that they name.
pub const ENVIRONMENT: &str = "demo";
/// The tournament that they name.
pub const TOURNAMENT: &str = "2f6b1c9e-7a54-4f0d-9b3e-5c8d1e6a0f42";
const SEASON: &str = include_str!("../seasons/2022-world-cup.json");
/// No sample: variables for SAM, which `local up` writes.
const VARIABLES: &str = "env.local";

/// A sample event.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The file's name without `.json`.
    pub name: String,
    /// The function that it is for.
    pub function: Function,
    /// The event.
    pub event: Value,
    /// If it is refused: the field that the error names.
    pub refused: Option<&'static str>,
}

fn sample(name: &str, function: Function, event: Value) -> Sample {
    Sample { name: name.to_owned(), function, event, refused: None }
}

/// All samples, in an order in which each finds what it needs.
pub fn samples() -> anyhow::Result<Vec<Sample>> {
    let id: Uuid = TOURNAMENT.parse()?;
    let season = Season::parse("2022-world-cup", SEASON)?;
    let mut samples = vec![
        sample("migrate", Function::Migrate, json!({})),
        sample("operator-api-health", Function::OperatorApi, health()),
    ];
    let mut create = create_event(&season, DateTime::default());
    // Under the key by which `local up` has created it: answered from its record there.
    create.as_object_mut().map(|create| create.shift_remove("scheduledTime"));
    create["targetEnv"] = ENVIRONMENT.into();
    samples.push(sample("tournament-create", Function::Tournaments, create));
    samples.extend(by_hand(id));
    samples.extend(checks(id)?);
    samples.extend(wake_ups()?);
    samples.extend(older(id)?);
    samples.extend(bad());
    Ok(samples)
}

/// What an operator asks for: done each time that it is sent, since it names no occurrence.
fn by_hand(id: Uuid) -> Vec<Sample> {
    let scores = || Request::Scores {
        tournament_id: id,
        round: "1".to_owned(),
        check: RoundCheck::Closing { kickoff: None },
    };
    let routine = |tournament_id| Request::DailyRoutine { tournament_id, retry_since: None };
    let event = |request, dry_run| {
        let envelope = Envelope { scheduled_time: None, idempotency_key: None, dry_run };
        Event { envelope, request }.to_json(ENVIRONMENT, None)
    };
    [
        ("daily-routine-dry-run", routine(None), true),
        ("daily-routine", routine(None), false),
        ("daily-routine-one-tournament", routine(Some(id)), false),
        ("scores-and-standings", scores(), false),
        ("scores-and-standings-dry-run", scores(), true),
        ("scores-and-standings-table", Request::Standings { tournament_id: id, retry_since: None }, false),
        ("knockouts", Request::Knockouts { tournament_id: id, retry_since: None }, false),
        ("tournament-refresh", Request::RefreshTournament { tournament_id: id, retry_since: None }, false),
        ("tournament-probe", Request::Probe, false),
        ("cross-check", Request::CrossCheck { tournament_id: None }, false),
        ("cross-check-one-tournament", Request::CrossCheck { tournament_id: Some(id) }, false),
    ]
    .map(|(name, request, dry_run)| sample(name, request.function(), event(request, dry_run)))
    .into()
}

/// A check of each kind, as a record keeps it and *Retry* sends it.
fn checks(id: Uuid) -> anyhow::Result<Vec<Sample>> {
    let at = |text: &str| text.parse::<DateTime<Utc>>().context("a sample's time");
    let kickoff = at("2022-11-20T16:00:00Z")?;
    let round = |kind, due| Check::of_round(kind, id, "1", due).for_kickoff(kickoff);
    let whole = |kind, due| Check::of_tournament(kind, id, due);
    let again = |check: Check| Check { retrying_since: Some(kickoff), ..check };
    let routine =
        Check { tournament_id: None, ..whole(CheckKind::RoutineFollowUp, at("2022-11-20T00:21:00Z")?) };
    let checks = [
        round(CheckKind::Interim, at("2022-11-20T17:30:00Z")?),
        round(CheckKind::Closing, at("2022-11-20T18:00:00Z")?),
        round(CheckKind::FollowUp, at("2022-11-20T18:10:00Z")?),
        round(CheckKind::SecondLook, at("2022-11-20T18:15:00Z")?),
        round(CheckKind::NextDay, at("2022-11-21T09:00:00Z")?),
        round(CheckKind::Sweep, at("2022-11-21T00:05:00Z")?),
        round(CheckKind::FullPass, at("2022-11-21T17:30:00Z")?),
        whole(CheckKind::Table, at("2022-11-20T18:20:00Z")?),
        again(whole(CheckKind::StandingsFollowUp, at("2022-11-20T18:40:00Z")?)),
        whole(CheckKind::Knockouts, at("2022-12-03T21:30:00Z")?),
        whole(CheckKind::Draw, at("2022-12-03T09:00:00Z")?),
        again(whole(CheckKind::KnockoutsFollowUp, at("2022-12-03T21:50:00Z")?)),
        again(whole(CheckKind::Refresh, at("2022-12-03T22:00:00Z")?)),
        again(routine),
        Check { tournament_id: None, ..whole(CheckKind::CrossCheck, at("2022-11-21T08:00:00Z")?) },
    ];
    let sample = |check: Check| {
        let function = Function::from(check.kind);
        let name = format!("check-{}", check.kind);
        sample(&name, function, Event::of_check(&check, false).to_json(ENVIRONMENT, None))
    };
    Ok(checks.map(sample).into())
}

/// What EventBridge Scheduler sends: to the daily routine by its cron, to the others by alarms.
fn wake_ups() -> anyhow::Result<Vec<Sample>> {
    let filled = |event: Value, name: &str, at: &str| {
        let arn =
            format!("arn:aws:scheduler:eu-central-1:123456789012:schedule/best-shot-{ENVIRONMENT}/{name}");
        emulator::filled(&event.to_string(), at, &arn).context("a sample's placeholders")
    };
    let cron = json!({
        "targetEnv": ENVIRONMENT,
        "scheduledTime": "<aws.scheduler.scheduled-time>",
        "scheduleArn": "<aws.scheduler.schedule-arn>",
    });
    let mut samples = vec![sample(
        "cron-daily-routine",
        Function::DailyRoutine,
        filled(cron, &format!("best-shot-{ENVIRONMENT}-daily-routine"), "2022-11-20T00:01:00Z")?,
    )];
    for function in
        [Function::ScoresAndStandings, Function::Knockouts, Function::Tournaments, Function::DailyRoutine]
    {
        let name = format!("{ENVIRONMENT}-{function}-20221120T180000-0123456789");
        let event = filled(WakeUp::input(ENVIRONMENT), &name, "2022-11-20T18:00:00Z")?;
        samples.push(sample(&format!("wake-up-{function}"), function, event));
    }
    Ok(samples)
}

/// What callers of the pipeline before this one send, and the schedules of a version before the table of checks.
fn older(id: Uuid) -> anyhow::Result<Vec<Sample>> {
    let api = "https://api.example.com/api/v2/data-provider";
    let scores = json!({
        "targetEnv": ENVIRONMENT, "tournamentId": id, "roundSlug": "1",
        "roundUrl": format!("{api}/matches"), "standingsUrl": format!("{api}/standings"),
    });
    let knockouts = json!({
        "targetEnv": ENVIRONMENT, "knockoutsUpdateUrl": format!("{api}/tournaments/{id}/knockouts-update"),
    });
    let routine = json!({ "targetEnv": ENVIRONMENT, "endpoint": format!("{api}/scheduler") });
    Ok(vec![
        sample("older-caller-scores-and-standings", Function::ScoresAndStandings, scores),
        sample("older-caller-knockouts", Function::Knockouts, knockouts),
        sample("older-caller-daily-routine", Function::DailyRoutine, routine),
    ])
}

/// Events that are refused, with the field and the remedy.
fn bad() -> Vec<Sample> {
    let bad = |name, function, event, field| Sample { refused: Some(field), ..sample(name, function, event) };
    vec![
        bad(
            "bad-tournament-id",
            Function::ScoresAndStandings,
            json!({ "targetEnv": ENVIRONMENT, "tournamentId": "the-world-cup", "roundSlug": "1" }),
            "tournamentId",
        ),
        bad("bad-environment", Function::DailyRoutine, json!({ "targetEnv": "production" }), "targetEnv"),
        bad(
            "bad-tournament",
            Function::Tournaments,
            json!({ "targetEnv": ENVIRONMENT, "operation": "create", "tournament": { "label": "Without an address" } }),
            "tournament.baseUrl",
        ),
    ]
}

/// A request for health, as API Gateway sends it (payload format 2.0).
fn health() -> Value {
    let path = "/api/v2/data-provider/health";
    let host = "abcdefghij.execute-api.eu-central-1.amazonaws.com";
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "application/json",
            "host": host,
            "user-agent": "curl/8.5.0",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": host,
            "domainPrefix": "abcdefghij",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "20/Nov/2022:12:00:00 +0000",
            "timeEpoch": 1_668_945_600_000_i64,
        },
        "isBase64Encoded": false,
    })
}

/// The texts of the files, by name.
pub fn files() -> anyhow::Result<BTreeMap<String, String>> {
    let file = |sample: &Sample| {
        let text = serde_json::to_string_pretty(&sample.event)? + "\n";
        Ok((sample.name.clone(), text))
    };
    samples()?.iter().map(file).collect()
}

/// The samples that are in a folder, by name.
pub fn stored(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut stored = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "json") && name != VARIABLES {
            stored.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(stored)
}

/// Writes the samples that differ into a folder, and deletes those that are no more. Returns how many there are.
pub fn write(folder: &Path) -> anyhow::Result<usize> {
    let (wanted, there) = (files()?, stored(folder)?);
    let file = |name: &str| folder.join(format!("{name}.json"));
    for (name, text) in wanted.iter().filter(|(name, text)| there.get(*name) != Some(text)) {
        std::fs::write(file(name), text)?;
    }
    for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
        std::fs::remove_file(file(name))?;
    }
    Ok(wanted.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_in_the_folder_are_those_that_the_code_makes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
        let (wanted, there) = (files().unwrap(), stored(&folder).unwrap());
        assert_eq!(there, wanted, "run `target/debug/local samples`");
        // One for every kind of check.
        use strum::IntoEnumIterator as _;
        for kind in CheckKind::iter() {
            assert!(wanted.contains_key(&format!("check-{kind}")), "{kind}");
        }
    }
}
