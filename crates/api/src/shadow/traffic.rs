//! Where statements come from: the source's log over SQL, files of it, a capture, or what its sessions run.

use std::{
    collections::HashMap,
    io::Read as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use switchyard_capture::file::Reader;
use switchyard_engine::{
    db::{
        Database,
        connect::{Running, UnderShadow},
        follow::Follower,
    },
    error::Kind,
};
use switchyard_model::endpoint::Endpoint;
use switchyard_queries::log::{Entry, Format, LogReader, Prefix};
use switchyard_shadow::{Chosen, Sample, Tally};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::captured::from_capture;
use crate::{capture, dto::*, queries::logs};

/// How often the log is looked at.
const LOG_EACH: Duration = Duration::from_millis(250);
/// How often sessions are.
const SESSIONS_EACH: Duration = Duration::from_millis(100);
/// What is read of a file at once, bytes.
const PIECE: u64 = 1 << 20;
/// Of a log that is further ahead only the newest is read, bytes.
const BEHIND: u64 = 64 << 20;

/// Takes statements and hands on those that are to be run.
#[derive(Clone)]
pub(super) struct Traffic {
    pub(super) db: Database,
    pub(super) at: Endpoint,
    pub(super) sessions: Arc<UnderShadow>,
    pub(super) share: u8,
    pub(super) tally: Arc<Tally>,
    pub(super) notes: Arc<Mutex<Vec<String>>>,
    pub(super) stop: CancellationToken,
}

/// One that is there.
pub(super) struct Source {
    traffic: Traffic,
    from: From,
}

enum From {
    Log(Box<Follower>),
    Files(Vec<String>, Prefix),
    Capture(Box<Reader>),
    Sessions,
}

impl Traffic {
    /// Looks whether it can be had.
    pub(super) async fn of(self, asked: ShadowTraffic) -> Result<Source, ApiError> {
        let from = match asked {
            ShadowTraffic::Server => self.server().await?,
            ShadowTraffic::Activity => self.activity(),
            ShadowTraffic::Capture { file } => {
                let read = capture::blocking(move || capture::open(Path::new(&file)).map(|reader| (file, reader)));
                let (file, reader) = read.await?;
                self.say(format!("Statements come from the capture {file}, taken of {}.", reader.head().source));
                From::Capture(Box::new(reader))
            }
            ShadowTraffic::Files { files, prefix } => {
                for file in &files {
                    logs::open(file)?;
                }
                self.say(format!("Statements come from {}.", files.join(", ")));
                From::Files(files, self.prefix(prefix).await?)
            }
        };
        Ok(Source { traffic: self, from })
    }

    /// The log from now on; sessions where there is none.
    async fn server(&self) -> Result<From, ApiError> {
        match self.db.statements.logs(None).await {
            Ok(files) => {
                self.say("Statements come from the source's log, as it grows.".to_owned());
                let lacking = self.sessions.not_logged().await;
                lacking.unwrap_or_default().into_iter().for_each(|s| self.say(s));
                Ok(From::Log(Box::new(Follower::new(self.prefix(None).await?, None).after(files))))
            }
            Err(e) if matches!(e.kind, Kind::Unsuitable | Kind::Privilege) => {
                self.say(format!("The source's log cannot be followed. {}", e.sentence()));
                Ok(self.activity())
            }
            Err(e) => Err(e.into()),
        }
    }

    fn activity(&self) -> From {
        self.say(
            "Statements come from pg_stat_activity: what ends between two looks is not seen, and of a statement with parameters the \
             values are not known, so that it is not run."
                .to_owned(),
        );
        From::Sessions
    }

    async fn prefix(&self, given: Option<String>) -> Result<Prefix, ApiError> {
        let prefix = match given {
            Some(prefix) => prefix,
            None => self.db.statements.log_prefix().await?,
        };
        Prefix::new(&prefix)
            .map_err(|why| ApiError::new("invalid", why, "Give --prefix as the server's configuration has it."))
    }

    pub(super) fn say(&self, sentence: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.contains(&sentence) {
            notes.push(sentence);
        }
    }

    /// The statement of an entry, where it is the application's.
    fn sample(&self, entry: &Entry<'_>) -> Option<Sample> {
        let text = entry.statement()?;
        let ours = entry.application.starts_with("switchyard")
            || entry.application.is_empty() && entry.user == self.at.user.as_str();
        if ours || entry.is_error() || !entry.is_of(Some(&self.at.database), None) {
            return None;
        }
        let (text, user) = (text.to_owned(), entry.user.clone().into_owned());
        Some(Sample { text, parameters: entry.parameters(), user, cut: false })
    }

    /// One that does not wait: what comes faster than it is compared is counted.
    fn offer(&self, sample: Sample, to: &Sender<Chosen>) {
        if let Some(chosen) = self.tally.choose(sample, self.share)
            && let Err(full) = to.try_send(chosen)
        {
            self.tally.beyond_rate(&full.into_inner());
        }
    }
}

impl Source {
    /// Hands on what there is, until it is over or stopped.
    pub(super) async fn read(self, to: Sender<Chosen>) {
        let traffic = self.traffic;
        let told = match self.from {
            From::Log(log) => follow(&traffic, *log, &to).await,
            From::Sessions => look(&traffic, &to).await,
            From::Capture(reader) => {
                let reading = traffic.clone();
                let read = tokio::task::spawn_blocking(move || from_capture(&reading, *reader, &to));
                read.await.map_err(|e| format!("Reading the capture broke off: {e}."))
            }
            From::Files(files, prefix) => {
                let reading = traffic.clone();
                let read = tokio::task::spawn_blocking(move || from_files(&reading, &files, &prefix, &to));
                read.await.unwrap_or_else(|e| Err(format!("Reading the log broke off: {e}.")))
            }
        };
        if let Err(why) = told {
            traffic.say(why);
        }
    }
}

/// Whether it goes on after a while.
async fn goes_on(traffic: &Traffic, after: Duration) -> bool {
    tokio::select! {
        () = traffic.stop.cancelled() => false,
        () = tokio::time::sleep(after) => true,
    }
}

async fn look(traffic: &Traffic, to: &Sender<Chosen>) -> Result<(), String> {
    let mut known: HashMap<i32, String> = HashMap::new();
    while goes_on(traffic, SESSIONS_EACH).await {
        let (running, unseen) = traffic.sessions.running().await.map_err(|f| f.sentence)?;
        if unseen > 0 {
            traffic.say("Statements of other roles cannot be seen: grant pg_read_all_stats to our role.".to_owned());
        }
        let now: HashMap<i32, String> = running.iter().map(|r| r.run.clone()).collect();
        for Running { run: (pid, began), text, user, cut } in running {
            if known.get(&pid) != Some(&began) {
                traffic.offer(Sample { text, parameters: Some(Vec::new()), user, cut }, to);
            }
        }
        known = now;
    }
    Ok(())
}

async fn follow(traffic: &Traffic, mut log: Follower, to: &Sender<Chosen>) -> Result<(), String> {
    let mut take = |entry: &Entry<'_>| {
        if let Some(sample) = traffic.sample(entry) {
            traffic.offer(sample, to);
        }
    };
    while goes_on(traffic, LOG_EACH).await {
        if log.look(&traffic.db, BEHIND).await.map_err(|e| e.sentence())? > 0 {
            traffic.say("The log grows faster than it is read: parts of it were left out.".to_owned());
        }
        while !traffic.stop.is_cancelled() && log.piece(&traffic.db, &mut take).await.map_err(|e| e.sentence())? {}
    }
    Ok(())
}

