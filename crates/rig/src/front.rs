//! What stands between the application and the databases: PgBouncer over HAProxy, or nothing.

use sqlx::Row;

use crate::error::{Result, RigError};
use crate::faults::Proxy;
use crate::haproxy::HaProxy;
use crate::home::Home;
use crate::login::Login;
use crate::pooler::Pooler;
use crate::quote::{identifier, literal};
use crate::server::Server;
use crate::{DATABASE, HOST};

/// The networks between what stands in front and what is behind it, to be disturbed.
#[derive(Debug)]
pub struct Links {
    /// From HAProxy to the source.
    pub source: Proxy,
    /// From HAProxy to the target.
    pub target: Proxy,
    /// From the first pooler to HAProxy's listener for writes.
    pub front: Proxy,
}

/// HAProxy, the poolers over it, and their networks where they are to be disturbed.
pub(crate) type Front = (HaProxy, Vec<Pooler>, Option<Links>);

/// Starts HAProxy and `count` poolers over it.
pub(crate) async fn start(
    home: &Home,
    source: &Server,
    target: &Server,
    has_links: bool,
    count: usize,
    pool_size: usize,
) -> Result<Front> {
    let (haproxy, links) = if has_links {
        let to_source = Proxy::start(&source.host, source.port).await?;
        let to_target = Proxy::start(&target.host, target.port).await?;
        let haproxy = HaProxy::start(home, to_source.port, to_target.port).await?;
        let front = Proxy::start(HOST, haproxy.rw_port).await?;
        (haproxy, Some(Links { source: to_source, target: to_target, front }))
    } else {
        (HaProxy::start(home, source.port, target.port).await?, None)
    };
    let app = &source.logins.app;
    let secret = share_secret(source, target, app).await?;
    let mut poolers = Vec::new();
    for number in 1..=count {
        let first = links.as_ref().filter(|_| number == 1);
        let ports = (first.map_or(haproxy.rw_port, |l| l.front.port), haproxy.ro_port);
        poolers.push(Pooler::start(home, number, ports, app, &secret, pool_size).await?);
    }
    Ok((haproxy, poolers, links))
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
