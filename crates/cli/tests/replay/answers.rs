//! What the source answered while it was captured, under writes, is compared with what a copy answers at the same place.

use super::*;

const MORE: &str = "DROP TABLE IF EXISTS words; CREATE TABLE words (id integer PRIMARY KEY, word text COLLATE \"C\"); \
    INSERT INTO words VALUES (1, 'a'), (2, 'B'), (3, 'c'), (4, 'D'); GRANT SELECT ON words TO app;";

/// As the copies begin.
const AGAIN: &str = "TRUNCATE notes, orders; INSERT INTO orders SELECT n, n FROM generate_series(1, 200) n;";

/// Reads of the application; none of them leaves anything open.
const READS: [&str; 4] = [
    "SELECT id, with_tax(total) FROM orders WHERE id IN (3, 150) ORDER BY id",
    "SELECT count(*), sum(total) FROM orders",
    "SELECT word FROM words ORDER BY word",
    "SELECT id, made FROM notes",
];

pub(super) async fn of_the_source(ctl: &Ctl, folder: &std::path::Path) {
    let source = &ctl.rig.source;
    source.execute(AGAIN).await.unwrap();
    source.execute(MORE).await.unwrap();
    let to = folder.join("answers");
    let file = to.to_str().unwrap();
    captured(ctl, &to).await;
    let (_, view) = run(ctl, &["capture", "show", file]);
    let answers = view["answers"].as_u64().unwrap();
    assert!(answers >= 20 && view["left_out"] == serde_json::json!({}), "they are counted apart: {view}");

    exact_copies_answer_the_same(ctl, file, answers).await;
    a_changed_row_is_found(ctl, file).await;
    another_collation_and_a_missing_function_are_found(ctl, file).await;
    at_a_speed_they_are_not_compared(ctl, file).await;
    what_was_taken_before_a_kill_is_kept(ctl, folder).await;
}

fn start(to: &std::path::Path) -> Vec<&str> {
    vec![
        "capture",
        "start",
        "--at",
        "a",
        "--to",
        to.to_str().unwrap(),
        "--user",
        "app",
        "--answers",
        "--answers-rate",
        "100",
    ]
}

/// Two sessions write while a third reads, until enough of it was asked again.
async fn captured(ctl: &Ctl, to: &std::path::Path) {
    let part = to.with_file_name("answers.part");
    let mut child = ctl.spawn(&start(to));
    until(|| part.exists()).await;
    let mut note = 0;
    let seen = || {
        let (_, view) = run(ctl, &["capture", "show", part.to_str().unwrap()]);
        view["answers"].as_u64().unwrap_or_default()
    };
    while seen() < 20 {
        busy(&ctl.rig.source, &mut note).await;
    }
    let (code, made) = run(ctl, &["capture", "stop", to.to_str().unwrap()]);
    assert!(code == 0 && made["answers"].as_u64() >= Some(20), "{made}");
    assert!(child.wait().unwrap().success());
    let notes = made["notes"].to_string();
    assert!(notes.contains("answers of the source, of 4 statements"), "each read was asked: {made}");
    assert!(notes.contains("A log has no counts of rows"), "and it says what a log still has not: {made}");
}

async fn busy(server: &Server, note: &mut i32) {
    let session = || async { PgConnection::connect(&server.app_url()).await.unwrap() };
    let (mut one, mut two, mut three) = (session().await, session().await, session().await);
    let first = *note;
    *note += 60;
    let writes = async {
        for n in first..first + 60 {
            query("UPDATE orders SET total = total + $1 WHERE id = 3").bind(n).execute(&mut one).await.unwrap();
            query("INSERT INTO notes (id, body) VALUES ($1, 'x')").bind(n).execute(&mut one).await.unwrap();
        }
    };
    let blocks = async {
        for n in 0..30 {
            raw_sql("BEGIN").execute(&mut two).await.unwrap();
            raw_sql("UPDATE orders SET total = total + 1 WHERE id = 4").execute(&mut two).await.unwrap();
            raw_sql(if n % 3 == 0 { "ROLLBACK" } else { "COMMIT" }).execute(&mut two).await.unwrap();
        }
    };
    let reads = async {
        for n in 0..60 {
            raw_sql(READS[n % READS.len()]).execute(&mut three).await.unwrap();
        }
    };
    tokio::join!(writes, blocks, reads);
}

async fn exact(server: &Server) -> String {
    copy(server).await;
    let mut connection = server.connect("scratch").await.unwrap();
    raw_sql(MORE).execute(&mut connection).await.unwrap();
    scratch(server)
}