/// All files, one after the other. Waits where comparing is slower than reading.
fn from_files(traffic: &Traffic, files: &[String], prefix: &Prefix, to: &Sender<Chosen>) -> Result<(), String> {
    for name in files {
        let failed = |e: std::io::Error| format!("The log {name} cannot be read: {}.", crate::io_words(&e));
        let (mut head, mut source) = logs::open(name).and_then(|file| logs::head(file, name)).map_err(|e| e.message)?;
        let mut reader = LogReader::new(Format::detect(&head, prefix));
        let mut take = |entry: &Entry<'_>| {
            let chosen = traffic.sample(entry).and_then(|sample| traffic.tally.choose(sample, traffic.share));
            if let Some(chosen) = chosen {
                // Nobody compares any more where it does not arrive.
                let _ = to.blocking_send(chosen);
            }
        };
        while !head.is_empty() && !traffic.stop.is_cancelled() && !to.is_closed() {
            reader.read(&mut head.as_slice(), &mut take).map_err(failed)?;
            head.clear();
            source.by_ref().take(PIECE).read_to_end(&mut head).map_err(failed)?;
        }
        if !traffic.stop.is_cancelled() {
            reader.finish(&mut take);
        }
        reader.notes().sentences().into_iter().for_each(|s| traffic.say(format!("{name}: {s}")));
    }
    Ok(())
}
