//! Roles, their settings, and the rights that their new objects will have.

use super::{
    fragment::{Head, SCHEMAS_IN_SCOPE},
    grants,
};

/// Roles that something in this database belongs, or is granted, to; the server that made the cluster's first role keeps no
/// record of what is its own.
const USED: &str = "EXISTS (SELECT FROM pg_shdepend sd WHERE sd.refclassid = 'pg_authid'::regclass AND sd.refobjid = r.oid \
    AND (sd.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         OR sd.classid = 'pg_database'::regclass AND sd.objid = (SELECT oid FROM pg_database WHERE datname = current_database())))";

/// All roles but the server's own.
pub(super) fn sql() -> String {
    let head = Head {
        oid: "r.oid",
        path: "r.rolname",
        comment: "shobj_description(r.oid, 'pg_authid')",
        owner: None,
        acl: None,
    };
    let word = |column: &str, yes: &str| format!("CASE WHEN r.{column} THEN '{yes}' ELSE 'NO{yes}' END");
    let words = [
        word("rolsuper", "SUPERUSER"),
        word("rolinherit", "INHERIT"),
        word("rolcreaterole", "CREATEROLE"),
        word("rolcreatedb", "CREATEDB"),
        word("rolcanlogin", "LOGIN"),
        word("rolreplication", "REPLICATION"),
        word("rolbypassrls", "BYPASSRLS"),
    ];
    format!(
        "SELECT {head}, {USED} AS used, ARRAY[{words}] AS attributes, r.rolconnlimit AS connections, \
                nullif(r.rolvaliduntil, 'infinity')::text AS valid_until, \
                (SELECT array_agg(g.rolname::text ORDER BY g.rolname) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
                  WHERE m.member = r.oid) AS member_of \
           FROM pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname",
        head = head.sql(),
        words = words.join(", "),
    )
}

/// Settings of this database, of those roles, and of all roles.
pub(super) fn settings() -> String {
    let head = Head {
        oid: "0",
        path: "coalesce(r.rolname, ''), CASE WHEN s.setdatabase = 0 THEN 'everywhere' ELSE 'here' END, split_part(o, '=', 1)",
        comment: "NULL",
        owner: None,
        acl: None,
    };
    format!(
        "SELECT {head}, substr(o, 2 + length(split_part(o, '=', 1))) AS value \
           FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) o LEFT JOIN pg_roles r ON r.oid = s.setrole \
          WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
            AND (s.setrole = 0 OR s.setdatabase <> 0 OR {USED}) ORDER BY s.setrole, s.setdatabase, o",
        head = head.sql(),
    )
}

/// Default privileges. Those without a schema depart from the server's own; those of a schema add to them.
pub(super) fn default_privileges() -> String {
    let letter = "CASE d.defaclobjtype WHEN 'S' THEN 's'::\"char\" ELSE d.defaclobjtype END";
    let everywhere = grants::departures("d.defaclacl", &format!("acldefault({letter}, d.defaclrole)"), "d.defaclrole");
    let in_schema = grants::departures("d.defaclacl", "acldefault('c', d.defaclrole)", "d.defaclrole");
    format!(
        "SELECT json_build_object('name', ARRAY[pg_get_userbyid(d.defaclrole), coalesce(n.nspname, ''), \
                  CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' \
                       WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END]::text[], \
                'comment', NULL, 'owner', NULL, \
                'grants', CASE WHEN d.defaclnamespace = 0 THEN {everywhere} ELSE {in_schema} END) AS head \
           FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace \
          WHERE n.oid IS NULL OR {SCHEMAS_IN_SCOPE} ORDER BY d.defaclrole, n.nspname, d.defaclobjtype"
    )
}
