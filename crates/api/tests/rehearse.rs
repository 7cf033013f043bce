//! Captures, replay and load as a window asks for them, on real servers: what the application did is captured, listed, and played on a
//! copy in each version; load runs on a copy; and nobody's writes are hit.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, query, raw_sql};
use switchyard_api::{Options, Switchyard, dto::ApiError};
use switchyard_rig::{DATABASE, Major, Rig, RigOptions, Server};

const SCENE: &str = "CREATE TABLE public.orders (id integer PRIMARY KEY, total integer NOT NULL); \
    INSERT INTO public.orders SELECT n, n FROM generate_series(1, 200) n; \
    GRANT SELECT, INSERT, UPDATE ON public.orders TO app;";
/// Statements of the application.
const TALK: u64 = 12;

struct Bed {
    rig: Rig,
    home: tempfile::TempDir,
    api: Arc<Switchyard>,
}

impl Bed {
    async fn start() -> Bed {
        let settings = [
            ("logging_collector", "on"),
            ("log_destination", "csvlog"),
            ("log_directory", "log"),
            ("log_min_duration_statement", "0"),
            ("log_parameter_max_length_on_error", "-1"),
        ];
        let source_settings = settings.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        let options =
            RigOptions { schema: None, target: Major::V18, routers: false, source_settings, ..RigOptions::default() };
        let rig = Rig::start(options).await.unwrap();
        rig.source.execute(SCENE).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let bed = Bed { api: opened(home.path()).await, home, rig };
        for (name, server, database) in [
            ("a", &bed.rig.source, DATABASE),
            ("b", &bed.rig.target, DATABASE),
            ("copy15", &bed.rig.source, "scratch"),
            ("copy18", &bed.rig.target, "scratch"),
        ] {
            let endpoint = json!({ "name": name, "host": server.host, "port": server.port, "database": database,
                "user": server.logins.switchyard.user, "tls": "prefer", "ca_file": null, "peer_address": null });
            let password = &server.logins.switchyard.password;
            bed.ask("endpoint_save", json!({ "endpoint": endpoint, "password": password, "rename_from": null })).await;
        }
        let routers = json!([
            { "kind": "pg_bouncer", "host": "127.0.0.1", "port": 1, "user": "boss", "rw_database": "rw", "ro_database": "ro" },
            { "kind": "haproxy", "address": "127.0.0.1:2", "rw_backend": "rw", "ro_backend": "ro", "source_server": "s",
              "target_server": "t" }]);
        let migration = json!({ "name": "shop", "source": "a", "target": "b", "routers": routers, "router_passwords": [],
            "limits": "demo", "strategy": "live" });
        bed.ask("migration_create", migration).await;
        bed
    }

    async fn call(&self, name: &str, args: Value) -> Result<Value, ApiError> {
        self.api.call(name, args).await
    }

    async fn ask(&self, name: &str, args: Value) -> Value {
        self.call(name, args).await.unwrap_or_else(|e| panic!("{name}: {} {}", e.message, e.remedy))
    }

    async fn captures(&self) -> Value {
        self.ask("captures", json!({ "migration": "shop" })).await
    }

