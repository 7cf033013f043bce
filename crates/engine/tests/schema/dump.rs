//! A schema that was dumped by the source's own pg_dump and restored is the same schema.

use std::process::Command;

use switchyard_rig::{DATABASE, Major, Server};

use crate::bed::{Bed, named};

/// The demo's shop, file by file.
const SHOP: [&str; 4] = [
    include_str!("../../../rig/schema/01_types.sql"),
    include_str!("../../../rig/schema/02_tables.sql"),
    include_str!("../../../rig/schema/04_constraints.sql"),
    include_str!("../../../rig/schema/05_triggers.sql"),
];

/// What `pg_dump --schema-only` writes, without the client's own commands.
fn dump(server: &Server) -> String {
    let bin = server.major.client_bin().unwrap();
    let superuser = &server.logins.superuser;
    let out = Command::new(bin.join("pg_dump"))
        .args(["--schema-only", "--host", &server.host, "--port", &server.port.to_string()])
        .args(["--username", &superuser.user, "--dbname", DATABASE])
        .env("PGPASSWORD", &superuser.password)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with('\\')).map(|line| format!("{line}\n")).collect()
}

/// A dump does not carry the cluster's part: settings of databases and roles.
fn cluster(script: &str) -> String {
    let of_cluster = |line: &&str| line.starts_with("ALTER DATABASE") || line.starts_with("ALTER ROLE");
    script.lines().filter(of_cluster).collect::<Vec<_>>().join("\n")
}

async fn restored(target: Major, script: &str) {
    let Some(bed) = Bed::start_empty(target).await else { return };
    bed.source_runs(script).await;
    bed.target_runs(&cluster(script)).await.unwrap();
    bed.target_runs(&dump(bed.source())).await.unwrap();
    let compared = bed.compare().await;
    assert!(compared.differences.is_empty(), "{}", named(&compared.differences));
    let equal: u32 = compared.counts.values().map(|c| c.equal).sum();
    assert!(equal > 10, "something was compared: {:?}", compared.counts);
}

async fn both(script: &str) {
    tokio::join!(restored(Major::V15, script), restored(Major::V18, script));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_shop() {
    both(&SHOP.join("\n")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chinook() {
    both(include_str!("chinook.sql")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn something_of_every_kind() {
    both(include_str!("base.sql")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_of_every_sort() {
    both(include_str!("views.sql")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_hundred_tables() {
    both(include_str!("large.sql")).await;
}
