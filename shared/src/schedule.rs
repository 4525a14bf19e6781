//! EventBridge Scheduler: one-time, self-deleting schedules in one group.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::DisplayErrorContext;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, Target,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt};

use crate::config::ScheduleConfig;
use crate::event::{check_of, schedule_input};
use crate::work::Function;
use football::plan::schedule::{Check, Existing, schedule_name};

/// Scheduler's attempts to deliver an occurrence to Lambda; Lambda itself retries a function's errors.
const DELIVERY_ATTEMPTS: i32 = 3;
const DELIVERY_AGE_SECONDS: i32 = 3600;

/// Schedules read concurrently, where many are to be shown.
const AT_ONCE: usize = 8;

/// An EventBridge Scheduler call failed.
#[derive(Debug, thiserror::Error)]
#[error("EventBridge Scheduler: {action} {name}: {reason}")]
pub struct ScheduleError {
    /// The action.
    pub action: &'static str,
    /// The schedule's name.
    pub name: String,
    /// Scheduler's error.
    pub reason: String,
}

/// What became of a schedule that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// It existed already.
    Existed,
}

/// The schedules of one environment.
#[derive(Clone)]
pub struct Schedules {
    client: Client,
    config: ScheduleConfig,
    environment: String,
}

impl Schedules {
    /// The group of `config`, accessed through `client`.
    pub fn new(client: Client, config: ScheduleConfig, environment: String) -> Self {
        Self { client, config, environment }
    }

    /// The checks that are scheduled, without the daily cron and any schedule that is not a check of ours.
    pub async fn existing(&self) -> Result<Vec<Existing>, ScheduleError> {
        let mut names = Vec::new();
        let mut pages =
            self.client.list_schedules().group_name(&self.config.group).into_paginator().items().send();
        while let Some(summary) = pages.next().await {
            let summary = summary.map_err(|error| failed("list", &self.config.group, error))?;
            names.extend(summary.name);
        }
        let mut existing = Vec::new();
        for name in names {
            existing.extend(self.one(name).await?);
        }
        Ok(existing)
    }

    /// The checks scheduled from the start of `since` to the start of `until`, soonest first and at most `limit`, and
    /// how many checks are scheduled in all. Reads only those whose names show that they may be in these days.
    pub async fn around(
        &self,
        since: NaiveDate,
        until: NaiveDate,
        limit: usize,
    ) -> Result<(Vec<Existing>, usize), ScheduleError> {
        let (mut total, mut names) = (0, Vec::new());
        let mut pages =
            self.client.list_schedules().group_name(&self.config.group).into_paginator().items().send();
        while let Some(summary) = pages.next().await {
            let summary = summary.map_err(|error| failed("list", &self.config.group, error))?;
            let Some(name) = summary.name else { continue };
            let Some(day) = day_of(&name) else { continue };
            total += 1;
            // A check runs within a day of the kickoff in its name.
            if since <= day + TimeDelta::days(1) && day < until {
                names.push((stamp_of(&name).to_owned(), name));
            }
        }
        names.sort();
        names.truncate(limit);
        let asked = names.into_iter().map(|(_, name)| self.one(name));
        let found: Vec<Option<Existing>> =
            futures_util::stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let mut found: Vec<Existing> = found
            .into_iter()
            .flatten()
            .filter(|existing| (since..until).contains(&existing.check.at.date_naive()))
            .collect();
        found.sort_by(|a, b| (a.check.at, &a.name).cmp(&(b.check.at, &b.name)));
        Ok((found, total))
    }

    /// The check of a schedule; none if it no longer exists or is not a check's.
    async fn one(&self, name: String) -> Result<Option<Existing>, ScheduleError> {
        let got = self.client.get_schedule().group_name(&self.config.group).name(&name).send().await;
        let schedule = match got {
            Ok(schedule) => schedule,
            // It fired and was deleted after it was listed.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(failed("get", &name, error)),
        };
        let input = schedule.target().and_then(|target| target.input()).unwrap_or_default();
        let at = schedule.schedule_expression().and_then(at_moment);
        let check = at.and_then(|at| check_of(at, input));
        Ok(check.map(|check| Existing { name, check }))
    }

