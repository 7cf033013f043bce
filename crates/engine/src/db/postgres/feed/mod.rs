//! A feed over a temporary logical slot.
//!
//! The slot dies with its session, so a laptop that is closed leaves nothing behind that keeps WAL. It is read by a
//! function and not by a walsender: one statement at a time, each cut off after [`LIMIT`].

mod copied;
mod pgoutput;

use async_trait::async_trait;
use copied::Copied;
use futures_util::TryStreamExt;
use pgoutput::{Decoder, Told};
use sqlx::{AssertSqlSafe, PgConnection};
use switchyard_model::ident::{TableName, literal, quote};

use super::{PgDatabase, arrays, classify};
use crate::{
    Error, Result,
    db::feed::{Changes, Feed, Feeds, Followed},
};

/// No statement runs longer, as everywhere in reconciliation.
const LIMIT: &str = "4500ms";

/// Messages of one call at most; transactions come whole, so it can be more.
const AT_ONCE: i32 = 50_000;

/// Bytes of a message that travel: keys are in front of long values, or the table is compared as a whole.
const ENOUGH: i32 = 8_192;

/// Keys of one table that are kept by themselves; beyond it the table is compared as a whole.
const MOST_KEYS: usize = 200_000;

/// Those of some tables whose every leaf has a replica identity here. To publish changes of any other would make its
/// updates fail: the application's own on the source, the stream's on the target.
pub(crate) const WATCHABLE: &str = "SELECT w.schema, w.name FROM unnest($1::text[], $2::text[]) AS w(schema, name) \
     JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema \
     JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name \
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class l \
        WHERE (l.oid = c.oid AND c.relkind <> 'p' \
               OR l.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf AND c.relkind = 'p')) \
          AND NOT (l.relkind = 'r' AND l.relpersistence = 'p' AND (l.relreplident = 'f' \
               OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = l.oid AND i.indisvalid \
                    AND (l.relreplident = 'd' AND i.indisprimary OR l.relreplident = 'i' AND i.indisreplident)))))";

/// One feed.
struct PgFeed {
    connection: PgConnection,
    label: String,
    slot: String,
    publication: String,
    decoder: Decoder,
}

#[async_trait]
impl Feeds for PgDatabase {
    async fn published(&self, publication: &str) -> Result<Vec<TableName>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT schemaname::text, tablename::text FROM pg_publication_tables WHERE pubname = $1")
                .bind(publication)
                .fetch_all(self.pool())
                .await
                .map_err(self.failed("reading what is published"))?;
        Ok(rows.into_iter().map(|(schema, name)| TableName { schema, name }).collect())
    }

    async fn publish(&self, publication: &str, tables: &[TableName]) -> Result<()> {
        let (schemas, names) = arrays(tables);
        let watchable: Vec<(String, String)> = sqlx::query_as(WATCHABLE)
            .bind(schemas)
            .bind(names)
            .fetch_all(self.pool())
            .await
            .map_err(self.failed("reading which tables can be followed"))?;
        let list: Vec<String> = watchable.into_iter().map(|(s, n)| format!("ONLY {}", TableName::new(s, n))).collect();
        // A publication of no table cannot be written as one of tables.
        let tables = if list.is_empty() { String::new() } else { format!(" FOR TABLE {}", list.join(", ")) };
        let sql = format!("CREATE PUBLICATION {}{tables}", quote(publication));
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(self.pool())
            .await
            .map(drop)
            .map_err(self.failed("publishing which rows change"))
    }

    async fn unpublish(&self, publication: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(format!("DROP PUBLICATION IF EXISTS {}", quote(publication))))
            .execute(self.pool())
            .await
            .map(drop)
            .map_err(self.failed("taking back what was published"))
    }

    async fn follow(&self, publication: &str, tables: Vec<Followed>) -> Result<Box<dyn Feed>> {
        let mut connection = PgDatabase::open(self).await?;
        let settings = format!("SET statement_timeout = '{LIMIT}'");
        sqlx::raw_sql(AssertSqlSafe(settings))
            .execute(&mut connection)
            .await
            .map_err(self.failed("preparing to follow changes"))?;
        // The session's own number, so that two programs never want the same name.
        let slot: String = sqlx::query_scalar(
            "SELECT slot_name::text FROM pg_create_logical_replication_slot( \
                 'switchyard_feed_' || pg_backend_pid(), 'pgoutput', true)",
        )
        .persistent(false)
        .fetch_one(&mut connection)
        .await
        .map_err(self.failed("making a temporary slot to follow changes"))?;
        Ok(Box::new(PgFeed {
            connection,
            label: self.label().to_owned(),
            slot,
            publication: publication.to_owned(),
            decoder: Decoder::new(tables),
        }))
    }
}

impl PgFeed {
    fn failed(&self) -> impl FnOnce(sqlx::Error) -> Error + use<> {
        let doing = format!("following changes on {}", self.label);
        move |e| classify::classify(doing, e)
    }
}

#[async_trait]
impl Feed for PgFeed {
    async fn next(&mut self) -> Result<Changes> {
        let failed = self.failed();
        let sql = reading(&self.slot, &self.publication);
        let PgFeed { connection, decoder, .. } = self;
        let read = async {
            let mut changes = Changes::default();
            let (mut messages, mut copied) = (0, Copied::default());
            let mut stream = connection.copy_out_raw(&sql).await?;
            while let Some(chunk) = stream.try_next().await? {
                copied.push(&chunk, |message| {
                    messages += 1;
                    note(&mut changes, decoder.read(message));
                });
            }
            changes.caught_up = messages < AT_ONCE;
            Ok::<_, sqlx::Error>(changes)
        };
        read.await.map_err(failed)
    }

    async fn close(self: Box<Self>) {
        // The slot goes with the session; a failed good-bye changes nothing.
        let _ = sqlx::Connection::close(self.connection).await;
    }
}

/// A copy, since a row of the driver costs more than what is in it, and to pack rows costs the server as much as to decode
/// them. It takes no parameters: both names are ours, and quoted.
fn reading(slot: &str, publication: &str) -> String {
    format!(
        "COPY (SELECT CASE WHEN length(data) > {ENOUGH} THEN substring(data FROM 1 FOR {ENOUGH}) ELSE data END \
           FROM pg_logical_slot_get_binary_changes({}, NULL, {AT_ONCE}, 'proto_version', '1', 'publication_names', {})) \
         TO STDOUT (FORMAT binary)",
        literal(slot),
        literal(&quote(publication))
    )
}

fn note(changes: &mut Changes, told: Told) {
    match told {
        Told::Nothing => {}
        Told::Keys(number, keys) => {
            if changes.whole.contains(&number) {
                return;
            }
            let kept = changes.keys.entry(number).or_default();
            kept.extend(keys);
            if kept.len() > MOST_KEYS {
                changes.keys.remove(&number);
                changes.whole.insert(number);
            }
        }
        Told::Whole(numbers) => {
            for number in numbers {
                changes.keys.remove(&number);
                changes.whole.insert(number);
            }
        }
    }
}
