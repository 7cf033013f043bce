//! The valve on real servers: writes move over and back, several times and under load, and nothing is lost or goes round.

#![allow(clippy::unwrap_used, clippy::panic)]

mod native_pair;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use native_pair::{Pair, long, pool, wait};
use sqlx::{AssertSqlSafe, Executor, PgPool};
use switchyard_engine::replicate::{Replicator, native::Native};
use switchyard_model::{
    Side,
    ident::{TableName, quote},
};
use switchyard_rig::{Major, Server, ServerOptions};
use tokio::sync::RwLock;

/// Switches per pair, half of them back.
const SWITCHES: i64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn back_and_forth_15_to_15() {
    back_and_forth(Major::V15, Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn back_and_forth_15_to_18() {
    back_and_forth(Major::V15, Major::V18).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn back_and_forth_18_to_15() {
    back_and_forth(Major::V18, Major::V15).await;
}

/// What the writers share: whose writes count, and what was acknowledged.
struct Traffic {
    authority: RwLock<Side>,
    next: AtomicI64,
    written: AtomicI64,
    stop: AtomicBool,
    source: PgPool,
    target: PgPool,
}

impl Traffic {
    fn pool(&self, side: Side) -> &PgPool {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    async fn write_until_stopped(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            // Held over the write, as the hold waits for open transactions.
            let side = self.authority.read().await;
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let sql = format!(
                "INSERT INTO {} VALUES ({id}, repeat('x', 50)); INSERT INTO public.part VALUES ({id}, {}); \
                 UPDATE public.counter SET n = n + 1 WHERE id = {}",
                long(),
                id % 2,
                id % 8
            );
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.pool(*side)).await.unwrap();
            self.written.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn back_and_forth(source: Major, target: Major) {
    let Some(pair) = Pair::start(source, target).await else { return };
    pair.run(Side::Source, "INSERT INTO public.counter SELECT i, 0 FROM generate_series(0, 7) i").await;
    pair.run(Side::Source, "INSERT INTO public.part SELECT -i, i % 2 FROM generate_series(1, 20000) i").await;
    pair.connect().await;
    pair.beat_through(Side::Source, 1).await;
    pair.beat_through(Side::Target, 1).await;
    let traffic = Arc::new(Traffic {
        authority: RwLock::new(Side::Source),
        next: AtomicI64::new(1),
        written: AtomicI64::new(0),
        stop: AtomicBool::new(false),
        source: pool(&pair.source).await,
        target: pool(&pair.target).await,
    });
    let writers: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let t = traffic.clone();
                async move { t.write_until_stopped().await }
            })
        })
        .collect();
    for n in 2..2 + SWITCHES {
        let before = traffic.written.load(Ordering::Relaxed);
        wait("writes", async || traffic.written.load(Ordering::Relaxed) > before + 300).await;
        switch(&pair, &traffic, n).await;
    }
    let before = traffic.written.load(Ordering::Relaxed);
    wait("writes", async || traffic.written.load(Ordering::Relaxed) > before + 300).await;
    traffic.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let authority = *traffic.authority.read().await;
    pair.beat_through(authority, 1000).await;
    pair.beat_through(authority.other(), 1000).await;
    judge(&pair, traffic.written.load(Ordering::Relaxed)).await;
}

/// As the fence closes it, in its own transaction.
fn close(native: &Native) -> String {
    format!("ALTER PUBLICATION {} SET (publish = '')", quote(&native.rows_publication()))
}

/// The write switch as the design has it, with a lock for the router's hold.
async fn switch(pair: &Pair, traffic: &Traffic, n: i64) {
    let mut authority = traffic.authority.write().await;
    let started = Instant::now();
    let (loser, winner) = (*authority, authority.other());
    let mut fence = pair.pool(loser).begin().await.unwrap();
    let lock = format!("LOCK TABLE {}, public.part, public.counter IN EXCLUSIVE MODE", long());
    fence.execute(sqlx::raw_sql(AssertSqlSafe(lock))).await.unwrap();
    fence.execute(sqlx::raw_sql(AssertSqlSafe(close(&pair.native)))).await.unwrap();
    pair.beat_through(loser, n).await;
    pair.native.open_way_back(winner, n + 1).await.unwrap();
    fence.commit().await.unwrap();
    *authority = winner;
    println!("switch {n} to the {winner}: {:.1} ms", started.elapsed().as_secs_f64() * 1000.0);
}

async fn judge(pair: &Pair, written: i64) {
    let rows = format!("SELECT count(*) FROM {}", long());
    for side in [Side::Source, Side::Target] {
        assert_eq!(pair.number(side, &rows).await, written, "every acknowledged write is on the {side}, once");
        let parts = pair.number(side, "SELECT count(*) FROM public.part").await;
        assert_eq!(parts, written + 20000, "and in the partitions of the {side}, with what was copied");
        let counted = pair.number(side, "SELECT sum(n)::int8 FROM public.counter").await;
        assert_eq!(counted, written, "no update was lost, and none came back from the other side, on the {side}");
        let status = pair.native.status(side).await.unwrap();
        assert_eq!(status.apply_errors.unwrap_or(0), 0, "an echo of an insert would be a duplicate key: {status:?}");
        assert!(status.slot_active && status.worker_running && status.unseen.is_none(), "{status:?}");
    }
    println!("{written} writes, nothing lost, nothing twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_valve_is_exact_and_spares_tables_without_identity() {
    for (source, target) in [(Major::V15, Major::V15), (Major::V15, Major::V18), (Major::V18, Major::V15)] {
        if let Some(pair) = Pair::start(source, target).await {
            exact(&pair).await;
        }
    }
}

async fn exact(pair: &Pair) {
    use Side::{Source, Target};
    pair.native.publish(Source, &native_pair::scope(), false).await.unwrap();
    pair.native.subscribe(Source, false).await.unwrap();
    let sender = pair
        .number(Source, "SELECT active_pid::int8 FROM pg_replication_slots WHERE active UNION ALL SELECT 0 LIMIT 1")
        .await;
    pair.run(Source, "INSERT INTO public.part VALUES (1, 0); INSERT INTO public.keyless VALUES (1)").await;
    pair.run(Source, "UPDATE public.keyless SET a = 2; DELETE FROM public.keyless").await;
    let (open, close) = (pair.native.way_back_actions(Source, 2).remove(0).run, close(&pair.native));
    pair.native.open_way_back(Source, 2).await.unwrap();
    pair.run(Source, "INSERT INTO public.part VALUES (2, 0)").await;
    let refused = sqlx::query("UPDATE public.keyless SET a = 3").execute(pair.pool(Source)).await;
    assert!(
        refused.is_err(),
        "with the valve open the server refuses what it cannot publish; the preflight must say so"
    );
    // Within one transaction, either way, and across one that stays open.
    pair.run(
        Source,
        &format!(
            "BEGIN; INSERT INTO public.part VALUES (3, 0); {close}; INSERT INTO public.part VALUES (4, 0); COMMIT"
        ),
    )
    .await;
    pair.run(
        Source,
        &format!("BEGIN; INSERT INTO public.part VALUES (5, 0); {open}; INSERT INTO public.part VALUES (6, 0); COMMIT"),
    )
    .await;
    let mut across = pair.pool(Source).begin().await.unwrap();
    across.execute("INSERT INTO public.part VALUES (7, 0)").await.unwrap();
    pair.run(Source, &close).await;
    across.execute("INSERT INTO public.part VALUES (8, 0)").await.unwrap();
    across.commit().await.unwrap();
    pair.beat_through(Source, 1).await;
    let arrived: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM public.part ORDER BY id").fetch_all(pair.pool(Target)).await.unwrap();
    assert_eq!(arrived, [2, 3, 6, 7], "each change is judged at its own position, not at its commit's");
    let after = pair.number(Source, "SELECT active_pid::int8 FROM pg_replication_slots WHERE active").await;
    assert!(sender == 0 || sender == after, "the walsender takes the valve's turns without starting anew");
    assert_eq!(pair.native.status(Source).await.unwrap().rows_open, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_valve_is_quick_and_locks_no_table() {
    for major in [Major::V15, Major::V18] {
        if !major.available() {
            println!("SKIPPED: {major:?} is not on this machine");
            continue;
        }
        for tables in [20, 500] {
            quick(major, tables).await;
        }
    }
}

async fn quick(major: Major, count: usize) {
    let server = Server::start(major, ServerOptions::default()).await.unwrap();
    server.execute(native_pair::TABLES).await.unwrap();
    server
        .execute(&(0..count).map(|i| format!("CREATE TABLE t{i} (id int PRIMARY KEY);")).collect::<String>())
        .await
        .unwrap();
    let native = native_pair::alone(&server).await;
    let tables: Vec<TableName> = (0..count).map(|i| TableName::new("public", format!("t{i}"))).collect();
    native.publish(Side::Source, &tables, true).await.unwrap();
    let admin = pool(&server).await;
    let mut times = Vec::new();
    for i in 0..20 {
        let started = Instant::now();
        if i % 2 == 1 {
            native.open_way_back(Side::Source, 2).await.unwrap();
        } else {
            admin.execute(sqlx::raw_sql(AssertSqlSafe(close(&native)))).await.unwrap();
        }
        times.push(started.elapsed());
    }
    times.sort();
    println!("{major:?}, {count} tables: median {:?}, worst {:?}", times[10], times[19]);
    assert!(times[10] < Duration::from_millis(50), "the valve turns inside the write pause of 60 ms");
    let mut tx = admin.begin().await.unwrap();
    tx.execute(sqlx::raw_sql(AssertSqlSafe(close(&native)))).await.unwrap();
    let sql = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384";
    let locks: i64 = sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap();
    assert_eq!(locks, 0, "no reader and no writer of a table waits for the valve");
    tx.rollback().await.unwrap();
}
