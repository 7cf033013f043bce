//! Arguments that cannot be right.

use switchyard_rig::{Major, Rig, RigOptions};

use crate::{
    ctl::{Ctl, MIGRATION},
    said::{all, expect},
    traces,
};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_answered_in_sentences() {
    let options = RigOptions { schema: None, target: Major::V15, ..RigOptions::default() };
    let ctl = Ctl::start(options).await;
    expect(&ctl.output(&["endpoint", "add", "x", "--url", "mysql://a@b/c"]), 2, &["postgres://"]);
    expect(&ctl.output(&["endpoint", "add", "x", "--url", "postgres://a:secret@b/c"]), 2, &["password", "stdin"]);
    expect(&ctl.output(&["endpoint", "remove", "a"]), 1, &["“a”", MIGRATION]);
    expect(&ctl.output(&["endpoint", "test", "nothing"]), 2, &["“nothing”"]);
    expect(&ctl.output(&["status", "nothing"]), 2, &["“nothing”", "no migration"]);
    expect(&ctl.output(&["run", MIGRATION, "reads", "x"]), 2, &["“x”"]);
    expect(&ctl.output(&["run", MIGRATION, "teleport"]), 2, &["“teleport”"]);
    expect(&ctl.output(&["run", MIGRATION, "writes"]), 1, &["Start replication"]);
    expect(&ctl.output(&["rollback", MIGRATION]), 1, &["nothing to roll back"]);
    expect(&ctl.output(&["run", MIGRATION, "cleanup", "shopp"]), 1, &["“shop”"]);
    expect(&ctl.output(&["override", MIGRATION, "luck", "--name", "ann", "--reason", "hope"]), 2, &["“luck”"]);
    expect(&ctl.output(&["limits", MIGRATION, "--set", "/nowhere.json"]), 2, &["/nowhere.json"]);
    assert_eq!(traces::of(&ctl.rig).await, Vec::<String>::new(), "none of it touched anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_database_on_both_ends_is_found_by_its_name_and_by_what_it_is() {
    let options = RigOptions::default();
    let ctl = Ctl::over(Rig::start(options).await.unwrap());
    let routers = || {
        let pooler = &ctl.rig.poolers[0];
        let haproxy = ctl.rig.haproxy.as_ref().unwrap();
        [format!("{}@{}:{}", pooler.admin_user, pooler.host, pooler.port), format!("127.0.0.1:{}", haproxy.admin_port)]
    };
    let [console, socket] = routers();
    let create = |name: &str, target: &str| {
        let ends = ["migration", "create", name, "--source", "a", "--target", target];
        ctl.output(&[&ends[..], &["--pgbouncer", &console, "--haproxy", &socket]].concat())
    };
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    expect(&create("m", "a"), 2, &["Source and target are both “a”", "two endpoints"]);
    // The same address under another name, and the same server under another address.
    ctl.add_endpoint("again", &ctl.rig.source);
    expect(&create("m", "again"), 2, &["“a”", "“again”", "same database", "two different"]);
    let source = &ctl.rig.source;
    let user = &source.logins.switchyard.user;
    let alias = format!("postgres://{user}@localhost:{}/shop", source.port);
    ctl.know_password("localhost", source.port, user, &source.logins.switchyard.password);
    ctl.done(&["endpoint", "add", "alias", "--url", &alias]);
    assert!(create("m", "alias").status.success(), "the address alone does not tell");
    ctl.done(&["run", "m", "analyze"]);
    expect(
        &ctl.output(&["run", "m", "prepare"]),
        1,
        &["both endpoints are database shop of server", "Choose another target"],
    );
    assert_eq!(traces::of(&ctl.rig).await, Vec::<String>::new(), "the database is as it was");
    // The right one works.
    ctl.create_migration("right", "a", "b");
    ctl.done(&["run", "right", "analyze"]);
    ctl.done(&["run", "right", "prepare"]);
}

#[test]
fn a_router_of_another_kind_is_told_so_before_anything_is_opened() {
    let home = tempfile::tempdir().unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_switchyardctl"))
        .args(["migration", "create", "m", "--source", "a", "--target", "b", "--proxysql", "h:6032"])
        .env("SWITCHYARD_STORE", home.path().join("store.db"))
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2), "wrong arguments: {}", all(&out));
    let text = all(&out);
    assert!(text.contains("--proxysql") && text.contains("--help"), "it is named, and where to look: {text}");
    assert!(!home.path().join("store.db").exists(), "no store is made for a command that cannot be meant");
}
