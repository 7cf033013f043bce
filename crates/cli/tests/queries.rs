//! `switchyardctl queries` on real servers: the index that the target lacks is found as what costs most, and made; a statement that
//! fails on the target alone is told from its log.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "bad_input/said.rs"]
mod said;

mod ctl;

use std::time::{Duration, Instant};

use ctl::{Ctl, MIGRATION};
use said::{all, expect};
use serde_json::Value;
use sqlx::{Connection, PgConnection, query};
use switchyard_queries::shape::Shape;
use switchyard_rig::{Major, Rig, RigOptions, Server};
use tokio::task::JoinHandle;

/// What both sides have.
const SCENE: &str = "CREATE EXTENSION pg_stat_statements; \
    CREATE TABLE public.orders (id integer PRIMARY KEY, customer_id integer NOT NULL, total integer NOT NULL); \
    CREATE VIEW public.dear AS SELECT id FROM public.orders WHERE total > 10; \
    CREATE VIEW public.lucky AS SELECT id FROM public.dear WHERE random() > 0.5; \
    INSERT INTO public.orders SELECT n, n % 5000, n FROM generate_series(1, 60000) n; \
    GRANT SELECT ON public.orders TO app; ANALYZE public.orders;";

/// What the source has alone.
const SOURCE: &str = "CREATE INDEX \"Orders by customer\" ON public.orders (customer_id); \
    CREATE FUNCTION public.with_tax(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';";

const SLOW: &str = "SELECT id, total FROM orders WHERE customer_id = $1";
const QUICK: &str = "SELECT total FROM orders WHERE id = $1";
const BROKEN: &str = "SELECT with_tax(total) FROM orders WHERE id = $1";

