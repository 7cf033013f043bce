//! Changes followed on two real servers with a real stream between them: what changed is verified, whoever changed it, and
//! what cannot be told by keys is said to need a full pass.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod native_pair;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use native_pair::{Pair, endpoint, long, wait};
use switchyard_engine::{
    Result,
    clock::{SharedClock, SystemClock},
    db::{
        Database,
        connect::{Login, connect},
    },
    reconcile::{Checkpoint, Findings, Follow, Looking, Pace, Pass, Readers, Reports, Settle, Verified, pair},
    replicate::native::WATCH_PUBLICATION,
    secret::Secret,
};
use switchyard_model::{
    Side,
    ident::TableName,
    reconcile::{Finding, FindingKind, TableReport},
};
use switchyard_rig::{Major, Server};

/// What was told.
#[derive(Default)]
struct Told {
    findings: Mutex<Vec<(String, Finding)>>,
}

impl Told {
    fn take(&self) -> Vec<(String, FindingKind, String)> {
        let mut all: Vec<_> = self.findings.lock().unwrap().drain(..).collect();
        all.sort_by(|a, b| (&a.0, &a.1.key).cmp(&(&b.0, &b.1.key)));
        let key = |f: &Finding| f.key.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>().join("|");
        all.iter().map(|(table, f)| (table.clone(), f.kind, key(f))).collect()
    }
}

#[async_trait]
impl Findings for Told {
    async fn begin(&self, _: &TableName, _: Option<&str>) -> Result<Option<Checkpoint>> {
        Ok(None)
    }
    async fn reached(&self, _: Checkpoint) -> Result<()> {
        Ok(())
    }
    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        self.findings.lock().unwrap().extend(findings.into_iter().map(|f| (table.plain(), f)));
        Ok(())
    }
}

#[async_trait]
impl Reports for Told {
    async fn compared(&self, report: TableReport) -> Result<()> {
        let told: Vec<&str> = report.not_compared.iter().map(|n| n.reason.as_str()).collect();
        assert_eq!(told, Vec::<&str>::new(), "{} must be compared", report.table.plain());
        Ok(())
    }
}

struct Bed {
    pair: Pair,
    source: Database,
    target: Database,
    stream: Settle,
    clock: SharedClock,
    told: Told,
    pace: Pace,
}

async fn database(side: Side, server: &Server) -> Database {
    let secret = Secret::new(server.logins.switchyard.password.clone());
    let endpoint = endpoint(if side == Side::Source { "the source" } else { "the target" }, server);
    connect(side, Login { endpoint: &endpoint, password: Some(&secret) }, 4).await.unwrap()
}

impl Bed {
    async fn start(source: Major, target: Major) -> Option<Bed> {
        let pair = Pair::start(source, target).await?;
        let name = long();
        let fill = format!(
            "INSERT INTO {name} SELECT g, 'v' || g FROM generate_series(1, 2000) g; \
             INSERT INTO part SELECT g, g % 2 FROM generate_series(1, 2000) g; \
             INSERT INTO counter SELECT g, 0 FROM generate_series(1, 50) g; INSERT INTO keyless VALUES (1), (2), (2);"
        );
        pair.source.execute(&fill).await.unwrap();
        pair.connect().await;
        let (a, b) = (database(Side::Source, &pair.source).await, database(Side::Target, &pair.target).await);
        let clock: SharedClock = Arc::new(SystemClock);
        let stream = Settle::between(&a, &b, Duration::ZERO, clock.clone()).await.unwrap();
        assert!(
            stream.says().contains("switchyard_test_from_source"),
            "it waits for the real stream: {}",
            stream.says()
        );
        Some(Bed { pair, source: a, target: b, stream, clock, told: Told::default(), pace: Pace::default() })
    }

