//! The two servers with their tables, and passes and rounds over them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use switchyard_engine::{
    Result,
    clock::{SharedClock, SystemClock},
    db::{
        Database,
        connect::{Login, connect},
    },
    reconcile::{Checkpoint, Findings, Follow, Looking, Pace, Pairing, Pass, Readers, Reports, Settle, Stream, pair},
    replicate::{Replicator, native::WATCH_PUBLICATION},
    secret::Secret,
};
use switchyard_model::{
    Side,
    ident::TableName,
    inventory::Inventory,
    reconcile::{Finding, FindingKind, TableReport},
};
use switchyard_rig::{Major, Server};

use super::native_pair::{Pair, endpoint, long, scope, wait};

/// More types, a long value out of line, a key that no heap follows, and the row whose arrival is put off.
const MORE: &str = "
    CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'glad');
    CREATE TABLE public.kinds (id int PRIMARY KEY, hits bigint NOT NULL DEFAULT 0, b bool, s text, c char(6), n numeric(12, 2),
        f float8, j json, jb jsonb, ts timestamptz, d date, iv interval, u uuid, by bytea, e public.mood, arr int[],
        r int4range, ip inet, long text);
    ALTER TABLE public.kinds ALTER long SET STORAGE EXTERNAL;
    CREATE TABLE public.entry (account uuid, no int, note text, amount numeric(14, 4) NOT NULL, at timestamptz NOT NULL,
        PRIMARY KEY (account, no));
    CREATE TABLE switchyard.marker (id int PRIMARY KEY, at timestamptz NOT NULL, delay interval NOT NULL);";

/// On the target: the stream stands still until the row is as old as it says. So everything arrives that much later, and
/// nothing piles up.
const LATE: &str = "
    CREATE FUNCTION switchyard.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(greatest(0, extract(epoch FROM NEW.at + NEW.delay - clock_timestamp())));
        RETURN NEW;
    END $$;
    CREATE TRIGGER late BEFORE INSERT OR UPDATE ON switchyard.marker FOR EACH ROW EXECUTE FUNCTION switchyard.late();
    ALTER TABLE switchyard.marker ENABLE REPLICA TRIGGER late;";

/// A table that is compared whole, two that are walked in slices: by ranges of the key, and by pages.
fn fill() -> String {
    let name = long();
    format!(
        "INSERT INTO {name} SELECT g, 'v' || g FROM generate_series(1, 55000) g;
         INSERT INTO part SELECT g, g % 2 FROM generate_series(1, 1000) g;
         INSERT INTO counter SELECT g, 0 FROM generate_series(1, 50) g;
         INSERT INTO keyless SELECT g % 40 FROM generate_series(1, 80) g;
         INSERT INTO kinds SELECT g, 0, true, CASE g % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'ab' END, 'c', g, 0.1,
             '{{\"a\": 1}}', '{{\"a\": 1}}', '2026-01-01', '2026-01-01', '1 mon', md5(g::text)::uuid, '\\x00ff', 'ok',
             '{{1,2}}', '[1,5)', '10.0.0.1', CASE WHEN g % 10 = 0 THEN repeat(md5(g::text), 120) END
             FROM generate_series(1, 600) g;
         INSERT INTO entry SELECT md5((g % 997)::text)::uuid, g, NULL, g, '2026-01-01' FROM generate_series(1, 55000) g;
         INSERT INTO switchyard.marker VALUES (1, now(), '0 s'); ANALYZE"
    )
}

/// A row that differs: its table, and the values of its key with a bar between.
pub type Row = (String, String);

/// What is wrong with it, and the columns that differ.
pub type Wrong = (FindingKind, Vec<String>);

/// What passes and rounds told, as it is kept by whoever runs them: a later look takes the place of an earlier one.
#[derive(Default)]
pub struct Found {
    findings: Mutex<BTreeMap<Row, Wrong>>,
    reports: Mutex<Vec<TableReport>>,
}

pub fn joined(key: &[(String, String)]) -> String {
    key.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>().join("|")
}

impl Found {
    pub fn differences(&self) -> BTreeMap<Row, Wrong> {
        self.findings.lock().unwrap().clone()
    }

    pub fn in_flight(&self) -> i64 {
        self.reports.lock().unwrap().iter().map(|r| r.in_flight).sum()
    }

    pub fn hot(&self) -> Vec<Row> {
        let reports = self.reports.lock().unwrap();
        reports.iter().flat_map(|r| r.hot.iter().map(|k| (r.table.plain(), joined(k)))).collect()
    }

    fn equal(&self, table: &TableName, keys: &[Vec<(String, String)>]) {
        let mut kept = self.findings.lock().unwrap();
        for key in keys {
            kept.remove(&(table.plain(), joined(key)));
        }
    }
}

#[async_trait]
impl Findings for Found {
    async fn begin(&self, table: &TableName, _: Option<&str>) -> Result<Option<Checkpoint>> {
        self.findings.lock().unwrap().retain(|(t, _), _| *t != table.plain());
        Ok(None)
    }

