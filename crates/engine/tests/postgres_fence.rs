//! The fence on a real server: who is refused, who is not, and what ends it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use std::time::{Duration, Instant};

use postgres_server::{Bed, awkward_names, connect, within};
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgDatabaseError};
use switchyard_engine::{
    Kind,
    db::{
        Fence, FenceOrder, Heartbeat,
        connect::{Login, connect_postgres},
    },
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::Endpoint,
    ident::{TableName, quote},
};
use switchyard_rig::{Major, Server, ServerOptions};

const SCHEMA: &str = "
    CREATE TABLE plain (id int PRIMARY KEY, note text);
    INSERT INTO plain VALUES (1, 'one');
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
    INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2);
    CREATE TABLE log (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
    CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20);";

fn tables() -> Vec<TableName> {
    ["plain", "parent", "child", "log", "log_1", "log_2"].map(|t| TableName::new("public", t)).to_vec()
}

fn order(tables: Vec<TableName>) -> FenceOrder {
    FenceOrder {
        tables,
        rows_publication: "switchyard_rows".into(),
        epoch: 7,
        moved_to: "the 'new' one".into(),
        lock_timeout_ms: 1000,
        idle_timeout_ms: 5000,
    }
}

async fn bed() -> Bed {
    bed_on(Major::V15).await
}

async fn bed_on(major: Major) -> Bed {
    let bed = Bed::start(major, &[("max_prepared_transactions", "5")]).await;
    bed.execute(SCHEMA).await;
    bed.db.install(&tables()).await.unwrap();
    bed
}

/// Statements that write, each on its own session.
const WRITES: [&str; 11] = [
    "INSERT INTO plain VALUES (100, 'x')",
    "UPDATE plain SET note = 'y' WHERE id = 1",
    "DELETE FROM plain WHERE id = 777",
    "INSERT INTO plain VALUES (1, 'z') ON CONFLICT (id) DO UPDATE SET note = excluded.note",
    "MERGE INTO plain p USING (VALUES (1)) v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET note = 'm'",
    "INSERT INTO log VALUES (1, 5)",
    "INSERT INTO log_1 VALUES (2, 6)",
    "UPDATE log SET at = 15 WHERE id = 1",
    "TRUNCATE log_2",
    "DELETE FROM parent WHERE id = 1",
    "COPY plain FROM STDIN",
];

async fn write(mut connection: PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    if sql.starts_with("COPY") {
        let mut copy = connection.copy_in_raw(sql).await?;
        copy.send(&b"300\tcopied\n"[..]).await?;
        return copy.finish().await.map(drop);
    }
    sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
}

/// Starts every write, and a write of a transaction whose snapshot is older than the fence; returns once all wait.
async fn waiting_writers(
    bed: &Bed,
    mut old: PgConnection,
) -> Vec<(String, tokio::task::JoinHandle<Result<(), sqlx::Error>>)> {
    let mut writers = Vec::new();
    for sql in WRITES {
        let connection = bed.app().await;
        writers.push((sql.to_owned(), tokio::spawn(write(connection, sql))));
    }
    writers.push((
        "REPEATABLE READ from before".to_owned(),
        tokio::spawn(async move {
            sqlx::query("UPDATE plain SET note = 'old' WHERE id = $1").bind(777).execute(&mut old).await?;
            sqlx::raw_sql("COMMIT").execute(&mut old).await.map(drop)
        }),
    ));
    let question = format!(
        "SELECT count(DISTINCT pid) = {} FROM pg_locks WHERE NOT granted AND locktype = 'relation'",
        writers.len()
    );
    bed.until("every writer to wait for its lock", &question).await;
    writers
}

/// A transaction that has read, and prepared its write, before anything was raised.
async fn old_snapshot(bed: &Bed) -> PgConnection {
    let mut old = bed.app().await;
    sqlx::query("UPDATE plain SET note = 'old' WHERE id = $1").bind(777).execute(&mut old).await.unwrap();
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM plain").execute(&mut old).await.unwrap();
    old
}

