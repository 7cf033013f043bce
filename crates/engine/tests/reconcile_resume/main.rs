//! A pass that is cut off, again and again, comes to what an undisturbed one comes to, and does not begin anew.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../postgres_server/mod.rs"]
mod postgres_server;
#[path = "../reconcile_pair/mod.rs"]
mod reconcile_pair;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use reconcile_pair::{Found, Still, Twin, findings};
use switchyard_engine::{
    Result,
    clock::{Clock, SharedClock, SystemClock},
    reconcile::{Checkpoint, Findings, Kept, Pace, Pairing, Pass, Place, Reports, pair},
    store::{MigrationId, Store},
};
use switchyard_model::{
    Side, UnixMs,
    ident::TableName,
    limits::Limits,
    migration::{MigrationSpec, Strategy},
    reconcile::{Finding, Standing, TableReport},
};
use switchyard_rig::Major;
use tokio::sync::mpsc;

/// As a pass of the product, but every slice is a checkpoint, and each is told.
struct Watched {
    kept: Kept,
    told: mpsc::UnboundedSender<&'static str>,
}

#[async_trait]
impl Findings for Watched {
    async fn begin(&self, table: &TableName, shape: Option<&str>) -> Result<Option<Checkpoint>> {
        self.kept.begin(table, shape).await
    }

    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        self.kept.found(table, findings).await?;
        let _ = self.told.send("found");
        Ok(())
    }

    async fn reached(&self, checkpoint: Checkpoint) -> Result<()> {
        let place = match &checkpoint.place {
            Place::Slices { .. } => "slices",
            Place::Pages { .. } => "pages",
        };
        self.kept.reached(checkpoint).await?;
        let _ = self.told.send(place);
        Ok(())
    }

    fn every(&self) -> Duration {
        Duration::ZERO
    }
}

#[async_trait]
impl Reports for Watched {
    async fn compared(&self, report: TableReport) -> Result<()> {
        self.kept.compared(report).await
    }
}

/// Time goes fast, so that slices seem to take long and stay small: many checkpoints in little data. Not so fast that a slice of
/// one page seems too long on a slow machine: there would be as many slices as pages.
struct Fast(Instant);

impl Clock for Fast {
    fn now(&self) -> UnixMs {
        SystemClock.now()
    }

    fn instant(&self) -> Instant {
        self.0 + self.0.elapsed() * 20
    }
}

