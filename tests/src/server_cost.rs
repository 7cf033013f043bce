//! What our sessions cost a PostgreSQL server, by the CPU time of their processes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use switchyard_rig::{DATABASE, Server};

use crate::process;

/// What was used over a while on one server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServerCost {
    /// Percent of one core: the sessions with our `application_name`.
    pub ours_percent: f64,
    /// The most of them that lived at once.
    pub sessions: usize,
    /// Percent of one core: the processes of the streams themselves, which any replication has.
    pub streams_percent: f64,
}

/// Sessions of ours by their name; senders and appliers of the streams by their kind.
const OURS: &str = "SELECT pid, application_name = 'switchyard' FROM pg_stat_activity
    WHERE application_name = 'switchyard' OR backend_type IN ('walsender', 'logical replication worker',
          'logical replication apply worker', 'logical replication launcher')";

/// Watches a server for `window`, looking once a second; a session that came and went in between is missed.
pub async fn watch(server: &Server, window: Duration) -> ServerCost {
    let mut connection = server.connect(DATABASE).await.unwrap();
    // Process id to whether it is ours, its CPU time when it was first seen, and when last.
    let mut seen: HashMap<i32, (bool, u64, u64)> = HashMap::new();
    let mut sessions = 0;
    let begun = Instant::now();
    let mut first = true;
    loop {
        let now: Vec<(i32, bool)> = sqlx::query_as(OURS).fetch_all(&mut connection).await.unwrap();
        sessions = sessions.max(now.iter().filter(|(_, ours)| *ours).count());
        for (pid, ours) in now {
            let ticks = process::ticks(pid.unsigned_abs());
            // One that came after the beginning cost what its login cost, too.
            let entry = seen.entry(pid).or_insert((ours, if first { ticks } else { 0 }, ticks));
            entry.2 = ticks;
        }
        first = false;
        if begun.elapsed() >= window {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    // A tick is 10 ms, so ticks per second are percent of a core.
    let percent = |wanted: bool| {
        let used = seen.values().filter(|(ours, ..)| *ours == wanted).map(|(_, from, to)| to.saturating_sub(*from));
        used.sum::<u64>() as f64 / seconds
    };
    ServerCost { ours_percent: percent(true), sessions, streams_percent: percent(false) }
}
