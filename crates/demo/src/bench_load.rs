//! The load generator beside pgbench: the same statement at the same rates on one server, one thread of sessions each.
//!
//! What is compared is the rate that was reached, how late transactions began, and the processor time of whoever sends. pgbench's
//! lateness is from its log of transactions, and holds those that waited for a session; ours as well, in its latency, and the
//! column beside it has the program's own error alone. A machine stands still now and then, and whoever is measured in that moment
//! looks bad: so both take turns several times, and of each figure the median is told.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use switchyard_engine::{
    db::connect::{Login, UnderLoad},
    secret::Secret,
};
use switchyard_load::{Bounds, Hold, Mix, Script, Stopped, hold, script::Variables};
use switchyard_model::endpoint::{Endpoint, TlsMode};
use switchyard_rig::{DATABASE, Major, Server};

use crate::{
    Failure,
    bench_verify::{execute, server},
};

/// Rows that are read.
const ROWS: i64 = 100_000;
/// Sessions of either.
const SESSIONS: usize = 8;
/// How long each rate is held.
const TIME: Duration = Duration::from_secs(10);
/// Turns of each at each rate; odd.
const TURNS: usize = 3;
/// Transactions per second.
const RATES: [u32; 3] = [1_000, 5_000, 20_000];
const SCRIPT: &str = "\\set id random(1, 100000)\nSELECT amount FROM public.bench WHERE id = :id;\n";
/// The kernel counts processor time in hundredths of a second.
const TICKS: f64 = 100.0;

#[derive(Debug, Serialize)]
struct Row {
    who: &'static str,
    asked: u32,
    reached: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// How late transactions began, P99.
    late_p99_ms: f64,
    /// Where a session was free: the generator's own error.
    own_p99_ms: Option<f64>,
    /// Of one core.
    cpu_percent: f64,
}

/// Both at each rate; a table on stderr and JSON on stdout.
pub async fn run() -> Result<ExitCode, Failure> {
    let Some(pgbench) = Major::V15.bin().map(|bin| bin.join("pgbench")).filter(|p| p.exists()) else {
        return Err("pgbench of PostgreSQL 15 is not installed: it comes with the package postgresql-15.".into());
    };
    let server = server(Major::best(), ROWS).await?;
    execute(&server, "SELECT sum(amount) FROM public.bench").await?;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("read.sql");
    std::fs::write(&script, SCRIPT)?;
    let mut table = Vec::new();
    for rate in RATES {
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            theirs.push(peer(&pgbench, &script, folder.path(), &server, rate).await?);
            own.push(ours(&server, rate).await?);
        }
        table.extend(median(&theirs).into_iter().chain(median(&own)));
    }
    eprintln!(
        "\n| who | asked/s | reached/s | P50 | P99 | begun late P99 | own error P99 | processor |\n|---|---|---|---|---|---|---|---|"
    );
    for r in &table {
        eprintln!(
            "| {} | {} | {:.0} | {:.2} ms | {:.2} ms | {:.3} ms | {} | {:.0} % |",
            r.who,
            r.asked,
            r.reached,
            r.p50_ms,
            r.p99_ms,
            r.late_p99_ms,
            r.own_p99_ms.map_or("–".to_owned(), |ms| format!("{ms:.3} ms")),
            r.cpu_percent
        );
    }
    println!("{}", serde_json::to_string(&table)?);
    server.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// The middle one of each figure.
