//! Endpoints that cannot be reached or do not let us in, tested by name and met by a run.

use switchyard_rig::{Major, Rig, RigOptions, Server, ServerOptions};

use crate::{ctl::Ctl, said::expect, traces};

/// An endpoint over these parts of a URL.
fn add(ctl: &Ctl, name: &str, url: &str) {
    assert!(ctl.output(&["endpoint", "add", name, "--url", url]).status.success(), "{name} can be saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_login_that_fails_has_its_sentence() {
    let options = RigOptions { schema: None, routers: false, target: Major::V15, tls: true, ..RigOptions::default() };
    let (rig, plain) = tokio::join!(Rig::start(options), Server::start(Major::V15, ServerOptions::default()));
    let (ctl, plain) = (Ctl::over(rig.unwrap()), plain.unwrap());
    let s = &ctl.rig.source;
    let at = |user: &str, rest: &str| format!("postgres://{user}@{}:{}/{rest}", s.host, s.port);
    let switchyard = &s.logins.switchyard.user;

    ctl.know_password(&s.host, s.port, "app", "not-the-password");
    add(&ctl, "wrong", &at("app", "shop"));
    expect(
        &ctl.output(&["endpoint", "test", "wrong"]),
        2,
        &["wrong", "refused the password of role “app”", "Check user and password"],
    );
    add(&ctl, "unknown", &at("nobody_here", "shop"));
    expect(&ctl.output(&["endpoint", "test", "unknown"]), 2, &["nobody_here", "wants a password", ".pgpass"]);
    add(&ctl, "no-database", &at(switchyard, "shopp"));
    expect(&ctl.output(&["endpoint", "test", "no-database"]), 2, &["no database “shopp”", "case-sensitive"]);
    add(&ctl, "away", "postgres://ann@127.0.0.1:1/shop");
    expect(&ctl.output(&["endpoint", "test", "away"]), 2, &["nothing listens on 127.0.0.1:1", "Check host and port"]);
    add(&ctl, "nowhere", "postgres://ann@no.such.host.invalid/shop");
    expect(&ctl.output(&["endpoint", "test", "nowhere"]), 2, &["no.such.host.invalid", "cannot be resolved"]);

    let no_tls = |mode: &str| format!("postgres://{switchyard}@{}:{}/shop?sslmode={mode}", plain.host, plain.port);
    ctl.know_password(&plain.host, plain.port, switchyard, &plain.logins.switchyard.password);
    add(&ctl, "no-tls", &no_tls("require"));
    expect(&ctl.output(&["endpoint", "test", "no-tls"]), 2, &["offers no TLS", "require", "Choose another TLS mode"]);
    add(&ctl, "no-tls", &no_tls("prefer"));
    assert!(ctl.output(&["endpoint", "test", "no-tls"]).status.success(), "what the remedy says works");

    let verified =
        |ca: &std::path::Path| at(switchyard, &format!("shop?sslmode=verify-full&sslrootcert={}", ca.display()));
    let (right, other) = (s.ca_file.clone().unwrap(), ctl.rig.target.ca_file.clone().unwrap());
    add(&ctl, "verified", &verified(&other));
    expect(
        &ctl.output(&["endpoint", "test", "verified"]),
        2,
        &["was not signed by the authority in", &other.display().to_string(), "Choose the CA file"],
    );
    add(&ctl, "verified", &verified(std::path::Path::new("/nowhere/ca.crt")));
    expect(
        &ctl.output(&["endpoint", "test", "verified"]),
        2,
        &["“/nowhere/ca.crt”", "cannot be read", "another CA file"],
    );
    add(&ctl, "verified", &verified(&ctl.passfile()));
    expect(&ctl.output(&["endpoint", "test", "verified"]), 2, &["no certificate", "BEGIN CERTIFICATE"]);
    add(&ctl, "verified", &verified(&right));
    let found = ctl.done(&["endpoint", "test", "verified"]);
    assert!(found["tls"].as_str().unwrap().contains("host name were verified"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_log_in_says_why_and_one_that_lost_its_server_says_since_when() {
    let ctl = Ctl::over(Rig::start(RigOptions::default()).await.unwrap());
    let target = &ctl.rig.target;
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.know_password(&target.host, target.port, "app", "not-the-password");
    add(&ctl, "b", &format!("postgres://app@{}:{}/shop", target.host, target.port));
    ctl.create_migration(&ctl.migration, "a", "b");
    expect(
        &ctl.output(&["run", &ctl.migration, "analyze"]),
        1,
        &["b as app", "refused the password", "Check user and password"],
    );
    ctl.add_endpoint("b", target);
    ctl.done(&["run", &ctl.migration, "analyze"]);

    // A server that was there and is gone is not looked for in the endpoint's fields.
    target.stop().await.unwrap();
    let out = ctl.output(&["run", &ctl.migration, "prepare"]);
    expect(&out, 1, &["“b” stopped answering", "its last answer came at 20", "Z.", "whether its server still runs"]);
    assert!(!crate::said::all(&out).contains("Check host and port"), "host and port were right a moment ago");
    target.restart().await.unwrap();
    assert_eq!(traces::of(&ctl.rig).await, Vec::<String>::new(), "nothing was begun");
    ctl.done(&["run", &ctl.migration, "prepare"]);
}
