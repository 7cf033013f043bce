//! The real window on real servers, driven as a person would. Run by `scripts/window-tests.sh window`, which gives them
//! a screen, a session bus and a keyring.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use switchyard_model::Side;
use switchyard_rig::RigOptions;
use switchyard_tests::{App, Stage, World, ask, cockpit};

/// A gate with demo limits may need its lag to hold for 5 s after a rung has soaked for 2 s.
const GATE: Duration = Duration::from_secs(40);
/// A command with small data.
const COMMAND: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn an_endpoint_is_added_in_the_form() {
    let world = World::with(RigOptions { routers: false, schema: None, ..RigOptions::default() }).await;
    let server = &world.rig.source;
    let password = server.logins.switchyard.password.clone();
    let app = world.open(&[]).await;

    app.see("first-steps").await;
    app.click("first-endpoints").await;
    app.fill("endpoint-name", "orders, old server").await;
    app.fill("endpoint-host", &server.host).await;
    app.fill("endpoint-port", &server.port.to_string()).await;
    app.fill("endpoint-database", "shop").await;
    app.fill("endpoint-user", "switchyard").await;

    app.fill("endpoint-password", "not the password").await;
    app.click("endpoint-test").await;
    app.attribute_until("endpoint-test-result", "data-ok", "a wrong password is refused", COMMAND, |ok| ok == "false")
        .await;
    let sentence = app.text("endpoint-test-result").await;
    assert!(sentence.contains("password"), "the sentence says what is wrong: {sentence}");
    assert!(!sentence.contains("not the password"), "and never repeats a password: {sentence}");

    app.fill("endpoint-password", &password).await;
    app.click("endpoint-test").await;
    app.attribute_until("endpoint-test-result", "data-ok", "the right one is taken", COMMAND, |ok| ok == "true").await;
    let sentence = app.text("endpoint-test-result").await;
    assert!(sentence.contains(&format!("PostgreSQL {}", server.version)), "says what was found: {sentence}");

    app.click("endpoint-save").await;
    app.see("endpoint-saved").await;
    app.see("endpoint-row-orders, old server").await;

    let api = world.api(false).await;
    let list = ask(&api, "endpoint_list", json!({})).await;
    let row = &list["endpoints"][0];
    assert_eq!(row["endpoint"]["name"], "orders, old server", "another host sees it in the store: {list}");
    assert_eq!(row["password"], "keyring", "and finds its password where the window put it: {list}");
    api.shut_down().await;
    app.close().await;
    assert_eq!(holding(world.home(), password.as_bytes()), Vec::<String>::new(), "no file of ours holds the password");
}

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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_store_that_cannot_be_opened_is_said_in_the_window() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("store");
    std::fs::create_dir_all(&data).unwrap();
    let file = data.join("switchyard.db");
    let damaged = "no database, though longer than a database's header is. ".repeat(200);
    std::fs::write(&file, &damaged).unwrap();

    let app = App::start(home.path(), &["--data", data.to_str().unwrap()]).await;
    let said = app.text("fault").await;
    assert!(said.contains("switchyard.db"), "the operator has to know which file: {said}");
    app.close().await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), damaged, "what may be rescued is left as it is");
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
    let label = format!("Shift to {percent} %");
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

/// Files below `folder` that hold `secret`.
fn holding(folder: &Path, secret: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(holding(&path, secret));
        } else if std::fs::read(&path).is_ok_and(|bytes| bytes.windows(secret.len()).any(|w| w == secret)) {
            found.push(path.display().to_string());
        }
    }
    found
}
