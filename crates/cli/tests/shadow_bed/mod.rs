//! Two servers that differ in planted ways, with a stream of some tables between them, and logs as the source writes them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Output},
    time::Duration,
};

use serde_json::Value;
use sqlx::{Connection, PgConnection, query, raw_sql};
use switchyard_rig::{Major, Rig, RigOptions};
use tokio::task::JoinHandle;

use crate::ctl::{Ctl, MIGRATION};

const BOTH: &str = "CREATE TABLE orders (id integer PRIMARY KEY, total integer NOT NULL, note text NOT NULL, day date NOT NULL); \
    CREATE TABLE heap (id integer); CREATE TABLE floats (id integer, x float8); \
    CREATE VIEW orders_view AS SELECT * FROM orders; CREATE VIEW cheap AS SELECT id, total FROM orders_view WHERE total < 900; \
    CREATE TABLE danger_ran (n integer); \
    CREATE FUNCTION danger() RETURNS integer LANGUAGE sql VOLATILE AS 'INSERT INTO danger_ran VALUES (1) RETURNING n'; \
    CREATE FUNCTION moment() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()'; \
    GRANT pg_read_all_data TO switchyard; GRANT SELECT ON orders TO app;";

/// What leaves a trace in spite of a transaction that only reads and is rolled back: a file beside the server's data.
const TRACES: &str = "CREATE FUNCTION traces() RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS \
        $$BEGIN COPY (SELECT 'ran') TO PROGRAM 'cat >> traced'; RETURN true; END$$; \
    CREATE VIEW tracing AS SELECT id FROM orders WHERE traces(); CREATE VIEW over_tracing AS SELECT count(*) FROM tracing; \
    CREATE MATERIALIZED VIEW refreshed AS SELECT id FROM orders; \
    CREATE TABLE vault (id integer PRIMARY KEY, note text); INSERT INTO vault VALUES (1, 'one'), (2, 'two'); \
    ALTER TABLE vault ENABLE ROW LEVEL SECURITY; CREATE POLICY traced ON vault USING (traces());";

