//! `pg_stat_statements`, in whatever schema and version it is installed.

use sqlx::{AssertSqlSafe, PgConnection};
use switchyard_model::{
    consumers::{Class, StatementCount, class},
    ident::{TableName, quote},
};

/// The extension; its version may be older than its library, so its columns are looked up.
const FIND: &str = "SELECT /* switchyard:consumers */ n.nspname::text, \
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'toplevel' AND a.attnum > 0), \
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'total_exec_time' AND a.attnum > 0), \
    EXISTS (SELECT FROM pg_class i WHERE i.relnamespace = n.oid AND i.relname = 'pg_stat_statements_info') \
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'pg_stat_statements' WHERE e.extname = 'pg_stat_statements'";

/// What the server shows in place of a text that our role may not see.
const HIDDEN: &str = "<insufficient privilege>";

/// Where it is and what it has.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    schema: String,
    top: bool,
    exec_time: bool,
    info: bool,
}

impl Extension {
    /// The one of this database, if there is one.
    pub(super) async fn find(connection: &mut PgConnection) -> sqlx::Result<Option<Extension>> {
        let found: Option<(String, bool, bool, bool)> = sqlx::query_as(FIND).fetch_optional(connection).await?;
        Ok(found.map(|(schema, top, exec_time, info)| Extension { schema, top, exec_time, info }))
    }

    /// Whether it answers: its library may not be loaded, or our role not be let in.
    pub(super) async fn try_out(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let sql = format!("SELECT /* switchyard:consumers */ {}, {}", self.total(), self.forgotten());
        let me = format!("WITH me AS (SELECT oid FROM pg_database WHERE datname = current_database()) {sql} FROM me");
        sqlx::query(AssertSqlSafe(me)).persistent(false).fetch_one(&mut *connection).await?;
        let view = format!("SELECT /* switchyard:consumers */ calls FROM {} LIMIT 1", self.view());
        sqlx::query(AssertSqlSafe(view)).persistent(false).fetch_optional(connection).await.map(drop)
    }

    fn view(&self) -> TableName {
        TableName::new(self.schema.clone(), "pg_stat_statements")
    }

    /// All calls in this database, in an expression; without texts, which lie in a file.
    pub(super) fn total(&self) -> String {
        let top = if self.top { " AND toplevel" } else { "" };
        format!(
            "(SELECT coalesce(sum(calls), 0)::float8 FROM {}.pg_stat_statements(false) WHERE dbid = me.oid{top})",
            quote(&self.schema)
        )
    }

    /// Entries that made room for others, in an expression.
    pub(super) fn forgotten(&self) -> String {
        if self.info {
            format!("(SELECT dealloc::float8 FROM {}.pg_stat_statements_info)", quote(&self.schema))
        } else {
            "NULL::float8".to_owned()
        }
    }

    /// Each statement by role, without ours; the begin of its text is read for its first word and kept nowhere.
    pub(super) fn counts(&self) -> String {
        let top = if self.top { "s.toplevel" } else { "true" };
        let time = if self.exec_time { "s.total_exec_time" } else { "s.total_time" };
        format!(
            "SELECT /* switchyard:consumers */ coalesce(r.rolname::text, s.userid::text), s.queryid, {top}, \
                    coalesce(left(s.query, 400), ''), sum(s.calls)::float8, sum(s.rows)::float8, sum({time})::float8 \
               FROM {} s JOIN pg_database d ON d.oid = s.dbid LEFT JOIN pg_roles r ON r.oid = s.userid \
              WHERE d.datname = current_database() AND coalesce(s.query, '') NOT LIKE '%/* switchyard:consumers */%' \
              GROUP BY 1, 2, 3, 4",
            self.view()
        )
    }

    /// All of them.
    pub(super) async fn read(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<StatementCount>> {
        type Read = (String, Option<i64>, bool, String, f64, f64, f64);
        let rows: Vec<Read> = sqlx::query_as(AssertSqlSafe(self.counts())).fetch_all(connection).await?;
        let one = |(user, id, top, text, calls, rows, ms): Read| {
            let class = if text == HIDDEN { Class::Hidden } else { class(&text) };
            StatementCount { user, id, top, class, calls, rows, ms }
        };
        Ok(rows.into_iter().map(one).collect())
    }
}
