//! The schema's way to the target on real servers, in sections, and back out again.

#![allow(clippy::unwrap_used, clippy::panic)]

mod native_pair;

use std::time::Duration;

use native_pair::{endpoint, pool};
use sqlx::AssertSqlSafe;
use switchyard_engine::{
    Kind,
    secret::Secret,
    tool::{Holding, Login, Rows, SchemaDump, Section, Tools},
};
use switchyard_rig::{Major, Server, ServerOptions};

const DEADLINE: Duration = Duration::from_secs(60);

const SECTIONS: [Section; 3] = [Section::Structure, Section::Keys, Section::Rest];

/// Something of everything, owned by the application's role and by the superuser.
const SCHEMA: &str = r#"
    CREATE SCHEMA switchyard;
    CREATE FUNCTION switchyard.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE SCHEMA "S p""ace";
    CREATE TYPE public."Mood 'x" AS ENUM ('good', 'bad');
    CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TABLE public.plain (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood public."Mood 'x", u text UNIQUE, n int DEFAULT 3 CHECK (n > 0));
    CREATE TABLE "S p""ace"."T 'a""ble_with_a_name_that_is_long_as_a_name_can_be_63_bytes_xyy" (
        "I d" uuid PRIMARY KEY, plain int REFERENCES public.plain);
    CREATE TABLE public.part (id bigint, k int, plain int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
    CREATE TABLE public.part_0 PARTITION OF public.part FOR VALUES IN (0);
    CREATE TABLE public.part_1 PARTITION OF public.part FOR VALUES IN (1);
    CREATE INDEX ON public.part (plain);
    ALTER TABLE public.part ADD CONSTRAINT "fk of part" FOREIGN KEY (plain) REFERENCES public.plain;
    CREATE TABLE public.by_index (a int NOT NULL, b int);
    CREATE UNIQUE INDEX by_index_a ON public.by_index (a);
    ALTER TABLE public.by_index REPLICA IDENTITY USING INDEX by_index_a;
    CREATE TABLE public.a (id int PRIMARY KEY, b int);
    CREATE TABLE public.b (id int PRIMARY KEY, a int REFERENCES public.a);
    ALTER TABLE public.a ADD FOREIGN KEY (b) REFERENCES public.b;
    CREATE VIEW public.grouped AS SELECT p.*, count(*) AS many FROM public.plain p GROUP BY p.id;
    CREATE MATERIALIZED VIEW public.filled AS SELECT 1 AS one;
    CREATE MATERIALIZED VIEW public.unfilled AS SELECT 1 AS one WITH NO DATA;
    CREATE SEQUENCE public.loose;
    CREATE STATISTICS public.ab ON a, b FROM public.by_index;
    CREATE TRIGGER touch BEFORE UPDATE ON public.plain FOR EACH ROW EXECUTE FUNCTION public.touch();
    CREATE TRIGGER switchyard_fence BEFORE INSERT ON public.plain FOR EACH STATEMENT EXECUTE FUNCTION switchyard.refuse();
    CREATE RULE nothing AS ON DELETE TO public.by_index DO ALSO NOTHING;
    ALTER TABLE public.by_index ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON public.by_index TO app USING (true);
    COMMENT ON TABLE public.plain IS 'it''s plain';
    COMMENT ON INDEX public.by_index_a IS 'identity';
    ALTER TABLE public.plain OWNER TO app;
    GRANT SELECT ON public.plain TO switchyard_limited;
    CREATE PUBLICATION somebody_elses FOR TABLE public.plain;
"#;

struct Sides {
    source: Server,
    target: Server,
    from: Login,
    to: Login,
    workdir: tempfile::TempDir,
}

impl Sides {
    async fn start(target: Major) -> Option<Sides> {
        if !target.available() {
            println!("SKIPPED: {target:?} is not on this machine; scripts/setup.sh demo brings it");
            return None;
        }
        let options = ServerOptions::default;
        let (source, target) = tokio::join!(Server::start(Major::V15, options()), Server::start(target, options()));
        let (source, target) = (source.unwrap(), target.unwrap());
        source.execute(SCHEMA).await.unwrap();
        let (from, to) = (login("the source", &source).await, login("the target", &target).await);
        Some(Sides { source, target, from, to, workdir: tempfile::tempdir().unwrap() })
    }

    async fn dump(&self) -> SchemaDump {
        SchemaDump::take(&Tools::default(), &self.from, self.workdir.path()).await.unwrap()
    }
}

async fn login(label: &str, server: &Server) -> Login {
    let password = Some(Secret::new(server.logins.switchyard.password.clone()));
    Login { label: label.into(), pool: pool(server).await, endpoint: endpoint(label, server), password }
}

async fn texts(login: &Login, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_all(&login.pool)
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

async fn there_and_back(major: Major) {
    let Some(sides) = Sides::start(major).await else { return };
    let (dump, to) = (sides.dump().await, &sides.to);
    for round in 1..=2 {
        for section in SECTIONS {
            assert_ne!(dump.observe(section, to).await.unwrap(), Holding::Everything, "round {round}: {section:?}");
            let made =
                dump.restore(section, to, DEADLINE, &|_| {}).await.unwrap_or_else(|e| panic!("{section:?}: {e}"));
            assert!(made > 0, "{section:?} made nothing");
            assert_eq!(dump.observe(section, to).await.unwrap(), Holding::Everything, "{section:?}");
            assert_eq!(
                dump.restore(section, to, DEADLINE, &|_| {}).await.unwrap(),
                0,
                "a second {section:?} has nothing to do"
            );
            if section == Section::Keys {
                keys_alone(to).await;
            }
        }
        equal(&sides).await;
        dump.drop_everything_created(to, Rows::Refuse).await.unwrap();
        dump.drop_everything_created(to, Rows::Refuse).await.unwrap();
        let left = texts(
            to,
            "SELECT relname::text FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace",
        )
        .await;
        assert_eq!(left, Vec::<String>::new(), "the target is as empty as before");
    }
}

/// After the keys: what identifies rows is there, and nothing that slows the copy.
async fn keys_alone(to: &Login) {
    let sql = "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
               WHERE c.relnamespace = 'public'::regnamespace AND NOT indisprimary";
    assert_eq!(texts(to, sql).await, ["by_index_a"], "the replica identity, and no other index yet");
    let sql = "SELECT count(*)::text FROM pg_constraint WHERE contype = 'p' AND conrelid >= 16384";
    assert_eq!(texts(to, sql).await, ["7"], "every table and partition has its primary key");
    let sql = "SELECT relreplident::text FROM pg_class WHERE relname = 'by_index'";
    assert_eq!(texts(to, sql).await, ["i"], "and the table without one its identity");
}

/// Definitions agree on both sides, as far as a catalog tells them as text.
async fn equal(sides: &Sides) {
    for sql in [
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE conrelid >= 16384 AND contype <> 'n' ORDER BY 1",
        "SELECT pg_get_indexdef(indexrelid) || indisvalid::text FROM pg_index WHERE indexrelid >= 16384 AND \
         indrelid IN (SELECT oid FROM pg_class WHERE relkind IN ('r', 'p')) ORDER BY 1",
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgname <> 'switchyard_fence' ORDER BY 1",
        // Newer versions leave out the table's alias where it is not needed.
        "SELECT viewname || replace(definition, 'p.', '') FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
        "SELECT matviewname || ispopulated::text FROM pg_matviews ORDER BY 1",
        "SELECT tablename || tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
        // An owner's rights include MAINTAIN since PostgreSQL 17.
        "SELECT relname || coalesce(obj_description(oid, 'pg_class'), '') || coalesce(replace(relacl::text, 'xtm/', 'xt/'), '') || relrowsecurity \
         FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT polname::text FROM pg_policy ORDER BY 1",
        "SELECT rulename::text FROM pg_rules WHERE schemaname = 'public' ORDER BY 1",
        "SELECT stxname::text FROM pg_statistic_ext ORDER BY 1",
    ] {
        assert_eq!(texts(&sides.from, sql).await, texts(&sides.to, sql).await, "{sql}");
    }
    let ours = "SELECT tgname::text FROM pg_trigger WHERE tgname = 'switchyard_fence' \
                UNION ALL SELECT pubname::text FROM pg_publication UNION ALL \
                SELECT nspname::text FROM pg_namespace WHERE nspname = 'switchyard'";
    assert_eq!(texts(&sides.to, ours).await, Vec::<String>::new(), "our triggers and others' publications stay behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_15_to_15() {
    there_and_back(Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_15_to_18() {
    there_and_back(Major::V18).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_told_and_nothing_is_half_done() {
    let sides = Sides::start(Major::best()).await.unwrap();
    sides.source.execute("CREATE ROLE \"Rep orter\"; GRANT SELECT ON public.a TO \"Rep orter\"").await.unwrap();
    let (dump, to) = (sides.dump().await, &sides.to);
    let error = dump.restore(Section::Structure, to, DEADLINE, &|_| {}).await.unwrap_err();
    assert!(error.why.contains("lacks the roles “Rep orter”"), "{error}");
    sides.target.execute("CREATE ROLE \"Rep orter\"; CREATE TABLE public.b (other int)").await.unwrap();
    let error = dump.restore(Section::Structure, to, DEADLINE, &|_| {}).await.unwrap_err();
    assert!(error.kind == Kind::Unsuitable && error.why.contains("table public.b"), "{error}");
    // A name that the look does not know, so that pg_restore itself fails in the middle.
    sides.target.execute("DROP TABLE public.b; CREATE DOMAIN public.b AS int").await.unwrap();
    let error = dump.restore(Section::Structure, to, DEADLINE, &|_| {}).await.unwrap_err();
    assert!(error.why.contains("pg_restore failed"), "{error}");
    assert_eq!(dump.observe(Section::Structure, to).await.unwrap(), Holding::Nothing, "a failure leaves nothing");
    sides.target.execute("DROP DOMAIN public.b").await.unwrap();
    for section in SECTIONS {
        dump.restore(section, to, DEADLINE, &|_| {}).await.unwrap();
    }
    sides.target.execute("INSERT INTO public.part VALUES (1, 1)").await.unwrap();
    let error = dump.drop_everything_created(to, Rows::Refuse).await.unwrap_err();
    assert!(error.kind == Kind::Refused && error.why.contains("part_1"), "{error}");
    assert_eq!(dump.observe(Section::Rest, to).await.unwrap(), Holding::Everything, "nothing was dropped");
    // Half of the rest is gone; the next restore makes what is missing.
    sides.target.execute("DROP INDEX public.part_plain_idx; DROP TRIGGER touch ON public.plain").await.unwrap();
    assert!(matches!(dump.observe(Section::Rest, to).await.unwrap(), Holding::Part { .. }));
    dump.restore(Section::Rest, to, DEADLINE, &|_| {}).await.unwrap();
    equal(&sides).await;
    dump.drop_everything_created(to, Rows::Drop).await.unwrap();
    assert_eq!(dump.observe(Section::Structure, to).await.unwrap(), Holding::Nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn previews_tell_everything_but_the_password() {
    let sides = Sides::start(Major::V15).await.unwrap();
    let dump = sides.dump().await;
    let mut text = String::new();
    for section in SECTIONS {
        text.push_str(&format!("{:#?}", dump.actions(section, &sides.to)));
    }
    dump.restore(Section::Structure, &sides.to, DEADLINE, &|_| {}).await.unwrap();
    text.push_str(&format!("{:#?}", dump.drop_actions(&sides.to).await.unwrap()));
    for part in [
        "pg_dump --format=custom",
        "--single-transaction",
        "8 × table",
        "REFRESH MATERIALIZED VIEW public.filled",
        "DROP TABLE IF EXISTS public.plain;",
    ] {
        assert!(text.contains(part), "the preview lacks {part}");
    }
    for server in [&sides.source, &sides.target] {
        assert!(!text.contains(&server.logins.switchyard.password), "a preview holds no secret");
    }
    let folder = sides.workdir.path();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    drop(dump);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "the dump goes with its value");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_as_such() {
    let sides = Sides::start(Major::V15).await.unwrap();
    let wrong = Login { password: Some(Secret::new("sek:ret")), ..login("the source", &sides.source).await };
    let Err(error) = SchemaDump::take(&Tools::default(), &wrong, sides.workdir.path()).await else {
        panic!("it was let in")
    };
    assert_eq!(error.kind, Kind::LoginRefused, "{error}");
    assert!(!format!("{error:?}").contains("sek"), "{error:?}");
}
