//! The rest of the schema made on a target that applies the stream of a busy source, again and again: neither side of a
//! lock's cycle may notice the other.
#![allow(clippy::unwrap_used, clippy::panic)]

mod native_pair;

use std::time::{Duration, Instant};

use native_pair::{endpoint, pool, wait};
use sqlx::{AssertSqlSafe, PgPool};
use switchyard_engine::{
    replicate::{
        Replicator,
        native::{Native, NativeConfig, Party},
    },
    secret::Secret,
    tool::{Holding, Login, SchemaDump, Section, Tools},
};
use switchyard_model::{Side, ident::TableName};
use switchyard_rig::{Major, Rig, RigOptions, Schema, Server, ServerOptions, Workload, WorkloadConfig};

const DEADLINE: Duration = Duration::from_secs(60);

/// Drops what the rest of the schema made: foreign keys, indexes without a constraint, unique constraints, triggers.
const FORGET: &str = "DO $$ DECLARE s text; BEGIN \
    FOR s IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint \
        WHERE contype IN ('f', 'u') AND conparentid = 0 AND connamespace <> 'pg_catalog'::regnamespace \
        ORDER BY contype LOOP EXECUTE s; END LOOP; \
    FOR s IN SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
        WHERE indexrelid >= 16384 AND NOT indisprimary AND NOT c.relispartition \
        AND c.relnamespace::regnamespace::text IN ('public', 'audit') LOOP EXECUTE s; END LOOP; \
    FOR s IN SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger \
        WHERE NOT tgisinternal AND tgparentid = 0 LOOP EXECUTE s; END LOOP; END $$";

fn party(label: &str, server: &Server, pool: &PgPool) -> Party {
    Party {
        label: label.into(),
        pool: pool.clone(),
        endpoint: endpoint(label, server),
        password: Some(Secret::new(server.logins.switchyard.password.clone())),
    }
}

async fn login(label: &str, server: &Server) -> Login {
    let password = Some(Secret::new(server.logins.switchyard.password.clone()));
    Login { label: label.into(), pool: pool(server).await, endpoint: endpoint(label, server), password }
}

