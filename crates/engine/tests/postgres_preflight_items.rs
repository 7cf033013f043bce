//! Every item of the preflight planted on real servers: exactly its check fails, names the object, and passes once its
//! remedy was run.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use std::collections::BTreeSet;

use postgres_server::{Bed, until_true};
use sqlx::{AssertSqlSafe, Connection};
use switchyard_engine::{
    db::{
        Catalog,
        connect::{Login, connect_postgres},
    },
    secret::Secret,
};
use switchyard_model::{
    Side,
    check::Check,
    endpoint::Endpoint,
    preflight::{self, particulars::LONG_S},
    schema::Severity,
    verdict::Verdict,
};
use switchyard_rig::Major;

/// Names that end a quote, a statement or a line where somebody forgot to quote them.
const HOSTILE: &str = "Tr\"ig'g; \n🐘";

struct Pair {
    source: Bed,
    target: Bed,
}

/// Statements beyond the remedy's own words.
enum Remedy {
    /// Everything in it from this word on.
    From(&'static str),
    /// These instead: it asks for something that a program cannot know.
    Other(&'static str),
}

impl Pair {
    async fn start() -> Pair {
        let two_phase = [("max_prepared_transactions", "5")];
        let (source, target) = tokio::join!(Bed::start(Major::V15, &two_phase), Bed::start(Major::best(), &two_phase));
        source.execute("CREATE TABLE t (id bigint PRIMARY KEY, x int); INSERT INTO t VALUES (1, 1)").await;
        Pair { source, target }
    }

    async fn checks(&self) -> Vec<Check> {
        let (source, target) = tokio::join!(self.source.db.inventory(1), self.target.db.inventory(2));
        preflight::judge(&source.unwrap(), &target.unwrap())
    }

    /// The ids of what does not pass, with their checks.
    async fn open(&self) -> Vec<Check> {
        self.checks().await.into_iter().filter(|c| !c.verdict.opens()).collect()
    }

    fn bed(&self, check: &str) -> &Bed {
        if check.starts_with("target.") || check == "pair.time_zone" { &self.target } else { &self.source }
    }

    /// Exactly this check fails, about this object; what its remedy says mends it.
    async fn fails(&self, id: &str, object: &str, remedy: Remedy) {
        let open = self.open().await;
        let ids: Vec<&str> = open.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, [id], "exactly what was planted: {open:?}");
        let Verdict::Fail { why, remedy: said } = &open[0].verdict else { panic!("{id} is no Unknown: {open:?}") };
        if object.is_empty() {
            assert!(open[0].objects.is_empty(), "{id} is about no object: {:?}", open[0].objects);
        } else {
            assert_eq!(open[0].objects, [object], "{id}: {why}");
        }
        let bed = self.bed(id);
        let mend = match remedy {
            Remedy::From(word) => {
                let at = said.find(word).unwrap_or_else(|| panic!("{id} should say “{word}”: {said}"));
                said[at..].to_owned()
            }
            Remedy::Other(sql) => sql.to_owned(),
        };
        admin(bed, &mend).await;
        let open = self.open().await;
        assert!(open.is_empty(), "{id} is mended by “{mend}”: {open:?}");
    }
}

/// As the superuser, one statement at a time: some want no transaction around them.
async fn admin(bed: &Bed, sql: &str) {
    let mut connection = bed.server.connect("shop").await.unwrap();
    for statement in statements(sql) {
        let ran = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await;
        ran.unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    connection.close().await.unwrap();
}

/// Split at the semicolons outside quotes.
fn statements(sql: &str) -> Vec<String> {
    let (mut out, mut quote) = (vec![String::new()], None);
    for c in sql.chars() {
        match (c, quote) {
            (';', None) => out.push(String::new()),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            _ => {}
        }
        if c != ';' || quote.is_some() {
            out.last_mut().unwrap().push(c);
        }
    }
    out.retain(|s| !s.trim().is_empty());
    out
}

fn quoted(name: &str) -> String {
    switchyard_model::ident::quote(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_what_hangs_on_them() {
    let pair = Pair::start().await;
    assert!(pair.open().await.is_empty(), "a clean pair fails nothing: {:?}", pair.open().await);
    let (source, target) = (&pair.source, &pair.target);
    let trigger = quoted(HOSTILE);

    source
        .execute(format!(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             CREATE TRIGGER {trigger} BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); \
             CREATE TRIGGER usual BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); \
             ALTER TABLE t ENABLE ALWAYS TRIGGER {trigger}"
        ))
        .await;
    pair.fails("source.always_triggers", &format!("public.t.{trigger}"), Remedy::From("ALTER TABLE")).await;
    source.execute("ALTER TABLE t ENABLE REPLICA TRIGGER usual").await;
    pair.fails("source.always_triggers", "public.t.usual", Remedy::From("ALTER TABLE")).await;

    source.execute("ALTER TABLE t ADD CONSTRAINT positive CHECK (x > 0) NOT VALID").await;
    pair.fails("source.not_valid", "public.t.positive", Remedy::From("ALTER TABLE")).await;

    source.execute("CREATE TABLE g (a int NOT NULL, k int GENERATED ALWAYS AS (a * 2) STORED PRIMARY KEY)").await;
    let mend = "CREATE UNIQUE INDEX by_a ON public.g (a); ALTER TABLE public.g REPLICA IDENTITY USING INDEX by_a";
    pair.fails("source.generated_identity", "public.g", Remedy::Other(mend)).await;

    source
        .execute(
            "CREATE TABLE log (at int PRIMARY KEY) PARTITION BY RANGE (at); \
                  CREATE TABLE \"Log 1\" PARTITION OF log FOR VALUES FROM (0) TO (9)",
        )
        .await;
    half_detach(source).await;
    // Its index still hangs on the tree's, and a check on foreign keys or constraints says nothing of it.
    pair.fails("source.partitions", "public.\"Log 1\"", Remedy::From("ALTER TABLE")).await;

    target
        .execute("CREATE TABLE t (id bigint PRIMARY KEY, x int CONSTRAINT positive CHECK (x > 0)); CREATE TABLE log (at int PRIMARY KEY) PARTITION BY RANGE (at); \
                  CREATE TABLE \"Log 1\" (at int PRIMARY KEY); CREATE TABLE g (a int NOT NULL, k int GENERATED ALWAYS AS (a * 2) STORED PRIMARY KEY); \
                  CREATE TABLE theirs (t_id bigint CONSTRAINT \"Fk\" REFERENCES t)")
        .await;
    pair.fails("target.truncate_foreign_keys", "public.theirs.\"Fk\"", Remedy::From("ALTER TABLE")).await;

    target.execute("INSERT INTO theirs SELECT generate_series(1, 10)").await;
    pair.fails("target.statistics", "public.theirs", Remedy::From("ANALYZE")).await;
}

/// DETACH CONCURRENTLY waits for a session that reads the tree, and is cancelled between its two transactions.
async fn half_detach(bed: &Bed) {
    let mut reader = bed.app().await;
    sqlx::raw_sql("BEGIN; SELECT * FROM log").execute(&mut reader).await.unwrap();
    let mut session = bed.app().await;
    sqlx::raw_sql("SET statement_timeout = '500ms'").execute(&mut session).await.unwrap();
    let detach = "ALTER TABLE log DETACH PARTITION \"Log 1\" CONCURRENTLY";
    let broken = sqlx::raw_sql(detach).execute(&mut session).await.unwrap_err();
    assert!(broken.to_string().contains("timeout"), "it had to be cancelled: {broken}");
    reader.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_roles_and_collations() {
    let pair = Pair::start().await;
    let (source, target) = (&pair.source, &pair.target);
    let role = quoted(HOSTILE);
    admin(
        source,
        &format!("CREATE ROLE {role}; ALTER ROLE {role} IN DATABASE shop SET session_replication_role = replica"),
    )
    .await;
    let object = format!("role {role} in database shop");
    pair.fails("source.session_replication_role", &object, Remedy::From("ALTER ROLE")).await;
    admin(target, "ALTER DATABASE shop SET session_replication_role = replica").await;
    pair.fails("target.session_replication_role", "database shop", Remedy::From("ALTER DATABASE")).await;
    admin(target, "ALTER SYSTEM SET session_replication_role = replica; SELECT pg_reload_conf()").await;
    until_reloaded(target, "SELECT setting = 'replica' FROM pg_settings WHERE name = 'session_replication_role'").await;
    let open = pair.open().await;
    assert_eq!(open[0].objects, ["server"], "{open:?}");
    admin(target, "ALTER SYSTEM RESET session_replication_role; SELECT pg_reload_conf()").await;
    until_reloaded(target, "SELECT setting = 'origin' FROM pg_settings WHERE name = 'session_replication_role'").await;

    admin(target, "ALTER DATABASE shop SET default_transaction_read_only = on").await;
    let mend = "BEGIN READ WRITE; ALTER DATABASE shop RESET default_transaction_read_only; COMMIT";
    pair.fails("target.read_only_default", "database shop", Remedy::Other(mend)).await;
    admin(target, "ALTER DATABASE shop SET timezone = 'Asia/Kathmandu'").await;
    pair.fails("pair.time_zone", "", Remedy::From("ALTER DATABASE")).await;

    admin(source, "ALTER ROLE switchyard SET statement_timeout = '30s'").await;
    pair.fails("source.copy_timeout", "", Remedy::From("ALTER ROLE")).await;
    database_collation(source).await;
    source
        .execute("CREATE COLLATION \"De\" (provider = icu, locale = 'de'); ALTER TABLE t ADD y text COLLATE \"De\"")
        .await;
    admin(source, "UPDATE pg_collation SET collversion = '0' WHERE collname = 'De'").await;
    pair.fails("source.collation_versions", "collation public.\"De\"", Remedy::From("ALTER COLLATION")).await;
}

/// Of a database whose locale has versions, which the rig's own has not.
async fn database_collation(bed: &Bed) {
    let name = "Icu \"db";
    let database = quoted(name);
    admin(bed, &format!("CREATE DATABASE {database} LOCALE_PROVIDER icu ICU_LOCALE 'de' TEMPLATE template0")).await;
    let db = postgres_server::connect(&bed.server, Side::Source, name).await;
    let judged = async || {
        let seen = db.inventory(1).await.unwrap();
        preflight::judge(&seen, &seen).into_iter().find(|c| c.id == "source.collation_versions").unwrap()
    };
    assert!(judged().await.verdict.opens(), "{:?}", judged().await);
    admin(bed, "UPDATE pg_database SET datcollversion = '0' WHERE datname LIKE 'Icu%'").await;
    let check = judged().await;
    assert_eq!(check.objects, [format!("database {database}")], "{check:?}");
    let Verdict::Fail { remedy, .. } = &check.verdict else { panic!("{check:?}") };
    assert!(remedy.contains(&format!("REINDEX DATABASE {database}")), "{remedy}");
    admin(bed, &remedy[remedy.find("ALTER DATABASE").unwrap()..]).await;
    assert!(judged().await.verdict.opens(), "{:?}", judged().await);
}

async fn until_reloaded(bed: &Bed, question: &str) {
    // Each look is a new session: an open one reads its files in its own time.
    let asked = async {
        loop {
            let mut connection = bed.server.connect("shop").await.unwrap();
            let answer: bool =
                sqlx::query_scalar(AssertSqlSafe(question.to_owned())).fetch_one(&mut connection).await.unwrap();
            if answer {
                break;
            }
        }
    };
    postgres_server::within("the configuration to be read again", asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_slots_and_origins() {
    let pair = Pair::start().await;
    let (source, target) = (&pair.source, &pair.target);
    source.execute("BEGIN; INSERT INTO t VALUES (2, 2); PREPARE TRANSACTION 'it''s \\ open'").await;
    pair.fails("source.prepared_transactions", "transaction \"it's \\ open\"", Remedy::From("ROLLBACK PREPARED")).await;

    let mut writer = source.app().await;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut writer).await.unwrap();
    sqlx::raw_sql("SET application_name = 'forgotten'; BEGIN; INSERT INTO t VALUES (3, 3)")
        .execute(&mut writer)
        .await
        .unwrap();
    let mut reader = source.app().await;
    sqlx::raw_sql("BEGIN; SELECT * FROM t").execute(&mut reader).await.unwrap();
    assert!(pair.open().await.is_empty(), "a young transaction is none to speak of");
    let mut looker = source.server.connect("shop").await.unwrap();
    let old = format!(
        "SELECT xact_start < clock_timestamp() - interval '{LONG_S} s' FROM pg_stat_activity WHERE pid = {pid}"
    );
    until_true(&mut looker, "the transaction to be long", &old).await;
    pair.fails("source.long_transactions", &format!("session {pid}"), Remedy::From("SELECT pg_terminate_backend"))
        .await;

    admin(source, "SELECT pg_create_physical_replication_slot('standby_1')").await;
    pair.fails("source.slot_failover", "slot standby_1", Remedy::From("SELECT pg_drop_replication_slot")).await;
    if target.server.major == Major::V18 {
        admin(target, "SELECT pg_create_physical_replication_slot('standby_1')").await;
        let open = pair.open().await;
        assert_eq!((open.len(), open[0].objects.as_slice()), (1, ["slot standby_1".to_owned()].as_slice()), "{open:?}");
        let Verdict::Fail { remedy, .. } = &open[0].verdict else { panic!("{open:?}") };
        admin(target, remedy.split(" and on the standby").next().unwrap()).await;
        let set = "SELECT setting = 'standby_1' FROM pg_settings WHERE name = 'synchronized_standby_slots'";
        until_reloaded(target, set).await;
        assert!(pair.open().await.is_empty(), "{:?}", pair.open().await);
        admin(target, "ALTER SYSTEM SET idle_replication_slot_timeout = '1h'; SELECT pg_reload_conf()").await;
        until_reloaded(target, "SELECT setting = '3600' FROM pg_settings WHERE name = 'idle_replication_slot_timeout'")
            .await;
        let open = pair.open().await;
        assert_eq!((open.len(), open[0].id.as_str()), (1, "target.slot_timeout"), "{open:?}");
        assert!(open[0].verdict.sentence().contains("3600 s"), "{open:?}");
        admin(target, "ALTER SYSTEM RESET idle_replication_slot_timeout; SELECT pg_reload_conf()").await;
        until_reloaded(target, "SELECT setting = '0' FROM pg_settings WHERE name = 'idle_replication_slot_timeout'")
            .await;
    } else {
        println!("SKIPPED: failover slots and idle slots; no PostgreSQL 18 is here");
    }

    admin(source, "CREATE SUBSCRIPTION \"Feed\" CONNECTION 'host=127.0.0.1 port=9 dbname=x' PUBLICATION p WITH (connect = false, slot_name = 'x'); \
                  ALTER SUBSCRIPTION \"Feed\" ENABLE")
        .await;
    pair.fails("source.subscriptions", "subscription \"Feed\"", Remedy::From("ALTER SUBSCRIPTION")).await;

    let fill = "SELECT pg_replication_origin_create('o' || n) FROM generate_series(1, current_setting('max_replication_slots')::int - 1) n";
    admin(target, &fill.replace("max_replication_slots", origins_setting(target))).await;
    pair.fails(
        "target.origins",
        "",
        Remedy::Other("SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin"),
    )
    .await;
}

fn origins_setting(bed: &Bed) -> &'static str {
    if bed.server.major == Major::V18 { "max_active_replication_origins" } else { "max_replication_slots" }
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_and_jobs() {
    let pair = Pair::start().await;
    let (source, target) = (&pair.source, &pair.target);
    // An extension of every server that keeps rows of its users: what its script would do.
    let conf = "CREATE TABLE public.conf (k int PRIMARY KEY); ALTER EXTENSION plpgsql ADD TABLE public.conf; \
                UPDATE pg_extension SET extconfig = ARRAY['public.conf'::regclass::oid] WHERE extname = 'plpgsql'";
    admin(source, conf).await;
    admin(target, conf).await;
    assert!(pair.open().await.is_empty(), "a table without rows holds nothing of anybody");
    admin(source, "INSERT INTO public.conf VALUES (1)").await;
    let open = pair.open().await;
    assert_eq!((open.len(), open[0].objects.as_slice()), (1, ["public.conf".to_owned()].as_slice()), "{open:?}");
    let Verdict::Fail { remedy, .. } = &open[0].verdict else { panic!("{open:?}") };
    assert!(remedy.contains("COPY \"public\".\"conf\" FROM STDIN"), "{remedy}");
    admin(target, "INSERT INTO public.conf VALUES (1)").await;
    assert!(pair.open().await.is_empty(), "once the rows are there it passes: {:?}", pair.open().await);

    let jobs = "CREATE SCHEMA cron; \
         CREATE TABLE cron.job (jobid bigint PRIMARY KEY, schedule text, command text, nodename text, nodeport int, \
           database text, username text, active boolean NOT NULL DEFAULT true, jobname name); \
         CREATE FUNCTION cron.alter_job(job_id bigint, active boolean) RETURNS void LANGUAGE sql \
           AS 'UPDATE cron.job SET active = alter_job.active WHERE jobid = job_id'; \
         ALTER EXTENSION plpgsql ADD TABLE cron.job; \
         INSERT INTO cron.job VALUES (7, '0 3 * * *', 'DELETE FROM t', '', 1, 'shop', 'app', true, 'Purge ''n'' ;')";
    admin_whole(source, jobs).await;
    admin_whole(target, jobs).await;
    pair.fails("target.cron_jobs", "job 7 \"Purge 'n' ;\"", Remedy::From("SELECT cron.alter_job")).await;
}

async fn admin_whole(bed: &Bed, sql: &str) {
    bed.server.execute(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_refuses_what_the_source_allows() {
    let two_phase = [("max_prepared_transactions", "5")];
    let (source, target) = tokio::join!(Bed::start(Major::V15, &two_phase), Bed::start(Major::best(), &[]));
    source.execute("CREATE TABLE t (id bigint PRIMARY KEY, x int GENERATED ALWAYS AS (id) STORED)").await;
    let pair = Pair { source, target };
    let open = pair.open().await;
    assert_eq!((open.len(), open[0].id.as_str()), (1, "target.two_phase"), "{open:?}");
    admin(&pair.target, "ALTER SYSTEM SET max_prepared_transactions = 5").await;
    pair.target.server.restart().await.unwrap();
    assert!(pair.open().await.is_empty(), "{:?}", pair.open().await);
    pair.source.execute("ALTER TABLE t REPLICA IDENTITY FULL").await;
    let open: Vec<String> = pair.open().await.into_iter().map(|c| c.id).collect();
    let refused = if pair.target.server.major == Major::V18 { vec!["source.generated_identity"] } else { vec![] };
    assert_eq!(open, refused, "PostgreSQL 18 refuses updates of such a table once it is published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_little_is_told_so_in_sentences() {
    let pair = Pair::start().await;
    for bed in [&pair.source, &pair.target] {
        let limited = &bed.server.logins.limited.user;
        admin(
            bed,
            &format!(
                "CREATE SCHEMA \"Sec ret\"; CREATE TABLE IF NOT EXISTS public.t (id bigint PRIMARY KEY, x int); \
                 CREATE TABLE \"Sec ret\".u (id int PRIMARY KEY); ALTER TABLE public.t ENABLE ROW LEVEL SECURITY; \
                 GRANT pg_monitor TO {limited}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {limited}"
            ),
        )
        .await;
    }
    let read = async |bed: &Bed| {
        let limited = &bed.server.logins.limited;
        let endpoint = Endpoint { user: limited.user.clone(), ..postgres_server::endpoint(&bed.server, "shop") };
        let password = Secret::new(limited.password.clone());
        let login = Login { endpoint: &endpoint, password: Some(&password) };
        connect_postgres(Side::Source, login, 2).await.unwrap().inventory(1).await.unwrap()
    };
    let checks = preflight::judge(&read(&pair.source).await, &read(&pair.target).await);
    let open: BTreeSet<&str> = checks.iter().filter(|c| !c.verdict.opens()).map(|c| c.id.as_str()).collect();
    let find = |id: &str| checks.iter().find(|c| c.id == id).unwrap();
    assert_eq!(find("source.role_schemas").objects, ["schema \"Sec ret\""], "{:?}", find("source.role_schemas"));
    assert_eq!(find("source.row_security").objects, ["public.t"], "{:?}", find("source.row_security"));
    assert!(find("source.role_sessions").verdict.opens(), "pg_monitor sees sessions");
    let zone = &find("pair.time_zone").verdict;
    assert!(matches!(zone, Verdict::Unknown { missing } if missing.contains("pg_file_settings")), "{zone:?}");
    for id in ["source.always_triggers", "source.not_valid", "source.prepared_transactions", "source.long_transactions"]
    {
        assert!(!open.contains(id), "{id} can be read by such a role: {:?}", find(id));
    }
    for check in checks.iter().filter(|c| c.blocks()) {
        assert!(!matches!(check.verdict, Verdict::Unknown { .. }), "{}: {:?}", check.id, check.verdict);
    }
    assert!(checks.iter().any(|c| c.severity == Some(Severity::Speed)));
}
