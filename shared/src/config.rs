//! Configuration from the environment: parsed once, with all problems reported in one error.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::SecretString;
use url::Url;

use football::plan::checks::Offsets;

/// The provider's own host. Another origin is accepted only on loopback, for a replay.
const SOFASCORE_ORIGIN: &str = "https://www.sofascore.com";

/// football-data.org's hosts, and the pause between two requests to it beside its own budget.
const FOOTBALL_DATA_ORIGIN: &str = "https://api.football-data.org";
const FOOTBALL_DATA_CRESTS: &str = "https://crests.football-data.org";
const FOOTBALL_DATA_PAUSE: Duration = Duration::from_millis(250);

/// All configuration of a function except secrets, which are in [`Secrets`].
#[derive(Debug, Clone)]
pub struct Config {
    /// `TARGET_ENV`: the environment this deployment serves (`demo`, `prod`); events for another are refused.
    pub environment: String,
    /// Where secrets come from.
    pub secrets: SecretSource,
    /// `DATABASE_CA_FILE`: PEM file of certificates to trust for Postgres beside the system's.
    pub database_ca_file: Option<PathBuf>,
    /// Reports and images.
    pub objects: ObjectsConfig,
    /// SofaScore and the browser that reads it.
    pub provider: ProviderConfig,
    /// football-data.org.
    pub football_data: FootballDataConfig,
    /// One-time schedules.
    pub schedules: ScheduleConfig,
    /// `EVENT_BUS`: name or ARN of the EventBridge bus that results are sent to; none: they are sent nowhere.
    pub event_bus: Option<String>,
    /// `SLACK_NOTIFY`: which executions send a message.
    pub slack_notify: SlackNotify,
    /// `HISTORY_DAYS`: how long the history of matches, tables and brackets is kept (730: two seasons).
    pub history: TimeDelta,
    /// `CLOCK=scheduled`: run at the event's scheduled time instead of wall-clock time. For replays.
    pub clock_from_event: bool,
}

/// Where the secrets are.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// `SECRET_ARN`: a JSON object in Secrets Manager with the keys of [`Secrets`].
    SecretsManager(String),
    /// `DATABASE_URL` and `SLACK_JOB_EXECUTIONS_WEBHOOK` are environment variables: for a local machine only.
    Environment(Secrets),
}

/// Values that must never appear in a log, a report or a message.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// `DATABASE_URL`: `postgres://user:password@host/database`.
    pub database_url: SecretString,
    /// `SLACK_JOB_EXECUTIONS_WEBHOOK`: the incoming webhook; none: no messages are sent.
    pub slack_webhook: Option<SecretString>,
    /// `SENTRY_DSN`: where failed executions are reported; none: nowhere.
    pub sentry_dsn: Option<SecretString>,
    /// `FOOTBALL_DATA_KEY`: the key of an account at football-data.org; none: it can't be asked.
    pub football_data_key: Option<SecretString>,
    /// `INTERNAL_SERVICE_TOKEN` and, during a rotation, `INTERNAL_SERVICE_TOKEN_PREVIOUS`: the bearer tokens of
    /// the operator's API. In the secret the first may also be a list.
    pub tokens: Vec<SecretString>,
}

/// Where reports and images go.
#[derive(Debug, Clone)]
pub struct ObjectsConfig {
    /// `AWS_S3_BUCKET`.
    pub bucket: String,
    /// `AWS_CLOUDFRONT_URL`: the public base URL of objects.
    pub public_url: Option<String>,
    /// `OPERATOR_API_URL`: base URL for reading reports; the API signs a link for each on demand.
    pub operator_api_url: Option<String>,
}

/// How the provider is read.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// `SOFASCORE_ORIGIN`: scheme and host of every request.
    pub origin: String,
    /// `REQUEST_PAUSE_MS`: pause between two requests, across all functions (2500). 0 only on loopback.
    pub pause: Duration,
    /// `REFUSAL_WAIT_MINUTES`: how long no request is made after the provider refused (120); longer if it refuses
    /// again.
    pub refusal_wait: TimeDelta,
    /// `CHROMIUM_PATH`: the browser's binary.
    pub chromium: PathBuf,
    /// `CHROMIUM_SINGLE_PROCESS`: the browser runs as one process, which Lambda's sandbox requires (`false`).
    pub single_process: bool,
    /// `REQUEST_TIMEOUT_MS`: timeout of one request (20 000).
    pub request_timeout: Duration,
}

/// How football-data.org is read.
#[derive(Debug, Clone)]
pub struct FootballDataConfig {
    /// `FOOTBALL_DATA_ORIGIN`: scheme and host of the API.
    pub origin: String,
    /// The same of badges and logos; on loopback that of the API.
    pub crests_origin: String,
    /// The least pause between two requests, across all functions; the plan's budget is kept beside it.
    pub pause: Duration,
    /// As [`ProviderConfig::refusal_wait`].
    pub refusal_wait: TimeDelta,
    /// As [`ProviderConfig::request_timeout`].
    pub request_timeout: Duration,
}

