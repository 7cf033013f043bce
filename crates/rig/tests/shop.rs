//! The rig proves itself: servers come up, the workload runs clean, and the ledger sees what it is there to see.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, Row, raw_sql};
use switchyard_rig::ledger::{self, EntryId};
use switchyard_rig::{Major, Rig, RigOptions, Schema, Workload, WorkloadConfig};

/// Waits until `condition` holds; panics after ten seconds.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "waited ten seconds for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workload_runs_clean_through_the_front() {
    let rig = Rig::start(RigOptions::default()).await.unwrap();
    assert_eq!(rig.target.major, Major::best());
    let workload = Workload::start(WorkloadConfig { think: Duration::ZERO, ..WorkloadConfig::of(&rig) }).await.unwrap();
    until("500 writes", || workload.acknowledged() >= 500).await;
    let mark = workload.mark();
    workload.pause().await;
    let held = workload.acknowledged();
    assert!(workload.longest_pause_since(mark) < Duration::from_secs(2), "nothing is in the way");
    assert_eq!(workload.acknowledged(), held, "a paused workload writes nothing");
    workload.resume();
    until("further writes", || workload.acknowledged() >= held + 500).await;

    let report = workload.stop().await;
    assert_eq!(report.client_errors(), 0, "{:?}", report.first_errors);
    assert!(report.uncertain.is_empty() && report.reads > 0);
    let found = ledger::check(&rig.source.switchyard_url(), &report.acknowledged).await.unwrap();
    assert!(found.is_clean(), "{found:?}");
    assert_eq!(found.acknowledged, report.acknowledged.len());
    assert_eq!(found.unacknowledged, 0, "every row was acknowledged");
    rig.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_finds_planted_loss_copy_and_change() {
    let rig = Rig::start(RigOptions { routers: false, ..RigOptions::default() }).await.unwrap();
    let file = tempfile::tempdir().unwrap();
    let ledger_file = file.path().join("ledger");
    let config = WorkloadConfig { ledger_file: Some(ledger_file.clone()), writers: 2, ..WorkloadConfig::of(&rig) };
    let workload = Workload::start(config).await.unwrap();
    until("60 writes", || workload.acknowledged() >= 60).await;
    let report = workload.stop().await;
    assert_eq!(ledger::Acknowledged::read(&ledger_file).unwrap(), report.acknowledged, "the file says the same");

    let mut admin = rig.source.connect("shop").await.unwrap();
    let row = raw_sql("SELECT min(client_id) FROM ledger_entry").fetch_one(&mut admin).await.unwrap();
    let client: i64 = row.get(0);
    for sql in [
        "DELETE FROM ledger_entry WHERE client_id = $1 AND number = 3",
        "INSERT INTO ledger_entry (client_id, number, payload) SELECT client_id, number, payload FROM ledger_entry WHERE client_id = $1 AND number = 5",
        "UPDATE ledger_entry SET payload = payload || '.' WHERE client_id = $1 AND number = 7",
        "INSERT INTO ledger_entry (client_id, number, payload) VALUES ($1, 1000000, 'nobody was told')",
    ] {
        sqlx::query(sql).bind(client).execute(&mut admin).await.unwrap();
    }
    let found = ledger::check(&rig.source.app_url(), &report.acknowledged).await.unwrap();
    let entry = |number| vec![EntryId { client, number }];
    assert_eq!((found.lost, found.duplicated, found.altered), (entry(3), entry(5), entry(7)));
    assert_eq!(found.unacknowledged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_pooler_shows_as_a_pause_and_not_as_an_error() {
    let rig = Rig::start(RigOptions { poolers: 1, ..RigOptions::default() }).await.unwrap();
    let workload = Workload::start(WorkloadConfig::of(&rig)).await.unwrap();
    until("50 writes", || workload.acknowledged() >= 50).await;
    let mark = workload.mark();
    let mut admin = switchyard_admin(&rig.poolers[0].admin_url()).await;
    raw_sql("PAUSE app_rw").execute(&mut admin).await.unwrap();
    let held = Instant::now();
    until("a pause of 200 ms", || workload.longest_pause_since(mark) > Duration::from_millis(200)).await;
    raw_sql("RESUME app_rw").execute(&mut admin).await.unwrap();
    let hold = held.elapsed();
    let before = workload.acknowledged();
    until("writes after the hold", || workload.acknowledged() > before + 20).await;
    let longest = workload.longest_pause_since(mark);
    assert!(longest < hold + Duration::from_millis(500), "{longest:?} of {hold:?}");
    assert_eq!(workload.errors(), 0);
    assert_eq!(workload.longest_pause_since(workload.mark()).as_millis() / 1000, 0, "a later mark forgets the hold");
    workload.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_source_is_an_error_that_clients_recover_from() {
    let rig = Rig::start(RigOptions::default()).await.unwrap();
    let workload = Workload::start(WorkloadConfig { think: Duration::ZERO, ..WorkloadConfig::of(&rig) }).await.unwrap();
    until("200 writes", || workload.acknowledged() >= 200).await;
    rig.source.kill().await.unwrap();
    until("errors", || workload.errors() > 0).await;
    rig.source.restart().await.unwrap();
    let before = workload.acknowledged();
    until("writes after the restart", || workload.acknowledged() > before + 100).await;
    let report = workload.stop().await;
    let found = ledger::check(&rig.source.app_url(), &report.acknowledged).await.unwrap();
    assert!(found.is_clean(), "what was acknowledged survives SIGKILL: {found:?}");
    assert!(found.unacknowledged <= report.uncertain.len() as u64, "only uncertain writes may be there unasked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_has_what_migrations_stumble_over() {
    let options = RigOptions { routers: false, schema: Some(Schema::Shop { scale: 0.01 }), ..RigOptions::default() };
    let rig = Rig::start(options).await.unwrap();
    let mut admin = rig.source.connect("shop").await.unwrap();
    let counted = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                   WHERE nspname IN ('public', 'audit') AND NOT relispartition AND relkind IN ('r', 'p')";
    let tables: i64 = raw_sql(counted).fetch_one(&mut admin).await.unwrap().get(0);
    assert!(tables >= 14, "{tables} tables");
    let empty = "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                 WHERE nspname IN ('public', 'audit') AND relkind IN ('r', 'p') AND reltuples = 0
                 AND NOT relispartition AND relname <> 'ledger_entry'";
    let empty: Vec<String> = raw_sql(empty).fetch_all(&mut admin).await.unwrap().iter().map(|r| r.get(0)).collect();
    assert!(empty.is_empty(), "tables without a row: {empty:?}");
}

async fn switchyard_admin(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}
