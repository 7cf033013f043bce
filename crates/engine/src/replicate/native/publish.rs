//! Publications and the valve.

use sqlx::{AssertSqlSafe, Executor};
use switchyard_model::{
    Side,
    ident::{TableName, quote},
    journal::Action,
};

use super::{BEAT_PUBLICATION, Native, ROWS_PUBLICATION, WATCH_PUBLICATION, failure};
use crate::{
    db::{
        Bidding,
        postgres::{feed::WATCHABLE, fence::unless_surpassed},
    },
    error::{Error, Kind, Result},
};

/// The table whose beats leave this side.
pub(super) fn beat_table(from: Side) -> TableName {
    match from {
        Side::Source => TableName::new("switchyard", "beat_forward"),
        Side::Target => TableName::new("switchyard", "beat_reverse"),
    }
}

/// What the valve's two positions are called in SQL.
fn operations(open: bool) -> &'static str {
    if open { "insert, update, delete, truncate" } else { "" }
}

/// Opens the valve for the switch of this epoch: one catalog row, exact in the WAL, without a lock on any table, as the fence closes
/// it. One string is one transaction, so the valve of a side that a later switch closed stays
/// closed. A fence that is just closing it is waited for, and the server then refuses this.
pub(super) fn way_back(epoch: i64) -> String {
    let open = format!("ALTER PUBLICATION {} SET (publish = '{}')", quote(ROWS_PUBLICATION), operations(true));
    format!("{open}; {}", unless_surpassed(Bidding::Switch { epoch }))
}

/// `ONLY`: a partitioned root brings its partitions in any case, and tables that merely inherit are in the scope
/// themselves.
fn list(tables: &[TableName]) -> String {
    tables.iter().map(|t| format!("ONLY {t}")).collect::<Vec<_>>().join(", ")
}

/// A publication as it shall be.
struct Wanted {
    name: &'static str,
    tables: Vec<TableName>,
    open: bool,
}

impl Wanted {
    fn create(&self) -> String {
        format!(
            "CREATE PUBLICATION {} FOR TABLE {} WITH (publish = '{}', publish_via_partition_root = false)",
            quote(self.name),
            list(&self.tables),
            operations(self.open)
        )
    }

    /// For one that exists: the same content, without an instant in which it is missing.
    fn adjust(&self) -> Vec<String> {
        let name = quote(self.name);
        vec![
            format!("ALTER PUBLICATION {name} SET TABLE {}", list(&self.tables)),
            format!(
                "ALTER PUBLICATION {name} SET (publish = '{}', publish_via_partition_root = false)",
                operations(self.open)
            ),
        ]
    }
}

fn wanted(from: Side, tables: &[TableName], open: bool) -> [Wanted; 2] {
    let mut rows = tables.to_vec();
    rows.sort();
    rows.dedup();
    [
        Wanted { name: BEAT_PUBLICATION, tables: vec![beat_table(from)], open: true },
        Wanted { name: ROWS_PUBLICATION, tables: rows, open },
    ]
}

/// What reconciliation reads changes through. Nobody subscribes to it, and no valve closes it.
fn watched(tables: Vec<TableName>) -> Wanted {
    Wanted { name: WATCH_PUBLICATION, tables, open: true }
}

/// See [`super::Replicator::publish_actions`].
pub(super) fn actions(native: &Native, from: Side, tables: &[TableName], open: bool) -> Vec<Action> {
    let [beat, rows] = wanted(from, tables, open);
    let watch = watched(rows.tables.clone());
    [beat, rows, watch].iter().map(|w| Action::new(native.label(from), w.create())).collect()
}

/// See [`super::Replicator::publish`]. One transaction: after a crash both publications are there or none.
pub(super) async fn publish(native: &Native, from: Side, tables: &[TableName], open: bool) -> Result<()> {
    let doing = format!("publishing {} tables of {}", tables.len(), native.label(from));
    if tables.is_empty() {
        return Err(Error::new(Kind::Invalid, doing, "no table is in the scope, so there is nothing to replicate"));
    }
    let work = async {
        let mut tx = native.pool(from).begin().await?;
        let [beat, rows] = wanted(from, tables, open);
        let (schemas, names): (Vec<&str>, Vec<&str>) =
            rows.tables.iter().map(|t| (t.schema.as_str(), t.name.as_str())).unzip();
        let watchable: Vec<(String, String)> =
            sqlx::query_as(WATCHABLE).bind(schemas).bind(names).fetch_all(&mut *tx).await?;
        let mut watchable: Vec<TableName> = watchable.into_iter().map(|(s, n)| TableName::new(s, n)).collect();
        watchable.sort();
        // A publication of no table cannot be written as one of tables.
        let watch = (!watchable.is_empty()).then(|| watched(watchable));
        for publication in [Some(beat), Some(rows), watch].into_iter().flatten() {
            let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = $1)";
            let exists: bool = sqlx::query_scalar(sql).bind(publication.name).fetch_one(&mut *tx).await?;
            let statements = if exists { publication.adjust() } else { vec![publication.create()] };
            for statement in statements {
                tx.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
            }
        }
        tx.commit().await
    };
    failure::ask(doing, failure::STATEMENT, work).await
}

/// See [`super::Replicator::is_published`].
pub(super) async fn is_published(native: &Native, from: Side, tables: &[TableName]) -> Result<bool> {
    let sql = "SELECT p.pubname::text, n.nspname::text, c.relname::text \
               FROM pg_catalog.pg_publication p \
               LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid \
               LEFT JOIN pg_catalog.pg_class c ON c.oid = r.prrelid \
               LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE p.pubname IN ($1, $2) AND NOT p.puballtables AND NOT p.pubviaroot ORDER BY 1, 2, 3";
    let query = sqlx::query_as::<_, (String, Option<String>, Option<String>)>(sql)
        .bind(BEAT_PUBLICATION)
        .bind(ROWS_PUBLICATION)
        .fetch_all(native.pool(from));
    let found =
        failure::ask(format!("reading the publications of {}", native.label(from)), failure::QUICK, query).await?;
    Ok(wanted(from, tables, true).iter().all(|publication| {
        let mut held: Vec<TableName> = found
            .iter()
            .filter(|(name, ..)| name == publication.name)
            .filter_map(|(_, schema, table)| Some(TableName::new(schema.clone()?, table.clone()?)))
            .collect();
        // The server sorts by its collation; this sorts as we do.
        held.sort();
        held == publication.tables
    }))
}

/// See [`super::Replicator::open_way_back`]. One round trip: this is inside the write pause.
pub(super) async fn open_way_back(native: &Native, from: Side, epoch: i64) -> Result<()> {
    let doing = format!("opening the valve of {}", native.label(from));
    let statement = sqlx::raw_sql(AssertSqlSafe(way_back(epoch))).execute(native.pool(from));
    failure::ask(doing, failure::QUICK, statement).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_listed_once() {
        let tables = [TableName::new("S p", "T\"x"), TableName::new("a", "b"), TableName::new("S p", "T\"x")];
        let [beat, rows] = wanted(Side::Target, &tables, false);
        assert_eq!(
            rows.create(),
            "CREATE PUBLICATION \"switchyard_rows\" FOR TABLE ONLY \"S p\".\"T\"\"x\", ONLY \"a\".\"b\" \
             WITH (publish = '', publish_via_partition_root = false)"
        );
        assert!(beat.create().contains("beat_reverse"), "the target's beats leave through their own table");
        assert!(beat.create().contains("publish = 'insert"), "beats flow whatever the valve says");
    }
}
