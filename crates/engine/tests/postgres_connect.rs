//! Logging in to real servers, and the sentence for each way in which it fails.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use std::time::Instant;

use postgres_server::{Bed, endpoint};
use sqlx::{Connection, PgConnection, Row};
use switchyard_engine::{
    Error, Kind,
    db::connect::{CONNECT_DEADLINE, Login, connect, connect_postgres, probe},
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::{Endpoint, TlsMode},
};
use switchyard_rig::{Major, Server, ServerOptions};

async fn refused(endpoint: &Endpoint, password: Option<&str>) -> Error {
    let secret = password.map(Secret::new);
    let outcome = connect(Side::Source, Login { endpoint, password: secret.as_ref() }, 2).await;
    let Err(error) = outcome else { panic!("connected to {endpoint:?}") };
    let text = error.to_string();
    assert!(text.contains(&endpoint.user) && text.contains(&endpoint.database), "it names role and database: {text}");
    assert!(text.contains(&endpoint.port.to_string()), "it names the port: {text}");
    assert!(password.is_none_or(|p| !text.contains(p)), "it never repeats the password");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_has_its_kind_and_sentence() {
    let bed = Bed::start(Major::V15, &[]).await;
    let good = endpoint(&bed.server, "shop");
    let password = bed.server.logins.switchyard.password.clone();
    let right = Some(password.as_str());

    for (what, endpoint, password, kind, word) in [
        ("password", good.clone(), Some("sekret"), Kind::LoginRefused, "password"),
        ("no password", good.clone(), None, Kind::PasswordNeeded, "wants a password"),
        ("role", Endpoint { user: "nobody_here".into(), ..good.clone() }, right, Kind::LoginRefused, "nobody_here"),
        ("database", Endpoint { database: "no such".into(), ..good.clone() }, right, Kind::NoSuchDatabase, "no such"),
        ("port", Endpoint { port: 1, ..good.clone() }, right, Kind::Unreachable, "nothing listens on 127.0.0.1:1"),
        (
            "name",
            Endpoint { host: "no.such.host.invalid".into(), ..good.clone() },
            right,
            Kind::Unreachable,
            "resolved",
        ),
        ("socket", Endpoint { host: "/nowhere".into(), ..good.clone() }, right, Kind::Unreachable, "/nowhere/.s.PGSQL"),
        ("tls", Endpoint { tls: TlsMode::Require, ..good.clone() }, right, Kind::TlsRefused, "mode require"),
    ] {
        let error = refused(&endpoint, password).await;
        assert_eq!(error.kind, kind, "{what}: {error}");
        assert!(error.why.contains(word), "{what} should name “{word}”: {error}");
    }

    let hba = bed.server.data_dir.join("pg_hba.conf");
    let text = std::fs::read_to_string(&hba).unwrap();
    std::fs::write(&hba, format!("host shop switchyard 127.0.0.1/32 reject\n{text}")).unwrap();
    bed.server.execute("SELECT pg_reload_conf()").await.unwrap();
    postgres_server::within("the new pg_hba.conf", async {
        while connect(Side::Source, Login { endpoint: &good, password: Some(&Secret::new(&password)) }, 1).await.is_ok()
        {
        }
    })
    .await;
    let error = refused(&good, right).await;
    assert_eq!(error.kind, Kind::LoginRefused, "{error}");
    assert!(error.why.contains("pg_hba.conf"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_and_a_silent_one_are_told_apart() {
    let settings = [("max_connections", "5"), ("superuser_reserved_connections", "1"), ("max_wal_senders", "0")];
    let bed = Bed::start(Major::V15, &settings).await;
    let app = &bed.server.logins.app;
    let endpoint = Endpoint { user: app.user.clone(), ..endpoint(&bed.server, "shop") };
    let mut held = Vec::new();
    while let Ok(connection) = PgConnection::connect(&bed.server.app_url()).await {
        held.push(connection);
    }
    assert_eq!(refused(&endpoint, Some(&app.password)).await.kind, Kind::TooManyConnections);
    drop(held);

    bed.server.freeze().unwrap();
    let begun = Instant::now();
    let error = refused(&endpoint, Some(&app.password)).await;
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
    assert!(begun.elapsed() < CONNECT_DEADLINE * 2, "every login has a deadline");
    bed.server.thaw().unwrap();

    let db = bed.db.clone();
    bed.server.stop().await.unwrap();
    let error = switchyard_engine::db::Catalog::server(&*db).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable, "a stopped server is not a failed statement: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_verified_as_asked_and_reported_as_negotiated() {
    let server = Server::start(Major::V15, ServerOptions { tls: true, ..ServerOptions::default() }).await.unwrap();
    let password = Secret::new(server.logins.switchyard.password.clone());
    let ca = server.ca_file.clone().unwrap().display().to_string();
    let full = Endpoint { tls: TlsMode::VerifyFull, ca_file: Some(ca.clone()), ..endpoint(&server, "shop") };
    let seen = probe(Login { endpoint: &full, password: Some(&password) }).await.unwrap();
    assert!(seen.tls_sentence.contains("TLSv1.3") && seen.tls_sentence.contains("host name were verified"), "{seen:?}");
    assert_eq!(seen.version, server.version);
    assert!(seen.ms > 0.0);
    let plain = Endpoint { tls: TlsMode::Disable, ..full.clone() };
    let seen = probe(Login { endpoint: &plain, password: Some(&password) }).await.unwrap();
    assert!(seen.tls_sentence.starts_with("Not encrypted"), "{seen:?}");

    let unknown = refused(&Endpoint { ca_file: None, ..full.clone() }, Some(password.expose())).await;
    assert_eq!(unknown.kind, Kind::TlsNotTrusted, "{unknown}");
    assert!(unknown.why.contains("not signed by an authority"), "{unknown}");

    let other = Server::start(Major::V15, ServerOptions { tls: true, ..ServerOptions::default() }).await.unwrap();
    let wrong_ca = other.ca_file.clone().unwrap().display().to_string();
    let wrong = refused(&Endpoint { ca_file: Some(wrong_ca.clone()), ..full.clone() }, Some(password.expose())).await;
    assert_eq!(wrong.kind, Kind::TlsNotTrusted, "{wrong}");
    assert!(wrong.why.contains(&wrong_ca), "it names the file that does not fit: {wrong}");

    // The certificate says 127.0.0.1 and localhost; the same machine has other names.
    let renamed = Endpoint { host: "127.1".into(), ..full };
    let error = refused(&renamed, Some(password.expose())).await;
    assert_eq!(error.kind, Kind::TlsNotTrusted, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_starts_with_our_settings_whatever_the_roles_are() {
    let bed = Bed::start(Major::V15, &[]).await;
    bed.server
        .execute(
            "ALTER ROLE switchyard SET search_path = public; ALTER ROLE switchyard SET bytea_output = escape; \
             ALTER DATABASE shop SET intervalstyle = sql_standard; ALTER ROLE switchyard SET datestyle = german; \
             ALTER ROLE switchyard SET timezone = 'Asia/Tokyo'; ALTER ROLE switchyard SET statement_timeout = 0",
        )
        .await
        .unwrap();
    let password = Secret::new(bed.server.logins.switchyard.password.clone());
    let endpoint = endpoint(&bed.server, "shop");
    let db = connect_postgres(Side::Source, Login { endpoint: &endpoint, password: Some(&password) }, 2).await.unwrap();
    for (name, value) in [
        ("search_path", "pg_catalog"),
        ("bytea_output", "hex"),
        ("IntervalStyle", "postgres"),
        ("DateStyle", "ISO, MDY"),
        ("TimeZone", "UTC"),
        ("statement_timeout", "10s"),
        ("application_name", "switchyard"),
        ("client_connection_check_interval", "1s"),
        ("extra_float_digits", "3"),
    ] {
        let row = sqlx::query("SELECT current_setting($1)").bind(name).fetch_one(db.pool()).await.unwrap();
        assert_eq!(row.get::<&str, _>(0), value, "{name} must not depend on the role's or the database's settings");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_commit_is_on_the_disk_whatever_the_server_says() {
    let asked = async |setting: &str| {
        let bed = Bed::start(Major::V15, &[("synchronous_commit", setting)]).await;
        let mut own = bed.db.open().await.unwrap();
        let show = "SHOW synchronous_commit";
        let beside: String = sqlx::query_scalar(show).fetch_one(&mut own).await.unwrap();
        let pooled: String = sqlx::query_scalar(show).fetch_one(bed.db.pool()).await.unwrap();
        (beside, pooled)
    };
    let both = |word: &str| (word.to_owned(), word.to_owned());
    assert_eq!(asked("off").await, both("local"), "a fence that a crash takes back is none");
    assert_eq!(asked("remote_apply").await, both("remote_apply"), "who waits for more than its disk goes on doing so");
}
