//! The address of an execution's log lines in CloudWatch Logs Insights.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use shared::config::ScheduleConfig;
use shared::work::Function;

use super::executions::Execution;

/// Lines before an execution began, and after it ended: the delivery's own.
const AROUND: TimeDelta = TimeDelta::minutes(2);
/// The longest that a function runs.
const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// The address; none where no function is known to have run it. `config` names account and region.
pub(crate) fn insights(config: &ScheduleConfig, execution: &Execution) -> Option<String> {
    // arn:aws:lambda:REGION:ACCOUNT:function:PREFIX
    let mut parts = config.function_arn_prefix.split(':');
    let region = parts.nth(3)?;
    let prefix = parts.next_back()?;
    // What the desk changes itself has a record and no run.
    let function =
        execution.function.as_deref().filter(|function| *function != <&str>::from(Function::OperatorApi))?;
    let group = format!("/aws/lambda/{prefix}{function}");
    let query = format!(
        "fields @timestamp, level, message, @message | filter function_request_id = \"{id}\" or @requestId = \"{id}\" \
         | sort @timestamp asc",
        id = execution.request_id
    );
    let time = |at: DateTime<Utc>| escaped(&at.to_rfc3339_opts(SecondsFormat::Millis, true));
    let end = execution.completed_at.unwrap_or(execution.started_at + LONGEST) + AROUND;
    Some(format!(
        "https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:logs-insights$3FqueryDetail$3D\
         ~(end~'{}~start~'{}~timeType~'ABSOLUTE~tz~'UTC~editorString~'{}~source~(~'{}))",
        time(end),
        time(execution.started_at - AROUND),
        escaped(&query),
        escaped(&group),
    ))
}

/// A text in the console's own encoding: `*` and two hexadecimal digits for what is no letter or digit.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            byte => format!("*{byte:02x}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_console_takes_apart_is_escaped() {
        assert_eq!(escaped("filter id = \"a-1\""), "filter*20id*20*3d*20*22a-1*22");
        assert_eq!(escaped("/aws/lambda/x_y"), "*2faws*2flambda*2fx_y");
    }
}
