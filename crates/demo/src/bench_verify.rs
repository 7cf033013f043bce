//! The speed of a comparison, measured beside its floor: both sides at once, one statement each.
//!
//! 5 M rows as the peers' figures in the docs have them; equal, and with 1 000 rows changed, 100 missing and 100 extra. Where
//! the peer `reladiff` is installed, it compares the same equal tables in the same run.

use std::{process::ExitCode, sync::Arc, time::Instant};

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_api::{
    Options, Pace, Switchyard,
    verify::{End, VerifyRequest},
};
use switchyard_rig::{Major, Server, ServerOptions};

use crate::{Failure, bench_verify_shapes};

/// Runs of each; the median counts.
const RUNS: usize = 3;

/// The table of the benchmark; `$rows` rows.
const TABLE: &str = "CREATE TABLE public.bench (id bigint PRIMARY KEY, customer int NOT NULL, amount numeric(12,2), status text, \
     note text, at timestamptz, paid bool, ref uuid)";

const FILL: &str = "INSERT INTO public.bench SELECT i, ((i * 7919) % 100000)::int, ((i * 31) % 1000000) / 100.0, \
     (ARRAY['new', 'paid', 'sent', 'done'])[1 + (i % 4)::int], 'order number ' || i || ' of the customer', \
     timestamptz '2026-01-01' + i * interval '1 second', i % 2 = 0, md5(i::text)::uuid FROM generate_series(1::int8, $rows) i";

/// 1 000 changed, 100 missing, 100 extra, scattered.
const CORRUPT: &str = "UPDATE public.bench SET amount = amount + 0.01 WHERE id % ($rows / 1000) = 77; \
     DELETE FROM public.bench WHERE id % ($rows / 100) = 123; \
     INSERT INTO public.bench SELECT $rows + i, 1, 1, 'x', 'extra' FROM generate_series(1, 100) i";

const FLOOR: &str = "SELECT bit_xor(hash_record_extended(t.*, 0)) FROM public.bench t";

#[derive(Debug, Serialize)]
struct Row {
    pair: String,
    data: &'static str,
    rows: i64,
    floor_s: f64,
    ours_s: f64,
    ratio: f64,
    findings: usize,
    peak_mb: f64,
    reladiff_s: Option<f64>,
}

/// One comparison of ours.
pub(crate) struct Verified {
    pub(crate) seconds: f64,
    pub(crate) findings: usize,
    /// The most memory that this process had during it.
    pub(crate) peak_mb: f64,
}