async fn pair() -> Ctl {
    let settings: Vec<(String, String)> = [
        ("shared_preload_libraries", "pg_stat_statements"),
        ("logging_collector", "on"),
        ("log_destination", "csvlog"),
        ("log_directory", "log"),
        ("log_min_duration_statement", "0"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .to_vec();
    let options = RigOptions {
        schema: None,
        target: Major::V18,
        routers: false,
        source_settings: settings.clone(),
        target_settings: settings,
        ..RigOptions::default()
    };
    let ctl = Ctl::over(Rig::start(options).await.unwrap());
    ctl.rig.source.execute(SCENE).await.unwrap();
    ctl.rig.source.execute(SOURCE).await.unwrap();
    ctl.rig.target.execute(SCENE).await.unwrap();
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    create_migration(&ctl, MIGRATION, "b");
    ctl
}

/// Nobody asks the routers here.
fn create_migration(ctl: &Ctl, name: &str, target: &str) {
    ctl.create_migration_with(name, "a", target, &["--pgbouncer", "boss@127.0.0.1:1", "--haproxy", "127.0.0.1:2"]);
}

/// An application that asks the same three things over and over; one of them may fail.
async fn application(server: &Server) -> JoinHandle<()> {
    let mut connection = PgConnection::connect(&server.app_url()).await.unwrap();
    tokio::spawn(async move {
        for n in 1_i32.. {
            query(SLOW).bind(n % 5000).fetch_all(&mut connection).await.unwrap();
            query(QUICK).bind(n).fetch_optional(&mut connection).await.unwrap();
            if n % 20 == 0 {
                let _ = query(BROKEN).bind(n).fetch_optional(&mut connection).await;
            }
            tokio::task::yield_now().await;
        }
    })
}

fn json(out: &std::process::Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", all(out)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_slower_and_what_fails_is_found_and_the_index_is_made() {
    let ctl = pair().await;
    let loads = [application(&ctl.rig.source).await, application(&ctl.rig.target).await];

    let began = Instant::now();
    let out = ctl.output(&["queries", "top", MIGRATION, "--for", "4", "--logs"]);
    assert!(began.elapsed() < Duration::from_secs(60), "within a minute of load");
    let top = json(&out);
    assert_eq!(out.status.code(), Some(1), "a slower statement is a finding: {top}");
    let worst = &top["statements"][0];
    let id = Shape::of(SLOW).id;
    assert_eq!(worst["shape"]["id"], id.as_str(), "the worst is the one whose index is missing: {top}");
    assert!(worst["ratio"].as_f64() > Some(2.0) && worst["damage_ms"].as_f64() > Some(0.0), "{worst}");
    assert_eq!((&worst["called"], &worst["role"]), (&"slower".into(), &"app".into()), "{worst}");
    let p50 = |side: &str| worst["percentiles"][side]["p50_ms"].as_f64();
    assert!(
        p50("target") > p50("source").map(|ms| ms * 2.0) && p50("source") > Some(0.0),
        "measured, from the logs: {worst}"
    );
    assert!(worst["why"].as_str().unwrap_or_default().contains("Orders by customer"), "it is named: {worst}");
    let listed: Vec<&str> =
        top["statements"].as_array().unwrap().iter().filter_map(|s| s["shape"]["id"].as_str()).collect();
    assert!(listed.contains(&Shape::of(QUICK).id.as_str()), "and the others are listed: {top}");

    plans_lie_side_by_side(&ctl, &id);
    what_fails_on_the_target_alone_fails_always(&ctl);
    the_index_is_made(&ctl, &id);

    let out = ctl.output(&["queries", "top", MIGRATION, "--for", "3"]);
    let top = json(&out);
    let now = top["statements"].as_array().unwrap().iter().find(|s| s["shape"]["id"] == id.as_str()).unwrap();
    assert_ne!(now["called"], "slower", "it is as fast as on the source: {now}");
    for load in loads {
        load.abort();
    }
    what_cannot_be_seen_is_said(&ctl).await;
}

fn plans_lie_side_by_side(ctl: &Ctl, id: &str) {
    let out = ctl.output(&["queries", "plans", MIGRATION, "--statement", id]);
    let plans = json(&out);
    assert_eq!(out.status.code(), Some(1), "they differ: {plans}");
    let line = plans["lines"].as_array().unwrap().iter().find(|l| l["target"]["kind"] == "Seq Scan");
    let line = line.unwrap_or_else(|| panic!("the target reads the whole table: {plans}"));
    assert_eq!(line["source"]["index"], "Orders by customer", "beside the source's index: {line}");
    assert_eq!(plans["missing"][0]["name"], "Orders by customer", "{plans}");
    assert!(plans["source"]["made"].as_str().unwrap().contains("any values"), "nothing was run: {plans}");

    let text = "select id, total from orders where customer_id = 77";
    let plans = json(&ctl.output(&["queries", "plans", MIGRATION, "--statement", id, "--text", text]));
    for side in ["source", "target"] {
        assert!(plans[side]["made"].as_str().unwrap().starts_with("It was run"), "{side}: {plans}");
        assert!(plans[side]["execution_ms"].as_f64() > Some(0.0), "{side}: {plans}");
    }
    let scan = plans["lines"].as_array().unwrap().iter().find(|l| l["target"]["kind"] == "Seq Scan").unwrap();
    assert!(scan["differences"].as_array().unwrap().contains(&"blocks".into()), "what it reads is marked: {scan}");

    let plans = |text: &str| {
        let id = Shape::of(text).id;
        ctl.output(&["queries", "plans", MIGRATION, "--statement", &id, "--text", text])
    };
    let volatile = json(&plans("select random() from orders"));
    assert!(volatile["target"]["made"].as_str().unwrap().contains("random, which is volatile"), "{volatile}");
    let view = json(&plans("select id from dear"));
    assert!(view["target"]["made"].as_str().unwrap().starts_with("It was run"), "a view that only reads: {view}");
    let behind = json(&plans("select id from lucky"));
    assert!(behind["target"]["made"].as_str().unwrap().contains("random, which is volatile"), "{behind}");
    let written = json(&plans("delete from orders where id = 5"));
    assert!(written["target"]["made"].as_str().unwrap().contains("not proven"), "{written}");
    expect(&plans("select 1; drop table orders"), 2, &["multiple commands"]);
    expect(
        &ctl.output(&["queries", "plans", MIGRATION, "--statement", id, "--text", "select 1"]),
        2,
        &["another statement"],
    );
    expect(&ctl.output(&["queries", "plans", MIGRATION, "--statement", "nothing"]), 2, &["nothing", "queries top"]);
}

fn what_fails_on_the_target_alone_fails_always(ctl: &Ctl) {
    let out = ctl.output(&["queries", "errors", MIGRATION]);
    let errors = json(&out);
    assert_eq!(out.status.code(), Some(1), "{errors}");
    let worst = &errors["kinds"][0];
    assert_eq!(worst["statement"]["id"], Shape::of(BROKEN).id.as_str(), "{errors}");
    assert_eq!((&worst["always"], &worst["rate"]), (&true.into(), &1.0.into()), "0.1 % of all hides it: {worst}");
    assert_eq!((&worst["table"], &worst["class"]), (&"orders".into(), &"42".into()), "{worst}");
    assert_eq!(worst["on_source"], 0, "the source never fails: {errors}");

    // The same from a file in plain lines, of another server's log.
    let file = ctl.home().join("postgresql.log");
    let line = "2026-11-28 21:10:28 UTC app@shop ERROR:  no such function\n2026-11-28 21:10:28 UTC app@shop STATEMENT:  SELECT old_tax(3)\n";
    std::fs::write(&file, line.repeat(3)).unwrap();
    let args = ["queries", "errors", MIGRATION, "--all", "--prefix", "%t %u@%d ", "--log", file.to_str().unwrap()];
    let errors = json(&ctl.output(&args));
    assert_eq!((&errors["total"], &errors["kinds"][0]["rate"]), (&3.into(), &Value::Null), "{errors}");
    assert_eq!(errors["kinds"][0]["statement"]["text"], "select old_tax($1)", "{errors}");
    expect(&ctl.output(&["queries", "errors", MIGRATION, "--log", "/nothing/here"]), 2, &["/nothing/here"]);
}

fn the_index_is_made(ctl: &Ctl, id: &str) {
    let index = |more: &[&str]| ctl.output(&[&["queries", "index", MIGRATION, "--statement", id], more].concat());
    let out = index(&[]);
    let run =
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"Orders by customer\" ON public.orders USING btree (customer_id)";
    let preview = json(&out);
    assert_eq!(out.status.code(), Some(1), "something is missing, and nothing was done: {preview}");
    assert_eq!((&preview["missing"][0]["run"], &preview["made"]), (&run.into(), &Value::Array(vec![])), "{preview}");
    let out = index(&["--apply"]);
    let made = json(&out);
    assert_eq!((out.status.code(), &made["made"][0]["run"]), (Some(0), &run.into()), "{made}");
    let journal = ctl.done(&["journal", MIGRATION]).to_string();
    assert!(journal.contains("index_asked") && journal.contains("Orders by customer"), "its intent: {journal}");
    assert!(journal.contains("index_ended"), "and its end: {journal}");
    let again = json(&index(&["--apply"]));
    assert_eq!((&again["made"], &again["missing"]), (&Value::Array(vec![]), &Value::Array(vec![])), "{again}");
}

/// A role that sees nothing of others, and a database in which nothing is counted.
async fn what_cannot_be_seen_is_said(ctl: &Ctl) {
    let Server { host, port, logins, .. } = &ctl.rig.target;
    ctl.know_password(host, *port, &logins.limited.user, &logins.limited.password);
    let url = |user: &str, database: &str| format!("postgres://{user}@{host}:{port}/{database}");
    ctl.done(&["endpoint", "add", "limited", "--url", &url(&logins.limited.user, "shop")]);
    ctl.done(&["endpoint", "add", "other", "--url", &url(&logins.switchyard.user, "postgres")]);
    for (name, target, code, words) in [
        ("shy", "limited", 0, ["cannot be seen", "pg_read_all_stats"]),
        ("none", "other", 2, ["not installed", "CREATE EXTENSION"]),
    ] {
        create_migration(ctl, name, target);
        let out = ctl.output(&["queries", "top", name, "--since", "start"]);
        assert_eq!(out.status.code(), Some(code), "{}", all(&out));
        for word in words {
            assert!(all(&out).contains(word), "{word}: {}", all(&out));
        }
    }
}
