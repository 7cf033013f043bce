//! `switchyardctl schema consumers` on real servers: who was there is listed with what it did, and what was not seen is told.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "bad_input/said.rs"]
mod said;

mod consumers {
    pub mod client;
    pub mod sampler;
}
mod ctl;

use consumers::{
    client::{Observer, consumer, repeat},
    sampler::{Sampler, output},
};
use ctl::{Ctl, MIGRATION};
use said::{all, expect};
use serde_json::Value;
use sqlx::{Connection, raw_sql};
use switchyard_rig::{Major, Rig, RigOptions, Server};

const SCENE: &str = "CREATE ROLE writer LOGIN PASSWORD 'w'; CREATE ROLE cron LOGIN PASSWORD 'c'; CREATE ROLE watcher LOGIN PASSWORD 'm'; \
    GRANT pg_monitor TO watcher; \
    CREATE TABLE public.orders (id integer PRIMARY KEY, note text); INSERT INTO public.orders SELECT n, 'x' FROM generate_series(1, 100) n; \
    CREATE TABLE public.events (note text); CREATE TABLE public.audit (id integer PRIMARY KEY); \
    INSERT INTO public.audit SELECT generate_series(1, 7); CREATE TABLE public.quiet (id integer PRIMARY KEY); \
    GRANT SELECT ON public.orders TO app; GRANT INSERT ON public.events TO writer; GRANT SELECT, DELETE ON public.audit TO cron;";

async fn pair(source: &[(&str, &str)]) -> Ctl {
    let settings = |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let options = RigOptions {
        schema: None,
        target: Major::V18,
        routers: false,
        source_settings: settings(source),
        target_settings: settings(&[("shared_preload_libraries", "pg_stat_statements")]),
        ..RigOptions::default()
    };
    let ctl = Ctl::over(Rig::start(options).await.unwrap());
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    for server in [&ctl.rig.source, &ctl.rig.target] {
        server.execute(SCENE).await.unwrap();
        for (user, password) in [("watcher", "m"), ("switchyard_limited", server.logins.limited.password.as_str())] {
            ctl.know_password(&server.host, server.port, user, password);
        }
    }
    ctl
}

fn named<'a>(found: &'a Value, list: &str, field: &str, name: &str) -> &'a Value {
    let all = found[list].as_array().unwrap_or_else(|| panic!("no {list}: {found}"));
    all.iter().find(|one| one[field] == name).unwrap_or_else(|| panic!("no {name} among {list}: {found}"))
}

