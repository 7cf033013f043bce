//! Whether anybody has written to the store, for the price of two looks at a file.
//!
//! The queue is looked at many times a second, by every process that drives. Asking SQLite each time would cost more than
//! everything else such a process does while nothing happens.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use super::Store;

/// Files keep the time of a write in steps of the kernel's clock: what was written this recently may be written again
/// without a trace.
const BLUR: Duration = Duration::from_millis(20);
/// On some file systems another machine's writes show late; the store itself is asked at least this often.
const AT_LEAST: Duration = Duration::from_secs(1);

/// Length and time of one file; None while it is not there.
type Stamp = Option<(u64, SystemTime)>;

/// A watch over the store's file.
#[derive(Debug)]
pub struct Changes {
    files: [PathBuf; 2],
    seen: Option<[Stamp; 2]>,
    asked: Option<Instant>,
}

impl Store {
    /// Begins to watch; everything counts as new at first.
    pub fn changes(&self) -> Changes {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        Changes { files: [self.path.clone(), log.into()], seen: None, asked: None }
    }
}

impl Changes {
    /// Whether something may have been written since this was last asked. Yes too often is fine, no too often is not.
    pub fn any(&mut self) -> bool {
        let now = Instant::now();
        let stamps = [stamp(&self.files[0]), stamp(&self.files[1])];
        let overdue = self.asked.is_none_or(|asked| now.duration_since(asked) >= AT_LEAST);
        if !overdue && self.seen == Some(stamps) {
            return false;
        }
        let today = SystemTime::now();
        let blurred = stamps.iter().flatten().any(|(_, at)| today.duration_since(*at).is_ok_and(|age| age < BLUR));
        self.seen = (!blurred).then_some(stamps);
        self.asked = Some(now);
        true
    }
}

fn stamp(file: &PathBuf) -> Stamp {
    let found = std::fs::metadata(file).ok()?;
    Some((found.len(), found.modified().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn a_write_is_seen_at_once_and_silence_is_not_asked_about() {
        let (_folder, store, id) = fixture::with_migration().await;
        let mut changes = store.changes();
        assert!(changes.any(), "at first everything is new");
        tokio::time::sleep(BLUR * 2).await;
        changes.any();
        assert!(!changes.any(), "nobody wrote");
        let other = Store::open(store.path()).await.unwrap();
        other.put_snapshot(id, "x", 1, &"y").await.unwrap();
        assert!(changes.any(), "a write of another process counts");
        store.put_snapshot(id, "x", 2, &"z").await.unwrap();
        assert!(changes.any(), "and one right after it, which the file's clock may not tell from the first");
        tokio::time::sleep(AT_LEAST).await;
        assert!(changes.any(), "once in a while the store is asked whatever its file says");
    }
}
