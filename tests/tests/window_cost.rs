//! What the window costs, in figures and not in verdicts: the machine they are taken on is not known. Run by
//! `scripts/window-tests.sh window_cost`; the last lines of its output are the figures.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use switchyard_tests::{Stage, World, usage};

/// How often a start is measured; the median is what counts.
const STARTS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: scripts/window-tests.sh window_cost"]
async fn what_the_window_costs() {
    let world = World::at(Stage::Validated).await;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let app = world.open(&["--open", World::MIGRATION]).await;
        app.see("headline").await;
        starts.push(app.first_content_ms().await);
        app.close().await;
    }
    starts.sort_by(f64::total_cmp);
    let median = starts.get(STARTS / 2).copied().unwrap_or(f64::NAN);

    let app = world.open(&["--open", World::MIGRATION]).await;
    app.see("lag-chart").await;
    // The first seconds are a start, not a state.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let used = usage::watch(&app, Duration::from_secs(20)).await;
    app.close().await;

    println!("start to first real content, ms: median {median:.0} of {starts:.0?} (goal 1500)");
    println!("at 1 Hz, percent of a core: {:.1} (goal 5)", used.cpu_percent);
    println!("memory, MB: {:.0} proportional, {:.0} resident (goal 300)", used.memory_mb, used.resident_mb);
    for (name, cpu, memory) in &used.processes {
        println!("  {name}: {cpu:.1} % of a core, {memory:.0} MB");
    }
}