    /// Creates the schedule of a check.
    pub async fn create(&self, check: &Check) -> Result<Created, ScheduleError> {
        let name = schedule_name(&self.environment, check);
        let sent = self
            .client
            .create_schedule()
            .group_name(&self.config.group)
            .name(&name)
            .schedule_expression(at_expression(check.at))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(punctual(&name)?)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(self.target(check, &name)?)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Created::New),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conflict_exception()) => {
                Ok(Created::Existed)
            }
            Err(error) => Err(failed("create", &name, error)),
        }
    }

    /// Moves the schedule of a check to the check's time.
    pub async fn update(&self, check: &Check) -> Result<(), ScheduleError> {
        let name = schedule_name(&self.environment, check);
        self.client
            .update_schedule()
            .group_name(&self.config.group)
            .name(&name)
            .schedule_expression(at_expression(check.at))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(punctual(&name)?)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(self.target(check, &name)?)
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("update", &name, error))
    }

    /// Deletes a schedule; one that no longer exists is not an error.
    pub async fn delete(&self, name: &str) -> Result<(), ScheduleError> {
        match self.client.delete_schedule().group_name(&self.config.group).name(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                Ok(())
            }
            Err(error) => Err(failed("delete", name, error)),
        }
    }

    fn target(&self, check: &Check, name: &str) -> Result<Target, ScheduleError> {
        let input = schedule_input(&self.environment, check);
        let retry = RetryPolicy::builder()
            .maximum_retry_attempts(DELIVERY_ATTEMPTS)
            .maximum_event_age_in_seconds(DELIVERY_AGE_SECONDS)
            .build();
        Target::builder()
            .arn(format!("{}{}", self.config.function_arn_prefix, Function::from(check.kind)))
            .role_arn(&self.config.role_arn)
            .input(input.to_string())
            .retry_policy(retry)
            .set_dead_letter_config(
                self.config.dead_letter_arn.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build()),
            )
            .build()
            .map_err(|error| ScheduleError {
                action: "build",
                name: name.to_owned(),
                reason: error.to_string(),
            })
    }
}

fn punctual(name: &str) -> Result<FlexibleTimeWindow, ScheduleError> {
    FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(|error| ScheduleError {
        action: "build",
        name: name.to_owned(),
        reason: error.to_string(),
    })
}

fn failed<E: std::error::Error + 'static>(action: &'static str, name: &str, error: E) -> ScheduleError {
    ScheduleError { action, name: name.to_owned(), reason: DisplayErrorContext(error).to_string() }
}

/// The time in a schedule's name, as `plan::schedule::schedule_name` writes it; empty if the name has another form.
fn stamp_of(name: &str) -> &str {
    let stamp = name.rsplit('-').nth(1).unwrap_or_default();
    if stamp.len() == "20221218T1500".len() && stamp.as_bytes().get(8) == Some(&b'T') { stamp } else { "" }
}

fn day_of(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(stamp_of(name).get(..8)?, "%Y%m%d").ok()
}

fn at_expression(moment: DateTime<Utc>) -> String {
    moment.format("at(%Y-%m-%dT%H:%M:%S)").to_string()
}

/// The time in an `at(…)` expression.
pub fn at_moment(expression: &str) -> Option<DateTime<Utc>> {
    let text = expression.strip_prefix("at(")?.strip_suffix(')')?;
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok().map(|moment| moment.and_utc())
}

#[cfg(test)]
mod tests {
    use football::plan::schedule::CheckKind;

    use super::*;

    #[test]
    fn a_check_survives_its_schedule() {
        let check = Check {
            kind: CheckKind::Closing,
            tournament_id: uuid::Uuid::from_u128(5),
            tournament_slug: "x".into(),
            round_slug: Some("1".into()),
            kickoff: "2022-11-20T16:00:00Z".parse().unwrap(),
            at: "2022-11-20T18:00:00Z".parse().unwrap(),
        };
        let input = schedule_input("demo", &check).to_string();
        let at = at_moment(&at_expression(check.at)).unwrap();
        assert_eq!(check_of(at, &input), Some(check.clone()));
        assert_eq!(check_of(at, "{}"), None);
        assert_eq!(at_moment("cron(1 0 * * ? *)"), None);
        let name = schedule_name("demo", &check);
        assert_eq!(day_of(&name), Some(check.kickoff.date_naive()), "{name}");
        assert_eq!(day_of("demo-daily-routine"), None);
    }
}
