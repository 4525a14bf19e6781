//! Logs, one JSON object per line with the field names of Powertools for AWS Lambda, filtered by `RUST_LOG`; and metrics,
//! embedded in them.

use std::io::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::work::{ExecutionStatus, Function, Operation};

/// Starts logging of a function, including of panics. Called once, at the start of `main`.
pub fn init(function: Function) {
    let directives = std::env::var("RUST_LOG").unwrap_or_default();
    let wanted = directives.parse::<Targets>();
    let filter = match &wanted {
        Ok(wanted) if !directives.is_empty() => wanted.clone(),
        _ => Targets::new().with_default(LevelFilter::INFO),
    };
    // At lower levels these log whole events: a request's headers contain the operator's token.
    let quiet = ["lambda_http", "lambda_runtime", "lambda_runtime_api_client"];
    let filter = filter.with_targets(quiet.map(|target| (target, LevelFilter::INFO)));
    let mut lines = json_subscriber::JsonLayer::stdout();
    lines.with_timer("timestamp", SystemTime);
    lines.with_level("level");
    lines.with_target("target");
    lines.add_static_field("service", function.to_string().into());
    // Of the invocation: `function_request_id`, `cold_start`, `xray_trace_id`; of the execution: `execution_id` and others.
    lines.with_top_level_flattened_span_list();
    lines.with_flattened_event();
    let started = tracing_subscriber::registry().with(filter).with(lines).try_init();
    if let Err(error) = wanted {
        tracing::warn!(%error, "RUST_LOG is malformed and is ignored: it must be like info,shared=debug");
    }
    if let Err(error) = started {
        tracing::warn!(%error, "logging was started twice");
    }
    std::panic::set_hook(Box::new(|panic| {
        // The location only: the message may quote anything, and is part of the failure's own report.
        tracing::error!(location = panic.location().map(ToString::to_string), "panicked");
    }));
}

/// The namespace of all metrics.
const NAMESPACE: &str = "BestShot";

/// The figures of one execution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// How it ended.
    pub status: ExecutionStatus,
    /// The provider refused, or got no request because it had refused before.
    pub blocked: bool,
    /// Requests to the provider.
    pub requests: usize,
    /// Matches inserted and updated.
    pub matches_changed: u64,
    /// Schedules created.
    pub schedules_created: u64,
    /// From the claim to the end, in ms.
    pub duration_ms: i32,
    /// Time to launch the browser in ms, if one was launched.
    pub browser_start_ms: Option<u64>,
    /// From the provider's last change of a match to its result in the database, in seconds: the longest of the matches
    /// whose end was seen for the first time.
    pub result_latency_s: Option<i64>,
}

/// The figures that every line of metrics has, beside its own.
fn embedded(dimensions: [(&str, Value); 2], values: Vec<(&str, &str, Value)>, now: DateTime<Utc>) -> Value {
    let metrics: Vec<Value> =
        values.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let names = dimensions.each_ref().map(|(name, _)| *name);
    let mut line = json!({
        "_aws": {
            "Timestamp": now.timestamp_millis(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics }],
        },
    });
    for (name, value) in dimensions {
        line[name] = value;
    }
    for (name, _, value) in values {
        line[name] = value;
    }
    line
}

/// Writes a line of metrics. Not through the logger: the line must be exactly this JSON.
fn emit(line: &Value) {
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        tracing::warn!(%error, "metrics could not be written");
    }
}

/// Counts the start of a function environment.
pub fn count_cold_start(environment: &str, function: Function, now: DateTime<Utc>) {
    let dimensions = [("environment", json!(environment)), ("service", json!(function))];
    emit(&embedded(dimensions, vec![("ColdStart", "Count", json!(1))], now));
}

impl Metrics {
    /// One log line in CloudWatch's embedded metric format, from which CloudWatch creates the metrics.
    pub fn embedded(&self, environment: &str, operation: Operation, now: DateTime<Utc>) -> Value {
        let count = |of: bool| json!(u8::from(of));
        let mut values = vec![
            ("ExecutionsCompleted", "Count", count(self.status == ExecutionStatus::Completed)),
            ("ExecutionsFailed", "Count", count(self.status == ExecutionStatus::Failed)),
            ("ExecutionsPartial", "Count", count(self.status == ExecutionStatus::PartialFailure)),
            ("ProviderBlocked", "Count", count(self.blocked)),
            ("Requests", "Count", json!(self.requests)),
            ("MatchesChanged", "Count", json!(self.matches_changed)),
            ("SchedulesCreated", "Count", json!(self.schedules_created)),
            ("Duration", "Milliseconds", json!(self.duration_ms)),
        ];
        if let Some(took) = self.browser_start_ms {
            values.push(("BrowserStart", "Milliseconds", json!(took)));
        }
        if let Some(latency) = self.result_latency_s {
            values.push(("ResultLatency", "Seconds", json!(latency)));
        }
        embedded([("environment", json!(environment)), ("operation", json!(operation))], values, now)
    }

    /// Writes them to the log.
    pub fn emit(&self, environment: &str, operation: Operation, now: DateTime<Utc>) {
        emit(&self.embedded(environment, operation, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_what_cloudwatch_reads() {
        let metrics = Metrics {
            status: ExecutionStatus::Completed,
            blocked: false,
            requests: 3,
            matches_changed: 2,
            schedules_created: 1,
            duration_ms: 812,
            browser_start_ms: Some(95),
            result_latency_s: Some(420),
        };
        let at = "2022-12-18T17:00:02Z".parse().unwrap();
        insta::assert_json_snapshot!(metrics.embedded("demo", Operation::MatchesUpdate, at));
    }
}
