//! Connections: a small pool, TLS unless the database is on this machine, and the migrations.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::NoTls;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::StoreError;

/// A connection lent by the pool: a plain client, since the pool's own knows no `query_typed`.
pub struct Connection(deadpool_postgres::Object);

impl std::ops::Deref for Connection {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Connection {
    /// Begins a transaction; dropped without `commit` it is rolled back.
    pub async fn transaction(&mut self) -> Result<tokio_postgres::Transaction<'_>, StoreError> {
        let client: &mut tokio_postgres::Client = &mut self.0;
        Ok(client.transaction().await?)
    }
}

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// One function environment does one thing at a time; a heartbeat runs beside it.
const CONNECTIONS: usize = 2;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A socket frozen with its environment says nothing when it dies: the kernel gives it up after this.
const TCP_TIMEOUT: Duration = Duration::from_secs(15);

/// The database.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
}

impl Store {
    /// Prepares a pool for `url`; connects when a connection is first asked for.
    pub fn new(url: &SecretString, ca_file: Option<&Path>) -> Result<Self, StoreError> {
        let connect = |reason: String| StoreError::Connect(reason);
        // The parser's own error may quote the URL, and with it the password.
        let mut config: tokio_postgres::Config = url.expose_secret().parse().map_err(|_| {
            connect("DATABASE_URL can't be read: it must be like postgres://user:password@host/name".into())
        })?;
        config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(TCP_TIMEOUT).application_name("best-shot");
        let local = config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
            Host::Unix(_) => true,
        });
        if !local && config.get_ssl_mode() == SslMode::Disable {
            return Err(connect("sslmode=disable is accepted only for a database on this machine".into()));
        }
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let manager = if local && ca_file.is_none() {
            Manager::from_config(config, NoTls, manager_config)
        } else {
            config.ssl_mode(SslMode::Require);
            Manager::from_config(config, tls(ca_file).map_err(connect)?, manager_config)
        };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| connect(error.to_string()))?;
        Ok(Self { pool })
    }

    /// A connection that was seen alive.
    pub async fn client(&self) -> Result<Connection, StoreError> {
        self.pool.get().await.map(Connection).map_err(|error| match error {
            deadpool_postgres::PoolError::Backend(error) => StoreError::Connect(match error.as_db_error() {
                Some(db) => db.message().to_owned(),
                None => match std::error::Error::source(&error) {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                },
            }),
            other => StoreError::Connect(other.to_string()),
        })
    }

    /// Applies the migrations that are missing; says which.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let mut client = self.client().await?;
        let report =
            embedded::migrations::runner().run_async::<tokio_postgres::Client>(&mut client.0).await?;
        Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
    }
}

/// TLS that verifies host and chain, always.
fn tls(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let problem = |what: String| format!("DATABASE_CA_FILE {}: {what}", path.display());
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
