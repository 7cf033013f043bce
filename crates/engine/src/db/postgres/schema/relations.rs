//! Tables with their columns, views, sequences.

use super::fragment::{Head, PARENTS, SCHEMAS_IN_SCOPE, collation, comment, own, quoted};

/// Tables, partitions, foreign tables.
pub(super) fn tables() -> String {
    let head = Head {
        oid: "c.oid",
        path: "n.nspname, c.relname",
        comment: &comment("pg_class", "c.oid"),
        owner: Some("c.relowner"),
        acl: Some(("c.relacl", "r")),
    };
    format!(
        "SELECT {head}, CASE c.relkind WHEN 'r' THEN 'ordinary' WHEN 'p' THEN 'partitioned' ELSE 'foreign' END AS form, \
                c.relpersistence = 'u' AS unlogged, \
                CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key, \
                CASE WHEN c.relispartition THEN i.parents -> 0 END AS partition_of, \
                CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound, \
                CASE WHEN NOT c.relispartition THEN i.parents END AS inherits, \
                c.reloptions AS options, tt.reloptions AS toast_options, s.spcname AS tablespace, \
                CASE WHEN c.relkind = 'r' THEN m.amname END AS access_method, \
                CASE c.relreplident WHEN 'd' THEN 'DEFAULT' WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' \
                     ELSE coalesce((SELECT 'USING INDEX ' || {index} FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid \
                                     WHERE x.indrelid = c.oid AND x.indisreplident), 'NOTHING') END AS replica_identity, \
                c.relrowsecurity AS row_security, c.relforcerowsecurity AS forced_row_security, \
                CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type, \
                fs.srvname AS server, ft.ftoptions AS server_options \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           LEFT JOIN pg_class tt ON tt.oid = c.reltoastrelid LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
           LEFT JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_foreign_table ft ON ft.ftrelid = c.oid \
           LEFT JOIN pg_foreign_server fs ON fs.oid = ft.ftserver {PARENTS} \
          WHERE c.relkind IN ('r', 'p', 'f') AND {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname, c.relname",
        head = head.sql(),
        index = quoted("xc.relname"),
        own = own("pg_class", "c.oid"),
    )
}

fn storage(letter: &str) -> String {
    format!("CASE {letter} WHEN 'p' THEN 'PLAIN' WHEN 'm' THEN 'MAIN' WHEN 'e' THEN 'EXTERNAL' ELSE 'EXTENDED' END")
}

/// Their columns. `pg_attver` is a mark that some servers put among the options, and no option.
pub(super) fn columns() -> String {
    let head = Head {
        oid: "0",
        path: "n.nspname, c.relname, a.attname",
        comment: "d.description",
        owner: None,
        acl: Some(("a.attacl", "c")),
    };
    format!(
        "SELECT {head}, format_type(a.atttypid, a.atttypmod) AS type, \
                CASE WHEN a.attcollation <> t.typcollation THEN {collation} END AS collation, \
                CASE WHEN a.attgenerated = '' THEN pg_get_expr(f.adbin, f.adrelid) END AS \"default\", \
                a.attnotnull AS not_null, \
                CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity, \
                CASE WHEN a.attgenerated <> '' THEN pg_get_expr(f.adbin, f.adrelid) END AS generated, \
                CASE a.attgenerated WHEN 's' THEN 'STORED' WHEN 'v' THEN 'VIRTUAL' END AS generated_how, \
                CASE WHEN a.attstorage <> t.typstorage THEN {storage} END AS storage, {usual} AS usual_storage, \
                CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression, \
                nullif(a.attstattarget::int4, -1) AS statistics, \
                CASE WHEN a.attoptions IS NOT NULL THEN \
                     (SELECT array_agg(o ORDER BY o) FROM unnest(a.attoptions) o WHERE o !~ '^pg_attver=') END AS options, \
                a.attfdwoptions AS server_options, CASE WHEN a.attinhcount > 0 THEN i.parents END AS inherited_from, \
                a.attislocal AS local, c.relkind = 'f' AS \"foreign\" \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
           JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum \
           LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum \
           {PARENTS} \
          WHERE c.relkind IN ('r', 'p', 'f') AND {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname, c.relname, a.attnum",
        head = head.sql(),
        collation = collation("a.attcollation"),
        storage = storage("a.attstorage"),
        usual = storage("t.typstorage"),
        own = own("pg_class", "c.oid"),
    )
}

/// Views and materialised views.
pub(super) fn views() -> String {
    let head = Head {
        oid: "c.oid",
        path: "n.nspname, c.relname",
        comment: &comment("pg_class", "c.oid"),
        owner: Some("c.relowner"),
        acl: Some(("c.relacl", "r")),
    };
    format!(
        "SELECT {head}, c.relkind = 'm' AS materialized, pg_get_viewdef(c.oid) AS definition, \
                (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum) \
                   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns, \
                c.reloptions AS options, s.spcname AS tablespace, c.relispopulated AS populated \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
          WHERE c.relkind IN ('v', 'm') AND {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname, c.relname",
        head = head.sql(),
        own = own("pg_class", "c.oid"),
    )
}

/// Sequences. Their last value is read apart, because the server's function for it takes a stronger lock.
pub(super) fn sequences() -> String {
    let head = Head {
        oid: "c.oid",
        path: "n.nspname, c.relname",
        comment: &comment("pg_class", "c.oid"),
        owner: Some("c.relowner"),
        acl: Some(("c.relacl", "s")),
    };
    format!(
        "SELECT {head}, format_type(q.seqtypid, NULL) AS type, q.seqstart AS start, q.seqincrement AS increment, \
                q.seqmin AS min, q.seqmax AS max, q.seqcache AS cache, q.seqcycle AS cycle, \
                c.relpersistence = 'u' AS unlogged, coalesce(d.deptype = 'i', false) AS identity, \
                CASE WHEN d.objid IS NOT NULL THEN ARRAY[tn.nspname, tc.relname, ta.attname]::text[] END AS \"column\" \
           FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
           LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 \
                AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') \
           LEFT JOIN pg_class tc ON tc.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = tc.relnamespace \
           LEFT JOIN pg_attribute ta ON ta.attrelid = d.refobjid AND ta.attnum = d.refobjsubid \
          WHERE {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname, c.relname",
        head = head.sql(),
        own = own("pg_class", "c.oid"),
    )
}
