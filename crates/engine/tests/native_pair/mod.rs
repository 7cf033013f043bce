//! Two real servers with the same tables, and the native replicator between them.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use switchyard_engine::{
    replicate::{
        Replicator,
        native::{Native, NativeConfig, Party},
    },
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::{Endpoint, TlsMode},
    ident::TableName,
};
use switchyard_rig::{DATABASE, Major, Server, ServerOptions};

/// The tables of every pair: odd names, a partitioned root, one without a replica identity.
pub const TABLES: &str = r#"
    CREATE SCHEMA switchyard;
    CREATE TABLE switchyard.beat_forward (id int PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL);
    CREATE TABLE switchyard.beat_reverse (id int PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL);
    CREATE SCHEMA "S p""ace";
    CREATE TABLE "S p""ace"."T 'a""ble_with_a_name_that_is_long_as_a_name_can_be_63_bytes_xyy" (id bigint PRIMARY KEY, v text);
    CREATE TABLE public.part (id bigint, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
    CREATE TABLE public.part_0 PARTITION OF public.part FOR VALUES IN (0);
    CREATE TABLE public.part_1 PARTITION OF public.part FOR VALUES IN (1);
    CREATE TABLE public.counter (id int PRIMARY KEY, n bigint NOT NULL);
    CREATE TABLE public.keyless (a int);
"#;

/// The table with the longest name.
pub fn long() -> TableName {
    TableName::new("S p\"ace", "T 'a\"ble_with_a_name_that_is_long_as_a_name_can_be_63_bytes_xyy")
}

/// What is published.
pub fn scope() -> Vec<TableName> {
    vec![
        long(),
        TableName::new("public", "part"),
        TableName::new("public", "counter"),
        TableName::new("public", "keyless"),
    ]
}

/// The pair.
pub struct Pair {
    pub source: Server,
    pub target: Server,
    pub source_pool: PgPool,
    pub target_pool: PgPool,
    pub native: Native,
}

impl Pair {
    /// Starts both; None, with a printed reason, where a version is not there.
    pub async fn start(source: Major, target: Major) -> Option<Pair> {
        for major in [source, target] {
            if !major.available() {
                println!("SKIPPED: {major:?} is not on this machine; scripts/setup.sh demo brings it");
                return None;
            }
        }
        let (source, target) = tokio::join!(
            Server::start(source, ServerOptions::default()),
            Server::start(target, ServerOptions::default())
        );
        let (source, target) = (source.unwrap(), target.unwrap());
        for server in [&source, &target] {
            server.execute(TABLES).await.unwrap();
        }
        let (source_pool, target_pool) = (pool(&source).await, pool(&target).await);
        let native = Native::new(NativeConfig {
            source: party("the source", &source, &source_pool),
            target: party("the target", &target, &target_pool),
            slot_forward: "switchyard_test_from_source".into(),
            slot_reverse: "switchyard_test_from_target".into(),
        });
        Some(Pair { source, target, source_pool, target_pool, native })
    }

    pub fn pool(&self, side: Side) -> &PgPool {
        match side {
            Side::Source => &self.source_pool,
            Side::Target => &self.target_pool,
        }
    }

    pub fn server(&self, side: Side) -> &Server {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// Runs SQL on one side.
    pub async fn run(&self, side: Side, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(self.pool(side))
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    /// One number from one side.
    pub async fn number(&self, side: Side, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.pool(side))
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// Writes beat `n` on the side it leaves and waits until it is seen on the other: everything before it is there then.
    pub async fn beat_through(&self, from: Side, n: i64) {
        let table = match from {
            Side::Source => "switchyard.beat_forward",
            Side::Target => "switchyard.beat_reverse",
        };
        self.run(from, &format!("DELETE FROM {table}; INSERT INTO {table} VALUES (1, {n}, now())")).await;
        let sql = format!("SELECT coalesce(max(n), 0) FROM {table}");
        wait(&format!("beat {n} from the {from}"), async || self.number(from.other(), &sql).await == n).await;
    }

    /// Both streams, as the phases set them up: forward with the copy, reverse with its valve closed.
    pub async fn connect(&self) {
        self.native.publish(Side::Source, &scope(), true).await.unwrap();
        self.native.subscribe(Side::Source, true).await.unwrap();
        wait("the copy", async || self.native.copy_progress(Side::Source).await.unwrap().is_done()).await;
        self.native.publish(Side::Target, &scope(), false).await.unwrap();
        self.native.subscribe(Side::Target, false).await.unwrap();
    }
}

/// Asks until it holds; panics with what was waited for.
pub async fn wait(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(60), "waited a minute in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A pool as the engine makes it.
pub async fn pool(server: &Server) -> PgPool {
    PgPoolOptions::new().max_connections(12).connect(&server.switchyard_url()).await.unwrap()
}

/// The endpoint of a server of the rig.
pub fn endpoint(name: &str, server: &Server) -> Endpoint {
    Endpoint {
        name: name.into(),
        host: server.host.clone(),
        port: server.port,
        database: DATABASE.into(),
        user: server.logins.switchyard.user.clone(),
        tls: TlsMode::Prefer,
        ca_file: None,
        peer_address: None,
    }
}

fn party(label: &str, server: &Server, pool: &PgPool) -> Party {
    Party {
        label: label.into(),
        pool: pool.clone(),
        endpoint: endpoint(label, server),
        password: Some(Secret::new(server.logins.switchyard.password.clone())),
    }
}

/// A replicator of which only the source is used.
pub async fn alone(server: &Server) -> Native {
    let pool = pool(server).await;
    Native::new(NativeConfig {
        source: party("the source", server, &pool),
        target: party("the target", server, &pool),
        slot_forward: "switchyard_test_from_source".into(),
        slot_reverse: "switchyard_test_from_target".into(),
    })
}

/// The pair's replicator with another way to the source.
pub fn native_with(pair: &Pair, endpoint: Endpoint, password: &str) -> Native {
    Native::new(NativeConfig {
        source: Party {
            endpoint,
            password: Some(Secret::new(password)),
            ..party("the source", &pair.source, &pair.source_pool)
        },
        target: party("the target", &pair.target, &pair.target_pool),
        slot_forward: "switchyard_test_from_source".into(),
        slot_reverse: "switchyard_test_from_target".into(),
    })
}
