//! Two ways in which a row's value alone would mislead: it was another one in between, or it is not on the disk yet.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_model::Side;
use switchyard_rig::Major;

use super::{
    bed::Bed,
    load::Load,
    native_pair::{long, wait},
};

/// Writes two statements by turns, each in a commit of its own, until told to stop.
async fn by_turns(url: String, pair: [String; 2], stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for sql in pair.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await.unwrap();
        done.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_another_in_between_is_no_finding() {
    let Some(bed) = Bed::start(Major::V15, Major::V15).await else { return };
    let load = Load::quiet(&bed.pair);
    load.delay(&bed.pair, Duration::from_millis(200)).await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::<AtomicU64>::default());
    let name = long();
    let habits = [
        [format!("UPDATE {name} SET v = 'on' WHERE id <= 20"), format!("UPDATE {name} SET v = 'off' WHERE id <= 20")],
        [
            "DELETE FROM counter WHERE id <= 20".to_owned(),
            "INSERT INTO counter SELECT g, 0 FROM generate_series(1, 20) g".to_owned(),
        ],
    ];
    let writers: Vec<_> = habits
        .into_iter()
        .map(|pair| tokio::spawn(by_turns(bed.pair.source.switchyard_url(), pair, stop.clone(), done.clone())))
        .collect();
    wait("the rows to move", async || done.load(Ordering::Relaxed) > 20).await;
    let mut told = Vec::new();
    for _ in 0..6 {
        told.extend(bed.full_pass().await.differences());
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    load.stop().await;
    assert_eq!(told, [], "the same value at two moments is not the same row: it went and came back in between");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_not_on_the_disk_yet_is_no_finding() {
    let Some(bed) = Bed::start(Major::V15, Major::V15).await else { return };
    // The writer of the log takes its time, so a commit that does not wait is visible long before it can be streamed.
    bed.pair.source.execute("ALTER SYSTEM SET wal_writer_delay = '3s'").await.unwrap();
    bed.pair.source.execute("SELECT pg_reload_conf()").await.unwrap();
    let set = "SELECT count(*) FROM pg_settings WHERE name = 'wal_writer_delay' AND setting = '3000'";
    wait("the setting", async || bed.pair.number(Side::Source, set).await == 1).await;
    let mut writer = PgConnection::connect(&bed.pair.source.switchyard_url()).await.unwrap();
    sqlx::raw_sql("SET synchronous_commit = off").execute(&mut writer).await.unwrap();
    let mut told = BTreeMap::new();
    for n in 1..4 {
        let sql = format!("UPDATE counter SET n = {n} WHERE id <= 10");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut writer).await.unwrap();
        told.extend(bed.full_pass().await.differences());
    }
    assert_eq!(told, BTreeMap::new(), "what the source shows may not have been written, and so not be on its way");
}
