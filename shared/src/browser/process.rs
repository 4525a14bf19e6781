//! The browser's process group and its profile directory.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{BrowserError, leftovers};

/// Timeout from the browser's start until it listens, while it lives: a cold start on a busy machine may take long. One
/// that dies is reported at once.
const LAUNCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Timeout from the end of the browser's output until its exit.
const ENDING_TIMEOUT: Duration = Duration::from_secs(1);

/// Lines of a failing browser's output that are kept for the error.
const KEPT_LINES: usize = 5;

/// The variables that the browser's process inherits: where its libraries and fonts are.
const KEPT_VARIABLES: [&str; 7] =
    ["PATH", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "TMPDIR", "LANG", "TZ"];

const FLAGS: [&str; 22] = [
    "--headless",
    // Port 0: the browser takes a free one and prints it. A port chosen here could be in use.
    "--remote-debugging-port=0",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    // No GPU, and no software emulation of one. With the next flag but one this saves a third of the launch time.
    "--disable-software-rasterizer",
    "--disable-sync",
    "--hide-scrollbars",
    // No databases in the profile, which is used for one run only.
    "--incognito",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    // Lambda's sandbox isolates it: Chromium's own needs privileges that a function does not have.
    "--no-sandbox",
    "--no-zygote",
];

/// A browser process, leader of its own process group, with its own profile.
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    id: u32,
    profile: TempDir,
    devtools_url: String,
}

impl Process {
    /// Starts `binary`, which can resolve only the host of `origin`, and waits until it prints the address it listens
    /// on.
    // Long for the list of flags, each with its reason.
    pub(super) async fn launch(
        binary: &Path,
        origin: &str,
        single_process: bool,
    ) -> Result<Self, BrowserError> {
        let failed = |reason: String| BrowserError::Launch { path: binary.display().to_string(), reason };
        leftovers::remove();
        let profile =
            tempfile::Builder::new().prefix(&leftovers::own_prefix()).tempdir().map_err(|error| {
                failed(format!("no profile directory in {}: {error}", std::env::temp_dir().display()))
            })?;
        let mut command = std::process::Command::new(binary);
        command
            .args(FLAGS)
            .args(single_process.then_some("--single-process"))
            .arg(format!("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {}", host_of(origin)))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            // Not the function's credentials: it runs the provider's pages, without a sandbox of its own.
            .env_clear()
            .envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            // What it stores outside its profile (caches, fonts) goes there too, and is deleted with it.
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = Command::from(command).kill_on_drop(true).spawn().map_err(|error| {
            failed(match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "there is no such file: set CHROMIUM_PATH or install Chromium".into()
                }
                _ => error.to_string(),
            })
        })?;
        let id = child.id().unwrap_or_default();
        let group =
            i32::try_from(id).ok().and_then(Pid::from_raw).ok_or_else(|| failed("it died at once".into()))?;
        let stderr = child.stderr.take();
        let mut process = Self { child, group: Some(group), id, profile, devtools_url: String::new() };
        let Some(stderr) = stderr else { return Err(failed("it has no output to read".into())) };

        let mut said = Vec::new();
        let mut lines = BufReader::new(stderr).lines();
        let listening = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(url) = line.strip_prefix("DevTools listening on ") {
                    return Some(url.trim().to_owned());
                }
                if !line.trim().is_empty() {
                    if said.len() == KEPT_LINES {
                        said.remove(0);
                    }
                    said.push(line);
                }
            }
            None
        };
        let problem = match tokio::time::timeout(LAUNCH_TIMEOUT, listening).await {
            Ok(Some(url)) => {
                process.devtools_url = url;
                None
            }
            Ok(None) => {
                // It may have closed its output and still be running.
                let status = match tokio::time::timeout(ENDING_TIMEOUT, process.child.wait()).await {
                    Ok(ended) => ended.map_or_else(|e| e.to_string(), |s| s.to_string()),
                    Err(_) => "its output, at least".to_owned(),
                };
                Some(format!("it ended before it listened ({status})"))
            }
            Err(_) => Some(format!("it did not listen within {} s", LAUNCH_TIMEOUT.as_secs())),
        };
        if let Some(problem) = problem {
            process.close().await;
            return Err(failed(format!("{problem}; it said: {}", said.join(" | "))));
        }
        // Later output is read and dropped: a full pipe would block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(process)
    }

    pub(super) fn devtools_url(&self) -> &str {
        &self.devtools_url
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Kills the group, waits for its leader and deletes the profile.
    pub(super) async fn close(mut self) {
        self.kill();
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "waiting for the browser's exit failed");
        }
    }

    fn delete_profile(&self) {
        // Killed processes may still be writing for a moment.
        for pause_ms in [0, 5, 20, 100, 400] {
            std::thread::sleep(Duration::from_millis(pause_ms));
            match std::fs::remove_dir_all(self.profile.path()) {
                Ok(()) => return,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
                Err(error) => tracing::debug!(%error, "the browser's profile is still in use"),
            }
        }
        tracing::warn!(path = %self.profile.path().display(), "the browser's profile could not be deleted");
    }

    fn kill(&mut self) {
        // Once only: afterwards the group's id may be reused.
        if let Some(group) = self.group.take() {
            // An error means that the group no longer exists.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The host of an origin, without scheme and port.
fn host_of(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

impl Drop for Process {
    fn drop(&mut self) {
        // Also when the leader has exited by itself: its children may still be running.
        self.kill();
        self.delete_profile();
    }
}
