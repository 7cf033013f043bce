//! The preflight on two real servers: a good pair passes, and what is wrong is found.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use postgres_server::{Bed, awkward_names};
use switchyard_engine::db::Catalog;
use switchyard_model::{check::Check, ident::quote, preflight, verdict::Verdict};
use switchyard_rig::Major;

async fn judged(source: &Bed, target: &Bed) -> Vec<Check> {
    preflight::judge(&source.db.inventory(1).await.unwrap(), &target.db.inventory(2).await.unwrap())
}

fn verdict<'a>(checks: &'a [Check], id: &str) -> &'a Verdict {
    &checks.iter().find(|c| c.id == id).unwrap_or_else(|| panic!("no check {id}")).verdict
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_pair_passes_everything() {
    let (source, target) = tokio::join!(Bed::start(Major::V15, &[]), Bed::start(Major::best(), &[]));
    source.execute("CREATE TABLE t (id bigserial PRIMARY KEY, doc jsonb)").await;
    for check in judged(&source, &target).await {
        assert!(check.verdict.opens(), "{}: {:?}", check.id, check.verdict);
    }
    // The same tables without rows are fine, one row is not, and deleting it without a trace is fine again.
    target.execute("CREATE TABLE t (id bigserial PRIMARY KEY, doc jsonb)").await;
    assert!(verdict(&judged(&source, &target).await, preflight::TARGET_EMPTY).opens());
    target.execute("INSERT INTO t DEFAULT VALUES").await;
    let full = judged(&source, &target).await;
    assert!(
        matches!(verdict(&full, preflight::TARGET_EMPTY), Verdict::Fail { why, .. } if why.contains("public.t is not empty"))
    );
    target.execute("TRUNCATE t").await;
    assert!(verdict(&judged(&source, &target).await, preflight::TARGET_EMPTY).opens());
    let same = judged(&source, &source).await;
    assert!(matches!(verdict(&same, "pair.two_databases"), Verdict::Fail { .. }), "one database on both ends is found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_remedy_for_a_missing_identity_can_be_run_as_it_is_written() {
    let settings = [("wal_level", "replica"), ("max_replication_slots", "1")];
    let source = Bed::start(Major::V15, &settings).await;
    source.execute(format!("CREATE SCHEMA {}", quote("My Schema"))).await;
    for table in awkward_names() {
        source.execute(format!("CREATE TABLE {table} (x int)")).await;
    }
    source.execute("CREATE UNLOGGED TABLE cache (x int PRIMARY KEY)").await;
    let checks = judged(&source, &source).await;
    for id in ["source.wal_level", "source.slots", "source.unlogged", "source.replica_identity"] {
        assert!(matches!(verdict(&checks, id), Verdict::Fail { .. }), "{id}: {:?}", verdict(&checks, id));
    }
    for id in ["source.replica_identity", "source.unlogged"] {
        let Verdict::Fail { remedy, .. } = verdict(&checks, id) else { panic!("{id}") };
        source.execute(&remedy[remedy.find("ALTER TABLE").unwrap()..]).await;
    }
    let checks = judged(&source, &source).await;
    for id in ["source.replica_identity", "source.unlogged"] {
        assert!(verdict(&checks, id).opens(), "{id} is mended: {:?}", verdict(&checks, id));
    }
}
