//! How far the initial copy is, from the subscriber's catalog and its copy counters.

use switchyard_model::{Side, ident::TableName};

use super::{Native, failure};
use crate::{
    error::Result,
    replicate::{CopyProgress, TableCopy, TableCopyState},
};

/// Rows are counted since PostgreSQL 14.
const COUNTS_ROWS: i32 = 140_000;

/// See [`super::Replicator::copy_progress`]. The beat table is left out: it is ours, and copied in a moment.
pub(super) async fn copy_progress(native: &Native, from: Side) -> Result<CopyProgress> {
    let side = from.other();
    let rows: &'static str = if native.version(side).await? >= COUNTS_ROWS {
        "SELECT n.nspname::text, c.relname::text, r.srsubstate::text, max(p.tuples_processed) \
         FROM pg_catalog.pg_subscription s \
         JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database() \
         JOIN pg_catalog.pg_subscription_rel r ON r.srsubid = s.oid \
         JOIN pg_catalog.pg_class c ON c.oid = r.srrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_catalog.pg_stat_subscription w ON w.subid = s.oid AND w.relid = r.srrelid \
         LEFT JOIN pg_catalog.pg_stat_progress_copy p ON p.pid = w.pid AND p.relid = r.srrelid \
         WHERE s.subname = $1 AND n.nspname <> 'switchyard' GROUP BY 1, 2, 3 ORDER BY 1, 2"
    } else {
        "SELECT n.nspname::text, c.relname::text, r.srsubstate::text, NULL::int8 \
         FROM pg_catalog.pg_subscription s \
         JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database() \
         JOIN pg_catalog.pg_subscription_rel r ON r.srsubid = s.oid \
         JOIN pg_catalog.pg_class c ON c.oid = r.srrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE s.subname = $1 AND n.nspname <> 'switchyard' ORDER BY 1, 2"
    };
    let query = sqlx::query_as::<_, (String, String, String, Option<i64>)>(rows)
        .bind(native.stream(from))
        .fetch_all(native.pool(side));
    let doing = format!("reading the progress of the copy on {}", native.label(side));
    let found = failure::ask(doing, failure::QUICK, query).await?;
    Ok(CopyProgress { tables: found.into_iter().map(table).collect() })
}

fn table((schema, name, letter, rows): (String, String, String, Option<i64>)) -> TableCopy {
    let state = state(&letter);
    let rows_done = match state {
        TableCopyState::Copying => rows,
        TableCopyState::Waiting | TableCopyState::CatchingUp | TableCopyState::Ready => None,
    };
    TableCopy { table: TableName::new(schema, name), state, rows_done }
}

/// From the catalog's letter: `i`nit, `d`ata, `f`inished copy, `s`ynchronised, `r`eady.
fn state(letter: &str) -> TableCopyState {
    match letter {
        "r" => TableCopyState::Ready,
        "f" | "s" => TableCopyState::CatchingUp,
        "d" => TableCopyState::Copying,
        // A letter of a version to come is no reason to believe a table copied.
        _ => TableCopyState::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_letter_is_not_ready() {
        assert_eq!(state("?"), TableCopyState::Waiting);
        assert_eq!(state("f"), TableCopyState::CatchingUp, "copied, but not yet in the stream");
    }
}
