//! Logs of both sides, whoever takes their entries: from files on this machine, or from the server over SQL.

use std::{fs::File, io::Read as _, path::Path};

use switchyard_engine::{
    db::{Database, statements::ServerLog},
    error::words,
};
use switchyard_model::{UnixMs, state::State};
use switchyard_queries::{
    errors::Errors,
    latency::Latencies,
    log::{Entry, Format, LogReader, Prefix, plain},
};

use crate::{Switchyard, dto::*};

/// What is read of a server's log over SQL, bytes.
const MOST_OVER_SQL: u64 = 256 << 20;

/// And at once.
const PIECE: u64 = 4 << 20;

/// By how much of a log its form is told, bytes.
const HEAD: usize = 64 << 10;

/// Takes entries.
pub(crate) trait Takes: Send + 'static {
    fn take(&mut self, entry: &Entry<'_>);
}

impl Takes for Errors {
    fn take(&mut self, entry: &Entry<'_>) {
        Errors::take(self, entry);
    }
}

impl Takes for Latencies {
    fn take(&mut self, entry: &Entry<'_>) {
        Latencies::take(self, entry);
    }
}

/// What was read, and what is to be said of it.
#[derive(Default)]
pub(super) struct Read {
    pub(super) names: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Switchyard {
    /// The databases' names, of the source and of the target.
    pub(super) async fn names_of(&self, state: &State) -> Result<(String, String), ApiError> {
        let (source, target) = tokio::try_join!(
            self.parts.store.endpoint(&state.spec.source),
            self.parts.store.endpoint(&state.spec.target)
        )?;
        Ok((source.database, target.database))
    }
}

/// One side's log.
pub(super) struct Asked<'a> {
    pub(super) db: &'a Database,
    pub(super) files: &'a [String],
    pub(super) prefix: Option<&'a str>,
    /// What was written before is of no use (Unix ms).
    pub(super) since: Option<UnixMs>,
}

impl Asked<'_> {
    /// Reads all of it into `sink`.
    pub(super) async fn read<T: Takes>(&self, sink: T, read: &mut Read) -> Result<T, ApiError> {
        let prefix = match self.prefix {
            Some(prefix) => prefix.to_owned(),
            None => self.db.statements.log_prefix().await?,
        };
        let prefix = Prefix::new(&prefix)
            .map_err(|why| ApiError::new("invalid", why, "Give --prefix as the server's configuration has it."))?;
        if self.files.is_empty() {
            return self.over_sql(prefix, sink, read).await;
        }
        let (files, shown) = (self.files.to_vec(), self.files.to_vec());
        let all = tokio::task::spawn_blocking(move || from_files(&files, &prefix, sink)).await;
        let (sink, said) =
            all.map_err(|e| ApiError::new("failed", format!("Reading the log broke off: {e}."), "Try again."))??;
        read.names.extend(shown);
        read.notes.extend(said);
        Ok(sink)
    }

    async fn over_sql<T: Takes>(&self, prefix: Prefix, mut sink: T, read: &mut Read) -> Result<T, ApiError> {
        let statements = &self.db.statements;
        let mut room = MOST_OVER_SQL;
        let mut reader: Option<LogReader> = None;
        for (log, mut from) in newest(statements.logs(self.since).await?, &mut room) {
            if from > 0 {
                let left = from / 1_000_000;
                read.notes.push(format!("The first {left} MB of {} of {} were not read.", log.file, self.db.label));
            }
            // What is written from now on is not waited for: a busy server's log has no end.
            while from < log.size {
                let piece = statements.log_piece(&log, from, PIECE.min(log.size - from)).await?;
                if piece.is_empty() {
                    break;
                }
                from += piece.len() as u64;
                let head = &piece[..piece.len().min(HEAD)];
                let reader = reader.get_or_insert_with(|| LogReader::new(Format::detect(head, &prefix)));
                // Memory does not fail.
                let _ = reader.read(&mut piece.as_slice(), &mut |entry| sink.take(entry));
            }
            read.names.push(format!("{}: {}", self.db.label, log.file));
        }
        if let Some(mut reader) = reader {
            reader.finish(&mut |entry| sink.take(entry));
            read.notes.extend(reader.notes().sentences());
        }
        Ok(sink)
    }
}

/// Those that there is room for, the newest counting first, and where each is read from; in their order.
fn newest(logs: Vec<ServerLog>, room: &mut u64) -> Vec<(ServerLog, u64)> {
    let mut kept: Vec<(ServerLog, u64)> = Vec::new();
    for log in logs.into_iter().rev() {
        if *room == 0 {
            break;
        }
        let from = log.size.saturating_sub(*room);
        *room -= log.size - from;
        kept.push((log, from));
    }
    kept.reverse();
    kept
}

/// What a shell puts in the place of a file when a program's output is given.
#[cfg(unix)]
fn is_pipe(kind: std::fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_: std::fs::FileType) -> bool {
    false
}

/// A log on this machine.
pub(crate) fn open(file: &str) -> Result<File, ApiError> {
    let opened = File::open(Path::new(file)).map_err(|e| unreadable(file, &e))?;
    let kind = opened.metadata().map_err(|e| unreadable(file, &e))?.file_type();
    if !(kind.is_file() || is_pipe(kind)) {
        let why = format!("The log {file} is no file: it is a folder or a device.");
        return Err(ApiError::new("invalid", why, "Give a file, or a pipe from a program that reads one."));
    }
    Ok(opened)
}

/// What a log begins with, by which its form is told; and the rest.
pub(crate) fn head(opened: File, file: &str) -> Result<(Vec<u8>, Box<dyn std::io::Read + Send>), ApiError> {
    let mut source = plain(opened).map_err(|e| unreadable(file, &e))?;
    let mut head = Vec::new();
    source.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(|e| unreadable(file, &e))?;
    Ok((head, source))
}

fn unreadable(file: &str, e: &std::io::Error) -> ApiError {
    let why = format!("The log {file} cannot be read: {}.", words(e));
    ApiError::new("failed", why, "Give a file that is there and that you may read.")
}

/// All files, one after the other.
pub(crate) fn from_files<T: Takes>(
    files: &[String],
    prefix: &Prefix,
    mut sink: T,
) -> Result<(T, Vec<String>), ApiError> {
    let mut notes = Vec::new();
    for file in files {
        let failed = |e: std::io::Error| unreadable(file, &e);
        let (head, mut source) = head(open(file)?, file)?;
        let mut reader = LogReader::new(Format::detect(&head, prefix));
        reader.read(&mut head.as_slice(), &mut |entry| sink.take(entry)).map_err(failed)?;
        reader.read(&mut source, &mut |entry| sink.take(entry)).map_err(failed)?;
        reader.finish(&mut |entry| sink.take(entry));
        notes.extend(reader.notes().sentences().into_iter().map(|s| format!("{file}: {s}")));
    }
    Ok((sink, notes))
}