/// Settings for creating schedules.
#[derive(Debug, Clone)]
pub struct ScheduleConfig {
    /// `SCHEDULE_GROUP`.
    pub group: String,
    /// `SCHEDULER_ROLE_ARN`: the role that EventBridge Scheduler assumes to invoke a target.
    pub role_arn: String,
    /// `SCHEDULE_DEAD_LETTER_ARN`: the queue of deliveries that failed after all retries.
    pub dead_letter_arn: Option<String>,
    /// `FUNCTION_ARN_PREFIX`: a target's ARN is this and the function's name.
    pub function_arn_prefix: String,
    /// `INTERIM_CHECK_MINUTES` (90), `CLOSING_CHECK_MINUTES` (120), `KNOCKOUTS_CHECK_MINUTES` (150).
    pub offsets: Offsets,
}

/// Which executions send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum SlackNotify {
    /// Every one.
    All,
    /// Those that changed something or went wrong.
    Changes,
    /// Those that went wrong.
    Failures,
}

/// All problems with the environment variables.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {}", .problems.join("; "))]
pub struct ConfigError {
    /// One line per variable: its name, what is wrong and what is expected.
    pub problems: Vec<String>,
}

impl Config {
    /// Reads the process environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads variables through `get`.
    // Long for one entry a variable, all read before the first problem is returned.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut vars = Vars { get, problems: Vec::new() };
        let secrets = match vars.optional("SECRET_ARN") {
            Some(arn) => SecretSource::SecretsManager(arn),
            None => SecretSource::Environment(Secrets {
                database_url: vars.required("DATABASE_URL", "or set SECRET_ARN").into(),
                slack_webhook: vars.optional("SLACK_JOB_EXECUTIONS_WEBHOOK").map(Into::into),
                sentry_dsn: vars.optional("SENTRY_DSN").map(Into::into),
                football_data_key: vars.optional("FOOTBALL_DATA_KEY").map(Into::into),
                tokens: ["INTERNAL_SERVICE_TOKEN", "INTERNAL_SERVICE_TOKEN_PREVIOUS"]
                    .iter()
                    .filter_map(|name| vars.optional(name))
                    .map(Into::into)
                    .collect(),
            }),
        };
        let origin = vars.optional("SOFASCORE_ORIGIN").unwrap_or_else(|| SOFASCORE_ORIGIN.to_owned());
        let local = Url::parse(&origin).is_ok_and(|origin| is_loopback(&origin));
        let origin = origin.trim_end_matches('/').to_owned();
        if !local && origin != SOFASCORE_ORIGIN {
            vars.problem(
                "SOFASCORE_ORIGIN",
                format!("must be {SOFASCORE_ORIGIN} or the URL of a loopback host"),
            );
        }
        let pause = vars.parsed("REQUEST_PAUSE_MS", "a number of milliseconds", 2500);
        if !local && pause == 0 {
            vars.problem(
                "REQUEST_PAUSE_MS",
                "0 is accepted only when SOFASCORE_ORIGIN is a loopback host".into(),
            );
        }
        // At most some weeks, so that no time computed with them overflows the calendar.
        let mut minutes = |name, default: u16| {
            TimeDelta::minutes(vars.parsed(name, "a number of minutes up to 65535", default).into())
        };
        let offsets = Offsets {
            interim: minutes("INTERIM_CHECK_MINUTES", 90),
            closing: minutes("CLOSING_CHECK_MINUTES", 120),
            knockouts: minutes("KNOCKOUTS_CHECK_MINUTES", 150),
        };
        let refusal_wait = minutes("REFUSAL_WAIT_MINUTES", 120);
        let timeout = vars.parsed("REQUEST_TIMEOUT_MS", "a number of milliseconds", 20_000);
        let timeout = Duration::from_millis(timeout);
        let theirs = vars.optional("FOOTBALL_DATA_ORIGIN");
        let on_loopback =
            theirs.as_deref().is_some_and(|url| Url::parse(url).is_ok_and(|url| is_loopback(&url)));
        if theirs.is_some() && !on_loopback {
            vars.problem("FOOTBALL_DATA_ORIGIN", "must be the URL of a loopback host, or unset".into());
        }
        let theirs = theirs.map(|origin| origin.trim_end_matches('/').to_owned());
        let history_days: u16 = vars.parsed("HISTORY_DAYS", "a number of days up to 65535", 730);
        let config = Self {
            environment: vars.required("TARGET_ENV", "for example demo"),
            secrets,
            database_ca_file: vars.optional("DATABASE_CA_FILE").map(PathBuf::from),
            objects: ObjectsConfig {
                bucket: vars.required("AWS_S3_BUCKET", "the bucket of reports and images"),
                public_url: vars
                    .optional("AWS_CLOUDFRONT_URL")
                    .map(|url| url.trim_end_matches('/').to_owned()),
                operator_api_url: vars
                    .optional("OPERATOR_API_URL")
                    .map(|url| url.trim_end_matches('/').to_owned()),
            },
            football_data: FootballDataConfig {
                crests_origin: theirs.clone().unwrap_or_else(|| FOOTBALL_DATA_CRESTS.to_owned()),
                origin: theirs.unwrap_or_else(|| FOOTBALL_DATA_ORIGIN.to_owned()),
                pause: if on_loopback { Duration::from_millis(pause) } else { FOOTBALL_DATA_PAUSE },
                refusal_wait,
                request_timeout: timeout,
            },
            provider: ProviderConfig {
                origin,
                pause: Duration::from_millis(pause),
                refusal_wait,
                chromium: vars
                    .optional("CHROMIUM_PATH")
                    .unwrap_or_else(|| "/opt/chromium/chromium".into())
                    .into(),
                single_process: vars.parsed("CHROMIUM_SINGLE_PROCESS", "true or false", false),
                request_timeout: timeout,
            },
            schedules: ScheduleConfig {
                group: vars.required("SCHEDULE_GROUP", "the EventBridge Scheduler group of this environment"),
                role_arn: vars.required("SCHEDULER_ROLE_ARN", "the role that EventBridge Scheduler takes on"),
                dead_letter_arn: vars.optional("SCHEDULE_DEAD_LETTER_ARN"),
                function_arn_prefix: vars
                    .required("FUNCTION_ARN_PREFIX", "the functions' ARN up to their name"),
                offsets,
            },
            event_bus: vars.optional("EVENT_BUS"),
            history: TimeDelta::days(history_days.into()),
            slack_notify: vars.parsed("SLACK_NOTIFY", "all, changes or failures", SlackNotify::All),
            clock_from_event: match vars.optional("CLOCK").as_deref() {
                None | Some("wall") => false,
                Some("scheduled") => true,
                Some(_) => {
                    vars.problem("CLOCK", "must be wall or scheduled".into());
                    false
                }
            },
        };
        if vars.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: vars.problems }) }
    }
}

