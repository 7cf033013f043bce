//! The application's own metrics on a real pair: a real Prometheus, and a ladder that stops when a metric goes beyond its limit.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::{Duration, Instant};

use ctl::{Ctl, MIGRATION, end};
use serde_json::{Value, json};
use switchyard_rig::{Prometheus, RigOptions};

/// Longest wait for something that takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            println!("{what}: after {:?}", began.elapsed());
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn gate(ctl: &Ctl) -> Option<Value> {
    let status = ctl.status();
    status["gates"].as_array().unwrap().iter().find(|g| g["gate"] == "application").cloned()
}

fn until_it_says(ctl: &Ctl, verdict: &str) -> Value {
    until(&format!("the gate says {verdict}"), || gate(ctl).filter(|g| g["verdict"] == verdict))
}

fn entries(ctl: &Ctl, kind: &str) -> Vec<Value> {
    let page = ctl.done(&["journal", MIGRATION, "--limit", "1000"]);
    let lines = page["lines"].as_array().unwrap().iter();
    lines.map(|l| l["recorded"].clone()).filter(|r| r["entry"] == kind).collect()
}

/// The exit code, and the JSON.
fn asked(ctl: &Ctl, args: &[&str]) -> (Option<i32>, Value) {
    let out = ctl.output(args);
    (out.status.code(), serde_json::from_slice(&out.stdout).unwrap_or_default())
}

/// What adds the latency, with its password from a file.
fn adding<'a>(prometheus: &'a Prometheus, file: &'a str, what: &'a str, query: &'a str) -> Vec<&'a str> {
    let ca = prometheus.ca.to_str().unwrap();
    let mut args = vec!["metrics", what, MIGRATION, "p95", "--url", &prometheus.url, "--query", query];
    args.extend(["--above", "250", "--for", "3", "--unit", "ms", "--user", Prometheus::USER]);
    args.extend(["--token-file", file, "--ca-file", ca]);
    args
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder_waits_for_what_the_application_measures() {
    if !Prometheus::is_installed() {
        println!("SKIPPED: there is no Prometheus on this machine; scripts/setup.sh test brings it");
        return;
    }
    let (ctl, prometheus) =
        tokio::join!(Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }), Prometheus::start());
    let mut prometheus = prometheus.unwrap();
    prometheus.set("shop_latency_ms", 120.0);
    let file = ctl.home().join("password");
    std::fs::write(&file, format!("{}\n", Prometheus::PASSWORD)).unwrap();
    let file = file.to_str().unwrap().to_owned();
    ctl.walk_to_validated();
    let ladder = json!([10, 50, 100].map(|percent| json!({ "percent": percent, "soak_s": 0 })));
    ctl.set_limits(&[("ladder", ladder), ("soak_break_s", json!(2))]);
    assert_eq!(gate(&ctl), None, "without a metric there is no gate");
    assert_eq!(asked(&ctl, &["metrics", "show", MIGRATION]), (Some(0), json!({ "metrics": [], "counts_ms": 15_000 })));

    what_is_tried_is_not_kept(&ctl, &prometheus, &file);
    let row = ctl.done(&adding(&prometheus, &file, "add", "shop_latency_ms"));
    assert!(row["login"].as_str().unwrap().contains(&file), "it says where the password is: {row}");
    let shut = ctl.output(&["run", MIGRATION, "reads", "10"]);
    assert_eq!(shut.status.code(), Some(1), "it has not held for 3 s in a process that has just begun");
    // A process that was not there before waits until it has held, and opens.
    ctl.done(&["run", MIGRATION, "reads", "10", "--wait", "60"]);

    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    until_it_says(&ctl, "pass");
    it_closes_above_its_limit_and_opens_again(&ctl, &prometheus);
    what_is_not_known_opens_nothing(&ctl, &mut prometheus);
    let (code, _) = asked(&ctl, &["metrics", "remove", MIGRATION, "p95"]);
    assert_eq!(code, Some(0));
    until("the gate is gone", || gate(&ctl).is_none().then_some(()));
    let removed = entries(&ctl, "metric_removed").pop().unwrap();
    assert!(removed["name"] == "p95" && removed["by"].as_str().unwrap().contains('@'), "by whom: {removed}");
    end(&mut driver);
}