async fn run(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// How often it is tried. A hundred rounds were run when this was written; each costs under a second.
fn rounds() -> usize {
    std::env::var("SWITCHYARD_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(6)
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_restore_nor_the_stream_is_the_victim_of_a_deadlock() {
    let rig = Rig::start(RigOptions {
        source: Major::V15,
        target: Major::best(),
        routers: false,
        schema: Some(Schema::Shop { scale: 0.02 }),
        ..RigOptions::default()
    })
    .await
    .unwrap();
    let (from, to) = (login("the source", &rig.source).await, login("the target", &rig.target).await);
    let workdir = tempfile::tempdir().unwrap();
    for server in [&rig.source, &rig.target] {
        let beats = "CREATE SCHEMA switchyard; \
                     CREATE TABLE switchyard.beat_forward (id int PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL); \
                     CREATE TABLE switchyard.beat_reverse (id int PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL)";
        server.execute(beats).await.unwrap();
    }
    let dump = SchemaDump::take(&Tools::default(), &from, workdir.path()).await.unwrap();
    for section in [Section::Structure, Section::Keys] {
        dump.restore(section, &to, DEADLINE, &|_| {}).await.unwrap();
    }
    let native = Native::new(NativeConfig {
        source: party("the source", &rig.source, &from.pool),
        target: party("the target", &rig.target, &to.pool),
        slot_forward: "switchyard_test_from_source".into(),
        slot_reverse: "switchyard_test_from_target".into(),
    });
    let sql = "SELECT schemaname::text, tablename::text FROM pg_tables t WHERE schemaname IN ('public', 'audit') \
               AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = format('%I.%I', schemaname, tablename)::regclass)";
    let tables: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&from.pool).await.unwrap();
    let scope: Vec<TableName> = tables.into_iter().map(|(s, t)| TableName::new(s, t)).collect();
    let busy = WorkloadConfig { writers: 8, readers: 0, think: Duration::from_millis(5), ..WorkloadConfig::of(&rig) };
    let workload = Workload::start(busy).await.unwrap();
    native.publish(Side::Source, &scope, true).await.unwrap();
    native.subscribe(Side::Source, true).await.unwrap();
    wait("the copy", async || native.copy_progress(Side::Source).await.unwrap().is_done()).await;
    let errors = async || native.status(Side::Source).await.unwrap().apply_errors.unwrap();
    let errors_before = errors().await;
    let (mut failed, mut longest) = (Vec::new(), Duration::ZERO);
    for round in 1..=rounds() {
        let began = Instant::now();
        if let Err(e) = dump.restore(Section::Rest, &to, DEADLINE, &|_| {}).await {
            failed.push(format!("round {round}: {e}"));
        }
        longest = longest.max(began.elapsed());
        if failed.last().is_none_or(|f| !f.starts_with(&format!("round {round}:"))) {
            assert_eq!(dump.observe(Section::Rest, &to).await.unwrap(), Holding::Everything, "round {round}");
        }
        // Forgotten while nothing is applied: what is tried here is making it, not dropping it.
        run(&to.pool, "ALTER SUBSCRIPTION switchyard_test_from_source DISABLE").await;
        wait("the stream to stand still", async || !native.status(Side::Source).await.unwrap().worker_running).await;
        run(&to.pool, FORGET).await;
        run(&to.pool, "ALTER SUBSCRIPTION switchyard_test_from_source ENABLE").await;
        let written = workload.acknowledged();
        wait("the stream to go on", async || native.status(Side::Source).await.unwrap().worker_running).await;
        wait("clients to write", async || workload.acknowledged() > written + 20).await;
    }
    let report = workload.stop().await;
    let stream_errors = errors().await - errors_before;
    println!(
        "{} rounds, {} failed, {stream_errors} errors of the stream, the longest took {longest:?}, {:.0} writes a second",
        rounds(),
        failed.len(),
        report.write_rate()
    );
    assert_eq!(failed, Vec::<String>::new(), "making the rest of the schema was broken off");
    assert_eq!(stream_errors, 0, "the stream's worker was the victim: it starts anew, and the log says ERROR");
}

/// A parent and a child, their foreign key not yet on the target.
async fn two_tables(settings: &[(&str, &str)]) -> (Server, Server, SchemaDump, Login, tempfile::TempDir) {
    let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let options = ServerOptions { settings, ..ServerOptions::default() };
    let (source, target) =
        tokio::join!(Server::start(Major::V15, ServerOptions::default()), Server::start(Major::best(), options));
    let (source, target) = (source.unwrap(), target.unwrap());
    let schema = "CREATE TABLE public.parent (id int PRIMARY KEY) PARTITION BY LIST (id); \
                  CREATE TABLE public.parent_1 PARTITION OF public.parent FOR VALUES IN (1); \
                  CREATE TABLE public.child (id int PRIMARY KEY, parent int CONSTRAINT \"of a parent\" REFERENCES public.parent); \
                  COMMENT ON CONSTRAINT \"of a parent\" ON public.child IS 'needs its key'";
    source.execute(schema).await.unwrap();
    let (from, to) = (login("the source", &source).await, login("the target", &target).await);
    let workdir = tempfile::tempdir().unwrap();
    let dump = SchemaDump::take(&Tools::default(), &from, workdir.path()).await.unwrap();
    for section in [Section::Structure, Section::Keys] {
        dump.restore(section, &to, DEADLINE, &|_| {}).await.unwrap();
    }
    (source, target, dump, to, workdir)
}

async fn remark(to: &Login) -> Option<String> {
    let sql = "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'of a parent'";
    sqlx::query_scalar(sql).fetch_one(&to.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_tables_in_the_other_order_is_never_ended() {
    let (_source, target, dump, to, _workdir) = two_tables(&[]).await;
    let other = pool(&target).await;
    let worker = tokio::spawn(async move {
        // The child first and then the parent. The first time it is long enough for us to have the parent by then, so
        // that a cycle is certain; later on about every other attempt would close one.
        for round in 0.. {
            let inside = if round == 0 { "0.3" } else { "0.05" };
            let work = format!(
                "BEGIN; LOCK TABLE public.child IN ROW EXCLUSIVE MODE; SELECT pg_sleep({inside}); \
                 LOCK TABLE public.parent IN ROW EXCLUSIVE MODE; COMMIT; SELECT pg_sleep(0.05)"
            );
            if let Err(e) = sqlx::raw_sql(AssertSqlSafe(work)).execute(&other).await {
                return format!("round {round}: {e}");
            }
        }
        String::new()
    });
    let held = "SELECT count(*) FROM pg_locks WHERE relation = 'public.child'::regclass AND mode = 'RowExclusiveLock'";
    wait("the other one to hold the child", async || {
        sqlx::query_scalar::<_, i64>(held).fetch_one(&to.pool).await.unwrap() > 0
    })
    .await;
    dump.restore(Section::Rest, &to, DEADLINE, &|_| {}).await.unwrap();
    assert!(!worker.is_finished(), "the other one was ended: {}", worker.await.unwrap());
    worker.abort();
    assert_eq!(dump.observe(Section::Rest, &to).await.unwrap(), Holding::Everything);
    assert_eq!(remark(&to).await.as_deref(), Some("needs its key"), "remarks on a foreign key come after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autovacuum_that_would_take_hours_gives_way() {
    let slow = [
        ("autovacuum", "on"),
        ("autovacuum_naptime", "1"),
        ("autovacuum_vacuum_threshold", "0"),
        ("autovacuum_vacuum_scale_factor", "0"),
        ("autovacuum_vacuum_cost_delay", "100"),
        ("autovacuum_vacuum_cost_limit", "1"),
    ];
    let (_source, _target, dump, to, _workdir) = two_tables(&slow).await;
    run(&to.pool, "INSERT INTO public.child SELECT n FROM generate_series(1, 100000) n; DELETE FROM public.child")
        .await;
    let sql = "SELECT count(*) FROM pg_stat_progress_vacuum WHERE relid = 'public.child'::regclass";
    wait("autovacuum to begin", async || sqlx::query_scalar::<_, i64>(sql).fetch_one(&to.pool).await.unwrap() == 1)
        .await;
    let began = Instant::now();
    dump.restore(Section::Rest, &to, DEADLINE, &|_| {}).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "it waited for the end of autovacuum: {:?}", began.elapsed());
    assert_eq!(dump.observe(Section::Rest, &to).await.unwrap(), Holding::Everything);
}
