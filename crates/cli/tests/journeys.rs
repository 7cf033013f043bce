//! The whole journey over every pair of versions, as a script would walk it: there, back, there again, cleanup, with a
//! ledger of every acknowledged write.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::Duration;

use ctl::{Ctl, MIGRATION};
use sqlx::{AssertSqlSafe, Connection};
use switchyard_rig::{DATABASE, Major, RigOptions, Server, Workload, WorkloadConfig, ledger};

const PATIENCE: Duration = Duration::from_secs(30);

/// Everything of ours that a person could find.
const OURS: &str = "SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname IN ('switchyard', 'switchyard_drill') \
    UNION ALL SELECT 'trigger on ' || tgrelid::regclass FROM pg_trigger WHERE tgname = 'switchyard_fence' \
    UNION ALL SELECT 'publication ' || pubname FROM pg_publication \
    UNION ALL SELECT 'subscription ' || subname FROM pg_subscription \
    UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots \
    UNION ALL SELECT 'origin ' || roname FROM pg_replication_origin";

async fn texts(server: &Server, sql: &str) -> Vec<String> {
    let mut connection = sqlx::PgConnection::connect(&server.admin_url(DATABASE)).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
}

/// Whether this machine has what the pair needs; says so loudly where it has not.
fn can_be_had(source: Major, target: Major) -> bool {
    for major in [source, target] {
        if !major.available() {
            println!("SKIPPED: {major:?} is not on this machine; scripts/setup.sh test brings it");
            return false;
        }
    }
    if source.client_bin().is_none() {
        println!("SKIPPED: there is no pg_dump for {source:?} on this machine; scripts/setup.sh test brings it");
        return false;
    }
    true
}

async fn start(source: Major, target: Major) -> Ctl {
    Ctl::start(RigOptions { source, target, poolers: 1, ..RigOptions::default() }).await
}

/// Reads to 100 %, then writes.
fn forward(ctl: &Ctl) {
    ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    ctl.done(&["run", MIGRATION, "writes", "--wait", "60"]);
    assert_eq!(ctl.status()["authority"], "target", "writes are on the target");
}

/// Findings and unproven rows of every pass, from the journal.
fn validations(ctl: &Ctl) -> Vec<(i64, i64)> {
    let journal = ctl.done(&["journal", MIGRATION, "--limit", "5000"]);
    let entries = journal["lines"].as_array().unwrap().iter().map(|line| &line["recorded"]);
    let passes = entries.filter(|e| e["entry"] == "step_done" && e["step"] == "digest_tables");
    passes.map(|e| (e["output"]["findings"].as_i64().unwrap(), e["output"]["unproven"].as_i64().unwrap())).collect()
}

async fn there_and_back(source: Major, target: Major) {
    if !can_be_had(source, target) {
        return;
    }
    let ctl = start(source, target).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    forward(&ctl);
    ctl.done(&["rollback", MIGRATION]);
    let status = ctl.status();
    assert_eq!((&status["authority"], &status["reads_on_target"]), (&"source".into(), &0.into()), "all is back");
    forward(&ctl);
    // The other way round: the target has the authority now.
    ctl.done(&["run", MIGRATION, "validate", "--wait", "60"]);
    assert_eq!(validations(&ctl), [(0, 0); 2], "no table differs, and none is unproven, in either direction");
    ctl.nobody_drives(PATIENCE);
    ctl.done(&["run", MIGRATION, "cleanup", MIGRATION, "--wait", "60"]);
    let report = workload.stop().await;
    let check = ledger::check(&ctl.rig.target.app_url(), &report.acknowledged).await.unwrap();
    println!(
        "{source:?} → {target:?}: {} acknowledged writes, {} client errors {:?}, longest write {:?}",
        check.acknowledged,
        report.client_errors(),
        report.first_errors,
        report.longest_write
    );
    assert!(check.acknowledged > 500, "a ledger of {} writes proves little", check.acknowledged);
    assert!(check.is_clean(), "lost {:?}, twice {:?}, altered {:?}", check.lost, check.duplicated, check.altered);
    assert_eq!(report.client_errors(), 0, "no client noticed: {:?}", report.first_errors);
    for server in [&ctl.rig.source, &ctl.rig.target] {
        assert_eq!(texts(server, OURS).await, Vec::<String>::new(), "after cleanup nothing of ours is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_15_to_15() {
    there_and_back(Major::V15, Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_15_to_18() {
    there_and_back(Major::V15, Major::V18).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_18_to_18() {
    there_and_back(Major::V18, Major::V18).await;
}

/// Going down a version needs a dump that older servers do not read. It ends at the preflight, with nothing touched.
#[tokio::test(flavor = "multi_thread")]
async fn from_18_to_15_is_refused_in_a_sentence() {
    if !can_be_had(Major::V18, Major::V15) {
        return;
    }
    let ctl = start(Major::V18, Major::V15).await;
    ctl.done(&["run", MIGRATION, "analyze", "--wait", "60"]);
    let out = ctl.output(&["run", MIGRATION, "prepare"]);
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "a closed gate is no failure to act: {said}");
    for part in ["source 18.", "target 15.", "Choose a target of the same or a newer major version"] {
        assert!(said.contains(part), "the refusal says what is wrong and what to do ({part}): {said}");
    }
    for server in [&ctl.rig.source, &ctl.rig.target] {
        assert_eq!(texts(server, OURS).await, Vec::<String>::new(), "a refusal touches nothing");
    }
}
