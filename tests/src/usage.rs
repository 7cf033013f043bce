//! What a running app costs.

use std::time::{Duration, Instant};

use crate::{App, process};

/// What was used over a while by the app and its webview.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Percent of one core, all processes.
    pub cpu_percent: f64,
    /// Largest sum of proportional memory, MB: what the machine would have free without them.
    pub memory_mb: f64,
    /// Largest sum of resident memory, MB: counts what the processes share once each.
    pub resident_mb: f64,
    /// The same three per process: name, percent of a core, proportional MB.
    pub processes: Vec<(String, f64, f64)>,
}

/// Watches for `window`, looking once a second.
pub async fn watch(app: &App, window: Duration) -> Usage {
    let pids = app.processes();
    let before: Vec<u64> = pids.iter().map(|p| process::ticks(*p)).collect();
    let begun = Instant::now();
    let (mut memory, mut resident) = (0, 0);
    while begun.elapsed() < window {
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory = memory.max(pids.iter().map(|p| process::proportional_kb(*p)).sum());
        resident = resident.max(pids.iter().map(|p| process::resident_kb(*p)).sum());
    }
    let seconds = begun.elapsed().as_secs_f64();
    // A tick is 10 ms, so ticks per second are percent of a core.
    let percent = |pid: u32, before: u64| process::ticks(pid).saturating_sub(before) as f64 / seconds;
    let processes: Vec<_> = pids
        .iter()
        .zip(before)
        .map(|(pid, before)| {
            (process::name(*pid), percent(*pid, before), process::proportional_kb(*pid) as f64 / 1024.0)
        })
        .collect();
    Usage {
        cpu_percent: processes.iter().map(|p| p.1).sum(),
        memory_mb: memory as f64 / 1024.0,
        resident_mb: resident as f64 / 1024.0,
        processes,
    }
}

impl App {
    /// Milliseconds from the start of the process to the first picture with the migration's own figures on it, by the mark
    /// that the page sets once that picture was drawn.
    pub async fn first_content_ms(&self) -> f64 {
        let mark = "const [m] = performance.getEntriesByName('first-content');
            return m === undefined ? null : performance.timeOrigin + m.startTime";
        let what = "the page has noted its first figures";
        let drawn = self.wait_for(what, crate::WAIT, async || self.script(mark, Vec::new()).await.as_f64()).await;
        drawn - process::started_ms(self.pid()).unwrap_or(f64::NAN)
    }
}
