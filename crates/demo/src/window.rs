//! The window on the demo's migration, with the workload running until it is closed.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use switchyard_rig::{Major, Rig, RigOptions, Schema, Workload, WorkloadConfig};

use crate::{
    Failure,
    layout::{self, MIGRATION},
    planted,
};

/// Runs until the window is closed.
pub async fn run(scale: f64) -> Result<ExitCode, Failure> {
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
    let workload = Workload::start(WorkloadConfig::of(&rig)).await?;
    let folder = rig.dir().join("switchyard");
    std::fs::create_dir_all(&folder)?;
    let driver = layout::open(&rig, &folder, false).await?;
    // The window drives; this process only made the migration.
    driver.api.shut_down().await;
    let passfile = passfile(&rig, &folder)?;
    let app = beside_us("switchyard")?;
    eprintln!(
        "The window opens on “{MIGRATION}”; close it to end the demo. Its limits are the demo's: seconds instead of hours."
    );
    eprintln!(
        "Once the copy is done somebody drops an index on the target; with reads there, the Queries page finds which one."
    );
    let planting = async {
        planted::drop_once_copied(&rig.target).await;
        // What is mended stays mended.
        std::future::pending().await
    };
    let status = tokio::process::Command::new(&app)
        .args(["--open", MIGRATION])
        .env("SWITCHYARD_STORE", folder.join("switchyard.db"))
        .env("PGPASSFILE", &passfile)
        .kill_on_drop(true)
        .status();
    let status = tokio::select! {
        status = status => status,
        status = planting => status,
    }
    .map_err(|e| format!("{} cannot be started: {e}", app.display()))?;
    let report = workload.stop().await;
    eprintln!("{} writes were acknowledged, {} client errors.", report.acknowledged.len(), report.client_errors());
    rig.stop().await?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The demo's passwords in libpq's own format, for machines without a keyring: made for this run, mode 0600, removed with
/// the rig's folder.
fn passfile(rig: &Rig, folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join("pgpass");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    for server in [&rig.source, &rig.target] {
        let login = &server.logins.switchyard;
        writeln!(file, "{}:{}:*:{}:{}", server.host, server.port, login.user, login.password)?;
    }
    for pooler in &rig.poolers {
        writeln!(file, "{}:{}:*:{}:{}", pooler.host, pooler.port, pooler.admin_user, pooler.admin_password)?;
        let app = &rig.source.logins.app;
        writeln!(file, "{}:{}:*:{}:{}", pooler.host, pooler.port, app.user, app.password)?;
    }
    Ok(path)
}

/// A binary in the folder of this one.
fn beside_us(name: &str) -> Result<PathBuf, Failure> {
    let me = std::env::current_exe()?;
    let folder = me.parent().ok_or("this program has no folder")?;
    Ok(folder.join(name))
}
