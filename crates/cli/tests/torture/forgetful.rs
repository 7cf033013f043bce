//! A winner that dies right behind the proof that it has everything. Its stream's worker commits without waiting for the disk,
//! so what it has shown once may be gone; writes must not go on there before it is back.

use std::{
    io::Write,
    sync::atomic::{AtomicI64, Ordering},
};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use switchyard_rig::{DATABASE, Rig, RigOptions};

use crate::ctl::{Ctl, MIGRATION};

/// The last number that was acknowledged.
static ACKNOWLEDGED: AtomicI64 = AtomicI64::new(0);

/// Around the poolers, until it is told that writes moved.
async fn write_until_refused(url: String) {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for n in 1.. {
        let sql = format!("INSERT INTO note VALUES (md5('{n}')::uuid, {n})");
        if raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.is_err() {
            return;
        }
        ACKNOWLEDGED.store(n, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_winner_that_dies_behind_the_proof_has_forgotten_nothing() {
    // What its worker committed stays in memory for long. Without sequences nothing of the switch itself is written there
    // between the proof and the point of no return.
    let lazy = vec![("wal_writer_delay".to_owned(), "10s".to_owned())];
    let rig = Rig::start(RigOptions { schema: None, target_settings: lazy, ..RigOptions::default() }).await.unwrap();
    let mut owner = PgConnection::connect(&rig.source.app_url()).await.unwrap();
    raw_sql("CREATE TABLE note (id uuid PRIMARY KEY, n bigint)").execute(&mut owner).await.unwrap();
    let ctl = Ctl::over(rig);
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    ctl.create_migration(MIGRATION, "a", "b");
    ctl.walk_to_validated();
    // Time for a server to die and come back while clients are held.
    ctl.set_limits(&[("hold_deadline_ms", json!(20_000))]);
    ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);

    let writer = tokio::spawn(write_until_refused(ctl.rig.source.app_url()));
    let asleep = ctl.freeze(&["run", MIGRATION, "writes", "--wait", "60"], "before:point_of_no_return");
    let target = &ctl.rig.target;
    target.kill().await.unwrap();
    // What it lost would come again over its stream; not before this has looked.
    let config = target.data_dir.join("postgresql.conf");
    let mut config = std::fs::OpenOptions::new().append(true).open(config).unwrap();
    writeln!(config, "max_logical_replication_workers = 0").unwrap();
    target.restart().await.unwrap();
    asleep.thaw();
    let out = asleep.finish();
    assert!(out.status.success(), "the switch goes through: {}", String::from_utf8_lossy(&out.stderr));
    writer.await.unwrap();

    let acknowledged = ACKNOWLEDGED.load(Ordering::SeqCst);
    assert!(acknowledged > 100, "{acknowledged} writes prove little");
    let mut connection = target.connect(DATABASE).await.unwrap();
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM note").fetch_one(&mut connection).await.unwrap();
    assert_eq!(there, acknowledged, "writes go on at the target, and it lacks what was acknowledged before");
}
