//! Dropping what a restore made.
//!
//! Only for a target that held none of it before: the structure appears as a whole or not at all, so what it holds by
//! these names is then ours. Extensions stay; they may have been there before.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Executor, Postgres, Transaction};
use switchyard_model::journal::Action;

use super::{Identity, Item, SchemaDump, Section, facts, present, sections, take};
use crate::{
    error::{Error, Kind, Result},
    tool::{
        login::Login,
        process::{self, Invocation},
    },
};

/// What becomes of a table that holds rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Nothing is dropped at all.
    Refuse,
    /// It goes with them.
    Drop,
}

impl SchemaDump {
    /// The statements of [`SchemaDump::drop_everything_created`].
    pub async fn drop_actions(&self, target: &Login) -> Result<Vec<Action>> {
        let held = self.held(target).await?;
        let script = self.drop_script(&format!("listing what to drop on {}", target.label), &held).await?;
        // A statement of several lines is the stand-in that a view turns back into before its key can go.
        Ok(script.split_inclusive(";\n").map(|statement| Action::new(&target.label, statement.trim_end())).collect())
    }

    /// Drops every object of the dump from the target, in one transaction; what is gone already is no error. An object of
    /// somebody else that depends on one of them stops it, and nothing is dropped then.
    ///
    /// # Errors
    /// `Refused` when a table holds rows and `rows` says to refuse.
    pub async fn drop_everything_created(&self, target: &Login, rows: Rows) -> Result<()> {
        let doing = format!("dropping from {} what was restored there", target.label);
        let held = self.held(target).await?;
        let script = self.drop_script(&doing, &held).await?;
        if script.is_empty() {
            return Ok(());
        }
        let tables: Vec<&str> = self
            .of(Section::Structure)
            .filter(|i| i.entry.kind == "TABLE" && present::is_in(i, &held))
            .filter_map(|i| i.identity.as_ref().map(|n| n.name.as_str()))
            .collect();
        let work = async {
            let mut tx = target.pool.begin().await?;
            if rows == Rows::Refuse
                && let Some(table) = first_with_rows(&mut tx, &tables).await?
            {
                return Ok(Some(table));
            }
            tx.execute(sqlx::raw_sql(AssertSqlSafe(script))).await?;
            tx.commit().await?;
            Ok(None)
        };
        match facts::ask(&doing, work).await? {
            None => Ok(()),
            Some(table) => Err(Error::new(Kind::Refused, doing, format!("{table} holds rows, so nothing was dropped"))),
        }
    }

    /// `pg_restore` itself says how each object is dropped: its script with `--clean` begins with that. Only for what the
    /// target holds: the way back of some objects is to make another in their place.
    async fn drop_script(&self, doing: &str, held: &HashSet<Identity>) -> Result<String> {
        let alone = |i: &&Item| sections::stands_alone(i) && present::is_in(i, held);
        let items: Vec<&Item> = self.items.iter().filter(alone).collect();
        if items.is_empty() {
            return Ok(String::new());
        }
        let list = self.write_list("drop.list", items.into_iter(), doing)?;
        let args = vec![
            "--clean".to_owned(),
            "--if-exists".to_owned(),
            "--file=-".to_owned(),
            format!("--use-list={}", list.display()),
            self.file().display().to_string(),
        ];
        let (doing, program) = (doing.to_owned(), self.tools.restore.clone());
        let script = process::run(Invocation { doing, program, args, login: None, deadline: take::LIST }).await?;
        Ok(drops(&script))
    }
}

/// The part of a `--clean` script between its settings and the first object that it makes.
fn drops(script: &str) -> String {
    let is_setting = |line: &str| {
        line.is_empty() || ["--", "\\", "SET ", "SELECT pg_catalog.set_config("].iter().any(|p| line.starts_with(p))
    };
    let lines: Vec<&str> = script.lines().collect();
    let end = lines.windows(2).position(|w| w[0] == "--" && w[1].starts_with("-- Name: ")).unwrap_or(lines.len());
    lines[..end].iter().filter(|l| !is_setting(l)).copied().collect::<Vec<_>>().join("\n")
}

/// Keeps writers out, then looks. The names are quoted already, by the server that gave them.
async fn first_with_rows(
    tx: &mut Transaction<'static, Postgres>,
    tables: &[&str],
) -> std::result::Result<Option<String>, sqlx::Error> {
    if tables.is_empty() {
        return Ok(None);
    }
    let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", tables.join(", "));
    tx.execute(sqlx::raw_sql(AssertSqlSafe(lock))).await?;
    for table in tables {
        let sql = format!("SELECT EXISTS (SELECT FROM ONLY {table})");
        if sqlx::query_scalar::<_, bool>(AssertSqlSafe(sql)).fetch_one(&mut **tx).await? {
            return Ok(Some((*table).to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_drops_are_taken_from_a_script() {
        let script = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET lock_timeout = 0;\n\
                      SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n\n\
                      DROP VIEW IF EXISTS public.v;\nDROP TABLE IF EXISTS public.t;\n--\n-- Name: t; Type: TABLE\n--\n\n\
                      CREATE TABLE public.t ();\n";
        assert_eq!(drops(script), "DROP VIEW IF EXISTS public.v;\nDROP TABLE IF EXISTS public.t;");
        assert_eq!(drops("SET a = 1;\n\n--\n-- Name: x\n--\nCREATE"), "", "a script without drops drops nothing");
    }
}
