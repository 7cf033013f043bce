//! A process that finishes what another left open is watched while it does.

use std::{
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_engine::{
    clock::SystemClock,
    conductor::{self, Parts},
    watchdog::Launcher,
};
use switchyard_model::{Command, Side};
use tokio_util::sync::CancellationToken;

use super::world::World;

/// A watchdog that writes down what it hears.
const SCRIPT: &str = "#!/bin/sh\necho standing\nwhile read -r line; do echo \"$line\" >> \"$0.heard\"; \
    [ \"$line\" = done ] && exit 0; done\necho 'left alone' >> \"$0.heard\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finishes_a_run_is_watched_until_clients_go_on() {
    let world = World::start().await;
    for command in [Command::Analyze, Command::Prepare, Command::Replicate, Command::ShiftReads { percent: 100 }] {
        world.run(command).await;
    }
    // A process that dies right after the point of no return, with clients held.
    let (cx, plan) = world.begin(&Command::SwitchWrites).await;
    for step in &plan.steps {
        let started =
            switchyard_model::journal::Entry::StepStarted { run: cx.run, step: step.name().into(), actions: vec![] };
        world.book.record(started).await.unwrap();
        step.apply(&cx).await.unwrap();
        if step.is_point_of_no_return() {
            break;
        }
    }
    drop(cx);
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("watchdog");
    std::fs::write(&script, SCRIPT).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let launcher = Launcher { program: script.clone(), argument: "--watch", store: world.store.path().to_owned() };
    let (events, _) = tokio::sync::broadcast::channel(64);
    let parts = Parts {
        store: world.store.clone(),
        keychain: world.keychain.clone(),
        clock: Arc::new(SystemClock),
        operator: "the next process".into(),
        events,
        watchdog: Some(Arc::new(launcher)),
    };
    let cancel = CancellationToken::new();
    let driving = tokio::spawn(conductor::drive(parts, world.book.migration(), cancel.clone()));
    let began = Instant::now();
    while world.book.catch_up().await.unwrap().open_run.is_some() {
        assert!(began.elapsed() < Duration::from_secs(20), "the run was not finished");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cancel.cancel();
    driving.await.unwrap();
    let heard = std::fs::read_to_string(script.with_extension("heard")).unwrap();
    let [order, word] = heard.lines().collect::<Vec<_>>()[..] else { panic!("one order and one word, not {heard}") };
    assert!(order.contains("\"holder\":\"the next process\""), "it watches the one that finishes: {order}");
    assert_eq!(word, "done", "and goes when clients go on");
    world.clients_write(Duration::from_secs(5)).await;
    world.nothing_is_lost(Side::Target).await;
}
