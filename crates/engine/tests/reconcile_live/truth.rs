//! What differs, by reading both databases with plain SQL.

use std::collections::{BTreeMap, HashMap};

use sqlx::AssertSqlSafe;
use switchyard_model::{Side, reconcile::FindingKind};

use super::{
    bed::{Row, Wrong},
    native_pair::{Pair, long},
};

/// Each table by its plain name, as SQL writes it, with how many of its columns, the first ones, are its key.
fn tables() -> [(String, String, usize); 7] {
    let public = |name: &str, key| (format!("public.{name}"), format!("public.{name}"), key);
    [
        (long().plain(), long().to_string(), 1),
        public("part_0", 2),
        public("part_1", 2),
        public("counter", 1),
        public("keyless", 0),
        public("kinds", 1),
        public("entry", 2),
    ]
}

type Values = Vec<Option<String>>;

/// Rows of one side by their key; without a key by all that they hold, with how many there are.
async fn rows(pair: &Pair, side: Side, table: &str, columns: &[String], key: usize) -> HashMap<String, (Values, i64)> {
    let list: Vec<String> = columns.iter().map(|c| format!("\"{c}\"::text")).collect();
    let sql = format!("SELECT ARRAY[{}] FROM {table}", list.join(", "));
    let found: Vec<Values> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pair.pool(side)).await.unwrap();
    let mut all = HashMap::with_capacity(found.len());
    for values in found {
        let key = if key == 0 { values.len() } else { key };
        let name = values.iter().take(key).map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|");
        all.entry(name).or_insert((values, 0)).1 += 1;
    }
    all
}

/// Every row that is not the same on both sides.
pub async fn differences(pair: &Pair) -> BTreeMap<Row, Wrong> {
    let mut all = BTreeMap::new();
    for (plain, table, key) in tables() {
        let columns: Vec<String> = sqlx::query_scalar(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum",
        )
        .bind(&table)
        .fetch_all(&pair.source_pool)
        .await
        .unwrap();
        let (here, mut there) = tokio::join!(
            rows(pair, Side::Source, &table, &columns, key),
            rows(pair, Side::Target, &table, &columns, key)
        );
        for (name, (a, count)) in here {
            let wrong = match there.remove(&name) {
                None => (FindingKind::MissingOnTarget, Vec::new()),
                Some((b, other)) if b == a && other == count => continue,
                Some((b, _)) => {
                    let differ = columns.iter().zip(a.iter().zip(&b)).filter(|(_, (a, b))| a != b);
                    let mut differ: Vec<String> = differ.map(|(c, _)| c.clone()).collect();
                    differ.sort();
                    (FindingKind::Different, differ)
                }
            };
            all.insert((plain.clone(), name), wrong);
        }
        all.extend(there.into_keys().map(|name| ((plain.clone(), name), (FindingKind::OnlyOnTarget, Vec::new()))));
    }
    all
}
