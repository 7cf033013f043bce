//! The whole journey: forward, back, forward again, cleanup, with a ledger of every acknowledged write.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use serde::Serialize;
use switchyard_api::dto::SwitchCard;
use switchyard_model::{Command, Side, drill::Failure as Failing, limits::Limits, validation::Validation};
use switchyard_rig::{Major, Rig, RigOptions, Schema, Workload, WorkloadConfig, ledger};

use crate::{
    Failure,
    driver::Driver,
    layout::{self, MIGRATION},
    planted::{self, SlowPlan},
};

/// The last line of stdout.
#[derive(Debug, Serialize)]
struct Figures {
    source: String,
    target: String,
    tables: usize,
    rows_copied: i64,
    drill: DrillFigures,
    slow_plan: SlowPlan,
    forward: SwitchFigures,
    rollback: SwitchFigures,
    forward_again: SwitchFigures,
    acknowledged_writes: usize,
    lost_writes: usize,
    duplicated_writes: usize,
    altered_writes: usize,
    client_errors: u64,
    uncertain_writes: usize,
    findings: usize,
    unproven: usize,
    lag_p95_ms: f64,
    write_rate_per_s: f64,
    seconds: f64,
}

/// The rehearsal before the ladder.
#[derive(Debug, Serialize)]
struct DrillFigures {
    failure: &'static str,
    noticed_ms: Option<f64>,
    total_ms: Option<f64>,
    failed_requests: u64,
    acknowledged_writes: usize,
    lost_writes: usize,
    passed: bool,
}

/// One switch.
#[derive(Debug, Serialize)]
struct SwitchFigures {
    /// From the first PAUSE to the last RESUME.
    write_pause_ms: f64,
    /// As the client that waited longest felt it, its own write included.
    client_pause_ms: f64,
    parts_ms: BTreeMap<String, f64>,
}

