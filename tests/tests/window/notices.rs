//! What is wrong reaches the desktop, also while the window has the focus.

use serde_json::json;
use switchyard_tests::bus::Notifications;
use switchyard_tests::{World, ask};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_failed_command_is_notified() {
    let world = World::start().await;
    let api = world.api(false).await;
    world.create(&api).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    app.see("next-command").await;
    let desktop = Notifications::listen().await;

    world.rig.target.stop().await.unwrap();
    let args = json!({ "migration": World::MIGRATION, "command": { "command": "analyze" }, "reason": "" });
    ask(&api, "run", args).await;
    desktop.wait_for("shop: ").await;
    app.see("notice").await;
    api.shut_down().await;
    app.close().await;
}