    /// Asks again until it is so.
    async fn until(&self, what: &str, name: &str, args: Value, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..600 {
            last = self.ask(name, args.clone()).await;
            if is(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} never came: {last}");
    }

    /// A fresh copy in each version.
    async fn copies(&self) {
        for server in [&self.rig.source, &self.rig.target] {
            let owner = &server.logins.switchyard.user;
            let mut connection = server.connect("postgres").await.unwrap();
            raw_sql("DROP DATABASE IF EXISTS scratch WITH (FORCE)").execute(&mut connection).await.unwrap();
            let create = format!("CREATE DATABASE scratch OWNER \"{owner}\"");
            raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
            let mut connection = server.connect("scratch").await.unwrap();
            raw_sql(SCENE).execute(&mut connection).await.unwrap();
            let owned = format!("ALTER TABLE orders OWNER TO \"{owner}\"");
            raw_sql(AssertSqlSafe(owned)).execute(&mut connection).await.unwrap();
        }
    }
}

async fn opened(home: &Path) -> Arc<Switchyard> {
    let options = Options { store: Some(home.join("store.db")), no_keyring: true, ..Options::default() };
    Switchyard::open(options).await.unwrap()
}

/// What an application does.
async fn talk(server: &Server) {
    let mut connection = PgConnection::connect(&server.app_url()).await.unwrap();
    for n in 0..TALK as i32 / 2 {
        query("UPDATE orders SET total = total + 1 WHERE id = $1").bind(n).execute(&mut connection).await.unwrap();
        query("SELECT total FROM orders WHERE id <= $1 ORDER BY id").bind(n).fetch_all(&mut connection).await.unwrap();
    }
}

fn part(of: &Path) -> PathBuf {
    PathBuf::from(format!("{}.part", of.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_is_taken_replayed_and_loaded_without_a_terminal() {
    let bed = Bed::start().await;
    let file = a_capture_is_taken_and_listed(&bed).await;
    a_copy_answers_as_the_source_had(&bed, &file).await;
    two_copies_are_equal(&bed, &file).await;
    a_copy_is_loaded_by_one_job_at_a_time(&bed, &file).await;
    nobodys_writes_are_hit(&bed, &file).await;
    the_list_says_what_became_of_files(&bed, &file).await;
    what_runs_is_ended_in_order(bed).await;
}

async fn a_capture_is_taken_and_listed(bed: &Bed) -> PathBuf {
    let view = bed.captures().await;
    let suggested = PathBuf::from(view["suggested"].as_str().unwrap());
    assert!(suggested.starts_with(bed.home.path()) && view["source"] == "a", "beside the store: {view}");
    assert_eq!(view["captures"], json!([]), "nothing was made yet");
    let start = json!({ "migration": "shop", "file": null, "seconds": null, "answers": true });
    let view = bed.ask("capture_start", start.clone()).await;
    let file = PathBuf::from(view["taking"]["file"].as_str().unwrap());
    bed.until("its begin", "captures", json!({}), |v| v["captures"][0]["stands"] == "being_taken").await;
    let again = bed.call("capture_start", start).await.unwrap_err();
    assert!(again.code == "refused" && again.message.contains("capture is at “a”"), "one per source: {again:?}");
    talk(&bed.rig.source).await;
    let seen = |v: &Value| v["taking"]["statements"].as_u64() >= Some(TALK);
    bed.until("what the application did", "captures", json!({ "migration": "shop" }), seen).await;
    bed.ask("capture_stop", json!({ "file": file })).await;
    let ended = |v: &Value| !v["taking"]["ended"].is_null();
    let view = bed.until("its end", "captures", json!({ "migration": "shop" }), ended).await;
    assert_eq!(view["taking"]["fault"], Value::Null, "{view}");
    let row = &view["captures"][0];
    assert_eq!(
        (&row["stands"], &row["statements"], &row["endpoint"], &row["migration"], &row["sessions"]),
        (&json!("whole"), &json!(TALK), &json!("a"), &json!("shop"), &json!(1)),
        "it is listed with what is in it: {row}"
    );
    assert!(row["bytes"].as_u64() == Some(std::fs::metadata(&file).unwrap().len()) && row["left_out"] == json!([]));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600, "it holds the application's data");
    assert_eq!(mode(file.parent().unwrap()), 0o700, "and so does its folder");
    assert!(!part(&file).exists(), "nothing is left beside it");
    file
}

async fn replayed(bed: &Bed, args: Value) -> Value {
    bed.ask("replay_start", args).await;
    let ended = |v: &Value| !v["job"]["ended"].is_null();
    bed.until("the end of the replay", "replay_job", json!({ "name": "shop" }), ended).await["job"].take()
}

async fn a_copy_answers_as_the_source_had(bed: &Bed, file: &Path) {
    bed.copies().await;
    let view = bed.captures().await;
    let kept = view["captures"][0]["answers"].as_u64().unwrap();
    assert!(kept > 0, "what the source answers is kept: {view}");
    let start = json!({ "migration": "shop", "file": file, "at": "copy15", "against": null, "speed": "one_by_one",
        "first_look": false });
    let job = replayed(bed, start.clone()).await;
    let (result, answers) = (&job["result"], &job["result"]["answers"]);
    assert_eq!((&result["outcome"], &answers["different"]), (&json!("equal"), &json!(0)), "an exact copy: {job}");
    assert_eq!((&answers["asked"], &answers["equal"]), (&json!(kept), &json!(kept)), "each is asked again: {job}");
    assert!(result["says"].as_str().unwrap().starts_with("The copy answered as the source had"), "{result}");

    // The first read asks for what is up to 0, and there was nothing.
    let mut connection = bed.rig.source.connect("scratch").await.unwrap();
    raw_sql("INSERT INTO orders VALUES (0, 5)").execute(&mut connection).await.unwrap();
    let job = replayed(bed, start).await;
    let (result, finding) = (&job["result"], &job["result"]["findings"][0]);
    assert_eq!((&result["outcome"], &finding["of_source"]), (&json!("different"), &json!(true)), "{result}");
    assert!(result["says"].as_str().unwrap().contains("that the source had given"), "{result}");
    assert_eq!((&finding["here"], &finding["there"]), (&json!("6"), &json!("")), "both sides' rows: {finding}");
}

async fn two_copies_are_equal(bed: &Bed, file: &Path) {
    bed.copies().await;
    let start = json!({ "migration": "shop", "file": file, "at": "copy15", "against": "copy18", "speed": "one_by_one",
        "first_look": true });
    let job = replayed(bed, start).await;
    let result = &job["result"];
    assert_eq!(result["outcome"], "equal", "both versions answer alike: {job}");
    assert_eq!(result["says"], "Both copies answered alike: 12 answers compared.", "{result}");
    assert_eq!((&job["played"], &job["all"], &job["failed"]), (&json!(TALK), &json!(TALK), &json!([0, 0])), "{job}");
    assert_eq!((&result["tables"]["tables"], &result["tables"]["findings"]), (&json!(1), &json!(0)), "{result}");
    let shape = &result["shapes"][0];
    let p50 = |of: &str| shape[of]["p50_ms"].as_f64() > Some(0.0);
    assert!(p50("captured") && p50("here") && p50("there"), "here, there and on the source: {shape}");

    let mut connection = bed.rig.target.connect("scratch").await.unwrap();
    raw_sql("UPDATE orders SET total = -7 WHERE id = 1").execute(&mut connection).await.unwrap();
    let start = json!({ "migration": "shop", "file": file, "at": "copy15", "against": "copy18", "speed": "one_by_one",
        "first_look": false });
    let job = replayed(bed, start.clone()).await;
    let (result, finding) = (&job["result"], &job["result"]["findings"][0]);
    assert_eq!((&result["outcome"], &finding["says"]), (&json!("different"), &json!("Other rows")), "{result}");
    // Played twice, the copies answer otherwise than the source had; how often it was asked depends on the moment.
    let says = result["says"].as_str().unwrap();
    let told =
        says.starts_with("In 5 statements, and in ") && says.ends_with(" and in 1 row of the tables afterwards.");
    assert!(told, "{result}");
    assert!(finding["there"].as_str().unwrap().contains("-6"), "what each side said stands there: {finding}");
    let mut before = start;
    before["first_look"] = json!(true);
    let job = replayed(bed, before).await;
    assert!(job["fault"]["message"].as_str().unwrap().contains("differ before"), "the engine's sentence: {job}");
}

async fn a_copy_is_loaded_by_one_job_at_a_time(bed: &Bed, file: &Path) {
    let load = |of: Value, rate: Value, seconds: u32| {
        json!({ "migration": "shop", "at": "copy18", "of": of, "how": { "how": "hold", "per_second": rate }, "seconds": seconds,
            "sessions": 4, "max_p99_ms": 5_000.0, "max_failed": 50.0 })
    };
    let look = json!({ "migration": "shop", "width": 600, "height": 140, "dark": false, "utc_offset_minutes": 0 });
    let script = json!({ "of": "script", "text": "\\set id random(1, 200)\nSELECT total FROM orders WHERE id = :id;" });
    bed.ask("load_start", load(script.clone(), json!(100.0), 2)).await;
    let ended = |v: &Value| !v["job"]["ended"].is_null();
    let job = bed.until("the end of the load", "load_job", look.clone(), ended).await["job"].take();
    let result = &job["result"];
    assert_eq!((&result["served"], &result["errors"]), (&json!(true), &json!([])), "a copy bears it: {job}");
    assert!(job["newest"]["asked"] == 100.0 && job["svg"].as_str().unwrap().contains("<svg"), "as it went: {job}");
    assert!(result["rates"][0]["latency"]["p99_ms"].as_f64() > Some(0.0), "{result}");

    let captured = json!({ "of": "capture", "file": file, "times": 1.0 });
    bed.ask("load_start", load(captured, json!(50.0), 600)).await;
    let goes = |v: &Value| !v["job"]["newest"].is_null();
    bed.until("its first second", "load_job", look.clone(), goes).await;
    let replay = json!({ "migration": "shop", "file": file, "at": "copy18", "against": null, "speed": "max", "first_look": false });
    let busy = bed.call("replay_start", replay).await.unwrap_err();
    assert_eq!((busy.code.as_str(), busy.message.as_str()), ("refused", "A load is at “copy18” just now."));
    bed.ask("load_stop", json!({ "name": "shop" })).await;
    let job = bed.until("its end", "load_job", look, ended).await["job"].take();
    assert!(job["result"]["says"].as_str().unwrap().contains("It was stopped"), "and it says so: {job}");
    assert!(job["result"]["drawn"].as_str().unwrap().contains("12 captured transactions"), "{job}");

    for (of, rate, said) in [
        (json!({ "of": "script", "text": "SELECT 1" }), json!(1.0), "does not end"),
        (script, Value::Null, "no rate of its own"),
        (json!({ "of": "capture", "file": "here.capture", "times": 1.0 }), Value::Null, "no full path"),
    ] {
        let why = bed.call("load_start", load(of, rate, 1)).await.unwrap_err().message;
        assert!(why.contains(said), "{why}");
    }
}

async fn nobodys_writes_are_hit(bed: &Bed, file: &Path) {
    for (at, said) in [("a", "has the writes of “shop”"), ("b", "is a side of a migration")] {
        let start = json!({ "migration": "shop", "file": file, "at": at, "against": null, "speed": "max", "first_look": false });
        let fault = replayed(bed, start).await["fault"].take();
        let why = fault["message"].as_str().unwrap_or_default();
        assert!(fault["code"] == "refused" && why.contains(said), "{at}: {fault}");
        assert!(fault["remedy"].as_str().unwrap().contains("copy"), "with what to do: {fault}");
    }
    let url = "postgres://ann:c4nary-pa55word@127.0.0.1/shop";
    let start =
        json!({ "migration": "shop", "file": file, "at": url, "against": null, "speed": "max", "first_look": false });
    let refused = bed.call("replay_start", start).await.unwrap_err();
    assert!(refused.message == "The copy is no endpoint of the store.", "a password is not repeated: {refused:?}");
}

async fn the_list_says_what_became_of_files(bed: &Bed, file: &Path) {
    let named = |file: &Path| json!({ "file": file });
    let stands = async |file: &Path| {
        let view = bed.captures().await;
        let rows = view["captures"].as_array().unwrap();
        rows.iter().find(|r| r["file"] == file.to_str().unwrap()).map(|r| r["stands"].as_str().unwrap().to_owned())
    };
    let broken = bed.home.path().join("broken");
    // As a process leaves it that is killed.
    std::fs::copy(file, part(&broken)).unwrap();
    let row = bed.ask("capture_add", named(&broken)).await;
    assert_eq!(row["stands"], "broken_off", "{row}");
    bed.ask("capture_stop", named(&broken)).await;
    let row = bed.ask("capture_add", named(&broken)).await;
    assert_eq!((&row["stands"], &row["statements"]), (&json!("whole"), &json!(TALK)), "what there was is kept: {row}");
    assert!(row["notes"].to_string().contains("before it was whole"), "and it says so: {row}");
    let mut bytes = std::fs::read(&broken).unwrap();
    bytes.truncate(bytes.len() - 30);
    std::fs::write(&broken, bytes).unwrap();
    assert_eq!(stands(&broken).await.as_deref(), Some("changed"), "somebody wrote to it");
    let row = bed.ask("capture_add", named(&broken)).await;
    assert!(
        row["stands"] == "whole" && row["notes"].to_string().contains("Not all of its lines"),
        "looked at anew: {row}"
    );
    std::fs::remove_file(&broken).unwrap();
    assert_eq!(stands(&broken).await.as_deref(), Some("gone"));
    bed.ask("capture_forget", named(&broken)).await;
    assert_eq!(stands(&broken).await, None, "it is off the list");
    bed.ask("capture_forget", named(file)).await;
    assert!(stands(file).await.is_none() && file.exists(), "the file stays");
    bed.ask("capture_add", named(file)).await;
    assert_eq!(stands(file).await.as_deref(), Some("whole"), "opened by its path it is listed again");
    let none = bed.call("capture_stop", named(&broken)).await.unwrap_err();
    assert_eq!(none.code, "not_found", "nothing is made beside a file that nobody listed");
}

async fn what_runs_is_ended_in_order(bed: Bed) {
    let start = json!({ "migration": "shop", "file": bed.home.path().join("last"), "seconds": 600 });
    bed.ask("capture_start", start.clone()).await;
    bed.until("its begin", "captures", json!({}), |v| v["captures"][0]["stands"] == "being_taken").await;
    talk(&bed.rig.source).await;
    let seen = |v: &Value| v["taking"]["statements"].as_u64() >= Some(TALK);
    bed.until("what the application did", "captures", json!({ "migration": "shop" }), seen).await;
    bed.api.shut_down().await;
    let last = bed.home.path().join("last");
    assert!(last.exists() && !part(&last).exists(), "the window was closed: the capture is whole");
    let api = opened(bed.home.path()).await;
    let view = api.call("captures", json!({})).await.unwrap();
    assert_eq!((&view["captures"][0]["stands"], &view["captures"][0]["statements"]), (&json!("whole"), &json!(TALK)));
    api.shut_down().await;
}
