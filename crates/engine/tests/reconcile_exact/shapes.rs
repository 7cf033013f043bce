//! Tables whose shape is not the same on both sides.

use switchyard_model::{Side, reconcile::TableVerdict};
use switchyard_rig::Major;

use crate::reconcile_pair::{Twin, different, extra, findings, missing};

/// Rows 1–29 of `$t`, each with a value.
const FILL: &str = "INSERT INTO $t (id, v) SELECT g, 'v' || g FROM generate_series(1, 29) g;";
const SPOIL: &str =
    "UPDATE $t SET v = 'x' WHERE id = 5; DELETE FROM $t WHERE id = 15; INSERT INTO $t (id, v) VALUES (30, 'new');";

fn parts(table: &str, bounds: &[i32]) -> String {
    let part = |w: &[i32]| {
        format!("CREATE TABLE {table}_{0} PARTITION OF {table} FOR VALUES FROM ({0}) TO ({1});", w[0], w[1])
    };
    let parts: String = bounds.windows(2).map(part).collect();
    format!("CREATE TABLE {table} (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); {parts}")
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_of_every_shape_hold_the_same_rows() {
    let twin = Twin::start(Major::best()).await;
    let plain = |t: &str| format!("CREATE TABLE {t} (v text, id int PRIMARY KEY);");
    let nested = "CREATE TABLE nested (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
         CREATE TABLE nested_a PARTITION OF nested FOR VALUES FROM (0) TO (20) PARTITION BY HASH (id);
         CREATE TABLE nested_a0 PARTITION OF nested_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE nested_a1 PARTITION OF nested_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         CREATE TABLE nested_b PARTITION OF nested DEFAULT;";
    let bag = |t: &str| {
        format!(
            "CREATE TABLE {t} (id int, v text) PARTITION BY LIST (id); CREATE TABLE {t}_d PARTITION OF {t} DEFAULT;"
        )
    };
    // One whose columns were dropped and added: a partition may have them in another order than its root.
    let turned = "CREATE TABLE turned (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
         CREATE TABLE turned_0 (gone int, v text, id int NOT NULL); ALTER TABLE turned_0 DROP COLUMN gone;
         ALTER TABLE turned ATTACH PARTITION turned_0 FOR VALUES FROM (0) TO (100);";
    let here = [
        parts("to_plain", &[0, 10, 20, 40]),
        plain("to_parts"),
        parts("same", &[0, 10, 20, 40]),
        parts("other", &[0, 10, 20, 40]),
        nested.to_owned(),
        bag("bag"),
        "CREATE TABLE bag_plain (id int, v text);".to_owned(),
        turned.to_owned(),
        parts("hollow", &[]),
    ];
    let there = [
        plain("to_plain"),
        parts("to_parts", &[0, 10, 20, 40]),
        parts("same", &[0, 10, 20, 40]),
        parts("other", &[0, 15, 40]),
        nested.to_owned(),
        bag("bag"),
        bag("bag_plain"),
        turned.to_owned(),
        parts("hollow", &[]),
    ];
    let keyed = ["to_plain", "to_parts", "same", "other", "nested", "turned"];
    let bags = ["bag", "bag_plain"];
    let each = |what: &str| keyed.iter().chain(&bags).map(|t| what.replace("$t", t)).collect::<String>();
    tokio::join!(twin.source.execute(here.concat() + &each(FILL)), twin.target.execute(there.concat() + &each(FILL)));
    let equal = twin.compare(false).await;
    for report in equal.values() {
        assert_eq!(report.verdict(Side::Source), TableVerdict::Equal, "{}: {:?}", report.table.plain(), report);
    }
    assert!(equal.contains_key("public.hollow"), "a partitioned table without partitions is accounted for");
    let rows =
        |name: &str| equal.values().filter(|r| r.table.name.starts_with(name)).map(|r| r.rows_target).sum::<i64>();
    for table in keyed {
        assert_eq!(rows(table), 29, "{table}: each row once, in whatever part it is");
    }
    twin.target.execute(each(SPOIL)).await;
    let reports = twin.compare(false).await;
    let all = |name: &str| {
        let mut all: Vec<_> = reports
            .values()
            .filter(|r| r.table.name == name || r.table.name.starts_with(&format!("{name}_")))
            .flat_map(findings)
            .collect();
        all.sort_by(|a, b| a.1.cmp(&b.1));
        all
    };
    for table in keyed {
        assert_eq!(all(table), [missing("15"), extra("30"), different("5", &["v"])], "{table}");
    }
    let gone = [missing("15|v15"), extra("30|new"), missing("5|v5"), extra("5|x")];
    assert_eq!(findings(&reports["public.bag"]), gone);
    assert_eq!(findings(&reports["public.bag_plain"]), gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_in_another_order_more_of_them_and_of_other_types() {
    let twin = Twin::start(Major::best()).await;
    twin.source
        .execute(
            "CREATE TABLE t (id int PRIMARY KEY, a int, b numeric(8,2), c varchar(9), d float4, e char(4), f timestamptz, g int[]);
             INSERT INTO t SELECT g, g, g / 4.0, 'c' || g, g, 'e', '2026-01-01', ARRAY[g] FROM generate_series(1, 20) g",
        )
        .await;
    twin.target
        .execute(
            "CREATE TABLE t (more text DEFAULT 'm', g int8[], f timestamptz, e char(9), d float4, c text, b numeric, a int8, id bigint PRIMARY KEY);
             INSERT INTO t (id, a, b, c, d, e, f, g) SELECT g, g, g / 4.0, 'c' || g, g, 'e', '2026-01-01', ARRAY[g] FROM generate_series(1, 20) g",
        )
        .await;
    let report = &twin.compare(false).await["public.t"];
    assert_eq!(
        report.verdict(Side::Source),
        TableVerdict::Equal,
        "the same values in wider types: {:?}",
        report.findings
    );
    let left_out: Vec<_> = report.not_compared.iter().map(|n| n.column.as_deref()).collect();
    assert_eq!(left_out, [Some("more")], "what only the target has is said");
    let columns =
        ["a = a + 4294967296", "b = -b", "c = c || ' '", "d = -d", "e = 'E'", "f = f + interval '1 us'", "g = g || 0"];
    for (i, change) in columns.iter().enumerate() {
        twin.target.execute(format!("UPDATE t SET {change} WHERE id = {}", i + 11)).await;
    }
    let expected: Vec<_> =
        columns.iter().enumerate().map(|(i, c)| different(&(i + 11).to_string(), &[&c[..1]])).collect();
    assert_eq!(findings(&twin.compare(false).await["public.t"]), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_columns_are_compared_like_others() {
    let twin = Twin::start(Major::best()).await;
    let make = |double: &str, kind: &str| {
        format!(
            "CREATE TABLE t (id int PRIMARY KEY, v int, w int GENERATED ALWAYS AS ({double}) {kind}); INSERT INTO t SELECT g, g FROM generate_series(1, 9) g"
        )
    };
    twin.source.execute(make("v * 2", "STORED")).await;
    // Where the server can, the target computes them when they are read.
    let kind = if twin.target.server.version.starts_with("18") { "VIRTUAL" } else { "STORED" };
    twin.target.execute(make("v * 2 + (v = 7)::int", kind)).await;
    assert_eq!(
        findings(&twin.compare(false).await["public.t"]),
        [different("7", &["w"])],
        "another expression, another value"
    );
    twin.target.execute("UPDATE t SET v = 10 WHERE id = 8").await;
    assert_eq!(findings(&twin.compare(false).await["public.t"]), [different("7", &["w"]), different("8", &["v", "w"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_as_many_columns_as_there_can_be() {
    let twin = Twin::start(Major::best()).await;
    // 1600 is the limit; a row of so many texts would not fit a page.
    let columns: Vec<String> =
        (0..1600).map(|i| format!("c{i} {}", ["int2", "bool", "numeric", "text", "int8"][i % 5])).collect();
    twin.both(&format!("CREATE TABLE widest ({}, PRIMARY KEY (c0)); INSERT INTO widest (c0, c1, c2) SELECT g, true, g FROM generate_series(1, 9) g", columns.join(", "))).await;
    assert_eq!(findings(&twin.compare(false).await["public.widest"]), []);
    twin.target.execute("UPDATE widest SET c1599 = 1 WHERE c0 = 4; UPDATE widest SET c802 = 0 WHERE c0 = 5").await;
    let expected = [different("4", &["c1599"]), different("5", &["c802"])];
    assert_eq!(findings(&twin.compare(false).await["public.widest"]), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_each_side_keeps_in_another_partition_is_the_same_row() {
    let twin = Twin::start(Major::best()).await;
    // The bounds differ, and the names of the parts do not.
    let make = |middle: i32| {
        format!(
            "CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
             CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO ({middle});
             CREATE TABLE high PARTITION OF t FOR VALUES FROM ({middle}) TO (100); {}",
            FILL.replace("$t", "t")
        )
    };
    tokio::join!(twin.source.execute(make(10)), twin.target.execute(make(20)));
    let all = async || {
        let mut all: Vec<_> = twin.compare(false).await.values().flat_map(findings).collect();
        all.sort_by(|a, b| a.1.cmp(&b.1));
        all
    };
    assert_eq!(all().await, [], "rows 10 to 19 are in both");
    twin.target.execute(SPOIL.replace("$t", "t")).await;
    twin.target.execute("UPDATE t SET v = 'y' WHERE id = 12").await;
    let expected = [different("12", &["v"]), missing("15"), extra("30"), different("5", &["v"])];
    assert_eq!(all().await, expected, "each once, though two parts differ by it");
}
