//! Routers that are not there, are something else, or answer with an error; found when both sides are analyzed.

use std::process::Output;

use switchyard_rig::{Rig, RigOptions};

use crate::{ctl::Ctl, said::expect, traces};

/// A migration in front of which these routers stand, analyzed.
fn analyzed(ctl: &Ctl, name: &str, routers: &[&str]) -> Output {
    let ends = ["migration", "create", name, "--source", "a", "--target", "b", "--limits", "demo"];
    ctl.done(&[&ends[..], routers].concat());
    ctl.output(&["run", name, "analyze"])
}

#[tokio::test(flavor = "multi_thread")]
async fn routers_that_cannot_be_used_are_named_with_the_remedy() {
    let options = RigOptions::default();
    let ctl = Ctl::over(Rig::start(options).await.unwrap());
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    let (pooler, haproxy) = (&ctl.rig.poolers[0], ctl.rig.haproxy.as_ref().unwrap());
    let console = format!("{}@{}:{}", pooler.admin_user, pooler.host, pooler.port);
    let socket = format!("127.0.0.1:{}", haproxy.admin_port);
    let source_port = ctl.rig.source.port;
    let refused = |args: &[&str], names: &[&str]| {
        let ends = ["migration", "create", "never", "--source", "a", "--target", "b"];
        expect(&ctl.output(&[&ends[..], args].concat()), 2, names);
    };
    refused(&["--haproxy", &socket], &["No PgBouncer", "admin console"]);
    refused(&["--pgbouncer", &console], &["No HAProxy", "admin socket"]);
    refused(&["--pgbouncer", "pgb-1", "--haproxy", &socket], &["“pgb-1”", "USER@HOST:PORT", "admin@pgb-1:6432"]);
    refused(&["--pgbouncer", &console, "--haproxy", "lb"], &["“lb”", "host:port"]);

    let gone = format!("{}@127.0.0.1:1", pooler.admin_user);
    ctl.know_password("127.0.0.1", 1, &pooler.admin_user, "x");
    expect(
        &analyzed(&ctl, "gone", &["--pgbouncer", &gone, "--haproxy", &socket]),
        1,
        &["PgBouncer 127.0.0.1:1", "nothing listens", "Check the router's admin address"],
    );
    expect(
        &analyzed(&ctl, "no proxy", &["--pgbouncer", &console, "--haproxy", "127.0.0.1:1"]),
        1,
        &["HAProxy 127.0.0.1:1", "nothing listens"],
    );
    let database = format!("127.0.0.1:{source_port}");
    expect(
        &analyzed(&ctl, "a database", &["--pgbouncer", &console, "--haproxy", &database]),
        1,
        &[&database, "not HAProxy's runtime API", "check the address"],
    );
    let postgres = format!("{}@127.0.0.1:{source_port}", ctl.rig.source.logins.switchyard.user);
    expect(
        &analyzed(&ctl, "no pooler", &["--pgbouncer", &postgres, "--haproxy", &socket]),
        1,
        &["a PostgreSQL server answers there, not a PgBouncer", "check host and port"],
    );
    let stranger = format!("stranger@{}:{}", pooler.host, pooler.port);
    ctl.know_password(&pooler.host, pooler.port, "stranger", "x");
    expect(
        &analyzed(&ctl, "stranger", &["--pgbouncer", &stranger, "--haproxy", &socket]),
        1,
        &["it refuses user “stranger”", "Check the router's admin address, user"],
    );
    let app = format!("app@{}:{}", pooler.host, pooler.port);
    ctl.know_password(&pooler.host, pooler.port, "app", &ctl.rig.source.logins.app.password);
    expect(
        &analyzed(&ctl, "no admin", &["--pgbouncer", &app, "--haproxy", &socket]),
        1,
        &["not allowed", "add app to admin_users in pgbouncer.ini"],
    );
    let names = ["--pgbouncer", &console, "--pools", "rw,ro", "--haproxy", &socket, "--backends", "w,r"];
    expect(
        &analyzed(&ctl, "other names", &names),
        1,
        &["database “rw”", "there are: app_ro, app_rw", "no backend “w”", "there are: rw, ro"],
    );

    // A socket that may look and not act.
    let config = ctl.rig.dir().join("haproxy/haproxy.cfg");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("level admin", "level user")).unwrap();
    haproxy.restart().await.unwrap();
    let good = ["--pgbouncer", &console, "--haproxy", &socket];
    expect(
        &analyzed(&ctl, "may not act", &good),
        1,
        &["HAProxy", "level “user”", "`level admin`", "HAProxy's configuration"],
    );
    std::fs::write(&config, text).unwrap();
    haproxy.restart().await.unwrap();

    assert_eq!(traces::of(&ctl.rig).await, Vec::<String>::new(), "looking changes nothing");
    assert!(analyzed(&ctl, "right", &good).status.success(), "the right routers work");
    ctl.done(&["run", "right", "prepare"]);
}
