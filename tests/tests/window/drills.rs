//! A drill from the page: the engine runs it on real servers, the page shows its parts, and the rollback button is given what it
//! measured.

use std::time::Duration;

use serde_json::json;
use switchyard_tests::{Stage, World, ask};

/// A share of reads moves, fails and returns within seconds; the gates may take a while before.
const REHEARSED: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_drill_is_run_from_the_page_and_the_rollback_button_says_what_it_measured() {
    let world = World::at(Stage::Validated).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.click("nav-drills").await;
    assert!(app.text("drill-result").await.contains("The way back is a hope"), "nobody has tried it");
    assert!(app.text("drill-why").await.contains("role is not named"), "what is missing is said");

    let login = &world.rig.source.logins.app;
    app.click("drill-failure-target-errors").await;
    app.fill("drill-role", &login.user).await;
    app.fill("drill-password", &login.password).await;
    app.wait_for("the gates of a drill open", REHEARSED, async || {
        app.text("drill-why").await.contains("is real").then_some(())
    })
    .await;
    app.click("drill-run").await;
    app.see_within("drill-open", Duration::from_secs(10)).await;
    let said = app.text_until("drill-result", "the drill ends", REHEARSED, |t| t.contains("Whole")).await;
    assert!(said.contains("✓ Passed") && said.contains("Errors from the target"), "{said}");
    assert!(app.text("drill-last-target-errors").await.contains('✓'), "the list knows it too");
    app.see("drill-history").await;

    let api = world.api(false).await;
    let view = ask(&api, "drills", json!({ "name": World::MIGRATION })).await;
    let result = &view["past"][0]["ended"][1];
    assert_eq!(result["ledger"]["lost"], json!([]), "no write is lost: {result}");
    let cockpit = ask(&api, "cockpit", json!({ "name": World::MIGRATION })).await;
    let note = cockpit["rollback"]["note"].as_str().unwrap().to_owned();
    assert!(
        note.contains("last drill: back in") && note.contains("0 of"),
        "the rollback button gets what was measured: {note}"
    );
    api.shut_down().await;
    app.close().await;
}