async fn exact_copies_answer_the_same(ctl: &Ctl, file: &str, answers: u64) {
    let mut both = Vec::new();
    for server in [&ctl.rig.source, &ctl.rig.target] {
        let at = exact(server).await;
        let (code, replayed) = run(ctl, &["replay", "run", "--at", &at, "--capture", file]);
        let of = &replayed["answers"];
        assert_eq!(
            (code, &of["asked"], &of["different"]),
            (0, &answers.into(), &0.into()),
            "no false alarm: {replayed}"
        );
        assert_eq!(of["in_doubt"], serde_json::json!({}), "and nothing to doubt: {of}");
        assert_eq!(of["equal"].as_u64().unwrap() + of["clock"].as_u64().unwrap(), answers, "{of}");
        assert!(of["clock"].as_u64() > Some(0), "notes have the times of the copy's clock: {of}");
        both.push(exact(server).await);
    }
    let args = ["replay", "run", "--at", &both[1], "--against", &both[0], "--capture", file];
    let (code, replayed) = run(ctl, &args);
    assert_eq!((code, &replayed["answers"]["different"]), (0, &0.into()), "{replayed}");
    let with = format!(":{}, scratch, which has its version", ctl.rig.source.port);
    assert!(
        replayed["notes"].to_string().contains(&with),
        "of two the one of the source's version is asked: {replayed}"
    );
}

async fn changed(server: &Server, sql: &str) -> String {
    let at = exact(server).await;
    let mut connection = server.connect("scratch").await.unwrap();
    raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    at
}

async fn a_changed_row_is_found(ctl: &Ctl, file: &str) {
    let at = changed(&ctl.rig.source, "UPDATE orders SET total = 7 WHERE id = 150").await;
    let (code, replayed) = run(ctl, &["replay", "run", "--at", &at, "--capture", file]);
    let of = &replayed["answers"];
    assert_eq!((code, &replayed["found"]), (1, &0.into()), "no statement fails of it: {replayed}");
    let findings = of["findings"].as_array().unwrap();
    let texts: Vec<&str> = findings.iter().map(|f| f["text"].as_str().unwrap()).collect();
    assert!(texts.len() == 2 && texts.contains(&READS[0]) && texts.contains(&READS[1]), "whoever reads it: {of}");
    let one = findings.iter().find(|f| f["text"] == READS[0]).unwrap();
    let row = |row: serde_json::Value| serde_json::json!([row]);
    assert_eq!(one["source"], row(serde_json::json!(["150", "300"])), "the source's row: {one}");
    assert_eq!(one["here"], row(serde_json::json!(["150", "14"])), "beside the copy's: {one}");
    assert!(of["equal"].as_u64() > Some(0), "all else is equal: {of}");
    let out = ctl.output(&["replay", "run", "--at", &changed(&ctl.rig.source, "SELECT 1").await, "--capture", file]);
    assert!(out.status.success() && !String::from_utf8_lossy(&out.stderr).contains("300"), "no row is told of aside");
}

async fn another_collation_and_a_missing_function_are_found(ctl: &Ctl, file: &str) {
    let other = "ALTER TABLE words ALTER word TYPE text COLLATE \"en-US-x-icu\"; DROP FUNCTION with_tax(integer)";
    let at = changed(&ctl.rig.source, other).await;
    let (code, replayed) = run(ctl, &["replay", "run", "--at", &at, "--capture", file]);
    let of = |text: &str| {
        let findings = replayed["answers"]["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|f| f["text"] == text).unwrap_or_else(|| panic!("{replayed}"))
    };
    assert_eq!(code, 1, "{replayed}");
    assert_eq!(of(READS[0])["sqlstate"], "42883", "it fails here alone");
    assert!(of(READS[2])["why"].as_str().unwrap().contains("sorted by other rules"), "{}", of(READS[2]));
    assert_eq!(replayed["answers"]["findings"].as_array().map(Vec::len), Some(2), "and nothing else: {replayed}");
}

async fn at_a_speed_they_are_not_compared(ctl: &Ctl, file: &str) {
    let at = exact(&ctl.rig.target).await;
    let (_, replayed) = run(ctl, &["replay", "run", "--at", &at, "--capture", file, "--speed", "max"]);
    assert_eq!(replayed["answers"]["asked"], 0, "{replayed}");
    assert!(replayed["notes"].to_string().contains("without --speed"), "and it is said: {replayed}");
}

async fn what_was_taken_before_a_kill_is_kept(ctl: &Ctl, folder: &std::path::Path) {
    let (to, part) = (folder.join("killed"), folder.join("killed.part"));
    let mut child = ctl.spawn(&start(&to));
    until(|| part.exists()).await;
    let seen = || {
        let (_, view) = run(ctl, &["capture", "show", part.to_str().unwrap()]);
        view["answers"].as_u64().unwrap_or_default()
    };
    let mut note = 100_000;
    while seen() == 0 {
        busy(&ctl.rig.source, &mut note).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = seen();
    let (code, made) = run(ctl, &["capture", "stop", to.to_str().unwrap()]);
    assert_eq!((code, made["answers"].as_u64()), (0, Some(kept)), "{made}");
}
