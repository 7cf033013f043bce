//! How long 1 500 tables take. Figures, not assertions: `make bench-schema` prints them.

use std::time::Instant;

use switchyard_engine::db::schema::Extent;
use switchyard_model::{Side, schema::difference};
use switchyard_rig::Major;

use crate::bed::{Bed, connect_as};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure, for a quiet machine and a release build"]
async fn figures_of_1500_tables() {
    for major in [Major::V15, Major::V18] {
        let Some(bed) = Bed::start(major, include_str!("large.sql")).await else { continue };
        bed.target_runs("ANALYZE").await.unwrap();
        let database = connect_as(bed.target(), Side::Target, &bed.target().logins.switchyard).await;
        for extent in [Extent::Definitions, Extent::WithSizes] {
            let mut times = Vec::new();
            for _ in 0..5 {
                let began = Instant::now();
                let read = database.schemas.schema(extent).await.unwrap();
                times.push(began.elapsed().as_millis());
                assert!(read.tables.len() >= 1500 && read.columns.len() >= 12_000, "{}", read.tables.len());
            }
            println!("{major:?}: reading {extent:?}: {times:?} ms");
        }
        let there = database.schemas.schema(Extent::Definitions).await.unwrap();
        let mut here = there.clone();
        for name in ["equal", "every tenth column and index differs", "nothing on the target"] {
            let against = match name {
                "nothing on the target" => Default::default(),
                _ => there.clone(),
            };
            let began = Instant::now();
            let found = difference(&here, &against);
            println!(
                "{major:?}: difference, {name}: {} rows in {} ms",
                found.differences.len(),
                began.elapsed().as_millis()
            );
            for (n, column) in here.columns.iter_mut().enumerate().filter(|(n, _)| n % 10 == 0) {
                column.sql_type = format!("varchar({n})");
            }
            for (n, index) in here.indexes.iter_mut().enumerate().filter(|(n, _)| n % 10 == 0) {
                index.definition.push_str(&format!(" WHERE id > {n}"));
            }
        }
    }
}