/// Whether `url` points at this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

struct Vars<G> {
    get: G,
    problems: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Vars<G> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str, remedy: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is missing: set it ({remedy})"));
            String::new()
        })
    }

    fn parsed<T: FromStr>(&mut self, name: &str, expected: &str, default: T) -> T {
        match self.optional(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, format!("must be {expected}"));
                default
            }
        }
    }

    fn problem(&mut self, name: &str, what: String) {
        self.problems.push(format!("{name} {what}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let good = [
            ("TARGET_ENV", "demo"),
            ("DATABASE_URL", "postgres://u:p@h/d"),
            ("AWS_S3_BUCKET", "b"),
            ("SCHEDULE_GROUP", "best-shot-demo"),
            ("SCHEDULER_ROLE_ARN", "arn:role"),
            ("FUNCTION_ARN_PREFIX", "arn:aws:lambda:eu-central-1:1:function:best-shot-demo-"),
        ];
        Config::read(|name| {
            let find =
                |vars: &[(&str, &str)]| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            find(vars).or_else(|| find(&good))
        })
    }

    #[test]
    fn the_defaults_are_those_of_production() {
        let config = read(&[]).unwrap();
        assert_eq!(config.provider.origin, SOFASCORE_ORIGIN);
        assert_eq!(config.provider.pause, Duration::from_millis(2500));
        assert_eq!(config.slack_notify, SlackNotify::All);
        assert!(!config.clock_from_event);
    }

    #[test]
    fn one_error_lists_all_that_is_wrong() {
        let error = read(&[
            ("TARGET_ENV", ""),
            ("SLACK_NOTIFY", "loud"),
            ("CLOCK", "moon"),
            ("INTERIM_CHECK_MINUTES", "x"),
        ]);
        insta::assert_snapshot!(error.unwrap_err());
    }

    #[test]
    fn a_malformed_number_of_minutes_is_reported_without_a_panic() {
        for minutes in ["-1", "1.5", "65536", "9223372036854775807", "99999999999999999999"] {
            let error = read(&[("CLOSING_CHECK_MINUTES", minutes)]).unwrap_err().to_string();
            assert!(
                error.contains("CLOSING_CHECK_MINUTES must be a number of minutes"),
                "{minutes}: {error}"
            );
        }
        assert_eq!(
            read(&[("CLOSING_CHECK_MINUTES", "125")]).unwrap().schedules.offsets.closing,
            TimeDelta::minutes(125)
        );
    }

    #[test]
    fn another_host_and_no_pause_are_for_loopback_only() {
        assert!(read(&[("SOFASCORE_ORIGIN", "https://evil.example")]).is_err());
        assert!(read(&[("SOFASCORE_ORIGIN", "https://www.sofascore.com.evil.example")]).is_err());
        assert!(read(&[("REQUEST_PAUSE_MS", "0")]).is_err());
        assert!(read(&[("SOFASCORE_ORIGIN", "http://127.0.0.1:8080"), ("REQUEST_PAUSE_MS", "0")]).is_ok());
    }

    #[test]
    fn a_secret_is_not_in_the_debug_output() {
        let config = read(&[("DATABASE_URL", "postgres://u:hunter2@h/d")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
