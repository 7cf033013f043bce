//! A database with fenced tables of every kind, statements that write to them, and what refused means.

use sqlx::{PgConnection, postgres::PgDatabaseError};
use switchyard_engine::db::{Fence, FenceOrder, Refusal};
use switchyard_model::ident::TableName;
use switchyard_rig::Major;

use super::Bed;

pub const SCHEMA: &str = "
    CREATE TABLE plain (id int PRIMARY KEY, note text);
    INSERT INTO plain VALUES (1, 'one');
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
    INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2);
    CREATE TABLE log (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
    CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20);";

pub fn tables() -> Vec<TableName> {
    ["plain", "parent", "child", "log", "log_1", "log_2"].map(|t| TableName::new("public", t)).to_vec()
}

pub fn order(tables: Vec<TableName>) -> FenceOrder {
    FenceOrder {
        tables,
        refusal: Refusal::Moved { to: "the 'new' one".into(), epoch: 7, rows_publication: "switchyard_rows".into() },
        lock_timeout_ms: 1000,
        idle_timeout_ms: 5000,
    }
}

pub async fn bed() -> Bed {
    bed_on(Major::V15).await
}

pub async fn bed_on(major: Major) -> Bed {
    let bed = Bed::start(major, &[("max_prepared_transactions", "5")]).await;
    bed.execute(SCHEMA).await;
    bed.db.install(&tables()).await.unwrap();
    bed
}

/// Statements that write, each on its own session.
pub const WRITES: [&str; 11] = [
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

pub async fn write(mut connection: PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    if sql.starts_with("COPY") {
        let mut copy = connection.copy_in_raw(sql).await?;
        copy.send(&b"300\tcopied\n"[..]).await?;
        return copy.finish().await.map(drop);
    }
    sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
}

pub fn assert_refused(what: &str, outcome: Result<(), sqlx::Error>) {
    let error = outcome.expect_err(what);
    let database = error.as_database_error().unwrap_or_else(|| panic!("{what}: {error}"));
    let refusal = database.downcast_ref::<PgDatabaseError>();
    assert_eq!(refusal.code(), "25006", "{what}: drivers know this one as “not the primary”");
    assert_eq!(refusal.message(), "switchyard: writes moved to the 'new' one, epoch 7", "{what}");
    assert!(refusal.hint().unwrap().contains("the 'new' one"), "{what}: the hint says where to go");
}
