//! Fault injection: chooses faults by seed, injects them around a delivery, and reports whether they took effect.

mod kind;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use axum::http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::aws_gate::{AwsGate, How, Service, Trouble as AwsTrouble};
use crate::functions::DELIVERIES;
use crate::replay::{ReplayProvider, Trouble};
use crate::stack::Stack;
use crate::tools::Tools;
use crate::wire::{Moment, Wire};

pub use kind::Kind;

/// One delivery in this many gets a fault.
pub(crate) const ONE_IN: usize = 3;
/// How long a request is delayed so that something can happen during it.
const HELD_UP: Duration = Duration::from_millis(400);

/// The proxies between the functions and their services, and the faults to cause.
pub struct FaultInjector {
    seed: u64,
    only: Option<Kind>,
    /// For choices that the current fault's kind leaves open.
    rng: fastrand::Rng,
    /// The proxy to Postgres.
    pub wire: Wire,
    /// The proxy to the AWS emulator.
    pub gate: AwsGate,
    flags: TempDir,
    /// Faults that were chosen, by event.
    pub drawn: BTreeMap<String, Kind>,
    /// Faults that took effect, by kind.
    pub met: BTreeMap<Kind, usize>,
    before: usize,
    acted: bool,
    kills: usize,
}

impl FaultInjector {
    /// Starts without a fault; faults are chosen by `seed`, all of the kind `only` if it is given.
    pub fn new(
        seed: u64,
        only: Option<Kind>,
        database_url: &str,
        aws_endpoint: &str,
        tools: &Tools,
    ) -> anyhow::Result<Self> {
        let address = url::Url::parse(database_url)?;
        let port = address.port().context("the database's address has no port")?;
        let injector = Self {
            seed,
            only,
            rng: fastrand::Rng::with_seed(seed),
            wire: Wire::start(([127, 0, 0, 1], port).into())?,
            gate: AwsGate::start(aws_endpoint)?,
            flags: tempfile::Builder::new().prefix("best-shot-faults-").tempdir()?,
            drawn: BTreeMap::new(),
            met: BTreeMap::new(),
            before: 0,
            acted: false,
            kills: 0,
        };
        let flags = injector.flags.path().display();
        let script = format!(
            "#!/bin/sh\nif [ -e '{flags}/no-launch' ]; then echo >> '{flags}/refused'; exit 1; fi\n\
             if rm '{flags}/no-launch-once' 2> /dev/null; then echo >> '{flags}/refused'; exit 1; fi\n\
             exec '{}' \"$@\"\n",
            tools.chromium.display()
        );
        let chromium = injector.chromium();
        std::fs::write(&chromium, script)?;
        std::fs::set_permissions(&chromium, std::fs::Permissions::from_mode(0o755))?;
        Ok(injector)
    }

    /// The browser that the functions launch.
    pub fn chromium(&self) -> PathBuf {
        self.flags.path().join("chromium")
    }

    /// Crash points kill only while this file exists.
    pub fn crash_once(&self) -> PathBuf {
        self.flags.path().join("crash-once")
    }

    /// The fault for an event of `function`, if any. It depends only on the seed and on `event`, not on what happened
    /// before, so that a seed causes the same faults again, whatever the timing.
    pub fn draw(&mut self, function: &str, event: &str) -> Option<Kind> {
        self.kills = 0;
        self.rng = fastrand::Rng::with_seed(mixed(self.seed, event));
        let fitting: Vec<Kind> = Kind::fitting(function)
            .into_iter()
            .filter(|kind| self.only.is_none_or(|only| only == *kind))
            .collect();
        let hit = self.rng.usize(..ONE_IN) == 0;
        let kind = self.rng.choice(fitting).filter(|_| hit)?;
        self.drawn.insert(event.to_owned(), kind);
        Some(kind)
    }

    /// Records that a fault took effect.
    pub fn note(&mut self, kind: Kind) {
        *self.met.entry(kind).or_default() += 1;
    }

