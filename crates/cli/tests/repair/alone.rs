//! `switchyardctl verify --repair`: two databases and no migration between them.

use serde_json::{Value, json};
use switchyard_rig::{Major, RigOptions};

use super::{answer, ctl::Ctl, text};

async fn pair(target: Major) -> Option<Ctl> {
    if !target.available() {
        println!("SKIPPED: {target:?} is not on this machine; scripts/setup.sh demo brings it");
        return None;
    }
    let ctl = Ctl::start(RigOptions { schema: None, target, ..RigOptions::default() }).await;
    let make = "CREATE TABLE public.t (id int PRIMARY KEY, v text, n numeric); \
                INSERT INTO public.t SELECT g, 'it''s ' || g, g FROM generate_series(1, 1000) g; \
                CREATE TABLE public.bag (x text); INSERT INTO public.bag VALUES ('a'), ('a')";
    ctl.rig.source.execute(make).await.unwrap();
    ctl.rig.target.execute(make).await.unwrap();
    ctl.rig.target.execute(SPOIL).await.unwrap();
    Some(ctl)
}

const SPOIL: &str = "UPDATE public.t SET v = 'wrong' WHERE id = 7; DELETE FROM public.t WHERE id = 9; \
                     INSERT INTO public.t VALUES (-1, 'extra', 0); INSERT INTO public.bag VALUES ('a'), ('b')";

fn verify(ctl: &Ctl, more: &[&str]) -> (Option<i32>, Value) {
    answer(&ctl.output(&[&["verify", "--source", "a", "--target", "b"], more].concat()))
}

const STATE: &str = "SELECT md5((SELECT string_agg(t::text, ',' ORDER BY id) FROM public.t t) || \
                     (SELECT string_agg(x, ',' ORDER BY x) FROM public.bag))";

async fn previewed_and_applied(target: Major) {
    let Some(ctl) = pair(target).await else { return };
    let before = text(&ctl.rig.target, STATE).await;
    let (code, preview) = verify(&ctl, &["--repair", "--preview"]);
    let repairs = preview["repairs"].as_array().unwrap();
    assert_eq!((code, repairs.len()), (Some(1), 5), "a preview mends nothing, so there are findings: {preview}");
    let of = |key: &str| repairs.iter().find(|r| r["key"]["id"] == key).unwrap();
    let said = of("7")["statement"].as_str().unwrap();
    assert!(said.starts_with("UPDATE ONLY \"public\".\"t\" AS t SET \"v\" = 'it''s 7'"), "the exact statement: {said}");
    let (set, _) = said.split_once(" WHERE ").unwrap();
    assert!(!set.contains("\"n\""), "only what differs is written: {said}");
    assert!(of("9")["statement"].as_str().unwrap().contains("; INSERT INTO \"public\".\"t\""), "{preview}");
    assert!(of("-1")["statement"].as_str().unwrap().starts_with("DELETE FROM ONLY \"public\".\"t\""), "{preview}");
    assert_eq!(text(&ctl.rig.target, STATE).await, before, "a preview writes nothing");

    // What is shown is what runs: by hand it does the same.
    let script: Vec<&str> = repairs.iter().map(|r| r["statement"].as_str().unwrap()).collect();
    ctl.rig.target.execute(&format!("SET session_replication_role = replica; {}", script.join("; "))).await.unwrap();
    assert_eq!(text(&ctl.rig.target, STATE).await, text(&ctl.rig.source, STATE).await, "the statements stand alone");
    ctl.rig.target.execute(SPOIL).await.unwrap();

    let (code, applied) = verify(&ctl, &["--repair", "--apply"]);
    assert_eq!((code, &applied["findings"]), (Some(0), &json!(5)), "found and mended: {applied}");
    assert!(applied["repairs"].as_array().unwrap().iter().all(|r| r["outcome"] == "mended"), "{applied}");
    assert_eq!(text(&ctl.rig.target, STATE).await, text(&ctl.rig.source, STATE).await, "to the letter");
    let (code, clean) = verify(&ctl, &["--repair", "--apply"]);
    assert_eq!((code, &clean["repairs"]), (Some(0), &json!([])), "nothing is left to be done: {clean}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_is_previewed_and_applied_from_15_to_15() {
    previewed_and_applied(Major::V15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_is_previewed_and_applied_from_15_to_18() {
    previewed_and_applied(Major::V18).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_a_finding_still_and_wrong_use_is_said() {
    let Some(ctl) = pair(Major::best()).await else { return };
    ctl.rig.target.execute("ALTER TABLE public.t ADD CONSTRAINT never_nine CHECK (id <> 9) NOT VALID").await.unwrap();
    let (code, applied) = verify(&ctl, &["--repair", "--apply"]);
    let refused = applied["repairs"].as_array().unwrap().iter().find(|r| r["outcome"] == "refused").unwrap();
    assert_eq!((code, &refused["key"]["id"]), (Some(1), &json!("9")), "one row still differs: {applied}");
    assert!(refused["why"].as_str().unwrap().contains("never_nine"), "{refused}");
    for wrong in [&["--repair"][..], &["--apply"], &["--repair", "--preview", "--apply"]] {
        let out = ctl.output(&[&["verify", "--source", "a", "--target", "b"], wrong].concat());
        assert_eq!(out.status.code(), Some(2), "{wrong:?} says too little or too much");
    }

    // A role that may not: the sentence is the remedy, and no password is in it.
    let login = &ctl.rig.target.logins.limited;
    ctl.rig.target.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO switchyard_limited").await.unwrap();
    ctl.know_password(&ctl.rig.target.host, ctl.rig.target.port, &login.user, &login.password);
    let url = format!("postgres://{}@{}:{}/shop", login.user, ctl.rig.target.host, ctl.rig.target.port);
    let out = ctl.output(&["verify", "--source", "a", "--target", &url, "--repair", "--apply"]);
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("GRANT SET ON PARAMETER session_replication_role"), "{said}");
    for secret in [&login.password, &ctl.rig.source.logins.switchyard.password] {
        assert!(!said.contains(secret.as_str()), "a password is repeated");
    }
}
