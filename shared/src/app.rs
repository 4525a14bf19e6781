//! The state of a function environment: configuration read at the start, connections made on first use.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::alarms::Alarms;
use crate::aws;
use crate::bus::Bus;
use crate::config::{Config, ConfigError, Secrets};
use crate::objects::Objects;
use crate::secrets::{SecretError, Vault};
use crate::slack::Slack;
use crate::store::{Store, StoreError};

/// A function environment.
pub struct App {
    /// The configuration.
    pub config: Config,
    services: OnceCell<Services>,
}

/// Clients of the external services, ready to be used.
pub struct Services {
    /// Postgres.
    pub store: Store,
    /// S3.
    pub objects: Objects,
    /// EventBridge Scheduler.
    pub alarms: Alarms,
    /// The EventBridge bus of results, if there is one.
    pub bus: Option<Bus>,
    /// Region, credentials and HTTP client, for a service that only one function calls.
    pub aws: aws_config::SdkConfig,
    /// Slack, if there is a webhook.
    pub slack: Option<Slack>,
    /// The secrets.
    pub vault: Arc<Vault>,
}

/// Why the external services can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// An environment variable is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
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

    /// The external services, prepared on first use.
    pub async fn services(&self) -> Result<&Services, AppError> {
        self.services.get_or_try_init(|| self.connect()).await
    }

    /// The secrets as they are now: they may have been rotated since they were last read.
    pub async fn secrets(&self) -> Result<Arc<Secrets>, AppError> {
        Ok(self.services().await?.vault.renew().await?)
    }

    // Type-erased: the SDKs' futures are nested so deeply that the compiler fails on a function that contains one.
    fn connect(&self) -> Pin<Box<dyn Future<Output = Result<Services, AppError>> + Send + '_>> {
        Box::pin(self.connect_now())
    }

    async fn connect_now(&self) -> Result<Services, AppError> {
        let config = &self.config;
        let aws = aws::config().load().await;
        let vault = Arc::new(Vault::open(&config.secrets, &aws).await?);
        let slack = Slack::new(Arc::clone(&vault)).map_err(AppError::Slack)?;
        Ok(Services {
            store: Store::of(Arc::clone(&vault), config.database_ca_file.clone())?,
            objects: Objects::new(aws_sdk_s3::Client::new(&aws), config.objects.clone()),
            alarms: Alarms::new(
                aws_sdk_scheduler::Client::new(&aws),
                config.schedules.clone(),
                config.environment.clone(),
            ),
            bus: config.event_bus.as_ref().map(|name| Bus::new(&aws, name)),
            slack,
            vault,
            aws,
        })
    }
}
