//! What names in a statement lead to, and whether all of that only reads: the proof that the parser cannot give.
//!
//! A view is followed down to its tables by its stored query. That query is read by its numbers, because `pg_depend` leaves out what the
//! server came with, `random()` among it; and by `pg_depend`, which has what a number does not show: types and operators.

use sqlx::PgConnection;
use switchyard_model::ident::quote;

/// The first volatile function that a text may call: those of the names that the parser saw, whichever a call means, and what no call names. That
/// is what may be written like a column of a row, and what stands behind an operator, a cast or a type, wherever the text holds its name. A
/// cast that is made by itself needs no name.
const VOLATILE: &str = "WITH types AS (SELECT oid, typinput, typoutput FROM pg_catalog.pg_type WHERE position(lower(typname) IN lower($2)) > 0), \
    hidden(oid) AS ( \
        SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_type y ON y.oid = p.proargtypes[0] \
            WHERE p.pronargs - p.pronargdefaults <= 1 AND position(lower(p.proname) IN lower($2)) > 0 AND (y.typtype = 'c' \
                OR y.typname IN ('record', 'any', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray')) \
      UNION SELECT o.oprcode FROM pg_catalog.pg_operator o WHERE position(o.oprname IN $2) > 0 \
      UNION SELECT c.castfunc FROM pg_catalog.pg_cast c WHERE c.castcontext = 'i' OR c.casttarget IN (SELECT oid FROM types) \
      UNION SELECT unnest(ARRAY[typinput, typoutput]::oid[]) FROM types \
      UNION SELECT f.found[1]::oid FROM types JOIN pg_catalog.pg_constraint k ON k.contypid = types.oid, \
            regexp_matches(k.conbin::text, ':(?:funcid|opfuncid) (\\d+)', 'g') f(found)) \
    SELECT min(proname::text) FROM pg_catalog.pg_proc \
    WHERE provolatile = 'v' AND (proname = ANY ($1) OR oid IN (SELECT oid FROM hidden))";

/// Relations behind the names, each with the role whose policies count there: ours, or in a view its owner, unless the view says that whoever
/// asks counts; none for a partition, where its parent's count.
const REACHED: &str = "WITH RECURSIVE me AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), \
    reached(oid, role) AS ( \
        SELECT pg_catalog.to_regclass(t)::oid, me.oid FROM unnest($1::text[]) t, me WHERE pg_catalog.to_regclass(t) IS NOT NULL \
      UNION SELECT n.oid, n.role FROM reached r JOIN pg_catalog.pg_class c ON c.oid = r.oid CROSS JOIN me CROSS JOIN LATERAL ( \
            SELECT f.found[1]::oid, CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) o \
                    WHERE o.option_name = 'security_invoker' AND o.option_value::bool) THEN me.oid ELSE c.relowner END \
                FROM pg_catalog.pg_rewrite w, regexp_matches(w.ev_action::text, ':relid (\\d+)', 'g') f(found) \
                WHERE c.relkind = 'v' AND w.ev_class = c.oid AND w.ev_type = '1' \
          UNION ALL SELECT i.inhrelid, NULL::oid FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid) n(oid, role))";

/// What the queries of views call. A domain's check may be reached by a cast that names it nowhere, so of those all count.
const CALLED: &str = "rules AS (SELECT w.oid, w.ev_action::text AS tree \
        FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class c ON c.oid = w.ev_class \
        WHERE c.relkind = 'v' AND w.ev_type = '1' AND c.oid IN (SELECT oid FROM reached)), \
    trees AS (SELECT tree FROM rules UNION ALL \
        SELECT conbin::text FROM pg_catalog.pg_constraint WHERE contypid <> 0 AND EXISTS (SELECT FROM rules)), \
    whole AS ( \
        SELECT f.found[1]::oid AS oid FROM trees, regexp_matches(tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') f(found) \
      UNION SELECT f.oid FROM rules JOIN pg_catalog.pg_depend d \
            ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = rules.oid CROSS JOIN LATERAL ( \
            SELECT d.refobjid WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass \
          UNION ALL SELECT o.oprcode FROM pg_catalog.pg_operator o \
                WHERE d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid \
          UNION ALL SELECT unnest(ARRAY[y.typinput, y.typoutput]::oid[]) FROM pg_catalog.pg_type y \
                WHERE d.refclassid = 'pg_catalog.pg_type'::regclass AND y.oid = d.refobjid) f(oid)), \
    called AS (SELECT oid FROM whole UNION SELECT unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, \
            a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::oid[]) \
        FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid IN (SELECT oid FROM whole))";

