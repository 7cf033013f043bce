//! A pass over all tables: a few lanes, each with a session per side, take one table after the other.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use switchyard_model::{
    Side, UnixMs,
    ident::TableName,
    reconcile::{Finding, NotCompared, TableReport},
};

use async_trait::async_trait;

use super::{
    Checkpoint, Stream,
    checkpoint::{Checkpoints, shape},
    pace::Pace,
    pairing::{Matched, Pairing},
    table::{Comparison, Readers, mid_pass},
    tally::{Findings, Tally},
};
use crate::{
    clock::SharedClock,
    db::Database,
    error::{Kind, Result, Retry},
};

/// How often a table whose connection broke is begun again.
const TRIES: u32 = 3;

/// What a pass is run with.
pub struct Pass<'a> {
    /// The source.
    pub source: &'a Database,
    /// The target.
    pub target: &'a Database,
    /// The side whose rows count.
    pub authority: Side,
    /// How to wait for the stream between them.
    pub stream: &'a dyn Stream,
    /// Sessions per side at once.
    pub lanes: usize,
    /// Progress, pause and throttle.
    pub pace: &'a Pace,
    /// Time.
    pub clock: SharedClock,
}

/// What a pass came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One report per table, in the order of their names.
    pub tables: Vec<TableReport>,
    /// What the servers hash differently, in sentences.
    pub hashes: Vec<String>,
}

impl Pass<'_> {
    /// Compares every table of the pairing, and keeps all findings in memory, in the reports.
    ///
    /// # Errors
    /// As [`Pass::run_into`].
    pub async fn run(&self, pairing: Pairing) -> Result<Outcome> {
        let kept = InMemory::default();
        let hashes = self.run_into(pairing, &kept).await?;
        let mut tables = kept.reports.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut findings = kept.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        for report in &mut tables {
            report.findings = findings.remove(&report.table).unwrap_or_default();
            report.findings.sort_by(|a, b| a.key.cmp(&b.key));
        }
        tables.sort_by(|a, b| a.table.cmp(&b.table));
        Ok(Outcome { tables, hashes })
    }

    /// Compares every table of the pairing; tells `reader` of each finding and each table as soon as it is known. A table
    /// that cannot be read gets a report that says why. Returns what the servers hash differently, in sentences.
    ///
    /// # Errors
    /// Only what stands in the way of all tables: no connection, no hash on which both sides agree.
    pub async fn run_into(&self, pairing: Pairing, reader: &dyn Reports) -> Result<Vec<String>> {
        let Pairing { mut tables, left_out } = pairing;
        for (table, why) in left_out {
            reader.compared(TableReport::unread(table, vec![why], self.clock.now())).await?;
        }
        let mut first = self.open().await?;
        let hashes = first.agree(&mut tables).await?;
        // The largest first, so that no lane is left alone with it at the end.
        tables.sort_by_key(|m| std::cmp::Reverse(m.bytes));
        let queue = Mutex::new(VecDeque::from(tables));
        let mut spare = Some(first);
        let running = (0..self.lanes.max(1)).map(|_| self.lane(spare.take(), &queue, reader));
        futures_util::future::try_join_all(running).await?;
        Ok(hashes)
    }

    async fn open(&self) -> Result<Readers> {
        Readers::open(self.source, self.target).await
    }

    async fn lane(
        &self,
        readers: Option<Readers>,
        queue: &Mutex<VecDeque<Matched>>,
        reader: &dyn Reports,
    ) -> Result<()> {
        let mut readers = readers;
        loop {
            let Some(matched) = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else { break };
            let report = self.table(&mut readers, &matched, reader).await;
            reader.compared(report).await?;
            self.pace.table();
        }
        if let Some(readers) = readers {
            readers.close().await;
        }
        Ok(())
    }

    /// One table, begun again when its connection broke.
    async fn table(&self, readers: &mut Option<Readers>, m: &Matched, findings: &dyn Findings) -> TableReport {
        let began = self.clock.instant();
        let mut attempt = Attempt::default();
        let result = loop {
            attempt.tries += 1;
            match self.attempt(readers, m, findings, &mut attempt).await {
                // A slice cannot be made small enough behind the checkpoint; from the beginning there may be another way.
                Err(e) if e.kind == Kind::Deadline && attempt.from.is_some() => {
                    attempt = Attempt { anew: true, ..Attempt::default() };
                }
                Err(e) if e.retry() == Retry::Later && e.kind != Kind::Deadline && attempt.tries < TRIES => {
                    *readers = None;
                }
                other => break other,
            }
        };
        let mut report = TableReport::unread(m.source.name.clone(), m.not_compared.clone(), self.clock.now());
        match result {
            Ok(read) => {
                report = TableReport { not_compared: report.not_compared, ..read };
            }
            Err(e) => {
                *readers = None;
                let e = mid_pass(e);
                report.not_compared.push(NotCompared::table(format!("{e}. {}", e.remedy())));
            }
        }
        report.seconds = self.clock.instant().duration_since(began).as_secs_f64();
        report
    }

    async fn attempt(
        &self,
        readers: &mut Option<Readers>,
        m: &Matched,
        findings: &dyn Findings,
        attempt: &mut Attempt,
    ) -> Result<TableReport> {
        let readers = match readers {
            Some(readers) => readers,
            None => readers.insert(self.open().await?),
        };
        let table = &m.source.name;
        let shape = Some(shape(m, self.authority)).filter(|_| !attempt.anew);
        let from = findings.begin(table, shape.as_deref()).await?;
        let began = from.as_ref().map_or_else(|| self.clock.now(), |c| c.began);
        let mut tally = Tally::new(m, self.authority, findings, &self.clock);
        if let Some(from) = &from {
            tally.told = from.told();
            if attempt.tries == 1 {
                self.pace.resume(from.rows());
            }
            if attempt.from.is_none_or(|earlier| earlier < from.at) {
                // It went on since, so this is no session that breaks whatever is tried.
                *attempt = Attempt { tries: 1, from: Some(from.at), anew: false };
            }
        }
        let checkpoints = Checkpoints::new(findings, m, self.authority, &self.clock, began);
        let comparison = Comparison::new(m, readers, self.authority, self.stream, self.pace, &self.clock);
        let compared = comparison.run(from.map(|c| c.place), &checkpoints, &mut tally).await?;
        Ok(TableReport {
            rows_source: compared.rows_source,
            rows_target: compared.rows_target,
            found: tally.told.found,
            hot: tally.told.hot,
            in_flight: tally.told.in_flight,
            ..TableReport::unread(table.clone(), Vec::new(), self.clock.now())
        })
    }
}