fn median(turns: &[Row]) -> Option<Row> {
    let of = |figure: fn(&Row) -> f64| {
        let mut all: Vec<f64> = turns.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let first = turns.first()?;
    Some(Row {
        who: first.who,
        asked: first.asked,
        reached: of(|r| r.reached),
        p50_ms: of(|r| r.p50_ms),
        p99_ms: of(|r| r.p99_ms),
        late_p99_ms: of(|r| r.late_p99_ms),
        own_p99_ms: first.own_p99_ms.map(|_| of(|r| r.own_p99_ms.unwrap_or_default())),
        cpu_percent: of(|r| r.cpu_percent),
    })
}

async fn ours(server: &Server, rate: u32) -> Result<Row, Failure> {
    let secret = Secret::new(server.logins.superuser.password.clone());
    let endpoint = Endpoint {
        name: "bench".into(),
        host: server.host.clone(),
        port: server.port,
        database: DATABASE.into(),
        user: server.logins.superuser.user.clone(),
        tls: TlsMode::Disable,
        ca_file: None,
        peer_address: None,
    };
    let target = UnderLoad::at(Login { endpoint: &endpoint, password: Some(&secret) }, false)?;
    let mix = Mix::of(vec![(Script::read("read.sql", SCRIPT)?, 1)])?;
    let how =
        Hold { per_second: f64::from(rate), time: TIME, sessions: SESSIONS, variables: Variables::new(), seed: 1 };
    let free = Bounds { p99_ms: None, failed: None, backlog_s: 60.0 };
    let (before, began) = (processor(std::process::id()).unwrap_or(0.0), Instant::now());
    let f = hold(Arc::new(target), Arc::new(mix), how, free, Stopped::default()).await?;
    let cpu = processor(std::process::id()).unwrap_or(0.0) - before;
    let (latency, late, own) =
        f.latency.zip(f.late).zip(f.timing).map(|((a, b), c)| (a, b, c)).ok_or("nothing was measured")?;
    Ok(Row {
        who: "ours",
        asked: rate,
        reached: f.reached_per_second,
        p50_ms: latency.p50_ms,
        p99_ms: latency.p99_ms,
        late_p99_ms: late.p99_ms,
        own_p99_ms: Some(own.p99_ms),
        cpu_percent: cpu / began.elapsed().as_secs_f64() * 100.0,
    })
}

async fn peer(pgbench: &Path, script: &Path, folder: &Path, server: &Server, rate: u32) -> Result<Row, Failure> {
    let prefix = folder.join(format!("log{rate}"));
    let mut command = tokio::process::Command::new(pgbench);
    command
        .args(["--no-vacuum", "--client", &SESSIONS.to_string(), "--jobs", "1", "--time", &TIME.as_secs().to_string()])
        .args(["--rate", &rate.to_string(), "--log", "--log-prefix"])
        .arg(&prefix)
        .arg("--file")
        .arg(script)
        .args(["--host", &server.host, "--port", &server.port.to_string(), "--username", &server.logins.superuser.user])
        .arg(DATABASE)
        .env("PGPASSWORD", &server.logins.superuser.password)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn()?;
    let pid = child.id().ok_or("pgbench ended at once")?;
    let mut cpu = 0.0;
    let status = loop {
        // Its last count before it ends is near enough to its whole.
        tokio::select! {
            status = child.wait() => break status?,
            () = tokio::time::sleep(Duration::from_millis(50)) => cpu = processor(pid).unwrap_or(cpu),
        }
    };
    if !status.success() {
        return Err(format!("pgbench ended with {status}").into());
    }
    let seconds = began.elapsed().as_secs_f64();
    let (mut latency, mut late) = (Vec::new(), Vec::new());
    let log = std::fs::File::open(format!("{}.{pid}", prefix.display()))?;
    for line in BufReader::new(log).lines() {
        // client, transaction, latency µs, script, second, µs, lateness µs
        let line = line?;
        let fields: Vec<&str> = line.split(' ').collect();
        if let (Some(Ok(took)), Some(Ok(lag))) =
            (fields.get(2).map(|f| f.parse::<f64>()), fields.get(6).map(|f| f.parse::<f64>()))
        {
            latency.push(took / 1000.0);
            late.push(lag / 1000.0);
        }
    }
    let at = |of: &mut Vec<f64>, share: f64| {
        of.sort_by(f64::total_cmp);
        of.get(((of.len() as f64 * share) as usize).min(of.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    Ok(Row {
        who: "pgbench",
        asked: rate,
        reached: latency.len() as f64 / TIME.as_secs_f64(),
        p50_ms: at(&mut latency, 0.5),
        p99_ms: at(&mut latency, 0.99),
        late_p99_ms: at(&mut late, 0.99),
        own_p99_ms: None,
        cpu_percent: cpu / seconds * 100.0,
    })
}

/// Processor time of a process so far, s.
fn processor(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks; what follows its closing bracket does not.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / TICKS)
}