const SOURCE: &str = "CREATE EXTENSION pg_trgm; \
    CREATE COLLATION sorting (provider = icu, locale = 'en-US'); \
    CREATE COLLATION loosely (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
    CREATE TABLE sorted (name text COLLATE sorting); CREATE TABLE loose (name text COLLATE loosely); \
    CREATE TABLE extras (id integer, extra text); INSERT INTO extras VALUES (1, 'x'); \
    CREATE FUNCTION price(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2'; \
    INSERT INTO orders SELECT n, n, 'note ' || n, date '2026-01-01' + n FROM generate_series(1, 200) n; \
    INSERT INTO heap SELECT generate_series(1, 50); INSERT INTO floats VALUES (1, 0.30000000000000004); \
    CREATE PUBLICATION carried FOR TABLE orders;";

const TARGET: &str = "CREATE COLLATION sorting (provider = libc, locale = 'C'); \
    CREATE COLLATION loosely (provider = libc, locale = 'C'); \
    CREATE TABLE sorted (name text COLLATE sorting); CREATE TABLE loose (name text COLLATE loosely); \
    CREATE TABLE extras (id integer); INSERT INTO extras VALUES (1); \
    CREATE FUNCTION price(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 3'; \
    UPDATE vault SET note = 'other' WHERE id = 2; \
    INSERT INTO heap SELECT 51 - n FROM generate_series(1, 50) n; INSERT INTO floats VALUES (1, 0.3); \
    ALTER DATABASE shop SET DateStyle = 'German';";

const NAMES: &str =
    "INSERT INTO sorted VALUES ('a'), ('B'), ('c'); INSERT INTO loose VALUES ('Ann'), ('ann'), ('Bob');";

/// Both servers, and the migration between them.
pub struct Bed {
    pub ctl: Ctl,
}

impl Bed {
    pub async fn start() -> Bed {
        let settings: Vec<(String, String)> = [
            ("logging_collector", "on"),
            ("log_destination", "csvlog"),
            ("log_directory", "log"),
            ("log_min_duration_statement", "0"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec();
        let options = RigOptions {
            schema: None,
            target: Major::V18,
            routers: false,
            source_settings: settings,
            ..RigOptions::default()
        };
        let ctl = Ctl::over(Rig::start(options).await.unwrap());
        let (source, target) = (&ctl.rig.source, &ctl.rig.target);
        for (server, own) in [(source, SOURCE), (target, TARGET)] {
            server.execute(BOTH).await.unwrap();
            server.execute(TRACES).await.unwrap();
            server.execute(own).await.unwrap();
            server.execute(NAMES).await.unwrap();
        }
        let url = source.admin_url(switchyard_rig::DATABASE);
        target.execute(&format!("CREATE SUBSCRIPTION carried CONNECTION '{url}' PUBLICATION carried")).await.unwrap();
        ctl.add_endpoint("a", source);
        ctl.add_endpoint("b", target);
        ctl.create_migration_with(
            MIGRATION,
            "a",
            "b",
            &["--pgbouncer", "boss@127.0.0.1:1", "--haproxy", "127.0.0.1:2"],
        );
        let bed = Bed { ctl };
        bed.copied().await;
        bed.ctl
            .rig
            .target
            .execute("UPDATE orders SET total = 999 WHERE id = 7; DELETE FROM orders WHERE id = 9")
            .await
            .unwrap();
        bed
    }

    /// Until the subscription has its rows.
    async fn copied(&self) {
        let ready = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate = 'r'";
        for _ in 0..600 {
            if self.count(ready).await == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the subscription did not copy its table");
    }

    /// A number on the target.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut connection = self.ctl.rig.target.connect(switchyard_rig::DATABASE).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    }

    /// How often something ran on the target that leaves a trace.
    pub fn traced(&self) -> usize {
        let traces = std::fs::read_to_string(self.ctl.rig.target.data_dir.join("traced"));
        traces.map_or(0, |all| all.lines().count())
    }

    /// A log as the source writes it in plain lines.
    pub fn log(&self, name: &str, texts: &[String], parameterised: &[(&str, &str)]) -> String {
        let head = "2026-11-28 21:10:28.000 UTC [77] app@shop/web ";
        let mut lines = String::new();
        for text in texts {
            lines += &format!("{head}LOG:  duration: 0.100 ms  statement: {text}\n");
        }
        for (text, values) in parameterised {
            lines += &format!("{head}LOG:  duration: 0.100 ms  execute <unnamed>: {text}\n");
            lines += &format!("{head}DETAIL:  parameters: {values}\n");
        }
        let path = self.ctl.home().join(name);
        std::fs::write(&path, lines).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The check of the checklist, in words.
    pub fn check(&self) -> String {
        let out = self.ctl.output(&["status", MIGRATION, "--checks"]);
        let cockpit: Value = serde_json::from_slice(&out.stdout).unwrap();
        let checks = cockpit["phases"].as_array().unwrap().iter().flat_map(|p| p["checks"].as_array().unwrap());
        checks.filter(|c| c["id"] == "validation.shadow").map(Value::to_string).collect()
    }

    /// Begins a run, whose progress can be waited for.
    pub fn begin(&self, args: &[&str]) -> Begun {
        Begun(self.ctl.spawned(&[&["shadow", "run", MIGRATION], args].concat()))
    }

    /// A run to its end, beside whatever else goes on.
    pub async fn run(&self, args: &[&str]) -> Output {
        let child = self.ctl.spawned(&[&["shadow", "run", MIGRATION], args].concat());
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
    }

    /// Asks for one row after the other, by parameters.
    pub async fn application(&self) -> JoinHandle<()> {
        let mut connection = PgConnection::connect(&self.ctl.rig.source.app_url()).await.unwrap();
        tokio::spawn(async move {
            for n in 0_i32.. {
                let sql = "SELECT total, note FROM orders WHERE id = $1";
                query(sql).bind(20 + n % 100).fetch_optional(&mut connection).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    }

    /// Asks for what takes a while, without parameters.
    pub async fn slow_application(&self) -> JoinHandle<()> {
        let mut connection = PgConnection::connect(&self.ctl.rig.source.app_url()).await.unwrap();
        tokio::spawn(async move {
            loop {
                let sql =
                    "SELECT count(*) FROM orders a, orders b, orders c WHERE a.id > 20 AND b.id > 20 AND c.id > 150";
                raw_sql(sql).execute(&mut connection).await.unwrap();
            }
        })
    }
}

/// A run that goes on.
pub struct Begun(Child);

impl Begun {
    /// Until so many wait to be looked at again; what it said, and the rest of it.
    pub fn until_pending(mut self, wanted: u64) -> (Vec<String>, Ending) {
        let mut said = BufReader::new(self.0.stderr.take().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before {wanted} were pending: {lines:?}");
            let pending =
                line.trim().strip_suffix(" looked at again").and_then(|l| l.rsplit(' ').next()?.parse::<u64>().ok());
            lines.push(line);
            if pending.is_some_and(|n| n >= wanted) {
                return (lines, Ending(self.0, said));
            }
        }
    }
}

pub struct Ending(Child, BufReader<std::process::ChildStderr>);

impl Ending {
    pub fn end(mut self) -> (i32, Value) {
        let reading = std::thread::spawn(move || {
            let mut rest = String::new();
            let _ = std::io::Read::read_to_string(&mut self.1, &mut rest);
            rest
        });
        let out = self.0.wait_with_output().unwrap();
        let _ = reading.join();
        answer(&out)
    }
}

/// Exit code and JSON.
pub fn answer(out: &Output) -> (i32, Value) {
    let value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| {
        panic!("{e}: {} {}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
    });
    (out.status.code().unwrap(), value)
}
