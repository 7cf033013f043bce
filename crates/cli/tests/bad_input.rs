//! Bad input gets a sentence that names the thing, what is wrong and what to do, and the right exit code.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::process::Output;

use ctl::{Ctl, MIGRATION};
use switchyard_rig::RigOptions;

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout)
}

/// The answer has this exit code and names each of these.
fn expect(out: &Output, code: i32, names: &[&str]) {
    let text = said(out);
    assert_eq!(out.status.code(), Some(code), "{text}");
    for name in names {
        assert!(text.contains(name), "the sentence has to name “{name}”: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_is_answered_in_sentences() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let s = &ctl.rig.source;

    let url = format!("postgres://nobody_here:wrong@{}:{}/shop", s.host, s.port);
    ctl.output_with_input(&["endpoint", "add", "stranger", "--url", "-"], &url);
    expect(&ctl.output(&["endpoint", "test", "stranger"]), 2, &["nobody_here", "wants a password"]);

    ctl.output_with_input(&["endpoint", "add", "away", "--url", "-"], "postgres://ann@127.0.0.1:1/shop");
    expect(&ctl.output(&["endpoint", "test", "away"]), 2, &["127.0.0.1:1", "nothing listens"]);

    expect(&ctl.output(&["endpoint", "add", "x", "--url", "mysql://a@b/c"]), 2, &["postgres://"]);
    expect(&ctl.output(&["endpoint", "add", "x", "--url", "postgres://a:secret@b/c"]), 2, &["stdin"]);
    expect(&ctl.output(&["endpoint", "remove", "a"]), 1, &["“a”", MIGRATION]);
    expect(&ctl.output(&["status", "nothing"]), 2, &["“nothing”"]);
    expect(&ctl.output(&["run", MIGRATION, "reads", "x"]), 2, &["“x”"]);
    expect(&ctl.output(&["run", MIGRATION, "writes"]), 1, &["Start replication"]);
    expect(&ctl.output(&["rollback", MIGRATION]), 1, &["nothing to roll back"]);
    expect(&ctl.output(&["run", MIGRATION, "cleanup", "shopp"]), 1, &["“shop”"]);
    expect(&ctl.output(&["override", MIGRATION, "luck", "--name", "ann", "--reason", "hope"]), 2, &["“luck”"]);
    let same =
        ["migration", "create", "m", "--source", "a", "--target", "a", "--pgbouncer", "x@h:1", "--haproxy", "h:2"];
    expect(&ctl.output(&same), 2, &["Source and target are both"]);
    expect(&ctl.output(&["migration", "create", "m", "--source", "a", "--target", "b"]), 2, &["PgBouncer", "HAProxy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_publish_is_found_before_anything_is_made() {
    let settings = vec![("wal_level".to_owned(), "replica".to_owned())];
    let ctl = Ctl::start(RigOptions { source_settings: settings, ..RigOptions::default() }).await;
    ctl.rig.source.execute("CREATE TABLE public.\"No Key\" (v text)").await.unwrap();
    ctl.done(&["run", MIGRATION, "analyze"]);
    let status = ctl.status();
    let checks = status["phases"][0]["checks"].to_string();
    assert!(checks.contains("wal_level") && checks.contains("No Key"), "both problems are listed: {checks}");
    expect(&ctl.output(&["run", MIGRATION, "prepare"]), 1, &["Preflight"]);
    let made = ctl
        .rig
        .target
        .execute("DO $$ BEGIN IF to_regclass('public.customer') IS NOT NULL THEN RAISE 'made'; END IF; END $$");
    made.await.unwrap();
}

#[test]
fn a_damaged_store_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.db");
    let text = "no database, though longer than a database's header is. ".repeat(100);
    std::fs::write(&store, &text).unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_switchyardctl"))
        .args(["migration", "list"])
        .env("SWITCHYARD_STORE", &store)
        .env("SWITCHYARD_NO_KEYRING", "1")
        .output()
        .unwrap();
    expect(&out, 2, &["store.db", "damaged", "Restore"]);
    assert_eq!(std::fs::read_to_string(&store).unwrap(), text, "what may be rescued is not touched");
}
