//! Statements that somebody else sent, with the values of then.
//!
//! The values are texts as a log has them, and their types are the server's to find: `PREPARE` finds them as the protocol's own parse
//! does, and `EXECUTE` reads each value from a literal. A text without values goes out in the simple protocol, as it may be
//! several statements. For databases alone to which such statements may be sent; that is asked before.

use std::collections::{HashMap, VecDeque};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Column, Either, PgConnection, Row, ValueRef, postgres::PgRow};
use switchyard_capture::compare::Answer;

/// Prepared statements that a session keeps.
const MOST: usize = 500;

/// What one session has prepared.
#[derive(Debug, Default)]
pub(super) struct Given {
    prepared: HashMap<String, u64>,
    oldest: VecDeque<String>,
    next: u64,
}

impl Given {
    /// Runs one; how long that took without its preparation.
    pub(super) async fn run(
        &mut self,
        connection: &mut PgConnection,
        text: &str,
        values: &[Option<String>],
        answer: Option<&mut Answer>,
    ) -> sqlx::Result<std::time::Duration> {
        let sql = if values.is_empty() {
            text.to_owned()
        } else {
            let number = self.prepare(connection, text).await?;
            let values: Vec<String> = values.iter().map(|v| v.as_deref().map_or("NULL".to_owned(), literal)).collect();
            format!("EXECUTE switchyard_{number} ({})", values.join(", "))
        };
        let began = std::time::Instant::now();
        ask(connection, sql, answer).await?;
        let took = began.elapsed();
        if forgets(text) {
            (self.prepared, self.oldest) = (HashMap::new(), VecDeque::new());
        }
        Ok(took)
    }

    async fn prepare(&mut self, connection: &mut PgConnection, text: &str) -> sqlx::Result<u64> {
        if let Some(number) = self.prepared.get(text) {
            return Ok(*number);
        }
        if self.prepared.len() >= MOST
            && let Some(number) = self.oldest.pop_front().and_then(|text| self.prepared.remove(&text))
        {
            // In a transaction that has failed it stays until the session ends.
            let _ = ask(connection, format!("DEALLOCATE switchyard_{number}"), None).await;
        }
        self.next += 1;
        let number = self.next;
        ask(connection, format!("PREPARE switchyard_{number} AS {text}"), None).await?;
        self.prepared.insert(text.to_owned(), number);
        self.oldest.push_back(text.to_owned());
        Ok(number)
    }
}

/// Whether the session has nothing prepared after it.
fn forgets(text: &str) -> bool {
    let begin: String = text.trim_start().chars().take(10).collect::<String>().to_lowercase();
    begin.starts_with("discard") || begin.starts_with("deallocate")
}

async fn ask(connection: &mut PgConnection, sql: String, mut answer: Option<&mut Answer>) -> sqlx::Result<()> {
    let mut coming = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    while let Some(one) = coming.try_next().await? {
        let Some(answer) = answer.as_deref_mut() else { continue };
        match one {
            Either::Left(done) => answer.affected.push(done.rows_affected()),
            Either::Right(row) => take(&row, answer)?,
        }
    }
    Ok(())
}

/// As the simple protocol sends it: every value a text.
fn take(row: &PgRow, answer: &mut Answer) -> sqlx::Result<()> {
    let mut values = Vec::with_capacity(row.len());
    for i in 0..row.len() {
        let value = row.try_get_raw(i)?;
        let bytes = if value.is_null() { None } else { Some(value.as_bytes().map_err(sqlx::Error::Decode)?) };
        values.push(bytes.map(<[u8]>::to_vec));
    }
    answer.row(row.columns().iter().map(Column::name), values.iter().map(Option::as_deref));
    Ok(())
}

/// As `quote_literal` writes it: the same whatever `standard_conforming_strings` is.
fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_leaves_its_quotes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\nb"), "'a\nb'");
        assert_eq!(literal("\\'; DROP TABLE t; --"), " E'\\\\''; DROP TABLE t; --'");
        assert_eq!(literal(""), "''");
    }

    #[test]
    fn what_forgets_prepared_statements_is_known() {
        assert!(forgets(" discard all") && forgets("DEALLOCATE ALL") && !forgets("SELECT 'discard'"));
    }
}
