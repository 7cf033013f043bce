//! A real server with our adapter connected to it, for the tests of the PostgreSQL adapter.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub mod fenced;

use std::{future::Future, sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_engine::{
    db::{
        connect::{Login, connect_postgres},
        postgres::PgDatabase,
    },
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::{Endpoint, TlsMode},
    ident::TableName,
};
use switchyard_rig::{Major, Server, ServerOptions};

/// How long a test waits for an event before it calls it missing.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A server and our adapter, connected as its superuser role `switchyard`.
pub struct Bed {
    pub server: Server,
    pub db: Arc<PgDatabase>,
}

impl Bed {
    pub async fn start(major: Major, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let server = Server::start(major, ServerOptions { settings, ..ServerOptions::default() }).await.unwrap();
        let db = connect(&server, Side::Source, "shop").await;
        Bed { server, db }
    }

    /// Runs statements as the application's owner.
    pub async fn app(&self) -> PgConnection {
        PgConnection::connect(&self.server.app_url()).await.unwrap()
    }

    pub async fn execute(&self, sql: impl Into<String>) {
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut self.app().await).await.unwrap();
    }

    /// One boolean, asked as the superuser until it is true.
    pub async fn until(&self, what: &str, question: &str) {
        let mut connection = self.server.connect("shop").await.unwrap();
        until_true(&mut connection, what, question).await;
    }
}

pub async fn until_true(connection: &mut PgConnection, what: &str, question: &str) {
    let asked = async {
        while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(question.to_owned()))
            .fetch_one(&mut *connection)
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, asked).await;
}

/// The event has to come within [`PATIENCE`].
pub async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}

pub fn endpoint(server: &Server, database: &str) -> Endpoint {
    Endpoint {
        name: "test".into(),
        host: server.host.clone(),
        port: server.port,
        database: database.into(),
        user: server.logins.switchyard.user.clone(),
        tls: TlsMode::Prefer,
        ca_file: None,
        peer_address: None,
    }
}

pub async fn connect(server: &Server, side: Side, database: &str) -> Arc<PgDatabase> {
    let password = Secret::new(server.logins.switchyard.password.clone());
    let endpoint = endpoint(server, database);
    connect_postgres(side, Login { endpoint: &endpoint, password: Some(&password) }, 4).await.unwrap()
}

/// Names a catalog allows and a careless program does not: quotes, capitals, spaces, 63 bytes, a keyword.
pub fn awkward_names() -> Vec<TableName> {
    let long = "ä".repeat(31) + "x";
    assert_eq!(long.len(), 63, "the longest name that is not cut");
    vec![
        TableName::new("public", "select"),
        TableName::new("public", "Has \"quotes\" and 'these'"),
        TableName::new("My Schema", "back\\slash; DROP TABLE x --"),
        TableName::new("My Schema", long),
    ]
}
