//! What a function environment holds: configuration at once, connections when they are first needed.

use std::pin::Pin;

use tokio::sync::OnceCell;

use crate::aws;
use crate::config::{Config, ConfigError, SecretSource, Secrets};
use crate::functions::Functions;
use crate::notify::Slack;
use crate::objects::Objects;
use crate::schedule::Schedules;
use crate::store::{Store, StoreError};

/// A function environment.
pub struct App {
    /// What it was told.
    pub config: Config,
    services: OnceCell<Services>,
}

/// The outside world, ready to be used.
pub struct Services {
    /// Postgres.
    pub store: Store,
    /// S3.
    pub objects: Objects,
    /// EventBridge Scheduler.
    pub schedules: Schedules,
    /// The other functions.
    pub functions: Functions,
    /// Slack, if there is a webhook.
    pub slack: Option<Slack>,
}

/// Why the outside world can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The environment is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The secret could not be had.
    #[error("the secret {arn}: {reason}")]
    Secret {
        /// Which.
        arn: String,
        /// What is wrong with it; never a value out of it.
        reason: String,
    },
    /// The database's address is wrong.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP client could not be built.
    #[error("Slack's client can't be built: {0}")]
    Slack(String),
}

impl App {
    /// Reads the configuration; connects to nothing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { config: Config::from_env()?, services: OnceCell::new() })
    }

    /// The outside world, prepared on first use.
    pub async fn services(&self) -> Result<&Services, AppError> {
        self.services.get_or_try_init(|| self.connect()).await
    }

    /// The secrets as they are now: those of Secrets Manager may have been rotated since the services were prepared.
    pub async fn secrets(&self) -> Result<Secrets, AppError> {
        match &self.config.secrets {
            SecretSource::Environment(secrets) => Ok(secrets.clone()),
            SecretSource::SecretsManager(arn) => secrets(&aws::config().load().await, arn).await,
        }
    }

    // Erased: the SDKs' futures are so deep that the compiler gives up on a function that holds one in its own.
    fn connect(&self) -> Pin<Box<dyn Future<Output = Result<Services, AppError>> + Send + '_>> {
        Box::pin(self.connect_now())
    }

    async fn connect_now(&self) -> Result<Services, AppError> {
        let config = &self.config;
        let aws = aws::config().load().await;
        let secrets = match &config.secrets {
            SecretSource::Environment(secrets) => secrets.clone(),
            SecretSource::SecretsManager(arn) => secrets(&aws, arn).await?,
        };
        let slack = secrets.slack_webhook.map(Slack::new).transpose().map_err(AppError::Slack)?;
        Ok(Services {
            store: Store::new(&secrets.database_url, config.database_ca_file.as_deref())?,
            objects: Objects::new(aws_sdk_s3::Client::new(&aws), config.objects.clone()),
            schedules: Schedules::new(
                aws_sdk_scheduler::Client::new(&aws),
                config.schedules.clone(),
                config.environment.clone(),
            ),
            functions: Functions::new(
                aws_sdk_lambda::Client::new(&aws),
                config.schedules.function_arn_prefix.clone(),
            ),
            slack,
        })
    }
}

async fn secrets(aws: &aws_config::SdkConfig, arn: &str) -> Result<Secrets, AppError> {
    let failed = |reason: String| AppError::Secret { arn: arn.to_owned(), reason };
    let secret = aws_sdk_secretsmanager::Client::new(aws)
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await
        .map_err(|error| failed(aws_sdk_secretsmanager::error::DisplayErrorContext(error).to_string()))?;
    // The parser's error may quote the text, so it is not passed on.
    let values: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(secret.secret_string().unwrap_or_default())
            .map_err(|_| failed("must be a JSON object of texts".to_owned()))?;
    let value = |name| values.get(name).and_then(|value| value.as_str()).filter(|value| !value.is_empty());
    Ok(Secrets {
        database_url: value("DATABASE_URL")
            .ok_or_else(|| failed("has no DATABASE_URL: add it as a text".to_owned()))?
            .into(),
        slack_webhook: value("SLACK_JOB_EXECUTIONS_WEBHOOK").map(Into::into),
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
