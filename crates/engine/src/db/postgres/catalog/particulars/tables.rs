//! Tables and what hangs on them.

use super::{
    super::{NOT_OF_AN_EXTENSION, SCHEMAS_IN_SCOPE},
    name,
};

/// `FROM … WHERE …` of the tables in scope.
fn scope(more: &str) -> String {
    format!(
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace {more} \
         WHERE c.relkind IN ('r', 'p') AND {SCHEMAS_IN_SCOPE} AND {NOT_OF_AN_EXTENSION}"
    )
}

/// Clones on partitions are told with their partition, because each may be set by itself.
pub(super) fn always_triggers() -> String {
    format!(
        "SELECT {} AS \"table\", t.tgname::text AS name {} AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R') \
            AND t.tgname !~ '^switchyard_' ORDER BY n.nspname, c.relname, t.tgname",
        name("n.nspname", "c.relname"),
        scope("JOIN pg_trigger t ON t.tgrelid = c.oid")
    )
}

/// One that is not enforced is not validated either, and cannot be.
pub(super) fn not_valid() -> String {
    format!(
        "SELECT {} AS \"table\", k.conname::text AS name {} AND NOT k.convalidated AND k.conparentid = 0 AND k.conislocal \
            AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true' ORDER BY n.nspname, c.relname, k.conname",
        name("n.nspname", "c.relname"),
        scope("JOIN pg_constraint k ON k.conrelid = c.oid")
    )
}

/// The columns of the index that names rows; all columns where everything does.
pub(super) fn generated_identities() -> String {
    format!(
        "SELECT {} AS \"table\", c.relreplident = 'f' AS \"full\" {} AND c.relkind = 'r' AND EXISTS ( \
            SELECT FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) \
               AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END \
             WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped \
               AND (c.relreplident = 'f' OR i.indexrelid IS NOT NULL)) ORDER BY n.nspname, c.relname",
        name("n.nspname", "c.relname"),
        scope("")
    )
}

pub(super) const PENDING_DETACHES: &str = "SELECT json_build_object('schema', pn.nspname, 'name', p.relname) AS \"table\", \
            json_build_object('schema', n.nspname, 'name', c.relname) AS partition \
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
       JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace \
      WHERE i.inhdetachpending ORDER BY n.nspname, c.relname";

/// Whoever made them: one from a table of an extension is in the way as well.
pub(super) const FOREIGN_KEYS: &str = "SELECT json_build_object('schema', n.nspname, 'name', c.relname) AS \"table\", k.conname::text AS name, \
            json_build_object('schema', rn.nspname, 'name', r.relname) AS \"references\" \
       FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
       JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace \
      WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY n.nspname, c.relname, k.conname";

/// Who may not SELECT from a table sees no statistics of it; the time of its last ANALYZE is seen by everybody, and is
/// forgotten after a crash. Grouped and not joined: the planner knows so little of the view that a join of it with 5 000
/// tables took minutes.
pub(super) fn unanalysed() -> String {
    format!(
        "WITH candidate AS MATERIALIZED (SELECT n.nspname, c.relname, NOT has_table_privilege(c.oid, 'SELECT') AS hidden {} \
            AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0 \
            AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
            AND pg_stat_get_last_analyze_time(c.oid) IS NULL AND pg_stat_get_last_autoanalyze_time(c.oid) IS NULL) \
         SELECT {} AS \"table\", bool_or(x.hidden) AS hidden FROM ( \
           SELECT k.nspname, k.relname, k.hidden, true AS candidate FROM candidate k UNION ALL \
           SELECT s.schemaname, s.tablename, false, false FROM pg_stats s WHERE EXISTS (SELECT FROM candidate)) x \
          GROUP BY x.nspname, x.relname HAVING bool_and(x.candidate) ORDER BY x.nspname, x.relname",
        scope(""),
        name("x.nspname", "x.relname"),
    )
}
