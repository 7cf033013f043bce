-- Expressions whose spelling depends on who wrote them, and when they were read.
CREATE SCHEMA v;
CREATE TABLE v.a (id integer PRIMARY KEY, n numeric(10, 2), s varchar(20), c char(3), at timestamptz, d date, tags text[], j jsonb, b boolean DEFAULT true,
    CHECK (s IN ('x', 'y')), CHECK (c IN ('abc', 'def') AND n BETWEEN 1 AND 5), CHECK (s <> ALL (ARRAY['p', 'q']::varchar[])), CHECK (n IN (1, 2.5)));
CREATE TABLE v.b (id integer REFERENCES v.a, a integer, "Mixed" text, b text);
CREATE INDEX ON v.a (lower(s), (n + 1)) WHERE s IN ('x', 'y') AND at IS NOT NULL;
CREATE INDEX ON v.a USING gin (tags);
CREATE INDEX ON v.a (s varchar_pattern_ops, (j ->> 'k') COLLATE "C" DESC NULLS LAST);
CREATE VIEW v.one AS SELECT * FROM v.a;
CREATE VIEW v.alias AS SELECT x.id, x.n AS amount FROM v.a x WHERE x.s IN ('x', 'y') ORDER BY x.n DESC LIMIT 5;
CREATE VIEW v.grouped AS SELECT x.s, count(*) FILTER (WHERE x.b) AS c, sum(DISTINCT x.n), string_agg(x.s, ',' ORDER BY x.id), array_agg(x.*) FROM v.a x GROUP BY x.s HAVING count(*) > 1;
CREATE VIEW v.sets AS SELECT s, c, count(*), grouping(s) FROM v.a GROUP BY GROUPING SETS ((s), (c), ());
CREATE VIEW v.joined AS SELECT id, n, "Mixed", m FROM v.a JOIN v.b USING (id) LEFT JOIN LATERAL (SELECT max(n) AS m FROM v.a i WHERE i.id = b.a) l ON true;
CREATE VIEW v.named AS SELECT a.id, q.n2 FROM v.a a JOIN v.b ON b.id = a.id FULL JOIN v.a q(id2, n2) ON q.id2 = a.id;
CREATE VIEW v.unions AS SELECT id, s FROM v.a UNION ALL (SELECT a, "Mixed" FROM v.b EXCEPT SELECT 1, 'x') ORDER BY 1;
CREATE VIEW v.withs AS WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT t.n + 1 FROM t WHERE t.n < 10), m AS MATERIALIZED (SELECT id FROM v.a) SELECT t.n, m.id FROM t, m;
CREATE VIEW v.windows AS SELECT id, row_number() OVER w, sum(n) OVER (PARTITION BY s ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM v.a WINDOW w AS (PARTITION BY c ORDER BY n);
CREATE VIEW v.exprs AS SELECT CASE WHEN b THEN 1 ELSE 2 END AS c1, CASE s WHEN 'x' THEN 'X' END AS c2, coalesce(s, 'z'), nullif(n, 0), greatest(id, 1), at AT TIME ZONE 'UTC' AS z,
    extract(year FROM at) AS yr, substring(s FROM 2 FOR 3) AS sub, position('x' IN s) AS pos, trim(both 'x' FROM s) AS t, overlay(s PLACING 'a' FROM 1) AS o, s LIKE 'x%' AS l, s ~* 'x' AS r, s SIMILAR TO 'x' AS sim,
    b IS NOT TRUE AS bt, n IS DISTINCT FROM 1 AS dist, (id, n) = (1, 2) AS rw, id = ANY (ARRAY[1, 2]) AS any1, EXISTS (SELECT 1 FROM v.b WHERE b.id = a.id) AS ex, ARRAY(SELECT id FROM v.b) AS arr,
    tags[1:2] AS sl, j -> 'a' ->> 'b' AS js, current_user AS cu, current_date AS cd, localtime(2) AS lt, interval '1 day' AS i, date '2026-01-01' AS dd, B'101' AS bits, -n AS neg, NOT b AS nb, (d, at::date) OVERLAPS (d, d) AS ov,
    id::text || s AS conc, s COLLATE "C" AS col, ROW(id, s)::text AS ro, xmlelement(name foo, s) AS xe, n::int4 AS ni, 'it''s' AS q, E'a\\b\n' AS e, null AS nu, s::char(2) AS sc FROM v.a;
CREATE VIEW v.values AS VALUES (1, 'a'), (2, 'b');
CREATE VIEW v.func AS SELECT g, o FROM generate_series(1, 3) WITH ORDINALITY AS g(g, o), ROWS FROM (unnest(ARRAY[1, 2]), unnest(ARRAY['a'])) AS u(x, y), jsonb_to_recordset('[]') AS r(a integer, b text);
CREATE VIEW v.sampled AS SELECT a.id FROM v.a TABLESAMPLE system (10) REPEATABLE (1) FOR UPDATE;
CREATE VIEW v.scalar AS SELECT (SELECT x.n FROM v.a x WHERE x.id = b.id) AS sub, b."Mixed", b.b, b AS whole FROM v.b;
CREATE VIEW v.only AS SELECT id FROM ONLY v.a WHERE (id, s) IN (SELECT a, b FROM v.b) AND id NOT IN (SELECT id FROM v.b);
CREATE VIEW v.same AS SELECT a.a FROM v.b a WHERE a.a = 1;
CREATE FUNCTION v.atomic(p integer, OUT q numeric) LANGUAGE sql BEGIN ATOMIC INSERT INTO v.b (id, a) VALUES (p, 1); UPDATE v.b x SET a = x.a + 1 WHERE x.id = p; SELECT x.n FROM v.a x WHERE x.id = p; END;
CREATE RULE up AS ON UPDATE TO v.one DO INSTEAD UPDATE v.a SET n = new.n, s = new.s WHERE id = old.id RETURNING a.*;
CREATE RULE ins AS ON INSERT TO v.b DO ALSO INSERT INTO v.b SELECT new.id, 1 FROM v.a z WHERE z.id = new.id;
CREATE POLICY p ON v.a USING (s IN ('x', 'y') AND EXISTS (SELECT FROM v.b WHERE b.id = a.id));
CREATE TRIGGER t BEFORE UPDATE ON v.a FOR EACH ROW WHEN (old.s IS DISTINCT FROM new.s AND new.s IN ('x', 'y')) EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE STATISTICS v.stat ON (n + 1), lower(s), id FROM v.a;
