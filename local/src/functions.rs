//! The functions' own binaries, each under AWS's Runtime Interface Emulator, as Lambda would run them.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use rustix::process::Signal;
use serde_json::Value;

use crate::tools::{self, Part, Tools};

/// Lambda's retries: an event of a failed invocation is delivered twice more, after one and two minutes.
pub(crate) const REDELIVERY_MINUTES: [i64; 2] = [1, 2];
/// The largest number of deliveries of an event.
pub(crate) const DELIVERIES: usize = 1 + REDELIVERY_MINUTES.len();
/// Lambda's time limit, as set by the template.
const TIMEOUT_SECONDS: &str = "900";

/// The functions of one environment. Each is started when it is first invoked, as Lambda does.
pub struct Functions {
    tools: Tools,
    variables: Mutex<Vec<(String, String)>>,
    logs: PathBuf,
    client: reqwest::Client,
    running: tokio::sync::Mutex<BTreeMap<String, Running>>,
    peaks: Mutex<BTreeMap<String, f64>>,
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

struct Running {
    emulator: Part,
    port: u16,
    code: Code,
}

/// What a function's environment was started from.
#[derive(PartialEq)]
struct Code {
    binary: PathBuf,
    written: Option<SystemTime>,
}

impl Code {
    fn of(binary: &Path) -> Self {
        let binary = std::fs::canonicalize(binary).unwrap_or_else(|_| binary.to_owned());
        let written = std::fs::metadata(&binary).and_then(|file| file.modified()).ok();
        Self { binary, written }
    }
}

impl Functions {
    /// Functions with these variables in their environment; what they log goes to `logs/{name}.log`.
    pub fn new(tools: &Tools, variables: Vec<(String, String)>, logs: PathBuf) -> anyhow::Result<Self> {
        shared::aws::install_tls_provider();
        std::fs::create_dir_all(&logs)?;
        Ok(Self {
            tools: tools.clone(),
            variables: Mutex::new(variables),
            logs,
            // A connection for each invocation: a reused one may be closed at the moment of its use.
            client: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?,
            running: tokio::sync::Mutex::default(),
            peaks: Mutex::default(),
            turns: Mutex::default(),
        })
    }

    /// The same functions again: other processes, as Lambda starts them when one is busy.
    pub fn twin(&self) -> anyhow::Result<Self> {
        Self::new(&self.tools, self.variables(), self.logs.clone())
    }

    /// Sets a variable for environments that start from now on.
    pub fn set(&self, name: &str, value: &str) {
        let mut variables = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value.to_owned()));
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.variables.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The process id of a function's own process, if it runs.
    pub async fn process_id(&self, name: &str) -> Option<u32> {
        let emulator = self.running.lock().await.get(name)?.emulator.id();
        child_of(emulator)
    }

    /// Invokes a function, once it has answered what it was asked before, and returns its answer; an error contains Lambda's
    /// `errorType` and message.
    pub async fn invoke(&self, name: &str, event: &Value) -> anyhow::Result<Value> {
        let answer = self.invoke_in_turn(name, event.to_string()).await?;
        if let Some(error) = answer.get("errorMessage").and_then(Value::as_str) {
            let kind = answer.get("errorType").and_then(Value::as_str).unwrap_or("unknown");
            anyhow::bail!("{name}: {kind}: {error}");
        }
        Ok(answer)
    }

    /// Invokes a function with any body and returns its answer or error.
    pub async fn invoke_raw(&self, name: &str, body: String) -> anyhow::Result<Value> {
        let port = self.port(name).await?;
        let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/function/invocations");
        let answer =
            self.client.post(url).body(body).send().await.with_context(|| format!("invoking {name}"))?;
        let text = answer.text().await?;
        self.note_peak(name).await;
        serde_json::from_str(&text)
            .with_context(|| format!("{name} answered {text:?}; its log ends: {}", self.end_of_log(name)))
    }

    /// The end of a function's log, for one that did not answer.
    fn end_of_log(&self, name: &str) -> String {
        const CHARS: usize = 2_000;
        let log = std::fs::read(self.logs.join(format!("{name}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(CHARS)..]).into_owned()
    }

    /// The same, after an earlier such invocation has ended: an environment handles one event at a time,
    /// and here there is only one.
    pub async fn invoke_in_turn(&self, name: &str, body: String) -> anyhow::Result<Value> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(name.to_owned()).or_default())
        };
        let _turn = turn.lock().await;
        self.invoke_raw(name, body).await
    }

