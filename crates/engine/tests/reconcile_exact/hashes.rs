//! Servers whose hash functions disagree: a session that lies about constants stands for one. Findings stay exact, and the
//! report says what was compared in another way.

use std::sync::Arc;

use switchyard_engine::{
    Result,
    db::{
        Database,
        connect::bundle,
        rows::{CellValue, Division, Extent, Relation, Rendering, RowReader, RowSum, Rows, Slice, Sum, Way},
    },
    error::Kind,
};
use switchyard_model::{Side, reconcile::Key};
use switchyard_rig::Major;

use crate::{
    postgres_server::connect,
    reconcile_pair::{Twin, by_name, different, extra, findings, missing, run},
};

/// Whether the hash of this type, this way, is to differ.
type Lie = fn(&str, Way) -> bool;

struct LyingRows(Arc<dyn Rows>, Lie);

struct Liar(Box<dyn RowReader>, Lie);

fn lying(database: &Database, lie: Lie) -> Database {
    Database { rows: Arc::new(LyingRows(database.rows.clone(), lie)), ..database.clone() }
}

#[async_trait::async_trait]
impl Rows for LyingRows {
    fn rendering(&self, base_type: &str, exact: bool) -> Rendering {
        self.0.rendering(base_type, exact)
    }
    async fn open(&self) -> Result<Box<dyn RowReader>> {
        Ok(Box::new(Liar(self.0.open().await?, self.1)))
    }
}

#[async_trait::async_trait]
impl RowReader for Liar {
    fn label(&self) -> &str {
        self.0.label()
    }
    async fn constant(&mut self, base_type: &str, rendering: Rendering) -> Result<Option<i64>> {
        let truth = self.0.constant(base_type, rendering).await?;
        Ok(truth.map(|hash| if (self.1)(base_type, rendering.way) { !hash } else { hash }))
    }
    async fn extent(&mut self, relation: &Relation) -> Result<Extent> {
        self.0.extent(relation).await
    }
    async fn key_bounds(&mut self, relation: &Relation) -> Result<Option<(Key, Key)>> {
        self.0.key_bounds(relation).await
    }
    async fn boundary(&mut self, relation: &Relation, after: Option<&Key>, rows: i64) -> Result<Option<Key>> {
        self.0.boundary(relation, after, rows).await
    }
    async fn sum(&mut self, relation: &Relation, slice: &Slice) -> Result<Sum> {
        self.0.sum(relation, slice).await
    }
    async fn buckets(&mut self, relation: &Relation, slice: &Slice, by: Division) -> Result<Vec<(i64, Sum)>> {
        self.0.buckets(relation, slice, by).await
    }
    async fn rows_in(
        &mut self,
        relation: &Relation,
        slice: &Slice,
        by: Division,
        buckets: &[i64],
    ) -> Result<Vec<RowSum>> {
        self.0.rows_in(relation, slice, by, buckets).await
    }
    async fn rows(&mut self, relation: &Relation, keys: &[Key]) -> Result<Vec<RowSum>> {
        self.0.rows(relation, keys).await
    }
    async fn values(&mut self, relation: &Relation, slice: &Slice, keys: &[Key]) -> Result<Vec<(Key, Vec<CellValue>)>> {
        self.0.values(relation, slice, keys).await
    }
    async fn writers_ended(&mut self) -> Result<bool> {
        self.0.writers_ended().await
    }
    async fn close(self: Box<Self>) {
        self.0.close().await;
    }
}

/// More columns than a function takes arguments, of types with each way of hashing; small, and large enough to be walked.
async fn twin() -> Twin {
    let twin = Twin::start(Major::best()).await;
    let many: String = (0..120).map(|i| format!(", c{i} int DEFAULT {i}")).collect();
    twin.both(&format!(
        "CREATE TYPE mood AS ENUM ('sad', 'ok');
         CREATE TABLE wide (id int PRIMARY KEY, n numeric, f float8, t text, j jsonb, e mood, b bytea, ts timestamptz {many});
         INSERT INTO wide SELECT g, g + 0.5, g, 'Größe ' || g, '{{\"a\": 1}}', 'ok', '\\x00', '2026-01-01' FROM generate_series(1, 300) g;
         CREATE TABLE large (id bigint PRIMARY KEY, n numeric); INSERT INTO large SELECT g, g FROM generate_series(1, 60000) g;
         CREATE TABLE bag (n numeric, t text); INSERT INTO bag SELECT g / 2, 'x' FROM generate_series(1, 9) g;"
    ))
    .await;
    twin.source.execute("ANALYZE").await;
    twin.target
        .execute(
            "UPDATE wide SET n = n * 1.00, f = f + '-0', j = '{\"a\": 1.0}'; UPDATE bag SET n = n * 1.0;
             UPDATE wide SET n = -n WHERE id = 1; UPDATE wide SET f = -f WHERE id = 2; UPDATE wide SET t = t || ' ' WHERE id = 3;
             UPDATE wide SET j = '{\"a\": -1}' WHERE id = 4; UPDATE wide SET e = 'sad' WHERE id = 5; UPDATE wide SET b = '' WHERE id = 6;
             UPDATE wide SET ts = NULL WHERE id = 7; UPDATE wide SET c119 = NULL WHERE id = 8; DELETE FROM wide WHERE id = 9;
             UPDATE large SET n = CASE id WHEN 4 THEN 5 ELSE 4 END WHERE id IN (4, 5); DELETE FROM large WHERE id = 59999;
             DELETE FROM bag WHERE n = 4",
        )
        .await;
    twin
}

