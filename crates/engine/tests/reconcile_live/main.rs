//! A live pair under steady writes, with changes that arrive at once, 200 ms late and 2 s late: no pass and no round tells a
//! difference that is none, and of sixty corruptions planted meanwhile every one that is still there at the end is told.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../native_pair/mod.rs"]
mod native_pair;

mod bed;
mod load;
mod plants;
mod rule;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bed::{Bed, Found, Row};
use futures_util::future::join_all;
use load::Load;
use native_pair::wait;
use plants::Plant;
use switchyard_engine::reconcile::{Follow, Readers};
use switchyard_model::Side;
use switchyard_rig::Major;

/// How late changes are applied, and how many passes run at once meanwhile.
type Phase = (Duration, usize);

const NONE: Duration = Duration::ZERO;
const SOME: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(2);

/// After how many more transactions of the load another corruption is planted.
const APART: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make test-long; from 15 to 18 the same is proven"]
async fn a_live_pair_is_told_exactly_15_to_15() {
    told_exactly(Major::V15, Major::V15, &[(NONE, 7), (SOME, 7), (LONG, 6)], NONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_pair_is_told_exactly_15_to_18() {
    told_exactly(Major::V15, Major::V18, &[(NONE, 2), (SOME, 2)], SOME).await;
}

async fn told_exactly(source: Major, target: Major, phases: &[Phase], planting: Duration) {
    let Some(bed) = Bed::start(source, target).await else { return };
    let (mut follow, mut readers) = bed.follow().await;
    let load = Load::start(&bed.pair);
    for phase in phases {
        no_false_alarm(&bed, &load, *phase, &mut follow, &mut readers).await;
    }
    every_corruption(&bed, load, planting, &mut follow, &mut readers).await;
    follow.close().await;
    readers.close().await;
}

/// Passes under load tell nothing, and neither does following it.
async fn no_false_alarm(bed: &Bed, load: &Load, (delay, passes): Phase, follow: &mut Follow, readers: &mut Readers) {
    load.delay(&bed.pair, delay).await;
    let before = load.committed();
    let all = join_all((0..passes).map(|_| bed.full_pass())).await;
    assert!(load.committed() - before > 20, "a pass that nobody writes into proves nothing");
    for found in &all {
        assert_eq!(found.differences(), BTreeMap::new(), "{delay:?} late: in flight or hot, but nothing differs");
    }
    let in_flight: i64 = all.iter().map(Found::in_flight).sum();
    let hot: BTreeSet<Row> = all.iter().flat_map(Found::hot).collect();
    println!("{delay:?} late, {passes} passes: {in_flight} rows were in flight, hot: {hot:?}");
    if delay > NONE {
        assert!(in_flight > 0, "rows must have been on their way, or these passes prove nothing");
        let counter = ("public.counter".to_owned(), "1".to_owned());
        assert!(hot.contains(&counter), "a row that never rests is said to be unproven, not equal");
    }
    // A round looks at one table after the other, so it waits for the stream many times.
    if delay == NONE {
        let found = Found::default();
        bed.round(follow, readers, &found).await;
        assert_eq!(found.differences(), BTreeMap::new(), "{delay:?} late: nor does a round over what changed tell any");
    }
}

/// Plants everything while a pass and rounds go on; what is told at the end is what differs.
async fn every_corruption(bed: &Bed, load: Load, delay: Duration, follow: &mut Follow, readers: &mut Readers) {
    load.delay(&bed.pair, delay).await;
    let all = plants::all();
    assert_eq!(all.len(), 60, "as many as are asked for");
    let (first, second) = all.split_at(all.len() / 2);
    let found = Found::default();
    tokio::join!(bed.full_pass_into(&found, |_| true), plant(bed, &load, first));
    let planted = AtomicBool::new(false);
    let planting = async {
        plant(bed, &load, second).await;
        planted.store(true, Ordering::Relaxed);
    };
    let following = async {
        while !planted.load(Ordering::Relaxed) {
            bed.round(follow, readers, &found).await;
        }
    };
    tokio::join!(planting, following);
    bed.round(follow, readers, &found).await;
    let told = found.differences();
    for plant in &all {
        for row in &plant.rests {
            assert!(
                told.contains_key(row),
                "nobody writes {row:?}, so it is told while the load goes on: {}",
                plant.sql
            );
        }
    }
    load.stop().await;
    bed.pair.beat_through(Side::Source, 1).await;
    settle(bed, follow, readers, &found).await;
    let truth = truth::differences(&bed.pair).await;
    println!("{} rows differ at the end", truth.len());
    assert_eq!(found.differences(), truth, "what is told is what plain SQL says, row by row and column by column");
    assert!(truth.len() >= 40, "the stream must not have mended most of it: {} rows differ", truth.len());
}

async fn plant(bed: &Bed, load: &Load, plants: &[Plant]) {
    for plant in plants {
        let from = load.committed();
        wait("the load to go on", async || load.committed() >= from + APART).await;
        bed.pair.run(Side::Target, &plant.sql).await;
    }
}

/// What changed last is verified, and what keys cannot tell is compared as a whole.
async fn settle(bed: &Bed, follow: &mut Follow, readers: &mut Readers, found: &Found) {
    let mut rounds = 0;
    loop {
        bed.round(follow, readers, found).await;
        rounds += 1;
        if follow.waiting() == 0 {
            break;
        }
        assert!(rounds < 20, "with nobody writing every row rests: {} wait", follow.waiting());
    }
    let whole = follow.whole().clone();
    bed.full_pass_into(found, |table| whole.contains(table) || !follow.follows(table)).await;
}
