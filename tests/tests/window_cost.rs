//! What the window costs this machine and what the engine costs the source, in figures and not in verdicts: the machine
//! they are taken on is not known. Run by `make bench-window`; the last lines of its output are rows for
//! `docs/benchmarks.md`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use serde_json::{Value, json};
use switchyard_api::Switchyard;
use switchyard_tests::usage::Usage;
use switchyard_tests::{App, Stage, World, ask, server_cost, usage};

/// How often a start is measured; the median is what counts.
const STARTS: usize = 5;
/// The shop has 28 tables that are replicated.
const MORE_TABLES: usize = 172;
/// How long each page is watched.
const WATCHED: Duration = Duration::from_secs(15);
/// How long the source is watched.
const SOURCE_WATCHED: Duration = Duration::from_secs(60);
/// The first full pass over small data, at the share of the time that production gets.
const FOLLOWS: Duration = Duration::from_secs(120);
/// The pages that show most, with something on each that says it was drawn.
const PAGES: [(&str, &str); 5] = [
    ("overview", "lag-chart"),
    ("consistency", "tables"),
    ("replication", "slots"),
    ("pools", "pools-need"),
    ("journal", "journal-line"),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: make bench-window"]
async fn what_the_window_costs() {
    let world = World::wide(Stage::Reads(10), MORE_TABLES).await;
    let start_ms = starts(&world).await;

    let app = world.open(&["--open", World::MIGRATION]).await;
    app.see("lag-chart").await;
    // The first full pass is a start, not a state: measured is what it costs from then on, day and night.
    let api = world.api(false).await;
    app.wait_for("the comparison to follow changes after its first pass", FOLLOWS, async || {
        (activity(&api).await == "following").then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut rows = Vec::new();
    let mut source = None;
    for (page, mark) in PAGES {
        app.click(&format!("nav-{page}")).await;
        app.see(mark).await;
        // Opening a page is not what it costs to leave it open.
        tokio::time::sleep(Duration::from_secs(4)).await;
        let window = if page == "overview" { SOURCE_WATCHED } else { WATCHED };
        let (used, on_source) = tokio::join!(usage::watch(&app, window), server_cost::watch(&world.rig.source, window));
        println!("{page}: the comparison in the background: {}", activity(&api).await);
        source.get_or_insert(on_source);
        rows.push((page, used));
    }
    app.close().await;
    api.shut_down().await;
    let source = source.unwrap();

    println!("start to first real content, ms: median {:.0} of {start_ms:.0?} (goal 1500)", middle(&start_ms));
    for (page, used) in &rows {
        println!("{page}: {:.1} % of a core", used.cpu_percent);
        for (name, cpu, memory) in &used.processes {
            println!("  {name}: {cpu:.1} % of a core, {memory:.0} MB");
        }
    }
    println!("\n| first content, median | {} | memory, proportional | resident |", names(&rows));
    println!("|---|{}---|---|", "---|".repeat(rows.len()));
    let peak = |of: fn(&Usage) -> f64| rows.iter().map(|(_, u)| of(u)).fold(0.0, f64::max);
    println!(
        "| {:.0} ms | {} | {:.0} MB | {:.0} MB |",
        middle(&start_ms),
        rows.iter().map(|(_, u)| format!("{:.1} %", u.cpu_percent)).collect::<Vec<_>>().join(" | "),
        peak(|u| u.memory_mb),
        peak(|u| u.resident_mb),
    );
    println!("\n| our sessions on the source | at most | the streams' own processes there |");
    println!("|---|---|---|");
    println!("| {:.2} % | {} | {:.2} % |", source.ours_percent, source.sessions, source.streams_percent);
}

/// What the comparison in the background is at; `full_pass` before every table has had one under this following.
async fn activity(api: &Switchyard) -> String {
    let known = ask(api, "consistency", json!({ "name": World::MIGRATION })).await;
    let since = known["following"]["since"].as_i64();
    let passed = |t: &Value| t["standing"]["full_began"].as_i64() >= since;
    let all = since.is_some() && known["tables"].as_array().is_some_and(|t| !t.is_empty() && t.iter().all(passed));
    if all { known["following"]["activity"].as_str().unwrap_or_default().to_owned() } else { "full_pass".to_owned() }
}

/// Starts, measures, closes, [`STARTS`] times.
async fn starts(world: &World) -> Vec<f64> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let app: App = world.open(&["--open", World::MIGRATION]).await;
        app.see("headline").await;
        starts.push(app.first_content_ms().await);
        app.close().await;
    }
    starts
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn names(rows: &[(&str, Usage)]) -> String {
    rows.iter().map(|(page, _)| format!("{page}, CPU")).collect::<Vec<_>>().join(" | ")
}
