//! One statement of a thousand that fails on the target alone closes the gate, by its name, and opens it once it is mended.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use ctl::{Ctl, MIGRATION};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions, query};
use switchyard_rig::{RigOptions, Server};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(60);

const QUICK: &str = "SELECT name FROM region WHERE name = $1";
const BROKEN: &str = "SELECT shout(name) FROM region WHERE name = $1";
/// What the application gets wrong everywhere.
const WRONG: &str = "SELECT whisper(name) FROM region WHERE name = $1";
const MENDED: &str = "CREATE FUNCTION public.shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)'";

/// One of a thousand fails where the function lacks, and another one everywhere.
async fn application(server: &Server) -> JoinHandle<()> {
    let options = PgConnectOptions::from_str(&server.app_url()).unwrap().application_name("till");
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    tokio::spawn(async move {
        for n in 0_i32.. {
            let sql = match n % 1000 {
                0 => BROKEN,
                500 => WRONG,
                _ => QUICK,
            };
            let done = query(sql).bind("nowhere").fetch_optional(&mut connection).await;
            assert!(done.is_ok() || sql != QUICK, "only the two may fail: {done:?}");
        }
    })
}

/// Looks until the gate on errors says so.
fn until(ctl: &Ctl, said: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let status = ctl.status();
        let gate = status["gates"].as_array().unwrap().iter().find(|g| g["gate"] == "errors").cloned().unwrap();
        if said(&gate) {
            return gate;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain: {gate:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_on_the_target_alone_closes_the_gate_by_its_name() {
    let settings: Vec<(String, String)> = [
        ("shared_preload_libraries", "pg_stat_statements"),
        ("logging_collector", "on"),
        ("log_destination", "csvlog"),
        ("log_directory", "log"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .to_vec();
    let options = RigOptions {
        poolers: 1,
        source_settings: settings.clone(),
        target_settings: settings,
        ..RigOptions::default()
    };
    let ctl = Ctl::start(options).await;
    ctl.walk_to_validated();
    ctl.rig.source.execute(MENDED).await.unwrap();
    for server in [&ctl.rig.source, &ctl.rig.target] {
        server.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await.unwrap();
    }
    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    until(&ctl, |gate| gate["verdict"] == "pass");

    let loads = [application(&ctl.rig.source).await, application(&ctl.rig.target).await];
    let shut = until(&ctl, |gate| gate["verdict"] == "fail");
    let why = shut["why"].as_str().unwrap();
    for word in
        ["select shout(name) from region where name = $1", "42883", "table region", "sent by till", "not on the source"]
    {
        assert!(why.contains(word), "{word} is not said: {why}");
    }
    assert!(!why.contains("whisper"), "what the source refuses as well is no difference: {why}");
    assert!(shut["remedy"].as_str().unwrap().contains("queries errors"), "{shut:#}");
    let refused = ctl.output(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("shout"), "0.1 % of requests are enough: {said}");
    println!("closed by: {why}");

    ctl.rig.target.execute(MENDED).await.unwrap();
    let mended = Instant::now();
    let open = until(&ctl, |gate| gate["verdict"] == "pass");
    println!("open {:?} after it was mended: {}", mended.elapsed(), open["evidence"]);
    let evidence = open["evidence"].as_str().unwrap();
    assert!(evidence.contains("reads of the application"), "reads are a kind of their own: {evidence}");

    ctl.set_limits(&[("errors_per_million", json!(10)), ("errors_always_from", json!(2))]);
    let journal = ctl.done(&["journal", MIGRATION]).to_string();
    assert!(journal.contains("errors_always_from") && journal.contains("errors_writes_per_million"), "{journal}");
    for load in loads {
        assert!(!load.is_finished(), "nothing else failed");
        load.abort();
    }
    driver.kill().unwrap();
    driver.wait().unwrap();
}
