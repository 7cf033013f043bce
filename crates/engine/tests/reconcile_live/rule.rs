//! Two ways in which a row's value alone would mislead: it was another one in between, or it is not on the disk yet.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_engine::{Result, reconcile::Stream};
use switchyard_model::{Side, ident::TableName};
use switchyard_rig::Major;

use super::{
    bed::{Bed, Found},
    native_pair::wait,
};

/// What follows in the same session arrives this much later.
const LATER: &str = "UPDATE switchyard.marker SET at = clock_timestamp(), delay = '3 s'";

/// The real stream; but when it was first waited for, the row goes to another state, which arrives, and back, which does
/// not arrive at once.
struct ThereAndBack<'a> {
    bed: &'a Bed,
    there: &'a str,
    arrived: &'a str,
    back: &'a str,
    done: AtomicBool,
}

#[async_trait]
impl Stream for ThereAndBack<'_> {
    async fn pass(&self) -> Result<()> {
        self.bed.stream.pass().await?;
        if !self.done.swap(true, Ordering::SeqCst) {
            let pair = &self.bed.pair;
            pair.run(Side::Source, self.there).await;
            let asked = Instant::now();
            while pair.number(Side::Target, self.arrived).await != 1 {
                assert!(
                    asked.elapsed() < Duration::from_secs(60),
                    "waited a minute in vain for the other state to arrive"
                );
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            pair.run(Side::Source, LATER).await;
            pair.run(Side::Source, self.back).await;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_another_in_between_is_no_finding() {
    let Some(bed) = Bed::start(Major::V15, Major::V15).await else { return };
    let counter = TableName::new("public", "counter");
    let states = [
        // A row that is there all the time, and one that is not but for a moment.
        (
            "UPDATE counter SET n = 7 WHERE id = 1",
            "SELECT count(*) FROM counter WHERE id = 1 AND n = 8",
            "UPDATE counter SET n = 8 WHERE id = 1",
        ),
        (
            "DELETE FROM counter WHERE id = 2",
            "SELECT count(*) FROM counter WHERE id = 2 AND n = 8",
            "INSERT INTO counter VALUES (2, 8)",
        ),
    ];
    for (at_rest, arrived, there) in states {
        // So late that the two sides differ when they are first looked at.
        bed.pair.run(Side::Source, LATER).await;
        bed.pair.run(Side::Source, at_rest).await;
        let stream = ThereAndBack { bed: &bed, there, arrived, back: at_rest, done: AtomicBool::new(false) };
        let found = Found::default();
        bed.full_pass_with(&stream, &found, |t| *t == counter).await;
        assert!(stream.done.load(Ordering::SeqCst), "the row must have been looked at again: {at_rest}");
        let why = "the source shows the same at two moments, and yet the row was another in between";
        assert_eq!(found.differences(), BTreeMap::new(), "{why}: {at_rest}");
    }
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