/// Attempts at one table.
#[derive(Default)]
struct Attempt {
    /// Since it last went on.
    tries: u32,
    /// When the checkpoint was reached from which the last one went on.
    from: Option<UnixMs>,
    /// Whether checkpoints are of no use.
    anew: bool,
}

/// Who is told what a pass finds.
#[async_trait]
pub trait Reports: Findings {
    /// A table was compared, or could not be.
    ///
    /// # Errors
    /// End the pass: what cannot be kept need not be looked for.
    async fn compared(&self, report: TableReport) -> Result<()>;
}

/// Findings and reports in memory, for few of them.
#[derive(Default)]
struct InMemory {
    findings: Mutex<HashMap<TableName, Vec<Finding>>>,
    /// The newest of each table, with how many findings it had then.
    checkpoints: Mutex<HashMap<TableName, (Checkpoint, usize)>>,
    reports: Mutex<Vec<TableReport>>,
}

#[async_trait]
impl Findings for InMemory {
    async fn begin(&self, table: &TableName, shape: Option<&str>) -> Result<Option<Checkpoint>> {
        // Of this very pass, so of the same shape: a session broke and another one goes on.
        let last = self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner).remove(table);
        let last = last.filter(|_| shape.is_some());
        let told = last.as_ref().map_or(0, |(_, told)| *told);
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.entry(table.clone()).or_default().truncate(told);
        drop(findings);
        if let Some(last) = &last {
            let mut checkpoints = self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner);
            checkpoints.insert(table.clone(), last.clone());
        }
        Ok(last.map(|(checkpoint, _)| checkpoint))
    }

    async fn reached(&self, checkpoint: Checkpoint) -> Result<()> {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        let told = findings.get(&checkpoint.table).map_or(0, Vec::len);
        let mut checkpoints = self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner);
        checkpoints.insert(checkpoint.table.clone(), (checkpoint, told));
        Ok(())
    }

    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        let mut kept = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entry(table.clone()).or_default().extend(findings);
        Ok(())
    }
}

#[async_trait]
impl Reports for InMemory {
    async fn compared(&self, report: TableReport) -> Result<()> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        Ok(())
    }
}