/// Whom row security binds is `check_enable_rls` of the server; of our own role it says so itself.
const FOUND: &str = "relations AS (SELECT c.oid, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, n.nspname, r.role, \
            c.oid::regclass::text AS name FROM reached r JOIN pg_catalog.pg_class c ON c.oid = r.oid \
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) \
    SELECT (SELECT t FROM unnest($1::text[]) t WHERE pg_catalog.to_regclass(t) IS NULL LIMIT 1) AS nameless, \
        EXISTS (SELECT FROM relations WHERE nspname IN ('pg_catalog', 'information_schema')) AS servers, \
        (SELECT min(name) FROM relations WHERE relkind NOT IN ('r', 'p', 'v', 'm')) AS other, \
        (SELECT min(name) FROM relations WHERE relkind = 'm') AS materialized, \
        (SELECT min(c.name) FROM relations c JOIN pg_catalog.pg_roles o ON o.oid = c.role \
            WHERE c.relrowsecurity AND CASE WHEN o.rolname = current_user THEN pg_catalog.row_security_active(c.oid) \
                ELSE NOT (o.rolsuper OR o.rolbypassrls \
                    OR NOT c.relforcerowsecurity AND pg_catalog.pg_has_role(o.oid, c.relowner, 'USAGE')) END) AS policed, \
        (SELECT min(proname::text) FROM pg_catalog.pg_proc WHERE oid IN (SELECT oid FROM called) AND provolatile = 'v') AS volatile, \
        EXISTS (SELECT FROM pg_catalog.pg_subscription_rel s \
            WHERE s.srrelid IN (SELECT oid FROM reached) AND s.srsubstate <> 'r') AS copying, \
        ARRAY(SELECT proname::text FROM pg_catalog.pg_proc WHERE oid IN (SELECT oid FROM called)) AS functions, \
        EXISTS (SELECT FROM rules WHERE tree ~ '[{]SQLVALUEFUNCTION |:varattno -[1-9]') AS of_the_session";

/// What is behind the names of a statement. Each name is the first of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Reach {
    /// A name that means nothing.
    pub(super) nameless: Option<String>,
    /// Whether it reads what the server has of itself.
    pub(super) servers: bool,
    /// What is neither a table nor a view.
    pub(super) other: Option<String>,
    pub(super) materialized: Option<String>,
    /// A table whose policies run.
    pub(super) policed: Option<String>,
    /// A volatile function that a view calls.
    pub(super) volatile: Option<String>,
    /// Whether a subscription is still copying one of the tables here: its stream is another one until then.
    pub(super) copying: bool,
    /// All functions that views call.
    pub(super) functions: Vec<String>,
    /// Whether a view asks for the session or for where a row lies, without a function.
    pub(super) of_the_session: bool,
}

/// Follows names as the session's search path has them.
pub(super) async fn reach(connection: &mut PgConnection, tables: &[String]) -> sqlx::Result<Reach> {
    let sql = format!("{REACHED}, {CALLED}, {FOUND}");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(quoted(tables)).fetch_one(connection).await
}

/// The first volatile function that a statement calls or may call; `text` is its shape's.
pub(super) async fn volatile(
    connection: &mut PgConnection,
    text: &str,
    functions: &[String],
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(VOLATILE).bind(functions).bind(text).fetch_one(connection).await
}

/// Names as the statement has them, so that the search path decides.
pub(super) fn quoted(tables: &[String]) -> Vec<String> {
    tables.iter().map(|t| t.split('.').map(quote).collect::<Vec<_>>().join(".")).collect()
}
