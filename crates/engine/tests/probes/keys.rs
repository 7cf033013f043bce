//! Keys of all kinds, in tables of awkward names: each is found again through its index.

use switchyard_engine::db::probes::Answer;
use switchyard_model::ident::{TableName, quote};

use super::{bed::Reads, postgres_server::awkward_names};

/// Columns of a key, and rows for them.
const KINDS: [(&str, &str); 11] = [
    ("id bigint PRIMARY KEY", "n"),
    ("id text PRIMARY KEY", "'It''s ' || n"),
    ("id varchar(20) PRIMARY KEY", "'v' || n"),
    ("id char(9) PRIMARY KEY", "'c' || n"),
    ("id uuid PRIMARY KEY", "md5(n::text)::uuid"),
    ("id numeric PRIMARY KEY", "n / 7.0"),
    ("id timestamptz PRIMARY KEY", "timestamptz '2026-03-29 01:59:59.999999+01' + n * interval '1 hour'"),
    ("id bytea PRIMARY KEY", "decode(md5(n::text), 'hex')"),
    ("id mood PRIMARY KEY", "CASE n % 2 WHEN 0 THEN 'fine' ELSE 'so so' END::mood"),
    ("id zip PRIMARY KEY", "'z' || n"),
    ("a int, b text, PRIMARY KEY (b, a)", "n, 'b' || n % 3"),
];

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_kind_are_drawn_and_found_through_their_index() {
    let reads = Reads::start().await;
    reads.source.execute("CREATE TYPE mood AS ENUM ('fine', 'so so'); CREATE DOMAIN zip AS text").await;
    let mut tables = Vec::new();
    for (n, (columns, values)) in KINDS.iter().enumerate() {
        let table = TableName::new("public", format!("Kind {n}"));
        // Enough rows that the planner takes the index, where there are so many values.
        let fill = format!(
            "CREATE TABLE {table} ({columns}); INSERT INTO {table} SELECT {values} FROM generate_series(1, 3000) n \
             ON CONFLICT DO NOTHING; ANALYZE {table}"
        );
        reads.source.execute(fill).await;
        tables.push(table);
    }
    reads.source.execute("CREATE SCHEMA \"My Schema\"").await;
    for table in awkward_names() {
        let column = quote("Key \"of\" it");
        let fill = format!(
            "CREATE TABLE {table} ({column} int PRIMARY KEY); INSERT INTO {table} SELECT generate_series(1, 3000); ANALYZE {table}"
        );
        reads.source.execute(fill).await;
        tables.push(table);
    }
    let mut reader = reads.a.probes.reader().await.unwrap();
    let readable = reader.readable(&tables).await.unwrap();
    assert_eq!(readable.len(), tables.len(), "all are tables with rows of their own");
    for table in &readable {
        let keys = reader.keys(table, 8).await.unwrap();
        assert!(!keys.is_empty(), "{} has rows", table.table);
        for key in &keys {
            let (answer, took) = reader.read(table, key).await.unwrap();
            assert_eq!(answer, Answer::Found, "{} {key:?}", table.table);
            assert!(!took.is_zero());
        }
    }
    // A session writes its statistics down when it ends.
    drop(reader);
    // In the table of two rows a scan of its one page is the better plan.
    let unused = "SELECT count(*) = 0 FROM pg_stat_user_tables WHERE coalesce(idx_scan, 0) = 0 AND relname <> 'Kind 8'";
    reads.source.until("the index of every table to have been used", unused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_has_a_key_first_rows_are_read() {
    let reads = Reads::start().await;
    reads
        .both("CREATE TABLE log (line text); INSERT INTO log VALUES ('x'); CREATE TABLE none (id int PRIMARY KEY)")
        .await;
    let mut session = reads.session(&["log", "none"]).await;
    session.round(&switchyard_model::limits::Limits::demo()).await.unwrap();
    let judged = session.latency(&switchyard_model::limits::Limits::demo());
    assert!(judged.verdict.opens(), "there is no key, and a read all the same: {}", judged.verdict.sentence());
}
