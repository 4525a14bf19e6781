//! Slack's incoming webhook: sending a payload, with retries.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::config::Secrets;
use crate::secrets::Vault;

const TIMEOUT: Duration = Duration::from_secs(10);
const RETRIES: usize = 3;

/// Slack did not take a message. The webhook's address is a secret and is in no error.
#[derive(Debug, thiserror::Error)]
pub enum SlackError {
    /// Slack could not be reached.
    #[error("Slack can't be reached: {0}")]
    Unreachable(String),
    /// Slack refused the message.
    #[error("Slack refused the message: HTTP {status}, {answer}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Slack's answer.
        answer: String,
    },
}

/// The incoming webhook.
#[derive(Clone)]
pub struct Slack {
    client: reqwest::Client,
    vault: Arc<Vault>,
}

impl Slack {
    /// The webhook whose secret address is in `vault`; none if no address is set.
    pub fn new(vault: Arc<Vault>) -> Result<Option<Self>, String> {
        if vault.current().slack_webhook.is_none() {
            return Ok(None);
        }
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.without_url().to_string())?;
        Ok(Some(Self { client, vault }))
    }

    /// Sends a payload, with retries if another attempt may help. If the webhook no longer exists, the secret is read
    /// again, once.
    pub async fn send(&self, message: &Value) -> Result<(), SlackError> {
        let before = self.vault.current();
        let error = match self.try_to_send(&before, message).await {
            Err(error @ SlackError::Refused { status: 401 | 403 | 404 | 410, .. }) => error,
            sent => return sent,
        };
        let now = match self.vault.renew().await {
            Ok(now) => now,
            Err(unreadable) => {
                tracing::error!(error = %unreadable, "Slack's webhook secret could not be read again");
                return Err(error);
            }
        };
        let address =
            |secrets: &Secrets| secrets.slack_webhook.as_ref().map(|url| url.expose_secret().to_owned());
        if address(&before) == address(&now) { Err(error) } else { self.try_to_send(&now, message).await }
    }

    async fn try_to_send(&self, secrets: &Secrets, message: &Value) -> Result<(), SlackError> {
        let Some(webhook) = &secrets.slack_webhook else {
            return Err(SlackError::Unreachable("the secret names no webhook any more".to_owned()));
        };
        (|| self.post(webhook, message))
            .retry(ExponentialBuilder::default().with_max_times(RETRIES).with_jitter())
            .when(|error| match error {
                SlackError::Unreachable(_) => true,
                SlackError::Refused { status, .. } => *status == 429 || *status >= 500,
            })
            .await
    }

    async fn post(&self, webhook: &SecretString, body: &Value) -> Result<(), SlackError> {
        let answer = self
            .client
            .post(webhook.expose_secret())
            .json(body)
            .send()
            .await
            .map_err(|error| SlackError::Unreachable(error.without_url().to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let text = answer.text().await.unwrap_or_default();
        Err(SlackError::Refused { status: status.as_u16(), answer: text.chars().take(100).collect() })
    }
}
