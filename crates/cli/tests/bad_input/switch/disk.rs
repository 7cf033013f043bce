//! A disk that is full under the store, before a switch and inside it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use super::{PATIENCE, Scene};
use crate::{
    ctl::disk::{SmallDisk, allow_writes, refuse_writes},
    said::expect,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_store_loses_nothing() {
    let disk = SmallDisk::mount(24);
    let scene = Scene::set(disk.as_ref().map(|d| d.path().join("store.db"))).await;
    match &disk {
        Some(disk) => {
            full_before_the_switch(&scene, disk).await;
            full_inside_the_switch(&scene, disk).await;
        }
        None => {
            println!("SKIPPED: a disk that is full, for this user may not mount a small one");
            scene.ctl.done(&scene.switch());
        }
    }
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("SKIPPED: a disk that takes nothing more, for prlimit is not here");
        return scene.nothing_is_lost(|ctl| &ctl.rig.target).await;
    }
    refusing_before_the_point_of_no_return(&scene).await;
    // What is told on the way has no room either.
    expect(
        &scene.ctl.output_without_log(&["run", &scene.ctl.migration, "reads", "100", "--wait", "60"]),
        0,
        &["100 %"],
    );
    refusing_after_it(&scene).await;
    scene.nothing_is_lost(|ctl| &ctl.rig.target).await;
}

async fn full_before_the_switch(scene: &Scene, disk: &SmallDisk) {
    let newest = scene.newest();
    disk.fill();
    let store = scene.ctl.store().display().to_string();
    let began = Instant::now();
    for args in [&scene.switch()[..3], &["rollback", &scene.ctl.migration], &["status", &scene.ctl.migration]] {
        expect(&scene.ctl.output(args), 2, &[&store, "the disk is full", "Free disk space"]);
    }
    assert!(began.elapsed() < Duration::from_secs(20), "nobody is kept waiting to be told: {:?}", began.elapsed());
    scene.nobody_is_held("a full disk").await;
    scene.writes_go_on("a full disk", Duration::from_secs(5)).await;
    disk.make_room();
    assert_eq!(scene.newest(), newest, "nothing was begun");
}

/// Room for the journal of a switch was made sure of before anybody was held, so it goes through.
async fn full_inside_the_switch(scene: &Scene, disk: &SmallDisk) {
    let asleep = scene.ctl.freeze(&scene.switch(), "before:fence");
    disk.fill();
    asleep.thaw();
    let out = asleep.finish();
    disk.make_room();
    expect(&out, 0, &["Clients waited"]);
    scene.nobody_is_held("a disk that filled up during the switch").await;
    scene.ended("done", "target");
    scene.writes_go_on("a disk that filled up during the switch", Duration::from_secs(5)).await;
}

/// The way back, with a disk that takes nothing any more: everything is taken back at once, though it cannot be journaled.
async fn refusing_before_the_point_of_no_return(scene: &Scene) {
    let rollback = ["rollback", &scene.ctl.migration];
    let asleep = scene.ctl.freeze(&rollback, "before:fence");
    assert!(refuse_writes(&asleep), "prlimit works on a process of ours");
    asleep.thaw();
    let store = scene.ctl.store().display().to_string();
    expect(
        &asleep.finish(),
        2,
        &[&store, "the disk does not take what is written", "was taken back", "Free disk space"],
    );
    scene.nobody_is_held("a disk that takes nothing").await;
    scene.writes_go_on("a disk that takes nothing", Duration::from_secs(5)).await;
    assert_eq!(scene.ctl.status()["authority"], "target", "nothing has moved");
    // The next process finds the run open, ends it, and does what it is asked for.
    scene.ctl.nobody_drives(PATIENCE);
    let out = scene.ctl.output(&rollback);
    expect(&out, 0, &["Clients waited"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("was left open by a process that ended; it is taken back first"), "{said}");
    scene.ended("done", "source");
}

/// Past the point of no return clients are let go all the same, and the run is finished by the process that began it once
/// it can be journaled.
async fn refusing_after_it(scene: &Scene) {
    let asleep = scene.ctl.freeze(&scene.switch(), "before:commit_fence");
    assert!(refuse_writes(&asleep), "prlimit works on a process of ours");
    asleep.thaw();
    scene.writes_go_on("a disk that takes nothing", Duration::from_secs(10)).await;
    let status = scene.ctl.status();
    assert_eq!(
        status["running"]["past_no_return"], true,
        "it is not over before it is journaled: {}",
        status["running"]
    );
    assert_eq!(status["authority"], "target", "the journal has decided");
    allow_writes(asleep.pid());
    let out = asleep.finish();
    expect(&out, 0, &["In the end", "Clients waited"]);
    scene.nobody_is_held("there was room again").await;
    scene.ended("done", "target");
    scene.writes_go_on("there was room again", Duration::from_secs(5)).await;
}
