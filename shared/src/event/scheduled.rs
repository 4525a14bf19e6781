//! The event that a schedule sends.

use chrono::{DateTime, Utc};
use football::plan::schedule::{Check, CheckKind};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The event that a check's schedule sends. Scheduler replaces the placeholders in angle brackets.
pub(crate) fn schedule_input(environment: &str, check: &Check) -> Value {
    let mut input = json!({
        "targetEnv": environment,
        "check": check.kind,
        "tournamentId": check.tournament_id,
        "tournamentSlug": check.tournament_slug,
        "roundSlug": check.round_slug,
        "kickoff": check.kickoff,
        "scheduledTime": "<aws.scheduler.scheduled-time>",
        "scheduleArn": "<aws.scheduler.schedule-arn>",
    });
    match check.kind {
        CheckKind::Refresh => input["operation"] = "refresh".into(),
        CheckKind::StandingsFollowUp => input["operation"] = "standings".into(),
        _ => {}
    }
    input
}

/// The check of a schedule, read back from its time and its event; none if it is not a schedule of a check.
pub(crate) fn check_of(at: DateTime<Utc>, input: &str) -> Option<Check> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        check: CheckKind,
        tournament_id: Uuid,
        tournament_slug: String,
        round_slug: Option<String>,
        kickoff: DateTime<Utc>,
    }
    let input: Input = serde_json::from_str(input).ok()?;
    Some(Check {
        kind: input.check,
        tournament_id: input.tournament_id,
        tournament_slug: input.tournament_slug,
        round_slug: input.round_slug,
        kickoff: input.kickoff,
        at,
    })
}
