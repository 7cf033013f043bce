//! The demo's schema and its rows: a shop, in the SQL files of `schema/`.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, raw_sql};

use crate::error::{Result, RigError};

/// What a rig's source holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schema {
    /// A shop with customers, products, orders and an audit trail.
    Shop {
        /// How many rows: 1 gives about 300 000, tests use 0.02.
        scale: f64,
    },
}

/// In this order: indexes and keys after the rows, triggers last, so that loading leaves no audit trail.
const PARTS: &[(&str, &str)] = &[
    ("types", include_str!("../schema/01_types.sql")),
    ("tables", include_str!("../schema/02_tables.sql")),
    ("rows", include_str!("../schema/03_rows.sql")),
    ("constraints", include_str!("../schema/04_constraints.sql")),
    ("triggers", include_str!("../schema/05_triggers.sql")),
    // So that planner statistics don't depend on when autovacuum comes by.
    ("statistics", "ANALYZE"),
];

/// Creates a schema and fills it, as the user of `url`, in an empty database.
pub async fn load(url: &str, schema: &Schema) -> Result<()> {
    let Schema::Shop { scale } = schema;
    let mut connection = PgConnection::connect(url).await.map_err(RigError::sql("connecting to load the schema"))?;
    sqlx::query("SELECT set_config('shop.scale', $1, false), set_config('synchronous_commit', 'off', false)")
        .bind(scale.to_string())
        .execute(&mut connection)
        .await
        .map_err(RigError::sql("setting the scale"))?;
    for (name, sql) in PARTS {
        let doing = format!("loading the schema's {name}");
        raw_sql(*sql).execute(&mut connection).await.map_err(RigError::sql(doing))?;
    }
    connection.close().await.map_err(RigError::sql("closing the loader's connection"))
}
