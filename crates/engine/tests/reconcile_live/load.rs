//! Several writers on the source that never rest, each with a habit of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_model::Side;
use tokio::task::JoinHandle;

use super::native_pair::{Pair, long, wait};

/// Between two transactions of one writer: a steady load, and not as much as the machine can do.
const PACE: Duration = Duration::from_millis(6);

/// Between two marks: changes are this much later than they are told to be at most.
const MARK: Duration = Duration::from_millis(40);

/// What all writers share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    committed: AtomicU64,
    delay_ms: AtomicU64,
}

pub struct Load {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<()>>,
}

/// The nth transaction of a writer.
type Habit = fn(u64) -> String;

/// One transaction over several rows and tables, a row that is hot, and a table without a key.
fn orders(n: u64) -> String {
    let (name, id) = (long(), n * 7 % 1400 + 1);
    format!(
        "UPDATE {name} SET v = 'w{n}' WHERE id BETWEEN {id} AND {}; UPDATE counter SET n = n + 1 WHERE id = 1; \
         INSERT INTO keyless VALUES ({})",
        id + 2,
        100 + n % 20
    )
}

/// Rows that go and come again, and rows whose keys change, also into another partition and back.
fn churn(n: u64) -> String {
    let id = n / 4 * 11 % 500 + 1;
    let moved = n / 4 * 13 % 100 + 501;
    let counter = n / 4 % 25 + 2;
    match n % 4 {
        0 => format!("DELETE FROM part WHERE id = {id}"),
        1 => format!("INSERT INTO part VALUES ({id}, {})", n / 4 % 2),
        2 => format!("UPDATE part SET k = 1 - k WHERE id = {moved}"),
        _ => format!(
            "UPDATE counter SET n = n + 1, id = CASE WHEN id > 1000 THEN id - 1000 ELSE id + 1000 END \
             WHERE id IN ({counter}, {})",
            counter + 1000
        ),
    }
}

/// Values of many types, empty and NULL by turns, a hot row with a long value that does not change, rows that come and go.
fn types(n: u64) -> String {
    let id = n * 7 % 390 + 11;
    format!(
        "UPDATE kinds SET hits = hits + 1, b = NOT b, s = CASE WHEN s IS NULL THEN '' WHEN s = '' THEN 'x' END, n = n + 0.01, \
             f = f + 0.1, jb = jsonb_set(jb, '{{a}}', to_jsonb({n})), ts = ts + interval '1 us', by = set_byte(by, 1, {}), \
             e = CASE e WHEN 'ok' THEN 'glad'::mood ELSE 'ok' END, arr = ARRAY[{n}, NULL] WHERE id = {id}; \
         UPDATE kinds SET hits = hits + 1 WHERE id = 10; INSERT INTO kinds (id, s) VALUES ({}, ''); \
         DELETE FROM kinds WHERE id = {}",
        n % 256,
        10_000 + n,
        10_000 + n.saturating_sub(50)
    )
}

/// Commits that do not wait for the disk.
fn entries(n: u64) -> String {
    let account = |n: u64| format!("md5('{}')::uuid", n % 31);
    format!(
        "SET synchronous_commit = off; INSERT INTO entry VALUES ({}, {}, '', 1, now()); \
         DELETE FROM entry WHERE account = {} AND no = {}; \
         UPDATE entry SET amount = amount + 0.0001, note = CASE WHEN note IS NULL THEN '' END WHERE no = {} AND account = md5('{}')::uuid",
        account(n),
        100_000 + n,
        account(n.saturating_sub(40)),
        100_000 + n.saturating_sub(40),
        n % 800 + 1,
        (n % 800 + 1) % 997
    )
}

/// Rows that are back at what they were in a moment: the same values before and after, and others in between.
fn flips(n: u64) -> String {
    format!("UPDATE {} SET v = CASE v WHEN 'on' THEN 'off' ELSE 'on' END WHERE id = {}", long(), 1450 + n / 16 % 5)
}

const HABITS: [Habit; 5] = [orders, churn, types, entries, flips];

async fn write(url: String, habit: Habit, shared: Arc<Shared>) {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut n = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        n += 1;
        sqlx::raw_sql(AssertSqlSafe(habit(n))).execute(&mut connection).await.unwrap();
        shared.committed.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PACE).await;
    }
}

/// Touches the row that puts off its arrival.
async fn mark(url: String, shared: Arc<Shared>) {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    while !shared.stop.load(Ordering::Relaxed) {
        let delay = shared.delay_ms.load(Ordering::Relaxed);
        let sql = format!("UPDATE switchyard.marker SET at = clock_timestamp(), delay = '{delay} ms'");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        tokio::time::sleep(MARK).await;
    }
}

impl Load {
    pub fn start(pair: &Pair) -> Load {
        let shared = Arc::<Shared>::default();
        let url = pair.source.switchyard_url();
        let mut writers: Vec<_> =
            HABITS.into_iter().map(|habit| tokio::spawn(write(url.clone(), habit, shared.clone()))).collect();
        writers.push(tokio::spawn(mark(url, shared.clone())));
        Load { shared, writers }
    }

    /// Transactions so far.
    pub fn committed(&self) -> u64 {
        self.shared.committed.load(Ordering::Relaxed)
    }

    /// From now on changes arrive so late; returns once they do.
    pub async fn delay(&self, pair: &Pair, delay: Duration) {
        self.shared.delay_ms.store(delay.as_millis() as u64, Ordering::Relaxed);
        let arrived = format!("SELECT count(*) FROM switchyard.marker WHERE delay = '{} ms'", delay.as_millis());
        wait("the delay to be in force", async || pair.number(Side::Target, &arrived).await == 1).await;
        let age = "SELECT (extract(epoch FROM clock_timestamp() - at) * 1000)::bigint FROM switchyard.marker";
        let age = pair.number(Side::Target, age).await;
        assert!(age >= delay.as_millis() as i64, "nothing may be on the target earlier: {age} ms");
    }

    pub async fn stop(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for writer in self.writers {
            writer.await.unwrap();
        }
    }
}
