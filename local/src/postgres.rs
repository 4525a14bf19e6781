//! A throwaway Postgres cluster, and databases in it.

use std::process::{Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::tools::{self, Part, Tools};

/// A running cluster; dropping it stops it and deletes its data.
pub struct Cluster {
    _server: Part,
    _data: TempDir,
    port: u16,
}

impl Cluster {
    /// Makes and starts a cluster. Data is not synced to disk: it does not outlive the run.
    pub async fn start(tools: &Tools) -> anyhow::Result<Self> {
        let data = tempfile::Builder::new().prefix("best-shot-postgres-").tempdir()?;
        let cluster = data.path().join("cluster");
        if tools::is_root() {
            tools::run(Command::new("chown").arg("postgres").arg(data.path()))?;
        }
        tools::run(
            as_postgres(&tools.postgres_bin.join("initdb"))
                .args([
                    "--username=postgres",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-sync",
                    "-D",
                ])
                .arg(&cluster),
        )?;
        let port = tools::free_port()?;
        let server = Part::start(
            as_postgres(&tools.postgres_bin.join("postgres"))
                .arg("-D")
                .arg(&cluster)
                .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""])
                .args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"])
                .args(["-c", "max_connections=300"])
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
            // An immediate shutdown.
            Signal::QUIT,
        )?;
        tools::listening(port, "Postgres").await?;
        let cluster = Self { _server: server, _data: data, port };
        // It listens a moment before it lets anybody in.
        for _ in 0..200 {
            if connect(&cluster.url("postgres")).await.is_ok() {
                return Ok(cluster);
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        anyhow::bail!("Postgres did not accept a connection")
    }

    /// The address of a database in this cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

/// Postgres refuses to run as root, and so does PgBouncer.
pub(crate) fn as_postgres(program: &std::path::Path) -> Command {
    if tools::is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program)
            .current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

/// A connection for looking at what is in a database.
pub async fn connect(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Makes an empty database beside the one at `url`; its address.
pub async fn create_database(url: &str, name: &str) -> anyhow::Result<String> {
    connect(url).await?.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await?;
    let (server, _) = url.rsplit_once('/').ok_or_else(|| anyhow::anyhow!("no database in {url}"))?;
    Ok(format!("{server}/{name}"))
}
