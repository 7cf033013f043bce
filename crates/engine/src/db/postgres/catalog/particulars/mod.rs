//! What only the preflight looks at: one statement per fact, one file per subject, all in one snapshot.
//!
//! Each row comes as JSON in the shape of the model's struct. What the server refuses is told with its reason and ends
//! nothing; never looks into rows of the application.

mod access;
mod cron;
mod extensions;
mod server;
mod sessions;
mod settings;
mod tables;

use serde::{Deserialize, de::DeserializeOwned};
use switchyard_model::preflight::particulars::{Fact, Particulars};

use super::super::schema::reading::Reading;
use crate::{Result, db::postgres::PgDatabase};

/// Everything, of a server that is new enough to be asked.
pub(super) async fn read(database: &PgDatabase, version_num: i32) -> Result<Particulars> {
    let mut r = Reading::begin(database).await?;
    let seen = Particulars {
        always_triggers: list(&mut r, "triggers", &tables::always_triggers()).await?,
        collations: list(&mut r, "versions of collations", &server::collations(version_num)).await?,
        cron: cron::read(&mut r).await?,
        config_tables: list(&mut r, "tables of extensions", extensions::CONFIG_TABLES).await?,
        generated_identities: list(&mut r, "replica identities", &tables::generated_identities()).await?,
        settings: list(&mut r, "settings", settings::SET).await?,
        sessions: one(&mut r, "sessions", &sessions::long()).await?,
        not_valid: list(&mut r, "constraints", &tables::not_valid()).await?,
        origins: one(&mut r, "replication origins", server::ORIGINS).await?,
        pending_detaches: list(&mut r, "partitions", tables::PENDING_DETACHES).await?,
        two_phase: one(&mut r, "prepared transactions", sessions::TWO_PHASE).await?,
        access: one(&mut r, "our rights", &access::sql(version_num)).await?,
        standbys: one(&mut r, "standbys", server::STANDBYS).await?,
        slot_timeout: one(&mut r, "settings of slots", server::SLOT_TIMEOUT).await?,
        unanalysed: list(&mut r, "statistics", &tables::unanalysed()).await?,
        subscriptions: names(&mut r, "subscriptions", server::SUBSCRIPTIONS).await?,
        time_zone: settings::time_zone(&mut r).await?,
        foreign_keys: list(&mut r, "foreign keys", tables::FOREIGN_KEYS).await?,
    };
    // What it could not see stands in the facts themselves.
    drop(r.end().await);
    Ok(seen)
}

async fn list<T: DeserializeOwned>(reading: &mut Reading<'_>, what: &str, sql: &str) -> Result<Fact<Vec<T>>> {
    reading.rows(what, sql).await.map(Some)
}

/// Of a statement that gives one row.
async fn one<T: DeserializeOwned>(reading: &mut Reading<'_>, what: &str, sql: &str) -> Result<Fact<T>> {
    let rows: std::result::Result<Vec<T>, String> = reading.rows(what, sql).await?;
    Ok(match rows {
        Ok(rows) => rows.into_iter().next().map(Ok),
        Err(why) => Some(Err(why)),
    })
}

/// Of a statement whose rows are names.
async fn names(reading: &mut Reading<'_>, what: &str, sql: &str) -> Result<Fact<Vec<String>>> {
    let rows: Fact<Vec<Named>> = list(reading, what, sql).await?;
    Ok(rows.map(|read| read.map(|rows| rows.into_iter().map(|row| row.name).collect())))
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// A table's name as the model has it.
fn name(schema: &str, relation: &str) -> String {
    format!("json_build_object('schema', {schema}, 'name', {relation})")
}
