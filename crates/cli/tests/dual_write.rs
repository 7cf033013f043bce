//! Synchronous dual write on a real pair: a commit that returned is on the target, nobody else waits, and nobody waits for long whatever
//! dies.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{
    process::{Child, Command},
    time::{Duration, Instant},
};

use ctl::{Ctl, MIGRATION, end};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use switchyard_rig::{DATABASE, RigOptions};

const PATIENCE: Duration = Duration::from_secs(30);

/// A pair that streams, with a table of the application's to prove things on.
async fn streaming() -> Ctl {
    let ctl = Ctl::start(RigOptions::default()).await;
    let app = &ctl.rig.source.logins.app.user;
    let table = format!("CREATE TABLE public.proof (n bigint PRIMARY KEY); ALTER TABLE public.proof OWNER TO {app}");
    ctl.rig.source.execute(&table).await.unwrap();
    ctl.walk_to_validated();
    ctl.nobody_drives(PATIENCE);
    ctl
}

fn drive(ctl: &Ctl) -> Child {
    let driver = ctl.spawn(&["drive", MIGRATION]);
    until("somebody drives", || !ctl.status()["lease"]["holder"].is_null());
    driver
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn show(ctl: &Ctl) -> Value {
    serde_json::from_slice(&ctl.output(&["dual-write", "show", MIGRATION]).stdout).unwrap()
}

fn on(ctl: &Ctl, whose: &[&str], budget: &str) -> Value {
    ctl.done(&[&["dual-write", "on", MIGRATION, "--budget", budget], whose].concat())
}

fn said(ctl: &Ctl, args: &[&str], code: i32, sentence: &str) {
    let out = ctl.output(args);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(sentence), "{args:?} says “{sentence}”: {said}");
}

async fn as_app(ctl: &Ctl) -> PgConnection {
    PgConnection::connect(&ctl.rig.source.app_url()).await.unwrap()
}

/// What is set on the source, all that a dual write changes.
async fn settings(ctl: &Ctl) -> (String, String, i64) {
    let mut connection = ctl.rig.source.connect(DATABASE).await.unwrap();
    let sql = "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit'), \
               (SELECT count(*) FROM pg_db_role_setting WHERE array_to_string(setconfig, ' ') LIKE '%synchronous_commit%')";
    sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap()
}

fn untouched() -> (String, String, i64) {
    (String::new(), "on".to_owned(), 0)
}

async fn insert(connection: &mut PgConnection, n: i64) -> Duration {
    let began = Instant::now();
    sqlx::query("INSERT INTO public.proof VALUES ($1)").bind(n).execute(connection).await.unwrap();
    began.elapsed()
}

/// Waits until the breaker has opened, and says for what.
fn opened(ctl: &Ctl, dual: &Value) -> Value {
    let mut view = Value::Null;
    until("the breaker opened", || {
        view = show(ctl);
        view["open"].is_null() && view["last"]["id"] == *dual
    });
    view["last"]["ended"][1].clone()
}

fn count(ctl: &Ctl, cause: &str) -> i64 {
    let openings = show(ctl)["openings"].as_array().unwrap().clone();
    openings.iter().find(|o| o["cause"] == cause).map_or(0, |o| o["count"].as_i64().unwrap())
}

fn figures(when: &str, f: &Value) {
    println!(
        "{when}: P50 {:.2} ms, P95 {:.2} ms, P99 {:.2} ms of {} writes, a transaction {:.2} ms",
        f["p50_ms"].as_f64().unwrap(),
        f["p95_ms"].as_f64().unwrap(),
        f["p99_ms"].as_f64().unwrap(),
        f["samples"],
        f["workload_ms"].as_f64().unwrap_or(f64::NAN)
    );
}

/// The watchdog of a driver: its only child.
fn children(of: u32) -> Vec<u32> {
    let list = Command::new("pgrep").args(["-P", &of.to_string()]).output().unwrap();
    String::from_utf8(list.stdout).unwrap().lines().filter_map(|l| l.trim().parse().ok()).collect()
}

