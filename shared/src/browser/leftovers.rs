//! Cleanup at launch: ends browsers that a killed function left running, and deletes their profiles.
//!
//! A profile's name holds its owner's process id and start time (process ids are reused).

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

const PREFIX: &str = "chromium-profile-";

/// The prefix of this process's profile names.
pub(super) fn own_prefix() -> String {
    let own = std::process::id();
    format!("{PREFIX}{own}-{}-", began(own).unwrap_or_default())
}

/// Ends the browsers, and deletes the profiles, of processes that no longer exist.
pub(super) fn remove() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let mut parts = owner.split('-');
        let (Some(Ok(process)), Some(Ok(since))) =
            (parts.next().map(str::parse::<u32>), parts.next().map(str::parse::<u64>))
        else {
            continue;
        };
        if began(process) == Some(since) {
            continue;
        }
        let killed = kill_users_of(&entry.path());
        let removed = std::fs::remove_dir_all(entry.path());
        tracing::warn!(profile = %entry.path().display(), killed, ?removed, "removed a browser that a killed function had left running");
    }
}

/// The start time of a process, in clock ticks since boot; none: there is no such process.
fn began(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The command's name, in parentheses, may contain spaces: count from behind it. A zombie counts as ended.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Kills every process that was started with this profile: the browser and its children. Returns how many.
fn kill_users_of(profile: &Path) -> usize {
    let flag = format!("--user-data-dir={}", profile.display());
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let mut leaders = Vec::new();
    let mut all: Vec<(i32, i32)> = Vec::new();
    for entry in processes.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let Some(group) = group_of(&entry.path()) else { continue };
        all.push((id, group));
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if command.split(|byte| *byte == 0).any(|argument| argument == flag.as_bytes()) {
            leaders.push((id, group));
        }
    }
    // Not all of its helpers name the profile, but all are in its group.
    let doomed = all.into_iter().filter(|(id, group)| leaders.iter().any(|(l, g)| l == id || g == group));
    doomed
        .filter_map(|(id, _)| Pid::from_raw(id))
        .filter(|id| kill_process(*id, Signal::KILL).is_ok())
        .count()
}

fn group_of(process: &Path) -> Option<i32> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}