    async fn follow(&self) -> (Follow, Readers) {
        let (here, there) =
            tokio::try_join!(self.source.catalog.inventory(0), self.target.catalog.inventory(0)).unwrap();
        let mut pairing = pair(&here, &there, |t| t.schema != "switchyard", |b| self.source.rows.rendering(b, false));
        let mut readers = Readers::open(&self.source, &self.target).await.unwrap();
        readers.agree(&mut pairing.tables).await.unwrap();
        let follow =
            Follow::begin(&self.source, &self.target, WATCH_PUBLICATION, pairing.tables, [&here, &there], &self.clock);
        (follow.await.unwrap(), readers)
    }

    async fn full_pass(&self) {
        let (here, there) =
            tokio::try_join!(self.source.catalog.inventory(0), self.target.catalog.inventory(0)).unwrap();
        let pairing = pair(&here, &there, |t| t.schema != "switchyard", |b| self.source.rows.rendering(b, false));
        let pass = Pass {
            source: &self.source,
            target: &self.target,
            authority: Side::Source,
            stream: &self.stream,
            lanes: 2,
            pace: &self.pace,
            clock: self.clock.clone(),
        };
        pass.run_into(pairing, &self.told).await.unwrap();
    }

    /// One round over everything that changed, by table.
    async fn round(&self, follow: &mut Follow, readers: &mut Readers) -> BTreeMap<String, Verified> {
        follow.read(&self.clock).await.unwrap();
        let mut looking = Looking {
            readers,
            authority: Side::Source,
            stream: &self.stream,
            pace: &self.pace,
            clock: &self.clock,
            findings: &self.told,
        };
        assert!(looking.settle().await.unwrap(), "nobody waits for a standby here");
        let mut all = BTreeMap::new();
        for table in follow.changed() {
            all.insert(table.plain(), follow.verify(&table, &mut looking).await.unwrap());
        }
        all
    }
}

