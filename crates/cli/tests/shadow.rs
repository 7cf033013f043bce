//! `switchyardctl shadow` on real servers, 15 to 18 with a stream between them: every planted difference is found and called what it is,
//! and nothing else is.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;
mod shadow_bed;

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::raw_sql;
use switchyard_queries::shape::Shape;

use shadow_bed::{Bed, answer};

/// Statement, what it has to be called.
const PLANTED: &[(&str, &str)] = &[
    ("SELECT total FROM orders WHERE id = 7", "value"),
    ("SELECT id FROM orders WHERE id > 8 AND id < 12 ORDER BY id", "missing"),
    ("SELECT day FROM orders WHERE id = 2", "value"),
    ("SELECT price(total) FROM orders WHERE id = 4", "value"),
    ("SELECT similarity(note, 'x') FROM orders WHERE id = 1", "target_fails"),
    ("SELECT extra FROM extras WHERE id = 1", "target_fails"),
    ("SELECT name FROM sorted ORDER BY name", "collation"),
    ("SELECT count(*) FROM loose WHERE name = 'ANN'", "collation"),
    ("SELECT total FROM cheap WHERE id = 7", "missing"),
    (POLICED, "value"),
];

/// Its policy does not bind the superuser as whom both sides are asked.
const POLICED: &str = "SELECT note FROM vault WHERE id = 2";

/// What is told and is no finding.
const TOLD: &[(&str, &str)] = &[("SELECT id FROM heap", "order"), ("SELECT x FROM floats WHERE id = 1", "float")];

/// Differs, and must not be reported.
const QUIET: &[&str] = &[
    "SELECT now()",
    "SELECT id, current_timestamp FROM orders WHERE id = 5",
    "SELECT moment() FROM orders WHERE id = 6",
];

/// Must not be run at all, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("UPDATE orders SET total = -1", "not_a_read"),
    ("SELECT total FROM orders FOR UPDATE", "not_a_read"),
    ("SELECT random() FROM orders", "volatile"),
    ("SELECT danger() FROM orders", "volatile"),
    ("SELECT * FROM tracing", "volatile"),
    ("SELECT * FROM over_tracing", "volatile"),
    ("SELECT id FROM refreshed", "materialized"),
    ("SELECT * FROM pg_stat_activity", "catalog"),
    ("SELECT nothing FROM nowhere", "fails_on_both"),
];

/// On its way to the target.
const IN_FLIGHT: &str = "SELECT total FROM orders WHERE id = 3 AND total > 0";

fn classes(report: &Value, wanted: bool) -> BTreeSet<(String, String)> {
    let all = report["findings"].as_array().unwrap().iter().filter(|f| f["is_finding"] == wanted);
    all.map(|f| (f["statement"].as_str().unwrap().to_owned(), f["class"].as_str().unwrap().to_owned())).collect()
}

fn expected(planted: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    planted.iter().map(|(text, class)| (Shape::of(text).id, (*class).to_owned())).collect()
}

