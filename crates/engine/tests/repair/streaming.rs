//! With a real subscription, while the application replaces the very rows that are missing: the stream never stands still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_engine::{
    clock::SystemClock,
    reconcile::{Settle, repair::Repair},
};
use switchyard_model::{Side, repair::RepairOutcome};

use super::twin::{Twin, letters};

/// Between two writes of one writer: each of the 400 rows is written about once a second.
const PACE: Duration = Duration::from_millis(4);

/// Deletes rows and inserts them again under the same keys, changes others, until told to stop.
async fn replace(url: String, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut n: u64 = 0;
    while !stop.load(Ordering::SeqCst) {
        n += 1;
        let id = n * 7919 % 400;
        let sql = match n % 3 {
            0 => format!("UPDATE t SET v = 'u{n}' WHERE id = {id}"),
            1 => format!("DELETE FROM t WHERE id = {id}; INSERT INTO t VALUES ({id}, 'n{n}') ON CONFLICT DO NOTHING"),
            // Each in a commit of its own.
            _ => {
                sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM t WHERE id = {id}")))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                format!("INSERT INTO t VALUES ({id}, 'v') ON CONFLICT DO NOTHING")
            }
        };
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        done.fetch_add(1, Ordering::SeqCst);
        // As fast as the machine can, no row would ever rest, and one that never rests is not mended.
        tokio::time::sleep(PACE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_replaced_while_they_are_mended_stop_no_stream() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY, v text)").await;
    twin.source.execute("INSERT INTO t SELECT g, 'v' FROM generate_series(0, 399) g").await;
    twin.source.server.execute("CREATE PUBLICATION p FOR TABLE t").await.unwrap();
    let from = twin.source.server.admin_url("shop");
    let subscribe = format!("CREATE SUBSCRIPTION s CONNECTION '{from}' PUBLICATION p");
    twin.target.server.execute(&subscribe).await.unwrap();
    twin.target.until("the copy", "SELECT count(*) = 400 FROM t").await;

    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> =
        (0..2).map(|_| tokio::spawn(replace(twin.source.server.app_url(), stop.clone(), done.clone()))).collect();
    let stream = Settle::between(&twin.a, &twin.b, Duration::ZERO, Arc::new(SystemClock)).await.unwrap();
    let repair = Repair { source: &twin.a, target: &twin.b, authority: Side::Source, stream: &stream, exact: false };
    let (began, mut mended, mut rounds) = (Instant::now(), 0, 0);
    while began.elapsed() < Duration::from_secs(12) || mended < 200 {
        assert!(began.elapsed() < Duration::from_secs(90), "only {mended} rows were mended in {rounds} rounds");
        rounds += 1;
        // Never an insert: one of a key that the source will use would stop the stream by itself.
        let spoil = format!(
            "SET session_replication_role = replica; DELETE FROM t WHERE id % 5 = {}; UPDATE t SET v = 'spoilt' WHERE id % 5 = {}",
            rounds % 5,
            (rounds + 1) % 5
        );
        twin.target.server.execute(&spoil).await.unwrap();
        let found = twin.findings_by(&stream, Side::Source).await;
        let rows = twin.mend_by(repair, &found).await;
        mended += rows.iter().filter(|m| m.row.outcome == RepairOutcome::Mended).count();
        let refused: Vec<_> = rows.iter().filter(|m| matches!(m.row.outcome, RepairOutcome::Refused { .. })).collect();
        assert!(refused.is_empty(), "nothing stands in the way of these rows: {refused:?}");
    }
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let found = twin.findings_by(&stream, Side::Source).await;
    twin.mend_by(repair, &found).await;
    let errors = "SELECT apply_error_count = 0 FROM pg_stat_subscription_stats";
    twin.target.until("no error of the stream", errors).await;
    assert_eq!(letters(&twin.source, "t").await, letters(&twin.target, "t").await, "equal in the end");
    println!("{mended} rows mended in {rounds} rounds, {} replacements meanwhile", done.load(Ordering::SeqCst));
}
