//! What this database holds and what its server allows.
//!
//! A handful of statements whatever the number of tables. Never looks into rows.

mod particulars;
mod server;
mod shapes;
mod tables;

use async_trait::async_trait;
use sqlx::Row;
use switchyard_model::{
    UnixMs,
    drift::Shapes,
    inventory::{Extension, Inventory, ServerFacts},
    preflight::{OLDEST, particulars::Particulars},
};

use super::PgDatabase;
use crate::{Result, db::Catalog};

/// A condition on `pg_namespace n`: neither system schemas (temporary ones included) nor ours.
pub(in crate::db::postgres) const SCHEMAS_IN_SCOPE: &str =
    "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> 'switchyard'";

/// A condition on `pg_class c`: no extension made it; those tables come with their extension.
pub(in crate::db::postgres) const NOT_OF_AN_EXTENSION: &str = "NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
     AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')";

#[async_trait]
impl Catalog for PgDatabase {
    async fn inventory(&self, now: UnixMs) -> Result<Inventory> {
        let mut server = server::read(self).await?;
        if server.version_num < OLDEST {
            return Ok(unread(server, now));
        }
        let version_num = server.version_num;
        server.tables_not_owned = tables::not_owned(self).await?;
        let (extensions, available_extensions) = self.extensions().await?;
        Ok(Inventory {
            server,
            tables: tables::read(self).await?,
            sequences: self.list_sequences().await?,
            extensions,
            available_extensions,
            large_objects: self.large_objects().await?,
            particulars: particulars::read(self, version_num).await?,
            at: now,
        })
    }

    async fn shapes(&self) -> Result<Shapes> {
        shapes::read(self).await
    }

    async fn shapes_mark(&self) -> Result<String> {
        shapes::mark(self).await
    }

    async fn server(&self) -> Result<ServerFacts> {
        let mut facts = server::read(self).await?;
        if facts.version_num >= OLDEST {
            facts.tables_not_owned = tables::not_owned(self).await?;
        }
        Ok(facts)
    }
}

/// A server whose catalogs are not those that our statements know.
fn unread(server: ServerFacts, at: UnixMs) -> Inventory {
    Inventory {
        server,
        tables: Vec::new(),
        sequences: Vec::new(),
        extensions: Vec::new(),
        available_extensions: Vec::new(),
        large_objects: -1,
        particulars: Particulars::default(),
        at,
    }
}

impl PgDatabase {
    async fn extensions(&self) -> Result<(Vec<Extension>, Vec<String>)> {
        let rows = sqlx::query("SELECT name::text FROM pg_available_extensions ORDER BY 1")
            .fetch_all(self.pool())
            .await
            .map_err(self.failed("reading the extensions"))?;
        // An installed extension whose files are gone from the disk is not among the available ones.
        let installed: Vec<(String, String)> =
            sqlx::query_as("SELECT extname::text, extversion FROM pg_extension ORDER BY 1")
                .fetch_all(self.pool())
                .await
                .map_err(self.failed("reading the extensions"))?;
        let available = rows.iter().map(|r| r.get("name")).collect();
        Ok((installed.into_iter().map(|(name, version)| Extension { name, version }).collect(), available))
    }

    async fn large_objects(&self) -> Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM pg_largeobject_metadata")
            .fetch_one(self.pool())
            .await
            .map_err(self.failed("counting large objects"))
    }
}
