//! What the next verdict costs after a full pass, when one row in a thousand has changed on both sides since: of the pass, and beside
//! the bare work by plain statements: both servers decode the changes from their logs and look the rows up, in one statement each,
//! both at once.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_engine::{
    clock::{SharedClock, SystemClock},
    db::{
        Database,
        connect::{Login, connect},
    },
    reconcile::{Checkpoint, Findings, Follow, Looking, Pace, Pairing, Pass, Readers, Stream, pair},
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::{Endpoint, TlsMode},
    ident::TableName,
    reconcile::Finding,
};
use switchyard_rig::{DATABASE, Major, Server};

use crate::{
    Failure,
    bench_verify::{execute, median, server},
};

/// Rounds; the median counts.
const ROUNDS: i64 = 5;

/// Between two rounds that stand alone: a server notes its transactions every 15 s, and a log is read from the last note on, so
/// that the rounds before are not read again. The feed reads every five seconds meanwhile, as in the program.
const ALONE: u32 = 4;
/// Between two rounds where changes go on and on.
const GOING_ON: u32 = 1;
/// How often the program reads the logs.
const EVERY: Duration = Duration::from_secs(5);

const PUBLICATION: &str = "switchyard_bench";

#[derive(Debug, Serialize)]
struct Row {
    pair: String,
    rows: i64,
    changed: i64,
    full_s: f64,
    /// One verdict after a pass.
    next_s: f64,
    ratio: f64,
    /// The bare work by plain statements.
    plain_s: f64,
    /// One of many, five seconds apart.
    going_on_s: f64,
    findings: usize,
}

/// Both sides are changed alike, by hand: nothing is on its way.
struct Still;

#[async_trait]
impl Stream for Still {
    async fn pass(&self) -> switchyard_engine::Result<()> {
        Ok(())
    }
}

/// None are expected.
#[derive(Default)]
struct Counted(std::sync::atomic::AtomicUsize);

