//! Passes between two real servers of different versions: every planted corruption is found, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use postgres_server::{Bed, connect};
use switchyard_engine::{
    Result,
    clock::SystemClock,
    db::{Database, connect::bundle},
    reconcile::{Pace, Pass, Settle, Stream, pair},
};
use switchyard_model::{
    Side,
    ident::quote,
    reconcile::{FindingKind, TableReport, TableVerdict},
};
use switchyard_rig::Major;

/// Two databases at rest.
struct Still;

#[async_trait]
impl Stream for Still {
    async fn pass(&self) -> Result<()> {
        Ok(())
    }
}

struct Twin {
    source: Bed,
    target: Bed,
    a: Database,
    b: Database,
}

impl Twin {
    async fn start() -> Twin {
        let source = Bed::start(Major::V15, &[]).await;
        let target = Bed::start(Major::best(), &[]).await;
        let a = bundle(source.db.clone());
        let b = bundle(connect(&target.server, Side::Target, "shop").await);
        Twin { source, target, a, b }
    }

    async fn both(&self, sql: &str) {
        tokio::join!(self.source.execute(sql), self.target.execute(sql));
    }

    async fn compare(&self, exact: bool) -> BTreeMap<String, TableReport> {
        self.compare_with(&Still, exact).await
    }

    async fn compare_with(&self, stream: &dyn Stream, exact: bool) -> BTreeMap<String, TableReport> {
        let (here, there) = tokio::try_join!(self.a.catalog.inventory(0), self.b.catalog.inventory(0)).unwrap();
        let pairing = pair(&here, &there, |_| true, |base| self.a.rows.rendering(base, exact));
        let pace = Pace::default();
        let pass = Pass {
            source: &self.a,
            target: &self.b,
            authority: Side::Source,
            stream,
            lanes: 2,
            pace: &pace,
            clock: Arc::new(SystemClock),
        };
        let outcome = pass.run(pairing).await.unwrap();
        assert_eq!(outcome.hashes, Vec::<String>::new(), "these versions hash alike, so nothing may fall back");
        outcome.tables.into_iter().map(|t| (t.table.plain(), t)).collect()
    }
}

/// Kind, key and differing columns of each finding.
fn findings(report: &TableReport) -> Vec<(FindingKind, String, Vec<String>)> {
    let key = |k: &[(String, String)]| k.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>().join("|");
    report
        .findings
        .iter()
        .map(|f| (f.kind, key(&f.key), f.columns.iter().map(|c| c.column.clone()).collect()))
        .collect()
}

const WIDE: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, m mood); CREATE DOMAIN small AS int CHECK (value < 100);
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE wide (id int PRIMARY KEY, b bool, s text, v varchar(10), c char(4), n numeric, f float8, j json, jb jsonb,
        ts timestamptz, d date, iv interval, u uuid, by bytea, p point, x xml, e mood, es mood[], pr pair, ip inet,
        bits bit(3), m money, tv tsvector, r int4range, mr int4multirange, arr int[], tarr text[], sm small,
        ci text COLLATE loose, f4 float4, t time, i8 bigint);
    INSERT INTO wide SELECT g, true, 'ab', 'c', 'd', 1.5, 0.1, '{\"a\": 1}', '{\"a\": 1}', '2026-01-01', '2026-01-01',
    '1 mon', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff', '(1,2)', '<a/>', 'ok', '{sad,ok}', '(1,ok)', '10.0.0.1',
    '101', 12.3, 'a b', '[1,5)', '{[1,2)}', '{1,NULL}', '{a,b}', 7, 'Abc', 'NaN', '10:00', 9 FROM generate_series(1, 100) g";