    /// Causes the fault; [`Self::lift`] ends it.
    pub async fn inject(
        &mut self,
        kind: Kind,
        stack: &Stack,
        provider: &ReplayProvider,
        function: &str,
    ) -> anyhow::Result<()> {
        self.acted = false;
        self.before = self.meetings(kind, stack, provider);
        let aws = |service, operation: Option<&str>, how, times| {
            self.gate.trouble(AwsTrouble {
                service,
                operation: operation.map(ToOwned::to_owned),
                how,
                times,
            });
        };
        match kind {
            Kind::ProviderErrorOnce => provider.trouble(Trouble::Status(500), Some(1)),
            Kind::ProviderErrors => provider.trouble(Trouble::Status(503), None),
            Kind::ProviderTooManyOnce => provider.trouble(Trouble::TooMany(1), Some(1)),
            Kind::ProviderRefuses => provider.trouble(Trouble::Refusal, None),
            Kind::ProviderChallengeOnce => provider.trouble(Trouble::Challenge, Some(1)),
            Kind::ProviderTruncatedOnce => provider.trouble(Trouble::Truncated, Some(1)),
            Kind::ProviderWrongShapeOnce => provider.trouble(Trouble::WrongShape, Some(1)),
            Kind::ProviderSilentOnce => provider.trouble(Trouble::Silence, Some(1)),
            Kind::ProviderDropsOnce => provider.trouble(Trouble::Drop, Some(1)),
            Kind::BrowserKilled | Kind::BrowserStopped | Kind::KilledAtRequest => {
                provider.trouble(Trouble::Late(HELD_UP), Some(1));
            }
            Kind::BrowserLaunchFailsOnce => std::fs::write(self.flags.path().join("no-launch-once"), "")?,
            Kind::BrowserLaunchFails => std::fs::write(self.flags.path().join("no-launch"), "")?,
            Kind::DatabaseCutBeforeCommit => {
                self.wire.cut_at(Moment::BeforeStatement("COMMIT".to_owned()), 1)
            }
            Kind::DatabaseCutAfterCommit => self.wire.cut_at(Moment::AfterStatement("COMMIT".to_owned()), 1),
            Kind::DatabaseRefuses => self.wire.refuse(),
            Kind::DatabaseSlow => self.wire.delay(Duration::from_millis(20)),
            Kind::S3SlowDown => aws(Service::S3, None, How::S3_SLOW_DOWN, None),
            Kind::S3AccessDenied => aws(Service::S3, None, How::S3_ACCESS_DENIED, None),
            Kind::SchedulerThrottled => aws(Service::Scheduler, None, How::SCHEDULER_THROTTLING, None),
            Kind::SchedulerQuota => {
                aws(Service::Scheduler, Some("CreateSchedule"), How::SCHEDULER_QUOTA, None);
            }
            Kind::SchedulerAnswerLost => {
                let how = How::SCHEDULER_INTERNAL.after_the_fact();
                aws(Service::Scheduler, Some("CreateSchedule"), how, Some(1));
            }
            Kind::EventsThrottled => aws(Service::Events, None, How::EVENTS_THROTTLING, None),
            Kind::EventsAnswerLost => {
                // The SDK's own retries too.
                aws(Service::Events, None, How::EVENTS_THROTTLING.after_the_fact(), Some(3));
            }
            Kind::SecretsDown => {
                stack.functions.stop(function).await;
                aws(Service::SecretsManager, None, How::SECRETS_INTERNAL, None);
            }
            Kind::SlackDown => stack.slack.trouble(StatusCode::INTERNAL_SERVER_ERROR, usize::MAX),
            Kind::SlackTooMany => stack.slack.trouble(StatusCode::TOO_MANY_REQUESTS, 1),
            _ => {}
        }
        if let Some(point) = self.rng.choice(kind.crash_points()) {
            stack.functions.stop(function).await;
            stack.functions.set("CRASH_AT", point);
            std::fs::write(self.crash_once(), "")?;
        }
        Ok(())
    }

