//! The menu: its keys go through the screen and reach the page, or end the app.

use std::time::Duration;

use switchyard_tests::App;
use switchyard_tests::desk::{Desk, Key};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn the_menu_leads_to_pages() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("store");
    let app = App::start(home.path(), &["--data", data.to_str().unwrap()]).await;
    app.see("first-steps").await;
    let desk = Desk::open();
    let window = desk.window("Switchyard").await;

    desk.press(window, &[Key::CTRL, Key::of('e')]).await;
    app.see("endpoint-name").await;
    desk.press(window, &[Key::F1]).await;
    app.see("keys-dialog").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn quit_asks_nothing_when_nothing_is_held() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("store");
    let app = App::start(home.path(), &["--data", data.to_str().unwrap()]).await;
    app.see("first-steps").await;
    let desk = Desk::open();
    let window = desk.window("Switchyard").await;
    desk.press(window, &[Key::CTRL, Key::of('q')]).await;
    app.ends_within(Duration::from_secs(15), "no client waits for this process").await;
}
