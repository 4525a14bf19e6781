//! Connections: a small pool, and TLS unless the database is on this machine.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use chrono::{DateTime, Utc};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::NoTls;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use super::{StoreError, stamp};
use crate::config::Secrets;
use crate::database_url::{self, Target};
use crate::secrets::Vault;

/// A connection from the pool: a plain client, since the pool's own has no `query_typed`.
pub struct Connection(deadpool_postgres::Object);

impl std::ops::Deref for Connection {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl std::ops::DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Connection {
    /// Begins a transaction; dropped without `commit` it is rolled back. It has timeouts for locks and statements.
    pub async fn transaction(&mut self) -> Result<tokio_postgres::Transaction<'_>, StoreError> {
        self.begin(LIMITS).await
    }

    /// The same, for an execution's changes of matches, tables and brackets: the history names it, and the time `now`.
    pub async fn transaction_of(
        &mut self,
        execution: Uuid,
        now: DateTime<Utc>,
    ) -> Result<tokio_postgres::Transaction<'_>, StoreError> {
        // Neither value can hold a quote.
        let settings = format!(
            "{LIMITS}; SET LOCAL best_shot.execution_id = '{execution}'; SET LOCAL best_shot.changed_at = '{}'",
            stamp(now)
        );
        self.begin(&settings).await
    }

    /// Begins a transaction with these settings, sent as one. They are set in the transaction, since a transaction-pooling
    /// proxy does not preserve session settings.
    async fn begin(&mut self, settings: &str) -> Result<tokio_postgres::Transaction<'_>, StoreError> {
        let client: &mut tokio_postgres::Client = &mut self.0;
        let transaction = client.transaction().await?;
        transaction.batch_execute(settings).await?;
        Ok(transaction)
    }
}

/// The wait after the first failed try; doubled with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const RETRIES: usize = 5;
/// The last is for a function whose connection was lost without being closed: its locks must not be held for hours.
const LIMITS: &str = "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '30s';
    SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// The executions of a function environment share one, and their heartbeats another.
const CONNECTIONS: usize = 2;
/// A step must be answered within this, or it is tried again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A pooled connection must answer within this, or a new one is opened.
const RECYCLE_TIMEOUT: Duration = Duration::from_secs(3);
/// The peer of a frozen environment's socket may be gone without notice: the kernel closes the socket after this.
const TCP_TIMEOUT: Duration = Duration::from_secs(15);

/// The database.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    /// With the URL that it was created for.
    pool: RwLock<(Pool, SecretString)>,
    ca_file: Option<PathBuf>,
    vault: Option<Arc<Vault>>,
}

impl Store {
    /// Prepares a pool for `url`; connects when a connection is first needed.
    pub fn new(url: &SecretString, ca_file: Option<&Path>) -> Result<Self, StoreError> {
        let pool = RwLock::new((pool(url, ca_file)?, url.clone()));
        Ok(Self { shared: Arc::new(Shared { pool, ca_file: ca_file.map(Path::to_owned), vault: None }) })
    }

    /// The same for the URL in `vault`, which is read again when the database rejects its password.
    pub fn of(vault: Arc<Vault>, ca_file: Option<PathBuf>) -> Result<Self, StoreError> {
        let url = vault.current().database_url.clone();
        let pool = RwLock::new((pool(&url, ca_file.as_deref())?, url));
        Ok(Self { shared: Arc::new(Shared { pool, ca_file, vault: Some(vault) }) })
    }

    /// A connection that was checked to be alive.
    pub async fn client(&self) -> Result<Connection, StoreError> {
        match self.connect().await {
            Err(error) if error.is_authentication() => {
                self.renew(error).await?;
                self.connect().await
            }
            client => client,
        }
    }

    /// Closes the connections that nobody uses now: an environment may be frozen for long before its next event.
    pub fn close_idle(&self) {
        self.shared.pool.read().unwrap_or_else(PoisonError::into_inner).0.retain(|_, _| false);
    }

