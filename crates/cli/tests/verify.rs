//! `switchyardctl verify`: what a script gets, on a pair at rest and on a pair under load.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use ctl::Ctl;
use serde_json::{Value, json};
use switchyard_rig::{RigOptions, Workload, WorkloadConfig};

/// Runs it between the endpoints `a` and `b`: exit code and answer.
fn verify(ctl: &Ctl, more: &[&str]) -> (Option<i32>, Value) {
    let mut args = vec!["verify", "--source", "a", "--target", "b"];
    args.extend(more);
    let out = ctl.output(&args);
    (out.status.code(), serde_json::from_slice(&out.stdout).unwrap())
}

fn table<'a>(answer: &'a Value, name: &str) -> &'a Value {
    answer["tables"].as_array().unwrap().iter().find(|t| t["table"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_and_findings_of_a_pair_at_rest() {
    let ctl = Ctl::start(RigOptions { schema: None, ..RigOptions::default() }).await;
    let make = "CREATE TABLE public.t (id int, part text, v numeric, PRIMARY KEY (id, part)); \
                INSERT INTO public.t SELECT g, 'p' || g, g FROM generate_series(1, 1000) g; \
                CREATE TABLE public.\"Odd \"\"one\" (x int); INSERT INTO public.\"Odd \"\"one\" VALUES (1)";
    ctl.rig.source.execute(make).await.unwrap();
    ctl.rig.target.execute(make).await.unwrap();

    let (code, answer) = verify(&ctl, &[]);
    assert_eq!((code, &answer["findings"], &answer["rows"]), (Some(0), &json!(0), &json!(1001)), "{answer}");

    ctl.rig
        .target
        .execute("UPDATE public.t SET v = 7.5 WHERE id = 7; DELETE FROM public.t WHERE id = 9")
        .await
        .unwrap();
    let (code, answer) = verify(&ctl, &[]);
    assert_eq!((code, &answer["findings"]), (Some(1), &json!(2)), "{answer}");
    let t = table(&answer, "public.t");
    assert_eq!((&t["rows_source"], &t["rows_target"]), (&json!(1000), &json!(999)));
    let different = t["findings"].as_array().unwrap().iter().find(|f| f["kind"] == "different").unwrap();
    assert_eq!(different["key"], json!({ "id": "7", "part": "p7" }), "the key by its columns");
    assert_eq!(
        different["columns"],
        json!([{ "column": "v", "source": "7", "target": "7.5" }]),
        "what differs, both values"
    );
    let missing = t["findings"].as_array().unwrap().iter().find(|f| f["kind"] == "missing_on_target").unwrap();
    assert_eq!(missing["key"]["id"], "9");

    let (code, answer) = verify(&ctl, &["--table", "public.Odd*"]);
    assert_eq!((code, answer["tables"].as_array().unwrap().len()), (Some(0), 1), "only what was asked for: {answer}");
    let (code, answer) = verify(&ctl, &["--table", "public.nothing"]);
    assert_eq!(
        (code, &answer["error"]["code"]),
        (Some(2), &json!("not_found")),
        "a typing error must not pass as equal"
    );

    ctl.rig.source.execute("CREATE TABLE public.alone (x int)").await.unwrap();
    let (code, answer) = verify(&ctl, &["--table", "public.alone"]);
    assert_eq!(code, Some(2), "a table that the target lacks is not proven equal");
    assert!(
        table(&answer, "public.alone")["not_compared"][0]["reason"].as_str().unwrap().contains("no table"),
        "{answer}"
    );

    // A URL without its colon, as fingers make it.
    let out = ctl.output(&["verify", "--source", "a", "--target", "postgres//me:canary-3f9a@host/shop"]);
    assert_eq!(out.status.code(), Some(2));
    let said = [out.stdout, out.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains("canary-3f9a"), "a password is not repeated");
    let (code, answer) = verify(&ctl, &["--settle=-1"]);
    assert_eq!((code, &answer["error"]["code"]), (Some(2), &json!("invalid")), "no time can be waited backwards");
    let out = ctl.output_without_log(&["verify", "--source", "a", "--target", "b", "--table", "public.t"]);
    assert_eq!(out.status.code(), Some(1), "a log on a full disk does not change the answer");

    let out = ctl.output(&["verify", "--source", "a", "--target", "elsewhere"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("“elsewhere”"), "the sentence names the wrong word");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_nothing_is_found_but_what_was_planted() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    for pass in 0..5 {
        let (code, answer) = verify(&ctl, &[]);
        let wrong: Vec<_> = answer["tables"].as_array().unwrap().iter().filter(|t| t["verdict"] != "equal").collect();
        assert_eq!((code, wrong.len()), (Some(0), 0), "pass {pass}: a false alarm: {wrong:?}");
    }
    // No client changes these rows, so nothing mends them.
    ctl.rig
        .target
        .execute(
            "UPDATE public.ledger_entry SET payload = payload || ' ' \
              WHERE (client_id, number) IN (SELECT client_id, number FROM public.ledger_entry ORDER BY 1, 2 LIMIT 5)",
        )
        .await
        .unwrap();
    let (code, answer) = verify(&ctl, &[]);
    let ledger = table(&answer, "public.ledger_entry");
    assert_eq!((code, &answer["findings"]), (Some(1), &json!(5)), "exactly the five: {answer}");
    assert_eq!(ledger["findings"].as_array().unwrap().len(), 5);
    assert_eq!(ledger["findings"][0]["columns"][0]["column"], "payload", "one space more is a difference");
    let report = workload.stop().await;
    assert_eq!(report.client_errors(), 0, "reading disturbs nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn round_after_round_it_looks_at_what_changed_and_takes_everything_back_at_its_end() {
    use std::io::{BufRead, BufReader};
    let ctl = Ctl::start(RigOptions { schema: None, ..RigOptions::default() }).await;
    let make = "CREATE TABLE public.t (id int PRIMARY KEY, v text); INSERT INTO public.t SELECT g, 'v' FROM generate_series(1, 1000) g";
    ctl.rig.source.execute(make).await.unwrap();
    ctl.rig.target.execute(make).await.unwrap();
    let args = ["verify", "--source", "a", "--target", "b", "--continuous", "--every", "1"];
    let mut child = ctl.spawn_piped(&args);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let first = next();
    assert_eq!(
        (&first["full"], &first["rows"], &first["findings"]),
        (&json!(true), &json!(1000), &json!(0)),
        "{first}"
    );

    ctl.rig
        .target
        .execute("UPDATE public.t SET v = 'w' WHERE id = 7; DELETE FROM public.t WHERE id = 8")
        .await
        .unwrap();
    let second = next();
    assert_eq!(
        (&second["full"], &second["rows"], &second["findings"]),
        (&json!(false), &json!(2), &json!(2)),
        "{second}"
    );
    assert_eq!(table(&second, "public.t")["findings"][0]["columns"][0]["target"], "w", "with both values");

    ctl.rig.target.execute("UPDATE public.t SET v = 'v' WHERE id = 7").await.unwrap();
    let third = next();
    assert_eq!(
        (&third["rows"], &third["findings"]),
        (&json!(1), &json!(1)),
        "one is mended, the other known still: {third}"
    );

    ctl.rig.source.execute("TRUNCATE public.t").await.unwrap();
    let fourth = next();
    assert_eq!(fourth["findings"], 999, "a truncation is followed by a full look at the table");

    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "what was known last is the answer");
    for server in [&ctl.rig.source, &ctl.rig.target] {
        use sqlx::Connection;
        let mut connection = sqlx::PgConnection::connect(&server.admin_url(switchyard_rig::DATABASE)).await.unwrap();
        let left =
            "SELECT pubname::text FROM pg_publication UNION ALL SELECT slot_name::text FROM pg_replication_slots";
        let left: Vec<String> = sqlx::query_scalar(left).fetch_all(&mut connection).await.unwrap();
        assert_eq!(left, Vec::<String>::new(), "nothing of it is left");
    }
}
