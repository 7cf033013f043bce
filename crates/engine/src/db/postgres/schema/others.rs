//! Schemas, extensions, foreign servers, policies, large objects; and what is not compared at all.

use serde::Deserialize;

use super::{
    fragment::{Head, SCHEMAS_IN_SCOPE, comment, own},
    reading::Reading,
};
use crate::Result;

/// Schemas.
pub(super) fn schemas() -> String {
    let head = Head {
        oid: "n.oid",
        path: "n.nspname",
        comment: &comment("pg_namespace", "n.oid"),
        owner: Some("n.nspowner"),
        acl: Some(("n.nspacl", "n")),
    };
    let own = own("pg_namespace", "n.oid");
    format!("SELECT {} FROM pg_namespace n WHERE {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname", head.sql())
}

/// Extensions. Whoever installed one is not compared.
pub(super) fn extensions() -> String {
    let head = Head { oid: "e.oid", path: "e.extname", comment: "NULL", owner: None, acl: None };
    format!(
        "SELECT {}, e.extversion AS version, n.nspname AS schema, e.extrelocatable AS relocatable \
           FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY e.extname",
        head.sql()
    )
}

/// Foreign-data wrappers.
pub(super) fn wrappers() -> String {
    let head = Head {
        oid: "w.oid",
        path: "w.fdwname",
        comment: &comment("pg_foreign_data_wrapper", "w.oid"),
        owner: Some("w.fdwowner"),
        acl: Some(("w.fdwacl", "F")),
    };
    format!(
        "SELECT {head}, CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END AS handler, \
                CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END AS validator, w.fdwoptions AS options \
           FROM pg_foreign_data_wrapper w WHERE {own} ORDER BY w.fdwname",
        head = head.sql(),
        own = own("pg_foreign_data_wrapper", "w.oid"),
    )
}

/// Foreign servers; a secret among the options is replaced by dots.
pub(super) fn servers() -> String {
    let head = Head {
        oid: "s.oid",
        path: "s.srvname",
        comment: &comment("pg_foreign_server", "s.oid"),
        owner: Some("s.srvowner"),
        acl: Some(("s.srvacl", "S")),
    };
    format!(
        "SELECT {head}, w.fdwname AS wrapper, s.srvtype AS type, s.srvversion AS version, \
                (SELECT array_agg(regexp_replace(o, '^([^=]*(pass|secret|token|key)[^=]*)=.*$', '\\1=…', 'i') ORDER BY o) \
                   FROM unnest(s.srvoptions) o) AS options \
           FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE {own} ORDER BY s.srvname",
        head = head.sql(),
        own = own("pg_foreign_server", "s.oid"),
    )
}

/// User mappings, with the names of their options alone.
pub(super) fn mappings() -> String {
    let head = Head {
        oid: "0",
        path: "m.srvname, CASE WHEN m.umuser = 0 THEN '' ELSE m.usename END",
        comment: "NULL",
        owner: None,
        acl: None,
    };
    format!(
        "SELECT {}, (SELECT array_agg(split_part(o, '=', 1) ORDER BY 1) FROM unnest(m.umoptions) o) AS options \
           FROM pg_user_mappings m ORDER BY m.srvname, m.usename",
        head.sql()
    )
}

/// Policies.
pub(super) fn policies() -> String {
    let head = Head {
        oid: "p.oid",
        path: "n.nspname, c.relname, p.polname",
        comment: &comment("pg_policy", "p.oid"),
        owner: None,
        acl: None,
    };
    format!(
        "SELECT {head}, p.polpermissive AS permissive, \
                CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command, \
                ARRAY(SELECT CASE WHEN o = 0 THEN '' ELSE pg_get_userbyid(o)::text END FROM unnest(p.polroles) o ORDER BY 1) AS roles, \
                pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS \"check\" \
           FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
          WHERE {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname, c.relname, p.polname",
        head = head.sql(),
        own = own("pg_class", "c.oid"),
    )
}

/// Large objects, counted by owner.
pub(super) fn large_objects() -> String {
    let head = Head { oid: "0", path: "pg_get_userbyid(l.lomowner)", comment: "NULL", owner: None, acl: None };
    format!("SELECT {}, count(*) AS count FROM pg_largeobject_metadata l GROUP BY l.lomowner", head.sql())
}

/// Kinds that nobody here compares: a catalog, the column of its number, and a condition.
const UNCOMPARED: [(&str, &str, &str); 11] = [
    ("aggregates", "pg_proc", "prokind = 'a'"),
    ("base types", "pg_type", "typtype = 'b' AND typelem = 0"),
    ("operators", "pg_operator", "true"),
    ("operator classes", "pg_opclass", "true"),
    ("casts", "pg_cast", "true"),
    ("conversions", "pg_conversion", "true"),
    ("collations", "pg_collation", "true"),
    ("text search configurations", "pg_ts_config", "true"),
    ("text search dictionaries", "pg_ts_dict", "true"),
    ("languages", "pg_language", "true"),
    ("access methods", "pg_am", "true"),
];

#[derive(Deserialize)]
struct Uncompared {
    what: String,
    count: i64,
}

/// Lists how many objects there are of kinds that are not compared.
pub(super) async fn read_uncompared(reading: &mut Reading<'_>) -> Result<()> {
    let counts = UNCOMPARED.map(|(what, catalog, condition)| {
        // A range type brings a cast, and others bring parts of their own.
        let own = own(catalog, "o.oid").replace("deptype = 'e'", "deptype IN ('e', 'i')");
        format!(
            "SELECT '{what}' AS what, count(*) AS count FROM {catalog} o WHERE o.oid >= 16384 AND {condition} AND {own}"
        )
    });
    match reading.rows::<Uncompared>("other objects", &counts.join(" UNION ALL ")).await? {
        Ok(found) => {
            for Uncompared { what, count } in found.into_iter().filter(|u| u.count > 0) {
                reading.not_seen(
                    &what,
                    None,
                    format!("There are {what} of somebody's own ({count}); they are not compared."),
                );
            }
        }
        Err(why) => reading.not_seen("other objects", None, why),
    }
    Ok(())
}
