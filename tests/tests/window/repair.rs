//! Rows that somebody changed on the target alone are found, repaired from the page, and equal again on the servers.

use std::time::Duration;

use sqlx::Connection as _;
use switchyard_rig::{DATABASE, Server};
use switchyard_tests::{Stage, World};

/// The first comparison begins some seconds after the window drives.
const COMPARED: Duration = Duration::from_secs(60);

const ROWS: &str = "SELECT string_agg(w::text, ';' ORDER BY warehouse_id) FROM public.warehouse w";

async fn rows(server: &Server) -> String {
    let mut connection = sqlx::PgConnection::connect(&server.admin_url(DATABASE)).await.unwrap();
    sqlx::query_scalar(ROWS).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_difference_is_repaired_from_the_page_and_gone_on_the_servers() {
    let world = World::at(Stage::Validated).await;
    // The stream does not see it: only the target's own log tells.
    world.rig.target.execute("UPDATE public.warehouse SET name = upper(name) || ' <b>&'").await.unwrap();
    assert_ne!(rows(&world.rig.source).await, rows(&world.rig.target).await, "they differ to begin with");

    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-consistency").await;
    app.click_within("compare-all", COMPARED).await;
    let verdict = "table-public.warehouse";
    app.attribute_until(verdict, "data-verdict", "it is found", COMPARED, |v| v == "different").await;
    app.click("table-open-public.warehouse").await;
    app.see("value-target").await;
    let shown = app.text("value-target").await;
    assert!(shown.contains("<b>&"), "a value is text, whatever is in it: {shown}");

    app.click("repair-table").await;
    app.see("preview-steps").await;
    let preview = app.text("preview-steps").await;
    assert!(preview.contains("UPDATE") && preview.contains("warehouse"), "the statements that will run: {preview}");
    app.click("run-confirm").await;
    app.attribute_until("command-outcome", "data-state", "the repair is done", COMPARED, |s| s == "done").await;
    app.click("command-done").await;
    app.gone("command-dialog").await;
    app.attribute_until(verdict, "data-verdict", "and the page says so", COMPARED, |v| v == "equal").await;
    assert_eq!(rows(&world.rig.source).await, rows(&world.rig.target).await, "the servers say so too");
    app.close().await;
}
