//! Reads go up by the ladder, come back through the rollback dialog, and a window that was closed or lost comes back.

use std::time::Duration;

use switchyard_model::Side;
use switchyard_tests::{App, Stage, World, cockpit};

/// A gate with demo limits may need its lag to hold for 5 s after a rung has soaked for 2 s.
const GATE: Duration = Duration::from_secs(40);
/// A command with small data.
const COMMAND: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn reads_go_up_come_back_and_the_window_may_be_lost() {
    let world = World::at(Stage::Validated).await;
    let app = world.open(&["--open", World::MIGRATION]).await;

    app.see("headline").await;
    the_chart_moves(&app).await;
    for percent in [1, 5, 10] {
        shift_to(&app, percent).await;
    }
    let api = world.api(false).await;
    assert_eq!(cockpit(&api).await.reads_on_target, 10, "the journal says what the window did");

    roll_back(&app).await;
    let after = cockpit(&api).await;
    assert_eq!((after.reads_on_target, after.authority), (0, Side::Source), "everything is on the source again");

    app.click("nav-journal").await;
    app.wait_for("the journal shows the rollback", COMMAND, async || {
        app.texts("journal-line").await.iter().any(|l| l.contains("Roll back") || l.contains("roll back")).then_some(())
    })
    .await;
    app.click("nav-overview").await;
    let before = app.text("headline").await;
    app.close().await;

    let app = world.open(&["--open", World::MIGRATION]).await;
    app.text_until("headline", "a closed window comes back as it was", COMMAND, |t| t == before).await;
    app.lose().await;

    let app = world.open(&["--open", World::MIGRATION]).await;
    app.text_until("headline", "and so does a lost one", COMMAND, |t| t == before).await;
    app.see("next-command").await;
    app.close().await;
    api.shut_down().await;
}

/// New beats arrive each second, so the chart has to follow within a few.
async fn the_chart_moves(app: &App) {
    let newest = |text: &str| text.parse::<i64>().unwrap_or(0);
    let first =
        app.attribute_until("lag-chart", "data-newest", "the chart has samples", COMMAND, |t| newest(t) > 0).await;
    let within = Duration::from_secs(6);
    app.attribute_until("lag-chart", "data-newest", "the chart follows the beats", within, |t| {
        newest(t) > newest(&first)
    })
    .await;
}

/// From the button of the next command through its preview to its end.
async fn shift_to(app: &App, percent: u8) {
    let label = format!("Shift to {percent} %…");
    app.text_until("next-command", "the ladder goes on", GATE, |t| t == label).await;
    app.click_within("next-command", GATE).await;
    app.see("preview-steps").await;
    let preview = app.text("preview-steps").await;
    assert!(
        preview.contains("set server") || preview.contains("weight"),
        "the preview shows HAProxy's own commands: {preview}"
    );
    app.click("run-confirm").await;
    app.attribute_until("command-outcome", "data-state", "the shift is done", COMMAND, |s| s == "done").await;
    app.click("command-done").await;
    app.gone("command-dialog").await;
    let why = format!("the headline says {percent} %");
    app.text_until("headline", &why, COMMAND, |t| t.contains(&format!("{percent} %"))).await;
}

async fn roll_back(app: &App) {
    app.click("rollback-open").await;
    app.see("preview-steps").await;
    app.press_for("rollback-hold", Duration::from_millis(300)).await;
    let says = app.text("hold-says").await;
    assert!(says.contains("too early"), "a short press runs nothing, and says so: {says}");
    app.hold("rollback-hold").await;
    app.attribute_until("command-outcome", "data-state", "the rollback is done", COMMAND, |s| s == "done").await;
    app.click("rollback-done").await;
    app.gone("rollback-dialog").await;
}
