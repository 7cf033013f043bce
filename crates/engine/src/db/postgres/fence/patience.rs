//! Statements that need a lock on an application's table, with a short wait and many tries.
//!
//! Whoever waits for a strong lock makes everybody behind wait too. So the wait is short, and what is patient is the
//! repetition.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgConnection};

use crate::{Error, Kind, Result, db::postgres::classify};

/// How long one statement is tried again and again.
const BUDGET: Duration = Duration::from_secs(30);

/// Between two tries: long enough for the writers that queued behind us to get through.
const PAUSE: Duration = Duration::from_millis(150);

/// Runs a string that begins and ends its own transaction, until its locks are gained or the budget is spent.
pub(super) async fn run(connection: &mut PgConnection, sql: &str, doing: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        // Built of quoted identifiers only; see `sql`.
        let failed = match sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *connection).await {
            Ok(_) => return Ok(()),
            Err(e) => e,
        };
        // Ends the failed transaction. Where the connection itself is broken this fails too, and `failed` says why.
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
        if !classify::is_lock_timeout(&failed) {
            return Err(classify::classify(doing, failed));
        }
        if begun.elapsed() > BUDGET {
            let why = format!("a transaction has held this table for {} s", begun.elapsed().as_secs());
            return Err(Error::new(Kind::LockTimeout, doing, why).caused_by(failed));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
