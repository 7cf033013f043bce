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
        statements::ServerLog,
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
/// What is read of a log at once, bytes.
const PIECE: u64 = 1 << 20;
/// A log that is further ahead is not caught up with, bytes.
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
    Log(Prefix, HashMap<String, u64>),
    Files(Vec<String>, Prefix),
    Capture(Reader),
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
                From::Capture(reader)
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
                let sizes = files.into_iter().map(|log| (log.file, log.size)).collect();
                Ok(From::Log(self.prefix(None).await?, sizes))
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
            From::Log(prefix, sizes) => follow(&traffic, &prefix, sizes, &to).await,
            From::Sessions => look(&traffic, &to).await,
            From::Capture(reader) => {
                let reading = traffic.clone();
                let read = tokio::task::spawn_blocking(move || from_capture(&reading, reader, &to));
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

/// A file of the log that grows.
struct Growing {
    from: u64,
    reader: LogReader,
}

async fn follow(
    traffic: &Traffic,
    prefix: &Prefix,
    mut sizes: HashMap<String, u64>,
    to: &Sender<Chosen>,
) -> Result<(), String> {
    let statements = &traffic.db.statements;
    let mut growing: HashMap<String, Growing> = HashMap::new();
    while goes_on(traffic, LOG_EACH).await {
        let files = statements.logs(None).await.map_err(|e| e.sentence())?;
        for log in files {
            let mut begin = sizes.get(&log.file).copied().unwrap_or(0);
            if log.size < begin {
                // It was begun anew under its name.
                begin = 0;
                sizes.insert(log.file.clone(), 0);
            }
            if log.size <= begin && !growing.contains_key(&log.file) {
                continue;
            }
            let file = growing
                .entry(log.file.clone())
                .or_insert_with(|| Growing { from: begin, reader: LogReader::new(form(&log.file, prefix)) });
            if log.size < file.from {
                // It was overwritten.
                *file = Growing { from: 0, reader: LogReader::new(form(&log.file, prefix)) };
            }
            if log.size - file.from > BEHIND {
                traffic.say("The log grows faster than it is read: parts of it were left out.".to_owned());
                *file = Growing { from: log.size - PIECE, reader: LogReader::new(form(&log.file, prefix)) };
            }
            grown(traffic, &log, file, to).await?;
        }
    }
    Ok(())
}

async fn grown(traffic: &Traffic, log: &ServerLog, file: &mut Growing, to: &Sender<Chosen>) -> Result<(), String> {
    while file.from < log.size && !traffic.stop.is_cancelled() {
        let most = PIECE.min(log.size - file.from);
        let piece = traffic.db.statements.log_piece(log, file.from, most).await.map_err(|e| e.sentence())?;
        if piece.is_empty() {
            break;
        }
        file.from += piece.len() as u64;
        let mut take = |entry: &Entry<'_>| {
            if let Some(sample) = traffic.sample(entry) {
                traffic.offer(sample, to);
            }
        };
        // Memory does not fail.
        let _ = file.reader.read(&mut piece.as_slice(), &mut take);
    }
    Ok(())
}

/// By its name: a server gives each form one of its own.
fn form(file: &str, prefix: &Prefix) -> Format {
    match file.rsplit_once('.') {
        Some((_, "csv")) => Format::Csv,
        Some((_, "json")) => Format::Json,
        Some(_) | None => Format::Stderr(prefix.clone()),
    }
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