fn signal(which: &str, pid: u32) {
    Command::new("kill").args([which, &pid.to_string()]).status().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_returned_is_on_the_target_and_nobody_waits_for_ever() {
    let ctl = streaming().await;
    said(&ctl, &["dual-write", "on", MIGRATION, "--role", "app"], 1, "Nobody drives this migration");
    let mut driver = drive(&ctl);
    what_is_refused_changes_nothing(&ctl).await;
    target_away(&ctl).await;
    turned_off(&ctl).await;
    budget_passed(&ctl).await;
    // An orderly end takes it off before the lease is given back.
    let dual = on(&ctl, &["--role", "app"], "900ms");
    end(&mut driver);
    assert_eq!(settings(&ctl).await, untouched(), "the process that attended it has ended");
    assert_eq!(opened(&ctl, &dual["dual"])["cause"], "orderly_end");
    driver_killed(&ctl).await;
    driver_asleep(&ctl).await;
    all_killed(&ctl).await;
}

async fn what_is_refused_changes_nothing(ctl: &Ctl) {
    said(ctl, &["dual-write", "on", MIGRATION], 2, "never everybody's by accident");
    said(ctl, &["dual-write", "on", MIGRATION, "--role", "app", "--budget", "soon"], 2, "no budget");
    said(ctl, &["dual-write", "on", MIGRATION, "--role", "nobody"], 1, "here is no role “nobody”");
    ctl.rig.source.execute("ALTER ROLE switchyard_limited SET synchronous_commit = 'on'").await.unwrap();
    said(ctl, &["dual-write", "on", MIGRATION, "--role", "app"], 1, "role “switchyard_limited” (on)");
    ctl.rig.source.execute("ALTER ROLE switchyard_limited RESET synchronous_commit").await.unwrap();
    // What the DBA waits for already is not touched.
    ctl.rig.source.execute("ALTER SYSTEM SET synchronous_commit = 'local'").await.unwrap();
    ctl.rig.source.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby_2'").await.unwrap();
    ctl.rig.source.execute("SELECT pg_reload_conf()").await.unwrap();
    said(ctl, &["dual-write", "on", MIGRATION, "--role", "app"], 1, "somebody's safety");
    for setting in ["synchronous_standby_names", "synchronous_commit"] {
        ctl.rig.source.execute(&format!("ALTER SYSTEM RESET {setting}")).await.unwrap();
    }
    ctl.rig.source.execute("SELECT pg_reload_conf()").await.unwrap();
    assert_eq!(settings(ctl).await, untouched(), "what is refused changes nothing");
    said(ctl, &["dual-write", "on", MIGRATION, "--role", "app", "--budget", "20us"], 1, "nobody else had waited");
    assert_eq!(settings(ctl).await, untouched(), "what was tried out is taken off again");
}

async fn target_away(ctl: &Ctl) {
    let mut old = as_app(ctl).await;
    let first = on(ctl, &["--role", "app"], "500ms");
    let mut app = as_app(ctl).await;
    let mut target = ctl.rig.target.connect(DATABASE).await.unwrap();
    let mut waits = Vec::new();
    for n in 0..300 {
        waits.push(insert(&mut app, n).await.as_secs_f64() * 1000.0);
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM public.proof WHERE n = $1)")
            .bind(n)
            .fetch_one(&mut target)
            .await
            .unwrap();
        assert!(there, "commit {n} returned before the target had applied it");
    }
    waits.sort_by(f64::total_cmp);
    println!("an application's commit with the target: P50 {:.2} ms, P99 {:.2} ms", waits[150], waits[297]);
    until("sessions that do not wait yet are counted", || show(ctl)["open"]["now"]["not_yet"] == 1);
    insert(&mut old, 1_000).await;
    drop(old);
    until("and are no more when they end", || show(ctl)["open"]["now"]["not_yet"] == 0);
    let status = ctl.status();
    assert_eq!(status["dual_write"]["whose"], "role app", "status says it");
    said(ctl, &["run", MIGRATION, "cleanup", MIGRATION], 1, "turn it off first");

    // The target stands still: who was chosen waits until the breaker opens, nobody else does.
    ctl.rig.target.freeze().unwrap();
    let frozen = Instant::now();
    let mut other = ctl.rig.source.connect(DATABASE).await.unwrap();
    let (waited, spared) = tokio::join!(insert(&mut app, 2_000), insert(&mut other, 2_001));
    assert!(spared < Duration::from_millis(500), "a role that nobody chose waited for {spared:?}");
    assert!(waited > Duration::from_millis(300), "the chosen one did not wait: {waited:?}");
    assert!(waited < Duration::from_secs(4), "the chosen one waited for {waited:?}");
    println!("target frozen: the application's commit went on after {waited:?}, another role's took {spared:?}");
    let end1 = opened(ctl, &first["dual"]);
    println!("journaled {:?} after the freeze; freed in {} ms", frozen.elapsed(), end1["freed_ms"]);
    assert_eq!((end1["cause"].as_str(), count(ctl, "target_away")), (Some("target_away"), 1), "{end1}");
    ctl.rig.target.thaw().unwrap();
    assert_eq!(settings(ctl).await, untouched(), "what was set before is back");
    until("it was measured afterwards", || !show(ctl)["last"]["after"].is_null());
    let last = show(ctl)["last"].clone();
    figures("before", &last["began"][1]);
    figures("during", &end1["during"]);
    figures("after", &last["after"]);
}

