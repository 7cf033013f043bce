//! A pair of databases made by one script.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_engine::{
    db::{
        Database,
        connect::{Login, bundle, connect_postgres},
        schema::Extent,
    },
    secret::Secret,
};
use switchyard_model::{
    Side,
    endpoint::{Endpoint, TlsMode},
    schema::{self, Comparison, Difference, Inventory},
};
use switchyard_rig::{DATABASE, Major, Server, ServerOptions};

/// Two servers and our adapter on both.
pub struct Bed {
    source: Arc<Server>,
    target: Arc<Server>,
    here: Database,
    there: Database,
    /// The source as it was first read: no case changes it.
    read: tokio::sync::OnceCell<Inventory>,
}

impl Bed {
    /// None where this machine lacks the version.
    pub async fn start(target: Major, script: &str) -> Option<Bed> {
        let bed = Bed::start_empty(target).await?;
        bed.source.execute(script).await.unwrap();
        bed.target.execute(script).await.unwrap();
        Some(bed)
    }

    /// The same with nothing on either side.
    pub async fn start_empty(target: Major) -> Option<Bed> {
        if !target.available() {
            println!("SKIPPED: {target:?} is not on this machine; scripts/setup.sh demo brings it");
            return None;
        }
        let options = ServerOptions::default;
        let (source, target) = tokio::join!(Server::start(Major::V15, options()), Server::start(target, options()));
        let (source, target) = (source.unwrap(), target.unwrap());
        space(&source).await;
        space(&target).await;
        Some(Bed::over(Arc::new(source), Arc::new(target)).await)
    }

    /// Runs statements on the source.
    pub async fn source_runs(&self, sql: &str) {
        self.source.execute(sql).await.unwrap();
    }

    async fn over(source: Arc<Server>, target: Arc<Server>) -> Bed {
        let (here, there) = (connect(&source, Side::Source).await, connect(&target, Side::Target).await);
        Bed { source, target, here, there, read: tokio::sync::OnceCell::new() }
    }

    /// With a fresh target, after a case has left something behind.
    pub async fn again(self, script: &str) -> Bed {
        let (source, target) = (self.source.clone(), self.target.clone());
        drop(self);
        let major = target.major;
        drop(target);
        let target = Server::start(major, ServerOptions::default()).await.unwrap();
        space(&target).await;
        target.execute(script).await.unwrap();
        Bed::over(source, Arc::new(target)).await
    }

    /// The source's server.
    pub fn source(&self) -> &Server {
        &self.source
    }

    /// The target's server.
    pub fn target(&self) -> &Server {
        &self.target
    }

    /// Both sides read and compared.
    pub async fn compare(&self) -> Comparison {
        let source = || async { self.here.schemas.schema(Extent::Definitions).await.unwrap() };
        let (here, there) = tokio::join!(self.read.get_or_init(source), self.there.schemas.schema(Extent::Definitions));
        schema::difference(here, &there.unwrap())
    }

    pub async fn difference(&self) -> Vec<Difference> {
        self.compare().await.differences
    }

    /// What could not be seen on either side.
    pub async fn unseen(&self) -> Vec<String> {
        self.compare().await.unseen.into_iter().map(|u| format!("{}: {}", u.object, u.why)).collect()
    }

    /// Runs statements on the target as `psql` does: each by itself where they cannot be in one transaction.
    pub async fn target_runs(&self, sql: &str) -> Result<(), String> {
        let mut connection = PgConnection::connect(&self.target.admin_url(DATABASE)).await.unwrap();
        let single: Vec<&str> = if sql.contains("ALTER SYSTEM") { sql.split(";\n").collect() } else { vec![sql] };
        for sql in single {
            let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
            ran.map_err(|e| e.to_string())?;
        }
        connection.close().await.map_err(|e| e.to_string())
    }
}

/// A tablespace that needs no folder of its own.
async fn space(server: &Server) {
    let mut connection = server.connect(DATABASE).await.unwrap();
    for sql in ["SET allow_in_place_tablespaces = on", "CREATE TABLESPACE fast LOCATION ''"] {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
}

async fn connect(server: &Server, side: Side) -> Database {
    connect_as(server, side, &server.logins.switchyard).await
}

/// Our adapter, logged in as one of the server's users.
pub async fn connect_as(server: &Server, side: Side, login: &switchyard_rig::Login) -> Database {
    let endpoint = Endpoint {
        name: side.to_string(),
        host: server.host.clone(),
        port: server.port,
        database: DATABASE.into(),
        user: login.user.clone(),
        tls: TlsMode::Prefer,
        ca_file: None,
        peer_address: None,
    };
    let password = Secret::new(login.password.clone());
    bundle(connect_postgres(side, Login { endpoint: &endpoint, password: Some(&password) }, 2).await.unwrap())
}

/// Differences as a list that a person reads.
pub fn named(rows: &[Difference]) -> String {
    let one = |d: &Difference| {
        format!("\n  {} {}: {} | {:?} | {:?}\n    {:?}", d.kind, d.object, d.what, d.source, d.target, d.sql)
    };
    format!("{} rows{}", rows.len(), rows.iter().map(one).collect::<String>())
}
