//! What is read from a real catalog, sequences included.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use std::{sync::Arc, time::Instant};

use postgres_server::{Bed, awkward_names, connect};
use sqlx::{Connection, PgConnection};
use switchyard_engine::{
    Kind,
    db::{Catalog, Sequences, postgres::PgDatabase},
};
use switchyard_model::{
    Side,
    ident::{TableName, quote},
    inventory::{Inventory, ReplicaIdentity, Table, TableKind},
};
use switchyard_rig::Major;

fn find<'a>(inventory: &'a Inventory, name: &TableName) -> &'a Table {
    inventory.tables.iter().find(|t| t.name == *name).unwrap_or_else(|| panic!("{name} is not in the inventory"))
}

fn public(name: &str) -> TableName {
    TableName::new("public", name)
}

const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN email AS varchar(80); CREATE DOMAIN work_email AS email;
    CREATE TABLE plain (b int, a bigint, price numeric(12,2) NOT NULL, m mood, mail work_email, tags text[],
        twice int GENERATED ALWAYS AS (b * 2) STORED, gone int, PRIMARY KEY (a, b));
    ALTER TABLE plain DROP COLUMN gone;
    CREATE TABLE no_key (x int);
    CREATE TABLE whole (x int); ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE by_index (x int NOT NULL UNIQUE); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_x_key;
    CREATE TABLE lost_index (x int NOT NULL UNIQUE); ALTER TABLE lost_index REPLICA IDENTITY USING INDEX lost_index_x_key;
    ALTER TABLE lost_index DROP CONSTRAINT lost_index_x_key;
    CREATE TABLE never (x int PRIMARY KEY); ALTER TABLE never REPLICA IDENTITY NOTHING;
    CREATE UNLOGGED TABLE cache (x int);
    CREATE TABLE log (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE log_low PARTITION OF log FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
    CREATE TABLE log_low_1 PARTITION OF log_low FOR VALUES FROM (0) TO (10);
    CREATE TABLE base (x int); CREATE TABLE derived (y int) INHERITS (base);
    CREATE VIEW seen AS SELECT 1; CREATE MATERIALIZED VIEW kept AS SELECT 1 AS x;
    CREATE TEMP TABLE passing (x int);";

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_holds_what_is_there_and_nothing_else() {
    let bed = Bed::start(Major::V15, &[]).await;
    let mut app = bed.app().await;
    sqlx::raw_sql(SCHEMA).execute(&mut app).await.unwrap();
    bed.server
        .execute("CREATE SCHEMA switchyard; CREATE TABLE switchyard.ours (x int); SELECT lo_create(0)")
        .await
        .unwrap();
    let all = bed.db.inventory(77).await.unwrap();
    assert_eq!(all.at, 77);
    let names: Vec<&str> = all.tables.iter().map(|t| t.name.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "base",
            "by_index",
            "cache",
            "derived",
            "log",
            "log_low",
            "log_low_1",
            "lost_index",
            "never",
            "no_key",
            "plain",
            "whole"
        ]
    );

    let plain = find(&all, &public("plain"));
    assert_eq!(plain.primary_key, ["a", "b"], "in key order, not in column order");
    let columns: Vec<(&str, &str, &str)> =
        plain.columns.iter().map(|c| (c.name.as_str(), c.sql_type.as_str(), c.base_type.as_str())).collect();
    assert_eq!(
        columns,
        [
            ("b", "integer", "int4"),
            ("a", "bigint", "int8"),
            ("price", "numeric(12,2)", "numeric"),
            ("m", "public.mood", "public.mood"),
            ("mail", "public.work_email", "varchar"),
            ("tags", "text[]", "_text"),
            ("twice", "integer", "int4"),
        ],
        "dropped columns are left out, domains followed to their ground, foreign types qualified"
    );
    assert!(plain.columns[6].generated && !plain.columns[5].generated && plain.columns[2].not_null);

    for (name, identity, publishes) in [
        ("plain", ReplicaIdentity::Default, true),
        ("no_key", ReplicaIdentity::Default, false),
        ("whole", ReplicaIdentity::Full, true),
        ("by_index", ReplicaIdentity::Index, true),
        ("lost_index", ReplicaIdentity::Nothing, false),
        ("never", ReplicaIdentity::Nothing, false),
    ] {
        let table = find(&all, &public(name));
        assert_eq!((table.replica_identity, table.can_publish_changes()), (identity, publishes), "{name}");
    }
    assert!(find(&all, &public("cache")).unlogged && !plain.unlogged);
    assert_eq!(find(&all, &public("log")).kind, TableKind::Partitioned);
    assert_eq!(find(&all, &public("log_low_1")).partition_of, Some(public("log_low")), "its immediate parent");
    assert_eq!(find(&all, &public("derived")).partition_of, None, "inheritance is not partitioning");
    assert_eq!(all.large_objects, 1);
    assert!(all.extensions.iter().any(|e| e.name == "plpgsql") && all.available_extensions.contains(&"plpgsql".into()));

    let server = &all.server;
    assert_eq!(
        (server.wal_level.as_str(), server.database.as_str(), server.encoding.as_str()),
        ("logical", "shop", "UTF8")
    );
    assert!(server.is_superuser && server.has_replication && server.can_create_in_database && server.can_subscribe);
    assert!(server.version_num >= 150_000 && server.system_identifier.len() > 10 && !server.in_recovery);
    assert_eq!((server.max_slots, server.used_slots, server.used_senders), (20, 0, 0));
    assert_eq!(server.max_slot_wal_keep_bytes, -1);
    assert!(server.tables_not_owned.is_empty(), "a superuser owns everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_role_sees_what_it_lacks() {
    let bed = Bed::start(Major::V15, &[("max_slot_wal_keep_size", "2GB")]).await;
    bed.execute("CREATE TABLE theirs (id serial PRIMARY KEY)").await;
    let login = &bed.server.logins.limited;
    let endpoint = switchyard_model::endpoint::Endpoint {
        user: login.user.clone(),
        ..postgres_server::endpoint(&bed.server, "shop")
    };
    let password = switchyard_engine::secret::Secret::new(&login.password);
    let login = switchyard_engine::db::connect::Login { endpoint: &endpoint, password: Some(&password) };
    let db = switchyard_engine::db::connect::connect_postgres(Side::Source, login, 2).await.unwrap();
    let facts = db.server().await.unwrap();
    assert!(!facts.is_superuser && !facts.has_replication && !facts.can_create_in_database && !facts.can_subscribe);
    assert_eq!(facts.tables_not_owned, ["public.theirs", "sequence public.theirs_id_seq"]);
    assert_eq!(facts.max_slot_wal_keep_bytes, 2 << 30);
    let error = Sequences::read(&*db).await.unwrap_err();
    assert_eq!(error.kind, Kind::Privilege, "an unreadable sequence must not look like an unused one");
    assert!(error.why.contains("public.theirs_id_seq"), "{error}");
    // The inventory of such a role is still read, so that the preflight can say all of this.
    let all = db.inventory(1).await.unwrap();
    assert_eq!((all.tables.len(), all.sequences.len(), all.server.tables_not_owned.len()), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn awkward_names_survive_catalog_and_sequences() {
    let bed = Bed::start(Major::V15, &[]).await;
    bed.execute(format!("CREATE SCHEMA {}", quote("My Schema"))).await;
    for table in awkward_names() {
        let column = quote("Col \"1\" 'x'");
        bed.execute(format!(
            "CREATE TABLE {table} ({column} serial PRIMARY KEY); INSERT INTO {table} VALUES (DEFAULT)"
        ))
        .await;
        bed.execute(format!("ALTER TABLE {table} REPLICA IDENTITY FULL")).await;
    }
    let all = bed.db.inventory(0).await.unwrap();
    for table in awkward_names() {
        let found = find(&all, &table);
        assert_eq!(found.primary_key, ["Col \"1\" 'x'"]);
    }
    assert_eq!(all.sequences.len(), 4);
    assert_eq!(bed.db.advance(&all.sequences, 10).await.unwrap(), 4, "all of them are found by name");
}

async fn second(bed: &Bed) -> Arc<PgDatabase> {
    bed.server.execute("CREATE DATABASE second OWNER app").await.unwrap();
    connect(&bed.server, Side::Target, "second").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sequences_move_on_in_their_direction_and_within_their_bounds() {
    let bed = Bed::start(Major::V15, &[]).await;
    let other = second(&bed).await;
    let schema = "
        CREATE SEQUENCE up; CREATE SEQUENCE down INCREMENT -2 MAXVALUE -1 MINVALUE -100;
        CREATE SEQUENCE small AS smallint; CREATE SEQUENCE round MAXVALUE 50 CYCLE;
        CREATE SEQUENCE restarted; CREATE SEQUENCE never;
        CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, x int);";
    bed.execute(schema).await;
    let url = bed.server.url("app", &bed.server.logins.app.password, "second");
    let mut there = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(schema).execute(&mut there).await.unwrap();
    bed.execute(
        "SELECT setval('up', 5000000000); SELECT nextval('down'); SELECT nextval('down'); SELECT setval('small', 32760); \
         SELECT setval('round', 49); ALTER SEQUENCE restarted RESTART 900; INSERT INTO t (x) VALUES (1), (2), (3)",
    )
    .await;
    let read = Sequences::read(&*bed.db).await.unwrap();
    let value = |name: &str| read.iter().find(|s| s.name.name == name).unwrap().last_value;
    assert_eq!(
        (value("never"), value("restarted"), value("down"), value("t_id_seq")),
        (None, Some(899), Some(-3), Some(3))
    );
    assert_eq!(bed.db.advance_actions(&read, 10).len(), 6, "a sequence that was never used needs nothing");

    assert_eq!(other.advance(&read, 10).await.unwrap(), 6);
    for (name, next) in [("up", 5_000_000_011_i64), ("down", -25), ("restarted", 910), ("never", 1), ("t_id_seq", 14)] {
        let sql = format!("SELECT nextval('public.{name}')");
        let got: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut there).await.unwrap();
        assert_eq!(got, next, "{name} goes on where nothing was given out");
    }
    let small: i64 = sqlx::query_scalar("SELECT last_value FROM public.small").fetch_one(&mut there).await.unwrap();
    assert_eq!(small, 32767, "clamped to its maximum");
    let round: i64 = sqlx::query_scalar("SELECT last_value FROM public.round").fetch_one(&mut there).await.unwrap();
    assert_eq!(round, 50, "clamped also where it cycles");
    assert_eq!(other.advance(&read, 1).await.unwrap(), 0, "never backwards, and a second time is no change");

    sqlx::raw_sql("DROP SEQUENCE up").execute(&mut there).await.unwrap();
    let error = other.advance(&read, 10).await.unwrap_err();
    assert!(error.kind == Kind::Unsuitable && error.why.contains("public.up"), "{error}");
}

/// Not a test of right or wrong: prints what reading a large catalog costs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn what_a_large_catalog_costs() {
    let bed = Bed::start(Major::V15, &[]).await;
    for chunk in 0..20 {
        let tables: String = (0..100)
            .map(|i| format!("CREATE TABLE t{chunk}_{i} (id bigserial PRIMARY KEY, a text, b numeric(10,2), c jsonb, d timestamptz);"))
            .collect();
        bed.execute(tables).await;
    }
    for _ in 0..4 {
        let begun = Instant::now();
        let all = bed.db.inventory(0).await.unwrap();
        let inventory = begun.elapsed();
        bed.db.server().await.unwrap();
        let server = begun.elapsed() - inventory;
        let read = Sequences::read(&*bed.db).await.unwrap();
        let sequences = begun.elapsed() - server - inventory;
        println!(
            "{} tables {} sequences: inventory {inventory:?} server {server:?} sequences {sequences:?}",
            all.tables.len(),
            read.len()
        );
    }
}
