//! A second start on the same store.

use std::process::Command;
use std::time::Duration;

use switchyard_tests::{App, binary};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_second_start_brings_the_first_window_to_its_migration() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("store");
    let app = App::start(home.path(), &["--data", data.to_str().unwrap()]).await;
    app.see("first-steps").await;

    let second = Command::new(binary()).arg("--data").arg(&data).args(["--open", "no such one"]).status().unwrap();
    assert!(second.success(), "the second start hands over and ends well: {second}");
    app.text_until("cockpit-fault", "the first window went where the second was sent", Duration::from_secs(5), |t| {
        t.contains("no such one")
    })
    .await;
    app.close().await;
}