    /// Replaces a function's code by that of a package: a ZIP file with `bootstrap`.
    pub fn replace(&self, name: &str, package: &[u8]) -> anyhow::Result<()> {
        let unpacked = tempfile::tempdir_in(&self.tools.functions)?;
        let archive = unpacked.path().join("package.zip");
        std::fs::write(&archive, package)?;
        let mut unzip = Command::new("python3");
        tools::run(unzip.args(["-m", "zipfile", "-e"]).arg(&archive).arg(unpacked.path()))?;
        let bootstrap = unpacked.path().join("bootstrap");
        std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755))?;
        // By one rename: a link to the former code is replaced, not followed.
        Ok(std::fs::rename(bootstrap, self.tools.function(name))?)
    }

    /// The function with this name or ARN, if it exists.
    pub fn known(&self, name: &str) -> Option<String> {
        let own = name.rsplit(':').next()?;
        let entries = std::fs::read_dir(&self.tools.functions).ok()?.flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|function| {
                own == function
                    || own.strip_suffix(function.as_str()).is_some_and(|start| start.ends_with('-'))
            })
            .max_by_key(String::len)
    }

    /// Ends a function's environment: its next invocation is a cold start.
    pub async fn stop(&self, name: &str) {
        self.running.lock().await.remove(name);
    }

    /// Peak memory of each function's own process, in MB, without Chromium.
    pub fn peak_rss_mb(&self) -> BTreeMap<String, f64> {
        self.peaks.lock().map(|peaks| peaks.clone()).unwrap_or_default()
    }

    /// Starts a function's emulator; the function itself starts with its first invocation.
    pub async fn prepare(&self, name: &str) -> anyhow::Result<()> {
        self.port(name).await.map(drop)
    }

    async fn port(&self, name: &str) -> anyhow::Result<u16> {
        let mut running = self.running.lock().await;
        let binary = self.tools.function(name);
        let code = Code::of(&binary);
        // As in Lambda, new code means a new environment.
        if let Some(running) = running.get(name).filter(|running| running.code == code) {
            return Ok(running.port);
        }
        running.remove(name);
        anyhow::ensure!(binary.is_file(), "{} is not built", binary.display());
        let (port, runtime_port) = (tools::free_port()?, tools::free_port()?);
        let log = File::options().create(true).append(true).open(self.logs.join(format!("{name}.log")))?;
        let mut emulator = Part::start(
            Command::new(&self.tools.runtime_emulator)
                .args(["--log-level", "info"])
                .args(["--runtime-interface-emulator-address", &format!("127.0.0.1:{port}")])
                .args(["--runtime-api-address", &format!("127.0.0.1:{runtime_port}")])
                .arg(&binary)
                .env("AWS_LAMBDA_FUNCTION_TIMEOUT", TIMEOUT_SECONDS)
                .env("AWS_LAMBDA_FUNCTION_NAME", name)
                .env("CHROMIUM_PATH", &self.tools.chromium)
                .envs(self.variables())
                // The credentials identify the caller, as in AWS, where each function has its own role.
                .env("AWS_ACCESS_KEY_ID", name)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log),
            Signal::TERM,
        )?;
        // It opens its two ports one after the other, in no order: a function that starts before the second is open fails.
        emulator.listening(runtime_port, "the Runtime API").await?;
        emulator.listening(port, "the Runtime Interface Emulator").await?;
        running.insert(name.to_owned(), Running { emulator, port, code });
        Ok(port)
    }

    async fn note_peak(&self, name: &str) {
        let running = self.running.lock().await;
        let Some(emulator) = running.get(name).map(|running| running.emulator.id()) else { return };
        if let (Some(peak), Ok(mut peaks)) = (child_of(emulator).and_then(peak_rss_mb), self.peaks.lock()) {
            let known = peaks.entry(name.to_owned()).or_insert(0.0);
            *known = known.max(peak);
        }
    }
}

/// The emulator's one child: the function.
fn child_of(parent: u32) -> Option<u32> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The command's name, in parentheses, may contain spaces: count after it.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        (fields.nth(1)?.parse() == Ok(parent)).then_some(id)
    })
}

fn peak_rss_mb(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kb: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .ok()?;
    Some((kb / 1024.0 * 10.0).round() / 10.0)
}