#[async_trait]
impl Findings for Counted {
    async fn begin(&self, _: &TableName, _: Option<&str>) -> switchyard_engine::Result<Option<Checkpoint>> {
        Ok(None)
    }
    async fn reached(&self, _: Checkpoint) -> switchyard_engine::Result<()> {
        Ok(())
    }
    async fn found(&self, _: &TableName, findings: Vec<Finding>) -> switchyard_engine::Result<()> {
        self.0.fetch_add(findings.len(), std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

/// Both pairs; a table on stderr and JSON on stdout.
pub async fn run(rows: i64) -> Result<ExitCode, Failure> {
    let mut table = Vec::new();
    for target in [Major::V15, Major::best()] {
        let (source, target) = tokio::try_join!(server(Major::V15, rows), server(target, rows))?;
        table.push(measure(&source, &target, rows).await?);
        source.stop().await?;
        target.stop().await?;
    }
    eprintln!(
        "\n| pair | rows | changed | full pass | next verdict | share | plain statements | one of many | findings |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    for r in &table {
        eprintln!(
            "| {} | {} | {} | {:.2} s | {:.0} ms | {:.1} % | {:.0} ms | {:.0} ms | {} |",
            r.pair,
            r.rows,
            r.changed,
            r.full_s,
            r.next_s * 1000.0,
            r.ratio * 100.0,
            r.plain_s * 1000.0,
            r.going_on_s * 1000.0,
            r.findings
        );
    }
    println!("{}", serde_json::to_string(&table)?);
    let right = table.iter().all(|r| r.findings == 0 && r.changed == rows / 1000);
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn database(side: Side, server: &Server) -> Result<Database, Failure> {
    let secret = Secret::new(server.logins.superuser.password.clone());
    let endpoint = Endpoint {
        name: side.to_string(),
        host: server.host.clone(),
        port: server.port,
        database: DATABASE.into(),
        user: server.logins.superuser.user.clone(),
        tls: TlsMode::Prefer,
        ca_file: None,
        peer_address: None,
    };
    Ok(connect(side, Login { endpoint: &endpoint, password: Some(&secret) }, 4).await?)
}

async fn measure(source: &Server, target: &Server, rows: i64) -> Result<Row, Failure> {
    let (a, b) = tokio::try_join!(database(Side::Source, source), database(Side::Target, target))?;
    let clock: SharedClock = Arc::new(SystemClock);
    let table = [TableName::new("public", "bench")];
    tokio::try_join!(a.feeds.publish(PUBLICATION, &table), b.feeds.publish(PUBLICATION, &table))?;
    let (here, there) = tokio::try_join!(a.catalog.inventory(0), b.catalog.inventory(0))?;
    let matched = || -> Pairing { pair(&here, &there, |t| table.contains(t), |base| a.rows.rendering(base, false)) };
    let mut readers = Readers::open(&a, &b).await?;
    let mut tables = matched().tables;
    readers.agree(&mut tables).await?;
    let mut follow = Follow::begin(&a, &b, PUBLICATION, tables, [&here, &there], &clock).await?;
    let (pace, counted) = (Pace::default(), Counted::default());
    let mut full = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let pass = Pass {
            source: &a,
            target: &b,
            authority: Side::Source,
            stream: &Still,
            lanes: 1,
            pace: &pace,
            clock: clock.clone(),
        };
        pass.run(matched()).await?;
        full.push(began.elapsed().as_secs_f64());
    }
    let mut bare = tokio::try_join!(Bare::open(source), Bare::open(target))?;
    let (mut next, mut going_on, mut plain, mut changed) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for round in 0..2 * ROUNDS {
        let alone = round < ROUNDS;
        for _ in 0..if alone { ALONE } else { GOING_ON } {
            tokio::time::sleep(EVERY).await;
            follow.read(&clock).await?;
            tokio::try_join!(bare.0.decode(), bare.1.decode())?;
        }
        let rest = 7 + round * 71;
        let change = format!("UPDATE public.bench SET amount = amount + 1 WHERE id % 1000 = {rest}");
        tokio::try_join!(execute(source, &change), execute(target, &change))?;
        let began = Instant::now();
        follow.read(&clock).await?;
        let read = began.elapsed();
        let mut looking = Looking {
            readers: &mut readers,
            authority: Side::Source,
            stream: &Still,
            pace: &pace,
            clock: &clock,
            findings: &counted,
        };
        looking.settle().await?;
        let settled = began.elapsed();
        changed = follow.verify(&table[0], &mut looking).await?.rows;
        let ended = began.elapsed();
        eprintln!("  logs read {read:?}, settled {:?}, rows verified {:?}", settled - read, ended - settled);
        let keys: Vec<i64> = (0..rows / 1000).map(|k| k * 1000 + rest).collect();
        let began = Instant::now();
        tokio::try_join!(bare.0.decode(), bare.1.decode())?;
        let decoded = began.elapsed();
        tokio::try_join!(bare.0.look_up(&keys), bare.1.look_up(&keys))?;
        eprintln!("  plain: decoded {decoded:?}, looked up {:?}", began.elapsed() - decoded);
        if alone {
            next.push(ended.as_secs_f64());
            plain.push(began.elapsed().as_secs_f64());
        } else {
            going_on.push(ended.as_secs_f64());
        }
    }
    follow.close().await;
    readers.close().await;
    let (full_s, next_s) = (median(&full), median(&next));
    Ok(Row {
        pair: format!("{} → {}", source.version, target.version),
        rows,
        changed,
        full_s,
        next_s,
        ratio: next_s / full_s,
        plain_s: median(&plain),
        going_on_s: median(&going_on),
        findings: counted.0.into_inner(),
    })
}

/// A session with a slot of its own, which does the bare work on one side.
struct Bare(PgConnection);

impl Bare {
    async fn open(server: &Server) -> Result<Bare, Failure> {
        let mut connection = PgConnection::connect(&server.admin_url(DATABASE)).await?;
        let sql = "SELECT pg_create_logical_replication_slot('switchyard_plain', 'pgoutput', true)";
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        Ok(Bare(connection))
    }

    /// Decodes what is new and throws it away.
    async fn decode(&mut self) -> Result<(), Failure> {
        let sql = format!(
            "SELECT count(*) FROM pg_logical_slot_get_binary_changes('switchyard_plain', NULL, NULL, \
             'proto_version', '1', 'publication_names', '{PUBLICATION}')"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.0).await?;
        Ok(())
    }

    /// Reads these rows whole and hashes them.
    async fn look_up(&mut self, ids: &[i64]) -> Result<(), Failure> {
        let sql = "SELECT count(*), bit_xor(hash_record_extended(t.*, 0)) FROM public.bench t WHERE id = ANY ($1)";
        sqlx::query(sql).bind(ids).fetch_one(&mut self.0).await?;
        Ok(())
    }
}
