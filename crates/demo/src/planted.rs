//! The slow plan that the demo plants: an index of the source that somebody dropped on the target.
//!
//! It goes after the copy, so that the schema was made whole and every gate says what is true: a missing index stops no stream
//! and makes no row differ. What it costs is for the Queries page to find.

use std::time::{Duration, Instant};

use serde::Serialize;
use switchyard_api::{
    dto::*,
    queries::{Sort, StatementSide},
};
use switchyard_rig::{Rig, Server};

use crate::{Failure, driver::Driver};

/// The index; reviews of a product are read by it.
const INDEX: &str = "review_product";

/// The worst statement has to be named within.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long is watched for what the statement costs afterwards, seconds.
const WATCHED_S: u32 = 2;

/// What was found and what became of it.
#[derive(Debug, Serialize)]
pub struct SlowPlan {
    /// Id of the statement that was named as the worst.
    statement: String,
    /// What it was said to lack.
    why: String,
    /// How long it took to be named as that.
    named_s: f64,
    source_ms: f64,
    target_ms: f64,
    /// What it took on the target once the index was there; None where it was not seen again.
    mended_ms: Option<f64>,
    /// Its index was found as missing, was made, and is no longer missed.
    pub is_mended: bool,
}

/// Settings with which both servers count statements and keep a log that can be read over SQL.
pub fn settings() -> Vec<(String, String)> {
    [
        ("shared_preload_libraries", "pg_stat_statements"),
        ("logging_collector", "on"),
        ("log_destination", "csvlog"),
        ("log_directory", "log"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The extension on the source; preparing the target makes it there.
pub async fn count_statements(rig: &Rig) -> Result<(), Failure> {
    Ok(rig.source.execute("CREATE EXTENSION pg_stat_statements").await?)
}

/// Waits for the target to be made whole, and drops the index there.
pub async fn drop_once_copied(target: &Server) {
    // The index comes with the rest of the schema; who is still at work on it is let be.
    let is_made = format!(
        "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = '{INDEX}' AND i.indisvalid) \
           AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pg_restore') \
           AND EXISTS (SELECT FROM pg_stat_all_tables WHERE relname = 'review' AND last_analyze IS NOT NULL)"
    );
    loop {
        if let Ok(mut connection) = target.connect(switchyard_rig::DATABASE).await {
            let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(is_made.clone())).fetch_one(&mut connection).await;
            let drop_it = format!("SET lock_timeout = '5s'; DROP INDEX {INDEX}");
            if matches!(asked, Ok(true)) && target.execute(&drop_it).await.is_ok() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Asks for the worst statement until it is the one whose index is missing, and makes it: what the page's button does.
pub async fn found(driver: &Driver) -> Result<SlowPlan, Failure> {
    eprintln!("Queries");
    let began = Instant::now();
    let mut plan = worst(driver).await?;
    // On a busy machine a read that had to wait may look worse at first; the more is counted, the less that matters.
    while !plan.why.contains(INDEX) && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(500)).await;
        plan = worst(driver).await?;
    }
    plan.named_s = began.elapsed().as_secs_f64();
    let SlowPlan { source_ms, target_ms, why, .. } = &plan;
    eprintln!("  the worst statement takes {source_ms:.2} ms on the source, {target_ms:.2} ms on the target. {why}");
    if plan.why.contains(INDEX) {
        let made = index(driver, &plan, true).await?.made;
        for one in &made {
            eprintln!("  made: {}", one.run);
        }
        plan.is_mended = made.iter().any(|i| i.name == INDEX) && index(driver, &plan, false).await?.missing.is_empty();
    }
    Ok(plan)
}

async fn worst(driver: &Driver) -> Result<SlowPlan, Failure> {
    let view = top(driver, QueryWindow::Start).await?;
    let worst = view.statements.into_iter().next().ok_or("neither server counted a statement")?;
    let mean = |side: Option<StatementSide>| side.map_or(0.0, |s| s.mean_ms);
    Ok(SlowPlan {
        statement: worst.compared.shape.id,
        why: worst.why.unwrap_or_default(),
        named_s: 0.0,
        source_ms: mean(worst.compared.source),
        target_ms: mean(worst.compared.target),
        mended_ms: None,
        is_mended: false,
    })
}

/// What the statement takes now, with all reads on the target.
pub async fn seen_again(driver: &Driver, plan: &mut SlowPlan) -> Result<(), Failure> {
    let view = top(driver, QueryWindow::Watch { seconds: WATCHED_S }).await?;
    let same = view.statements.into_iter().find(|s| s.compared.shape.id == plan.statement);
    plan.mended_ms = same.and_then(|s| s.compared.target).map(|t| t.mean_ms);
    if let Some(ms) = plan.mended_ms {
        eprintln!("  the statement that was slow takes {ms:.2} ms on the target now");
    }
    Ok(())
}

async fn top(driver: &Driver, window: QueryWindow) -> Result<QueriesView, Failure> {
    let migration = driver.migration.clone();
    let request = QueriesRequest { migration, window, sort: Sort::Damage, limit: 200, own: false, logs: None };
    driver.call("queries_top", request).await
}

async fn index(driver: &Driver, plan: &SlowPlan, apply: bool) -> Result<IndexView, Failure> {
    let request = IndexRequest { migration: driver.migration.clone(), statement: plan.statement.clone(), apply };
    driver.call("queries_index", request).await
}
