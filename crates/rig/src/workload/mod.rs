//! An application at work: clients that write and read all the time, and remember what they were promised.

mod client;
mod config;
mod journal;
mod meter;
mod report;
mod shop;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::Rng;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, watch};
use tokio::task::JoinSet;

use crate::error::{Result, RigError};
use client::{Client, Part, Record, Shared};
use journal::Journal;
use shop::Bounds;

pub use config::WorkloadConfig;
pub use meter::{Histogram, Latency};
pub use report::LedgerReport;

/// How long a client may take to finish its act when the workload stops.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// A moment to measure from.
#[derive(Debug, Clone, Copy)]
pub struct Mark(Instant);

/// A running workload. Dropping it stops the clients where they are.
#[derive(Debug)]
pub struct Workload {
    writers: Vec<Arc<Mutex<Record>>>,
    readers: Vec<Arc<Mutex<Record>>>,
    clients: JoinSet<()>,
    begun: Instant,
    stop: watch::Sender<bool>,
    going: Arc<RwLock<()>>,
    /// While this is held, no client acts.
    paused: Mutex<Option<OwnedRwLockWriteGuard<()>>>,
}

impl Workload {
    /// Starts the clients; fails when the application's way in doesn't answer.
    pub async fn start(config: WorkloadConfig) -> Result<Self> {
        let bounds = read_bounds(&config).await?;
        let (stop, stopping) = watch::channel(false);
        let going = Arc::new(RwLock::new(()));
        let journal = config.ledger_file.as_deref().map(Journal::open).transpose()?;
        let shared = Arc::new(Shared { bounds, think: config.think, journal, going: going.clone(), stopping });
        // Unique over all workloads of a rig, so that each can be checked on its own.
        let base = i64::from(rand::rng().random::<u32>()) << 16;
        let part = |n: usize| if n < config.writers { Part::Writer(base + n as i64) } else { Part::Reader };
        let mut waiting = Vec::new();
        for n in 0..config.writers + config.readers {
            let urls = if n < config.writers { &config.rw_urls } else { &config.ro_urls };
            let url = urls.get(n % urls.len().max(1)).cloned().unwrap_or_default();
            waiting.push(Client {
                url,
                part: part(n),
                record: Arc::default(),
                shared: shared.clone(),
                connection: None,
            });
        }
        // Everybody is connected before anybody is measured: logging in is no pause of writes.
        let ready = connect_all(waiting).await?;
        let mut records: Vec<_> = ready.iter().map(|client| client.record.clone()).collect();
        let readers = records.split_off(config.writers);
        let begun = Instant::now();
        let clients = ready.into_iter().map(Client::run).collect();
        Ok(Self { writers: records, readers, clients, begun, stop, going, paused: Mutex::new(None) })
    }

    /// Lets every client finish its act and holds it there.
    pub async fn pause(&self) {
        let guard = self.going.clone().write_owned().await;
        *self.paused.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
    }

    /// Lets the clients go on.
    pub fn resume(&self) {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Now, to measure from.
    pub fn mark(&self) -> Mark {
        Mark(Instant::now())
    }

    /// The longest time any writer waited for an acknowledgement since `mark`: writes that ended after it or are
    /// still on their way, each from its first attempt on.
    pub fn longest_pause_since(&self, mark: Mark) -> Duration {
        self.writers.iter().map(|w| lock(w).meter.longest_since(mark.0)).max().unwrap_or_default()
    }

    /// The same for each writer.
    pub fn pauses_since(&self, mark: Mark) -> Vec<Duration> {
        self.writers.iter().map(|w| lock(w).meter.longest_since(mark.0)).collect()
    }

    /// How many writes were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.writers.iter().map(|w| lock(w).acknowledged.len()).sum()
    }

    /// How many errors writers and readers met so far.
    pub fn errors(&self) -> u64 {
        self.writers.iter().chain(&self.readers).map(|c| lock(c).errors).sum()
    }

    /// The latencies of all writes so far; subtract an earlier answer to see a window.
    pub fn write_latencies(&self) -> Histogram {
        histogram_of(&self.writers)
    }

    /// The latencies of all reads so far.
    pub fn read_latencies(&self) -> Histogram {
        histogram_of(&self.readers)
    }

    /// What happened so far.
    pub fn report(&self) -> LedgerReport {
        report::collect(&self.writers, &self.readers, self.begun)
    }

    /// Lets every client finish its act, and says what happened.
    pub async fn stop(mut self) -> LedgerReport {
        self.stop.send_replace(true);
        self.resume();
        let all_done = async { while self.clients.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_DEADLINE, all_done).await.is_err() {
            // A frozen server keeps its client for ever; what it was about to commit is reported as uncertain.
            self.clients.shutdown().await;
        }
        self.report()
    }
}

async fn connect_all(waiting: Vec<Client>) -> Result<Vec<Client>> {
    let connect = |mut client: Client| async {
        let connection =
            client::connect(&client.url).await.map_err(RigError::sql("connecting the workload's clients"))?;
        client.connection = Some(connection);
        Ok(client)
    };
    futures_util::future::try_join_all(waiting.into_iter().map(connect)).await
}

async fn read_bounds(config: &WorkloadConfig) -> Result<Bounds> {
    let doing = || RigError::sql("asking the shop what it holds, before the workload starts");
    let url = config.rw_urls.first().ok_or_else(|| RigError::Missing {
        what: "an address for the workload's writers".into(),
        remedy: "give at least one in rw_urls".into(),
    })?;
    let mut connection = client::connect(url).await.map_err(doing())?;
    Bounds::read(&mut connection).await.map_err(doing())
}

fn histogram_of(clients: &[Arc<Mutex<Record>>]) -> Histogram {
    clients.iter().fold(Histogram::default(), |mut sum, client| {
        sum.add(&lock(client).meter.histogram);
        sum
    })
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