/// One change per type, by one unit, byte or letter.
const CHANGES: [(&str, &str); 37] = [
    ("b", "false"),
    ("s", "'ab '"),
    ("s", "'aB'"),
    ("s", "''"),
    ("s", "NULL"),
    ("v", "'č'"),
    ("c", "'e'"),
    ("n", "1.51"),
    ("n", "'NaN'"),
    ("f", "0.10000000000000002"),
    ("f", "'Infinity'"),
    ("j", "'{\"a\":1}'"),
    ("jb", "'{\"a\": 2}'"),
    ("jb", "'{\"a\": null}'"),
    ("ts", "'2026-01-01 00:00:00.000001'"),
    ("ts", "'infinity'"),
    ("d", "'2026-01-02'"),
    ("iv", "'30 days'"),
    ("u", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'"),
    ("by", "'\\x00fe'"),
    ("p", "'(1,3)'"),
    ("x", "'<b/>'"),
    ("e", "'sad'"),
    ("es", "'{ok,ok}'"),
    ("pr", "'(1,sad)'"),
    ("ip", "'10.0.0.2'"),
    ("bits", "'111'"),
    ("m", "12.31"),
    ("tv", "'a c'"),
    ("r", "'[1,6)'"),
    ("mr", "'{[1,3)}'"),
    ("arr", "'{1,0}'"),
    ("tarr", "'{a,NULL}'"),
    ("sm", "8"),
    ("ci", "'abc'"),
    ("f4", "1"),
    ("t", "'10:00:00.000001'"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_change_is_found_in_its_column_and_nothing_else() {
    let twin = Twin::start().await;
    twin.both(WIDE).await;
    let equal = &twin.compare(false).await["public.wide"];
    assert_eq!((equal.verdict(Side::Source), equal.rows_source, equal.rows_target), (TableVerdict::Equal, 100, 100));
    let mut expected = Vec::new();
    for (i, (column, value)) in CHANGES.iter().enumerate() {
        twin.target.execute(format!("UPDATE wide SET {column} = {value} WHERE id = {}", i + 1)).await;
        expected.push((FindingKind::Different, (i + 1).to_string(), vec![(*column).to_owned()]));
    }
    // Two columns swapped, two rows swapped, one gone, one extra.
    twin.target.execute("UPDATE wide SET s = v, v = s WHERE id = 80").await;
    expected.push((FindingKind::Different, "80".into(), vec!["s".into(), "v".into()]));
    twin.both("UPDATE wide SET i8 = id WHERE id IN (90, 91)").await;
    twin.target.execute("UPDATE wide SET i8 = 181 - id WHERE id IN (90, 91)").await;
    expected.push((FindingKind::Different, "90".into(), vec!["i8".into()]));
    expected.push((FindingKind::Different, "91".into(), vec!["i8".into()]));
    twin.target.execute("DELETE FROM wide WHERE id = 95; INSERT INTO wide (id) VALUES (101)").await;
    expected.push((FindingKind::MissingOnTarget, "95".into(), vec![]));
    expected.push((FindingKind::OnlyOnTarget, "101".into(), vec![]));
    let mut found = findings(&twin.compare(false).await["public.wide"]);
    let by_key = |f: &(FindingKind, String, Vec<String>)| f.1.parse::<i32>().unwrap();
    found.sort_by_key(by_key);
    expected.sort_by_key(by_key);
    assert_eq!(found, expected, "exactly what was planted, each in its column");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_way_of_writing_a_value_is_no_finding_unless_exact() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE w (id int PRIMARY KEY, n numeric, f float8, jb jsonb)").await;
    twin.source.execute("INSERT INTO w VALUES (1, 1.0, 0.0, '{\"a\": 1.0, \"b\": 2}')").await;
    twin.target.execute("INSERT INTO w VALUES (1, 1.00, '-0.0', '{\"b\": 2, \"a\": 1.00}')").await;
    assert_eq!(
        twin.compare(false).await["public.w"].verdict(Side::Source),
        TableVerdict::Equal,
        "equal by their types"
    );
    let exact = findings(&twin.compare(true).await["public.w"]);
    let columns = ["n", "f", "jb"].map(str::to_owned).to_vec();
    assert_eq!(exact, [(FindingKind::Different, "1".to_owned(), columns)], "written differently");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_are_counted_as_a_multiset() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE bag (x int, y text); INSERT INTO bag VALUES (7, 'a'), (7, 'a'), (8, NULL), (9, '')").await;
    twin.both("CREATE TABLE child () INHERITS (bag); INSERT INTO child VALUES (1, 'c'); CREATE TABLE bare ()").await;
    let equal = twin.compare(false).await;
    assert_eq!(equal["public.bag"].verdict(Side::Source), TableVerdict::Equal);
    assert_eq!(equal["public.bag"].rows_source, 4, "the rows of a child belong to the child");
    assert_eq!(
        equal["public.bare"].verdict(Side::Source),
        TableVerdict::Equal,
        "a table without columns can be compared, too"
    );
    twin.target.execute("INSERT INTO bag VALUES (7, 'a'), (5, 'e'); DELETE FROM bag WHERE x = 9").await;
    let report = &twin.compare(false).await["public.bag"];
    let counts: Vec<_> =
        report.findings.iter().map(|f| (f.kind, f.key[0].1.clone(), f.rows_source, f.rows_target)).collect();
    assert_eq!(
        counts,
        [
            (FindingKind::OnlyOnTarget, "5".to_owned(), 0, 1),
            (FindingKind::Different, "7".to_owned(), 2, 3),
            (FindingKind::MissingOnTarget, "9".to_owned(), 1, 0),
        ],
        "a third equal row is a difference, and each row is shown by its values"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shapes_may_differ_and_what_was_left_out_is_said() {
    let twin = Twin::start().await;
    let strange = quote(&("Ä \"x\" ".to_owned() + &"k".repeat(54)));
    twin.source
        .execute(format!(
            "CREATE TABLE turned (id bigint PRIMARY KEY, a int, b text); INSERT INTO turned VALUES (1, 2, 'x');
             CREATE TABLE parts (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
             CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
             CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
             INSERT INTO parts SELECT g, 'v' FROM generate_series(1, 19) g;
             CREATE TABLE alone (x int); CREATE TABLE narrow (id int PRIMARY KEY, lost text);
             CREATE TABLE {strange} ({strange} text PRIMARY KEY, \"SELECT\" int); INSERT INTO {strange} VALUES ('it''s \"1\"', 1)"
        ))
        .await;
    twin.target
        .execute(format!(
            "CREATE TABLE extra (x int); CREATE TABLE narrow (id int PRIMARY KEY);
             CREATE TABLE turned (b text, extra int DEFAULT 5, a int, id bigint PRIMARY KEY); INSERT INTO turned (id, a, b) VALUES (1, 2, 'x');
             CREATE TABLE parts (v text, id int PRIMARY KEY); INSERT INTO parts SELECT 'v', g FROM generate_series(1, 19) g;
             CREATE TABLE {strange} ({strange} text PRIMARY KEY, \"SELECT\" int); INSERT INTO {strange} VALUES ('it''s \"1\"', 2)"
        ))
        .await;
    let all = twin.compare(false).await;
    let turned = &all["public.turned"];
    assert_eq!(turned.verdict(Side::Source), TableVerdict::Equal, "the order of columns does not matter");
    assert_eq!(turned.not_compared[0].column.as_deref(), Some("extra"), "{:?}", turned.not_compared);
    let parts = &all["public.parts"];
    assert_eq!(
        (parts.verdict(Side::Source), parts.rows_source, parts.rows_target),
        (TableVerdict::Equal, 19, 19),
        "parts and plain"
    );
    assert_eq!(
        all["public.alone"].verdict(Side::Source),
        TableVerdict::NotCompared,
        "a missing table is not proven equal"
    );
    assert_eq!(
        all["public.extra"].verdict(Side::Source),
        TableVerdict::NotCompared,
        "nor is one that only the target has"
    );
    let narrow = &all["public.narrow"];
    assert_eq!(
        narrow.verdict(Side::Source),
        TableVerdict::Unproven,
        "a column that the target cannot hold is not equal"
    );
    assert_eq!(narrow.verdict(Side::Target), TableVerdict::Equal, "where the target's rows count, nothing is lost");
    let strange = all.iter().find(|(name, _)| name.contains('Ä')).unwrap().1;
    let expected = (FindingKind::Different, "it's \"1\"".to_owned(), vec!["SELECT".to_owned()]);
    assert_eq!(findings(strange), [expected], "names and keys of all kinds go through");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_tables_are_exact_whatever_way_they_are_walked() {
    let twin = Twin::start().await;
    // Gaps in an integer key; a key of two columns; a key without order; text; none. Each beyond the size of one slice.
    twin.both(
        "CREATE TABLE by_int (id bigint PRIMARY KEY, v text);
         INSERT INTO by_int SELECT g * (CASE WHEN g > 60000 THEN 1000000 ELSE 1 END), 'v' || g FROM generate_series(-20::bigint, 120000) g;
         CREATE TABLE by_two (a int, b timestamptz, v text, PRIMARY KEY (a, b));
         INSERT INTO by_two SELECT g / 1000, '2026-01-01'::timestamptz + g * interval '1 s', 'v' || g FROM generate_series(1, 120000) g;
         CREATE TABLE by_uuid (id uuid PRIMARY KEY, v text);
         INSERT INTO by_uuid SELECT md5(g::text)::uuid, 'v' || g FROM generate_series(1, 120000) g;
         CREATE TABLE by_text (id text PRIMARY KEY, v text);
         INSERT INTO by_text SELECT 'k' || g, 'v' || g FROM generate_series(1, 120000) g;
         CREATE TABLE by_none (id int, v text);
         INSERT INTO by_none SELECT g, 'v' || g FROM generate_series(1, 120000) g;",
    )
    .await;
    twin.source.execute("ANALYZE").await;
    let tables = ["by_int", "by_two", "by_uuid", "by_text", "by_none"];
    let equal = twin.compare(false).await;
    for table in tables {
        let report = &equal[&format!("public.{table}")];
        assert_eq!(report.verdict(Side::Source), TableVerdict::Equal, "{table}: {:?}", report.not_compared);
        assert_eq!(report.rows_source, if table == "by_int" { 120_021 } else { 120_000 }, "{table}: each row once");
        twin.target.execute(format!("DELETE FROM {table} WHERE v IN ('v1', 'v60001', 'v120000')")).await;
        twin.target.execute(format!("UPDATE {table} SET v = v || 'x' WHERE right(v, 4) = '7777'")).await;
    }
    let different = twin.compare(false).await;
    for table in tables {
        let report = &different[&format!("public.{table}")];
        let missing = report.findings.iter().filter(|f| f.kind == FindingKind::MissingOnTarget).count();
        let changed = report.findings.iter().filter(|f| f.kind == FindingKind::Different).count();
        let extra = report.findings.iter().filter(|f| f.kind == FindingKind::OnlyOnTarget).count();
        // 7777, 17777, …, 117777; without a key an update is a row that is gone and another that is new.
        let expected = if table == "by_none" { (15, 0, 12) } else { (3, 12, 0) };
        assert_eq!((missing, changed, extra), expected, "{table}: exactly what was planted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_other_types_on_the_other_side_are_matched_by_their_text() {
    let twin = Twin::start().await;
    twin.source.execute("CREATE TABLE typed (id bigint PRIMARY KEY, v text)").await;
    twin.target.execute("CREATE TABLE typed (id text PRIMARY KEY, v text)").await;
    twin.both("INSERT INTO typed SELECT g, 'v' || g FROM generate_series(1, 120000) g").await;
    twin.source.execute("ANALYZE typed").await;
    assert_eq!(
        twin.compare(false).await["public.typed"].verdict(Side::Source),
        TableVerdict::Equal,
        "9 and 10 sort otherwise as texts"
    );
    twin.target.execute("UPDATE typed SET v = 'x' WHERE id = '77777'; DELETE FROM typed WHERE id = '9'").await;
    let expected = [
        (FindingKind::Different, "77777".to_owned(), vec!["v".to_owned()]),
        (FindingKind::MissingOnTarget, "9".to_owned(), vec![]),
    ];
    assert_eq!(findings(&twin.compare(false).await["public.typed"]), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_write_elsewhere_hides_no_difference() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE TABLE busy (x int)").await;
    twin.target.execute("DELETE FROM t WHERE id = 2").await;
    let mut writer = twin.source.app().await;
    // It holds a transaction and works in it, for longer than anybody waits for a commit.
    let work = tokio::spawn(async move {
        sqlx::raw_sql("BEGIN; INSERT INTO busy VALUES (1); SELECT pg_sleep(60)").execute(&mut writer).await
    });
    let at_work = "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')";
    twin.source.until("the writer to be at work", &format!("SELECT {at_work}")).await;
    let found = findings(&twin.compare(false).await["public.t"]);
    assert_eq!(found, [(FindingKind::MissingOnTarget, "2".to_owned(), vec![])], "it is at work and not in its commit");
    twin.source.until("the writer still to be at work", &format!("SELECT {at_work}")).await;
    work.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_waits_for_ends_at_the_server() {
    let bed = Bed::start(Major::V15, &[]).await;
    bed.execute("CREATE TABLE slow (x int)").await;
    let db = bundle(bed.db.clone());
    let all = db.catalog.inventory(0).await.unwrap();
    let pairing = pair(&all, &all, |t| t.name == "slow", |base| db.rows.rendering(base, false));
    let relation = pairing.tables[0].source.clone();
    let mut locker = bed.app().await;
    // Blocked behind a lock, it waits as a long digest computes: without an answer.
    sqlx::raw_sql("BEGIN; LOCK TABLE slow").execute(&mut locker).await.unwrap();
    let rows = db.rows.clone();
    let reading = tokio::spawn(async move {
        let mut reader = rows.open().await.unwrap();
        reader.sum(&relation, &switchyard_engine::db::rows::Slice::Whole).await
    });
    let waits = "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%\"slow\" AS t%' AND wait_event_type = 'Lock')";
    bed.until("the reading to wait", &format!("SELECT {waits}")).await;
    reading.abort();
    bed.until("the server to end it", &format!("SELECT NOT {waits}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_target_shows_before_the_source_does_is_no_finding() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE early (id int PRIMARY KEY)").await;
    twin.source.server.execute("CREATE PUBLICATION early FOR TABLE early").await.unwrap();
    let from = twin.source.server.admin_url("shop");
    twin.target
        .server
        .execute(&format!("CREATE SUBSCRIPTION early CONNECTION '{from}' PUBLICATION early"))
        .await
        .unwrap();
    twin.source.execute("INSERT INTO early VALUES (1)").await;
    twin.target.until("the first row to arrive", "SELECT count(*) = 1 FROM early").await;

    // A commit waits for a synchronous standby after it was sent to subscribers and before its own server shows it.
    twin.source.server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await.unwrap();
    twin.source.server.execute("SELECT pg_reload_conf()").await.unwrap();
    twin.source.until("the setting", "SELECT current_setting('synchronous_standby_names') = 'nobody'").await;
    let mut writer = twin.source.app().await;
    let write = tokio::spawn(async move { sqlx::raw_sql("INSERT INTO early VALUES (2)").execute(&mut writer).await });
    twin.target.until("the second row to arrive", "SELECT count(*) = 2 FROM early").await;
    twin.source.until("the source not to show it", "SELECT count(*) = 1 FROM early").await;

    let stream = Settle::between(&twin.a, &twin.b, Duration::ZERO, Arc::new(SystemClock)).await.unwrap();
    let compare = twin.compare_with(&stream, false);
    let release = async {
        let waits = "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%FROM pg_locks l LEFT JOIN pg_stat_activity%' AND pid <> pg_backend_pid())";
        twin.source.until("the comparison to wait for the writer", &format!("SELECT {waits}")).await;
        twin.source.server.execute("ALTER SYSTEM RESET synchronous_standby_names").await.unwrap();
        twin.source.server.execute("SELECT pg_reload_conf()").await.unwrap();
    };
    let (tables, ()) = tokio::join!(compare, release);
    write.await.unwrap().unwrap();
    let early = &tables["public.early"];
    assert_eq!(
        early.verdict(Side::Source),
        TableVerdict::Equal,
        "a false alarm would stop a cutover for nothing: {early:?}"
    );
    assert_eq!(early.in_flight, 1, "it was looked at again, so this is the case that was meant");
}
