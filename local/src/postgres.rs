//! A throwaway Postgres cluster, and databases in it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::tools::{self, Part, Tools};

/// A running cluster; dropping it stops it and deletes its data.
pub struct Cluster {
    server: Option<Part>,
    data: TempDir,
    port: u16,
    bin: PathBuf,
    settings: Vec<String>,
}

impl Cluster {
    /// Creates and starts a cluster. Data is not synced to disk, since it is deleted at the end of the run.
    pub async fn start(tools: &Tools) -> anyhow::Result<Self> {
        Self::start_with(tools, &[], &[]).await
    }

    /// The same with further settings (`name=value`) and files (name and content) that these may name; the server runs in
    /// their directory.
    pub async fn start_with(
        tools: &Tools,
        settings: &[&str],
        files: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        Self::start_at(tools, tools::free_port()?, settings, files).await
    }

    /// The same on this port.
    pub async fn start_at(
        tools: &Tools,
        port: u16,
        settings: &[&str],
        files: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let data = tempfile::Builder::new().prefix("best-shot-postgres-").tempdir_in(tools::temp_dir())?;
        for (name, content) in files {
            let path = data.path().join(name);
            std::fs::write(&path, content)?;
            // Postgres requires that only the server can read its keys.
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        }
        if tools::is_root() {
            tools::run(Command::new("chown").args(["-R", "postgres"]).arg(data.path()))?;
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
                .arg(data.path().join("cluster")),
        )?;
        let mut cluster = Self {
            server: None,
            data,
            port,
            bin: tools.postgres_bin.clone(),
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
        };
        cluster.launch().await?;
        Ok(cluster)
    }

    /// The directory of the files that the cluster was started with.
    pub fn directory(&self) -> &std::path::Path {
        self.data.path()
    }

    /// Stops the server as a failover does, at once, and starts it again after a while.
    pub async fn restart(&mut self, after: std::time::Duration) -> anyhow::Result<()> {
        self.server = None;
        tokio::time::sleep(after).await;
        self.launch().await
    }

    async fn launch(&mut self) -> anyhow::Result<()> {
        let mut command = as_postgres(&self.bin.join("postgres"));
        command
            .arg("-D")
            .arg(self.data.path().join("cluster"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k", ""])
            .args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"])
            // For small databases, compiling queries (JIT) takes longer than it saves.
            .args(["-c", "max_connections=300", "-c", "jit=off"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        // An immediate shutdown.
        let mut server = Part::start(command.stdout(Stdio::null()).stderr(Stdio::null()), Signal::QUIT)?;
        server.listening(self.port, "Postgres").await?;
        self.server = Some(server);
        // It listens for a moment before it accepts connections.
        for _ in 0..200 {
            if connect(&self.url("postgres")).await.is_ok() {
                return Ok(());
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

/// A connection for inspecting a database.
pub async fn connect(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The database that [`copy_of_template`] copies.
const TEMPLATE: &str = "template_best_shot";

/// Creates a migrated database on the server at `url`, as the template that others are copied from.
pub async fn make_template(url: &str) -> anyhow::Result<()> {
    let template = create_database(url, TEMPLATE).await?;
    shared::store::Store::new(&template.into(), None)?.migrate().await?;
    // Postgres does not copy a database that has connections.
    let closed = format!(
        "ALTER DATABASE \"{TEMPLATE}\" ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{TEMPLATE}'"
    );
    Ok(connect(url).await?.batch_execute(&closed).await?)
}

/// Creates a migrated database on the server at `url` and returns its address.
pub async fn copy_of_template(url: &str, name: &str) -> anyhow::Result<String> {
    copy_database(url, TEMPLATE, name).await
}

/// Copies the database `original` on the server at `url`; returns the address. The original must have no connections.
pub async fn copy_database(url: &str, original: &str, name: &str) -> anyhow::Result<String> {
    let sql = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{original}\"");
    connect(url).await?.batch_execute(&sql).await?;
    beside(url, name)
}

fn beside(url: &str, name: &str) -> anyhow::Result<String> {
    let (server, _) = url.rsplit_once('/').with_context(|| format!("no database in {url}"))?;
    Ok(format!("{server}/{name}"))
}

/// Creates an empty database on the server at `url` and returns its address.
pub async fn create_database(url: &str, name: &str) -> anyhow::Result<String> {
    connect(url).await?.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await?;
    beside(url, name)
}
