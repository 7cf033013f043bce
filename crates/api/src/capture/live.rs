//! A capture of a live server, from its log as it grows.
//!
//! What is taken is written as it comes into a file beside the capture's, `….part`, which is a capture itself: one that is
//! not in order, and of which a crash tears the end. It goes when the capture is whole.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use switchyard_capture::{
    Captured, Head,
    file::Writer,
    take::{Taker, Wanted},
};
use switchyard_engine::{
    clock::{Clock, SystemClock},
    db::{
        Database,
        connect::{Login, UnderShadow},
        follow::Follower,
    },
};
use switchyard_model::Side;
use switchyard_queries::log::{Entry, Prefix};
use tokio_util::sync::CancellationToken;

use super::{CaptureMade, answers::Answers, blocking, kept::unwritten, part::Part};
use crate::{Switchyard, dto::ApiError, verify::End};

/// How often the log is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// More looks for places of answers at the end.
const LAST_LOOKS: usize = 4;
/// Sessions that look.
const LANES: usize = 2;

/// Asks for a capture of a live server.
#[derive(Debug)]
pub struct CaptureRequest {
    /// Its database.
    pub at: End,
    /// Where the capture goes; it must not be there yet.
    pub to: PathBuf,
    /// For how long; None until it is stopped.
    pub time: Option<Duration>,
    /// Statements of this role alone.
    pub user: Option<String>,
    /// Reads that are asked again on the source each second, at most, so that their answers are in the capture; None for none.
    pub answers: Option<u32>,
}

impl Switchyard {
    /// Captures until the time is over or it is stopped; `tell` hears how many statements there are.
    ///
    /// # Errors
    /// When the server does not log its statements, its log cannot be read over SQL, or the capture cannot be written.
    pub async fn capture(
        &self,
        request: CaptureRequest,
        stop: CancellationToken,
        mut tell: impl FnMut(u64),
    ) -> Result<CaptureMade, ApiError> {
        let (endpoint, secret) = self.resolve("The database", &request.at).await?;
        let db = self.end(Side::Source, &request.at, LANES).await?;
        let lacking = db.statements.not_logged(request.user.as_deref()).await?;
        if !lacking.is_empty() {
            let remedy = "Set it for the application's role, ALTER ROLE … IN DATABASE … SET …, and let it log in anew.";
            return Err(ApiError::new("failed", lacking.join(" "), remedy));
        }
        let wanted = Wanted { database: Some(endpoint.database.clone()), user: request.user.clone(), since_us: None };
        let answers = match request.answers {
            Some(rate) => {
                let login = Login { endpoint: &endpoint, password: secret.as_ref() };
                Some(Answers::begin(UnderShadow::at(login)?, rate, &wanted).await?)
            }
            None => None,
        };
        let mut taken = Taken::begin(&db, &request.to, wanted, answers).await?;
        let ends = async {
            match request.time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(ends);
        loop {
            let is_over = tokio::select! {
                () = stop.cancelled() => true,
                () = &mut ends => true,
                () = tokio::time::sleep(EVERY) => taken.part.is_to_end(),
            };
            if let Some(answers) = taken.answers.as_mut().filter(|_| is_over) {
                answers.stop().await;
            }
            let before = taken.taker.seen().statements;
            taken.go_on(&db).await?;
            if taken.taker.seen().statements != before {
                tell(taken.taker.seen().statements);
            }
            if is_over {
                break;
            }
        }
        // What the server writes last may take a moment to reach its file.
        for _ in 0..LAST_LOOKS {
            if taken.answers.as_ref().is_none_or(Answers::has_all) {
                break;
            }
            tokio::time::sleep(EVERY).await;
            taken.go_on(&db).await?;
        }
        taken.end().await
    }
}

/// What was taken so far.
struct Taken {
    taker: Taker,
    answers: Option<Answers>,
    log: Follower,
    part: Part,
    source: String,
    writer: Writer<File>,
}

impl Taken {
    async fn begin(db: &Database, to: &Path, wanted: Wanted, mut answers: Option<Answers>) -> Result<Taken, ApiError> {
        if to.symlink_metadata().is_ok() {
            let why = format!("{} is there already and stays as it is.", to.display());
            return Err(ApiError::new("invalid", why, "Give another name with --to."));
        }
        let prefix = Prefix::new(&db.statements.log_prefix().await?)
            .map_err(|why| ApiError::new("failed", why, "Let the server log as csv or json."))?;
        let since = SystemClock.now();
        // What stands there already was before.
        let log = Follower::new(prefix, Some(since)).after(db.statements.logs(None).await?);
        if let Some(answers) = &mut answers {
            answers.begins_here().await?;
        }
        let part = Part::of(to);
        let failed = |e: io::Error| unwritten(&part.file, &e);
        let file = part.begin()?;
        let mut head = Head::of(&db.label).with(answers.as_ref().map(Answers::head));
        head.notes.push("It was not taken to its end, and is not in order.".to_owned());
        let mut writer = Writer::begin(file, &head).map_err(failed)?;
        writer.flush().map_err(failed)?;
        let (taker, source) = (Taker::new(wanted), db.label.clone());
        Ok(Taken { taker, answers, log, part, source, writer })
    }

    /// What the log has had since.
    async fn go_on(&mut self, db: &Database) -> Result<(), ApiError> {
        self.log.look(db, u64::MAX).await?;
        let mut whole = Vec::new();
        while self.log.piece(db, &mut |entry| take(&mut self.taker, &mut self.answers, entry, &mut whole)).await? {
            self.put(std::mem::take(&mut whole))?;
        }
        if let Some(answers) = &mut self.answers {
            let known = answers.come(self.taker.seen());
            self.put(known)?;
        }
        self.writer.flush().map_err(|e| unwritten(&self.part.file, &e))
    }

    fn put(&mut self, all: Vec<Captured>) -> Result<(), ApiError> {
        all.iter().try_for_each(|one| self.writer.put(one)).map_err(|e| unwritten(&self.part.file, &e))
    }

    /// In order, and under its name.
    async fn end(mut self) -> Result<CaptureMade, ApiError> {
        let mut whole = Vec::new();
        self.log.finish(&mut |entry| take(&mut self.taker, &mut self.answers, entry, &mut whole));
        self.taker.finish(&mut |one| whole.push(one));
        self.put(whole)?;
        if let Some(answers) = &mut self.answers {
            let known = answers.come(self.taker.seen());
            self.put(known)?;
        }
        let Taken { taker, answers, part, source, writer, .. } = self;
        blocking(move || {
            // It is ours until the capture stands under its name.
            let _ours = writer.end().map_err(|e| unwritten(&part.file, &e))?;
            let mut notes = taker.seen().notes();
            notes.extend(answers.iter().flat_map(Answers::notes));
            part.made_whole(Some(&source), notes)
        })
        .await
    }
}

/// An entry is of a statement, or the place of an answer.
fn take(taker: &mut Taker, answers: &mut Option<Answers>, entry: &Entry<'_>, whole: &mut Vec<Captured>) {
    let before = whole.len();
    taker.take(entry, &mut |one| whole.push(one));
    if let Some(answers) = answers {
        whole.iter().skip(before).for_each(|one| answers.statement(one));
        answers.entry(entry, taker);
    }
}
