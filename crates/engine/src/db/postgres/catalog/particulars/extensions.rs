//! Tables of extensions that hold rows of their users.

/// A table with a page counts as one with rows: nobody looks into it.
pub(super) const CONFIG_TABLES: &str = "SELECT e.extname::text AS extension, \
            json_build_object('schema', n.nspname, 'name', c.relname) AS \"table\" \
       FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig) AS k(oid) \
       JOIN pg_class c ON c.oid = k.oid JOIN pg_namespace n ON n.oid = c.relnamespace \
      WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0 ORDER BY e.extname, n.nspname, c.relname";
