//! `verify --resume FILE`: a comparison that keeps how far it has come in a file, and goes on from there after it was
//! killed.
//!
//! The file is a store of its own with one migration in it, which no one drives; it holds rows, so only its owner may read
//! it. It is gone once the comparison has come to its end.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use switchyard_engine::{
    clock::SharedClock,
    reconcile::{Findings, Kept, Pace, Pairing, Pass, Reports},
    store::{MigrationId, Store},
};
use switchyard_model::{
    Side,
    inventory::Inventory,
    limits::Limits,
    migration::{MigrationSpec, Strategy},
    reconcile::{Standing, TableReport},
};

use crate::{dto::ApiError, spill::Spill};

/// Findings that are read at once.
const PAGE: i64 = 500;

/// A file that remembers.
pub(crate) struct Remembered {
    path: PathBuf,
    store: Store,
    id: MigrationId,
    /// Whether it held something already.
    pub(crate) goes_on: bool,
    // Nobody else may use the file meanwhile; the lock ends with the process, however that ends.
    _lock: File,
}

/// What is compared: another comparison may not go on with it.
pub(crate) struct Subject<'a> {
    /// Both sides as they are now.
    pub(crate) source: &'a Inventory,
    /// The other one.
    pub(crate) target: &'a Inventory,
    /// Patterns of tables.
    pub(crate) tables: &'a [String],
    /// Whether spellings count.
    pub(crate) exact: bool,
}

/// So that no other database has the same text.
fn database(side: &Inventory) -> String {
    format!("{} in cluster {}", side.server.database, side.server.system_identifier)
}

impl Subject<'_> {
    fn spec(&self) -> MigrationSpec {
        let tables = if self.tables.is_empty() { "all tables".to_owned() } else { self.tables.join(", ") };
        let exact = if self.exact { ", exactly" } else { "" };
        MigrationSpec {
            name: format!("{tables} of {} and {}{exact}", database(self.source), database(self.target)),
            strategy: Strategy::Live,
            source: Side::Source.to_string(),
            target: Side::Target.to_string(),
            routers: Vec::new(),
            limits: Limits::normal(),
        }
    }
}

impl Remembered {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it cannot be made, is another comparison's, or is in use; it is left as it is then.
    pub(crate) async fn open(
        path: &Path,
        subject: &Subject<'_>,
        operator: &str,
        clock: &SharedClock,
    ) -> Result<Remembered, ApiError> {
        let lock = lock(path)?;
        match Self::take(path, subject, operator, clock).await {
            Ok((store, id, goes_on)) => Ok(Remembered { path: path.to_owned(), store, id, goes_on, _lock: lock }),
            Err(e) => {
                // Whatever the file is, it is not ours, and neither should anything of ours stay beside it.
                let _ = std::fs::remove_file(beside(path, LOCK));
                Err(e)
            }
        }
    }

    async fn take(
        path: &Path,
        subject: &Subject<'_>,
        operator: &str,
        clock: &SharedClock,
    ) -> Result<(Store, MigrationId, bool), ApiError> {
        private(path)?;
        let store = Store::open(path).await?;
        let spec = subject.spec();
        let known = store.migrations().await?;
        let id = match known.as_slice() {
            [] => store.create_migration(&spec, operator, clock.now()).await?,
            [(id, name, _)] if *name == spec.name => *id,
            [(_, other, _), ..] => {
                store.close().await;
                let why = format!("{} keeps something else: {other}. This is {}.", path.display(), spec.name);
                return Err(ApiError::new("invalid", why, ANOTHER));
            }
        };
        Ok((store, id, !known.is_empty()))
    }

    /// Compares what is left, and hands on everything that is known, that of earlier processes included. Returns what the
    /// servers hash differently, in sentences.
    pub(crate) async fn run(
        &self,
        pass: &Pass<'_>,
        mut pairing: Pairing,
        into: &Spill,
    ) -> Result<Vec<String>, ApiError> {
        let done = self.store.standings(self.id).await?;
        let whole = |s: &&Standing| s.full_at > 0 && s.not_compared.iter().all(|n| n.column.is_some());
        pairing.tables.retain(|m| !done.iter().filter(whole).any(|s| s.table == m.source.name));
        let kept = Kept::new(self.store.clone(), self.id, Side::Source, pass.clock.clone()).await?.resuming(0);
        let hashes = pass.run_into(pairing, &kept).await?;
        for standing in self.store.standings(self.id).await? {
            self.hand_on(&standing, into).await?;
        }
        Ok(hashes)
    }

    async fn hand_on(&self, s: &Standing, into: &Spill) -> Result<(), ApiError> {
        let mut after = 0;
        loop {
            let some = self.store.findings(self.id, &s.table, after, PAGE).await?;
            let Some(last) = some.last() else { break };
            after = last.id;
            into.found(&s.table, some.into_iter().map(|k| k.finding).collect()).await?;
        }
        let report = TableReport {
            table: s.table.clone(),
            rows_source: s.rows_source,
            rows_target: s.rows_target,
            found: s.findings,
            findings: Vec::new(),
            hot: s.hot_rows.clone(),
            in_flight: s.in_flight,
            not_compared: s.not_compared.clone(),
            seconds: s.seconds,
            at: s.full_at,
        };
        Ok(into.compared(report).await?)
    }

    /// What to know about it.
    pub(crate) fn says(&self, pace: &Pace) -> Option<String> {
        self.goes_on.then(|| {
            format!(
                "It went on with a comparison that was cut off, whose beginning {} holds; {} rows had been read.",
                self.path.display(),
                pace.resumed()
            )
        })
    }

    /// Removes the file: there is nothing to go on with any more.
    pub(crate) async fn end(self) {
        self.store.close().await;
        for name in ["", "-wal", "-shm", LOCK] {
            let file = beside(&self.path, name);
            if let Err(e) = std::fs::remove_file(&file)
                && e.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(file = %file.display(), error = %e, "it was left behind: remove it by hand");
            }
        }
    }
}

/// The file beside it that is locked.
const LOCK: &str = ".lock";

const ANOTHER: &str = "Name another file, or remove this one when what it holds is of no use any more.";

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn cannot(path: &Path, e: &std::io::Error) -> ApiError {
    let why = format!("{} cannot be written: {}.", path.display(), crate::io_words(e));
    ApiError::new("failed", why, "Name a file in a folder that exists and that you may write to.")
}

fn lock(path: &Path) -> Result<File, ApiError> {
    let beside = beside(path, LOCK);
    let file = File::create(&beside).map_err(|e| cannot(&beside, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let why = format!("Another process is using {}.", path.display());
            Err(ApiError::new("failed", why, "Wait for its end, or name another file."))
        }
        Err(TryLockError::Error(e)) => Err(cannot(&beside, &e)),
    }
}

/// Makes the file for its owner alone before anything is written to it.
fn private(path: &Path) -> Result<(), ApiError> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop).map_err(|e| cannot(path, &e))
}
