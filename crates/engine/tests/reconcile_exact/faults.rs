//! Tables that change, break or are slower than they look while they are compared.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use switchyard_engine::db::connect::{Login, bundle, connect_postgres};
use switchyard_engine::{
    Result,
    db::{
        Database,
        rows::{CellValue, Division, Extent, Relation, Rendering, RowReader, RowSum, Rows, Slice, Sum},
    },
    secret::Secret,
};
use switchyard_model::{
    Side,
    reconcile::{Key, TableVerdict},
};
use switchyard_rig::{Major, Server};

use crate::{
    postgres_server::endpoint,
    reconcile_pair::{Twin, by_name, different, findings, missing, run},
};

/// Runs statements on the server before the `nth` sum is read.
struct Meddling {
    rows: Arc<dyn Rows>,
    server: String,
    nth: usize,
    sql: &'static str,
    seen: Arc<AtomicUsize>,
}

struct Meddler {
    reader: Box<dyn RowReader>,
    server: String,
    nth: usize,
    sql: &'static str,
    seen: Arc<AtomicUsize>,
}

fn meddling(database: &Database, server: &Server, nth: usize, sql: &'static str) -> Database {
    let server = server.admin_url("shop");
    let rows = Meddling { rows: database.rows.clone(), server, nth, sql, seen: Arc::default() };
    Database { rows: Arc::new(rows), ..database.clone() }
}

#[async_trait::async_trait]
impl Rows for Meddling {
    fn rendering(&self, base_type: &str, exact: bool) -> Rendering {
        self.rows.rendering(base_type, exact)
    }
    async fn open(&self) -> Result<Box<dyn RowReader>> {
        let (server, nth, sql, seen) = (self.server.clone(), self.nth, self.sql, self.seen.clone());
        Ok(Box::new(Meddler { reader: self.rows.open().await?, server, nth, sql, seen }))
    }
}

#[async_trait::async_trait]
impl RowReader for Meddler {
    fn label(&self) -> &str {
        self.reader.label()
    }
    async fn constant(&mut self, base_type: &str, rendering: Rendering) -> Result<Option<i64>> {
        self.reader.constant(base_type, rendering).await
    }
    async fn extent(&mut self, relation: &Relation) -> Result<Extent> {
        self.reader.extent(relation).await
    }
    async fn key_bounds(&mut self, relation: &Relation) -> Result<Option<(Key, Key)>> {
        self.reader.key_bounds(relation).await
    }
    async fn boundary(&mut self, relation: &Relation, after: Option<&Key>, rows: i64) -> Result<Option<Key>> {
        self.reader.boundary(relation, after, rows).await
    }
    async fn sum(&mut self, relation: &Relation, slice: &Slice) -> Result<Sum> {
        if relation.name.name == "t" && self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.nth {
            let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&self.server).await.unwrap();
            sqlx::raw_sql(self.sql).execute(&mut connection).await.unwrap();
        }
        self.reader.sum(relation, slice).await
    }
    async fn buckets(&mut self, relation: &Relation, slice: &Slice, by: Division) -> Result<Vec<(i64, Sum)>> {
        self.reader.buckets(relation, slice, by).await
    }
    async fn rows_in(
        &mut self,
        relation: &Relation,
        slice: &Slice,
        by: Division,
        buckets: &[i64],
    ) -> Result<Vec<RowSum>> {
        self.reader.rows_in(relation, slice, by, buckets).await
    }
    async fn rows(&mut self, relation: &Relation, keys: &[Key]) -> Result<Vec<RowSum>> {
        self.reader.rows(relation, keys).await
    }
    async fn values(&mut self, relation: &Relation, slice: &Slice, keys: &[Key]) -> Result<Vec<(Key, Vec<CellValue>)>> {
        self.reader.values(relation, slice, keys).await
    }
    async fn writers_ended(&mut self) -> Result<bool> {
        self.reader.writers_ended().await
    }
    async fn close(self: Box<Self>) {
        self.reader.close().await;
    }
}

