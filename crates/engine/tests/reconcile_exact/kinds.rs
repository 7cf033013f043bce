//! Every kind of corruption, each alone in its table: no other difference leads the pass to it.

use std::fmt::Write;

use switchyard_model::reconcile::FindingKind;
use switchyard_rig::Major;

use crate::reconcile_pair::{Reports, Twin, different, findings};

/// Types of our own.
const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad'); CREATE TYPE inner_pair AS (a int, m mood, t text);
    CREATE TYPE outer_pair AS (p inner_pair, n numeric); CREATE DOMAIN small AS int CHECK (value < 100);
    CREATE DOMAIN label AS varchar(20); CREATE TYPE span AS RANGE (subtype = float8);
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);";

/// Type, a value, and what it was corrupted into.
const CHANGES: &[(&str, &str, &[&str])] = &[
    ("bool", "true", &["false", "NULL"]),
    ("int2", "7", &["8", "-7", "0", "NULL"]),
    ("int4", "0", &["1", "-1", "2147483647", "NULL"]),
    // The last four share their type's own hash with the first value.
    ("int8", "-1", &["0", "-2", "NULL", "4294967295"]),
    ("int8", "5", &["6", "4294967300", "21474836480", "-4294967302"]),
    ("oid", "7", &["8", "NULL"]),
    ("numeric", "5.00", &["5.01", "-5.00", "50", "0", "'NaN'", "'Infinity'", "NULL", "5.000000000000000000001"]),
    ("numeric", "'NaN'", &["'Infinity'", "'-Infinity'", "NULL", "0"]),
    ("numeric", "'Infinity'", &["'-Infinity'"]),
    ("numeric(12,2)", "0", &["0.01", "-0.01", "'NaN'", "NULL"]),
    ("float4", "0.1", &["0.10000001", "-0.1", "'NaN'", "NULL"]),
    ("float4", "0", &["NULL", "1e-45"]),
    ("float8", "0.1", &["0.10000000000000002", "-0.1", "'Infinity'", "'NaN'"]),
    ("float8", "0", &["NULL", "5e-324"]),
    ("float8", "'NaN'", &["NULL", "'Infinity'", "'-Infinity'", "0"]),
    ("money", "12.30", &["12.31", "-12.30", "NULL"]),
    ("text", "''", &["NULL", "' '"]),
    ("text", "'Abc'", &["'abc'", "'Abc '", "' Abc'", "'Abd'", "E'Abc\\n'", "''", "'A'", "'Äbc'"]),
    // One letter, and the same as two characters.
    ("text", "U&'\\00e9'", &["U&'e\\0301'", "'e'"]),
    ("text COLLATE loose", "'Abc'", &["'abc'", "'äbc'", "NULL"]),
    ("varchar(10)", "'ab'", &["'ac'", "'ab '", "''", "NULL"]),
    ("char(4)", "'d'", &["'e'", "' d'", "'D'", "NULL"]),
    ("\"char\"", "'x'", &["'y'", "''", "NULL"]),
    ("name", "'n'", &["'m'", "NULL"]),
    ("label", "'l'", &["'L'", "NULL"]),
    ("bytea", "'\\x00ff'", &["'\\x00fe'", "'\\x00ff00'", "'\\x'", "NULL"]),
    ("bit(3)", "B'101'", &["B'100'", "NULL"]),
    ("varbit", "B'1'", &["B'10'", "B''", "NULL"]),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'", "NULL"]),
    ("date", "'2026-01-01'", &["'2026-01-02'", "'infinity'", "'4000-01-01 BC'", "NULL"]),
    ("time", "'10:00'", &["'10:00:00.000001'", "'00:00'", "NULL"]),
    ("timetz", "'10:00+01'", &["'10:00+02'", "'09:00+00'", "NULL"]),
    ("timestamp", "'2026-01-01'", &["'2026-01-01 00:00:00.000001'", "'-infinity'", "NULL"]),
    (
        "timestamptz",
        "'2026-01-01'",
        &["'2026-01-01 00:00:00.000001'", "'2025-12-31 23:59:59.999999'", "'infinity'", "NULL"],
    ),
    ("interval", "'1 mon'", &["'30 days'", "'1 mon 00:00:00.000001'", "NULL"]),
    ("interval", "'24:00'", &["'1 day'"]),
    (
        "json",
        "'{\"a\": 1, \"b\": 2}'",
        &["'{\"b\": 2, \"a\": 1}'", "'{\"a\":1, \"b\": 2}'", "'{\"a\": 1.0, \"b\": 2}'", "NULL"],
    ),
    (
        "jsonb",
        "'{\"a\": 5, \"b\": {\"c\": 1}, \"d\": 2}'",
        &[
            "'{\"a\": -5, \"b\": {\"c\": 1}, \"d\": 2}'",
            "'{\"a\": \"5\", \"b\": {\"c\": 1}, \"d\": 2}'",
            "'{\"a\": 5, \"b\": {\"c\": 1, \"d\": 2}}'",
            "'{\"a\": 5.1, \"b\": {\"c\": 1}, \"d\": 2}'",
            "'{}'",
            "'null'",
            "NULL",
        ],
    ),
    ("jsonb", "'[[1], 2]'", &["'[[1, 2]]'", "'[1, [2]]'", "'[2, [1]]'"]),
    ("jsonb", "'\"1.0\"'", &["'\"1.00\"'", "'1.0'"]),
    ("jsonb", "'{\"a\": null}'", &["'{\"a\": false}'", "'{}'", "'{\"a\": \"\"}'"]),
    ("xml", "'<a/>'", &["'<a></a>'", "'<b/>'", "NULL"]),
    ("point", "'(1,2)'", &["'(2,1)'", "NULL"]),
    ("circle", "'<(1,2),3>'", &["'<(1,2),4>'"]),
    ("inet", "'10.0.0.1'", &["'10.0.0.2'", "'10.0.0.1/24'", "NULL"]),
    ("cidr", "'10.0.0.0/8'", &["'10.0.0.0/9'", "NULL"]),
    ("macaddr", "'08:00:2b:01:02:03'", &["'08:00:2b:01:02:04'"]),
    ("macaddr8", "'08:00:2b:01:02:03:04:05'", &["'08:00:2b:01:02:03:04:06'"]),
    ("pg_lsn", "'A/B'", &["'B/A'", "'A/C'"]),
    ("tsvector", "'a b'", &["'a c'", "'a:1 b'"]),
    ("tsquery", "'a & b'", &["'a | b'"]),
    ("mood", "'ok'", &["'sad'", "NULL"]),
    ("mood[]", "'{sad,ok}'", &["'{ok,sad}'", "'{sad}'", "'{}'", "NULL"]),
    ("inner_pair", "'(1,ok,)'", &["'(1,sad,)'", "'(1,ok,\"\")'", "'(2,ok,)'", "'(,,)'", "NULL"]),
    ("outer_pair", "'(\"(1,ok,x)\",5)'", &["'(\"(1,ok,x)\",-5)'", "'(\"(1,ok,y)\",5)'"]),
    ("small", "7", &["8", "NULL"]),
    ("small[]", "'{7}'", &["'{8}'"]),
    ("int[]", "'{1,NULL,3}'", &["'{1,0,3}'", "'{1,3}'", "'{NULL,1,3}'", "'[0:2]={1,NULL,3}'", "'{}'", "NULL"]),
    ("int[]", "'{{1,2},{3,4}}'", &["'{1,2,3,4}'", "'{{1,2,3,4}}'", "'{{1},{2},{3},{4}}'"]),
    ("int8[]", "'{-1}'", &["'{4294967295}'"]),
    ("text[]", "'{a,NULL,\"\"}'", &["'{a,\"\",\"\"}'", "'{a,NULL,NULL}'", "'{a,\"NULL\",\"\"}'", "'{\"a,NULL,\"}'"]),
    ("numeric[]", "'{5,0}'", &["'{-5,0}'", "'{5,NULL}'", "'{5,0.1}'", "'{50,0}'"]),
    ("float8[]", "'{0,1}'", &["'{NULL,1}'", "'{-1,1}'", "'{0.5,1}'"]),
    (
        "jsonb[]",
        "ARRAY['{\"a\": 5}', NULL]::jsonb[]",
        &["ARRAY['{\"a\": -5}', NULL]::jsonb[]", "ARRAY['{\"a\": 5}', 'null']::jsonb[]"],
    ),
    ("int4range", "'[1,5)'", &["'[1,6)'", "'[1,)'", "'empty'", "NULL"]),
    ("int8range", "'[-1,5000000000)'", &["'[4294967295,5000000000)'"]),
    ("numrange", "'[-5,5]'", &["'[5,5]'", "'(-5,5]'", "'[-5,5.1]'", "'[-5,)'"]),
    (
        "tstzrange",
        "'[2026-01-01,2026-02-01)'",
        &["'[2026-01-01,2026-02-01]'", "'[2026-01-01,infinity)'", "'[2026-01-01,)'"],
    ),
    ("daterange", "'[2026-01-01,2026-02-01)'", &["'[2026-01-01,2026-02-01]'"]),
    ("span", "'[0,1]'", &["'[0,1)'", "'[-1,1]'"]),
    ("int4multirange", "'{[1,2)}'", &["'{[1,3)}'", "'{}'", "'{[1,2),[5,6)}'"]),
];

