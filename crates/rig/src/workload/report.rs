//! What a workload has to say at its end, or at any moment.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::client::Record;
use super::meter::Latency;
use super::{histogram_of, lock};
use crate::ledger::{Acknowledged, EntryId};

/// How many messages of errors a report quotes.
const FIRST_ERRORS: usize = 8;

/// The sum of what the clients saw.
#[derive(Debug, Clone, Default)]
pub struct LedgerReport {
    /// The acknowledged writes, for [`crate::ledger::check`].
    pub acknowledged: Acknowledged,
    /// Writes whose COMMIT was sent and never answered: neither promised nor refused.
    pub uncertain: Vec<EntryId>,
    /// How many reads were answered.
    pub reads: u64,
    /// How often a writer met an error.
    pub writer_errors: u64,
    /// How often a reader met an error.
    pub reader_errors: u64,
    /// The first few messages of either.
    pub first_errors: Vec<String>,
    /// Latency of writes, from the first attempt to the acknowledgement of COMMIT.
    pub write_latency: Latency,
    /// Latency of reads.
    pub read_latency: Latency,
    /// The longest that any writer waited, over the whole run.
    pub longest_write: Duration,
    /// How long the workload has been running.
    pub took: Duration,
}

impl LedgerReport {
    /// Errors of writers and readers together.
    pub fn client_errors(&self) -> u64 {
        self.writer_errors + self.reader_errors
    }

    /// Acknowledged writes per second.
    pub fn write_rate(&self) -> f64 {
        self.acknowledged.len() as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

pub(super) fn collect(writers: &[Arc<Mutex<Record>>], readers: &[Arc<Mutex<Record>>], begun: Instant) -> LedgerReport {
    let mut report = LedgerReport { took: begun.elapsed(), ..LedgerReport::default() };
    report.write_latency = histogram_of(writers).latency();
    report.read_latency = histogram_of(readers).latency();
    report.reads = report.read_latency.count;
    for writer in writers {
        let record = lock(writer);
        report.acknowledged.merge(record.acknowledged.clone());
        report.uncertain.extend(record.uncertain.iter().chain(&record.committing));
        report.writer_errors += record.errors;
        report.longest_write = report.longest_write.max(record.meter.longest_since(begun));
        report.first_errors.extend(record.first_errors.iter().cloned());
    }
    for reader in readers {
        let record = lock(reader);
        report.reader_errors += record.errors;
        report.first_errors.extend(record.first_errors.iter().cloned());
    }
    report.first_errors.truncate(FIRST_ERRORS);
    report
}