/// The findings that [`twin`] planted, whatever is hashed how; and the notes.
async fn exact(twin: &Twin, lie: Lie) -> Vec<String> {
    let outcome = run(&twin.a, &lying(&twin.b, lie), false).await.unwrap();
    let notes = outcome.hashes.clone();
    let reports = by_name(outcome);
    let mut expected = vec![missing("9")];
    let columns = ["n", "f", "t", "j", "e", "b", "ts", "c119"];
    expected.extend(columns.iter().enumerate().map(|(i, c)| different(&(i + 1).to_string(), &[*c])));
    expected.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(findings(&reports["public.wide"]), expected, "{notes:?}");
    let large = [different("4", &["n"]), different("5", &["n"]), missing("59999")];
    assert_eq!(findings(&reports["public.large"]), large, "{notes:?}");
    let bag = &reports["public.bag"];
    assert_eq!((findings(bag), bag.findings[0].rows_source), (vec![missing("4|x")], 2), "{notes:?}");
    notes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_hashes_differently_is_compared_in_another_way() {
    let twin = twin().await;
    assert_eq!(exact(&twin, |_, _| false).await, Vec::<String>::new(), "nothing to say of servers that agree");
    let notes = exact(&twin, |base, way| base == "numeric" && way == Way::Native).await;
    assert_eq!(notes, ["numeric: the servers hash it differently, so it was compared by the hash of its text"]);
    let notes = exact(&twin, |base, way| base == "int4" && way == Way::Native).await;
    assert_eq!(notes.len(), 1, "a key, too: {notes:?}");
    let notes = exact(&twin, |base, way| base == "text" && matches!(way, Way::Bytes | Way::Text)).await;
    assert_eq!(notes, ["text: the servers hash it differently, so it was compared by the hash of its text in UTF-8"]);
    let notes = exact(&twin, |base, way| base == "float8" && way != Way::Md5).await;
    assert_eq!(notes, ["float8: the servers hash it differently, so it was compared by the MD5 of its text in UTF-8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_hash_function_agrees_everything_goes_through_md5() {
    let twin = twin().await;
    let notes = exact(&twin, |_, way| way != Way::Md5).await;
    assert_eq!(notes.len(), 9, "each type in use is named: {notes:?}");
    assert!(notes.iter().all(|n| n.ends_with("compared by the MD5 of its text in UTF-8")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_without_a_common_hash_are_not_compared() {
    let twin = Twin::start(Major::V15).await;
    twin.both("CREATE TABLE t (id int PRIMARY KEY)").await;
    let error = run(&twin.a, &lying(&twin.b, |_, _| true), false).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unsuitable);
    assert!(error.sentence().contains("int4"), "it says what stands in the way: {}", error.sentence());
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_different_encodings_are_compared_by_their_characters() {
    let twin = Twin::start(Major::best()).await;
    let create = "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    twin.source.server.execute(create).await.unwrap();
    let table = "CREATE TABLE public.t (id text PRIMARY KEY, v text, a text[], n int); GRANT ALL ON public.t TO PUBLIC";
    let fill = "INSERT INTO public.t SELECT 'ä' || g, 'Größe', ARRAY['ß', NULL], g FROM generate_series(1, 3) g";
    let mut latin = twin.source.server.connect("latin").await.unwrap();
    sqlx::raw_sql(table).execute(&mut latin).await.unwrap();
    sqlx::raw_sql(fill).execute(&mut latin).await.unwrap();
    twin.target.execute(format!("{table}; {fill}")).await;
    let a = bundle(connect(&twin.source.server, Side::Source, "latin").await);
    let outcome = run(&a, &twin.b, false).await.unwrap();
    assert!(outcome.hashes.iter().any(|n| n.starts_with("text: ") && n.ends_with("in UTF-8")), "{:?}", outcome.hashes);
    assert_eq!(findings(&by_name(outcome)["public.t"]), [], "the same characters in other bytes");
    // One letter, and a key that the source's encoding cannot hold.
    twin.target.execute("UPDATE t SET v = 'Grösse' WHERE n = 2; INSERT INTO t VALUES ('≠', 'x')").await;
    let reports = by_name(run(&a, &twin.b, false).await.unwrap());
    assert_eq!(findings(&reports["public.t"]), [different("ä2", &["v"]), extra("≠")]);
}
