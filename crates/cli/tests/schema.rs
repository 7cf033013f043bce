//! `switchyardctl schema`: what a script gets.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "bad_input/said.rs"]
mod said;

mod ctl;

use std::process::Output;

use ctl::{Ctl, MIGRATION};
use said::{all, expect};
use serde_json::{Value, json};
use switchyard_api::{Options, Switchyard};
use switchyard_rig::{Major, Rig, RigOptions};

/// A schema whose names are meant for every place where text is put into other text.
const HOSTILE: &str = r#"CREATE SCHEMA "<script>alert(1)</script>";
    CREATE TABLE "<script>alert(1)</script>"."a|b`c*_ ""q"" 'x' &amp; %s" ("new
line" text, "ääääääääääääääääääääääääääääääx" text, "😀 ]]>" text)"#;

async fn pair() -> Ctl {
    let options = RigOptions { schema: None, target: Major::V15, routers: false, ..RigOptions::default() };
    let ctl = Ctl::over(Rig::start(options).await.unwrap());
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    let make = "CREATE TABLE public.t7 (a integer PRIMARY KEY, b text, c text); CREATE INDEX t7_c ON public.t7 (c)";
    for server in [&ctl.rig.source, &ctl.rig.target] {
        server.execute(make).await.unwrap();
        server.execute(HOSTILE).await.unwrap();
    }
    ctl
}

fn diff(ctl: &Ctl, more: &[&str]) -> Output {
    let mut args = vec!["schema", "diff", "--source", "a", "--target", "b"];
    args.extend(more);
    ctl.output(&args)
}