/// Runs it; 0 only if nothing was lost, duplicated or left different.
pub async fn run(scale: f64) -> Result<ExitCode, Failure> {
    let began = std::time::Instant::now();
    eprintln!("Starting PostgreSQL on both sides, PgBouncer and HAProxy, with about {:.0} rows …", scale * 322_000.0);
    let rig = Rig::start(RigOptions {
        source: Major::V15,
        target: Major::best(),
        poolers: 1,
        schema: Some(Schema::Shop { scale }),
        source_settings: planted::settings(),
        target_settings: planted::settings(),
        ..RigOptions::default()
    })
    .await?;
    planted::count_statements(&rig).await?;
    let source = format!("PostgreSQL {}", rig.source.version);
    let target = format!("PostgreSQL {}", rig.target.version);
    eprintln!("  source {source} on port {}, target {target} on port {}", rig.source.port, rig.target.port);
    let workload = Workload::start(WorkloadConfig::of(&rig)).await?;
    let folder = rig.dir().join("switchyard");
    std::fs::create_dir_all(&folder)?;
    let driver = layout::open(&rig, &folder, true).await?;

    phases(&driver).await?;
    let first = validated(&driver).await?;
    planted::drop_once_copied(&rig.target).await;
    let drill = drill(&driver).await?;
    ladder(&driver).await?;
    let mut slow_plan = planted::found(&driver).await?;
    let forward = switch(&driver, &workload, Command::SwitchWrites, "the demo goes forward").await?;
    // All reads are on the target meanwhile.
    planted::seen_again(&driver, &mut slow_plan).await?;
    let back = switch(&driver, &workload, Command::RollBack, "the demo shows that it can").await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    ladder(&driver).await?;
    let again = switch(&driver, &workload, Command::SwitchWrites, "the demo goes forward again").await?;
    driver.run(Command::Validate, "after the switch, the other way round").await?;
    let last = validated(&driver).await?;
    let lag = driver.cockpit().await?;
    let lag_p95_ms = [lag.lag, lag.way_back].into_iter().flatten().map(|l| l.p95_ms).fold(0.0, f64::max);
    driver.run(Command::Cleanup { typed_name: MIGRATION.to_owned() }, "the demo ends").await?;

    let report = workload.stop().await;
    let check = ledger::check(&rig.target.app_url(), &report.acknowledged).await?;
    let figures = Figures {
        source,
        target,
        tables: first.tables.len(),
        rows_copied: first.tables.iter().map(|t| t.rows_target).sum(),
        drill,
        slow_plan,
        forward,
        rollback: back,
        forward_again: again,
        acknowledged_writes: check.acknowledged as usize,
        lost_writes: check.lost.len(),
        duplicated_writes: check.duplicated.len(),
        altered_writes: check.altered.len(),
        client_errors: report.client_errors(),
        uncertain_writes: report.uncertain.len(),
        findings: first.findings() + last.findings(),
        unproven: first.unproven() + last.unproven(),
        lag_p95_ms,
        write_rate_per_s: report.write_rate(),
        seconds: began.elapsed().as_secs_f64(),
    };
    for error in &report.first_errors {
        eprintln!("  a client saw: {error}");
    }
    driver.api.shut_down().await;
    rig.stop().await?;
    println!("{}", serde_json::to_string(&figures)?);
    let clean = figures.drill.passed
        && figures.slow_plan.is_mended
        && check.is_clean()
        && figures.findings == 0
        && figures.unproven == 0
        && figures.client_errors == 0;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Analysis to the first validation.
pub async fn phases(driver: &Driver) -> Result<(), Failure> {
    for command in [Command::Analyze, Command::Prepare, Command::Replicate, Command::Validate] {
        eprintln!("{}", command.phase().title());
        driver.run(command, "").await?;
    }
    Ok(())
}

/// A failure and the way back from it, before anything moves for good.
async fn drill(driver: &Driver) -> Result<DrillFigures, Failure> {
    let failure = Failing::TargetErrors;
    eprintln!("Drill: {}", failure.title());
    let r = driver.drill(failure).await?;
    let figures = DrillFigures {
        failure: failure.word(),
        noticed_ms: r.noticed_ms,
        total_ms: r.total_ms,
        failed_requests: r.failed_requests,
        acknowledged_writes: r.ledger.acknowledged,
        lost_writes: r.ledger.lost.len(),
        passed: r.passed,
    };
    match (r.why_not.first(), figures.total_ms) {
        (Some(why), _) => eprintln!("  failed: {why}"),
        (None, total) => eprintln!("  everything was back in {:.0} ms, no write lost", total.unwrap_or_default()),
    }
    Ok(figures)
}

async fn ladder(driver: &Driver) -> Result<(), Failure> {
    eprintln!("Traffic cutover");
    for rung in Limits::demo().ladder {
        driver.run(Command::ShiftReads { percent: rung.percent }, "").await?;
    }
    Ok(())
}

async fn validated(driver: &Driver) -> Result<Validation, Failure> {
    driver.cockpit().await?.validation.ok_or_else(|| "the validation left no result".into())
}

async fn switch(
    driver: &Driver,
    workload: &Workload,
    command: Command,
    reason: &str,
) -> Result<SwitchFigures, Failure> {
    let mark = workload.mark();
    driver.run(command.clone(), reason).await?;
    // The client that waits longest has been answered once every client has written again.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let client = workload.longest_pause_since(mark);
    let cockpit = driver.cockpit().await?;
    let card: Option<SwitchCard> = match cockpit.authority {
        Side::Target => cockpit.last_forward,
        Side::Source => cockpit.last_rollback,
    };
    let watch = card.ok_or("the switch left no stopwatch")?.stopwatch;
    let figures = SwitchFigures {
        write_pause_ms: watch.write_pause_ms,
        client_pause_ms: client.as_secs_f64() * 1000.0,
        parts_ms: watch.parts.into_iter().map(|p| (p.step, p.ms)).collect(),
    };
    eprintln!(
        "  write pause {:.1} ms, the client that waited longest {:.1} ms",
        figures.write_pause_ms, figures.client_pause_ms
    );
    Ok(figures)
}
