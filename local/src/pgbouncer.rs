//! PgBouncer in front of a Postgres: each transaction may get another session, as with a hosted database's pooler.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use rustix::process::Signal;
use tempfile::TempDir;
use url::Url;

use crate::postgres::as_postgres;
use crate::tools::{self, Part, Tools};

/// Since this version it keeps clients' prepared statements across sessions, unless configured not to.
const KEEPS_STATEMENTS: (u32, u32) = (1, 21);

/// A running pooler; dropping it stops it.
pub struct PgBouncer {
    _server: Part,
    _files: TempDir,
    port: u16,
}

impl PgBouncer {
    /// Starts one that pools transactions, with two sessions per database, for the server of `postgres_url`.
    pub async fn start(tools: &Tools, postgres_url: &str) -> anyhow::Result<Self> {
        let target = Url::parse(postgres_url).context("the address of the Postgres to pool")?;
        let host = target.host_str().context("the Postgres to pool has no host")?;
        let target = format!("host={host} port={}", target.port().unwrap_or(5432));

        let files = tempfile::Builder::new().prefix("best-shot-pgbouncer-").tempdir()?;
        let config = files.path().join("pgbouncer.ini");
        let port = tools::free_port()?;
        let mut text = format!(
            "[databases]\n\
             * = {target} user=postgres\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = 2\n\
             max_client_conn = 300\n\
             server_reset_query =\n"
        );
        if version(&tools.pgbouncer)? >= KEEPS_STATEMENTS {
            text.push_str("max_prepared_statements = 0\n");
        }
        std::fs::write(&config, text)?;
        if tools::is_root() {
            tools::run(Command::new("chown").args(["-R", "postgres"]).arg(files.path()))?;
        }
        let mut server = Part::start(
            as_postgres(&tools.pgbouncer).arg(&config).stdout(Stdio::null()).stderr(Stdio::null()),
            // It stores no data, and the meaning of its other signals differs between versions.
            Signal::KILL,
        )?;
        server.listening(port, "PgBouncer").await?;
        Ok(Self { _server: server, _files: files, port })
    }

    /// The address of a database through it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

fn version(program: &Path) -> anyhow::Result<(u32, u32)> {
    let output = Command::new(program).arg("--version").output().context("asking PgBouncer its version")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("PgBouncer "))
        .unwrap_or_default()
        .split('.')
        .map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => anyhow::bail!("unexpected version of PgBouncer: {text:?}"),
    }
}