struct Bench {
    twin: Twin,
    store: Store,
    id: MigrationId,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start() -> Bench {
        let twin = Twin::start(Major::V15).await;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).await.unwrap();
        let spec = MigrationSpec {
            name: "m".into(),
            strategy: Strategy::Live,
            source: "a".into(),
            target: "b".into(),
            routers: Vec::new(),
            limits: Limits::normal(),
        };
        let id = store.create_migration(&spec, "me", 1).await.unwrap();
        Bench { twin, store, id, _folder: folder }
    }

    async fn pairing(&self) -> Pairing {
        let (a, b) = (&self.twin.a, &self.twin.b);
        let (here, there) = tokio::try_join!(a.catalog.inventory(0), b.catalog.inventory(0)).unwrap();
        pair(&here, &there, |_| true, |base| a.rows.rendering(base, false))
    }

    /// A pass over what has no standing yet, cut off when something was told so many times; says whether it came to its end,
    /// and what it had not to read again.
    async fn go_on(&self, cut_after: usize, seen: &mut BTreeMap<&'static str, usize>) -> (bool, i64, i64) {
        self.go_on_but_anew(&[], cut_after, seen).await
    }

    /// The same, with tables that are begun anew.
    async fn go_on_but_anew(
        &self,
        anew: &[&str],
        cut_after: usize,
        seen: &mut BTreeMap<&'static str, usize>,
    ) -> (bool, i64, i64) {
        let (told, mut hears) = mpsc::unbounded_channel();
        let clock: SharedClock = Arc::new(Fast(Instant::now()));
        let kept = Kept::new(self.store.clone(), self.id, Side::Source, clock.clone()).await.unwrap().resuming(0);
        let kept = kept.anew(anew.iter().map(|name| TableName::new("public", *name)).collect());
        let watched = Watched { kept, told };
        let mut pairing = self.pairing().await;
        let done = self.store.standings(self.id).await.unwrap();
        pairing.tables.retain(|m| !done.iter().any(|s| s.table == m.source.name));
        let pace = Pace::default();
        let pass = Pass {
            source: &self.twin.a,
            target: &self.twin.b,
            authority: Side::Source,
            stream: &Still,
            lanes: 1,
            pace: &pace,
            clock,
        };
        let count = AtomicUsize::new(0);
        let cut = async {
            while let Some(what) = hears.recv().await {
                *seen.entry(what).or_default() += 1;
                if count.fetch_add(1, Ordering::Relaxed) + 1 == cut_after {
                    return;
                }
            }
            std::future::pending().await
        };
        let ended = tokio::select! {
            // Dropped in the middle of whatever it does, as by a process that is killed.
            () = cut => false,
            done = pass.run_into(pairing, &watched) => { done.unwrap(); true }
        };
        (ended, pace.rows(), pace.resumed())
    }

    /// What is known of each table in the end.
    async fn outcome(&self) -> BTreeMap<String, (i64, i64, Vec<Found>)> {
        let mut all = BTreeMap::new();
        for s in self.store.standings(self.id).await.unwrap() {
            let kept = self.store.findings(self.id, &s.table, 0, 100_000).await.unwrap();
            all.insert(s.table.plain(), of(&s, kept.into_iter().map(|k| k.finding).collect()));
        }
        all
    }
}

fn of(s: &Standing, found: Vec<Finding>) -> (i64, i64, Vec<Found>) {
    assert_eq!(s.findings, found.len() as i64, "{}: the count is that of the rows that are kept", s.table.plain());
    let report = TableReport { findings: found, ..TableReport::unread(s.table.clone(), s.not_compared.clone(), 0) };
    (s.rows_source, s.rows_target, findings(&report))
}

/// Tables that are walked in each of the ways, with differences at the beginning, in the middle and at the end.
const TABLES: &str = "
    CREATE TABLE numbers (id bigint PRIMARY KEY, v text);
    INSERT INTO numbers SELECT g, 'v' || g FROM generate_series(1, 400000) g;
    CREATE TABLE pairs (a date, b int, v text, PRIMARY KEY (a, b));
    INSERT INTO pairs SELECT date '2026-01-01' + g / 1000, g % 1000, 'v' || g FROM generate_series(1, 200000) g;
    CREATE TABLE names (id text PRIMARY KEY, v int);
    INSERT INTO names SELECT md5(g::text), g FROM generate_series(1, 200000) g;
    CREATE TABLE keyless (v text);
    INSERT INTO keyless SELECT 'v' || g FROM generate_series(1, 100000) g;
    ANALYZE";

const FAULTS: &str = "
    UPDATE numbers SET v = 'other' WHERE id IN (1, 2, 199999, 200000, 399999, 400000);
    DELETE FROM numbers WHERE id = 123456;
    INSERT INTO numbers VALUES (400001, 'extra');
    UPDATE pairs SET v = 'other' WHERE b = 500;
    UPDATE names SET v = -v WHERE v % 20000 = 0;
    UPDATE keyless SET v = 'other' WHERE v IN ('v1', 'v50000', 'v100000')";

