//! Processes as the kernel shows them.

use std::process::Command;

/// A process and everything that descends from it.
pub fn tree(root: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(pid) = tree.get(next).copied() {
        tree.extend(all.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        next += 1;
    }
    tree
}

/// The name of a process's program, as the kernel keeps it (15 characters).
pub fn name(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// Whether a process lives and is not merely waiting to be reaped.
pub fn lives(pid: u32) -> bool {
    fields(pid).is_some_and(|f| f.first().is_some_and(|state| state != "Z" && state != "X"))
}

/// Sends a signal by name; a process that is gone already is fine.
pub fn signal(pid: u32, name: &str) {
    let _ =
        Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).stderr(std::process::Stdio::null()).status();
}

/// CPU time of a process so far, in clock ticks of 10 ms.
pub fn ticks(pid: u32) -> u64 {
    let fields = fields(pid).unwrap_or_default();
    // utime and stime, the 14th and 15th of all, 11 after the state.
    [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<u64>().ok()).sum()
}

/// Memory of a process in kB: what is its own, with its share of what it shares.
pub fn proportional_kb(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    text.lines().find_map(|l| l.strip_prefix("Pss:")?.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

/// Memory of a process in kB, everything it has mapped and resident.
pub fn resident_kb(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines().find_map(|l| l.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

fn parent(pid: u32) -> Option<u32> {
    fields(pid)?.get(1)?.parse().ok()
}

/// The fields of `/proc/<pid>/stat` from the state on. The name before them can hold anything.
fn fields(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// When a process was started, in milliseconds since the epoch, to 10 ms.
pub fn started_ms(pid: u32) -> Option<f64> {
    // The 22nd of all fields: ticks since the machine started.
    let ticks: f64 = fields(pid)?.get(19)?.parse().ok()?;
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = stat.lines().find_map(|l| l.strip_prefix("btime ")?.parse().ok())?;
    // btime is in whole seconds; the uptime says the rest.
    let uptime: f64 = std::fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs_f64();
    let exact_boot = if (now - uptime - boot).abs() < 2.0 { now - uptime } else { boot };
    Some((exact_boot + ticks / 100.0) * 1_000.0)
}
