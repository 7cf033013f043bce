//! PgBouncer on real servers: what holds, what lets go, and what is said when it cannot.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails panics.

mod router_fixture;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use router_fixture::until;
use sqlx::{Connection, PgConnection, raw_sql};
use switchyard_engine::{
    Kind,
    route::{Router, pgbouncer::PgBouncer},
    secret::Secret,
};
use switchyard_rig::{Major, Pooler, Rig, RigOptions};

async fn rig() -> Rig {
    let options = RigOptions { target: Major::V15, poolers: 1, schema: None, pool_size: 5, ..RigOptions::default() };
    Rig::start(options).await.unwrap()
}

fn router(p: &Pooler) -> PgBouncer {
    let password = Secret::new(p.admin_password.as_str());
    PgBouncer::new(&p.host, p.port, &p.admin_user, Some(password), "app_rw", "app_ro")
}

async fn client(p: &Pooler) -> PgConnection {
    PgConnection::connect(&p.rw_url()).await.unwrap()
}

async fn run(c: &mut PgConnection, sql: &'static str) {
    raw_sql(sql).execute(c).await.unwrap();
}

async fn is_holding(r: &PgBouncer) -> bool {
    r.observe().await.unwrap().holding == Some(true)
}

/// A client that asks one question and ends.
fn asks(p: &Pooler) -> tokio::task::JoinHandle<()> {
    let url = p.rw_url();
    tokio::spawn(async move {
        let mut c = PgConnection::connect(&url).await.unwrap();
        run(&mut c, "SELECT 1").await;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_waits_for_open_transactions_and_queues_the_rest() {
    let rig = rig().await;
    let r = Arc::new(router(&rig.poolers[0]));
    let mut writer = client(&rig.poolers[0]).await;
    run(&mut writer, "BEGIN; SELECT 1").await;

    let hold = tokio::spawn({
        let r = r.clone();
        async move { r.hold().await }
    });
    until("the pause", || is_holding(&r)).await;
    assert!(!hold.is_finished(), "a transaction is open, so the hold is not complete");
    run(&mut writer, "COMMIT").await;
    hold.await.unwrap().unwrap();

    let asked = asks(&rig.poolers[0]);
    until("the queueing of a client", || async { r.observe().await.unwrap().clients >= Some(2) }).await;
    assert!(!asked.is_finished(), "clients are queued, not refused and not served");
    r.release().await.unwrap();
    asked.await.unwrap();
    assert!(!is_holding(&r).await, "released");
}

#[tokio::test(flavor = "multi_thread")]
async fn holding_and_releasing_twice_is_fine() {
    let rig = rig().await;
    let r = router(&rig.poolers[0]);
    r.release().await.unwrap();
    r.hold().await.unwrap();
    r.hold().await.unwrap();
    assert!(is_holding(&r).await);
    r.release().await.unwrap();
    r.release().await.unwrap();
    r.renew_readers().await.unwrap();
    assert!(!is_holding(&r).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_late_is_taken_back() {
    let rig = rig().await;
    let r = router(&rig.poolers[0]).with_hold_deadline(Duration::from_millis(300));
    let mut writer = client(&rig.poolers[0]).await;
    run(&mut writer, "BEGIN; SELECT 1").await;
    let e = r.hold().await.unwrap_err();
    assert_eq!(e.kind, Kind::Deadline, "{e}");
    assert!(!is_holding(&r).await, "clients must not wait for a switch that does not come");
    asks(&rig.poolers[0]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_hold_leaves_a_pause_that_a_release_ends() {
    let rig = rig().await;
    let r = router(&rig.poolers[0]);
    let mut writer = client(&rig.poolers[0]).await;
    run(&mut writer, "BEGIN; SELECT 1").await;
    tokio::select! {
        _ = r.hold() => panic!("a transaction is open, so the hold cannot complete"),
        () = until("the pause", || is_holding(&r)) => {}
    }
    assert!(is_holding(&r).await, "PgBouncer does not end a PAUSE when the one who asked is gone: the caller has to");
    r.release().await.unwrap();
    assert!(!is_holding(&r).await);
    run(&mut writer, "COMMIT").await;
    asks(&rig.poolers[0]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_was_restarted_is_found_again() {
    let rig = rig().await;
    let pooler = &rig.poolers[0];
    let r = router(pooler);
    r.observe().await.unwrap();
    pooler.restart().await.unwrap();
    r.hold().await.unwrap();
    assert!(is_holding(&r).await);
    pooler.restart().await.unwrap();
    r.release().await.unwrap();
    assert!(!is_holding(&r).await, "a restarted PgBouncer is not paused, and releasing it is no error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_console_ends_at_the_deadline_and_is_found_again() {
    let rig = rig().await;
    let pooler = &rig.poolers[0];
    let r = router(pooler);
    r.observe().await.unwrap();
    pooler.freeze().unwrap();
    let started = Instant::now();
    let e = r.hold().await.unwrap_err();
    assert!(matches!(e.kind, Kind::Unreachable | Kind::Deadline), "{e}");
    assert!(started.elapsed() < Duration::from_secs(8), "a frozen pooler must not freeze the switch");
    pooler.thaw().unwrap();
    r.hold().await.unwrap();
    r.release().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_seen_open_and_fell_silent_need_not_be_released() {
    let rig = rig().await;
    let pooler = &rig.poolers[0];
    let r = router(pooler);
    r.observe().await.unwrap();
    pooler.freeze().unwrap();
    r.hold().await.unwrap_err();
    let started = Instant::now();
    r.release().await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(200), "it got no PAUSE, so nobody waits for it");
    // Another process does not know that, and has to insist.
    router(pooler).release().await.unwrap_err();
    pooler.thaw().unwrap();
    r.hold().await.unwrap();
    pooler.kill().await.unwrap();
    r.release().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_pause_is_short() {
    let rig = rig().await;
    let r = router(&rig.poolers[0]);
    let mut writer = client(&rig.poolers[0]).await;
    run(&mut writer, "SELECT 1").await;
    r.hold().await.unwrap();
    r.release().await.unwrap();
    let started = Instant::now();
    for _ in 0..20 {
        r.hold().await.unwrap();
        r.release().await.unwrap();
    }
    let each = started.elapsed() / 20;
    eprintln!("hold and release of an idle pooler: {each:?}");
    assert!(each < Duration::from_millis(50), "the connection is kept open, so this is three short answers: {each:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_it_is() {
    let rig = rig().await;
    let pooler = &rig.poolers[0];
    let mut writer = client(pooler).await;
    run(&mut writer, "SELECT 1").await;
    let state = router(pooler).observe().await.unwrap();
    assert!(state.product.starts_with("PgBouncer 1."), "{}", state.product);
    assert_eq!(state.clients, Some(1), "the console's own connection is no client");
    assert_eq!((state.reads_on_target, state.writes), (None, None), "it has no say in the route");
    assert_eq!(state.warning, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_logins_get_a_sentence_each() {
    let running = router_fixture::pgbouncer("app_rw = host=127.0.0.1 port=1", "transaction").await;
    let at = |user: &str, password: Option<&str>| {
        PgBouncer::new("127.0.0.1", running.port, user, password.map(Secret::new), "app_rw", "app_rw")
    };
    for (user, password, kind, word) in [
        ("boss", Some("wrong"), Kind::LoginRefused, "boss"),
        ("stranger", Some("right"), Kind::LoginRefused, "stranger"),
        ("boss", None, Kind::PasswordNeeded, "boss"),
        ("nobody", Some("right"), Kind::Router, "admin_users"),
    ] {
        let e = at(user, password).observe().await.unwrap_err();
        assert_eq!(e.kind, kind, "{user}: {e}");
        assert!(e.to_string().contains(word), "the sentence names {word}: {e}");
        assert!(!format!("{e} {e:?}").contains("wrong"), "no password in an error: {e:?}");
    }
    let looker = at("looker", Some("right"));
    let warning = looker.observe().await.unwrap().warning.unwrap();
    assert!(warning.contains("may look but not PAUSE"), "found out before the switch, not in it: {warning}");
    let e = looker.hold().await.unwrap_err();
    assert!(e.kind == Kind::Router && e.to_string().contains("admin_users"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_place_gets_a_sentence() {
    let gone = PgBouncer::new("127.0.0.1", 1, "boss", None, "a", "b").observe().await.unwrap_err();
    assert_eq!(gone.kind, Kind::Unreachable, "{gone}");

    let rig = rig().await;
    let login = &rig.source.logins.superuser;
    let password = || Some(Secret::new(login.password.as_str()));
    let postgres = PgBouncer::new("127.0.0.1", rig.source.port, &login.user, password(), "a", "b");
    let e = postgres.observe().await.unwrap_err();
    assert!(e.kind == Kind::Router && e.to_string().contains("not a PgBouncer"), "{e}");
    let haproxy = rig.haproxy.as_ref().unwrap().admin_port;
    let e = PgBouncer::new("127.0.0.1", haproxy, "x", password(), "a", "b").observe().await.unwrap_err();
    assert!(matches!(e.kind, Kind::Router | Kind::Unreachable | Kind::TlsRefused), "{e}");

    let p = &rig.poolers[0];
    let password = Some(Secret::new(p.admin_password.as_str()));
    let e = PgBouncer::new(&p.host, p.port, &p.admin_user, password, "App_rw", "app_ro").observe().await.unwrap_err();
    assert_eq!(e.kind, Kind::NotFound);
    assert!(e.to_string().contains("app_ro, app_rw"), "it lists what there is: {e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_pooling_and_a_shared_pool_are_warned_of() {
    let databases = "by_default = host=127.0.0.1 port=1\nown = host=127.0.0.1 port=1 pool_mode=transaction";
    let running = router_fixture::pgbouncer(databases, "session").await;
    let at = |rw: &str, ro: &str| PgBouncer::new("127.0.0.1", running.port, "boss", Some(Secret::new("right")), rw, ro);
    let warning = at("by_default", "own").observe().await.unwrap().warning.unwrap();
    assert!(warning.contains("pool_mode = transaction"), "PAUSE would never return: {warning}");
    assert_eq!(at("own", "by_default").observe().await.unwrap().warning, None, "only the writers' pool is paused");
    let warning = at("own", "own").observe().await.unwrap().warning.unwrap();
    assert!(warning.contains("holds readers too"), "{warning}");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_are_held_or_refused() {
    let databases = "My-DB.x = host=127.0.0.1 port=1\nmy-db.x = host=127.0.0.1 port=1";
    let running = router_fixture::pgbouncer(databases, "transaction").await;
    let at = |rw: &str| PgBouncer::new("127.0.0.1", running.port, "boss", Some(Secret::new("right")), rw, "my-db.x");
    at("My-DB.x").hold().await.unwrap();
    assert!(is_holding(&at("My-DB.x")).await, "capitals and dots survive quoting");
    assert!(!is_holding(&at("my-db.x")).await, "the other spelling is another database");
    at("My-DB.x").release().await.unwrap();

    let e = at("").hold().await.unwrap_err();
    assert_eq!(e.kind, Kind::Invalid, "{e}");
    assert!(!is_holding(&at("My-DB.x")).await, "an empty name would have paused everything");
    let e = at("a\";RESUME;--").hold().await.unwrap_err();
    assert!(e.kind == Kind::Router && e.to_string().contains("no such database"), "a name stays a name: {e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_everything_by_somebody_else_is_not_ours() {
    let running = router_fixture::pgbouncer("app = host=127.0.0.1 port=1", "transaction").await;
    let url = format!("postgres://boss:right@127.0.0.1:{}/pgbouncer", running.port);
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let mut console = PgConnection::connect_with(&options.extra_float_digits(None)).await.unwrap();
    run(&mut console, "PAUSE").await;
    let r = PgBouncer::new("127.0.0.1", running.port, "boss", Some(Secret::new("right")), "app", "app");
    let e = r.hold().await.unwrap_err();
    assert!(e.to_string().contains("RESUME;"), "our RESUME of one database would not end it: {e}");
    run(&mut console, "RESUME").await;
    r.hold().await.unwrap();
    r.release().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_console_is_spoken_to() {
    let running = router_fixture::pgbouncer_over_tls("app = host=127.0.0.1 port=1").await;
    let r = PgBouncer::new("127.0.0.1", running.port, "boss", Some(Secret::new("right")), "app", "app");
    r.hold().await.unwrap();
    assert!(is_holding(&r).await);
    r.release().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_tell_who_is_served_who_waits_and_who_is_held() {
    let rig = rig().await;
    let r = router(&rig.poolers[0]);
    let rw = async || {
        let pools = r.pools().await.unwrap().unwrap();
        assert!(pools.iter().all(|p| p.database != "pgbouncer"), "the console's own pool is no application's");
        pools.into_iter().find(|p| p.database == "app_rw")
    };
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut c = client(&rig.poolers[0]).await;
        run(&mut c, "BEGIN; SELECT 1").await;
        open.push(c);
    }
    let busy = rw().await.unwrap();
    assert_eq!(
        (busy.cl_active, busy.sv_active, busy.size),
        (5, 5, Some(5)),
        "five transactions on five connections: {busy:?}"
    );
    assert_eq!((busy.cl_waiting, busy.paused, busy.mode.as_str()), (0, false, "transaction"));

    let sixth = asks(&rig.poolers[0]);
    until("the sixth client's wait", || async { rw().await.is_some_and(|p| p.cl_waiting == 1 && p.maxwait_ms > 0.0) })
        .await;
    let said = rw().await.unwrap().warnings();
    assert!(said[0].contains("All its server connections are in use"), "{said:?}");
    for mut c in open {
        run(&mut c, "COMMIT").await;
    }
    sixth.await.unwrap();

    r.hold().await.unwrap();
    let held = asks(&rig.poolers[0]);
    until("the queueing of a client", || async { rw().await.is_some_and(|p| p.cl_waiting == 1) }).await;
    let pool = rw().await.unwrap();
    assert!(pool.paused && pool.warnings()[0].contains("is held"), "a hold is told as one: {:?}", pool.warnings());
    r.release().await.unwrap();
    held.await.unwrap();
}
