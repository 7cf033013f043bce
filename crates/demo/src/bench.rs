//! The write pause, measured: 20 switches, half of them rollbacks, beside an empty PAUSE/RESUME.
//!
//! Three settings: 16 clients, 200 clients, and 16 clients with 500 more tables in scope.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use serde::Serialize;
use sqlx::Connection;
use switchyard_api::dto::{Nothing, SetLimits};
use switchyard_model::{
    Command, Side,
    limits::{Limits, Rung},
};
use switchyard_rig::{Major, Pooler, Rig, RigOptions, Schema, Workload, WorkloadConfig};

use crate::{
    Failure,
    driver::Driver,
    journey,
    layout::{self, MIGRATION},
};

/// Switches per setting, half of them rollbacks.
const SWITCHES: usize = 20;

/// One setting's figures, ms.
#[derive(Debug, Serialize)]
struct Setting {
    name: &'static str,
    clients: usize,
    tables: usize,
    switches: usize,
    client_pause_median_ms: f64,
    client_pause_worst_ms: f64,
    stopwatch_median_ms: f64,
    empty_pause_median_ms: f64,
    empty_pause_worst_ms: f64,
    ratio_to_empty: f64,
    errors_in_switches: u64,
    errors_in_empty_pauses: u64,
}

/// Runs every setting, or those whose name holds `only`, and prints a table on stderr and JSON on stdout.
pub async fn run(scale: f64, only: Option<&str>) -> Result<ExitCode, Failure> {
    let mut settings = Vec::new();
    for (name, clients, think_ms, extra_tables) in [
        ("16 clients, demo tables", 16, 20, 0),
        ("200 clients, demo tables", 200, 100, 0),
        ("16 clients, 500 more tables", 16, 20, 500),
    ] {
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        eprintln!("== {name}");
        settings.push(setting(name, clients, think_ms, extra_tables, scale).await?);
    }
    eprintln!(
        "\n| setting | client pause, median | worst | our stopwatch, median | empty PAUSE/RESUME, median | worst | ratio | errors in switches | in empty pauses |"
    );
    eprintln!("|---|---|---|---|---|---|---|---|---|");
    for s in &settings {
        eprintln!(
            "| {} | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {:.2} × | {} | {} |",
            s.name,
            s.client_pause_median_ms,
            s.client_pause_worst_ms,
            s.stopwatch_median_ms,
            s.empty_pause_median_ms,
            s.empty_pause_worst_ms,
            s.ratio_to_empty,
            s.errors_in_switches,
            s.errors_in_empty_pauses
        );
    }
    println!("{}", serde_json::to_string(&settings)?);
    Ok(ExitCode::SUCCESS)
}

async fn setting(
    name: &'static str,
    clients: usize,
    think_ms: u64,
    extra: usize,
    scale: f64,
) -> Result<Setting, Failure> {
    let rig = Rig::start(RigOptions {
        source: Major::V15,
        target: Major::best(),
        poolers: 1,
        schema: Some(Schema::Shop { scale }),
        ..RigOptions::default()
    })
    .await?;
    if extra > 0 {
        rig.source
            .execute(&format!(
                "DO $$ BEGIN FOR i IN 1..{extra} LOOP
                   EXECUTE format('CREATE TABLE public.extra_%s (id bigint PRIMARY KEY, v text)', i);
                   EXECUTE format('ALTER TABLE public.extra_%s OWNER TO app', i);
                 END LOOP; END $$"
            ))
            .await?;
    }
    let config = WorkloadConfig {
        writers: clients,
        readers: 2,
        think: Duration::from_millis(think_ms),
        ..WorkloadConfig::of(&rig)
    };
    let workload = Workload::start(config).await?;
    let folder = rig.dir().join("switchyard");
    std::fs::create_dir_all(&folder)?;
    let driver = layout::open(&rig, &folder, true).await?;
    journey::phases(&driver).await?;
    at_once(&driver).await?;
    let mut pauses = Vec::new();
    let mut watches = Vec::new();
    for i in 0..SWITCHES {
        let command = if i % 2 == 0 { Command::SwitchWrites } else { Command::RollBack };
        if command == Command::SwitchWrites {
            driver.run(Command::ShiftReads { percent: 100 }, "").await?;
        }
        let mark = workload.mark();
        driver.run(command, "bench").await?;
        tokio::time::sleep(Duration::from_millis(400)).await;
        pauses.push(workload.longest_pause_since(mark).as_secs_f64() * 1000.0);
        let c = driver.cockpit().await?;
        let card = if c.authority == Side::Target { c.last_forward } else { c.last_rollback };
        watches.extend(card.map(|c| c.stopwatch.write_pause_ms));
    }
    let tables = driver.cockpit().await?.validation.map_or(0, |v| v.tables.len());
    let errors_in_switches = workload.errors();
    let empty = empty_pauses(&rig.poolers, &workload).await?;
    let errors_in_empty_pauses = workload.stop().await.client_errors() - errors_in_switches;
    driver.api.shut_down().await;
    rig.stop().await?;
    Ok(Setting {
        name,
        clients,
        tables,
        switches: pauses.len(),
        client_pause_median_ms: median(&pauses),
        client_pause_worst_ms: worst(&pauses),
        stopwatch_median_ms: median(&watches),
        empty_pause_median_ms: median(&empty),
        empty_pause_worst_ms: worst(&empty),
        ratio_to_empty: median(&pauses) / median(&empty),
        errors_in_switches,
        errors_in_empty_pauses,
    })
}

/// A ladder of one rung, without waiting: what is measured is the pause, not the patience.
async fn at_once(driver: &Driver) -> Result<(), Failure> {
    let limits = Limits {
        template: "bench".to_owned(),
        lag_hold_s: 0,
        ladder: vec![Rung { percent: 100, soak_s: 0 }],
        ..Limits::demo()
    };
    let _: Nothing = driver.call("set_limits", SetLimits { migration: MIGRATION.to_owned(), limits }).await?;
    Ok(())
}

/// The floor: PAUSE and RESUME with nothing in between, as the client that waited longest felt it.
async fn empty_pauses(poolers: &[Pooler], workload: &Workload) -> Result<Vec<f64>, Failure> {
    let mut felt = Vec::new();
    for _ in 0..SWITCHES {
        let mark = workload.mark();
        let began = Instant::now();
        for pooler in poolers {
            let mut console = sqlx::PgConnection::connect(&pooler.admin_url()).await?;
            sqlx::raw_sql("PAUSE app_rw").execute(&mut console).await?;
            sqlx::raw_sql("RESUME app_rw").execute(&mut console).await?;
        }
        tracing::debug!(ms = began.elapsed().as_secs_f64() * 1000.0, "empty pause");
        tokio::time::sleep(Duration::from_millis(500)).await;
        felt.push(workload.longest_pause_since(mark).as_secs_f64() * 1000.0);
    }
    Ok(felt)
}

fn median(values: &[f64]) -> f64 {
    switchyard_model::lag::percentile(values, 50.0).unwrap_or(f64::NAN)
}

fn worst(values: &[f64]) -> f64 {
    switchyard_model::lag::percentile(values, 100.0).unwrap_or(f64::NAN)
}
