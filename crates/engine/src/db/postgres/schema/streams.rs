//! Publications and subscriptions, but ours.

use super::fragment::{Head, comment, own, quoted};

/// Ours begin with this.
const NOT_OURS: &str = "!~ '^switchyard_'";

/// Publications with their tables, columns and row filters.
///
/// PostgreSQL 14 publishes whole tables, one by one.
pub(super) fn publications(version_num: i32) -> String {
    let head = Head {
        oid: "p.oid",
        path: "p.pubname",
        comment: &comment("pg_publication", "p.oid"),
        owner: Some("p.pubowner"),
        acl: None,
    };
    let (schema, table, column) = (quoted("n.nspname"), quoted("c.relname"), quoted("a.attname"));
    let (columns, filter) = if version_num >= 150_000 {
        (
            format!(
                "coalesce(' (' || (SELECT string_agg({column}, ', ' ORDER BY a.attnum) FROM pg_attribute a \
                 WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs::int2[])) || ')', '')"
            ),
            "coalesce(' WHERE (' || pg_get_expr(r.prqual, c.oid) || ')', '')",
        )
    } else {
        ("''".to_owned(), "''")
    };
    let schemas = if version_num >= 150_000 {
        format!(
            "(SELECT array_agg({schema} ORDER BY n.nspname) FROM pg_publication_namespace s \
             JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid)"
        )
    } else {
        "NULL".to_owned()
    };
    format!(
        "SELECT {head}, p.puballtables AS all_tables, p.pubviaroot AS via_root, \
                concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, \
                  CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS actions, \
                (SELECT array_agg('ONLY ' || {schema} || '.' || {table} || {columns} || {filter} ORDER BY n.nspname, c.relname) \
                   FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE r.prpubid = p.oid AND n.nspname <> 'switchyard') AS tables, {schemas} AS schemas \
           FROM pg_publication p WHERE p.pubname {NOT_OURS} AND {own} ORDER BY p.pubname",
        head = head.sql(),
        own = own("pg_publication", "p.oid"),
    )
}

/// Subscriptions, by the columns that everybody may read.
pub(super) fn subscriptions() -> String {
    let head = Head {
        oid: "s.oid",
        path: "s.subname",
        comment: &comment("pg_subscription", "s.oid"),
        owner: Some("s.subowner"),
        acl: None,
    };
    format!(
        "SELECT {head}, s.subenabled AS enabled, s.subpublications AS publications, s.subslotname AS slot, \
                CASE s.substream::text WHEN 't' THEN 'on' WHEN 'true' THEN 'on' WHEN 'p' THEN 'parallel' ELSE 'off' END AS streaming, \
                s.subsynccommit AS synchronous_commit, s.subbinary AS binary \
           FROM pg_subscription s WHERE s.subname {NOT_OURS} \
            AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY s.subname",
        head = head.sql(),
    )
}
