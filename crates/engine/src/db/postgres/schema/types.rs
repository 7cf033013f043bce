//! Enums, domains, composites, ranges.

use super::fragment::{Head, SCHEMAS_IN_SCOPE, collation, comment, own, quoted};

/// Types that somebody made; row types of tables, arrays and multiranges come with others.
pub(super) fn sql() -> String {
    let head = Head {
        oid: "t.oid",
        path: "n.nspname, t.typname",
        comment: &comment("pg_type", "t.oid"),
        owner: Some("t.typowner"),
        acl: Some(("t.typacl", "T")),
    };
    format!(
        "SELECT {head}, CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' ELSE 'range' END AS sort, \
                (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels, \
                CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) \
                     || CASE WHEN t.typcollation <> b.typcollation THEN ' COLLATE ' || {collation} ELSE '' END END AS base, \
                CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)) END AS \"default\", \
                t.typtype = 'd' AND t.typnotnull AS not_null, \
                (SELECT json_agg(json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid)) ORDER BY k.conname) \
                   FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c') AS checks, \
                CASE WHEN t.typtype = 'c' THEN (SELECT json_agg(json_build_object('name', a.attname, 'type', \
                       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> at.typcollation \
                         THEN ' COLLATE ' || {attribute_collation} ELSE '' END) ORDER BY a.attnum) \
                   FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid \
                  WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END AS attributes, \
                CASE WHEN t.typtype = 'r' THEN {range} END AS range \
           FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type b ON b.oid = t.typbasetype \
           LEFT JOIN pg_class c ON c.oid = t.typrelid \
          WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c') AND {SCHEMAS_IN_SCOPE} AND {own} \
            AND {class_own} ORDER BY n.nspname, t.typname",
        head = head.sql(),
        collation = collation("t.typcollation"),
        attribute_collation = collation("a.attcollation"),
        range = range(),
        own = own("pg_type", "t.oid"),
        class_own = own("pg_class", "t.typrelid"),
    )
}

/// What stands in the brackets after AS RANGE.
fn range() -> String {
    let class = format!("{} || '.' || {}", quoted("cn.nspname"), quoted("oc.opcname"));
    let multirange = quoted("mt.typname");
    format!(
        "(SELECT concat_ws(', ', 'subtype = ' || format_type(r.rngsubtype, NULL), \
                CASE WHEN NOT oc.opcdefault THEN 'subtype_opclass = ' || {class} END, \
                CASE WHEN r.rngcollation <> 0 AND r.rngcollation <> st.typcollation THEN 'collation = ' || {collation} END, \
                CASE WHEN r.rngcanonical <> 0 THEN 'canonical = ' || r.rngcanonical::regproc END, \
                CASE WHEN r.rngsubdiff <> 0 THEN 'subtype_diff = ' || r.rngsubdiff::regproc END, \
                'multirange_type_name = ' || {multirange}) \
           FROM pg_range r JOIN pg_type st ON st.oid = r.rngsubtype JOIN pg_opclass oc ON oc.oid = r.rngsubopc \
           JOIN pg_namespace cn ON cn.oid = oc.opcnamespace JOIN pg_type mt ON mt.oid = r.rngmultitypid \
          WHERE r.rngtypid = t.oid)",
        collation = collation("r.rngcollation"),
    )
}
