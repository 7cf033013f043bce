//! Consumers of a server, and somebody who looks at it from another database.

use std::time::Duration;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions, raw_sql};
use switchyard_rig::Server;
use tokio::{sync::Mutex, task::JoinHandle};

/// How long an event may be waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that calls itself so.
pub async fn connect(url: &str, application: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().application_name(application).connect().await.unwrap()
}

/// A connection of a role to the database.
pub async fn consumer(server: &Server, (user, password): (&str, &str), application: &str) -> PgConnection {
    connect(&server.url(user, password, "shop"), application).await
}

/// Runs a statement again and again, some hundred times a second.
pub fn repeat(mut connection: PgConnection, sql: &'static str) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            raw_sql(sql).execute(&mut connection).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

/// Looks at the server from another database, so that it is no consumer of this one.
pub struct Observer(Mutex<PgConnection>);

impl Observer {
    pub async fn of(server: &Server) -> Observer {
        Observer(Mutex::new(PgConnection::connect(&server.admin_url("postgres")).await.unwrap()))
    }

    /// Waits until the sampler has looked so many times more.
    pub async fn looks(&self, times: u32) {
        for _ in 0..times {
            let last = "SELECT coalesce(max(query_start)::text, '') FROM pg_stat_activity WHERE application_name = 'switchyard'";
            let before: String = sqlx::query_scalar(last).fetch_one(&mut *self.0.lock().await).await.unwrap();
            self.until(format!("SELECT ({last}) <> '{before}'")).await;
        }
    }

    /// Waits until nobody of this name is connected.
    pub async fn gone(&self, application: &str) {
        self.until(format!(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '{application}')"
        ))
        .await;
    }

    /// Waits until the answer is yes.
    pub async fn until(&self, question: String) {
        let asked = async {
            while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(question.clone()))
                .fetch_one(&mut *self.0.lock().await)
                .await
                .unwrap()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("waited in vain for {question}"));
    }
}
