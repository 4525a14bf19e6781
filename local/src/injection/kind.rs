//! The kinds of faults that can be caused.

use strum::{Display, EnumIter, EnumString, IntoEnumIterator as _};

/// One kind of fault, caused while one event is delivered for the first time, or each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display, EnumIter, EnumString)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "`what` says what each is")]
pub enum Kind {
    ProviderErrorOnce,
    ProviderErrors,
    ProviderTooManyOnce,
    ProviderRefuses,
    ProviderChallengeOnce,
    ProviderTruncatedOnce,
    ProviderWrongShapeOnce,
    ProviderSilentOnce,
    ProviderDropsOnce,
    BrowserKilled,
    BrowserStopped,
    BrowserLaunchFailsOnce,
    BrowserLaunchFails,
    KilledAtRequest,
    KilledClaimed,
    KilledFetched,
    KilledWritten,
    KilledCommitted,
    KilledScheduled,
    KilledWorked,
    KilledReported,
    KilledRecorded,
    KilledNotified,
    KilledEventSent,
    KilledAtEveryDelivery,
    DatabaseCutBeforeCommit,
    DatabaseCutAfterCommit,
    DatabaseConnectionsLost,
    DatabaseRefuses,
    DatabaseSlow,
    S3SlowDown,
    S3AccessDenied,
    SchedulerThrottled,
    SchedulerQuota,
    SchedulerAnswerLost,
    EventsThrottled,
    EventsAnswerLost,
    SecretsDown,
    SlackDown,
    SlackTooMany,
    DeliveredTwice,
    DeliveredTwiceAtOnce,
    DeliveredLate,
    AlarmNeverFires,
    TwoWakeUpsAtOnce,
    GarbageBefore,
}

impl Kind {
    /// What happens, in a few words.
    pub fn what(self) -> &'static str {
        match self {
            Self::ProviderErrorOnce => "one request is answered with 500",
            Self::ProviderErrors => "every request is answered with 503",
            Self::ProviderTooManyOnce => "one request is answered with 429 and `Retry-After: 1`",
            Self::ProviderRefuses => "every request is refused with 403",
            Self::ProviderChallengeOnce => "one request is answered with an HTML challenge page",
            Self::ProviderTruncatedOnce => "one answer's JSON is truncated",
            Self::ProviderWrongShapeOnce => "one answer's JSON has an unexpected structure",
            Self::ProviderSilentOnce => "one request is not answered",
            Self::ProviderDropsOnce => "one answer's connection ends in the middle",
            Self::BrowserKilled => "the browser is killed during a request",
            Self::BrowserStopped => "the browser stops answering during a request",
            Self::BrowserLaunchFailsOnce => "the browser dies at its first launch",
            Self::BrowserLaunchFails => "the browser dies at every launch",
            Self::KilledAtRequest => "the function is killed during a request",
            Self::KilledClaimed => "the function is killed after it claimed its record",
            Self::KilledFetched => "… after it fetched, before its transaction",
            Self::KilledWritten => "… in its transaction",
            Self::KilledCommitted => "… after its transaction",
            Self::KilledScheduled => "… after it inserted its checks",
            Self::KilledWorked => "… after its work, before the report",
            Self::KilledReported => "… after the report, before the record's end",
            Self::KilledRecorded => "… after the record's end, before the message",
            Self::KilledNotified => "… after the message, before it is recorded as sent",
            Self::KilledEventSent => "… after it sent results to the event bus, before it is recorded",
            Self::KilledAtEveryDelivery => "the function is killed at each delivery until Lambda gives up",
            Self::DatabaseCutBeforeCommit => "the connection is cut before a COMMIT reaches the server",
            Self::DatabaseCutAfterCommit => "the connection is cut before a COMMIT is answered",
            Self::DatabaseConnectionsLost => "all connections are closed while the function works",
            Self::DatabaseRefuses => "the database refuses every connection for two seconds",
            Self::DatabaseSlow => "every statement takes 20 ms longer",
            Self::S3SlowDown => "S3 answers SlowDown",
            Self::S3AccessDenied => "S3 answers AccessDenied",
            Self::SchedulerThrottled => "Scheduler answers ThrottlingException",
            Self::SchedulerQuota => "Scheduler answers ServiceQuotaExceededException",
            Self::SchedulerAnswerLost => "Scheduler executes the call and answers an error",
            Self::EventsThrottled => "EventBridge answers ThrottlingException",
            Self::EventsAnswerLost => "EventBridge takes results and answers an error",
            Self::SecretsDown => "Secrets Manager fails at a cold start",
            Self::SlackDown => "Slack answers 500",
            Self::SlackTooMany => "Slack answers 429 once",
            Self::DeliveredTwice => "the event is delivered again after it was done",
            Self::DeliveredTwiceAtOnce => "the event is delivered to two processes at once",
            Self::DeliveredLate => "the event is delivered 40 minutes late, after later ones",
            Self::AlarmNeverFires => "an alarm never fires",
            Self::TwoWakeUpsAtOnce => "two different wake-ups of a function run at once",
            Self::GarbageBefore => "a malformed event is delivered before",
        }
    }

    /// The crash points at one of which the function is killed; none for kinds that don't kill it there.
    pub fn crash_points(self) -> &'static [&'static str] {
        match self {
            Self::KilledClaimed => &["claimed"],
            Self::KilledFetched => &["fetched"],
            Self::KilledWritten => &["written"],
            Self::KilledCommitted => &["committed"],
            Self::KilledScheduled => &["scheduled"],
            Self::KilledWorked => &["worked"],
            Self::KilledReported => &["reported"],
            Self::KilledRecorded => &["recorded"],
            Self::KilledNotified => &["notified"],
            Self::KilledEventSent => &["event-sent"],
            // Every run passes these, whatever work it finds.
            Self::KilledAtEveryDelivery => &["claimed", "worked", "reported"],
            _ => &[],
        }
    }

    /// Whether it affects only the first delivery of an event.
    pub fn passes(self) -> bool {
        self != Self::KilledAtEveryDelivery
    }

    /// The kinds that may be caused while `function` is invoked.
    pub fn fitting(function: &str) -> Vec<Self> {
        let fits = |kind: &Self| match kind {
            // An operator starts creations: the operator, not the pipeline, retries one that Lambda has given up.
            Self::KilledAtEveryDelivery => function != "tournaments",
            // The others are started by an event of their own.
            Self::AlarmNeverFires | Self::TwoWakeUpsAtOnce => {
                function == "scores-and-standings" || function == "knockouts"
            }
            _ => true,
        };
        Self::iter().filter(fits).collect()
    }
}
