//! What of ours is on the servers and the poolers: nothing must be left that was not there before.

use sqlx::{Connection, PgConnection, Row, raw_sql};
use switchyard_rig::{Rig, Server};

/// Slots, subscriptions, publications, fences, our schema, and what is paused; one line each.
pub async fn of(rig: &Rig) -> Vec<String> {
    let mut found = Vec::new();
    for (side, server) in [("source", &rig.source), ("target", &rig.target)] {
        found.extend(on(server).await.into_iter().map(|line| format!("{side}: {line}")));
    }
    found.extend(held(rig).await);
    found
}

async fn on(server: &Server) -> Vec<String> {
    let mut connection = PgConnection::connect(&server.admin_url(switchyard_rig::DATABASE)).await.unwrap();
    sqlx::query_scalar(
        "SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE NOT temporary
         UNION ALL SELECT 'subscription ' || subname FROM pg_subscription
         UNION ALL SELECT 'publication ' || pubname FROM pg_publication
         UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname IN ('switchyard', 'switchyard_drill')
         UNION ALL SELECT 'trigger on ' || tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'switchyard%'
         ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

/// The poolers that hold clients. One that does not run holds nobody.
pub async fn held(rig: &Rig) -> Vec<String> {
    let mut found = Vec::new();
    for pooler in rig.poolers.iter().filter(|p| p.pid().is_some()) {
        let mut console = PgConnection::connect(&pooler.admin_url()).await.unwrap();
        let databases = raw_sql("SHOW DATABASES").fetch_all(&mut console).await.unwrap();
        let paused = |row: &sqlx::postgres::PgRow| row.get::<i32, _>("paused") == 1;
        let name = |row: &sqlx::postgres::PgRow| row.get::<String, _>("name");
        found.extend(
            databases.iter().filter(|d| paused(d)).map(|d| format!("pooler {}: {} held", pooler.port, name(d))),
        );
    }
    found
}
