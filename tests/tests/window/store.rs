//! A store that cannot be opened.

use switchyard_tests::App;

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
