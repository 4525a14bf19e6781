//! Points at which a test may kill the process or make it panic, to show that nothing is lost and nothing is done
//! twice. Compiled into debug builds only.

/// Kills this process, as SIGKILL does, if `CRASH_AT` names this point and the file that `CRASH_ONCE` names is still
/// there; the file is deleted first, so that it happens once. `CRASH_AT=written#3` is the third time that the process
/// reaches the point. With `CRASH_SAYS` it panics instead, with that message.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static PASSED: AtomicUsize = AtomicUsize::new(0);
    let Ok(wanted) = std::env::var("CRASH_AT") else { return };
    let (at, nth) = wanted.split_once('#').unwrap_or((&wanted, "1"));
    if at != name || (PASSED.fetch_add(1, Ordering::Relaxed) + 1).to_string() != nth {
        return;
    }
    if std::env::var("CRASH_ONCE").is_ok_and(|file| std::fs::remove_file(file).is_ok()) {
        if let Ok(said) = std::env::var("CRASH_SAYS") {
            std::panic::panic_any(said);
        }
        tracing::error!(name, "killing this process at the crash point that CRASH_AT names…");
        // An error would mean that a process may not kill itself.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub const fn point(_: &str) {}
