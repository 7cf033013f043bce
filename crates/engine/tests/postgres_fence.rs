//! The fence on a real server: who is refused, who is not, and what ends it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use std::time::{Duration, Instant};

use postgres_server::{
    Bed, awkward_names,
    fenced::{WRITES, assert_refused, bed, bed_on, order, tables, write},
    within,
};
use sqlx::{AssertSqlSafe, PgConnection};
use switchyard_engine::{
    Kind,
    db::{
        Bidding, Fence, FenceOrder, Heartbeat, Refusal,
        connect::{Login, connect_postgres},
    },
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::Endpoint,
    ident::{TableName, quote},
};
use switchyard_rig::Major;

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
    bed.db.lower(&more, Bidding::Switch { epoch: 99 }).await.unwrap();
    bed.db.lower(&more, Bidding::Switch { epoch: 99 }).await.expect("lowering twice is no error");
    write(bed.app().await, WRITES[1]).await.expect("lowered means open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_is_lowered_by_a_later_switch_and_by_no_earlier_one() {
    let bed = bed().await;
    let to = "x, epoch 99', HINT = 'y".to_owned();
    let refusal = Refusal::Moved { to, epoch: 5, rows_publication: "switchyard_rows".into() };
    bed.db.raise(&FenceOrder { refusal, ..order(tables()) }).await.unwrap().commit().await.unwrap();
    for late in [Bidding::Switch { epoch: 4 }, Bidding::Switch { epoch: 5 }, Bidding::Release] {
        let error =
            bed.db.lower(&tables(), late).await.expect_err("what moved in epoch 5 is not let in by an older word");
        assert_eq!(error.kind, Kind::Contradiction, "{error}");
        assert!(error.why.contains("have moved from this side"), "it says what stands against it: {error}");
        let look = bed.db.heeds(late).await.expect_err("a look tells the same");
        assert_eq!(look.kind, Kind::Contradiction, "{look}");
        assert!(bed.db.has_moved(&tables()).await.unwrap(), "{late:?} leaves the fence as it stood");
        write(bed.app().await, WRITES[0]).await.expect_err("and it refuses");
    }
    bed.db.heeds(Bidding::Switch { epoch: 6 }).await.expect("a later switch is heeded");
    bed.db
        .lower(&tables(), Bidding::Switch { epoch: 6 })
        .await
        .expect("the way back lets writes in, whatever the name says");
    write(bed.app().await, WRITES[0]).await.expect("lowered means open");
    bed.db.lower(&tables(), Bidding::Switch { epoch: 4 }).await.expect("where nothing refuses, nothing is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_lowered_by_its_release() {
    let bed = bed().await;
    let refusal = Refusal::Held { to: "b, epoch 7".into() };
    bed.db.raise(&FenceOrder { refusal, ..order(tables()) }).await.unwrap().commit().await.unwrap();
    bed.db.lower(&tables(), Bidding::Release).await.expect("a hold is no move, whatever the name says");
    write(bed.app().await, WRITES[0]).await.expect("writes go on");
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
async fn awkward_names_are_fenced_and_everything_of_ours_goes_away() {
    let bed = bed().await;
    let names = awkward_names();
    bed.execute(format!("CREATE SCHEMA {}", quote("My Schema"))).await;
    for table in &names {
        bed.execute(format!("CREATE TABLE {table} (id int)")).await;
    }
    bed.db.install(&names).await.unwrap();
    let to = "a\\b'c\"d".to_owned();
    let refusal = Refusal::Moved { to, epoch: 7, rows_publication: "switchyard_rows".into() };
    let moved = FenceOrder { refusal, ..order(names.clone()) };
    bed.db.raise(&moved).await.unwrap().commit().await.unwrap();
    assert!(bed.db.is_raised(&names).await.unwrap());
    for table in &names {
        let insert = format!("INSERT INTO {table} VALUES (1)");
        let error = sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut bed.app().await).await.unwrap_err();
        assert!(error.to_string().contains("writes moved to a\\b'c\"d, epoch 7"), "{error}");
    }
    let listed = bed.db.remove_actions().await.unwrap();
    let triggers = listed.iter().filter(|a| a.run.contains("DROP TRIGGER")).count();
    assert_eq!((triggers, listed.len()), (names.len() + tables().len(), triggers + 7), "{listed:?}");
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
    db.lower(&tables(), Bidding::Switch { epoch: 99 }).await.unwrap();
    db.remove().await.unwrap();
}
