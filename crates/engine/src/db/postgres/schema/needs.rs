//! Which object needs which, so that statements come in an order that works.

/// Everything in `pg_depend` by the objects that people know: a default belongs to its table, a rule to its view. Keys of
/// the system's own objects are below 16384.
pub(super) const SQL: &str = "
WITH place(class, number, kind, oid) AS MATERIALIZED (
  SELECT 'pg_class'::regclass::oid, c.oid,
         CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END,
         CASE WHEN c.relkind = 'c' THEN c.reltype WHEN c.relkind IN ('i', 'I') THEN x.indrelid ELSE c.oid END
    FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid WHERE c.oid >= 16384 AND c.relkind <> 't'
  UNION ALL SELECT 'pg_rewrite'::regclass, oid, 'table', ev_class FROM pg_rewrite WHERE oid >= 16384
  UNION ALL SELECT 'pg_attrdef'::regclass, oid, 'table', adrelid FROM pg_attrdef
  UNION ALL SELECT 'pg_constraint'::regclass, oid, CASE WHEN conrelid <> 0 THEN 'table' ELSE 'type' END,
                   CASE WHEN conrelid <> 0 THEN conrelid ELSE contypid END FROM pg_constraint WHERE oid >= 16384
  UNION ALL SELECT 'pg_trigger'::regclass, oid, 'table', tgrelid FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'pg_policy'::regclass, oid, 'table', polrelid FROM pg_policy
  UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 'foreign_server', oid FROM pg_foreign_server
  UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 'foreign_data_wrapper', oid FROM pg_foreign_data_wrapper
  UNION ALL SELECT 'pg_proc'::regclass, oid, 'function', oid FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT 'pg_type'::regclass, t.oid,
                   CASE WHEN c.relkind <> 'c' THEN 'table' ELSE 'type' END,
                   CASE WHEN c.relkind <> 'c' THEN c.oid ELSE e.oid END
              FROM pg_type t JOIN pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE t.oid END
              LEFT JOIN pg_class c ON c.oid = e.typrelid WHERE t.oid >= 16384)
SELECT DISTINCT a.kind AS of, a.oid::int8 AS of_oid, b.kind AS \"on\", b.oid::int8 AS on_oid
  FROM pg_depend d JOIN place a ON a.class = d.classid AND a.number = d.objid
  JOIN place b ON b.class = d.refclassid AND b.number = d.refobjid
 WHERE d.deptype = 'n' AND d.objid >= 16384 AND d.refobjid >= 16384 AND (a.kind, a.oid) <> (b.kind, b.oid)";
