//! The offline strategy: the source refuses writes from before the copy until the switch, or until they are released, and
//! nothing acknowledged is lost, whatever dies meanwhile.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::{Duration, Instant};

use ctl::Ctl;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use switchyard_rig::{Rig, RigOptions, Workload, WorkloadConfig, ledger};

const NAME: &str = "window";
const PATIENCE: Duration = Duration::from_secs(30);

/// A prepared offline migration under load.
async fn prepared() -> (Ctl, Workload) {
    let mut ctl = Ctl::over(Rig::start(RigOptions { poolers: 1, ..RigOptions::default() }).await.unwrap());
    ctl.migration = NAME.to_owned();
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    ctl.create_migration_with(NAME, "a", "b", &["--strategy", "offline"]);
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    for step in ["analyze", "prepare"] {
        run(&ctl, step);
    }
    ctl.set_limits(&[("receive_only_s", json!(0))]);
    (ctl, workload)
}

fn run(ctl: &Ctl, step: &str) -> Value {
    ctl.done(&["run", NAME, step, "--wait", "60"])
}

/// Refused with exit code 1 and a sentence that says this.
fn refused(ctl: &Ctl, step: &str, says: &str) {
    let out = ctl.output(&["run", NAME, step]);
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "{step} is refused: {said}");
    assert!(said.contains(says), "{step}: the sentence says “{says}”: {said}");
}

fn authority(ctl: &Ctl) -> String {
    ctl.status()["authority"].as_str().unwrap().to_owned()
}

fn is_held(ctl: &Ctl) -> bool {
    !ctl.status()["held"].is_null()
}

/// What `status` says to a person.
fn status_in_words(ctl: &Ctl) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_switchyardctl"));
    command.args(["status", NAME]).env("SWITCHYARD_STORE", ctl.store()).env("SWITCHYARD_NO_KEYRING", "1");
    String::from_utf8(command.env("PGPASSFILE", ctl.passfile()).output().unwrap().stdout).unwrap()
}

