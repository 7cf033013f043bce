//! The servers on which cases are tried.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_engine::{
    Result,
    clock::SystemClock,
    db::{Database, connect::bundle},
    reconcile::{Outcome, Pace, Pass, Stream, pair},
};
use switchyard_model::{Side, ident::quote, reconcile::TableReport};
use switchyard_rig::Major;

use crate::{
    plan::{Case, Cell, Table, expected, line},
    postgres_server::{Bed, connect},
};

const TYPES: &str = "
    CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'glad'); CREATE TYPE public.duo AS (a int, t text);
    CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);";

/// Two databases at rest.
struct Still;

#[async_trait]
impl Stream for Still {
    async fn pass(&self) -> Result<()> {
        Ok(())
    }
}

/// A source, and a target of each version.
pub struct Servers {
    source: (Bed, Database),
    targets: [(Bed, Database); 2],
}

impl Servers {
    pub async fn start() -> Self {
        let start = async |major, side| {
            let bed = Bed::start(major, &[]).await;
            bed.execute(TYPES).await;
            let database = bundle(connect(&bed.server, side, "shop").await);
            (bed, database)
        };
        let (source, a, b) = tokio::join!(
            start(Major::V15, Side::Source),
            start(Major::V15, Side::Target),
            start(Major::best(), Side::Target)
        );
        Servers { source, targets: [a, b] }
    }

    /// Builds a case, compares, and tells what was not exactly as planted.
    pub async fn mistakes(&self, case: &Case) -> Option<String> {
        let target = &self.targets[case.seed as usize % 2];
        let schema = quote(&case.schema);
        tokio::join!(build(&self.source.0, case, 0), build(&target.0, case, 1));
        let outcome = self.compare(&target.1, case).await;
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        tokio::join!(self.source.0.execute(drop.as_str()), target.0.execute(drop.as_str()));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(e) => return Some(e.sentence()),
        };
        case.tables.iter().find_map(|t| mistake(case, t, &outcome.tables))
    }

    async fn compare(&self, target: &Database, case: &Case) -> Result<Outcome> {
        let source = &self.source.1;
        let (here, there) = tokio::try_join!(source.catalog.inventory(0), target.catalog.inventory(0))?;
        let pairing = pair(&here, &there, |t| t.schema == case.schema, |base| source.rows.rendering(base, case.exact));
        let (pace, clock) = (Pace::default(), Arc::new(SystemClock));
        let (authority, lanes) = (Side::Source, case.lanes);
        Pass { source, target, authority, stream: &Still, lanes, pace: &pace, clock }.run(pairing).await
    }
}

/// The table's own report and those of its parts, against what was planted.
fn mistake(case: &Case, table: &Table, reports: &[TableReport]) -> Option<String> {
    let own = |r: &&TableReport| r.table.name == table.name || r.table.name.starts_with(&part_prefix(&table.name));
    let reports: Vec<&TableReport> = reports.iter().filter(own).collect();
    let mut found: Vec<String> = Vec::new();
    for f in reports.iter().flat_map(|r| &r.findings) {
        let key: Vec<String> =
            if table.key.is_empty() { vec![] } else { f.key.iter().map(|(_, value)| value.clone()).collect() };
        let columns: Vec<&str> = f.columns.iter().map(|c| c.column.as_str()).collect();
        found.push(line(f.kind, &key, &columns, f.rows_source as usize, f.rows_target as usize));
    }
    found.sort();
    let expected = expected(table, case.exact);
    let rows: i64 = reports.iter().map(|r| r.rows_source).sum();
    let left_out: Vec<_> = reports.iter().flat_map(|r| &r.not_compared).filter(|n| n.column != table.more).collect();
    let hot: usize = reports.iter().map(|r| r.hot.len()).sum();
    let right = found == expected && rows == table.source.len() as i64 && left_out.is_empty() && hot == 0;
    (!right).then(|| {
        let types: Vec<_> = table.columns.iter().map(|c| (&c.source_type, &c.target_type)).collect();
        let missed: Vec<_> = expected.iter().filter(|e| !found.contains(e)).collect();
        let wrong: Vec<_> = found.iter().filter(|f| !expected.contains(f)).collect();
        format!(
            "exact {}, table {:?}, {types:?}, key {:?}, parts {:?}, {} and {} rows, {rows} read, {hot} hot: missed {missed:?}, wrong {wrong:?}, \
             left out {left_out:?}",
            case.exact, table.name, table.key, table.parts, table.source.len(), table.target.len()
        )
    })
}

fn part_prefix(name: &str) -> String {
    let short: String = name.chars().take(4).collect();
    format!("part of {short}")
}

async fn build(bed: &Bed, case: &Case, side: usize) {
    let mut connection = PgConnection::connect(&bed.server.app_url()).await.unwrap();
    let schema = quote(&case.schema);
    execute(&mut connection, format!("CREATE SCHEMA {schema}; SET search_path = {schema}, public")).await;
    for table in &case.tables {
        execute(&mut connection, create(table, side)).await;
        let order = order(table, side);
        let columns: Vec<String> = order.iter().map(|i| quote(&table.columns[*i].name)).collect();
        let copy = format!("COPY {} ({}) FROM STDIN", quote(&table.name), columns.join(", "));
        let rows = if side == 0 { &table.source } else { &table.target };
        let mut text = String::new();
        for row in rows {
            let cells: Vec<String> = order.iter().map(|i| escaped(table, *i, row[*i])).collect();
            text.push_str(&cells.join("\t"));
            text.push('\n');
        }
        let mut into = connection.copy_in_raw(&copy).await.unwrap();
        into.send(text.as_bytes()).await.unwrap();
        into.finish().await.unwrap_or_else(|e| panic!("seed {}: {copy}: {e}", case.seed));
        if table.analyzed[side] {
            execute(&mut connection, format!("ANALYZE {}", quote(&table.name))).await;
        }
    }
}

fn order(table: &Table, side: usize) -> Vec<usize> {
    if side == 0 { (0..table.columns.len()).collect() } else { table.order.clone() }
}

fn create(table: &Table, side: usize) -> String {
    let mut parts: Vec<String> = order(table, side)
        .into_iter()
        .map(|i| &table.columns[i])
        .map(|c| format!("{} {}", quote(&c.name), if side == 0 { &c.source_type } else { &c.target_type }))
        .collect();
    if let (Some(more), 1) = (&table.more, side) {
        parts.insert(0, format!("{} int DEFAULT 7", quote(more)));
    }
    let key: Vec<String> = table.key.iter().map(|i| quote(&table.columns[*i].name)).collect();
    if !key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    let (name, several) = (quote(&table.name), table.parts[side]);
    let mut sql = format!("CREATE TABLE {name} ({})", parts.join(", "));
    if several > 0 {
        sql += &format!(" PARTITION BY HASH ({})", key[0]);
        for n in 0..several {
            let part = quote(&format!("{} {several}.{n}", part_prefix(&table.name)));
            sql += &format!(
                "; CREATE TABLE {part} PARTITION OF {name} FOR VALUES WITH (MODULUS {several}, REMAINDER {n})"
            );
        }
    }
    sql
}

/// A value as COPY reads it.
fn escaped(table: &Table, column: usize, (number, other): Cell) -> String {
    let Some(n) = number else { return "\\N".to_owned() };
    let kind = table.columns[column].kind;
    let value = if other { kind.other(n).unwrap() } else { kind.value(n) };
    value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}
