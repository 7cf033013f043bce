//! A source that falls silent: what rests on it is marked old within seconds, by the age of each measurement, although
//! the engine goes on and writes down what it knows each second.

use std::time::Duration;

use switchyard_tests::{Stage, World};

/// A measured lag counts for 3.5 s; a moment more for the picture.
const SOON: Duration = Duration::from_secs(10);
/// A server is asked every 3 s and given 5 s to answer.
const LATER: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen: scripts/window-tests.sh window"]
async fn a_silent_source_makes_its_figures_old() {
    let world = World::at(Stage::Reads(1)).await;
    let app = world.open(&["--open", World::MIGRATION]).await;
    let fresh = "the lag is measured";
    app.attribute_until("tile-lag", "data-old", fresh, LATER, |old| old == "false").await;
    app.attribute_until("gate-lag", "data-verdict", "and its gate knows", LATER, |verdict| verdict == "pass").await;

    world.rig.source.freeze().unwrap();
    for tile in ["tile-lag", "tile-way-back"] {
        let why = format!("{tile} is older than it counts");
        app.attribute_until(tile, "data-old", &why, SOON, |old| old == "true").await;
    }
    app.attribute_until("gate-lag", "data-verdict", "an old pass opens nothing", SOON, |v| v == "unknown").await;
    let lag = app.text("check-gate.lag").await;
    assert!(lag.contains('◷') && !lag.contains('✓'), "the checklist says so too: {lag}");
    assert!(!app.shows("stale-banner").await, "the picture as a whole is not stale: the engine and the target go on");
    app.see_within("side-problem-source", LATER).await;

    world.rig.source.thaw().unwrap();
    app.attribute_until("tile-lag", "data-old", "it is measured again", LATER, |old| old == "false").await;
    app.wait_for("nothing is said to be wrong any more", LATER, async || {
        (!app.shows("side-problem-source").await && !app.shows("old-banner").await).then_some(())
    })
    .await;
    app.close().await;
}
