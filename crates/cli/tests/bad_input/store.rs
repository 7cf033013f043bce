//! The store's file: of a newer version, damaged, somebody else's, or no file at all. It is left as it is, byte by byte.

use std::{
    path::Path,
    process::{Command, Output},
};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::said::expect;

fn ctl(store: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_switchyardctl"))
        .args(args)
        .arg("--json")
        .env("SWITCHYARD_STORE", store)
        .env("SWITCHYARD_NO_KEYRING", "1")
        .output()
        .unwrap()
}

/// A store with two endpoints and a migration in it.
fn made(folder: &Path) -> std::path::PathBuf {
    let store = folder.join("store.db");
    for name in ["a", "b"] {
        let url = format!("postgres://ann@{name}.invalid/shop");
        assert!(ctl(&store, &["endpoint", "add", name, "--url", &url]).status.success());
    }
    let create = [
        "migration",
        "create",
        "shop",
        "--source",
        "a",
        "--target",
        "b",
        "--pgbouncer",
        "x@h.invalid:1",
        "--haproxy",
        "h.invalid:2",
    ];
    assert!(ctl(&store, &create).status.success());
    store
}

async fn change(store: &Path, sql: &'static str) {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(store)).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The answers of every kind of command name the file and these words, and leave it as it is.
#[track_caller]
fn refused(store: &Path, names: &[&str]) {
    let before = std::fs::read(store).unwrap();
    let file = store.display().to_string();
    for args in [
        &["migration", "list"][..],
        &["status", "shop"],
        &["run", "shop", "analyze"],
        &["endpoint", "add", "c", "--url", "postgres://a@b/c"],
    ] {
        expect(&ctl(store, args), 2, &[&[file.as_str()][..], names].concat());
        assert!(std::fs::read(store).unwrap() == before, "{args:?} changed a file that may be rescued");
    }
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path());
    let copy = folder.path().join("copy.db");
    std::fs::copy(&store, &copy).unwrap();
    change(&store, "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, x'00', 1)").await;
    refused(&store, &["written by a newer Switchyard", "schema 99", "Update Switchyard"]);
    assert!(ctl(&copy, &["status", "shop"]).status.code() != Some(2), "a store of this version opens");
}

#[tokio::test]
async fn a_damaged_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path());
    let whole = std::fs::read(&store).unwrap();
    let damages: [(&str, Vec<u8>); 3] = [
        ("text", "no database, though longer than a database's header is. ".repeat(100).into_bytes()),
        ("cut", whole[..5000].to_vec()),
        ("overwritten", [&whole[..4096], &vec![0x5a; whole.len() - 4096][..]].concat()),
    ];
    for (what, bytes) in damages {
        println!("{what}");
        std::fs::write(&store, &bytes).unwrap();
        refused(&store, &["damaged", "Restore the store from a copy"]);
    }
    std::fs::write(&store, &whole).unwrap();
    assert!(ctl(&store, &["migration", "list"]).status.success(), "the copy, restored, works");
}

#[tokio::test]
async fn a_journal_that_does_not_follow_from_itself_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path());
    let sign = ["sign-off", "shop", "schema.owner", "--name", "ann", "--reason", "frozen"];
    for _ in 0..2 {
        assert!(ctl(&store, &sign).status.success());
    }
    let whole = std::fs::read(&store).unwrap();
    let file = store.display().to_string();
    change(&store, "DROP TRIGGER journal_is_append_only_delete; DELETE FROM journal WHERE seq = 2").await;
    for args in [&["status", "shop"][..], &["run", "shop", "analyze"], &["migration", "list"]] {
        expect(&ctl(&store, args), 2, &["journal of “shop”", &file, "entry 2 is missing", "Restore the store"]);
    }
    std::fs::write(&store, &whole).unwrap();
    change(&store, "DROP TRIGGER journal_is_append_only_update; UPDATE journal SET entry = '{\"entry\":\"teleported\"}' WHERE seq = 2").await;
    expect(&ctl(&store, &["status", "shop"]), 2, &["Reading the journal", &file, "teleported", "Restore the store"]);
}

#[tokio::test]
async fn a_changed_entry_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path());
    for reason in ["frozen", "still frozen"] {
        let sign = ["sign-off", "shop", "schema.owner", "--name", "ann", "--reason", reason];
        assert!(ctl(&store, &sign).status.success());
    }
    let out = ctl(&store, &["journal", "verify", "shop"]);
    let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), &found["entries"]), (Some(0), &3.into()), "nobody touched it: {found}");
    let head = found["head"].as_str().unwrap();
    assert_eq!(ctl(&store, &["journal", "verify", "shop", "--head", head]).status.code(), Some(0), "it is still there");
    expect(&ctl(&store, &["journal", "verify", "shop", "--head", "3:abc"]), 2, &["3:abc", "64 digits"]);
    expect(&ctl(&store, &["journal", "verify", "shpo"]), 2, &["shpo"]);

    let change_it = "DROP TRIGGER journal_is_append_only_update; \
                     UPDATE journal SET entry = replace(entry, 'frozen', 'thawed') WHERE seq = 2";
    change(&store, change_it).await;
    let out = ctl(&store, &["journal", "verify", "shop", "--head", head]);
    let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), &found["whole"]), (Some(1), &false.into()), "{found}");
    assert!(found["broken"].as_str().unwrap().starts_with("Entry 2 is not what was written"), "{found}");
    assert!(ctl(&store, &["journal", "shop"]).status.success(), "it can be read all the same");
}

#[tokio::test]
async fn what_is_no_store_of_ours_is_refused_before_it_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs.db");
    let options = SqliteConnectOptions::new().filename(&theirs).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE photo (id INTEGER)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    refused(&theirs, &["another program's database", "name another file"]);
    expect(&ctl(folder.path(), &["migration", "list"]), 2, &["it is a folder", "name a file"]);
    expect(
        &ctl(Path::new("/proc/nowhere/store.db"), &["migration", "list"]),
        2,
        &["/proc/nowhere", "folder cannot be made", "permissions"],
    );

    let out = Command::new(env!("CARGO_BIN_EXE_switchyardctl"))
        .args(["migration", "list", "--json"])
        .env("SWITCHYARD_STORE", "postgres://ann:sekret@db/store")
        .current_dir(folder.path())
        .output()
        .unwrap();
    expect(&out, 2, &["a URL was given", "give the path", "SWITCHYARD_STORE"]);
    assert!(!crate::said::all(&out).contains("sekret"), "a password is not repeated");
    assert!(!folder.path().join("postgres:").exists(), "a URL makes no folders, with a password as the name of one");
}
