//! What a statement does besides what its text says, as the catalog has it.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use switchyard_capture::doubt::{Effects, Table};

/// A default with a parenthesis calls something, if only a cast: rather once too often.
const TABLES: &str = "SELECT c.relname::text, \
        EXISTS (SELECT FROM pg_catalog.pg_attribute a \
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND (a.attidentity <> '' OR a.attgenerated = '' \
                AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~* '\\(|current_|localtime|session_user')), \
        c.relkind NOT IN ('r', 'p') OR c.relhasrules OR EXISTS (SELECT FROM pg_catalog.pg_trigger t \
            WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'), \
        ARRAY(SELECT o.relname::text FROM pg_catalog.pg_class o WHERE o.oid IN ( \
            SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f' \
                AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')) \
            UNION SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = c.oid \
            UNION SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = c.oid)) \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
      AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'";

/// What is written in C is an extension's, and writes to no table of the application.
const FUNCTIONS: &str = "SELECT DISTINCT p.proname::text, p.provolatile = 'v', \
        n.nspname NOT IN ('pg_catalog', 'information_schema') AND l.lanname NOT IN ('c', 'internal') \
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
    WHERE p.provolatile = 'v' OR p.provolatile = 's' AND n.nspname NOT IN ('pg_catalog', 'information_schema')";

pub(super) async fn effects(connection: &mut PgConnection) -> sqlx::Result<Effects> {
    let rows: Vec<(String, bool, bool, Vec<String>)> = sqlx::query_as(TABLES).fetch_all(&mut *connection).await?;
    let mut tables: HashMap<String, Table> = HashMap::new();
    for (name, wavers, hides, with) in rows {
        let table = tables.entry(name).or_default();
        (table.wavers, table.hides) = (table.wavers | wavers, table.hides | hides);
        table.with.extend(with);
    }
    let rows: Vec<(String, bool, bool)> = sqlx::query_as(FUNCTIONS).fetch_all(connection).await?;
    let (mut volatile, mut own) = (HashSet::new(), HashSet::new());
    for (name, is_volatile, is_own) in rows {
        if is_own {
            own.insert(name.clone());
        }
        if is_volatile {
            volatile.insert(name);
        }
    }
    Ok(Effects { tables, volatile, own })
}
