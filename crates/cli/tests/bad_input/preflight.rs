//! What the preflight finds on a pair that cannot work: each check names the thing and the remedy, nothing is begun, and
//! once every remedy was followed to the letter the migration goes through.

use std::collections::BTreeMap;

use switchyard_rig::{Rig, RigOptions, Server};

use crate::{ctl::Ctl, said::expect, traces};

/// The checks that fail: what is wrong and what to do, by name.
fn failed(ctl: &Ctl) -> BTreeMap<String, (String, String)> {
    let status = ctl.status();
    let phases = status["phases"].as_array().unwrap();
    let checks = phases.iter().flat_map(|p| p["checks"].as_array().unwrap());
    let word = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    let fails = checks.filter(|c| c["verdict"]["verdict"] == "fail");
    fails.map(|c| (word(&c["id"]), (word(&c["verdict"]["why"]), word(&c["verdict"]["remedy"])))).collect()
}

#[track_caller]
fn names(failed: &BTreeMap<String, (String, String)>, id: &str, words: &[&str]) {
    let Some((why, remedy)) = failed.get(id) else { panic!("{id} has to fail: {failed:?}") };
    for word in words {
        assert!(why.contains(word) || remedy.contains(word), "{id} has to say “{word}”: {why} | {remedy}");
    }
}

/// Runs the first statement that a remedy holds.
async fn follow(server: &Server, remedy: &str, begins: &str, ends: char) {
    let statement = &remedy[remedy.find(begins).unwrap_or_else(|| panic!("no {begins} in “{remedy}”"))..];
    let statement = statement.split(ends).next().unwrap().trim_end_matches(" or more");
    server.execute(statement).await.unwrap();
}

fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_obstacle_is_found_and_every_remedy_works() {
    let options = RigOptions {
        source_settings: settings(&[("wal_level", "replica"), ("max_replication_slots", "1")]),
        target_settings: settings(&[("max_logical_replication_workers", "1"), ("max_slot_wal_keep_size", "0")]),
        ..RigOptions::default()
    };
    let ctl = Ctl::start(options).await;
    let (source, target) = (&ctl.rig.source, &ctl.rig.target);
    source
        .execute("CREATE TABLE public.\"No Key\" (v text); CREATE UNLOGGED TABLE public.cache (k int PRIMARY KEY)")
        .await
        .unwrap();
    target
        .execute("CREATE TABLE public.region (code text PRIMARY KEY); INSERT INTO public.region VALUES ('x')")
        .await
        .unwrap();
    let with_extension = has_extension_that_target_lacks(&ctl.rig).await;
    if with_extension {
        source.execute("CREATE EXTENSION hstore").await.unwrap();
    }
    ctl.done(&["run", &ctl.migration, "analyze"]);
    let found = failed(&ctl);
    names(&found, "source.wal_level", &["wal_level = replica", "ALTER SYSTEM SET wal_level = 'logical'", "restart"]);
    names(&found, "source.slots", &["1 of 1", "2 needed", "max_replication_slots = 2"]);
    names(&found, "target.workers", &["1 of 1", "2 needed", "max_logical_replication_workers = 2"]);
    names(&found, "target.wal_limit", &["max_slot_wal_keep_size = 0", "ALTER SYSTEM"]);
    names(
        &found,
        "source.replica_identity",
        &["public.No Key", "ALTER TABLE \"public\".\"No Key\" REPLICA IDENTITY FULL"],
    );
    names(&found, "source.unlogged", &["public.cache", "SET LOGGED"]);
    names(
        &found,
        "target.empty_or_equal",
        &["public.region lacks column name", "public.region is not empty", "empty database"],
    );
    if with_extension {
        names(&found, "target.extensions", &["absent on the target: hstore", "Install the packages of hstore"]);
    } else {
        println!("SKIPPED: an extension absent on the target; both servers here have the same ones");
    }
    expect(&ctl.output(&["run", &ctl.migration, "prepare"]), 1, &["Preflight", "more.", "analyze again"]);
    assert_eq!(traces::of(&ctl.rig).await, Vec::<String>::new(), "a preflight changes nothing");

    for (server, id) in [
        (source, "source.wal_level"),
        (source, "source.slots"),
        (target, "target.workers"),
        (target, "target.wal_limit"),
    ] {
        follow(server, &found[id].1, "ALTER SYSTEM", if id == "target.wal_limit" { '(' } else { ',' }).await;
    }
    for id in ["source.replica_identity", "source.unlogged"] {
        follow(source, &found[id].1, "ALTER TABLE", ';').await;
    }
    target.execute("DROP TABLE public.region").await.unwrap();
    if with_extension {
        source.execute("DROP EXTENSION hstore").await.unwrap();
    }
    tokio::try_join!(source.restart(), target.restart()).unwrap();
    ctl.done(&["run", &ctl.migration, "analyze"]);
    assert_eq!(failed(&ctl), BTreeMap::new(), "every remedy mended its check");
    ctl.done(&["run", &ctl.migration, "prepare", "--wait", "60"]);
}

