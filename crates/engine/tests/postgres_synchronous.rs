//! What a synchronous dual write asks of a server before it changes anything, and that what ends the waiting never waits itself.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod postgres_server;

use postgres_server::{Bed, endpoint};
use switchyard_engine::{
    Error, Kind,
    db::connect::{Login, connect},
    secret::Secret,
};
use switchyard_model::{Side, dual_write::Scope, endpoint::Endpoint};
use switchyard_rig::Major;

const STANDBY: &str = "switchyard_shop_from_source";

fn role(name: &str) -> Scope {
    Scope::Role { role: name.to_owned() }
}

/// Why a look refuses, as this login.
async fn refused(bed: &Bed, login: &switchyard_rig::Login, scope: &Scope) -> Error {
    let endpoint = Endpoint { user: login.user.clone(), ..endpoint(&bed.server, "shop") };
    let password = Secret::new(login.password.clone());
    let db = connect(Side::Source, Login { endpoint: &endpoint, password: Some(&password) }, 2).await.unwrap();
    let Err(error) = db.synchronous.look(scope, STANDBY).await else { panic!("nothing was in the way") };
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_named_with_what_mends_it() {
    let bed = Bed::start(Major::V15, &[]).await;
    let (ours, limited) = (&bed.server.logins.switchyard, &bed.server.logins.limited);
    bed.server.execute("CREATE ROLE staff NOLOGIN").await.unwrap();
    for (scope, words) in [
        (role("nobody"), "there is no role “nobody”"),
        (role("staff"), "cannot log in"),
        (role("app"), "no target receives"),
        (Scope::Database, "no target receives"),
    ] {
        let error = refused(&bed, ours, &scope).await;
        assert!(error.kind == Kind::Unsuitable && error.why.contains(words), "{scope:?}: {error}");
    }

    // Each right that is missing is named by the statement that grants it, and with all of them the next obstacle is told.
    let error = refused(&bed, limited, &role("app")).await;
    assert_eq!(error.kind, Kind::Privilege, "{error}");
    let grants = error.why.split_once("with: ").unwrap().1.to_owned();
    assert_eq!(grants.matches("GRANT ").count(), 5, "{grants}");
    bed.server.execute(&grants).await.unwrap();
    let error = refused(&bed, limited, &role("app")).await;
    assert!(error.why.contains("no target receives"), "nothing is missing any more: {error}");

    // A table of an earlier version has no room for the row to measure with.
    bed.server
        .execute("CREATE SCHEMA switchyard; CREATE TABLE switchyard.beat_forward (id int PRIMARY KEY CHECK (id = 1))")
        .await
        .unwrap();
    let error = refused(&bed, ours, &role("app")).await;
    let mend = error.why.split('`').nth(1).unwrap().to_owned();
    bed.server.execute(&mend).await.unwrap();
    assert!(refused(&bed, ours, &role("app")).await.why.contains("no target receives"), "{mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_sessions_never_wait_for_a_stream_of_ours() {
    let names = format!("\"{STANDBY}\"");
    let bed = Bed::start(Major::V15, &[("synchronous_commit", "local"), ("synchronous_standby_names", &names)]).await;
    let mut admin = bed.server.connect("postgres").await.unwrap();
    let set = "ALTER DATABASE shop SET synchronous_commit = 'remote_apply'";
    sqlx::raw_sql(set).execute(&mut admin).await.unwrap();
    let db = postgres_server::connect(&bed.server, Side::Source, "shop").await;
    let show = "SHOW synchronous_commit";
    let mut own = db.open().await.unwrap();
    let beside: String = sqlx::query_scalar(show).fetch_one(&mut own).await.unwrap();
    let pooled: String = sqlx::query_scalar(show).fetch_one(db.pool()).await.unwrap();
    assert_eq!((beside.as_str(), pooled.as_str()), ("local", "local"), "what frees a source must not wait for it");
}
