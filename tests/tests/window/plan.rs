//! Timeline, Pools and accepted differences: the page asks the real engine, and what it is told to keep is in the store.

use std::time::Duration;

use serde_json::json;
use sqlx::Connection as _;
use switchyard_rig::RigOptions;
use switchyard_tests::{Stage, World, ask};

/// The source is watched for three seconds, and a sample travels.
const MEASURED: Duration = Duration::from_secs(60);
/// Pools are asked every two seconds.
const LIVE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_pair_is_measured_from_the_page_and_a_span_that_is_changed_is_kept() {
    let world = World::at(Stage::Validated).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-timeline").await;
    app.see("not-measured").await;
    app.click("measure").await;
    app.see_within("gantt", MEASURED).await;
    app.attribute_until("task-discovery", "data-done", "the journal knows that", MEASURED, |d| d == "true").await;
    app.attribute_until("task-cleanup", "data-done", "and that not", MEASURED, |d| d == "false").await;
    let before = app.text("timeline-summary").await;
    app.fill("days-performance", "33").await;
    // A field tells its change when it is left.
    app.click("timeline-team").await;
    app.attribute_until("task-performance", "data-days", "the engine took it", MEASURED, |d| d == "33").await;
    assert_ne!(app.text("timeline-summary").await, before, "the end moved with it");
    let api = world.api(false).await;
    let view = ask(&api, "timeline", json!({ "migration": World::MIGRATION, "width": 800, "dark": false })).await;
    assert_eq!(view["edits"]["days"]["performance"], 33.0, "another host on the same store sees it");
    api.shut_down().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn pools_are_live_and_a_client_that_waits_is_warned_of() {
    let world = World::at(Stage::Validated).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-pools").await;
    app.see_within("pool-app_rw", LIVE).await;
    app.see_within("pools-need", LIVE).await;
    assert!(app.text("ini").await.contains("pool_mode = transaction"), "what PgBouncer is given");
    app.attribute_until("pools-live", "data-warnings", "the application alone is no reason to warn", LIVE, |n| {
        n == "0"
    })
    .await;

    // As many transactions as the writers' pool has connections: the application's own clients wait behind them.
    let mut open = Vec::new();
    for _ in 0..RigOptions::default().pool_size {
        let url = world.rig.poolers[0].rw_url();
        open.push(tokio::spawn(async move {
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            sqlx::raw_sql("BEGIN; SELECT 1").execute(&mut connection).await.unwrap();
            connection
        }));
    }
    app.attribute_until("pools-live", "data-warnings", "clients wait", LIVE, |n| n != "0").await;
    let said = app.text("pools-warning").await;
    assert!(said.contains("app_rw") && said.contains("wait"), "in words: {said}");
    drop(all(open).await);
    app.attribute_until("pools-live", "data-warnings", "it is over when it is over", LIVE, |n| n == "0").await;
    app.close().await;
}

/// All connections, to be dropped together.
async fn all(open: Vec<tokio::task::JoinHandle<sqlx::PgConnection>>) -> Vec<sqlx::PgConnection> {
    let mut connections = Vec::new();
    for one in open {
        connections.push(one.await.unwrap());
    }
    connections
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_difference_is_accepted_with_a_reason_and_taken_back() {
    let world = World::at(Stage::Validated).await;
    world.rig.target.execute("COMMENT ON TABLE public.warehouse IS 'target''s own'").await.unwrap();
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-schema").await;
    app.see("schema-filter").await;
    app.fill("schema-filter", "warehouse").await;
    app.click_within("difference-0", LIVE).await;
    app.click("accept-open").await;
    app.fill("accept-name", "Ann").await;
    app.fill("accept-reason", "only the target's people read it").await;
    app.click("accept-confirm").await;
    app.see_within("accepted-0", LIVE).await;
    let said = app.text("accepted-0").await;
    assert!(said.contains("only the target's people read it") && said.contains("Ann"), "who, and why: {said}");
    app.click("take-back-0").await;
    app.gone("accepted-0").await;
    app.see_within("difference-0", LIVE).await;
    app.close().await;
}
