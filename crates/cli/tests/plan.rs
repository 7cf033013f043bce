//! `switchyardctl plan`: what is advised before the first step, measured on real servers, with nothing left behind.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use ctl::{Ctl, MIGRATION};
use serde_json::{Value, json};
use sqlx::Connection;
use switchyard_api::{
    Options, Switchyard,
    plan::{ExportTimeline, Format},
};
use switchyard_rig::{DATABASE, RigOptions, Server, Workload, WorkloadConfig};

fn plan(ctl: &Ctl, args: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["plan"];
    all.extend(args);
    let out = ctl.output(&all);
    (out.status.code(), serde_json::from_slice(&out.stdout).unwrap())
}

const PAIR: [&str; 4] = ["--source", "a", "--target", "b"];

fn with<'a>(what: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[what], &PAIR[..], more].concat()
}

async fn objects(server: &Server) -> i64 {
    let mut connection = sqlx::PgConnection::connect(&server.admin_url(DATABASE)).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM pg_class) + (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_t')";
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_is_advised_from_what_was_measured_and_nothing_is_left_behind() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    // Rows enough for a speed; a user's own type is no reason not to measure it.
    let make = "CREATE TYPE public.mood AS ENUM ('fine', 'so so'); \
                CREATE TABLE public.large (id bigint PRIMARY KEY, m public.mood, t text, a int[], g int GENERATED ALWAYS AS (1) STORED); \
                INSERT INTO public.large SELECT g, 'so so', E'tab\\tnew\\nline \\\\ ' || g, ARRAY[g, NULL] FROM generate_series(1, 300000) g; \
                ANALYZE";
    ctl.rig.source.execute(make).await.unwrap();
    let before = objects(&ctl.rig.target).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    let (code, day) = plan(&ctl, &with("strategy", &["--downtime", "1d"]));
    workload.stop().await;
    assert_eq!((code, &day["advised"]), (Some(0), &"offline".into()), "a day is enough for everything: {}", day["why"]);
    let measured = &day["measured"];
    for speed in ["copy_bytes_per_s", "index_bytes_per_s", "writes_per_s", "wal_bytes_per_s", "transactions_per_s"] {
        assert!(measured[speed].as_f64() > Some(0.0), "{speed} was measured under load: {measured}");
    }
    assert!(measured["rows"].as_i64() >= Some(300_000), "{measured}");
    assert_eq!(objects(&ctl.rig.target).await, before, "the sample was rolled back");

    let (code, seconds) = plan(&ctl, &with("strategy", &["--downtime", "15s", "--no-copy"]));
    assert_eq!((code, &seconds["advised"]), (Some(0), &"blue_green".into()), "{}", seconds["why"]);
    let offline = &seconds["strategies"][0];
    assert!(offline["against"][0].as_str().unwrap().contains("not measured"), "no speed, no promise: {offline}");
    let (code, none) = plan(&ctl, &with("strategy", &["--downtime", "1ms", "--no-copy"]));
    assert_eq!((code, &none["advised"]), (Some(1), &Value::Null), "nothing is that fast, and the exit code says so");

    // Of a migration it knows more: its limits, and what a switch took.
    ctl.walk_to_validated();
    ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    ctl.done(&["run", MIGRATION, "writes", "--wait", "60"]);
    let (_, known) = plan(&ctl, &["strategy", "--migration", MIGRATION, "--no-copy"]);
    let pause = known["measured"]["pause_ms"].as_f64().unwrap();
    assert!(pause > 0.0 && pause < 5_000.0, "the pause of its own switch, ms: {pause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_takes_changes_and_goes_out_as_page_text_and_calendar() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    let file = ctl.home().join("timeline.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "start = \"2026-12-01\"\n[days]\ndiscovery = 4\n[done]\ndiscovery = \"2026-12-07\"\n")
        .unwrap();
    let more = ["--no-copy", "--changes", path, "--strategy", "blue-green"];
    let (code, timeline) = plan(&ctl, &with("timeline", &more));
    assert_eq!(code, Some(0), "{timeline}");
    let first = &timeline["tasks"][0];
    assert_eq!((&first["id"], &first["days"], &first["changed"]), (&"discovery".into(), &4.0.into(), &true.into()));
    assert_eq!(first["slips_days"], 2.0, "planned to the 5th, done on the 7th");
    assert!(timeline["expected_end"].as_i64() > timeline["end"].as_i64(), "all that follows slips");

    std::fs::write(&file, "[days]\ndiscvery = 4\n").unwrap();
    let (code, timeline) = plan(&ctl, &with("timeline", &["--no-copy", "--changes", path]));
    assert_eq!(code, Some(1), "a change to no task is told");
    assert!(timeline["unknown"][0].as_str().unwrap().contains("discvery"), "{timeline}");

    for (content, said) in [
        ("days = 4", "timeline.toml"),
        ("[days]\ndiscovery = -1", "discovery"),
        ("start = \"1.12.2026\"", "1.12.2026"),
        ("[done]\ndiscovery = \"2026-02-30\"", "2026-02-30"),
        ("strat = \"2026-12-01\"", "strat"),
    ] {
        std::fs::write(&file, content).unwrap();
        let (code, answer) = plan(&ctl, &with("timeline", &["--no-copy", "--changes", path]));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(code == Some(2) && message.contains(said), "{content}: {message}");
    }
    let (code, answer) = plan(&ctl, &with("timeline", &["--no-copy", "--changes", "/no/such/file"]));
    assert!(code == Some(2) && answer["error"]["message"].as_str().unwrap().contains("/no/such/file"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_against_both_limits() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    let (code, pools) = plan(&ctl, &with("pools", &["--pool", "20"]));
    assert_eq!(code, Some(0), "{pools}");
    assert_eq!((&pools["half"], pools["phases"].as_array().unwrap().len()), (&10.into(), 6));
    assert!(pools["ini"].as_str().unwrap().contains("default_pool_size = 10"), "what PgBouncer is given");
    let (code, pools) = plan(&ctl, &with("pools", &["--pool", "5000"]));
    assert_eq!(code, Some(1), "more than the server has");
    assert!(pools["phases"][0]["source"]["warning"].as_str().unwrap().contains("too few"), "{}", pools["phases"][0]);

    for bad in [&["strategy"][..], &["strategy", "--migration", "none"], &["strategy", "--source", "a"]] {
        let out = ctl.output(&[&["plan"], bad].concat());
        assert_eq!(out.status.code(), Some(2), "{bad:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
    let (code, answer) = plan(&ctl, &with("strategy", &["--downtime", "soon"]));
    assert!(code == Some(2) && answer["error"]["message"].as_str().unwrap().contains("soon"), "{answer}");
    let out = ctl.output(&with("plan", &[]));
    assert_eq!(out.status.code(), Some(2), "a plan of what");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migrations_timeline_knows_what_is_done_and_keeps_what_was_changed() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    let api = Switchyard::open(Options { store: Some(ctl.store().to_owned()), ..Options::default() }).await.unwrap();
    let ask = async |name: &str, args: Value| api.call(name, args).await.map_err(|e| e.message);
    let look = json!({ "migration": MIGRATION, "width": 900, "dark": true });
    let view = ask("timeline", look.clone()).await.unwrap();
    assert_eq!((&view["measured"], &view["placed"]), (&Value::Null, &Value::Null), "nothing is made up: {view}");
    let file = ctl.home().join("timeline.html");
    let export = |format, file: &std::path::Path| ExportTimeline {
        migration: MIGRATION.to_owned(),
        file: file.to_owned(),
        format,
        replace: false,
    };
    let refused = api.export_timeline(export(Format::Html, &file)).await.unwrap_err();
    assert!(refused.message.contains("not measured") && !file.exists(), "{refused:?}");

    ctl.walk_to_validated();
    let (code, told) = plan(&ctl, &["timeline", "--migration", MIGRATION]);
    assert_eq!(code, Some(0), "{told}");
    let view = ask("timeline", look.clone()).await.unwrap();
    let tasks = view["placed"]["timeline"]["tasks"].as_array().unwrap();
    let done: Vec<&str> = tasks.iter().filter(|t| !t["done"].is_null()).map(|t| t["id"].as_str().unwrap()).collect();
    assert_eq!(done, ["discovery", "compatibility", "dual_write", "copy", "validation"], "what the journal tells");
    assert!(view["measured"]["measured"]["rows"].as_i64() > Some(0), "what the command measured was kept: {view}");
    assert!(view["placed"]["svg"].as_str().unwrap().contains("Cleanup"), "with its picture");
    assert_eq!(told["tasks"][0]["done"], tasks[0]["done"], "the command tells the same");

    let edits =
        json!({ "start": "2026-12-07", "team": 4, "skip_weekends": true, "days": { "performance": 3 }, "done": {} });
    ask("change_timeline", json!({ "migration": MIGRATION, "edits": edits })).await.unwrap();
    let view = ask("timeline", look.clone()).await.unwrap();
    let performance = &view["placed"]["timeline"]["tasks"][5];
    assert_eq!((&performance["days"], &performance["changed"]), (&3.0.into(), &true.into()), "{performance}");
    assert_eq!(
        (&view["start"], &view["team"], &view["edits"]["skip_weekends"]),
        (&"2026-12-07".into(), &4.into(), &true.into())
    );
    let (_, told) = plan(&ctl, &["timeline", "--migration", MIGRATION, "--no-copy"]);
    assert_eq!(told["tasks"][5]["days"], 3.0, "what was changed in the window holds on the command line");
    for (field, value) in [
        ("start", json!("7.12.2026")),
        ("team", json!(0)),
        ("days", json!({ "performance": -1 })),
        ("days", json!({ "perfromance": 1 })),
        ("done", json!({ "performance": "soon" })),
    ] {
        let mut edits = edits.clone();
        edits[field] = value.clone();
        let refused = ask("change_timeline", json!({ "migration": MIGRATION, "edits": edits })).await;
        assert!(refused.is_err(), "{field} = {value} cannot be kept");
    }
    assert_eq!(ask("timeline", look).await.unwrap()["edits"], view["edits"], "and what was kept stays");

    for (name, begins) in [("t.html", "<!doctype html>"), ("t.md", "# a to b"), ("t.ics", "BEGIN:VCALENDAR\r\n")] {
        let file = ctl.home().join(name);
        let written = api.export_timeline(export(Format::of(&file), &file)).await.unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(begins) && written.bytes == text.len() as u64, "{name}: {text}");
        assert!(api.export_timeline(export(Format::Html, &file)).await.is_err(), "{name} is there already and stays");
    }
    api.shut_down().await;
}