/// Every pair and both kinds of data; a table on stderr and JSON on stdout.
pub async fn run(rows: i64) -> Result<ExitCode, Failure> {
    let mut table = Vec::new();
    for target in [Major::V15, Major::best()] {
        let (source, target) = tokio::try_join!(server(Major::V15, rows), server(target, rows))?;
        table.push(measure(&source, &target, "equal", rows).await?);
        execute(&target, &CORRUPT.replace("$rows", &rows.to_string())).await?;
        table.push(measure(&source, &target, "1000 changed, 100 missing, 100 extra", rows).await?);
        source.stop().await?;
        target.stop().await?;
    }
    eprintln!(
        "\n| pair | data | floor | ours | ratio | findings | peak memory | reladiff |\n|---|---|---|---|---|---|---|---|"
    );
    for r in &table {
        let peer = r.reladiff_s.map_or_else(|| "not installed".to_owned(), |s| format!("{s:.1} s"));
        eprintln!(
            "| {} | {} | {:.2} s | {:.2} s | {:.2} × | {} | {:.0} MB | {peer} |",
            r.pair, r.data, r.floor_s, r.ours_s, r.ratio, r.findings, r.peak_mb
        );
    }
    let shapes = bench_verify_shapes::run().await?;
    println!("{}", serde_json::json!({ "one_table": table, "shapes": shapes }));
    let exact = table.iter().all(|r| r.findings == if r.data == "equal" { 0 } else { 1200 })
        && shapes.iter().all(|s| s.findings == 0);
    Ok(if exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(crate) async fn server(major: Major, rows: i64) -> Result<Server, Failure> {
    let server = Server::start(major, ServerOptions::default()).await?;
    eprintln!("building {rows} rows on PostgreSQL {}", server.version);
    let fill = FILL.replace("$rows", &rows.to_string());
    execute(&server, &format!("{TABLE}; {fill}; ")).await?;
    execute(&server, "VACUUM ANALYZE public.bench").await?;
    execute(&server, "CHECKPOINT").await?;
    Ok(server)
}

pub(crate) async fn execute(server: &Server, sql: &str) -> Result<(), Failure> {
    let mut connection = PgConnection::connect(&server.admin_url("shop")).await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
    Ok(())
}

async fn measure(source: &Server, target: &Server, data: &'static str, rows: i64) -> Result<Row, Failure> {
    // Once without counting: what it reads is in memory then, for the floor as for us.
    floor(source, target).await?;
    let (mut floors, mut ours, mut findings, mut peak_mb) = (Vec::new(), Vec::new(), 0, 0.0_f64);
    for _ in 0..RUNS {
        floors.push(floor(source, target).await?);
        let verified = verify(source, target, &["public.bench"], 1).await?;
        ours.push(verified.seconds);
        findings = verified.findings;
        peak_mb = peak_mb.max(verified.peak_mb);
    }
    let (floor_s, ours_s) = (median(&floors), median(&ours));
    Ok(Row {
        pair: format!("{} → {}", source.version, target.version),
        data,
        rows,
        floor_s,
        ours_s,
        ratio: ours_s / floor_s,
        findings,
        peak_mb,
        reladiff_s: reladiff(source, target)?,
    })
}

async fn floor(source: &Server, target: &Server) -> Result<f64, Failure> {
    let began = Instant::now();
    tokio::try_join!(execute(source, FLOOR), execute(target, FLOOR))?;
    Ok(began.elapsed().as_secs_f64())
}

/// Connecting and reading the catalogs included.
pub(crate) async fn verify(
    source: &Server,
    target: &Server,
    tables: &[&str],
    lanes: usize,
) -> Result<Verified, Failure> {
    let folder = source.data_dir.parent().unwrap_or(&source.data_dir).join("switchyard.db");
    let api = Switchyard::open(Options { store: Some(folder), ..Options::default() }).await?;
    let end = |server: &Server| End { reference: server.admin_url("shop"), password: None };
    let request = VerifyRequest {
        source: end(source),
        target: end(target),
        tables: tables.iter().map(|t| (*t).to_owned()).collect(),
        exact: false,
        lanes,
        settle: std::time::Duration::ZERO,
        repair: None,
        resume: None,
    };
    forget_peak();
    let began = Instant::now();
    let verified = api.verify(request, Arc::new(Pace::default())).await?;
    let seconds = began.elapsed().as_secs_f64();
    api.shut_down().await;
    Ok(Verified { seconds, findings: verified.findings, peak_mb: peak_mb() })
}

/// Lets the kernel count the peak of this process's memory from here.
fn forget_peak() {
    // Where it cannot, the peak is that of the whole run, which is no less.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().map_or(f64::NAN, |kb| kb / 1024.0)
}

/// The peer on the same tables; None where it is not installed.
///
/// # Errors
/// When it does not compare: it ends well also when it only complains.
fn reladiff(source: &Server, target: &Server) -> Result<Option<f64>, Failure> {
    if std::process::Command::new("reladiff").arg("--version").output().is_err() {
        return Ok(None);
    }
    let began = Instant::now();
    let out = std::process::Command::new("reladiff")
        .args([&peer_url(source), "public.bench", &peer_url(target), "public.bench"])
        .args(["-k", "id", "-c", "%", "-j", "4", "--stats"])
        .output()?;
    let seconds = began.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&out.stdout);
    if !said.contains("rows in table A") {
        return Err(format!("reladiff compared nothing: {}", String::from_utf8_lossy(&out.stderr).trim()).into());
    }
    Ok(Some(seconds))
}

/// The only scheme that the peer knows.
fn peer_url(server: &Server) -> String {
    server.admin_url("shop").replacen("postgres://", "postgresql://", 1)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    switchyard_model::lag::percentile(values, 50.0).unwrap_or(f64::NAN)
}