    /// Causes what happens while the function works; ends when nothing is left to do.
    pub async fn meanwhile(&mut self, kind: Kind, stack: &Stack, provider: &ReplayProvider, function: &str) {
        match kind {
            Kind::DatabaseRefuses => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                self.wire.restore();
            }
            Kind::DatabaseConnectionsLost => {
                while self.wire.present() == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                // Some statements later.
                tokio::time::sleep(Duration::from_millis(20)).await;
                self.acted = true;
                self.wire.cut();
            }
            Kind::BrowserKilled | Kind::BrowserStopped | Kind::KilledAtRequest => {
                while provider.troubled() == self.before {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let Some(process) = stack.functions.process_id(function).await else { return };
                let (doomed, signal) = match kind {
                    Kind::BrowserKilled => (browsers_of(process), Signal::KILL),
                    Kind::BrowserStopped => (browsers_of(process), Signal::STOP),
                    _ => (vec![process], Signal::KILL),
                };
                for id in doomed.into_iter().filter_map(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
                    self.acted |= kill_process(id, signal).is_ok();
                }
            }
            _ => {}
        }
    }

    /// Ends the fault, and counts it if it took effect.
    pub async fn lift(&mut self, kind: Kind, stack: &Stack, provider: &ReplayProvider, function: &str) {
        let met = match kind {
            Kind::BrowserKilled
            | Kind::BrowserStopped
            | Kind::KilledAtRequest
            | Kind::DatabaseConnectionsLost => self.acted,
            Kind::BrowserLaunchFailsOnce | Kind::BrowserLaunchFails => {
                std::fs::remove_file(self.flags.path().join("refused")).is_ok()
            }
            Kind::KilledAtEveryDelivery => {
                self.kills += usize::from(!self.crash_once().exists());
                self.kills == DELIVERIES
            }
            _ if !kind.crash_points().is_empty() => !self.crash_once().exists(),
            Kind::DatabaseRefuses
            | Kind::DatabaseSlow
            | Kind::DeliveredTwice
            | Kind::DeliveredTwiceAtOnce
            | Kind::AlarmNeverFires
            | Kind::TwoWakeUpsAtOnce
            | Kind::GarbageBefore => true,
            _ => self.meetings(kind, stack, provider) > self.before,
        };
        if met {
            self.note(kind);
        }
        provider.restore();
        self.wire.restore();
        self.gate.restore();
        stack.slack.trouble(StatusCode::OK, 0);
        for flag in ["no-launch", "no-launch-once", "refused", "crash-once"] {
            // Most do not exist.
            let _ = std::fs::remove_file(self.flags.path().join(flag));
        }
        if !kind.crash_points().is_empty() {
            stack.functions.set("CRASH_AT", "");
            stack.functions.stop(function).await;
        }
    }

    /// How often this kind of fault has taken effect so far, where that is counted.
    fn meetings(&self, kind: Kind, stack: &Stack, provider: &ReplayProvider) -> usize {
        match kind {
            Kind::DatabaseCutBeforeCommit | Kind::DatabaseCutAfterCommit => self.wire.fired(),
            Kind::SlackDown | Kind::SlackTooMany => stack.slack.troubled(),
            Kind::S3SlowDown
            | Kind::S3AccessDenied
            | Kind::SchedulerThrottled
            | Kind::SchedulerQuota
            | Kind::SchedulerAnswerLost
            | Kind::EventsThrottled
            | Kind::EventsAnswerLost
            | Kind::SecretsDown => self.gate.troubled(),
            _ => provider.troubled(),
        }
    }
}

/// A seed for one event: FNV-1a, since it must be the same with every compiler.
fn mixed(seed: u64, event: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(event.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The processes of a function's browsers, found by their profile's name.
fn browsers_of(function: u32) -> Vec<u32> {
    let mark = format!("chromium-profile-{function}-");
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|id: &u32| {
            let command =
                std::fs::read(Path::new("/proc").join(id.to_string()).join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(&mark)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::mixed;

    #[test]
    fn every_seed_and_every_event_has_its_own_luck() {
        let events = ["daily-routine - - 2022-11-20 00:00", "knockouts - - 2022-11-20 00:00"];
        let luck: BTreeSet<u64> = (1..=20).flat_map(|seed| events.map(|event| mixed(seed, event))).collect();
        assert_eq!(luck.len(), 40);
    }
}