async fn turned_off(ctl: &Ctl) {
    let second = on(ctl, &["--database"], "500ms");
    insert(&mut as_app(ctl).await, 3_000).await;
    let off = ctl.done(&["dual-write", "off", MIGRATION]);
    assert_eq!((&off["id"], off["ended"][1]["cause"].as_str()), (&second["dual"], Some("operator")));
    assert!(!off["after"].is_null(), "it says what small writes take afterwards");
    assert_eq!(settings(ctl).await, untouched());
}

/// The target becomes slow: each row of ours takes longer than the budget.
async fn budget_passed(ctl: &Ctl) {
    let third = on(ctl, &["--role", "app"], "60ms");
    let slow = "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.12); RETURN NEW; END'; \
                CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON switchyard.beat_forward FOR EACH ROW EXECUTE FUNCTION public.slow(); \
                ALTER TABLE switchyard.beat_forward ENABLE ALWAYS TRIGGER slow";
    ctl.rig.target.execute(slow).await.unwrap();
    let began = Instant::now();
    let end3 = opened(ctl, &third["dual"]);
    println!("target slow: fell back after {:?}: {}", began.elapsed(), end3["why"]);
    assert_eq!((end3["cause"].as_str(), count(ctl, "budget")), (Some("budget"), 1), "{end3}");
    ctl.rig.target.execute("DROP FUNCTION public.slow() CASCADE").await.unwrap();
    assert_eq!(settings(ctl).await, untouched());
}

/// The driver is killed while the target is away: its watchdog frees the source.
async fn driver_killed(ctl: &Ctl) {
    let mut driver = drive(ctl);
    let first = on(ctl, &["--role", "app"], "900ms");
    let mut app = as_app(ctl).await;
    insert(&mut app, 5_001).await;
    ctl.rig.target.freeze().unwrap();
    driver.kill().unwrap();
    driver.wait().unwrap();
    let waited = insert(&mut app, 5_002).await;
    println!("driver killed, target frozen: the commit went on after {waited:?}");
    assert!(waited < Duration::from_secs(10), "the watchdog frees the source: {waited:?}");
    ctl.rig.target.thaw().unwrap();
    assert_eq!(opened(ctl, &first["dual"])["cause"], "abandoned");
    assert_eq!(settings(ctl).await, untouched(), "what was set before is back");
}

/// The laptop falls asleep with the driver on it while the target is away: the watchdog, elsewhere awake, frees the source, and who
/// wakes up turns nothing on again.
async fn driver_asleep(ctl: &Ctl) {
    ctl.nobody_drives(PATIENCE);
    let mut driver = drive(ctl);
    let dual = on(ctl, &["--role", "app"], "900ms");
    let mut app = as_app(ctl).await;
    signal("-STOP", driver.id());
    ctl.rig.target.freeze().unwrap();
    let waited = insert(&mut app, 5_010).await;
    println!("driver asleep, target frozen: the commit went on after {waited:?}");
    assert!(waited < Duration::from_secs(15), "silence of 8 s is enough for the watchdog: {waited:?}");
    ctl.rig.target.thaw().unwrap();
    assert_eq!(opened(ctl, &dual["dual"])["cause"], "abandoned");
    signal("-CONT", driver.id());
    end(&mut driver);
    assert_eq!(settings(ctl).await, untouched(), "what was set before is back, and who woke up left it so");
}

/// Both are killed: the one command in the guide frees the source, and the next process puts the rest back.
async fn all_killed(ctl: &Ctl) {
    ctl.nobody_drives(PATIENCE);
    let mut driver = drive(ctl);
    let second = on(ctl, &["--database"], "900ms");
    let watchdogs = children(driver.id());
    assert_eq!(watchdogs.len(), 1, "one watchdog stands beside it");
    let free = show(ctl)["free_command"].as_str().unwrap().to_owned();
    let mut app = as_app(ctl).await;
    watchdogs.into_iter().for_each(|pid| signal("-KILL", pid));
    driver.kill().unwrap();
    driver.wait().unwrap();
    ctl.rig.target.freeze().unwrap();
    let commit = tokio::spawn(async move { insert(&mut app, 5_003).await });
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!commit.is_finished(), "with nobody left the commit waits, as the dialog says");
    let asked = Instant::now();
    let freed = Command::new("/bin/sh")
        .args(["-c", &free])
        .env("PGPASSFILE", ctl.passfile())
        .env("PATH", ctl::path())
        .output()
        .unwrap();
    assert!(freed.status.success(), "{free}: {}", String::from_utf8_lossy(&freed.stderr));
    commit.await.unwrap();
    println!("the one command let the commit go within {:?}", asked.elapsed());
    ctl.rig.target.thaw().unwrap();
    let off = ctl.done(&["dual-write", "off", MIGRATION]);
    assert_eq!((&off["id"], off["ended"][1]["cause"].as_str()), (&second["dual"], Some("abandoned")));
    assert_eq!(settings(ctl).await, untouched(), "nothing is left");
}
