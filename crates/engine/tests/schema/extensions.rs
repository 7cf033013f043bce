//! Extensions, which not every server brings.

use switchyard_rig::Major;

use crate::bed::{Bed, named};

/// The fact that differs, and what is done on the target, where `hstore` 1.8 is in `public`.
const CASES: [(&str, &str); 3] = [
    ("missing", "DROP EXTENSION hstore"),
    ("version", "DROP EXTENSION hstore; CREATE EXTENSION hstore SCHEMA public VERSION '1.7'"),
    ("schema", "ALTER EXTENSION hstore SET SCHEMA elsewhere"),
];

#[tokio::test(flavor = "multi_thread")]
async fn extensions_are_found_and_mended() {
    let Some(bed) = Bed::start_empty(Major::V15).await else { return };
    let make = "CREATE SCHEMA elsewhere; CREATE EXTENSION hstore SCHEMA public VERSION '1.8'";
    if bed.target_runs(make).await.is_err() {
        println!("SKIPPED: this server has no hstore");
        return;
    }
    bed.source_runs(make).await;
    for (what, change) in CASES {
        bed.target_runs(change).await.unwrap();
        let found = bed.difference().await;
        let [row] = found.as_slice() else { panic!("{what}: one difference was expected: {}", named(&found)) };
        assert_eq!((row.kind.word(), row.object.as_str(), row.what.as_str()), ("extension", "hstore", what));
        bed.target_runs(row.sql.as_deref().unwrap()).await.unwrap();
        let left = bed.difference().await;
        assert!(left.is_empty(), "{what}: its functions and types are not told: {}", named(&left));
    }
    bed.target_runs("CREATE EXTENSION pg_trgm").await.unwrap();
    let found = bed.difference().await;
    assert_eq!(found.len(), 1, "only the extension, not what it holds: {}", named(&found));
    bed.target_runs(found[0].sql.as_deref().unwrap()).await.unwrap();
    assert!(bed.difference().await.is_empty(), "and it goes again");
}