/// Writers are acknowledged again.
async fn writers_go_on(workload: &Workload, why: &str) {
    let (before, began) = (workload.acknowledged(), Instant::now());
    while workload.acknowledged() < before + 20 {
        assert!(began.elapsed() < PATIENCE, "{why}: writers are still refused or waiting");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Writers are answered, with a refusal each, and readers with rows.
async fn writers_are_refused(workload: &Workload, why: &str) {
    let (writes, errors) = (workload.acknowledged(), workload.errors());
    let reads = workload.read_latencies();
    let began = Instant::now();
    while workload.errors() < errors + 20 || workload.read_latencies().since(&reads).latency().count < 20 {
        assert!(began.elapsed() < PATIENCE, "{why}: refusals and reads are to come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(workload.acknowledged(), writes, "{why}: nothing is acknowledged while writes are held");
}

async fn nothing_is_lost(workload: Workload, url: &str) {
    let report = workload.stop().await;
    let check = ledger::check(url, &report.acknowledged).await.unwrap();
    println!("{} acknowledged, {} lost, {} twice", check.acknowledged, check.lost.len(), check.duplicated.len());
    assert!(check.acknowledged > 200, "a ledger of {} writes proves little", check.acknowledged);
    assert!(check.is_clean(), "lost {:?}, twice {:?}", check.lost, check.duplicated);
}

/// Holds writes and measures, beside the application: until when a writer of its own was acknowledged, when it was first
/// refused, and the longest that it waited for an answer.
async fn hold_measured(ctl: &Ctl) -> Duration {
    let url = ctl.rig.rw_urls().remove(0);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopping = stop.clone();
    let probe = tokio::spawn(async move {
        let mut longest = Duration::ZERO;
        let mut refusal = None;
        while !stopping.load(std::sync::atomic::Ordering::Relaxed) {
            let began = Instant::now();
            if let Err(e) = write_once(&url).await {
                refusal.get_or_insert(e);
            }
            longest = longest.max(began.elapsed());
        }
        (longest, refusal)
    });
    let ended = run(ctl, "hold");
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let (longest, refusal) = probe.await.unwrap();
    println!("{}; longest wait for an answer {longest:?}, a login included", ended["result"]["summary"]);
    let refusal = refusal.unwrap_or_else(|| "none".to_owned());
    assert!(refusal.contains("writes are held") && refusal.contains("moves to b"), "writers are told why: {refusal}");
    longest
}

/// One write on a connection of its own; the error's words where it is refused.
async fn write_once(url: &str) -> Result<(), String> {
    let options = <sqlx::postgres::PgConnectOptions as std::str::FromStr>::from_str(url).unwrap();
    let options = options.statement_cache_capacity(0).ssl_mode(sqlx::postgres::PgSslMode::Disable);
    let mut connection = PgConnection::connect_with(&options).await.map_err(|e| e.to_string())?;
    let written =
        sqlx::raw_sql("UPDATE public.category SET name = name WHERE category_id = -1").execute(&mut connection);
    let answer = written.await.map(drop).map_err(|e| e.to_string());
    let _ = connection.close().await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_held_from_before_the_copy_until_the_switch() {
    let (ctl, workload) = prepared().await;
    let status = ctl.status();
    assert_eq!(status["next"]["command"]["command"], "hold", "the hold comes before the copy: {}", status["next"]);
    assert!(status["held"].is_null());
    refused(&ctl, "replicate", "Hold");
    let preview = ctl.output(&["preview", NAME, "hold"]);
    let said = String::from_utf8_lossy(&preview.stdout).into_owned();
    for what in ["PAUSE", "writes are held", "ENABLE TRIGGER", "COMMIT", "RESUME"] {
        assert!(said.contains(what), "the preview shows {what}: {said}");
    }

    let waited = hold_measured(&ctl).await;
    assert!(waited < Duration::from_secs(5), "a writer is answered within the hold's deadline: {waited:?}");
    writers_are_refused(&workload, "after the hold").await;
    let direct = write_once(&ctl.rig.source.app_url()).await.unwrap_err();
    assert!(direct.contains("writes are held"), "past the pooler as well: {direct}");
    refused(&ctl, "hold", "held already");
    refused(&ctl, "prepare", "Writes are held");
    let status = ctl.status();
    assert_eq!(status["held"]["overdue"], false, "{}", status["held"]);
    assert_eq!(status["next"]["command"]["command"], "replicate", "{}", status["next"]);
    let said = status_in_words(&ctl);
    assert!(said.contains("writes are REFUSED on the source since") && said.contains("at most 10:00"), "{said}");
    assert_eq!(status["back"]["command"]["command"], "release", "the way back has a button: {}", status["back"]);

    run(&ctl, "replicate");
    run(&ctl, "validate");
    writers_are_refused(&workload, "after copy and validation").await;
    let status = ctl.status();
    assert_eq!(status["headline"], "Writes held · copied and validated");
    assert_eq!(status["next"]["command"]["command"], "switch_writes", "{}", status["next"]);
    run(&ctl, "writes");
    let status = ctl.status();
    assert_eq!((status["authority"].as_str(), status["reads_on_target"].as_i64()), (Some("target"), Some(100)));
    assert!(status["held"].is_null(), "what moved is not held");
    writers_go_on(&workload, "at the target").await;
    let moved = write_once(&ctl.rig.source.app_url()).await.unwrap_err();
    assert!(moved.contains("moved to b, epoch 2"), "the source says the switch's word now: {moved}");

    ctl.done(&["rollback", NAME]);
    assert_eq!(authority(&ctl), "source");
    writers_go_on(&workload, "back at the source").await;
    ctl.nobody_drives(PATIENCE);
    refused(&ctl, "writes", "Hold");
    run(&ctl, "hold");
    run(&ctl, "writes");
    writers_go_on(&workload, "at the target again").await;
    run(&ctl, "validate");
    ctl.done(&["run", NAME, "cleanup", NAME, "--wait", "60"]);
    nothing_is_lost(workload, &ctl.rig.target.app_url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_released_at_any_time_and_taken_up_again() {
    let (ctl, workload) = prepared().await;
    refused(&ctl, "release", "never held");
    run(&ctl, "hold");
    run(&ctl, "release");
    writers_go_on(&workload, "released before the copy").await;
    run(&ctl, "release");
    assert!(!is_held(&ctl), "released twice is as once");

    run(&ctl, "hold");
    run(&ctl, "replicate");
    run(&ctl, "release");
    writers_go_on(&workload, "released after the copy").await;
    run(&ctl, "validate");
    let status = ctl.status();
    let equal =
        status["phases"][3]["checks"].as_array().unwrap().iter().find(|c| c["id"] == "validation.equal").unwrap();
    assert_eq!(equal["verdict"]["verdict"], "pass", "the stream carries over what is written since: {equal}");
    assert_eq!(status["next"]["command"]["command"], "hold", "the switch wants a hold again: {}", status["next"]);

    run(&ctl, "hold");
    run(&ctl, "validate");
    ctl.set_limits(&[("held_max_s", json!(0))]);
    std::thread::sleep(Duration::from_millis(1100));
    let status = ctl.status();
    assert_eq!(status["held"]["overdue"], true, "a hold beyond its limit is told: {}", status["held"]);
    let checks = status["phases"][4]["checks"].as_array().unwrap();
    let limit = checks.iter().find(|c| c["id"] == "hold.limit").unwrap();
    assert_eq!(limit["verdict"]["verdict"], "fail", "and the checklist says so: {limit}");
    let gate = status["gates"].as_array().unwrap().iter().find(|g| g["gate"] == "hold").unwrap();
    assert_eq!(gate["verdict"], "pass", "it shuts no gate: {gate}");
    assert!(gate["evidence"].as_str().unwrap().contains("longer than the limit"), "which tells it too: {gate}");
    ctl.done(&["rollback", NAME]);
    assert!(!is_held(&ctl), "the button for the way back releases as well");
    writers_go_on(&workload, "released after the validation").await;

    run(&ctl, "hold");
    run(&ctl, "writes");
    assert_eq!(authority(&ctl), "target");
    writers_go_on(&workload, "at the target").await;
    nothing_is_lost(workload, &ctl.rig.target.app_url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_does_not_wait_for_the_end_of_a_copy() {
    let (ctl, workload) = prepared().await;
    let sync_workers = async |n: &str| {
        ctl.rig.target.execute(&format!("ALTER SYSTEM SET max_sync_workers_per_subscription = {n}")).await.unwrap();
        ctl.rig.target.execute("SELECT pg_reload_conf()").await.unwrap();
    };
    run(&ctl, "hold");
    ctl.nobody_drives(PATIENCE);
    // Nobody is there to copy, so the copy never ends by itself.
    sync_workers("0").await;
    let mut copying = ctl.spawn(&["run", NAME, "replicate", "--wait", "60"]);
    let began = Instant::now();
    let is_copying = |status: &Value| {
        let steps = status["running"]["steps"].as_array().cloned().unwrap_or_default();
        steps.iter().any(|s| s["step"] == "copy" && s["state"] == "running")
    };
    let status = loop {
        let status = ctl.status();
        if is_copying(&status) {
            break status;
        }
        assert!(began.elapsed() < PATIENCE, "the copy never began: {}", status["running"]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(status["back"]["open"], true, "the release is offered while it copies: {}", status["back"]);
    let asked = Instant::now();
    run(&ctl, "release");
    println!("released {:?} after it was asked for, in the middle of a copy", asked.elapsed());
    writers_go_on(&workload, "released in the middle of a copy").await;
    assert_eq!(copying.wait().unwrap().code(), Some(1), "the copy was taken back, and says so");
    sync_workers("2").await;
    ctl.nobody_drives(PATIENCE);
    run(&ctl, "hold");
    run(&ctl, "replicate");
    run(&ctl, "validate");
    run(&ctl, "writes");
    writers_go_on(&workload, "at the target").await;
    nothing_is_lost(workload, &ctl.rig.target.app_url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_dies_is_taken_back_and_a_release_that_dies_is_finished() {
    let (ctl, workload) = prepared().await;
    let hold = [
        "before:guard_hold",
        "after:guard_hold",
        "before:hold",
        "after:hold",
        "before:refuse_writes",
        "within:refuse_writes",
        "after:refuse_writes",
        "before:resume",
        "after:resume",
    ];
    for point in hold {
        ctl.nobody_drives(PATIENCE);
        ctl.crash_at(&["run", NAME, "hold", "--wait", "60"], point);
        ctl.recovered(PATIENCE);
        assert!(!is_held(&ctl), "{point}: a hold that did not come to its end is none");
        writers_go_on(&workload, point).await;
    }
    for command in ["release", "rollback"] {
        for point in ["before:let_writes_in", "within:let_writes_in", "after:let_writes_in"] {
            ctl.nobody_drives(PATIENCE);
            run(&ctl, "hold");
            ctl.nobody_drives(PATIENCE);
            ctl.crash_at(&["run", NAME, command, "--wait", "60"], point);
            ctl.recovered(PATIENCE);
            assert!(!is_held(&ctl), "{command} {point}: what was promised is kept");
            writers_go_on(&workload, point).await;
        }
    }
    nothing_is_lost(workload, &ctl.rig.source.app_url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_slept_refuses_nobody_when_it_wakes() {
    let (ctl, workload) = prepared().await;
    for point in ["after:hold", "before:refuse_writes", "within:refuse_writes"] {
        ctl.nobody_drives(PATIENCE);
        let asleep = ctl.freeze(&["run", NAME, "hold", "--wait", "60"], point);
        // The watchdog lets clients go, and gives the hold up.
        ctl.recovered(PATIENCE);
        writers_go_on(&workload, &format!("asleep {point}")).await;
        asleep.thaw();
        let out = asleep.finish();
        assert_ne!(out.status.code(), Some(0), "{point}: it does not say that it was done");
        assert!(!is_held(&ctl), "{point}: nothing is held");
        writers_go_on(&workload, &format!("awake {point}")).await;
        let direct = write_once(&ctl.rig.source.app_url()).await;
        assert_eq!(direct, Ok(()), "{point}: and the source refuses nobody behind the journal's back");
    }
    nothing_is_lost(workload, &ctl.rig.source.app_url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_dies_leaves_the_hold_or_finishes() {
    let (ctl, workload) = prepared().await;
    run(&ctl, "hold");
    ctl.nobody_drives(PATIENCE);
    // The machine is gone in the middle of the copy: it is taken back, and the window stays as agreed.
    ctl.crash_at(&["run", NAME, "replicate", "--wait", "60"], "after:copy");
    ctl.recovered(PATIENCE);
    assert!(is_held(&ctl), "the window does not end because a machine dies");
    writers_are_refused(&workload, "after a copy that died").await;
    ctl.nobody_drives(PATIENCE);
    run(&ctl, "replicate");
    run(&ctl, "validate");
    for point in ["before:hold", "after:fence", "before:point_of_no_return"] {
        ctl.nobody_drives(PATIENCE);
        ctl.crash_at(&["run", NAME, "writes", "--wait", "60"], point);
        ctl.recovered(PATIENCE);
        assert!(is_held(&ctl) && authority(&ctl) == "source", "{point}: undone, and held as before");
        writers_are_refused(&workload, point).await;
    }
    for point in ["after:point_of_no_return", "after:commit_fence", "before:route", "after:release"] {
        ctl.nobody_drives(PATIENCE);
        if !is_held(&ctl) {
            run(&ctl, "hold");
            ctl.nobody_drives(PATIENCE);
        }
        ctl.crash_at(&["run", NAME, "writes", "--wait", "60"], point);
        ctl.recovered(PATIENCE);
        assert_eq!(authority(&ctl), "target", "{point}: finished");
        writers_go_on(&workload, point).await;
        let moved = write_once(&ctl.rig.source.app_url()).await.unwrap_err();
        assert!(moved.contains("moved to b"), "{point}: the source refuses for good: {moved}");
        ctl.nobody_drives(PATIENCE);
        ctl.done(&["rollback", NAME]);
        writers_go_on(&workload, "back at the source").await;
    }
    nothing_is_lost(workload, &ctl.rig.source.app_url()).await;
}
