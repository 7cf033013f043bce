//! `switchyardctl schema preflight`: what a script gets.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "bad_input/said.rs"]
mod said;

mod ctl;

use std::process::Output;

use ctl::{Ctl, MIGRATION};
use said::{all, expect};
use serde_json::{Value, json};
use switchyard_rig::{Rig, RigOptions};

/// A name meant for every place where text is put into other text.
const HOSTILE: &str = "<script>alert(1)</script> |a`c*_ \"q\" 'x' &amp; ;\nnew 🐘 ]]>";

async fn pair() -> Ctl {
    let options = RigOptions { schema: None, routers: false, ..RigOptions::default() };
    let ctl = Ctl::over(Rig::start(options).await.unwrap());
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    ctl.rig.source.execute("CREATE TABLE public.t (a integer PRIMARY KEY, b text)").await.unwrap();
    ctl
}

fn preflight(ctl: &Ctl, more: &[&str]) -> Output {
    ctl.output(&[&["schema", "preflight", "--source", "a", "--target", "b"], more].concat())
}

fn answer(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", all(out)))
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn check<'a>(found: &'a Value, id: &str) -> &'a Value {
    found["checks"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no {id}: {found}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_levels_and_accepted_checks() {
    let ctl = pair().await;
    let out = preflight(&ctl, &[]);
    let found = answer(&out);
    assert_eq!((out.status.code(), &found["failed"], &found["unknown"]), (Some(0), &json!(0), &json!(0)), "{found}");
    assert_eq!(found["passed"], found["checks"].as_array().unwrap().len(), "what passes is listed too");
    let version = check(&found, "source.version");
    assert_eq!(
        (&version["side"], &version["verdict"], &version["severity"]),
        (&"source".into(), &"pass".into(), &"blocks".into())
    );

    let source = &ctl.rig.source;
    let plant =
        "ALTER TABLE public.t ADD CONSTRAINT one CHECK (a > 0) NOT VALID, ADD CONSTRAINT two CHECK (a > 1) NOT VALID";
    source.execute(plant).await.unwrap();
    let out = preflight(&ctl, &[]);
    let found = answer(&out);
    assert_eq!((out.status.code(), &found["failed"]), (Some(1), &json!(1)), "{found}");
    let row = &found["checks"][0];
    assert_eq!(
        (&row["id"], &row["verdict"], &row["severity"]),
        (&"source.not_valid".into(), &"fail".into(), &"data".into())
    );
    assert_eq!(row["objects"], json!(["public.t.one", "public.t.two"]));
    assert!(
        row["remedy"].as_str().unwrap().contains("ALTER TABLE \"public\".\"t\" VALIDATE CONSTRAINT \"one\";"),
        "{row}"
    );
    assert!(
        row["why"].as_str().unwrap().ends_with('.') && row["seen"].as_str().unwrap().contains("2 constraints"),
        "{row}"
    );
    for (level, code) in [("any", 1), ("speed", 1), ("data", 1), ("blocks", 0)] {
        assert_eq!(preflight(&ctl, &["--fail-on", level]).status.code(), Some(code), "a risk to data at {level}");
    }

    let file = ctl.home().join("accepted.toml");
    let path = file.to_str().unwrap();
    let entry = |object: &str| {
        format!("[[accepted]]\ncheck = \"source.not_valid\"\nobject = \"{object}\"\nreason = \"CHG-7\"\nby = \"ann\"\n")
    };
    std::fs::write(&file, entry("public.t.one")).unwrap();
    let out = preflight(&ctl, &["--accept", path]);
    let found = answer(&out);
    assert_eq!(
        (out.status.code(), &found["checks"][0]["objects"]),
        (Some(1), &json!(["public.t.two"])),
        "one is left: {found}"
    );
    let difference = "[[accepted]]\nobject = \"public.z\"\nkind = \"table\"\nwhat = \"missing\"\nreason = \"later\"\n";
    std::fs::write(&file, entry("public.t.one") + &entry("public.t.two") + &entry("public.t.gone") + difference)
        .unwrap();
    let out = preflight(&ctl, &["--accept", path]);
    let found = answer(&out);
    assert_eq!((out.status.code(), &found["failed"], &found["accepted"]), (Some(0), &json!(0), &json!(1)), "{found}");
    assert_eq!(
        check(&found, "source.not_valid")["accepted"][0],
        json!({"object": "public.t.one", "reason": "CHG-7", "by": "ann"})
    );
    assert_eq!(found["idle"], json!(["source.not_valid, public.t.gone"]), "a difference is another command's entry");
    let lines = text(&preflight(&ctl, &["--accept", path, "--format", "text"]));
    assert!(
        lines.contains("accepted: public.t.one: CHG-7") && lines.contains("public.t.gone is about nothing"),
        "{lines}"
    );
    let found = answer(&ctl.output(&["schema", "diff", "--source", "a", "--target", "b", "--accept", path]));
    assert_eq!(found["idle"], json!(["table public.z, missing"]), "and what is said of checks is not the comparison's");

    let whole = "[[accepted]]\ncheck = \"source.not_valid\"\nreason = \"all of them\"\n";
    std::fs::write(&file, whole).unwrap();
    assert_eq!(
        preflight(&ctl, &["--accept", path]).status.code(),
        Some(1),
        "several objects are not accepted wholesale"
    );
    std::fs::write(&file, "[[accepted]]\ncheck = \"source.not_valid\"\nwhat = \"x\"\nreason = \"r\"").unwrap();
    expect(&preflight(&ctl, &["--accept", path]), 2, &["accepted.toml", "line 1", "`what`"]);
    expect(&preflight(&ctl, &["--fail-on", "sometimes"]), 2, &["“sometimes”"]);
    expect(
        &ctl.output(&["schema", "preflight", "--source", "a"]),
        2,
        &["A preflight is of a migration or of two databases"],
    );
    let closed = "postgres://me@127.0.0.1:9/shop";
    expect(&ctl.output(&["schema", "preflight", "--source", "a", "--target", closed]), 2, &["127.0.0.1:9"]);

    source
        .execute("ALTER TABLE public.t VALIDATE CONSTRAINT one; ALTER TABLE public.t VALIDATE CONSTRAINT two")
        .await
        .unwrap();
    ctl.create_migration_with(MIGRATION, "a", "b", &["--pgbouncer", "boss@127.0.0.1:1", "--haproxy", "127.0.0.1:2"]);
    let out = ctl.output(&["schema", "preflight", "--migration", MIGRATION]);
    assert_eq!(out.status.code(), Some(0), "{}", all(&out));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_looked_at_is_told_and_is_no_error() {
    let ctl = pair().await;
    let limited = ctl.rig.source.logins.limited.clone();
    for (name, server) in [("la", &ctl.rig.source), ("lb", &ctl.rig.target)] {
        let user = &limited.user;
        let grant = format!("GRANT pg_monitor TO {user}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}");
        server.execute(&grant).await.unwrap();
        ctl.know_password(&server.host, server.port, user, &limited.password);
        let url = format!("postgres://{user}@{}:{}/shop", server.host, server.port);
        ctl.done(&["endpoint", "add", name, "--url", &url]);
    }
    let mortal =
        |more: &[&str]| ctl.output(&[&["schema", "preflight", "--source", "la", "--target", "lb"], more].concat());
    let out = mortal(&[]);
    let found = answer(&out);
    assert_eq!(out.status.code(), Some(1), "such a role lacks rights: {found}");
    assert_eq!(check(&found, "pair.time_zone")["verdict"], "unknown");
    // Everything that fails accepted: what is left could not be looked at.
    let mut entries = String::new();
    for row in found["checks"].as_array().unwrap().iter().filter(|r| r["verdict"] == "fail") {
        let objects = row["objects"].as_array().unwrap();
        let names: Vec<Option<&str>> =
            if objects.is_empty() { vec![None] } else { objects.iter().map(Value::as_str).collect() };
        for name in names {
            let object = name.map_or(String::new(), |n| format!("object = {}\n", json!(n)));
            entries += &format!("[[accepted]]\ncheck = {}\n{object}reason = \"another role moves\"\n", row["id"]);
        }
    }
    let file = ctl.home().join("accepted.toml");
    std::fs::write(&file, &entries).unwrap();
    let accept = ["--accept", file.to_str().unwrap()];
    let out = mortal(&accept);
    assert_eq!(
        (out.status.code(), &answer(&out)["failed"]),
        (Some(2), &json!(0)),
        "Unknown is not equal: {}",
        all(&out)
    );
    let at_blocks = mortal(&[accept[0], accept[1], "--fail-on", "blocks"]);
    assert_eq!(at_blocks.status.code(), Some(0), "nothing that blocks is unknown: {}", all(&at_blocks));
    for id in ["pair.time_zone", "source.copy_timeout"] {
        entries += &format!("[[accepted]]\ncheck = \"{id}\"\nreason = \"as always, says the host's team\"\n");
    }
    std::fs::write(&file, &entries).unwrap();
    let out = mortal(&accept);
    assert_eq!(out.status.code(), Some(0), "{}", all(&out));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_survive_in_every_format() {
    let ctl = pair().await;
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (schema, name) = (quote("My | <b>"), quote(HOSTILE));
    let plant = format!(
        "CREATE SCHEMA {schema}; CREATE TABLE {schema}.{name} (a integer PRIMARY KEY); \
         ALTER TABLE {schema}.{name} ADD CONSTRAINT {name} CHECK (a > 0) NOT VALID; ALTER TABLE {schema}.{name} SET UNLOGGED"
    );
    ctl.rig.source.execute(&plant).await.unwrap();
    let found = answer(&preflight(&ctl, &[]));
    assert_eq!(check(&found, "source.not_valid")["objects"], json!([format!("{schema}.{name}.{name}")]), "{found}");
    assert_eq!(check(&found, "source.unlogged")["objects"], json!([format!("{schema}.{name}")]));

    let lines = text(&preflight(&ctl, &["--format", "text"]));
    assert!(
        lines.contains(";\\nnew 🐘") && !lines.contains("\nnew"),
        "a line end in a name begins no line of ours: {lines}"
    );
    let page = text(&preflight(&ctl, &["--format", "html"]));
    assert!(
        !page.contains("<script") && page.contains("&lt;script&gt;alert(1)") && page.contains("&amp;amp;"),
        "{page}"
    );
    let table = text(&preflight(&ctl, &["--format", "markdown"]));
    let rows: Vec<&str> = table.lines().filter(|l| l.starts_with("| ")).collect();
    assert_eq!(
        rows.len(),
        found["checks"].as_array().unwrap().len() + 1,
        "a heading and a row for each check: {table}"
    );
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 7, "six cells whatever is in the names: {row}");
    }

    for (level, failures) in [("any", 2), ("blocks", 1)] {
        let report = text(&preflight(&ctl, &["--format", "junit", "--fail-on", level]));
        let path = ctl.home().join("report.xml");
        std::fs::write(&path, &report).unwrap();
        let read = "import sys, xml.etree.ElementTree as t\ns = t.parse(sys.argv[1]).getroot()[0]\n\
                    f = [c.find('failure') for c in s if c.find('failure') is not None]\n\
                    print(len(s), s.get('tests'), len(f), s.get('failures'), s.get('skipped'), all('\\n' in x.text for x in f))";
        let python = std::process::Command::new("python3").args(["-c", read]).arg(&path).output();
        let Ok(python) = python else {
            println!("SKIPPED: reading the report as XML; no python3 is here");
            continue;
        };
        let tests = found["checks"].as_array().unwrap().len();
        let expected = format!("{tests} {tests} {failures} {failures} {} True", 2 - failures);
        assert_eq!(String::from_utf8_lossy(&python.stdout).trim(), expected, "{}{report}", all(&python));
    }
}