async fn has_extension_that_target_lacks(rig: &Rig) -> bool {
    let offers = async |server: &Server| {
        let mut connection = server.connect(switchyard_rig::DATABASE).await.unwrap();
        sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'hstore')")
            .fetch_one(&mut connection)
            .await
            .unwrap()
    };
    offers(&rig.source).await && !offers(&rig.target).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_too_little_is_told_what_to_grant() {
    let ctl = Ctl::over(Rig::start(RigOptions::default()).await.unwrap());
    let limited = ctl.rig.source.logins.limited.clone();
    for (name, server) in [("a", &ctl.rig.source), ("b", &ctl.rig.target)] {
        ctl.know_password(&server.host, server.port, &limited.user, &limited.password);
        let url = format!("postgres://{}@{}:{}/shop", limited.user, server.host, server.port);
        ctl.done(&["endpoint", "add", name, "--url", &url]);
    }
    ctl.create_migration(&ctl.migration, "a", "b");
    ctl.done(&["run", &ctl.migration, "analyze"]);
    let found = failed(&ctl);
    names(
        &found,
        "source.role_replication",
        &["switchyard_limited", "lacks REPLICATION", "ALTER ROLE \"switchyard_limited\" REPLICATION"],
    );
    names(&found, "source.role_create", &["GRANT CREATE ON DATABASE \"shop\""]);
    names(&found, "source.role_owner", &["does not own 39 objects", "and 31 more", "GRANT the owning role"]);
    names(&found, "target.role_subscribe", &["may not create subscriptions", "\"switchyard_limited\""]);
    expect(
        &ctl.output(&["run", &ctl.migration, "prepare"]),
        1,
        &["Preflight", "switchyard_limited", "ALTER ROLE", "analyze again"],
    );
    assert_eq!(traces::of(&ctl.rig).await, Vec::<String>::new(), "nothing was begun");
    // The same endpoints with a role that may.
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    ctl.done(&["run", &ctl.migration, "analyze"]);
    ctl.done(&["run", &ctl.migration, "prepare"]);
}

#[test]
fn a_version_that_cannot_publish() {
    // No server of before PostgreSQL 14 comes with the distribution; the judgement itself is tested where it is made
    // (model: `a_server_that_is_too_old_is_told_so_and_nothing_else_is_guessed`), and was seen on 10.23 and 13.23.
    println!("SKIPPED: a server that cannot publish; none that old is here");
    use switchyard_model::{inventory::*, preflight, verdict::Verdict};
    let old = Inventory {
        server: ServerFacts { version_num: 90_624, version: "9.6.24".into(), ..ServerFacts::default() },
        tables: vec![],
        sequences: vec![],
        extensions: vec![],
        available_extensions: vec![],
        large_objects: -1,
        particulars: preflight::particulars::Particulars::default(),
        at: 0,
    };
    let checks = preflight::judge(&old, &old);
    let Verdict::Fail { why, remedy } = &checks.iter().find(|c| c.id == "source.version").unwrap().verdict else {
        panic!("it fails")
    };
    assert_eq!(why, "PostgreSQL 9.6.24 cannot publish");
    assert!(remedy.contains("PostgreSQL 14 or newer"), "{remedy}");
}
