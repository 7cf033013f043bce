//! Every kind of key: a row that changed, one that is missing and one that is extra, each by its own key.

use std::fmt::Write;

use switchyard_model::ident::quote;
use switchyard_rig::Major;

use crate::reconcile_pair::{Found, Twin, different, extra, findings, missing};

/// Types of our own; the target's are wider.
const SOURCE_TYPES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN small AS int CHECK (value < 100); CREATE TYPE duo AS (a int, t text);
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";
const TARGET_TYPES: &str = "
    CREATE TYPE mood AS ENUM ('glad', 'sad', 'ok'); CREATE DOMAIN small AS int CHECK (value < 1000); CREATE TYPE duo AS (a int, t text);
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";

/// A table with a key. The first key's row changes, the second is gone, the third comes to the target only, as it is
/// written there; the last is equal on both sides.
struct Case {
    /// The key's columns on the source, and on the target.
    columns: [&'static str; 2],
    key: &'static str,
    /// As values.
    keys: [&'static str; 4],
    /// As they are shown.
    shown: [&'static str; 3],
}

const fn case(
    columns: [&'static str; 2],
    key: &'static str,
    keys: [&'static str; 4],
    shown: [&'static str; 3],
) -> Case {
    Case { columns, key, keys, shown }
}

const CASES: &[Case] = &[
    case(["id int2", "id int8"], "id", ["-7", "0", "70000", "1"], ["-7", "0", "70000"]),
    case(
        ["id int", "id bigint"],
        "id",
        ["-2147483648", "2147483647", "9223372036854775807", "1"],
        ["-2147483648", "2147483647", "9223372036854775807"],
    ),
    case(
        ["id bigint", "id bigint"],
        "id",
        ["-9223372036854775808", "9223372036854775807", "-1", "4294967295"],
        ["-9223372036854775808", "9223372036854775807", "-1"],
    ),
    case(
        ["a int, b text", "b text, a int"],
        "a, b",
        ["1, ''", "1, 'x|\"'", "1, 'X'", "2, ''"],
        ["1|", "1|x|\"", "1|X"],
    ),
    case(
        ["a text, b uuid, c bool", "a text, b uuid, c bool"],
        "b, c, a",
        [
            "'a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true",
            "'a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', false",
            "'b', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true",
            "'c', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true",
        ],
        [
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|true|a",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|false|a",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|true|b",
        ],
    ),
    case(
        ["id uuid", "id uuid"],
        "id",
        [
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        ],
        [
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
    ),
    case(
        ["id text COLLATE \"C\"", "id text COLLATE \"de-x-icu\""],
        "id",
        ["'ä'", "'Z'", "'z '", "'a'"],
        ["ä", "Z", "z "],
    ),
    // Two keys that the collation calls equal are two keys.
    case(
        ["id text COLLATE loose", "id text COLLATE loose"],
        "id",
        ["'x'", "'Abc'", "'abc'", "'é'"],
        ["x", "Abc", "abc"],
    ),
    // A shorter type would cut the extra key to one that is there.
    case(["id varchar(3)", "id varchar(10)"], "id", ["'abc'", "'b'", "'abcdef'", "''"], ["abc", "b", "abcdef"]),
    case(["id char(3)", "id char(6)"], "id", ["'abc'", "'b'", "'abcdef'", "'c '"], ["abc", "b", "abcdef"]),
    case(["id text", "id varchar(10)"], "id", ["'a'", "'b'", "'c'", "'d'"], ["a", "b", "c"]),
    case(["id numeric(6,2)", "id numeric(8,4)"], "id", ["1", "-1", "1.0049", "0"], ["1", "-1", "1.0049"]),
    case(
        ["id numeric", "id numeric"],
        "id",
        ["'NaN'", "'Infinity'", "'-Infinity'", "1.50"],
        ["NaN", "Infinity", "-Infinity"],
    ),
    case(["id float8", "id float8"], "id", ["0.1", "'NaN'", "'-Infinity'", "0"], ["0.1", "NaN", "-Infinity"]),
    case(
        ["id date", "id date"],
        "id",
        ["'2026-01-01'", "'infinity'", "'4000-01-01 BC'", "'2026-01-02'"],
        ["2026-01-01", "infinity", "4000-01-01 BC"],
    ),
    case(
        ["id timestamp(0)", "id timestamp"],
        "id",
        ["'2026-01-01'", "'2026-01-02'", "'2026-01-02 00:00:00.4'", "'2026-01-03'"],
        ["2026-01-01 00:00:00", "2026-01-02 00:00:00", "2026-01-02 00:00:00.4"],
    ),
    case(
        ["id timestamptz", "id timestamptz"],
        "id",
        ["'2026-01-01 02:00+02'", "'infinity'", "'2026-01-01 00:00:00.000001+00'", "'2026-01-03'"],
        ["2026-01-01 00:00:00+00", "infinity", "2026-01-01 00:00:00.000001+00"],
    ),
    case(["id bytea", "id bytea"], "id", ["'\\x00'", "'\\x'", "'\\x0000'", "'\\xff'"], ["\\x00", "\\x", "\\x0000"]),
    case(
        ["id inet", "id inet"],
        "id",
        ["'10.0.0.1'", "'10.0.0.0/8'", "'::1'", "'10.0.0.2'"],
        ["10.0.0.1/32", "10.0.0.0/8", "::1/128"],
    ),
    case(
        ["id interval", "id interval"],
        "id",
        ["'1 mon'", "'1 day'", "'2 days'", "'3 days'"],
        ["1 mon", "1 day", "2 days"],
    ),
    case(
        ["id int4range", "id int4range"],
        "id",
        ["'[1,5]'", "'empty'", "'(,)'", "'[9,10]'"],
        ["[1,6)", "empty", "(,)"],
    ),
    case(["id int[]", "id int[]"], "id", ["'{1,2}'", "'{{1,2}}'", "'{}'", "'{3}'"], ["{1,2}", "{{1,2}}", "{}"]),
    case(
        ["id jsonb", "id jsonb"],
        "id",
        ["'{\"a\": 1}'", "'[]'", "'{\"a\": -1}'", "'3'"],
        ["{\"a\": 1}", "[]", "{\"a\": -1}"],
    ),
    case(["id duo", "id duo"], "id", ["'(1,a)'", "'(1,)'", "'(2,\"x,\")'", "'(3,)'"], ["(1,a)", "(1,)", "(2,\"x,\")"]),
    // What the source's type cannot hold.
    case(
        ["id mood, n int", "id mood, n int"],
        "id, n",
        ["'sad', 1", "'ok', 1", "'glad', 1", "'ok', 2"],
        ["sad|1", "ok|1", "glad|1"],
    ),
    case(["id small", "id small"], "id", ["1", "2", "500", "3"], ["1", "2", "500"]),
    case(["id bigint", "id text"], "id", ["7", "9", "'seven'", "10"], ["7", "9", "seven"]),
];

async fn each_key(target: Major) {
    let twin = Twin::start(target).await;
    let (mut here, mut there) = (SOURCE_TYPES.to_owned(), TARGET_TYPES.to_owned());
    for (i, c) in CASES.iter().enumerate() {
        let table = format!("k{i}");
        let make = |columns: &str| format!("CREATE TABLE {table} ({columns}, v text, w int, PRIMARY KEY ({}));", c.key);
        here.write_str(&make(c.columns[0])).unwrap();
        there.write_str(&make(c.columns[1])).unwrap();
        let names: Vec<&str> = c.columns[0].split(", ").map(|c| c.split(' ').next().unwrap()).collect();
        let insert =
            |key: &str, v: &str| format!("INSERT INTO {table} ({}, v, w) VALUES ({key}, '{v}', 1);", names.join(", "));
        for n in [0, 1, 3] {
            here.write_str(&insert(c.keys[n], "v")).unwrap();
        }
        there.write_str(&insert(c.keys[0], "changed")).unwrap();
        there.write_str(&insert(c.keys[2], "v")).unwrap();
        there.write_str(&insert(c.keys[3], "v")).unwrap();
    }
    tokio::join!(twin.source.execute(here), twin.target.execute(there));
    let reports = twin.compare(false).await;
    for (i, c) in CASES.iter().enumerate() {
        let mut expected = [different(c.shown[0], &["v"]), missing(c.shown[1]), extra(c.shown[2])];
        expected.sort_by(|a: &Found, b: &Found| a.1.cmp(&b.1));
        let found = findings(&reports[&format!("public.k{i}")]);
        assert_eq!(found, expected, "{:?}: each row by its own key", c.columns);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_key_between_equal_versions() {
    each_key(Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_key_between_versions() {
    each_key(Major::best()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_written_in_another_way_is_the_same_key_unless_exact() {
    let twin = Twin::start(Major::V15).await;
    twin.both("CREATE TABLE t (id numeric PRIMARY KEY, v int); CREATE TABLE f (id float8, j jsonb, v int, PRIMARY KEY (id, j))").await;
    twin.source.execute("INSERT INTO t VALUES (1.0, 1), (2.0, 2); INSERT INTO f VALUES (0, '[1.0]', 1)").await;
    twin.target.execute("INSERT INTO t VALUES (1.00, 1), (2.00, 9); INSERT INTO f VALUES ('-0', '[1.00]', 9)").await;
    let reports = twin.compare(false).await;
    assert_eq!(findings(&reports["public.t"]), [different("2", &["v"])], "one row, not two");
    assert_eq!(findings(&reports["public.f"]), [different("0|[1]", &["v"])]);
    let reports = twin.compare(true).await;
    let expected = [missing("1.0"), extra("1.00"), missing("2.0"), extra("2.00")];
    assert_eq!(findings(&reports["public.t"]), expected, "where writing counts, these are other keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_need_quotes_go_through_everywhere() {
    let twin = Twin::start(Major::best()).await;
    let long = "ä".repeat(31) + "x";
    let names = ["select", "Has \"quotes\" and 'these'", "back\\slash; DROP TABLE x --", "$1 %I {}", &long];
    let (mut make, mut spoil) = ("CREATE SCHEMA \"My \"\"schema\";".to_owned(), String::new());
    for (i, name) in names.into_iter().enumerate() {
        let n = quote(name);
        // With a key, partitioned, and without a key.
        let (a, b, c) = (format!("\"My \"\"schema\".{n}"), format!("public.{n}"), format!("public.\"c\"\"{i}\""));
        write!(
            make,
            "CREATE TABLE {a} ({n} int, \"Ü\" text, \"a\"\"b\" jsonb, PRIMARY KEY ({n}, \"Ü\"));
             INSERT INTO {a} SELECT g, 'it''s', '{{\"a\": 1}}' FROM generate_series(1, 20) g;
             CREATE TABLE {b} ({n} int PRIMARY KEY, \"Ü\" numeric) PARTITION BY HASH ({n});
             CREATE TABLE \"My \"\"schema\".{p} PARTITION OF {b} FOR VALUES WITH (MODULUS 1, REMAINDER 0);
             INSERT INTO {b} SELECT g, g FROM generate_series(1, 20) g;
             CREATE TABLE {c} ({n} int, \"Ü\" text); INSERT INTO {c} SELECT g, 'x' FROM generate_series(1, 20) g;",
            p = format_args!("\"p\"\"{i}\"")
        )
        .unwrap();
        write!(spoil, "UPDATE {a} SET \"a\"\"b\" = '[]' WHERE {n} = 7; DELETE FROM {b} WHERE {n} = 8; UPDATE {c} SET \"Ü\" = 'y' WHERE {n} = 9;")
            .unwrap();
    }
    twin.both(&make).await;
    twin.target.execute(spoil).await;
    let reports = twin.compare(false).await;
    let mut all: Vec<Found> = reports.values().flat_map(findings).collect();
    all.sort_by(|a, b| (&a.1, a.0 as u8).cmp(&(&b.1, b.0 as u8)));
    let expect = |f: Found| vec![f; names.len()];
    let expected =
        [expect(different("7|it's", &["a\"b"])), expect(missing("8")), expect(missing("9|x")), expect(extra("9|y"))];
    assert_eq!(all, expected.concat(), "one change of each kind in each table, whatever the names are");
}
