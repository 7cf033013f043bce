//! Two databases of different versions, compared and mended.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use switchyard_engine::{
    Result,
    clock::SystemClock,
    db::{Database, connect::bundle},
    reconcile::{
        Pace, Pass, Stream, pair,
        repair::{Mended, Mender, Planned, Previewer, Repair},
    },
};
use switchyard_model::{
    Side,
    ident::TableName,
    reconcile::{Finding, TableReport},
    repair::RepairOutcome,
};
use switchyard_rig::Major;

use super::postgres_server::{Bed, connect};

/// Two databases at rest.
pub struct Still;

#[async_trait]
impl Stream for Still {
    async fn pass(&self) -> Result<()> {
        Ok(())
    }
}

pub struct Twin {
    pub source: Bed,
    pub target: Bed,
    pub a: Database,
    pub b: Database,
}

impl Twin {
    pub async fn of(source: Major, target: Major) -> Twin {
        let (source, target) = tokio::join!(Bed::start(source, &[]), Bed::start(target, &[]));
        let a = bundle(source.db.clone());
        let b = bundle(connect(&target.server, Side::Target, "shop").await);
        Twin { source, target, a, b }
    }

    pub async fn start() -> Twin {
        Twin::of(Major::V15, Major::best()).await
    }

    pub async fn both(&self, sql: &str) {
        tokio::join!(self.source.execute(sql), self.target.execute(sql));
    }

    pub fn repair(&self, authority: Side) -> Repair<'_> {
        Repair { source: &self.a, target: &self.b, authority, stream: &Still, exact: false }
    }

    async fn compare(&self, stream: &dyn Stream, authority: Side) -> BTreeMap<TableName, TableReport> {
        let (here, there) = tokio::try_join!(self.a.catalog.inventory(0), self.b.catalog.inventory(0)).unwrap();
        let pairing = pair(&here, &there, |_| true, |base| self.a.rows.rendering(base, false));
        let (pace, clock) = (Pace::default(), Arc::new(SystemClock));
        let pass = Pass { source: &self.a, target: &self.b, authority, stream, lanes: 2, pace: &pace, clock };
        let tables = pass.run(pairing).await.unwrap().tables;
        tables.into_iter().map(|t| (t.table.clone(), t)).collect()
    }

    /// What a pass finds, by table.
    pub async fn findings(&self, authority: Side) -> Vec<(TableName, Vec<Finding>)> {
        self.findings_by(&Still, authority).await
    }

    pub async fn findings_by(&self, stream: &dyn Stream, authority: Side) -> Vec<(TableName, Vec<Finding>)> {
        let all = self.compare(stream, authority).await.into_iter();
        all.filter(|(_, t)| !t.findings.is_empty()).map(|(name, t)| (name, t.findings)).collect()
    }

    pub async fn plan(&self, authority: Side, found: &[(TableName, Vec<Finding>)]) -> Vec<Planned> {
        let tables: HashSet<TableName> = found.iter().map(|(t, _)| t.clone()).collect();
        let mut previewer = Previewer::open(self.repair(authority), &tables).await.unwrap();
        let mut all = Vec::new();
        for (table, findings) in found {
            all.extend(previewer.plan(table, findings).await.unwrap());
        }
        previewer.close().await;
        all
    }

    pub async fn mend(&self, authority: Side, found: &[(TableName, Vec<Finding>)]) -> Vec<Mended> {
        self.mend_by(self.repair(authority), found).await
    }

    pub async fn mend_by(&self, repair: Repair<'_>, found: &[(TableName, Vec<Finding>)]) -> Vec<Mended> {
        let tables: HashSet<TableName> = found.iter().map(|(t, _)| t.clone()).collect();
        let mut mender = Mender::open(repair, &tables).await.unwrap();
        let mut all = Vec::new();
        for (table, findings) in found {
            all.extend(mender.mend(table, findings).await.unwrap());
        }
        mender.close().await;
        all
    }

    /// Finds, mends, and demands that each row was mended and that a further pass finds nothing.
    pub async fn mends(&self, authority: Side) -> usize {
        let found = self.findings(authority).await;
        for mended in self.mend(authority, &found).await {
            assert_eq!(mended.row.outcome, RepairOutcome::Mended, "{:?}", mended.row);
        }
        assert_eq!(self.findings(authority).await, [], "the pass after a repair finds nothing");
        found.iter().map(|(_, findings)| findings.len()).sum()
    }
}

pub fn outcomes(all: &[Mended]) -> Vec<&RepairOutcome> {
    all.iter().map(|m| &m.row.outcome).collect()
}

/// The sentence of an outcome that is not equal.
pub fn why(outcome: &RepairOutcome) -> &str {
    match outcome {
        RepairOutcome::Changed { why } | RepairOutcome::Refused { why } => why,
        RepairOutcome::Mended | RepairOutcome::Equal => panic!("it is equal"),
    }
}

/// All rows of a table as one text, for comparing to the letter.
pub async fn letters(bed: &Bed, table: &str) -> Vec<String> {
    let sql = format!("SELECT t::text FROM {table} AS t ORDER BY 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut bed.app().await).await.unwrap()
}