/// `t` in several slices, with two differences, beside a table that nothing happens to.
async fn twin() -> Twin {
    let twin = Twin::start(Major::best()).await;
    twin.both(
        "CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 200000) g;
         CREATE TABLE beside (id int PRIMARY KEY); INSERT INTO beside VALUES (1), (2); ANALYZE",
    )
    .await;
    twin.target
        .execute("UPDATE t SET v = 'x' WHERE id = 199999; DELETE FROM t WHERE id = 3; DELETE FROM beside WHERE id = 2")
        .await;
    twin
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_dropped_or_altered_under_the_pass_is_a_sentence() {
    let changes = [
        "DROP TABLE public.t",
        "ALTER TABLE public.t RENAME TO gone",
        "ALTER TABLE public.t DROP COLUMN v",
        "ALTER TABLE public.t RENAME COLUMN id TO number",
        "ALTER TABLE public.t ALTER COLUMN v TYPE int USING length(v)",
        "CREATE SCHEMA IF NOT EXISTS away; ALTER TABLE public.t SET SCHEMA away; DROP SCHEMA away CASCADE",
    ];
    let twin = twin().await;
    for (i, change) in changes.iter().enumerate() {
        let fill = "DROP TABLE IF EXISTS t, gone; CREATE TABLE t (id bigint PRIMARY KEY, v text); \
                    INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 200000) g; ANALYZE t";
        twin.both(fill).await;
        let (a, b) = if i % 2 == 0 {
            (meddling(&twin.a, &twin.source.server, 2, change), twin.b.clone())
        } else {
            (twin.a.clone(), meddling(&twin.b, &twin.target.server, 2, change))
        };
        let reports = by_name(run(&a, &b, false).await.unwrap());
        let t = &reports["public.t"];
        assert_eq!(t.verdict(Side::Source), TableVerdict::NotCompared, "{change}: nothing is proven of it: {t:?}");
        let why = &t.not_compared[0].reason;
        assert!(why.contains("changed or dropped while it was compared: start the pass again"), "{change}: {why}");
        assert_eq!(findings(&reports["public.beside"]), [missing("2")], "{change}: the other tables are compared");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_keeps_its_rows_under_the_pass_is_compared() {
    for change in [
        "ALTER TABLE public.t ADD COLUMN more int DEFAULT 1",
        "ALTER TABLE public.t ALTER COLUMN id TYPE numeric",
        "VACUUM FULL public.t",
        "DROP INDEX IF EXISTS none; ALTER TABLE public.t DROP CONSTRAINT t_pkey",
    ] {
        let twin = twin().await;
        let b = meddling(&twin.b, &twin.target.server, 2, change);
        let reports = by_name(run(&twin.a, &b, false).await.unwrap());
        let t = &reports["public.t"];
        assert_eq!(findings(t), [different("199999", &["v"]), missing("3")], "{change}");
    }
}

/// A value whose text takes a millisecond to make, as long as `flag` holds a row.
const SLOW: &str = "
    CREATE TYPE sloth AS ENUM ('a', 'b'); CREATE TABLE flag (id int PRIMARY KEY); INSERT INTO flag VALUES (1);
    CREATE FUNCTION slowly(s sloth) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM public.flag) THEN PERFORM pg_catalog.pg_sleep(0.001); END IF;
            RETURN CASE s WHEN 'a' THEN 'a' ELSE 'b' END;
        END $$;
    CREATE CAST (sloth AS text) WITH FUNCTION slowly(sloth);";

async fn slow_twin(tables: &[&str], rows: u32) -> Twin {
    let twin = Twin::start(Major::V15).await;
    twin.both(SLOW).await;
    for (i, table) in tables.iter().enumerate() {
        let key = if i == 0 { "PRIMARY KEY" } else { "" };
        twin.both(&format!(
            "CREATE TABLE {table} (id int {key}, v sloth); INSERT INTO {table} SELECT g, 'a' FROM generate_series(1, {rows}) g"
        ))
        .await;
        let spoil = format!("UPDATE {table} SET v = 'b' WHERE id = 7; DELETE FROM {table} WHERE id = {}", rows - 1);
        twin.target.execute(spoil).await;
    }
    twin
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_too_slow_for_one_slice_is_divided() {
    // More than the limit of a statement on each side, though it looks small.
    let twin = slow_twin(&["slow", "slow_bag"], 6_000).await;
    let began = Instant::now();
    let quicken = async {
        for side in [&twin.source, &twin.target] {
            let pages = "query LIKE '%ctid >=%' AND state = 'active' AND pid <> pg_backend_pid()";
            side.until("pages to be read", &format!("SELECT count(*) = 2 FROM pg_stat_activity WHERE {pages}")).await;
        }
        let took = began.elapsed().as_secs_f64();
        twin.both("DELETE FROM flag").await;
        took
    };
    let (reports, took) = tokio::join!(twin.compare(false), quicken);
    assert!(took > 4.5, "else the limit was not reached and this proves nothing: {took} s");
    assert_eq!(findings(&reports["public.slow"]), [missing("5999"), different("7", &["v"])]);
    let bag: Vec<_> = findings(&reports["public.slow_bag"]).into_iter().map(|f| f.1).collect();
    assert_eq!(bag, ["5999|a", "7|a", "7|b"], "nor does one without a key end without a verdict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_in_the_middle_of_a_slice_is_made_again() {
    let twin = slow_twin(&["slow"], 800).await;
    let reading = "FROM pg_stat_activity WHERE query LIKE 'SELECT count(*)%\"slow\" AS t%' AND state = 'active' AND pid <> pg_backend_pid()";
    let cut = async {
        for side in [&twin.source, &twin.target] {
            // True once there was one to end.
            side.until(
                "a slice to be read",
                &format!("SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) {reading}"),
            )
            .await;
        }
    };
    let (reports, ()) = tokio::join!(twin.compare(false), cut);
    assert_eq!(
        findings(&reports["public.slow"]),
        [different("7", &["v"]), missing("799")],
        "each row once, none forgotten"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_policy_hides_are_not_taken_for_equal() {
    let twin = Twin::start(Major::V15).await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); GRANT SELECT ON t TO PUBLIC").await;
    twin.both("ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY first ON t USING (id = 1)").await;
    twin.target.execute("DELETE FROM t WHERE id = 2").await;
    let side = async |server: &Server, side| {
        let login = &server.logins.limited;
        let password = Secret::new(login.password.clone());
        let mut endpoint = endpoint(server, "shop");
        endpoint.user = login.user.clone();
        bundle(connect_postgres(side, Login { endpoint: &endpoint, password: Some(&password) }, 4).await.unwrap())
    };
    let (a, b) = (side(&twin.source.server, Side::Source).await, side(&twin.target.server, Side::Target).await);
    let reports = by_name(run(&a, &b, false).await.unwrap());
    let t = &reports["public.t"];
    assert_eq!(
        t.verdict(Side::Source),
        TableVerdict::NotCompared,
        "the row that only the source holds is not seen: {t:?}"
    );
    assert!(t.not_compared[0].reason.contains("row-level security"), "it says why: {:?}", t.not_compared);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_settings_change_no_text() {
    let twin = Twin::start(Major::V15).await;
    twin.both(
        "CREATE TABLE t (id int PRIMARY KEY, m money, f float8, i interval, b bytea, ts timestamptz, d date, c regclass, x text);
         INSERT INTO t VALUES (1, 12.3, 0.1, '-1 mon 2 days', '\\x00ff', '2026-01-02', '2026-01-02', 't', 'a\\b')",
    )
    .await;
    for set in [
        "lc_monetary = 'C.UTF-8'",
        "extra_float_digits = 0",
        "IntervalStyle = 'sql_standard'",
        "bytea_output = 'escape'",
        "TimeZone = 'Asia/Kolkata'",
        "DateStyle = 'German'",
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "search_path = public",
        "row_security = off",
        "default_transaction_isolation = 'serializable'",
        "jit_above_cost = 0",
    ] {
        twin.target.server.execute(&format!("ALTER DATABASE shop SET {set}")).await.unwrap();
    }
    // Sessions that were open keep what they began with.
    let b = bundle(crate::postgres_server::connect(&twin.target.server, Side::Target, "shop").await);
    let reports = by_name(run(&twin.a, &b, true).await.unwrap());
    assert_eq!(findings(&reports["public.t"]), [], "both sides write alike");
}
