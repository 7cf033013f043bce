//! The database itself.

use serde::Deserialize;
use switchyard_model::schema::database::Database;

use super::{fragment::Head, reading::Reading};
use crate::{Result, db::schema::Extent};

/// One row. `to_jsonb(d)` reads columns that not every version has.
pub(super) fn sql(extent: Extent, version_num: i32) -> String {
    let head = Head {
        oid: "d.oid",
        path: "d.datname",
        comment: "shobj_description(d.oid, 'pg_database')",
        owner: Some("d.datdba"),
        acl: Some(("d.datacl", "d")),
    };
    let bytes = match extent {
        Extent::Definitions => "NULL::int8",
        Extent::WithSizes => "CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END",
    };
    // PostgreSQL 14 knows the versions of collations, but not of a database's own.
    let version = if version_num >= 150_000 { "pg_database_collation_actual_version(d.oid)" } else { "NULL" };
    format!(
        "SELECT {head}, pg_encoding_to_char(d.encoding) AS encoding, \
                concat_ws(', ', CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END, \
                  'LC_COLLATE ' || d.datcollate, 'LC_CTYPE ' || d.datctype, \
                  'locale ' || coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), \
                  'rules ' || (to_jsonb(d) ->> 'daticurules')) AS locale, \
                {version} AS collation_version, NULL AS time_zone, s.spcname AS tablespace, \
                d.datconnlimit AS connections, {bytes} AS bytes \
           FROM pg_database d JOIN pg_tablespace s ON s.oid = d.dattablespace WHERE d.datname = current_database()",
        head = head.sql(),
    )
}

#[derive(Deserialize)]
struct Zone {
    zone: Option<String>,
}

/// The server's own time zone. Ours is not it, because each login of ours sets one; so it is read from the files.
pub(super) async fn read_time_zone(reading: &mut Reading<'_>, database: &mut [Database]) -> Result<()> {
    let sql = "SELECT coalesce((SELECT f.setting FROM pg_file_settings f WHERE lower(f.name) = 'timezone' AND f.error IS NULL \
                ORDER BY f.seqno DESC LIMIT 1), (SELECT s.boot_val FROM pg_settings s WHERE s.name = 'TimeZone')) AS zone";
    match reading.rows::<Zone>("the time zone", sql).await? {
        Ok(zones) => {
            for (database, found) in database.iter_mut().zip(zones) {
                database.time_zone = found.zone;
            }
        }
        Err(_) => {
            let why = "Only a superuser, or a role with EXECUTE on pg_show_all_file_settings(), sees which time zone the \
                       server's configuration sets.";
            reading.not_seen("time zone", None, why.to_owned());
        }
    }
    Ok(())
}
