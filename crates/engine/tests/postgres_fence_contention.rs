//! The fence among others who hold locks: who waits, who gives way, and for how long. And what it costs.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use std::time::{Duration, Instant};

use postgres_server::{
    Bed, connect,
    fenced::{WRITES, bed, order, tables, write},
    within,
};
use sqlx::AssertSqlSafe;
use switchyard_engine::{
    Kind,
    db::{
        Bidding, Fence, FenceOrder, Heartbeat,
        connect::{Login, connect_postgres},
        headroom::Headroom,
        transactions::{Ending, InTheWay, Transactions},
    },
    secret::Secret,
};
use switchyard_model::{Side, endpoint::Endpoint, headroom::WalStatus, ident::TableName, transactions::TransactionOf};
use switchyard_rig::{Major, Server, ServerOptions};

/// Three of them stand there: “nightly”, a prepared one, and a reader who is in nobody's way.
async fn they_are_shown_without_what_they_run(bed: &Bed) {
    let mut queued = bed.app().await;
    let queue = tokio::spawn(async move {
        let _ = sqlx::raw_sql("SET application_name = 'queue'; LOCK TABLE log_1 IN ACCESS EXCLUSIVE MODE")
            .execute(&mut queued)
            .await;
    });
    bed.until("a lock to be waited for", "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").await;
    let seen = bed.db.in_the_way(&tables(), 0).await.unwrap().listed;
    let told: Vec<_> = seen.iter().map(|t| (t.shown.application.as_str(), t.shown.of, t.shown.queued)).collect();
    assert_eq!(
        told,
        [
            ("nightly", TransactionOf::Client, false),
            ("two phases", TransactionOf::Prepared, false),
            ("queue", TransactionOf::Client, true)
        ],
        "the oldest first, and a reader is none of them"
    );
    let [nightly, prepared, queue_shown] = seen.as_slice() else { panic!("three") };
    assert_eq!(
        (nightly.shown.statement.as_str(), nightly.shown.state.as_str()),
        ("", "idle in transaction"),
        "SET is no word of ours"
    );
    assert_eq!(nightly.shown.waits_for, None, "it waits for its own client, which is no news");
    assert!(queue_shown.shown.waits_for.as_deref().is_some_and(|w| w.starts_with("Lock: ")), "{queue_shown:?}");
    let shown = format!("{seen:?}");
    assert!(!shown.contains("SET at") && !shown.contains("= 3"), "no text of a statement: {shown}");
    assert!(bed.db.in_the_way(&tables(), 3_600_000).await.unwrap().listed.is_empty(), "none is an hour old");

    let error = bed.db.end(prepared).await.unwrap_err();
    assert!(error.why.contains("ROLLBACK PREPARED"), "whoever prepared it decides: {error}");
    let late =
        InTheWay { began: queue_shown.began.map(|[session, began]| [session, began + 1]), ..queue_shown.clone() };
    assert_eq!(bed.db.end(&late).await.unwrap(), Ending::WasOver, "another transaction of that session is none of it");
    a_role_that_may_little_sees_them_all_the_same(bed, queue_shown).await;
    assert_eq!(bed.db.end(queue_shown).await.unwrap(), Ending::Ended);
    within("the end of the queue", queue).await.unwrap();
    let names: Vec<String> =
        bed.db.in_the_way(&tables(), 0).await.unwrap().listed.into_iter().map(|t| t.shown.application).collect();
    assert_eq!(names, ["nightly", "two phases"], "and of nobody else");
}

/// Without pg_monitor it is told who, but not since when, and ends nobody.
async fn a_role_that_may_little_sees_them_all_the_same(bed: &Bed, known: &InTheWay) {
    let limited = &bed.server.logins.limited;
    let endpoint = Endpoint { user: limited.user.clone(), ..postgres_server::endpoint(&bed.server, "shop") };
    let password = Secret::new(limited.password.clone());
    let login = Login { endpoint: &endpoint, password: Some(&password) };
    let few = connect_postgres(Side::Source, login, 1).await.unwrap();
    let seen = few.in_the_way(&tables(), 3_600_000).await.unwrap().listed;
    let one = seen.iter().find(|t| t.shown.application == "queue").expect("of unknown age, so it may be an hour old");
    assert_eq!((one.shown.age_ms, &one.shown.id), (None, &None), "{one:?}");
    assert_eq!(one.virtual_id, known.virtual_id, "by which it is known again at the next look");
    let error = few.end(one).await.unwrap_err();
    assert!(error.kind == Kind::Privilege && error.why.contains("pg_signal_backend"), "it says what it takes: {error}");
    let error = few.end(known).await;
    assert!(!matches!(error, Ok(Ending::Ended | Ending::Told)), "whoever may see it elsewhere: {error:?}");
    let room = few.room(&[]).await.unwrap().connections;
    assert!(room.used >= 5 && room.application >= 4, "sessions of others are counted all the same: {room:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_a_slot_is_told_until_it_is_lost() {
    let bed = Bed::start(Major::V15, &[("max_slot_wal_keep_size", "16MB")]).await;
    let ours = ["switchyard_x_from_source".to_owned()];
    bed.server
        .execute("SELECT pg_create_logical_replication_slot('switchyard_x_from_source', 'pgoutput')")
        .await
        .unwrap();
    bed.server.execute("SELECT pg_create_physical_replication_slot('somebody_elses', true)").await.unwrap();
    let room = bed.db.room(&ours).await.unwrap();
    let [slot] = room.slots.as_slice() else { panic!("ours alone: {room:?}") };
    assert_eq!((slot.status, slot.limit_bytes), (WalStatus::Kept, Some(16 << 20)));
    assert!(room.connections.max == 300 && room.connections.reserved >= 3, "{room:?}");
    for _ in 0..4 {
        bed.server.execute("SELECT pg_logical_emit_message(false, 'x', 'y'); SELECT pg_switch_wal()").await.unwrap();
    }
    bed.server.execute("CHECKPOINT").await.unwrap();
    let room = bed.db.room(&ours).await.unwrap();
    assert_eq!(room.slots[0].status, WalStatus::Lost, "the server's own word: {room:?}");
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
    they_are_shown_without_what_they_run(&bed).await;

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
    let fence = bed.db.raise(&order(big.clone())).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "half a second is less than deadlock_timeout: {:?}",
        begun.elapsed()
    );
    fence.roll_back().await.unwrap();

    bed.db.raise(&order(big.clone())).await.unwrap().commit().await.unwrap();
    bed.until("an autovacuum to run again", running).await;
    let begun = Instant::now();
    bed.db.lower(&big, Bidding::Switch { epoch: 99 }).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "writers go on although it runs: {:?}", begun.elapsed());
    assert!(!bed.db.is_raised(&big).await.unwrap());
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
            db.lower(&names, Bidding::Switch { epoch: 99 }).await.unwrap();
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