fn what_is_tried_is_not_kept(ctl: &Ctl, prometheus: &Prometheus, file: &str) {
    let mut last = Value::Null;
    until("the first scrape is there", || {
        let (code, row) = asked(ctl, &adding(prometheus, file, "try", "shop_latency_ms"));
        last = row;
        (code == Some(0)).then_some(())
    });
    assert_eq!((&last["value"], &last["series"]), (&json!(120.0), &json!(1)), "{last}");
    let (code, row) = asked(ctl, &adding(prometheus, file, "try", "shop_latency_ms * 3"));
    assert_eq!((code, &row["stands"]), (Some(1), &json!("wrong")), "360 ms are above 250 ms: {row}");
    let (code, row) = asked(ctl, &adding(prometheus, file, "try", "shop_nothing"));
    assert_eq!((code, &row["stands"]), (Some(2), &json!("unknown")), "{row}");
    assert!(row["said"] == "the query gives no series" && row["remedy"].is_string(), "{row}");
    let (code, error) = asked(ctl, &adding(prometheus, "/nowhere", "add", ""));
    assert_eq!(code, Some(2), "no query: {error}");
    assert_eq!(entries(ctl, "metric_set"), Vec::<Value>::new(), "nothing of that was kept");
}

fn it_closes_above_its_limit_and_opens_again(ctl: &Ctl, prometheus: &Prometheus) {
    prometheus.set("shop_latency_ms", 400.0);
    let began = Instant::now();
    // The process that drives now may still wait for its three seconds.
    let shut = until("the gate closes", || gate(ctl).filter(|g| g["verdict"] == "fail" && g["opens_at"].is_null()));
    println!("the gate closed {:?} after the metric went up", began.elapsed());
    assert_eq!(shut["why"], "p95 400 ms, limit 250 ms");
    let refused = ctl.output(&["run", MIGRATION, "reads", "50"]);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("p95 400 ms"), "it goes no further: {said}");
    let broken = until("the soak is broken", || entries(ctl, "soak_broken").pop());
    assert_eq!(broken["gate"], "application", "it holds the ladder like the other gates: {broken}");
    let (code, view) = asked(ctl, &["metrics", "show", MIGRATION]);
    let row = &view["metrics"][0];
    assert_eq!((code, &row["value"], &row["stands"]), (Some(1), &json!(400.0), &json!("wrong")), "{row}");

    prometheus.set("shop_latency_ms", 250.0);
    let waits =
        until("it is within again", || gate(ctl).filter(|g| !g["opens_at"].is_null() || g["verdict"] == "pass"));
    assert!(waits["verdict"] == "pass" || waits["why"].as_str().unwrap().contains("of 3 s"), "it has to hold: {waits}");
    until_it_says(ctl, "pass");
    until("the soak begins anew", || entries(ctl, "soak_mended").pop());
    ctl.done(&["run", MIGRATION, "reads", "50", "--wait", "60"]);
}

fn what_is_not_known_opens_nothing(ctl: &Ctl, prometheus: &mut Prometheus) {
    prometheus.freeze().unwrap();
    let silent = until_it_says(ctl, "unknown");
    assert!(silent["missing"].as_str().unwrap().contains("no answer within 4 s"), "{silent}");
    let lag = ctl.status()["gates"].as_array().unwrap().iter().find(|g| g["gate"] == "lag").cloned().unwrap();
    assert_eq!(lag["verdict"], "pass", "what hangs delays nobody else: {lag}");
    prometheus.thaw().unwrap();
    until_it_says(ctl, "pass");
    let broken = entries(ctl, "soak_broken").len();
    prometheus.end_application();
    let gone = until_it_says(ctl, "unknown");
    assert!(gone["missing"].as_str().unwrap().contains("no series"), "{gone}");
    let refused = ctl.output(&["run", MIGRATION, "reads", "100"]);
    assert_eq!(refused.status.code(), Some(1), "nobody knows, and nothing opens");
    assert_eq!(entries(ctl, "soak_broken").len(), broken, "what nobody knows breaks no soak");
    assert_eq!(asked(ctl, &["metrics", "show", MIGRATION]).0, Some(2));
}
