//! One client: its connection and its loop. Writers and readers differ only in their act.

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, raw_sql};
use tokio::sync::{RwLock, watch};

use super::journal::Journal;
use super::meter::Meter;
use super::shop::{self, Bounds};
use crate::ledger::{Acknowledged, EntryId};

/// How many messages of errors a client keeps.
const FIRST_ERRORS: usize = 3;

/// What one client has seen so far; shared with those who ask.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) meter: Meter,
    pub(crate) acknowledged: Acknowledged,
    /// Writes whose COMMIT was sent and not answered.
    pub(crate) uncertain: Vec<EntryId>,
    /// The write whose COMMIT is on its way now.
    pub(crate) committing: Option<EntryId>,
    pub(crate) errors: u64,
    pub(crate) first_errors: Vec<String>,
}

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) bounds: Bounds,
    pub(crate) think: Duration,
    pub(crate) journal: Option<Journal>,
    /// Held for reading during an act, for writing while the workload is paused.
    pub(crate) going: Arc<RwLock<()>>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// A client's part in the load.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// Writes, under this client id.
    Writer(i64),
    /// Reads.
    Reader,
}

/// A client and its connection.
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) part: Part,
    pub(crate) record: Arc<Mutex<Record>>,
    pub(crate) shared: Arc<Shared>,
    /// None after an error, until the next attempt.
    pub(crate) connection: Option<PgConnection>,
}

/// A connection that never prepares a statement.
pub(crate) async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.ssl_mode(PgSslMode::Disable).statement_cache_capacity(0);
    options.disable_statement_logging().connect().await
}

impl Client {
    /// Acts until the workload stops.
    pub(crate) async fn run(mut self) {
        let mut rng = StdRng::from_os_rng();
        let mut number = 0;
        let mut failures = 0u32;
        let mut stopping = self.shared.stopping.clone();
        let gate = self.shared.going.clone();
        while !*stopping.borrow() {
            let going = gate.read().await;
            if *stopping.borrow() {
                break;
            }
            self.record().meter.begin();
            number += 1;
            let done = self.act(number, &mut rng).await;
            drop(going);
            let pause = match done {
                Ok(()) => {
                    failures = 0;
                    self.shared.think.mul_f64(rng.random_range(0.5..1.5))
                }
                Err(error) => {
                    self.record().note(&error);
                    failures = (failures + 1).min(5);
                    Duration::from_millis(10 << failures)
                }
            };
            if pause.is_zero() {
                tokio::task::yield_now().await;
            } else {
                let _ = tokio::time::timeout(pause, stopping.wait_for(|stop| *stop)).await;
            }
        }
    }

    async fn act(&mut self, number: i64, rng: &mut StdRng) -> Result<(), sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(open) => open,
            None => connect(&self.url).await?,
        };
        match self.part {
            Part::Writer(client) => self.write(&mut connection, EntryId { client, number }, rng).await?,
            Part::Reader => {
                raw_sql(AssertSqlSafe(shop::read(self.shared.bounds, rng))).fetch_all(&mut connection).await?;
                self.record().meter.end();
            }
        }
        // Only a connection that did its work is kept; after an error a fresh one is what an application would try.
        self.connection = Some(connection);
        Ok(())
    }

    async fn write(&self, connection: &mut PgConnection, entry: EntryId, rng: &mut StdRng) -> Result<(), sqlx::Error> {
        let sql = shop::write(self.shared.bounds, entry, rng);
        raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
        self.record().committing = Some(entry);
        let answer = raw_sql("COMMIT").execute(connection).await;
        let mut record = self.record();
        record.committing = None;
        match answer {
            Ok(_) => {
                record.meter.end();
                record.acknowledged.record(entry);
                drop(record);
                self.shared.journal.as_ref().map_or(Ok(()), |journal| journal.append(entry))
            }
            Err(error) => {
                if is_uncertain(&error) {
                    record.uncertain.push(entry);
                }
                Err(error)
            }
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn note(&mut self, error: &sqlx::Error) {
        self.errors += 1;
        if self.first_errors.len() < FIRST_ERRORS {
            self.first_errors.push(error.to_string());
        }
    }
}

/// Whether a failed COMMIT may have happened all the same: the connection broke, or the answer came from a server or
/// pooler that was going away, rather than from the transaction.
fn is_uncertain(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(answer) => {
            answer.code().is_none_or(|code| ["08", "57", "58", "XX"].iter().any(|class| code.starts_with(class)))
        }
        _ => true,
    }
}
