//! Rows that differ, planted on the side without the authority, for the step that mends them.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgConnection};
use switchyard_model::{Command, Side, ident::TableName};

use super::world::World;

/// Rows of each kind.
const ROWS: i64 = 15;

/// Rows that no client changes: the ledger is only added to.
const TABLE: &str = "public.ledger_entry";

async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap()
}

/// Changes some rows, takes some away and adds some, as nobody's trigger sees; a validation finds them.
pub async fn plant(world: &World) {
    let side = world.book.state().await.authority.other();
    {
        let mut there = world.looking(side).await;
        let began = Instant::now();
        while number(&mut there, &format!("SELECT count(*) FROM {TABLE}")).await < 4 * ROWS {
            assert!(began.elapsed() < Duration::from_secs(30), "the ledger does not fill");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let some =
            |skip: i64| format!("entry_id IN (SELECT entry_id FROM {TABLE} ORDER BY 1 OFFSET {skip} LIMIT {ROWS})");
        let sql = format!(
            "BEGIN; SET LOCAL session_replication_role = replica; \
             DELETE FROM {TABLE} WHERE {}; UPDATE {TABLE} SET payload = payload || ' ' WHERE {}; \
             INSERT INTO {TABLE} (entry_id, client_id, number, payload) OVERRIDING SYSTEM VALUE \
               SELECT -entry_id, client_id, -number, payload FROM {TABLE} ORDER BY 1 DESC LIMIT {ROWS}; COMMIT",
            some(0),
            some(ROWS),
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *there).await.unwrap();
    }
    world.run(Command::Validate).await;
    assert_eq!(kept(world).await, 3 * ROWS, "exactly what was planted is to be mended");
}

async fn kept(world: &World) -> i64 {
    let table = TableName::new("public", "ledger_entry");
    world.store.count_findings(world.book.migration(), &table).await.unwrap()
}

/// After all that went wrong meanwhile, each of them is as the authority has it.
pub async fn are_mended(world: &World) {
    assert_eq!(kept(world).await, 0, "a row that is equal is no finding any more");
    world.run(Command::Validate).await;
    assert_eq!(kept(world).await, 0, "and a pass finds none");
    for side in [Side::Source, Side::Target] {
        let planted = format!("SELECT count(*) FROM {TABLE} WHERE entry_id < 0");
        let planted = number(&mut *world.looking(side).await, &planted).await;
        assert_eq!(planted, 0, "what was added on one side is gone from the {side}, and came to no other");
    }
}
