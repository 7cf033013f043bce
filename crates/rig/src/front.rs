//! What stands between the application and the databases: PgBouncer over HAProxy, or nothing.

use sqlx::Row;

use crate::DATABASE;
use crate::error::{Result, RigError};
use crate::haproxy::HaProxy;
use crate::home::Home;
use crate::login::Login;
use crate::pooler::Pooler;
use crate::quote::{identifier, literal};
use crate::server::Server;

/// Starts HAProxy and `count` poolers over it.
pub(crate) async fn start(
    home: &Home,
    source: &Server,
    target: &Server,
    count: usize,
    pool_size: usize,
) -> Result<(HaProxy, Vec<Pooler>)> {
    let haproxy = HaProxy::start(home, source, target).await?;
    let app = &source.logins.app;
    let secret = share_secret(source, target, app).await?;
    let mut poolers = Vec::new();
    for number in 1..=count {
        poolers.push(Pooler::start(home, number, &haproxy, app, &secret, pool_size).await?);
    }
    Ok((haproxy, poolers))
}

/// Gives the application's user the same SCRAM secret on both sides, and returns it. PgBouncer can then log in with the
/// keys it learnt from its clients: no plain password in its files, and no key derivation for each connection that it
/// opens anew after a hold.
async fn share_secret(source: &Server, target: &Server, app: &Login) -> Result<String> {
    let mut connection = source.connect(DATABASE).await?;
    let secret: String = sqlx::query("SELECT rolpassword FROM pg_authid WHERE rolname = $1")
        .bind(&app.user)
        .fetch_one(&mut connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(RigError::sql("reading the application user's secret"))?;
    target.execute(&format!("ALTER ROLE {} PASSWORD {}", identifier(&app.user), literal(&secret))).await?;
    Ok(secret)
}
