//! Single servers: their users, their faults, and that nothing stays behind.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, Row, raw_sql};
use switchyard_rig::faults::{Break, Proxy, Weather};
use switchyard_rig::{Endpoints, Major, Server, ServerOptions};

const SHORT: Duration = Duration::from_millis(300);

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "waited ten seconds for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_major_starts_with_its_users_and_settings() {
    for major in [Major::V15, Major::best()] {
        let settings = vec![("wal_level".to_owned(), "replica".to_owned())];
        let server = Server::start(major, ServerOptions { settings, ..ServerOptions::default() }).await.unwrap();
        let logins = server.logins.clone();
        for (login, is_superuser) in [(&logins.switchyard, "on"), (&logins.limited, "off"), (&logins.app, "off")] {
            let url = server.url(&login.user, &login.password, "shop");
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let row = raw_sql(
                "SELECT current_setting('is_superuser'), current_setting('wal_level'), current_setting('server_version')",
            );
            let row = row.fetch_one(&mut connection).await.unwrap();
            assert_eq!(row.get::<&str, _>(0), is_superuser, "{}", login.user);
            assert_eq!(row.get::<&str, _>(1), "replica", "an override wins");
            assert!(row.get::<&str, _>(2).starts_with(&server.version));
        }
        let wrong = PgConnection::connect(&server.url("app", "wrong", "shop")).await;
        assert!(wrong.unwrap_err().to_string().contains("password"), "passwords are asked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_verified_against_the_rigs_authority() {
    let server = Server::start(Major::best(), ServerOptions { tls: true, ..ServerOptions::default() }).await.unwrap();
    let ca = server.ca_file.clone().unwrap();
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", server.app_url(), ca.display());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert!(raw_sql(sql).fetch_one(&mut connection).await.unwrap().get::<bool, _>(0));
    let unknown = format!("{}?sslmode=verify-full", server.app_url());
    assert!(PgConnection::connect(&unknown).await.is_err(), "the system does not know this authority");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_answers_nothing_and_goes_on() {
    let server = Server::start(Major::V15, ServerOptions::default()).await.unwrap();
    let mut connection = server.connect("shop").await.unwrap();
    server.freeze().unwrap();
    let mut asked = Box::pin(raw_sql("SELECT 1").execute(&mut connection));
    assert!(tokio::time::timeout(SHORT, &mut asked).await.is_err(), "a frozen server stays silent");
    server.thaw().unwrap();
    asked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_starts_again_on_its_port() {
    let server = Server::start(Major::best(), ServerOptions::default()).await.unwrap();
    server.execute("CREATE TABLE kept AS SELECT 1 AS x").await.unwrap();
    server.kill().await.unwrap();
    assert!(server.pid().is_none() && server.connect("shop").await.is_err());
    server.restart().await.unwrap();
    server.execute("SELECT x FROM kept").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_drop() {
    let server = Server::start(Major::V15, ServerOptions::default()).await.unwrap();
    let (pid, data) = (server.pid().unwrap(), server.data_dir.clone());
    server.freeze().unwrap();
    drop(server);
    assert!(!is_alive(pid), "also a frozen server ends");
    assert!(!data.exists(), "its files are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_when_the_owner_is_killed() {
    let dir = tempfile::Builder::new().prefix("switchyard-rig-test-").tempdir().unwrap();
    Command::new("chmod").arg("711").arg(dir.path()).status().unwrap();
    let mut owner = rig_command("up", dir.path()).args(["--scale", "0.01"]).stdout(Stdio::null()).spawn().unwrap();
    until("the rig", || Endpoints::read(dir.path()).is_ok()).await;
    let pids = processes_of(dir.path());
    assert!(pids.len() >= 5, "two servers, two poolers, HAProxy: {pids:?}");
    owner.kill().unwrap();
    owner.wait().unwrap();
    until("the servers' end", || !pids.iter().any(|pid| is_alive(*pid))).await;
    assert!(rig_command("down", dir.path()).status().unwrap().success());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "down removes what up wrote");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_makes_weather() {
    let server = Server::start(Major::V15, ServerOptions::default()).await.unwrap();
    let proxy = Proxy::start(&server.host, server.port).await.unwrap();
    let app = &server.logins.app;
    let url = server.url(&app.user, &app.password, "shop").replace(&server.port.to_string(), &proxy.port.to_string());
    let mut connection = PgConnection::connect(&url).await.unwrap();

    proxy.set(Weather::Slow(Duration::from_millis(50)));
    let begun = Instant::now();
    raw_sql("SELECT 1").execute(&mut connection).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(100), "both ways are slow");

    proxy.set(Weather::Silent);
    let mut asked = Box::pin(raw_sql("SELECT 1").execute(&mut connection));
    assert!(tokio::time::timeout(SHORT, &mut asked).await.is_err());
    proxy.set(Weather::Clear);
    asked.await.unwrap();

    let text = "x".repeat(2_000);
    proxy.set(Weather::Trickle(4_000));
    let begun = Instant::now();
    raw_sql(sqlx::AssertSqlSafe(format!("SELECT '{text}'"))).execute(&mut connection).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(900), "two thousand bytes each way at four thousand a second");
    proxy.set(Weather::Clear);

    let mut reset = PgConnection::connect(&url).await.unwrap();
    proxy.break_all(Break::Reset);
    assert!(raw_sql("SELECT 1").execute(&mut reset).await.is_err(), "the connection is gone");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    proxy.break_all(Break::Strand);
    let asked = tokio::time::timeout(SHORT, raw_sql("SELECT 1").execute(&mut connection)).await;
    assert!(asked.is_err(), "half open: nobody tells that the server is gone");
    let mut connection = PgConnection::connect(&url).await.unwrap();

    proxy.refuse().await;
    assert!(raw_sql("SELECT 1").execute(&mut connection).await.is_err(), "open connections are cut");
    assert!(PgConnection::connect(&url).await.is_err(), "new ones are refused");
    proxy.accept().await.unwrap();
    PgConnection::connect(&url).await.unwrap();
}

fn rig_command(verb: &str, dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard-rig"));
    command.arg(verb).arg("--dir").arg(dir);
    command
}

/// The servers whose command line names the folder.
fn processes_of(dir: &Path) -> Vec<u32> {
    let needle = dir.display().to_string();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|text| text.contains(&needle)))
        .filter(|pid| !std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|c| c.trim() == "switchyard-rig"))
        .collect()
}