    async fn reached(&self, _: Checkpoint) -> Result<()> {
        Ok(())
    }

    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        let mut kept = self.findings.lock().unwrap();
        for finding in findings {
            let mut columns: Vec<String> = finding.columns.into_iter().map(|c| c.column).collect();
            columns.sort();
            kept.insert((table.plain(), joined(&finding.key)), (finding.kind, columns));
        }
        Ok(())
    }
}

#[async_trait]
impl Reports for Found {
    async fn compared(&self, report: TableReport) -> Result<()> {
        let left_out: Vec<&str> = report.not_compared.iter().map(|n| n.reason.as_str()).collect();
        assert_eq!(left_out, Vec::<&str>::new(), "{} must be compared", report.table.plain());
        self.reports.lock().unwrap().push(report);
        Ok(())
    }
}

pub struct Bed {
    pub pair: Pair,
    source: Database,
    target: Database,
    pub stream: Settle,
    clock: SharedClock,
    pace: Pace,
}

async fn database(side: Side, server: &Server) -> Database {
    let secret = Secret::new(server.logins.switchyard.password.clone());
    let endpoint = endpoint(if side == Side::Source { "the source" } else { "the target" }, server);
    connect(side, Login { endpoint: &endpoint, password: Some(&secret) }, 8).await.unwrap()
}

impl Bed {
    /// Both sides equal, with the stream forward.
    pub async fn start(source: Major, target: Major) -> Option<Bed> {
        let pair = Pair::start(source, target).await?;
        for server in [&pair.source, &pair.target] {
            server.execute(MORE).await.unwrap();
        }
        pair.target.execute(LATE).await.unwrap();
        pair.source.execute(&fill()).await.unwrap();
        let mut all = scope();
        all.extend([TableName::new("public", "kinds"), TableName::new("public", "entry")]);
        all.push(TableName::new("switchyard", "marker"));
        pair.native.publish(Side::Source, &all, true).await.unwrap();
        pair.native.subscribe(Side::Source, true).await.unwrap();
        wait("the copy", async || pair.native.copy_progress(Side::Source).await.unwrap().is_done()).await;
        // On the target for those who follow it; nobody subscribes.
        pair.native.publish(Side::Target, &all, false).await.unwrap();
        let (a, b) = (database(Side::Source, &pair.source).await, database(Side::Target, &pair.target).await);
        let clock: SharedClock = Arc::new(SystemClock);
        let stream = Settle::between(&a, &b, Duration::ZERO, clock.clone()).await.unwrap();
        assert!(
            stream.says().contains("switchyard_test_from_source"),
            "it waits for the real stream: {}",
            stream.says()
        );
        Some(Bed { pair, source: a, target: b, stream, clock, pace: Pace::default() })
    }

    async fn matched(&self) -> (Pairing, [Inventory; 2]) {
        let (here, there) =
            tokio::try_join!(self.source.catalog.inventory(0), self.target.catalog.inventory(0)).unwrap();
        let pairing = pair(&here, &there, |t| t.schema != "switchyard", |b| self.source.rows.rendering(b, false));
        (pairing, [here, there])
    }

    pub async fn follow(&self) -> (Follow, Readers) {
        let (mut pairing, [here, there]) = self.matched().await;
        let mut readers = Readers::open(&self.source, &self.target).await.unwrap();
        readers.agree(&mut pairing.tables).await.unwrap();
        let (source, target) = (&self.source, &self.target);
        let follow = Follow::begin(source, target, WATCH_PUBLICATION, pairing.tables, [&here, &there], &self.clock);
        (follow.await.unwrap(), readers)
    }

    pub async fn full_pass(&self) -> Found {
        let found = Found::default();
        self.full_pass_into(&found, |_| true).await;
        found
    }

    /// A pass over the tables that are wanted.
    pub async fn full_pass_into(&self, found: &Found, wanted: impl Fn(&TableName) -> bool) {
        self.full_pass_with(&self.stream, found, wanted).await;
    }

    /// The same, with another way to wait for the stream.
    pub async fn full_pass_with(&self, stream: &dyn Stream, found: &Found, wanted: impl Fn(&TableName) -> bool) {
        let (mut pairing, _) = self.matched().await;
        pairing.tables.retain(|m| wanted(&m.source.name));
        let pass = Pass {
            source: &self.source,
            target: &self.target,
            authority: Side::Source,
            stream,
            // One table waits for the stream as long as the next: together they wait once.
            lanes: 8,
            pace: &self.pace,
            clock: self.clock.clone(),
        };
        pass.run_into(pairing, found).await.unwrap();
    }

    /// One round over everything that changed.
    pub async fn round(&self, follow: &mut Follow, readers: &mut Readers, found: &Found) {
        follow.read(&self.clock).await.unwrap();
        let mut looking = Looking {
            readers,
            authority: Side::Source,
            stream: &self.stream,
            pace: &self.pace,
            clock: &self.clock,
            findings: found,
        };
        assert!(looking.settle().await.unwrap(), "nobody waits for a standby here");
        for table in follow.changed() {
            let verified = follow.verify(&table, &mut looking).await.unwrap();
            found.equal(&table, &verified.equal);
        }
    }
}
