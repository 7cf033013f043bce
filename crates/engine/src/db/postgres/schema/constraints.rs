//! Constraints, indexes and statistics objects of tables.

use super::fragment::{Head, SCHEMAS_IN_SCOPE, comment, own};

/// Constraints that are the table's own. NOT NULL is a fact of the column, whether the catalog lists it here or not.
pub(super) fn sql() -> String {
    let head = Head {
        oid: "k.oid",
        path: "n.nspname, c.relname, k.conname",
        comment: &comment("pg_constraint", "k.oid"),
        owner: None,
        acl: None,
    };
    format!(
        "SELECT {head}, CASE k.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique' WHEN 'c' THEN 'check' \
                             WHEN 'f' THEN 'foreign' ELSE 'exclusion' END AS sort, \
                CASE WHEN k.convalidated THEN k.definition ELSE regexp_replace(k.definition, ' NOT VALID$', '') END AS definition, \
                k.convalidated AS valid, \
                CASE WHEN k.contype = 'f' THEN ARRAY[rn.nspname, r.relname]::text[] END AS references, \
                s.spcname AS tablespace, c.relkind = 'f' AS foreign_table, \
                (SELECT array_agg(a.attname::text) FROM pg_attribute a \
                  WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS columns \
           FROM (SELECT k.*, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k \
                  WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND k.conrelid >= 16384 AND k.conparentid = 0 \
                    AND (k.conislocal OR k.coninhcount = 0)) k \
           JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p', 'f') \
           JOIN pg_namespace n ON n.oid = c.relnamespace \
           LEFT JOIN pg_class r ON r.oid = k.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace \
           LEFT JOIN pg_class x ON x.oid = k.conindid AND k.contype <> 'f' \
           LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace \
          WHERE {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname, c.relname, k.conname",
        head = head.sql(),
        own = own("pg_class", "c.oid"),
    )
}

/// Indexes that belong to no constraint, and to no index of a whole partitioned table. The beginning of their statement,
/// which the server writes by its own rules of quoting, is cut off at its known length.
pub(super) fn indexes() -> String {
    let head = Head {
        oid: "c.oid",
        path: "n.nspname, c.relname",
        comment: &comment("pg_class", "c.oid"),
        owner: None,
        acl: None,
    };
    format!(
        "SELECT {head}, ARRAY[n.nspname, t.relname]::text[] AS \"table\", m.amname AS method, x.indisunique AS unique, \
                substr(pg_get_indexdef(c.oid), 1 + length('CREATE ' || CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' \
                  || quote_ident(c.relname) || ' ON ' || CASE WHEN c.relkind = 'I' THEN 'ONLY ' ELSE '' END \
                  || quote_ident(n.nspname) || '.' || quote_ident(t.relname) || ' ')) AS definition, \
                x.indisvalid AND x.indisready AS valid, s.spcname AS tablespace, x.indisclustered AS clustered, \
                u.columns \
           FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
           JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam \
           LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
           LEFT JOIN (SELECT d.objid, array_agg(DISTINCT a.attname::text) AS columns FROM pg_depend d \
                        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
                       WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 \
                         AND d.objsubid = 0 AND d.objid >= 16384 GROUP BY d.objid) u ON u.objid = c.oid \
          WHERE c.oid >= 16384 AND NOT c.relispartition AND t.relkind IN ('r', 'p', 'm') AND {SCHEMAS_IN_SCOPE} AND {own} \
            AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) \
          ORDER BY n.nspname, c.relname",
        head = head.sql(),
        own = own("pg_class", "t.oid"),
    )
}

/// Statistics objects.
pub(super) fn statistics() -> String {
    let head = Head {
        oid: "e.oid",
        path: "n.nspname, e.stxname",
        comment: &comment("pg_statistic_ext", "e.oid"),
        owner: Some("e.stxowner"),
        acl: None,
    };
    format!(
        "SELECT {head}, ARRAY[tn.nspname, t.relname]::text[] AS \"table\", pg_get_statisticsobjdef(e.oid) AS definition, \
                nullif(e.stxstattarget::int4, -1) AS target \
           FROM pg_statistic_ext e JOIN pg_namespace n ON n.oid = e.stxnamespace JOIN pg_class t ON t.oid = e.stxrelid \
           JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE {SCHEMAS_IN_SCOPE} AND {own} ORDER BY n.nspname, e.stxname",
        head = head.sql(),
        own = own("pg_statistic_ext", "e.oid"),
    )
}