fn finding<'a>(report: &'a Value, text: &str) -> &'a Value {
    let id = Shape::of(text).id;
    report["findings"].as_array().unwrap().iter().find(|f| f["statement"] == id.as_str()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_found_and_nothing_else() {
    let bed = Bed::start().await;
    planted(&bed).await;
    clean(&bed);
    a_capture_is_read(&bed);
    policies_are_not_run(&bed).await;
    the_log_is_followed(&bed).await;
    sessions_are_looked_at(&bed).await;
    bad_input(&bed);
}

async fn planted(bed: &Bed) {
    let mut texts = vec![IN_FLIGHT.to_owned()];
    texts.extend(PLANTED.iter().chain(TOLD).chain(NOT_RUN).map(|(text, _)| (*text).to_owned()));
    texts.extend(QUIET.iter().map(|t| (*t).to_owned()));
    let log = bed.log("planted.log", &texts, &[]);

    // The stream stands still while the first look is taken, and goes on when it waits for another one.
    let mut lock = bed.ctl.rig.target.connect(switchyard_rig::DATABASE).await.unwrap();
    raw_sql("BEGIN; LOCK TABLE orders IN SHARE MODE").execute(&mut lock).await.unwrap();
    bed.ctl.rig.source.execute("UPDATE orders SET total = total + 1000 WHERE id = 3").await.unwrap();
    let running = bed.begin(&["--log", &log, "--rate", "500"]);
    let (_, ended) =
        tokio::task::spawn_blocking(move || running.until_pending(PLANTED.len() as u64 + 3)).await.unwrap();
    raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    let (code, view) = tokio::task::spawn_blocking(move || ended.end()).await.unwrap();

    let report = &view["run"]["report"];
    assert_eq!(code, 1, "there are findings: {view}");
    assert_eq!(classes(report, true), expected(PLANTED), "each planted one by its name, and nothing else: {report:#}");
    assert_eq!(classes(report, false), expected(TOLD), "told, and no finding: {report:#}");
    assert_eq!(report["in_flight"], 1, "the row arrived meanwhile: {report:#}");
    assert_eq!(report["of_the_time"], 2, "they name the time: {report:#}");
    assert_eq!(report["moving"], 1, "a function hides the time, and the source differs from itself: {report:#}");
    let skipped = |why: &str| {
        let all = report["skipped"].as_array().unwrap().iter().filter(|s| s["why"] == why);
        all.map(|s| s["times"].as_u64().unwrap()).sum::<u64>()
    };
    for (text, why) in NOT_RUN {
        let all = NOT_RUN.iter().filter(|(_, w)| w == why).count() as u64;
        assert_eq!(skipped(why), all, "{text} is counted as {why}: {report:#}");
    }
    let untouched: i64 = bed.count("SELECT count(*) FROM orders WHERE total = -1").await;
    assert_eq!(untouched, 0, "writes are never run");
    assert_eq!(bed.count("SELECT count(*) FROM danger_ran").await, 0, "nor what is volatile");
    assert_eq!(bed.traced(), 0, "nor a view that calls it, nor a policy");

    let value = finding(report, PLANTED[0].0);
    assert_eq!((&value["source"][0][0], &value["target"][0][0]), (&"7".into(), &"999".into()), "both results: {value}");
    let missing = finding(report, PLANTED[1].0);
    assert_eq!(
        (&missing["source"], &missing["target"]),
        (&serde_json::json!([["9"]]), &serde_json::json!([])),
        "{missing}"
    );
    let absent = finding(report, PLANTED[4].0);
    assert_eq!(absent["state"], "42883", "{absent}");
    assert!(absent["why"].as_str().unwrap().contains("similarity"), "in the server's words: {absent}");
    let never: Vec<&str> = report["never"].as_array().unwrap().iter().filter_map(|n| n["text"].as_str()).collect();
    assert!(
        never.iter().any(|t| t.contains("random()")) && never.iter().any(|t| t.contains("over_tracing")),
        "{never:?}"
    );

    let check = bed.check();
    assert!(check.contains("10 statements differ"), "the checklist has it: {check}");
    let kept = std::fs::read(bed.ctl.store()).unwrap();
    let holds = |text: &str| kept.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(!holds("similarity"), "no text and no value goes to the disk");
}

/// 150 statements with parameters, all alike on both sides.
fn clean(bed: &Bed) {
    let values: Vec<String> = (20..170).map(|n| format!("$1 = '{n}', $2 = NULL, $3 = 'it''s'")).collect();
    let parameterised: Vec<(&str, &str)> = values
        .iter()
        .map(|v| ("SELECT total, note FROM orders WHERE id = $1 AND $2::text IS NULL AND note <> $3", v.as_str()))
        .collect();
    let log = bed.log("clean.log", &[], &parameterised);
    let (code, view) = answer(&bed.ctl.output(&["shadow", "run", "shop", "--log", &log, "--rate", "1000"]));
    let report = &view["run"]["report"];
    assert_eq!((code, &report["compared"], &report["equal"]), (0, &150.into(), &150.into()), "{view:#}");
    assert_eq!((&report["statements"], &report["covered"]), (&1.into(), &1.into()), "one shape, covered: {report}");
    let check = bed.check();
    assert!(check.contains("150 compared, 1 of 1 statements"), "the newest run counts: {check}");

    let (_, view) =
        answer(&bed.ctl.output(&["shadow", "run", "shop", "--log", &log, "--rate", "1000", "--share", "10"]));
    let report = &view["run"]["report"];
    let compared = report["compared"].as_u64().unwrap();
    assert!((10..60).contains(&compared), "a share of them: {report}");
    assert_eq!(report["beyond_share"].as_u64().unwrap() + compared, 150, "and the rest is counted: {report}");
}

/// The same statements out of a capture: what is planted is found, what is alike ends well, and it ends with its file.
fn a_capture_is_read(bed: &Bed) {
    let made = |name: &str, log: &str| {
        let to = bed.ctl.home().join(name).to_str().unwrap().to_owned();
        bed.ctl.done(&["capture", "import", log, "--prefix", "%m [%p] %u@%d/%a ", "--to", &to]);
        to
    };
    let clean = made("clean.capture", bed.ctl.home().join("clean.log").to_str().unwrap());
    let (code, view) = answer(&bed.ctl.output(&["shadow", "run", "shop", "--capture", &clean, "--rate", "1000"]));
    let report = &view["run"]["report"];
    assert_eq!((code, &report["equal"]), (0, &150.into()), "with the values of their parameters: {view:#}");
    assert!(view["run"]["notes"].to_string().contains("clean.capture"), "it says where they come from: {view:#}");

    let texts: Vec<String> = PLANTED.iter().map(|(text, _)| (*text).to_owned()).collect();
    let planted = made("planted.capture", &bed.log("again.log", &texts, &[]));
    let (code, view) = answer(&bed.ctl.output(&["shadow", "run", "shop", "--capture", &planted]));
    assert_eq!((code, classes(&view["run"]["report"], true)), (1, expected(PLANTED)), "as out of a log: {view:#}");
}

/// A table with policies is read where they bind our role on neither side.
async fn policies_are_not_run(bed: &Bed) {
    let log = bed.log("policed.log", &[POLICED.to_owned()], &[]);
    let target = &bed.ctl.rig.target;
    target.execute("GRANT pg_read_all_data TO switchyard; ALTER ROLE switchyard NOSUPERUSER").await.unwrap();
    let (code, view) = answer(&bed.run(&["--log", &log]).await);
    let report = &view["run"]["report"];
    assert_eq!((code, &report["skipped"][0]["why"]), (2, &"row_security".into()), "it would run there: {view:#}");
    assert!(report["never"][0]["why"].as_str().unwrap().contains("BYPASSRLS"), "it says what helps: {report:#}");
    assert_eq!(bed.traced(), 0, "and was not run");

    target.execute("ALTER ROLE switchyard BYPASSRLS").await.unwrap();
    let (code, view) = answer(&bed.run(&["--log", &log]).await);
    let found = classes(&view["run"]["report"], true);
    assert_eq!((code, found), (1, expected(&[(POLICED, "value")])), "that helped: {view:#}");
    assert_eq!(bed.traced(), 0, "no policy ran");
    target.execute("BEGIN READ ONLY; SELECT * FROM over_tracing; ROLLBACK").await.unwrap();
    assert!(bed.traced() > 0, "what would have run would have left its trace");
    target.execute("ALTER ROLE switchyard SUPERUSER").await.unwrap();
}

async fn the_log_is_followed(bed: &Bed) {
    let load = bed.application().await;
    let out = bed.run(&["--for", "4", "--rate", "50"]).await;
    let (code, view) = answer(&out);
    let report = &view["run"]["report"];
    assert_eq!(code, 0, "nothing differs: {view:#}");
    assert!(report["equal"].as_u64() > Some(20), "parameters come from the log: {report:#}");
    assert!(
        report["beyond_rate"].as_u64() > Some(0),
        "what is faster than the rate is left out and counted: {report:#}"
    );
    assert!(report["compared"].as_u64() < Some(300), "the rate is kept: {report:#}");
    load.abort();
}

async fn sessions_are_looked_at(bed: &Bed) {
    let load = bed.slow_application().await;
    let (code, view) = answer(&bed.run(&["--for", "2", "--activity"]).await);
    let report = &view["run"]["report"];
    assert_eq!(code, 0, "{view:#}");
    assert!(report["equal"].as_u64() > Some(0), "a text without parameters is run: {report:#}");
    let notes = view["run"]["notes"].to_string();
    assert!(notes.contains("pg_stat_activity"), "what it cannot see is said: {notes}");
    load.abort();
}

fn bad_input(bed: &Bed) {
    for (args, said) in [
        (vec!["--share", "0"], "A share of 0"),
        (vec!["--rate", "0"], "0 comparisons"),
        (vec!["--for", "0"], "above 0"),
        (vec!["--log", "/nothing/here"], "/nothing/here"),
        (vec!["--capture", "/nothing/here"], "/nothing/here"),
        (vec!["--capture", bed.ctl.passfile().to_str().unwrap()], "no capture"),
    ] {
        let (code, view) = answer(&bed.ctl.output(&[&["shadow", "run", "shop"], args.as_slice()].concat()));
        let message = view["error"]["message"].as_str().unwrap_or_default();
        assert!(code == 2 && message.contains(said), "{args:?}: {code} {view}");
    }
    let nothing = bed.log("nothing.log", &["BEGIN".to_owned()], &[]);
    let (code, view) = answer(&bed.ctl.output(&["shadow", "run", "shop", "--log", &nothing]));
    assert_eq!(code, 2, "nothing was compared, so nothing is known: {view}");
}
