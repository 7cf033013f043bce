//! The complete inventory of one database, for the comparison of schemas.
//!
//! One statement per kind, whatever the number of objects, in one snapshot; each row comes as JSON in the shape of the
//! model's struct. Takes no lock beyond ACCESS SHARE, and never looks into rows. What may not be seen is listed and never an
//! error: a kind whose statement is refused, or waits too long, is told as unseen, and then it is not compared.

mod constraints;
mod database;
mod fragment;
mod functions;
mod grants;
mod needs;
mod others;
pub(super) mod reading;
mod relations;
mod roles;
mod sizes;
mod streams;
mod types;

use async_trait::async_trait;
use switchyard_model::{
    preflight::OLDEST,
    schema::{Inventory, Kind},
};

use super::PgDatabase;
use crate::{
    Error, Kind as ErrorKind, Result,
    db::schema::{Extent, Schemas},
};
use reading::Reading;

#[async_trait]
impl Schemas for PgDatabase {
    async fn schema(&self, extent: Extent) -> Result<Inventory> {
        let mut reading = Reading::begin(self).await?;
        let (version_num, version) = reading.version().await?;
        if version_num < OLDEST {
            let doing = format!("reading the schema of {}", self.label());
            let why = format!("PostgreSQL {version} is too old; it takes {} or newer", OLDEST / 10_000);
            return Err(Error::new(ErrorKind::Unsuitable, doing, why));
        }
        let mut inventory = Inventory {
            version_num,
            version,
            database: reading.list(&[Kind::Database], &database::sql(extent, version_num)).await?,
            roles: reading.list(&[Kind::Role], &roles::sql()).await?,
            settings: reading.list(&[Kind::Setting], &roles::settings()).await?,
            schemas: reading.list(&[Kind::Schema], &others::schemas()).await?,
            extensions: reading.list(&[Kind::Extension], &others::extensions()).await?,
            types: reading.list(&[Kind::Type], &types::sql()).await?,
            sequences: reading.list(&[Kind::Sequence], &relations::sequences()).await?,
            functions: reading.list(&[Kind::Function], &functions::sql()).await?,
            foreign_data_wrappers: reading.list(&[Kind::ForeignDataWrapper], &others::wrappers()).await?,
            foreign_servers: reading.list(&[Kind::ForeignServer], &others::servers()).await?,
            user_mappings: reading.list(&[Kind::UserMapping], &others::mappings()).await?,
            tables: reading.list(&[Kind::Table, Kind::ForeignTable], &relations::tables()).await?,
            columns: reading.list(&[Kind::Column], &relations::columns()).await?,
            constraints: reading.list(&[Kind::Constraint], &constraints::sql()).await?,
            indexes: reading.list(&[Kind::Index], &constraints::indexes()).await?,
            views: reading.list(&[Kind::View, Kind::MaterializedView], &relations::views()).await?,
            statistics: reading.list(&[Kind::Statistics], &constraints::statistics()).await?,
            rules: reading.list(&[Kind::Rule], &functions::rules()).await?,
            triggers: reading.list(&[Kind::Trigger], &functions::triggers()).await?,
            policies: reading.list(&[Kind::Policy], &others::policies()).await?,
            event_triggers: reading.list(&[Kind::EventTrigger], &functions::event_triggers()).await?,
            publications: reading.list(&[Kind::Publication], &streams::publications(version_num)).await?,
            subscriptions: reading.list(&[Kind::Subscription], &streams::subscriptions()).await?,
            default_privileges: reading.list(&[Kind::DefaultPrivileges], &roles::default_privileges()).await?,
            large_objects: reading.list(&[Kind::LargeObjects], &others::large_objects()).await?,
            needs: reading.list(&[], needs::SQL).await?,
            sizes: Vec::new(),
            unseen: Vec::new(),
        };
        database::read_time_zone(&mut reading, &mut inventory.database).await?;
        if extent == Extent::WithSizes {
            inventory.sizes = reading.list(&[], &sizes::sql()).await?;
            sizes::read_last_values(&mut reading, &mut inventory.sequences).await?;
        }
        others::read_uncompared(&mut reading).await?;
        inventory.unseen = reading.end().await;
        Ok(inventory)
    }
}
