//! A pass over all tables: a few lanes, each with a session per side, take one table after the other.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use switchyard_model::{
    Side,
    reconcile::{NotCompared, TableReport},
};

use super::{
    Stream, describe, hashes,
    pace::Pace,
    pairing::{Matched, Pairing},
    table::{Comparison, Readers, mid_pass},
};
use crate::{
    clock::SharedClock,
    db::Database,
    error::{Kind, Result, Retry},
};

/// How often a table whose connection broke is begun again.
const TRIES: u32 = 3;

/// Rows whose values are read at once; a value may be long.
const DESCRIBED_AT_ONCE: usize = 200;

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
    /// Compares every table of the pairing. A table that cannot be read keeps a report that says why.
    ///
    /// # Errors
    /// Only what stands in the way of all tables: no connection, no hash on which both sides agree.
    pub async fn run(&self, pairing: Pairing) -> Result<Outcome> {
        let Pairing { mut tables, left_out } = pairing;
        let mut first = self.open().await?;
        let hashes = hashes::agree(first.source.as_mut(), first.target.as_mut(), &mut tables).await?;
        // The largest first, so that no lane is left alone with it at the end.
        tables.sort_by_key(|m| std::cmp::Reverse(m.bytes));
        let queue = Mutex::new(VecDeque::from(tables));
        let done = Mutex::new(Vec::new());
        let lanes = self.lanes.max(1);
        let mut spare = Some(first);
        let running = (0..lanes).map(|_| self.lane(spare.take(), &queue, &done));
        futures_util::future::join_all(running).await;
        let mut tables = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        tables.extend(left_out.into_iter().map(|(table, why)| TableReport::unread(table, vec![why], now)));
        tables.sort_by(|a, b| a.table.cmp(&b.table));
        Ok(Outcome { tables, hashes })
    }

    async fn open(&self) -> Result<Readers> {
        let (source, target) = tokio::try_join!(self.source.rows.open(), self.target.rows.open())?;
        Ok(Readers { source, target })
    }

    async fn lane(&self, readers: Option<Readers>, queue: &Mutex<VecDeque<Matched>>, done: &Mutex<Vec<TableReport>>) {
        let mut readers = readers;
        loop {
            let Some(matched) = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else { break };
            let report = self.table(&mut readers, &matched).await;
            done.lock().unwrap_or_else(PoisonError::into_inner).push(report);
            self.pace.table();
        }
        if let Some(Readers { source, target }) = readers {
            source.close().await;
            target.close().await;
        }
    }

    /// One table, begun again when its connection broke.
    async fn table(&self, readers: &mut Option<Readers>, m: &Matched) -> TableReport {
        let began = self.clock.instant();
        let mut tries = 0;
        let result = loop {
            tries += 1;
            match self.attempt(readers, m).await {
                Err(e) if e.retry() == Retry::Later && e.kind != Kind::Deadline && tries < TRIES => *readers = None,
                other => break other,
            }
        };
        let mut report = TableReport::unread(m.source.name.clone(), m.not_compared.clone(), self.clock.now());
        match result {
            Ok(found) => {
                report.rows_source = found.rows_source;
                report.rows_target = found.rows_target;
                report.findings = found.findings;
                report.hot = found.hot;
                report.in_flight = found.in_flight;
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

    async fn attempt(&self, readers: &mut Option<Readers>, m: &Matched) -> Result<Found> {
        let readers = match readers {
            Some(readers) => readers,
            None => readers.insert(self.open().await?),
        };
        let comparison = Comparison::new(m, readers, self.authority, self.stream, self.pace, &self.clock);
        let compared = comparison.run().await?;
        let mut found = Found {
            rows_source: compared.rows_source,
            rows_target: compared.rows_target,
            in_flight: compared.rechecked.in_flight,
            hot: compared.rechecked.hot.iter().map(|k| describe::named(&m.source, k)).collect(),
            findings: Vec::new(),
        };
        for batch in compared.rechecked.different.chunks(DESCRIBED_AT_ONCE) {
            let by_side: Vec<_> = batch
                .iter()
                .map(|(key, authority, other)| match self.authority {
                    Side::Source => (key, *authority, *other),
                    Side::Target => (key, *other, *authority),
                })
                .collect();
            found.findings.extend(describe::findings(readers, m, &compared.slices, &by_side, self.clock.now()).await?);
        }
        found.findings.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }
}

/// What one attempt at a table found.
struct Found {
    rows_source: i64,
    rows_target: i64,
    in_flight: i64,
    hot: Vec<Vec<(String, String)>>,
    findings: Vec<switchyard_model::reconcile::Finding>,
}