fn answer(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", all(out)))
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_levels_and_accepted_differences() {
    let ctl = pair().await;
    let out = diff(&ctl, &[]);
    assert_eq!((out.status.code(), &answer(&out)["differences"]), (Some(0), &json!([])), "{}", all(&out));

    ctl.rig.target.execute("ALTER TABLE public.t7 ALTER b TYPE varchar(255)").await.unwrap();
    let out = diff(&ctl, &[]);
    let found = answer(&out);
    let row = &found["differences"][0];
    assert_eq!((out.status.code(), found["differences"].as_array().unwrap().len()), (Some(1), 1), "{found}");
    for (field, value) in [
        ("object", "public.t7.b"),
        ("kind", "column"),
        ("status", "differs"),
        ("what", "type"),
        ("source", "text"),
        ("target", "character varying(255)"),
        ("severity", "data"),
        ("sql", "ALTER TABLE \"public\".\"t7\" ALTER COLUMN \"b\" TYPE text USING \"b\"::text;"),
    ] {
        assert_eq!(row[field], value, "{field}: {row}");
    }
    assert!(row["why"].as_str().unwrap().ends_with('.'), "one sentence: {row}");
    for (level, code) in [("any", 1), ("speed", 1), ("data", 1), ("blocks", 0)] {
        assert_eq!(diff(&ctl, &["--fail-on", level]).status.code(), Some(code), "a risk to data at {level}");
    }

    let file = ctl.home().join("accepted.toml");
    let path = file.to_str().unwrap();
    let entry = |target: &str| {
        format!(
            "[[accepted]]\nobject = \"public.t7.b\"\nkind = \"column\"\nwhat = \"type\"\nsource = \"text\"\n\
             target = \"{target}\"\nreason = \"CHG-7\"\nby = \"ann\"\n"
        )
    };
    std::fs::write(&file, entry("character varying(255)")).unwrap();
    let out = diff(&ctl, &["--accept", path]);
    let found = answer(&out);
    assert_eq!(
        (out.status.code(), &found["differences"], &found["idle"]),
        (Some(0), &json!([]), &json!([])),
        "{found}"
    );
    assert_eq!(
        (&found["accepted"][0]["reason"], &found["accepted"][0]["object"]),
        (&json!("CHG-7"), &json!("public.t7.b"))
    );

    ctl.rig.target.execute("ALTER TABLE public.t7 ALTER b TYPE varchar(100)").await.unwrap();
    let out = diff(&ctl, &["--accept", path]);
    let found = answer(&out);
    assert_eq!(out.status.code(), Some(1), "what was accepted was another value: {found}");
    assert_eq!(found["idle"], json!(["column public.t7.b, type"]), "an entry about nothing is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_answered_in_sentences() {
    let ctl = pair().await;
    expect(&diff(&ctl, &["--fail-on", "sometimes"]), 2, &["“sometimes”", "blocks, data, speed or any"]);
    expect(&diff(&ctl, &["--format", "pdf"]), 2, &["“pdf”", "junit"]);
    expect(&diff(&ctl, &["--accept", "/nowhere/accepted.toml"]), 2, &["/nowhere/accepted.toml", "No such file"]);
    let file = ctl.home().join("accepted.toml");
    let path = file.to_str().unwrap();
    for (content, named) in [
        ("[[accepted]]\nobject = 1", "line 2"),
        ("[[accepted]]\nobject = \"x\"\nkind = \"colum\"\nwhat = \"type\"\nreason = \"r\"", "colum"),
        ("[[accepted]]\nobject = \"x\"\nkind = \"column\"\nwhat = \"type\"\nreason = \" \"", "no reason"),
        ("[[accepted]]\nobject = \"x\"\nkind = \"column\"\nwhat = \"type\"", "reason"),
        ("[[accept]]", "accept"),
    ] {
        std::fs::write(&file, content).unwrap();
        expect(&diff(&ctl, &["--accept", path]), 2, &["accepted.toml", named]);
    }
    expect(&ctl.output(&["schema", "inventory", "--endpoint", "nothing"]), 2, &["“nothing”"]);
    expect(&ctl.output(&["schema", "inventory", "--endpoint", "mysql://a@b/c"]), 2, &["postgres://"]);
    let closed = "postgres://me@127.0.0.1:9/shop";
    expect(&ctl.output(&["schema", "diff", "--source", "a", "--target", closed]), 2, &["127.0.0.1:9"]);
    let out = ctl.output(&["schema", "diff", "--source", "a", "--target", "postgres//me:canary-3f9a@host/shop"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(!all(&out).contains("canary-3f9a"), "a password is not repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_survive_in_every_format() {
    let ctl = pair().await;
    ctl.rig
        .target
        .execute(
            r#"DROP SCHEMA "<script>alert(1)</script>" CASCADE; CREATE SCHEMA "<script>alert(1)</script>";
        CREATE TABLE "<script>alert(1)</script>"."a|b`c*_ ""q"" 'x' &amp; %s" ("new
line" varchar(3), "😀 ]]>" text)"#,
        )
        .await
        .unwrap();
    let found = answer(&diff(&ctl, &[]));
    let objects: Vec<&str> =
        found["differences"].as_array().unwrap().iter().map(|d| d["object"].as_str().unwrap()).collect();
    let table = r#""<script>alert(1)</script>"."a|b`c*_ ""q"" 'x' &amp; %s""#;
    assert_eq!(objects, [format!("{table}.\"new\nline\""), format!("{table}.\"ääääääääääääääääääääääääääääääx\"")]);

    let lines = text(&diff(&ctl, &["--format", "text"]));
    assert!(lines.contains("\"new\\nline\""), "a line end in a name begins no line of ours: {lines}");

    let page = text(&diff(&ctl, &["--format", "html"]));
    assert!(!page.contains("<script"), "nothing in a name is markup: {page}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("&amp;amp;"), "{page}");

    let report = text(&diff(&ctl, &["--format", "junit"]));
    assert!(
        !report.contains("<script") && report.contains("failures=\"2\"") && report.contains("new&#10;line"),
        "{report}"
    );
    let tags = report.matches("<testcase").count();
    assert_eq!((tags, report.matches("</testcase>").count()), (2, 2), "{report}");
    let report = text(&diff(&ctl, &["--format", "junit", "--fail-on", "blocks"]));
    assert!(
        report.contains("failures=\"1\"") && report.contains("skipped=\"1\""),
        "the risk to data is no failure: {report}"
    );

    let table = text(&diff(&ctl, &["--format", "markdown"]));
    let rows: Vec<&str> = table.lines().filter(|l| l.starts_with("| ")).collect();
    assert_eq!(rows.len(), 3, "a heading and two rows: {table}");
    for row in rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 8, "seven cells whatever is in the names: {row}");
    }
    let outside: String = table.split("```").step_by(2).collect();
    assert!(!outside.contains("<script"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_names_everything_and_no_secret() {
    let ctl = pair().await;
    let make = "CREATE FUNCTION public.reads() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.t7'; \
                CREATE VIEW public.v AS SELECT b FROM public.t7; CREATE VIEW public.over AS SELECT b FROM public.v; \
                CREATE SEQUENCE public.s; SELECT nextval('public.s'), nextval('public.s'); \
                CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far OPTIONS (host 'h', sslpassword 'canary-1'); \
                CREATE USER MAPPING FOR app SERVER away OPTIONS (password 'canary-2'); \
                CREATE SUBSCRIPTION fed CONNECTION 'host=127.0.0.1 port=9 dbname=x password=canary-3' PUBLICATION p WITH (connect = false, slot_name = NONE); \
                CREATE SCHEMA switchyard; CREATE TABLE switchyard.beat (x integer); CREATE PUBLICATION switchyard_rows";
    ctl.rig.source.execute(make).await.unwrap();
    let out = ctl.output(&["schema", "inventory", "--endpoint", "a"]);
    let found = answer(&out);
    assert_eq!(out.status.code(), Some(0), "{}", all(&out));
    assert!(!all(&out).contains("canary-"), "no secret is printed");
    let names = |list: &str| -> Vec<String> {
        found[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| {
                o["head"]["name"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect::<Vec<_>>().join(".")
            })
            .collect()
    };
    assert!(names("columns").contains(&"public.t7.b".to_owned()));
    assert!(names("indexes").contains(&"public.t7_c".to_owned()));
    assert_eq!((names("publications"), names("subscriptions")), (vec![], vec!["fed".to_owned()]), "ours are left out");
    assert!(!names("tables").iter().any(|t| t.starts_with("switchyard.")), "and our schema");
    assert_eq!(found["sequences"][0]["last_value"], 2, "the last number given out");
    assert!(found["sizes"].as_array().unwrap().iter().any(|s| s["name"] == json!(["public", "t7"])));
    assert_eq!(found["mentions"], json!([{ "function": "public.reads()", "relation": "public.t7" }]));
    let over = json!({ "kind": "view", "object": "public.over", "on_kind": "view", "on": "public.v" });
    assert!(found["dependencies"].as_array().unwrap().contains(&over), "a view over a view: {}", found["dependencies"]);
    assert_eq!(answer(&diff(&ctl, &[]))["counts"]["table"]["equal"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_migrations_operators_accepted_counts_everywhere_and_is_given_as_a_file() {
    let ctl = pair().await;
    // Nobody asks the routers here.
    let routers = ["--pgbouncer", "boss@127.0.0.1:1", "--haproxy", "127.0.0.1:2"];
    ctl.create_migration_with(MIGRATION, "a", "b", &routers);
    ctl.rig.target.execute("ALTER TABLE public.t7 ALTER b TYPE varchar(255); DROP INDEX public.t7_c").await.unwrap();
    let diff = |more: &[&str]| ctl.output(&[&["schema", "diff", "--migration", MIGRATION], more].concat());
    let found = answer(&diff(&[]));
    assert_eq!(found["differences"].as_array().unwrap().len(), 2, "{found}");

    let api = Switchyard::open(Options { store: Some(ctl.store().to_owned()), ..Options::default() }).await.unwrap();
    let row = found["differences"].as_array().unwrap().iter().find(|d| d["what"] == "type").unwrap();
    let entry = |reason: &str| {
        let mut entry = json!({ "reason": reason, "by": "Ann \"DBA\" Ortiz" });
        for field in ["object", "kind", "what", "source", "target"] {
            entry[field] = row[field].clone();
        }
        json!({ "migration": MIGRATION, "entry": entry })
    };
    let refused = api.call("accept_difference", entry("  ")).await.unwrap_err();
    assert!(refused.message.contains("without a reason"), "{refused:?}");
    api.call("accept_difference", entry("never longer,\nsays the team")).await.unwrap();

    let out = diff(&[]);
    let found = answer(&out);
    assert_eq!(
        (out.status.code(), found["differences"].as_array().unwrap().len()),
        (Some(1), 1),
        "the index is left: {found}"
    );
    let accepted = &found["accepted"][0];
    assert_eq!((&accepted["object"], &accepted["by"]), (&"public.t7.b".into(), &"Ann \"DBA\" Ortiz".into()));

    // As a file it says the same without the migration.
    let file = ctl.home().join("accepted.toml");
    std::fs::write(&file, ctl.output(&["schema", "accepted", MIGRATION]).stdout).unwrap();
    let out = ctl.output(&["schema", "diff", "--source", "a", "--target", "b", "--accept", file.to_str().unwrap()]);
    assert_eq!(answer(&out)["accepted"][0]["reason"], "never longer,\nsays the team", "{}", all(&out));

    // Another value is another difference, and the entry is about nothing.
    ctl.rig.target.execute("ALTER TABLE public.t7 ALTER b TYPE varchar(99)").await.unwrap();
    let found = answer(&diff(&[]));
    assert_eq!(
        (found["differences"].as_array().unwrap().len(), found["idle"].as_array().unwrap().len()),
        (2, 1),
        "{found}"
    );
    api.call("take_back_difference", entry("")).await.unwrap();
    let gone = api.call("take_back_difference", entry("")).await.unwrap_err();
    assert_eq!(gone.code, "not_found", "it was taken back already: {gone:?}");
    assert_eq!(answer(&diff(&[]))["idle"], json!([]));
    let journal = String::from_utf8(ctl.output(&["journal", MIGRATION]).stdout).unwrap();
    for said in ["accepted that column public.t7.b, type differs: never longer", "type differs is no longer accepted"] {
        assert!(journal.contains(said), "who accepted what, and why, is in the journal: {journal}");
    }
    api.shut_down().await;
    let out = ctl.output(&["schema", "diff", "--source", "a"]);
    assert_eq!(out.status.code(), Some(2), "one database is no pair: {}", all(&out));
}
