//! EventBridge Scheduler as an alarm clock: one-time, self-deleting schedules that wake a function at a moment.
//!
//! An alarm says nothing but when. What is due stands in the table `scheduled_check`.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::DisplayErrorContext;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, Target,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use sha2::{Digest as _, Sha256};
use strum::VariantNames as _;

use crate::config::ScheduleConfig;
use crate::event::WakeUp;
use crate::work::Function;

/// Scheduler's attempts to deliver an occurrence to Lambda; Lambda itself retries a function's errors.
const DELIVERY_ATTEMPTS: i32 = 3;
const DELIVERY_AGE_SECONDS: i32 = 3600;
/// The longest name that Scheduler accepts.
const NAME_LIMIT: usize = 64;
const STAMP: &str = "%Y%m%dT%H%M%S";

/// An EventBridge Scheduler call failed.
#[derive(Debug, thiserror::Error)]
#[error("EventBridge Scheduler: {action} {name}: {reason}")]
pub struct AlarmError {
    /// The action.
    pub action: &'static str,
    /// The schedule's name.
    pub name: String,
    /// Scheduler's error.
    pub reason: String,
}

/// A schedule of our group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Which function it wakes, and when; none if it is no alarm of this version.
    pub alarm: Option<(Function, DateTime<Utc>)>,
    /// It is an alarm for a former target, role or queue.
    pub is_former: bool,
}

/// The alarms of one environment.
#[derive(Clone)]
pub struct Alarms {
    client: Client,
    config: ScheduleConfig,
    environment: String,
}

impl Alarms {
    /// The group of `config`, accessed through `client`.
    pub fn new(client: Client, config: ScheduleConfig, environment: String) -> Self {
        Self { client, config, environment }
    }

    /// All schedules of the group, by name: a call for each page, none for each schedule.
    pub async fn list(&self) -> Result<Vec<Listed>, AlarmError> {
        let mut listed = Vec::new();
        let mut pages =
            self.client.list_schedules().group_name(&self.config.group).into_paginator().items().send();
        while let Some(summary) = pages.next().await {
            let summary = summary.map_err(|error| failed("list", &self.config.group, error))?;
            if let Some(name) = summary.name {
                // The hash covers the target: an alarm of a former target is none.
                let parsed = parsed(&name);
                let alarm = parsed.filter(|(function, at)| self.name(*function, *at) == name);
                let is_former = parsed.is_some() && alarm.is_none();
                listed.push(Listed { name, alarm, is_former });
            }
        }
        Ok(listed)
    }

    /// Sets the alarm that wakes a function at `at`, a whole second. One that is set already is not an error.
    pub async fn set(&self, function: Function, at: DateTime<Utc>) -> Result<(), AlarmError> {
        let name = self.name(function, at);
        let build = |reason: aws_sdk_scheduler::error::BuildError| AlarmError {
            action: "build",
            name: name.clone(),
            reason: reason.to_string(),
        };
        let retry = RetryPolicy::builder()
            .maximum_retry_attempts(DELIVERY_ATTEMPTS)
            .maximum_event_age_in_seconds(DELIVERY_AGE_SECONDS)
            .build();
        let queue = self.config.dead_letter_arn.as_ref();
        let target = Target::builder()
            .arn(self.target(function))
            .role_arn(&self.config.role_arn)
            .input(WakeUp::input(&self.environment).to_string())
            .retry_policy(retry)
            .set_dead_letter_config(queue.map(|arn| DeadLetterConfig::builder().arn(arn).build()))
            .build()
            .map_err(build)?;
        let window =
            FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(build)?;
        let sent = self
            .client
            .create_schedule()
            .group_name(&self.config.group)
            .name(&name)
            .schedule_expression(at.format("at(%Y-%m-%dT%H:%M:%S)").to_string())
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target)
            .send()
            .await;
        match sent {
            Err(error) if !error.as_service_error().is_some_and(|e| e.is_conflict_exception()) => {
                Err(failed("create", &name, error))
            }
            _ => Ok(()),
        }
    }

    /// Deletes a schedule; one that no longer exists is not an error.
    pub async fn delete(&self, name: &str) -> Result<(), AlarmError> {
        match self.client.delete_schedule().group_name(&self.config.group).name(name).send().await {
            Err(error) if !error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                Err(failed("delete", name, error))
            }
            _ => Ok(()),
        }
    }

    fn target(&self, function: Function) -> String {
        format!("{}{function}", self.config.function_arn_prefix)
    }

    /// Readable at the front; the hash at the end covers everything but the moment, so that a schedule with another
    /// target has another name and none is ever updated.
    fn name(&self, function: Function, at: DateTime<Utc>) -> String {
        let queue = self.config.dead_letter_arn.as_deref().unwrap_or_default();
        let subject =
            format!("{}/{}/{}/{queue}", self.environment, self.target(function), self.config.role_arn);
        let rest = format!("-{function}-{}-{}", at.format(STAMP), short_hash(&subject));
        let mut head = of_a_name(&self.environment);
        head.truncate(NAME_LIMIT.saturating_sub(rest.len()));
        head + &rest
    }
}

