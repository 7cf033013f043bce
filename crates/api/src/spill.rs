//! Findings of a comparison without a migration, on disk: a table may differ in every row, and memory stays small.
//!
//! One temporary file without a name, which the system removes with the process, however that ends.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde::{Serialize, Serializer, ser::SerializeSeq};
use switchyard_engine::{
    error::{Error, Kind, Result},
    reconcile::{Checkpoint, Findings, Reports},
};
use switchyard_model::{
    ident::TableName,
    reconcile::{Finding, TableReport},
};

use crate::verify::VerifiedFinding;

/// Where findings go while a pass runs.
pub(crate) struct Spill {
    inner: Mutex<Inner>,
    reports: Mutex<Vec<TableReport>>,
}

struct Inner {
    file: Arc<File>,
    end: u64,
    /// Begin and length of what each table has in the file, in the order in which it was told.
    places: HashMap<TableName, Vec<(u64, u64)>>,
    /// How far each table has come, with how many places it had then.
    checkpoints: HashMap<TableName, (Checkpoint, usize)>,
}

pub(crate) fn failed(e: std::io::Error) -> Error {
    let why = format!("the temporary file cannot be written ({})", switchyard_engine::error::words(&e));
    Error::new(Kind::Store, "keeping findings", why).caused_by(e)
}

impl Spill {
    /// With a file of its own.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub(crate) fn new() -> Result<Spill> {
        let file = Arc::new(tempfile::tempfile().map_err(failed)?);
        Ok(Spill {
            inner: Mutex::new(Inner { file, end: 0, places: HashMap::new(), checkpoints: HashMap::new() }),
            reports: Mutex::default(),
        })
    }

    /// Every table's report with its findings, by name.
    pub(crate) fn end(self) -> Vec<(TableReport, Found)> {
        let Inner { file, mut places, .. } = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut reports = self.reports.into_inner().unwrap_or_else(PoisonError::into_inner);
        reports.sort_by(|a, b| a.table.cmp(&b.table));
        let found = |report: TableReport| {
            let places = places.remove(&report.table).unwrap_or_default();
            (report, Found { file: file.clone(), places })
        };
        reports.into_iter().map(found).collect()
    }
}

#[async_trait]
impl Findings for Spill {
    async fn begin(&self, table: &TableName, shape: Option<&str>) -> Result<Option<Checkpoint>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // Of this very pass, so of the same shape: a session broke and another one goes on.
        let last = inner.checkpoints.get(table).filter(|_| shape.is_some()).cloned();
        let told = last.as_ref().map_or(0, |(_, told)| *told);
        inner.places.entry(table.clone()).or_default().truncate(told);
        if last.is_none() {
            inner.checkpoints.remove(table);
        }
        Ok(last.map(|(checkpoint, _)| checkpoint))
    }

    async fn reached(&self, checkpoint: Checkpoint) -> Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let told = inner.places.get(&checkpoint.table).map_or(0, Vec::len);
        inner.checkpoints.insert(checkpoint.table.clone(), (checkpoint, told));
        Ok(())
    }

    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        let mut lines = Vec::new();
        for finding in &findings {
            serde_json::to_writer(&mut lines, finding).map_err(|e| failed(e.into()))?;
            lines.push(b'\n');
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = inner.end;
        let mut file: &File = &inner.file;
        file.seek(SeekFrom::Start(begin)).and_then(|_| file.write_all(&lines)).map_err(failed)?;
        inner.end += lines.len() as u64;
        inner.places.entry(table.clone()).or_default().push((begin, lines.len() as u64));
        Ok(())
    }
}

#[async_trait]
impl Reports for Spill {
    async fn compared(&self, report: TableReport) -> Result<()> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        Ok(())
    }
}

/// Findings of one table, as an answer holds them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Listed {
    /// In memory.
    Few(Vec<VerifiedFinding>),
    /// In a file.
    Spilled(Found),
}

impl Listed {
    /// The first of them; fewer where the file cannot be read.
    pub fn first(&self, most: usize) -> Vec<VerifiedFinding> {
        match self {
            Listed::Few(all) => all.iter().take(most).cloned().collect(),
            Listed::Spilled(found) => {
                let mut some = Vec::new();
                // Whoever prints a few lines for people still has the figures when a disk fails.
                let _ = found.each(|finding| {
                    some.push(VerifiedFinding::from(finding));
                    Ok(some.len() < most)
                });
                some
            }
        }
    }
}

/// The findings of one table. Reading them goes through the file, one after the other.
pub struct Found {
    file: Arc<File>,
    places: Vec<(u64, u64)>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found in {} places", self.places.len())
    }
}

impl Found {
    /// Calls back with each finding until it says to stop.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn each(&self, mut take: impl FnMut(Finding) -> std::io::Result<bool>) -> std::io::Result<()> {
        for (begin, length) in &self.places {
            let mut file: &File = &self.file;
            file.seek(SeekFrom::Start(*begin))?;
            // A place holds some hundred findings at most, and whoever takes them may look at another table meanwhile.
            let mut lines = Vec::new();
            file.take(*length).read_to_end(&mut lines)?;
            for line in BufReader::new(lines.as_slice()).lines() {
                if !take(serde_json::from_str(&line?)?)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut broken = None;
        let read = self.each(|finding| match list.serialize_element(&VerifiedFinding::from(finding)) {
            Ok(()) => Ok(true),
            Err(e) => {
                broken = Some(e);
                Ok(false)
            }
        });
        match (read, broken) {
            (_, Some(e)) => Err(e),
            (Err(e), None) => Err(serde::ser::Error::custom(e)),
            (Ok(()), None) => list.end(),
        }
    }
}
