//! What a process sends that slept through a whole switch and its way back, or a network that held it back: databases refuse
//! what is older than the fence that stands there, and at the routers it is mended by whoever drives.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use ctl::{Ctl, MIGRATION};
use sqlx::Connection;
use switchyard_rig::{DATABASE, RigOptions, Server, Workload, WorkloadConfig, ledger};

/// The watchdog's patience, and what follows it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the stream that leaves a server carries rows.
async fn carries_rows(server: &Server) -> bool {
    let sql = "SELECT pubinsert FROM pg_publication WHERE pubname = 'switchyard_rows'";
    sqlx::query_scalar(sql).fetch_one(&mut server.connect(DATABASE).await.unwrap()).await.unwrap()
}

async fn refuses(server: &Server) -> bool {
    let sql = "SELECT bool_and(tgenabled = 'O') FROM pg_trigger WHERE tgname = 'switchyard_fence'";
    sqlx::query_scalar(sql).fetch_one(&mut server.connect(DATABASE).await.unwrap()).await.unwrap()
}

async fn writers_go_on(workload: &Workload, why: &str) {
    let (before, began) = (workload.acknowledged(), Instant::now());
    while workload.acknowledged() < before + 20 {
        assert!(began.elapsed() < PATIENCE, "{why}: clients still get no answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A switch whose process sleeps at a point until everything is back at the source; then it goes on where it was.
async fn sleeps_until_all_is_back(ctl: &Ctl, point: &str) {
    ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    ctl.nobody_drives(PATIENCE);
    let asleep = ctl.freeze(&["run", MIGRATION, "writes", "--wait", "60"], point);
    let began = Instant::now();
    while ctl.status()["authority"] != "target" || !ctl.status()["running"].is_null() {
        assert!(began.elapsed() < PATIENCE, "nobody finished the switch that fell asleep {point}");
        std::thread::sleep(Duration::from_millis(200));
    }
    ctl.done(&["rollback", MIGRATION]);
    assert_eq!(ctl.status()["authority"], "source", "the way back was to be gone before it wakes");
    asleep.thaw();
    // What it tells is the journal's: others finished its switch, and took it back.
    asleep.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_wakes_after_the_way_back_opens_no_stream_and_no_route() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    for point in ["before:open_way_back", "before:route"] {
        sleeps_until_all_is_back(&ctl, point).await;
        assert!(carries_rows(&ctl.rig.source).await, "{point}: the authority's stream carries rows");
        assert!(!carries_rows(&ctl.rig.target).await, "{point}: rows would go round in a circle");
        assert!(refuses(&ctl.rig.target).await && !refuses(&ctl.rig.source).await, "{point}: one side accepts writes");
        // Where clients were led astray, whoever drives leads them back.
        let mut driver = ctl.spawn(&["drive", MIGRATION]);
        writers_go_on(&workload, point).await;
        let _ = driver.kill();
        let _ = driver.wait();
    }
    let report = workload.stop().await;
    let check = ledger::check(&ctl.rig.source.app_url(), &report.acknowledged).await.unwrap();
    assert!(check.acknowledged > 100, "a ledger of {} writes proves little", check.acknowledged);
    assert!(check.is_clean(), "lost {:?}, twice {:?}", check.lost, check.duplicated);
}

/// What a late RESUME, PAUSE or route looks like to a router: somebody says it, and nobody knows who.
fn say(address: (&str, u16), command: &str) {
    let mut console = TcpStream::connect(address).unwrap();
    console.write_all(format!("{command}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    console.read_to_string(&mut answer).unwrap();
    assert!(answer.trim().is_empty(), "{command}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_at_a_router_after_its_run_is_mended_beside_another_command() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    ctl.nobody_drives(PATIENCE);
    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    ctl.done(&["run", MIGRATION, "writes", "--wait", "60"]);
    ctl.done(&["rollback", MIGRATION]);
    let front = ctl.rig.haproxy.as_ref().unwrap();
    let address = (front.admin_host.as_str(), front.admin_port);
    say(
        address,
        "set server rw/source state maint; set server rw/target state ready; shutdown sessions server rw/source",
    );
    writers_go_on(&workload, "writes were sent to the side that refuses them").await;
    // A command in between that holds nobody.
    ctl.done(&["run", MIGRATION, "validate", "--wait", "60"]);
    let mut console = sqlx::PgConnection::connect(&ctl.rig.poolers[0].admin_url()).await.unwrap();
    sqlx::raw_sql("PAUSE app_rw").execute(&mut console).await.unwrap();
    writers_go_on(&workload, "a PAUSE came after the switch and another command").await;
    let _ = driver.kill();
    let _ = driver.wait();
    drop(workload);
}
