//! A laptop that sleeps in the middle of a switch: whoever is held is let go without it, and when it wakes it opens nothing
//! with what it knew before. And one that is gone for good, with its watchdog: a sentry on another machine lets everybody go.

use std::{
    process::{Child, Command},
    time::{Duration, Instant},
};

use sqlx::{Connection, SqliteConnection};

use super::{HOLD, PATIENCE, Scene, WATCHDOG};
use crate::{
    ctl::{self, disk::children},
    said::{all, expect},
};

/// What the watchdog needs on top of its patience, on a machine that is busy.
const TAKE_OVER: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_slept_during_a_hold_opens_nothing_when_it_wakes() {
    let scene = Scene::set(None).await;
    woke_after_the_deadline(&scene).await;
    slept_while_clients_were_held(&scene).await;
    slept_in_the_middle_of_a_write_to_the_store(&scene).await;
    gone_for_good(&scene).await;
    slept_past_the_point_of_no_return(&scene).await;
    scene.nothing_is_lost(|ctl| &ctl.rig.target).await;
}

/// It slept longer than a hold may last, and woke before the watchdog had lost its patience.
async fn woke_after_the_deadline(scene: &Scene) {
    let asleep = scene.ctl.freeze(&scene.switch(), "before:hold");
    let began = Instant::now();
    while began.elapsed() < HOLD + Duration::from_millis(500) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    asleep.thaw();
    expect(&asleep.finish(), 1, &["longer than its deadline", "Everything was taken back"]);
    scene.nobody_is_held("a sleep of three seconds").await;
    scene.ended("undone", "source");
    scene.writes_go_on("a sleep of three seconds", Duration::from_secs(5)).await;
}

async fn slept_while_clients_were_held(scene: &Scene) {
    let newest = scene.newest();
    let asleep = scene.ctl.freeze(&scene.switch(), "after:hold");
    scene.writes_go_on("the driver fell asleep while it held them", WATCHDOG + TAKE_OVER).await;
    scene.nobody_is_held("a sleep during the hold").await;
    scene.ctl.recovered(PATIENCE);
    scene.ended("undone", "source");
    asleep.thaw();
    let out = asleep.finish();
    expect(&out, 1, &["ended or slept, and another one took the run over", "In the end", "taken back"]);
    scene.nobody_is_held("its awakening").await;
    scene.writes_go_on("its awakening", Duration::from_secs(5)).await;
    scene.ended("undone", "source");
    let journal = scene.journal_after(newest);
    let late = journal.iter().filter(|l| l["recorded"]["step"] == "fence").count();
    assert_eq!(late, 0, "what woke up went no step further: {}", all(&out));
    scene.ctl.nobody_drives(PATIENCE);
}

/// Whoever sleeps may have the store's one lock for writing. Its watchdog can then neither take the lease nor write what it does, and
/// lets clients go all the same.
async fn slept_in_the_middle_of_a_write_to_the_store(scene: &Scene) {
    let mut asleep = scene.ctl.freeze(&scene.switch(), "after:hold");
    let mut store = SqliteConnection::connect(&format!("sqlite://{}", scene.ctl.store().display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut store).await.unwrap();
    scene.writes_go_on("the driver slept with the store's lock", WATCHDOG + LOCKED + TAKE_OVER).await;
    scene.nobody_is_held("a sleep with the store's lock").await;
    // It ends, and its lock with it.
    sqlx::query("ROLLBACK").execute(&mut store).await.unwrap();
    asleep.kill();
    scene.ctl.recovered(PATIENCE);
    scene.ended("undone", "source");
    scene.ctl.nobody_drives(PATIENCE);
}

/// How long a store that is locked is waited for before clients are let go without it.
const LOCKED: Duration = Duration::from_secs(5);
/// How long a PAUSE may last by the sentries here: longer than a switch that goes well holds anybody.
const LONGEST: Duration = Duration::from_secs(4);

/// Driver and watchdog are gone with their machine, and nobody comes to the store.
async fn gone_for_good(scene: &Scene) {
    let sentries = sentries(scene);
    sentries_are_seen(scene).await;
    let asleep = scene.ctl.freeze(&scene.switch(), "after:hold");
    let began = Instant::now();
    let watchdogs = children(asleep.pid());
    assert_eq!(watchdogs.len(), 1, "one watchdog stands beside the driver");
    for pid in watchdogs {
        Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    }
    scene.writes_go_on("driver and watchdog were gone", LONGEST + TAKE_OVER).await;
    assert!(began.elapsed() > LONGEST - Duration::from_secs(1), "a PAUSE is not ended before its time");
    scene.nobody_is_held("the sentries' RESUME").await;
    let mut asleep = asleep;
    asleep.kill();
    // Whoever comes back to the store finds a run that is to be taken back.
    let mut drive = scene.ctl.spawn(&["drive", &scene.ctl.migration]);
    scene.ctl.recovered(PATIENCE);
    ctl::end(&mut drive);
    scene.ended("undone", "source");
    for mut sentry in sentries {
        ctl::end(&mut sentry);
    }
    scene.ctl.nobody_drives(PATIENCE);
}

/// One at each pooler, as on another machine: with no store.
fn sentries(scene: &Scene) -> Vec<Child> {
    let longest = LONGEST.as_secs().to_string();
    let at = |p: &switchyard_rig::Pooler| {
        let console = format!("{}@{}:{}", p.admin_user, p.host, p.port);
        scene.ctl.spawn(&["sentry", "--pgbouncer", &console, "--longest", &longest])
    };
    scene.ctl.rig.poolers.iter().map(at).collect()
}

/// Whoever drives sees that they stand there.
async fn sentries_are_seen(scene: &Scene) {
    let mut drive = scene.ctl.spawn(&["drive", &scene.ctl.migration]);
    let began = Instant::now();
    loop {
        let status = scene.ctl.status();
        let checks = status["phases"].as_array().unwrap().iter().flat_map(|p| p["checks"].as_array().unwrap());
        let check = checks.into_iter().find(|c| c["id"] == "cutover.sentry").unwrap();
        if check["verdict"]["verdict"] == "pass" {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "a sentry stands at each pooler, and this is said: {check}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ctl::end(&mut drive);
    scene.ctl.nobody_drives(PATIENCE);
}

async fn slept_past_the_point_of_no_return(scene: &Scene) {
    let asleep = scene.ctl.freeze(&scene.switch(), "after:point_of_no_return");
    scene.writes_go_on("the driver fell asleep past the point of no return", WATCHDOG + TAKE_OVER).await;
    scene.ctl.recovered(PATIENCE);
    scene.ended("done", "target");
    asleep.thaw();
    let out = asleep.finish();
    expect(&out, 0, &["another one took the run over", "In the end", "Clients waited"]);
    scene.nobody_is_held("its awakening").await;
    scene.writes_go_on("its awakening", Duration::from_secs(5)).await;
    scene.ended("done", "target");
}