/// The function and moment in the name of an alarm.
fn parsed(name: &str) -> Option<(Function, DateTime<Utc>)> {
    let (head, _) = name.rsplit_once('-')?;
    let (head, stamp) = head.rsplit_once('-')?;
    let at = NaiveDateTime::parse_from_str(stamp, STAMP).ok()?.and_utc();
    let own = Function::VARIANTS
        .iter()
        .find(|function| head.strip_suffix(**function).is_some_and(|before| before.ends_with('-')))?;
    Some((own.parse().ok()?, at))
}

fn short_hash(subject: &str) -> String {
    Sha256::digest(subject.as_bytes()).iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

/// With the characters that Scheduler allows in a name.
fn of_a_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

fn failed<E: std::error::Error + 'static>(action: &'static str, name: &str, error: E) -> AlarmError {
    AlarmError { action, name: name.to_owned(), reason: DisplayErrorContext(error).to_string() }
}

/// Schedules of the version before the table of checks: each named the check that it was for.
pub mod earlier {
    use chrono::DateTime;
    use football::plan::checks::{Check, CheckKind};

    use super::{NAME_LIMIT, of_a_name, short_hash};

    /// The name of the schedule that an earlier version made for this check of a tournament with this slug.
    pub fn name(environment: &str, check: &Check, slug: &str) -> Option<String> {
        let kinds =
            [CheckKind::Interim, CheckKind::Closing, CheckKind::Sweep, CheckKind::Knockouts, CheckKind::Draw];
        let (tournament, kickoff) = (check.tournament_id?, check.kickoff?);
        if !kinds.contains(&check.kind) {
            return None;
        }
        let round = check.round_slug.as_deref().unwrap_or("all");
        let subject = format!("{environment}/{}/{tournament}/{round}/{}", check.kind, kickoff.timestamp());
        let rest = format!("-{}-{}", stamp(kickoff), short_hash(&subject));
        let mut head = of_a_name(&format!("{environment}-{}-{slug}-{round}", check.kind));
        head.truncate(NAME_LIMIT - rest.len());
        Some(head + &rest)
    }

    fn stamp(at: DateTime<chrono::Utc>) -> impl std::fmt::Display {
        at.format("%Y%m%dT%H%M")
    }
}

#[cfg(test)]
mod tests {
    use football::plan::checks::{Check, CheckKind};

    use super::*;

    #[test]
    fn the_names_of_an_earlier_version_are_known() {
        let id = uuid::Uuid::from_u128(7);
        let (kickoff, slug) = ("2022-11-21T16:00:00Z".parse().unwrap(), "fifa-world-cup-2022");
        let of_round = |kind| Check::of_round(kind, id, "1", kickoff).for_kickoff(kickoff);
        let knockouts = Check::of_tournament(CheckKind::Knockouts, id, kickoff).for_kickoff(kickoff);
        for (check, name) in [
            (
                of_round(CheckKind::Interim),
                Some("demo-interim-fifa-world-cup-2022-1-20221121T1600-bb8916500c"),
            ),
            (
                of_round(CheckKind::Closing),
                Some("demo-closing-fifa-world-cup-2022-1-20221121T1600-21f281c42b"),
            ),
            (knockouts, Some("demo-knockouts-fifa-world-cup-2022-all-20221121T1600-61a950ceae")),
            (of_round(CheckKind::FollowUp), None),
        ] {
            assert_eq!(earlier::name("demo", &check, slug).as_deref(), name);
        }
    }

    #[test]
    fn the_name_of_an_alarm_says_whom_it_wakes_and_when() {
        let at = "2022-11-21T15:00:00Z".parse().unwrap();
        for (name, alarm) in [
            (
                "demo-scores-and-standings-20221121T150000-0123456789",
                Some((Function::ScoresAndStandings, at)),
            ),
            ("a-b-knockouts-20221121T150000-0123456789", Some((Function::Knockouts, at))),
            ("demo-daily-routine", None),
            ("demo-closing-world-cup-2022-1-20221121T1500-0123456789", None),
        ] {
            assert_eq!(parsed(name), alarm, "{name}");
        }
    }
}
