//! A server's log as it grows, over SQL: each byte once, and never so much of it that looking would cost the server.

use std::collections::BTreeMap;

use switchyard_model::UnixMs;
use switchyard_queries::log::{Entry, Format, LogReader, Prefix};

use crate::{
    Error, Kind, Result,
    db::{Database, statements::ServerLog},
};

/// What is read at one look, bytes: of a log that grows faster the newest is read.
const MOST: u64 = 16 << 20;

/// And at once.
const PIECE: u64 = 4 << 20;

/// By how much of a log its form is told, bytes.
const FORM: usize = 64 << 10;

/// How far it was read.
pub(super) struct Follower {
    prefix: Prefix,
    read: BTreeMap<String, u64>,
    reader: Option<LogReader>,
    last: Option<String>,
    /// Files that were last written to before are not looked at.
    since: UnixMs,
    /// Bytes that were left out since the look before.
    pub(super) skipped: u64,
}

impl Follower {
    /// From what was written since then on.
    pub(super) async fn begin(db: &Database, since: UnixMs) -> Result<Follower> {
        let prefix = Prefix::new(&db.statements.log_prefix().await?)
            .map_err(|why| Error::new(Kind::Unsuitable, format!("reading the log of {}", db.label), why))?;
        Ok(Follower { prefix, read: BTreeMap::new(), reader: None, last: None, since, skipped: 0 })
    }

    /// What was added. It may be dropped while it waits: what was read is not read again.
    pub(super) async fn go_on(&mut self, db: &Database, take: &mut (dyn FnMut(&Entry<'_>) + Send)) -> Result<()> {
        let logs = db.statements.logs(Some(self.since)).await?;
        let mut too_much = logs.iter().map(|log| self.added(log)).sum::<u64>().saturating_sub(MOST);
        self.skipped = too_much;
        self.read.retain(|file, _| logs.iter().any(|log| log.file == *file));
        for log in logs {
            let mut left = self.added(&log);
            if left == 0 {
                continue;
            }
            let over = left.min(too_much);
            let is_anew = left == log.size;
            if over > 0 || is_anew || self.last.as_ref().is_some_and(|last| *last != log.file) {
                // What comes next does not go on where this one ended.
                if let Some(mut reader) = self.reader.take() {
                    reader.finish(take);
                }
            }
            (too_much, left) = (too_much - over, left - over);
            let mut from = log.size - left;
            self.read.insert(log.file.clone(), from);
            self.last = Some(log.file.clone());
            while from < log.size {
                let piece = db.statements.log_piece(&log, from, PIECE.min(log.size - from)).await?;
                if piece.is_empty() {
                    break;
                }
                from += piece.len() as u64;
                let prefix = &self.prefix;
                let form = &piece[..piece.len().min(FORM)];
                let reader = self.reader.get_or_insert_with(|| LogReader::new(Format::detect(form, prefix)));
                // Memory does not fail.
                let _ = reader.read(&mut piece.as_slice(), take);
                self.read.insert(log.file.clone(), from);
            }
        }
        Ok(())
    }

    /// Bytes that were not read; all of a file that was begun anew under its name.
    fn added(&self, log: &ServerLog) -> u64 {
        let read = self.read.get(&log.file).copied().unwrap_or_default();
        log.size.checked_sub(read).unwrap_or(log.size)
    }
}
