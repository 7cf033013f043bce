//! `switchyardctl verify --resume FILE`: killed, it goes on from where it was and comes to the same answer.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use ctl::{Ctl, MIGRATION};
use serde_json::{Value, json};
use sqlx::{Connection, sqlite::SqliteConnectOptions};
use switchyard_rig::RigOptions;

const PATIENCE: Duration = Duration::from_secs(120);

/// Enough rows for several slices.
const MAKE: &str = "
    CREATE TABLE public.big (id bigint PRIMARY KEY, v text);
    INSERT INTO public.big SELECT g, 'v' || g FROM generate_series(1, 2000000) g;
    CREATE TABLE public.small (id int PRIMARY KEY);
    INSERT INTO public.small SELECT generate_series(1, 10);
    ANALYZE";

fn verify(ctl: &Ctl, more: &[&str]) -> (Option<i32>, Value) {
    let mut args = vec!["verify", "--source", "a", "--target", "b"];
    args.extend(more);
    let out = ctl.output(&args);
    (out.status.code(), serde_json::from_slice(&out.stdout).unwrap())
}

/// What was proven, without how long it took.
fn proven(answer: &Value) -> Vec<Value> {
    let table = |t: &Value| {
        let mut findings = t["findings"].as_array().unwrap().clone();
        findings.sort_by_key(|f| f["key"]["id"].to_string());
        json!({ "table": t["table"], "verdict": t["verdict"], "rows": [t["rows_source"], t["rows_target"]], "findings": findings })
    };
    answer["tables"].as_array().unwrap().iter().map(table).collect()
}

async fn count(file: &Path, of: &'static str) -> i64 {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(Duration::from_secs(5));
    let Ok(mut connection) = sqlx::SqliteConnection::connect_with(&options).await else { return 0 };
    let sql = match of {
        "checkpoint" => "SELECT count(*) FROM checkpoint",
        _ => "SELECT count(*) FROM finding WHERE behind IS NULL",
    };
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_goes_on_and_comes_to_the_same_answer() {
    let ctl = Ctl::start(RigOptions { schema: None, ..RigOptions::default() }).await;
    for server in [&ctl.rig.source, &ctl.rig.target] {
        server.execute(MAKE).await.unwrap();
    }
    let faults = "UPDATE public.big SET v = 'other' WHERE id IN (5, 1999995); DELETE FROM public.big WHERE id = 40000; \
                  INSERT INTO public.small VALUES (11)";
    ctl.rig.target.execute(faults).await.unwrap();
    let (code, undisturbed) = verify(&ctl, &[]);
    assert_eq!((code, &undisturbed["findings"]), (Some(1), &json!(4)), "{undisturbed}");

    let file = ctl.home().join("progress");
    let name = file.to_str().unwrap();
    let slowly = ["verify", "--source", "a", "--target", "b", "--lanes", "1", "--throttle", "1", "--resume", name];
    let mut child = ctl.spawn(&slowly);
    let began = Instant::now();
    while count(&file, "checkpoint").await == 0 || count(&file, "finding").await == 0 {
        assert!(began.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "it never came to a checkpoint");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "it holds rows, which are nobody else's business");

    // While it runs, nobody else uses its file.
    let (code, answer) = verify(&ctl, &["--resume", name]);
    assert_eq!((code, &answer["error"]["code"]), (Some(2), &json!("failed")), "{answer}");
    child.kill().unwrap();
    child.wait().unwrap();

    // Another comparison does not take it for its own, and leaves it as it is.
    let (code, answer) = verify(&ctl, &["--resume", name, "--table", "public.small"]);
    assert_eq!((code, &answer["error"]["code"]), (Some(2), &json!("invalid")), "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("all tables"), "it says what is in it: {answer}");

    let (code, resumed) = verify(&ctl, &["--resume", name]);
    assert_eq!(code, Some(1));
    assert_eq!(proven(&resumed), proven(&undisturbed), "the same rows, each once");
    let notes = resumed["notes"].to_string();
    assert!(notes.contains("went on") && !notes.contains("; 0 rows"), "it says so: {notes}");
    for left in ["progress", "progress-wal", "progress-shm", "progress.lock"] {
        assert!(!ctl.home().join(left).exists(), "{left}: there is nothing to go on with any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_of_its_is_left_as_it_is() {
    let ctl = Ctl::start(RigOptions { schema: None, ..RigOptions::default() }).await;
    for server in [&ctl.rig.source, &ctl.rig.target] {
        server.execute("CREATE TABLE t (id int PRIMARY KEY)").await.unwrap();
    }
    let notes = ctl.home().join("notes.txt");
    std::fs::write(&notes, "what I must not forget").unwrap();
    let missing = ctl.home().join("no/such/folder/progress");
    for (file, what) in [(notes.as_path(), "a text"), (ctl.store(), "a store of migrations"), (&missing, "no folder")] {
        let before = std::fs::read(file).ok();
        let (code, answer) = verify(&ctl, &["--resume", file.to_str().unwrap()]);
        assert_eq!(code, Some(2), "{what}: {answer}");
        let said = answer["error"]["message"].as_str().unwrap();
        assert!(said.contains(file.to_str().unwrap()), "{what}: the file is named: {said}");
        if file == notes {
            assert_eq!(std::fs::read(file).ok(), before, "{what}: nothing of it is lost");
        }
        assert!(!Path::new(&format!("{}.lock", file.display())).exists(), "{what}: nothing is left beside it");
    }
    assert!(ctl.status()["migration"].is_string() || ctl.status().is_object(), "the store still works");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validation_that_was_killed_does_not_read_again_what_it_had_compared() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    for step in ["analyze", "prepare", "replicate"] {
        ctl.done(&["run", MIGRATION, step, "--wait", "120"]);
    }
    let out = ctl.crash(&["run", MIGRATION, "validate", "--wait", "60"], "after:digest_tables");
    assert_eq!(out.status.code(), None, "it was to be aborted");
    ctl.recovered(PATIENCE);
    ctl.nobody_drives(Duration::from_secs(30));
    ctl.done(&["run", MIGRATION, "validate", "--wait", "60"]);
    let tables = ctl.status()["consistency"]["tables"].clone();
    let before = summaries(&ctl);
    assert_eq!(before.len(), 1, "the one that was killed has told nothing: {before:?}");
    assert!(before[0]["compared_before"].as_i64() > Some(5), "it had compared tables: {before:?} {tables}");
    assert_eq!(before[0]["compared_before"], before[0]["tables"], "all of them");
    assert_eq!(before[0]["findings"], 0);

    // A validation that came to its end is no reason to spare the next one anything.
    ctl.done(&["run", MIGRATION, "validate", "--wait", "60"]);
    assert_eq!(summaries(&ctl)[1]["compared_before"], 0);
}

/// What validations came to, oldest first.
fn summaries(ctl: &Ctl) -> Vec<Value> {
    fn within(value: &Value, out: &mut Vec<Value>) {
        match value {
            Value::Object(o) if o.contains_key("compared_before") => out.push(value.clone()),
            Value::Object(o) => o.values().for_each(|v| within(v, out)),
            Value::Array(a) => a.iter().for_each(|v| within(v, out)),
            _ => {}
        }
    }
    let journal: Value = serde_json::from_slice(&ctl.output(&["journal", MIGRATION]).stdout).unwrap();
    let mut found = Vec::new();
    within(&journal, &mut found);
    found
}
