//! Only one of two poolers can be paused: the other one is resumed, the run ends as undone, writes go on.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, raw_sql};

use super::{PATIENCE, Scene};
use crate::{
    ctl::{disk::children, end},
    said::expect,
    traces,
};

#[tokio::test(flavor = "multi_thread")]
async fn when_one_of_two_poolers_cannot_be_paused_nobody_is() {
    let scene = Scene::set(None).await;
    let before = traces::of(&scene.ctl.rig).await;
    blocked_by_a_transaction(&scene).await;
    killed(&scene).await;
    frozen(&scene).await;
    refusing(&scene).await;
    assert_eq!(traces::of(&scene.ctl.rig).await, before, "every attempt left the world as it was");
    dead_beyond_the_point(&scene).await;
    scene.ended("done", "target");
    scene.nothing_is_lost(|ctl| &ctl.rig.target).await;
}

async fn undone(scene: &Scene, what: &str) {
    scene.nobody_is_held(what).await;
    scene.ended("undone", "source");
    scene.writes_go_on(what, Duration::from_secs(10)).await;
}

/// The second pooler never answers PAUSE, for a client of its keeps a transaction open.
async fn blocked_by_a_transaction(scene: &Scene) {
    let pooler = &scene.ctl.rig.poolers[1];
    let mut client = PgConnection::connect(&pooler.rw_url()).await.unwrap();
    // It touches no table of ours, or the guard would have refused before anybody is held.
    raw_sql("BEGIN; SELECT 1").execute(&mut client).await.unwrap();
    let out = scene.ctl.output(&scene.switch());
    expect(&out, 1, &[&format!("PgBouncer 127.0.0.1:{}", pooler.port), "did not hold", "taken back", "try again"]);
    undone(scene, "a transaction in the way").await;
    raw_sql("COMMIT").execute(&mut client).await.unwrap();
}

/// The second pooler dies between the guard and the hold.
async fn killed(scene: &Scene) {
    let pooler = &scene.ctl.rig.poolers[1];
    let asleep = scene.ctl.freeze(&scene.switch(), "before:hold");
    pooler.kill().await.unwrap();
    asleep.thaw();
    let at = format!("127.0.0.1:{}", pooler.port);
    expect(&asleep.finish(), 1, &[&at, "nothing listens", "Everything was taken back"]);
    scene.nobody_is_held("a killed pooler").await;
    scene.ended("undone", "source");
    pooler.restart().await.unwrap();
    undone(scene, "a killed pooler").await;
}

/// The second pooler falls silent between the guard and the hold, and wakes when all is over.
async fn frozen(scene: &Scene) {
    let pooler = &scene.ctl.rig.poolers[1];
    let asleep = scene.ctl.freeze(&scene.switch(), "before:hold");
    pooler.freeze().unwrap();
    asleep.thaw();
    let out = asleep.finish();
    pooler.thaw().unwrap();
    let at = format!("PgBouncer 127.0.0.1:{}", pooler.port);
    expect(&out, 1, &[&at, "Everything was taken back", "slow or unreachable"]);
    undone(scene, "a silent pooler that woke up").await;
}

/// The second pooler dies behind the point of no return, with the process and its watchdog, and stays dead: whoever is held at
/// the other one goes on, at the target, long before it comes back.
async fn dead_beyond_the_point(scene: &Scene) {
    let pooler = &scene.ctl.rig.poolers[1];
    let mut asleep = scene.ctl.freeze(&scene.switch(), "after:point_of_no_return");
    pooler.kill().await.unwrap();
    for watchdog in children(asleep.pid()) {
        std::process::Command::new("kill").args(["-KILL", &watchdog.to_string()]).status().unwrap();
    }
    asleep.kill();
    let mut recovers = scene.ctl.spawn(&["drive", &scene.ctl.migration]);
    let (before, began) = (scene.workload.acknowledged(), Instant::now());
    while scene.workload.acknowledged() < before + 50 {
        assert!(began.elapsed() < PATIENCE, "one dead pooler keeps everybody held at the other");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("behind the living pooler writes went on after {:?}", began.elapsed());
    assert_eq!(scene.ctl.status()["authority"], "target", "the point was behind it");
    pooler.restart().await.unwrap();
    scene.ctl.recovered(PATIENCE);
    end(&mut recovers);
    scene.writes_go_on("a pooler that was dead beyond the point", PATIENCE).await;
}

/// The second pooler's console would answer PAUSE with an error: found before anybody is held.
async fn refusing(scene: &Scene) {
    let pooler = &scene.ctl.rig.poolers[1];
    let config = scene.ctl.rig.dir().join("pgbouncer-2/pgbouncer.ini");
    let text = std::fs::read_to_string(&config).unwrap();
    let reload = async || {
        let mut console = PgConnection::connect(&pooler.admin_url()).await.unwrap();
        raw_sql("RELOAD").execute(&mut console).await
    };
    let without = text.replace("admin_users =", "stats_users =");
    assert_ne!(without, text);
    std::fs::write(&config, without).unwrap();
    reload().await.unwrap();
    let out = scene.ctl.output(&scene.switch());
    expect(
        &out,
        1,
        &[&pooler.port.to_string(), "may look but not PAUSE", "add it to admin_users in pgbouncer.ini", "taken back"],
    );
    undone(scene, "a console that refuses").await;
    std::fs::write(&config, text).unwrap();
    // Nobody may RELOAD it now; a signal may.
    let hup = ["-HUP", &pooler.pid().unwrap().to_string()];
    assert!(std::process::Command::new("kill").args(hup).status().unwrap().success());
    while reload().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
