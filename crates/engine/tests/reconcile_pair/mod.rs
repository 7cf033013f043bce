//! Two real servers at rest and a pass between them, for the tests that demand exact findings.
#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use switchyard_engine::{
    Result,
    clock::SystemClock,
    db::{Database, connect::bundle},
    reconcile::{Outcome, Pace, Pass, Stream, pair},
};
use switchyard_model::{
    Side,
    reconcile::{FindingKind, TableReport},
};
use switchyard_rig::Major;

use crate::postgres_server::{Bed, connect};

/// Two databases at rest.
pub struct Still;

#[async_trait]
impl Stream for Still {
    async fn pass(&self) -> Result<()> {
        Ok(())
    }
}

/// A source of the older version and a target.
pub struct Twin {
    pub source: Bed,
    pub target: Bed,
    pub a: Database,
    pub b: Database,
}

/// By name.
pub type Reports = BTreeMap<String, TableReport>;

impl Twin {
    pub async fn start(target: Major) -> Twin {
        let (source, target) = tokio::join!(Bed::start(Major::V15, &[]), Bed::start(target, &[]));
        let a = bundle(source.db.clone());
        let b = bundle(connect(&target.server, Side::Target, "shop").await);
        Twin { source, target, a, b }
    }

    pub async fn both(&self, sql: &str) {
        tokio::join!(self.source.execute(sql), self.target.execute(sql));
    }

    /// A pass over all tables. Both servers hash alike, so nothing may fall back.
    pub async fn compare(&self, exact: bool) -> Reports {
        let outcome = run(&self.a, &self.b, exact).await.unwrap();
        assert_eq!(outcome.hashes, Vec::<String>::new(), "these versions hash alike");
        by_name(outcome)
    }
}

/// A pass between two databases, which may lie.
pub async fn run(a: &Database, b: &Database, exact: bool) -> Result<Outcome> {
    let (here, there) = tokio::try_join!(a.catalog.inventory(0), b.catalog.inventory(0))?;
    let pairing = pair(&here, &there, |_| true, |base| a.rows.rendering(base, exact));
    let pace = Pace::default();
    let clock = Arc::new(SystemClock);
    let pass = Pass { source: a, target: b, authority: Side::Source, stream: &Still, lanes: 2, pace: &pace, clock };
    pass.run(pairing).await
}

pub fn by_name(outcome: Outcome) -> Reports {
    outcome.tables.into_iter().map(|t| (t.table.plain(), t)).collect()
}

/// A finding as a test writes it: kind, key and the columns that differ.
pub type Found = (FindingKind, String, Vec<String>);

pub fn different(key: &str, columns: &[&str]) -> Found {
    (FindingKind::Different, key.to_owned(), columns.iter().map(|c| (*c).to_owned()).collect())
}

pub fn missing(key: &str) -> Found {
    (FindingKind::MissingOnTarget, key.to_owned(), vec![])
}

pub fn extra(key: &str) -> Found {
    (FindingKind::OnlyOnTarget, key.to_owned(), vec![])
}

/// The findings of a table, in order. One that could not be compared has none, and is an error here.
pub fn findings(report: &TableReport) -> Vec<Found> {
    assert!(
        report.not_compared.iter().all(|n| n.column.is_some()),
        "{}: {:?}",
        report.table.plain(),
        report.not_compared
    );
    assert!(report.hot.is_empty(), "{}: nothing moves here: {:?}", report.table.plain(), report.hot);
    let key = |k: &[(String, String)]| k.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>().join("|");
    let mut all: Vec<Found> = report
        .findings
        .iter()
        .map(|f| (f.kind, key(&f.key), f.columns.iter().map(|c| c.column.clone()).collect()))
        .collect();
    all.sort_by(|a, b| (&a.1, a.0 as u8).cmp(&(&b.1, b.0 as u8)));
    all
}