    /// Runs a step that must not be lost: retries it for some seconds after transient errors. The step must be
    /// idempotent.
    pub async fn persist<T>(&self, step: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut waits = patience();
        loop {
            // Outside a transaction a statement has no timeout of its own.
            let tried = tokio::time::timeout(ANSWER_TIMEOUT, step()).await;
            match tried.unwrap_or_else(|_| Err(StoreError::connect("it did not answer within 30 s"))) {
                Err(error) if error.is_transient() => {
                    let Some(wait) = waits.next() else { return Err(error) };
                    tracing::warn!(%error, "retrying the database statement…");
                    tokio::time::sleep(wait).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn connect(&self) -> Result<Connection, StoreError> {
        let pool = self.shared.pool.read().unwrap_or_else(PoisonError::into_inner).0.clone();
        pool.get().await.map(Connection).map_err(|error| match error {
            deadpool_postgres::PoolError::Backend(error) => StoreError::Connect {
                reason: match error.as_db_error() {
                    Some(db) => db.message().to_owned(),
                    None => match std::error::Error::source(&error) {
                        Some(source) => format!("{error}: {source}"),
                        None => error.to_string(),
                    },
                },
                code: error.code().cloned(),
            },
            other => StoreError::connect(other.to_string()),
        })
    }

    /// Switches to the current secret, if it differs from the one that was rejected.
    async fn renew(&self, refused: StoreError) -> Result<(), StoreError> {
        let Some(vault) = &self.shared.vault else { return Err(refused) };
        let made_for = self.shared.pool.read().unwrap_or_else(PoisonError::into_inner).1.clone();
        let same = |secrets: &Secrets| secrets.database_url.expose_secret() == made_for.expose_secret();
        let mut now = vault.current();
        // Another task may have read it again already.
        if same(&now) {
            now = match vault.renew().await {
                Ok(now) => now,
                Err(error) => {
                    tracing::error!(%error, "the database's secret could not be read again");
                    return Err(refused);
                }
            };
        }
        if same(&now) {
            return Err(refused);
        }
        let pool = pool(&now.database_url, self.shared.ca_file.as_deref())?;
        *self.shared.pool.write().unwrap_or_else(PoisonError::into_inner) = (pool, now.database_url.clone());
        Ok(())
    }
}

/// The waits between tries: long enough for a failover, some six seconds in all.
pub fn patience() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default().with_min_delay(FIRST_WAIT).with_max_times(RETRIES).with_jitter().build()
}

fn pool(url: &SecretString, ca_file: Option<&Path>) -> Result<Pool, StoreError> {
    let connect = StoreError::connect::<String>;
    let Target { mut config, ca_file: named } = database_url::read(url.expose_secret()).map_err(connect)?;
    let ca_file = named.as_deref().or(ca_file);
    config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(TCP_TIMEOUT).application_name("best-shot");
    let local = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        Host::Unix(_) => true,
    });
    if !local && config.get_ssl_mode() == SslMode::Disable {
        return Err(StoreError::connect("sslmode=disable is accepted only for a database on this machine"));
    }
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    let manager = if local && ca_file.is_none() {
        Manager::from_config(config, NoTls, manager_config)
    } else {
        config.ssl_mode(SslMode::Require);
        Manager::from_config(config, tls(ca_file).map_err(connect)?, manager_config)
    };
    Pool::builder(manager)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(RECYCLE_TIMEOUT))
        .build()
        .map_err(|error| StoreError::connect(error.to_string()))
}

/// TLS that verifies host and chain, always.
fn tls(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let problem = |what: String| format!("the file of DATABASE_CA_FILE or sslrootcert: {what}");
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| problem(error.to_string()))?;
        if certificates.is_empty() {
            return Err(problem("holds no certificate".to_owned()));
        }
        roots.add_parsable_certificates(certificates);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_database_without_tls_is_refused_and_no_error_shows_the_password() {
        for url in ["postgres://u:hunter2@db.example/x?sslmode=disable", "postgres://u:hunter2@h:nonsense/x"]
        {
            let error = Store::new(&url.to_owned().into(), None).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|error| !error.contains("hunter2")), "{error:?}");
        }
    }
}
