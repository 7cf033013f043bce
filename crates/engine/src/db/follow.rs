//! A server's log as it grows, over SQL.

use switchyard_model::UnixMs;
use switchyard_queries::log::{Entry, Following, Prefix};

use super::{Database, statements::ServerLog};
use crate::Result;

/// What is read at once, bytes.
const PIECE: u64 = 4 << 20;

/// How far it was read. Each byte is read once, also where a question is dropped while it waits.
#[derive(Debug)]
pub struct Follower {
    log: Following,
    /// Files that were last written to before are not looked at.
    since: Option<UnixMs>,
}

impl Follower {
    /// From the begin of every file that was written to since then.
    pub fn new(prefix: Prefix, since: Option<UnixMs>) -> Follower {
        Follower { log: Following::new(prefix), since }
    }

    /// What these files hold already is not read.
    pub fn after(mut self, logs: Vec<ServerLog>) -> Follower {
        self.log.pass_over(logs.into_iter().map(|log| (log.file, log.size)));
        self
    }

    /// Looks how far it has grown. Where that is more than `most` bytes, only the newest are read; answers how many are left out.
    ///
    /// # Errors
    /// When the log cannot be read over SQL.
    pub async fn look(&mut self, db: &Database, most: u64) -> Result<u64> {
        let mut left_out = self.sees(db, most).await?;
        if self.log.goes_over() {
            // The file before has got its last bytes by now, and had maybe not when its size was read.
            left_out += self.sees(db, most).await?;
        }
        Ok(left_out)
    }

    /// Reads a piece of what the last look showed; false when there is no more of it.
    ///
    /// # Errors
    /// When it cannot be read over SQL.
    pub async fn piece(&mut self, db: &Database, tell: &mut (dyn FnMut(&Entry<'_>) + Send)) -> Result<bool> {
        let Some(span) = self.log.next(PIECE) else { return Ok(false) };
        let log = ServerLog { file: span.file.clone(), size: span.from + span.bytes };
        let bytes = db.statements.log_piece(&log, span.from, span.bytes).await?;
        self.log.read(&span, &bytes, tell);
        Ok(true)
    }

    /// Nothing more comes: what is left is an entry, or the torn begin of one.
    pub fn finish(&mut self, tell: &mut dyn FnMut(&Entry<'_>)) {
        self.log.finish(tell);
    }

    async fn sees(&mut self, db: &Database, most: u64) -> Result<u64> {
        let logs = db.statements.logs(self.since).await?;
        Ok(self.log.sees(logs.into_iter().map(|log| (log.file, log.size)).collect(), most))
    }
}
