//! Settings that somebody set on the server, the database or a role.

use serde::Deserialize;
use switchyard_model::preflight::particulars::{Fact, ServerZone};

use super::super::super::schema::reading::Reading;
use crate::Result;

/// The server's own ones come from where our login does not outrank them.
pub(super) const SET: &str = "WITH names(name) AS ( \
       VALUES ('session_replication_role'), ('default_transaction_read_only'), ('timezone'), ('statement_timeout')) \
     SELECT NULL AS database, NULL AS role, lower(s.name) AS name, s.setting AS value FROM pg_settings s \
      WHERE lower(s.name) IN (SELECT name FROM names WHERE name NOT IN ('timezone', 'statement_timeout')) \
        AND s.source IN ('configuration file', 'command line', 'environment variable') \
     UNION ALL \
     SELECT CASE WHEN d.setdatabase <> 0 THEN current_database()::text END, pg_get_userbyid(nullif(d.setrole, 0))::text, \
            lower(split_part(k, '=', 1)), substr(k, strpos(k, '=') + 1) \
       FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) AS k \
      WHERE (d.setdatabase = 0 OR d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) \
        AND lower(split_part(k, '=', 1)) IN (SELECT name FROM names) \
      ORDER BY 3, 1 NULLS FIRST, 2 NULLS FIRST";

/// Each login of ours sets a time zone and a timeout, so the server's own are read from its files.
const ZONE: &str = "SELECT coalesce((SELECT f.setting FROM pg_file_settings f WHERE lower(f.name) = 'timezone' AND f.error IS NULL \
      ORDER BY f.seqno DESC LIMIT 1), (SELECT s.boot_val FROM pg_settings s WHERE s.name = 'TimeZone')) AS zone, \
     (SELECT f.setting FROM pg_file_settings f WHERE lower(f.name) = 'statement_timeout' AND f.error IS NULL \
      ORDER BY f.seqno DESC LIMIT 1) AS statement_timeout";

#[derive(Deserialize)]
struct Found {
    zone: Option<String>,
    statement_timeout: Option<String>,
}

pub(super) async fn time_zone(reading: &mut Reading<'_>) -> Result<Fact<ServerZone>> {
    let found: Fact<Found> = super::one(reading, "the time zone", ZONE).await?;
    Ok(match found {
        Some(Ok(Found { zone: Some(zone), statement_timeout })) => Some(Ok(ServerZone { zone, statement_timeout })),
        Some(Ok(Found { zone: None, .. })) | None => None,
        Some(Err(_)) => Some(Err(
            "Only a superuser sees it, or a role with SELECT on pg_file_settings and EXECUTE on pg_show_all_file_settings(); \
             what is set on the database or a role is seen by everybody."
                .to_owned(),
        )),
    })
}
