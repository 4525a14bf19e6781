//! Lambda: starting another function without waiting for it.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::Value;

/// Lambda did not take an event.
#[derive(Debug, thiserror::Error)]
#[error("Lambda did not take the event for {function}: {reason}")]
pub struct InvokeError {
    /// Which function.
    pub function: String,
    /// What it said.
    pub reason: String,
}

/// The functions of one environment.
#[derive(Clone)]
pub struct Functions {
    client: Client,
    arn_prefix: String,
}

impl Functions {
    /// The functions whose ARN is `arn_prefix` and their name, reached by `client`.
    pub fn new(client: Client, arn_prefix: String) -> Self {
        Self { client, arn_prefix }
    }

    /// Hands a function an event; Lambda answers once it has queued it.
    pub async fn start(&self, function: &str, event: &Value) -> Result<(), InvokeError> {
        self.client
            .invoke()
            .function_name(format!("{}{function}", self.arn_prefix))
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
}