/// Type and two writings of one value. They differ where the comparison is exact; the first writing has what is then shown.
const WRITINGS: &[(&str, &str, &str)] = &[
    ("numeric", "1.0", "1.00"),
    ("numeric", "0", "0.000"),
    ("numeric", "100", "100.0"),
    ("float4", "0", "'-0'"),
    ("float8", "0", "'-0'"),
    ("float8[]", "'{0,1e-05}'", "'{-0,1e-05}'"),
    ("numeric[]", "'{1.50,10}'", "'{1.5,10.0}'"),
    ("numrange", "'[1.0,2)'", "'[1,2.00)'"),
    ("jsonb", "'{\"a\": [1.0, \"x\\\"1.00\"], \"b\": 20}'", "'{\"a\": [1.00, \"x\\\"1.00\"], \"b\": 20.00}'"),
];

/// Type and two ways of writing the same, which nothing tells apart.
const SAME: &[(&str, &str, &str)] = &[
    ("jsonb", "'{\"a\": 1, \"b\": 2}'", "'{\"b\":2,  \"a\":1}'"),
    ("char(4)", "'d'", "'d   '"),
    ("timestamptz", "'2026-01-01 00:00+00'", "'2026-01-01 02:00+02'"),
    ("bytea", "'\\x00ff'", "'\\000\\377'"),
    ("int4range", "'[1,5]'", "'[1,6)'"),
    ("int[]", "'{1,2}'", "'[1:2]={1,2}'"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'a0eebc999c0b4ef8bb6d6bb9bd380a11'"),
    ("interval", "'1 year'", "'12 mons'"),
    ("varbit", "B'1'", "'1'"),
];

/// Three equal rows and others around the value, with a key and without.
fn tables(name: &str, sql_type: &str, value: &str) -> String {
    let columns = format!("before text, v {sql_type}, after int");
    let rows = |extra: &str| {
        format!("SELECT g{extra}, 'x', CAST({value} AS {}), NULL FROM generate_series(1, 3) g", bare(sql_type))
    };
    format!(
        "CREATE TABLE k{name} (id int PRIMARY KEY, {columns}); INSERT INTO k{name} {}; \
         CREATE TABLE n{name} (id int, {columns}); INSERT INTO n{name} {};",
        rows(""),
        rows(""),
    )
}

/// The type without a collation, as a cast takes it.
fn bare(sql_type: &str) -> &str {
    sql_type.split(" COLLATE").next().unwrap()
}

fn corrupt(name: &str, value: &str) -> String {
    format!("UPDATE k{name} SET v = {value} WHERE id = 2; UPDATE n{name} SET v = {value} WHERE id = 2;")
}

/// What is wrong with the reports of a table pair, if anything: one difference in `v` of row 2 or none.
fn wrong(reports: &Reports, name: &str, expected: bool) -> Option<String> {
    let (keyed, bag) = (findings(&reports[&format!("public.k{name}")]), &reports[&format!("public.n{name}")]);
    let right = if expected { vec![different("2", &["v"])] } else { vec![] };
    // Without a key the row with another value is one that is gone and one that is new.
    let mut kinds: Vec<FindingKind> = bag.findings.iter().map(|f| f.kind).collect();
    kinds.sort_by_key(|k| *k as u8);
    let right_bag = if expected { vec![FindingKind::MissingOnTarget, FindingKind::OnlyOnTarget] } else { vec![] };
    findings(bag);
    let ids = bag.findings.iter().all(|f| f.key.first().is_some_and(|(column, id)| column == "id" && id == "2"));
    (keyed != right || kinds != right_bag || !ids).then(|| {
        format!(
            "with a key {keyed:?}, without {kinds:?}: {:?}",
            bag.findings.iter().map(|f| &f.key).collect::<Vec<_>>()
        )
    })
}

async fn each_kind(target: Major) {
    let twin = Twin::start(target).await;
    let (mut make, mut spoil, mut expected) = (TYPES.to_owned(), String::new(), Vec::new());
    let changes = CHANGES.iter().flat_map(|(t, v, all)| all.iter().map(move |c| (*t, *v, *c, [true, true])));
    let writings = WRITINGS.iter().map(|(t, a, b)| (*t, *a, *b, [false, true]));
    let same = SAME.iter().map(|(t, a, b)| (*t, *a, *b, [false, false]));
    for (i, (sql_type, value, other, differs)) in changes.chain(writings).chain(same).enumerate() {
        let name = format!("{i:03}");
        make.write_str(&tables(&name, sql_type, value)).unwrap();
        spoil.write_str(&corrupt(&name, other)).unwrap();
        expected.push((name, format!("{sql_type}: {value} → {other}"), differs));
    }
    twin.both(&make).await;
    for exact in [false, true] {
        let reports = twin.compare(exact).await;
        let alarms: Vec<_> =
            expected.iter().filter_map(|(name, what, _)| Some((what, wrong(&reports, name, false)?))).collect();
        assert!(alarms.is_empty(), "exact {exact}: false alarms between equal tables: {alarms:#?}");
    }
    twin.target.execute(spoil).await;
    for (exact, index) in [(false, 0), (true, 1)] {
        let reports = twin.compare(exact).await;
        let mistakes: Vec<_> = expected
            .iter()
            .filter_map(|(name, what, differs)| Some((what, wrong(&reports, name, differs[index])?)))
            .collect();
        assert!(mistakes.is_empty(), "exact {exact}: not exactly what was planted: {mistakes:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_change_alone_between_equal_versions() {
    each_kind(Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_change_alone_between_versions() {
    each_kind(Major::best()).await;
}

/// Types, with an expression that gives each row another value.
const MANY: [(&str, &str); 10] = [
    ("int4", "g * 7"),
    ("int8", "g * 7000000000"),
    ("numeric", "g * 1.5"),
    ("float8", "g * 0.1"),
    ("text", "'v' || g"),
    ("timestamptz", "'2026-01-01'::timestamptz + g * interval '1 h'"),
    ("uuid", "md5(g::text)::uuid"),
    ("bytea", "decode(md5(g::text), 'hex')"),
    ("jsonb", "jsonb_build_object('a', g)"),
    ("bool", "g % 2 = 0"),
];

async fn exchanged(target: Major) {
    let twin = Twin::start(target).await;
    let (mut make, mut spoil) = (String::new(), String::new());
    for (i, (sql_type, value)) in MANY.iter().enumerate() {
        // Several of each: a sum that swallows an exchange does so only now and then.
        for n in 0..4 {
            let (rows, columns) = (format!("r{i}_{n}"), format!("c{i}_{n}"));
            write!(
                make,
                "CREATE TABLE {rows} (id int PRIMARY KEY, a text, v {sql_type}); CREATE TABLE b{rows} (id int, a text, v {sql_type});
                 INSERT INTO {rows} SELECT g, 'x', {value} FROM generate_series({n}, {n} + 9) g; INSERT INTO b{rows} TABLE {rows};
                 CREATE TABLE {columns} (id int PRIMARY KEY, a {sql_type}, v {sql_type});
                 INSERT INTO {columns} SELECT g, {value}, (SELECT {value} FROM (VALUES (g + 1)) AS next(g)) FROM generate_series({n}, {n} + 9) g;"
            )
            .unwrap();
            // Rows n + 3 and n + 4 exchange their value; and in row n + 5 two columns do.
            let swap = |table: &str| {
                format!(
                    "UPDATE {table} t SET v = o.v FROM {table} o WHERE t.id + o.id = {n} * 2 + 7 AND t.id IN ({n} + 3, {n} + 4);"
                )
            };
            write!(
                spoil,
                "{} {} UPDATE {columns} SET a = v, v = a WHERE id = {n} + 5;",
                swap(&rows),
                swap(&format!("b{rows}"))
            )
            .unwrap();
        }
    }
    twin.both(&make).await;
    twin.target.execute(spoil).await;
    let reports = twin.compare(false).await;
    for (i, (sql_type, _)) in MANY.iter().enumerate() {
        for n in 0..4 {
            let rows = findings(&reports[&format!("public.r{i}_{n}")]);
            let expected = [different(&(n + 3).to_string(), &["v"]), different(&(n + 4).to_string(), &["v"])];
            assert_eq!(rows, expected, "{sql_type}: two rows that exchanged a value are two differences");
            let bag = findings(&reports[&format!("public.br{i}_{n}")]);
            assert_eq!(bag.len(), 4, "{sql_type}: without a key, two rows are gone and two are new: {bag:?}");
            let columns = findings(&reports[&format!("public.c{i}_{n}")]);
            assert_eq!(
                columns,
                [different(&(n + 5).to_string(), &["a", "v"])],
                "{sql_type}: so are two columns of one row"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanged_values_between_equal_versions() {
    exchanged(Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanged_values_between_versions() {
    exchanged(Major::best()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_in_several_columns_do_not_cancel_each_other() {
    let twin = Twin::start(Major::V15).await;
    let from_to = [
        ("numeric", "'NaN'", "0"),
        ("numeric", "NULL", "0"),
        ("numeric", "'Infinity'", "'-Infinity'"),
        ("float8", "0", "NULL"),
        ("bool", "true", "false"),
        ("text", "''", "NULL"),
        ("int8", "0", "-1"),
    ];
    let (mut make, mut spoil) = (String::new(), String::new());
    for (i, (sql_type, from, to)) in from_to.iter().enumerate() {
        for n in 2..8 {
            let list = |shape: &dyn Fn(usize) -> String| (0..n).map(shape).collect::<Vec<_>>().join(", ");
            let (columns, values) =
                (list(&|c| format!("c{c} {sql_type}")), list(&|_| format!("CAST({from} AS {sql_type})")));
            write!(make, "CREATE TABLE s{i}_{n} (id int PRIMARY KEY, {columns}); INSERT INTO s{i}_{n} SELECT g, {values} FROM generate_series(1, 3) g;").unwrap();
            write!(spoil, "UPDATE s{i}_{n} SET {} WHERE id = 2;", list(&|c| format!("c{c} = {to}"))).unwrap();
        }
    }
    twin.both(&make).await;
    twin.target.execute(spoil).await;
    let reports = twin.compare(false).await;
    for (i, change) in from_to.iter().enumerate() {
        for n in 2..8 {
            let columns: Vec<String> = (0..n).map(|c| format!("c{c}")).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let found = findings(&reports[&format!("public.s{i}_{n}")]);
            assert_eq!(found, [different("2", &columns)], "{change:?} in {n} columns at once");
        }
    }
}
