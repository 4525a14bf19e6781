//! The secrets: read on first use, and again when one of them was rejected.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use url::Url;

use crate::config::{SecretSource, Secrets};

/// Replaces a secret in a text.
const MASK: &str = "[secret]";
/// Shorter secrets are not masked: they may occur in ordinary text, and a mask would then reveal them.
const SHORTEST: usize = 6;

impl Secrets {
    /// The text with secrets masked: an error may quote its input.
    pub fn mask(&self, text: &str) -> String {
        let whole = [Some(&self.database_url), self.slack_webhook.as_ref(), self.sentry_dsn.as_ref()];
        let whole = whole.into_iter().flatten().chain(&self.tokens).map(ExposeSecret::expose_secret);
        let password = self.database_url.expose_secret().parse::<tokio_postgres::Config>().ok();
        let password = password.as_ref().and_then(|database| database.get_password());
        let url = |secret: &secrecy::SecretString| secret.expose_secret().parse::<Url>().ok();
        let parts = [
            password.map(|password| String::from_utf8_lossy(password).into_owned()),
            url(&self.database_url).and_then(|url| url.password().map(ToOwned::to_owned)),
            self.slack_webhook.as_ref().and_then(url).map(|url| url.path().to_owned()),
            self.sentry_dsn.as_ref().and_then(url).map(|url| url.username().to_owned()),
        ];
        // The whole secret before its parts.
        let secrets = whole.map(ToOwned::to_owned).chain(parts.into_iter().flatten());
        secrets
            .filter(|secret| secret.len() >= SHORTEST)
            .fold(text.to_owned(), |text, secret| text.replace(&secret, MASK))
    }
}

/// The secret could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret {arn}: {reason}")]
pub struct SecretError {
    /// The secret's ARN.
    pub arn: String,
    /// What is wrong with it; never contains a value of the secret.
    pub reason: String,
}

/// The cached secrets. A warm environment may outlast a rotation, so a secret read earlier may be rejected later.
pub struct Vault {
    source: Source,
    current: RwLock<Arc<Secrets>>,
}

enum Source {
    Environment,
    SecretsManager { client: aws_sdk_secretsmanager::Client, arn: String },
}

impl Vault {
    /// Reads the secrets.
    pub async fn open(source: &SecretSource, aws: &aws_config::SdkConfig) -> Result<Self, SecretError> {
        Ok(match source {
            SecretSource::Environment(secrets) => {
                Self { source: Source::Environment, current: RwLock::new(Arc::new(secrets.clone())) }
            }
            SecretSource::SecretsManager(arn) => {
                let client = aws_sdk_secretsmanager::Client::new(aws);
                let secrets = read(&client, arn).await?;
                let source = Source::SecretsManager { client, arn: arn.clone() };
                Self { source, current: RwLock::new(Arc::new(secrets)) }
            }
        })
    }

    /// The secrets as last read.
    pub fn current(&self) -> Arc<Secrets> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the secrets again: one of them was rejected, or may have been rotated.
    pub async fn renew(&self) -> Result<Arc<Secrets>, SecretError> {
        if let Source::SecretsManager { client, arn } = &self.source {
            tracing::info!(arn, "reading the secret from Secrets Manager again…");
            let secrets = Arc::new(read(client, arn).await?);
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        }
        Ok(self.current())
    }
}

async fn read(client: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<Secrets, SecretError> {
    let failed = |reason: String| SecretError { arn: arn.to_owned(), reason };
    let secret = client
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await
        .map_err(|error| failed(aws_sdk_secretsmanager::error::DisplayErrorContext(error).to_string()))?;
    // The parser's error may quote the text, so it is not passed on.
    let values: Map<String, Value> = serde_json::from_str(secret.secret_string().unwrap_or_default())
        .map_err(|_| failed("must be a JSON object of texts".to_owned()))?;
    let value = |name| values.get(name).and_then(|value| value.as_str()).filter(|value| !value.is_empty());
    Ok(Secrets {
        database_url: value("DATABASE_URL")
            .ok_or_else(|| failed("has no DATABASE_URL: add it as a text".to_owned()))?
            .into(),
        slack_webhook: value("SLACK_JOB_EXECUTIONS_WEBHOOK").map(Into::into),
        sentry_dsn: value("SENTRY_DSN").map(Into::into),
        tokens: values
            .get("INTERNAL_SERVICE_TOKEN")
            .into_iter()
            .flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
            .chain(values.get("INTERNAL_SERVICE_TOKEN_PREVIOUS"))
            .filter_map(|value| value.as_str())
            .filter(|token| !token.is_empty())
            .map(Into::into)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_its_parts_are_taken_out_of_a_text() {
        let secrets = Secrets {
            database_url: "postgres://user:p%40ssword@db.example/app".into(),
            slack_webhook: Some("https://hooks.example/services/T000/B000".into()),
            sentry_dsn: Some("https://0123456789abcdef@sentry.example/42".into()),
            tokens: vec!["first-token".into(), "second-token".into(), "short".into()],
        };
        for (text, masked) in [
            ("at postgres://user:p%40ssword@db.example/app!", "at [secret]!"),
            ("p@ssword, p%40ssword", "[secret], [secret]"),
            ("https://hooks.example/services/T000/B000 or /services/T000/B000", "[secret] or [secret]"),
            ("0123456789abcdef and first-tokensecond-token", "[secret] and [secret][secret]"),
            ("user of db.example in short", "user of db.example in short"),
        ] {
            assert_eq!(secrets.mask(text), masked);
        }
        let few = Secrets {
            database_url: "postgres://user@db/app".into(),
            slack_webhook: None,
            sentry_dsn: Some("nonsense".into()),
            tokens: vec!["".into()],
        };
        assert_eq!(few.mask("user@db nonsense"), "user@db [secret]");
    }
}
