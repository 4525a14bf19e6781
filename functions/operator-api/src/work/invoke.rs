//! Lambda's Invoke: starting another function without waiting for it.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::Value;

/// Lambda did not accept an event.
#[derive(Debug, thiserror::Error)]
#[error("Lambda did not take the event for {function}: {reason}")]
pub(crate) struct InvokeError {
    function: String,
    reason: String,
}

/// Sends a function an event; Lambda answers once it has queued it. The function's ARN is `arn_prefix` and its name.
pub(crate) async fn start(
    aws: &aws_config::SdkConfig,
    arn_prefix: &str,
    function: &str,
    event: &Value,
) -> Result<(), InvokeError> {
    Client::new(aws)
        .invoke()
        .function_name(format!("{arn_prefix}{function}"))
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(event.to_string()))
        .send()
        .await
        .map(drop)
        .map_err(|error| InvokeError {
            function: function.to_owned(),
            reason: DisplayErrorContext(error).to_string(),
        })
}
