//! The rule of the second look, on sides whose answers are known: what was on its way is no finding, what stays is one.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use switchyard_shadow::{
    Allowed, Class, Column, Failure, Lane, Passing, Piece, Report, Row, Rules, Sample, Shadow, Side, Skip, Tally, run,
};
use tokio::sync::mpsc::{Sender, channel};
use tokio_util::sync::CancellationToken;

/// What a side says, by how often the stream has passed and how often it was asked.
type Says = fn(passed: u32, asked: u32) -> Result<i64, &'static str>;

/// Nothing is against it.
const FINE: Result<Allowed, Skip> = Ok(Allowed { of_the_time: false });

struct Known {
    says: Says,
    passed: Arc<AtomicU32>,
    asked: Arc<AtomicU32>,
    says_of_it: Result<Allowed, Skip>,
}

struct Session {
    says: Says,
    passed: Arc<AtomicU32>,
    asked: Arc<AtomicU32>,
}

#[async_trait]
impl Side for Known {
    async fn open(&self) -> Result<Box<dyn Lane>, Failure> {
        Ok(Box::new(Session { says: self.says, passed: self.passed.clone(), asked: self.asked.clone() }))
    }

    async fn allows(&self, _: &str, _: &str, _: &[String], _: &[String]) -> Result<Result<Allowed, Skip>, Failure> {
        Ok(self.says_of_it)
    }

    async fn collations(&self, _: &str, _: &[String]) -> Result<BTreeMap<String, Rules>, Failure> {
        Ok(BTreeMap::new())
    }
}

#[async_trait]
impl Lane for Session {
    async fn run(&mut self, _: &Sample, to: Sender<Piece>) -> Result<(), Failure> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let said = (self.says)(self.passed.load(Ordering::SeqCst), asked);
        let failed =
            |state: &str| Failure { state: Some(state.to_owned()), sentence: "it fails".to_owned(), broken: false };
        let value = said.map_err(failed)?;
        let _ = to.send(Piece::Columns(vec![Column { name: "n".to_owned(), kind: 20 }])).await;
        let _ = to.send(Piece::Rows(vec![Row(vec![Some(value.to_string())])])).await;
        Ok(())
    }
}

struct Counting {
    passed: Arc<AtomicU32>,
    comes: bool,
}

#[async_trait]
impl Passing for Counting {
    async fn pass(&self) -> Result<(), String> {
        self.passed.fetch_add(1, Ordering::SeqCst);
        if self.comes { Ok(()) } else { Err("The stream stands still.".to_owned()) }
    }
}

async fn one(source: Says, target: Says, comes: bool, says_of_it: Result<Allowed, Skip>) -> Report {
    let passed = Arc::new(AtomicU32::new(0));
    let side = |says, says_of_it| Arc::new(Known { says, passed: passed.clone(), asked: Arc::default(), says_of_it });
    let tally = Arc::new(Tally::default());
    let shadow = Shadow {
        source: side(source, FINE),
        target: side(target, says_of_it),
        stream: Arc::new(Counting { passed: passed.clone(), comes }),
        per_second: 1_000,
        lanes: 2,
        tally: tally.clone(),
        stop: CancellationToken::new(),
    };
    let sample = Sample {
        text: "SELECT n FROM t WHERE id = 1".to_owned(),
        parameters: Some(Vec::new()),
        user: "app".to_owned(),
        cut: false,
    };
    let (to, from) = channel(1);
    to.send(tally.choose(sample, 100).unwrap()).await.unwrap();
    drop(to);
    run(Arc::new(shadow), from).await;
    tally.report()
}

#[tokio::test]
async fn a_row_on_its_way_is_no_finding() {
    let report = one(|_, _| Ok(2), |passed, _| Ok(if passed == 0 { 1 } else { 2 }), true, FINE).await;
    assert_eq!((report.compared, report.in_flight, report.findings.len()), (1, 1, 0), "{report:?}");
}

#[tokio::test]
async fn what_stays_is_a_finding_with_both_results() {
    let report = one(|_, _| Ok(2), |_, _| Ok(1), true, FINE).await;
    let finding = &report.findings[0];
    assert_eq!((finding.class, report.found()), (Class::Value, 1));
    assert_eq!((&finding.source, &finding.target), (&vec![vec![Some("2".into())]], &vec![vec![Some("1".into())]]));
}

#[tokio::test]
async fn a_source_that_changes_all_the_time_proves_nothing() {
    let report = one(|_, asked| Ok(i64::from(asked)), |_, _| Ok(-1), true, FINE).await;
    assert_eq!((report.moving, report.findings.len()), (1, 0), "{report:?}");
}

#[tokio::test]
async fn a_source_that_comes_to_rest_is_judged() {
    let report = one(|_, asked| Ok(i64::from(asked.min(3))), |_, _| Ok(-1), true, FINE).await;
    assert_eq!((report.moving, report.found()), (0, 1), "{report:?}");
}

#[tokio::test]
async fn a_stream_that_stands_still_leaves_it_unproven() {
    let report = one(|_, _| Ok(2), |_, _| Ok(1), false, FINE).await;
    assert_eq!((report.unproven, report.findings.len()), (1, 0), "{report:?}");
    assert_eq!(report.troubles, ["The stream stands still."]);
}

#[tokio::test]
async fn failures_are_told_by_whose_they_are() {
    let report = one(|_, _| Ok(2), |_, _| Err("42883"), true, FINE).await;
    assert_eq!((report.findings[0].class, report.findings[0].state.as_deref()), (Class::TargetFails, Some("42883")));
    let report = one(|_, _| Err("42P01"), |_, _| Err("42P01"), true, FINE).await;
    assert_eq!((report.compared, report.skipped[0].why), (0, Skip::FailsOnBoth), "nothing was compared");
    let report = one(|_, _| Ok(2), |_, _| Err("42501"), true, FINE).await;
    assert_eq!((report.found(), report.skipped[0].why), (0, Skip::NotReadable), "our role's privileges are ours");
    assert_eq!((report.statements, report.covered, report.never.len()), (1, 0, 1), "and it was never compared");
}

#[tokio::test]
async fn what_a_side_refuses_is_not_run() {
    let report = one(|_, _| panic!("it ran"), |_, _| panic!("it ran"), true, Err(Skip::Volatile)).await;
    assert_eq!((report.compared, report.skipped[0].why), (0, Skip::Volatile));
}

#[tokio::test]
async fn a_view_that_asks_for_the_time_is_no_finding() {
    let report = one(|_, _| Ok(2), |_, _| Ok(1), true, Ok(Allowed { of_the_time: true })).await;
    assert_eq!((report.compared, report.of_the_time, report.findings.len()), (1, 1, 0), "{report:?}");
}