fn applications(found: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        found["consumers"].as_array().unwrap().iter().map(|c| c["application"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

fn sentences(found: &Value, list: &str) -> String {
    found[list].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// A web application that reads, one that only writes, one that is idle in a transaction, and a job that comes for a moment.
async fn everybody_is_listed(ctl: &Ctl, server: &Server, endpoint: &str) {
    server
        .execute("CREATE SCHEMA \"My Stats\"; CREATE EXTENSION pg_stat_statements SCHEMA \"My Stats\"")
        .await
        .unwrap();
    let observer = Observer::of(server).await;
    let app = (server.logins.app.user.as_str(), server.logins.app.password.as_str());
    let web = repeat(consumer(server, app, "web").await, "SELECT note FROM public.orders WHERE id = 7");
    let ingest = repeat(consumer(server, ("writer", "w"), "ingest").await, "INSERT INTO public.events VALUES ('x')");
    let mut idler = consumer(server, app, "report").await;
    raw_sql("BEGIN; SELECT count(*) FROM public.orders").execute(&mut idler).await.unwrap();

    let mut sampler =
        Sampler::start(ctl, &["schema", "consumers", "--endpoint", endpoint, "--for", "600", "--every", "0.2"]);
    sampler.until("sample 1;");
    let mut nightly = consumer(server, ("cron", "c"), "nightly").await;
    raw_sql("DELETE FROM public.audit").execute(&mut nightly).await.unwrap();
    observer.looks(3).await;
    nightly.close().await.unwrap();
    observer.gone("nightly").await;
    // Backends hand their counts in about once a second.
    observer.looks(10).await;
    let out = sampler.interrupt();
    let found: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", all(&out)));
    assert_eq!((out.status.code(), &found["early"]), (Some(0), &Value::Bool(true)), "{}", all(&out));
    web.abort();
    ingest.abort();

    assert_eq!(applications(&found), ["ingest", "nightly", "report", "web"], "these and none of ours: {found}");
    let of = found["samples"].as_i64().unwrap();
    for (name, user) in [("web", "app"), ("ingest", "writer"), ("report", "app")] {
        let c = named(&found, "consumers", "application", name);
        assert_eq!((&c["user"], &c["address"]), (&user.into(), &"127.0.0.1".into()), "{c}");
        assert_eq!((c["seen"].as_i64(), &c["connections"]["now"]), (Some(of), &1.into()), "there all the time: {c}");
    }
    let job = named(&found, "consumers", "application", "nightly");
    let seen = job["seen"].as_i64().unwrap();
    assert!(seen >= 1 && seen < of, "it was there for a moment: {job}");
    assert!(job["first_s"].as_f64() > Some(0.0) && job["last_s"].as_f64() < found["seconds"].as_f64(), "{job}");
    assert_eq!((&job["connections"]["now"], &job["sessions"]), (&0.into(), &1.into()), "it is gone: {job}");
    let report = named(&found, "consumers", "application", "report");
    assert_eq!(report["idle_in_transaction_peak"], 1, "{report}");
    assert!(report["idle_in_transaction_s"].as_f64() > Some(1.0) && report["transaction_s"].as_f64() > Some(1.0));
    let web = named(&found, "consumers", "application", "web");
    assert_eq!(web["idle_in_transaction_peak"], 0, "reading is no waiting in a transaction: {web}");

    let orders = named(&found, "tables", "table", "public.orders");
    assert_eq!((&orders["mix"], &orders["inserted"]), (&"reads".into(), &0.into()), "{orders}");
    let events = named(&found, "tables", "table", "public.events");
    assert_eq!((&events["mix"], &events["scans"]), (&"writes".into(), &0.into()), "{events}");
    assert!(events["inserted"].as_i64() > Some(0));
    assert_eq!(named(&found, "tables", "table", "public.audit")["deleted"], 7, "what the job did, all of it");
    assert_eq!((found["tables"].as_array().unwrap().len(), &found["idle_tables"]), (3, &1.into()), "{found}");

    let writer = named(&found, "users", "user", "writer");
    assert!(writer["writes"].as_i64() > Some(0) && writer["reads"] == 0, "{writer}");
    let app = named(&found, "users", "user", "app");
    assert!(app["reads"].as_i64() > Some(0) && app["writes"] == 0, "{app}");
    assert_eq!(named(&found, "users", "user", "cron")["writes"], 1);
    assert_eq!(found["users"].as_array().unwrap().len(), 3, "what we asked is left out: {}", found["users"]);

    let figures = &found["server"];
    assert_eq!((&figures["max_connections"], &figures["connections"]["peak"]), (&300.into(), &5.into()), "{figures}");
    for rate in ["transactions_per_s", "statements_per_s", "wal_bytes_per_s"] {
        let (peak, mean) = (figures[rate]["peak"].as_f64(), figures[rate]["mean"].as_f64());
        assert!(mean > Some(0.0) && peak >= mean, "{rate}: {figures}");
    }
    assert!(sentences(&found, "notes").contains("of Switchyard itself"), "{found}");
    assert!(!all(&out).contains("pg_monitor"), "a role that sees all is told nothing of it: {}", all(&out));
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_listed_with_what_they_did() {
    let ctl = pair(&[("shared_preload_libraries", "pg_stat_statements")]).await;
    everybody_is_listed(&ctl, &ctl.rig.source, "a").await;
    everybody_is_listed(&ctl, &ctl.rig.target, "b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_see_what_they_may_and_are_told_what_they_may_not() {
    let ctl = pair(&[]).await;
    for server in [&ctl.rig.source, &ctl.rig.target] {
        let app = (server.logins.app.user.as_str(), server.logins.app.password.as_str());
        let mut held = consumer(server, app, "web").await;
        raw_sql("BEGIN; SELECT pg_advisory_xact_lock(7)").execute(&mut held).await.unwrap();
        let mut waiter = consumer(server, app, "waiter").await;
        let waiting =
            tokio::spawn(async move { raw_sql("SELECT pg_advisory_lock(7)").execute(&mut waiter).await.map(drop) });
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')";
        Observer::of(server).await.until(waits.to_owned()).await;
        let sample = |user: &str| {
            let url = format!("postgres://{user}@{}:{}/shop", server.host, server.port);
            let out = ctl.output(&["schema", "consumers", "--endpoint", &url, "--for", "3"]);
            assert_eq!(out.status.code(), Some(0), "{}", all(&out));
            serde_json::from_slice::<Value>(&out.stdout).unwrap()
        };
        let found = sample("watcher");
        assert_eq!(applications(&found), ["waiter", "web"], "{found}");
        let waiter = named(&found, "consumers", "application", "waiter");
        assert_eq!((&waiter["waiting_peak"], &waiter["waiting_samples"]), (&1.into(), &found["samples"]), "{waiter}");
        let web = named(&found, "consumers", "application", "web");
        assert_eq!((&web["waiting_peak"], &web["active_peak"]), (&0.into(), &0.into()), "{web}");
        assert_eq!((&web["address"], &web["idle_in_transaction_peak"]), (&"127.0.0.1".into(), &1.into()), "{web}");
        assert!(!sentences(&found, "unseen").contains("pg_monitor"), "pg_monitor is enough: {found}");
        let rate = found["server"]["transactions_per_s"]["mean"].as_f64().unwrap();
        assert!(rate < 1.0, "nobody does anything, and our own looks are no traffic: {rate}");

        let found = sample("switchyard_limited");
        assert_eq!(applications(&found), ["waiter", "web"], "the name is seen by everybody: {found}");
        let web = named(&found, "consumers", "application", "web");
        assert_eq!((&web["address"], &web["idle_in_transaction_peak"]), (&Value::Null, &0.into()), "the rest is not");
        let unseen = sentences(&found, "unseen");
        assert!(unseen.contains("GRANT pg_monitor TO \"switchyard_limited\""), "and it is told: {unseen}");
        held.close().await.unwrap();
        waiting.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_not_counted_are_told_with_what_it_takes() {
    let ctl = pair(&[]).await;
    let unseen = |endpoint: &str| {
        let out = ctl.output(&["schema", "consumers", "--endpoint", endpoint, "--for", "1"]);
        assert_eq!(out.status.code(), Some(0), "{}", all(&out));
        let found: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!((&found["users"], &found["server"]["statements_per_s"]), (&Value::Null, &Value::Null), "{found}");
        sentences(&found, "unseen")
    };
    let without = unseen("a");
    assert!(without.contains("shared_preload_libraries") && without.contains("CREATE EXTENSION"), "{without}");
    let loaded = unseen("b");
    assert!(loaded.contains("Its library is loaded: CREATE EXTENSION"), "{loaded}");
    // Installed by somebody who did not load it.
    ctl.rig.source.execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    let refused = unseen("a");
    assert!(refused.contains("is installed and cannot be read") && refused.contains("must be loaded"), "{refused}");
    // A role that is not let in.
    let hide = "CREATE SCHEMA hidden; CREATE EXTENSION pg_stat_statements SCHEMA hidden; REVOKE ALL ON SCHEMA hidden FROM PUBLIC";
    ctl.rig.target.execute(hide).await.unwrap();
    let server = &ctl.rig.target;
    let refused = unseen(&format!("postgres://watcher@{}:{}/shop", server.host, server.port));
    assert!(refused.contains("permission denied for schema hidden"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_others_are_listed_apart_and_ours_are_not() {
    let ctl = pair(&[]).await;
    let (source, target) = (&ctl.rig.source, &ctl.rig.target);
    source.execute("CREATE PUBLICATION p FOR TABLE public.orders").await.unwrap();
    target.execute("TRUNCATE public.orders").await.unwrap();
    let me = &source.logins.superuser;
    for name in ["fed", "switchyard_shop_forward"] {
        let from =
            format!("host={} port={} dbname=shop user={} password={}", source.host, source.port, me.user, me.password);
        let make = format!("CREATE SUBSCRIPTION {name} CONNECTION '{from}' PUBLICATION p WITH (copy_data = false)");
        target.execute(&make).await.unwrap();
    }
    let streaming = "SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = 'walsender'";
    Observer::of(source).await.until(streaming.to_owned()).await;
    for (endpoint, list, name) in [("a", "senders", "fed"), ("b", "workers", "fed")] {
        let found = ctl.done(&["schema", "consumers", "--endpoint", endpoint, "--for", "1"]);
        assert_eq!(applications(&found), Vec::<&str>::new(), "a stream is no client: {found}");
        let one = found[list].as_array().unwrap();
        assert_eq!(one.len(), 1, "ours is left out: {found}");
        assert!(one[0]["application"].as_str().unwrap().ends_with(name), "{one:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_started_anew_costs_samples_and_not_the_result() {
    let ctl = pair(&[]).await;
    let (source, target) = (&ctl.rig.source, &ctl.rig.target);
    for (server, endpoint) in [(source, "a"), (target, "b")] {
        let app = (server.logins.app.user.as_str(), server.logins.app.password.as_str());
        let _before = consumer(server, app, "before").await;
        let mut sampler =
            Sampler::start(&ctl, &["schema", "consumers", "--endpoint", endpoint, "--for", "600", "--every", "0.1"]);
        sampler.until("sample 1;");
        server.stop().await.unwrap();
        sampler.until("It is tried again.");
        server.restart().await.unwrap();
        sampler.until("Connected again.");
        let observer = Observer::of(server).await;
        let _after = consumer(server, app, "after").await;
        observer.looks(3).await;
        // Frozen, it answers nothing; what was seen is printed all the same.
        server.freeze().unwrap();
        let out = sampler.interrupt();
        server.thaw().unwrap();
        let found: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", all(&out)));
        assert_eq!(out.status.code(), Some(0), "{}", all(&out));
        assert_eq!(applications(&found), ["after", "before"], "both sides of the restart: {found}");
        assert!(found["missed"].as_i64() > Some(0) && found["lost"].as_i64() > Some(0), "{found}");
        let notes = sentences(&found, "notes");
        for part in ["could not be taken", "started anew 1 time;"] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_columns_and_scripts_get_sentences_about_bad_input() {
    let ctl = pair(&[]).await;
    let _evil = consumer(&ctl.rig.source, ("writer", "w"), "nightly | job").await;
    // No client can log in by such a name, but a role can have it.
    ctl.rig.source.execute("ALTER ROLE writer RENAME TO \"evil\x1b[2J\nrole\"").await.unwrap();
    // Nobody asks the routers here.
    ctl.create_migration_with(MIGRATION, "a", "b", &["--pgbouncer", "boss@127.0.0.1:1", "--haproxy", "127.0.0.1:2"]);
    let out = output(&ctl, &["schema", "consumers", "--migration", MIGRATION, "--for", "1"]);
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", all(&out));
    assert!(!text.contains('\x1b'), "a name steers no terminal: {text}");
    let row = text.lines().find(|l| l.contains("nightly | job")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains("evil\u{fffd}[2J\u{fffd}role"), "one consumer, one line: {row}");
    let head = text.lines().find(|l| l.contains("application")).unwrap();
    let column = |line: &str, word: &str| line.chars().count() - line[line.find(word).unwrap()..].chars().count();
    assert_eq!(column(head, "address"), column(row, "127.0.0.1"), "columns stand below each other: {text}");
    assert!(text.contains("of max_connections 300"), "{text}");

    let run = |more: &[&str]| ctl.output(&[&["schema", "consumers"], more].concat());
    expect(&run(&[]), 2, &["none was named", "--endpoint"]);
    expect(&run(&["--endpoint", "nothing"]), 2, &["“nothing”"]);
    expect(&run(&["--migration", "nothing"]), 2, &["nothing"]);
    expect(&run(&["--endpoint", "postgres://me@127.0.0.1:9/shop"]), 2, &["127.0.0.1:9"]);
    expect(&run(&["--endpoint", "a", "--every", "0.01"]), 2, &["0.01", "0.1 seconds"]);
    expect(&run(&["--endpoint", "a", "--every", "9", "--for", "3"]), 2, &["--for 3", "--every 9"]);
}
