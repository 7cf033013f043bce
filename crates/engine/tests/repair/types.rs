//! Every kind of corruption, in every type.

use switchyard_model::Side;
use switchyard_rig::Major;

use super::twin::{Twin, letters};

const WIDE: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); CREATE TYPE pair AS (a int, m mood, t text);
    CREATE DOMAIN small AS int CHECK (value < 100); CREATE DOMAIN tag AS char(4);
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE wide (id int PRIMARY KEY, b bool, s text, v varchar(10), c char(4), n numeric, n2 numeric(12,2), f float8,
        j json, jb jsonb, ts timestamptz, tz timestamp(3), d date, iv interval, u uuid, by bytea, p point, x xml, e mood, es mood[],
        pr pair, prs pair[], ip inet, ci cidr, bits bit(3), vb varbit, m money, tv tsvector, r int4range, mr int4multirange, arr int[],
        tarr text[], carr char(3)[], sm small, sms small[], tg tag, lo text COLLATE loose, f4 float4, t time, tt timetz, i8 bigint,
        i2 smallint, o oid, na name, mac macaddr, ls pg_lsn, bx box, \"char\" \"char\", bpc bpchar);
    INSERT INTO wide SELECT g, true, 'ab', 'c', 'd', 1.5, 1.5, 0.1, '{\"a\": 1}', '{\"a\": 1}', '2026-01-01', '2026-01-01', '2026-01-01',
    '1 mon', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff5c27', '(1,2)', '<a/>', 'it''s ok', '{sad,\"it''s ok\"}',
    '(1,\"it''s ok\",\"a,\"\"b\"\"\")', '{\"(1,sad,x)\"}', '10.0.0.1/32', '10.0.0.0/8', '101', '10101', 12.3, 'a b', '[1,5)', '{[1,2)}',
    '[0:2]={1,NULL,3}', '{a,NULL,\"NULL\",\"\"}', '{a,bc}', 7, '{1,2}', 'x', 'Abc', 'NaN', '10:00', '10:00+02', 9, 3, 4000000000, 'na',
    '08:00:2b:01:02:03', '16/B374D848', '(1,1),(0,0)', 'z', 'y  ' FROM generate_series(1, 100) g";

/// One change per type, by one unit, byte or letter, on the side that is to be mended.
const CHANGES: [(&str, &str); 48] = [
    ("b", "false"),
    ("s", "'ab '"),
    ("s", "'aB'"),
    ("s", "''"),
    ("s", "NULL"),
    ("v", "'č'"),
    ("c", "'e'"),
    ("n", "1.51"),
    ("n", "'NaN'"),
    ("n2", "1.51"),
    ("f", "0.10000000000000002"),
    ("f", "'Infinity'"),
    ("j", "'{\"a\":1}'"),
    ("jb", "'{\"a\": 2}'"),
    ("jb", "'{\"a\": null}'"),
    ("ts", "'2026-01-01 00:00:00.000001'"),
    ("ts", "'infinity'"),
    ("tz", "'2026-01-01 00:00:00.001'"),
    ("d", "'2026-01-02'"),
    ("iv", "'30 days'"),
    ("u", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'"),
    ("by", "'\\x00fe5c27'"),
    ("p", "'(1,3)'"),
    ("x", "'<b/>'"),
    ("e", "'sad'"),
    ("es", "'{sad,sad}'"),
    ("pr", "'(1,sad,x)'"),
    ("prs", "NULL"),
    ("ip", "'10.0.0.2'"),
    ("ci", "'10.0.0.0/9'"),
    ("bits", "'111'"),
    ("vb", "'10100'"),
    ("m", "12.31"),
    ("tv", "'a c'"),
    ("r", "'[1,6)'"),
    ("mr", "'{[1,3)}'"),
    ("arr", "'{1,NULL,3}'"),
    ("tarr", "'{a,\"NULL\",NULL,\"\"}'"),
    ("carr", "'{a,bd}'"),
    ("sm", "8"),
    ("sms", "'{1,3}'"),
    ("tg", "'xy'"),
    ("lo", "'abc'"),
    ("f4", "1"),
    ("t", "'10:00:00.000001'"),
    ("tt", "'10:00+03'"),
    ("i2", "-3"),
    ("\"char\"", "'y'"),
];

/// The side without the authority is corrupted, mended, and equal to the letter.
async fn every_kind(source: Major, target: Major, authority: Side) {
    let twin = Twin::of(source, target).await;
    twin.both(WIDE).await;
    let mended = if authority == Side::Source { &twin.target } else { &twin.source };
    for (i, (column, value)) in CHANGES.iter().enumerate() {
        mended.execute(format!("UPDATE wide SET {column} = {value} WHERE id = {}", i + 1)).await;
    }
    mended
        .execute(
            "UPDATE wide SET s = v, v = s WHERE id = 80; UPDATE wide SET i8 = 181 - id WHERE id IN (90, 91);
             UPDATE wide SET (s, v, c, n, j, by, arr, pr, e) = (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) WHERE id = 92;
             DELETE FROM wide WHERE id IN (95, 96); INSERT INTO wide (id) VALUES (101); UPDATE wide SET id = 202 WHERE id = 98",
        )
        .await;
    let count = twin.mends(authority).await;
    assert_eq!(count, CHANGES.len() + 9, "each corrupted row was a finding");
    assert_eq!(letters(&twin.source, "wide").await, letters(&twin.target, "wide").await, "equal to the letter");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_mended_from_15_to_15() {
    every_kind(Major::V15, Major::V15, Side::Source).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_mended_from_15_to_18() {
    every_kind(Major::V15, Major::best(), Side::Source).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_mended_on_a_source_that_has_lost_the_authority() {
    every_kind(Major::V15, Major::best(), Side::Target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_longer_than_a_finding_shows_arrive_whole() {
    let twin = Twin::start().await;
    twin.both("CREATE TABLE long (id int PRIMARY KEY, t text, b bytea)").await;
    twin.source
        .execute(
            "INSERT INTO long SELECT g, string_agg(md5((g * 100000 + i)::text), ''), string_agg(decode(md5(i::text), 'hex'), '')
             FROM generate_series(1, 3) g, generate_series(1, 50000) i GROUP BY g",
        )
        .await;
    twin.target.execute("INSERT INTO long VALUES (1, repeat('x', 2000000), NULL)").await;
    assert_eq!(twin.mends(Side::Source).await, 3);
    assert!(letters(&twin.source, "long").await == letters(&twin.target, "long").await, "to the last letter");
}
