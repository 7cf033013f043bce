//! Random tables with random corruptions: a pass finds exactly these.
//!
//! A case is all that a seed decides: names, columns, key, partitions, rows, and what happens to the target's copy. Seeds that
//! failed once are in `seeds.txt` and come first. `SWITCHYARD_PROPERTY_MINUTES=30` looks for more of them; else a few
//! cases are enough to notice a careless change. `SWITCHYARD_PROPERTY_SEED=n` runs one.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../postgres_server/mod.rs"]
mod postgres_server;

mod kinds;
mod plan;
mod random;
mod servers;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plan::Case;
use servers::Servers;

/// Seeds of cases that failed once, one a line.
const KNOWN: &str = include_str!("seeds.txt");

/// Cases of a run that is not asked to look for long.
const FEW: usize = 12;

/// A long run goes on after a failure, and stops after so many.
const ENOUGH: usize = 10;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_finds_exactly_what_was_planted() {
    let servers = Servers::start().await;
    if let Some(seed) = variable("SWITCHYARD_PROPERTY_SEED") {
        assert_eq!(servers.mistakes(&Case::new(seed)).await, None, "seed {seed}");
        return;
    }
    let known = KNOWN.lines().filter(|l| !l.starts_with('#')).map(|l| l.trim().parse::<u64>().unwrap());
    let mut failed = Vec::new();
    for seed in known {
        failed.extend(servers.mistakes(&Case::new(seed)).await.map(|what| (seed, what)));
    }
    assert!(failed.is_empty(), "seeds that failed before: {failed:#?}");
    let first = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    eprintln!("first seed {first}");
    let (began, minutes) = (Instant::now(), variable("SWITCHYARD_PROPERTY_MINUTES"));
    let more = |n: usize| match minutes {
        Some(minutes) => began.elapsed() < Duration::from_secs(minutes * 60),
        None => n < FEW,
    };
    let mut n = 0;
    while more(n) && failed.len() < ENOUGH {
        let seed = first.wrapping_add(n as u64);
        if let Some(what) = servers.mistakes(&Case::new(seed)).await {
            eprintln!("seed {seed} failed; add it to seeds.txt: {what}");
            failed.push((seed, what));
        }
        n += 1;
    }
    eprintln!("{n} cases in {:.0} s", began.elapsed().as_secs_f64());
    assert!(failed.is_empty(), "{} of {n} cases failed: {failed:#?}", failed.len());
}