fn whole(follow: &Follow) -> Vec<String> {
    let mut all: Vec<String> = follow.whole().iter().map(TableName::plain).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_verified_15_to_15() {
    what_changed_is_verified(Major::V15, Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_verified_15_to_18() {
    what_changed_is_verified(Major::V15, Major::V18).await;
}

async fn what_changed_is_verified(source: Major, target: Major) {
    let Some(bed) = Bed::start(source, target).await else { return };
    let (mut follow, mut readers) = bed.follow().await;
    bed.full_pass().await;
    assert_eq!(bed.told.take(), [], "both sides are equal after the copy");
    assert!(
        follow.follows(&long()) && follow.follows(&TableName::new("public", "part_0")),
        "leaves are followed by key"
    );
    assert!(!follow.follows(&TableName::new("public", "keyless")), "without a key nothing can be followed");

    let name = long();
    bed.pair
        .run(Side::Source, &format!("UPDATE {name} SET v = 'new' WHERE id <= 10; DELETE FROM part WHERE id = 2"))
        .await;
    let round = bed.round(&mut follow, &mut readers).await;
    assert_eq!(bed.told.take(), [], "the stream carried the changes over");
    assert_eq!(round[&name.plain()].rows, 10, "exactly what changed is looked at");
    assert_eq!(round[&name.plain()].equal.len(), 10);
    bed.round(&mut follow, &mut readers).await;

    // On the target alone: no stream tells it, and the source's log does not either.
    bed.pair.run(Side::Target, &format!("UPDATE {name} SET v = 'wrong' WHERE id = 7")).await;
    bed.pair.run(Side::Target, "DELETE FROM part WHERE id = 4; INSERT INTO part VALUES (9999, 1)").await;
    bed.round(&mut follow, &mut readers).await;
    let expected = [
        (name.plain(), FindingKind::Different, "7"),
        ("public.part_0".to_owned(), FindingKind::MissingOnTarget, "4|0"),
        ("public.part_1".to_owned(), FindingKind::OnlyOnTarget, "9999|1"),
    ];
    let told = bed.told.take();
    let seen: Vec<_> = told.iter().map(|(t, k, key)| (t.clone(), *k, key.as_str())).collect();
    let mut wanted = expected.to_vec();
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(seen, wanted, "a change on the other side alone is a difference");

    bed.pair.run(Side::Target, &format!("UPDATE {name} SET v = 'new' WHERE id = 7")).await;
    bed.pair.run(Side::Target, "INSERT INTO part VALUES (4, 0); DELETE FROM part WHERE id = 9999").await;
    let round = bed.round(&mut follow, &mut readers).await;
    assert_eq!(bed.told.take(), [], "mended rows are equal");
    assert_eq!(
        round[&name.plain()].equal,
        [vec![("id".to_owned(), "7".to_owned())]],
        "so their findings can be dropped"
    );

    // A key that changes is two rows; on the other side the old one is put back.
    bed.pair.run(Side::Source, "UPDATE counter SET id = 1000 WHERE id = 5").await;
    bed.round(&mut follow, &mut readers).await;
    assert_eq!(bed.told.take(), [], "carried over");
    bed.pair.run(Side::Target, "UPDATE counter SET id = 5 WHERE id = 1000").await;
    bed.round(&mut follow, &mut readers).await;
    let counter = || "public.counter".to_owned();
    assert_eq!(
        bed.told.take(),
        [
            (counter(), FindingKind::MissingOnTarget, "1000".to_owned()),
            (counter(), FindingKind::OnlyOnTarget, "5".to_owned())
        ],
        "both the old key and the new one are looked at"
    );
    follow.close().await;
    readers.close().await;
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'switchyard_feed%'";
    for side in [Side::Source, Side::Target] {
        wait("the temporary slot to go", async || bed.pair.number(side, slots).await == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keys_cannot_tell_needs_a_full_pass() {
    let Some(bed) = Bed::start(Major::V15, Major::V15).await else { return };
    let (mut follow, mut readers) = bed.follow().await;
    bed.round(&mut follow, &mut readers).await;
    assert_eq!(whole(&follow), Vec::<String>::new());
    bed.pair.run(Side::Source, "TRUNCATE counter").await;
    // Both sides' logs tell it, the target's once it has arrived.
    bed.pair.beat_through(Side::Source, 1).await;
    bed.round(&mut follow, &mut readers).await;
    assert_eq!(whole(&follow), ["public.counter"], "no row is named by a truncation");
    follow.begin_whole(&[TableName::new("public", "counter")]);
    let name = long();
    bed.pair.run(Side::Target, &format!("UPDATE {name} SET v = 'x' WHERE id = 1")).await;
    bed.round(&mut follow, &mut readers).await;
    assert_eq!(whole(&follow), Vec::<String>::new(), "the full pass takes what was told before it");
    bed.told.take();
    for side in [Side::Source, Side::Target] {
        bed.pair.run(side, &format!("ALTER TABLE {name} ADD COLUMN w int DEFAULT 3")).await;
    }
    bed.pair.run(Side::Source, &format!("UPDATE {name} SET v = 'y' WHERE id = 2")).await;
    follow.read(&bed.clock).await.unwrap();
    assert!(whole(&follow).contains(&name.plain()), "an altered table may hold other values in every row");
    let (here, there) = tokio::try_join!(bed.source.catalog.inventory(0), bed.target.catalog.inventory(0)).unwrap();
    let pairing = pair(&here, &there, |t| t.schema != "switchyard", |b| bed.source.rows.rendering(b, false));
    assert!(!follow.fits(&pairing.tables), "and has to be followed anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_has_one_name_in_passes_and_in_rounds() {
    let Some(bed) = Bed::start(Major::V15, Major::best()).await else { return };
    let table = TableName::new("public", "odd_key");
    let make = "CREATE TABLE public.odd_key (b bool, n numeric(8,2), c char(5), i inet, v text, PRIMARY KEY (b, n, c, i)); \
                INSERT INTO public.odd_key SELECT g % 2 = 0, g / 10.0, 'k' || g, '10.0.0.1', 'v' FROM generate_series(1, 20) g";
    for side in [Side::Source, Side::Target] {
        bed.pair.run(side, make).await;
    }
    let publish = [
        bed.source.feeds.publish("odd", std::slice::from_ref(&table)),
        bed.target.feeds.publish("odd", std::slice::from_ref(&table)),
    ];
    for done in futures_util::future::join_all(publish).await {
        done.unwrap();
    }
    let (here, there) = tokio::try_join!(bed.source.catalog.inventory(0), bed.target.catalog.inventory(0)).unwrap();
    let pairing = || pair(&here, &there, |t| t == &table, |b| bed.source.rows.rendering(b, false));
    let mut readers = Readers::open(&bed.source, &bed.target).await.unwrap();
    let mut tables = pairing().tables;
    readers.agree(&mut tables).await.unwrap();
    let follow = Follow::begin(&bed.source, &bed.target, "odd", tables, [&here, &there], &bed.clock);
    let mut follow = follow.await.unwrap();
    bed.pair.run(Side::Target, "UPDATE public.odd_key SET v = 'w' WHERE n = 1").await;
    bed.round(&mut follow, &mut readers).await;
    let by_round = bed.told.take();
    let (stream, pace) = (&bed.stream, &bed.pace);
    let pass = Pass {
        source: &bed.source,
        target: &bed.target,
        authority: Side::Source,
        stream,
        lanes: 1,
        pace,
        clock: bed.clock.clone(),
    };
    pass.run_into(pairing(), &bed.told).await.unwrap();
    assert_eq!(by_round.len(), 1, "the row that was changed: {by_round:?}");
    assert_eq!(by_round, bed.told.take(), "else a finding of the one would outlive the other's proof that it is gone");
    bed.pair.run(Side::Target, "UPDATE public.odd_key SET v = 'v' WHERE n = 1").await;
    let round = bed.round(&mut follow, &mut readers).await;
    let equal: Vec<String> = round["public.odd_key"].equal[0].iter().map(|(_, v)| v.clone()).collect();
    assert_eq!(equal.join("|"), by_round[0].2, "and by this name it goes");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_false_alarm_under_load_and_no_corruption_missed() {
    let Some(bed) = Bed::start(Major::V15, Major::best()).await else { return };
    let (mut follow, mut readers) = bed.follow().await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|w| {
            let (pool, stop, name) = (bed.pair.source_pool.clone(), stop.clone(), long());
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    let id = (n * 7 + w * 13) % 2000 + 1;
                    let sql = format!(
                        "BEGIN; UPDATE counter SET n = n + 1 WHERE id = {}; UPDATE {name} SET v = 'w{w}-{n}' WHERE id = {id}; \
                         DELETE FROM part WHERE id = {id}; INSERT INTO part VALUES ({id}, {}) ON CONFLICT DO NOTHING; COMMIT",
                        n % 50 + 1,
                        id % 2
                    );
                    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
                }
            })
        })
        .collect();
    bed.full_pass().await;
    assert_eq!(bed.told.take(), [], "nothing differs, however much changes");
    let mut looked_at = 0;
    for _ in 0..20 {
        looked_at += bed.round(&mut follow, &mut readers).await.values().map(|v| v.rows).sum::<i64>();
        assert_eq!(bed.told.take(), [], "nor in any round");
    }
    assert!(looked_at > 500, "the load must have been followed: {looked_at} rows");
    // Rows that the writers do not touch any more, corrupted while they write elsewhere.
    bed.pair.run(Side::Source, "INSERT INTO part SELECT g, g % 2 FROM generate_series(50001, 50020) g").await;
    bed.pair.beat_through(Side::Source, 1).await;
    bed.pair.run(Side::Target, "DELETE FROM part WHERE id BETWEEN 50001 AND 50020").await;
    let mut found = Vec::new();
    for _ in 0..3 {
        bed.round(&mut follow, &mut readers).await;
        found.extend(bed.told.take());
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let planted = found.iter().filter(|(_, kind, _)| *kind == FindingKind::MissingOnTarget).count();
    assert_eq!((planted, found.len()), (20, 20), "all that were planted, and nothing else: {found:?}");
    assert_eq!(whole(&follow), Vec::<String>::new(), "every change was told by key");
}
