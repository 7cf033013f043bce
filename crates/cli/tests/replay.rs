//! `switchyardctl capture`, `replay` and `load --capture` on real servers: what an application did is taken from the log, played on a
//! copy in each version, and the one planted difference is all that is found.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "replay/answers.rs"]
mod answers;
mod ctl;

use std::{path::PathBuf, time::Duration};

use ctl::{Ctl, MIGRATION};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar, raw_sql};
use switchyard_rig::{Major, Rig, RigOptions, Server};

const SCENE: &str = "CREATE TABLE public.notes (id integer PRIMARY KEY, body text, made timestamptz NOT NULL DEFAULT now()); \
    CREATE TABLE public.orders (id integer PRIMARY KEY, total integer NOT NULL); \
    INSERT INTO public.orders SELECT n, n FROM generate_series(1, 200) n; \
    CREATE FUNCTION public.with_tax(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2'; \
    GRANT SELECT, INSERT, UPDATE ON public.notes, public.orders TO app;";

/// Nothing of these may leave its quotes on the way.
const BODIES: [Option<&str>; 5] =
    [Some("it's"), Some("two\nlines, $1 = 'x', \"q\""), Some("back\\slash\\' "), Some(""), None];

const LAST: &str = "SELECT 'the last word of the application'";

async fn pair() -> Ctl {
    let settings: Vec<(String, String)> = [
        ("logging_collector", "on"),
        ("log_destination", "csvlog"),
        ("log_directory", "log"),
        ("log_min_duration_statement", "0"),
        ("log_parameter_max_length_on_error", "-1"),
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
    ctl.rig.source.execute(SCENE).await.unwrap();
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    ctl.create_migration_with(MIGRATION, "a", "b", &["--pgbouncer", "boss@127.0.0.1:1", "--haproxy", "127.0.0.1:2"]);
    ctl
}

/// A fresh copy of how the source was.
async fn copy(server: &Server) {
    let owner = &server.logins.switchyard.user;
    let mut connection = server.connect("postgres").await.unwrap();
    for sql in [
        "DROP DATABASE IF EXISTS scratch WITH (FORCE)".to_owned(),
        format!("CREATE DATABASE scratch OWNER \"{owner}\""),
    ] {
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let mut connection = server.connect("scratch").await.unwrap();
    let owned = format!("ALTER TABLE notes OWNER TO \"{owner}\"; ALTER TABLE orders OWNER TO \"{owner}\"");
    for sql in [SCENE.to_owned(), owned] {
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
}

fn scratch(server: &Server) -> String {
    format!("postgres://{}@{}:{}/scratch", server.logins.switchyard.user, server.host, server.port)
}

/// Two sessions of an application, in both protocols.
async fn application(server: &Server) {
    let mut one = PgConnection::connect(&server.app_url()).await.unwrap();
    let mut two = PgConnection::connect(&server.app_url()).await.unwrap();
    for (n, body) in (1_i32..).zip(BODIES) {
        query("INSERT INTO notes (id, body) VALUES ($1, $2)").bind(n).bind(body).execute(&mut one).await.unwrap();
        raw_sql("BEGIN").execute(&mut two).await.unwrap();
        let update = format!("UPDATE orders SET total = total + {n} WHERE id = {n}");
        raw_sql(AssertSqlSafe(update)).execute(&mut two).await.unwrap();
        let end = if n % 2 == 0 { "ROLLBACK" } else { "COMMIT" };
        raw_sql(end).execute(&mut two).await.unwrap();
        query("SELECT body, made FROM notes WHERE id <= $1").bind(n).fetch_all(&mut one).await.unwrap();
        query("SELECT with_tax(total) FROM orders WHERE id = $1").bind(n).fetch_all(&mut one).await.unwrap();
    }
    let twice = query("INSERT INTO notes (id, body) VALUES ($1, $2)").bind(1).bind("'").execute(&mut one).await;
    assert!(twice.is_err(), "the key is there already");
    raw_sql("SELECT id, total FROM orders ORDER BY id DESC; SELECT count(*) FROM notes")
        .execute(&mut two)
        .await
        .unwrap();
    raw_sql(LAST).execute(&mut two).await.unwrap();
}

/// The source's log, once the last statement of the application is in it.
async fn log_of(server: &Server, folder: &std::path::Path) -> PathBuf {
    let mut connection = server.connect("postgres").await.unwrap();
    loop {
        let read = "SELECT pg_read_binary_file(pg_current_logfile('csvlog'))";
        let log: Vec<u8> = query_scalar(read).fetch_one(&mut connection).await.unwrap();
        if log.windows(LAST.len()).any(|w| w == LAST.as_bytes()) {
            let file = folder.join("source.csv");
            std::fs::write(&file, log).unwrap();
            return file;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn run(ctl: &Ctl, args: &[&str]) -> (i32, Value) {
    let out = ctl.output(args);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let json = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {said}"));
    (out.status.code().unwrap(), json)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_captured_is_played_and_a_planted_difference_is_all_that_is_found() {
    let ctl = pair().await;
    application(&ctl.rig.source).await;
    let folder = tempfile::tempdir().unwrap();
    let log = log_of(&ctl.rig.source, folder.path()).await;
    let (log, file) = (log.to_str().unwrap(), folder.path().join("shop.capture"));
    let file = file.to_str().unwrap();
    let import = ["capture", "import", log, "--to", file, "--user", "app"];
    let (code, made) = run(&ctl, &import);
    assert_eq!(code, 0, "{made}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it holds the application's data");
    let (code, again) = run(&ctl, &import);
    assert!(code == 2 && again["error"]["message"].as_str().unwrap().contains("is there already"), "{again}");
    let (_, view) = run(&ctl, &["capture", "show", file]);
    assert_eq!((&view["sessions"], &view["left_out"]), (&2.into(), &serde_json::json!({})), "{view}");

    a_live_server_is_captured_also_by_a_process_that_is_killed(&ctl, folder.path()).await;
    two_copies_are_equal(&ctl, file).await;
    a_changed_function_is_found(&ctl, file).await;
    a_timed_replay_is_compared_with_the_log(&ctl, file).await;
    load_is_drawn_from_it(&ctl, file);
    nobody_elses_writes_are_hit(&ctl, file);
    bad_input(&ctl, file, folder.path());
    answers::of_the_source(&ctl, folder.path()).await;
}

async fn a_live_server_is_captured_also_by_a_process_that_is_killed(ctl: &Ctl, folder: &std::path::Path) {
    let (to, part) = (folder.join("live"), folder.join("live.part"));
    let args = ["capture", "start", "--at", "a", "--to", to.to_str().unwrap(), "--user", "app"];
    let seen = |file: &std::path::Path| {
        let (_, view) = run(ctl, &["capture", "show", file.to_str().unwrap()]);
        view["statements"].as_u64().unwrap_or_default()
    };
    let mut child = ctl.spawn(&args);
    until(|| part.exists()).await;
    talk(&ctl.rig.source).await;
    until(|| seen(&part) == 3).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!to.exists() && seen(&part) == 3, "whoever took it was killed: what was taken is there");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&part).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    assert_eq!(stands(ctl, &to), (1, "broken_off".into()), "the list knows of it, and that something is wrong");
    let stop = ["capture", "stop", to.to_str().unwrap()];
    let (code, made) = run(ctl, &stop);
    assert_eq!((code, &made["statements"]), (0, &3.into()), "whoever asks for its end makes it whole: {made}");
    assert!(made["notes"].to_string().contains("was ended before it was whole"), "and it says so: {made}");
    assert!(!part.exists() && seen(&to) == 3);
    let (code, answer) = run(ctl, &stop);
    assert!(code == 2 && answer.to_string().contains("whole already"), "there is nothing to end: {answer}");
    assert_eq!(stands(ctl, &to), (0, "whole".into()));
    std::fs::remove_file(&to).unwrap();
    assert_eq!(stands(ctl, &to), (1, "gone".into()));
    let (code, _) = run(ctl, &["capture", "forget", to.to_str().unwrap()]);
    assert_eq!((code, stands(ctl, &to)), (0, (0, "not listed".into())), "the imported one is as it was");

    let mut child = ctl.spawn(&args);
    until(|| part.exists()).await;
    talk(&ctl.rig.source).await;
    until(|| seen(&part) == 3).await;
    let file = "SELECT current_setting('data_directory') || '/' || pg_current_logfile('csvlog')";
    let mut connection = ctl.rig.source.connect("postgres").await.unwrap();
    let file: String = query_scalar(file).fetch_one(&mut connection).await.unwrap();
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap();
    talk(&ctl.rig.source).await;
    // A log that its keeper emptied begins anew under its name.
    until(|| seen(&part) == 6).await;
    let (code, made) = run(ctl, &stop);
    assert_eq!((code, &made["statements"]), (0, &6.into()), "the process that took it made it whole: {made}");
    assert!(child.wait().unwrap().success(), "and ended in order");
    assert!(!made["notes"].to_string().contains("was ended before"), "{made}");
    std::fs::remove_file(&to).unwrap();

    let until_then = [&args[..], &["--for", "5"]].concat();
    let mut child = ctl.spawn(&until_then);
    until(|| part.exists()).await;
    talk(&ctl.rig.source).await;
    assert!(child.wait().unwrap().success(), "its time was over");
    assert!(!part.exists() && seen(&to) == 3, "whole, in order, and under its name");

    let (code, answer) = run(ctl, &["capture", "start", "--at", "b", "--to", part.to_str().unwrap()]);
    let why = answer["error"]["message"].as_str().unwrap_or_default();
    assert!(code == 2 && why.contains("log_min_duration_statement is -1"), "nothing is logged there: {answer}");
}

/// How a capture stands in the list, and what the list answers.
fn stands(ctl: &Ctl, file: &std::path::Path) -> (i32, String) {
    let (code, list) = run(ctl, &["capture", "list"]);
    let rows = list["captures"].as_array().unwrap();
    let row = rows.iter().find(|r| r["file"] == file.to_str().unwrap());
    (code, row.map_or("not listed".to_owned(), |r| r["stands"].as_str().unwrap().to_owned()))
}

/// Three statements of an application.
async fn talk(server: &Server) {
    let mut connection = PgConnection::connect(&server.app_url()).await.unwrap();
    for n in 0..3_i32 {
        query("SELECT $1::integer").bind(n).execute(&mut connection).await.unwrap();
    }
}

async fn until(is: impl Fn() -> bool) {
    for _ in 0..600 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came");
}

async fn both(ctl: &Ctl) -> [String; 2] {
    copy(&ctl.rig.source).await;
    copy(&ctl.rig.target).await;
    [scratch(&ctl.rig.source), scratch(&ctl.rig.target)]
}

async fn two_copies_are_equal(ctl: &Ctl, file: &str) {
    let [at, against] = both(ctl).await;
    let (code, replayed) = run(ctl, &["replay", "run", "--at", &at, "--against", &against, "--capture", file]);
    assert_eq!(code, 0, "both versions answer alike: {replayed}");
    assert_eq!((&replayed["found"], &replayed["unlike_captured"]), (&0.into(), &0.into()), "{replayed}");
    assert!(replayed["compared"].as_u64() > Some(30) && replayed["sessions"] == 2, "{replayed}");
    assert!(replayed["clock"].as_u64() > Some(0), "both took the time of each note from their clocks: {replayed}");
    let tables = &replayed["tables"];
    assert_eq!((&tables["tables"], &tables["findings"]), (&2.into(), &0.into()), "{tables}");
    // Of five notes; two clocks say the same µs now and then.
    assert!((3..=5).contains(&tables["clock"].as_u64().unwrap()), "{tables}");
    // What the values became on the way.
    let sql = "SELECT id, body FROM notes ORDER BY id";
    for server in [&ctl.rig.source, &ctl.rig.target] {
        let mut connection = server.connect("scratch").await.unwrap();
        let rows: Vec<(i32, Option<String>)> = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
        let bodies: Vec<Option<&str>> = rows.iter().map(|(_, b)| b.as_deref()).collect();
        assert_eq!(bodies, BODIES, "quotes, lines, backslashes and NULL");
        let odd: i64 = query_scalar("SELECT sum(total - id) FROM orders").fetch_one(&mut connection).await.unwrap();
        assert_eq!(odd, 1 + 3 + 5, "what was rolled back is rolled back here");
    }
    let (code, unequal) = run(ctl, &["replay", "run", "--at", &at, "--against", &against, "--capture", file]);
    let why = unequal["error"]["message"].as_str().unwrap_or_default();
    assert!(code == 2 && why.contains("differ before"), "their clocks differ now: {unequal}");
}

async fn a_changed_function_is_found(ctl: &Ctl, file: &str) {
    let [at, against] = both(ctl).await;
    let mut connection = ctl.rig.target.connect("scratch").await.unwrap();
    let other =
        "CREATE OR REPLACE FUNCTION with_tax(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 3'";
    raw_sql(other).execute(&mut connection).await.unwrap();
    let (code, replayed) = run(ctl, &["replay", "run", "--at", &at, "--against", &against, "--capture", file]);
    assert_eq!((code, &replayed["found"]), (1, &5.into()), "each call of it: {replayed}");
    for finding in replayed["findings"].as_array().unwrap() {
        assert!(finding["text"].as_str().unwrap().contains("with_tax"), "and nothing else: {finding}");
        assert_eq!(finding["difference"]["kind"], "rows", "{finding}");
    }
    assert_eq!(replayed["tables"]["findings"], 0, "{replayed}");
}

async fn a_timed_replay_is_compared_with_the_log(ctl: &Ctl, file: &str) {
    let [_, at] = both(ctl).await;
    let mut connection = ctl.rig.target.connect("scratch").await.unwrap();
    raw_sql("DROP FUNCTION with_tax(integer)").execute(&mut connection).await.unwrap();
    let (code, replayed) = run(ctl, &["replay", "run", "--at", &at, "--capture", file, "--speed", "10"]);
    assert_eq!((code, &replayed["found"]), (1, &5.into()), "what fails here alone: {replayed}");
    for finding in replayed["findings"].as_array().unwrap() {
        assert_eq!(finding["difference"]["sqlstate"], "42883", "{finding}");
    }
    assert!(replayed["late"]["p50_ms"].as_f64().is_some(), "how late it was is told: {replayed}");
    let shape = &replayed["shapes"][0];
    assert!(
        shape["captured"]["p50_ms"].as_f64() > Some(0.0) && shape["here"]["p50_ms"].as_f64() > Some(0.0),
        "{shape}"
    );
    let [_, at] = both(ctl).await;
    let (code, replayed) = run(ctl, &["replay", "run", "--at", &at, "--capture", file, "--speed", "max"]);
    assert_eq!((code, &replayed["found"]), (0, &0.into()), "as on the source, also what failed there: {replayed}");
}

fn load_is_drawn_from_it(ctl: &Ctl, file: &str) {
    let at = scratch(&ctl.rig.target);
    let args = ["load", "run", "--at", &at, "--capture", file, "--rate", "200", "--seconds", "3", "--sessions", "8"];
    let (code, loaded) = run(ctl, &[&args[..], &["--max-failed", "100"]].concat());
    assert_eq!(code, 0, "{loaded}");
    let f = &loaded["rates"][0];
    let ended = f["transactions"].as_u64().unwrap() + f["failed"].as_u64().unwrap();
    assert!((480..720).contains(&ended), "3 s at 200 a second: {f}");
    let errors: Vec<&String> = f["errors"].as_object().unwrap().keys().collect();
    assert_eq!(errors, ["23505"], "the keys of the notes are there by now, all else goes well: {f}");
    assert!(f["statements"].as_u64() > f["transactions"].as_u64(), "transactions are whole: {f}");
    // Five inserts, ten reads, five transactions, two texts at the end; what had failed is left out.
    assert_eq!(loaded["capture"]["transactions"], 22, "{loaded}");
    assert_eq!(loaded["capture"]["left_out"].as_object().map(serde_json::Map::len), Some(1), "{loaded}");
}

fn nobody_elses_writes_are_hit(ctl: &Ctl, file: &str) {
    for (side, said) in [("a", "has the writes of"), ("b", "is a side of a migration")] {
        for how in [["--at", side, "--speed", "max"], ["--at", &scratch(&ctl.rig.target), "--against", side]] {
            let (code, refused) = run(ctl, &[&["replay", "run", "--capture", file], &how[..]].concat());
            let why = refused["error"]["message"].as_str().unwrap_or_default();
            assert!(code == 1 && why.contains(said), "{how:?}: {code} {refused}");
        }
    }
}

fn bad_input(ctl: &Ctl, file: &str, folder: &std::path::Path) {
    let at = scratch(&ctl.rig.target);
    let (nothing, torn) = (folder.join("nothing"), folder.join("torn"));
    std::fs::write(&nothing, "no capture\n").unwrap();
    let whole = std::fs::read(file).unwrap();
    std::fs::write(&torn, &whole[..whole.len() - 20]).unwrap();
    let (code, view) = run(ctl, &["capture", "show", torn.to_str().unwrap()]);
    assert!(code == 0 && view["statements"].as_u64().is_some(), "a torn file is used as far as it goes: {view}");
    assert!(view["notes"].as_array().unwrap().iter().any(|n| n.as_str().unwrap().contains("torn in line")), "{view}");
    for (args, said) in [
        (vec!["--capture", nothing.to_str().unwrap()], "no capture"),
        (vec!["--capture", "/nowhere"], "cannot be read"),
        (vec!["--capture", folder.to_str().unwrap()], "cannot be read"),
        (vec!["--capture", file, "--speed", "quick"], "--speed quick"),
        (vec!["--capture", file, "--speed", "0"], "A speed of 0"),
        (vec!["--capture", file, "--sessions", "0"], "0 sessions"),
        (vec!["--capture", file, "--against", &at], "given twice"),
        (vec!["--capture", file, "--against", &at, "--sessions", "1"], "2 sessions were there at once"),
    ] {
        let (code, answer) = run(ctl, &[&["replay", "run", "--at", &at], &args[..]].concat());
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(code == 2 && message.contains(said), "{args:?}: {code} {answer}");
    }
}
