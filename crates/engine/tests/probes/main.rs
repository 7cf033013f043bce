//! Probes on real servers: what a missing index, a lock, a refused permission and a dead server make of the figures, and what
//! probing costs.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../postgres_server/mod.rs"]
mod postgres_server;

mod bed;
mod keys;

use std::time::Duration;

use bed::Reads;
use switchyard_model::{
    limits::Limits,
    reads::{MOST_SAMPLES, PlaceKind},
};

/// Tight enough to see a sequential scan; noise of a busy machine is below the floor.
fn limits() -> Limits {
    Limits { latency_ratio_percent: 150, latency_floor_ms: 20, ..Limits::demo() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_index_closes_the_gate_and_names_the_table_until_it_is_back() {
    let reads = Reads::start().await;
    reads
        .both(
            "CREATE TABLE orders (id bigint PRIMARY KEY, note text);
             INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(1, 1200000) n;
             CREATE TABLE lines (a int, b text, PRIMARY KEY (a, b)); INSERT INTO lines SELECT n, 'b' FROM generate_series(1, 500) n;
             ANALYZE",
        )
        .await;
    let mut session = reads.session(&["orders", "lines"]).await;
    session.round(&limits()).await.unwrap();
    let judged = session.latency(&limits());
    assert!(judged.verdict.opens(), "both sides read through the same index: {}", judged.verdict.sentence());

    reads.target.execute("ALTER TABLE orders DROP CONSTRAINT orders_pkey").await;
    session.until("the gate to close", &limits(), |j| !j.verdict.opens()).await;
    let told = session.latency(&limits()).verdict.sentence().to_owned();
    assert!(told.contains("slowest: public.orders,"), "the table without its index is named: {told}");

    reads.target.execute("ALTER TABLE orders ADD PRIMARY KEY (id)").await;
    session.a_minute_passes();
    session.round(&limits()).await.unwrap();
    let judged = session.latency(&limits());
    assert!(judged.verdict.opens(), "what was slow is a minute ago: {}", judged.verdict.sentence());
}

#[tokio::test(flavor = "multi_thread")]
async fn few_samples_are_unknown_and_a_first_round_takes_enough_for_a_rehearsal() {
    let reads = Reads::start().await;
    reads.both("CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders VALUES (1), (2)").await;
    let mut session = reads.session(&["orders"]).await;
    let strict = Limits { latency_min_samples: MOST_SAMPLES, ..limits() };
    session.round(&strict).await.unwrap();
    let told = session.latency(&strict).verdict.sentence().to_owned();
    assert_eq!(told, "64 of 400 reads measured on each side", "one round is no minute");
    assert!(session.latency(&limits()).verdict.opens(), "and enough for the demo's limits");
    let errors = session.errors(&limits());
    assert!(errors.verdict.opens() && errors.verdict.sentence().contains("0 of 64 probe reads"), "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_is_a_failed_read_that_counts_with_its_time() {
    let reads = Reads::start().await;
    reads.both("CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 100)").await;
    let mut session = reads.session(&["orders"]).await;
    session.round(&limits()).await.unwrap();
    let mut owner = reads.target.app().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE orders").execute(&mut owner).await.unwrap();
    for _ in 0..6 {
        session.round(&limits()).await.unwrap();
    }
    let latency = session.latency(&limits());
    assert!(latency.verdict.sentence().contains("slowest: public.orders,"), "{}", latency.verdict.sentence());
    let errors = session.errors(&limits());
    assert!(errors.verdict.sentence().contains("probe reads failed on the target"), "{}", errors.verdict.sentence());
    sqlx::raw_sql("COMMIT").execute(&mut owner).await.unwrap();
    session.a_minute_passes();
    session.round(&limits()).await.unwrap();
    assert!(session.latency(&limits()).verdict.opens() && session.errors(&limits()).verdict.opens(), "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_may_not_be_read_is_left_out_with_a_sentence() {
    let reads = Reads::start().await;
    reads
        .both(
            "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1);
             CREATE TABLE secrets (id int PRIMARY KEY); INSERT INTO secrets VALUES (1)",
        )
        .await;
    reads.target.server.execute("GRANT SELECT ON orders TO switchyard_limited").await.unwrap();
    let mut session = reads.limited_session(&["orders", "secrets"]).await;
    session.round(&limits()).await.unwrap();
    let told = session.latency(&limits()).verdict.sentence().to_owned();
    let sentence = "without one table: our role may not read public.secrets on the target: grant it SELECT there";
    assert!(told.contains(sentence), "{told}");
    // Taken back while it is probed: no error of the target's, and known within seconds.
    reads.target.server.execute("REVOKE SELECT ON orders FROM switchyard_limited").await.unwrap();
    session.until("nothing to be readable", &limits(), |j| j.verdict.sentence().contains("no table can be read")).await;
    assert_eq!(session.errors(&limits()).verdict.sentence().matches(" failed on the target").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_died_leaves_no_figures() {
    let reads = Reads::start().await;
    reads.both("CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders VALUES (1)").await;
    let mut session = reads.session(&["orders"]).await;
    session.round(&limits()).await.unwrap();
    reads.target.server.kill().await.unwrap();
    assert!(session.round(&limits()).await.is_err(), "a side that is gone is told, and not measured");
    session.a_minute_passes();
    let told = session.latency(&limits()).verdict;
    assert!(told.sentence().starts_with("reads were last measured"), "good figures of then open nothing: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_and_rollbacks_are_counted_by_the_target_itself() {
    let reads = Reads::start().await;
    let before = reads.b.probes.counts().await.unwrap();
    reads.target.server.execute("BEGIN; SELECT 1; ROLLBACK").await.unwrap();
    let app = reads.target.app().await;
    let kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'app'";
    reads.target.server.execute(kill).await.unwrap();
    drop(app);
    let counted = async {
        loop {
            let now = reads.b.probes.counts().await.unwrap();
            if now.rollbacks > before.rollbacks && now.killed > before.killed {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let now = postgres_server::within("the server's statistics", counted).await;
    assert!(now.transactions > before.transactions, "{now:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn probing_costs_each_side_less_than_fifteen_statements_a_second() {
    let reads = Reads::start().await;
    let tables: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    for t in &tables {
        let rows = format!("CREATE TABLE {t} (id int PRIMARY KEY); INSERT INTO {t} SELECT generate_series(1, 50)");
        reads.both(&rows).await;
    }
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    // A server counts what a session did when that session ends.
    let short = cost_of(&reads, &tables, 0).await;
    let long = cost_of(&reads, &tables, 10).await;
    for (short, long) in short.into_iter().zip(long) {
        let each = (long - short) as f64 / 10.0;
        println!("{each:.1} statements a round, which is a second; {short} to begin with");
        assert!((7.0..15.0).contains(&each), "{each} statements a second");
    }
}

/// Statements on each side of a session's first round and so many more.
async fn cost_of(reads: &Reads, tables: &[&str], more: u32) -> [i64; 2] {
    let before = [reads.statements(&reads.source).await, reads.statements(&reads.target).await];
    let mut session = reads.session(tables).await;
    for _ in 0..=more {
        session.round(&limits()).await.unwrap();
    }
    assert_eq!(session.place().kind, PlaceKind::Probes);
    drop(session);
    let after = [reads.statements(&reads.source).await, reads.statements(&reads.target).await];
    [after[0] - before[0], after[1] - before[1]]
}
