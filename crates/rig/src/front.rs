//! What stands between the application and the databases: PgBouncer over HAProxy, or nothing.

use crate::error::Result;
use crate::haproxy::HaProxy;
use crate::home::Home;
use crate::pooler::Pooler;
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
    let mut poolers = Vec::new();
    for number in 1..=count {
        poolers.push(Pooler::start(home, number, &haproxy, &source.logins.app, pool_size).await?);
    }
    Ok((haproxy, poolers))
}
