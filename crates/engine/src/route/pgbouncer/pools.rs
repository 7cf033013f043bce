//! SHOW POOLS with what SHOW DATABASES adds: how many server connections a pool may open, and whether it is paused.

use switchyard_model::plan::live::Pool;

use super::{PgBouncer, console::Row};
use crate::error::Result;

impl PgBouncer {
    /// All pools but the console's own, in its order.
    pub(super) async fn pools_now(&self) -> Result<Vec<Pool>> {
        let pools = self.show("SHOW POOLS").await?;
        let databases = self.show("SHOW DATABASES").await?;
        let ours = pools.iter().filter(|p| p.get("database") != "pgbouncer");
        Ok(ours.map(|p| pool(p, databases.iter().find(|d| d.get("name") == p.get("database")))).collect())
    }
}

fn pool(row: &Row, database: Option<&Row>) -> Pool {
    let count = |column: &str| u32::try_from(row.number(column)).unwrap_or(u32::MAX);
    Pool {
        database: row.get("database").to_owned(),
        user: row.get("user").to_owned(),
        mode: row.get("pool_mode").to_owned(),
        cl_active: count("cl_active"),
        cl_waiting: count("cl_waiting"),
        sv_active: count("sv_active"),
        sv_idle: count("sv_idle"),
        sv_used: count("sv_used"),
        sv_tested: count("sv_tested"),
        sv_login: count("sv_login"),
        maxwait_ms: row.number("maxwait") as f64 * 1000.0 + row.number("maxwait_us") as f64 / 1000.0,
        size: database.and_then(|d| d.get("pool_size").parse().ok()),
        paused: database.is_some_and(|d| d.get("paused") == "1"),
    }
}
