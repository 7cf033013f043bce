//! The ladder watched on a real pair: a gate that fails in a soak holds it or takes it one rung down, as the limits say; and a
//! transaction in the way of the fence keeps writes from moving until it is over or somebody ends it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::{Duration, Instant};

use ctl::{Ctl, MIGRATION, end};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, raw_sql};
use switchyard_rig::{DATABASE, RigOptions};

/// Longest wait for something that takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn entries(ctl: &Ctl, kind: &str) -> Vec<Value> {
    let page = ctl.done(&["journal", MIGRATION, "--limit", "1000"]);
    let lines = page["lines"].as_array().unwrap().iter();
    lines.map(|l| l["recorded"].clone()).filter(|r| r["entry"] == kind).collect()
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn gate(ctl: &Ctl, name: &str) -> Value {
    let status = ctl.status();
    let gates = status["gates"].as_array().unwrap().iter();
    gates.clone().find(|g| g["gate"] == name).unwrap_or_else(|| panic!("no gate {name} in {status:#}")).clone()
}

fn until_passes(ctl: &Ctl, name: &str) {
    until(&format!("{name} passes"), || (gate(ctl, name)["verdict"] == "pass").then_some(()));
}

/// Nothing that is streamed is applied while it lives.
async fn stop_the_stream(ctl: &Ctl) -> PgConnection {
    let mut session = ctl.rig.target.connect(DATABASE).await.unwrap();
    raw_sql("BEGIN; LOCK TABLE switchyard.beat_forward IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut session)
        .await
        .unwrap();
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_fails_in_a_soak_holds_the_ladder_or_takes_it_down() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    ctl.walk_to_validated();
    let ladder = json!([10, 25, 100].map(|percent| json!({ "percent": percent, "soak_s": 1 })));
    ctl.set_limits(&[("ladder", ladder), ("soak_break_s", json!(2))]);
    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    for percent in ["10", "25"] {
        ctl.done(&["run", MIGRATION, "reads", percent, "--wait", "60"]);
    }
    for name in ["lag", "connections", "slots"] {
        until_passes(&ctl, name);
    }

    it_holds_and_begins_anew(&ctl).await;
    what_nobody_knows_changes_nothing(&ctl).await;
    it_steps_back(&ctl).await;
    a_transaction_in_the_way_is_waited_for_or_ended(&ctl).await;
    end(&mut driver);
}

async fn it_holds_and_begins_anew(ctl: &Ctl) {
    let soaks_since = ctl.status()["soak"]["since"].as_i64().unwrap();
    let stopped = stop_the_stream(ctl).await;
    let broken = until("the soak is broken", || entries(ctl, "soak_broken").pop());
    assert_eq!((&broken["gate"], &broken["step_back"]), (&json!("lag"), &Value::Null), "it stays where it is");
    let status = ctl.status();
    assert_eq!(status["reads_on_target"], 25, "nobody asked for a step back");
    assert_eq!(status["soak"]["broken"]["title"], "Lag", "and the cockpit says so: {}", status["soak"]);
    assert!(gate(ctl, "soak")["why"].as_str().unwrap().contains("broken at"), "{}", gate(ctl, "soak"));
    stopped.close().await.unwrap();
    until("everything is well again", || entries(ctl, "soak_mended").pop());
    let soak = &ctl.status()["soak"];
    assert!(soak["since"].as_i64().unwrap() > soaks_since && soak["anew"] == true, "it counts from the start: {soak}");
}

async fn what_nobody_knows_changes_nothing(ctl: &Ctl) {
    let refused = ctl.output(&["limits", MIGRATION, "--set", "step_bck=on"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no limit “step_bck”"), "a slip is named: {refused:?}");
    ctl.done(&["limits", MIGRATION, "--set", "step_back=on"]);
    let before = entries(ctl, "soak_broken").len();
    ctl.rig.target.freeze().unwrap();
    until("the lag is unknown", || (gate(ctl, "lag")["verdict"] == "unknown").then_some(()));
    until("reads are unknown", || (gate(ctl, "latency")["verdict"] == "unknown").then_some(()));
    ctl.rig.target.thaw().unwrap();
    for name in ["lag", "latency", "errors", "connections", "slots"] {
        until_passes(ctl, name);
    }
    assert_eq!(entries(ctl, "soak_broken").len(), before, "a silent server is no failure");
    assert_eq!(ctl.status()["reads_on_target"], 25, "and moves nobody");
}

async fn it_steps_back(ctl: &Ctl) {
    let began = Instant::now();
    let stopped = stop_the_stream(ctl).await;
    until("one rung down", || (ctl.status()["reads_on_target"] == 10).then_some(()));
    println!("stepped back {:?} after the stream stopped", began.elapsed());
    let broken = entries(ctl, "soak_broken").pop().unwrap();
    assert_eq!(
        (&broken["gate"], &broken["step_back"]),
        (&json!("lag"), &json!(10)),
        "the journal says to where, before"
    );
    let run = entries(ctl, "run_started").pop().unwrap();
    assert!(run["reason"].as_str().unwrap().starts_with("step back: Lag: "), "and the run says why: {run}");
    assert!(run["seq"].as_i64() > broken["seq"].as_i64(), "the intent comes first");
    // It goes on failing: the same trouble is no reason for another step at once.
    until("the lower rung's soak is broken as well", || {
        entries(ctl, "soak_broken").pop().filter(|b| b["seq"].as_i64() > run["seq"].as_i64())
    });
    assert_eq!(ctl.status()["reads_on_target"], 10, "one trouble is one step");
    stopped.close().await.unwrap();
    until("everything is well again", || {
        entries(ctl, "soak_mended").pop().filter(|m| m["seq"].as_i64() > run["seq"].as_i64())
    });
    ctl.done(&["limits", MIGRATION, "--set", "step_back=off"]);
}

async fn a_transaction_in_the_way_is_waited_for_or_ended(ctl: &Ctl) {
    for percent in ["25", "100"] {
        ctl.done(&["run", MIGRATION, "reads", percent, "--wait", "60"]);
    }
    ctl.done(&["limits", MIGRATION, "--set", "transaction_max_s=1"]);
    until_passes(ctl, "transactions");
    let update = "UPDATE customer SET full_name = 'a secret' WHERE customer_id = 1";
    let mut session = PgConnection::connect(&ctl.rig.source.app_url()).await.unwrap();
    raw_sql("SET application_name = 'month end'").execute(&mut session).await.unwrap();
    raw_sql("BEGIN").execute(&mut session).await.unwrap();
    raw_sql(update).execute(&mut session).await.unwrap();
    let shut = until("the transaction is seen", || Some(gate(ctl, "transactions")).filter(|g| g["verdict"] == "fail"));
    let why = shut["why"].as_str().unwrap();
    assert!(why.contains("“month end”") && why.contains("limit 1 s"), "who it is: {why}");

    let listed = ctl.output(&["transactions", MIGRATION]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.status.code(), Some(1), "some are too old: {text}");
    assert!(!text.contains("secret"), "what it runs may hold values: {text}");
    let view: Value = serde_json::from_str(&text).unwrap();
    let one = view["open"].as_array().unwrap().iter().find(|t| t["application"] == "month end").unwrap();
    assert_eq!((&one["statement"], &one["state"]), (&json!("UPDATE"), &json!("idle in transaction")), "{one}");
    let (id, pid) = (one["id"].as_str().unwrap().to_owned(), one["pid"].to_string());

    let end = |id: &str| {
        let out = ctl.output(&["transactions", MIGRATION, "--end", id, "--reason", "the window closes"]);
        (out.status.code(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
    };
    let (code, said) = end(&pid);
    assert!(code == Some(2) && said.contains("whole id"), "a process number alone may be another one's: {said}");
    // The same session, another transaction: what was shown is over.
    raw_sql("ROLLBACK; BEGIN").execute(&mut session).await.unwrap();
    raw_sql(update).execute(&mut session).await.unwrap();
    let another = until("the next transaction is listed", || {
        let view: Value = serde_json::from_slice(&ctl.output(&["transactions", MIGRATION]).stdout).unwrap();
        let found = view["open"].as_array().unwrap().iter().find(|t| t["application"] == "month end").cloned();
        found.map(|t| t["id"].as_str().unwrap().to_owned())
    });
    let (code, said) = end(&id);
    assert!(code == Some(1) && said.contains("begun another one"), "it is left alone: {said}");
    raw_sql("SELECT 1").execute(&mut session).await.expect("and its session lives");
    let (code, said) = end(&another);
    assert!(code == Some(0) && said.contains("has ended"), "{said}");
    assert!(raw_sql("SELECT 1").execute(&mut session).await.is_err(), "its session is gone");
    let asked = entries(ctl, "transaction_end_asked").pop().unwrap();
    assert_eq!(asked["reason"], "the window closes", "the journal says why: {asked}");
    ctl.done(&["run", MIGRATION, "writes", "--wait", "60"]);
    assert_eq!(ctl.status()["authority"], "target", "and writes move");
}
