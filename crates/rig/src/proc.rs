//! Processes as the kernel shows them: who descends from whom, who lives, and signals.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal to a process.
pub(crate) fn send(pid: u32, signal: Signal) {
    // An already ended process is what the caller wants; there is nothing to report.
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Sends a signal to several.
pub(crate) fn send_all(pids: &[u32], signal: Signal) {
    pids.iter().for_each(|pid| send(*pid, signal));
}

/// The parent and the state letter of a process, from `/proc/<pid>/stat`.
fn stat(pid: u32) -> Option<(u32, char)> {
    stat_in(Path::new(&format!("/proc/{pid}")))
}

/// The same of a process or thread by its folder.
fn stat_in(folder: &Path) -> Option<(u32, char)> {
    let text = std::fs::read_to_string(folder.join("stat")).ok()?;
    // The name in parentheses can hold anything; what follows its last parenthesis is regular.
    let mut rest = text.rsplit_once(')')?.1.split_whitespace();
    let state = rest.next()?.chars().next()?;
    Some((rest.next()?.parse().ok()?, state))
}

/// Whether a process is there and not merely waiting to be reaped.
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(_, state)| state != 'Z' && state != 'X')
}

/// Whether every thread of a process is stopped, or gone.
pub(crate) fn stands_still(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.filter_map(|thread| stat_in(&thread.path())).all(|(_, state)| matches!(state, 'T' | 't' | 'Z' | 'X'))
}

/// A process and everything that descends from it.
pub(crate) fn with_descendants(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?.0)))
        .collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(parent) = tree.get(next).copied() {
        tree.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    tree
}