fn assert_refused(what: &str, outcome: Result<(), sqlx::Error>) {
    let error = outcome.expect_err(what);
    let database = error.as_database_error().unwrap_or_else(|| panic!("{what}: {error}"));
    let refusal = database.downcast_ref::<PgDatabaseError>();
    assert_eq!(refusal.code(), "25006", "{what}: drivers know this one as “not the primary”");
    assert_eq!(refusal.message(), "switchyard: writes moved to the 'new' one, epoch 7", "{what}");
    assert!(refusal.hint().unwrap().contains("the 'new' one"), "{what}: the hint says where to go");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_waited_are_refused_after_the_commit() {
    waiting_writers_are_refused(bed().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_waited_are_refused_after_the_commit_on_the_newest_server() {
    waiting_writers_are_refused(bed_on(Major::best()).await).await;
}

async fn waiting_writers_are_refused(bed: Bed) {
    let old = old_snapshot(&bed).await;
    let fence = bed.db.raise(&order(tables())).await.unwrap();
    let writers = waiting_writers(&bed, old).await;
    sqlx::raw_sql("SELECT * FROM plain").execute(&mut bed.app().await).await.expect("readers never wait");
    assert!(!bed.db.is_raised(&tables()).await.unwrap(), "nothing is committed yet");
    fence.commit().await.unwrap();
    for (what, writer) in writers {
        assert_refused(&what, within(&what, writer).await.unwrap());
    }
    for sql in WRITES {
        assert_refused(sql, write(bed.app().await, sql).await);
    }
    assert!(bed.db.is_raised(&tables()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_waited_go_on_after_a_rollback() {
    let bed = bed().await;
    let old = old_snapshot(&bed).await;
    let mut fence = bed.db.raise(&order(tables())).await.unwrap();
    let writers = waiting_writers(&bed, old).await;
    fence.still_stands().await.unwrap();
    fence.roll_back().await.unwrap();
    for (what, writer) in writers {
        if let Err(e) = within(&what, writer).await.unwrap() {
            panic!("{what} was refused after a rollback: {e}");
        }
    }
    assert!(!bed.db.is_raised(&tables()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_client_and_a_silent_one_undo_the_fence() {
    let bed = bed().await;
    let fence = bed.db.raise(&order(tables())).await.unwrap();
    let writer = tokio::spawn(write(bed.app().await, WRITES[0]));
    bed.until("the writer to wait", "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").await;
    let begun = Instant::now();
    // What the kernel does with the socket of a killed process.
    drop(fence);
    within("the writer after our death", writer).await.unwrap().expect("the server lets writers go on");
    assert!(begun.elapsed() < Duration::from_secs(1), "a dead client is noticed at once: {:?}", begun.elapsed());

    let mut fence = bed.db.raise(&FenceOrder { idle_timeout_ms: 300, ..order(tables()) }).await.unwrap();
    within("the writer after our silence", write(bed.app().await, WRITES[1])).await.expect("silence undoes the fence");
    assert_eq!(fence.still_stands().await.unwrap_err().kind, Kind::Deadline, "the server said why it ended us");
    fence.commit().await.expect_err("a fence that is gone cannot be committed");
    assert!(!bed.db.is_raised(&tables()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replication_worker_still_writes_to_a_fenced_side() {
    let bed = bed().await;
    bed.server.execute("CREATE DATABASE other").await.unwrap();
    let mut other = bed.server.connect("other").await.unwrap();
    sqlx::raw_sql("CREATE TABLE plain (id int PRIMARY KEY, note text); CREATE PUBLICATION p FOR TABLE plain")
        .execute(&mut other)
        .await
        .unwrap();
    let slot = "SELECT pg_create_logical_replication_slot('s', 'pgoutput')";
    sqlx::raw_sql(slot).execute(&mut other).await.unwrap();
    let login = &bed.server.logins.superuser;
    let subscribe = format!(
        "CREATE SUBSCRIPTION s CONNECTION 'host={} port={} dbname=other user={} password={}' PUBLICATION p \
         WITH (create_slot = false, copy_data = false)",
        bed.server.host, bed.server.port, login.user, login.password
    );
    bed.server.execute(&subscribe).await.unwrap();
    bed.db.raise(&order(tables())).await.unwrap().commit().await.unwrap();
    sqlx::raw_sql("INSERT INTO plain VALUES (4711, 'through the stream')").execute(&mut other).await.unwrap();
    bed.until("the row to come through the stream", "SELECT EXISTS (SELECT FROM plain WHERE id = 4711)").await;
    bed.server.execute("DROP SUBSCRIPTION s").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn installing_again_leaves_a_raised_fence_and_half_a_fence_is_a_contradiction() {
    let bed = bed().await;
    assert!(bed.db.is_installed(&tables()).await.unwrap());
    assert!(!bed.db.is_raised(&tables()).await.unwrap(), "installed means disabled");
    write(bed.app().await, WRITES[0]).await.expect("a disabled trigger refuses nobody");
    bed.db.raise(&order(tables())).await.unwrap().commit().await.unwrap();
    bed.execute("CREATE TABLE log_3 PARTITION OF log FOR VALUES FROM (20) TO (30)").await;
    let more: Vec<TableName> = tables().into_iter().chain([TableName::new("public", "log_3")]).collect();
    assert!(!bed.db.is_installed(&more).await.unwrap(), "a new partition has no trigger yet");
    bed.db.install(&more).await.unwrap();
    assert!(bed.db.is_raised(&tables()).await.unwrap(), "what stood raised stays raised");
    assert_refused("the sentence stays, too", write(bed.app().await, WRITES[0]).await);
    let error = bed.db.is_raised(&more).await.unwrap_err();
    assert_eq!(error.kind, Kind::Contradiction);
    assert!(error.why.contains("public.log_3"), "it names what accepts writes: {error}");
    bed.db.lower(&more).await.unwrap();
    bed.db.lower(&more).await.expect("lowering twice is no error");
    write(bed.app().await, WRITES[1]).await.expect("lowered means open");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_valve_closes_with_the_fence_and_only_with_it() {
    let bed = bed().await;
    bed.execute("CREATE PUBLICATION switchyard_rows FOR TABLE plain, log").await;
    let open = "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate FROM pg_publication";
    bed.db.raise(&order(tables())).await.unwrap().roll_back().await.unwrap();
    bed.until("the valve to be open after a rollback", open).await;
    let previewed = bed.db.raise_actions(&order(tables()));
    assert!(previewed.iter().any(|a| a.run.starts_with("ALTER PUBLICATION")), "the preview shows the valve");
    bed.db.raise(&order(tables())).await.unwrap().commit().await.unwrap();
    bed.until(
        "the valve to be closed",
        "SELECT NOT (pubinsert OR pubupdate OR pubdelete OR pubtruncate) FROM pg_publication",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_is_named_and_makes_the_fence_give_up() {
    let bed = bed().await;
    let mut long = bed.app().await;
    sqlx::raw_sql("SET application_name = 'nightly'; BEGIN; UPDATE log_1 SET at = 3").execute(&mut long).await.unwrap();
    let mut prepared = bed.app().await;
    sqlx::raw_sql("BEGIN; UPDATE child SET id = 2 WHERE id = 2; PREPARE TRANSACTION 'two phases'")
        .execute(&mut prepared)
        .await
        .unwrap();
    let mut reader = bed.app().await;
    sqlx::raw_sql("BEGIN; SELECT * FROM plain").execute(&mut reader).await.unwrap();
    let blockers = bed.db.blockers(&tables(), 0).await.unwrap();
    let names: Vec<&str> = blockers.iter().map(|b| b.application.as_str()).collect();
    assert_eq!(names, ["nightly", "prepared transaction two phases"], "longest first, and a reader is none of them");
    assert!(blockers[0].query.contains("UPDATE log_1") && blockers[0].address.starts_with("127.0.0.1:"));
    assert!(bed.db.blockers(&tables(), 3_600_000).await.unwrap().is_empty(), "none is an hour old");

    let begun = Instant::now();
    let Err(error) = bed.db.raise(&FenceOrder { lock_timeout_ms: 200, ..order(tables()) }).await else {
        panic!("raised over somebody's lock")
    };
    assert_eq!(error.kind, Kind::LockTimeout);
    assert!(begun.elapsed() < Duration::from_secs(1), "it gives up in its time: {:?}", begun.elapsed());
    write(bed.app().await, WRITES[0]).await.expect("having given up it holds nothing");

    // Installing waits patiently, in short tries, until the transaction is over.
    let more: Vec<TableName> = tables();
    sqlx::raw_sql("DROP TRIGGER switchyard_fence ON log_2").execute(&mut bed.app().await).await.unwrap();
    sqlx::raw_sql("UPDATE log_2 SET at = 13").execute(&mut long).await.unwrap();
    let db = bed.db.clone();
    let install = tokio::spawn(async move { db.install(&more).await });
    bed.until("the installation to wait", "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").await;
    sqlx::raw_sql("COMMIT").execute(&mut long).await.unwrap();
    within("the installation", install).await.unwrap().unwrap();
    assert!(bed.db.is_installed(&tables()).await.unwrap());

    let sessions = bed.db.sessions().await.unwrap();
    assert!(sessions.iter().any(|s| s.application == "nightly" && s.user == "app"));
    assert!(sessions.iter().all(|s| s.user != "switchyard"), "our own are not listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn awkward_names_are_fenced_and_everything_of_ours_goes_away() {
    let bed = bed().await;
    let names = awkward_names();
    bed.execute(format!("CREATE SCHEMA {}", quote("My Schema"))).await;
    for table in &names {
        bed.execute(format!("CREATE TABLE {table} (id int)")).await;
    }
    bed.db.install(&names).await.unwrap();
    let moved = FenceOrder { moved_to: "a\\b'c\"d".into(), ..order(names.clone()) };
    bed.db.raise(&moved).await.unwrap().commit().await.unwrap();
    assert!(bed.db.is_raised(&names).await.unwrap());
    for table in &names {
        let insert = format!("INSERT INTO {table} VALUES (1)");
        let error = sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut bed.app().await).await.unwrap_err();
        assert!(error.to_string().contains("writes moved to a\\b'c\"d, epoch 7"), "{error}");
    }
    let listed = bed.db.remove_actions().await.unwrap();
    let triggers = listed.iter().filter(|a| a.run.contains("DROP TRIGGER")).count();
    assert_eq!((triggers, listed.len()), (names.len() + tables().len(), triggers + 4), "{listed:?}");
    bed.db.remove().await.unwrap();
    assert!(bed.db.remove_actions().await.unwrap().is_empty(), "nothing is left to remove");
    bed.db.remove().await.expect("removing nothing is no error");
    bed.until(
        "no trace",
        "SELECT NOT EXISTS (SELECT FROM pg_trigger WHERE tgname ~ 'switchyard') \
                              AND to_regnamespace('switchyard') IS NULL",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beats_arrive_also_where_the_row_was_missing_and_from_two_writers_at_once() {
    let bed = bed().await;
    assert_eq!(bed.db.seen(Side::Source).await.unwrap(), None, "no beat before the first");
    let writers: Vec<_> = (1..=20)
        .map(|n| {
            let db = bed.db.clone();
            tokio::spawn(async move { db.beat(Side::Source, n).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().expect("two writers of beats do not trip over each other");
    }
    bed.db.beat(Side::Source, 21).await.unwrap();
    assert_eq!(bed.db.seen(Side::Source).await.unwrap(), Some(21));
    assert_eq!(bed.db.seen(Side::Target).await.unwrap(), None, "each direction has its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_wait_for_each_other_the_application_wins_and_the_fence_still_comes() {
    let bed = bed().await;
    // It holds what we lock last and then wants what we have locked first.
    let mut writer = bed.app().await;
    sqlx::raw_sql("BEGIN; UPDATE plain SET note = 'first'").execute(&mut writer).await.unwrap();
    let db = bed.db.clone();
    let raise =
        tokio::spawn(async move { db.raise(&FenceOrder { lock_timeout_ms: 5000, ..order(tables()) }).await.map(drop) });
    bed.until("the fence to wait", "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").await;
    let crossing = sqlx::raw_sql("INSERT INTO child VALUES (77, 2); COMMIT").execute(&mut writer);
    within("the application's transaction", crossing).await.expect("the application is not the one that is ended");
    within("the fence", raise).await.unwrap().expect("after a deadlock it tries again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autovacuum_in_the_way_is_sent_home_at_once() {
    let bed = Bed::start(Major::V15, &[("autovacuum_naptime", "1s"), ("autovacuum_vacuum_cost_delay", "100ms")]).await;
    bed.execute(
        "CREATE TABLE big (id int PRIMARY KEY, v text) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, \
         autovacuum_vacuum_cost_limit = 1, autovacuum_enabled = true); \
         INSERT INTO big SELECT g, repeat('x', 500) FROM generate_series(1, 20000) g; DELETE FROM big WHERE id % 2 = 0",
    )
    .await;
    let big = vec![TableName::new("public", "big")];
    bed.db.install(&big).await.unwrap();
    let running = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.relation = 'big'::regclass \
                   AND a.backend_type = 'autovacuum worker' AND l.mode = 'ShareUpdateExclusiveLock')";
    bed.until("an autovacuum to run", running).await;
    assert!(bed.db.blockers(&big, 0).await.unwrap().is_empty(), "it gives way, so it is no blocker");
    bed.db.arm().await.unwrap();
    let begun = Instant::now();
    let fence = bed.db.raise(&order(big)).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "half a second is less than deadlock_timeout: {:?}",
        begun.elapsed()
    );
    fence.roll_back().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_for_all_locks_together_has_one_limit() {
    let bed = bed().await;
    // Each table is free a little later than the one before: no single wait is too long, their sum is.
    let mut holders = Vec::new();
    for table in ["child", "log", "log_1", "log_2", "parent", "plain"] {
        let mut holder = bed.app().await;
        let hold = format!("BEGIN; LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE");
        sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut holder).await.unwrap();
        holders.push(holder);
    }
    let release = tokio::spawn(async move {
        for mut holder in holders {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
        }
    });
    let begun = Instant::now();
    let Err(error) = bed.db.raise(&FenceOrder { lock_timeout_ms: 400, ..order(tables()) }).await else {
        panic!("the limit did not hold")
    };
    assert_eq!(error.kind, Kind::LockTimeout, "{error}");
    assert!(begun.elapsed() < Duration::from_millis(900), "400 ms for all, not for each: {:?}", begun.elapsed());
    release.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_owner_can_raise_it_without_being_a_superuser() {
    let bed = bed().await;
    bed.db.remove().await.unwrap();
    let login = &bed.server.logins.app;
    let endpoint = Endpoint { user: login.user.clone(), ..postgres_server::endpoint(&bed.server, "shop") };
    let password = Secret::new(&login.password);
    let login = Login { endpoint: &endpoint, password: Some(&password) };
    let db = connect_postgres(Side::Source, login, 2).await.unwrap();
    db.install(&tables()).await.unwrap();
    db.arm().await.expect("what only a superuser may set is left alone");
    db.raise(&order(tables())).await.unwrap().commit().await.unwrap();
    assert_refused("the owner's fence", write(bed.app().await, WRITES[0]).await);
    db.lower(&tables()).await.unwrap();
    db.remove().await.unwrap();
}

/// Not a test of right or wrong: prints what each part costs. `cargo test … -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn what_raising_costs() {
    for count in [20, 500] {
        let server = Server::start(Major::V15, ServerOptions::default()).await.unwrap();
        let db = connect(&server, Side::Source, "shop").await;
        let names: Vec<TableName> = (0..count).map(|i| TableName::new("public", format!("t{i}"))).collect();
        let create: String =
            names.iter().map(|t| format!("CREATE TABLE {t} (id bigint PRIMARY KEY, v text);")).collect();
        server.execute(&create).await.unwrap();
        let list: Vec<String> = names.iter().map(ToString::to_string).collect();
        server.execute(&format!("CREATE PUBLICATION switchyard_rows FOR TABLE {}", list.join(", "))).await.unwrap();
        let begun = Instant::now();
        db.install(&names).await.unwrap();
        println!("{count} tables: install {:.1} ms", begun.elapsed().as_secs_f64() * 1000.0);
        let begun = Instant::now();
        let unarmed = db.raise(&order(names.clone())).await.unwrap();
        println!("{count} tables: raise with its login {:.1} ms", begun.elapsed().as_secs_f64() * 1000.0);
        unarmed.roll_back().await.unwrap();
        for round in 0..5 {
            db.arm().await.unwrap();
            let begun = Instant::now();
            let fence = db.raise(&order(names.clone())).await.unwrap();
            let raised = begun.elapsed();
            db.beat(Side::Source, round).await.unwrap();
            let beaten = begun.elapsed();
            fence.commit().await.unwrap();
            let committed = begun.elapsed();
            let is = db.is_raised(&names).await.unwrap();
            let looked = begun.elapsed();
            assert!(is);
            db.lower(&names).await.unwrap();
            let lowered = begun.elapsed();
            let ms = |a: Duration, b: Duration| (b - a).as_secs_f64() * 1000.0;
            println!(
                "{count} tables: raise {:.1} beat {:.1} commit {:.1} is_raised {:.1} lower {:.1} ms",
                ms(Duration::ZERO, raised),
                ms(raised, beaten),
                ms(beaten, committed),
                ms(committed, looked),
                ms(looked, lowered)
            );
        }
    }
}
