//! An endpoint is added in the form; its password goes to the keyring and nowhere else.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use switchyard_rig::RigOptions;
use switchyard_tests::{World, ask};

/// Connecting and asking, on a busy machine.
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
