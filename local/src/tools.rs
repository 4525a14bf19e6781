//! Finds the programs that the local stack runs; the error for a missing one says how to install it.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How to install a missing program.
const REMEDY: &str = "run `make setup`";

/// The programs of the local stack.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Directory with `initdb` and `postgres`.
    pub postgres_bin: PathBuf,
    /// PgBouncer.
    pub pgbouncer: PathBuf,
    /// moto's server: S3, EventBridge Scheduler, Secrets Manager.
    pub moto_server: PathBuf,
    /// AWS's Runtime Interface Emulator.
    pub runtime_emulator: PathBuf,
    /// Chromium's own binary (a wrapper would be killed alone and leave the browser).
    pub chromium: PathBuf,
    /// Directory with the functions' binaries.
    pub functions: PathBuf,
}

impl Tools {
    /// A function's binary: as cargo builds it, or as cargo-lambda does.
    pub fn function(&self, name: &str) -> PathBuf {
        let deployed = self.functions.join(name).join("bootstrap");
        if deployed.is_file() { deployed } else { self.functions.join(name) }
    }

    /// Looks for everything; the error names what is missing and the remedy.
    pub fn find() -> anyhow::Result<Self> {
        Self::with_functions(functions_dir()?)
    }

    /// The same with the functions of this directory, which contains `NAME` or `NAME/bootstrap` for each.
    pub fn with_functions(functions: PathBuf) -> anyhow::Result<Self> {
        let tools = tools_dir()?;
        Ok(Self {
            postgres_bin: postgres_bin()?,
            pgbouncer: existing("/usr/sbin/pgbouncer".into(), "PgBouncer")?,
            moto_server: existing(tools.join("venv/bin/moto_server"), "moto")?,
            runtime_emulator: existing(
                tools.join("aws-lambda-rie"),
                "the AWS Lambda Runtime Interface Emulator",
            )?,
            chromium: chromium(&tools)?,
            functions,
        })
    }
}

/// `.tools`, next to the workspace's manifest, in a parent of the current directory.
fn tools_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("TOOLS_DIR") {
        return Ok(dir.into());
    }
    let here = std::env::current_dir()?;
    here.ancestors()
        .map(|dir| dir.join(".tools"))
        .find(|dir| dir.is_dir())
        .with_context(|| format!("there is no .tools directory above {}: {REMEDY}", here.display()))
}

fn existing(path: PathBuf, what: &str) -> anyhow::Result<PathBuf> {
    if !path.exists() {
        bail!("{what} is not installed ({} is missing): {REMEDY}", path.display());
    }
    Ok(path)
}

fn postgres_bin() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.retain(|bin| bin.join("initdb").exists() && bin.join("postgres").exists());
    versions.sort();
    versions
        .pop()
        .with_context(|| format!("the Postgres server is not installed (/usr/lib/postgresql): {REMEDY}"))
}

fn chromium(tools: &Path) -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM_PATH") {
        return existing(path.into(), "Chromium (CHROMIUM_PATH)");
    }
    ["/usr/lib/chromium/chromium-headless-shell", "/usr/lib/chromium/chromium"]
        .into_iter()
        .map(PathBuf::from)
        .chain([tools.join("chromium/chromium")])
        .find(|path| path.exists())
        .with_context(|| format!("Chromium is not installed: {REMEDY}"))
}

/// The functions are built in the directory of the running binary, or in its parent for a test in `deps`.
fn functions_dir() -> anyhow::Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let dir = exe.ancestors().skip(1).find(|dir| dir.join("daily-routine").is_file());
    dir.map(Path::to_owned).context("the functions are not built: run `cargo build --workspace --bins`")
}

/// An address on which nobody listens, and nobody else can as long as the socket is held.
pub fn unanswered() -> std::io::Result<(tokio::net::TcpSocket, SocketAddr)> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// A port that is free, and that no other process of this kind uses: the server that gets it may start later, so the
/// port is reserved until this process ends, by a lock on a file of its name. It is outside the range from which the
/// kernel assigns ports.
pub fn free_port() -> anyhow::Result<u16> {
    /// Below the ports that Linux assigns by itself (32768 and above), above those of well-known services.
    const OURS: std::ops::Range<u16> = 12_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    static RESERVED: Mutex<Vec<File>> = Mutex::new(Vec::new());

    let locks = std::env::temp_dir().join(format!("best-shot-ports-{}", rustix::process::geteuid().as_raw()));
    std::fs::create_dir_all(&locks).with_context(|| format!("making {}", locks.display()))?;
    // Several of these programs may run at once: each starts at a different port.
    let begin = std::process::id().wrapping_mul(769);
    for _ in OURS {
        let tried = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = begin.wrapping_add(tried) % u32::from(OURS.end - OURS.start);
        let port = OURS.start + u16::try_from(offset)?;
        let lock = File::create(locks.join(port.to_string())).context("reserving a port")?;
        if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
            return Ok(port);
        }
    }
    bail!("no port between {} and {} is free", OURS.start, OURS.end)
}

/// The directory of temporary files: in memory where enough is free, since hundreds of databases and browser profiles
/// keep a disk busy; else `TMPDIR`.
pub fn temp_dir() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    const ROOM: u64 = 6 << 30;
    match rustix::fs::statvfs(MEMORY) {
        Ok(there) if there.f_bavail.saturating_mul(there.f_frsize) >= ROOM => MEMORY.into(),
        _ => std::env::temp_dir(),
    }
}

/// Ends when the process is asked to end, by Ctrl-C or by SIGTERM: then what it has started is dropped, and so stopped.
pub async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    // Without a handler the signal ends the process.
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a command to its end; an error contains its output.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// A child process that is signalled to stop, and waited for, when dropped.
pub struct Part {
    child: std::process::Child,
    signal: rustix::process::Signal,
}

impl Part {
    /// Starts `command`; `signal` makes it stop in an orderly way.
    pub fn start(command: &mut Command, signal: rustix::process::Signal) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        Ok(Self { child, signal })
    }

    /// Waits until it listens on a local port; it is an error if it ends instead.
    pub async fn listening(&mut self, port: u16, what: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{what} ended at its start, on port {port}: {status}");
            }
            if began.elapsed() > Duration::from_secs(30) {
                bail!("{what} did not start within 30 s");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let began = Instant::now();
        // An error means that it has already ended.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), self.signal);
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > Duration::from_secs(5) {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