#[tokio::test(flavor = "multi_thread")]
async fn however_often_it_is_cut_off_it_comes_to_the_same() {
    let bench = Bench::start().await;
    bench.twin.both(TABLES).await;
    bench.twin.target.execute(FAULTS).await;

    let mut seen = BTreeMap::new();
    let (ended, undisturbed, _) = bench.go_on(usize::MAX, &mut seen).await;
    assert!(ended, "nothing cuts this one off");
    assert!(seen["slices"] >= 4 && seen["pages"] >= 4, "tables are walked in both ways, in several slices: {seen:?}");
    let expected = bench.outcome().await;
    let counts: Vec<usize> = expected.values().map(|(_, _, f)| f.len()).collect();
    assert_eq!(
        counts,
        [4, 10, 8, 200],
        "keyless (three rows missing, and one three times too often), names, numbers, pairs: {expected:?}"
    );

    // After each second and seventh thing that is told: between two slices, before and behind findings.
    for every in [2, 7] {
        for table in expected.keys() {
            let (_, name) = table.split_once('.').unwrap();
            bench.store.drop_standing(bench.id, &TableName::new("public", name)).await.unwrap();
        }
        let (mut cuts, mut read, mut resumed) = (0, 0, 0);
        loop {
            let (ended, rows, before) = bench.go_on(every, &mut BTreeMap::new()).await;
            read += rows;
            resumed += before;
            if ended {
                break;
            }
            cuts += 1;
            assert!(cuts < 500, "each time it comes further, so that it has an end");
        }
        assert!(cuts > 2, "it was cut off while it ran: {cuts}");
        assert_eq!(bench.outcome().await, expected, "cut off after every {every}: the same rows, each once");
        assert!(resumed > 0, "it went on from a checkpoint");
        assert!(
            read < undisturbed * (cuts + 1) / 2,
            "it did not begin anew each time: {read} rows in {} processes, {undisturbed} undisturbed",
            cuts + 1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_another_shape_or_another_heap_is_not_gone_on_with() {
    let bench = Bench::start().await;
    bench.twin.both(TABLES).await;
    bench.twin.both("DROP TABLE numbers, pairs, keyless").await;

    let cut = bench.go_on(1, &mut BTreeMap::new()).await;
    assert!(!cut.0, "it was cut off between two slices of pages");
    // The same rows in other pages: what was read of the first pages says nothing of these.
    bench.twin.target.execute("CREATE TABLE sorted AS SELECT * FROM names ORDER BY v DESC; TRUNCATE names; INSERT INTO names SELECT * FROM sorted; DROP TABLE sorted; UPDATE names SET v = 0 WHERE v = 1").await;
    let (ended, rows, _) = bench.go_on(usize::MAX, &mut BTreeMap::new()).await;
    assert!(ended && rows >= 400_000, "everything was read again: {rows}");
    let found = bench.outcome().await;
    assert_eq!(found["public.names"].2.len(), 1, "the row that differs, and no other: {found:?}");

    // Of a table of which more changed than keys tell, and of one that somebody wants compared now, nothing counts that was
    // read before, in whatever shape it is.
    bench.store.drop_standing(bench.id, &TableName::new("public", "names")).await.unwrap();
    bench.go_on(1, &mut BTreeMap::new()).await;
    let (ended, rows, resumed) = bench.go_on_but_anew(&["names"], usize::MAX, &mut BTreeMap::new()).await;
    assert!(ended && resumed == 0 && rows >= 400_000, "from its beginning: {rows} read, {resumed} not");

    bench.store.drop_standing(bench.id, &TableName::new("public", "names")).await.unwrap();
    bench.go_on(1, &mut BTreeMap::new()).await;
    bench.twin.both("ALTER TABLE names ADD COLUMN w int DEFAULT 5").await;
    bench.twin.target.execute("UPDATE names SET w = 6 WHERE v = 7").await;
    let (ended, _, resumed) = bench.go_on(usize::MAX, &mut BTreeMap::new()).await;
    assert_eq!((ended, resumed), (true, 0), "what was read was without the new column");
    assert_eq!(bench.outcome().await["public.names"].2.len(), 2, "the old difference and the one in the new column");
}
